"""An admitted file becomes counts: rows are read, counted with pandas and forgotten. Nothing of a row is told.

What cannot be understood is told by row and column and by what was expected there, never by what stands there: a name
that slipped into the wrong column must not travel on in a message.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

import openpyxl
import pandas as pd

from agreements.agreement import MunicipalityCode
from agreements.municipality import MUNICIPALITIES, find_by_name
from billing.usage_statement.facts import ELSEWHERE, PROMPT_DAYS, UNSTATED, FigureKey, Measure, UsagePeriod
from billing.usage_statement.guard import AdmittedFile, column_name, separator_of
from billing.usage_statement.mapping import (
    FIELDS,
    MEASURES,
    OUTCOMES,
    ColumnMapping,
    Outcome,
    Shape,
    folded,
    is_like_heading,
    suggested,
)
from foundation.errors import BadInput, N_
from foundation.period import DANISH_MONTHS, MONTHS_PER_YEAR, Month, NotAPeriod

MOST_ROWS = 200_000
HEADING_WITHIN_ROWS = 20
MOST_COUNT = 10_000_000
MOST_SESSIONS = 2_000  # of one course in one period
MOST_WAITING_DAYS = 3_660
NEVER = 10**6  # a month that does not come

Row: TypeAlias = Sequence[object]


class FileNotUnderstood(BadInput):
    """A file that holds no table of usage."""

    danish = N_("Filen kan ikke læses som forbrug: {reason}. Intet er ændret.")


@dataclass(frozen=True, slots=True)
class LineProblem:
    """A row that was not understood.

    Attributes:
        row: As the file or spreadsheet counts them, from 1.
        column: Its letter; empty for the row as a whole.
        field: What the column was taken for, in Danish.
        expected: What should have stood there.
    """

    row: int
    column: str
    field: str
    expected: str

    @property
    def text(self) -> str:
        """One phrase for people."""
        place = f"række {self.row}" + (f", kolonne {self.column} ({self.field})" if self.column else "")
        return f"{place}: {self.expected}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says, counted.

    Attributes:
        counts: By service, residence and measure; without those that are zero.
        rows: How many rows were counted.
        problems: The rows that were not understood, in order.
        dropped: The headings of columns that nobody mapped; they were not read.
        unnamed: How many columns more had no heading that may be told.
        outside: Rows of courses that were not under way in the period.
        totals: Rows with sums, which are not counted.
    """

    shape: Shape
    counts: Mapping[FigureKey, int]
    rows: int
    problems: tuple[LineProblem, ...]
    dropped: tuple[str, ...]
    unnamed: int
    outside: int
    totals: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file may speak of.

    Attributes:
        services: Code -> title.
    """

    services: Mapping[str, str]
    members: Collection[MunicipalityCode]
    period: UsagePeriod


@dataclass(frozen=True, slots=True)
class _Grid:
    """One sheet, or a text file as a whole."""

    title: str
    rows: list[Row] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Located:
    """A sheet with its row of headings."""

    grid: _Grid
    heading_row: int  # from 0
    headings: list[str]


def headings_of(file: AdmittedFile, shape: Shape | None = None) -> list[str]:
    """The headings that most fields are suggested by.

    Raises:
        FileNotUnderstood: there is no row of headings.
    """

    def fitting(headings: Sequence[str]) -> int:
        return len(suggested(headings, shape).columns)

    return _located(_grids(file), fitting).headings


def read_usage(file: AdmittedFile, mapping: ColumnMapping, expected: Expected) -> Reading:
    """Count a file's rows by the mapping.

    Raises:
        FileNotUnderstood: the mapped columns are not there.

    Source: domain rules 16 and 18.
    """
    wanted = {folded(heading): name for name, heading in mapping.columns.items()}

    def fitting(headings: Sequence[str]) -> int:
        return sum(folded(heading) in wanted for heading in headings)

    grids = _grids(file)
    located = _located(grids, fitting)
    _require_one(grids, located, fitting)
    columns: dict[str, int] = {}
    for index, heading in enumerate(located.headings):
        name = wanted.get(folded(heading))
        if name is not None:
            columns.setdefault(name, index)
    missing = [heading for name, heading in mapping.columns.items() if name not in columns]
    if missing:
        raise FileNotUnderstood(reason=f"kolonnerne {', '.join(f'«{heading}»' for heading in missing)} mangler")
    others = [heading for index, heading in enumerate(located.headings) if index not in set(columns.values())]
    counting = _Counting(mapping, expected, columns)
    counting.read(located, _formulas_without_results(file, located))
    named = tuple(heading for heading in others if is_like_heading(heading))
    return Reading(
        shape=mapping.shape,
        counts=counting.counts,
        rows=counting.rows,
        problems=tuple(sorted(counting.problems, key=lambda problem: (problem.row, problem.column))),
        dropped=named,
        unnamed=sum(bool(heading) for heading in others) - len(named),
        outside=counting.outside,
        totals=counting.totals,
    )


# --- The file as rows


def _grids(file: AdmittedFile) -> list[_Grid]:
    if file.text is not None:
        csv.field_size_limit(MOST_COUNT)
        try:
            reader = csv.reader(io.StringIO(file.text, newline=""), delimiter=separator_of(file.text))
            return [_Grid("", _limited(reader))]
        except csv.Error:
            reason = "det er ikke en CSV-fil"
    else:
        try:
            return _sheets(file)
        except FileNotUnderstood:
            raise
        except Exception:  # noqa: BLE001 - a damaged workbook makes openpyxl raise nearly anything, some quoting it
            reason = "det er ikke en xlsx-fil; gem den igen fra regnearket"
    raise FileNotUnderstood(reason=reason)


def _sheets(file: AdmittedFile) -> list[_Grid]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl tells what it leaves out: printer settings, drop-down lists
        book = openpyxl.load_workbook(io.BytesIO(file.content.data), read_only=True, data_only=True)
        try:
            return [
                _Grid(sheet.title, _limited(_values(sheet)))
                for sheet in book.worksheets
                if sheet.sheet_state == "visible"
            ]
        finally:
            book.close()


def _values(sheet: Any) -> Iterable[Row]:  # noqa: ANN401 - openpyxl's sheets have no common type
    sheet.reset_dimensions()  # what a file claims of its own size is not believed
    rows: Iterable[Row] = sheet.iter_rows(values_only=True)
    return rows


def _limited(rows: Iterable[Row]) -> list[Row]:
    found: list[Row] = []
    for row in rows:
        if len(found) >= MOST_ROWS:
            raise FileNotUnderstood(reason=f"den har mere end {MOST_ROWS} rækker")
        found.append(row)
    return found


def _located(grids: Sequence[_Grid], score: Callable[[Sequence[str]], int]) -> _Located:
    """The sheet and row whose headings fit best; of equals the first."""
    best: _Located | None = None
    most = 0
    for grid in grids:
        for number, row in enumerate(grid.rows[:HEADING_WITHIN_ROWS]):
            headings = [value.strip() if isinstance(value, str) else "" for value in row]
            fit = score(headings)
            if fit > most:
                best, most = _Located(grid, number, headings), fit
    if best is None:
        raise FileNotUnderstood(reason="der er ingen kolonneoverskrifter, der kan genkendes")
    return best


def _require_one(grids: Sequence[_Grid], located: _Located, score: Callable[[Sequence[str]], int]) -> None:
    """Refuse a workbook of which another visible sheet holds rows under the same headings: they would go uncounted.

    Raises:
        FileNotUnderstood: with the sheets' places; their names may be anybody's.
    """
    fit = score(located.headings)
    alike = []
    for place, grid in enumerate(grids, start=1):
        for number, row in enumerate(grid.rows[:HEADING_WITHIN_ROWS]):
            headings = [value.strip() if isinstance(value, str) else "" for value in row]
            if score(headings) == fit and any(_first_text(below) for below in grid.rows[number + 1 :]):
                alike.append(str(place))
                break
    if len(alike) > 1:
        places = f"{', '.join(alike[:-1])} og {alike[-1]}"
        reason = f"de synlige ark nr. {places} har de samme overskrifter; saml rækkerne i ét ark, eller skjul de andre"
        raise FileNotUnderstood(reason=reason)


def _formulas_without_results(file: AdmittedFile, located: _Located) -> set[tuple[int, int]]:
    """(row, column) from 0 of formulas that nobody has worked out: their cells look empty."""
    if file.text is not None or not _has_formulas(file):
        return set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(io.BytesIO(file.content.data), read_only=True, data_only=False)
        try:
            written = _limited(_values(book[located.grid.title]))
        finally:
            book.close()
    return {
        (number, column)
        for number, (formulas, values) in enumerate(zip(written, located.grid.rows, strict=False))
        for column, (formula, value) in enumerate(zip(formulas, values, strict=False))
        if formula is not None and value is None
    }


def _has_formulas(file: AdmittedFile) -> bool:
    import zipfile  # noqa: PLC0415 - only here

    with zipfile.ZipFile(io.BytesIO(file.content.data)) as archive:
        return any(
            re.search(rb"<(?:\w+:)?f[ >]", archive.read(name))
            for name in archive.namelist()
            if name.startswith("xl/worksheets/") and name.endswith(".xml")
        )


# --- Cells


class _Unclear(Exception):
    """A cell that is not what was expected; it knows the expectation, not the cell."""

    def __init__(self, *, expected: str) -> None:
        super().__init__()
        self.expected = expected


_MISSING = "formlen har intet gemt resultat; åbn filen i regnearket, lad det regne, og gem den igen"
_TOTALS = frozenset({"ialt", "total", "totalt", "sum", "samlet", "hovedtotal", "alle", "grandtotal"})
_UNSTATED = frozenset(
    {"uoplyst", "ukendt", "ikkeoplyst", "anonym", "ingen", "ønskerikkeatoplyse", "uoplystkommune", "ukendtkommune"}
)
_WHOLE = re.compile(r"([0-9]{1,9})(?:[.,]0+)?")
_MONTH_NUMBERS = {name[:3]: number for number, name in enumerate(DANISH_MONTHS, start=1)} | {"oct": 10, "may": 5}
_MONTH_FORMS = (
    (re.compile(r"(\d{4})[-./ ]?(?:M|m)?(\d{2})"), (1, 2)),  # 2009-01, 200901, 2009M01
    (re.compile(r"(\d{4})-(\d{1,2})-\d{1,2}(?:[T ].*)?"), (1, 2)),  # 2009-01-15, with or without a time
    (re.compile(r"(\d{1,2})[-./ ](\d{4})"), (2, 1)),  # 01-2009
    (re.compile(r"\d{1,2}[-./](\d{1,2})[-./](\d{4})(?: .*)?"), (2, 1)),  # 15.01.2009
)
_MONTH_WORDS = re.compile(r"(?:\d{1,2}\.? ?)?([a-zæøå]{3,9})\.?[ -]*(\d{4})")


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split()) if value is not None else ""


def _first_text(row: Row) -> str:
    """What a row begins with."""
    return next((text for value in row if (text := _text(value))), "")


def _whole(value: object, most: int) -> int:
    """A count; nothing written is zero."""
    expected = f"forventet et helt tal fra 0 til {most}"
    if isinstance(value, bool):
        raise _Unclear(expected=expected)
    text = _text(value).replace(" ", "")
    if text in {"", "-"}:
        return 0
    match = _WHOLE.fullmatch(text)
    if match is None or int(match[1]) > most:
        raise _Unclear(expected=expected)
    return int(match[1])


def _month(value: object) -> int | None:
    """A month as a number that counts on over years; None where nothing is written."""
    if isinstance(value, date):
        return value.year * MONTHS_PER_YEAR + value.month - 1
    text = _text(value).casefold()
    if text in {"", "-"}:
        return None
    for form, (year, month) in _MONTH_FORMS:
        match = form.fullmatch(text)
        if match:
            return _month_of(int(match[year]), int(match[month]))
    match = _MONTH_WORDS.fullmatch(text)
    if match and match[1][:3] in _MONTH_NUMBERS:
        return _month_of(int(match[2]), _MONTH_NUMBERS[match[1][:3]])
    raise _Unclear(expected="forventet en måned, fx 2009-01")


def _month_of(year: int, number: int) -> int:
    try:
        month = Month(year, number)
    except NotAPeriod:
        month = None
    if month is None:
        raise _Unclear(expected="forventet en måned, fx 2009-01")
    return month.year * MONTHS_PER_YEAR + month.number - 1


class _Words:
    """What the words of a file mean: the mapping's own meanings first, then those that everybody uses."""

    def __init__(self, mapping: ColumnMapping, expected: Expected) -> None:
        self._words = mapping.words
        self._expected = expected
        self._services = {folded(code): code for code in expected.services} | {
            folded(title): code for code, title in expected.services.items()
        }

    def service(self, value: object) -> str:
        word = folded(_text(value))
        found = self._words.get(("service", word)) or self._services.get(word)
        if found is None:
            named = ", ".join(self._expected.services)
            raise _Unclear(expected=f"forventet en af aftalens ydelser: {named}; et andet ord kan vælges med --word")
        return found

    def residence(self, value: object) -> str:
        text = _text(value)
        word = folded(text)
        if not word or word in _UNSTATED:
            return UNSTATED
        code = self._words.get(("residence", word))
        if code is None and (match := re.fullmatch(r"0?(\d{3})(?:\D.*)?", text)) and match[1] in MUNICIPALITIES:
            code = match[1]
        if code is None and (known := find_by_name(text)):
            code = known.code
        if code is None:
            raise _Unclear(expected="forventet en kommunes kode eller navn, eller «uoplyst»")
        return code if code in {*self._expected.members, UNSTATED} else ELSEWHERE

    def outcome(self, value: object) -> Outcome | None:
        word = folded(_text(value))
        if not word:
            return None
        meaning = self._words.get(("outcome", word))
        found = Outcome(meaning) if meaning else OUTCOMES.get(word)
        if found is None:
            raise _Unclear(expected="forventet gennemført eller afbrudt; et andet ord kan vælges med --word")
        return found


