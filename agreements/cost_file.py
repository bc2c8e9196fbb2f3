"""Budget lines and final accounts from a file of their own, TOML or xlsx -> ``CostLine``.

Both have the same columns: year, provider, service, amount, and where needed kind, line and note. A spreadsheet may
name them in Danish. Every problem is told with its place, all at once.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias, TypeVar

import openpyxl
from openpyxl.utils import get_column_letter

from agreements.agreement import CostKind, CostLine, CostLineKey
from agreements.cost_lines import (
    A_CODE,
    A_YEAR,
    AN_AMOUNT_IN_A_CELL,
    CODE_PATTERN,
    FIRST_AGREED_YEAR,
    LAST_AGREED_YEAR,
    LONGEST_CODE,
    LONGEST_LINE_NAME,
    LONGEST_NOTE,
    CostTable,
    municipality_problem,
    negative_problem,
    read_cost_lines,
    told_twice,
)
from agreements.municipality import MUNICIPALITIES, find_by_name
from agreements.strict_toml import LARGEST_FILE_BYTES, Findings, display, is_control, listed, nearest, read_toml
from foundation.errors import BadInput, N_, Problems
from foundation.money import LARGEST_OERE, OERE_PER_KRONE, NotAnAmount, oere_from_danish_text, oere_from_text

LARGEST_UNPACKED_BYTES = 100_000_000
MOST_ROWS = 50_000
HEADING_WITHIN_ROWS = 20
# How far from whole øre a sum that a spreadsheet has worked out in floats may lie: far less than a tenth of an øre.
ODD_OERE = Decimal("0.001")

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class CostFile:
    """What a file says: for which agreement, and its lines in the file's order."""

    agreement_code: str
    lines: tuple[CostLine, ...]


def read_cost_file(name: str, content: bytes, table: CostTable) -> CostFile:
    """Read a file of budgets or final accounts; xlsx by its first bytes, otherwise TOML.

    Args:
        name: The file's name as given, for messages.
        content: The whole file.
        table: ``budgets`` or ``accounts``: what the tables are called in TOML. A spreadsheet does not say which.

    Raises:
        Problems: everything that is wrong with the file, each with line and key, or sheet, row and column.

    Source: § 6 stk. 1 (budget), § 6 stk. 3 (final accounts); docs/decisions/0004-agreement-file.md.
    """
    if content.startswith(b"PK\x03\x04"):
        return _read_workbook(name, content)
    return _read_toml(name, content, table)


def _read_toml(name: str, content: bytes, table: CostTable) -> CostFile:
    top = read_toml(name, content)
    about = top.table("agreement", required=True)
    code = about.text("code", A_CODE, longest=LONGEST_CODE)
    if code and CODE_PATTERN.fullmatch(code) is None:
        about.problem("code", f"{display(code)} kan ikke bruges; forventet {A_CODE}")
    about.finish()
    lines = read_cost_lines(top, table, required=True)
    top.finish()
    top.findings.raise_if_any()
    return CostFile(code, tuple(line for _, line in lines))


_HEADINGS = {
    "year": "year",
    "år": "year",
    "provider": "provider",
    "leverandør": "provider",
    "ydelsesleverandør": "provider",
    "service": "service",
    "ydelse": "service",
    "amount": "amount",
    "beløb": "amount",
    "kind": "kind",
    "art": "kind",
    "line": "line",
    "linje": "line",
    "note": "note",
    "bemærkning": "note",
    "agreement": "agreement",
    "aftale": "agreement",
}
_REQUIRED = {"year": "år", "provider": "leverandør", "service": "ydelse", "amount": "beløb"}
_KINDS = {
    **{str(kind): kind for kind in CostKind},
    "udgift": CostKind.COST,
    "tilskud": CostKind.GRANT,
    "overskudskapacitet": CostKind.SURPLUS_CAPACITY_INCOME,
    "salg af overskudskapacitet": CostKind.SURPLUS_CAPACITY_INCOME,
}


@dataclass(frozen=True, slots=True)
class _Cell:
    """One cell: its value as stored, and whether a formula made it."""

    value: object
    is_formula: bool


EMPTY = _Cell(None, is_formula=False)
_Row: TypeAlias = tuple[_Cell, ...]


@dataclass(frozen=True, slots=True)
class _Sheet:
    title: str
    rows: list[_Row]
    heading_row: int
    columns: Mapping[str, int]


class _CellProblem(BadInput):
    """A cell that cannot be read; it becomes one of the file's problems."""

    danish = N_("{shown} {problem}")

    def __init__(self, value: object, problem: str) -> None:
        super().__init__(shown=display(value), problem=problem)


