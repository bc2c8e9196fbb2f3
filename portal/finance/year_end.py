"""A year's end, step by step: accounts, result, what is carried, who left, the clearing between providers."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import render_template, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as WebResponse

from agreements import store as agreement_store
from agreements.agreement import Agreement, NetAssets
from billing.accounts import store as books
from billing.annual_subscription import store as price_store
from billing.year_end_settlement import clearing_run as clearing
from billing.year_end_settlement import exit_run as exits
from billing.year_end_settlement import run as settlements
from billing.year_end_settlement import store as settlement_store
from billing.year_end_settlement import true_up_run as true_ups
from billing.year_end_settlement.facts import CarryOver, ExitSettlement, YearSettlement
from foundation.errors import MellemregningError, Problems
from portal.access.scope import Deed, issuers_agreement, issuers_agreements
from portal.command_pages import told_on_page
from portal.document_files import TYPES
from portal.finance import pages
from portal.finance.asked import amount_of, carry_of, municipality_of, text_of, tried, year_of
from portal.finance.prices import YEAR
from portal.issuer_work import load_own_accounts
from portal.language import _
from portal.pages import connection, download, occasion, person, seen, today, upload, who_may

COST_FILES = (".toml", ".xlsx")
STEP = f"/aarsafslutning/<code>/{YEAR}"


@pages.get("/aarsafslutning")
@who_may(Deed.READ)
def year_ends(place: str) -> str:
    """All years that have a price, closed or not."""
    agreements = issuers_agreements(connection(), place)
    codes = tuple(agreements)
    closed = settlement_store.costs_of_closed_years(connection(), codes) if codes else {}
    priced = price_store.latest_costs(connection(), codes) if codes else {}
    rows = [
        (code, year, priced.get((code, year)), closed.get((code, year)), year < today().year)
        for code, year in sorted({*closed, *priced}, key=lambda key: (key[0], -key[1]))
    ]
    return render_template("finance/year_ends.html", agreements=agreements, rows=rows)


@pages.get(STEP)
@who_may(Deed.READ)
def year_end(place: str, code: str, year: int) -> str:
    """One year's steps, each with its figures and what stands in its way."""
    return _page(place, issuers_agreement(connection(), place, code), year)


def _page(place: str, agreement: Agreement, year: int, problems: Problems | None = None, loaded: str = "") -> str:
    opened, code = connection(), agreement.code
    accounts = settlement_store.final_accounts(opened, code, year)
    budget = {line.key: line.net_oere for line in agreement_store.budget(opened, code, year)}
    stored = settlement_store.read_settlement(opened, code, year)
    carry = carry_of("carry", _("Overføres")) if request.method == "GET" else CarryOver(percent=Decimal(0))
    result, hindrance = (stored, "") if stored else _result(opened, agreement, year, carry)
    movements = books.movements(opened, code) if stored else []
    carried_left = sum(
        each.amount_oere for each in movements if each.source.accounting_year == year and each.application_year is None
    )
    who = person()
    return render_template(
        "finance/year_end.html",
        agreement=agreement,
        year=year,
        accounts=accounts,
        budget=budget,
        accounts_oere=sum(line.net_oere for line in accounts),
        providers_missing=[one for one in agreement.providers if one not in {line.key.provider for line in accounts}],
        result=result,
        is_closed=stored is not None,
        hindrance=hindrance,
        carry=text_of("carry") if request.method == "GET" else "",
        carried_left=carried_left,
        decisions=[each for each in books.decisions(opened, code) if each.accounting_year == year],
        leavers=_leavers(opened, agreement, year),
        true_up_plans=[each for each in true_ups.list_plans(opened, code) if each.year == year] if stored else [],
        gives_net_assets=agreement.terms.settlement.net_assets_at_exit is not NetAssets.NONE,
        clearing=clearing.provider_clearing(opened, code, year),
        problems=problems,
        loaded=loaded,
        may_prepare=who.may(Deed.PREPARE, place),
        may_approve=who.may(Deed.APPROVE, place),
    )


def _result(opened: Connection, agreement: Agreement, year: int, carry: CarryOver) -> tuple[YearSettlement | None, str]:
    """What closing would come to, or what is in its way."""
    try:
        value = settlements.close(
            opened, agreement.code, year, occasion(), carry=carry, author="", approver="", preview=True
        )
    except MellemregningError as error:
        return None, told_on_page(error)
    return value, ""


def _leavers(opened: Connection, agreement: Agreement, year: int) -> list[tuple[str, ExitSettlement | None, str]]:
    """Who left with the year: what was settled or would be, or what is in its way."""
    found: list[tuple[str, ExitSettlement | None, str]] = []
    for period in agreement_store.members_of(opened, [agreement.code]).get(agreement.code, ()):
        if period.to_year == year:
            try:
                exit_ = exits.settle_exit(opened, agreement.code, period.municipality, occasion(), preview=True)
                found.append((period.municipality, exit_, ""))
            except MellemregningError as error:
                found.append((period.municipality, None, told_on_page(error)))
    return found


