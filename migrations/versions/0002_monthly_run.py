"""The run: plans, what became of them, and each issuer's settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("run_plan", "run_plan_document", "run_plan_event")


def upgrade() -> None:
    """Go to this step."""
    op.create_table(
        "issuer_setting",
        sa.Column("issuer", sa.String(length=3), nullable=False),
        sa.Column("four_eyes", sa.Boolean(), nullable=False),
        sa.Column("warn_percent", sa.Integer(), nullable=False),
        sa.CheckConstraint("warn_percent BETWEEN 0 AND 1000", name=op.f("ck_issuer_setting_warn_percent")),
        sa.PrimaryKeyConstraint("issuer", name=op.f("pk_issuer_setting")),
    )
    op.create_table(
        "run_plan",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("planned_by", sa.String(length=200), nullable=False),
        sa.Column("four_eyes", sa.Boolean(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("failed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_plan")),
    )
    op.create_table(
        "run_plan_document",
        sa.Column("plan_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("issuer", sa.String(length=3), nullable=False),
        sa.Column("subscriber", sa.String(length=3), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("previous_oere", sa.BigInteger(), nullable=True),
        sa.Column("internal", sa.Boolean(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["run_plan.id"], name=op.f("fk_run_plan_document_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "position", name=op.f("pk_run_plan_document")),
    )
    op.create_table(
        "run_plan_event",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("plan_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('approved', 'issued', 'stopped')", name=op.f("ck_run_plan_event_kind")),
        sa.ForeignKeyConstraint(["plan_id"], ["run_plan.id"], name=op.f("fk_run_plan_event_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_plan_event")),
        sa.UniqueConstraint("plan_id", "kind", name=op.f("uq_run_plan_event_plan_id_kind")),
    )
    ended = sa.text("kind IN ('issued', 'stopped')")
    op.create_index(
        "uq_run_plan_event_end",
        "run_plan_event",
        ["plan_id"],
        unique=True,
        sqlite_where=ended,
        postgresql_where=ended,
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
            key = "plan_id = NEW.plan_id AND position = NEW.position" if table == "run_plan_document" else "id = NEW.id"
            op.execute(
                f"CREATE TRIGGER append_only_{table}_insert BEFORE INSERT ON {table} "
                f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key}) "
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
