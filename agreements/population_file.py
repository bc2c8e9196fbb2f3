"""Files and answers of Statistics Denmark, as people and the API produce them -> the values of ``population``.

Every layout becomes the same long table: one row per figure, with a column for the area, the time, each variable that
may break the figures down, and the count. One function makes figures of it, so the layouts cannot differ in what they
accept. Anything that is not understood is refused whole; nothing is guessed and no breakdown is ever summed, but for
the single ages of a band that was asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from math import prod
from typing import TypeAlias

import pandas as pd

from agreements.age_band import AgeBand, AgesMissing, AgeTwice, age_of, age_variable
from agreements.municipality import Municipality
from agreements.population import (
    AreasContradict,
    AreaUnknown,
    CountNotWhole,
    FigureKey,
    Layout,
    LeftOut,
    PopulationConflict,
    PopulationFigure,
    PopulationFileNotUnderstood,
    PopulationFileTooLarge,
    PopulationReading,
    PopulationRowBroken,
    TimeInTheFuture,
    TimeMissing,
    TimeNotUnderstood,
    TotalMissing,
)
from agreements.population_grid import (
    LARGEST_CELLS,
    LARGEST_FILE,
    MEGABYTE,
    Grid,
    Row,
    grid_of_text,
    grid_of_workbook,
    is_workbook,
    text_of,
)
from agreements.statbank_words import (
    Area,
    AreaContradicts,
    NotACount,
    NotAnArea,
    NotATime,
    Role,
    area_of,
    count_of,
    day_of,
    is_area,
    is_count,
    is_not_there,
    is_time,
    is_total,
    last_day_of,
    role_of_heading,
)

NOT_A_MUNICIPALITY = "er ikke en kommune"
A_BREAKDOWN = "er en opdeling; kun totalen tæller"
A_REPETITION = "står der mere end én gang med samme tal"

_NAMED_VALUES = 4  # how many values of a variable are named before the rest is counted


def read_population(  # noqa: PLR0913 - what an officer may say of a file, all but the file by name
    name: str,
    content: bytes,
    *,
    fetched_on: date,
    source: str | None = None,
    on: date | None = None,
    not_after: date | None = None,
    ages: AgeBand | None = None,
) -> PopulationReading:
    """Read a population file of any layout that Statistics Denmark, its API or its users produce.

    CSV of the API or the web page (semicolon, comma or tab; UTF-8 or Windows; headings in Danish or English, in any
    order, or none where the content tells), JSON-stat 1 and 2, the matrix of a hand-made download as CSV or xlsx, and
    our own ``kommunekode,kommune,date,population,source``.

    Args:
        name: What the file is called in messages.
        content: Its bytes, at most 50 MB.
        fetched_on: When it was fetched from Statistics Denmark, as far as the officer knows: the day of the load.
        source: What calculations name as the source; None keeps what the file says of itself, else its name.
        on: The day that a file without any time counts; ignored where the file has its own.
        not_after: The real today, to refuse projections; None where the business date is only played.
        ages: Sum these single ages in place of taking the totals; each of them must be there.

    Returns:
        The municipalities' totals, and what was left out and why. A file that is understood but holds no municipality
        gives no figures.

    Raises:
        PopulationFileNotUnderstood: anything else; its subclasses say what is wrong and where.
        PopulationConflict: two numbers for the same municipality and date.

    Source: agreement § 6 stk. 2; domain rule 2; docs/decisions/0006-population-files.md.
    """
    if len(content) > LARGEST_FILE:
        raise PopulationFileTooLarge(file=name, limit=f"{LARGEST_FILE // MEGABYTE} MB")
    if is_workbook(content):
        table = _table_of_grid(name, grid_of_workbook(name, content))
    else:
        text, encoding = text_of(name, content)
        if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
            table = _table_of_json(name, text, encoding)
        else:
            table = _table_of_grid(name, grid_of_text(name, text, encoding))
    return _Reader(table, source, fetched_on, on, not_after, ages).read()


def shipped_population() -> tuple[PopulationFigure, ...]:
    """The figures that come with the project: 98 municipalities at 1 January 2007-2026, except 83 missing for 2024.

    Source: Danmarks Statistik, FOLK1A and BEF1A07 (CC BY 4.0); agreements/data/README.md.
    """
    content = resources.files("agreements").joinpath("data/population.csv").read_bytes()
    return read_population("data/population.csv", content, fetched_on=date.min).figures


# --- the long table


@dataclass(frozen=True)
class _Table:
    """Figures one by one, still as text.

    Attributes:
        frame: A row per figure; its index is the number of the file's row.
        roles: Role -> column.
        variables: The columns that may break the figures down.
        place: Row number -> where that is.
    """

    file: str
    frame: pd.DataFrame
    roles: Mapping[Role, str]
    variables: tuple[str, ...]
    layout: Layout
    encoding: str
    place: Callable[[int], str]
    source: str = ""
    left_out: tuple[LeftOut, ...] = ()


def quoted(text: str, longest: int = 40) -> str:
    """A cell's text in a message: short, and without anything that looks like a person's number (domain rule 18)."""
    shown = re.sub(r"\d{6}[- ]?\d{4}", "[cifre]", " ".join(text.split()))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _listed(values: Iterable[str]) -> str:
    """A few values by name and the number of the rest."""
    names = [quoted(value) or "(tom)" for value in values]
    shown = ", ".join(names[:_NAMED_VALUES])
    return f"{shown} og {len(names) - _NAMED_VALUES} til" if len(names) > _NAMED_VALUES else shown


# --- from the long table to figures


@dataclass
class _Reader:
    table: _Table
    source: str | None
    fetched_on: date
    on: date | None
    not_after: date | None
    ages: AgeBand | None = None
    left_out: list[LeftOut] = field(default_factory=list)

    def read(self) -> PopulationReading:
        self.left_out.extend(self.table.left_out)
        frame = self.table.frame.assign(municipality=self._municipalities(), on=self._days())
        frame = self._without_other_areas(frame)
        figures = self._figures(self._totals(frame) if self.ages is None else self._of_ages(frame, self.ages))
        return PopulationReading(figures, tuple(self.left_out), self.table.encoding, self.table.layout)

    def _column(self, role: Role) -> pd.Series:
        return self.table.frame[self.table.roles[role]]

    def _first_place(self, rows: pd.Series) -> str:
        """Where the first row is for which the series is true."""
        return self.table.place(int(rows.index[rows.to_numpy(dtype=bool)][0]))

    def _municipalities(self) -> pd.Series:
        """The municipality of every row, None for the other areas."""
        roles = [role for role in (Role.AREA, Role.AREA_CODE) if role in self.table.roles]
        meanings = [self._areas_of(self._column(role)) for role in roles]
        found = meanings[0]
        for other in meanings[1:]:
            differs = found != other
            if differs.any():
                where = self.table.frame[differs].iloc[0]
                raise AreasContradict(
                    file=self.table.file,
                    place=self._first_place(differs),
                    code=quoted(where[self.table.roles[Role.AREA_CODE]]),
                    area=quoted(where[self.table.roles[Role.AREA]]),
                )
        return found.map(_municipality_of)

    def _areas_of(self, column: pd.Series) -> pd.Series:
        meaning: dict[str, Area] = {}
        for text in column.unique():
            try:
                meaning[text] = area_of(text)
            except AreaContradicts as error:
                code, _, area = text.partition(" ")
                place = self._first_place(column == text)
                raise AreasContradict(
                    file=self.table.file, place=place, code=quoted(code), area=quoted(area)
                ) from error
            except NotAnArea as error:
                place = self._first_place(column == text)
                raise AreaUnknown(file=self.table.file, place=place, area=quoted(text)) from error
        return column.map(meaning)

    def _days(self) -> pd.Series | date:
        if Role.TIME not in self.table.roles:
            if self.on is None:
                raise TimeMissing(file=self.table.file, columns=self._what_columns_seem())
            return self.on
        column = self._column(Role.TIME)
        meaning: dict[str, date] = {}
        for text in column.unique():
            try:
                meaning[text] = day_of(text)
            except NotATime as error:
                place = self._first_place(column == text)
                raise TimeNotUnderstood(file=self.table.file, place=place, time=quoted(text)) from error
        latest = max(meaning.values())
        if self.not_after is not None and latest > self.not_after:
            raise TimeInTheFuture(file=self.table.file, on=latest, limit=self.not_after)
        return column.map(meaning)

    def _what_columns_seem(self) -> str:
        """For instance: område (Region Midtjylland, Favrskov); alder 18-108 (kolonne 2); antal."""
        area = Role.AREA if Role.AREA in self.table.roles else Role.AREA_CODE
        parts = [f"område ({_listed(self._column(area).unique())})"]
        for variable in self.table.variables:
            values = list(self.table.frame[variable].unique())
            ages = [int(value) for value in values if is_count(value) and int(value) <= _OLDEST]
            others = [value for value in values if not is_count(value)]
            seems = (
                ", ".join([f"alder {min(ages)}-{max(ages)}", *others]) if len(ages) > len(others) else _listed(values)
            )
            parts.append(f"{variable} ({quoted(seems, 80)})")
        return "; ".join([*parts, "antal"])

    def _without_other_areas(self, frame: pd.DataFrame) -> pd.DataFrame:
        other = frame["municipality"].isna()
        if not other.any():
            return frame
        role = Role.AREA if Role.AREA in self.table.roles else Role.AREA_CODE
        left = frame[other]
        self._refuse_odd_counts(left, self.table.roles[role])
        sizes = left.groupby(self.table.roles[role], sort=False).size()
        self.left_out.extend(LeftOut(quoted(str(area)), NOT_A_MUNICIPALITY, int(rows)) for area, rows in sizes.items())
        return frame[~other]

    def _totals(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows that break nothing down; every municipality and date that is there must have one."""
        breaks_down = pd.Series("", index=frame.index, dtype=object)
        for variable in reversed(self.table.variables):  # the first variable of the file names the row
            column = frame[variable]
            total = {text: is_total(variable, text) for text in column.unique()}
            breaks_down = breaks_down.mask(~column.map(total).astype(bool), variable)
        broken = frame[breaks_down != ""]
        totals = frame[breaks_down == ""]
        self._refuse_missing_totals(broken, totals)
        self._refuse_odd_counts(broken, "municipality")
        for variable in self.table.variables:
            rows = broken[breaks_down[breaks_down != ""] == variable]
            if not rows.empty:
                values = [value for value in rows[variable].unique() if not is_total(variable, value)]
                self.left_out.append(LeftOut(f"{variable}: {_listed(values)}", A_BREAKDOWN, len(rows)))
        return totals

    def _of_ages(self, frame: pd.DataFrame, ages: AgeBand) -> pd.DataFrame:
        """One row per municipality and date with the sum of the band's single ages; all else must be totals."""
        variable = age_variable(self.table.variables, frame)
        if variable is None:
            raise AgesMissing(file=self.table.file, what="der er ingen kolonne med alder", ages=str(ages))
        others = [name for name in self.table.variables if name != variable]
        whole = pd.Series(data=True, index=frame.index)
        for name in others:
            total = {text: is_total(name, text) for text in frame[name].unique()}
            whole &= frame[name].map(total).astype(bool)
        found: dict[FigureKey, dict[int, int]] = {}
        rows: dict[FigureKey, int] = {}
        used = frame[whole]
        counts = used[self.table.roles[Role.COUNT]]
        for number, municipality, on, text, count in zip(
            used.index, used["municipality"], used["on"], used[variable], counts, strict=True
        ):
            age = age_of(text)
            if age is None or age not in ages.ages:
                continue
            key = (municipality.code, on)
            rows.setdefault(key, number)
            by_age = found.setdefault(key, {})
            if age in by_age:
                raise AgeTwice(file=self.table.file, who=municipality.name, on=on, age=age)
            try:
                by_age[age] = count_of(count)
            except NotACount:
                self._refuse_count(int(number), municipality, count)
                raise
        for municipality, on in dict.fromkeys(zip(frame["municipality"], frame["on"], strict=True)):
            lacking = [age for age in ages.ages if age not in found.get((municipality.code, on), {})]
            if lacking:
                what = f"{municipality.name} ({municipality.code}) pr. {on:%d.%m.%Y} mangler alderen {lacking[0]} år"
                raise AgesMissing(file=self.table.file, what=what, ages=str(ages))
        summed = frame.loc[list(rows.values())].copy()
        summed[self.table.roles[Role.COUNT]] = [str(sum(by_age.values())) for by_age in found.values()]
        return summed

    def _refuse_missing_totals(self, broken: pd.DataFrame, totals: pd.DataFrame) -> None:
        if broken.empty:
            return
        there = set(zip(totals["municipality"], totals["on"], strict=True))
        for municipality, on in dict.fromkeys(zip(broken["municipality"], broken["on"], strict=True)):
            if (municipality, on) in there:
                continue
            rows = broken[(broken["municipality"] == municipality) & (broken["on"] == on)]
            values = {variable: list(rows[variable].unique()) for variable in self.table.variables}
            never = [name for name, texts in values.items() if not any(is_total(name, text) for text in texts)]
            sometimes = [name for name, texts in values.items() if not all(is_total(name, text) for text in texts)]
            named = never or sometimes
            raise TotalMissing(
                file=self.table.file,
                municipality=f"{municipality.name} ({municipality.code})",
                on=on,
                variable=" og ".join(named),
                values=_listed(values[named[0]]),
            )

    def _refuse_odd_counts(self, frame: pd.DataFrame, named_by: str) -> None:
        """What is left out may lack a figure, but a text that is no figure means that we misread the file."""
        counts = frame[self.table.roles[Role.COUNT]]
        odd = counts.map({text: not is_count(text) and not is_not_there(text) for text in counts.unique()}).astype(bool)
        if odd.any():
            row = frame[odd].iloc[0]
            self._refuse_count(int(str(frame.index[odd][0])), row[named_by], row[self.table.roles[Role.COUNT]])

    def _refuse_count(self, number: int, who: Municipality | str, value: str) -> None:
        municipality = f"{who.name} ({who.code})" if isinstance(who, Municipality) else quoted(who)
        raise CountNotWhole(
            file=self.table.file, place=self.table.place(number), municipality=municipality, value=quoted(value)
        )

    def _figures(self, totals: pd.DataFrame) -> tuple[PopulationFigure, ...]:
        figures: dict[FigureKey, PopulationFigure] = {}
        repeated = 0
        for number, municipality, on, text, source, fetched in zip(
            totals.index,
            totals["municipality"],
            totals["on"],
            totals[self.table.roles[Role.COUNT]],
            self._told_by(totals, Role.SOURCE),
            self._told_by(totals, Role.FETCHED),
            strict=True,
        ):
            try:
                count = count_of(text)
            except NotACount:
                self._refuse_count(int(number), municipality, text)
                raise
            new = PopulationFigure(
                municipality.code, on, count, self._source(source), self._fetched_on(fetched, int(number))
            )
            old = figures.setdefault(new.key, new)
            if old is new:
                continue
            if old.inhabitants != count:
                raise PopulationConflict(
                    file=self.table.file,
                    municipality=f"{municipality.name} ({municipality.code})",
                    on=on,
                    first=old.inhabitants,
                    second=count,
                )
            repeated += 1
        if repeated:
            self.left_out.append(LeftOut("gentagne linjer", A_REPETITION, repeated))
        return tuple(sorted(figures.values(), key=lambda figure: (figure.on, figure.municipality)))

    def _told_by(self, frame: pd.DataFrame, role: Role) -> Iterable[str]:
        return frame[self.table.roles[role]] if role in self.table.roles else [""] * len(frame)

    def _source(self, of_row: str) -> str:
        return self.source or of_row or self.table.source or f"Indlæst fra {self.table.file}"

    def _fetched_on(self, of_row: str, number: int) -> date:
        if not of_row:
            return self.fetched_on
        try:
            return last_day_of(of_row)
        except NotATime as error:
            raise TimeNotUnderstood(
                file=self.table.file, place=self.table.place(number), time=quoted(of_row)
            ) from error


