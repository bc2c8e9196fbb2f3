"""Rows of what came in from the bank, of what settles what, and of late interest. All are only ever added."""

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
from billing.invoice.tables import invoice, invoice_line
from foundation.database import metadata

# What the columns of an issuer's CSV files are called; the newest applies.
receipt_columns = Table(
    "receipt_columns",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("issuer", CODE, nullable=False),
    Column("mapping", Text, nullable=False),  # canonical JSON
    Column("set_on", Date, nullable=False),
    Column("set_by", String(200), nullable=False),
    Index("ix_receipt_columns_issuer", "issuer"),
)

receipt_file = Table(
    "receipt_file",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("issuer", CODE, nullable=False),
    Column("name", String(200), nullable=False),
    Column("file_format", String(20), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("loaded_on", Date, nullable=False),
    Column("loaded_by", String(200), nullable=False),
)

receipt = Table(
    "receipt",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("file_id", ROW_ID, ForeignKey(receipt_file.c.id), nullable=False),
    Column("issuer", CODE, nullable=False),
    Column("account", String(40), nullable=False),
    Column("entry_key", String(64), nullable=False),
    Column("booked_on", Date, nullable=False),
    Column("value_date", Date, nullable=False),
    Column("amount_oere", BigInteger, nullable=False),
    Column("bank_reference", String(35), nullable=False),
    Column("payer", CODE),
    Column("mentions", Text, nullable=False),  # canonical JSON: the documents that it names
    Column("reversal", Boolean, nullable=False),
    # A bank entry comes in once, whatever file it is in.
    UniqueConstraint("account", "entry_key"),
    CheckConstraint("amount_oere <> 0", name="amount_not_zero"),
    Index("ix_receipt_issuer_booked_on", "issuer", "booked_on"),
    Index("ix_receipt_issuer_value_date", "issuer", "value_date", "amount_oere"),
)

payment_match = Table(
    "payment_match",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("issuer", CODE, nullable=False),
    Column("payer", CODE),
    Column("matched_on", Date, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("how", String(20), nullable=False),
    Column("explanation", Text, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("undoes", ROW_ID, ForeignKey("payment_match.id")),
    # A match is taken back once.
    UniqueConstraint("undoes"),
    CheckConstraint("how IN ('automatic', 'manual', 'undo')", name="how"),
    Index("ix_payment_match_issuer", "issuer"),
    Index("ix_payment_match_issuer_matched_on", "issuer", "matched_on"),
)

payment_match_receipt = Table(
    "payment_match_receipt",
    metadata,
    Column("match_id", ROW_ID, ForeignKey(payment_match.c.id), primary_key=True),
    Column("receipt_id", ROW_ID, ForeignKey(receipt.c.id), primary_key=True),
    Column("amount_oere", BigInteger, nullable=False),
    # What of a receipt or a document is settled, without a look at the rows themselves.
    Index("ix_payment_match_receipt_receipt_id", "receipt_id", "match_id", "amount_oere"),
)

payment_match_document = Table(
    "payment_match_document",
    metadata,
    Column("match_id", ROW_ID, ForeignKey(payment_match.c.id), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("invoice_id", ROW_ID, ForeignKey(invoice.c.id), nullable=False),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("accounting_year", Integer, nullable=False),
    Column("amount_oere", BigInteger, nullable=False),
    Index("ix_payment_match_document_invoice_id", "invoice_id", "match_id", "amount_oere"),
)

# What an officer entered; the newest of a day applies, before the rates that we ship.
reference_rate = Table(
    "reference_rate",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("effective_from", Date, nullable=False),
    Column("rate", String(12), nullable=False),  # a decimal as text: a database's own might be a float
    Column("source", Text, nullable=False),
    Column("entered_on", Date, nullable=False),
    Column("entered_by", String(200), nullable=False),
)

interest_plan = Table(
    "interest_plan",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("issuer", CODE, nullable=False),
    Column("municipality", CODE),
    Column("last_day", Date, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("planned_by", String(200), nullable=False),
    Column("four_eyes", Boolean, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("inputs", Text, nullable=False),  # canonical JSON: what it rests on -> its digest
)

interest_plan_line = Table(
    "interest_plan_line",
    metadata,
    Column("plan_id", ROW_ID, ForeignKey(interest_plan.c.id), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("subscriber", CODE, nullable=False),
    Column("document_from", Date, nullable=False),
    Column("document_to", Date, nullable=False),
    Column("invoice_id", ROW_ID, ForeignKey(invoice.c.id), nullable=False),
    Column("number", String(30), nullable=False),
    Column("due_date", Date, nullable=False),
    Column("claim_from", Date, nullable=False),
    Column("claim_to", Date, nullable=False),
    Column("from_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    # Without these it corrects what was billed before.
    Column("base_oere", BigInteger),
    Column("rate", String(12)),
    Column("days_in_year", Integer),
    Column("amount_oere", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
)

# What became of a plan: approved once, then issued or stopped once.
interest_plan_event = Table(
    "interest_plan_event",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("plan_id", ROW_ID, ForeignKey(interest_plan.c.id), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("happened_on", Date, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("note", Text, nullable=False),
    UniqueConstraint("plan_id", "kind"),
    CheckConstraint("kind IN ('approved', 'issued', 'stopped')", name="kind"),
)
Index(
    "uq_interest_plan_event_end",
    interest_plan_event.c.plan_id,
    unique=True,
    sqlite_where=interest_plan_event.c.kind.in_(["issued", "stopped"]),
    postgresql_where=interest_plan_event.c.kind.in_(["issued", "stopped"]),
)

# The days of a document for which interest was billed. Whoever bills the next days takes the next place, so that two
# who saw the same last day collide; a row counts while the interest invoice holds its claim.
interest_period = Table(
    "interest_period",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("principal_id", ROW_ID, ForeignKey(invoice.c.id), nullable=False),
    Column("agreement", AGREEMENT_CODE, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("from_day", Date, nullable=False),
    Column("to_day", Date, nullable=False),
    Column("amount_oere", BigInteger, nullable=False),
    Column("interest_id", ROW_ID, ForeignKey(invoice.c.id), nullable=False),
    UniqueConstraint("principal_id", "agreement", "sequence"),
    CheckConstraint("from_day <= to_day", name="days_in_order"),
    Index("ix_interest_period_interest_id", "interest_id"),
)

# What a line of an interest invoice was worked out from.
interest_line = Table(
    "interest_line",
    metadata,
    Column("invoice_id", ROW_ID, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("principal_id", ROW_ID, ForeignKey(invoice.c.id), nullable=False),
    Column("base_oere", BigInteger, nullable=False),
    Column("rate", String(12), nullable=False),
    Column("days", Integer, nullable=False),
    Column("days_in_year", Integer, nullable=False),
    ForeignKeyConstraint(["invoice_id", "position"], [invoice_line.c.invoice_id, invoice_line.c.position]),
)

# After how many days letters go out, level by level; the newest of an issuer applies, and none means none go out.
reminder_policy = Table(
    "reminder_policy",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("issuer", CODE, nullable=False),
    Column("days_late", Text, nullable=False),  # canonical JSON: days after the due date, one per level
    Column("set_on", Date, nullable=False),
    Column("set_by", String(200), nullable=False),
    Index("ix_reminder_policy_issuer", "issuer"),
)

reminder_letter = Table(
    "reminder_letter",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("issuer", CODE, nullable=False),
    Column("subscriber", CODE, nullable=False),
    Column("level", Integer, nullable=False),
    Column("reminded_on", Date, nullable=False),
    Column("actor", String(200), nullable=False),
)

reminder_document = Table(
    "reminder_document",
    metadata,
    Column("letter_id", ROW_ID, ForeignKey(reminder_letter.c.id), primary_key=True),
    Column("invoice_id", ROW_ID, ForeignKey(invoice.c.id), primary_key=True),
    Column("level", Integer, nullable=False),
    Column("open_oere", BigInteger, nullable=False),
    # Nobody is reminded of a document twice at the same level.
    UniqueConstraint("invoice_id", "level"),
)
