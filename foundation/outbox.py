"""What is to be told to people and machines outside, written in the transaction that it tells of.

Nothing is sent here and nothing is sent before the commit: what delivers reads these entries afterwards. Each has a
stable key, so that a second try of whatever wrote it adds nothing and the other side can tell a repetition.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from foundation.audit import Occasion
from foundation.database import insert_bulk, metadata

outbox_entry = Table(
    "outbox_entry",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("key", String(120), nullable=False),
    Column("topic", String(60), nullable=False),
    Column("issuer", String(3), nullable=False),
    Column("recipient", String(320), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("body", Text, nullable=False),
    Column("reference", Text, nullable=False),  # canonical JSON: what it is about
    Column("business_date", Date, nullable=False),
    Column("created_at", String(32), nullable=False),  # UTC, ISO 8601
    UniqueConstraint("key"),
)

DOCUMENTS, MAIL, STATEMENTS = "documents", "mail", "statements"
DOCUMENT_ISSUED = "document.issued"
LETTER_WRITTEN = "reminder.written"
HOOK_EVENT = "hook.event"
CASE_STATEMENT = "case_statement.sent"

# Who wants what is written here, and how it reaches them. It lies beside the outbox, and not where things are sent,
# since whoever writes an entry asks whether anybody wants it.
delivery_channel = Table(
    "delivery_channel",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("issuer", String(3), nullable=False),
    Column("topic", String(20), nullable=False),  # documents, letters, statements or mail
    Column("kind", String(10), nullable=False),
    Column("revision", Integer, nullable=False),  # the newest counts
    Column("active", Boolean, nullable=False),
    Column("settings", Text, nullable=False),  # canonical JSON; never a password
    Column("after_entry", BigInteger, nullable=False),  # entries up to this one were before its time
    Column("entered_on", Date, nullable=False),
    UniqueConstraint("issuer", "topic", "kind", "revision"),
)


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """Something that is to reach somebody.

    Attributes:
        key: Stable and unique: ``run.waiting/12``. The same key is written once.
        topic: What it is: ``run.waiting``, ``run.alarm``.
        issuer: In whose name.
        recipient: A mail address, or empty where nobody has entered one; the entry is then only shown.
        reference: What it is about, plain values.
    """

    key: str
    topic: str
    issuer: str
    recipient: str
    subject: str
    body: str
    reference: Mapping[str, Any]
    business_date: date
    number: int = 0


def put(connection: Connection, occasion: Occasion, entry: OutboxEntry) -> bool:
    """Write an entry, unless its key is there already.

    Returns:
        Whether it was new.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    written = connection.execute(
        insert(outbox_entry)
        .values(
            key=entry.key,
            topic=entry.topic,
            issuer=entry.issuer,
            recipient=entry.recipient,
            subject=entry.subject,
            body=entry.body,
            reference=json.dumps(entry.reference, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
            business_date=entry.business_date,
            created_at=occasion.at.isoformat(timespec="microseconds"),
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(outbox_entry.c.id),
    )
    return written.scalar_one_or_none() is not None


def document_key(issuer: str, number: str) -> str:
    """The stable id of a document, by which the other side counts it once: ``document/461/F2009-0001``."""
    return f"document/{issuer}/{number}"


def letter_key(issuer: str, number: int) -> str:
    """The stable id of a reminder letter: ``reminder/461/7``."""
    return f"reminder/{issuer}/{number}"


def case_statement_key(issuer: str, payer: str, digest: str) -> str:
    """The stable id of a statement of cases, the same as long as it says the same: ``case-statement/615/727/1f…``."""
    return f"case-statement/{issuer}/{payer}/{digest}"


def takers(connection: Connection, topic: str) -> frozenset[str]:
    """The issuers that have a channel for a topic; one small query.

    Args:
        connection: Where to read.
        topic: ``DOCUMENTS``, ``STATEMENTS`` or ``MAIL``.
    """
    newest = (
        select(
            delivery_channel.c.issuer,
            delivery_channel.c.kind,
            func.max(delivery_channel.c.revision).label("revision"),
        )
        .where(delivery_channel.c.topic == topic)
        .group_by(delivery_channel.c.issuer, delivery_channel.c.kind)
        .subquery()
    )
    query = select(delivery_channel.c.issuer).join(
        newest,
        and_(
            delivery_channel.c.issuer == newest.c.issuer,
            delivery_channel.c.topic == topic,
            delivery_channel.c.kind == newest.c.kind,
            delivery_channel.c.revision == newest.c.revision,
        ),
    )
    return frozenset(connection.execute(query.where(delivery_channel.c.active)).scalars())


ENTRY_COLUMNS = (
    "key",
    "topic",
    "issuer",
    "recipient",
    "subject",
    "body",
    "reference",
    "business_date",
    "created_at",
)


def put_all(connection: Connection, written: Sequence[OutboxEntry], at: datetime | None = None) -> None:
    """Write many entries at once, in their order. None of their keys may be there.

    Args:
        connection: The transaction that they tell of.
        written: What to write.
        at: The instant, UTC; the beginning of the business date where the caller knows no better.
    """
    insert_bulk(
        connection,
        outbox_entry,
        ENTRY_COLUMNS,
        [
            (
                entry.key,
                entry.topic,
                entry.issuer,
                entry.recipient,
                entry.subject,
                entry.body,
                json.dumps(entry.reference, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
                entry.business_date,
                (at or datetime.combine(entry.business_date, time(), UTC)).isoformat(timespec="microseconds"),
            )
            for entry in written
        ],
    )


def find(connection: Connection, key: str) -> OutboxEntry | None:
    """The entry with the key."""
    row = connection.execute(select(outbox_entry).where(outbox_entry.c.key == key)).one_or_none()
    return None if row is None else _entry(row)


def entries(connection: Connection, *, topic: str | None = None, after: int = 0) -> list[OutboxEntry]:
    """Entries in the order in which they were written.

    Args:
        connection: Where to read.
        topic: Only these.
        after: Only those with a higher number.
    """
    query = select(outbox_entry).where(outbox_entry.c.id > after).order_by(outbox_entry.c.id)
    if topic is not None:
        query = query.where(outbox_entry.c.topic == topic)
    return [_entry(row) for row in connection.execute(query)]


def _entry(row: Row[Any]) -> OutboxEntry:
    return OutboxEntry(
        key=row.key,
        topic=row.topic,
        issuer=row.issuer,
        recipient=row.recipient,
        subject=row.subject,
        body=row.body,
        reference=json.loads(row.reference),
        business_date=row.business_date,
        number=row.id,
    )
