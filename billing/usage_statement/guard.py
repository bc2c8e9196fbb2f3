"""The guard at the door: a file is searched for CPR-like values before anything else reads it (domain rule 18).

Everything that a file holds is looked at: cells of every sheet, also hidden ones, formulas and their stored results,
comments, headings and footings, names, validations, drawings, properties, whatever else lies in the archive, and the
file's own name. What is found is told by its place alone. ``admit`` is the only maker of an ``AdmittedFile``, and
nothing else reads usage files than what was admitted.
"""

from __future__ import annotations

import contextlib
import csv
import html
import io
import posixpath
import re
import struct
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from foundation.errors import BadInput, N_
from foundation.person_number import holds_one, is_short, places, plain

LARGEST_FILE = 30_000_000
LARGEST_UNPACKED = 120_000_000
MOST_MEMBERS = 2_000
HIGHEST_RATIO = 200  # a workbook of numbers packs to a tenth, one of equal cells to a fiftieth
SMALL_MEMBER = 1_000_000  # below this the ratio is no danger
DEEPEST_ARCHIVE = 2
SHOWN_PLACES = 20
LONGEST_SHEET_NAME = 31
LONGEST_FIELD = 1_000_000

NAME_ITSELF = N_("filens navn")


class PersonNumberFound(BadInput):
    """A file holds something that looks like a CPR number. Nothing of it was read, kept or logged.

    Facts:
        places: Sheet, row and column of each; never what stands there.
        count: How many there are.
    """

    danish = N_(
        "Filen er afvist: den indeholder noget, der ligner et CPR-nummer ({count} steder): {places}. "
        "Intet af filen er gemt. Fjern kolonnen eller teksten i kildesystemets udtræk, og prøv igen.",
    )


class FileRefused(BadInput):
    """A file that may not be opened: too large, packed too tightly, damaged, or dangerous."""

    danish = N_("Filen er afvist: {reason}. Intet af den er læst eller gemt.")


class FileContent:
    """A file's bytes, which no message, log or traceback shows."""

    __slots__ = ("_data", "name")

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self._data = data

    @property
    def data(self) -> bytes:
        """All of it."""
        return self._data

    @property
    def is_archive(self) -> bool:
        """Whether it is a zip archive, as workbooks are."""
        return self._data[:4] in {b"PK\x03\x04", b"PK\x05\x06"}

    def __repr__(self) -> str:
        return f"<a file of {len(self._data)} bytes>"


@dataclass(frozen=True, slots=True)
class AdmittedFile:
    """A file in which the guard found nothing; only ``admit`` makes one."""

    content: FileContent = field(repr=False)
    text: str | None = field(repr=False)  # of a text file, decoded; None for a workbook

    @property
    def name(self) -> str:
        """The file's name."""
        return self.content.name


def require_clean_name(name: str) -> None:
    """Look at a file's name and folders before they stand in any message.

    Raises:
        PersonNumberFound: it looks like one.
    """
    found = holds_one(name) or any(is_short(part) for part in re.split(r"[\\/]|\.[A-Za-z]+$", name))
    del name  # so that no traceback holds it
    if found:
        raise PersonNumberFound(count=1, places=[NAME_ITSELF])


def require_size(size: int) -> None:
    """Refuse a large file before it is read.

    Raises:
        FileRefused: it is larger than any file of counts.
    """
    if size > LARGEST_FILE:
        raise FileRefused(reason=f"den er på over {LARGEST_FILE // 1_000_000} MB")


def admit(content: FileContent) -> AdmittedFile:
    """Search a file, and let it in where nothing was found.

    Raises:
        PersonNumberFound: with every place.
        FileRefused: it cannot be searched to its end within bounds.
    """
    require_clean_name(content.name)
    require_size(len(content.data))
    found, reason = _searched(content)
    if reason:
        raise FileRefused(reason=reason)
    if found:
        more = [f"og {len(found) - SHOWN_PLACES} steder mere"] if len(found) > SHOWN_PLACES else []
        raise PersonNumberFound(count=len(found), places=[*found[:SHOWN_PLACES], *more])
    return AdmittedFile(content, None if content.is_archive else decoded(content.data))


