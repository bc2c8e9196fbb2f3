"""The sums of a layout agree whatever the figures are; worked out here from the cells, not by the code under test."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.agreement import ResultKey
from billing.accounts.facts import ResultSource
from billing.annual_subscription.facts import Correction
from billing.year_end_settlement.facts import CarryOver, SettlementFacts
from billing.year_end_settlement.rules import close_year
from exports.excel.layout import annual_statement_workbook, calculation_workbook
from exports.excel.workbook import DEVIATION, Cell, Style, Workbook, column_letters
from tests.exports.worked_examples import (
    BUDGET_2009,
    FUNEN,
    NAMES,
    ODENSE,
    SVENDBORG,
    cost,
    invoice_numbers,
    invoiced_until,
    year_of,
)

CODES = sorted(NAMES)
AMOUNTS = st.integers(-(10**13), 10**13)
PEOPLE = (
    st.lists(st.integers(0, 700_000), min_size=1, max_size=9)
    .filter(any)
    .map(
        lambda counts: dict(zip(CODES, counts, strict=False)),
    )
)
UNITS = st.sampled_from([1, 100])


def cells_of(workbook: Workbook, sheet: str) -> list[Cell]:
    return [cell for one in workbook.sheets if one.name == sheet for cell in one.cells.values()]


def column_of(workbook: Workbook, sheet: str, heading: str) -> tuple[list[int], int]:
    """A list's column in øre or units, and its total."""
    (one,) = (one for one in workbook.sheets if one.name == sheet)
    (place,) = (column for (row, column), cell in one.cells.items() if row == 3 and cell.value == heading)
    last = max(row for row, _ in one.cells)
    values = [one.cells[row, place].value for row in range(4, last + 1)]
    numbers = [value for value in values if isinstance(value, int)]
    assert len(numbers) == len(values)
    return numbers[:-1], numbers[-1]


def verdicts(workbook: Workbook) -> set[object]:
    return {cell.value for cell in cells_of(workbook, "Overblik") if cell.style is Style.STATUS}


@settings(max_examples=60, deadline=None)
@given(
    AMOUNTS,
    AMOUNTS,
    PEOPLE,
    UNITS,
    st.integers(0, 12),
    st.sampled_from(Correction),
    st.lists(st.integers(-(10**9), 10**9), min_size=9, max_size=9),
)
def test_calculation_agrees_with_itself(  # noqa: PLR0917 - what a year rests on
    first_oere: int,
    then_oere: int,
    people: dict[str, int],
    unit_oere: int,
    months: int,
    correction: Correction,
    results: list[int],
) -> None:
    passed_on = {code: {ResultSource(2007, ODENSE): result} for code, result in zip(people, results, strict=False)}
    first = year_of((cost(ODENSE, first_oere),), people, unit_oere=unit_oere, passed_on=passed_on)
    year = year_of(
        (cost(ODENSE, then_oere), cost(SVENDBORG, 12_345)),
        people,
        unit_oere=unit_oere,
        version=2,
        passed_on=passed_on,
        invoiced=invoiced_until(first, months),
        correction=correction,
    )
    workbook = calculation_workbook(FUNEN, year, NAMES, invoice_numbers(year))
    assert verdicts(workbook) == {"OK"}
    net, cost_oere = column_of(workbook, "Udgifter", "Nettobeløb\n(øre)")
    shares, shared = column_of(workbook, "Fordeling", "Andel\n(øre)")
    obligations, owed = column_of(workbook, "Forpligtelse", "Forpligtelse\n(øre)")
    sums, billed = column_of(workbook, "Rater i øre", "Sum")
    assert sum(net) == cost_oere == then_oere + 12_345 == shared == sum(shares)
    assert sum(obligations) == owed == cost_oere - sum(results[: len(people)])
    assert sums == obligations
    assert sum(sums) == billed
    ways = {cell.value for cell in cells_of(workbook, "Rateberegning")}
    assert "Som gemt" not in ways


@settings(max_examples=60, deadline=None)
@given(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, PEOPLE, st.integers(0, 100), st.sampled_from(ResultKey))
def test_statement_agrees_with_itself(  # noqa: PLR0917 - what a year's settlement rests on
    received: int,
    received_too: int,
    spent: int,
    spent_too: int,
    people: dict[str, int],
    percent: int,
    key: ResultKey,
) -> None:
    settled = close_year(
        SettlementFacts(
            agreement=FUNEN.code,
            year=2009,
            application_year=2011,
            result_key=key,
            received_oere={ODENSE: received, SVENDBORG: received_too},
            accounts=(cost(ODENSE, spent), cost(SVENDBORG, spent_too)),
            weights=people,
            application_weights=dict.fromkeys(people, 1) if key is ResultKey.APPLICATION_YEAR else None,
            carry=CarryOver(percent=Decimal(percent)),
        ),
    )
    workbook = annual_statement_workbook(FUNEN, settled, BUDGET_2009, NAMES, (), ())
    assert verdicts(workbook) == {"OK"}
    parts, result = column_of(workbook, "Kommuner", "Andel af\nresultat (øre)")
    assert sum(parts) == result == received + received_too - spent - spent_too


def test_a_part_that_is_missing_is_told() -> None:
    year = year_of()
    workbook = calculation_workbook(FUNEN, replace(year, parts=year.parts[1:]), NAMES, {})
    assert DEVIATION in verdicts(workbook)


def test_names_of_columns() -> None:
    assert [column_letters(column) for column in (0, 25, 26, 51, 52, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "AZ",
        "BA",
        "ZZ",
        "AAA",
    ]


def test_share_is_exact() -> None:
    workbook = calculation_workbook(FUNEN, year_of(), NAMES, {})
    percents = [cell.value for cell in cells_of(workbook, "Fordeling") if cell.style is Style.PERCENT]
    assert Fraction(42_054, 445_136) in percents
