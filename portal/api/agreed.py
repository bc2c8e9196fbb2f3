"""Agreements, prices and deadlines, as a program reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from flask import Response

from agreements import store as agreement_store
from agreements.agreement import Agreement
from agreements.membership import MembershipPeriod
from billing.annual_subscription import store as prices
from billing.annual_subscription.facts import AnnualSubscription, SubscriptionPart
from billing.annual_subscription.run import SubscriptionUnknown
from billing.deadline_status import deadline_statuses
from foundation.period import FIRST_YEAR, LAST_YEAR
from portal.access.keys import Caller
from portal.access.scope import issuers_agreements, members_agreement, members_agreements
from portal.api.doors import (
    AFTER,
    AGREEMENT,
    LIMIT,
    Json,
    Parameter,
    cursor,
    file_response,
    limit,
    operation,
    path_text,
    year_asked,
    year_of,
)
from portal.api.problems import ParameterWrong
from portal.own_calendar import calendar_of
from portal.own_figures import own_deadlines
from portal.pages import connection, today

YEAR = Parameter("year", "Only of this year.", {"type": "integer", "minimum": FIRST_YEAR, "maximum": LAST_YEAR}, 2009)
LAST_WITH_BANK_DAYS = 2098  # the holidays after 2100 are not known, and a year's deadlines reach into the next
DEADLINE_YEAR = Parameter(
    "year", "Only of this year.", {"type": "integer", "minimum": FIRST_YEAR, "maximum": LAST_WITH_BANK_DAYS}, 2009
)
YEARS_SHOWN = 10
AROUND = timedelta(days=366)


def all_agreements(place: str) -> dict[str, Agreement]:
    """The agreements that a municipality bills for, pays in, or both, by code."""
    found = {**members_agreements(connection(), place), **issuers_agreements(connection(), place)}
    return dict(sorted(found.items()))


def one_agreement(place: str, code: str) -> Agreement:
    """One of them.

    Raises:
        NotHere: no code is written so.
        AgreementUnknown: there is none, or the municipality is no party to it.
    """
    path_text(code, AGREEMENT)
    mine = issuers_agreements(connection(), place).get(code)
    return mine if mine is not None else members_agreement(connection(), place, code)


def said_agreement(
    value: Agreement, place: str, periods: list[MembershipPeriod] | tuple[MembershipPeriod, ...]
) -> Json:
    """An agreement; who takes part is known to all its parties."""
    roles = [
        role
        for role, is_it in (
            ("issuer", value.issuer == place),
            ("provider", place in value.providers),
            ("subscriber", any(period.municipality == place for period in periods)),
        )
        if is_it
    ]
    return {
        "code": value.code,
        "title": value.title,
        "legal_basis": value.legal_basis,
        "starts_on": value.starts_on.isoformat(),
        "ends_on": value.ends_on.isoformat() if value.ends_on else None,
        "issuer": value.issuer,
        "providers": list(value.providers),
        "services": [{"code": service.code, "title": service.title} for service in value.services],
        "members": [
            {"municipality": period.municipality, "from_year": period.from_year, "to_year": period.to_year}
            for period in periods
        ],
        "roles": roles,
    }


@operation(
    "GET", "/agreements", scope="agreements:read", tag="Agreements", answer="AgreementPage", query=(LIMIT, AFTER)
)
def list_agreements(caller: Caller) -> Json:
    """List the municipality's agreements.

    Those that it bills for and those in which it takes or took part, by code.
    """
    agreed = all_agreements(caller.place)
    after = cursor(AGREEMENT.pattern)
    codes = [code for code in agreed if after is None or code > after]
    shown = codes[: limit()]
    periods = agreement_store.members_of(connection(), shown) if shown else {}
    return {
        "items": [said_agreement(agreed[code], caller.place, periods.get(code, ())) for code in shown],
        "next": shown[-1] if len(codes) > len(shown) else None,
    }


@operation("GET", "/agreements/<code>", scope="agreements:read", tag="Agreements", answer="Agreement")
def get_agreement(caller: Caller, code: str) -> Json:
    """Read one agreement."""
    found = one_agreement(caller.place, code)
    return said_agreement(found, caller.place, agreement_store.members(connection(), code))


def said_part(part: SubscriptionPart) -> Json:
    """A municipality's part of a price."""
    return {
        "municipality": part.municipality,
        "population": part.population.inhabitants,
        "weight": part.weight,
        "share_oere": part.share_oere,
        "passed_on_oere": part.passed_on_oere,
        "obligation_oere": part.obligation_oere,
    }