_OLDEST = 125  # FOLK1A counts ages to 125


def _municipality_of(area: Area) -> Municipality | None:
    return area.municipality


# --- rows of cells -> the long table


def _table_of_grid(file: str, grid: Grid) -> _Table:
    header_at = _list_header(grid.rows)
    if header_at is not None:
        return _table_of_list(file, grid, header_at)
    matrix = _matrix_header(grid.rows)
    if matrix is not None:
        return _table_of_matrix(file, grid, matrix)
    return _table_without_header(file, grid)


_TITLE_ROWS = 30
_LIST_HEADINGS = 2


def _list_header(rows: Sequence[Row]) -> int | None:
    """Where the row of headings is, below titles of one cell; None if the file is no list with headings."""
    for at, row in enumerate(rows[:_TITLE_ROWS]):
        if row.filled < _LIST_HEADINGS:
            continue
        roles = {role_of_heading(cell) for cell in row.cells}
        texts = all(not is_count(cell) and not is_time(cell) for cell in row.cells)
        return at if texts and row.cells[0] and (Role.COUNT in roles or len(roles - {None}) >= _LIST_HEADINGS) else None
    return None


def _table_of_list(file: str, grid: Grid, header_at: int) -> _Table:
    headings = _unique(_without_blank_tail(grid.rows[header_at].cells))
    frame = _frame(file, grid, grid.rows[header_at + 1 :], headings)
    roles: dict[Role, str] = {}
    for heading in headings:
        role = role_of_heading(heading)
        if role is not None:
            roles.setdefault(role, heading)
    if Role.COUNT not in roles:  # the last column may be the men only
        found = f"en tabel uden kolonnen INDHOLD eller antal (kolonner: {_listed(headings)})"
        raise PopulationFileNotUnderstood(file=file, found=found)
    layout = Layout.OWN if Role.AREA_CODE in roles else Layout.STATBANK_CSV
    return _with_roles(file, grid, frame, roles, layout)