def _searched(content: FileContent) -> tuple[list[str], str]:
    """The places, or why the file cannot be searched. An error of a parser, which may quote the file, ends here."""
    try:
        if content.is_archive:
            archive = _Archive(_Budget())
            archive.search(content.data, "", DEEPEST_ARCHIVE)
            return archive.found, ""
        return list(_in_text_file(content.data)), ""
    except _Refuse as refusal:
        return [], refusal.reason
    except Exception:  # noqa: BLE001 - a damaged file makes the parsers raise nearly anything, some quoting it
        return [], "den er beskadiget eller er ikke en CSV- eller xlsx-fil"


class _Refuse(Exception):
    """The search ends, for a reason that holds nothing of the file."""

    def __init__(self, *, reason: str) -> None:
        super().__init__()
        self.reason = reason


# --- Text files


def decoded(data: bytes) -> str:
    """A text file's text, by its byte order mark, else UTF-16 by its zeros, UTF-8 or, last, Windows-1252."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    head = data[:4000]
    if head.count(0) * 4 > len(head):
        return data.decode("utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be", errors="replace")
    for encoding in ("utf-8", "cp1252"):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return data.decode("latin-1")


def separator_of(text: str) -> str:
    """What stands between the fields: the candidate that stands most often, and equally often, on the first lines."""
    lines = [line for line in text.splitlines()[:50] if line.strip()][:20]
    best, most = ";", 0
    for candidate in ";\t,|":
        counts = [line.count(candidate) for line in lines]
        # Danish decimals put commas into fields, so a comma wins only where nothing else is there.
        usual = sorted(counts)[len(counts) // 2] if counts else 0
        if usual > most:
            best, most = candidate, usual
            if candidate != ",":
                break
    return best


_OTHER_FILES = {
    b"\xd0\xcf\x11\xe0": "den er en ældre Excel-fil (.xls) eller krypteret; gem den som .xlsx uden adgangskode",
    b"%PDF": "den er en PDF; der skal bruges CSV eller xlsx",
    b"\x1f\x8b": "den er pakket; pak den ud",
    b"7z\xbc\xaf": "den er pakket; pak den ud",
    b"Rar!": "den er pakket; pak den ud",
}
_PACKED = (b"%PDF", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")
_NEITHER = "den er hverken en tekstfil (CSV) eller en xlsx-fil"
FEW_CONTROLS = 100


def _refuse_other_files(text: str, data: bytes) -> None:
    for start, reason in _OTHER_FILES.items():
        if data.startswith(start):
            raise _Refuse(reason=reason)
    if len(re.findall(r"[\x00-\x08\x0e-\x1f\x7f]", text)) * FEW_CONTROLS > len(text):
        raise _Refuse(reason=_NEITHER)


def _in_text_file(data: bytes) -> Iterator[str]:
    text = decoded(data)
    _refuse_other_files(text, data)
    told = False
    for place in _in_lines(text):
        told = True
        yield place
    # Where bytes of zero may have been taken for the wrong encoding, the other readings are looked at, too.
    if not told and b"\0" in data:
        readings = {data.decode(name, errors="replace") for name in ("utf-16-le", "utf-16-be")}
        readings.add(data.replace(b"\0", b"").decode("latin-1"))
        if any(True for reading in readings - {text} for _place in _in_lines(reading)):
            told = True
            yield "filens indhold, når det læses med et andet tegnsæt"
    if not told and text.lstrip("\ufeff \t\r\n").startswith(("<", "{\\rtf")):
        raise _Refuse(reason=_NEITHER)  # a page of a browser called a spreadsheet: nothing in it is a cell


def _in_lines(text: str) -> Iterator[str]:
    separator = separator_of(text)
    lines = text.splitlines()
    looked_at: set[int] = set()
    headings: dict[int, str] = {}
    csv.field_size_limit(LONGEST_FIELD)
    with contextlib.suppress(csv.Error):
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        before = 0
        for fields in reader:
            first, before = before + 1, reader.line_num
            as_read = separator.join(fields).replace('"', "")
            if first == before and first <= len(lines) and lines[first - 1].replace('"', "") == as_read:
                looked_at.add(first)
            for column, value in enumerate(fields):
                if first <= HEADINGS_WITHIN and value and not value[:1].isdigit():
                    headings[column] = value[:60]
                if looks_like_one(value, headings.get(column, "")):
                    looked_at |= set(range(first, before + 1))
                    yield f"række {first}, kolonne {column + 1}"
    # Lines that are not what was read as fields: quotes, separators and line ends can be other than they look.
    for number, line in enumerate(lines, start=1):
        if number not in looked_at and _in_line(line, separator):
            yield f"række {number}"


def _in_line(line: str, separator: str) -> bool:
    """Whether a line holds one, when each separator is a wall between its fields."""
    if len(line) < SHORTEST:
        return False
    fields = (field.strip(" \t\"'") for field in plain(line).split(separator))
    return any(True for field in fields if not _DECIMAL.fullmatch(field) for _ in places(field))


SHORTEST = 9
HEADINGS_WITHIN = 20
_AMOUNT_HEADINGS = re.compile(r"beløb|kroner|\bkr\b|øre\b|udgift|pris|saldo|amount", re.IGNORECASE)
_ACCOUNT_HEADINGS = re.compile(r"konto|\breg\b|regnr|\baccount", re.IGNORECASE)
# A number with a long fraction; ten digits behind the point are no date.
_DECIMAL = re.compile(r"\s*-?[0-9]{1,8}\.[0-9]{5,}(?:[Ee][+-]?[0-9]+)?\s*")
_WITH_OERE = re.compile(r"\s*-?[0-9]{9,}[.,][0-9]{2}\s*")
# The four digits of the bank's branch and then the account. Ten digits alone are taken for what they look like.
_ACCOUNT = re.compile(r"\s*[0-9]{4}[ -]{1,3}[0-9]{10}\s*")


def looks_like_one(value: str, heading: str = "", *, money_format: bool = False) -> bool:
    """Whether one cell holds one.

    Args:
        value: What is written there.
        heading: Over its column. Only what could not be a CPR number as people write it is let through by a heading:
            an amount with øre or formatted as one, a number that may have lost a zero, an account behind its branch.
        money_format: The cell is a number that is shown as an amount.
    """
    if len(value) < SHORTEST:
        return False
    value = plain(value)
    is_amount = _AMOUNT_HEADINGS.search(heading) is not None
    if _DECIMAL.fullmatch(value) or (is_amount and (money_format or _WITH_OERE.fullmatch(value))):
        return False
    if _ACCOUNT.fullmatch(value) and _ACCOUNT_HEADINGS.search(heading):
        return False
    # '102030000 and ="102030000" are how a spreadsheet is told that a number is text.
    return (is_short(value.strip(" \t'\"=")) and not is_amount) or any(True for _ in places(value))


def _between_parts(data: bytes, members: list[zipfile.ZipInfo]) -> Iterator[str]:
    """What an archive's bytes say outside of its parts: their headers, and what stands between and behind them."""
    at = 0
    for member in sorted(members, key=lambda one: one.header_offset):
        lengths = data[member.header_offset + 26 : member.header_offset + 30]
        begins = member.header_offset + 30 + sum(struct.unpack("<2H", lengths))
        yield from _lines_of_bytes(data[at:begins])
        at = begins + member.compress_size
    yield from _lines_of_bytes(data[at:])


