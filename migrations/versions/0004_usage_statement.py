"""Usage: how providers' columns are read, counts by service and municipality, and what was published of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AGREEMENT = sa.String(length=60)
CODE = sa.String(length=3)
FIGURE = ("measure", "service", "residence")
APPEND_ONLY = {
    "usage_mapping": ("agreement", "provider", "version"),
    "usage_load": ("id",),
    "usage_count": ("load_id", *FIGURE),
    "usage_release": ("id",),
    "usage_release_part": ("release_id", "position"),
    "usage_figure": ("release_id", *FIGURE),
}


def upgrade() -> None:
    """Go to this step."""
    _loads()
    _releases()
    _protect()


def _figure_columns() -> list[sa.Column[str]]:
    return [
        sa.Column("measure", sa.String(length=20), nullable=False),
        sa.Column("service", sa.String(length=60), nullable=False),
        sa.Column("residence", sa.String(length=10), nullable=False),
    ]


def _loads() -> None:
    op.create_table(
        "usage_mapping",
        sa.Column("agreement", AGREEMENT, nullable=False),
        sa.Column("provider", CODE, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kept_on", sa.Date(), nullable=False),
        sa.Column("kept_by", sa.String(length=200), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["agreement"], ["agreement.code"], name=op.f("fk_usage_mapping_agreement")),
        sa.PrimaryKeyConstraint("agreement", "provider", "version", name=op.f("pk_usage_mapping")),
    )
    op.create_table(
        "usage_load",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("agreement", AGREEMENT, nullable=False),
        sa.Column("provider", CODE, nullable=False),
        sa.Column("first_month", sa.Date(), nullable=False),
        sa.Column("last_month", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("loaded_on", sa.Date(), nullable=False),
        sa.Column("loaded_by", sa.String(length=200), nullable=False),
        sa.Column("shape", sa.String(length=10), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.CheckConstraint("shape IN ('counts', 'courses')", name=op.f("ck_usage_load_shape")),
        sa.CheckConstraint("first_month <= last_month", name=op.f("ck_usage_load_months_in_order")),
        sa.ForeignKeyConstraint(["agreement"], ["agreement.code"], name=op.f("fk_usage_load_agreement")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_load")),
        sa.UniqueConstraint(
            "agreement", "provider", "first_month", "last_month", "version", name="uq_usage_load_version"
        ),
    )
    op.create_table(
        "usage_count",
        sa.Column("load_id", ROW_ID, nullable=False),
        *_figure_columns(),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.CheckConstraint("counted > 0", name=op.f("ck_usage_count_positive")),
        sa.ForeignKeyConstraint(["load_id"], ["usage_load.id"], name=op.f("fk_usage_count_load_id")),
        sa.PrimaryKeyConstraint("load_id", *FIGURE, name=op.f("pk_usage_count")),
    )


def _releases() -> None:
    op.create_table(
        "usage_release",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("agreement", AGREEMENT, nullable=False),
        sa.Column("first_month", sa.Date(), nullable=False),
        sa.Column("last_month", sa.Date(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("released_on", sa.Date(), nullable=False),
        sa.Column("released_by", sa.String(length=200), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("optimal", sa.Boolean(), nullable=False),
        sa.CheckConstraint("first_month <= last_month", name=op.f("ck_usage_release_months_in_order")),
        sa.ForeignKeyConstraint(["agreement"], ["agreement.code"], name=op.f("fk_usage_release_agreement")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_release")),
        sa.UniqueConstraint("agreement", "first_month", "last_month", "edition", name="uq_usage_release_edition"),
    )
    op.create_table(
        "usage_release_part",
        sa.Column("release_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("load_id", ROW_ID, nullable=True),
        sa.Column("part_id", ROW_ID, nullable=True),
        sa.CheckConstraint("(load_id IS NULL) <> (part_id IS NULL)", name=op.f("ck_usage_release_part_one_of_two")),
        sa.ForeignKeyConstraint(["load_id"], ["usage_load.id"], name=op.f("fk_usage_release_part_load_id")),
        sa.ForeignKeyConstraint(["part_id"], ["usage_release.id"], name=op.f("fk_usage_release_part_part_id")),
        sa.ForeignKeyConstraint(["release_id"], ["usage_release.id"], name=op.f("fk_usage_release_part_release_id")),
        sa.PrimaryKeyConstraint("release_id", "position", name=op.f("pk_usage_release_part")),
    )
    op.create_table(
        "usage_figure",
        sa.Column("release_id", ROW_ID, nullable=False),
        *_figure_columns(),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("small", sa.Boolean(), nullable=False),
        sa.CheckConstraint("counted >= 0", name=op.f("ck_usage_figure_not_negative")),
        sa.CheckConstraint("hidden OR NOT small", name=op.f("ck_usage_figure_small_is_hidden")),
        sa.ForeignKeyConstraint(["release_id"], ["usage_release.id"], name=op.f("fk_usage_figure_release_id")),
        sa.PrimaryKeyConstraint("release_id", *FIGURE, name=op.f("pk_usage_figure")),
    )


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
