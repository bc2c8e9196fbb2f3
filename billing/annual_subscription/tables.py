"""Rows of every version of a year's calculation, with the figures that it used. They are only ever added."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from agreements.tables import AGREEMENT_CODE, CODE, ROW_ID
from foundation.database import metadata

subscription = Table(
    "subscription",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("year", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("reference_date", Date, nullable=False),
    Column("unit_oere", Integer, nullable=False),
    Column("correction", String(20), nullable=False),
    Column("calculated_on", Date, nullable=False),
    Column("cost_oere", BigInteger, nullable=False),
    Column("passed_on_oere", BigInteger, nullable=False),
    Column("total_oere", BigInteger, nullable=False),
    UniqueConstraint("agreement", "year", "version"),
)

subscription_cost_line = Table(
    "subscription_cost_line",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("subscription_id", ROW_ID, ForeignKey(subscription.c.id), nullable=False, index=True),
    Column("year", Integer, nullable=False),
    Column("provider", CODE, nullable=False),
    Column("service", String(60), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("line", String(120), nullable=False),
    Column("amount_oere", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
)

subscription_part = Table(
    "subscription_part",
    metadata,
    Column("subscription_id", ROW_ID, ForeignKey(subscription.c.id), primary_key=True),
    Column("municipality", CODE, primary_key=True),
    Column("population", Integer, nullable=False),
    Column("population_date", Date, nullable=False),
    Column("population_source", String(300), nullable=False),
    Column("population_fetched_on", Date, nullable=False),
    Column("weight", BigInteger, nullable=False),
    Column("share_oere", BigInteger, nullable=False),
    Column("passed_on_oere", BigInteger, nullable=False),
    Column("obligation_oere", BigInteger, nullable=False),
)

subscription_passed_on = Table(
    "subscription_passed_on",
    metadata,
    Column("subscription_id", ROW_ID, ForeignKey(subscription.c.id), primary_key=True),
    Column("municipality", CODE, primary_key=True),
    Column("accounting_year", Integer, primary_key=True),
    Column("provider", CODE, primary_key=True),
    Column("amount_oere", BigInteger, nullable=False),
)

subscription_instalment = Table(
    "subscription_instalment",
    metadata,
    Column("subscription_id", ROW_ID, ForeignKey(subscription.c.id), primary_key=True),
    Column("municipality", CODE, primary_key=True),
    Column("month", Date, primary_key=True),
    Column("gross_oere", BigInteger, nullable=False),
    Column("amount_oere", BigInteger, nullable=False),
    Column("invoiced", Boolean, nullable=False),
)

subscription_instalment_passed_on = Table(
    "subscription_instalment_passed_on",
    metadata,
    Column("subscription_id", ROW_ID, ForeignKey(subscription.c.id), primary_key=True),
    Column("municipality", CODE, primary_key=True),
    Column("month", Date, primary_key=True),
    Column("accounting_year", Integer, primary_key=True),
    Column("provider", CODE, primary_key=True),
    Column("amount_oere", BigInteger, nullable=False),
)

price_notice = Table(
    "price_notice",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("year", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("given_on", Date, nullable=False),
    UniqueConstraint("agreement", "year", "version"),
)

# Of a price that is not only split by the inhabitants over the whole year: every key's part of it, canonical JSON.
subscription_division = Table(
    "subscription_division",
    metadata,
    Column("subscription_id", ROW_ID, ForeignKey(subscription.c.id), primary_key=True),
    Column("document", Text, nullable=False),
)
