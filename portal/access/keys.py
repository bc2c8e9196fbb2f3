"""What programs come in by: keys of the API and calendar addresses; within the caller's transaction, none commits.

A key is a person's: it does what it does in the person's name, never more than the person may at that moment, and at
one municipality only. So whoever planned with a key cannot approve with another one (four eyes), and closing a person
closes all keys.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from agreements.agreement import MunicipalityCode
from agreements.municipality import MUNICIPALITIES
from foundation import audit, tokens, users
from foundation.audit import Occasion
from foundation.errors import BadInput, MellemregningError, N_, NotFound
from foundation.tokens import LONGEST_NAME, TokenRow
from portal.access.run import find, fingerprint, person_of, text_of
from portal.access.scope import Deed, NotAllowed, Person

PREFIX = "mr_"
LONGEST_DAYS = 366
DEFAULT_DAYS = 90

# What a key may be for, and what its person must be allowed to.
SCOPES: Mapping[str, Deed] = {
    "agreements:read": Deed.READ,
    "agreements:load": Deed.PREPARE,
    "population:read": Deed.READ,
    "population:load": Deed.PREPARE,
    "prices:read": Deed.READ,
    "prices:calculate": Deed.PREPARE,
    "invoices:read": Deed.READ,
    "invoices:credit": Deed.APPROVE,
    "payments:read": Deed.READ,
    "payments:load": Deed.PREPARE,
    "payments:match": Deed.PREPARE,
    "interest:prepare": Deed.PREPARE,
    "interest:approve": Deed.APPROVE,
    "statements:read": Deed.READ,
    "statements:release": Deed.APPROVE,
    "usage:load": Deed.PREPARE,
    "accounts:read": Deed.READ,
    "accounts:load": Deed.PREPARE,
    "accounts:close": Deed.APPROVE,
    "deadlines:read": Deed.READ,
    "deliveries:read": Deed.READ,
    "deliveries:send": Deed.PREPARE,
    "notices:read": Deed.READ,
    "notices:demand": Deed.PREPARE,
    "notices:leave": Deed.APPROVE,
    "notices:answer": Deed.PREPARE,
    "plans:read": Deed.READ,
    "plans:prepare": Deed.PREPARE,
    "plans:approve": Deed.APPROVE,
    "hooks:manage": Deed.PREPARE,
    "audit:read": Deed.AUDIT,
}


class KeyNameMissing(BadInput):
    """A key without a name is one that nobody dares to end."""

    danish = N_("Giv nøglen et navn på højst {longest} tegn, fx det system, der skal bruge den.")


class ScopesWrong(BadInput):
    """No scope, or one that there is not."""

    danish = N_("Vælg, hvad nøglen må: {scopes}.")


class DaysWrong(BadInput):
    """A key ends within a year."""

    danish = N_("En nøgle gælder mindst 1 og højst {longest} dage. Ret antallet af dage.")


class KeyUnknown(NotFound):
    """There is no such key here, or it is another person's."""

    danish = N_("Der er ingen nøgle {number} her. Se dem på listen over nøgler.")


class KeyRefused(MellemregningError):
    """No key, or one that does not open anything now; not told which."""

    danish = N_("Nøglen er ukendt, udløbet eller lukket. Send en gyldig nøgle som «Authorization: Bearer …».")


class ScopeMissing(MellemregningError):
    """The key is not for this."""

    danish = N_("Nøglen må ikke dette; det kræver «{scope}». Lav en nøgle, der må.")


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that has come in.

    Attributes:
        person: In whose name, with the roles of this moment.
        place: The municipality that the key is for.
    """

    person: Person
    place: MunicipalityCode
    token: TokenRow

    def require(self, scope: str) -> None:
        """Pass if the key is for it and the person still may.

        Raises:
            ScopeMissing, NotAllowed.
        """
        if scope not in self.token.scopes:
            raise ScopeMissing(scope=scope)
        if not self.person.may(SCOPES[scope], self.place):
            raise NotAllowed(name=MUNICIPALITIES[self.place].name)


def may_have(person: Person, place: MunicipalityCode) -> list[str]:
    """The scopes that a person's roles at a municipality allow."""
    return [scope for scope, deed in SCOPES.items() if person.may(deed, place)]


