"""Where a price comes from, what a coming year may cost, and the calculating and announcing of one."""

from __future__ import annotations

import re
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import Response, request

from agreements.agreement import CostKind
from agreements.municipality import MUNICIPALITIES
from billing.annual_subscription import forecast
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription import store as price_store
from billing.annual_subscription.facts import AnnualSubscription, Correction, Portion, SubscriptionPart
from billing.annual_subscription.forecast_rules import LONGEST_SERIES, Assumptions, ChangeExplained, YearForecast
from billing.annual_subscription.run import SubscriptionUnknown
from portal.access.keys import Caller
from portal.api.agreed import one_agreement, said_price
from portal.api.bodies import LARGEST, LATEST_YEAR, XLSX, decimal_of, sent
from portal.api.costs import own_code
from portal.api.described import (
    DAY,
    FLAG,
    MONTH,
    MUNICIPALITY,
    OERE,
    TEXT,
    WHOLE,
    describe,
    describe_page,
    maybe,
    named,
    several,
    some,
    whole,
    words,
)
from portal.api.doors import Json, Made, Parameter, file_response, occasion, operation, year_of
from portal.api.problems import PREFIX, BodyWrong, ParameterWrong
from portal.api.schemas import PRICE_EXAMPLE
from portal.own_figures import estimate, provisos
from portal.pages import connection

OWN_YEARS = 5
VERSION = Parameter(
    "version", "Of this version; the newest, if none is named.", {"type": "integer", "minimum": 1, "maximum": 9999}, 1
)
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

PASSED_ON = several(whole(accounting_year=WHOLE, provider=MUNICIPALITY, amount_oere=OERE))
_LINE_IN_PRICE = whole(provider=MUNICIPALITY, service=TEXT, kind=words(CostKind), line=TEXT, net_oere=OERE)
describe(
    "PriceDerivation",
    whole(
        agreement=TEXT,
        year=WHOLE,
        version=WHOLE,
        versions=several(whole(version=WHOLE, calculated_on=DAY)),
        reference_date=DAY,
        rounding_unit_oere=OERE,
        correction=words(Correction),
        cost_oere=OERE,
        cost_lines=maybe(several(_LINE_IN_PRICE)),
        weights=WHOLE,
        passed_on_oere=OERE,
        total_oere=OERE,
        portions=several(
            whole(
                key=TEXT,
                from_day=DAY,
                last_day=DAY,
                cost_oere=OERE,
                weights=WHOLE,
                shares=several(whole(municipality=MUNICIPALITY, weight=WHOLE, source=TEXT, share_oere=OERE)),
            )
        ),
        parts=several(
            whole(
                municipality=MUNICIPALITY,
                population=maybe(WHOLE),
                source=TEXT,
                fetched_on=DAY,
                weight=WHOLE,
                share_oere=OERE,
                passed_on=PASSED_ON,
                obligation_oere=OERE,
                instalments=several(
                    whole(month=MONTH, gross_oere=OERE, passed_on=PASSED_ON, amount_oere=OERE, invoiced=FLAG)
                ),
            )
        ),
    ),
    {
        "agreement": "fyn-alkohol",
        "year": 2009,
        "version": 1,
        "versions": [{"version": 1, "calculated_on": "2008-05-30"}],
        "reference_date": "2008-01-01",
        "rounding_unit_oere": 1,
        "correction": "spread",
        "cost_oere": 2466733333,
        "cost_lines": None,
        "weights": 445136,
        "passed_on_oere": 0,
        "total_oere": 2466733333,
        "portions": [],
        "parts": [
            {
                "municipality": "420",
                "population": 42054,
                "source": "Danmarks Statistik, FOLK1A",
                "fetched_on": "2008-05-20",
                "weight": 42054,
                "share_oere": 233043392,
                "passed_on": [],
                "obligation_oere": 233043392,
                "instalments": [
                    {
                        "month": "2009-01",
                        "gross_oere": 19420282,
                        "passed_on": [],
                        "amount_oere": 19420282,
                        "invoiced": False,
                    }
                ],
            }
        ],
    },
)
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
describe("CalculationWish", some(correction=maybe(words(Correction))), {"correction": "spread"})
describe(
    "Calculation",
    whole(is_new=FLAG, unclosed_year=maybe(WHOLE), to_reinvoice=FLAG, price=named("Price")),
    {"is_new": True, "unclosed_year": None, "to_reinvoice": False, "price": PRICE_EXAMPLE},
)
describe(
    "PriceNotice",
    whole(
        is_new=FLAG,
        agreement=TEXT,
        year=WHOLE,
        version=WHOLE,
        notice_by=DAY,
        given_on=DAY,
        lines=several(
            whole(
                municipality=MUNICIPALITY,
                obligation_oere=OERE,
                share_oere=OERE,
                passed_on_oere=OERE,
                population=maybe(WHOLE),
                previous_obligation_oere=maybe(OERE),
                previous_population=maybe(WHOLE),
            )
        ),
    ),
    {
        "is_new": True,
        "agreement": "fyn-alkohol",
        "year": 2009,
        "version": 1,
        "notice_by": "2008-06-01",
        "given_on": "2008-05-30",
        "lines": [
            {
                "municipality": "420",
                "obligation_oere": 233043392,
                "share_oere": 233043392,
                "passed_on_oere": 0,
                "population": 42054,
                "previous_obligation_oere": None,
                "previous_population": None,
            }
        ],
    },
)


