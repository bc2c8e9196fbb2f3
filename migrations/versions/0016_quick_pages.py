"""Indexes by which pages sum what is open and page through a hundred thousand rows."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# name -> table, columns; those that were there with fewer columns are made anew
WIDER = {
    "ix_invoice_subscriber_issue_date": (
        "invoice",
        ["subscriber", "issue_date", "internal", "due_date", "amount_oere"],
    ),
    "ix_payment_match_receipt_receipt_id": ("payment_match_receipt", ["receipt_id", "match_id", "amount_oere"]),
    "ix_payment_match_document_invoice_id": ("payment_match_document", ["invoice_id", "match_id", "amount_oere"]),
}
NEW = {
    "ix_claim_agreement_period": (
        "claim",
        ["agreement", "period_from", "kind", "municipality", "invoice_id", "released_by"],
    ),
    "ix_receipt_issuer_value_date": ("receipt", ["issuer", "value_date", "amount_oere"]),
    "ix_payment_match_issuer_matched_on": ("payment_match", ["issuer", "matched_on"]),
    "ix_outbox_entry_issuer": ("outbox_entry", ["issuer"]),
}


def upgrade() -> None:
    """Go to this step."""
    for name, (table, _columns) in WIDER.items():
        op.drop_index(op.f(name), table_name=table)
    for name, (table, columns) in (WIDER | NEW).items():
        op.create_index(op.f(name), table, columns)


def downgrade() -> None:
    """A ledger is never taken back; restore a backup instead."""
    raise NotImplementedError
