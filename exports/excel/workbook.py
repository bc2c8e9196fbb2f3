"""What a workbook is to look like, as values: cells with formulas and what they come to, widths, print, charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias

Value: TypeAlias = int | Fraction | str | date | None
Place: TypeAlias = tuple[int, int]
"""Row and column, both from 0."""

OK = "OK"
DEVIATION = "AFVIGELSE"


class Style(StrEnum):
    """What a cell is, and so how it looks."""

    TITLE = "title"
    SUBTITLE = "subtitle"
    SECTION = "section"
    HEADING = "heading"
    HEADING_RIGHT = "heading_right"
    TEXT = "text"
    WRAPPED = "wrapped"
    LINK = "link"
    CODE = "code"  # text of digits: a municipality's code
    COUNT = "count"
    FIGURE = "figure"  # a count of a usage statement
    OERE = "oere"
    OERE_INVOICED = "oere_invoiced"
    KRONER = "kroner"
    KRONER_INVOICED = "kroner_invoiced"
    DECIMAL = "decimal"
    PERCENT = "percent"
    DATE = "date"
    STATUS = "status"  # OK or AFVIGELSE, green or red
    SHARE = "share"  # a percentage with one decimal
    AVERAGE = "average"
    HIDDEN = "hidden"  # the mark of a figure that is left out
    NOTE = "note"  # words below a list


NUMERIC = frozenset(
    {
        Style.COUNT,
        Style.FIGURE,
        Style.OERE,
        Style.OERE_INVOICED,
        Style.KRONER,
        Style.KRONER_INVOICED,
        Style.DECIMAL,
        Style.PERCENT,
        Style.SHARE,
        Style.AVERAGE,
    }
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    Attributes:
        value: What it shows; for a formula what the formula comes to, worked out from the facts in whole numbers.
        formula: From its equals sign, or None for a constant. Never made of text from people.
        total: True in a line of totals: bold, with a line above.
        link: The sheet that a click leads to.
        spills: True for text that runs out over empty cells to its right; it does not widen its column.
    """

    value: Value
    style: Style = Style.TEXT
    formula: str | None = None
    total: bool = False
    link: str | None = None
    spills: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One row of figures in a chart; the three are cells of the workbook, as formulas name them.

    Attributes:
        drawn: What a program that works nothing out draws; None in it where nothing is drawn. Without it the cells.
    """

    name: str
    categories: str
    values: str
    drawn: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """A column chart.

    Attributes:
        alt_text: What it shows, in words, for those who cannot see it.
        at: Its upper left cell.
    """

    title: str
    alt_text: str
    series: tuple[Series, ...]
    categories: int
    at: Place
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet; it prints on A4 across, one page wide, with its head on every page.

    Attributes:
        column_widths: In characters, from the first column.
        row_heights: Row -> points, where it is not the usual.
        head: The last row of what stays in sight and is printed on every page.
        repeated_from: The first row that is printed on every page.
        frozen_columns: How many columns stay in sight.
        filtered: First row, first column, last row, last column of a list with filter buttons.
        row_breaks: Rows before which a new page begins.
    """

    name: str
    cells: Mapping[Place, Cell]
    column_widths: tuple[int, ...]
    row_heights: Mapping[int, int]
    head: int
    repeated_from: int
    frozen_columns: int = 0
    filtered: tuple[int, int, int, int] | None = None
    charts: tuple[Chart, ...] = ()
    row_breaks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Workbook:
    """A whole workbook.

    Attributes:
        created: From the data, never the clock, so that the same input gives the same file.
    """

    title: str
    subject: str
    created: date
    sheets: tuple[Sheet, ...]


def column_letters(column: int) -> str:
    """A column as formulas name it: 0 is A, 26 is AA."""
    letters = ""
    column += 1
    while column:
        column, place = divmod(column - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters


def address(sheet: str, row: int, column: int) -> str:
    """One cell as formulas on any sheet name it: ``'Fordeling'!$C$7``."""
    return f"'{sheet}'!${column_letters(column)}${row + 1}"


def span(sheet: str, first: Place, last: Place) -> str:
    """A block of cells as formulas on any sheet name it."""
    return f"{address(sheet, *first)}:${column_letters(last[1])}${last[0] + 1}"
