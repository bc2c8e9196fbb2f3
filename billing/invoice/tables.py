"""Rows of issued documents, of the claims they hold and of their number series."""

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
from foundation.database import metadata

number_series = Table(
    "number_series",
    metadata,
    Column("issuer", CODE, primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("last_sequence", Integer, nullable=False),
    Column("last_issue_date", Date, nullable=False),
)

invoice = Table(
    "invoice",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("issuer", CODE, nullable=False),
    Column("series_year", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("number", String(30), nullable=False),
    Column("document_type", String(20), nullable=False),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("title", Text, nullable=False),
    Column("period_from", Date, nullable=False),
    Column("period_to", Date, nullable=False),
    Column("issue_date", Date, nullable=False),
    Column("due_date", Date, nullable=False),
    Column("amount_oere", BigInteger, nullable=False),
    Column("internal", Boolean, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("credits_id", ROW_ID, ForeignKey("invoice.id")),
    Column("issuer_name", String(200), nullable=False),
    Column("issuer_cvr", String(8), nullable=False),
    Column("issuer_gln", String(13), nullable=False),
    Column("subscriber", CODE, nullable=False),
    Column("subscriber_name", String(200), nullable=False),
    Column("subscriber_cvr", String(8), nullable=False),
    Column("subscriber_gln", String(13), nullable=False),
    UniqueConstraint("issuer", "series_year", "sequence"),
    UniqueConstraint("issuer", "number"),
    # A document is credited whole, once.
    UniqueConstraint("credits_id"),
    CheckConstraint("sequence >= 1", name="sequence_from_one"),
    CheckConstraint("period_from < period_to", name="period_in_order"),
    Index("ix_invoice_subscriber_period", "subscriber", "period_from"),
    Index("ix_invoice_agreement_period", "agreement", "period_from"),
    # What the portal lists, and what is open with an issuer without a look at the rows themselves.
    Index("ix_invoice_issuer_issue_date", "issuer", "issue_date"),
    Index("ix_invoice_subscriber_issue_date", "subscriber", "issue_date", "internal", "due_date", "amount_oere"),
    Index("ix_invoice_issuer_due_date", "issuer", "due_date", "internal", "issue_date", "amount_oere"),
)

invoice_line = Table(
    "invoice_line",
    metadata,
    Column("invoice_id", ROW_ID, ForeignKey(invoice.c.id), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("provider", CODE, nullable=False),
    Column("provider_name", String(200), nullable=False),
    Column("service", String(60), nullable=False),
    Column("service_title", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("period_from", Date, nullable=False),
    Column("period_to", Date, nullable=False),
    Column("accounting_year", Integer, nullable=False),
    Column("amount_oere", BigInteger, nullable=False),
    Column("vat_exemption", Text, nullable=False),
    Column("version", Integer),
    Index("ix_invoice_line_agreement", "agreement"),
)

# Which line a credit note's line takes back, wholly or in part.
line_credit = Table(
    "line_credit",
    metadata,
    Column("credit_id", ROW_ID, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("invoice_id", ROW_ID, nullable=False),
    Column("line_position", Integer, nullable=False),
    ForeignKeyConstraint(["credit_id", "position"], [invoice_line.c.invoice_id, invoice_line.c.position]),
    ForeignKeyConstraint(["invoice_id", "line_position"], [invoice_line.c.invoice_id, invoice_line.c.position]),
    Index("ix_line_credit_invoice_id_line_position", "invoice_id", "line_position"),
)

# What makes a second run harmless: a live claim exists once. Crediting a document releases its claim.
claim = Table(
    "claim",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("municipality", CODE, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("period_from", Date, nullable=False),
    Column("period_to", Date, nullable=False),
    # Deferred: the claim is taken first, the document that holds it is written in the same transaction.
    Column("invoice_id", ROW_ID, ForeignKey(invoice.c.id, deferrable=True, initially="DEFERRED"), nullable=False),
    Column("released_by", ROW_ID, ForeignKey(invoice.c.id, deferrable=True, initially="DEFERRED")),
    # SQLite looks for waiting claims at every document that is written, and would read them all.
    Index("ix_claim_invoice_id", "invoice_id"),
    Index("ix_claim_released_by", "released_by"),
    # Whom each month of an agreement was billed to, for the year's wheel.
    Index("ix_claim_agreement_period", "agreement", "period_from", "kind", "municipality", "invoice_id", "released_by"),
)
Index(
    "uq_claim_live",
    claim.c.agreement,
    claim.c.municipality,
    claim.c.kind,
    claim.c.period_from,
    claim.c.period_to,
    unique=True,
    sqlite_where=claim.c.released_by.is_(None),
    postgresql_where=claim.c.released_by.is_(None),
)
