"""A year's end: its result, the closing, what is released, those who left, and the clearing between providers."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

from flask import Response

from agreements.agreement import ResultKey
from billing.accounts import store as books
from billing.accounts.facts import DecisionKind, ResultMovement
from billing.year_end_settlement import clearing_run as clearing
from billing.year_end_settlement import exit_run as exits
from billing.year_end_settlement import run as settlements
from billing.year_end_settlement import store as settlement_store
from billing.year_end_settlement.facts import (
    NOTHING_CARRIED,
    CarryOver,
    ExitSettlement,
    ProviderClearing,
    SettlementPart,
    YearSettlement,
)
from billing.year_end_settlement.run import SettlementUnknown
from portal.access.keys import Caller
from portal.api.agreed import one_agreement
from portal.api.bodies import PREVIEW, XLSX, carried, is_preview, kept_unless, needed_place, needed_year, sent
from portal.api.costs import own_code
from portal.api.described import (
    DAY,
    FLAG,
    MUNICIPALITY,
    OERE,
    PLAIN,
    TEXT,
    WHOLE,
    describe,
    describe_page,
    maybe,
    several,
    some,
    whole,
    words,
)
from portal.api.doors import Json, Made, file_response, occasion, operation, year_of
from portal.api.prices import work_year
from portal.api.problems import PREFIX
from portal.pages import connection

PERCENT = {"type": "string", "pattern": r"^[0-9]{1,3}([.][0-9]{1,2})?$"}
EVERYTHING = CarryOver(percent=Decimal(100))

_PROVIDER = whole(municipality=MUNICIPALITY, received_oere=OERE, cost_oere=OERE, result_oere=OERE)
_PART = whole(municipality=MUNICIPALITY, result_oere=OERE, passed_on_oere=OERE, carried_oere=OERE)
describe(
    "Result",
    whole(
        agreement=TEXT,
        year=WHOLE,
        is_closed=FLAG,
        application_year=WHOLE,
        result_key=words(ResultKey),
        invoiced_oere=maybe(OERE),
        cost_oere=maybe(OERE),
        result_oere=maybe(OERE),
        carried_oere=maybe(OERE),
        closed_on=maybe(DAY),
        author=TEXT,
        approver=TEXT,
        providers=several(_PROVIDER),
        parts=several(_PART),
    ),
    {
        "agreement": "fyn-alkohol",
        "year": 2009,
        "is_closed": True,
        "application_year": 2011,
        "result_key": "accounting_year",
        "invoiced_oere": 2466733333,
        "cost_oere": 2430157085,
        "result_oere": 36576248,
        "carried_oere": 14630499,
        "closed_on": "2010-03-26",
        "author": "anna@eksempel.dk",
        "approver": "bo@eksempel.dk",
        "providers": [
            {
                "municipality": "461",
                "received_oere": 1824999996,
                "cost_oere": 1791245075,
                "result_oere": 33754921,
            }
        ],
        "parts": [{"municipality": "430", "result_oere": 4268664, "passed_on_oere": 2561198, "carried_oere": 1707466}],
    },
)
describe(
    "ResultHead",
    whole(
        agreement=TEXT,
        year=WHOLE,
        invoiced_oere=maybe(OERE),
        cost_oere=maybe(OERE),
        own_passed_on_oere=maybe(OERE),
        own_carried_oere=maybe(OERE),
    ),
    {
        "agreement": "fyn-alkohol",
        "year": 2009,
        "invoiced_oere": None,
        "cost_oere": None,
        "own_passed_on_oere": 2561198,
        "own_carried_oere": 1707466,
    },
)
describe_page("ResultPage", "ResultHead")
describe(
    "Closing",
    some(carry_percent=maybe(PERCENT), carry_oere=maybe(OERE), author=maybe(PLAIN)),
    {"carry_percent": "40", "author": "Odense Kommune, økonomi"},
)
describe(
    "Release",
    {
        **some(into_year=WHOLE, percent=maybe(PERCENT), amount_oere=maybe(OERE), author=maybe(PLAIN)),
        "required": ["into_year"],
    },
    {"into_year": 2013, "percent": "100"},
)
_MOVEMENT = whole(
    accounting_year=WHOLE,
    provider=MUNICIPALITY,
    municipality=maybe(MUNICIPALITY),
    amount_oere=OERE,
    application_year=maybe(WHOLE),
)
describe(
    "Released",
    whole(movements=several(_MOVEMENT)),
    {
        "movements": [
            {
                "accounting_year": 2009,
                "provider": "461",
                "municipality": "430",
                "amount_oere": 1575759,
                "application_year": 2013,
            }
        ]
    },
)
describe(
    "Decision",
    whole(accounting_year=WHOLE, kind=words(DecisionKind), decided_on=DAY, author=TEXT, approver=TEXT, text=TEXT),
    {
        "accounting_year": 2009,
        "kind": "close",
        "decided_on": "2010-03-26",
        "author": "anna@eksempel.dk",
        "approver": "bo@eksempel.dk",
        "text": "Regnskab 2009 afsluttet",
    },
)
describe_page("DecisionPage", "Decision")
describe(
    "Exit",
    whole(
        agreement=TEXT,
        municipality=MUNICIPALITY,
        left_on=DAY,
        number=maybe(TEXT),
        issue_date=maybe(DAY),
        already_settled=FLAG,
        amount_oere=OERE,
        lines=several(whole(accounting_year=WHOLE, provider=MUNICIPALITY, passed_on_oere=OERE, carried_oere=OERE)),
        net_assets=maybe(whole(net_assets_oere=OERE, share_oere=OERE, evidence=TEXT)),
    ),
    {
        "agreement": "fyn-alkohol",
        "municipality": "482",
        "left_on": "2010-12-31",
        "number": "F2011-0025",
        "issue_date": "2011-04-04",
        "already_settled": True,
        "net_assets": None,
        "amount_oere": 710148,
        "lines": [{"accounting_year": 2009, "provider": "461", "passed_on_oere": 625193, "carried_oere": 416795}],
    },
)
describe_page("ExitPage", "Exit")
describe(
    "ExitWish",
    {**some(municipality=MUNICIPALITY, net_assets_oere=OERE, evidence=TEXT), "required": ["municipality"]},
    {"municipality": "482"},
)
describe(
    "Clearing",
    whole(
        municipality=MUNICIPALITY,
        entitled_oere=OERE,
        collected_oere=OERE,
        cleared_oere=OERE,
        outstanding_oere=OERE,
    ),
    {
        "municipality": "479",
        "entitled_oere": 641733337,
        "collected_oere": 0,
        "cleared_oere": 0,
        "outstanding_oere": 641733337,
    },
)
describe_page("ClearingPage", "Clearing")


def _said_part(part: SettlementPart) -> Json:
    return {
        "municipality": part.municipality,
        "result_oere": part.result_oere,
        "passed_on_oere": part.passed_on_oere,
        "carried_oere": part.carried_oere,
    }


def said_result(value: YearSettlement, *, is_closed: bool, who: str | None = None) -> Json:
    """A year's result; of a payer its own part alone, as its pages show."""
    return {
        "agreement": value.agreement,
        "year": value.year,
        "is_closed": is_closed,
        "application_year": value.application_year,
        "result_key": value.result_key.value,
        "invoiced_oere": value.invoiced_oere if who is None else None,
        "cost_oere": value.cost_oere if who is None else None,
        "result_oere": value.result_oere if who is None else None,
        "carried_oere": value.carried_oere if who is None else None,
        "closed_on": value.closed_on.isoformat() if is_closed and value.closed_on else None,
        "author": value.author if who is None else "",
        "approver": value.approver if who is None else "",
        "providers": [
            {
                "municipality": each.municipality,
                "received_oere": each.received_oere,
                "cost_oere": each.cost_oere,
                "result_oere": each.result_oere,
            }
            for each in value.providers
        ]
        if who is None
        else [],
        "parts": [_said_part(part) for part in value.parts if who in {None, part.municipality}],
    }


