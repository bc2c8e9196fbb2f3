"""Sales in and out of their table."""

from __future__ import annotations

from sqlalchemy import Connection, select

from billing.invoice.tables import invoice
from billing.surplus_capacity.facts import Sale, SaleOffer, SubscribersCost
from billing.surplus_capacity.tables import surplus_sale
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
