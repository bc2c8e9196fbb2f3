"""``mellemregning reminder``: off by default, one level at a time, each document once, PDF letters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.payment.reminder_rules import LevelsUnlikely, require_levels
from tests.billing.payment.made import Entry, camt, fik
from tests.scenarios.conftest import FILES, FUNEN, ODENSE, Desk


@pytest.fixture
def desk(upgraded_url: str, tmp_path: Path) -> Iterator[Desk]:
    """January 2009 is due on 14 January 2009; Assens has paid half, all others nothing."""
    desk = Desk(upgraded_url, tmp_path)
    desk.does("db", "upgrade")
    desk.does("agreement", "load", FILES / "fyn.toml")
    desk.does("subscription", "calculate", FUNEN, 2009)
    desk.as_of = "2008-12-15"
    desk.does("month", "issue", FUNEN, "2009-01")
    entry = Entry("97101.41", date(2009, 1, 14), name="Assens Kommune", reference=fik("F2008-0001"))
    extra = Entry("5.00", date(2009, 1, 14), name="Assens Kommune")
    desk.as_of = "2009-01-20"
    desk.does("payment", "load", desk.file("udtog.xml", camt([entry, extra])))
    desk.does("payment", "match")
    yield desk
    desk.leaves()


def test_letters_by_level(desk: Desk) -> None:
    desk.refuses("reminder", "show", words=["sender ikke påmindelser"])
    desk.refuses("reminder", "send", words=["reminder set 461"])
    desk.refuses("reminder", "set", ODENSE, "--days", 30, "--days", 10, words=["30, 10"])
    desk.does("reminder", "set", ODENSE, "--days", 10, "--days", 30)
    desk.as_of = "2009-01-23"  # nine days
    assert desk.does("reminder", "show") == []
    desk.as_of = "2009-02-20"  # 37 days: past both levels, and it is the first letter all the same
    shown = desk.does("reminder", "show")
    assert {letter["level"] for letter in shown} == {1}
    assert len(shown) == 8
    assens = next(letter for letter in shown if letter["municipality"] == "420")
    assert (assens["open_oere"], assens["on_account_oere"]) == (9_710_141, 500)
    assert assens["documents"] == [
        {"number": "F2008-0001", "due_date": "2009-01-14", "days_late": 37, "open_oere": 9_710_141}
    ]
    folder = desk.folder / "breve"
    sent = desk.does("reminder", "send", "--out", folder)
    assert len(sent["files"]) == 8
    assert sorted(path.name for path in folder.iterdir()) == sorted(Path(file).name for file in sent["files"])
    assert (folder / "2009-02-20 Påmindelse Assens nr 1.pdf").read_bytes().startswith(b"%PDF-")
    for day in ("2009-02-20", "2009-03-11"):  # twenty days lie between the levels, and so between the letters
        desk.as_of = day
        assert desk.does("reminder", "send", "--out", folder) == {"letters": [], "files": []}
    desk.as_of = "2009-03-12"
    again = desk.does("reminder", "send", "--out", folder)
    assert {letter["level"] for letter in again["letters"]} == {2}
    assert len(again["files"]) == 8
    assert desk.does("reminder", "send", "--out", folder) == {"letters": [], "files": []}
    assert desk.says("reminder", "show").status == 0
    desk.does("reminder", "set", ODENSE, "--off")
    desk.refuses("reminder", "show", words=["sender ikke"])


def test_a_letter_that_cannot_be_written_was_not_sent(desk: Desk) -> None:
    desk.does("reminder", "set", ODENSE, "--days", 1)
    desk.refuses("reminder", "send", "--out", desk.file("optaget", "x"), words=["kan ikke skrives"])
    assert len(desk.does("reminder", "send", "--out", desk.folder / "breve")["files"]) == 8


def test_what_a_letter_says(desk: Desk) -> None:
    """Its text as a reader of PDF finds it."""
    pypdf = pytest.importorskip("pypdf")
    desk.as_of = "2009-02-20"
    desk.does("reminder", "set", ODENSE, "--days", 10)
    sent = desk.does("reminder", "send", "--out", desk.folder / "breve")
    text = "".join(page.extract_text() for page in pypdf.PdfReader(sent["files"][0]).pages)
    for words in ("Assens Kommune", "Påmindelse om betaling", "F2008-0001", "14.01.2009", "97.101,41", "5,00 kr."):
        assert words in text, text
    assert fik("F2008-0001") in text


@given(st.lists(st.integers(-5, 400), max_size=7))
def test_levels_rise(days: list[int]) -> None:
    fits = len(days) <= 5 and all(1 <= one <= 365 for one in days) and all(a < b for a, b in zip(days, days[1:]))  # noqa: B905, RUF007 - short
    if fits:
        require_levels(days)
    else:
        with pytest.raises(LevelsUnlikely):
            require_levels(days)
