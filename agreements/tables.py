"""Rows of what was agreed. Nothing here is ever overwritten where a bill may rest on it: a new figure is a new row."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from foundation.database import metadata

ROW_ID = BigInteger().with_variant(Integer, "sqlite")
CODE = String(3)
AGREEMENT_CODE = String(60)

# The agreement's file in canonical form, each version whole; the newest applies.
agreement_version = Table(
    "agreement_version",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("version", Integer, nullable=False),
    Column("loaded_on", Date, nullable=False),
    Column("document", Text, nullable=False),
    Column("form", Text),  # canonical JSON: what the document says, read once
    UniqueConstraint("agreement", "version"),
)

# One row per agreement: what a run locks, so that two runs of one agreement follow each other.
agreement = Table(
    "agreement",
    metadata,
    Column("code", AGREEMENT_CODE, primary_key=True),
    Column("issuer", CODE, nullable=False),
)

membership = Table(
    "membership",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, ForeignKey(agreement.c.code), nullable=False),
    Column("municipality", CODE, nullable=False),
    Column("from_year", Integer, nullable=False),
    Column("to_year", Integer),
    Column("notice_given_on", Date),
    CheckConstraint("to_year IS NULL OR to_year >= from_year", name="years_in_order"),
    UniqueConstraint("agreement", "municipality", "from_year"),
)

# A line's newest revision applies; the older ones stay.
budget_line = Table(
    "budget_line",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, ForeignKey(agreement.c.code), nullable=False),
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
        "agreement", "year", "provider", "service", "kind", "line", "revision", name="uq_budget_line_revision"
    ),
)

population_load = Table(
    "population_load",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("name", String(300), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("loaded_on", Date, nullable=False),
)

# The newest revision of a municipality's figure for a date applies; the older ones stay beside it.
population_figure = Table(
    "population_figure",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("municipality", CODE, nullable=False),
    Column("reference_date", Date, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("inhabitants", Integer, nullable=False),
    Column("source", String(300), nullable=False),
    Column("fetched_on", Date, nullable=False),
    Column("load_id", ROW_ID, ForeignKey(population_load.c.id), nullable=False),
    CheckConstraint("inhabitants >= 0", name="not_negative"),
    UniqueConstraint("municipality", "reference_date", "revision"),
)
