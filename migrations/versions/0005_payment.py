"""Payments, what they settle, late interest and reminders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = {
    "receipt_columns": ("id",),
    "receipt_file": ("id",),
    "receipt": ("id",),
    "payment_match": ("id",),
    "payment_match_receipt": ("match_id", "receipt_id"),
    "payment_match_document": ("match_id", "position"),
    "reference_rate": ("id",),
    "interest_plan": ("id",),
    "interest_plan_line": ("plan_id", "position"),
    "interest_plan_event": ("id",),
    "interest_period": ("id",),
    "interest_line": ("invoice_id", "position"),
    "reminder_policy": ("id",),
    "reminder_letter": ("id",),
    "reminder_document": ("letter_id", "invoice_id"),
}


def upgrade() -> None:
    """Go to this step."""
    op.create_table(
        "interest_plan",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("issuer", sa.String(length=3), nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("planned_by", sa.String(length=200), nullable=False),
        sa.Column("four_eyes", sa.Boolean(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interest_plan")),
    )
    op.create_table(
        "payment_match",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("issuer", sa.String(length=3), nullable=False),
        sa.Column("payer", sa.String(length=3), nullable=True),
        sa.Column("matched_on", sa.Date(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("how", sa.String(length=20), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("undoes", ROW_ID, nullable=True),
        sa.CheckConstraint("how IN ('automatic', 'manual', 'undo')", name=op.f("ck_payment_match_how")),
        sa.ForeignKeyConstraint(["undoes"], ["payment_match.id"], name=op.f("fk_payment_match_undoes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_match")),
        sa.UniqueConstraint("undoes", name=op.f("uq_payment_match_undoes")),
    )
    op.create_index("ix_payment_match_issuer", "payment_match", ["issuer"], unique=False)
    op.create_table(
        "receipt_columns",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("issuer", sa.String(length=3), nullable=False),
        sa.Column("mapping", sa.Text(), nullable=False),
        sa.Column("set_on", sa.Date(), nullable=False),
        sa.Column("set_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_columns")),
    )
    op.create_index("ix_receipt_columns_issuer", "receipt_columns", ["issuer"], unique=False)
    op.create_table(
        "receipt_file",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("issuer", sa.String(length=3), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("file_format", sa.String(length=20), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("loaded_on", sa.Date(), nullable=False),
        sa.Column("loaded_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_file")),
    )
    op.create_table(
        "reference_rate",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("rate", sa.String(length=12), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.Column("entered_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference_rate")),
    )
    op.create_table(
        "reminder_letter",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("issuer", sa.String(length=3), nullable=False),
        sa.Column("subscriber", sa.String(length=3), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("reminded_on", sa.Date(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder_letter")),
    )
    op.create_table(
        "reminder_policy",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("issuer", sa.String(length=3), nullable=False),
        sa.Column("days_late", sa.Text(), nullable=False),
        sa.Column("set_on", sa.Date(), nullable=False),
        sa.Column("set_by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder_policy")),
    )
    op.create_index("ix_reminder_policy_issuer", "reminder_policy", ["issuer"], unique=False)
    op.create_table(
        "interest_period",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("principal_id", ROW_ID, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("interest_id", ROW_ID, nullable=False),
        sa.CheckConstraint("from_day <= to_day", name=op.f("ck_interest_period_days_in_order")),
        sa.ForeignKeyConstraint(["interest_id"], ["invoice.id"], name=op.f("fk_interest_period_interest_id")),
        sa.ForeignKeyConstraint(["principal_id"], ["invoice.id"], name=op.f("fk_interest_period_principal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interest_period")),
        sa.UniqueConstraint(
            "principal_id", "agreement", "sequence", name=op.f("uq_interest_period_principal_id_agreement_sequence")
        ),
    )
    op.create_index("ix_interest_period_interest_id", "interest_period", ["interest_id"], unique=False)
    op.create_table(
        "interest_plan_event",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("plan_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('approved', 'issued', 'stopped')", name=op.f("ck_interest_plan_event_kind")),
        sa.ForeignKeyConstraint(["plan_id"], ["interest_plan.id"], name=op.f("fk_interest_plan_event_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interest_plan_event")),
        sa.UniqueConstraint("plan_id", "kind", name=op.f("uq_interest_plan_event_plan_id_kind")),
    )
    op.create_index(
        "uq_interest_plan_event_end",
        "interest_plan_event",
        ["plan_id"],
        unique=True,
        sqlite_where=sa.text("kind IN ('issued', 'stopped')"),
        postgresql_where=sa.text("kind IN ('issued', 'stopped')"),
    )
    op.create_table(
        "interest_plan_line",
        sa.Column("plan_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("subscriber", sa.String(length=3), nullable=False),
        sa.Column("document_from", sa.Date(), nullable=False),
        sa.Column("document_to", sa.Date(), nullable=False),
        sa.Column("invoice_id", ROW_ID, nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("claim_from", sa.Date(), nullable=False),
        sa.Column("claim_to", sa.Date(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("base_oere", sa.BigInteger(), nullable=True),
        sa.Column("rate", sa.String(length=12), nullable=True),
        sa.Column("days_in_year", sa.Integer(), nullable=True),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_interest_plan_line_invoice_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["interest_plan.id"], name=op.f("fk_interest_plan_line_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "position", name=op.f("pk_interest_plan_line")),
    )
    op.create_table(
        "payment_match_document",
        sa.Column("match_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("invoice_id", ROW_ID, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("accounting_year", sa.Integer(), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_payment_match_document_invoice_id")),
        sa.ForeignKeyConstraint(["match_id"], ["payment_match.id"], name=op.f("fk_payment_match_document_match_id")),
        sa.PrimaryKeyConstraint("match_id", "position", name=op.f("pk_payment_match_document")),
    )
    op.create_index("ix_payment_match_document_invoice_id", "payment_match_document", ["invoice_id"], unique=False)
    op.create_table(
        "receipt",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("file_id", ROW_ID, nullable=False),
        sa.Column("issuer", sa.String(length=3), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("entry_key", sa.String(length=64), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("value_date", sa.Date(), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("bank_reference", sa.String(length=35), nullable=False),
        sa.Column("payer", sa.String(length=3), nullable=True),
        sa.Column("mentions", sa.Text(), nullable=False),
        sa.Column("reversal", sa.Boolean(), nullable=False),
        sa.CheckConstraint("amount_oere <> 0", name=op.f("ck_receipt_amount_not_zero")),
        sa.ForeignKeyConstraint(["file_id"], ["receipt_file.id"], name=op.f("fk_receipt_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("account", "entry_key", name=op.f("uq_receipt_account_entry_key")),
    )
    op.create_index("ix_receipt_issuer_booked_on", "receipt", ["issuer", "booked_on"], unique=False)
    op.create_table(
        "reminder_document",
        sa.Column("letter_id", ROW_ID, nullable=False),
        sa.Column("invoice_id", ROW_ID, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("open_oere", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_reminder_document_invoice_id")),
        sa.ForeignKeyConstraint(["letter_id"], ["reminder_letter.id"], name=op.f("fk_reminder_document_letter_id")),
        sa.PrimaryKeyConstraint("letter_id", "invoice_id", name=op.f("pk_reminder_document")),
        sa.UniqueConstraint("invoice_id", "level", name=op.f("uq_reminder_document_invoice_id_level")),
    )
    op.create_table(
        "interest_line",
        sa.Column("invoice_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("principal_id", ROW_ID, nullable=False),
        sa.Column("base_oere", sa.BigInteger(), nullable=False),
        sa.Column("rate", sa.String(length=12), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("days_in_year", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id", "position"],
            ["invoice_line.invoice_id", "invoice_line.position"],
            name=op.f("fk_interest_line_invoice_id_position"),
        ),
        sa.ForeignKeyConstraint(["principal_id"], ["invoice.id"], name=op.f("fk_interest_line_principal_id")),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_interest_line")),
    )
    op.create_table(
        "payment_match_receipt",
        sa.Column("match_id", ROW_ID, nullable=False),
        sa.Column("receipt_id", ROW_ID, nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["match_id"], ["payment_match.id"], name=op.f("fk_payment_match_receipt_match_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_payment_match_receipt_receipt_id")),
        sa.PrimaryKeyConstraint("match_id", "receipt_id", name=op.f("pk_payment_match_receipt")),
    )
    op.create_index("ix_payment_match_receipt_receipt_id", "payment_match_receipt", ["receipt_id"], unique=False)
    _protect()


def _protect() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table, keys in APPEND_ONLY.items():
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER append_only_{table}_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, 'append_only_{table}: rows are only ever added'); END"
                )
            # REPLACE removes the row that is in the way, and fires no trigger unless a connection asked for it.
            same = " AND ".join(f"{key} = NEW.{key}" for key in keys)
            op.execute(
                f"CREATE TRIGGER append_only_{table}_insert BEFORE INSERT ON {table} "
                f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
                f"BEGIN SELECT RAISE(ABORT, 'append_only_{table}: rows are only ever added'); END"
            )
        return
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only_{table} BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER append_only_{table}_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    """A ledger is never taken back; restore a backup instead."""
    raise NotImplementedError
