"""A TOML file read strictly: every mistake is collected with its line and key, and told at once.

tomllib gives values without lines, so the lines of keys are found by a small scan of a text that tomllib has already
accepted. A table is read key by key; a key that nobody read is unknown, and the nearest known one is suggested.
Reading a value that is missing or wrong notes the problem and answers a harmless stand-in, so that the rest of the file
is still checked; ``Findings.raise_if_any`` ends the reading.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import TypeVar

from foundation.errors import Problems

LARGEST_FILE_BYTES = 5_000_000
LONGEST_LINE = 10_000
SHOWN_PROBLEMS = 100

Choice = TypeVar("Choice", bound=StrEnum)

_PLAIN_KEY = re.compile(r"[\w-]{1,60}(\[\d+\])?")
# Far deeper than any key of ours; tomllib takes seconds over a line of a thousand dots.
_DEEP_KEY = re.compile(
    r"""(?<![\w-])(?:[\w-]+|"[^"\n]*"|'[^'\n]*')(?:[ \t]*\.[ \t]*(?:[\w-]+|"[^"\n]*"|'[^'\n]*')){40}"""
)
_AT_LINE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_BYTES_OF_OTHER_FILES = {
    b"%PDF": "en PDF-fil",
    b"PK\x03\x04": "en Excel-fil eller et zip-arkiv",
    b"\xd0\xcf\x11\xe0": "en ældre Excel-fil (.xls)",
    b"\xff\xfe": "en tekst i UTF-16",
    b"\xfe\xff": "en tekst i UTF-16",
}
# What tomllib says, in Danish; the first that fits. Anything else is told as a line that cannot be read.
_SYNTAX_IN_DANISH = (
    ("Cannot overwrite a value", "nøglen står der mere end én gang"),
    ("Cannot declare", "tabellen i kantede parenteser står der mere end én gang, eller dens navn er brugt til andet"),
    ("Cannot mutate immutable namespace", "tabellen i kantede parenteser er allerede skrevet ud på anden måde"),
    ("Duplicate inline table key", "nøglen står der mere end én gang"),
    ("Expected '=' after a key", "der mangler et lighedstegn efter nøglen"),
    ("Expected ']", "der mangler en kantet parentes"),
    ("Unclosed array", "der mangler en kantet parentes, ], efter listen"),
    ("Unclosed inline table", "der mangler en krøllet parentes, }, efter tabellen"),
    ("Unterminated string", 'der mangler et anførselstegn, ", efter teksten'),
    ("Unescaped", "teksten indeholder en omvendt skråstreg, \\, som skal skrives \\\\"),
    ("Invalid value", 'værdien kan ikke læses; tekster skrives i anførselstegn, fx "461", og datoer 2009-01-01'),
    ("Invalid date", "datoen findes ikke; datoer skrives 2009-01-01"),
    ("Invalid initial character for a key", "her skulle der stå en nøgle; navne med æ, ø, å skrives i anførselstegn"),
    ("Expected newline or end of document", "der står mere på linjen, end der kan læses"),
    ("Found invalid character", "der er et tegn, som ikke kan bruges"),
    ("Illegal character", "der er et tegn eller et linjeskift, som ikke kan bruges her"),
)