def make_key(  # noqa: PLR0913, PLR0917 - what a key is for
    connection: Connection,
    login: str,
    place: MunicipalityCode,
    name: str,
    scopes: Collection[str],
    occasion: Occasion,
    *,
    days: int = DEFAULT_DAYS,
) -> tuple[int, str]:
    """Make a key; answers its number and the key, of which only a hash is kept.

    Args:
        connection: The transaction.
        login: Whose key it becomes.
        place: The municipality that it is for.
        name: What it is for, in words.
        scopes: What it may.
        occasion: Who makes it.
        days: How long it holds.

    Raises:
        UserUnknown, KeyNameMissing, ScopesWrong, DaysWrong.
        PlaceUnknown, NotAllowed: the person's roles there do not allow it.
    """
    user = find(connection, login)
    title = " ".join(name.split())
    if not title or len(title) > LONGEST_NAME or not title.isprintable():
        raise KeyNameMissing(longest=LONGEST_NAME)
    wanted = tuple(scope for scope in SCOPES if scope in scopes)
    if not wanted or set(scopes) - set(SCOPES):
        raise ScopesWrong(scopes=list(SCOPES))
    if not 1 <= days <= LONGEST_DAYS:
        raise DaysWrong(longest=LONGEST_DAYS)
    person = person_of(user)
    for scope in wanted:
        person.require(SCOPES[scope], place)
    token = PREFIX + secrets.token_urlsafe(32)
    number = tokens.add_token(
        connection,
        user.id,
        place,
        title,
        fingerprint(token),
        wanted,
        text_of(occasion.at),
        text_of(occasion.at + timedelta(days=days)),
    )
    audit.record(
        connection,
        occasion,
        action="access.key_made",
        subject=user.login,
        details={"key": number, "name": title, "municipality": place, "scopes": list(wanted), "days": days},
    )
    return number, token


def end_key(
    connection: Connection, number: int, occasion: Occasion, *, place: MunicipalityCode | None, login: str | None
) -> TokenRow:
    """End a key.

    Args:
        connection: The transaction.
        number: The key's.
        occasion: Who ends it.
        place: Only one of this municipality's; None for whoever runs the service.
        login: Only one of this person's; None for an administrator.

    Raises:
        KeyUnknown.
    """
    found = next((each for each in tokens.tokens(connection, place) if each.id == number), None)
    if found is None or login not in {None, found.login}:
        raise KeyUnknown(number=number)
    if found.revoked_at is None:
        tokens.revoke_token(connection, number, text_of(occasion.at))
        audit.record(
            connection,
            occasion,
            action="access.key_ended",
            subject=found.login,
            details={"key": number, "municipality": found.municipality},
        )
    return found


def is_on(token: TokenRow, at: datetime) -> bool:
    """Whether a key opens something at an instant."""
    return token.revoked_at is None and token.expires_at > text_of(at)


def caller_of(connection: Connection, header: str | None, at: datetime) -> Caller:
    """Who comes with an ``Authorization`` header.

    Raises:
        KeyRefused: nobody; a key that has ended; a person who is closed or has no role there any more.
    """
    kind, _space, token = (header or "").partition(" ")
    if kind.casefold() != "bearer" or not token.startswith(PREFIX):
        raise KeyRefused
    found = tokens.find_token(connection, fingerprint(token.strip()))
    if found is None or not is_on(found, at):
        raise KeyRefused
    user = users.find_user(connection, found.login)
    person = person_of(user) if user is not None and user.active else None
    if person is None or not person.roles.get(found.municipality) or found.municipality not in MUNICIPALITIES:
        raise KeyRefused
    return Caller(person, found.municipality, found)


# Calendars.


def new_calendar(connection: Connection, person: Person, place: MunicipalityCode, occasion: Occasion) -> str:
    """Give a person a new calendar address at a municipality; the one before ends."""
    token = secrets.token_urlsafe(32)
    tokens.set_calendar(connection, person.id, place, fingerprint(f"calendar {token}"), text_of(occasion.at))
    audit.record(
        connection,
        occasion,
        action="access.calendar_made",
        subject=person.login,
        details={"municipality": place},
    )
    return token


def close_calendar(connection: Connection, person: Person, place: MunicipalityCode, occasion: Occasion) -> None:
    """End a person's calendar address."""
    if tokens.calendar_made_at(connection, person.id, place) is None:
        return
    tokens.drop_calendar(connection, person.id, place)
    audit.record(
        connection,
        occasion,
        action="access.calendar_ended",
        subject=person.login,
        details={"municipality": place},
    )


def calendar_of(connection: Connection, token: str) -> MunicipalityCode | None:
    """Whose calendar an address opens; None where it opens nothing now."""
    found = tokens.find_calendar(connection, fingerprint(f"calendar {token}"))
    if found is None:
        return None
    login, place = found
    user = users.find_user(connection, login)
    if user is None or not user.active or not person_of(user).may(Deed.READ, place):
        return None
    return place
