"""How Alembic reaches the tables; the connection is always given by ``migrations.upgrade`` or by a developer's call."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine

import agreements.tables
import billing.accounts.tables
import billing.annual_subscription.tables
import billing.invoice.tables
import billing.monthly_run.tables
import billing.payment.tables
import billing.single_case.tables
import billing.surplus_capacity.tables
import billing.usage_statement.tables
import billing.year_end_settlement.tables
import exports.delivery.tables
import foundation.audit
import foundation.call_counts
import foundation.hooks
import foundation.outbox
import foundation.tokens
import foundation.users
from foundation.database import metadata

# Imported so that the metadata holds every table.
ROOMS = (
    foundation.audit,
    foundation.call_counts,
    foundation.hooks,
    foundation.outbox,
    foundation.tokens,
    foundation.users,
    agreements.tables,
    billing.accounts.tables,
    billing.annual_subscription.tables,
    billing.invoice.tables,
    billing.monthly_run.tables,
    billing.payment.tables,
    billing.single_case.tables,
    billing.surplus_capacity.tables,
    billing.usage_statement.tables,
    billing.year_end_settlement.tables,
    exports.delivery.tables,
)


def run() -> None:
    """Run the steps on the given connection, or on the address of the configuration."""
    connection = context.config.attributes.get("connection")
    if connection is None:
        engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "")
        with engine.begin() as own:
            _run_on(own)
        return
    _run_on(connection)


def _run_on(connection: object) -> None:
    context.configure(connection=connection, target_metadata=metadata)  # type: ignore[arg-type]
    with context.begin_transaction():
        context.run_migrations()


run()
