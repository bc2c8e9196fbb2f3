"""Every figure that a workbook shows is the figure that LibreOffice works out from its formulas."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.workbook import Workbook as OpenedWorkbook

from agreements.agreement import CostKind
from billing.annual_subscription.facts import AnnualSubscription, Correction
from exports.excel.layout import (
    annual_statement_workbook,
    calculation_workbook,
    invoice_specification_workbook,
)
from exports.excel.workbook import Workbook
from exports.excel.write import write_workbook
from foundation.period import BillingYear
from tests.exports.keyed_examples import keyed_workbooks
from tests.exports.recalculation import recalculated
from tests.exports.worked_examples import (
    BUDGET_2009,
    CLEARING,
    DOCUMENTS,
    EXIT_WITH_ASSETS,
    EXITS,
    FUNEN,
    KEYS_2009,
    NAMES,
    ODENSE,
    SVENDBORG,
    all_municipalities,
    closed_year,
    corrected_year,
    cost,
    invoice_numbers,
    invoiced_until,
    year_of,
)

POISON = 987_654_321
NEARLY = 1e-6
QUOTA_FORMAT = "#,##0.0000"
DEVIATING = "deviating"

# domain.md, "Worked example: billing year 2009", in øre: code, obligation, months 1-11, month 12.
WORKED_EXAMPLE = [
    ("420", 233_043_392, 19_420_282, 19_420_290),
    ("430", 287_882_347, 23_990_195, 23_990_202),
    ("440", 130_946_292, 10_912_191, 10_912_191),
    ("450", 175_151_056, 14_595_921, 14_595_925),
    ("461", 1_035_888_797, 86_324_066, 86_324_071),
    ("479", 327_171_777, 27_264_314, 27_264_323),
    ("480", 163_308_812, 13_609_067, 13_609_075),
    ("482", 76_146_128, 6_345_510, 6_345_518),
    ("492", 37_194_732, 3_099_561, 3_099_561),
]
WORKED_TOTALS = (2_466_733_333, 205_561_107, 205_561_156)


def calculation(subscription: AnnualSubscription) -> Workbook:
    return calculation_workbook(FUNEN, subscription, NAMES, invoice_numbers(subscription))


def workbooks() -> dict[str, Workbook]:
    """Each kind of year and of workbook, by a name for its file."""
    everybody = all_municipalities()
    plain = year_of()
    last_only = invoiced_until(plain, 12)
    settled = closed_year()
    return {
        "plain": calculation(plain),
        "kroner": calculation(year_of((*BUDGET_2009, cost(ODENSE, 77, line="x")), unit_oere=100)),
        "corrected": calculation(corrected_year()),
        "reinvoiced": calculation(corrected_year(Correction.REINVOICE)),
        "nothing_remains": calculation(
            year_of((*BUDGET_2009, cost(ODENSE, 33, line="x")), invoiced=last_only, version=2),
        ),
        "all_invoiced": calculation(year_of(invoiced=last_only, version=2)),
        "corrected_kroner": calculation(
            year_of(
                (cost(ODENSE, 1_800_000_055),),
                unit_oere=100,
                version=2,
                invoiced=invoiced_until(year_of(unit_oere=100), 4, less_for={"461": 4, "479": 1}),
            ),
        ),
        "negative": calculation(
            year_of((cost(ODENSE, 1_000), cost(SVENDBORG, 700_000_033, CostKind.GRANT)), unit_oere=100),
        ),
        "largest": calculation(year_of((cost(ODENSE, 9_999_999_999_999),), everybody)),
        "largest_kroner": calculation(year_of((cost(ODENSE, 9_999_999_999_999),), everybody, unit_oere=100)),
        "alike": calculation(year_of((cost(ODENSE, 100),), {"420": 7, "430": 7, "440": 7, "450": 0})),
        "one": calculation(year_of((cost(ODENSE, 100),), {"420": 1})),
        "statement": annual_statement_workbook(FUNEN, settled, BUDGET_2009, NAMES, CLEARING, EXITS),
        "statement_by_key": annual_statement_workbook(
            FUNEN, closed_year(KEYS_2009), BUDGET_2009, NAMES, CLEARING, (*EXITS, EXIT_WITH_ASSETS), KEYS_2009
        ),
        "statement_trued_up": annual_statement_workbook(
            FUNEN, replace(settled, application_year=2009), BUDGET_2009, NAMES, CLEARING, ()
        ),
        "statement_of_nothing": annual_statement_workbook(
            FUNEN,
            replace(settled, accounts=(), parts=(), providers=()),
            (),
            NAMES,
            (),
            (),
        ),
        "specification": invoice_specification_workbook(FUNEN, "Assens", BillingYear(2009).period, DOCUMENTS),
        **keyed_workbooks(),
        "specification_of_nothing": invoice_specification_workbook(FUNEN, "Assens", BillingYear(2009).period, ()),
    }


def deviating() -> Workbook:
    """A year whose first stored share is an øre too large."""
    right = year_of()
    first = replace(right.parts[0], share_oere=right.parts[0].share_oere + 1)
    return calculation(replace(right, parts=(first, *right.parts[1:])))


def poisoned(workbook: Workbook) -> Workbook:
    """The same formulas with a wrong figure stored beside each, which only recalculation mends."""
    return replace(
        workbook,
        sheets=tuple(
            replace(
                sheet,
                cells={
                    place: cell if cell.formula is None else replace(cell, value=POISON)
                    for place, cell in sheet.cells.items()
                },
            )
            for sheet in workbook.sheets
        ),
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All workbooks as files, and each once more with wrong figures stored."""
    folder = tmp_path_factory.mktemp("workbooks")
    files = {}
    for name, workbook in (workbooks() | {DEVIATING: deviating()}).items():
        for file_name, one in ((name, workbook), (f"poisoned_{name}", poisoned(workbook))):
            files[file_name] = folder / f"{file_name}.xlsx"
            write_workbook(one, files[file_name])
    return files