def _lines_of_bytes(data: bytes) -> Iterator[str]:
    yield from data.decode("latin-1").splitlines()
    if b"\0" in data:
        yield from data.replace(b"\0", b"").decode("latin-1").splitlines()


# --- Archives: workbooks and everything else that is zipped

_SHEET = re.compile(r"xl/(?:work|chart|dialog|macro)sheets/[^/]+\.xml", re.IGNORECASE)
_GUID = re.compile(r"\{?[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\}?")
_PARAGRAPHS = frozenset({"p", "text", "comment", "si", "rich"})
# Numbers that a program makes up to tell its own parts apart; nobody writes anything there.
_OWN_NUMBERS = frozenset({"axId", "crossAx", "creationId", "modId", "uid", "revisionPtr", "calcPr", "documentId"})
_OWN_ATTRIBUTES = frozenset(
    {"uid", "axId", "hashValue", "saltValue", "rsid", "documentId", "coauthVersionLast", "coauthVersionMax"}
)
# What a heading of the page says of its looks between its letters: font, colour, bold, where it stands, size.
_LOOKS = re.compile(r'&"[^"]*"|&K(?:[0-9A-Fa-f]{6}|[0-9]{2}[+-][0-9]{3})|&[A-Za-z]')
_FONT_SIZE = re.compile(r"&[0-9]{1,2}(?=[0-9]{6})|&[0-9]{1,3}(?![0-9])")
_JOINED_TEXTS = re.compile(r'"\s*&\s*"')
_NUMBER_WITH_EXPONENT = re.compile(r"\s*[0-9](?:\.[0-9]+)?[Ee]\+?[0-9]{1,2}\s*")
_PLACES = {
    "docProps/": "filens egenskaber",
    "xl/tables/": "en tabels kolonnenavne",
    "xl/charts/": "et diagram",
    "xl/drawings/": "en tegning eller tekstboks",
    "xl/diagrams/": "en tegning",
    "xl/comments": "en kommentar",
    "xl/threadedComments/": "en kommentar i en tråd",
    "xl/persons/": "kommentarernes forfattere",
    "xl/pivot": "en pivottabels gemte data",
    "xl/externalLinks/": "gemte værdier fra en anden fil",
    "xl/connections": "en dataforbindelse",
    "xl/queryTables/": "en forespørgsel",
    "xl/embeddings/": "en indlejret fil",
    "xl/vba": "en makro",
    "xl/media/": "et billede",
    "xl/styles": "et talformat",
    "customXml/": "filens skjulte data",
    "xl/customProperty": "et arks skjulte egenskaber",
    "xl/printerSettings/": "printerindstillinger",
}


