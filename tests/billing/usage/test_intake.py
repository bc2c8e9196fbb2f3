"""Rows become counts: checked by hand, in the forms that providers write, and nothing of a row is told."""

from __future__ import annotations

import io
from collections import Counter
from datetime import datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.usage_statement.facts import ELSEWHERE, UNSTATED, FigureKey, Measure, UsagePeriod
from billing.usage_statement.guard import AdmittedFile, FileContent, admit
from billing.usage_statement.intake import Expected, FileNotUnderstood, Reading, headings_of, read_usage
from billing.usage_statement.mapping import ColumnMapping, MappingInvalid, Shape, folded, is_like_heading, suggested
from tests.billing.usage.made import counts_csv

MEMBERS = ("461", "479", "482", "492")
SERVICES = {"ambulant": "Ambulant alkoholbehandling", "samtaler": "Rådgivning"}
H1 = UsagePeriod.parse("2009-H1")
HEAD = "Ydelse;Bopælskommune;Startmåned;Slutmåned;Afslutning;Samtaler;Ventedage"


def admitted(text: str | bytes, name: str = "f.csv") -> AdmittedFile:
    return admit(FileContent(name, text.encode() if isinstance(text, str) else text))


def read(text: str | bytes, mapping: ColumnMapping | None = None, period: UsagePeriod = H1, **words: str) -> Reading:
    file = admitted(text)
    mapping = mapping or suggested(headings_of(file))
    meanings = {(name.split("__")[0], name.split("__")[1]): meaning for name, meaning in words.items()}
    mapping = ColumnMapping(mapping.shape, mapping.columns, {**mapping.words, **meanings})
    return read_usage(file, mapping, Expected(SERVICES, MEMBERS, period))


def course(*cells: str) -> str:
    return "\n".join([HEAD, *cells]) + "\n"


def one(reading: Reading) -> dict[Measure, int]:
    """The figures of the only place."""
    assert len({(key.service, key.residence) for key in reading.counts}) == 1
    return {key.measure: count for key, count in reading.counts.items()}


months = st.integers(0, 23)  # from July 2008 on
rows = st.lists(
    st.tuples(
        st.sampled_from(tuple(SERVICES)),
        st.sampled_from((*MEMBERS, "751", "uoplyst")),
        months,
        st.none() | st.integers(0, 12),
        st.sampled_from(("gennemført", "afbrudt")),
        st.integers(0, 30),
        st.none() | st.integers(0, 40),
    ),
    max_size=25,
)


def text_of(month: int) -> str:
    return f"{2008 + (month + 6) // 12}-{(month + 6) % 12 + 1:02d}"


@given(rows)
def test_courses_against_a_count_by_hand(made: list[tuple[str, str, int, int | None, str, int, int | None]]) -> None:
    lines, by_hand, counted = [], Counter[FigureKey](), 0
    for service, residence, start, length, how, sessions, waited in made:
        end = None if length is None else start + length
        lines.append(
            ";".join(
                [
                    service,
                    residence,
                    text_of(start),
                    "" if end is None else text_of(end),
                    "" if end is None else how,
                    str(sessions),
                    "" if waited is None else str(waited),
                ]
            )
        )
        first, last = 6, 11  # January and June 2009
        if start > last or (end is not None and end < first):
            continue
        counted += 1
        where = ELSEWHERE if residence == "751" else UNSTATED if residence == "uoplyst" else residence
        began = first <= start
        ended = end is not None and end <= last
        found = {
            Measure.AT_START: not began,
            Measure.STARTED: began,
            Measure.COMPLETED: ended and how == "gennemført",
            Measure.BROKEN_OFF: ended and how == "afbrudt",
            Measure.AT_END: not ended,
            Measure.SESSIONS: sessions,
            Measure.WITHIN_14_DAYS: began and waited is not None and waited <= 14,
            Measure.LATER: began and waited is not None and waited > 14,
            Measure.WAITING_DAYS: waited if began and waited is not None else 0,
        }
        for measure, count in found.items():
            by_hand[FigureKey(measure, service, where)] += int(count)
    reading = read(course(*lines))
    assert reading.problems == ()
    assert dict(reading.counts) == {key: count for key, count in by_hand.items() if count}
    assert (reading.rows, reading.outside) == (counted, len(made) - counted)


