"""Other keys and terms: how a price was divided by each key, members' exact days, age bands, dated events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = {"subscription_division": "subscription_id", "age_band_figure": "id", "agreement_event": "id"}


def upgrade() -> None:
    """Go to this step."""
    op.add_column("membership", sa.Column("begins_on", sa.Date(), nullable=True))
    op.add_column("membership", sa.Column("ends_on", sa.Date(), nullable=True))
    op.create_table(
        "subscription_division",
        sa.Column("subscription_id", ROW_ID, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_subscription_division_subscription_id")
        ),
        sa.PrimaryKeyConstraint("subscription_id", name=op.f("pk_subscription_division")),
    )
    op.create_table(
        "age_band_figure",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("municipality", sa.String(length=3), nullable=False),
        sa.Column("reference_date", sa.Date(), nullable=False),
        sa.Column("age_from", sa.Integer(), nullable=False),
        sa.Column("age_to", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("inhabitants", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("fetched_on", sa.Date(), nullable=False),
        sa.Column("load_id", ROW_ID, nullable=False),
        sa.CheckConstraint("inhabitants >= 0", name=op.f("ck_age_band_figure_not_negative")),
        sa.CheckConstraint("age_to >= age_from", name=op.f("ck_age_band_figure_ages_in_order")),
        sa.ForeignKeyConstraint(["load_id"], ["population_load.id"], name=op.f("fk_age_band_figure_load_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_age_band_figure")),
        sa.UniqueConstraint(
            "municipality",
            "reference_date",
            "age_from",
            "age_to",
            "revision",
            name="uq_age_band_figure_revision",
        ),
    )
    op.create_table(
        "agreement_event",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("agreement", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["agreement"], ["agreement.code"], name=op.f("fk_agreement_event_agreement")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_event")),
        sa.UniqueConstraint(
            "agreement", "kind", "happened_on", name=op.f("uq_agreement_event_agreement_kind_happened_on")
        ),
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
