"""Where a price comes from, and the calculating and announcing of one."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from flask import Response, request

from agreements.agreement import CostKind
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription import store as price_store
from billing.annual_subscription.facts import AnnualSubscription, Correction, Portion, SubscriptionPart
from billing.annual_subscription.run import SubscriptionUnknown
from portal.access.keys import Caller
from portal.api.agreed import one_agreement, said_price
from portal.api.bodies import LATEST_YEAR, XLSX, sent
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
from portal.pages import connection

VERSION = Parameter(
    "version", "Of this version; the newest, if none is named.", {"type": "integer", "minimum": 1, "maximum": 9999}, 1
)
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
