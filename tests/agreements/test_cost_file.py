"""Budgets and final accounts from files: TOML and workbooks as people make them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date
from importlib import resources

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agreements.agreement import CostKind, CostLine, CostLineKey
from agreements.agreement_file import read_agreement
from agreements.cost_file import CostFile, read_cost_file
from agreements.cost_lines import check_against
from foundation.errors import Problems

FUNEN = read_agreement("fyn_2009.toml", resources.files("agreements").joinpath("examples/fyn_2009.toml").read_bytes())
ACCOUNTS = """\
[agreement]
code = "fyn-alkohol"

[[accounts]]
year = 2009
provider = "461"
service = "ambulant"
amount = "18300000.50"
note = "Eksempelbeløb"

[[accounts]]
year = 2009
provider = "461"
service = "ambulant"
kind = "grant"
amount = 100000

[[accounts]]
year = 2009
provider = "479"
service = "ambulant"
amount = "6400000.00"
line = "drift"
"""
EXPECTED = CostFile(
    "fyn-alkohol",
    (
        CostLine(CostLineKey(2009, "461", "ambulant"), 1_830_000_050, "Eksempelbeløb"),
        CostLine(CostLineKey(2009, "461", "ambulant", CostKind.GRANT), 10_000_000),
        CostLine(CostLineKey(2009, "479", "ambulant", CostKind.COST, "drift"), 640_000_000),
    ),
)
ENGLISH = ("year", "provider", "service", "amount", "kind", "line", "note")
DANISH = ("År", "Leverandør", "Ydelse", "Beløb", "Art", "Linje", "Bemærkning")
ROWS = (
    (2009, 461, "ambulant", 18_300_000.50, None, None, "Eksempelbeløb"),
    (2009, 461, "ambulant", 100_000, "tilskud", None, None),
    (2009, 479, "ambulant", 6_400_000, None, "drift", None),
)


def workbook(*rows: Sequence[object], title: str = "fyn-alkohol") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def problems_of(content: bytes) -> tuple[str, ...]:
    with pytest.raises(Problems) as caught:
        read_cost_file("regnskab", content, "accounts")
    return caught.value.problems


def test_toml() -> None:
    assert read_cost_file("a.toml", ACCOUNTS.encode(), "accounts") == EXPECTED
    assert read_cost_file("a.toml", ACCOUNTS.replace("accounts", "budgets").encode(), "budgets") == EXPECTED


def test_a_budget_file_is_no_accounts_file() -> None:
    problems = problems_of(ACCOUNTS.replace("accounts", "budgets").encode())
    assert problems == (
        'linje 4, budgets: ukendt nøgle; her kan stå "agreement" eller "accounts"',
        "accounts: mangler; forventet mindst én tabel, [[accounts]]",
    )


def test_all_problems_of_a_toml_file_are_told() -> None:
    text = ACCOUNTS.replace('code = "fyn-alkohol"', 'code = "Fyn"').replace("year = 2009", "year = 1999", 1)
    text = text.replace('"6400000.00"', "6400000.00").replace("100000\n", '"-1"\n')
    assert problems_of(text.encode()) == (
        (
            'linje 2, agreement.code: "Fyn" kan ikke bruges; forventet aftalens kode: små bogstaver a-z, tal og '
            'bindestreg, fx "fyn-alkohol"'
        ),
        "linje 5, accounts[1].year: 1999 kan ikke bruges; forventet et helt tal fra 2007 til 2090, uden anførselstegn",
        (
            'linje 16, accounts[2].amount: "-1" er negativt; tilskud og indtægter skrives som positive beløb, da arten '
            "siger, at de trækkes fra"
        ),
        "linje 22, accounts[3].amount: 6400000.0 er et kommatal, som ikke er nøjagtigt; sæt beløbet i anførselstegn",
    )


@pytest.mark.parametrize("headings", [ENGLISH, DANISH])
def test_a_workbook_says_the_same(headings: tuple[str, ...]) -> None:
    assert read_cost_file("a.xlsx", workbook(headings, *ROWS), "accounts") == EXPECTED


def test_titles_above_blank_rows_and_other_columns_are_no_matter() -> None:
    rows = [(None, *row, "x") for row in ROWS]
    content = workbook(("Regnskab 2009",), (), (None, *DANISH, "Eget"), rows[0], (), *rows[1:], ())
    assert read_cost_file("a.xlsx", content, "accounts") == EXPECTED


def test_the_code_may_stand_in_a_column() -> None:
    content = workbook((*DANISH, "Aftale"), *((*row, "fyn-alkohol") for row in ROWS), title="Ark1")
    assert read_cost_file("a.xlsx", content, "accounts") == EXPECTED
    two = workbook((*DANISH, "Aftale"), (*ROWS[0], "fyn-alkohol"), (*ROWS[1], "fyn-stof"), title="Ark1")
    assert problems_of(two) == (
        'aftale: filen skal handle om én aftale, men den nævner "fyn-alkohol" i række 2, "fyn-stof" i række 3',
    )
    assert "skriv aftalens kode i en kolonne ved navn aftale" in problems_of(workbook(DANISH, *ROWS, title="Ark1"))[0]


@pytest.mark.parametrize(
    ("written", "oere"),
    [
        (18_250_000, 1_825_000_000),
        (6_417_333.33, 641_733_333),
        (0.1 + 0.2, 30),  # 0.30000000000000004: a spreadsheet's sum
        (-12.5, -1_250),
        ("18250000.00", 1_825_000_000),
        ("18.250.000,00", 1_825_000_000),
        ("18.250.000,00 kr.", 1_825_000_000),
        ("1.234", 123_400),  # a point groups thousands
    ],
)
def test_amounts_in_cells(written: object, oere: int) -> None:
    content = workbook(DANISH[:4], (2009, "Odense", "ambulant", written))
    (line,) = read_cost_file("a.xlsx", content, "accounts").lines
    assert line == CostLine(CostLineKey(2009, "461", "ambulant"), oere)


def test_every_cell_that_is_wrong_is_told_with_row_and_column() -> None:
    content = workbook(
        DANISH,
        ("2009", "461", "ambulant", 0.001, None, None, None),
        (1999, 999, None, "1.234,5x", "gave", None, None),
        (True, "Odens", 7, date(2009, 1, 1), "grant", "x" * 61, "y" * 1_001),
        (2009, 461, "ambulant", -5, "tilskud", None, None),
        (2009, 461, "ambulant", 1e17, None, None, None),
        (2009, 479, "ambulant", 5, None, None, None),
        (2009, 479, "ambulant", 6, None, None, None),
        ("I alt", None, None, 11, None, None, None),
    )
    told = problems_of(content)
    assert [problem.split(":")[0] for problem in told] == [
        "række 2, kolonne D (amount)",
        "række 3, kolonne A (year)",
        "række 3, kolonne B (provider)",
        "række 3, kolonne C (service)",
        "række 3, kolonne E (kind)",
        "række 3, kolonne D (amount)",
        "række 4, kolonne A (year)",
        "række 4, kolonne B (provider)",
        "række 4, kolonne D (amount)",
        "række 4, kolonne F (line)",
        "række 4, kolonne G (note)",
        "række 5, kolonne D (amount)",
        "række 6, kolonne D (amount)",
        "række 8",
        "række 9, kolonne A (year)",
        "række 9, kolonne B (provider)",
        "række 9, kolonne C (service)",
    ]
    assert told[0] == "række 2, kolonne D (amount): 0.001 er ikke hele øre; afrund beløbet til to decimaler"
    assert told[3] == "række 3, kolonne C (service): cellen er tom"
    assert told[5] == (
        'række 3, kolonne D (amount): "1.234,5x" er ikke et beløb; '
        "forventet et tal eller et beløb i kroner, fx 18.250.000,00"
    )
    assert told[13].startswith("række 8: samme linje som række 7 (2009, 479, ambulant)")
    assert told[14] == 'række 9, kolonne A (year): "I alt" kan ikke bruges; forventet et årstal fra 2007 til 2090'


def test_a_formula_counts_by_its_saved_result() -> None:
    content = workbook(DANISH[:4], (2009, 461, "ambulant", "=1+2"))
    assert problems_of(content) == (
        (
            "række 2, kolonne D (amount): formlen har intet gemt resultat; åbn filen i regnearket, lad det regne, og "
            "gem den igen"
        ),
    )
    (line,) = read_cost_file("a.xlsx", with_cached_value(content, "3"), "accounts").lines
    assert line.amount_oere == 300


def with_cached_value(content: bytes, value: str) -> bytes:
    """The workbook as a spreadsheet program would have saved it, with the formula's result."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name.endswith("sheet1.xml"):
                assert b"<f>1+2</f><v></v>" in text or b"<f>1+2</f><v />" in text or b"<f>1+2</f><v/>" in text
                for empty in (b"<v></v>", b"<v />", b"<v/>"):
                    text = text.replace(b"<f>1+2</f>" + empty, b"<f>1+2</f><v>" + value.encode() + b"</v>")
            new.writestr(name, text)
    return file.getvalue()


