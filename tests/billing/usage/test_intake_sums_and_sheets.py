"""Sums that no mapped column names, and workbooks whose rows are spread over several sheets."""

from __future__ import annotations

import io

import openpyxl
import pytest

from billing.usage_statement.facts import UNSTATED, FigureKey, Measure, UsagePeriod
from billing.usage_statement.guard import FileContent, admit
from billing.usage_statement.intake import Expected, FileNotUnderstood, Reading, headings_of, read_usage
from billing.usage_statement.mapping import suggested

EXPECTED = Expected({"ambulant": "Ambulant"}, {"461", "492"}, UsagePeriod.parse("2009-H1"))
HEAD = ("Enhed", "Kommune", "Påbegyndt", "Gennemført", "Afbrudt", "I behandling")


def read(data: bytes, name: str) -> Reading:
    file = admit(FileContent(name, data))
    return read_usage(file, suggested(headings_of(file)), EXPECTED)


def text(*rows: tuple[object, ...]) -> Reading:
    return read("\n".join(";".join(map(str, row)) for row in rows).encode(), "f.csv")


def book(**sheets: list[tuple[object, ...]]) -> Reading:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
        if title.startswith("skjult"):
            sheet.sheet_state = "hidden"
    target = io.BytesIO()
    workbook.save(target)
    return read(target.getvalue(), "f.xlsx")


def started(reading: Reading) -> dict[str, int]:
    return {key.residence: count for key, count in reading.counts.items() if key.measure is Measure.STARTED}


def test_a_sum_that_is_named_in_another_column_is_nobody_who_did_not_say() -> None:
    reading = text(HEAD, ("Nord", "461", 20, 5, 5, 10), ("Syd", "492", 3, 1, 1, 1), ("I alt", "", 23, 6, 6, 11))
    assert started(reading) == {"461": 20, "492": 3}
    assert reading.totals == 1
    assert reading.problems == ()


def test_a_row_of_a_unit_without_a_municipality_is_who_did_not_say() -> None:
    reading = text(HEAD, ("Nord", "461", 20, 5, 5, 10), ("Syd", "", 7, 1, 1, 5), ("Total", "461", 2, 1, 1, 0))
    assert started(reading) == {"461": 22, UNSTATED: 7}
    assert reading.counts[FigureKey(Measure.AT_END, "ambulant", UNSTATED)] == 5


JANUARY: list[tuple[object, ...]] = [HEAD, ("Nord", "461", 20, 5, 5, 10)]
FEBRUARY: list[tuple[object, ...]] = [("Februar",), HEAD, ("Nord", "461", 9, 5, 2, 2)]


def test_rows_on_two_sheets_are_not_half_counted() -> None:
    with pytest.raises(FileNotUnderstood, match="1 og 2 har de samme overskrifter"):
        book(januar=JANUARY, februar=FEBRUARY)


def test_a_hidden_or_empty_sheet_of_the_same_headings_is_none() -> None:
    assert started(book(januar=JANUARY, skjult=FEBRUARY, tom=[HEAD], noter=[("Kommune", "Note"), ("461", "x")])) == {
        "461": 20
    }
