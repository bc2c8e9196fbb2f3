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
    Column("courses", Integer, nullable=False),
    # Øre per course; without it the amount is for the whole period.
    Column("unit_oere", BigInteger),
    Column("amount_oere", BigInteger, nullable=False),
    # What it was compared with: the subscribers' cost in the last closed year and their courses; nothing where unknown.
    Column("compared_year", Integer),
    Column("compared_cost_oere", BigInteger),
    Column("compared_courses", Integer),
    Column("reason", Text, nullable=False),
    CheckConstraint("courses >= 1", name="courses_from_one"),
    CheckConstraint("amount_oere > 0", name="above_zero"),
    CheckConstraint("from_day < to_day", name="days_in_order"),
    Index("ix_surplus_sale_agreement", "agreement", "from_day"),
)

# What one person offers and another may sell by; the sale itself is a row of its own.
surplus_offer = Table(
    "surplus_offer",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("provider", CODE, nullable=False),
    Column("service", String(60), nullable=False),
    Column("buyer", CODE, nullable=False),
    Column("from_day", Date, nullable=False),
    Column("to_day", Date, nullable=False),
    Column("courses", Integer, nullable=False),
    Column("unit_oere", BigInteger),
    Column("amount_oere", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("offered_on", Date, nullable=False),
    Column("offered_by", String(200), nullable=False),
    CheckConstraint("courses >= 1", name="courses_from_one"),
    CheckConstraint("amount_oere > 0", name="above_zero"),
    CheckConstraint("from_day < to_day", name="days_in_order"),
    Index("ix_surplus_offer_agreement", "agreement"),
)

# What became of an offer, once.
surplus_offer_end = Table(
    "surplus_offer_end",
    metadata,
    Column("offer_id", ROW_ID, ForeignKey(surplus_offer.c.id), primary_key=True, autoincrement=False),
    Column("kind", String(10), nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("invoice_id", ROW_ID, ForeignKey(invoice.c.id)),
    CheckConstraint("kind IN ('sold', 'withdrawn')", name="kind"),
    CheckConstraint("(kind = 'sold') = (invoice_id IS NOT NULL)", name="sold_by_a_document"),
)
