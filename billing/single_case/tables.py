"""Rows of cases, of what happened in them, of prices and outlays, of billed lines and of plans. Nothing says who."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from agreements.tables import AGREEMENT_CODE, CODE, ROW_ID
from billing.invoice.tables import invoice_line
from foundation.database import metadata

single_case = Table(
    "single_case",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("number", String(11), nullable=False),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("service", String(60), nullable=False),
    Column("provider", CODE, nullable=False),
    Column("payer", CODE, nullable=False),
    Column("opened_on", Date, nullable=False),
    UniqueConstraint("number"),
    Index("ix_single_case_agreement", "agreement", "payer"),
)

# What happened, and every correction of it; of each step the newest counts.
case_event = Table(
    "case_event",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("case_id", ROW_ID, ForeignKey(single_case.c.id), nullable=False),
    # Two who saw the same case take the same place, and one of them is refused.
    Column("sequence", Integer, nullable=False),
    Column("step", String(12), nullable=False),
    Column("day", Date, nullable=False),
    Column("recorded_on", Date, nullable=False),
    Column("reason", String(8)),
    UniqueConstraint("case_id", "sequence"),
    CheckConstraint("step IN ('approved', 'admitted', 'discharged', 'stayed', 'withdrawn')", name="step"),
    CheckConstraint("reason IN ('late', 'wrong')", name="reason"),
)

# The paying municipality said no; a case is refused once, and only before anything began.
case_refusal = Table(
    "case_refusal",
    metadata,
    Column("case_id", ROW_ID, ForeignKey(single_case.c.id), primary_key=True, autoincrement=False),
    Column("day", Date, nullable=False),
    Column("reason", String(12), nullable=False),
    Column("recorded_on", Date, nullable=False),
    CheckConstraint("reason IN ('not_ours', 'not_granted', 'other_offer')", name="reason"),
)

# Unit prices that were entered by command; the newest of a day stands over the file's.
case_price = Table(
    "case_price",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("service", String(60), nullable=False),
    Column("from_day", Date, nullable=False),
    Column("amount_oere", BigInteger, nullable=False),
    Column("entered_on", Date, nullable=False),
    CheckConstraint("amount_oere > 0", name="above_zero"),
    Index("ix_case_price_agreement", "agreement", "service"),
)

# What suppliers asked; the same invoice is passed on once for the same days of a case.
case_outlay = Table(
    "case_outlay",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("case_id", ROW_ID, ForeignKey(single_case.c.id), nullable=False),
    Column("from_day", Date, nullable=False),
    Column("to_day", Date, nullable=False),
    Column("amount_oere", BigInteger, nullable=False),
    Column("supplier", String(8), nullable=False),
    Column("reference", String(35), nullable=False),
    Column("recorded_on", Date, nullable=False),
    UniqueConstraint("case_id", "supplier", "reference", "from_day"),
    CheckConstraint("from_day < to_day", name="days_in_order"),
    CheckConstraint("amount_oere <> 0", name="not_zero"),
)

# What a line of a case bill is of.
case_line = Table(
    "case_line",
    metadata,
    Column("invoice_id", ROW_ID, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("case_id", ROW_ID, ForeignKey(single_case.c.id), nullable=False),
    Column("from_day", Date, nullable=False),
    Column("to_day", Date, nullable=False),
    Column("days", Integer, nullable=False),
    Column("unit_oere", BigInteger, nullable=False),
    Column("amount_oere", BigInteger, nullable=False),
    Column("outlay_id", ROW_ID, ForeignKey(case_outlay.c.id)),
    Column("counters_id", ROW_ID),
    Column("counters_position", Integer),
    ForeignKeyConstraint(["invoice_id", "position"], [invoice_line.c.invoice_id, invoice_line.c.position]),
    CheckConstraint("outlay_id IS NOT NULL OR amount_oere = days * unit_oere", name="days_times_unit"),
    Index("ix_case_line_case_id", "case_id"),
)

case_plan = Table(
    "case_plan",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("planned_by", String(200), nullable=False),
    Column("four_eyes", Boolean, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("inputs", Text, nullable=False),  # canonical JSON, as the two below
    Column("documents", Text, nullable=False),
    Column("left_out", Text, nullable=False),
    Index("ix_case_plan_agreement", "agreement"),
)

# What became of a plan: approved once, then issued or stopped once.
case_plan_event = Table(
    "case_plan_event",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("plan_id", ROW_ID, ForeignKey(case_plan.c.id), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("actor", String(200), nullable=False),
    UniqueConstraint("plan_id", "kind"),
    CheckConstraint("kind IN ('approved', 'issued', 'stopped')", name="kind"),
)
Index(
    "uq_case_plan_event_end",
    case_plan_event.c.plan_id,
    unique=True,
    sqlite_where=case_plan_event.c.kind.in_(["issued", "stopped"]),
    postgresql_where=case_plan_event.c.kind.in_(["issued", "stopped"]),
)
