"""The commands on usage as they are typed, on both engines; and no trace of a refused file anywhere."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import create_engine, text

from billing.usage_statement import run as usage
from foundation.settings import with_driver
from tests.billing.usage.corpus import VALUES, bad_files
from tests.billing.usage.made import (
    AEROE,
    FUNEN,
    NOTHING,
    ODENSE_H1,
    PLANTED_H1,
    PLANTED_H1_CORRECTED,
    PLANTED_H2,
    SVENDBORG_H1,
    Numbers,
    counts_csv,
)
from tests.scenarios.conftest import FILES, Desk

ODENSE, SVENDBORG = "461", "479"


@pytest.fixture
def desk(upgraded_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The Funen agreement, in January 2010."""
    monkeypatch.setattr(usage, "SEARCH_SECONDS", 1.0)
    folder = tmp_path / "filer"
    folder.mkdir()
    desk = Desk(upgraded_url, folder)
    desk.does("agreement", "load", FILES / "fyn.toml")
    desk.as_of = "2010-01-15"
    yield desk
    desk.leaves()


def loaded(
    desk: Desk, period: str, odense: Mapping[str, Numbers] = PLANTED_H1, svendborg: Mapping[str, Numbers] = NOTHING
) -> None:
    for provider, numbers in ((ODENSE, odense), (SVENDBORG, svendborg)):
        file = desk.file(f"{period} {provider}.csv", counts_csv(numbers))
        desk.does("usage", "load", file, "--provider", provider)


def test_from_files_to_statements(desk: Desk) -> None:
    loaded(desk, "2009-H1")
    answer = desk.does("usage", "release", FUNEN, "2009-H1")
    assert (answer["edition"], answer["ok"], answer["is_new"], answer["primary"]) == (1, True, True, 4)
    assert "intervals" not in answer
    loaded(desk, "2009-H2", PLANTED_H2)
    desk.does("usage", "release", FUNEN, "2009-H2")
    assert desk.does("usage", "audit", FUNEN, "2009", "--naive", status=1)["exact"] != []
    told = desk.says("usage", "audit", FUNEN, "2009", "--naive").out
    assert "Gennemført" in told
    assert "Langeland" in told
    for code in ("completed", "broken_off", "within_14_days", "482"):
        assert code not in told
    desk.does("usage", "release", FUNEN, "2009")
    audited = desk.does("usage", "audit", FUNEN, "2009")
    assert (audited["ok"], audited["released"], audited["exact"], audited["narrow"]) == (True, True, [], [])
    assert all(one["high"] is None or one["high"] - one["low"] >= 5 for one in audited["intervals"])
    out = desk.folder / "ud"
    files = [Path(file) for file in desk.does("usage", "statement", FUNEN, "2009-H1", "--out", out)["files"]]
    assert len([file for file in files if file.suffix == ".xlsx"]) == 10
    assert len([file for file in files if file.suffix == ".pdf"]) == 9
    assert out / "2009-H1 Forbrugsopgørelse fyn-alkohol Ærø.xlsx" in files
    assert out / "2009-H1 Forbrugsopgørelse fyn-alkohol leverandører.xlsx" in files
    one = desk.does("usage", "statement", FUNEN, "2009", "--municipality", AEROE, "--out", out)["files"]
    assert len(one) == 2
    desk.holds()


def test_a_correction_stays_visible(desk: Desk) -> None:
    loaded(desk, "2009-H1")
    desk.does("usage", "release", FUNEN, "2009-H1")
    file = desk.file("2009-H1 rettet.csv", counts_csv(PLANTED_H1_CORRECTED))
    answer = desk.does("usage", "load", file, "--provider", ODENSE)
    assert (answer["version"], answer["replaces_version"], answer["is_new"]) == (2, 1, True)
    assert answer["released_before"] == [{"period": "2009-H1", "edition": 1}]
    assert desk.does("usage", "load", file, "--provider", ODENSE)["is_new"] is False
    listed = desk.does("usage", "list", FUNEN)
    assert [one["version"] for one in listed["loads"]] == [1, 1, 2]
    assert [one["outdated"] for one in listed["releases"]] == [True]
    assert desk.does("usage", "release", FUNEN, "2009-H1")["edition"] == 2
    assert [one["outdated"] for one in desk.does("usage", "list")["releases"]] == [True, False]
    files = desk.does("usage", "statement", FUNEN, "2009-H1", "--out", desk.folder)["files"]
    assert all("udgave 2" in file for file in files)
    first = desk.does("usage", "statement", FUNEN, "2009-H1", "--edition", "1", "--out", desk.folder)["files"]
    assert not any("udgave" in file for file in first)
    said = desk.says("usage", "list", FUNEN)
    assert "rettet siden" in said.out
    assert "gælder" in said.out


