"""The statement as a municipality reads it: marks, shares of what is shown, words; opened in LibreOffice and as PDF."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from openpyxl import load_workbook

from agreements.agreement import Agreement
from agreements.agreement_file import read_agreement
from agreements.municipality import MUNICIPALITIES, municipality
from billing.usage_statement.facts import (
    ALL,
    UNSTATED,
    Figure,
    FigureKey,
    Measure,
    Release,
    Statement,
    UsagePeriod,
)
from exports.excel.layout_usage import municipality_workbook, providers_workbook
from exports.excel.workbook import Style, Workbook
from exports.excel.write import write_workbook
from exports.pdf.layout_usage import municipality_page
from exports.pdf.usage import page_bytes
from exports.usage_words import MARK, NOBODY, explanation, file_stem, statement_title
from tests.billing.runs.conftest import FUNEN_TEXT
from tests.exports.recalculation import recalculated

NAMES = {code: one.name for code, one in MUNICIPALITIES.items()}
AGREEMENT: Agreement = read_agreement("fyn.toml", FUNEN_TEXT.encode())
MEMBERS = ("461", "479", "482", "492")
AEROE = "492"
HIDDEN = 987_654  # a count that must be in no file


def figures(started: Mapping[str, int], hidden: frozenset[tuple[Measure, str]]) -> dict[FigureKey, Figure]:
    """Made figures, told by who started; what is hidden has a count that is easily found."""
    found = {}
    for residence, count in started.items():
        values = {
            Measure.AT_START: 20,
            Measure.STARTED: count,
            Measure.IN_PERIOD: 20 + count,
            Measure.COMPLETED: 8,
            Measure.BROKEN_OFF: 0,
            Measure.AT_END: 12 + count,
            Measure.SESSIONS: 1234,
            Measure.WITHIN_14_DAYS: count - 6,
            Measure.LATER: 6,
            Measure.WAIT_KNOWN: count,
            Measure.WAIT_UNKNOWN: 0,
            Measure.WAITING_DAYS: 100,
        }
        for measure, value in values.items():
            is_hidden = (measure, residence) in hidden
            found[FigureKey(measure, "ambulant", residence)] = Figure(HIDDEN if is_hidden else value, is_hidden)
    return found


def release(
    number: int, period: str, started: Mapping[str, int], hidden: frozenset[tuple[Measure, str]], edition: int = 1
) -> Release:
    return Release(
        agreement=AGREEMENT.code,
        period=UsagePeriod.parse(period),
        edition=edition,
        released_on=date(2010, 2, number),
        released_by="prøven",
        threshold=5,
        figures=figures(started, hidden),
        number=number,
    )


SHOWN = frozenset[tuple[Measure, str]]()
HIDES = frozenset({(Measure.STARTED, AEROE), (Measure.WAIT_KNOWN, AEROE), (Measure.WAITING_DAYS, "482")})
STARTED = {"461": 180, "479": 52, "482": 9, AEROE: 8, UNSTATED: 16, ALL: 265}


@pytest.fixture(scope="module")
def statement() -> Statement:
    """Eight half-years, of which the last hides something of Ærø's and Langeland's and was corrected."""
    history = [
        release(1 + place, f"{2006 + place // 2}-H{1 + place % 2}", STARTED, HIDES if place == 3 else SHOWN)
        for place in range(7)
    ]
    first = release(8, "2009-H2", STARTED, SHOWN)
    second = release(9, "2009-H2", STARTED, HIDES, 2)
    return Statement(AGREEMENT, second, MEMBERS, (*history, second), earlier=(first,))


def workbooks(statement: Statement) -> dict[str, Workbook]:
    return {
        "Ærø": municipality_workbook(statement, AEROE, NAMES, municipality(AEROE).official_name),
        "Odense": municipality_workbook(statement, "461", NAMES, municipality("461").official_name),
        "leverandører": providers_workbook(statement, NAMES),
    }


def test_titles_and_names(statement: Statement) -> None:
    assert statement_title(statement) == "Forbrugsopgørelse 2, 2. halvår 2009"
    year = UsagePeriod.parse("2009")
    assert file_stem(year, "fyn-alkohol", 1, "Ærø") == "2009 Forbrugsopgørelse fyn-alkohol Ærø"
    assert file_stem(year, "fyn-alkohol", 3, "Ærø") == "2009 Forbrugsopgørelse fyn-alkohol Ærø udgave 3"


def test_what_is_hidden_is_marked_and_not_in_the_file(statement: Statement, tmp_path: Path) -> None:
    for name, workbook in workbooks(statement).items():
        for sheet in workbook.sheets:
            for cell in sheet.cells.values():
                assert cell.value != HIDDEN
                assert (cell.style is Style.HIDDEN) == (cell.value in {MARK, NOBODY})
        path = tmp_path / f"{name}.xlsx"
        write_workbook(workbook, path)
        unpacked = tmp_path / name
        shutil.unpack_archive(path, unpacked, "zip")
        for part in unpacked.rglob("*"):
            assert not part.is_file() or str(HIDDEN).encode() not in part.read_bytes()
    page = municipality_page(statement, AEROE, NAMES, "Ærø Kommune")
    assert str(HIDDEN) not in str(page.values)


def test_shares_are_made_of_what_is_shown(statement: Statement) -> None:
    sheet = workbooks(statement)["Odense"].sheets[0]
    rows = {
        str(cell.value): row
        for (row, column), cell in sheet.cells.items()
        if column == 1 and isinstance(cell.value, str)
    }
    share = sheet.cells[rows["Andel med første samtale inden for 14 dage"], 2]
    average = sheet.cells[rows["Gennemsnitlig ventetid i dage"], 2]
    assert (share.value, average.value) == (Fraction(174, 180), Fraction(100, 180))
    assert share.formula is not None
    of_aeroe = workbooks(statement)["Ærø"].sheets[0]
    assert of_aeroe.cells[rows["Andel med første samtale inden for 14 dage"], 2].value == MARK


def test_the_page_says_the_same(statement: Statement) -> None:
    page = municipality_page(statement, "461", NAMES, "Odense Kommune")
    rows = {row["what"]: row["cells"] for row in page.values["services"][0]["rows"]}
    assert rows["Samtaler"] == ["1.234", "1.234", "1.234"]
    assert rows["Andel med første samtale inden for 14 dage"][0] == "96,7 %"  # 174 of 180
    assert rows["Gennemsnitlig ventetid i dage"] == ["0,6", "6,3", "0,4"]  # 100 days of 180, 16 and 265
    assert len(page.values["development"]["rows"]) == 8


def test_it_is_explained(statement: Statement) -> None:
    told = dict(explanation(statement))
    assert "1 til 4" in told["Skjulte tal (*)"]
    assert "udgave 1 af 08.02.2010" in told["Rettelse"]
    assert "Til leverandørerne" in dict(explanation(statement, for_providers=True))


def converted(soffice: str, files: list[Path], folder: Path) -> dict[str, Path]:
    """LibreOffice's prints of workbooks."""
    environment = os.environ | {"HOME": str(folder), "SAL_USE_VCLPLUGIN": "svp"}
    profile = f"-env:UserInstallation={(folder / 'print').as_uri()}"
    command = [soffice, profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder / "pdf"), *map(str, files)]
    subprocess.run(command, check=True, timeout=300, capture_output=True, env=environment)
    return {file.stem: folder / "pdf" / f"{file.stem}.pdf" for file in files}


