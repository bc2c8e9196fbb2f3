"""Rows of final accounts and of closed years."""

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

# A line's newest revision applies until the year is closed; the older ones stay.
accounts_line = Table(
    "accounts_line",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("year", Integer, nullable=False),
    Column("provider", CODE, nullable=False),
    Column("service", String(60), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("line", String(120), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("amount_oere", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("loaded_on", Date, nullable=False),
    UniqueConstraint(
        "agreement", "year", "provider", "service", "kind", "line", "revision", name="uq_accounts_line_revision"
    ),
)

year_settlement = Table(
    "year_settlement",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("year", Integer, nullable=False),
    Column("application_year", Integer, nullable=False),
    Column("result_key", String(30), nullable=False),
    Column("closed_on", Date, nullable=False),
    Column("author", String(200), nullable=False),
    Column("approver", String(200), nullable=False),
    Column("divided_by", String(10), nullable=False, server_default=text("'total'")),
    UniqueConstraint("agreement", "year"),
)

settlement_provider = Table(
    "settlement_provider",
    metadata,
    Column("settlement_id", ROW_ID, ForeignKey(year_settlement.c.id), primary_key=True),
    Column("provider", CODE, primary_key=True),
    Column("received_oere", BigInteger, nullable=False),
    Column("cost_oere", BigInteger, nullable=False),
)

settlement_part = Table(
    "settlement_part",
    metadata,
    Column("settlement_id", ROW_ID, ForeignKey(year_settlement.c.id), primary_key=True),
    Column("municipality", CODE, primary_key=True),
    Column("provider", CODE, primary_key=True),
    Column("passed_on_oere", BigInteger, nullable=False),
    Column("carried_oere", BigInteger, nullable=False),
)

exit_line = Table(
    "exit_line",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("municipality", CODE, nullable=False),
    Column("left_on", Date, nullable=False),
    Column("document", String(30), nullable=False),
    Column("accounting_year", Integer, nullable=False),
    Column("provider", CODE, nullable=False),
    Column("passed_on_oere", BigInteger, nullable=False),
    Column("carried_oere", BigInteger, nullable=False),
    UniqueConstraint("agreement", "municipality", "left_on", "accounting_year", "provider", name="uq_exit_line_part"),
)

# What a leaver got of, or paid to, the net assets, beside its parts of results.
exit_net_assets = Table(
    "exit_net_assets",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("municipality", CODE, nullable=False),
    Column("left_on", Date, nullable=False),
    Column("document", String(30), nullable=False),
    Column("net_assets_oere", BigInteger, nullable=False),
    Column("share_oere", BigInteger, nullable=False),
    Column("evidence", String(400), nullable=False),
    UniqueConstraint("agreement", "municipality", "left_on"),
)

true_up_plan = Table(
    "true_up_plan",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("year", Integer, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("planned_by", String(200), nullable=False),
    Column("four_eyes", Boolean, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("documents", Text, nullable=False),  # canonical JSON
    Index("ix_true_up_plan_agreement", "agreement"),
)

# What became of a plan: approved once, then issued or stopped once.
true_up_plan_event = Table(
    "true_up_plan_event",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("plan_id", ROW_ID, ForeignKey(true_up_plan.c.id), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("actor", String(200), nullable=False),
    UniqueConstraint("plan_id", "kind"),
    CheckConstraint("kind IN ('approved', 'issued', 'stopped')", name="kind"),
)
Index(
    "uq_true_up_plan_event_end",
    true_up_plan_event.c.plan_id,
    unique=True,
    sqlite_where=true_up_plan_event.c.kind.in_(["issued", "stopped"]),
    postgresql_where=true_up_plan_event.c.kind.in_(["issued", "stopped"]),
)