def _read_workbook(name: str, content: bytes) -> CostFile:
    sheet = _the_sheet(name, _sheets(name, content))
    findings = Findings(name)
    for column, danish in _REQUIRED.items():
        if column not in sheet.columns:
            findings.add(f"ark {display(sheet.title)}", f'kolonnen "{column}" ("{danish}") mangler')
    findings.raise_if_any()
    found: list[CostLine] = []
    places: dict[CostLineKey, str] = {}
    codes: dict[str, int] = {}
    for number, row in enumerate(sheet.rows[sheet.heading_row :], start=sheet.heading_row + 1):
        if all(cell.value is None and not cell.is_formula for cell in row):
            continue
        reading = _RowReading(findings, number, row, sheet.columns)
        line = reading.cost_line()
        code = reading.cell("agreement", _text, required="agreement" in sheet.columns, stand_in="")
        if code:
            codes.setdefault(code, number)
        if line is None:
            continue
        if line.key in places:
            findings.add(f"række {number}", told_twice(line.key, places[line.key]))
        else:
            places[line.key] = f"række {number}"
            found.append(line)
    if not found and not findings.count:
        findings.add(f"ark {display(sheet.title)}", "der er ingen linjer under overskrifterne")
    code = _agreement_code(findings, sheet, codes)
    findings.raise_if_any()
    return CostFile(code, tuple(found))


def _agreement_code(findings: Findings, sheet: _Sheet, codes: Mapping[str, int]) -> str:
    """The code that all rows name, or else the sheet's name if it can be a code."""
    if len(codes) > 1:
        told = ", ".join(f"{display(code)} i række {row}" for code, row in codes.items())
        findings.add("aftale", f"filen skal handle om én aftale, men den nævner {told}")
        return ""
    code = next(iter(codes), sheet.title)
    if len(code) > LONGEST_CODE or CODE_PATTERN.fullmatch(code) is None:
        findings.add(
            "aftale",
            f"{display(code)} kan ikke bruges; skriv aftalens kode i en kolonne ved navn aftale, "
            f"eller kald arket det. Forventet {A_CODE}",
        )
    return code


def _sheets(name: str, content: bytes) -> list[tuple[str, list[_Row]]]:
    """Every visible sheet with its rows of cells, as far as anything is written."""
    if len(content) > LARGEST_FILE_BYTES:
        raise Problems(source=name, problems=[f"filen er større end {LARGEST_FILE_BYTES // 1_000_000} MB"])
    try:
        _refuse_unpacked(name, content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells what it leaves out: printer settings, drop-down lists
            values = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            formulas = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False)
            return [
                (sheet.title, _rows(name, sheet.title, _values(sheet), _values(formulas[sheet.title])))
                for sheet in values.worksheets
                if sheet.sheet_state == "visible"
            ]
    except Problems:
        raise
    except Exception as error:  # a damaged workbook makes openpyxl raise nearly anything
        problem = "filen kan ikke læses som en Excel-fil (.xlsx); gem den igen fra regnearket"
        raise Problems(source=name, problems=[problem]) from error


def _refuse_unpacked(name: str, content: bytes) -> None:
    """Refuse a small file that would fill the memory."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
    if unpacked > LARGEST_UNPACKED_BYTES:
        raise Problems(source=name, problems=["filen er for stor, når den er pakket ud"])


def _values(sheet: object) -> Iterable[Sequence[object]]:
    # What a file claims of its own size is not believed.
    sheet.reset_dimensions()  # type: ignore[attr-defined]
    return sheet.iter_rows(values_only=True)  # type: ignore[attr-defined, no-any-return]


def _rows(
    name: str, title: str, values: Iterable[Sequence[object]], formulas: Iterable[Sequence[object]]
) -> list[_Row]:
    rows: list[_Row] = []
    for value_row, formula_row in zip(values, formulas, strict=True):
        if len(rows) >= MOST_ROWS:
            raise Problems(source=name, problems=[f"ark {display(title)}: der er mere end {MOST_ROWS} rækker"])
        rows.append(
            tuple(
                _Cell(value, _is_formula(formula, value)) for value, formula in zip(value_row, formula_row, strict=True)
            )
        )
    return rows


def _is_formula(formula: object, value: object) -> bool:
    """Read without values, a cell with a formula gives its text, ``=B1+B2``, or an object of openpyxl's."""
    return formula != value and (not isinstance(formula, str) or formula.startswith("="))


def _the_sheet(name: str, sheets: list[tuple[str, list[_Row]]]) -> _Sheet:
    """The one sheet with headings of ours; if there is none, the first that holds anything, to say what it lacks."""
    written = [_with_heading(title, rows) for title, rows in sheets if any(_is_written(row) for row in rows)]
    fitting = [sheet for sheet in written if set(_REQUIRED) <= set(sheet.columns)]
    if len(fitting) > 1:
        titles = ", ".join(display(sheet.title) for sheet in fitting)
        raise Problems(source=name, problems=[f"flere ark har de rigtige overskrifter: {titles}; kun ét må have dem"])
    if not written:
        raise Problems(source=name, problems=["filen er tom"])
    return fitting[0] if fitting else written[0]


def _is_written(row: _Row) -> bool:
    return any(cell.value is not None for cell in row)