def _table_without_header(file: str, grid: Grid) -> _Table:
    width = len(_without_blank_tail(grid.rows[0].cells))
    names = [f"kolonne {number}" for number in range(1, width + 1)]
    first = grid.rows[0].cells
    if width < _LIST_HEADINGS or not (is_count(first[width - 1]) or is_not_there(first[width - 1])):
        raise PopulationFileNotUnderstood(file=file, found="en tekst uden en genkendelig tabel")
    return _with_roles(file, grid, _frame(file, grid, grid.rows, names), {}, Layout.WITHOUT_HEADER)


def _without_blank_tail(cells: Sequence[str]) -> Sequence[str]:
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


def _unique(headings: Sequence[str]) -> list[str]:
    """Headings as column names: each once, none empty, none that we use ourselves."""
    names: list[str] = []
    for number, heading in enumerate(headings, 1):
        name = heading or f"kolonne {number}"
        names.append(f"{name} ({number})" if name in {*names, "municipality", "on"} else name)
    return names


def _frame(file: str, grid: Grid, rows: Sequence[Row], names: Sequence[str]) -> pd.DataFrame:
    """The rows under their names; a row of another width was cut off or edited."""
    width = len(names)
    cells: list[tuple[str, ...]] = []
    for row in rows:
        fitted = row.cells
        if len(fitted) != width:
            fitted = tuple(_without_blank_tail(fitted))
            if grid.sheet:  # a sheet does not keep the blank cells at a row's end
                fitted += ("",) * (width - len(fitted))
            if len(fitted) != width:
                raise PopulationRowBroken(file=file, place=grid.place(row.number), cells=len(row.cells), expected=width)
        cells.append(fitted)
    if not cells:
        raise PopulationFileNotUnderstood(file=file, found="en overskrift uden tal under")
    return pd.DataFrame(cells, columns=list(names), index=[row.number for row in rows], dtype=object)