def work_year(text: str) -> int:
    """A year that something is worked out for; some years follow from it.

    Raises:
        ParameterWrong.
    """
    year = year_of(text)
    if year > LATEST_YEAR:
        raise ParameterWrong(name="year", expected=f"Et år til og med {LATEST_YEAR}")
    return year


def _passed_on(value: Any) -> list[Json]:  # noqa: ANN401 - source -> øre
    return [
        {"accounting_year": source.accounting_year, "provider": source.provider, "amount_oere": amount}
        for source, amount in sorted(value.items())
    ]


def _part(part: SubscriptionPart) -> Json:
    return {
        "municipality": part.municipality,
        "population": part.counted,
        "source": part.population.source,
        "fetched_on": part.population.fetched_on.isoformat(),
        "weight": part.weight,
        "share_oere": part.share_oere,
        "passed_on": _passed_on(part.passed_on),
        "obligation_oere": part.obligation_oere,
        "instalments": [
            {
                "month": str(each.month),
                "gross_oere": each.gross_oere,
                "passed_on": _passed_on(each.passed_on),
                "amount_oere": each.amount_oere,
                "invoiced": each.invoiced,
            }
            for each in part.instalments
        ],
    }


def _portion(value: Portion, who: str | None) -> Json:
    return {
        "key": value.name,
        "from_day": value.days.from_day.isoformat(),
        "last_day": value.days.last_day.isoformat(),
        "cost_oere": value.cost_oere,
        "weights": sum(share.figure.inhabitants for share in value.shares),
        "shares": [
            {
                "municipality": share.municipality,
                "weight": share.figure.inhabitants,
                "source": share.figure.source,
                "share_oere": share.share_oere,
            }
            for share in value.shares
            if who in {None, share.municipality}
        ],
    }


def said_derivation(value: AnnualSubscription, versions: list[tuple[int, int, Any]], who: str | None) -> Json:
    """A price from its cost to the instalments.

    Args:
        value: The price.
        versions: (year, version, day of calculation) of the year's.
        who: Only this one's part, without the budgets' lines; None for all.
    """
    return {
        "agreement": value.agreement,
        "year": value.year,
        "version": value.version,
        "versions": [{"version": version, "calculated_on": day.isoformat()} for _year, version, day in versions],
        "reference_date": value.reference_date.isoformat(),
        "rounding_unit_oere": value.unit_oere,
        "correction": value.correction.value,
        "cost_oere": value.cost_oere,
        "cost_lines": [
            {
                "provider": line.key.provider,
                "service": line.key.service,
                "kind": line.key.kind.value,
                "line": line.key.line,
                "net_oere": line.net_oere,
            }
            for line in value.cost_lines
        ]
        if who is None
        else None,
        "weights": sum(part.weight for part in value.parts),
        "passed_on_oere": value.passed_on_oere,
        "total_oere": value.total_oere,
        "portions": [_portion(each, who) for each in value.division.portions] if value.division else [],
        "parts": [_part(part) for part in value.parts if who in {None, part.municipality}],
    }