@pytest.fixture(scope="module")
def mended(
    written: dict[str, Path],
    libreoffice: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, OpenedWorkbook]:
    """All workbooks as LibreOffice works them out."""
    folder = tmp_path_factory.mktemp("libreoffice")
    # What a file stores is nothing to a recalculation, so one file with right figures stands for all of them.
    files = [file for name, file in written.items() if name == "plain" or name.startswith("poisoned_")]
    saved = recalculated(libreoffice, files, folder)
    return {Path(name).stem: load_workbook(path, data_only=True) for name, path in saved.items()}


def figures(workbook: OpenedWorkbook, sheet: str, *headings: str) -> list[tuple[object, ...]]:
    """The rows of a list, as many columns of it as are asked for by heading, total included."""
    rows = list(workbook[sheet].iter_rows(min_row=4, values_only=True))
    places = [rows[0].index(heading) for heading in headings]
    return [tuple(row[place] for place in places) for row in rows[1:]]


def assert_worked_example(workbook: OpenedWorkbook) -> None:
    months = ("Januar", "Februar", "Marts", "April", "Maj", "Juni", "Juli", "August", "September", "Oktober")
    expected = [*WORKED_EXAMPLE, ("I alt", *WORKED_TOTALS)]
    assert figures(workbook, "Forpligtelse", "Kode", "Forpligtelse\n(øre)") == [row[:2] for row in expected]
    in_oere = figures(workbook, "Rater i øre", "Kode", *months, "November", "December", "Sum")
    assert in_oere == [(row[0], *(row[2],) * 11, row[3], row[1]) for row in expected]
    in_kroner = figures(workbook, "Rater", "Kode", "Januar", "November", "December", "Året i alt")
    for shown, row in zip(in_kroner, expected, strict=True):
        assert shown[0] == row[0]
        assert shown[1:] == pytest.approx((row[2] / 100, row[2] / 100, row[3] / 100, row[1] / 100), abs=NEARLY)


def test_worked_example_as_written(written: dict[str, Path]) -> None:
    assert_worked_example(load_workbook(written["plain"], data_only=True))


def test_worked_example_recalculated(mended: dict[str, OpenedWorkbook]) -> None:
    assert_worked_example(mended["plain"])


def test_worked_example_recalculated_from_wrong_figures(
    written: dict[str, Path],
    mended: dict[str, OpenedWorkbook],
) -> None:
    stored = load_workbook(written["poisoned_plain"], data_only=True)
    assert {row[1] for row in figures(stored, "Forpligtelse", "Kode", "Forpligtelse\n(øre)")} == {POISON}
    assert_worked_example(mended["poisoned_plain"])


@pytest.mark.parametrize("name", workbooks())
def test_every_formula_comes_to_what_is_stored(
    name: str,
    written: dict[str, Path],
    mended: dict[str, OpenedWorkbook],
) -> None:
    formulas = load_workbook(written[name])
    stored = load_workbook(written[name], data_only=True)
    compared = 0
    for sheet in formulas:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type != "f":
                    continue
                compared += 1
                where = f"{name} {sheet.title}!{cell.coordinate} {cell.value}"
                expected = stored[sheet.title][cell.coordinate].value
                assert expected is not None, where
                found = mended[f"poisoned_{name}"][sheet.title][cell.coordinate].value
                if isinstance(expected, str | int):
                    assert found == expected, where
                else:
                    # LibreOffice saves fifteen digits, of which a quota's decimals may be the last.
                    digits = 1e-14 if cell.number_format == QUOTA_FORMAT else 0
                    assert found == pytest.approx(expected, rel=digits, abs=NEARLY), where
    assert compared > 10


@pytest.mark.parametrize("name", workbooks())
def test_constants_are_left_alone_and_controls_are_zero(name: str, mended: dict[str, OpenedWorkbook]) -> None:
    values = [cell.value for sheet in mended[f"poisoned_{name}"] for row in sheet.iter_rows() for cell in row]
    assert "OK" in values
    assert "AFVIGELSE" not in values
    assert POISON not in values
    assert not [value for value in values if isinstance(value, str) and value.startswith(("#", "Err:"))]
    assert all(value.hour == 0 for value in values if isinstance(value, datetime))


def test_a_deviation_shows(written: dict[str, Path], mended: dict[str, OpenedWorkbook]) -> None:
    """A stored share that the figures do not give is told, before and after recalculation."""
    for opened in (load_workbook(written[DEVIATING], data_only=True), mended[f"poisoned_{DEVIATING}"]):
        values = [cell.value for row in opened["Overblik"].iter_rows() for cell in row]
        assert values.count("AFVIGELSE") == 2


def test_the_cases_are_what_they_are_called() -> None:
    corrected = corrected_year()
    assert [sum(instalment.invoiced for instalment in part.instalments) for part in corrected.parts] == [
        5,
        5,
        5,
        3,
        5,
        5,
        5,
        5,
        5,
    ]
    amounts = [amount for part in corrected.parts for amount in part.passed_on.values()]
    assert min(amounts) < 0 < max(amounts)
    assert len(all_municipalities()) == 98
    assert 0 in all_municipalities().values()
    assert closed_year().result_oere < 0
