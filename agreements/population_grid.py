"""The bytes of a file -> rows of text cells with their places, whatever the encoding; from files of any hands.

Nothing is believed: sizes are bounded before anything is unpacked, and what is no text table or workbook is named for
what it is.
"""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import openpyxl

from agreements.population import LeftOut, PopulationFileNotUnderstood, PopulationFileTooLarge

MEGABYTE = 1024 * 1024
LARGEST_FILE = 50 * MEGABYTE
LARGEST_UNPACKED = 200 * MEGABYTE
LARGEST_ARCHIVE_ENTRIES = 1000
# Twenty times all municipalities through all quarters since 2008, with a few variables beside.
LARGEST_CELLS = 5_000_000

_SIGNATURES = (
    (b"%PDF", "en PDF"),
    (b"\x89PNG", "et billede (PNG)"),
    (b"\xff\xd8\xff", "et billede (JPEG)"),
    (b"GIF8", "et billede (GIF)"),
    (b"\xd0\xcf\x11\xe0", "et regneark i det gamle format xls; gem det som xlsx"),
    (b"\x1f\x8b", "en pakket fil (gzip)"),
)
_ARCHIVE = b"PK"
_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_ENCODINGS = ("utf-8", "cp1252", "latin-1")
_DELIMITERS = (";", "\t", ",")
_SAMPLE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One row that is not blank.

    Attributes:
        number: As an editor or a spreadsheet counts it, from 1.
        cells: Without the spaces around them.
    """

    number: int
    cells: tuple[str, ...]

    @property
    def filled(self) -> int:
        """How many cells hold something."""
        return sum(1 for cell in self.cells if cell)


@dataclass(frozen=True, slots=True)
class Grid:
    """The rows of one file.

    Attributes:
        sheet: The sheet that was read, or empty for a text file.
        left_out: The other sheets that hold something.
    """

    rows: tuple[Row, ...]
    encoding: str
    sheet: str = ""
    left_out: tuple[LeftOut, ...] = ()

    def place(self, number: int) -> str:
        """Where a row is, for an error's sentence."""
        return f"ark {self.sheet}, række {number}" if self.sheet else f"linje {number}"


def is_workbook(content: bytes) -> bool:
    """Whether the bytes may be an xlsx: an archive."""
    return content.startswith(_ARCHIVE)


def text_of(file: str, content: bytes) -> tuple[str, str]:
    """The text of a file and its encoding: UTF-8 if it is that, else what Danish Windows programs write.

    Raises:
        PopulationFileNotUnderstood: empty, or no text: a PDF, a picture, an archive, binary.
    """
    for signature, found in _SIGNATURES:
        if content.startswith(signature):
            raise PopulationFileNotUnderstood(file=file, found=found)
    text, encoding = _decoded(file, content)
    if not text.strip():
        raise PopulationFileNotUnderstood(file=file, found="en tom fil")
    if any(character < " " and character not in "\t\r\n\f" for character in set(text)):
        raise PopulationFileNotUnderstood(file=file, found="en fil, der ikke er tekst")
    start = text.lstrip()[:1000].casefold()
    if start.startswith("<"):
        found = "en HTML-side" if "<html" in start or "<!doctype html" in start else "XML"
        raise PopulationFileNotUnderstood(file=file, found=found)
    return text, encoding


def _decoded(file: str, content: bytes) -> tuple[str, str]:
    marked = [encoding for mark, encoding in _BYTE_ORDER_MARKS if content.startswith(mark)]
    for encoding in marked or _ENCODINGS:
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise PopulationFileNotUnderstood(file=file, found="en fil, der ikke er tekst")


