"""Puts a sheet together: lists with formulas by column name, widths that fit, what stays in sight."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from exports.excel.workbook import NUMERIC, Cell, Chart, Sheet, Style, Value, address, column_letters, span
from foundation.money import OERE_PER_KRONE, kroner

HEAD_ROW = 3
LONGEST_TEXT = 32_000  # what one cell holds, with room to spare
WIDEST = 70
NARROWEST = 7
LINE_POINTS = 13
TALLEST = 400  # a row can be 409 points high
BOLD = frozenset({Style.HEADING, Style.HEADING_RIGHT, Style.STATUS, Style.SECTION})
OUTSIDE_WIDTH = frozenset({Style.TITLE, Style.SUBTITLE, Style.SECTION})


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list.

    Formulas are templates: ``{key}`` is the cell of that column in the same row, ``{key:all}`` the whole column,
    ``{key:down}`` from the first row to this one, ``{key:sum}`` the line of totals.

    Attributes:
        formula: One template for all rows, or one for each; None where the cell is a constant.
        total: What stands in the line of totals, or None for nothing.
        total_formula: By itself the sum of the column.
        styles: One for each row, where rows differ.
    """

    key: str
    heading: str
    style: Style
    values: Sequence[Value]
    formula: str | Sequence[str | None] | None = None
    total: Value = None
    total_formula: str | None = "=SUM({self:all})"
    styles: Sequence[Style] | None = None


@dataclass(frozen=True, slots=True)
class _InFormula:
    """A column as a template sees it from one row; rows as people count them."""

    letters: str
    row: int
    first: int
    last: int

    def __format__(self, spec: str) -> str:
        places = {
            "": f"{self.letters}{self.row}",
            "all": f"{self.letters}${self.first}:{self.letters}${self.last}",
            "down": f"{self.letters}${self.first}:{self.letters}{self.row}",
            "sum": f"{self.letters}${self.last + 1}",
        }
        return places[spec]


@dataclass(frozen=True, slots=True)
class Table:
    """Where a list stands, for formulas elsewhere."""

    sheet: str
    columns: Mapping[str, int]
    first: int
    last: int

    def cell(self, key: str, index: int) -> str:
        """One row's cell of a column."""
        return address(self.sheet, self.first + index, self.columns[key])

    def column(self, key: str) -> str:
        """A whole column without its total."""
        return span(self.sheet, (self.first, self.columns[key]), (self.last, self.columns[key]))

    def total(self, key: str) -> str:
        """A column's total."""
        return address(self.sheet, self.last + 1, self.columns[key])


class SheetDraft:
    """A sheet while it is put together."""

    def __init__(self, name: str, title: str, subtitle: str = "") -> None:
        self.name = name
        self.cells: dict[tuple[int, int], Cell] = {}
        self.put(0, 0, title, Style.TITLE)
        if subtitle:
            self.put(1, 0, subtitle, Style.SUBTITLE)
        self._head = 0
        self._filtered: tuple[int, int, int, int] | None = None
        self._charts: list[Chart] = []

    def put(  # noqa: PLR0913 - a cell is made of these
        self,
        row: int,
        column: int,
        value: Value,
        style: Style = Style.TEXT,
        formula: str | None = None,
        *,
        link: str | None = None,
        spills: bool = False,
    ) -> str:
        """Set one cell and answer its address for formulas elsewhere."""
        self.cells[row, column] = Cell(_fitting(value), style, formula, link=link, spills=spills)
        return address(self.name, row, column)

    def table(
        self,
        columns: Sequence[Column],
        *,
        nothing: str = "",
        total: str | None = "I alt",
        filtered: bool = True,
    ) -> Table:
        """Set a list from the fourth row on, and keep its headings in sight.

        Args:
            columns: From the left; all have as many values.
            nothing: The sentence that stands there when the list is empty.
            total: The first words of the line of totals, or None for no such line.
            filtered: Whether the headings get filter buttons.
        """
        rows = len(columns[0].values)
        table = Table(
            self.name,
            {column.key: place for place, column in enumerate(columns)},
            HEAD_ROW + 1,
            HEAD_ROW + max(rows, 1),
        )
        for place, column in enumerate(columns):
            heading = Style.HEADING_RIGHT if column.style in NUMERIC else Style.HEADING
            self.put(HEAD_ROW, place, column.heading, heading)
            self._set_column(table, column, place)
        if not rows:
            self.put(table.first, 0, nothing, spills=True)
        if total is not None:
            self._set_totals(table, columns, total)
        self._head = HEAD_ROW
        if rows and filtered:
            self._filtered = (HEAD_ROW, 0, table.last, len(columns) - 1)
        return table

    def _set_column(self, table: Table, column: Column, place: int) -> None:
        for index, value in enumerate(column.values):
            row = table.first + index
            template = (
                column.formula if column.formula is None or isinstance(column.formula, str) else (column.formula[index])
            )
            style = column.style if column.styles is None else column.styles[index]
            formula = None if template is None else _filled(template, table, column.key, row)
            self.cells[row, place] = Cell(_fitting(value), style, formula)

    def _set_totals(self, table: Table, columns: Sequence[Column], words: str) -> None:
        row = table.last + 1
        for place, column in enumerate(columns):
            template = None if column.total is None else column.total_formula
            formula = None if template is None else _filled(template, table, column.key, row)
            value, style = (words, Style.TEXT) if place == 0 else (column.total, column.style)
            self.cells[row, place] = Cell(value, style, formula, total=True, spills=place == 0)

    def chart(self, chart: Chart) -> None:
        """Add a chart."""
        self._charts.append(chart)

    def finish(self, *, frozen_columns: int = 0, row_breaks: Sequence[int] = (), widest: int = WIDEST) -> Sheet:
        """Work out widths and heights, and answer the sheet."""
        columns = 1 + max(column for _, column in self.cells)
        widths = [NARROWEST] * columns
        for (_, column), cell in self.cells.items():
            needed = _needed_width(cell)
            widths[column] = max(widths[column], min(needed, widest))
        longest = max(_needed_to_the_right(cell) + sum(widths[:column]) for (_, column), cell in self.cells.items())
        if longest > sum(widths):  # a column of nothing, so that the paper does not cut what runs out over it
            widths.append(min(longest - sum(widths), WIDEST))
        heights = {0: 22}
        if self._filtered is not None:
            # The filter buttons cover the lowest line of their cells, so the headings get one line more.
            headings = (cell for (row, _), cell in self.cells.items() if row == HEAD_ROW)
            heights[HEAD_ROW] = (1 + max(_lines(cell, WIDEST) for cell in headings)) * LINE_POINTS + 4
        for (row, column), cell in list(self.cells.items()):
            lines = _lines(cell, widths[column])
            if lines > 1:
                if cell.style is Style.TEXT:
                    self.cells[row, column] = replace(cell, style=Style.WRAPPED)
                heights[row] = max(heights.get(row, 0), min(lines * LINE_POINTS + 4, TALLEST))
        return Sheet(
            name=self.name,
            cells=self.cells,
            column_widths=tuple(widths),
            row_heights=heights,
            head=self._head,
            repeated_from=0,
            frozen_columns=frozen_columns,
            filtered=self._filtered,
            charts=tuple(self._charts),
            row_breaks=tuple(row_breaks),
        )