def test_headings_that_are_missing_are_named() -> None:
    assert problems_of(workbook(("År", "Ydelse"), (2009, "ambulant"))) == (
        'ark "fyn-alkohol": kolonnen "provider" ("leverandør") mangler',
        'ark "fyn-alkohol": kolonnen "amount" ("beløb") mangler',
    )
    assert problems_of(workbook(DANISH)) == ('ark "fyn-alkohol": der er ingen linjer under overskrifterne',)
    assert problems_of(workbook()) == ("filen er tom",)


def test_of_several_sheets_the_one_with_the_headings_is_read() -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(DANISH, *ROWS)))
    book.create_sheet("Vejledning", 0).append(["Udfyld arket"])
    assert read_cost_file("a.xlsx", saved(book), "accounts") == EXPECTED
    book.create_sheet("fyn-stof").append(DANISH)
    assert problems_of(saved(book)) == (
        'flere ark har de rigtige overskrifter: "fyn-alkohol", "fyn-stof"; kun ét må have dem',
    )


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"PK\x03\x04" + b"x" * 500, b"PK\x03\x04" + b"\0" * 5_000_000])
def test_a_damaged_workbook_is_refused(content: bytes) -> None:
    assert problems_of(content)[0].startswith("filen ")


def test_a_zip_that_unpacks_to_too_much_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 100_000_001)
    assert problems_of(file.getvalue()) == ("filen er for stor, når den er pakket ud",)