def test_preview_keeps_nothing_and_says_what_it_saw(desk: Desk) -> None:
    loaded(desk, "2009-H1", PLANTED_H1)
    before = desk.everything()
    lines = counts_csv(PLANTED_H2).decode("utf-8-sig").splitlines()
    named = [f"{line};Navn" if number == 0 else f"{line};NN" for number, line in enumerate(lines)]
    file = desk.file("2009-H2.csv", "\n".join([*named, "462;1;1;1;1;1;1;0;5;NN"]))
    answer = desk.does("usage", "preview", file, "--provider", ODENSE)
    assert answer["dropped_columns"] == ["Navn"]
    assert answer["period_before"] == "2009-H1"
    assert [(one["row"], one["column"]) for one in answer["problems"]] == [(12, "A")]
    assert answer["unlike_before"] == []
    unlike = desk.file("2009-H2 andre.csv", counts_csv({**PLANTED_H2, "420": (28, 14, 10, 40, 251, 20, 8, 310)}))
    found = desk.does("usage", "preview", unlike, "--provider", ODENSE)
    assert found["unlike_before"] == [{"service": "ambulant", "residence": "420"}]
    assert "andre i behandling ved start" in desk.says("usage", "preview", unlike, "--provider", ODENSE).out
    langeland = next(one for one in answer["totals"] if one["residence"] == "482")
    assert (langeland["figures"]["started"], langeland["before"]["started"]) == (25, 20)
    said = desk.says("usage", "preview", file, "--provider", ODENSE).out
    for words in ("Navn", "række 12, kolonne A", "forventet en kommunes kode", "Langeland", "1. halvår 2009"):
        assert words in said
    assert "462" not in said
    desk.refuses("usage", "load", file, "--provider", ODENSE, words=("række 12, kolonne A",))
    assert desk.everything() == before


def test_a_mapping_is_chosen_once_and_kept(desk: Desk) -> None:
    heads = "Hjemkommune;Indskrevet;Udskrevet;Udfald;Antal samtaler;CaseId"
    content = f"{heads}\n461;2009-01;2009-02;rask;4;a\n461;2009-03;;;2;b\n"
    file = desk.file("2009-H1.csv", content)
    desk.refuses("usage", "load", file, "--provider", ODENSE, words=("usage mapping",))
    suggested = desk.does("usage", "mapping", file, "--provider", ODENSE)
    assert (suggested["kept"], suggested["unused"]) == (False, ["CaseId"])
    assert suggested["mapping"]["columns"]["start"] == "Indskrevet"
    desk.refuses("usage", "mapping", file, "--provider", ODENSE, "--set", "start=", "--keep", words=("Startmåned",))
    kept = desk.does("usage", "mapping", file, "--provider", ODENSE, "--word", "outcome:rask=completed", "--keep")
    assert (kept["kept"], kept["version"]) == (True, 1)
    answer = desk.does("usage", "load", file, "--provider", ODENSE)
    assert (answer["rows"], answer["problems"], answer["dropped_columns"]) == (2, [], ["CaseId"])
    assert desk.does("usage", "mapping", "--provider", ODENSE)["mapping"] == kept["mapping"]
    again = desk.does("usage", "mapping", file, "--provider", ODENSE, "--keep")
    assert again["version"] == 1
    assert desk.does("usage", "mapping", file, "--provider", ODENSE, "--set", "sessions=", "--keep")["version"] == 2
    said = desk.says("usage", "mapping", "--provider", ODENSE).out
    assert "Indskrevet" in said
    assert "rask" in said


def test_what_a_file_is_about_must_be_told(desk: Desk) -> None:
    file = desk.file("udtræk.csv", counts_csv(PLANTED_H1))
    desk.refuses("usage", "load", file, "--provider", ODENSE, words=("--period",))
    desk.refuses("usage", "load", file, "--period", "2009-H1", words=("--provider",))
    desk.refuses("usage", "load", file, "--period", "2009", "--provider", ODENSE, words=("2009-H1, 2009-H2",))
    desk.refuses("usage", "load", file, "--period", "2009-H1", "--provider", AEROE, words=("ydelsesleverandør",))
    desk.refuses("usage", "load", file, "--period", "2009-H9", "--provider", ODENSE, status=2)
    desk.refuses("usage", "load", desk.folder / "mangler.csv", "--provider", ODENSE, words=("findes ikke",))
    two = desk.file("2009-H1 og 2009-H2.csv", counts_csv(PLANTED_H1))
    desk.refuses("usage", "load", two, "--provider", ODENSE, words=("--period",))
    desk.refuses("usage", "release", FUNEN, "2009-H1", words=("Odense Kommune", "Svendborg Kommune"))
    desk.refuses("usage", "statement", FUNEN, "2009-H1", words=("ikke frigivet",))
    desk.refuses("usage", "audit", "ingen", "2009-H1", words=("ingen aftale",))


