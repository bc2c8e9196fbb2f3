"""A workbook's description becomes an .xlsx file."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter  # type: ignore[import-untyped] # carries no types

from exports.excel.overview import FEW_CATEGORIES
from exports.excel.workbook import DEVIATION, OK, Cell, Chart, Sheet, Style, Workbook, column_letters

AUTHOR = "Mellemregning"
A4 = 9
ROW_POINTS = 15
LONGEST_FOOTER_TITLE = 120  # all of a footer's text may be 255 characters

FONT = {"font_name": "Arial", "font_size": 10}  # Liberation Sans has the same widths, so columns fit everywhere
DARK = "#1F3A4D"
PALE = "#E6EDF2"
GREY = "#ECECEC"
LINE = "#B8C4CC"
# A picture of a statement, made where nobody set a language, is Danish all the same: 3.302 and 75,9 %.
DANISH = "[$-406]"
COLOURS = ("#1F3A4D", "#7A9CB3", "#C98B3B")

_NUMBER: dict[str, object] = {"align": "right", "valign": "vcenter"}
_TEXT: dict[str, object] = {"align": "left", "valign": "vcenter", "indent": 1}
_HEADING: dict[str, object] = {
    "bold": True,
    "bg_color": PALE,
    "font_color": DARK,
    "bottom": 1,
    "bottom_color": DARK,
    "text_wrap": True,
}
LOOKS: Mapping[Style, dict[str, object]] = {
    Style.TITLE: {"indent": 1, "bold": True, "font_size": 14, "font_color": DARK},
    Style.SUBTITLE: {"indent": 1, "italic": True, "font_color": "#555555"},
    Style.SECTION: {"bold": True, "font_color": DARK},
    Style.HEADING: _HEADING | _TEXT | {"valign": "top"},
    Style.HEADING_RIGHT: _HEADING | _NUMBER | {"valign": "top"},
    Style.TEXT: _TEXT,
    Style.WRAPPED: _TEXT | {"text_wrap": True},
    Style.LINK: _TEXT | {"font_color": "#0B5394", "underline": 1},
    Style.CODE: _TEXT | {"num_format": "@"},
    Style.COUNT: _NUMBER | {"num_format": "#,##0"},
    Style.FIGURE: _NUMBER | {"num_format": f"{DANISH}#,##0"},
    Style.OERE: _NUMBER | {"num_format": "#,##0"},
    Style.OERE_INVOICED: _NUMBER | {"num_format": "#,##0", "bg_color": GREY},
    Style.KRONER: _NUMBER | {"num_format": "#,##0.00"},
    Style.KRONER_INVOICED: _NUMBER | {"num_format": "#,##0.00", "bg_color": GREY},
    Style.DECIMAL: _NUMBER | {"num_format": "#,##0.0000"},
    Style.PERCENT: _NUMBER | {"num_format": "0.0000%"},
    Style.DATE: _TEXT | {"num_format": "dd.mm.yyyy"},
    Style.STATUS: _TEXT | {"bold": True},
    Style.SHARE: _NUMBER | {"num_format": f"{DANISH}0.0%"},
    Style.AVERAGE: _NUMBER | {"num_format": f"{DANISH}#,##0.0"},
    Style.HIDDEN: _NUMBER | {"bg_color": GREY},
    Style.NOTE: _TEXT | {"font_color": "#555555"},
}
VERDICTS = {
    OK: {"font_color": "#1E6B34", "bg_color": "#DFF0E3"},
    DEVIATION: {"font_color": "#9C1C1C", "bg_color": "#F9DDDD"},
}
_TOTAL = {"bold": True, "top": 1, "top_color": DARK}
# A spreadsheet takes text that begins so for a formula once somebody edits the cell; the prefix says that it is text.
_LIKE_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_workbook(workbook: Workbook, path: Path) -> None:
    """Write a workbook; the file is there whole or, where something fails, not at all.

    The same workbook gives the same bytes.

    Raises:
        OSError: the folder is not there or may not be written to.
    """
    content = workbook_bytes(workbook)
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def workbook_bytes(workbook: Workbook) -> bytes:
    """The same file as bytes, for a page that sends it."""
    target = BytesIO()
    _Writer(workbook, target).write()
    return target.getvalue()


class _Writer:
    """One file while it is written."""

    def __init__(self, workbook: Workbook, target: BytesIO) -> None:
        self._workbook = workbook
        self._file = xlsxwriter.Workbook(
            target,
            {
                "in_memory": True,
                "strings_to_formulas": False,
                "strings_to_numbers": False,
                "strings_to_urls": False,
                "default_format_properties": dict(FONT),
            },
        )
        self._formats: dict[tuple[Style, bool, bool], Any] = {}
        self._verdicts = {word: self._file.add_format(look) for word, look in VERDICTS.items()}

    def write(self) -> None:
        self._file.set_properties(
            {
                "title": self._workbook.title,
                "subject": self._workbook.subject,
                "author": AUTHOR,
                "company": AUTHOR,
                "created": datetime.combine(self._workbook.created, time(), UTC),
            },
        )
        for sheet in self._workbook.sheets:
            self._sheet(sheet)
        self._file.close()

    def _format(self, style: Style, *, total: bool = False, quoted: bool = False) -> Any:  # noqa: ANN401 - untyped
        key = (style, total, quoted)
        if key not in self._formats:
            look = FONT | LOOKS[style] | (_TOTAL if total else {}) | ({"quote_prefix": True} if quoted else {})
            self._formats[key] = self._file.add_format(look)
        return self._formats[key]

    def _sheet(self, sheet: Sheet) -> None:
        page = self._file.add_worksheet(sheet.name)
        page.set_default_row(ROW_POINTS)
        page.hide_gridlines(2)
        for column, width in enumerate(sheet.column_widths):
            page.set_column(column, column, width)
        for row, height in sheet.row_heights.items():
            page.set_row(row, height)
        for (row, column), cell in sorted(sheet.cells.items()):
            self._cell(page, row, column, cell)
        self._print(page, sheet)
        self._help(page, sheet)
        for chart in sheet.charts:
            self._chart(page, chart)

    def _cell(self, page: Any, row: int, column: int, cell: Cell) -> None:  # noqa: ANN401 - untyped
        quoted = cell.formula is None and isinstance(cell.value, str) and cell.value.startswith(_LIKE_A_FORMULA)
        look = self._format(cell.style, total=cell.total, quoted=quoted)
        value = cell.value
        if cell.formula is not None:
            result = float(value) if isinstance(value, Fraction) else value
            page.write_formula(row, column, cell.formula, look, result)
        elif cell.link is not None:
            page.write_url(row, column, f"internal:'{cell.link}'!A1", look, str(value))
        elif value is None or value == "":
            page.write_blank(row, column, None, look)
        elif isinstance(value, str):
            page.write_string(row, column, value, look)
        elif isinstance(value, date):
            page.write_datetime(row, column, datetime.combine(value, time()), look)
        else:
            page.write_number(row, column, value if isinstance(value, int) else float(value), look)

    def _print(self, page: Any, sheet: Sheet) -> None:  # noqa: ANN401 - untyped
        page.set_paper(A4)
        page.set_landscape()
        page.fit_to_pages(1, 0)
        page.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.7)
        page.repeat_rows(sheet.repeated_from, sheet.head)
        title = self._workbook.title
        if len(title) > LONGEST_FOOTER_TITLE:
            title = f"{title[:LONGEST_FOOTER_TITLE]}…"
        page.set_footer(f"&L&8 {title.replace('&', '&&')}&C&8&A&R&8Side &P af &N")
        if sheet.row_breaks:
            page.set_h_pagebreaks(list(sheet.row_breaks))
        last_row = max(row for row, _ in sheet.cells)
        if not sheet.charts:
            page.print_area(0, 0, last_row, len(sheet.column_widths) - 1)

    def _help(self, page: Any, sheet: Sheet) -> None:  # noqa: ANN401 - untyped
        page.freeze_panes(sheet.head + 1, sheet.frozen_columns)
        if sheet.filtered is not None:
            page.autofilter(*sheet.filtered)
        last_row = max(row for row, _ in sheet.cells)
        everything = (0, 0, last_row, len(sheet.column_widths) - 1)
        statuses = [place for place, cell in sheet.cells.items() if cell.style is Style.STATUS]
        for row, column in sorted(statuses):
            for word, look in self._verdicts.items():
                page.conditional_format(
                    row,
                    column,
                    row,
                    column,
                    {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": look},
                )
        # Codes and years are text on purpose, and months are cut in two ways side by side.
        block = _block(everything)
        page.ignore_errors({"number_stored_as_text": block, "formula_differs": block, "formula_range": block})

    def _chart(self, page: Any, chart: Chart) -> None:  # noqa: ANN401 - untyped
        drawing = self._file.add_chart({"type": "column"})
        for series, colour in zip(chart.series, COLOURS, strict=False):
            drawing.add_series(
                {
                    "name": series.name,
                    "categories": f"={series.categories}",
                    "values": f"={series.values}",
                    "values_data": list(series.drawn) or None,
                    "fill": {"color": colour},
                    "gap": 60,
                },
            )
        many = chart.categories > FEW_CATEGORIES
        font = {"name": "Arial", "size": 6 if many else 9}
        drawing.set_title({"name": chart.title, "name_font": {"name": "Arial", "size": 11, "color": DARK}})
        drawing.set_x_axis(
            {"num_font": font | ({"rotation": -90} if many else {}), "label_position": "low", "interval_unit": 1}
        )
        drawing.set_y_axis(
            {"num_font": font, "num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": LINE}}},
        )
        if len(chart.series) == 1:
            drawing.set_legend({"none": True})
        else:
            drawing.set_legend({"position": "bottom", "font": font})
        drawing.set_size({"width": chart.width, "height": chart.height})
        page.insert_chart(*chart.at, drawing, {"description": chart.alt_text, "object_position": 2})


def _block(corners: tuple[int, int, int, int]) -> str:
    top, left, bottom, right = corners
    return f"{column_letters(left)}{top + 1}:{column_letters(right)}{bottom + 1}"
