"""Enkeltsager and sales of surplus capacity: cases, what happened in them, prices, outlays, billed lines, plans."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Table -> what a row is known by.
APPEND_ONLY = {
    "single_case": ("id",),
    "case_event": ("id",),
    "case_price": ("id",),
    "case_outlay": ("id",),
    "case_line": ("invoice_id", "position"),
    "case_plan": ("id",),
    "case_plan_event": ("id",),
    "surplus_sale": ("invoice_id",),
}


def upgrade() -> None:
    """Go to this step."""
    op.create_table(
        "case_plan",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("planned_by", sa.String(length=200), nullable=False),
        sa.Column("four_eyes", sa.Boolean(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("documents", sa.Text(), nullable=False),
        sa.Column("left_out", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_plan")),
    )
    op.create_index("ix_case_plan_agreement", "case_plan", ["agreement"], unique=False)
    op.create_table(
        "case_price",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("service", sa.String(length=60), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.CheckConstraint("amount_oere > 0", name=op.f("ck_case_price_above_zero")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_price")),
    )
    op.create_index("ix_case_price_agreement", "case_price", ["agreement", "service"], unique=False)
    op.create_table(
        "single_case",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("number", sa.String(length=11), nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("service", sa.String(length=60), nullable=False),
        sa.Column("provider", sa.String(length=3), nullable=False),
        sa.Column("payer", sa.String(length=3), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_single_case")),
        sa.UniqueConstraint("number", name=op.f("uq_single_case_number")),
    )
    op.create_index("ix_single_case_agreement", "single_case", ["agreement", "payer"], unique=False)
    op.create_table(
        "case_event",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=12), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("recorded_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=8), nullable=True),
        sa.CheckConstraint("reason IN ('late', 'wrong')", name=op.f("ck_case_event_reason")),
        sa.CheckConstraint(
            "step IN ('approved', 'admitted', 'discharged', 'stayed', 'withdrawn')", name=op.f("ck_case_event_step")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["single_case.id"], name=op.f("fk_case_event_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_event")),
        sa.UniqueConstraint("case_id", "sequence", name=op.f("uq_case_event_case_id_sequence")),
    )
    op.create_table(
        "case_outlay",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("supplier", sa.String(length=8), nullable=False),
        sa.Column("reference", sa.String(length=35), nullable=False),
        sa.Column("recorded_on", sa.Date(), nullable=False),
        sa.CheckConstraint("amount_oere <> 0", name=op.f("ck_case_outlay_not_zero")),
        sa.CheckConstraint("from_day < to_day", name=op.f("ck_case_outlay_days_in_order")),
        sa.ForeignKeyConstraint(["case_id"], ["single_case.id"], name=op.f("fk_case_outlay_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_outlay")),
        sa.UniqueConstraint(
            "case_id",
            "supplier",
            "reference",
            "from_day",
            name=op.f("uq_case_outlay_case_id_supplier_reference_from_day"),
        ),
    )
    op.create_table(
        "case_plan_event",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("plan_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.CheckConstraint("kind IN ('approved', 'issued', 'stopped')", name=op.f("ck_case_plan_event_kind")),
        sa.ForeignKeyConstraint(["plan_id"], ["case_plan.id"], name=op.f("fk_case_plan_event_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_plan_event")),
        sa.UniqueConstraint("plan_id", "kind", name=op.f("uq_case_plan_event_plan_id_kind")),
    )
    op.create_index(
        "uq_case_plan_event_end",
        "case_plan_event",
        ["plan_id"],
        unique=True,
        sqlite_where=sa.text("kind IN ('issued', 'stopped')"),
        postgresql_where=sa.text("kind IN ('issued', 'stopped')"),
    )
    op.create_table(
        "surplus_sale",
        sa.Column("invoice_id", ROW_ID, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("provider", sa.String(length=3), nullable=False),
        sa.Column("service", sa.String(length=60), nullable=False),
        sa.Column("buyer", sa.String(length=3), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=False),
        sa.Column("courses", sa.Integer(), nullable=False),
        sa.Column("unit_oere", sa.BigInteger(), nullable=True),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("compared_year", sa.Integer(), nullable=True),
        sa.Column("compared_cost_oere", sa.BigInteger(), nullable=True),
        sa.Column("compared_courses", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_oere > 0", name=op.f("ck_surplus_sale_above_zero")),
        sa.CheckConstraint("courses >= 1", name=op.f("ck_surplus_sale_courses_from_one")),
        sa.CheckConstraint("from_day < to_day", name=op.f("ck_surplus_sale_days_in_order")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_surplus_sale_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_surplus_sale")),
    )
    op.create_index("ix_surplus_sale_agreement", "surplus_sale", ["agreement", "from_day"], unique=False)
    op.create_table(
        "case_line",
        sa.Column("invoice_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("case_id", ROW_ID, nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("unit_oere", sa.BigInteger(), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("outlay_id", ROW_ID, nullable=True),
        sa.Column("counters_id", ROW_ID, nullable=True),
        sa.Column("counters_position", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "outlay_id IS NOT NULL OR amount_oere = days * unit_oere", name=op.f("ck_case_line_days_times_unit")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["single_case.id"], name=op.f("fk_case_line_case_id")),
        sa.ForeignKeyConstraint(
            ["invoice_id", "position"],
            ["invoice_line.invoice_id", "invoice_line.position"],
            name=op.f("fk_case_line_invoice_id_position"),
        ),
        sa.ForeignKeyConstraint(["outlay_id"], ["case_outlay.id"], name=op.f("fk_case_line_outlay_id")),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_case_line")),
    )
    op.create_index("ix_case_line_case_id", "case_line", ["case_id"], unique=False)
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
