"""How a result was divided, true-ups and their plans, and shares of net assets paid out with an exit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Table -> what a row is known by.
APPEND_ONLY = {
    "true_up_plan": ("id",),
    "true_up_plan_event": ("id",),
    "exit_net_assets": ("id",),
}


def upgrade() -> None:
    """Go to this step."""
    op.add_column(
        "year_settlement",
        sa.Column("divided_by", sa.String(length=10), server_default=sa.text("'total'"), nullable=False),
    )
    op.create_table(
        "true_up_plan",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("planned_by", sa.String(length=200), nullable=False),
        sa.Column("four_eyes", sa.Boolean(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("documents", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_true_up_plan")),
    )
    op.create_index("ix_true_up_plan_agreement", "true_up_plan", ["agreement"], unique=False)
    op.create_table(
        "true_up_plan_event",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("plan_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.CheckConstraint("kind IN ('approved', 'issued', 'stopped')", name=op.f("ck_true_up_plan_event_kind")),
        sa.ForeignKeyConstraint(["plan_id"], ["true_up_plan.id"], name=op.f("fk_true_up_plan_event_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_true_up_plan_event")),
        sa.UniqueConstraint("plan_id", "kind", name=op.f("uq_true_up_plan_event_plan_id_kind")),
    )
    op.create_index(
        "uq_true_up_plan_event_end",
        "true_up_plan_event",
        ["plan_id"],
        unique=True,
        sqlite_where=sa.text("kind IN ('issued', 'stopped')"),
        postgresql_where=sa.text("kind IN ('issued', 'stopped')"),
    )
    op.create_table(
        "exit_net_assets",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=False),
        sa.Column("document", sa.String(length=30), nullable=False),
        sa.Column("net_assets_oere", sa.BigInteger(), nullable=False),
        sa.Column("share_oere", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.String(length=400), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exit_net_assets")),
        sa.UniqueConstraint(
            "agreement", "municipality", "left_on", name=op.f("uq_exit_net_assets_agreement_municipality_left_on")
        ),
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
