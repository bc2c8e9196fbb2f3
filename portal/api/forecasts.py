"""What a coming year may cost, with what is known today or with what an issuer assumes; kept nowhere."""

from __future__ import annotations

import re
from decimal import Decimal

from flask import request

from agreements.municipality import MUNICIPALITIES
from billing.annual_subscription import forecast
from billing.annual_subscription.forecast_rules import LONGEST_SERIES, Assumptions, ChangeExplained, YearForecast
from portal.access.keys import Caller
from portal.api.agreed import one_agreement
from portal.api.bodies import LARGEST, decimal_of
from portal.api.described import (
    MUNICIPALITY,
    OERE,
    TEXT,
    WHOLE,
    describe,
    describe_page,
    maybe,
    several,
    whole,
)
from portal.api.doors import Json, Parameter, operation
from portal.api.prices import work_year
from portal.api.problems import ParameterWrong
from portal.own_figures import estimate, provisos
from portal.pages import connection

OWN_YEARS = 5
UNTIL = Parameter("until", f"The last year; at most {LONGEST_SERIES - 1} after the first.", {"type": "integer"}, 2014)
COST_PERCENT = Parameter(
    "cost_percent",
    "What is added to the cost in per cent of it, from -100 to 100 with at most two decimals; the issuer's only.",
    {"type": "string", "pattern": r"^-?[0-9]{1,3}([.][0-9]{1,2})?$"},
    "2.5",
)
COST_OERE = Parameter(
    "cost_oere",
    "The same as an amount; the issuer's only.",
    {"type": "integer", "minimum": -LARGEST, "maximum": LARGEST},
    50000000,
)
PLACES = {"type": "string", "pattern": "^[0-9]{3}(,[0-9]{3})*$", "maxLength": 400}
WITHOUT = Parameter("without", "Members that are left out, with commas between; the issuer's only.", PLACES, "482")
JOINING = Parameter("joining", "Others that take part; the issuer's only.", PLACES, "621")


CHANGE = whole(previous_oere=maybe(OERE), cost_oere=OERE, population_oere=OERE, members_oere=OERE, results_oere=OERE)
describe(
    "Forecast",
    whole(
        agreement=TEXT,
        year=WHOLE,
        cost_oere=maybe(OERE),
        provisos=several(TEXT),
        parts=several(
            whole(
                municipality=MUNICIPALITY,
                share_oere=OERE,
                passed_on_oere=OERE,
                obligation_oere=OERE,
                change=maybe(CHANGE),
            )
        ),
    ),
    {
        "agreement": "fyn-alkohol",
        "year": 2013,
        "cost_oere": None,
        "provisos": ["Der er ikke et budget for 2013 endnu; der er regnet med budgettet for 2012."],
        "parts": [
            {
                "municipality": "420",
                "share_oere": 260000000,
                "passed_on_oere": 1500000,
                "obligation_oere": 258500000,
                "change": {
                    "previous_oere": 257616720,
                    "cost_oere": 0,
                    "population_oere": 883280,
                    "members_oere": 0,
                    "results_oere": 0,
                },
            }
        ],
    },
)
describe_page("ForecastPage", "Forecast")


def _said_change(value: ChangeExplained | None) -> Json | None:
    if value is None:
        return None
    return {
        "previous_oere": value.previous_oere,
        "cost_oere": value.cost_oere,
        "population_oere": value.population_oere,
        "members_oere": value.members_oere,
        "results_oere": value.results_oere,
    }


def _said_forecast(value: YearForecast) -> Json:
    price = value.price
    return {
        "agreement": price.agreement,
        "year": price.year,
        "cost_oere": price.cost_oere,
        "provisos": list(provisos(price.year, value.basis)),
        "parts": [
            {
                "municipality": part.municipality,
                "share_oere": part.share_oere,
                "passed_on_oere": part.passed_on_oere,
                "obligation_oere": part.obligation_oere,
                "change": _said_change(value.explained.get(part.municipality)),
            }
            for part in price.parts
        ],
    }


def _assumed() -> Assumptions:
    percent, amount = request.args.get("cost_percent"), request.args.get("cost_oere")
    share = decimal_of(percent, -100, 100) if percent is not None else None
    if percent is not None and share is None:
        raise ParameterWrong(name="cost_percent", expected="En procent fra -100 til 100 som 2.5")
    if amount is not None and not re.fullmatch(r"-?[0-9]{1,15}", amount, re.ASCII):
        raise ParameterWrong(name="cost_oere", expected="Et helt antal øre")
    return Assumptions(
        cost_percent=Decimal(share) if share is not None else None,
        cost_oere=int(amount) if amount is not None else None,
        without=_places("without"),
        joining=_places("joining"),
    )


def _places(name: str) -> frozenset[str]:
    text = request.args.get(name)
    found = frozenset(text.split(",")) if text is not None else frozenset()
    if found - set(MUNICIPALITIES):
        raise ParameterWrong(name=name, expected="Kommuners koder med komma imellem")
    return found


@operation(
    "GET",
    "/agreements/<code>/forecasts/<year>",
    scope="prices:read",
    tag="Prices",
    answer="ForecastPage",
    query=(UNTIL, COST_PERCENT, COST_OERE, WITHOUT, JOINING),
    conflicts=True,
)
def get_forecast(caller: Caller, code: str, year: str) -> Json:
    """Say what a coming year may cost, or several; nothing is kept.

    The issuer sees all and may assume something else. A payer is told its own part of what is known today, without
    assumptions, and null for the cost; nothing where nothing can be said yet.
    """
    agreed, first = one_agreement(caller.place, code), work_year(year)
    until = request.args.get("until")
    last = work_year(until) if until is not None else None
    assumed = _assumed()
    if agreed.issuer == caller.place:
        found = forecast.forecast_years(connection(), code, first, assumed, last)
        return {"items": [_said_forecast(each) for each in found], "next": None}
    if assumed != Assumptions():
        raise ParameterWrong(name="cost_percent, cost_oere, without, joining", expected="Kun udstederen antager noget")
    if last is not None and not first <= last < first + OWN_YEARS:
        raise ParameterWrong(name="until", expected=f"Et år fra {first} til {first + OWN_YEARS - 1}")
    own = [estimate(connection(), code, caller.place, each) for each in range(first, (last or first) + 1)]
    return {
        "items": [
            {
                "agreement": code,
                "year": each.year,
                "cost_oere": None,
                "provisos": list(each.provisos),
                "parts": [
                    {
                        "municipality": caller.place,
                        "share_oere": each.share_oere,
                        "passed_on_oere": each.passed_on_oere,
                        "obligation_oere": each.obligation_oere,
                        "change": _said_change(each.change),
                    }
                ],
            }
            for each in own
            if each is not None
        ],
        "next": None,
    }