@pages.post(f"{STEP}/regnskab")
@who_may(Deed.PREPARE)
def year_accounts(place: str, code: str, year: int) -> Any:  # noqa: ANN401 - a page, with its status where it is refused
    """Step 1: keep a file of final accounts, all of it or nothing."""
    agreement = issuers_agreement(connection(), place, code)
    name, content = upload("file", *COST_FILES)
    try:
        with tried() as opened:
            change = load_own_accounts(opened, code, name, content, occasion())
    except Problems as problems:
        return _page(place, agreement, year, problems=problems), 400
    loaded = _("{added} nye linjer, {changed} rettede, {unchanged} uændrede.").format(
        added=len(change.added), changed=len(change.changed), unchanged=len(change.unchanged)
    )
    return _page(place, agreement, year, loaded=loaded)


@pages.post(f"{STEP}/luk")
@who_may(Deed.APPROVE)
def year_close(place: str, code: str, year: int) -> WebResponse:
    """Steps 2 and 3: close the year, with what is kept of its result."""
    issuers_agreement(connection(), place, code)
    settlements.close(
        connection(),
        code,
        year,
        occasion(),
        carry=carry_of("carry", _("Overføres")),
        author=text_of("author", 200) or person().login,
        approver=person().login,
    )
    return seen("finance.year_end", place=place, code=code, year=year)


@pages.post(f"{STEP}/frigiv")
@who_may(Deed.APPROVE)
def year_release(place: str, code: str, year: int) -> WebResponse:
    """Release what was carried into a later year's price; all of it where no amount is named."""
    issuers_agreement(connection(), place, code)
    settlements.release(
        connection(),
        code,
        year,
        year_of("into", _("Indregnes i")),
        occasion(),
        amount=carry_of("amount", _("Frigives")) if text_of("amount") else CarryOver(percent=Decimal(100)),
        author=text_of("author", 200) or person().login,
        approver=person().login,
    )
    return seen("finance.year_end", place=place, code=code, year=year)


@pages.post(f"{STEP}/udtraedelse")
@who_may(Deed.APPROVE)
def year_exit(place: str, code: str, year: int) -> WebResponse:
    """Step 4: settle with who left; once."""
    issuers_agreement(connection(), place, code)
    stated = None
    if text_of("net_assets") or text_of("evidence"):
        stated = exits.StatedNetAssets(amount_of("net_assets", _("Nettoformue")), text_of("evidence"))
    exits.settle_exit(connection(), code, municipality_of("municipality", _("Kommune")), occasion(), net_assets=stated)
    return seen("finance.year_end", place=place, code=code, year=year)


TRUE_UP = f"{STEP}/efterreguler"


@pages.post(TRUE_UP)
@who_may(Deed.PREPARE)
def year_true_up(place: str, code: str, year: int) -> WebResponse:
    """Plan the documents that settle a first year's result with the payers."""
    issuers_agreement(connection(), place, code)
    true_ups.plan_true_up(connection(), code, year, occasion())
    return seen("finance.year_end", place=place, code=code, year=year)


def _plan_of_year(place: str, code: str, year: int, number: int) -> int:
    """The plan's number, where it is of the issuer's agreement and the year that the page is of.

    Raises:
        TrueUpPlanUnknown: it is another's.
    """
    issuers_agreement(connection(), place, code)
    plan = true_ups.get_plan(connection(), number)
    if (plan.agreement, plan.year) != (code, year):
        raise true_ups.TrueUpPlanUnknown(number=number)
    return number


@pages.post(f"{TRUE_UP}/<int(max=999999999):number>/godkend")
@who_may(Deed.APPROVE)
def year_true_up_approve(place: str, code: str, year: int, number: int) -> WebResponse:
    """Approve a plan of a true-up."""
    true_ups.approve_plan(connection(), _plan_of_year(place, code, year, number), occasion())
    return seen("finance.year_end", place=place, code=code, year=year)


@pages.post(f"{TRUE_UP}/<int(max=999999999):number>/udsted")
@who_may(Deed.APPROVE)
def year_true_up_issue(place: str, code: str, year: int, number: int) -> WebResponse:
    """Issue an approved plan of a true-up."""
    true_ups.issue_plan(connection(), _plan_of_year(place, code, year, number), occasion())
    return seen("finance.year_end", place=place, code=code, year=year)


@pages.post(f"{TRUE_UP}/<int(max=999999999):number>/stop")
@who_may(Deed.PREPARE)
def year_true_up_stop(place: str, code: str, year: int, number: int) -> WebResponse:
    """Give a plan of a true-up up."""
    true_ups.stop_plan(connection(), _plan_of_year(place, code, year, number), occasion())
    return seen("finance.year_end", place=place, code=code, year=year)


@pages.post(f"{STEP}/udlign")
@who_may(Deed.PREPARE)
def year_clear(place: str, code: str, year: int) -> WebResponse:
    """Step 5: book the transfers between the providers."""
    issuers_agreement(connection(), place, code)
    clearing.clear_providers(connection(), code, year, occasion())
    return seen("finance.year_end", place=place, code=code, year=year)


@pages.get(f"{STEP}/fil.xlsx")
@who_may(Deed.READ)
def year_file(place: str, code: str, year: int) -> WebResponse:
    """The annual statement as a workbook."""
    from exports.excel import run as workbooks  # noqa: PLC0415 - slow to import, and only here

    issuers_agreement(connection(), place, code)
    with tempfile.TemporaryDirectory() as folder:
        path = workbooks.write_annual_statement(connection(), code, year, Path(folder))
        return download(path.read_bytes(), path.name, TYPES["xlsx"])
