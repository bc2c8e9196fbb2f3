"""The count of a key's calls within a minute, which all web workers share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this step."""
    op.create_table(
        "api_call_count",
        sa.Column("counted_by", sa.String(length=64), nullable=False),
        sa.Column("minute", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("counted_by", name=op.f("pk_api_call_count")),
    )
    op.create_index(op.f("ix_api_call_count_minute"), "api_call_count", ["minute"])


def downgrade() -> None:
    """A ledger is never taken back; restore a backup instead."""
    raise NotImplementedError
