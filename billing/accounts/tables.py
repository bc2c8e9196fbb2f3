"""Rows of the sub-ledger. Vouchers, postings, decisions and movements are only ever added."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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
)

from agreements.tables import AGREEMENT_CODE, CODE, ROW_ID
from foundation.database import metadata

voucher = Table(
    "voucher",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("booked_on", Date, nullable=False),
    Column("reference", String(80), nullable=False),
    Column("text", Text, nullable=False),
    Column("municipality", CODE),
    Column("service_month", Date),
    Column("claim_effect", Integer, nullable=False),
    CheckConstraint("claim_effect IN (-1, 0, 1)", name="claim_effect"),
    UniqueConstraint("agreement", "kind", "reference"),
    # What the books say of one document: a page asks by its number, whichever agreements stand on it.
    Index("ix_voucher_reference", "reference"),
)

posting = Table(
    "posting",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("voucher_id", ROW_ID, ForeignKey(voucher.c.id), nullable=False),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("account", String(20), nullable=False),
    Column("municipality", CODE),
    Column("provider", CODE),
    Column("service", String(60)),
    Column("accounting_year", Integer, nullable=False),
    Column("service_month", Date),
    Column("amount_oere", BigInteger, nullable=False),
    Index("ix_posting_agreement_month", "agreement", "service_month"),
    Index("ix_posting_voucher", "voucher_id"),
)

decision = Table(
    "decision",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("accounting_year", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("decided_on", Date, nullable=False),
    Column("author", String(200), nullable=False),
    Column("approver", String(200), nullable=False),
    Column("text", Text, nullable=False),
    # A year is closed once; releases and exits of it are counted.
    UniqueConstraint("agreement", "accounting_year", "kind", "sequence"),
    CheckConstraint("kind <> 'close' OR sequence = 1", name="closed_once"),
)

result_movement = Table(
    "result_movement",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("decision_id", ROW_ID, ForeignKey(decision.c.id), nullable=False),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("accounting_year", Integer, nullable=False),
    Column("provider", CODE, nullable=False),
    Column("municipality", CODE),
    Column("application_year", Integer),
    Column("amount_oere", BigInteger, nullable=False),
    Index("ix_result_movement_agreement", "agreement", "accounting_year"),
)
