"""How many calls of the API somebody has made within a minute, for all web workers together.

One row for each key and each address that was refused, with the newest minute only, so that the table does not grow
with the calls. Who is let in is decided in ``portal/api/meter.py``.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, Index, Integer, String, Table, case, delete
from sqlalchemy.dialects import postgresql, sqlite

from foundation.database import metadata

api_call_count = Table(
    "api_call_count",
    metadata,
    Column("counted_by", String(64), primary_key=True),
    Column("minute", Integer, nullable=False),  # since 1970
    Column("calls", Integer, nullable=False),
    Index("ix_api_call_count_minute", "minute"),
)

KEPT_MINUTES = 24 * 60


def add_calls(connection: Connection, counted_by: str, minute: int, calls: int) -> int:
    """Count calls of a minute in one statement, so that no two workers count the same.

    Args:
        connection: The transaction; short, since others count too.
        counted_by: A digest of the key or address.
        minute: Minutes since 1970.
        calls: How many more.

    Returns:
        How many of the minute are counted now, these among them.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    known = api_call_count.c
    fresh = insert(api_call_count).values(counted_by=counted_by, minute=minute, calls=calls)
    # A worker whose clock is behind counts in the newer minute, which lets in less, never more.
    counted = fresh.on_conflict_do_update(
        index_elements=[known.counted_by],
        set_={
            "minute": case((known.minute > minute, known.minute), else_=minute),
            "calls": case((known.minute >= minute, known.calls + calls), else_=calls),
        },
    ).returning(known.calls)
    return int(connection.execute(counted).scalar_one())


def forget_calls(connection: Connection, minute: int) -> None:
    """Remove what was counted long before a minute."""
    connection.execute(delete(api_call_count).where(api_call_count.c.minute < minute - KEPT_MINUTES))