@dataclass(slots=True)
class Findings:
    """The problems found in one file so far.

    Attributes:
        source: The file's name as given.
        lines: Key path -> line number, where the scan found it.
    """

    source: str
    lines: Mapping[str, int] = field(default_factory=dict)
    _found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, path: str, message: str, line: int | None = None) -> None:
        """Note a problem with a key, or with the whole file if the path is empty."""
        line = line or self._line_of(path)
        place = ", ".join(part for part in (f"linje {line}" if line else "", path) if part)
        self._found.append((line or 0, f"{place}: {message}" if place else message))

    @property
    def count(self) -> int:
        """How many problems have been found."""
        return len(self._found)

    def _line_of(self, path: str) -> int | None:
        """The line of a key, or of the nearest list or table around it whose line is known."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path)

    def raise_if_any(self) -> None:
        """End the reading if anything was found.

        Raises:
            Problems: all of them, by line; of very many the first hundred, and how many more there are.
        """
        if not self._found:
            return
        # Those without a line come last; sorted() is stable, so the order of reading decides among equals.
        told = [text for _, text in sorted(self._found, key=lambda found: found[0] or LARGEST_FILE_BYTES)]
        if len(told) > SHOWN_PROBLEMS:
            told = [*told[:SHOWN_PROBLEMS], f"… og {len(told) - SHOWN_PROBLEMS} fejl mere"]
        raise Problems(source=self.source, problems=told)


def display(value: object) -> str:
    """A value from a file as a message may show it: short, on one line, without control characters."""
    if isinstance(value, str):
        text = f'"{value[:60]}…"' if len(value) > 60 else f'"{value}"'  # noqa: PLR2004 - long enough to recognise
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, Mapping):
        return "en tabel"
    elif isinstance(value, list | tuple):
        return "en liste"
    elif isinstance(value, int) and abs(value) >= 10**30:
        return "et meget stort tal"
    else:
        text = str(value)[:60]
    return "".join(character if not is_control(character) else "�" for character in text)


def is_control(character: str) -> bool:
    """Whether a character is a control character or one that XML and databases refuse."""
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in "\ufffe\uffff"


def nearest(word: str, known: Sequence[str]) -> str:
    """``; mente du …?`` with the known word that looks most like this one, or nothing."""
    close = difflib.get_close_matches(word.casefold(), known, n=1, cutoff=0.6)
    return f"; mente du {close[0]}?" if close else ""


def listed(values: Sequence[str]) -> str:
    """Allowed values as a person lists them: ``"a", "b" eller "c"``."""
    quoted = [f'"{value}"' for value in values]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} eller {quoted[-1]}"


class Table:
    """One table of the file. Every reading notes what it expects; ``finish`` notes the keys that nobody asked for."""

    def __init__(self, findings: Findings, path: str, values: Mapping[str, object]) -> None:
        self.findings = findings
        self.path = path
        self._values = values
        self._asked: list[str] = []

    def key_path(self, key: str) -> str:
        """The dotted name of a key of this table: ``budgets[2].amount``, where the first budget is 1."""
        return _joined(self.path, key)

    def problem(self, key: str, message: str) -> None:
        """Note a problem with one key; for a key that is not there, at the table's own line."""
        self.findings.add(self.key_path(key), message)

    def has(self, key: str) -> bool:
        """Whether the key is written in the table."""
        return key in self._values

    def value(self, key: str, expected: str, *, required: bool) -> object | None:
        """The raw value, or None and, where it is required, a problem."""
        self._asked.append(key)
        if key not in self._values and required:
            self.problem(key, f"mangler; forventet {expected}")
        return self._values.get(key)

    def text(self, key: str, expected: str, *, required: bool = True, longest: int = 200) -> str:
        """A text on one line, without spaces around it; empty when it is missing or wrong."""
        value = self.value(key, expected, required=required)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.problem(key, f"{display(value)} er ikke en tekst; forventet {expected}, i anførselstegn")
            return ""
        text = value.strip()
        if any(is_control(character) for character in text):
            self.problem(key, "teksten skal stå på én linje og uden styretegn")
        elif len(text) > longest:
            self.problem(key, f"teksten er på {len(text)} tegn; højst {longest} er tilladt")
        elif not text and required:
            self.problem(key, f"er tom; forventet {expected}")
        else:
            return text
        return ""

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number from ``low`` to ``high``; the default, or ``low``, when it is missing or wrong."""
        expected = f"et helt tal fra {low} til {high}"
        value = self.value(key, expected, required=default is None)
        stand_in = low if default is None else default
        if value is None:
            return stand_in
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.problem(key, f"{display(value)} kan ikke bruges; forventet {expected}, uden anførselstegn")
            return stand_in
        return value

    def day(self, key: str, *, required: bool = True) -> date | None:
        """A date; None when it is missing or wrong."""
        expected = "en dato uden anførselstegn og klokkeslæt, fx 2009-01-01"
        value = self.value(key, expected, required=required)
        if value is None:
            return None
        if isinstance(value, datetime | time) or not isinstance(value, date):
            self.problem(key, f"{display(value)} er ikke en dato; forventet {expected}")
            return None
        return value

    def choice(self, key: str, default: Choice, not_yet: Mapping[str, str]) -> Choice:
        """One of an enumeration's values; those that agreements elsewhere use are named as not supported yet."""
        kind = type(default)
        allowed = [str(member) for member in kind]
        value = self.value(key, listed(allowed), required=False)
        if value is None:
            return default
        if isinstance(value, str) and value in allowed:
            return kind(value)
        if isinstance(value, str) and value in not_yet:
            self.problem(key, f"{not_yet[value]} ({display(value)}) understøttes ikke endnu; brug {listed(allowed)}")
        else:
            hint = nearest(value, allowed) if isinstance(value, str) else ""
            self.problem(key, f"{display(value)} kan ikke bruges; forventet {listed(allowed)}{hint}")
        return default

    def texts(self, key: str, expected: str, *, required: bool = True) -> list[tuple[str, str]]:
        """A list of texts, each with its key path; empty when it is missing or wrong."""
        value = self.value(key, expected, required=required)
        if value is None:
            return []
        if not isinstance(value, list):
            self.problem(key, f"{display(value)} er ikke en liste; forventet {expected}")
            return []
        found = []
        for number, item in enumerate(value, start=1):
            if isinstance(item, str):
                found.append((f"{key}[{number}]", item.strip()))
            else:
                self.problem(f"{key}[{number}]", f"{display(item)} er ikke en tekst i anførselstegn")
        if not value:
            self.problem(key, f"listen er tom; forventet {expected}")
        return found

    def table(self, key: str, *, required: bool = False) -> Table:
        """A table within this one; an empty one when it is missing or wrong."""
        path = self.key_path(key)
        value = self.value(key, f"en tabel, [{path}]", required=required)
        if value is not None and not isinstance(value, dict):
            self.problem(key, f"{display(value)} er ikke en tabel; forventet [{path}]")
            value = None
        return Table(self.findings, path, value or {})

    def tables(self, key: str, *, required: bool = False) -> list[Table]:
        """The tables written ``[[key]]``, in the file's order; empty when they are missing or wrong."""
        path = self.key_path(key)
        value = self.value(key, f"mindst én tabel, [[{path}]]", required=required)
        if value is None:
            return []
        if not isinstance(value, list) or (required and not value):
            self.problem(key, f"{display(value)} kan ikke bruges; forventet mindst én tabel skrevet [[{path}]]")
            return []
        found = []
        for number, item in enumerate(value, start=1):
            if isinstance(item, dict):
                found.append(Table(self.findings, f"{path}[{number}]", item))
            else:
                self.problem(f"{key}[{number}]", f"{display(item)} er ikke en tabel; forventet [[{path}]]")
        return found

    def finish(self, not_yet: Mapping[str, str] | None = None) -> None:
        """Note every key that nobody asked for, with what was probably meant."""
        for key in self._values:
            if key in self._asked:
                continue
            if not_yet and key in not_yet:
                self.problem(key, f"{not_yet[key]} understøttes ikke endnu")
            else:
                self.problem(key, f"ukendt nøgle{nearest(key, self._asked) or '; her kan stå ' + listed(self._asked)}")


