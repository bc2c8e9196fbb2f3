"""The auditor: what an attacker can say of every hidden count. It shares no code with the protection that it judges.

For each hidden cell two linear programs ask how small and how large its count can be, given every published count and
every sum. Both ends are believed only when a whole table stands behind them: whole numbers of at least one in every
hidden cell, checked against every sum in whole-number arithmetic. So an interval that is reported as wide enough is
proven to be, whatever the solver's tolerances; where the linear program's corner is no whole table, whole numbers are
searched for, and what is not found counts as impossible.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from billing.usage_statement.protection_facts import (
    LEAST_HIDDEN,
    AuditReport,
    CellKey,
    CellsContradictory,
    Interval,
    Relation,
)

CLOSE = 1e-6
SPARE = 1000  # a count that may exceed all that is published by so much is without end


@dataclass(frozen=True, slots=True)
class _Equation:
    """Signed hidden cells that sum to a known number."""

    signs: Mapping[CellKey, int]
    value: int


def audit(
    published: Mapping[CellKey, int],
    hidden: Collection[CellKey],
    relations: Iterable[Relation],
    *,
    threshold: int,
) -> AuditReport:
    """Work out what the published counts give away of the hidden ones.

    Args:
        published: Every cell that anybody has been shown, in this statement or another, with the count shown.
        hidden: Every cell that is hidden everywhere; their counts are not told to the auditor.
        relations: Every sum between them.
        threshold: The least width of an interval, and the least count that may be shown.

    Raises:
        CellsContradictory: A cell is both shown and hidden, a sum has a cell that is neither, or no table agrees with
            what is published.

    Source: agreement § 3 stk. 4; domain rule 17.
    """
    secret = frozenset(hidden)
    equations = _equations(published, secret, relations)
    intervals: dict[CellKey, Interval] = {}
    for cells, connected in _connected(sorted(secret), equations):
        intervals.update(_Attack(cells, connected).intervals())
    narrow = tuple(key for key in sorted(intervals) if intervals[key].is_narrower_than(threshold))
    return AuditReport(
        threshold=threshold,
        intervals=intervals,
        exact=tuple(key for key in narrow if intervals[key].low == intervals[key].high),
        narrow=narrow,
        small=tuple(sorted(key for key, count in published.items() if 0 < count < threshold)),
    )


def _equations(
    published: Mapping[CellKey, int],
    secret: frozenset[CellKey],
    relations: Iterable[Relation],
) -> list[_Equation]:
    """What the sums say of the hidden cells."""
    problems = [f"{'/'.join(key)} er både vist og skjult" for key in sorted(secret & published.keys())]
    problems += [f"{'/'.join(key)} er negativ" for key in sorted(published) if published[key] < 0]
    equations = []
    for relation in relations:
        signs: dict[CellKey, int] = {}
        value = 0
        for key, sign in _terms(relation):
            if key in secret:
                signs[key] = signs.get(key, 0) + sign
            elif key in published:
                value -= sign * published[key]
            else:
                problems.append(f"{'/'.join(key)} er hverken vist eller skjult")
        signs = {key: sign for key, sign in signs.items() if sign}
        if signs:
            equations.append(_Equation(signs, value))
        elif value and not problems:
            problems.append(f"{'/'.join(relation.total)} er ikke summen af sine dele")
    if problems:
        raise CellsContradictory(problems=tuple(problems))
    return equations


def _terms(relation: Relation) -> Iterable[tuple[CellKey, int]]:
    yield relation.total, -1
    for key in relation.parts:
        yield key, 1
    for key in relation.less:
        yield key, -1


def _connected(
    cells: list[CellKey],
    equations: list[_Equation],
) -> Iterable[tuple[list[CellKey], list[_Equation]]]:
    """Cells that equations connect, directly or by others, with these equations."""
    of_cell: dict[CellKey, list[int]] = {key: [] for key in cells}
    for number, equation in enumerate(equations):
        for key in equation.signs:
            of_cell[key].append(number)
    reached: set[CellKey] = set()
    for start in cells:
        if start in reached:
            continue
        reached.add(start)
        group, numbers, waiting = [], set(), [start]
        while waiting:
            key = waiting.pop()
            group.append(key)
            for number in of_cell[key]:
                if number not in numbers:
                    numbers.add(number)
                    found = equations[number].signs.keys() - reached
                    reached |= found
                    waiting += sorted(found)
        yield sorted(group), [equations[number] for number in sorted(numbers)]


class _Attack:
    """The linear programs over connected hidden cells: one model, of which only the objective changes."""

    def __init__(self, cells: list[CellKey], equations: list[_Equation]) -> None:
        self._cells = cells
        place = {key: column for column, key in enumerate(cells)}
        rows = [(np.array([place[key] for key in e.signs]), np.array(list(e.signs.values()))) for e in equations]
        self._values = np.array([equation.value for equation in equations], dtype=np.int64)
        self._columns = np.concatenate([columns for columns, _ in rows]) if rows else np.zeros(0, dtype=np.int64)
        self._signs = np.concatenate([signs for _, signs in rows]) if rows else np.zeros(0, dtype=np.int64)
        self._starts = np.cumsum([0, *(len(columns) for columns, _ in rows[:-1])]) if rows else np.zeros(0, np.int64)
        self._without_end = float(SPARE + 2 * int(np.abs(self._values).sum()))
        size = len(cells)
        self._model = highspy.Highs()  # type: ignore[no-untyped-call] # its constructor is not annotated
        self._model.setOptionValue("output_flag", False)  # noqa: FBT003 - the solver's own way
        self._model.setOptionValue("threads", 1)
        self._model.setOptionValue("presolve", "off")  # or the last solution would be forgotten
        self._model.setOptionValue("simplex_strategy", 4)  # primal: the last solution stays feasible
        self._model.addVars(size, np.full(size, float(LEAST_HIDDEN)), np.full(size, highspy.kHighsInf))
        for (columns, signs), value in zip(rows, self._values.tolist(), strict=True):
            self._model.addRow(value, value, len(columns), columns.astype(np.int32), signs.astype(np.float64))
        self._all = np.arange(size, dtype=np.int32)
        self._seen_low = np.full(size, np.iinfo(np.int64).max)
        self._seen_high = np.full(size, np.iinfo(np.int64).min)

    def intervals(self) -> dict[CellKey, Interval]:
        """What can be said of each cell."""
        self._model.run()
        if self._model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            names = ", ".join("/".join(key) for key in self._cells[:5])
            raise CellsContradictory(problems=(f"ingen tal passer til det, der er vist omkring {names}",))
        columns = range(len(self._cells))
        lows = [int(np.ceil(self._end_of(column, 1.0) - CLOSE)) for column in columns]
        highs = [int(np.floor(self._end_of(column, -1.0) + CLOSE)) for column in columns]
        for column in columns:  # after all linear programs: one cell's corner often reaches another cell's end
            if self._seen_low[column] > lows[column]:
                self._search_whole_table(column, 1.0)
            if self._seen_high[column] < highs[column]:
                self._search_whole_table(column, -1.0)
        return {key: self._interval(column) for column, key in enumerate(self._cells)}

    def _interval(self, column: int) -> Interval:
        """Both ends of a cell, as whole tables reach them."""
        lowest, highest = int(self._seen_low[column]), int(self._seen_high[column])
        if lowest > highest:
            problem = f"ingen hele tal passer til det, der er vist omkring {'/'.join(self._cells[column])}"
            raise CellsContradictory(problems=(problem,))
        return Interval(lowest, None if highest >= self._without_end else highest)

    def _end_of(self, column: int, direction: float) -> float:
        """The least (1) or greatest (-1) that a count can be, by fractions; no tables are beyond."""
        self._model.changeColCost(column, direction)
        self._model.changeColBounds(column, float(LEAST_HIDDEN), self._without_end)
        self._model.run()
        if self._model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            self._model.clearSolver()
            self._model.run()
        table = np.array(self._model.getSolution().col_value)
        self._model.changeColCost(column, 0.0)
        self._model.changeColBounds(column, float(LEAST_HIDDEN), highspy.kHighsInf)
        self._note(table)
        return float(table[column])

    def _note(self, table: npt.NDArray[np.float64]) -> None:
        """Remember how far each cell reaches in a table, if it is a whole one that obeys every sum."""
        whole = np.rint(table).astype(np.int64)
        if whole.min() < LEAST_HIDDEN:
            return
        if len(self._values):
            sums = np.add.reduceat(self._signs * whole[self._columns], self._starts)
            if not np.array_equal(sums, self._values):
                return
        np.minimum(self._seen_low, whole, out=self._seen_low)
        np.maximum(self._seen_high, whole, out=self._seen_high)

    def _search_whole_table(self, column: int, direction: float) -> None:
        """Look among whole numbers only, where the corner that the linear program found has fractions."""
        model = highspy.Highs()  # type: ignore[no-untyped-call] # as above
        model.setOptionValue("output_flag", False)  # noqa: FBT003 - as above
        model.setOptionValue("threads", 1)
        model.passModel(self._model.getLp())
        model.changeColsIntegrality(
            len(self._all), self._all, np.array([highspy.HighsVarType.kInteger] * len(self._all))
        )
        model.changeColCost(column, direction)
        model.changeColBounds(column, float(LEAST_HIDDEN), self._without_end)
        model.run()
        self._note(np.array(model.getSolution().col_value))