def said_exit(value: ExitSettlement) -> Json:
    """What a leaver was or would be settled with."""
    return {
        "agreement": value.agreement,
        "municipality": value.municipality,
        "left_on": value.left_on.isoformat(),
        "number": value.number,
        "issue_date": value.issue_date.isoformat() if value.issue_date else None,
        "already_settled": value.already_settled,
        "net_assets": {
            "net_assets_oere": value.net_assets.net_assets_oere,
            "share_oere": value.net_assets.share_oere,
            "evidence": value.net_assets.evidence,
        }
        if value.net_assets
        else None,
        "amount_oere": value.amount_oere,
        "lines": [
            {
                "accounting_year": line.accounting_year,
                "provider": line.provider,
                "passed_on_oere": line.passed_on_oere,
                "carried_oere": line.carried_oere,
            }
            for line in value.lines
        ],
    }


def _said_clearing(value: ProviderClearing) -> Json:
    return {
        "municipality": value.municipality,
        "entitled_oere": value.entitled_oere,
        "collected_oere": value.collected_oere,
        "cleared_oere": value.cleared_oere,
        "outstanding_oere": value.outstanding_oere,
    }


def _said_movement(value: ResultMovement) -> Json:
    return {
        "accounting_year": value.source.accounting_year,
        "provider": value.source.provider,
        "municipality": value.municipality,
        "amount_oere": value.amount_oere,
        "application_year": value.application_year,
    }


