"""Rows of sales of surplus capacity."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, ForeignKey, Index, Integer, String, Table, Text

from agreements.tables import AGREEMENT_CODE, CODE, ROW_ID
from billing.invoice.tables import invoice
from foundation.database import metadata

# A sale is written with the document that bills it; credited with it.
surplus_sale = Table(
    "surplus_sale",
    metadata,
    Column("invoice_id", ROW_ID, ForeignKey(invoice.c.id), primary_key=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("provider", CODE, nullable=False),
    Column("service", String(60), nullable=False),
    Column("buyer", CODE, nullable=False),
    Column("from_day", Date, nullable=False),
    Column("to_day", Date, nullable=False),
    Column("units", Integer, nullable=False),
    Column("unit_oere", BigInteger, nullable=False),
    # What the price was compared with: the subscribers' cost in the last closed year and their courses.
    Column("compared_year", Integer, nullable=False),
    Column("compared_cost_oere", BigInteger, nullable=False),
    Column("compared_courses", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("units >= 1", name="units_from_one"),
    CheckConstraint("unit_oere > 0", name="above_zero"),
    CheckConstraint("from_day < to_day", name="days_in_order"),
    Index("ix_surplus_sale_agreement", "agreement", "from_day"),
)