class _Budget:
    """How much may still be unpacked, of the file and all that lies within."""

    def __init__(self) -> None:
        self.bytes = LARGEST_UNPACKED
        self.members = MOST_MEMBERS

    def take(self, members: list[zipfile.ZipInfo]) -> None:
        self.members -= len(members)
        self.bytes -= sum(member.file_size for member in members)
        if self.members < 0:
            raise _Refuse(reason="den er pakket af for mange dele")
        tight = any(
            member.file_size > SMALL_MEMBER and member.file_size > HIGHEST_RATIO * max(member.compress_size, 1)
            for member in members
        )
        if self.bytes < 0 or tight:
            raise _Refuse(reason="den fylder for meget, når den er pakket ud")
        if any(member.flag_bits & 1 for member in members):
            raise _Refuse(reason="den er krypteret; gem den uden adgangskode")
        if any(member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for member in members):
            raise _Refuse(reason="den er pakket på en usædvanlig måde")


class _Archive:
    """The search of one archive; what is found is told by place."""

    def __init__(self, budget: _Budget) -> None:
        self.found: list[str] = []
        self._budget = budget
        self._titles: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self._bad_strings: dict[int, bool] = {}  # shared string -> whether a cell shows it
        self._strings: list[str] = []
        self._money_formats: set[int] = set()

    def search(self, data: bytes, where: str, depth: int) -> None:
        """Look at every part.

        Raises:
            _Refuse: a bound is passed.
        """
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            self._budget.take(members)
            names = {member.filename for member in members}
            if len(names) < len(members):
                raise _Refuse(reason="den har to dele med samme navn")
            for place, member in enumerate(members, start=1):
                if holds_one(member.filename) or holds_one(member.comment.decode("latin-1")):
                    self._tell(f"{where}navnet på den {place}. del i filen")
            if holds_one(archive.comment.decode("latin-1")):
                self._tell(f"{where}arkivets bemærkning")
            if any(holds_one(line) for line in _between_parts(data, members)):
                self._tell(f"{where}mellem filens dele")
            self._workbook(archive, names)
            for member in members:
                if member.is_dir():
                    continue
                with archive.open(member) as part:
                    self._part(member.filename, part, where, depth)
            self._unused_strings(where)

    def _tell(self, place: str) -> None:
        if place not in self.found:
            self.found.append(place)

    # What the parts are called

    def _workbook(self, archive: zipfile.ZipFile, names: set[str]) -> None:
        """Sheets by their titles, comments by their sheets, the shared texts, and which formats are money."""
        if "xl/workbook.xml" not in names:
            return
        ids = _relations_of(archive, "xl/workbook.xml", names)
        with archive.open("xl/workbook.xml") as part:
            number = 0
            for element, _within in _elements(part):
                if _local(element.tag) == "sheet":
                    number += 1
                    title = element.get("name", "")
                    target = ids.get(next((value for key, value in element.items() if _local(key) == "id"), ""), "")
                    named = f"ark «{title[:LONGEST_SHEET_NAME]}»" if title else ""
                    self._titles[target] = f"ark nr. {number}" if holds_one(title) or not named else named
        for sheet, title in list(self._titles.items()):
            for target in _relations_of(archive, sheet, names).values():
                self._owners[target] = title
        if "xl/sharedStrings.xml" in names:
            with archive.open("xl/sharedStrings.xml") as part:
                self._shared_strings(part)
        if "xl/styles.xml" in names:
            with archive.open("xl/styles.xml") as part:
                self._formats(part)

    def _shared_strings(self, part: IO[bytes]) -> None:
        for element, within in _elements(part, keep="si"):
            if _local(element.tag) == "si" and not within:
                text = _joined(element)
                if looks_like_one(text) or holds_one(" ".join(_texts(element))):
                    self._bad_strings[len(self._strings)] = False
                self._strings.append(text[:60])

    def _formats(self, part: IO[bytes]) -> None:
        """Which cell formats are amounts: thousands separated, or two decimals."""
        codes = {3: "#,##0", 4: "#,##0.00", 2: "0.00", 7: "#,##0.00", 8: "#,##0.00", 39: "#,##0.00", 40: "#,##0.00"}
        formats = codes | dict.fromkeys((5, 6, 37, 38, 41, 42, 43, 44), "#,##0.00")
        within = False
        place = 0
        for event, element in _events(part):
            name = _local(element.tag)
            if name == "numFmt" and event == "start":
                formats[int(element.get("numFmtId", "0"))] = element.get("formatCode", "")
            elif name == "cellXfs":
                within = event == "start"
            elif name == "xf" and within and event == "start":
                code = formats.get(int(element.get("numFmtId", "0")), "")
                if "#,##" in code or "0.00" in code:
                    self._money_formats.add(place)
                place += 1

    def _where(self, name: str, where: str) -> str:
        owner = self._owners.get(name)
        kind = next((danish for start, danish in _PLACES.items() if name.startswith(start)), "")
        if not kind:
            kind = "en del af filen uden for arkene"
        return f"{where}{kind} i {owner}" if owner else f"{where}{kind}"

    # The parts

    def _part(self, name: str, part: IO[bytes], where: str, depth: int) -> None:
        head = part.read(4)
        part.seek(0)
        if head.startswith(_PACKED):
            raise _Refuse(reason="den har en pakket fil eller en PDF inden i sig, som ikke kan gennemsøges")
        if head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
            if depth == 0:
                raise _Refuse(reason="den har arkiver inden i hinanden i for mange lag")
            inner = _Archive(self._budget)
            inner.search(part.read(), f"{where}en fil inden i filen, ", depth - 1)
            for place in inner.found:
                self._tell(place)
        elif name == "xl/sharedStrings.xml":
            self._attributes_only(part, where)
        elif name in self._titles or _SHEET.fullmatch(name):
            self._sheet(part, f"{where}{self._titles.get(name, 'et ark uden navn')}")
        elif name.lower().endswith(".vml"):
            self._drawing(name, part, where)
        elif _is_xml(head, name):
            self._xml(name, part, where)
        else:
            self._bytes(name, part.read(), where)

    def _sheet(self, part: IO[bytes], title: str) -> None:
        headings: dict[str, str] = {}
        row = 0
        for element, within in _elements(part, keep="c"):
            name = _local(element.tag)
            if name == "c" and not within:
                row = self._cell(element, title, row, headings)
            elif not within or _is_remark(element):
                if name == "row":
                    row = int(element.get("r", "0") or 0) or row
                self._outside_cells(element, name, title)

    def _cell(self, element: Element, title: str, row: int, headings: dict[str, str]) -> int:
        match = _REFERENCE.fullmatch(element.get("r", ""))
        letters, number = (match[1], int(match[2])) if match else ("?", row)
        kind = element.get("t", "n")
        value = next((child.text or "" for child in element if _local(child.tag) == "v"), "")
        texts = [_joined(child) for child in element if _local(child.tag) in {"f", "is"}]
        texts += [_JOINED_TEXTS.sub("", text) for text in texts if "&" in text]
        heading = headings.get(letters, "")
        if kind == "s":
            index = int(value) if value.strip().isdigit() else -1
            bad = index in self._bad_strings
            if bad:
                self._bad_strings[index] = True
            elif 0 <= index < len(self._strings) and number <= HEADINGS_WITHIN:
                headings[letters] = self._strings[index]
        elif kind == "n":
            form = element.get("s", "")
            money = form.isdigit() and int(form) in self._money_formats
            written = _as_written(value)
            bad = written is not None and looks_like_one(written, heading, money_format=money)
        else:
            bad = looks_like_one(value, heading)
            if kind == "inlineStr" and texts and number <= HEADINGS_WITHIN:
                headings[letters] = texts[0][:60]
        attributes = _written_attributes(element)
        if bad or any(looks_like_one(text, heading) for text in texts) or any(holds_one(text) for text in attributes):
            self._tell(f"{title}, række {number}, kolonne {letters}")
        return number

    def _outside_cells(self, element: Element, name: str, title: str) -> None:
        """Headings and footings, validations, links, conditions: whatever a sheet holds beside its cells."""
        tails = [child.tail for child in element if child.tail]
        texts = [element.text or "", *tails, *_written_attributes(element)]
        if "Header" in name or "Footer" in name:
            bare = [_LOOKS.sub("", text) for text in texts]
            texts += [*bare, *(_FONT_SIZE.sub(joint, text) for text in bare for joint in ("", " "))]
        if any(holds_one(text) or is_short(plain(text.strip('"'))) for text in texts if text):
            kind = next(
                (
                    danish
                    for start, danish in (
                        ("oddHeader", "sidehoved"),
                        ("evenHeader", "sidehoved"),
                        ("firstHeader", "sidehoved"),
                        ("oddFooter", "sidefod"),
                        ("evenFooter", "sidefod"),
                        ("firstFooter", "sidefod"),
                        ("hyperlink", "et link"),
                        ("dataValidation", "en datavalidering"),
                        ("formula", "en datavalidering eller betinget formatering"),
                    )
                    if name.startswith(start)
                ),
                "uden for cellerne",
            )
            where = (element.get("ref") or element.get("sqref") or "")[:20]
            self._tell(f"{title}, {kind}" + (f" ved {where}" if re.fullmatch(r"[A-Z0-9: ]+", where) else ""))

    def _xml(self, name: str, part: IO[bytes], where: str) -> None:
        """Any other part: texts by paragraph and all in one, and what stands in attributes."""
        place = self._where(name, where)
        is_workbook = name == "xl/workbook.xml"
        run: list[str] = []
        cell = ""
        paragraphs = 0
        for event, element in _events(part):
            local = _local(element.tag)
            if event == "start":
                cell = element.get("ref", "") if local in {"comment", "threadedComment"} else cell
                paragraphs += local == "p"
                continue
            texts = list(_written_attributes(element))
            if local not in _OWN_NUMBERS and element.text:
                texts.append(element.text)
                if local == "t":
                    run.append(element.text)
            texts += [child.tail for child in element if child.tail]
            if local in _PARAGRAPHS:  # where a text ends that may be cut into runs
                texts.append("".join(run))
                run.clear()
            if local == "p":  # runs of other programs have other names
                paragraphs -= 1
                texts.append("".join(element.itertext()))
            if any(looks_like_one(_in_digits(text)) for text in texts):
                self._tell(_more_exactly(place, local, cell, is_workbook=is_workbook))
            if not paragraphs:
                _empty(element)

    def _drawing(self, name: str, part: IO[bytes], where: str) -> None:
        """Spreadsheets write the texts of old drawings as HTML, which may be no XML."""
        try:
            self._xml(name, part, where)
        except _Refuse:
            part.seek(0)
            text = html.unescape(decoded(part.read()))
            if any(holds_one(line) for read in (text, re.sub(r"<[^>]*>", "", text)) for line in read.splitlines()):
                self._tell(self._where(name, where))

    def _attributes_only(self, part: IO[bytes], where: str) -> None:
        for element, _within in _elements(part):
            texts = [*_written_attributes(element), (element.text or "") if _is_remark(element) else ""]
            if any(holds_one(text) for text in texts):
                self._tell(f"{where}de fælles tekster")

    def _unused_strings(self, where: str) -> None:
        if any(not shown for shown in self._bad_strings.values()):
            self._tell(f"{where}de fælles tekster: en tekst, som ingen celle viser længere")

    def _bytes(self, name: str, data: bytes, where: str) -> None:
        """A part that is no XML: text in any encoding, a macro, an older document."""
        if name.lower().endswith((".csv", ".txt", ".tsv")):
            for found in _in_text_file(data):
                self._tell(f"{self._where(name, where)}, {found}")
        elif any(holds_one(line) for line in _lines_of_bytes(data)):
            self._tell(self._where(name, where))