@operation("GET", "/agreements/<code>/results", scope="accounts:read", tag="Year's end", answer="ResultPage")
def list_results(caller: Caller, code: str) -> Json:
    """List the closed years, the latest first.

    With the municipality's own part of each; what was billed and what it cost is shown to the issuer alone.
    """
    agreed = one_agreement(caller.place, code)
    own = {year: parts for year, *parts in settlement_store.own_results(connection(), code, caller.place)}
    costs = settlement_store.costs_of_closed_years(connection(), [code]) if agreed.issuer == caller.place else {}
    items = []
    for year in sorted({*own, *(of_year for _code, of_year in costs)}, reverse=True):
        billed, cost = costs.get((code, year), (None, None))
        passed_on, carried_on = own.get(year, (None, None))
        items.append(
            {
                "agreement": code,
                "year": year,
                "invoiced_oere": billed,
                "cost_oere": cost,
                "own_passed_on_oere": passed_on,
                "own_carried_oere": carried_on,
            }
        )
    return {"items": items, "next": None}


@operation("GET", "/agreements/<code>/results/<year>", scope="accounts:read", tag="Year's end", answer="Result")
def get_result(caller: Caller, code: str, year: str) -> Json:
    """Read a closed year's result.

    A payer is shown its own part alone. What closing would come to is answered by `POST` of the same address with
    `preview`.
    """
    agreed, wanted = one_agreement(caller.place, code), year_of(year)
    found = settlement_store.read_settlement(connection(), code, wanted)
    is_issuer = agreed.issuer == caller.place
    if found is None or not (is_issuer or any(part.municipality == caller.place for part in found.parts)):
        raise SettlementUnknown(agreement=code, year=wanted)
    return said_result(found, is_closed=True, who=None if is_issuer else caller.place)


@operation(
    "POST",
    "/agreements/<code>/results/<year>",
    scope="accounts:close",
    tag="Year's end",
    answer="Result",
    body="Closing",
    query=(PREVIEW,),
    conflicts=True,
)
def close_year(caller: Caller, code: str, year: str) -> Made:
    """Close a year: its result, divided, with what is kept of it, booked.

    A percentage or an amount is kept; nothing, if neither is named. The key's person approves; `author` is who
    decided, the same where nobody is named. With `preview` it is said and nothing is kept.
    """
    known, wanted = own_code(caller, code), work_year(year)
    wish = sent(carry_percent=str, carry_oere=int, author=str)
    carry = carried(wish, "carry_percent", "carry_oere", NOTHING_CARRIED)
    preview = is_preview()
    value = settlements.close(
        connection(),
        known,
        wanted,
        occasion(),
        carry=carry,
        author=wish.get("author", "").strip()[:200] or caller.person.login,
        approver=caller.person.login,
        preview=preview,
    )
    return Made(
        said_result(value, is_closed=not preview), "" if preview else f"{PREFIX}/agreements/{known}/results/{wanted}"
    )


@operation(
    "POST",
    "/agreements/<code>/results/<year>/release",
    scope="accounts:close",
    tag="Year's end",
    answer="Released",
    body="Release",
    conflicts=True,
)
def release_result(caller: Caller, code: str, year: str) -> Made:
    """Release what was carried of a year's result into a later year's price.

    A percentage or an amount of it; all, if neither is named.
    """
    known, wanted = own_code(caller, code), work_year(year)
    wish = sent(into_year=int, percent=str, amount_oere=int, author=str)
    moved = settlements.release(
        connection(),
        known,
        wanted,
        needed_year(wish, "into_year"),
        occasion(),
        amount=carried(wish, "percent", "amount_oere", EVERYTHING),
        author=wish.get("author", "").strip()[:200] or caller.person.login,
        approver=caller.person.login,
    )
    return Made({"movements": [_said_movement(each) for each in moved]})