def _with_heading(title: str, rows: list[_Row]) -> _Sheet:
    """The sheet with its heading: of its first rows the one that holds most headings of ours."""
    named = [(_columns(row), number) for number, row in enumerate(rows[:HEADING_WITHIN_ROWS], start=1)]
    columns, number = max(named, key=lambda heading: len(heading[0]))  # max() answers the first
    return _Sheet(title, rows, number, columns)


def _columns(row: _Row) -> dict[str, int]:
    columns: dict[str, int] = {}
    for index, cell in enumerate(row):
        if isinstance(cell.value, str):
            column = _HEADINGS.get(cell.value.strip().casefold())
            if column:
                columns.setdefault(column, index)
    return columns


class _RowReading:
    """One row, read column by column; each problem is noted with row and column."""

    def __init__(self, findings: Findings, number: int, row: _Row, columns: Mapping[str, int]) -> None:
        self._findings = findings
        self._number = number
        self._row = row
        self._columns = columns

    def cost_line(self) -> CostLine | None:
        """The row as a line, or None when anything in it is wrong."""
        before = self._findings.count
        year = self.cell("year", _year, required=True, stand_in=0)
        provider = self.cell("provider", _provider, required=True, stand_in="")
        service = self.cell("service", _text, required=True, stand_in="")
        kind = self.cell("kind", _kind, required=False, stand_in=CostKind.COST)
        amount_oere = self.cell("amount", lambda value: _cell_amount(value, kind), required=True, stand_in=0)
        line = self.cell("line", _text, required=False, stand_in="")
        note = self.cell("note", _note, required=False, stand_in="")
        if self._findings.count > before:
            return None
        return CostLine(CostLineKey(year, provider, service, kind, line), amount_oere, note)

    def cell(self, column: str, read: Callable[[object], Value], *, required: bool, stand_in: Value) -> Value:
        """One cell, read; the stand-in when it is empty or wrong."""
        index = self._columns.get(column)
        cell = self._row[index] if index is not None and index < len(self._row) else EMPTY
        if cell.value is None or (isinstance(cell.value, str) and not cell.value.strip()):
            if cell.is_formula:
                self._note(
                    column, "formlen har intet gemt resultat; åbn filen i regnearket, lad det regne, og gem den igen"
                )
            elif required:
                self._note(column, "cellen er tom")
            return stand_in
        try:
            return read(cell.value)
        except _CellProblem as problem:
            self._note(column, str(problem))
            return stand_in

    def _note(self, column: str, message: str) -> None:
        letter = get_column_letter(self._columns.get(column, 0) + 1)
        self._findings.add(f"række {self._number}, kolonne {letter} ({column})", message)


def _year(value: object) -> int:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value.strip()[:5])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not FIRST_AGREED_YEAR <= value <= LAST_AGREED_YEAR:
        raise _CellProblem(value, f"kan ikke bruges; forventet {A_YEAR}")
    return value


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _CellProblem(value, "er ikke en tekst")
    text = str(value).strip()
    if len(text) > LONGEST_LINE_NAME or any(is_control(character) for character in text):
        raise _CellProblem(value, f"skal stå på én linje og være på højst {LONGEST_LINE_NAME} tegn")
    return text


def _note(value: object) -> str:
    text = " ".join(str(value).split())
    if len(text) > LONGEST_NOTE or any(is_control(character) for character in text):
        raise _CellProblem(value, f"må højst være på {LONGEST_NOTE} tegn og uden styretegn")
    return text


def _provider(value: object) -> str:
    """The code of a municipality, also written as a number or as its name."""
    text = _text(value)
    if text in MUNICIPALITIES:
        return text
    named = find_by_name(text)
    if named:
        return named.code
    raise _CellProblem(text, municipality_problem(text))


def _kind(value: object) -> CostKind:
    text = _text(value).casefold()
    if text not in _KINDS:
        hint = nearest(text, list(_KINDS)) or f"; forventet {listed(list(_KINDS))}"
        raise _CellProblem(value, f"er ikke en art{hint}")
    return _KINDS[text]


def _cell_amount(value: object, kind: CostKind) -> int:
    oere = _oere(value)
    problem = negative_problem(kind, oere)
    if problem:
        raise _CellProblem(value, problem)
    return oere


def _oere(value: object) -> int:
    if isinstance(value, str):
        for read in (oere_from_text, oere_from_danish_text):
            try:
                return read(value)
            except NotAnAmount:
                continue
    elif isinstance(value, int | float) and not isinstance(value, bool):
        exact = Decimal(repr(value)) * OERE_PER_KRONE
        if not exact.is_finite() or abs(exact) > LARGEST_OERE:
            raise _CellProblem(value, "er et for stort beløb")
        if abs(exact - exact.to_integral_value()) > ODD_OERE:
            raise _CellProblem(value, "er ikke hele øre; afrund beløbet til to decimaler")
        return int(exact.to_integral_value())
    raise _CellProblem(value, f"er ikke et beløb; forventet {AN_AMOUNT_IN_A_CELL}")
