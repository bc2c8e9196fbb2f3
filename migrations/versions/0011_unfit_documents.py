"""What becomes of an issuer's bills that cannot become valid e-invoices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this step."""
    column = sa.Column("unfit", sa.String(length=10), server_default=sa.text("''"), nullable=False)
    op.add_column("issuer_detail", column)


def downgrade() -> None:
    """A ledger is never taken back; restore a backup instead."""
    raise NotImplementedError