def _joined(path: str, key: str) -> str:
    shown = key if _PLAIN_KEY.fullmatch(key) else display(key)
    return f"{path}.{shown}" if path else shown


def read_toml(source: str, content: bytes | str) -> Table:
    """The file as its outermost table.

    Raises:
        Problems: too large, not UTF-8, another kind of file, or not TOML; with the line and column where it stops.
    """
    text = _decoded(source, content)
    findings = Findings(source)
    try:
        values = tomllib.loads(f"{text}\n")  # so that a mistake on the last line is told with its line
    except tomllib.TOMLDecodeError as error:
        place = _AT_LINE.search(str(error))
        said = next((danish for english, danish in _SYNTAX_IN_DANISH if english in str(error)), "linjen kan ikke læses")
        findings.add(f"kolonne {place[2]}" if place else "sidst i filen", said, int(place[1]) if place else None)
    except RecursionError:
        findings.add("", "der er for mange parenteser inden i hinanden")
    except ValueError:  # a whole number of more than 4,300 digits, a date or an offset out of range
        findings.add("", "et tal, en dato eller et klokkeslæt i filen er uden for det mulige")
    findings.raise_if_any()
    findings.lines = _lines_of_keys(text)
    return Table(findings, "", values)


def _decoded(source: str, content: bytes | str) -> str:
    """The text with its line ends as TOML wants them, without a byte order mark."""
    if isinstance(content, bytes):
        _refuse_other_files(source, content)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            problem = (
                f"linje {line}: filen er ikke gemt som UTF-8; den er formentlig gemt som Latin-1 (Windows ANSI). "
                "Gem den igen med tegnsættet UTF-8"
            )
            raise Problems(source=source, problems=[problem]) from error
    else:
        text = content.removeprefix("\ufeff")
    if len(text) > LARGEST_FILE_BYTES:
        raise Problems(source=source, problems=[_too_large()])
    long = next((number for number, line in enumerate(text.split("\n"), start=1) if len(line) > LONGEST_LINE), None)
    if long:
        raise Problems(source=source, problems=[f"linje {long}: linjen er på mere end {LONGEST_LINE} tegn"])
    if deep := _DEEP_KEY.search(text):
        line = text.count("\n", 0, deep.start()) + 1
        raise Problems(source=source, problems=[f"linje {line}: der er for mange punktummer i nøglen"])
    return text


