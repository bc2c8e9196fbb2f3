"""The index by which a page finds what the books say of one document."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this step."""
    op.create_index(op.f("ix_voucher_reference"), "voucher", ["reference"])


def downgrade() -> None:
    """A ledger is never taken back; restore a backup instead."""
    raise NotImplementedError