def _with_roles(file: str, grid: Grid, frame: pd.DataFrame, roles: dict[Role, str], layout: Layout) -> _Table:
    """The table of a list; where no heading says what a column holds, its content must."""
    if Role.COUNT not in roles:
        roles[Role.COUNT] = str(frame.columns[-1])  # the tables have the count last
    return _Table(
        file=file,
        frame=frame,
        roles=_roles_by_content(file, frame, roles),
        variables=tuple(str(name) for name in frame.columns if name not in roles.values()),
        layout=layout,
        encoding=grid.encoding,
        place=grid.place,
        left_out=grid.left_out,
    )


def _roles_by_content(file: str, frame: pd.DataFrame, roles: dict[Role, str]) -> dict[Role, str]:
    """Find the area and the time among the columns that have no role yet."""
    if Role.AREA not in roles and Role.AREA_CODE not in roles:
        scores = {str(name): _area_score(frame[name].unique()) for name in _free(frame, roles)}
        best = max(scores, key=lambda name: scores[name], default="")
        if not best or not scores[best]:
            columns = _listed(str(name) for name in frame.columns)
            found = f"en tabel uden kommuner (kolonner: {columns})"
            raise PopulationFileNotUnderstood(file=file, found=found)
        roles[Role.AREA] = best
    if Role.TIME not in roles:
        for name in _free(frame, roles):
            texts = list(frame[name].unique())
            if 2 * sum(map(is_time, texts)) >= len(texts):  # one that is none is then refused with its row
                roles[Role.TIME] = name
                break
    return roles


