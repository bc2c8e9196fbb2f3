"""Documents across agreements, credit by line, what is told to people, and how an issuer's clock runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = {"line_credit": ("credit_id", "position"), "outbox_entry": ("id",)}


def upgrade() -> None:
    """Go to this step."""
    op.create_table(
        "outbox_entry",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("topic", sa.String(length=60), nullable=False),
        sa.Column("issuer", sa.String(length=3), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_entry")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_entry_key")),
    )
    op.create_table(
        "line_credit",
        sa.Column("credit_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("invoice_id", ROW_ID, nullable=False),
        sa.Column("line_position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["credit_id", "position"],
            ["invoice_line.invoice_id", "invoice_line.position"],
            name=op.f("fk_line_credit_credit_id_position"),
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id", "line_position"],
            ["invoice_line.invoice_id", "invoice_line.position"],
            name=op.f("fk_line_credit_invoice_id_line_position"),
        ),
        sa.PrimaryKeyConstraint("credit_id", "position", name=op.f("pk_line_credit")),
    )
    op.create_index(
        op.f("ix_line_credit_invoice_id_line_position"), "line_credit", ["invoice_id", "line_position"], unique=False
    )
    op.create_index(op.f("ix_claim_invoice_id"), "claim", ["invoice_id"], unique=False)
    op.create_index(op.f("ix_claim_released_by"), "claim", ["released_by"], unique=False)
    op.create_index(op.f("ix_invoice_line_agreement"), "invoice_line", ["agreement"], unique=False)
    op.add_column("agreement_version", sa.Column("form", sa.Text(), nullable=True))
    op.add_column("run_plan", sa.Column("missing", sa.Text(), nullable=False, server_default=sa.text("'[]'")))
    op.add_column("run_plan_document", sa.Column("document", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column(
        "issuer_setting", sa.Column("plan_days_before", sa.Integer(), nullable=False, server_default=sa.text("5"))
    )
    op.add_column(
        "issuer_setting", sa.Column("alarm_days_before", sa.Integer(), nullable=False, server_default=sa.text("2"))
    )
    op.add_column(
        "issuer_setting", sa.Column("mail", sa.String(length=320), nullable=False, server_default=sa.text("''"))
    )
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
