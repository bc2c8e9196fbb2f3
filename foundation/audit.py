"""The audit trail: who did what, when, before and after. Append-only, and each event holds the hash of the one before.

An event that is changed, removed or slipped in breaks the chain from there on, and ``broken_link`` names the place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Date,
    Integer,
    String,
    Table,
    Text,
    and_,
    func,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType

from foundation.canonical import canonical
from foundation.database import hold, insert_rows, metadata

audit_event = Table(
    "audit_event",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("happened_at", String(32), nullable=False),  # UTC, ISO 8601; text, so that both databases hash the same
    Column("business_date", Date, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(80), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("details", Text, nullable=False),  # canonical JSON
    Column("previous_hash", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
)

FIRST_LINK = "0" * 64
LONGEST_SUBJECT = 200


def link_of(fields: Sequence[str]) -> str:
    """An event's hash, over the one before and all that it says; JSON quotes, so that none can run into the next."""
    return hashlib.sha256(b"[" + b", ".join([canonical(field) for field in fields]) + b"]").hexdigest()


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who does something, at what instant, and for which business date.

    Attributes:
        as_of: The business date, in Danish time; a run never reads the clock itself.
        actor: The person or process that the audit trail names.
        at: The instant, UTC.
    """

    as_of: date
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """What the trail says of one thing that was done; see ``record``."""

    action: str
    subject: str
    details: Mapping[str, Any]


def record(
    connection: Connection,
    occasion: Occasion,
    *,
    action: str,
    subject: str,
    details: Mapping[str, Any],
) -> None:
    """Append one event within the transaction that it tells of.

    Args:
        connection: The transaction.
        occasion: Who, when, and for which business date.
        action: A participle with its room: ``monthly_aconto.issued``.
        subject: What it was done to: an agreement's code, a document's number.
        details: What was before and after; plain values, never a person's data.
    """
    record_all(connection, occasion, [Event(action, subject, details)])


def record_all(connection: Connection, occasion: Occasion, events: Sequence[Event]) -> None:
    """Append many events of one occasion, in their order; see ``record``."""
    if not events:
        return
    hold(connection, "audit_event")  # one writer at a time, so that the chain has no forks
    last = connection.execute(
        select(audit_event.c.hash).order_by(audit_event.c.id.desc()).limit(1),
    ).scalar_one_or_none()
    previous = last or FIRST_LINK
    happened_at = occasion.at.isoformat(timespec="microseconds")
    day = occasion.as_of.isoformat()
    rows = []
    for event in events:
        subject, written = event.subject[:LONGEST_SUBJECT], canonical(event.details).decode()
        link = link_of((previous, happened_at, day, occasion.actor, event.action, subject, written))
        rows.append(
            {
                "happened_at": happened_at,
                "business_date": occasion.as_of,
                "actor": occasion.actor,
                "action": event.action,
                "subject": subject,
                "details": written,
                "previous_hash": previous,
                "hash": link,
            },
        )
        previous = link
    insert_rows(connection, audit_event, rows)


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """One event as the trail has it."""

    number: int
    happened_at: str
    business_date: date
    actor: str
    action: str
    subject: str
    details: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events somebody looks for.

    Attributes:
        actor: Only this one's.
        action: Only those that begin so: a room, or a room and a participle.
        since, until: Only of business dates from this day, to this day.
        words: Only those whose subject or details hold this, however it is written.
    """

    actor: str = ""
    action: str = ""
    since: date | None = None
    until: date | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose events may be seen: those that tell of somebody's things. An event that says no such is nobody's.

    Attributes:
        first_words: What a subject may begin with: an agreement's code.
        subjects: What it may be.
        named: What the details may hold: ``"issuer":"461"``.
        hidden: What an action may not begin with.
    """

    first_words: Collection[str]
    subjects: Collection[str]
    named: str
    hidden: str


def newest_events(  # noqa: PLR0913 - whose, which, from where, how many of how many
    connection: Connection,
    whose: Whose,
    asked: Asked,
    *,
    size: int,
    look_through: int,
    before: int | None = None,
) -> tuple[list[KeptEvent], int | None]:
    """Some events, newest first, and the number to ask on with; None where there are no more.

    Whose they are and what they say is looked at where they lie: no other event is fetched. So many are looked through
    at most, so that an answer that has few or none is quick, too.

    Args:
        connection: Where to read.
        whose: What may be seen.
        asked: What is looked for.
        size: At most so many.
        look_through: At most so many that fit ``asked`` but for its words.
        before: Only those with a lower number.
    """
    event = audit_event.c
    fits: list[ColumnElement[bool]] = []
    if asked.actor:
        fits.append(event.actor == asked.actor)
    if asked.action:
        fits.append(event.action.startswith(asked.action, autoescape=True))
    if asked.since is not None:
        fits.append(event.business_date >= asked.since)
    if asked.until is not None:
        fits.append(event.business_date <= asked.until)
    end = _end_of_look(connection, fits, look_through, before)
    if before is not None:
        fits.append(event.id < before)
    newest_first = event.id.desc()
    query = select(audit_event).where(*fits, _is_of(connection, whose)).order_by(newest_first).limit(size + 1)
    if end is not None:
        query = query.where(event.id >= end)
    if asked.words:
        small = asked.words.casefold()
        query = query.where(or_(*(_holds(connection, _small(said), small) for said in (event.subject, event.details))))
    rows = connection.execute(query).all()
    found = [
        KeptEvent(row.id, row.happened_at, row.business_date, row.actor, row.action, row.subject, row.details)
        for row in rows[:size]
    ]
    return found, found[-1].number if len(rows) > size else end


def _end_of_look(
    connection: Connection, fits: Sequence[ColumnElement[bool]], look_through: int, before: int | None
) -> int | None:
    """The lowest number that is looked at; None where all are. Without a condition no event has to be read for it."""
    number = audit_event.c.id
    if not fits:
        end = (before or (connection.execute(select(func.max(number))).scalar_one() or 0) + 1) - look_through
        return end if end > 1 else None
    query = select(number).where(*fits).order_by(number.desc()).limit(1).offset(look_through - 1)
    if before is not None:
        query = query.where(number < before)
    return connection.execute(query).scalar_one_or_none()


def _is_of(connection: Connection, whose: Whose) -> ColumnElement[bool]:
    subject = audit_event.c.subject
    if connection.dialect.name == "sqlite":
        first_word: ColumnElement[str] = func.substr(subject, 1, func.instr(subject + " ", " ") - 1)
    else:
        first_word = func.split_part(subject, " ", 1)
    return and_(
        ~audit_event.c.action.startswith(whose.hidden, autoescape=True),
        or_(
            first_word.in_(sorted(whose.first_words)),
            subject.in_(sorted(whose.subjects)),
            _holds(connection, audit_event.c.details, whose.named),
        ),
    )


def _holds(connection: Connection, text: ColumnElement[str], words: str) -> ColumnElement[bool]:
    """Whether a text holds just these letters; LIKE asks the same and takes several times as long on SQLite."""
    place = func.instr(text, words) if connection.dialect.name == "sqlite" else func.strpos(text, words)
    return place > 0


# SQLite makes only the letters of English small, and PostgreSQL only those of the language that it was set up in.
_GREAT = "ÆØÅÄÖÜÉ"


def _small(text: ColumnElement[str]) -> ColumnElement[str]:
    small: ColumnElement[str] = func.lower(text)
    for letter in _GREAT:
        small = func.replace(small, letter, letter.lower())
    return small


def broken_link(connection: Connection) -> int | None:
    """The id of the first event whose place in the chain is wrong, or None where the chain is whole."""
    previous = FIRST_LINK
    # As it lies in the database: what was tampered with may be no day.
    kept = [type_coerce(column, NullType()).label(column.name) for column in audit_event.c]
    for row in connection.execute(select(*kept).order_by(audit_event.c.id)):
        fields = (
            row.previous_hash,
            row.happened_at,
            str(row.business_date),
            row.actor,
            row.action,
            row.subject,
            row.details,
        )
        if row.previous_hash != previous or link_of(tuple(map(str, fields))) != row.hash:
            return int(row.id)
        previous = row.hash
    return None
