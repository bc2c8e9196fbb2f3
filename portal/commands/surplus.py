"""The commands on surplus capacity: surplus (compare, sell, list)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import click
from rich.console import Console

from agreements import run as agreements
from billing.surplus_capacity import run as surplus
from billing.surplus_capacity.facts import Sale, SaleOffer, SubscribersCost
from billing.surplus_capacity.rules import cost_per_course_oere
from foundation.errors import BadInput, N_
from foundation.money import NotAnAmount, kroner, oere_as_typed
from foundation.period import Period
from portal.commands.door import DATE, MUNICIPALITY, Door, command, name_of, new_group, table
from portal.language import _

surplus_group = new_group("surplus", _("Overskudskapacitet: sammenlign prisen, sælg til kommuner uden for aftalen."))

GROUPS = (surplus_group,)


class NotASaleAmount(BadInput):
    """An amount that cannot be read."""

    danish = N_("Beløbet kan ikke læses. Skriv det som 45.000,00.")


def _amount(text: str) -> int:
    try:
        return oere_as_typed(text)
    except NotAnAmount as error:
        raise NotASaleAmount from error


def _cost_answer(cost: SubscribersCost | None) -> dict[str, Any] | None:
    if cost is None:
        return None
    return {
        "year": cost.year,
        "cost_oere": cost.cost_oere,
        "courses": cost.courses,
        "per_course_oere": cost_per_course_oere(cost),
    }


@command(surplus_group, "compare")
@click.argument("code", metavar=_("AFTALE"))
@click.argument("service", metavar=_("YDELSE"))
def compare(door: Door, code: str, service: str) -> None:
    """Vis, hvad et af abonnenternes forløb kostede i det sidst afsluttede år; lavere må der ikke sælges."""
    with door.database.reading() as connection:
        cost = surplus.subscribers_cost(connection, code, service)

    def people(out: Console) -> None:
        if cost is None:
            out.print(_("Der er intet afsluttet år med frigivne forbrugsopgørelser at sammenligne med."))
            return
        out.print(
            _("{year}: {cost} for {courses} påbegyndte forløb er {each} pr. forløb.").format(
                year=cost.year,
                cost=kroner(cost.cost_oere),
                courses=cost.courses,
                each=kroner(cost_per_course_oere(cost)),
            ),
        )

    door.tell(_cost_answer(cost), people)


@command(surplus_group, "sell")
@click.argument("code", metavar=_("AFTALE"))
@click.argument("service", metavar=_("YDELSE"))
@click.argument("buyer", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.option("--from", "first_day", type=DATE, required=True, metavar=_("DATO"), help=_("Periodens første dag."))
@click.option("--to", "last_day", type=DATE, required=True, metavar=_("DATO"), help=_("Periodens sidste dag."))
@click.option("--courses", type=int, required=True, metavar=_("ANTAL"), help=_("Hvor mange forløb der sælges."))
@click.option("--unit-price", metavar=_("BELØB"), help=_("Pris pr. forløb."))
@click.option("--amount", metavar=_("BELØB"), help=_("Pris for hele perioden i stedet for pr. forløb."))
@click.option("--provider", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Ydelsesleverandøren; ellers udstederen."))
@click.option("--reason", default="", metavar=_("TEKST"), help=_("Skriftlig begrundelse for en lavere pris."))
@click.option("--approved-by", default="", metavar=_("NAVN"), help=_("Hvem der godkendte, hvor to skal se det."))
def sell(
    door: Door,
    code: str,
    service: str,
    buyer: str,
    first_day: date,
    last_day: date,
    courses: int,
    unit_price: str | None,
    amount: str | None,
    provider: str | None,
    reason: str,
    approved_by: str,
) -> None:
    """Sælg overskudskapacitet til en kommune uden for aftalen, og fakturér det."""
    if (unit_price is None) == (amount is None):
        raise click.UsageError(_("Angiv enten --unit-price eller --amount."))
    if last_day < first_day:
        raise click.UsageError(_("--to er før --from."))
    unit = None if unit_price is None else _amount(unit_price)
    whole = _amount(amount) if unit is None and amount is not None else (unit or 0) * courses
    with door.database.transaction() as connection:
        offer = SaleOffer(
            agreement=code,
            provider=provider or agreements.get(connection, code).issuer,
            service=service,
            buyer=buyer,
            period=Period(first_day, last_day + timedelta(days=1)),
            courses=courses,
            unit_oere=unit,
            amount_oere=whole,
            reason=reason,
        )
        document = surplus.sell(connection, offer, door.occasion, approved_by)
    answer = {
        "number": document.number,
        "municipality": buyer,
        "amount_oere": document.amount_oere,
        "due_date": document.due_date.isoformat(),
    }
    words = _("{number} til {buyer}: {amount}").format(
        number=document.number, buyer=document.subscriber.name, amount=kroner(document.amount_oere)
    )
    door.tell(answer, lambda out: out.print(words))


def _sale_answer(sale: Sale) -> dict[str, Any]:
    offer = sale.offer
    return {
        "number": sale.number,
        "credited_by": sale.credited_by,
        "provider": offer.provider,
        "service": offer.service,
        "municipality": offer.buyer,
        "from": offer.period.from_day.isoformat(),
        "to": offer.period.last_day.isoformat(),
        "courses": offer.courses,
        "unit_oere": offer.unit_oere,
        "amount_oere": offer.amount_oere,
        "compared": _cost_answer(sale.compared),
        "reason": offer.reason,
    }


@command(surplus_group, "list")
@click.argument("code", metavar=_("AFTALE"))
def list_sales(door: Door, code: str) -> None:
    """Vis salg af overskudskapacitet, og hvad prisen blev sammenlignet med."""
    with door.database.reading() as connection:
        found = surplus.list_sales(connection, code)
    rows = [
        (
            sale.number,
            name_of(sale.offer.buyer),
            sale.offer.service,
            sale.offer.period.from_day,
            sale.offer.period.last_day,
            sale.offer.courses,
            sale.offer.amount_oere,
            cost_per_course_oere(sale.compared) if sale.compared else None,
            sale.offer.reason,
            sale.credited_by or "",
        )
        for sale in found
    ]
    heading = [
        _("Nummer"),
        _("Kommune"),
        _("Ydelse"),
        _("Fra"),
        _("Til"),
        _("Forløb"),
        _("Beløb kr."),
        _("Abonnenternes pr. forløb kr."),
        _("Begrundelse"),
        _("Krediteret af"),
    ]
    door.tell([_sale_answer(sale) for sale in found], lambda out: out.print(table("", heading, rows)))
