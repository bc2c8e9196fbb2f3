"""What e-invoices, payments and posting files need beside the agreement: of issuers, buyers and services."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("issuer_detail", "buyer_detail", "service_detail", "posting_template")


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def upgrade() -> None:
    """Go to this step."""
    op.create_table(
        "issuer_detail",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        _text("issuer", 3),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        _text("vat_number", 10),
        _text("endpoint", 10),
        _text("means", 3),
        _text("registration_number", 4),
        _text("account_number", 10),
        _text("iban", 34),
        _text("bic", 11),
        _text("fik_card", 2),
        _text("creditor_number", 8),
        _text("contact", 200),
        _text("phone", 40),
        _text("mail", 320),
        _text("street", 200),
        _text("postal_code", 10),
        _text("city", 100),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issuer_detail")),
        sa.UniqueConstraint("issuer", "revision", name=op.f("uq_issuer_detail_issuer_revision")),
    )
    op.create_table(
        "buyer_detail",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        _text("agreement", 60),
        _text("municipality", 3),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        _text("endpoint", 10),
        _text("buyer_reference", 200),
        _text("order_reference", 200),
        _text("accounting_cost", 200),
        _text("street", 200),
        _text("postal_code", 10),
        _text("city", 100),
        sa.ForeignKeyConstraint(["agreement"], ["agreement.code"], name=op.f("fk_buyer_detail_agreement")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_buyer_detail")),
        sa.UniqueConstraint(
            "agreement",
            "municipality",
            "revision",
            name=op.f("uq_buyer_detail_agreement_municipality_revision"),
        ),
    )
    op.create_table(
        "service_detail",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        _text("agreement", 60),
        _text("service", 60),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        _text("vat_code", 40),
        _text("vat_reason", 200),
        _text("own_account", 200),
        _text("counter_account", 200),
        sa.ForeignKeyConstraint(["agreement"], ["agreement.code"], name=op.f("fk_service_detail_agreement")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_detail")),
        sa.UniqueConstraint(
            "agreement",
            "service",
            "revision",
            name=op.f("uq_service_detail_agreement_service_revision"),
        ),
    )
    op.create_table(
        "posting_template",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        _text("issuer", 3),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting_template")),
        sa.UniqueConstraint("issuer", "revision", name=op.f("uq_posting_template_issuer_revision")),
    )
    _protect()


def _protect() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER append_only_{table}_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, 'append_only_{table}: rows are only ever added'); END"
                )
            # REPLACE removes the row that is in the way, and fires no trigger unless a connection asked for it.
            op.execute(
                f"CREATE TRIGGER append_only_{table}_insert BEFORE INSERT ON {table} "
                f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) "
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
