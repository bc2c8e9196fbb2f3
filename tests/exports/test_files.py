"""What a file is beside its figures: safe text, the same bytes, headers in sight, print set-up, widths, alt text."""

from __future__ import annotations

import hashlib
import math
import re
import zipfile
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from defusedxml import ElementTree
from openpyxl import load_workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from agreements.agreement import Service
from exports.excel.layout import (
    annual_statement_workbook,
    calculation_workbook,
    invoice_specification_workbook,
)
from exports.excel.workbook import Sheet, Style, Workbook
from exports.excel.write import workbook_bytes, write_workbook
from foundation.period import BillingYear, Month
from tests.exports.worked_examples import (
    BUDGET_2009,
    CLEARING,
    DOCUMENTS,
    EXITS,
    FUNEN,
    NAMES,
    ODENSE,
    closed_year,
    corrected_year,
    cost,
    document,
    invoice_numbers,
    year_of,
)

LIKE_FORMULAS = (
    "=1+1",
    "+45 12 34 56 78",
    "-5",
    "@SUM(1)",
    "\t=1",
    '=cmd|"/c calc"!A1',
    "=HYPERLINK(1)",
    "{=1}",
    "https://x.dk",
)
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}cNvPr"
PEOPLES_WORDS = "ord fra mennesker"


def three() -> dict[str, Workbook]:
    corrected = corrected_year()
    return {
        "beregning": calculation_workbook(FUNEN, corrected, NAMES, invoice_numbers(corrected)),
        "specifikation": invoice_specification_workbook(FUNEN, "Assens", BillingYear(2009).period, DOCUMENTS),
        "opgoerelse": annual_statement_workbook(FUNEN, closed_year(), BUDGET_2009, NAMES, CLEARING, EXITS),
    }


@pytest.fixture(params=three())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def workbook(name: str) -> Workbook:
    return three()[name]


@pytest.fixture
def path(workbook: Workbook, tmp_path: Path) -> Path:
    path = tmp_path / "workbook.xlsx"
    write_workbook(workbook, path)
    return path


@pytest.mark.parametrize("text", LIKE_FORMULAS)
def test_text_from_people_is_never_a_formula(text: str, tmp_path: Path) -> None:
    names = dict.fromkeys(NAMES, text)
    agreement = replace(
        FUNEN,
        code=text,
        title=text,
        legal_basis=text,
        services=(Service("ambulant", text),),
    )
    lines = (cost(ODENSE, 100, note=text, line=text),)
    year = year_of(lines)
    part = replace(year.parts[0], population=replace(year.parts[0].population, source=text))
    year = replace(year, parts=(part, *year.parts[1:]))
    settled = replace(closed_year(), author=text, approver=text, accounts=lines)
    asked = document(text, Month(2009, 1), (100, -5), note=text, credited_by=text)
    asked = replace(asked, title=text, lines=tuple(replace(line, text=text) for line in asked.lines))
    for workbook in (
        calculation_workbook(agreement, year, names, {}),
        annual_statement_workbook(agreement, settled, lines, names, CLEARING, EXITS),
        invoice_specification_workbook(agreement, text, BillingYear(2009).period, (asked,)),
    ):
        write_workbook(workbook, tmp_path / "x.xlsx")
        seen = 0
        for sheet in load_workbook(tmp_path / "x.xlsx"):
            for row in sheet.iter_rows():
                for cell in row:
                    if cell.value == text:
                        seen += 1
                        assert cell.data_type == "s"
                        assert cell.hyperlink is None
                        assert bool(cell.quotePrefix) is text.startswith(tuple("=+-@\t"))
                    if cell.data_type == "f":
                        assert text not in str(cell.value)
        assert seen


