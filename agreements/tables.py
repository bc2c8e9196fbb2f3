"""Rows of what was agreed. Nothing here is ever overwritten where a bill may rest on it: a new figure is a new row."""

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
    Column("begins_on", Date),  # where it is another day than 1 January of the first year
    Column("ends_on", Date),  # where it is another day than 31 December of the last year
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

# The same of an age band, both ages included.
age_band_figure = Table(
    "age_band_figure",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("municipality", CODE, nullable=False),
    Column("reference_date", Date, nullable=False),
    Column("age_from", Integer, nullable=False),
    Column("age_to", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("inhabitants", Integer, nullable=False),
    Column("source", String(300), nullable=False),
    Column("fetched_on", Date, nullable=False),
    Column("load_id", ROW_ID, ForeignKey(population_load.c.id), nullable=False),
    CheckConstraint("inhabitants >= 0", name="not_negative"),
    CheckConstraint("age_to >= age_from", name="ages_in_order"),
    UniqueConstraint(
        "municipality", "reference_date", "age_from", "age_to", "revision", name="uq_age_band_figure_revision"
    ),
)

# What happened to an agreement on a day: it was renegotiated, or a party gave notice for all.
agreement_event = Table(
    "agreement_event",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, ForeignKey(agreement.c.code), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("text", String(1000), nullable=False),
    Column("version", Integer, nullable=False),  # the agreement's version that stood when it was entered
    Column("entered_on", Date, nullable=False),
    UniqueConstraint("agreement", "kind", "happened_on"),
)

# What e-invoices, payments and posting files need. Whole rows, only added: a document that was issued says what stood
# on its day. Empty texts are what nobody has entered.
issuer_detail = Table(
    "issuer_detail",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("issuer", CODE, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("entered_on", Date, nullable=False),
    Column("vat_number", String(10), nullable=False),
    Column("endpoint", String(10), nullable=False),
    Column("means", String(3), nullable=False),
    Column("registration_number", String(4), nullable=False),
    Column("account_number", String(10), nullable=False),
    Column("iban", String(34), nullable=False),
    Column("bic", String(11), nullable=False),
    Column("fik_card", String(2), nullable=False),
    Column("creditor_number", String(8), nullable=False),
    Column("contact", String(200), nullable=False),
    Column("phone", String(40), nullable=False),
    Column("mail", String(320), nullable=False),
    Column("street", String(200), nullable=False),
    Column("postal_code", String(10), nullable=False),
    Column("city", String(100), nullable=False),
    Column("unfit", String(10), nullable=False, server_default=text("''")),
    UniqueConstraint("issuer", "revision"),
)

buyer_detail = Table(
    "buyer_detail",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, ForeignKey(agreement.c.code), nullable=False),
    Column("municipality", CODE, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("entered_on", Date, nullable=False),
    Column("endpoint", String(10), nullable=False),
    Column("buyer_reference", String(200), nullable=False),
    Column("order_reference", String(200), nullable=False),
    Column("accounting_cost", String(200), nullable=False),
    Column("street", String(200), nullable=False),
    Column("postal_code", String(10), nullable=False),
    Column("city", String(100), nullable=False),
    UniqueConstraint("agreement", "municipality", "revision"),
)

# An empty service is the agreement's lines that are of no service, such as an earlier year's result.
service_detail = Table(
    "service_detail",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, ForeignKey(agreement.c.code), nullable=False),
    Column("service", String(60), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("entered_on", Date, nullable=False),
    Column("vat_code", String(40), nullable=False),
    Column("vat_reason", String(200), nullable=False),
    Column("own_account", String(200), nullable=False),
    Column("counter_account", String(200), nullable=False),
    UniqueConstraint("agreement", "service", "revision"),
)

# Which columns an issuer's posting file has, one "heading=field" a line; the newest revision applies.
posting_template = Table(
    "posting_template",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("issuer", CODE, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("entered_on", Date, nullable=False),
    Column("columns", Text, nullable=False),
    UniqueConstraint("issuer", "revision"),
)

# What a party has told the others in writing: that it leaves with a year, or that its demand changes.
party_notice = Table(
    "party_notice",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, ForeignKey(agreement.c.code), nullable=False),
    Column("municipality", CODE, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("year", Integer, nullable=False),
    Column("words", Text, nullable=False),
    Column("given_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("given_by", String(200), nullable=False),
    Index("ix_party_notice_agreement", "agreement"),
    Index("ix_party_notice_municipality", "municipality"),
)

# What the officer did about it; once.
party_notice_answer = Table(
    "party_notice_answer",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("notice_id", ROW_ID, ForeignKey(party_notice.c.id), nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("words", Text, nullable=False),
    Column("answered_on", Date, nullable=False),
    Column("answered_by", String(200), nullable=False),
    UniqueConstraint("notice_id"),
)