def _more_exactly(place: str, local: str, cell: str, *, is_workbook: bool) -> str:
    if is_workbook:
        return {"sheet": "et arks navn", "definedName": "et navngivet område"}.get(local, "projektmappens oplysninger")
    match = _REFERENCE.fullmatch(cell)
    if match and "kommentar" in place:
        return f"{place}, række {match[2]}, kolonne {match[1]}"
    titles = {
        "title": "titel",
        "subject": "emne",
        "creator": "forfatter",
        "lastModifiedBy": "sidst ændret af",
        "keywords": "nøgleord",
        "description": "beskrivelse",
        "Company": "firma",
        "Manager": "leder",
        "TitlesOfParts": "arkenes navne",
        "property": "egen egenskab",
    }
    return f"{place} ({titles[local]})" if local in titles and "egenskaber" in place else place


_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_LARGEST_EXACT = 10**15
_NOISE = 1e-6  # what a calculation leaves behind the point of a whole number


def _as_written(number: str) -> str | None:
    """A cell's number in digits, ``1.0203E8`` as 102030000; None for one with a fraction, which is no CPR number."""
    try:
        value = float(number)
    except ValueError:
        return number
    nearest = round(value) if abs(value) <= _LARGEST_EXACT else None
    return None if nearest is None or abs(value - nearest) > _NOISE else str(nearest)


