"""Sales in and out of their table."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import ColumnElement, Connection, select

from billing.invoice.tables import invoice
from billing.surplus_capacity.facts import KeptOffer, OfferEnd, Sale, SaleOffer, SubscribersCost
from billing.surplus_capacity.tables import surplus_offer, surplus_offer_end, surplus_sale
from foundation.database import reserve_ids
from foundation.period import Period


def write_sale(connection: Connection, invoice_id: int, offer: SaleOffer, compared: SubscribersCost | None) -> None:
    """Append a sale beside the document that bills it."""
    connection.execute(
        surplus_sale.insert().values(
            invoice_id=invoice_id,
            agreement=offer.agreement,
            provider=offer.provider,
            service=offer.service,
            buyer=offer.buyer,
            from_day=offer.period.from_day,
            to_day=offer.period.to_day,
            courses=offer.courses,
            unit_oere=offer.unit_oere,
            amount_oere=offer.amount_oere,
            compared_year=compared and compared.year,
            compared_cost_oere=compared and compared.cost_oere,
            compared_courses=compared and compared.courses,
            reason=offer.reason,
        ),
    )


def sales(connection: Connection, agreement: str) -> list[Sale]:
    """An agreement's sales in the order of their documents."""
    crediting = invoice.alias("crediting")
    rows = connection.execute(
        select(surplus_sale, invoice.c.number, crediting.c.number.label("credited_by"))
        .join(invoice, invoice.c.id == surplus_sale.c.invoice_id)
        .outerjoin(crediting, crediting.c.credits_id == invoice.c.id)
        .where(surplus_sale.c.agreement == agreement)
        .order_by(surplus_sale.c.invoice_id),
    )
    found = []
    for row in rows:
        offer = SaleOffer(
            row.agreement,
            row.provider,
            row.service,
            row.buyer,
            Period(row.from_day, row.to_day),
            row.courses,
            row.unit_oere,
            row.amount_oere,
            row.reason,
        )
        compared = (
            None
            if row.compared_year is None
            else SubscribersCost(row.compared_year, row.service, row.compared_cost_oere, row.compared_courses)
        )
        found.append(Sale(offer, row.number, compared, row.credited_by))
    return found


def write_offer(connection: Connection, offer: SaleOffer, offered_on: date, offered_by: str) -> int:
    """Append an offer; answers its number."""
    (offer_id,) = reserve_ids(connection, surplus_offer, 1)
    connection.execute(
        surplus_offer.insert().values(
            id=offer_id,
            agreement=offer.agreement,
            provider=offer.provider,
            service=offer.service,
            buyer=offer.buyer,
            from_day=offer.period.from_day,
            to_day=offer.period.to_day,
            courses=offer.courses,
            unit_oere=offer.unit_oere,
            amount_oere=offer.amount_oere,
            reason=offer.reason,
            offered_on=offered_on,
            offered_by=offered_by,
        ),
    )
    return offer_id


def write_offer_end(  # noqa: PLR0913, PLR0917 - what a row holds
    connection: Connection, number: int, end: OfferEnd, on: date, actor: str, invoice_id: int | None
) -> None:
    """Append what became of an offer.

    Raises:
        sqlalchemy.exc.IntegrityError: something became of it before (``pk_surplus_offer_end``).
    """
    connection.execute(
        surplus_offer_end.insert().values(
            offer_id=number, kind=end.value, happened_on=on, actor=actor, invoice_id=invoice_id
        ),
    )


def find_offer(connection: Connection, number: int) -> KeptOffer | None:
    """One offer by its number."""
    found = _offers(connection, surplus_offer.c.id == number, size=1)
    return found[0] if found else None


def offers(connection: Connection, agreement: str) -> list[KeptOffer]:
    """An agreement's offers in the order in which they were made."""
    return _offers(connection, surplus_offer.c.agreement == agreement, size=None)[::-1]


def page_of_offers(
    connection: Connection, codes: Collection[str], *, before: int | None = None, size: int = 50
) -> tuple[list[KeptOffer], int | None]:
    """Some offers of these agreements, the newest first, and what to ask on with; None at the end."""
    wanted: list[ColumnElement[bool]] = [surplus_offer.c.agreement.in_(sorted(codes))]
    if before is not None:
        wanted.append(surplus_offer.c.id < before)
    found = _offers(connection, *wanted, size=size + 1)
    return found[:size], found[size - 1].number if len(found) > size else None


def _offers(connection: Connection, *wanted: ColumnElement[bool], size: int | None) -> list[KeptOffer]:
    rows = connection.execute(
        select(
            surplus_offer,
            surplus_offer_end.c.kind,
            surplus_offer_end.c.happened_on,
            surplus_offer_end.c.actor,
            invoice.c.number.label("sold_as"),
        )
        .outerjoin(surplus_offer_end, surplus_offer_end.c.offer_id == surplus_offer.c.id)
        .outerjoin(invoice, invoice.c.id == surplus_offer_end.c.invoice_id)
        .where(*wanted)
        .order_by(surplus_offer.c.id.desc())
        .limit(size),
    )
    return [
        KeptOffer(
            number=row.id,
            offer=SaleOffer(
                row.agreement,
                row.provider,
                row.service,
                row.buyer,
                Period(row.from_day, row.to_day),
                row.courses,
                row.unit_oere,
                row.amount_oere,
                row.reason,
            ),
            offered_on=row.offered_on,
            offered_by=row.offered_by,
            end=OfferEnd(row.kind) if row.kind else None,
            ended_on=row.happened_on,
            ended_by=row.actor or "",
            sold_as=row.sold_as,
        )
        for row in rows
    ]