def test_lines_are_checked_against_their_agreement() -> None:
    check_against(EXPECTED.lines, FUNEN, "regnskab.xlsx")
    wrong = (
        CostLine(CostLineKey(2008, "461", "ambulant"), 1),
        CostLine(CostLineKey(2009, "492", "doegn", CostKind.GRANT, "x"), 1),
    )
    with pytest.raises(Problems) as caught:
        check_against((*EXPECTED.lines, *wrong), FUNEN, "regnskab.xlsx")
    assert caught.value.problems == (
        "2008, 461, ambulant: 2008 er før aftalens første år, 2009",
        '2009, 492, doegn, grant, x: "492" er ikke ydelsesleverandør i aftalen; forventet "461" eller "479"',
        '2009, 492, doegn, grant, x: "doegn" er ikke en af aftalens ydelser; forventet "ambulant"',
    )


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.dates(date(1901, 1, 1)),
    st.sampled_from(["461", "ambulant", "=1/0", "#N/A", "År", "beløb", "1.000,00", "tilskud", " "]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufffe\uffff"), max_size=8),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.lists(CELLS, max_size=8), max_size=6))
def test_any_cells_give_lines_or_problems(rows: list[list[object]]) -> None:
    try:
        found = read_cost_file("a.xlsx", workbook(DANISH, *rows), "accounts")
    except Problems as error:
        told = error.problems
    else:
        told = tuple(str(line) for line in found.lines)
    assert told


@given(st.binary())
def test_any_bytes_give_lines_or_problems(content: bytes) -> None:
    for start in (b"", b"PK\x03\x04"):
        with pytest.raises(Problems):
            read_cost_file("a", start + content, "budgets")
