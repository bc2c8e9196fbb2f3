"""The ground: agreements, figures, calculations, documents, books, audit trail; what was issued cannot be changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# Rows that others rest on. They are only ever added; a correction is a row of its own (domain rules 2, 7, 10 and 14).
APPEND_ONLY = (
    "accounts_line",
    "agreement_version",
    "audit_event",
    "budget_line",
    "decision",
    "exit_line",
    "invoice",
    "invoice_line",
    "population_figure",
    "population_load",
    "posting",
    "price_notice",
    "result_movement",
    "settlement_part",
    "settlement_provider",
    "subscription",
    "subscription_cost_line",
    "subscription_instalment",
    "subscription_instalment_passed_on",
    "subscription_part",
    "subscription_passed_on",
    "voucher",
    "year_settlement",
)

KEYS = {
    "invoice_line": ("invoice_id", "position"),
    "settlement_part": ("settlement_id", "municipality", "provider"),
    "settlement_provider": ("settlement_id", "provider"),
    "subscription_instalment": ("subscription_id", "municipality", "month"),
    "subscription_instalment_passed_on": (
        "subscription_id",
        "municipality",
        "month",
        "accounting_year",
        "provider",
    ),
    "subscription_part": ("subscription_id", "municipality"),
    "subscription_passed_on": ("subscription_id", "municipality", "accounting_year", "provider"),
}


def upgrade() -> None:
    """Go to this step."""
    op.create_table(
        "accounts_line",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=3), nullable=False),
        sa.Column("service", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("line", sa.String(length=120), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("loaded_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts_line")),
        sa.UniqueConstraint(
            "agreement", "year", "provider", "service", "kind", "line", "revision", name="uq_accounts_line_revision"
        ),
    )
    op.create_table(
        "agreement",
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("issuer", sa.String(length=3), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_agreement")),
    )
    op.create_table(
        "agreement_version",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("loaded_on", sa.Date(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_version")),
        sa.UniqueConstraint("agreement", "version", name=op.f("uq_agreement_version_agreement_version")),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("happened_at", sa.String(length=32), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_event_hash")),
        sa.UniqueConstraint("previous_hash", name=op.f("uq_audit_event_previous_hash")),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("accounting_year", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("approver", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint("kind <> 'close' OR sequence = 1", name=op.f("ck_decision_closed_once")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint(
            "agreement",
            "accounting_year",
            "kind",
            "sequence",
            name=op.f("uq_decision_agreement_accounting_year_kind_sequence"),
        ),
    )
    op.create_table(
        "exit_line",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=False),
        sa.Column("document", sa.String(length=30), nullable=False),
        sa.Column("accounting_year", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=3), nullable=False),
        sa.Column("passed_on_oere", sa.BigInteger(), nullable=False),
        sa.Column("carried_oere", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exit_line")),
        sa.UniqueConstraint(
            "agreement",
            "municipality",
            "left_on",
            "accounting_year",
            "provider",
            name="uq_exit_line_part",
        ),
    )
    op.create_table(
        "invoice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("issuer", sa.String(length=3), nullable=False),
        sa.Column("series_year", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("document_type", sa.String(length=20), nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("issue_date", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("internal", sa.Boolean(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("credits_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("issuer_name", sa.String(length=200), nullable=False),
        sa.Column("issuer_cvr", sa.String(length=8), nullable=False),
        sa.Column("issuer_gln", sa.String(length=13), nullable=False),
        sa.Column("subscriber", sa.String(length=3), nullable=False),
        sa.Column("subscriber_name", sa.String(length=200), nullable=False),
        sa.Column("subscriber_cvr", sa.String(length=8), nullable=False),
        sa.Column("subscriber_gln", sa.String(length=13), nullable=False),
        sa.CheckConstraint("period_from < period_to", name=op.f("ck_invoice_period_in_order")),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_invoice_sequence_from_one")),
        sa.ForeignKeyConstraint(["credits_id"], ["invoice.id"], name=op.f("fk_invoice_credits_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("credits_id", name=op.f("uq_invoice_credits_id")),
        sa.UniqueConstraint("issuer", "number", name=op.f("uq_invoice_issuer_number")),
        sa.UniqueConstraint("issuer", "series_year", "sequence", name=op.f("uq_invoice_issuer_series_year_sequence")),
    )
    op.create_index("ix_invoice_agreement_period", "invoice", ["agreement", "period_from"], unique=False)
    op.create_index("ix_invoice_subscriber_period", "invoice", ["subscriber", "period_from"], unique=False)
    op.create_table(
        "number_series",
        sa.Column("issuer", sa.String(length=3), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        sa.Column("last_issue_date", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "year", name=op.f("pk_number_series")),
    )
    op.create_table(
        "population_load",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("loaded_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_population_load")),
    )
    op.create_table(
        "price_notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_notice")),
        sa.UniqueConstraint("agreement", "year", "version", name=op.f("uq_price_notice_agreement_year_version")),
    )
    op.create_table(
        "subscription",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reference_date", sa.Date(), nullable=False),
        sa.Column("unit_oere", sa.Integer(), nullable=False),
        sa.Column("correction", sa.String(length=20), nullable=False),
        sa.Column("calculated_on", sa.Date(), nullable=False),
        sa.Column("cost_oere", sa.BigInteger(), nullable=False),
        sa.Column("passed_on_oere", sa.BigInteger(), nullable=False),
        sa.Column("total_oere", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("agreement", "year", "version", name=op.f("uq_subscription_agreement_year_version")),
    )
    op.create_table(
        "voucher",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=True),
        sa.Column("service_month", sa.Date(), nullable=True),
        sa.Column("claim_effect", sa.Integer(), nullable=False),
        sa.CheckConstraint("claim_effect IN (-1, 0, 1)", name=op.f("ck_voucher_claim_effect")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher")),
        sa.UniqueConstraint("agreement", "kind", "reference", name=op.f("uq_voucher_agreement_kind_reference")),
    )
    op.create_table(
        "year_settlement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("application_year", sa.Integer(), nullable=False),
        sa.Column("result_key", sa.String(length=30), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("approver", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_year_settlement")),
        sa.UniqueConstraint("agreement", "year", name=op.f("uq_year_settlement_agreement_year")),
    )
    op.create_table(
        "budget_line",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=3), nullable=False),
        sa.Column("service", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("line", sa.String(length=120), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("loaded_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["agreement"], ["agreement.code"], name=op.f("fk_budget_line_agreement")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_line")),
        sa.UniqueConstraint(
            "agreement", "year", "provider", "service", "kind", "line", "revision", name="uq_budget_line_revision"
        ),
    )
    op.create_table(
        "claim",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("released_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_claim_invoice_id"), initially="DEFERRED", deferrable=True
        ),
        sa.ForeignKeyConstraint(
            ["released_by"], ["invoice.id"], name=op.f("fk_claim_released_by"), initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
    )
    op.create_index(
        "uq_claim_live",
        "claim",
        ["agreement", "municipality", "kind", "period_from", "period_to"],
        unique=True,
        sqlite_where=sa.text("released_by IS NULL"),
        postgresql_where=sa.text("released_by IS NULL"),
    )
    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("provider", sa.String(length=3), nullable=False),
        sa.Column("provider_name", sa.String(length=200), nullable=False),
        sa.Column("service", sa.String(length=60), nullable=False),
        sa.Column("service_title", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("accounting_year", sa.Integer(), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("vat_exemption", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_invoice_line")),
    )
    op.create_table(
        "membership",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=False),
        sa.Column("from_year", sa.Integer(), nullable=False),
        sa.Column("to_year", sa.Integer(), nullable=True),
        sa.Column("notice_given_on", sa.Date(), nullable=True),
        sa.CheckConstraint("to_year IS NULL OR to_year >= from_year", name=op.f("ck_membership_years_in_order")),
        sa.ForeignKeyConstraint(["agreement"], ["agreement.code"], name=op.f("fk_membership_agreement")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint(
            "agreement", "municipality", "from_year", name=op.f("uq_membership_agreement_municipality_from_year")
        ),
    )
    op.create_table(
        "population_figure",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=False),
        sa.Column("reference_date", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("inhabitants", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("fetched_on", sa.Date(), nullable=False),
        sa.Column("load_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("inhabitants >= 0", name=op.f("ck_population_figure_not_negative")),
        sa.ForeignKeyConstraint(["load_id"], ["population_load.id"], name=op.f("fk_population_figure_load_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_population_figure")),
        sa.UniqueConstraint(
            "municipality",
            "reference_date",
            "revision",
            name=op.f("uq_population_figure_municipality_reference_date_revision"),
        ),
    )
    op.create_table(
        "posting",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("voucher_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("account", sa.String(length=20), nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=True),
        sa.Column("provider", sa.String(length=3), nullable=True),
        sa.Column("service", sa.String(length=60), nullable=True),
        sa.Column("accounting_year", sa.Integer(), nullable=False),
        sa.Column("service_month", sa.Date(), nullable=True),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["voucher_id"], ["voucher.id"], name=op.f("fk_posting_voucher_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
    )
    op.create_index("ix_posting_agreement_month", "posting", ["agreement", "service_month"], unique=False)
    op.create_index("ix_posting_voucher", "posting", ["voucher_id"], unique=False)
    op.create_table(
        "result_movement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("decision_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("accounting_year", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=3), nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=True),
        sa.Column("application_year", sa.Integer(), nullable=True),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_result_movement_decision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_result_movement")),
    )
    op.create_index("ix_result_movement_agreement", "result_movement", ["agreement", "accounting_year"], unique=False)
    op.create_table(
        "settlement_part",
        sa.Column("settlement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=False),
        sa.Column("provider", sa.String(length=3), nullable=False),
        sa.Column("passed_on_oere", sa.BigInteger(), nullable=False),
        sa.Column("carried_oere", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["settlement_id"], ["year_settlement.id"], name=op.f("fk_settlement_part_settlement_id")
        ),
        sa.PrimaryKeyConstraint("settlement_id", "municipality", "provider", name=op.f("pk_settlement_part")),
    )
    op.create_table(
        "settlement_provider",
        sa.Column("settlement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("provider", sa.String(length=3), nullable=False),
        sa.Column("received_oere", sa.BigInteger(), nullable=False),
        sa.Column("cost_oere", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["settlement_id"], ["year_settlement.id"], name=op.f("fk_settlement_provider_settlement_id")
        ),
        sa.PrimaryKeyConstraint("settlement_id", "provider", name=op.f("pk_settlement_provider")),
    )
    op.create_table(
        "subscription_cost_line",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("subscription_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=3), nullable=False),
        sa.Column("service", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("line", sa.String(length=120), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_subscription_cost_line_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_cost_line")),
    )
    op.create_index(
        op.f("ix_subscription_cost_line_subscription_id"), "subscription_cost_line", ["subscription_id"], unique=False
    )
    op.create_table(
        "subscription_instalment",
        sa.Column("subscription_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("gross_oere", sa.BigInteger(), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.Column("invoiced", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_subscription_instalment_subscription_id")
        ),
        sa.PrimaryKeyConstraint("subscription_id", "municipality", "month", name=op.f("pk_subscription_instalment")),
    )
    op.create_table(
        "subscription_instalment_passed_on",
        sa.Column("subscription_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("accounting_year", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=3), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_subscription_instalment_passed_on_subscription_id")
        ),
        sa.PrimaryKeyConstraint(
            "subscription_id",
            "municipality",
            "month",
            "accounting_year",
            "provider",
            name=op.f("pk_subscription_instalment_passed_on"),
        ),
    )
    op.create_table(
        "subscription_part",
        sa.Column("subscription_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("population_date", sa.Date(), nullable=False),
        sa.Column("population_source", sa.String(length=300), nullable=False),
        sa.Column("population_fetched_on", sa.Date(), nullable=False),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.Column("share_oere", sa.BigInteger(), nullable=False),
        sa.Column("passed_on_oere", sa.BigInteger(), nullable=False),
        sa.Column("obligation_oere", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_subscription_part_subscription_id")
        ),
        sa.PrimaryKeyConstraint("subscription_id", "municipality", name=op.f("pk_subscription_part")),
    )
    op.create_table(
        "subscription_passed_on",
        sa.Column("subscription_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=False),
        sa.Column("accounting_year", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=3), nullable=False),
        sa.Column("amount_oere", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_subscription_passed_on_subscription_id")
        ),
        sa.PrimaryKeyConstraint(
            "subscription_id", "municipality", "accounting_year", "provider", name=op.f("pk_subscription_passed_on")
        ),
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
            same = " AND ".join(f"{key} = NEW.{key}" for key in KEYS.get(table, ("id",)))
            op.execute(
                f"CREATE TRIGGER append_only_{table}_insert BEFORE INSERT ON {table} "
                f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
                f"BEGIN SELECT RAISE(ABORT, 'append_only_{table}: rows are only ever added'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'append_only_%: rows are only ever added', TG_TABLE_NAME; END $$"
    )
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
