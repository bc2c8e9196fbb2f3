"""Collect a quarter of one payer and write it as a workbook and as a PDF."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, MunicipalityCode
from agreements.membership import members_in
from agreements.municipality import municipality
from billing.accounts import store as books
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription.run import SubscriptionUnknown
from billing.single_case import run as cases
from billing.usage_statement.facts import QUARTER, Release, UsagePeriod
from billing.usage_statement.run import list_usage, statement
from exports.excel.run import FolderNotWritable, written
from exports.follow_up.facts import TITLE, FollowUp, MoneyLine
from exports.follow_up.layout import follow_up_page, follow_up_workbook
from exports.pdf.usage import page_bytes
from exports.usage_words import services_of
from foundation.errors import BadInput, N_, RuleBroken, reason_of
from foundation.period import BillingYear, Month, months_between

TEMPLATE = "follow_up.typ"


class NotAQuarter(BadInput):
    """A follow-up is of a quarter."""

    danish = N_("{period} er ikke et kvartal. Skriv det som 2009-Q1.")


class TakesNoPart(RuleBroken):
    """A follow-up goes to a municipality that takes part."""

    danish = N_("{municipality} deltager ikke i aftalen «{agreement}» i {year}, så der er ingen opfølgning at lave.")


def write_follow_up(
    connection: Connection,
    code: str,
    quarter: UsagePeriod,
    folder: Path,
    only: MunicipalityCode | None = None,
) -> list[Path]:
    """Write *Kvartalsopfølgning*, a workbook and a PDF for each payer: its own figures, nobody else's.

    Args:
        connection: Where to read.
        code: The agreement.
        quarter: ``2009-Q1``.
        folder: Where to write.
        only: One payer; all who take part otherwise.

    Raises:
        AgreementUnknown, NotAQuarter, UnknownMunicipality, TakesNoPart, FolderNotWritable.
    """
    files: list[Path] = []
    agreement = agreements.get(connection, code)
    members = members_in(agreement_store.members(connection, code), quarter.year)
    if only is not None and only not in members:
        name = municipality(only).official_name
        raise TakesNoPart(municipality=name, agreement=code, year=quarter.year)
    for payer in [only] if only is not None else members:
        found = follow_up(connection, agreement, quarter, payer)
        stem = f"{quarter} {TITLE} {code} {found.payer_name}"
        files.append(written(follow_up_workbook(found), folder, stem))
        path = files[-1].with_suffix(".pdf")
        try:
            path.write_bytes(page_bytes(follow_up_page(found), quarter.last.period.last_day, TEMPLATE))
        except OSError as error:
            raise FolderNotWritable(file=str(path), reason=reason_of(error)) from error
        files.append(path)
    return files


def follow_up(connection: Connection, agreement: Agreement, quarter: UsagePeriod, payer: MunicipalityCode) -> FollowUp:
    """A quarter of one payer.

    Counts are those of released statements alone, period by period: nothing is summed or divided that is hidden there.

    Raises:
        NotAQuarter.

    Source: the Horsens-Odder agreement 10.0; domain rules 16 and 17; docs/decisions/0044-follow-up.md.
    """
    if quarter.months != QUARTER or not str(quarter).count("-Q"):
        raise NotAQuarter(period=str(quarter))
    try:
        price = subscriptions.get_subscription(connection, agreement.code, quarter.year)
    except SubscriptionUnknown:
        price = None
    part = price.part_of(payer) if price is not None else None
    budget = {each.month: each.amount_oere for each in part.instalments} if part is not None else None
    invoiced = books.invoiced_months(connection, agreement.code, quarter.year).get(payer, ())
    billed = {each.month: each.amount_oere for each in invoiced}
    by_case = cases.billed_by_month(connection, agreement.code, payer)
    spans = {
        "kvartalet": set(months_between(quarter.first, quarter.last)),
        "året til og med kvartalet": set(months_between(Month(quarter.year, 1), quarter.last)),
        "hele året": set(BillingYear(quarter.year).months),
    }
    money = [
        MoneyLine(f"A conto, {name}", None if budget is None else _sum(budget, months), _sum(billed, months))
        for name, months in spans.items()
    ]
    if agreement.cases.services:
        money += [MoneyLine(f"Enkeltsager, {name}", None, _sum(by_case, months)) for name, months in spans.items()]
    releases = _releases(list_usage(connection, agreement.code).releases, quarter)
    services = services_of(statement(connection, agreement.code, releases[-1].period)) if releases else ()
    return FollowUp(
        agreement=agreement,
        payer=payer,
        payer_name=municipality(payer).name,
        quarter=quarter,
        cost_oere=None if price is None else price.cost_oere,
        money=tuple(money),
        services=services,
        releases=releases,
    )


def _sum(amounts: dict[Month, int], months: set[Month]) -> int:
    return sum(amount for month, amount in amounts.items() if month in months)


def _releases(released: Iterable[Release], quarter: UsagePeriod) -> tuple[Release, ...]:
    """The newest edition of each period within the quarter; else of those that cover it."""
    newest = {release.period: release for release in released}
    within = sorted((period for period in newest if quarter.covers(period)), key=lambda each: (each.months, each))
    around = sorted(period for period in newest if period.covers(quarter))
    return tuple(newest[period] for period in (within or around[:1]))
