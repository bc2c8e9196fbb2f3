"""How what is in the outbox reaches whom: channels, what is to be done and what was tried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("delivery_channel", "delivery_attempt")


def upgrade() -> None:
    """Go to this step."""
    op.create_table(
        "delivery_channel",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("issuer", sa.String(length=3), nullable=False),
        sa.Column("topic", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("after_entry", sa.BigInteger(), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_channel")),
        sa.UniqueConstraint(
            "issuer",
            "topic",
            "kind",
            "revision",
            name=op.f("uq_delivery_channel_issuer_topic_kind_revision"),
        ),
    )
    op.create_table(
        "delivery_job",
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.String(length=32), nullable=False),
        sa.Column("leased_until", sa.String(length=32), nullable=False),
        sa.Column("leased_by", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["outbox_entry.id"], name=op.f("fk_delivery_job_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", "kind", name=op.f("pk_delivery_job")),
    )
    op.create_index(op.f("ix_delivery_job_state_due_at"), "delivery_job", ["state", "due_at"], unique=False)
    op.create_table(
        "delivery_attempt",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("reached", sa.String(length=500), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["outbox_entry.id"], name=op.f("fk_delivery_attempt_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempt")),
    )
    op.create_index(op.f("ix_delivery_attempt_entry_id"), "delivery_attempt", ["entry_id"], unique=False)
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
