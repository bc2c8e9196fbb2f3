"""Surplus capacity: each sale is what its document says, and closed years' accounts have the income."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, and_, func, not_, or_, select

from agreements.agreement import CostKind
from billing.accounts.facts import Account
from billing.accounts.tables import posting
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import invoice
from billing.surplus_capacity.tables import surplus_sale
from billing.verify.documents import is_credit
from billing.verify.words import name_of
from billing.year_end_settlement import store as year_ends
from billing.year_end_settlement.tables import year_settlement
from foundation.money import kroner


def sales_in_accounts(connection: Connection) -> Iterator[str]:
    """Every bill on surplus capacity is a sale at its amount; what was billed for a closed year is in its accounts."""
    rows = connection.execute(
        select(invoice.c.number)
        .select_from(invoice)
        .outerjoin(surplus_sale, surplus_sale.c.invoice_id == invoice.c.id)
        .where(
            invoice.c.kind == ClaimKind.SURPLUS_CAPACITY.value,
            not_(is_credit()),
            or_(
                surplus_sale.c.invoice_id.is_(None),
                surplus_sale.c.amount_oere != invoice.c.amount_oere,
                surplus_sale.c.buyer != invoice.c.subscriber,
                and_(
                    surplus_sale.c.unit_oere.is_not(None),
                    surplus_sale.c.amount_oere != surplus_sale.c.unit_oere * surplus_sale.c.courses,
                ),
            ),
        ),
    )
    for row in rows:
        yield f"{row.number} er ikke det salg, der er registreret"
    sold = connection.execute(
        select(
            posting.c.agreement,
            posting.c.accounting_year,
            posting.c.provider,
            posting.c.service,
            func.sum(posting.c.amount_oere).label("total"),
        )
        .join(
            year_settlement,
            and_(
                year_settlement.c.agreement == posting.c.agreement,
                year_settlement.c.year == posting.c.accounting_year,
            ),
        )
        .where(posting.c.account == Account.SURPLUS_CAPACITY.value)
        .group_by(posting.c.agreement, posting.c.accounting_year, posting.c.provider, posting.c.service),
    ).all()
    for row in sold:
        entered = sum(
            line.amount_oere
            for line in year_ends.final_accounts(connection, row.agreement, row.accounting_year)
            if (line.key.provider, line.key.service, line.key.kind)
            == (row.provider, row.service, CostKind.SURPLUS_CAPACITY_INCOME)
        )
        if entered < -int(row.total):
            yield (
                f"{row.agreement} {row.accounting_year}: regnskabet har {kroner(entered)} for solgt kapacitet hos "
                f"{name_of(row.provider)}, men der er faktureret {kroner(-int(row.total))}"
            )