def text_of(pdf: Path) -> str:
    pdftotext = shutil.which("pdftotext")
    if pdftotext is None:
        pytest.skip("no pdftotext")
    return subprocess.run([pdftotext, "-layout", str(pdf), "-"], check=True, capture_output=True, text=True).stdout


@pytest.mark.soak
def test_libreoffice_shows_all_of_it(statement: Statement, libreoffice: str, tmp_path: Path) -> None:
    files = []
    for name, workbook in workbooks(statement).items():
        files.append(tmp_path / f"{name}.xlsx")
        write_workbook(workbook, files[-1])
    for name, path in recalculated(libreoffice, files, tmp_path).items():
        ours, theirs = load_workbook(tmp_path / name, data_only=True), load_workbook(path, data_only=True)
        for sheet in ours.worksheets:
            for row in sheet.iter_rows():
                for cell in row:
                    value = theirs[sheet.title][cell.coordinate].value
                    if isinstance(cell.value, float):
                        assert value == pytest.approx(cell.value)
                    else:
                        assert value == cell.value, (name, sheet.title, cell.coordinate)
    for name, pdf in converted(libreoffice, files, tmp_path).items():
        shown = text_of(pdf)
        assert "1.234" in shown  # whatever language LibreOffice runs in
        assert "###" not in shown  # a figure that its column is too narrow for
        words = " ".join(shown.split())
        for text in (statement_title(statement), "Udgave 2, frigivet 09.02.2010; retter udgave 1 af 08.02.2010"):
            assert text in words
        for topic, told in explanation(statement, for_providers=name == "leverandører"):
            assert topic in words
            assert set(re.findall(r"\w+", told)) <= set(re.findall(r"\w+", words))
        assert shown.count("\f") == {"leverandører": 2}.get(name, 3)  # a page for each sheet, one page wide


def test_the_pdf_is_whole_and_the_same_every_time(statement: Statement, tmp_path: Path) -> None:
    page = municipality_page(statement, AEROE, NAMES, "Ærø Kommune")
    made = page_bytes(page, date(2010, 2, 9))
    assert made == page_bytes(page, date(2010, 2, 9))
    assert made.startswith(b"%PDF-")
    path = tmp_path / "ærø.pdf"
    path.write_bytes(made)
    shown = " ".join(text_of(path).split())
    for text in ("Forbrugsopgørelse 2, 2. halvår 2009 - Ærø Kommune", "1. halvår 2006", "Side 1 af 2", "Skjulte tal"):
        assert text in shown


def test_words_from_people_are_never_markup() -> None:
    agreement = read_agreement(
        "a.toml", FUNEN_TEXT.replace("Ambulant alkoholbehandling", "#panic() $x$ *a* [b] <c> `d` \\\\").encode()
    )
    one = release(1, "2009-H1", STARTED, SHOWN)
    page = municipality_page(Statement(agreement, one, MEMBERS, (one,)), AEROE, NAMES, "Ærø Kommune")
    assert page_bytes(page, date(2010, 2, 9)).startswith(b"%PDF-")


def test_where_all_is_hidden_there_is_no_chart(statement: Statement) -> None:
    """Axes without a bar would look like a fault; words say why there is none."""
    hides = frozenset((measure, AEROE) for measure in (Measure.STARTED, Measure.COMPLETED))  # nobody broke off
    one = release(1, "2009-H1", STARTED, hides)
    alone = replace(statement, release=one, history=(one,), earlier=())
    sheets = {
        code: municipality_workbook(alone, code, NAMES, municipality(code).official_name).sheets[1]
        for code in (AEROE, "461")
    }
    assert (sheets[AEROE].charts, len(sheets["461"].charts)) == ((), 1)
    said = [str(cell.value) for cell in sheets[AEROE].cells.values()]
    assert "Der er intet diagram, for de tal, det skulle vise, er skjult eller nul." in said