@pytest.mark.parametrize(
    "month",
    [
        "2009-02",
        "200902",
        "2009M02",
        "02-2009",
        "2/2009",
        "feb 2009",
        "februar 2009",
        "17.02.2009",
        "2009-02-17",
        "Feb. 2009",
    ],
)
def test_months_as_they_are_written(month: str) -> None:
    assert one(read(course(f"ambulant;461;{month};;;1;"))) == {
        Measure.STARTED: 1,
        Measure.AT_END: 1,
        Measure.SESSIONS: 1,
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("492", "492"),
        ("0492", "492"),
        ("Ærø", "492"),
        ("ÆRØ KOMMUNE", "492"),
        ("492 Ærø", "492"),
        ("", UNSTATED),
        ("ukendt", UNSTATED),
        ("Anonym", UNSTATED),
        ("Aarhus", ELSEWHERE),
        ("420", ELSEWHERE),
    ],
)
def test_residences_as_they_are_written(written: str, meant: str) -> None:
    reading = read(course(f"ambulant;{written};2009-02;;;1;"))
    assert {key.residence for key in reading.counts} == {meant}


def test_what_is_not_understood_is_told_by_place_and_never_repeated() -> None:
    lines = (
        "ambulant;Hans Hansen;2009-02;;;1;",
        "Grete Jensen;461;2009-02;;;1;",
        "ambulant;461;i foråret;;;1;",
        "ambulant;461;2009-02;2009-03;blev rask;1;",
        "ambulant;461;2009-02;2009-03;;1;",
        "ambulant;461;2009-02;;gennemført;1;",
        "ambulant;461;2009-02;2009-01;afbrudt;1;",
        "ambulant;461;2009-02;;;-3;",
        "ambulant;461;2009-02;;;1;syv",
        "ambulant;461;;;;1;",
        "ambulant;461;2009-02;;;1;",
    )
    reading = read(course(*lines))
    told = [problem.text for problem in reading.problems]
    assert [problem.row for problem in reading.problems] == list(range(2, 12))
    assert told[0].startswith("række 2, kolonne B (Bopælskommune): forventet")
    assert told[3].startswith("række 5, kolonne E (Afslutning): forventet gennemført eller afbrudt")
    for word in ("Hansen", "Jensen", "foråret", "rask", "syv", "-3"):
        assert word not in " ".join(told)
    assert reading.rows == 1


def test_columns_that_nobody_mapped_are_named_and_not_read() -> None:
    text = f"{HEAD};Navn;Sagsbehandler;jens@eksempel.dk;Sag 20091234\nambulant;461;2009-02;;;1;;Hans;Grete;x;y\n"
    reading = read(text)
    assert reading.dropped == ("Navn", "Sagsbehandler")
    assert reading.unnamed == 2
    assert reading.rows == 1


def test_sums_and_courses_of_other_times_are_not_counted() -> None:
    reading = read(course("ambulant;461;2007-02;2008-03;afbrudt;1;", "i alt;;;;;99;", "ambulant;461;2009-02;;;1;"))
    assert (reading.rows, reading.outside, reading.totals) == (1, 1, 1)


def test_a_providers_own_words() -> None:
    text = course("Alkohol A;462;2009-02;2009-03;rask;1;")
    reading = read(text, service__alkohola="ambulant", residence__462="461", outcome__rask="completed")
    assert reading.problems == ()
    assert one(reading)[Measure.COMPLETED] == 1


def test_ready_counts_and_what_follows_from_them() -> None:
    file = admitted(counts_csv({"461": (31, 12, 9, 30, 260, 22, 8, 330), "uoplyst": (0, 0, 0, 0, 0, 0, 0, 0)}))
    expected = Expected({"ambulant": "Ambulant"}, MEMBERS, H1)
    assert one(read_usage(file, suggested(headings_of(file)), expected)) == {
        Measure.AT_START: 20,  # 12 + 9 + 30 - 31
        Measure.STARTED: 31,
        Measure.COMPLETED: 12,
        Measure.BROKEN_OFF: 9,
        Measure.AT_END: 30,
        Measure.SESSIONS: 260,
        Measure.WITHIN_14_DAYS: 22,
        Measure.LATER: 8,
        Measure.WAITING_DAYS: 330,
    }


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((31, 12, 9, 3, 260, 22, 8, 330), "påbegyndt flere"),
        ((5, 12, 9, 3, 260, 22, 8, 330), "flere har ventet"),
        ((31, 12, 9, 30, 260, 22, 8, 100), "ventedagene er færre"),
    ],
)
def test_counts_that_cannot_be(row: tuple[int, int, int, int, int, int, int, int], words: str) -> None:
    file = admitted(counts_csv({"461": row}))
    reading = read_usage(file, suggested(headings_of(file)), Expected({"ambulant": "A"}, MEMBERS, H1))
    assert [words in problem.text for problem in reading.problems] == [True]
    assert reading.counts == {}