def test_formulas_hold_no_words_from_people() -> None:
    names = {code: f"{PEOPLES_WORDS} {code}" for code in NAMES}
    year = corrected_year()
    workbook = calculation_workbook(FUNEN, year, names, invoice_numbers(year))
    formulas = [cell.formula for sheet in workbook.sheets for cell in sheet.cells.values() if cell.formula]
    assert not any(PEOPLES_WORDS in formula for formula in formulas)
    volatile = re.compile(r"\b(NOW|TODAY|RAND|OFFSET|INDIRECT|INFO|CELL|MOD)\(")
    assert not any(volatile.search(formula) for formula in formulas)


def test_same_input_same_bytes(name: str, tmp_path: Path) -> None:
    digests = set()
    for number in (1, 2):
        path = tmp_path / f"{number}.xlsx"
        write_workbook(three()[name], path)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1
    assert workbook_bytes(three()[name]) == path.read_bytes()


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    workbook = three()["beregning"]
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"old")
    broken = replace(workbook, sheets=(*workbook.sheets, workbook.sheets[0]))  # two sheets of one name
    with pytest.raises(Exception, match="already in use"):
        write_workbook(broken, path)
    assert path.read_bytes() == b"old"
    write_workbook(workbook, path)
    assert zipfile.is_zipfile(path)
    with pytest.raises(FileNotFoundError):
        write_workbook(workbook, tmp_path / "missing" / "x.xlsx")
    assert [file.name for file in tmp_path.iterdir()] == ["x.xlsx"]


def test_document_properties(name: str, path: Path) -> None:
    properties = load_workbook(path).properties
    created = {"beregning": date(2008, 6, 1), "specifikation": date(2009, 12, 31), "opgoerelse": date(2010, 3, 31)}
    assert properties.creator == "Mellemregning"
    assert properties.subject == FUNEN.title
    assert properties.title.startswith(
        {"beregning": "Beregning 2009", "opgoerelse": "Årsopgørelse 2009"}.get(name, "Fak")
    )
    assert properties.created is not None
    assert properties.created.date() == created[name]
    assert properties.modified == properties.created


def test_print_and_panes(path: Path, workbook: Workbook) -> None:
    for page, sheet in zip(load_workbook(path), workbook.sheets, strict=True):
        assert page.page_setup.paperSize == 9
        assert page.page_setup.orientation == "landscape"
        assert page.page_setup.fitToWidth in {None, 1}  # one page is what a file means by saying nothing
        assert page.page_setup.fitToHeight == 0
        assert page.sheet_properties.pageSetUpPr is not None
        assert page.sheet_properties.pageSetUpPr.fitToPage
        assert page.print_title_rows == f"$1:${sheet.head + 1}"
        assert page.freeze_panes == f"{get_column_letter(sheet.frozen_columns + 1)}{sheet.head + 2}"
        footer = page.oddFooter
        assert footer is not None
        assert "Side &P af &N" in str(footer.right.text)
        assert str(footer.left.text).strip() == workbook.title
        assert not page.merged_cells.ranges


def test_lists_have_headings_in_sight_and_filters(path: Path) -> None:
    opened = load_workbook(path)
    for page in opened.worksheets[1:]:
        headings = [cell for cell in page[4] if cell.value]
        assert len(headings) > 2
        assert all(cell.font.bold and cell.fill.fgColor.rgb == "FFE6EDF2" for cell in headings)
    filtered = [page.title for page in opened if page.auto_filter.ref]
    assert (
        {"Udgifter", "Fordeling", "Forpligtelse"} <= set(filtered)
        or {"Bilag", "Linjer"} <= set(filtered)
        or ({"Regnskab", "Kommuner"} <= set(filtered))
    )


def test_columns_fit_their_longest_text(path: Path, workbook: Workbook) -> None:
    for page, sheet in zip(load_workbook(path, data_only=True), workbook.sheets, strict=True):
        for row in page.iter_rows():
            for cell in row:
                if cell.value is not None:
                    assert_fits(page, sheet, cell)


