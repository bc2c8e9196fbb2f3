"""Prices that are to be calculated again, and invoices that are to be made anew; the books are right all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, select

from agreements import store as agreement_store
from agreements.agreement import MunicipalityCode
from agreements.membership import days_of, first_periods
from billing.accounts import store as books
from billing.accounts.facts import InvoicedMonth
from billing.annual_subscription import store as subscription_store
from billing.annual_subscription.facts import AnnualSubscription
from billing.annual_subscription.rules import says_the_same
from billing.annual_subscription.tables import subscription, subscription_instalment
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import invoice, invoice_line
from billing.monthly_aconto.rules import PriceOutOfDate
from billing.monthly_aconto.run import require_same_members


def waiting_prices(connection: Connection) -> list[str]:
    """What is to be done about the prices of years that are not closed, in words.

    Source: domain rule 7; docs/decisions/0007-changed-and-missing-prices.md and 0039-terms.md.
    """
    newest = {
        (row.agreement, row.year): row.version for row in sorted(subscription_store.heads(connection), key=_version)
    }
    for settled in books.closed_years(connection, None):
        newest.pop(settled, None)
    return [*_for_others(connection, newest), *_to_make_anew(connection, newest)]


def _version(row: Row[Any]) -> int:
    return int(row.version)


def _for_others(connection: Connection, newest: Mapping[tuple[str, int], int]) -> Iterator[str]:
    """Prices for others than those who take part, or for other days of theirs."""
    periods_of = agreement_store.members_of(connection, None)
    for code, (_, agreement) in sorted(agreement_store.find_agreements(connection, None).items()):
        periods = periods_of.get(code, ())
        if all(period == first for period, first in zip_longest(periods, first_periods(agreement))):
            continue  # nobody came or went
        for year in sorted(year for of, year in newest if of == code):
            price = subscription_store.read_subscription(connection, code, year, newest[code, year])
            try:
                if price is not None:
                    require_same_members(price, code, days_of(agreement, periods, year))
            except PriceOutOfDate:
                yield (
                    f"prisen for {year} i {code} skal beregnes igen, da deltagerne er ændret: «mellemregning "
                    f"subscription calculate {code} {year}»"
                )


def _to_make_anew(connection: Connection, newest: Mapping[tuple[str, int], int]) -> Iterator[str]:
    """Prices with months that a document asks for as an older price said."""
    newer = subscription.alias("newer")
    is_newest = ~exists(
        select(newer.c.id).where(
            newer.c.agreement == subscription.c.agreement,
            newer.c.year == subscription.c.year,
            newer.c.version > subscription.c.version,
        )
    )
    rows = connection.execute(
        select(subscription.c.agreement, subscription.c.year)
        .join(subscription_instalment, subscription_instalment.c.subscription_id == subscription.c.id)
        .join(
            invoice,
            and_(
                invoice.c.kind == ClaimKind.ACONTO.value,
                invoice.c.subscriber == subscription_instalment.c.municipality,
                invoice.c.period_from == subscription_instalment.c.month,
            ),
        )
        .join(
            invoice_line,
            and_(
                invoice_line.c.invoice_id == invoice.c.id,
                invoice_line.c.agreement == subscription.c.agreement,
                invoice_line.c.version < subscription.c.version,
            ),
        )
        .where(subscription.c.version > 1, is_newest, subscription_instalment.c.invoiced.is_(False))
        .distinct()
        .order_by(subscription.c.agreement, subscription.c.year),
    ).all()
    for code, year in [(row.agreement, row.year) for row in rows]:
        version = newest.get((code, year))
        price = subscription_store.read_subscription(connection, code, year, version) if version else None
        payers = _billed_otherwise(price, books.invoiced_months(connection, code, year)) if price else []
        if payers:
            yield (
                f"{code} {year} er faktureret efter en tidligere pris ({len(payers)} kommuner: {', '.join(payers)}): "
                f"«mellemregning subscription reinvoice {code} {year}»"
            )


def _billed_otherwise(
    price: AnnualSubscription, invoiced: Mapping[MunicipalityCode, Sequence[InvoicedMonth]]
) -> list[MunicipalityCode]:
    billed = {(payer, month.month): month for payer, months in invoiced.items() for month in months}
    return sorted(
        {
            part.municipality
            for part in price.parts
            for instalment in part.instalments
            if not instalment.invoiced
            and (part.municipality, instalment.month) in billed
            and not says_the_same(billed[part.municipality, instalment.month], instalment)
        }
    )
