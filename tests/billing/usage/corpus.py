"""Made files: bad ones that hold something like a CPR number, and clean ones with what only looks a little like it.

The values are nobody's: serial 0000 is given to no one. ``VALUES`` is all that a trace could look like.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import openpyxl
import xlsxwriter  # type: ignore[import-untyped] # carries no types
from openpyxl.comments import Comment
from openpyxl.packaging.custom import StringProperty
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.hyperlink import Hyperlink

VALUE = "0102030000"
HYPHENED = "010203-0000"
NUMBER = 102030000
TEN_DIGITS = 3112450000
VALUES = (VALUE, HYPHENED, "010203 0000", str(NUMBER), "10203-0000", str(TEN_DIGITS), "311245-0000", "6102030000")

HEAD = "Bopælskommune;Startmåned;Slutmåned;Afslutning;Samtaler;Ventedage;Bemærkning"
ROW = "461;2009-01;2009-03;gennemført;7;12;"


@dataclass(frozen=True)
class Made:
    """One made file."""

    title: str
    data: bytes
    name: str = "udtræk 2009-H1.csv"

    def __str__(self) -> str:
        return self.title


def csv_file(note: str, *, separator: str = ";", encoding: str = "utf-8", newline: str = "\r\n") -> bytes:
    """Courses with a note in the second row."""
    lines = [HEAD, ROW, ROW + note, ROW]
    return newline.join(line.replace(";", separator) for line in lines).encode(encoding) + newline.encode(encoding)


def csv_files() -> Iterator[Made]:
    """Bad text files."""
    notes = {
        "digits": VALUE,
        "hyphen": HYPHENED,
        "space": "010203 0000",
        "en dash": "010203–0000",
        "hyphen that does not break": "010203\u20110000",
        "minus sign": "010203\u22120000",
        "space that does not break": "010203\u00a00000",
        "soft hyphen": "010203\u00ad0000",
        "invisible joint": "010203\u200b0000",
        "two spaces": "010203  0000",
        "hyphen with spaces": "010203 - 0000",
        "full-width digits": "\uff10\uff11\uff10\uff12\uff10\uff13\uff0d\uff10\uff10\uff10\uff10",
        "Arabic digits": "".join(chr(0x660 + int(digit)) for digit in VALUE),
        "within a sentence": f"Ring til borgeren (cpr. {HYPHENED}) i morgen",
        "between letters": f"cpr{VALUE}x",
        "day and sixty": "610203-0000",
        "leap day": "290204-0000",
        "last day of the year": "3112990000",
        "date with points": "01.02.03-0000",
        "date with spaces": "01 02 03 0000",
        "float": f"{VALUE}.0",
        "number without its zero": str(NUMBER),
        "float without its zero": f"{NUMBER}.0",
        "text without its zero": "10203-0000",
        "quoted": f'"{HYPHENED}"',
        "quoted over two lines": f'"to linjer\nmed {HYPHENED} i"',
        "before a comma": f"{VALUE},12",
        "before a full stop": f"Det er {HYPHENED}.",
        "apostrophe before": f"'{VALUE}",
        "formula": f'"=""{VALUE}"""',
        "link": f"https://eksempel.dk/?id={VALUE}&a=1",
    }
    for title, note in notes.items():
        yield Made(f"csv: {title}", csv_file(note))
    for encoding in ("latin-1", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"):
        yield Made(f"csv in {encoding}", csv_file(f"æøå {HYPHENED}", encoding=encoding))
    yield Made("csv: full width in UTF-16", csv_file("０１０２０３0000", encoding="utf-16"))  # noqa: RUF001 - full width
    for separator in ("\t", ",", "|"):
        yield Made(f"csv by {separator!r}", csv_file(VALUE, separator=separator))
    yield Made("csv: a heading", f"Kommune;{VALUE}\n461;3\n".encode())
    yield Made("csv: last line without an end", f"{HEAD}\n{ROW}{VALUE}".encode())
    yield Made("csv: nothing else", VALUE.encode())
    yield Made("csv: old line ends", csv_file(HYPHENED, newline="\r"))
    yield Made("csv: under a heading of accounts", f"Kommune;Kontonr.\n461;{HYPHENED}\n".encode())
    yield Made("csv: digits under a heading of accounts", f"Kommune;Kontonr.\n461;{VALUE}\n".encode())
    yield Made("csv: digits under a heading of amounts", f"Kommune;Beløb\n461;{VALUE}\n".encode())
    yield Made("csv: a broken quote", f'{HEAD}\n{ROW}"åben {HYPHENED}\n{ROW}\n'.encode())
    yield Made("the file's name", csv_file("intet"), f"udtræk {HYPHENED} 2009-H1.csv")
    yield Made("the file's name without its zero", csv_file("intet"), f"{NUMBER}.csv")


def book(fill: Callable[[openpyxl.Workbook, Any], object] | None = None) -> bytes:
    """A clean workbook of courses with something done to it."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "Forløb"
    for line in (HEAD, ROW, ROW, ROW):
        sheet.append(line.split(";"))
    if fill is not None:
        fill(workbook, sheet)
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


def with_part(data: bytes, name: str, content: str | bytes, *, replace: Mapping[str, str] | None = None) -> bytes:
    """The archive with one more part, or with something replaced in a part that it has."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            text = old.read(member)
            if member.filename == name and replace:
                changed = text.decode()
                for before, after in replace.items():
                    assert re.search(before, changed), (name, before)
                    changed = re.sub(before, after, changed, count=1)
                text = changed.encode()
            new.writestr(member.filename, text)
        assert content or name in old.namelist(), name
        if content:
            new.writestr(name, content)
    return target.getvalue()


def archive(**members: str | bytes) -> bytes:
    """A zip of members, their dots written as two underscores."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name.replace("__", "."), content)
    return target.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def _comment(_workbook: object, sheet: Any) -> None:  # noqa: ANN401 - openpyxl's sheet
    sheet["C3"].comment = Comment(f"Se {HYPHENED}", "sagsbehandler")


def _author(_workbook: object, sheet: Any) -> None:  # noqa: ANN401
    sheet["C3"].comment = Comment("Se sagen", HYPHENED)


def _hidden(state: str) -> Callable[[openpyxl.Workbook, Any], None]:
    def fill(workbook: openpyxl.Workbook, _sheet: object) -> None:
        sheet = workbook.create_sheet("Grundlag")
        sheet["D9"] = VALUE
        sheet.sheet_state = state

    return fill


def _hidden_place(_workbook: object, sheet: Any) -> None:  # noqa: ANN401
    sheet["H3"] = HYPHENED
    sheet.column_dimensions["H"].hidden = True
    sheet.row_dimensions[3].hidden = True


def _merged(_workbook: object, sheet: Any) -> None:  # noqa: ANN401
    sheet["A8"] = f"Udskrift for {HYPHENED}"
    sheet.merge_cells("A8:G9")


def _name(workbook: openpyxl.Workbook, _sheet: object) -> None:
    workbook.defined_names["borger"] = DefinedName("borger", attr_text=f'"{HYPHENED}"')


def _custom(workbook: Any, _sheet: object) -> None:  # noqa: ANN401 - the stubs lack it
    workbook.custom_doc_props.append(StringProperty(name="sag", value=VALUE))


def _validation(_workbook: object, sheet: Any) -> None:  # noqa: ANN401
    rule = DataValidation(type="list", formula1=f'"{HYPHENED},ingen"')
    sheet.add_data_validation(rule)
    rule.add("D2")


def _prompt(_workbook: object, sheet: Any) -> None:  # noqa: ANN401
    rule = DataValidation(type="whole", formula1="0", promptTitle="Husk", prompt=f"ikke {HYPHENED}")
    sheet.add_data_validation(rule)
    rule.add("D2")


def _link(_workbook: object, sheet: Any) -> None:  # noqa: ANN401
    sheet["A3"].hyperlink = Hyperlink(ref="A3", target=f"https://eksempel.dk/{VALUE}")


def _tooltip(_workbook: object, sheet: Any) -> None:  # noqa: ANN401
    sheet["A3"].hyperlink = Hyperlink(ref="A3", location="'Forløb'!A1", tooltip=f"Borger {HYPHENED}")


def _set(place: str, value: object, form: str = "") -> Callable[[object, Any], None]:
    def fill(_workbook: object, sheet: Any) -> None:  # noqa: ANN401
        sheet[place] = value
        if form:
            sheet[place].number_format = form

    return fill


def _textbox() -> bytes:
    target = io.BytesIO()
    workbook = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = workbook.add_worksheet("Forløb")
    sheet.insert_textbox(4, 1, f"Notat: {HYPHENED}")
    workbook.close()
    return target.getvalue()


def _chart(title: str) -> bytes:
    target = io.BytesIO()
    workbook = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = workbook.add_worksheet("Forløb")
    sheet.write_column(0, 0, [1, 2, 3])
    chart = workbook.add_chart({"type": "column"})
    chart.add_series({"values": "=Forløb!$A$1:$A$3"})
    chart.set_title({"name": title})
    sheet.insert_chart("C3", chart)
    workbook.close()
    return target.getvalue()


def _rich() -> bytes:
    target = io.BytesIO()
    workbook = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = workbook.add_worksheet("Forløb")
    bold = workbook.add_format({"bold": True})
    sheet.write_rich_string("B2", "0102", bold, "03-00", "00 er", bold, " nummeret")
    workbook.close()
    return target.getvalue()


def _table() -> bytes:
    target = io.BytesIO()
    workbook = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = workbook.add_worksheet("Forløb")
    sheet.add_table("A1:B3", {"columns": [{"header": "Kommune"}, {"header": "Antal", "total_string": HYPHENED}]})
    workbook.close()
    return with_part(
        target.getvalue(), "xl/tables/table1.xml", "", replace={'name="Antal"': f'name="Antal {HYPHENED}"'}
    )


def _result() -> bytes:
    target = io.BytesIO()
    workbook = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = workbook.add_worksheet("Forløb")
    sheet.write_formula("B5", '=CONCATENATE("010203","-0000")', None, HYPHENED)
    workbook.close()
    return target.getvalue()


THREADED = (
    '<ThreadedComments xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments">'
    f'<threadedComment ref="B2" id="{{8D2E0F0A-0000-4000-8000-000000000000}}"><text>Ring til {HYPHENED}</text>'
    "</threadedComment></ThreadedComments>"
)
PIVOT = (
    '<pivotCacheRecords xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="1">'
    f'<r><s v="{VALUE}"/><n v="3"/></r></pivotCacheRecords>'
)
PIVOT_NUMBER = PIVOT.replace(f'<s v="{VALUE}"/>', f'<n v="{NUMBER}"/>')
EXTERNAL = (
    '<externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><externalBook><sheetDataSet>'
    f'<sheetData sheetId="0"><row r="1"><cell r="A1" t="str"><v>{HYPHENED}</v></cell></row></sheetData>'
    "</sheetDataSet></externalBook></externalLink>"
)
DOCUMENT = (
    '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r>'
    "<w:t>0102</w:t></w:r><w:r><w:t>03-0000</w:t></w:r></w:p></w:body></w:document>"
)
CONDITION = (
    '<conditionalFormatting sqref="A1"><cfRule type="cellIs" priority="1" operator="equal">'
    f"<formula>{TEN_DIGITS}</formula></cfRule></conditionalFormatting><pageMargins"
)
EXTENSION = (
    '<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}" '
    'xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main" '
    'xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"><x14:dataValidations count="1">'
    f'<x14:dataValidation type="list"><x14:formula1><xm:f>"{HYPHENED}"</xm:f></x14:formula1><xm:sqref>B2</xm:sqref>'
    "</x14:dataValidation></x14:dataValidations></ext></extLst></worksheet>"
)
HEADER = "<pageMargins{0}/><headerFooter><odd{1}>&amp;L&amp;8{2}</odd{1}></headerFooter></worksheet>"


def _headed(kind: str, text: str) -> bytes:
    def fill(_workbook: object, sheet: Any) -> None:  # noqa: ANN401
        getattr(sheet, f"odd{kind}").left.text = text
        getattr(sheet, f"odd{kind}").left.size = 8

    return book(fill)


def _shared() -> bytes:
    """A workbook that keeps its texts apart from its cells, as Excel does."""
    target = io.BytesIO()
    workbook = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = workbook.add_worksheet("Forløb")
    for row, line in enumerate((HEAD, ROW, ROW)):
        sheet.write_row(row, 0, line.split(";"))
    workbook.close()
    return target.getvalue()


def _unused_string() -> bytes:
    return with_part(
        _shared(), "xl/sharedStrings.xml", "", replace={"</sst>": f"<si><t>slettet {HYPHENED}</t></si></sst>"}
    )


def books() -> Iterator[Made]:
    """Bad workbooks and archives."""
    made: dict[str, bytes] = {
        "shared text": with_part(_shared(), "xl/sharedStrings.xml", "", replace={"gennemført": HYPHENED}),
        "text cell": book(_set("G3", HYPHENED)),
        "number of ten digits": book(_set("G3", TEN_DIGITS)),
        "number without its zero": book(_set("G3", NUMBER)),
        "number as a float": book(_set("G3", float(TEN_DIGITS))),
        "number shown as a CPR number": book(_set("G3", NUMBER, "000000-0000")),
        "number shown as an amount": book(_set("G3", TEN_DIGITS, "#,##0.00")),
        "text in a sentence": book(_set("G3", "kontakt 010203 0000 snarest")),
        "cell far away": book(_set("XFD1048576", VALUE)),
        "hidden sheet": book(_hidden("hidden")),
        "very hidden sheet": book(_hidden("veryHidden")),
        "hidden row and column": book(_hidden_place),
        "comment": book(_comment),
        "author of a comment": book(_author),
        "merged cells": book(_merged),
        "heading of the page": _headed("Header", f"Udskrift {HYPHENED}"),
        "heading behind a font size": _headed("Header", VALUE),
        "footing of the page": _headed("Footer", VALUE),
        "defined name": book(_name),
        "custom property": book(_custom),
        "title property": book(lambda workbook, _: setattr(workbook.properties, "title", HYPHENED)),
        "keywords property": book(lambda workbook, _: setattr(workbook.properties, "keywords", f"alkohol {VALUE}")),
        "author property": book(lambda workbook, _: setattr(workbook.properties, "creator", f"{VALUE}")),
        "company property": with_part(
            book(), "docProps/app.xml", "", replace={"</Properties>": f"<Company>{HYPHENED}</Company></Properties>"}
        ),
        "sheet name": book(lambda workbook, _: workbook.create_sheet(HYPHENED)),
        "formula": book(_set("G3", f'=IF(A3="{HYPHENED}",1,0)')),
        "result of a formula": _result(),
        "list of a validation": book(_validation),
        "prompt of a validation": book(_prompt),
        "validation in an extension": with_part(book(), SHEET, "", replace={"</worksheet>": EXTENSION}),
        "conditional format": with_part(book(), SHEET, "", replace={"<pageMargins": CONDITION}),
        "link": book(_link),
        "tooltip of a link": book(_tooltip),
        "text box": _textbox(),
        "chart title": _chart(f"Forløb for {HYPHENED}"),
        "rich text cut in runs": _rich(),
        "table column": _table(),
        "threaded comment": with_part(book(), "xl/threadedComments/threadedComment1.xml", THREADED),
        "pivot cache": with_part(book(), "xl/pivotCache/pivotCacheRecords1.xml", PIVOT),
        "number in a pivot cache": with_part(book(), "xl/pivotCache/pivotCacheRecords1.xml", PIVOT_NUMBER),
        "values of another file": with_part(book(), "xl/externalLinks/externalLink1.xml", EXTERNAL),
        "custom XML": with_part(book(), "customXml/item1.xml", f"<a><b>{VALUE}</b></a>"),
        "attribute of custom XML": with_part(book(), "customXml/item1.xml", f'<a cpr="{HYPHENED}"/>'),
        "macro": with_part(book(), "xl/vbaProject.bin", b"\x01\x02cpr = " + HYPHENED.encode("utf-16-le") + b"\0\0"),
        "text in a picture": with_part(
            book(), "xl/media/image1.png", b"\x89PNG\r\n\x1a\n\0tEXt" + VALUE.encode() + b"\xff"
        ),
        "embedded document": with_part(
            book(), "xl/embeddings/brev.docx", archive(word="", **{"word/document__xml": DOCUMENT})
        ),
        "printer settings": with_part(book(), "xl/printerSettings/printerSettings1.bin", HYPHENED.encode("utf-16-le")),
        "shared text that no cell shows": _unused_string(),
        "inline text": with_part(
            book(),
            SHEET,
            "",
            replace={
                "</sheetData>": f'<row r="9"><c r="B9" t="inlineStr"><is><t>{VALUE}</t></is></c></row></sheetData>'
            },
        ),
        "number with an exponent": with_part(
            book(), SHEET, "", replace={"</sheetData>": '<row r="9"><c r="B9"><v>1.0203E8</v></c></row></sheetData>'}
        ),
        "escaped characters": with_part(
            _shared(), "xl/sharedStrings.xml", "", replace={"gennemført": "_x0030_10203-0000"}
        ),
        "digits as entities": with_part(
            _shared(), "xl/sharedStrings.xml", "", replace={"gennemført": "&#48;&#49;&#48;203-0000"}
        ),
        "cell without a reference": with_part(
            book(), SHEET, "", replace={"</sheetData>": f'<row><c t="str"><v>{VALUE}</v></c></row></sheetData>'}
        ),
    }
    for title, data in made.items():
        yield Made(f"xlsx: {title}", data, "udtræk 2009-H1.xlsx")
    inner = csv_file(HYPHENED)
    yield Made("zip: a text file", archive(udtraek__csv=inner), "udtræk 2009-H1.zip")
    yield Made("zip: a text file called a workbook", archive(udtraek__csv=inner), "udtræk 2009-H1.xlsx")
    yield Made("zip: a workbook", archive(bog__xlsx=book(_set("G3", VALUE))), "udtræk 2009-H1.zip")
    yield Made("zip: a zip", archive(a__zip=archive(b__csv=inner)), "udtræk 2009-H1.zip")
    yield Made("zip: a member's name", archive(**{f"brev {HYPHENED}__txt": "intet"}), "udtræk 2009-H1.zip")
    yield Made("zip: rubbish", archive(rubbish__bin=b"\xff\0\x01" + VALUE.encode() + b"\0\xfe"), "udtræk 2009-H1.zip")


def bad_files() -> list[Made]:
    """All that must be refused for what they hold."""
    return [*csv_files(), *books()]


def _column(heading: str, *values: str) -> bytes:
    return ("\n".join([f"Bopælskommune;{heading}", *(f"461;{value}" for value in values)]) + "\n").encode()


def _sheet_column(heading: str, values: list[object], form: str = "General") -> bytes:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["Bopælskommune", heading])
    for value in values:
        sheet.append([461, value])
        sheet.cell(sheet.max_row, 2).number_format = form
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


def _clean_comment(workbook: openpyxl.Workbook, sheet: Any) -> None:  # noqa: ANN401
    sheet["A2"].comment = Comment("Se GLN 5790000121234", "sagsbehandler")
    workbook.create_sheet("Ark 2009-01-15")


def clean_files() -> list[Made]:
    """Look-alikes that must be let in."""
    gln = ("5790000121234", "5798009811578", "5790001330552")
    texts = {
        "courses": csv_file("intet at bemærke"),
        "GLN": _column("GLN", *gln),
        "GLN with spaces": _column("EAN-nr.", "5790 0001 2123 4", "57 90000 121234"),
        "CVR": _column("CVR", "35209115", "29189552"),
        "telephone": _column("Telefon", "+4512345678", "12 34 56 78", "0045 31124500", "4531124500"),
        "account behind its branch": _column("Kontonr.", "1234 0102030000", "3409-3112450000", "0400 0123456789"),
        "account in one": _column("Konto", "12340102030000", "34093112450000"),
        "IBAN": _column("IBAN", "DK5000400440116243", "DK50 0040 0440 1162 43"),
        "amounts with points": _column("Beløb", "1.020.300,00", "3.112.450.000,00", "102.030,00"),
        "amounts without points": _column("Beløb", "3112450000,00", "1020300,50", "0102030000,25"),
        "amounts in øre": _column("Beløb i øre", "102030000", "311245000", "1234567"),
        "ISO date-times": _column("Oprettet", "2009-01-15T10:30:00", "2001-02-03 00:00:00", "2009-01-15 1030"),
        "Danish date-times": _column("Oprettet", "15-01-2009 10:30", "01.02.2003 00:00", "03-02-01 00:00"),
        "time stamps": _column("Oprettet", "20090115103000", "200102030000", "20010203"),
        "days": _column("Dato", "010203", "150109", "31-12-2009", "15/01/09"),
        "months": _column("Måned", "200901", "200912", "2009-01"),
        "impossible day": _column("Løbenr.", "3213450000", "0013450000", "5013450000", "9913450000"),
        "impossible month": _column("Løbenr.", "0113450000", "3100450000", "0199990000"),
        "31 of a short month": _column("Løbenr.", "3104450000", "3002450000", "2902010000"),
        "serial numbers": _column("Løbenr.", "2013000001", "1000000000", "9876543210"),
        "eleven digits": _column("Nr.", "01020300001", "10102030000"),
        "eight digits": _column("Nr.", "01020300", "31124500"),
        "GUID": _column("Id", "01020300-0000-4102-8300-010203040506", "{3112450A-0102-0304-0506-010203040506}"),
        "hash": _column("Id", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        "long fractions": _column("Gennemsnit", "0.0102030405", "13.0102030000", "-2.3112450000"),
        "addresses of machines": _column("IP", "192.168.102.103", "10.20.30.40"),
        "ISBN": _column("ISBN", "978-87-0102-030-0", "87-0102-030-1"),
        "file numbers": _column("Journalnr.", "2009-12345", "120112/2009", "09/15342"),
        "post codes": _column("Postnr.", "5000 Odense C", "5970 Ærøskøbing"),
        "percentages": _column("Andel", "71,4 %", "100 %"),
        "only headings": (HEAD + "\n").encode(),
        "UTF-16": csv_file("ingen æøå", encoding="utf-16"),
        "Latin-1": csv_file("ingen æøå", encoding="latin-1"),
        "by tabs": csv_file("intet", separator="\t"),
        "by commas with numbers beside each other": b"a,b,c,d\n010203,0000,311245,0000\n",
    }
    found = [Made(f"csv: {title}", data) for title, data in texts.items()]
    found.append(Made("csv: a day and a time in the name", csv_file("intet"), "udtræk 2009-01-15 1030.csv"))
    sheets: dict[str, bytes] = {
        "courses": book(),
        "GLN as numbers": _sheet_column("GLN", [5790000121234, 5798009811578]),
        "amounts": _sheet_column("Beløb", [3112450000, 102030000, 1020300.5], "#,##0.00"),
        "amounts with øre": _sheet_column("Beløb", [3112450000.25, 102030000.5]),
        "amounts in øre": _sheet_column("Øre", [102030000, 311245000]),
        "date-times": _sheet_column("Oprettet", [datetime(2009, 1, 15, 10, 30), datetime(2003, 2, 1)]),  # noqa: DTZ001
        "fractions": _sheet_column("Gennemsnit", [0.0102030405, 13.010203, 1 / 3]),
        "accounts as text": _sheet_column("Kontonr.", ["1234 0102030000", "34093112450000"]),
        "chart": _chart("Forløb"),
        "links and comments": book(_clean_comment),
    }
    found += [Made(f"xlsx: {title}", data, "udtræk 2009-H1.xlsx") for title, data in sheets.items()]
    return found