@operation(
    "GET",
    "/agreements/<code>/decisions",
    scope="accounts:read",
    tag="Year's end",
    answer="DecisionPage",
)
def list_decisions(caller: Caller, code: str) -> Json:
    """List what was decided of results: when, by whom, approved by whom.

    Of an agreement that the municipality bills for.
    """
    found = books.decisions(connection(), own_code(caller, code))
    return {
        "items": [
            {
                "accounting_year": each.accounting_year,
                "kind": each.kind.value,
                "decided_on": each.decided_on.isoformat(),
                "author": each.author,
                "approver": each.approver,
                "text": each.text,
            }
            for each in found
        ],
        "next": None,
    }


@operation("GET", "/agreements/<code>/results/<year>/xlsx", scope="accounts:read", tag="Year's end", media=XLSX)
def get_result_workbook(caller: Caller, code: str, year: str) -> Response:
    """Fetch the annual statement of a closed year as a workbook.

    It holds every party, so it is the issuer's alone.
    """
    from exports.excel import run as workbooks  # noqa: PLC0415 - slow to import, and only here

    known, wanted = own_code(caller, code), year_of(year)
    with tempfile.TemporaryDirectory() as folder:
        path = workbooks.write_annual_statement(connection(), known, wanted, Path(folder))
        return file_response(path.read_bytes(), path.name, XLSX)


@operation("GET", "/agreements/<code>/exits", scope="accounts:read", tag="Year's end", answer="ExitPage")
def list_exits(caller: Caller, code: str) -> Json:
    """List those who left and were settled with.

    A payer is shown its own.
    """
    agreed = one_agreement(caller.place, code)
    found = exits.exit_settlements(connection(), code)
    return {
        "items": [said_exit(each) for each in found if caller.place in {agreed.issuer, each.municipality}],
        "next": None,
    }


@operation(
    "POST",
    "/agreements/<code>/exits",
    scope="accounts:close",
    tag="Year's end",
    answer="Exit",
    body="ExitWish",
    query=(PREVIEW,),
    conflicts=True,
)
def settle_exit(caller: Caller, code: str) -> Made:
    """Settle with a municipality that left, by an invoice or a credit note; once.

    Where the agreement gives a leaver a share of the net assets, the accounts' figure on its last day and where it
    stands are told with it.
    """
    known = own_code(caller, code)
    wish = sent(municipality=str, net_assets_oere=int, evidence=str)
    stated = None
    if "net_assets_oere" in wish or "evidence" in wish:
        stated = exits.StatedNetAssets(wish.get("net_assets_oere", 0), wish.get("evidence", ""))
    found = exits.settle_exit(
        connection(), known, needed_place(wish, "municipality"), occasion(), net_assets=stated, preview=is_preview()
    )
    return Made(said_exit(found))


@operation("GET", "/agreements/<code>/clearing/<year>", scope="accounts:read", tag="Year's end", answer="ClearingPage")
def get_clearing(caller: Caller, code: str, year: str) -> Json:
    """Read what the providers have between them of a year.

    Of an agreement that the municipality bills for.
    """
    found = clearing.provider_clearing(connection(), own_code(caller, code), year_of(year))
    return {"items": [_said_clearing(each) for each in found], "next": None}


@operation(
    "POST",
    "/agreements/<code>/clearing/<year>",
    scope="accounts:load",
    tag="Year's end",
    answer="ClearingPage",
    body="Nothing",
    query=(PREVIEW,),
    conflicts=True,
)
def clear_providers(caller: Caller, code: str, year: str) -> Made:
    """Book the transfers that bring every provider's balance of a year to zero; nothing where it is.

    Answers what was outstanding before.
    """
    known, wanted = own_code(caller, code), work_year(year)
    sent()
    with kept_unless(is_preview()) as opened:
        found = clearing.clear_providers(opened, known, wanted, occasion())
    return Made({"items": [_said_clearing(each) for each in found], "next": None})