def _in_digits(text: str) -> str:
    """A number with an exponent in digits; any other text as it is."""
    return (_as_written(text) or text) if _NUMBER_WITH_EXPONENT.fullmatch(text) else text


def _empty(element: Element) -> None:
    """Drop what was looked at; what stands behind it may still be on its way."""
    tail = element.tail
    element.clear()
    element.tail = tail


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _is_remark(element: Element) -> bool:
    """Whether it is a comment or an instruction of the XML itself."""
    return not isinstance(element.tag, str)


def _texts(element: Element) -> Iterator[str]:
    """The texts of an element, those that only tell how to pronounce it among them."""
    for one in element.iter():
        if one.text:
            yield one.text


def _joined(element: Element) -> str:
    return "".join(_texts(element))


def _written_attributes(element: Element) -> Iterator[str]:
    if _local(element.tag) in _OWN_NUMBERS:
        return
    for key, value in element.attrib.items():
        long = len(value) > 8 or _NUMBER_WITH_EXPONENT.fullmatch(value)  # noqa: PLR2004 - nine digits are the fewest
        if long and _local(key) not in _OWN_ATTRIBUTES:
            yield _GUID.sub(" ", value)


def _is_xml(head: bytes, name: str) -> bool:
    return name.lower().endswith((".xml", ".rels", ".vml")) or head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")


