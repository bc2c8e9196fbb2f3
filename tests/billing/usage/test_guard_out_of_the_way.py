"""Places of a file where a CPR-like value is easily overlooked, and clean files that look a little like them."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile

import pytest

from billing.usage_statement.guard import FileContent, FileRefused, PersonNumberFound, admit
from tests.billing.usage.corpus import (
    EXTERNAL,
    HEAD,
    HYPHENED,
    NUMBER,
    PIVOT,
    ROW,
    SHEET,
    VALUE,
    VALUES,
    archive,
    book,
    csv_file,
    with_part,
)

TEXT, WORKBOOK = "forløb 2009-H1.csv", "forløb 2009-H1.xlsx"
VML = '<xml xmlns:v="urn:schemas-microsoft-com:vml"><v:shape><v:textbox><div>{}<br></div></v:textbox></v:shape></xml>'


def headed(text: str) -> bytes:
    footing = f"<headerFooter><oddFooter>{text}</oddFooter></headerFooter></worksheet>"
    return with_part(book(), SHEET, "", replace={"</worksheet>": footing})


def cells(row: str) -> bytes:
    return with_part(book(), SHEET, "", replace={"</sheetData>": f'<row r="9">{row}</row></sheetData>'})


def between_parts() -> bytes:
    """An archive with something between two parts, which no list of its parts names."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made, zipfile.ZipFile(io.BytesIO(book())) as old:
        for member in old.infolist():
            made.writestr(member.filename, old.read(member))
            if member.filename == SHEET:
                assert made.fp is not None
                made.fp.write(b"--" + VALUE.encode() + b"--")
                made.start_dir = made.fp.tell()
    return target.getvalue()


def in_the_head_of_a_part() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        part = zipfile.ZipInfo("a.txt")
        part.extra = struct.pack("<HH", 0x7075, len(HYPHENED)) + HYPHENED.encode()
        made.writestr(part, "intet")
    return target.getvalue()


def text(note: str) -> bytes:
    return f"{HEAD}\r\n{ROW}{note}\r\n".encode()


FOUND = {
    "a heading of the page cut by bold": headed("&amp;L010203&amp;B-0000"),
    "a heading of the page cut by underlining": headed('&amp;C&amp;"Arial,Fed"&amp;10010203&amp;U-&amp;U0000'),
    "a heading of the page behind its colour": headed("&amp;R&amp;KFF0000010203-0000"),
    "a heading of the page behind a colour of digits": headed("&amp;R&amp;K000000010203-0000"),
    "a remark of a sheet": with_part(book(), SHEET, "", replace={"<sheetData": f"<!-- {HYPHENED} --><sheetData"}),
    "a remark within a cell": cells(f'<c r="B9"><!-- {HYPHENED} --><v>1</v></c>'),
    "an instruction": with_part(book(), SHEET, "", replace={"<sheetData": f"<?til {HYPHENED}?><sheetData"}),
    "a remark of another part": with_part(book(), "customXml/item1.xml", f"<a><!-- {VALUE} --></a>"),
    "a formula that joins texts": cells('<c r="B9" t="str"><f>"010203"&amp;"-0000"</f></c>'),
    "a number with a trifle": cells('<c r="B9"><v>102030000.00000001</v></c>'),
    "a pivot's number with an exponent": with_part(
        book(), "xl/pivotCache/pivotCacheRecords1.xml", PIVOT.replace(f'<s v="{VALUE}"/>', '<n v="1.0203E8"/>')
    ),
    "another file's number with an exponent": with_part(
        book(), "xl/externalLinks/externalLink1.xml", EXTERNAL.replace(f't="str"><v>{HYPHENED}', "><v>1.0203E+08")
    ),
    "a drawing that is no XML": with_part(book(), "xl/drawings/vmlDrawing1.vml", VML.format(f"Borger {HYPHENED}")),
    "behind the archive": book() + b"\r\nborger " + VALUE.encode(),
    "between the archive's parts": between_parts(),
    "the head of a part": in_the_head_of_a_part(),
    "runs of an open document": archive(content__xml="<o><p>0102<span>03-</span>0000</p></o>"),
    "a text without its zero behind an apostrophe": text(f"'{NUMBER}"),
    "a formula that is a text without its zero": text(f'="{NUMBER}"'),
    "a character that cannot be seen": text("0102\x0203-0000"),
}


@pytest.mark.parametrize("title", FOUND)
def test_it_is_found_out_of_the_way(title: str) -> None:
    name = WORKBOOK if FOUND[title].startswith(b"PK") else TEXT
    with pytest.raises(PersonNumberFound) as caught:
        admit(FileContent(name, FOUND[title]))
    assert not any(value in str(caught.value) for value in VALUES)


REFUSED = {
    "a packed file within": with_part(book(), "xl/embeddings/a.bin", gzip.compress(csv_file(HYPHENED))),
    "a PDF within": with_part(book(), "xl/embeddings/a.bin", b"%PDF-1.7 noget pakket"),
    "a page of a browser": f"<html><table><tr><td>461</td><td>{NUMBER}</td></tr></table></html>".encode(),
    "an old spreadsheet as XML": f'<?xml version="1.0"?><Workbook><Data>{NUMBER}</Data></Workbook>'.encode(),
}


@pytest.mark.parametrize("title", REFUSED)
def test_what_cannot_be_searched_is_refused(title: str) -> None:
    with pytest.raises(FileRefused) as caught:
        admit(FileContent(TEXT, REFUSED[title]))
    assert re.search(r"Intet af den er læst", str(caught.value))


CLEAN = {
    "a heading of the page": headed(
        '&amp;L&amp;"Arial,Normal"&amp;8Side &amp;P af &amp;N&amp;R&amp;K000000&amp;D &amp;T'
    ),
    "days in a heading of the page": headed("&amp;L&amp;1001.01.2009 - 30.06.2009&amp;R&amp;KFF0000Udgave 2009"),
    "a remark": with_part(
        book(), SHEET, "", replace={"<sheetData": "<!-- udtræk 2009-01-15 10:22:33, 7.02.03.0000 --><sheetData"}
    ),
    "a drawing that is no XML": with_part(book(), "xl/drawings/vmlDrawing1.vml", VML.format("Tryk&nbsp;her")),
    "moments": cells(
        '<c r="B9"><v>39828.432291666664</v></c><c r="C9"><v>1.5E-10</v></c><c r="D9"><v>1.23E+15</v></c>'
    ),
    "a formula that joins texts": cells('<c r="B9" t="str"><f>"0102"&amp;"-0000"</f><v>0102-0000</v></c>'),
}


@pytest.mark.parametrize("title", CLEAN)
def test_what_only_looks_like_it_is_let_in(title: str) -> None:
    admit(FileContent(WORKBOOK, CLEAN[title]))