def assert_fits(page: Worksheet, sheet: Sheet, cell: Cell | MergedCell) -> None:
    assert cell.column is not None
    assert cell.row is not None
    planned = sheet.cells[cell.row - 1, cell.column - 1]
    if planned.spills or planned.style in {Style.TITLE, Style.SUBTITLE}:
        return
    width = width_of(page, cell.column)
    shown = as_shown(cell.value, cell.number_format)
    where = f"{page.title}!{cell.coordinate} {shown!r} in {width}"
    if planned.style is Style.WRAPPED:
        height = page.row_dimensions[cell.row].height
        assert height is not None, where
        assert height >= 12 * math.ceil(len(shown) / width), where
    else:
        assert max(map(len, shown.split("\n"))) + 1 <= width, where


def width_of(page: Worksheet, column: int) -> float:
    """The file names neighbours of one width together."""
    return next(
        dimension.width
        for dimension in page.column_dimensions.values()
        if (dimension.min or 0) <= column <= (dimension.max or 0)
    )


def as_shown(value: object, number_format: str) -> str:
    if isinstance(value, datetime):
        assert number_format == "dd.mm.yyyy"
        return f"{value:%d.%m.%Y}"
    if isinstance(value, int | float):
        decimals = {"#,##0": 0, "#,##0.00": 2, "#,##0.0000": 4, "0.0000%": 4}[number_format]
        return f"{value:,.{decimals}f}"
    return str(value)


def test_charts_are_told_in_words(name: str, path: Path) -> None:
    with zipfile.ZipFile(path) as file:
        drawings = [one for one in file.namelist() if one.startswith("xl/drawings/drawing")]
        told = [
            element.get("descr", "")
            for one in drawings
            for element in ElementTree.fromstring(file.read(one)).iter(DRAWING)
        ]
    if name == "specifikation":
        assert not told
        return
    (words,) = told
    assert words.startswith("Søjlediagram over ")
    assert "Odense" in words
    assert "kr." in words


def test_a_long_note_is_wrapped_and_a_very_long_one_is_cut(tmp_path: Path) -> None:
    year = year_of((cost(ODENSE, 100, note="ord " * 60), cost(ODENSE, 1, line="b", note="x" * 40_000)))
    write_workbook(calculation_workbook(FUNEN, year, NAMES, {}), tmp_path / "x.xlsx")
    page = load_workbook(tmp_path / "x.xlsx")["Udgifter"]
    assert page["F5"].alignment.wrap_text
    assert page.row_dimensions[5].height > 40
    assert str(page["F6"].value).endswith("…")
    assert page.row_dimensions[6].height <= 409


def test_made_up_amounts_are_called_so(path: Path, name: str) -> None:
    texts = [cell.value for page in load_workbook(path) for row in page.iter_rows() for cell in row]
    if name != "specifikation":
        assert any(isinstance(text, str) and text.startswith("Eksempelbeløb") for text in texts)


def test_empty_lists_are_sentences(tmp_path: Path) -> None:
    settled = replace(closed_year(), parts=())
    workbook = annual_statement_workbook(FUNEN, settled, (), NAMES, (), ())
    write_workbook(workbook, tmp_path / "x.xlsx")
    opened = load_workbook(tmp_path / "x.xlsx")
    assert opened["Udtræden"]["A5"].value == "Ingen kommuner er trådt ud."
    assert opened["Mellemafregning"]["A5"].value == "Der er intet at afregne mellem leverandørerne."
    assert opened["Kommuner"]["A5"].value == "Resultatet fordeles først, når det indregnes i prisen for 2011."
    year = calculation_workbook(FUNEN, year_of(), NAMES, {})
    write_workbook(year, tmp_path / "y.xlsx")
    opened = load_workbook(tmp_path / "y.xlsx")
    assert opened["Resultater"]["A5"].value == "Ingen tidligere års resultater indregnes i 2009."
    assert opened["Faktureret"]["A5"].value == "Ingen måneder var faktureret før denne version."