def test_a_statement_only_for_those_who_take_part(desk: Desk) -> None:
    loaded(desk, "2009-H1")
    desk.does("usage", "release", FUNEN, "2009-H1")
    desk.refuses("usage", "statement", FUNEN, "2009-H1", "--municipality", "751", words=("deltager ikke",))
    (desk.folder / "fil").write_text("", encoding="utf-8")
    desk.refuses(
        "usage", "statement", FUNEN, "2009-H1", "--out", desk.folder / "fil" / "ud", words=("kan ikke skrives",)
    )


def traces(content: bytes) -> list[str]:
    """The forms of the values that are found in bytes, as text or as UTF-16."""
    return [value for value in VALUES if value.encode() in content or value.encode("utf-16-le") in content]


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_refused_file_leaves_no_trace(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    caplog.set_level(logging.DEBUG)
    loaded(desk, "2009-H1", ODENSE_H1, SVENDBORG_H1)
    before = desk.everything()
    told = []
    for number, made in enumerate(bad_files()):
        name = made.name if made.title.startswith("the file's name") else f"{number} 2009-H1{Path(made.name).suffix}"
        file = desk.file(name, made.data)
        for verb in ("load", "preview", "mapping") if number % 10 == 0 else ("load",):
            said = desk.says("usage", verb, file, "--agreement", FUNEN, "--provider", ODENSE, "--json")
            assert said.status == 1, (made.title, said)
            assert said.json["error"] == "PersonNumberFound", made.title
            told.append(said.out + said.err)
        file.unlink()
    assert desk.everything() == before
    assert traces("\n".join(told).encode()) == []
    assert traces(caplog.text.encode()) == []
    engine = create_engine(with_driver(desk.url))
    with engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(FULL)"))
    engine.dispose()
    looked_at = 0
    database = Path(str(engine.url.database))
    for path in [*database.parent.glob(f"{database.name}*"), *temporary.rglob("*"), *desk.folder.rglob("*")]:
        if path.is_file():
            looked_at += 1
            assert traces(path.read_bytes()) == [], path
    assert looked_at >= 2
    assert database.stat().st_size > 0


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_large_file_is_not_even_opened(desk: Desk) -> None:
    file = desk.folder / "2009-H1.csv"
    with file.open("wb") as opened:
        os.truncate(opened.fileno(), 200_000_000)
    desk.refuses("usage", "load", file, "--provider", ODENSE, words=("30 MB",))


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_the_statements_hold_no_hidden_figure(desk: Desk) -> None:
    loaded(desk, "2009-H1", ODENSE_H1, SVENDBORG_H1)
    desk.does("usage", "release", FUNEN, "2009-H1")
    files = desk.does("usage", "statement", FUNEN, "2009-H1", "--out", desk.folder)["files"]
    providers = next(Path(file) for file in files if "leverandører" in file)
    aeroe = next(Path(file) for file in files if file.endswith("Ærø.xlsx"))
    with contextlib.closing(openpyxl.load_workbook(io.BytesIO(providers.read_bytes()))) as workbook:
        rows = list(workbook.worksheets[0].iter_rows(min_row=4, values_only=True))
    heads = [str(head).replace("\n", " ") for head in rows[0]]
    of_aeroe = dict(zip(heads, next(row for row in rows[1:] if row[0] == AEROE), strict=True))
    assert of_aeroe["Påbegyndt"] == "*"
    for row in rows[1:13]:
        for head, value in zip(heads[2:14], row[2:14], strict=True):
            assert value == "*" or not isinstance(value, int) or value == 0 or value >= 5, (row[1], head)
    with contextlib.closing(openpyxl.load_workbook(io.BytesIO(aeroe.read_bytes()))) as workbook:
        assert workbook.sheetnames == ["Opgørelse", "Udvikling", "Sådan er den lavet"]
        shown = {row[1]: row[2] for row in workbook.worksheets[0].iter_rows(min_row=5, values_only=True)}
    assert shown["Påbegyndte forløb"] == "*"
    assert shown["Andel med første samtale inden for 14 dage"] == "*"