def _free(frame: pd.DataFrame, roles: Mapping[Role, str]) -> list[str]:
    return [str(name) for name in frame.columns if name not in roles.values()]


_CODE_DIGITS = 3


def _area_score(texts: Iterable[str]) -> int:
    """How many of a column's values are areas; numbers only count if they all are codes, for ages are numbers too."""
    distinct = list(texts)
    areas = sum(1 for text in distinct if is_area(text))
    numbers = [text for text in distinct if text.isdigit()]
    if numbers and (areas < len(distinct) or any(len(text) < _CODE_DIGITS for text in numbers)):
        return 0
    return areas


# --- the matrix of a hand-made download


@dataclass(frozen=True)
class _Matrix:
    """Where a matrix begins: its heading rows, and how many columns stand before the figures (the stub)."""

    first: int
    below: int
    stub: int


def _matrix_header(rows: Sequence[Row]) -> _Matrix | None:
    for at, row in enumerate(rows[:_TITLE_ROWS]):
        stub = next((number for number, cell in enumerate(row.cells) if cell), 0)
        if stub:
            below = at + 1
            while below < len(rows) and not any(rows[below].cells[:stub]):
                below += 1
            return _Matrix(at, below, stub)
        if row.filled > 1:
            stub = _stub_of_wide_header(row)
            return _Matrix(at, at + 1, stub) if stub else None
    return None


