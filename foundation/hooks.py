"""Web-hooks: who wants to be told of what by a signed call, and the entries of the outbox that are to tell them.

A hook is a municipality's own, and is told only of what is the municipality's own, whether it bills or pays. What is
written here leaves as everything in the outbox does: after the commit, again and again until it is there. A hook's
secret is not kept: it is derived from the hook's salt by a key of the environment (``HOOK_KEY``), so that a copy of the
database signs nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Index, Row, String, Table, Text, select, update

from foundation.database import metadata
from foundation.outbox import HOOK_EVENT, OutboxEntry, put_all
from foundation.users import LONGEST_LOGIN, ROW_ID

HOOK_KEY = "MELLEMREGNING_HOOK_KEY"
DOCUMENT_ISSUED, DOCUMENT_DELIVERED, STATEMENT_RELEASED = (
    "document.issued",
    "document.delivered",
    "statement.released",
)
EVENTS = (DOCUMENT_ISSUED, DOCUMENT_DELIVERED, STATEMENT_RELEASED)
LONGEST_URL = 500

web_hook = Table(
    "web_hook",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("municipality", String(3), nullable=False),
    Column("url", String(LONGEST_URL), nullable=False),
    Column("events", Text, nullable=False),  # with a space between
    Column("salt", String(64), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("made_by", String(LONGEST_LOGIN), nullable=False),
    Column("made_at", String(32), nullable=False),  # UTC, ISO 8601
    Index("ix_web_hook_municipality", "municipality"),
)


@dataclass(frozen=True, slots=True)
class Hook:
    """Somebody's wish to be told."""

    id: int
    municipality: str
    url: str
    events: tuple[str, ...]
    salt: str
    active: bool
    made_by: str
    made_at: str


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that hooks are told of.

    Attributes:
        key: What it is, stable: ``document/461/F2009-0001``; the same thing is told each hook once.
        event: One of ``EVENTS``.
        places: Whom it concerns; only their hooks are told.
        data: Ids, codes and dates; what it amounts to is fetched by whoever may.
    """

    key: str
    event: str
    places: Collection[str]
    data: Mapping[str, Any]
    on: date


def secret_of(hook_key: str, salt: str) -> str:
    """What a hook's calls are signed with, 64 hexadecimal digits."""
    return hmac.new(hook_key.encode(), f"mellemregning web-hook {salt}".encode(), hashlib.sha256).hexdigest()


def signature(secret: str, seconds: int, body: bytes) -> str:
    """What a call carries: ``t=<seconds since 1970>,v1=<HMAC-SHA256 of "<seconds>.<body>">``."""
    made = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={made}"


def _hook(row: Row[tuple[object, ...]]) -> Hook:
    return Hook(
        row.id, row.municipality, row.url, tuple(row.events.split()), row.salt, row.active, row.made_by, row.made_at
    )


def add_hook(connection: Connection, hook: Hook) -> int:
    """Append a hook; answers its number."""
    done = connection.execute(
        web_hook.insert()
        .values(
            municipality=hook.municipality,
            url=hook.url,
            events=" ".join(hook.events),
            salt=hook.salt,
            active=hook.active,
            made_by=hook.made_by,
            made_at=hook.made_at,
        )
        .returning(web_hook.c.id)
    )
    return int(done.scalar_one())


def hooks(connection: Connection, municipality: str | None = None, *, only_active: bool = True) -> list[Hook]:
    """Hooks in the order in which they were made; of one municipality or of all."""
    query = select(web_hook).order_by(web_hook.c.id)
    if municipality is not None:
        query = query.where(web_hook.c.municipality == municipality)
    if only_active:
        query = query.where(web_hook.c.active.is_(True))
    return [_hook(row) for row in connection.execute(query)]


def close_hook(connection: Connection, number: int) -> None:
    """Tell it nothing any more."""
    connection.execute(update(web_hook).where(web_hook.c.id == number).values(active=False))


def tell(connection: Connection, happened: Iterable[Happened], at: datetime | None = None) -> int:
    """Write what hooks are to be told, in the transaction that it tells of; answers how many entries.

    Args:
        connection: The transaction.
        happened: Each key once.
        at: The instant, UTC; the beginning of the day where the caller knows no better.
    """
    there = hooks(connection)
    if not there:
        return 0
    entries = []
    for each in happened:
        when = at or datetime.combine(each.on, time(), UTC)
        entries += [
            OutboxEntry(
                key=f"hook/{hook.id}/{each.event}/{each.key}",
                topic=HOOK_EVENT,
                issuer=hook.municipality,
                recipient=hook.url[:320],
                subject=each.event,
                body="",
                reference={
                    "hook": hook.id,
                    "event": each.event,
                    "municipality": hook.municipality,
                    "at": when.isoformat(timespec="seconds"),
                    "data": dict(each.data),
                },
                business_date=each.on,
            )
            for hook in there
            if each.event in hook.events and hook.municipality in each.places
        ]
    put_all(connection, entries, at)
    return len(entries)
