"""Surplus capacity: what a subscribers' course costs, offers with their reason, and sales by another person."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template, request, url_for
from werkzeug.wrappers import Response as WebResponse

from agreements.agreement import Service
from agreements.municipality import MUNICIPALITIES, danish_order
from billing.surplus_capacity import run as surplus_verbs
from billing.surplus_capacity import store as surplus_store
from billing.surplus_capacity.facts import KeptOffer, OfferEnd, Sale, SaleOffer, SubscribersCost
from billing.surplus_capacity.rules import cost_per_course_oere
from foundation.errors import BadInput, N_
from foundation.period import Period
from portal.access.issuer_scope import issuers_offer
from portal.access.scope import Deed, issuers_agreement, issuers_agreements
from portal.finance import pages
from portal.finance.asked import amount_of, day_of, municipality_of, number_of, small_number, text_of
from portal.language import _
from portal.pages import connection, occasion, person, seen, today, who_may
from portal.parts import choices, name_of

OFFER = "/overskudskapacitet/tilbud/<int(max=999999999):number>"


class OnePrice(BadInput):
    """A sale has a price per course or one for the period."""

    danish = N_("Angiv enten prisen pr. forløb eller prisen for hele perioden. Intet er ændret.")


class PeriodTurned(BadInput):
    """The last day of a sale lies before its first."""

    danish = N_("Periodens sidste dag er før den første. Ret det; intet er ændret.")


@pages.get("/overskudskapacitet")
@who_may(Deed.READ)
def surplus(place: str) -> str:
    """The floor of each service, offers, sales, and a form for an offer."""
    agreed = issuers_agreements(connection(), place)
    code = request.args.get("aftale", "") or next(iter(agreed), "")
    found = issuers_agreement(connection(), place, code) if agreed else None
    before = small_number(request.args.get("before", ""))
    floors: list[tuple[Service, SubscribersCost | None, int | None]] = []
    offers: list[KeptOffer] = []
    sales: list[Sale] = []
    following = None
    if found is not None:
        for service in found.services:
            cost = surplus_verbs.subscribers_cost(connection(), code, service.code)
            floors.append((service, cost, cost_per_course_oere(cost) if cost else None))
        offers, following = surplus_store.page_of_offers(connection(), [code], before=before)
        sales = surplus_verbs.list_sales(connection(), code)[::-1]
    who = person()
    everybody = sorted(MUNICIPALITIES.values(), key=lambda each: danish_order(each.name))
    return render_template(
        "finance/surplus.html",
        agreement=found,
        codes=choices([(each, each) for each in agreed], code),
        several=len(agreed) > 1,
        floors=floors,
        titles={service.code: service.title for service in found.services} if found else {},
        offers=offers,
        sales=sales,
        cost_per_course_oere=cost_per_course_oere,
        sold=OfferEnd.SOLD,
        providers=choices([(each, name_of(each)) for each in found.providers], place) if found else [],
        services=choices([(each.code, each.title) for each in found.services], "") if found else [],
        buyers=choices([("", _("vælg")), *((each.code, each.name) for each in everybody)], ""),
        year=today().year,
        may_prepare=who.may(Deed.PREPARE, place),
        may_approve=who.may(Deed.APPROVE, place),
        first=url_for("finance.surplus", place=place, aftale=code) if before else None,
        following=url_for("finance.surplus", place=place, aftale=code, before=following) if following else None,
    )


@pages.post("/overskudskapacitet")
@who_may(Deed.PREPARE)
def surplus_offer(place: str) -> WebResponse:
    """Make an offer; below the subscribers' cost only with a written reason."""
    code = text_of("agreement")
    issuers_agreement(connection(), place, code)
    first, last = day_of("from", _("Fra")), day_of("to", _("Til og med"))
    if last < first:
        raise PeriodTurned
    by_course, by_period = text_of("unit"), text_of("amount")
    if bool(by_course) == bool(by_period):
        raise OnePrice
    courses = number_of("courses", _("Forløb"))
    unit = amount_of("unit", _("Pr. forløb")) if by_course else None
    whole = amount_of("amount", _("For perioden")) if unit is None else unit * courses
    offer = SaleOffer(
        agreement=code,
        provider=municipality_of("provider", _("Leverandør")),
        service=text_of("service", 60),
        buyer=municipality_of("buyer", _("Køber")),
        period=Period(first, last + timedelta(days=1)),
        courses=courses,
        unit_oere=unit,
        amount_oere=whole,
        reason=text_of("reason", 501),
    )
    surplus_verbs.make_offer(connection(), offer, occasion())
    return seen("finance.surplus", place=place, aftale=code)


@pages.post(f"{OFFER}/saelg")
@who_may(Deed.APPROVE)
def surplus_sell(place: str, number: int) -> WebResponse:
    """Sell by an offer and bill it; where two must see it, not by who made it."""
    issuers_offer(connection(), place, number)
    document = surplus_verbs.sell_offer(connection(), number, occasion())
    return seen("finance.invoice", place=place, number=document.number)


@pages.post(f"{OFFER}/traek-tilbage")
@who_may(Deed.PREPARE)
def surplus_withdraw(place: str, number: int) -> WebResponse:
    """Take an offer back, by those who make offers."""
    return _withdrawn(place, number)


@pages.post(f"{OFFER}/afvis")
@who_may(Deed.APPROVE)
def surplus_reject(place: str, number: int) -> WebResponse:
    """Take an offer back, by those who sell."""
    return _withdrawn(place, number)


def _withdrawn(place: str, number: int) -> WebResponse:
    found = issuers_offer(connection(), place, number)
    surplus_verbs.withdraw_offer(connection(), number, occasion())
    return seen("finance.surplus", place=place, aftale=found.offer.agreement)
