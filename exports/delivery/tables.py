"""What is to be delivered, and every try; the channels themselves lie beside the outbox."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table

from foundation.database import metadata
from foundation.outbox import delivery_channel

__all__ = ["delivery_attempt", "delivery_channel", "delivery_job"]

ROW_ID = BigInteger().with_variant(Integer, "sqlite")

# Where each delivery is now; how it came there is told by the attempts.
delivery_job = Table(
    "delivery_job",
    metadata,
    Column("entry_id", ROW_ID, ForeignKey("outbox_entry.id"), primary_key=True, autoincrement=False),
    Column("kind", String(10), primary_key=True),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", String(32), nullable=False),  # UTC, ISO 8601
    Column("leased_until", String(32), nullable=False),  # who sends it has until then; empty for nobody
    Column("leased_by", String(40), nullable=False),
    Index("ix_delivery_job_state_due_at", "state", "due_at"),
)

# Rows only added: handed over, failed, dead, retried, accepted, rejected.
delivery_attempt = Table(
    "delivery_attempt",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("entry_id", ROW_ID, ForeignKey("outbox_entry.id"), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("state", String(12), nullable=False),
    Column("at", String(32), nullable=False),  # UTC, ISO 8601
    Column("reached", String(500), nullable=False),  # a folder, an address
    Column("detail", String(500), nullable=False),
    Index("ix_delivery_attempt_entry_id", "entry_id"),
)