# --- Counting


class _Counting:
    """One file while it is counted."""

    def __init__(self, mapping: ColumnMapping, expected: Expected, columns: Mapping[str, int]) -> None:
        self._shape = mapping.shape
        self._expected = expected
        self._columns = columns
        self._words = _Words(mapping, expected)
        self._bad: set[int] = set()
        self.counts: dict[FigureKey, int] = {}
        self.problems: list[LineProblem] = []
        self.rows = 0
        self.outside = 0
        self.totals = 0

    def read(self, located: _Located, unworked: Collection[tuple[int, int]]) -> None:
        frame = self._frame(located)
        for row, column in sorted(unworked):
            name = next((name for name, index in self._columns.items() if index == column), None)
            if name is not None and row + 1 in frame.index:
                self._problem(row + 1, name, _MISSING)
        read = self._courses(frame) if self._shape is Shape.COURSES else self._ready_counts(frame)
        self.rows = len(read)
        measures = [column for column in read.columns if column not in {"service", "residence"}]
        summed = read.groupby(["service", "residence"], sort=True)[measures].sum().reset_index()
        for entry in summed.to_dict("records"):
            for measure in measures:
                if entry[measure]:
                    key = FigureKey(Measure(measure), str(entry["service"]), str(entry["residence"]))
                    self.counts[key] = int(entry[measure])

    def _frame(self, located: _Located) -> pd.DataFrame:
        """Only the mapped columns, without empty rows and rows of sums; indexed by the row's number from 1."""
        rows = located.grid.rows[located.heading_row + 1 :]
        first = located.heading_row + 2
        data = {
            name: [line[index] if index < len(line) else None for line in rows] for name, index in self._columns.items()
        }
        frame = pd.DataFrame(data, index=range(first, first + len(rows)), dtype=object)
        if frame.empty:
            return frame
        frame = frame[frame.map(lambda value: _text(value) != "").any(axis=1)]
        words = [name for name in ("service", "residence") if name in frame]
        is_total = frame[words].map(lambda value: folded(_text(value)) in _TOTALS).any(axis=1)
        # A sum may be named in a column that nobody mapped; it is of no municipality, and no number of «uoplyst».
        named = [folded(_first_text(rows[int(row) - first])) in _TOTALS for row in frame.index]
        nowhere = [_text(value) == "" for value in frame["residence"]]
        is_total |= pd.Series([name and no for name, no in zip(named, nowhere, strict=True)], index=frame.index)
        self.totals = int(is_total.sum())
        return frame[~is_total]

    def _problem(self, row: int, name: str, expected: str) -> None:
        self._bad.add(row)
        known = FIELDS[self._shape].get(name)
        letter = column_name(self._columns[name]) if name in self._columns else ""
        self.problems.append(LineProblem(row, letter, known.danish if known else "", expected))

    def _read(
        self, frame: pd.DataFrame, name: str, read: Callable[[object], object], stand_in: object
    ) -> pd.Series[Any]:
        """One column, each different cell read once; the stand-in where it is not there or not understood."""
        if name not in frame:
            return pd.Series(stand_in, index=frame.index, dtype=object)
        known: dict[object, object] = {}
        unclear: dict[object, str] = {}
        found = []
        for row, value in frame[name].items():
            key = (type(value), value)
            if key not in known:
                try:
                    known[key] = read(value)
                except _Unclear as problem:
                    known[key], unclear[key] = stand_in, problem.expected
            if key in unclear:
                self._problem(int(str(row)), name, unclear[key])
            found.append(known[key])
        return pd.Series(found, index=frame.index, dtype=object)

    def _places(self, frame: pd.DataFrame) -> pd.DataFrame:
        only = next(iter(self._expected.services))
        return pd.DataFrame(
            {
                "service": self._read(frame, "service", self._words.service, only),
                "residence": self._read(frame, "residence", self._words.residence, UNSTATED),
            },
            index=frame.index,
        )

    def _ready_counts(self, frame: pd.DataFrame) -> pd.DataFrame:
        read = self._places(frame)
        for name, measure in MEASURES.items():
            read[measure.value] = self._read(frame, name, lambda value: _whole(value, MOST_COUNT), 0).astype("int64")
        waited = read[Measure.WITHIN_14_DAYS.value] + read[Measure.LATER.value]
        read[Measure.AT_START.value] = (
            read[Measure.COMPLETED.value]
            + read[Measure.BROKEN_OFF.value]
            + read[Measure.AT_END.value]
            - read[Measure.STARTED.value]
        )
        self._all(
            read.index[read[Measure.AT_START.value] < 0], "der er påbegyndt flere, end der er sluttet eller i gang"
        )
        self._all(read.index[waited > read[Measure.STARTED.value]], "flere har ventet, end der er påbegyndt")
        too_short = read[Measure.WAITING_DAYS.value] < (PROMPT_DAYS + 1) * read[Measure.LATER.value]
        self._all(read.index[too_short], "ventedagene er færre, end de, der ventede mere end 14 dage, må have ventet")
        return read[~read.index.isin(self._bad)]

    def _all(self, rows: Iterable[Any], expected: str) -> None:
        for row in rows:
            self._problem(int(row), "", expected)

    def _courses(self, frame: pd.DataFrame) -> pd.DataFrame:
        read = self._places(frame)
        start = self._read(frame, "start", _month, None)
        end = self._read(frame, "end", _month, None)
        outcome = self._read(frame, "outcome", self._words.outcome, None)
        sessions = self._read(frame, "sessions", lambda value: _whole(value, MOST_SESSIONS), 0).astype("int64")
        waited = self._read(frame, "waiting_days", _waited, None)
        ended = outcome.isin([Outcome.COMPLETED, Outcome.BROKEN_OFF])
        understood = ~frame.index.isin(self._bad)
        self._all(frame.index[understood & start.isna()], "startmåneden mangler")
        self._all(frame.index[understood & end.notna() & ~ended], "forløbet er slut, men det fremgår ikke hvordan")
        self._all(frame.index[understood & end.isna() & ended], "forløbet er afsluttet, men slutmåneden mangler")
        begins = start.fillna(0).astype("int64")
        ends = end.fillna(NEVER).astype("int64")
        self._all(frame.index[understood & (ends < begins)], "forløbet slutter, før det begynder")
        first, last = (
            month.year * MONTHS_PER_YEAR + month.number - 1
            for month in (self._expected.period.first, self._expected.period.last)
        )
        good = ~frame.index.isin(self._bad)
        touches = (begins <= last) & (ends >= first)
        self.outside = int((good & ~touches).sum())
        kept = good & touches
        started = begins >= first
        ends_within = ends <= last
        days = waited.fillna(-1).astype("int64")
        known = started & (days >= 0)
        flags = {
            Measure.AT_START: ~started,
            Measure.STARTED: started,
            Measure.COMPLETED: ends_within & (outcome == Outcome.COMPLETED),
            Measure.BROKEN_OFF: ends_within & (outcome == Outcome.BROKEN_OFF),
            Measure.AT_END: ~ends_within,
            Measure.SESSIONS: sessions,
            Measure.WITHIN_14_DAYS: known & (days <= PROMPT_DAYS),
            Measure.LATER: known & (days > PROMPT_DAYS),
            Measure.WAITING_DAYS: days.where(known, 0),
        }
        for measure, values in flags.items():
            read[measure.value] = pd.Series(values, dtype="int64")
        return read[kept]


def _waited(value: object) -> int | None:
    return None if _text(value) in {"", "-"} else _whole(value, MOST_WAITING_DAYS)