def _version() -> int | None:
    text = request.args.get("version")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < len("10000") and int(text)):
        raise ParameterWrong(name="version", expected="Et versionsnummer")
    return int(text)


@operation(
    "GET",
    "/agreements/<code>/prices/<year>/derivation",
    scope="prices:read",
    tag="Prices",
    answer="PriceDerivation",
    query=(VERSION,),
)
def get_derivation(caller: Caller, code: str, year: str) -> Json:
    """Read where a price comes from: cost, share, earlier results, the year's instalments.

    Each payer's instalments sum to its obligation and all shares to the cost. A payer is shown its own part, and
    null for the budgets' lines.
    """
    agreed, wanted = one_agreement(caller.place, code), year_of(year)
    price = price_store.read_subscription(connection(), code, wanted, _version())
    is_issuer = agreed.issuer == caller.place
    if price is None or not (is_issuer or price.part_of(caller.place) is not None):
        raise SubscriptionUnknown(agreement=code, year=wanted)
    versions = subscriptions.versions_of(connection(), code, wanted)
    return said_derivation(price, versions, None if is_issuer else caller.place)


@operation(
    "GET",
    "/agreements/<code>/prices/<year>/xlsx",
    scope="prices:read",
    tag="Prices",
    media=XLSX,
)
def get_price_workbook(caller: Caller, code: str, year: str) -> Response:
    """Fetch the calculation of a price as a workbook.

    It holds every party, so it is the issuer's alone.
    """
    from exports.excel import run as workbooks  # noqa: PLC0415 - slow to import, and only here

    known = own_code(caller, code)
    with tempfile.TemporaryDirectory() as folder:
        path = workbooks.write_calculation(connection(), known, year_of(year), Path(folder))
        return file_response(path.read_bytes(), path.name, XLSX)


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


@operation(
    "POST",
    "/agreements/<code>/prices/<year>",
    scope="prices:calculate",
    tag="Prices",
    answer="Calculation",
    body="CalculationWish",
    conflicts=True,
)
def calculate_price(caller: Caller, code: str, year: str) -> Made:
    """Calculate a year from the newest figures.

    A version is kept only where it says something new. `correction` says what becomes of instalments that were
    invoiced before the price changed.
    """
    known, wanted = own_code(caller, code), work_year(year)
    wish = sent(correction=str)
    if wish.get("correction", "spread") not in set(Correction):
        raise BodyWrong(problem=f"correction er ikke et af: {', '.join(Correction)}")
    correction = Correction(wish["correction"]) if "correction" in wish else None
    done = subscriptions.calculate_year(connection(), known, wanted, occasion(), correction=correction)
    told = dict(price_store.price_notices(connection(), known, wanted))
    return Made(
        {
            "is_new": done.is_new,
            "unclosed_year": done.unclosed,
            "to_reinvoice": done.to_reinvoice,
            "price": said_price(done.subscription, caller.place, told, is_issuer=True),
        },
        f"{PREFIX}/agreements/{known}/prices/{wanted}",
    )


@operation(
    "POST",
    "/agreements/<code>/prices/<year>/notice",
    scope="prices:calculate",
    tag="Prices",
    answer="PriceNotice",
    body="Nothing",
    conflicts=True,
)
def announce_price(caller: Caller, code: str, year: str) -> Made:
    """Tell the subscribers the newest version of a price, and keep that it was told; the same version once."""
    known, wanted = own_code(caller, code), work_year(year)
    sent()
    notice, is_new = subscriptions.give_price_notice(connection(), known, wanted, occasion())
    return Made(
        {
            "is_new": is_new,
            "agreement": notice.agreement,
            "year": notice.year,
            "version": notice.version,
            "notice_by": notice.notice_by.isoformat(),
            "given_on": notice.given_on.isoformat(),
            "lines": [
                {
                    "municipality": line.municipality,
                    "obligation_oere": line.obligation_oere,
                    "share_oere": line.share_oere,
                    "passed_on_oere": line.passed_on_oere,
                    "population": line.population,
                    "previous_obligation_oere": line.previous_obligation_oere,
                    "previous_population": line.previous_population,
                }
                for line in notice.lines
            ],
        }
    )
