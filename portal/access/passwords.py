"""Passwords: argon2id, and what is too easily guessed to be one."""

from __future__ import annotations

import re
import secrets
from functools import lru_cache
from importlib import resources

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

    danish = N_("Adgangskoden er en af dem, der prøves først. Vælg en, der ikke er et kendt ord, et navn eller en række.")


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
    name = login.casefold().partition("@")[0]
    core = re.sub(r"[\W\d_]+", "", small)
    halves = {small, core, *(small[: len(small) // times] for times in (2, 3) if small == small[: len(small) // times] * times)}
    halves |= {core[: len(core) // times] for times in (2, 3) if core == core[: len(core) // times] * times}
    if (
        halves & common_words()
        or len(set(small)) < FEWEST_DIFFERENT
        or _is_a_row(small)
        or not core and len(set(small)) < SHORTEST - 2
        or (name and len(name) > 2 and (core == re.sub(r"[\W\d_]+", "", name) or small.replace(name, "") in {"", "1", "123"}))  # noqa: PLR2004
    ):
        raise PasswordTooCommon


def _is_a_row(text: str) -> bool:
    """Whether every character follows the one before: abcdef, 987654."""
    steps = {ord(after) - ord(before) for before, after in zip(text, text[1:], strict=False)}
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
        return HASHER.verify(kept or _nobodys_hash(), password[: LONGEST + 1]) and bool(kept)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether it was hashed with weaker settings than today's."""
    return HASHER.check_needs_rehash(kept)


def made_up() -> str:
    """A good password for somebody's first day."""
    return "-".join("".join(secrets.choice(READABLE) for _ in range(5)) for _ in range(4))
