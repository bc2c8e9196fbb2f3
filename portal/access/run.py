"""The verbs of logging in and of saying who may: each within the caller's transaction, none commits.

A login is tried at most ``TRIES_BY_LOGIN`` times in a quarter of an hour, whichever worker is asked, and one address
tries at most ``TRIES_BY_ADDRESS`` times whoever it says it is.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from agreements.agreement import MunicipalityCode
from agreements.municipality import municipality
from foundation import audit, users
from foundation.audit import Occasion
from foundation.database import hold
from foundation.errors import BadInput, MellemregningError, N_, NotFound, RuleBroken
from foundation.users import LONGEST_LOGIN, UserRow
from portal.access import passwords
from portal.access.scope import Person, Role

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=10)
TOUCHED_EVERY = timedelta(minutes=1)
KEPT_AFTERWARDS = timedelta(days=30)
WINDOW = timedelta(minutes=15)
TRIES_BY_LOGIN = 5
TRIES_BY_ADDRESS = 50
LOGIN = re.compile(r"[a-z0-9æøå][a-z0-9æøå._+-]*(@[a-z0-9æøå][a-z0-9æøå.-]*)?")


class LoginNotAName(BadInput):
    """A login name that would be mistaken for something else."""

    danish = N_(
        "«{login}» kan ikke være et brugernavn. Skriv en mailadresse eller små bogstaver, tal, punktum og streg."
    )


class UserExists(RuleBroken):
    """The login name is taken."""

    danish = N_("Der er allerede en bruger, der hedder {login}. Giv brugeren en rolle i stedet.")


class UserUnknown(NotFound):
    """There is no such user, or none with a role here."""

    danish = N_("Der er ingen bruger, der hedder {login}. Se navnene med «mellemregning user list».")


class RoleUnknown(BadInput):
    """A word that is no role."""

    danish = N_("«{role}» er ikke en rolle. Rollerne er: {roles}.")


class NoMoneyForAdministrators(RuleBroken):
    """Administrators say who may, and may nothing with money themselves."""

    danish = N_(
        "{login} kan ikke både være administrator og have en anden rolle hos {name}: den, der giver adgang, rører ikke "
        "penge. Vælg det ene."
    )


class NotYourself(RuleBroken):
    """Nobody gives roles to themselves or takes their own away."""

    danish = N_("Du kan ikke ændre dine egne roller eller lukke dig selv ude. Bed en anden administrator om det.")


class RolesElsewhere(RuleBroken):
    """One municipality does not decide on a person who works for another, too."""

    danish = N_(
        "{login} har også roller hos en anden kommune, så det kan kun den, der driver tjenesten. Tag i stedet rollerne "
        "her fra brugeren."
    )


class RoleMissing(BadInput):
    """A user without a role would be in nobody's list."""

    danish = N_("Vælg mindst én rolle til {login}; intet er ændret.")


class LoginRefused(MellemregningError):
    """Wrong name, wrong password, closed, or unknown to us; not told which."""

    danish = N_("Brugernavn eller adgangskode er forkert. Prøv igen.")


class TooManyTries(MellemregningError):
    """Tried too often."""

    danish = N_("Der er prøvet for mange gange. Vent et kvarter, og prøv igen.")


class OldPasswordWrong(BadInput):
    """The password that was to be changed is another one."""

    danish = N_("Den nuværende adgangskode er forkert. Intet er ændret; prøv igen.")


@dataclass(frozen=True, slots=True)
class Visit:
    """A session that is still on.

    Attributes:
        needs_touch: It is a while since it was noted that the person is here.
    """

    person: Person
    token_hash: str
    needs_touch: bool


def text_of(at: datetime) -> str:
    """An instant as it is kept."""
    return at.isoformat(timespec="microseconds")


def fingerprint(text: str) -> str:
    """What is kept of a token, and of what tries are counted by."""
    return hashlib.sha256(text.encode()).hexdigest()


def person_of(user: UserRow) -> Person:
    """A person with the roles that we know; one that another version wrote is none."""
    roles: dict[MunicipalityCode, set[Role]] = {}
    for place, role in user.roles:
        if role in set(Role):
            roles.setdefault(place, set()).add(Role(role))
    return Person(user.id, user.login, {place: frozenset(held) for place, held in roles.items()})


# Logging in: count, compare (slow, and so outside of any transaction), begin.


def count_try(connection: Connection, login: str, address: str, at: datetime) -> None:
    """Note a try; it is committed whatever comes of it.

    Raises:
        TooManyTries.
    """
    names = [fingerprint(f"login {login}"), fingerprint(f"address {address}")]
    by_login, by_address = users.count_attempt(connection, names, text_of(at), text_of(at - WINDOW))
    if by_login > TRIES_BY_LOGIN or by_address > TRIES_BY_ADDRESS:
        raise TooManyTries


def begin(connection: Connection, user: UserRow, occasion: Occasion, *, password: str = "") -> str:
    """Log a person in; answers the token, of which only a hash is kept."""
    token = secrets.token_urlsafe(32)
    users.forget_attempts(connection, fingerprint(f"login {user.login}"))
    users.forget_sessions(connection, text_of(occasion.at - KEPT_AFTERWARDS))
    users.begin_session(connection, user.id, fingerprint(token), text_of(occasion.at))
    if password and passwords.is_outdated(user.password_hash):
        users.set_password(connection, user.id, passwords.hash_of(password))
    audit.record(connection, occasion, action="access.logged_in", subject=user.login, details={})
    return token