def oere_as_kroner(oere: Sequence[int]) -> list[Fraction]:
    """What cells that show kroner come to."""
    return [Fraction(amount, OERE_PER_KRONE) for amount in oere]


def kroner_column(key: str, heading: str, of: str, oere: Sequence[int], *, total: bool = True) -> Column:
    """A column of kroner beside one of øre."""
    return Column(
        key,
        heading,
        Style.KRONER,
        oere_as_kroner(oere),
        f"={{{of}}}/{OERE_PER_KRONE}",
        Fraction(sum(oere), OERE_PER_KRONE) if total else None,
        f"={{{of}}}/{OERE_PER_KRONE}",
    )


def shown(cell: Cell) -> str:
    """A cell as a person reads it, for its width; a comma may stand where Danish machines show a point."""
    value = cell.value
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    if cell.style in {Style.KRONER, Style.KRONER_INVOICED}:
        return kroner(int(value * OERE_PER_KRONE)).removesuffix(" kr.")
    decimals = {Style.PERCENT: ",0000 %", Style.DECIMAL: ",0000", Style.SHARE: ",0 %", Style.AVERAGE: ",0"}.get(
        cell.style, ""
    )
    return f"{int(value * 100 if cell.style in {Style.PERCENT, Style.SHARE} else value):,}{decimals}"


def _fitting(value: Value) -> Value:
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return f"{value[:LONGEST_TEXT]} …"
    return value


def _filled(template: str, table: Table, key: str, row: int) -> str:
    places = {
        name: _InFormula(column_letters(place), row + 1, table.first + 1, table.last + 1)
        for name, place in table.columns.items()
    }
    return template.format_map(places | {"self": places[key]})


def _needed_width(cell: Cell) -> int:
    if cell.spills or cell.style in OUTSIDE_WIDTH:
        return 0
    longest = max(len(line) for line in shown(cell).split("\n"))
    # Widths are counted in digits; on average letters are narrower, in bold a little wider than in plain type.
    bold = cell.total or cell.style in BOLD
    return (math.ceil(longest * 1.1) if bold else longest) + (3 if isinstance(cell.value, str) else 2)


def _needed_to_the_right(cell: Cell) -> int:
    if cell.style is Style.TITLE:
        return math.ceil(len(shown(cell)) * 1.6)
    return len(shown(cell)) + 2 if cell.spills or cell.style in OUTSIDE_WIDTH else 0


def _lines(cell: Cell, width: int) -> int:
    text = shown(cell)
    if cell.style in {Style.HEADING, Style.HEADING_RIGHT}:
        return text.count("\n") + 1
    if cell.spills or not isinstance(cell.value, str) or cell.style in OUTSIDE_WIDTH:
        return 1
    return sum(max(1, len(textwrap.wrap(line, width - 1))) for line in text.split("\n"))
