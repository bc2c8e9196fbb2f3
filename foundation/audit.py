"""The audit trail: who did what, when, before and after. Append-only, and each event holds the hash of the one before.

An event that is changed, removed or slipped in breaks the chain from there on, and ``broken_link`` names the place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Date, Integer, String, Table, Text, select, type_coerce
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


def newest_events(  # noqa: PLR0913 - each narrows
    connection: Connection,
    size: int,
    *,
    before: int | None = None,
    actor: str = "",
    action: str = "",
    since: date | None = None,
    until: date | None = None,
) -> list[KeptEvent]:
    """Events of everybody, newest first; whoever shows them says whose may be seen.

    Args:
        connection: Where to read.
        size: At most so many.
        before: Only those with a lower number.
        actor: Only this one's.
        action: Only those that begin so: a room, or a room and a participle.
        since: Not before this business date.
        until: Not after this business date.
    """
    query = select(audit_event).order_by(audit_event.c.id.desc()).limit(size)
    if before is not None:
        query = query.where(audit_event.c.id < before)
    if actor:
        query = query.where(audit_event.c.actor == actor)
    if action:
        query = query.where(audit_event.c.action.startswith(action, autoescape=True))
    if since is not None:
        query = query.where(audit_event.c.business_date >= since)
    if until is not None:
        query = query.where(audit_event.c.business_date <= until)
    return [
        KeptEvent(row.id, row.happened_at, row.business_date, row.actor, row.action, row.subject, row.details)
        for row in connection.execute(query)
    ]


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
