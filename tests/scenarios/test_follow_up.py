"""Monthly statements and the quarterly follow-up of one payer: money by hand, counts as released."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from openpyxl import load_workbook

from billing.usage_statement import run as usage
from tests.billing.usage.made import Numbers, counts_csv
from tests.scenarios.conftest import FILES, Desk, cost

CODE, ODDER, HORSENS = "horsens-odder-sager", "727", "615"
LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MONTHLY = ", ".join(f'"{number:02d}-01/{number:02d}-{last}"' for number, last in enumerate(LENGTHS, start=1))
YEAR = 240_000_000  # made up: 200.000,00 kr. a month
# started, completed, broken off, at end, sessions, within 14 days, later, days
JANUARY: Numbers = (12, 0, 0, 12, 80, 9, 3, 120)
FEBRUARY: Numbers = (9, 6, 0, 15, 95, 6, 3, 99)
MARCH: Numbers = (8, 2, 0, 21, 99, 8, 0, 60)


@pytest.fixture
def desk(upgraded_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Billed by the month and by the case, with monthly statements, in April 2009."""
    monkeypatch.setattr(usage, "SEARCH_SECONDS", 1.0)
    desk = Desk(upgraded_url, tmp_path)
    desk.does("db", "upgrade")
    text = (FILES / "sager.toml").read_text(encoding="utf-8")
    terms = f"\n[terms.usage]\nperiods = [{MONTHLY}]\n\n"
    desk.as_of = "2008-06-01"
    desk.does("agreement", "load", desk.file("a.toml", text + terms + cost("budgets", 2009, HORSENS, YEAR)))
    desk.does("subscription", "calculate", CODE, 2009)
    desk.as_of = "2009-02-10"
    for month in ("2009-01", "2009-02", "2009-03"):
        desk.does("month", "issue", CODE, month)
    desk.as_of = "2009-02-01"
    number = desk.does("case", "open", CODE, "halfway-huset", ODDER)["case"]
    desk.does("case", "approve", number)
    desk.does("case", "admit", number)
    desk.as_of = "2009-04-02"
    plan = desk.does("case", "plan", CODE)["plan"]
    desk.does("case", "plan-approve", plan)
    desk.does("case", "issue", plan)
    yield desk
    desk.leaves()


def counted(desk: Desk) -> None:
    for month, numbers in (("2009-01", JANUARY), ("2009-02", FEBRUARY), ("2009-03", MARCH)):
        file = desk.file(f"{month} {HORSENS}.csv", counts_csv({ODDER: numbers}))
        desk.does("usage", "load", file, "--provider", HORSENS, "--period", month)
        desk.does("usage", "release", CODE, month)


def cells(path: Path, sheet: str) -> list[list[object]]:
    book = load_workbook(path)
    return [[cell for cell in row if cell is not None] for row in book[sheet].iter_rows(values_only=True)]


def test_a_month_of_clients_and_use_is_stated(desk: Desk) -> None:
    counted(desk)
    files = [Path(each) for each in desk.does("usage", "statement", CODE, "2009-02", "--out", desk.folder)["files"]]
    assert "2009-02 Forbrugsopgørelse horsens-odder-sager Odder.xlsx" in {file.name for file in files}
    assert "2009-02 Forbrugsopgørelse horsens-odder-sager Odder.pdf" in {file.name for file in files}
    desk.holds()


def test_a_quarter_before_and_after_its_counts(desk: Desk) -> None:
    asked = ("follow-up", CODE, "2009-Q1", "--out", desk.folder)
    workbook, page = (Path(each) for each in desk.does(*asked)["files"])
    assert (workbook.suffix, page.suffix) == (".xlsx", ".pdf")
    assert any("ingen frigivne" in str(cell) for row in cells(workbook, "Forbrug og ventetid") for cell in row)
    money = {row[0]: row[1:3] for row in cells(workbook, "Økonomi") if len(row) >= 3}
    quarter, year = 3 * 20_000_000, YEAR
    assert money["A conto, kvartalet"] == [quarter, quarter]
    assert money["A conto, hele året"] == [year, quarter]
    # 28 days of February and 31 of March at 364,00 kr.; nothing is budgeted for cases, so the next cell is in kroner.
    assert money["Enkeltsager, kvartalet"][0] == 59 * 36_400
    counted(desk)
    workbook, page = (Path(each) for each in desk.does(*asked)["files"])
    use = {str(row[1]): row[2:] for row in cells(workbook, "Forbrug og ventetid") if len(row) == 5}
    assert use["Påbegyndte forløb"] == [12, 9, 8]
    assert use["Afbrudte forløb"] == [0, 0, 0]
    # Two completed in March are hidden, and whatever would give them away; no workbook holds the figure.
    assert use["Gennemførte forløb"][2] == "*"
    assert use["Første samtale inden for 14 dage"][2] == 8
    assert use["Første samtale senere end 14 dage"] == ["*", "*", 0]
    share = use["Andel med første samtale inden for 14 dage"]
    assert share[2] == 1
    assert share[0] == "*" or Fraction(str(share[0])) == Fraction(9, 12)
    made = page.read_bytes()
    assert made.startswith(b"%PDF")
    again = Path(desk.does(*asked)["files"][1])
    assert again.read_bytes() == made
    desk.holds()


def test_what_is_no_quarter_or_no_payer_s(desk: Desk) -> None:
    desk.refuses("follow-up", CODE, "2009-H1", "--out", desk.folder, words=["ikke et kvartal"])
    desk.refuses("follow-up", CODE, "2009-02/04", "--out", desk.folder, words=["ikke et kvartal"])
    skanderborg = ("--municipality", "746", "--out", desk.folder)
    desk.refuses("follow-up", CODE, "2009-Q1", *skanderborg, words=["deltager ikke"])
    assert list(desk.folder.glob("*.xlsx")) == []
    # No price yet: nothing is budgeted, and nothing was billed.
    workbook, _ = (Path(each) for each in desk.does("follow-up", CODE, "2010-Q1", "--out", desk.folder)["files"])
    (row,) = [row for row in cells(workbook, "Økonomi") if row and row[0] == "A conto, kvartalet"]
    assert row[1] == 0