def visit_of(connection: Connection, token: str, at: datetime) -> Visit | None:
    """Who holds the token, if the session is still on: not ended, not idle, not too old, and the person not closed."""
    token_hash = fingerprint(token)
    found = users.find_session(connection, token_hash)
    if found is None or found.ended_at is not None or not found.user.active:
        return None
    if found.seen_at < text_of(at - IDLE) or found.begun_at < text_of(at - ABSOLUTE):
        return None
    return Visit(person_of(found.user), token_hash, needs_touch=found.seen_at < text_of(at - TOUCHED_EVERY))


def end(connection: Connection, token: str, at: datetime) -> None:
    """Log out."""
    users.end_session(connection, fingerprint(token), text_of(at))


def user_of_identity(connection: Connection, issuer: str, subject: str, email: str, *, verified: bool) -> UserRow:
    """The person whom an identity provider vouches for; the first time by a verified mail address that is a login name.

    Raises:
        LoginRefused: nobody, or somebody who is closed.
    """
    found = users.find_identity(connection, issuer, subject)
    if found is None and verified and email:
        found = users.find_user(connection, tidy(email))
        if found is not None and users.has_identity(connection, found.id, issuer):
            found = None  # the address was given to another person since
        if found is not None and found.active:
            users.add_identity(connection, found.id, issuer, subject)
    if found is None or not found.active:
        raise LoginRefused
    return found


# Who may.


def tidy(login: str) -> str:
    """A login name as it is kept."""
    return login.strip().casefold()


def find(connection: Connection, login: str) -> UserRow:
    """A person by login name.

    Raises:
        UserUnknown.
    """
    found = users.find_user(connection, tidy(login))
    if found is None:
        raise UserUnknown(login=login)
    return found


def add_user(connection: Connection, login: str, occasion: Occasion, password: str | None = None) -> str:
    """Make a user without roles; answers the password, which is kept nowhere.

    Args:
        connection: The transaction.
        login: A mail address or a short name.
        occasion: Who does it.
        password: One of their own; else one is made up.

    Raises:
        LoginNotAName, UserExists, PasswordTooShort, PasswordTooLong, PasswordTooCommon.
    """
    name = tidy(login)
    if len(name) > LONGEST_LOGIN or not LOGIN.fullmatch(name):
        raise LoginNotAName(login=login[:60])
    if password is not None:
        passwords.require_good(password, name)
    hold(connection, "user_account")
    if users.find_user(connection, name) is not None:
        raise UserExists(login=name)
    given = password if password is not None else passwords.made_up()
    users.add_user(connection, name, passwords.hash_of(given))
    audit.record(connection, occasion, action="access.user_added", subject=name, details={})
    return given


def set_roles(
    connection: Connection, login: str, place: MunicipalityCode, roles: Collection[str], occasion: Occasion
) -> UserRow:
    """Give a person these roles at a municipality, instead of those before; none at all takes all away.

    Raises:
        UserUnknown, UnknownMunicipality, RoleUnknown, NotYourself, NoMoneyForAdministrators.
    """
    name = municipality(place).name
    for role in roles:
        if role not in set(Role):
            raise RoleUnknown(role=role, roles=[str(each) for each in Role])
    if Role.ADMINISTRATOR in roles and len(set(roles)) > 1:
        raise NoMoneyForAdministrators(login=login, name=name)
    found = find(connection, login)
    if found.login == occasion.actor:
        raise NotYourself
    before = sorted(role for at, role in found.roles if at == place)
    if before != sorted(set(roles)):
        users.set_roles(connection, found.id, place, roles)
        audit.record(
            connection,
            occasion,
            action="access.roles_set",
            subject=found.login,
            details={"municipality": place, "before": before, "after": sorted(set(roles))},
        )
    return find(connection, login)


def set_active(connection: Connection, login: str, occasion: Occasion, *, active: bool) -> UserRow:
    """Close the door for a person, everywhere and at once, or open it again.

    Raises:
        UserUnknown, NotYourself.
    """
    found = find(connection, login)
    if found.login == occasion.actor:
        raise NotYourself
    if found.active != active:
        users.set_active(connection, found.id, active=active)
        if not active:
            users.end_sessions_of(connection, found.id, text_of(occasion.at))
        action = "access.user_enabled" if active else "access.user_disabled"
        audit.record(connection, occasion, action=action, subject=found.login, details={})
    return find(connection, login)


def reset_password(connection: Connection, login: str, occasion: Occasion) -> str:
    """Give a made-up password and end all sessions; answers the password, which is kept nowhere.

    Raises:
        UserUnknown.
    """
    found = find(connection, login)
    given = passwords.made_up()
    users.set_password(connection, found.id, passwords.hash_of(given))
    users.end_sessions_of(connection, found.id, text_of(occasion.at))
    audit.record(connection, occasion, action="access.password_reset", subject=found.login, details={})
    return given


def change_password(
    connection: Connection, login: str, words: Mapping[str, str], token: str, occasion: Occasion
) -> None:
    """Change one's own password; one's other sessions end.

    Args:
        connection: The transaction.
        login: Whose.
        words: ``old`` and ``new``.
        token: The session that goes on.
        occasion: Who and when.

    Raises:
        OldPasswordWrong, PasswordTooShort, PasswordTooLong, PasswordTooCommon.
    """
    found = find(connection, login)
    if not passwords.is_right(words["old"], found.password_hash):
        raise OldPasswordWrong
    passwords.require_good(words["new"], found.login)
    users.set_password(connection, found.id, passwords.hash_of(words["new"]))
    users.end_sessions_of(connection, found.id, text_of(occasion.at), but=fingerprint(token))
    audit.record(connection, occasion, action="access.password_changed", subject=found.login, details={})


def touch(connection: Connection, visit: Visit, at: datetime) -> None:
    """Note that the person was here just now."""
    users.touch_session(connection, visit.token_hash, text_of(at))
