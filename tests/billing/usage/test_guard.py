"""The guard lets nothing in that looks like a CPR number, tells only where it is, and leaves look-alikes alone."""

from __future__ import annotations

import io
import traceback
import zipfile

import pytest

from billing.usage_statement.guard import (
    FileContent,
    FileRefused,
    PersonNumberFound,
    admit,
    require_clean_name,
    require_size,
)
from tests.billing.usage.corpus import HYPHENED, VALUE, VALUES, Made, archive, bad_files, book, clean_files, csv_file

BAD = bad_files()
CLEAN = clean_files()


def test_the_corpus_is_large_enough() -> None:
    assert len(BAD) >= 60
    assert len(CLEAN) >= 40
    assert len({made.title for made in BAD}) == len(BAD)


@pytest.mark.parametrize("made", BAD, ids=str)
def test_a_bad_file_is_refused_by_its_place_alone(made: Made) -> None:
    with pytest.raises(PersonNumberFound) as caught:
        admit(FileContent(made.name, made.data))
    written = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    told = f"{caught.value} {caught.value.args} {caught.value.facts} {caught.value!r}"
    # The test's own frame holds the file as a parameter; what comes after it must not.
    written = written.partition("in admit")[2]
    for value in VALUES:
        assert value not in told
        assert value not in written


@pytest.mark.parametrize("made", CLEAN, ids=str)
def test_a_look_alike_is_let_in(made: Made) -> None:
    assert admit(FileContent(made.name, made.data)).name == made.name


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (csv_file(HYPHENED), "række 3, kolonne 7"),
        (book(lambda _, sheet: sheet.__setitem__("G3", HYPHENED)), "ark «Forløb», række 3, kolonne G"),
        (
            next(made.data for made in BAD if made.title == "xlsx: comment"),
            "en kommentar i ark «Forløb», række 3, kolonne C",
        ),
        (next(made.data for made in BAD if made.title == "xlsx: hidden sheet"), "ark «Grundlag», række 9, kolonne D"),
        (next(made.data for made in BAD if made.title == "xlsx: title property"), "filens egenskaber (titel)"),
        (next(made.data for made in BAD if made.title == "xlsx: heading of the page"), "ark «Forløb», sidehoved"),
    ],
)
def test_the_place_is_named(data: bytes, place: str) -> None:
    with pytest.raises(PersonNumberFound) as caught:
        admit(FileContent("f", data))
    assert place in str(caught.value)


def test_a_sheet_whose_name_is_one_is_told_by_its_number() -> None:
    def fill(workbook: object, _sheet: object) -> None:
        workbook.create_sheet(HYPHENED)["A1"] = VALUE  # type: ignore[attr-defined]

    with pytest.raises(PersonNumberFound) as caught:
        admit(FileContent("f", book(fill)))
    assert "ark nr. 2, række 1, kolonne A" in str(caught.value)


def test_the_name_is_looked_at_before_the_file() -> None:
    with pytest.raises(PersonNumberFound):
        require_clean_name(f"/mapper/{VALUE}/udtræk.csv")
    require_clean_name("/mapper/2009-01-15/udtræk 2009-H1.csv")


def bomb(size: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("xl/worksheets/sheet1.xml", b"0" * size)
    return target.getvalue()


ENTITIES = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]><a>&c;&c;</a>'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (bomb(50_000_000), "pakket ud"),
        (archive(**{f"{number}__txt": "x" for number in range(2_100)}), "mange dele"),
        (archive(a__zip=archive(b__zip=archive(c__zip=archive(d__csv="x")))), "lag"),
        (archive(**{"xl/worksheets/sheet1__xml": ENTITIES}), "ikke er tilladt"),
        (archive(**{"xl/workbook__xml": ENTITIES}), "ikke er tilladt"),
        (archive(**{"xl/workbook__xml": "<a><b></a>"}), "beskadiget"),
        (book()[:-40], "beskadiget"),
        (b"PK\x03\x04 nothing of the kind", "beskadiget"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000), "ældre Excel-fil"),
        (b"%PDF-1.7 something", "PDF"),
        (bytes(range(32)) * 40, "hverken"),
    ],
    ids=[
        "bomb",
        "many members",
        "nested",
        "entities",
        "entities in front",
        "broken",
        "cut",
        "no zip",
        "xls",
        "pdf",
        "bytes",
    ],
)
def test_what_cannot_be_searched_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(FileRefused, match=words):
        admit(FileContent("udtræk.xlsx", data))


def test_a_large_file_is_refused_by_its_size_alone() -> None:
    with pytest.raises(FileRefused, match="30 MB"):
        require_size(200_000_000)
