"""Workbooks of prices by several keys, over pieces of years, and corrected after invoicing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from agreements.agreement import (
    AdvanceTerms,
    AgreedFigure,
    AllocationKey,
    AllocationTerms,
    KeyChange,
    KeyTerms,
    PartialYear,
    Schedule,
)
from billing.accounts.facts import InvoicedMonth
from billing.annual_subscription.facts import YearFacts
from billing.annual_subscription.rules import calculate
from exports.excel.layout import calculation_workbook
from exports.excel.workbook import Workbook
from foundation.period import Period
from tests.billing.keyed import WHOLE, YEAR, facts_of, line, one_party, open_ended, percentages

NAMES = {"420": "Assens", "461": "Odense", "480": "Nordfyns"}
QUARTERS = AdvanceTerms(schedule=Schedule.QUARTERLY)
THREE_KEYS = AllocationTerms(
    line_keys=(
        percentages("procenter", {"420": 123_456, "461": 376_544, "480": 500_000}, "procent"),
        one_party("koordinator", "480", "alene"),
    ),
    partial_year=PartialYear.MONTHS,
)
CHANGED_KEY = KeyTerms(
    AllocationKey.FIXED_PERCENTAGES,
    figures=(AgreedFigure("420", 400_000), AgreedFigure("461", 600_000)),
    changes=(
        KeyChange(
            date(YEAR, 10, 1),
            (AgreedFigure("420", 333_333), AgreedFigure("461", 466_667), AgreedFigure("480", 200_000)),
        ),
    ),
)
BY_DAYS = AllocationTerms(
    key=CHANGED_KEY.key,
    basis=CHANGED_KEY,
    partial_year=PartialYear.DAYS,
    line_keys=(one_party("koordinator", "480", "alene"),),
)
MIXED = [line(100_000_007), line(55_555_551, "procent"), line(50_000_000, "alene")]


def _book(facts: YearFacts, allocation: AllocationTerms) -> Workbook:
    agreement = open_ended(QUARTERS)
    agreement = replace(agreement, terms=replace(agreement.terms, allocation=allocation))
    price = replace(calculate(facts, 2, NAMES), calculated_on=date(2009, 1, 1))
    numbers = {
        (part.municipality, each.month): f"F2009-{each.month.number:04d}"
        for part in price.parts
        for each in part.instalments
        if each.invoiced
    }
    return calculation_workbook(agreement, price, NAMES, numbers)


def _invoiced() -> dict[str, tuple[InvoicedMonth, ...]]:
    before = calculate(facts_of(MIXED, THREE_KEYS, advance=QUARTERS), 1, NAMES)
    return {
        part.municipality: tuple(InvoicedMonth(each.month, each.gross_oere, {}) for each in part.instalments[:2])
        for part in before.parts
    }


def keyed_workbooks() -> dict[str, Workbook]:
    """Three keys, one who joins as percentages change, and an end in August with what was invoiced before it."""
    lower = [line(-33_333_331), line(7, "procent"), line(9, "alene")]
    joining = {"420": WHOLE, "461": WHOLE, "480": Period(date(YEAR, 10, 1), WHOLE.to_day)}
    ended = Period(date(YEAR, 1, 1), date(YEAR, 8, 20))
    both = {"420": ended, "461": ended}
    invoiced = {code: months for code, months in _invoiced().items() if code in both}
    return {
        "keys": _book(facts_of(MIXED, THREE_KEYS, advance=QUARTERS, unit_oere=100), THREE_KEYS),
        "keys_negative": _book(facts_of(lower, THREE_KEYS, advance=QUARTERS, invoiced=_invoiced()), THREE_KEYS),
        "keys_joining": _book(
            facts_of([line(100_000_007), line(1_000_001, "alene")], BY_DAYS, days=joining, advance=QUARTERS), BY_DAYS
        ),
        "keys_ended": _book(
            facts_of([line(100_000_007)], BY_DAYS, days=both, advance=QUARTERS, invoiced=invoiced), BY_DAYS
        ),
    }