def _stub_of_wide_header(row: Row) -> int:
    """How many headings stand before the times of ``OMRÅDE;2008K1;2009K1``; 0 if it is no such row."""
    cells = _without_blank_tail(row.cells)
    stub = next((number for number, cell in enumerate(cells) if is_time(cell)), 0)
    if stub and all(is_time(cell) for cell in cells[stub:]) and not any(is_area(cell) for cell in cells[:stub]):
        return stub
    return 0


def _table_of_matrix(file: str, grid: Grid, matrix: _Matrix) -> _Table:
    rows, stub = grid.rows, matrix.stub
    headings = _carried_across([row.cells[stub:] for row in rows[matrix.first : matrix.below]])
    cells: list[tuple[str, ...]] = []
    numbers: list[int] = []
    levels: tuple[str, ...] = ("",) * stub
    for row in rows[matrix.below :]:
        levels = _carried_down(levels, row.cells[:stub])
        values = row.cells[stub:]
        if not any(values):
            continue
        for column in range(max(len(values), len(headings))):
            value = values[column] if column < len(values) else ""
            labels = headings[column] if column < len(headings) else ("",) * (matrix.below - matrix.first)
            if value or labels[-1]:
                cells.append((*levels, *labels, value))
                numbers.append(row.number)
                _refuse_too_many(file, len(cells))
    if not cells:
        raise PopulationFileNotUnderstood(file=file, found="en tekst uden en genkendelig tabel")
    stub_names = list(rows[matrix.first].cells[:stub])
    names = _unique([*stub_names, *(f"overskrift {level + 1}" for level in range(len(headings[0]))), "antal"])
    frame = pd.DataFrame(cells, columns=names, index=numbers, dtype=object)
    return _with_roles(file, grid, frame, {Role.COUNT: names[-1]}, Layout.MATRIX)