def _refuse_other_files(source: str, content: bytes) -> None:
    if len(content) > LARGEST_FILE_BYTES:
        raise Problems(source=source, problems=[_too_large()])
    for start, kind in _BYTES_OF_OTHER_FILES.items():
        if content.startswith(start):
            raise Problems(source=source, problems=[f"filen er {kind}; forventet en tekstfil i TOML, gemt som UTF-8"])


def _too_large() -> str:
    return f"filen er større end {LARGEST_FILE_BYTES // 1_000_000} MB; så stor er ingen fil af denne slags"


_PIECE = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # texts over several lines, "..." and '...'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}=.,\n]"
    r"|[^\s\[\]{}=.,\"'\#]+",
    re.DOTALL,
)


def _lines_of_keys(text: str) -> dict[str, int]:
    """Key path -> line, for tables and keys at the start of a line. The text is already known to be TOML."""
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    for number, statement in _statements(text):
        if statement[0] == "[":
            array = statement[:2] == ["[", "["]
            depth = 2 if array else 1
            table = _numbered(_parts(statement[depth:-depth]), counts, new=array)
            lines.setdefault(table, number)
            if array:  # the list itself begins with its first table
                lines.setdefault(table[: table.rfind("[")], number)
        else:
            parts = _parts(statement[: statement.index("=")])
            for end in range(1, len(parts) + 1):
                lines.setdefault(_dotted(table, parts[:end]), number)
    return lines


def _statements(text: str) -> list[tuple[int, list[str]]]:
    """The text cut where a key or a table starts: its line, and its pieces up to the end of its first line."""
    found: list[tuple[int, list[str]]] = []
    pieces: list[str] = []
    line, first_line, depth, in_value = 1, 1, 0, False
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece == "\n" and depth == 0:
            if pieces:
                found.append((first_line, pieces))
            pieces, in_value = [], False
        elif not piece.startswith(("#", "\n")):
            if not pieces:
                first_line = line
            if not in_value:
                pieces.append(piece)
            elif piece in "[{":
                depth += 1
            elif piece in "]}":
                depth -= 1
            in_value = in_value or piece == "="
        line += piece.count("\n")
    if pieces:
        found.append((first_line, pieces))
    return found


def _parts(pieces: Sequence[str]) -> list[str]:
    return [_unquoted(piece) for piece in pieces if piece != "."]


def _unquoted(piece: str) -> str:
    if piece[0] == "'":
        return piece[1:-1]
    if piece[0] == '"':
        return str(tomllib.loads(f"key = {piece}")["key"])
    return piece


def _dotted(path: str, parts: Sequence[str]) -> str:
    for part in parts:
        path = _joined(path, part)
    return path


def _numbered(parts: Sequence[str], counts: dict[str, int], *, new: bool) -> str:
    """The path of a table's heading with the numbers of the lists of tables that it lies in."""
    path = ""
    for position, part in enumerate(parts, start=1):
        path = _joined(path, part)
        if new and position == len(parts):
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path = f"{path}[{counts[path]}]"
    return path