def grid_of_text(file: str, text: str, encoding: str) -> Grid:
    """The rows of a text with semicolons, tabs or commas between its cells.

    Raises:
        PopulationFileNotUnderstood: no rows with several cells, or quotes that do not match.
        PopulationFileTooLarge: more cells than ``LARGEST_CELLS``.
    """
    delimiter = _delimiter(text)
    if delimiter is None:
        raise PopulationFileNotUnderstood(file=file, found="en tekst uden felter")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        rows = tuple(_bounded(file, ((reader.line_num, row) for row in reader)))
    except csv.Error as error:
        found = f"anførselstegn eller felter, der ikke går op, i linje {reader.line_num}"
        raise PopulationFileNotUnderstood(file=file, found=found) from error
    if not rows:
        raise PopulationFileNotUnderstood(file=file, found="en tom fil")
    return Grid(rows, encoding)


def _delimiter(text: str) -> str | None:
    """The one that gives the most rows the same width, of several cells; the earlier of ``_DELIMITERS`` in a tie."""
    best, best_share = None, 0.0
    sample = text[:_SAMPLE].splitlines()
    if len(text) > _SAMPLE:
        sample.pop()
    for delimiter in _DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(sample, delimiter=delimiter) if row)
        if not widths:
            continue
        width, rows = widths.most_common(1)[0]
        share = rows / widths.total()
        if width > 1 and share > best_share:
            best, best_share = delimiter, share
    return best


def _bounded(file: str, rows: Iterable[tuple[int, Iterable[str]]]) -> Iterator[Row]:
    """The rows that are not blank, while there are no more cells than we are willing to hold."""
    cells = 0
    for number, row in rows:
        stripped = tuple(cell.strip() for cell in row)
        cells += len(stripped) + 1
        if cells > LARGEST_CELLS:
            raise PopulationFileTooLarge(file=file, limit=f"{LARGEST_CELLS // 1_000_000} mio. felter")
        if any(stripped):
            yield Row(number, stripped)


def grid_of_workbook(file: str, content: bytes) -> Grid:
    """The rows of the first sheet that holds any; the other sheets that do are named as left out.

    Raises:
        PopulationFileNotUnderstood: no xlsx, or one without a filled cell.
        PopulationFileTooLarge: more than ``LARGEST_UNPACKED`` bytes when unpacked, or more than ``LARGEST_CELLS``.
    """
    try:
        _refuse_bombs(file, content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a missing style or an unknown extension is no matter of the figures
            grid = _first_filled_sheet(file, content)
    except PopulationFileNotUnderstood:
        raise
    except Exception as error:  # openpyxl and zipfile raise some ten kinds on broken archives and sheets
        raise PopulationFileNotUnderstood(file=file, found="en beskadiget xlsx-fil") from error
    if grid is None:
        raise PopulationFileNotUnderstood(file=file, found="et tomt regneark")
    return grid


def _refuse_bombs(file: str, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
    # zipfile never unpacks more of an entry than the size that the entry declares.
    if sum(entry.file_size for entry in entries) > LARGEST_UNPACKED or len(entries) > LARGEST_ARCHIVE_ENTRIES:
        raise PopulationFileTooLarge(file=file, limit=f"{LARGEST_UNPACKED // MEGABYTE} MB udpakket")
    if all(entry.filename != "xl/workbook.xml" for entry in entries):
        raise PopulationFileNotUnderstood(file=file, found="en zip-fil, der ikke er et xlsx-regneark")


def _first_filled_sheet(file: str, content: bytes) -> Grid | None:
    first: tuple[str, tuple[Row, ...]] | None = None
    left_out: list[LeftOut] = []
    workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    try:
        for sheet in workbook.worksheets:
            sheet.reset_dimensions()  # what a file says of its own size is not believed
            rows = tuple(_bounded(file, enumerate((map(_cell, row) for row in sheet.iter_rows(values_only=True)), 1)))
            if not rows:
                continue
            if first is None:
                first = (sheet.title, rows)
            else:
                left_out.append(LeftOut(f"ark {sheet.title}", "kun det første ark med indhold læses", len(rows)))
    finally:
        workbook.close()
    return Grid(first[1], "xlsx", first[0], tuple(left_out)) if first else None


def _cell(value: object) -> str:
    """A cell as the same text that a CSV would hold: 186932.0 is 186932, a date is ISO."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value == datetime.combine(value.date(), datetime.min.time()) else str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