def _refuse_too_many(file: str, cells: int) -> None:
    if cells > LARGEST_CELLS:
        raise PopulationFileTooLarge(file=file, limit=f"{LARGEST_CELLS // 1_000_000} mio. felter")


def _carried_down(above: tuple[str, ...], stub: Sequence[str]) -> tuple[str, ...]:
    """The levels of a row: what is blank before its first text is as above, what is blank after it is nothing."""
    first = next((level for level, cell in enumerate(stub) if cell), None)
    if first is None:
        return above
    return (*above[:first], *stub[first:], *("",) * (len(above) - len(stub)))


def _carried_across(rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """The headings of each column, from the top: all but the lowest stand for the blank columns after them too."""
    width = max(len(row) for row in rows)
    levels: list[list[str]] = []
    for row in rows[:-1]:
        carried: list[str] = []
        for column in range(width):
            cell = row[column] if column < len(row) else ""
            carried.append(cell or (carried[-1] if carried else ""))
        levels.append(carried)
    lowest = [*rows[-1], *[""] * (width - len(rows[-1]))]
    return list(zip(*levels, lowest, strict=True))


# --- JSON-stat


Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


class _NotJsonStat(ValueError):
    """A JSON text that is no JSON-stat dataset; the argument says in Danish what it is."""


def _table_of_json(file: str, text: str, encoding: str) -> _Table:
    try:
        dataset = _dataset(json.loads(text.lstrip("\ufeff")))
        dimensions = _dimensions(dataset)
        cells, numbers = _json_cells(file, dataset, dimensions)
    except _NotJsonStat as error:
        raise PopulationFileNotUnderstood(file=file, found=str(error)) from error
    except (ValueError, RecursionError) as error:
        raise PopulationFileNotUnderstood(file=file, found="JSON, der er afbrudt eller forkert") from error
    names = _unique([*(dimension.name for dimension in dimensions), "antal"])
    frame = pd.DataFrame(cells, columns=names, index=numbers, dtype=object)
    roles = {Role.COUNT: names[-1]}
    for dimension, name in zip(dimensions, names, strict=False):
        role = dimension.role or role_of_heading(dimension.name)
        if role in {Role.AREA, Role.TIME}:
            roles.setdefault(role, name)
    roles = _roles_by_content(file, frame, roles)
    measured = {  # what is counted, where it is one thing only, breaks nothing down
        name
        for dimension, name in zip(dimensions, names, strict=False)
        if dimension.role is Role.COUNT and len(dimension.texts) == 1
    }
    return _Table(
        file=file,
        frame=frame,
        roles=roles,
        variables=tuple(name for name in _free(frame, roles) if name not in measured),
        layout=Layout.JSON_STAT,
        encoding=encoding,
        place=lambda number: f"værdi nummer {number}",
        source=_json_source(dataset),
    )


@dataclass(frozen=True)
class _Dimension:
    """One dimension: its values as the text that says most, in the order of the values."""

    name: str
    texts: tuple[str, ...]
    role: Role | None


def _object(value: Json, found: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise _NotJsonStat(found)
    return value


def _dataset(document: Json) -> dict[str, Json]:
    """The dataset of JSON-stat 1 (in a wrapper) or 2 (bare)."""
    whole = _object(document, "JSON, der ikke er JSON-stat")
    if "errorTypeCode" in whole:
        message = f"en fejlmeddelelse fra Statistikbanken: {quoted(str(whole.get('message')), 200)}"
        raise _NotJsonStat(message)
    inner = whole if "dimension" in whole else whole.get("dataset")
    dataset = _object(inner, "JSON, der ikke er JSON-stat")
    _object(dataset.get("dimension"), "JSON-stat uden dimensioner")
    return dataset


def _dimensions(dataset: dict[str, Json]) -> list[_Dimension]:
    described = _object(dataset.get("dimension"), "JSON-stat uden dimensioner")
    about = dataset if "id" in dataset else described  # JSON-stat 1 has id, size and role inside dimension
    names, sizes = about.get("id"), about.get("size")
    if not isinstance(names, list) or not isinstance(sizes, list) or len(names) != len(sizes):
        message = "JSON-stat uden id og size"
        raise _NotJsonStat(message)
    told = about.get("role")
    roles = told if isinstance(told, dict) else {}
    dimensions = []
    for name, size in zip(names, sizes, strict=True):
        described_one = _object(described.get(str(name)), f"JSON-stat uden dimensionen {quoted(str(name))}")
        category = _object(described_one.get("category"), f"JSON-stat uden værdier for {quoted(str(name))}")
        role = _role_in(roles, str(name))
        texts = _texts(category, role)
        if not isinstance(size, int) or len(texts) != size:
            message = f"JSON-stat, hvor {quoted(str(name))} ikke har det antal værdier, som size siger"
            raise _NotJsonStat(message)
        dimensions.append(_Dimension(str(name), texts, role))
    return dimensions


def _role_in(roles: dict[str, Json], name: str) -> Role | None:
    for told, role in (("time", Role.TIME), ("geo", Role.AREA), ("metric", Role.COUNT)):
        names = roles.get(told)
        if isinstance(names, list) and name in names:
            return role
    return None


def _texts(category: dict[str, Json], role: Role | None) -> tuple[str, ...]:
    """A dimension's values in order: the code where it says enough, else the label."""
    labels = category.get("label")
    label_of = labels if isinstance(labels, dict) else {}
    index = category.get("index", list(label_of))
    if isinstance(index, dict):
        places = {code: place for code, place in index.items() if isinstance(place, int)}
        if sorted(places.values()) != list(range(len(index))):
            message = "JSON-stat med huller i index"
            raise _NotJsonStat(message)
        codes = sorted(places, key=lambda code: places[code])
    elif isinstance(index, list):
        codes = [str(code) for code in index]
    else:
        message = "JSON-stat uden index"
        raise _NotJsonStat(message)
    return tuple(_text_of_value(code, str(label_of.get(code, "")), role) for code in codes)


def _text_of_value(code: str, label: str, role: Role | None) -> str:
    if not label or is_time(code) or (role is not Role.TIME and is_area(code) and len(code) >= _CODE_DIGITS):
        return code
    return code if is_total("alder", code) else label  # TOT and IALT are totals whatever their label; 00 is not


def _json_cells(
    file: str, dataset: dict[str, Json], dimensions: list[_Dimension]
) -> tuple[list[tuple[str, ...]], list[int]]:
    values = dataset.get("value")
    size = prod(len(dimension.texts) for dimension in dimensions)
    if isinstance(values, list) and len(values) == size:
        numbered = list(enumerate(values))
    elif isinstance(values, dict) and all(key.isdecimal() and int(key) < size for key in values):
        numbered = sorted((int(key), value) for key, value in values.items())
    else:
        message = f"JSON-stat, hvor der ikke er {size} værdier"
        raise _NotJsonStat(message)
    if not numbered:
        message = "JSON-stat uden værdier"
        raise _NotJsonStat(message)
    _refuse_too_many(file, len(numbered) * (len(dimensions) + 1))
    cells: list[tuple[str, ...]] = []
    for number, value in numbered:
        rest, texts = number, []
        for dimension in reversed(dimensions):
            rest, place = divmod(rest, len(dimension.texts))
            texts.append(dimension.texts[place])
        cells.append((*reversed(texts), _json_count(value)))
    return cells, [number + 1 for number, _ in numbered]


def _json_count(value: Json) -> str:
    if value is None:
        return ".."
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value) if isinstance(value, bool | list | dict) else str(value)


def _json_source(dataset: dict[str, Json]) -> str:
    """For instance: Statistics Denmark, FOLK1A."""
    source = dataset.get("source")
    extension = dataset.get("extension")
    px = extension.get("px") if isinstance(extension, dict) else None
    table = px.get("tableid") if isinstance(px, dict) else None
    return ", ".join(quoted(part, 80) for part in (source, table) if isinstance(part, str) and part)
