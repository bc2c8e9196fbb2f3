"""A paying municipality's no to a case; offers of surplus capacity, which another person sells by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = {"case_refusal": "case_id", "surplus_offer": "id", "surplus_offer_end": "offer_id"}


def upgrade() -> None:
    """Go to this step."""
    op.create_table(
        "case_refusal",
        sa.Column("case_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=12), nullable=False),
        sa.Column("recorded_on", sa.Date(), nullable=False),
        sa.CheckConstraint("reason IN ('not_ours', 'not_granted', 'other_offer')", name=op.f("ck_case_refusal_reason")),
        sa.ForeignKeyConstraint(["case_id"], ["single_case.id"], name=op.f("fk_case_refusal_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_refusal")),
    )
    op.create_table(
        "surplus_offer",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("provider", sa.String(length=3), nullable=False),
        sa.Column("service", sa.String(length=60), nullable=False),
        sa.Column("buyer", sa.String(length=3), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=False),
        sa.Column("courses", sa.Integer(), nullable=False),
        sa.Column("unit_oere", sa.BigInteger(), nullable=True),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("offered_on", sa.Date(), nullable=False),
        sa.Column("offered_by", sa.String(length=200), nullable=False),
        sa.CheckConstraint("courses >= 1", name=op.f("ck_surplus_offer_courses_from_one")),
        sa.CheckConstraint("amount_oere > 0", name=op.f("ck_surplus_offer_above_zero")),
        sa.CheckConstraint("from_day < to_day", name=op.f("ck_surplus_offer_days_in_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_surplus_offer")),
    )
    op.create_index(op.f("ix_surplus_offer_agreement"), "surplus_offer", ["agreement"])
    op.create_table(
        "surplus_offer_end",
        sa.Column("offer_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("invoice_id", ROW_ID, nullable=True),
        sa.CheckConstraint("kind IN ('sold', 'withdrawn')", name=op.f("ck_surplus_offer_end_kind")),
        sa.CheckConstraint(
            "(kind = 'sold') = (invoice_id IS NOT NULL)", name=op.f("ck_surplus_offer_end_sold_by_a_document")
        ),
        sa.ForeignKeyConstraint(["offer_id"], ["surplus_offer.id"], name=op.f("fk_surplus_offer_end_offer_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_surplus_offer_end_invoice_id")),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_surplus_offer_end")),
    )
    _protect()


def _protect() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table, key in APPEND_ONLY.items():
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER append_only_{table}_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, 'append_only_{table}: rows are only ever added'); END"
                )
            # REPLACE removes the row that is in the way, and fires no trigger unless a connection asked for it.
            op.execute(
                f"CREATE TRIGGER append_only_{table}_insert BEFORE INSERT ON {table} "
                f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key}) "
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
