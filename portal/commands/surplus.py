"""The commands on surplus capacity: surplus (compare, sell, list; offer, offers, offer-sell, offer-withdraw)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import click
from rich.console import Console
from sqlalchemy import Connection

from agreements import run as agreements
from billing.invoice.facts import IssuedDocument
from billing.surplus_capacity import run as surplus
from billing.surplus_capacity.facts import KeptOffer, OfferEnd, Sale, SaleOffer, SubscribersCost
from billing.surplus_capacity.rules import cost_per_course_oere
from foundation.errors import BadInput, N_
from foundation.money import NotAnAmount, kroner, oere_as_typed
from foundation.period import Period
from portal.commands.door import DATE, MUNICIPALITY, NUMBER, Door, command, name_of, new_group, table
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


Function = TypeVar("Function", bound=Callable[..., None])


def _what_is_offered(function: Function) -> Function:
    """The arguments and choices of a sale and of an offer."""
    for add in (
        click.option("--reason", default="", metavar=_("TEKST"), help=_("Skriftlig begrundelse for en lavere pris.")),
        click.option(
            "--provider", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Ydelsesleverandøren; ellers udstederen.")
        ),
        click.option("--amount", metavar=_("BELØB"), help=_("Pris for hele perioden i stedet for pr. forløb.")),
        click.option("--unit-price", metavar=_("BELØB"), help=_("Pris pr. forløb.")),
        click.option(
            "--courses", type=NUMBER, required=True, metavar=_("ANTAL"), help=_("Hvor mange forløb der sælges.")
        ),
        click.option("--to", "last_day", type=DATE, required=True, metavar=_("DATO"), help=_("Periodens sidste dag.")),
        click.option(
            "--from", "first_day", type=DATE, required=True, metavar=_("DATO"), help=_("Periodens første dag.")
        ),
        click.argument("buyer", type=MUNICIPALITY, metavar=_("KOMMUNE")),
        click.argument("service", metavar=_("YDELSE")),
        click.argument("code", metavar=_("AFTALE")),
    ):
        function = add(function)
    return function


def _offer_of(connection: Connection, given: Mapping[str, Any]) -> SaleOffer:
    unit = None if given["unit_price"] is None else _amount(given["unit_price"])
    return SaleOffer(
        agreement=given["code"],
        provider=given["provider"] or agreements.get(connection, given["code"]).issuer,
        service=given["service"],
        buyer=given["buyer"],
        period=Period(given["first_day"], given["last_day"] + timedelta(days=1)),
        courses=given["courses"],
        unit_oere=unit,
        amount_oere=_amount(given["amount"]) if unit is None else unit * given["courses"],
        reason=given["reason"],
    )


def _check(given: Mapping[str, Any]) -> None:
    if (given["unit_price"] is None) == (given["amount"] is None):
        raise click.UsageError(_("Angiv enten --unit-price eller --amount."))
    if given["last_day"] < given["first_day"]:
        raise click.UsageError(_("--to er før --from."))


def _tell_sold(door: Door, document: IssuedDocument) -> None:
    answer = {
        "number": document.number,
        "municipality": document.subscriber.municipality,
        "amount_oere": document.amount_oere,
        "due_date": document.due_date.isoformat(),
    }
    words = _("{number} til {buyer}: {amount}").format(
        number=document.number, buyer=document.subscriber.name, amount=kroner(document.amount_oere)
    )
    door.tell(answer, lambda out: out.print(words))


@command(surplus_group, "sell")
@_what_is_offered
@click.option("--approved-by", default="", metavar=_("NAVN"), help=_("Hvem der godkendte, hvor to skal se det."))
def sell(door: Door, approved_by: str, **given: Any) -> None:  # noqa: ANN401 - click's
    """Sælg overskudskapacitet til en kommune uden for aftalen, og fakturér det."""
    _check(given)
    with door.database.transaction() as connection:
        document = surplus.sell(connection, _offer_of(connection, given), door.occasion, approved_by)
    _tell_sold(door, document)


@command(surplus_group, "offer")
@_what_is_offered
def make_offer(door: Door, **given: Any) -> None:  # noqa: ANN401 - click's
    """Lav et tilbud om overskudskapacitet, som en anden kan sælge efter; intet faktureres."""
    _check(given)
    with door.database.transaction() as connection:
        kept = surplus.make_offer(connection, _offer_of(connection, given), door.occasion)
    words = _("Tilbud {number} til {buyer}: {amount}").format(
        number=kept.number, buyer=name_of(kept.offer.buyer), amount=kroner(kept.offer.amount_oere)
    )
    door.tell(_offer_answer(kept), lambda out: out.print(words))


_offer_number = click.argument("number", type=NUMBER, metavar=_("TILBUD"))


@command(surplus_group, "offer-sell")
@_offer_number
@click.option("--by", "who", metavar=_("NAVN"), help=_("Hvem der sælger; ellers den, der kører kommandoen."))
def sell_offer(door: Door, number: int, who: str | None) -> None:
    """Sælg efter et tilbud, og fakturér det; kræver udstederen to personer, kan det ikke være den, der lavede det."""
    with door.database.transaction() as connection:
        document = surplus.sell_offer(connection, number, door.occasion_of(who))
    _tell_sold(door, document)


@command(surplus_group, "offer-withdraw")
@_offer_number
def withdraw_offer(door: Door, number: int) -> None:
    """Træk et tilbud tilbage."""
    with door.database.transaction() as connection:
        kept = surplus.withdraw_offer(connection, number, door.occasion)
    words = _("Tilbud {number} er trukket tilbage.").format(number=number)
    door.tell(_offer_answer(kept), lambda out: out.print(words))


@command(surplus_group, "offers")
@click.argument("code", metavar=_("AFTALE"))
def list_offers(door: Door, code: str) -> None:
    """Vis tilbud om overskudskapacitet, og hvad der blev af dem."""
    with door.database.reading() as connection:
        found = surplus.list_offers(connection, code)
    ends = {OfferEnd.SOLD: _("solgt"), OfferEnd.WITHDRAWN: _("trukket tilbage"), None: _("står")}
    rows = [
        (
            str(kept.number),
            name_of(kept.offer.buyer),
            kept.offer.service,
            kept.offer.period.from_day,
            kept.offer.period.last_day,
            kept.offer.courses,
            kept.offer.amount_oere,
            kept.offer.reason,
            kept.offered_by,
            ends[kept.end],
            kept.sold_as or "",
        )
        for kept in found
    ]
    heading = [
        _("Tilbud"),
        _("Kommune"),
        _("Ydelse"),
        _("Fra"),
        _("Til"),
        _("Forløb"),
        _("Beløb kr."),
        _("Begrundelse"),
        _("Lavet af"),
        _("Tilstand"),
        _("Bilag"),
    ]
    door.tell([_offer_answer(kept) for kept in found], lambda out: out.print(table("", heading, rows)))


def _offer_answer(kept: KeptOffer) -> dict[str, Any]:
    return {
        "offer": kept.number,
        "agreement": kept.offer.agreement,
        **_offered(kept.offer),
        "offered_on": kept.offered_on.isoformat(),
        "offered_by": kept.offered_by,
        "state": kept.end.value if kept.end else "standing",
        "ended_on": kept.ended_on and kept.ended_on.isoformat(),
        "number": kept.sold_as,
    }


def _offered(offer: SaleOffer) -> dict[str, Any]:
    return {
        "provider": offer.provider,
        "service": offer.service,
        "municipality": offer.buyer,
        "from": offer.period.from_day.isoformat(),
        "to": offer.period.last_day.isoformat(),
        "courses": offer.courses,
        "unit_oere": offer.unit_oere,
        "amount_oere": offer.amount_oere,
        "reason": offer.reason,
    }


def _sale_answer(sale: Sale) -> dict[str, Any]:
    return {
        "number": sale.number,
        "credited_by": sale.credited_by,
        **_offered(sale.offer),
        "compared": _cost_answer(sale.compared),
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