def _events(part: IO[bytes]) -> Iterator[tuple[str, Element]]:
    """Elements as they begin and end; remarks and instructions end, too, so that what they say is looked at."""
    try:
        parser = DefusedXMLParser(target=TreeBuilder(), forbid_dtd=True)
        for event, element in iterparse(part, events=("start", "end", "comment", "pi"), parser=parser):
            yield ("end" if event in {"comment", "pi"} else event), element
    except DefusedXmlException:
        # from None, and no cause kept: the parser's error may quote what it read
        refusal = _Refuse(reason="den indeholder XML, der ikke er tilladt")
    except ParseError:
        refusal = _Refuse(reason="den er beskadiget")
    else:
        return
    raise refusal


def _elements(part: IO[bytes], keep: str = "") -> Iterator[tuple[Element, bool]]:
    """Every element as it ends, and whether it lies in one named ``keep``; emptied when it is no longer needed."""
    depth = 0
    for event, element in _events(part):
        kept = bool(keep) and _local(element.tag) == keep
        if event == "start":
            depth += kept
            continue
        depth -= kept
        yield element, depth > 0
        if not depth:
            _empty(element)


def _relations_of(archive: zipfile.ZipFile, name: str, names: Iterable[str]) -> dict[str, str]:
    """Id -> the part that it leads to, of one part."""
    folder, _, file = name.rpartition("/")
    place = f"{folder}/_rels/{file}.rels"
    if place not in set(names):
        return {}
    found = {}
    with archive.open(place) as part:
        for element, _within in _elements(part):
            target = element.get("Target", "")
            if target and element.get("TargetMode") != "External":
                path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")
                found[element.get("Id", "")] = path
    return found


def column_name(index: int) -> str:
    """A column from 0 as spreadsheets name it."""
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - openpyxl takes its time to load, and only here

    return str(get_column_letter(index + 1))
