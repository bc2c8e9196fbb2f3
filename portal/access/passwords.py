"""Passwords: argon2id, and what is too easily guessed to be one."""

from __future__ import annotations

import re
import secrets
from functools import lru_cache
from importlib import resources
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from foundation.errors import BadInput, N_

SHORTEST, LONGEST = 12, 200
FEWEST_DIFFERENT = 5
HASHER = PasswordHasher()  # argon2id with RFC 9106's second recommendation, 64 MiB
# Letters and figures that nobody mistakes for another when they are read aloud or copied from a screen.
READABLE = "abcdefghjkmnpqrstuvwxyz23456789"


class PasswordTooShort(BadInput):
    """Fewer characters than a guesser needs a long time for."""

    danish = N_("Adgangskoden er for kort. Skriv mindst {shortest} tegn, gerne flere ord.")


class PasswordTooLong(BadInput):
    """More than anybody types; it would only keep us busy."""

    danish = N_("Adgangskoden er for lang. Skriv højst {longest} tegn.")


class PasswordTooCommon(BadInput):
    """One of those that are tried first."""

    danish = N_(
        "Adgangskoden er en af dem, der prøves først. Vælg en, der ikke er et kendt ord, et navn eller en række."
    )


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """What stands in leaked lists again and again, Danish and English, in small letters without figures around it."""
    text = resources.files("portal.access").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def require_good(password: str, login: str) -> None:
    """Pass if it may be a password of this person.

    Raises:
        PasswordTooShort, PasswordTooLong, PasswordTooCommon.
    """
    if len(password) < SHORTEST:
        raise PasswordTooShort(shortest=SHORTEST)
    if len(password) > LONGEST:
        raise PasswordTooLong(longest=LONGEST)
    small = password.casefold()
    letters = _letters(small)
    name = _letters(login.casefold().partition("@")[0])
    tried = {small, letters, _once(small), _once(letters)}
    if (
        not letters  # a number, a date, a telephone
        or len(set(small)) < FEWEST_DIFFERENT
        or tried & common_words()
        or (name and name in {letters, _once(letters)})
        or _is_a_row(small)
    ):
        raise PasswordTooCommon


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", "", text)


def _once(text: str) -> str:
    """What a text says again and again, or the text itself: ``odense`` of ``odenseodense``."""
    for length in range(1, len(text) // 2 + 1):
        if text == text[:length] * (len(text) // length):
            return text[:length]
    return text


def _is_a_row(text: str) -> bool:
    """Whether every character follows the one before: abcdef, fedcba."""
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    return steps in ({1}, {-1})


def hash_of(password: str) -> str:
    """What is kept of a password."""
    return HASHER.hash(password)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return HASHER.hash(secrets.token_urlsafe())


def is_right(password: str, kept: str) -> bool:
    """Whether the password is the one; takes as long where there is none to compare with."""
    try:
        HASHER.verify(kept or _nobodys_hash(), password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return bool(kept)


def is_outdated(kept: str) -> bool:
    """Whether it was hashed with weaker settings than today's."""
    return HASHER.check_needs_rehash(kept)


def made_up() -> str:
    """A good password for somebody's first day."""
    return "-".join("".join(secrets.choice(READABLE) for _ in range(5)) for _ in range(4))