def sheet_of(*rows: tuple[object, ...], hidden: bool = False) -> bytes:
    workbook = openpyxl.Workbook()
    sheet: Any = workbook.active
    sheet.append(("Udtræk fra systemet",))
    for row in rows:
        sheet.append(row)
    if hidden:
        other = workbook.create_sheet("Skjult")
        for row in rows:
            other.append(row)
        other.sheet_state = "hidden"
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


def test_a_workbook_with_dates_numbers_and_a_hidden_sheet() -> None:
    data = sheet_of(
        tuple(HEAD.split(";")),
        ("ambulant", 461, datetime(2009, 2, 3), datetime(2009, 3, 4), "Gennemført", 7, 12.0),  # noqa: DTZ001 - a cell's
        (None,) * 7,
        ("ambulant", 461, datetime(2009, 2, 3), None, None, 3, None),  # noqa: DTZ001 - a cell's
        hidden=True,
    )
    reading = read(data)
    assert (reading.rows, reading.problems) == (2, ())
    assert one(reading)[Measure.SESSIONS] == 10


def test_a_formula_that_nobody_has_worked_out_is_not_zero() -> None:
    reading = read(sheet_of(tuple(HEAD.split(";")), ("ambulant", 461, "2009-02", None, None, "=3+4", None)))
    assert [(problem.row, problem.column, problem.field) for problem in reading.problems] == [(3, "F", "Samtaler")]
    assert "intet gemt resultat" in reading.problems[0].text


@pytest.mark.parametrize("text", ["", "\n\n", "a;b;c\n1;2;3\n", "bare en tekst"])
def test_a_file_without_our_columns_is_refused(text: str) -> None:
    with pytest.raises(FileNotUnderstood):
        headings_of(admitted(text))


def test_a_column_that_is_gone_is_named() -> None:
    mapping = suggested(HEAD.split(";"))
    with pytest.raises(FileNotUnderstood, match="«Afslutning»"):
        read(course("ambulant;461;2009-02;;;1;").replace("Afslutning", "Noget"), mapping)


@pytest.mark.parametrize(
    ("headings", "shape", "columns"),
    [
        (
            "Tilbud,Hjemkommune,Indskrevet,Udskrevet,Afslutningsårsag,Antal samtaler,Ventetid (dage),Køn",
            Shape.COURSES,
            {
                "service": "Tilbud",
                "residence": "Hjemkommune",
                "start": "Indskrevet",
                "end": "Udskrevet",
                "outcome": "Afslutningsårsag",
                "sessions": "Antal samtaler",
                "waiting_days": "Ventetid (dage)",
            },
        ),
        (
            "KOMMUNEKODE,START DATO,SLUT DATO,STATUS,BESØG",
            Shape.COURSES,
            {
                "residence": "KOMMUNEKODE",
                "start": "START DATO",
                "end": "SLUT DATO",
                "outcome": "STATUS",
                "sessions": "BESØG",
            },
        ),
        (
            "Kommune,Påbegyndte forløb,Gennemførte,Afbrudte,I behandling ultimo,Sessioner",
            Shape.COUNTS,
            {
                "residence": "Kommune",
                "started": "Påbegyndte forløb",
                "completed": "Gennemførte",
                "broken_off": "Afbrudte",
                "at_end": "I behandling ultimo",
                "sessions": "Sessioner",
            },
        ),
    ],
)
def test_suggestions(headings: str, shape: Shape, columns: dict[str, str]) -> None:
    found = suggested(headings.split(","))
    assert (found.shape, dict(found.columns)) == (shape, columns)
    assert ColumnMapping.from_json(found.as_json()) == found
    assert found.problems(service_required=False) == []


def test_what_a_mapping_lacks() -> None:
    told = ColumnMapping(Shape.COUNTS, {"residence": "Kommune", "later": "Over", "noget": "Noget"}).problems(
        service_required=True
    )
    assert "feltet «noget» findes ikke" in told
    assert "kolonnen «Ydelse» (service) mangler" in told
    assert any("vælges sammen" in text for text in told)
    assert str(MappingInvalid(problems=told)).startswith("Kolonnevalget")


def test_headings_and_their_folding() -> None:
    assert folded("Afslutnings-årsag ") == folded("AFSLUTNINGSAARSAG")
    assert [is_like_heading(text) for text in ("Navn", "jens@eksempel.dk", "20091234", "", "x" * 61)] == [
        True,
        False,
        False,
        False,
        False,
    ]
