"""Surplus capacity: each sale is what its document and its offer say; closed years' accounts have the income."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, and_, func, not_, or_, select

from agreements.agreement import CostKind
from billing.accounts.facts import Account
from billing.accounts.tables import posting
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import invoice
from billing.surplus_capacity.facts import OfferEnd
from billing.surplus_capacity.tables import surplus_offer, surplus_offer_end, surplus_sale
from billing.verify.documents import is_credit
from billing.verify.words import name_of
from billing.year_end_settlement import store as year_ends
from billing.year_end_settlement.tables import year_settlement
from foundation.audit import audit_event
from foundation.money import kroner
from foundation.person_number import holds_one


def sales_in_accounts(connection: Connection) -> Iterator[str]:
    """Every bill on surplus capacity is a sale at its amount, and not below the subscribers' price without a reason.

    Every offer is told of, and sold as it was made; what was billed for a closed year is in its accounts.
    """
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
    yield from _priced_too_low(connection)
    yield from _offers(connection)
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


def _priced_too_low(connection: Connection) -> Iterator[str]:
    """Sales on better terms than the subscribers' by what they were compared with, for which no reason is written."""
    sale = surplus_sale.c
    rows = connection.execute(
        select(invoice.c.number)
        .join(surplus_sale, sale.invoice_id == invoice.c.id)
        .where(
            sale.reason == "",
            or_(
                sale.compared_year.is_(None),
                sale.amount_oere * sale.compared_courses < sale.compared_cost_oere * sale.courses,
            ),
        )
        .order_by(invoice.c.number),
    )
    for row in rows:
        yield f"{row.number} er solgt under abonnenternes pris uden begrundelse"


_OFFERED = "surplus_capacity.offered"
_WITHDRAWN = "surplus_capacity.offer_withdrawn"
_SAME = (
    "agreement",
    "provider",
    "service",
    "buyer",
    "from_day",
    "to_day",
    "courses",
    "unit_oere",
    "amount_oere",
    "reason",
)


def _offers(connection: Connection) -> Iterator[str]:
    """Offers that were not sold as they were made, that name somebody, or whose steps the trail does not tell."""
    told = {
        (row.action, row.subject)
        for row in connection.execute(
            select(audit_event.c.action, audit_event.c.subject).where(
                audit_event.c.action.in_([_OFFERED, _WITHDRAWN]),
            ),
        )
    }
    sold = {row.invoice_id: row for row in connection.execute(select(surplus_sale))}
    rows = connection.execute(
        select(surplus_offer, surplus_offer_end.c.kind, surplus_offer_end.c.invoice_id)
        .outerjoin(surplus_offer_end, surplus_offer_end.c.offer_id == surplus_offer.c.id)
        .order_by(surplus_offer.c.id),
    )
    for offer in rows:
        which = f"tilbud {offer.id} om overskudskapacitet"
        subject = f"{offer.agreement} tilbud {offer.id}"
        if offer.unit_oere is not None and offer.amount_oere != offer.unit_oere * offer.courses:
            yield f"{which} lyder ikke på sine forløb gange prisen for hvert"
        if (_OFFERED, subject) not in told or (
            offer.kind == OfferEnd.WITHDRAWN.value and (_WITHDRAWN, subject) not in told
        ):
            yield f"{which}: hændelserne fortæller ikke om hvert af dets skridt"
        if holds_one(offer.reason) or holds_one(offer.offered_by):
            yield f"{which} indeholder noget, der ligner et CPR-nummer"
        if offer.kind == OfferEnd.SOLD.value:
            sale = sold.get(offer.invoice_id)
            same = sale is not None and all(getattr(sale, name) == getattr(offer, name) for name in _SAME)
            if not same:
                yield f"{which} er ikke solgt, som det blev lavet"
