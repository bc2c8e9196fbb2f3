"""Cells and sums as numbered columns and rows: what the solver is told, checked and cut into independent parts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from billing.usage_statement.protection_facts import (
    CellKey,
    CellsContradictory,
    CellValue,
    Relation,
)

Mask: TypeAlias = npt.NDArray[np.bool_]
Numbers: TypeAlias = npt.NDArray[np.float64]
Columns: TypeAlias = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Row:
    """A sum that is zero for the deviations of hidden cells from their counts: columns and their signs."""

    columns: Columns
    signs: Numbers


@dataclass(frozen=True, slots=True)
class Table:
    """The cells that are hidden or may be.

    Attributes:
        keys: Column -> key, sorted, so that the order in which cells were told changes nothing.
        fall: Column -> how far the count may fall before it is less than it is known to be; zero would be published.
        weights: Column -> what is lost when it is hidden.
        must: Which columns are hidden whatever happens: small counts, and what earlier statements hid.
        rows: The sums, without the cells that are published anyway.
    """

    keys: tuple[CellKey, ...]
    fall: Numbers
    weights: Numbers
    must: Mask
    rows: tuple[Row, ...]

    @property
    def size(self) -> int:
        """The number of columns."""
        return len(self.keys)

    def part(self, columns: Columns) -> Table:
        """The same with these columns only; all others are published."""
        place = np.full(self.size, -1, dtype=np.int32)
        place[columns] = np.arange(len(columns), dtype=np.int32)
        rows = []
        for row in self.rows:
            inside = place[row.columns] >= 0
            if inside.any():
                rows.append(Row(place[row.columns[inside]], row.signs[inside]))
        return Table(
            tuple(self.keys[column] for column in columns),
            self.fall[columns],
            self.weights[columns],
            self.must[columns],
            tuple(rows),
        )

    def parts(self) -> list[Table]:
        """Cut into tables that have no sum in common, by their first key."""
        leader = list(range(self.size))

        def find(column: int) -> int:
            while leader[column] != column:
                leader[column] = leader[leader[column]]
                column = leader[column]
            return column

        for row in self.rows:
            first = find(int(row.columns[0]))
            for column in row.columns[1:]:
                other = find(int(column))
                leader[max(first, other)] = first = min(first, other)
        columns_of: dict[int, list[int]] = {}
        for column in range(self.size):
            columns_of.setdefault(find(column), []).append(column)
        rows_of: dict[int, list[Row]] = {}
        for row in self.rows:
            rows_of.setdefault(find(int(row.columns[0])), []).append(row)
        place = np.zeros(self.size, dtype=np.int32)
        for group in columns_of.values():
            place[group] = np.arange(len(group), dtype=np.int32)
        return [
            Table(
                tuple(self.keys[column] for column in group),
                self.fall[group],
                self.weights[group],
                self.must[group],
                tuple(Row(place[row.columns], row.signs) for row in rows_of.get(first, ())),
            )
            for first, group in columns_of.items()
        ]


def table_of(
    cells: Iterable[CellValue],
    relations: Iterable[Relation],
    *,
    must: Collection[CellKey],
    published: Collection[CellKey],
) -> Table:
    """Make the table of all cells that are neither zero nor published.

    Args:
        cells: All cells, already checked.
        relations: All sums, already checked.
        must: What is hidden whatever happens.
        published: What was published before.
    """
    open_cells = sorted((cell for cell in cells if cell.count > 0 and cell.key not in published), key=_key)
    place = {cell.key: column for column, cell in enumerate(open_cells)}
    rows = []
    seen = set()
    for relation in relations:
        signed = sorted((place[key], sign) for key, sign in _signed(relation) if key in place)
        columns = tuple(column for column, _ in signed)
        signs = tuple(sign * signed[0][1] for _, sign in signed)
        if columns and (columns, signs) not in seen:
            seen.add((columns, signs))
            rows.append(Row(np.array(columns, dtype=np.int32), np.array(signs, dtype=np.float64)))
    rows.sort(key=lambda row: (row.columns.tolist(), row.signs.tolist()))
    return Table(
        tuple(cell.key for cell in open_cells),
        np.array([cell.count - cell.least for cell in open_cells], dtype=np.float64),
        np.array([cell.weight for cell in open_cells], dtype=np.float64),
        np.array([cell.key in must for cell in open_cells], dtype=np.bool_),
        tuple(rows),
    )


def check(
    cells: Sequence[CellValue],
    relations: Sequence[Relation],
    *,
    published: Collection[CellKey],
    suppressed: Collection[CellKey],
) -> None:
    """Refuse cells and sums that do not fit together.

    Raises:
        CellsContradictory: With every problem.
    """
    counts: dict[CellKey, int] = {}
    problems = []
    for cell in cells:
        if cell.key in counts:
            problems.append(f"{name_of(cell.key)} er der to gange")
        if cell.count < 0 or cell.weight < 0:
            problems.append(f"{name_of(cell.key)} er negativ")
        counts[cell.key] = cell.count
    for relation in relations:
        keys = [key for key, _ in _signed(relation)]
        unknown = sorted({key for key in keys if key not in counts})
        if unknown:
            problems.append(f"{name_of(unknown[0])} indgår i {name_of(relation.total)}, men kendes ikke")
        elif len(set(keys)) < len(keys):
            problems.append(f"summen {name_of(relation.total)} har den samme celle to gange")
        elif sum(sign * counts[key] for key, sign in _signed(relation)):
            problems.append(f"{name_of(relation.total)} er ikke summen af sine dele")
    problems += [f"{name_of(key)} er både offentliggjort og skjult" for key in sorted(set(published) & set(suppressed))]
    problems += [f"{name_of(key)} er skjult, men kendes ikke" for key in sorted(set(suppressed) - set(counts))]
    problems += [f"{name_of(key)} er skjult, men nul" for key in sorted(suppressed) if counts.get(key) == 0]
    if problems:
        raise CellsContradictory(problems=tuple(problems))


def name_of(key: CellKey) -> str:
    """A cell's key in a message."""
    return "/".join(key)


def _key(cell: CellValue) -> CellKey:
    return cell.key


def _signed(relation: Relation) -> list[tuple[CellKey, int]]:
    return [(relation.total, -1), *((key, 1) for key in relation.parts), *((key, -1) for key in relation.less)]