def said_price(value: AnnualSubscription, place: str, notices: Mapping[int, date], *, is_issuer: bool) -> Json:
    """A year's price: the issuer sees every part, a payer its own."""
    told_on = notices.get(value.version)
    return {
        "agreement": value.agreement,
        "year": value.year,
        "version": value.version,
        "reference_date": value.reference_date.isoformat(),
        "cost_oere": value.cost_oere,
        "weights": sum(part.weight for part in value.parts),
        "told_on": told_on.isoformat() if told_on else None,
        "parts": [said_part(part) for part in value.parts if is_issuer or part.municipality == place],
    }


@operation(
    "GET",
    "/agreements/<code>/prices",
    scope="prices:read",
    tag="Prices",
    answer="PricePage",
)
def list_prices(caller: Caller, code: str) -> Json:
    """List an agreement's prices of the latest ten years.

    The newest version of each year, the latest year first. A payer is shown its own part and the whole it is a part
    of.
    """
    agreed = one_agreement(caller.place, code)
    last = today().year + 2
    wanted = {(code, year) for year in range(last - YEARS_SHOWN, last + 1)}
    found = prices.read_subscriptions(connection(), wanted, [])
    items = []
    for _key, price in sorted(found.items(), reverse=True):
        if agreed.issuer == caller.place or price.part_of(caller.place) is not None:
            told = dict(prices.price_notices(connection(), code, price.year))
            items.append(said_price(price, caller.place, told, is_issuer=agreed.issuer == caller.place))
    return {"items": items, "next": None}


@operation("GET", "/agreements/<code>/prices/<year>", scope="prices:read", tag="Prices", answer="Price")
def get_price(caller: Caller, code: str, year: str) -> Json:
    """Read a year's price.

    The newest version. A payer is shown its own part and the whole it is a part of.
    """
    agreed = one_agreement(caller.place, code)
    wanted = year_of(year)
    price = prices.read_subscription(connection(), code, wanted)
    is_issuer = agreed.issuer == caller.place
    if price is None or not (is_issuer or price.part_of(caller.place) is not None):
        raise SubscriptionUnknown(agreement=code, year=wanted)
    return said_price(price, caller.place, dict(prices.price_notices(connection(), code, wanted)), is_issuer=is_issuer)


@operation("GET", "/deadlines", scope="deadlines:read", tag="Deadlines", answer="DeadlinePage", query=(DEADLINE_YEAR,))
def list_deadlines(caller: Caller) -> Json:
    """List deadlines by day.

    Of a calendar year, or of the twelve months before and after today. Where the municipality bills, each says where
    it stands; where it only pays, `status` is null.
    """
    year = year_asked()
    if year is not None and year > LAST_WITH_BANK_DAYS:
        raise ParameterWrong(name="year", expected=f"Et år til og med {LAST_WITH_BANK_DAYS}")
    first = date(year, 1, 1) if year else today() - AROUND
    last = date(year, 12, 31) if year else today() + AROUND
    stands = {}
    if issued := issuers_agreements(connection(), caller.place):
        stands = {
            (each.agreement, each.year, each.deadline): each.status.value
            for each in deadline_statuses(connection(), today(), issuer=caller.place)
        }
    paid = {code: each for code, each in members_agreements(connection(), caller.place).items() if code not in issued}
    found = [
        *own_deadlines(connection(), issued, None, first, last),
        *own_deadlines(connection(), paid, caller.place, first, last),
    ]
    found.sort(key=lambda one: (one.deadline.due_on, one.agreement.code, one.year))
    return {
        "items": [
            {
                "agreement": one.agreement.code,
                "year": one.year,
                "kind": one.deadline.kind.value,
                "for_month": str(one.deadline.for_month) if one.deadline.for_month else None,
                "due_on": one.deadline.due_on.isoformat(),
                "title": one.deadline.title_da,
                "clause": one.deadline.clause,
                "status": stands.get((one.agreement.code, one.year, one.deadline)),
            }
            for one in found
        ],
        "next": None,
    }


@operation("GET", "/deadlines.ics", scope="deadlines:read", tag="Deadlines", media="text/calendar")
def get_calendar(caller: Caller) -> Response:
    """Fetch the municipality's calendar: deadlines where it pays, and its own days of payment.

    As its people subscribe to it; no amounts.
    """
    from exports.calendar.write import calendar_bytes  # noqa: PLC0415 - only here

    agreed = members_agreements(connection(), caller.place)
    content = calendar_bytes(calendar_of(connection(), agreed, caller.place, today()))
    return file_response(content, "frister.ics", "text/calendar")
