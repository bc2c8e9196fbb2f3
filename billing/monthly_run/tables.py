"""Rows of run plans, of what became of them, and of each issuer's settings. Plans are only ever added to."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from agreements.tables import AGREEMENT_CODE, CODE, ROW_ID
from foundation.database import metadata

issuer_setting = Table(
    "issuer_setting",
    metadata,
    Column("issuer", CODE, primary_key=True),
    Column("four_eyes", Boolean, nullable=False),
    Column("warn_percent", Integer, nullable=False),
    Column("plan_days_before", Integer, nullable=False, server_default=text("5")),
    Column("alarm_days_before", Integer, nullable=False, server_default=text("2")),
    Column("mail", String(320), nullable=False, server_default=text("''")),
    CheckConstraint("warn_percent BETWEEN 0 AND 1000", name="warn_percent"),
)

run_plan = Table(
    "run_plan",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("scope", Text, nullable=False),  # canonical JSON: which agreements, which month if only one
    Column("as_of", Date, nullable=False),
    Column("planned_by", String(200), nullable=False),
    Column("four_eyes", Boolean, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("inputs", Text, nullable=False),  # canonical JSON: what it rests on -> its digest
    Column("failed", Text, nullable=False),  # canonical JSON: what could not be planned, and why
    Column("missing", Text, nullable=False, server_default=text("'[]'")),  # JSON: what e-invoices would lack
)

run_plan_document = Table(
    "run_plan_document",
    metadata,
    Column("plan_id", ROW_ID, ForeignKey(run_plan.c.id), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("month", Date, nullable=False),
    Column("issuer", CODE, nullable=False),
    Column("subscriber", CODE, nullable=False),
    Column("amount_oere", BigInteger, nullable=False),
    Column("previous_oere", BigInteger),
    Column("internal", Boolean, nullable=False),
    Column("lines", Text, nullable=False),  # canonical JSON
    Column("note", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("warnings", Text, nullable=False),  # canonical JSON
    # Which of the plan's documents it will stand on, counted from 1; a combined document takes several rows.
    Column("document", Integer, nullable=False, server_default=text("0")),
)

# What became of a plan: approved once, then issued or stopped once.
run_plan_event = Table(
    "run_plan_event",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("plan_id", ROW_ID, ForeignKey(run_plan.c.id), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("note", Text, nullable=False),
    UniqueConstraint("plan_id", "kind"),
    CheckConstraint("kind IN ('approved', 'issued', 'stopped')", name="kind"),
)
# A plan ends once, by being issued or by being stopped.
Index(
    "uq_run_plan_event_end",
    run_plan_event.c.plan_id,
    unique=True,
    sqlite_where=run_plan_event.c.kind.in_(["issued", "stopped"]),
    postgresql_where=run_plan_event.c.kind.in_(["issued", "stopped"]),
)
