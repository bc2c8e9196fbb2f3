"""What was settled with payers on documents of their own: true-ups of a year's result, and exits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection, not_, select

from agreements import store as agreement_store
from billing.accounts import store as books
from billing.accounts.facts import Account
from billing.accounts.tables import posting, voucher
from billing.annual_subscription import store as subscription_store
from billing.invoice.facts import ClaimKind, LineKind
from billing.invoice.tables import invoice, invoice_line
from billing.verify.documents import is_credit
from billing.verify.words import name_of
from billing.year_end_settlement import store as year_ends
from billing.year_end_settlement.exit_rules import share_of_net_assets
from billing.year_end_settlement.true_up_rules import Parts, parts_to_true_up, years_trued_up
from billing.year_end_settlement.true_up_store import payers_trued_up
from foundation.money import kroner


def true_ups_hold(connection: Connection) -> Iterator[str]:
    """Every true-up that stands asks for the payer's part of its year's result, provider by provider."""
    asked = _lines_by_year(connection)
    for code in agreement_store.agreement_codes(connection):
        movements = books.movements(connection, code)
        for year in sorted(years_trued_up(movements) | {of_year for of, of_year in asked if of == code}):
            due = parts_to_true_up(movements, year)
            lines = asked.get((code, year), {})
            for who in sorted(payers_trued_up(connection, code, year) | set(lines)):
                there = {provider: -amount for provider, amount in lines.get(who, {}).items()}
                if there != due.get(who, {}):
                    yield (
                        f"{code} {year}: efterreguleringen til {name_of(who)} er {kroner(sum(there.values()))}, men "
                        f"delen af resultatet er {kroner(sum(due.get(who, {}).values()))}"
                    )


def _lines_by_year(connection: Connection) -> dict[tuple[str, int], Parts]:
    """(agreement, year) -> payer -> provider -> øre that documents which stand ask for."""
    credit = invoice.alias("credit")
    rows = connection.execute(
        select(
            invoice_line.c.agreement,
            invoice_line.c.accounting_year,
            invoice.c.subscriber,
            invoice_line.c.provider,
            invoice_line.c.amount_oere,
        )
        .join(invoice, invoice.c.id == invoice_line.c.invoice_id)
        .outerjoin(credit, credit.c.credits_id == invoice.c.id)
        .where(invoice.c.kind == ClaimKind.TRUE_UP.value, not_(is_credit()), credit.c.id.is_(None))
    )
    found: dict[tuple[str, int], Parts] = defaultdict(dict)
    for row in rows:
        of_payer = found[row.agreement, row.accounting_year].setdefault(row.subscriber, {})
        of_payer[row.provider] = of_payer.get(row.provider, 0) + row.amount_oere
    return found


def net_assets_hold(connection: Connection) -> Iterator[str]:
    """Every leaver's share of the net assets follows from the keys of its last day, and is what its document says."""
    rows = connection.execute(
        select(invoice.c.number, invoice_line.c.agreement, invoice.c.subscriber, invoice_line.c.amount_oere)
        .join(invoice, invoice.c.id == invoice_line.c.invoice_id)
        .where(invoice_line.c.kind == LineKind.NET_ASSETS.value)
    )
    asked = {(row.agreement, row.number, row.subscriber): row.amount_oere for row in rows}
    booked = {
        (row.agreement, row.reference, row.municipality): row.amount_oere
        for row in connection.execute(
            select(voucher.c.agreement, voucher.c.reference, posting.c.municipality, posting.c.amount_oere)
            .join(posting, posting.c.voucher_id == voucher.c.id)
            .where(posting.c.account == Account.NET_ASSETS.value)
        )
    }
    for code in agreement_store.agreement_codes(connection):
        for (who, left_on), (number, share) in year_ends.shares_of_net_assets(connection, code).items():
            place = f"{code}: andelen af nettoformuen til {name_of(who)} pr. {left_on:%d.%m.%Y}"
            price = subscription_store.read_subscription(connection, code, left_on.year)
            again = price and share_of_net_assets(price, who, left_on, share.net_assets_oere, share.evidence)
            if again != share:
                yield f"{place} følger ikke af årets andele"
            says, books_ = asked.pop((code, number, who), 0), booked.pop((code, number, who), 0)
            if (-says, books_) != (share.share_oere, share.share_oere):
                yield f"{place} er {kroner(share.share_oere)}, men {number} siger {kroner(-says)}"
    for code, number, _ in sorted({*asked, *booked}):
        yield f"{code}: {number} har en andel af nettoformuen, som ikke er registreret"
