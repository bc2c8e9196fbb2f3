"""A protection of a large table within seconds: block by block, by tables that are kept as proof.

A large table is many pieces (the figures of one municipality each) that only long sums connect. A *move* is another
table that agrees with all that is published, as whole deviations from the counts. Moves are looked for in blocks of a
few pieces and the totals; outside the block nothing moves, so a move in a block is one in the whole table too, and what
other blocks hide later does not harm it. One linear program moves many cells at once and pays for every published cell
that it moves: these become hidden. The pattern is safe when two moves lie the width apart in every hidden cell, and the
moves are handed on, so that an auditor can check them without a solver.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

from billing.usage_statement.protection_attack import new_model
from billing.usage_statement.protection_table import Columns, Mask, Numbers, Table

PIECE = 600  # columns; sums are left out, the longest first, until no piece has more
PIECES_TOGETHER = (3, 8, 20)  # first few, then more for the cells that few cannot protect
FAR = 20.0  # widths that a cell may move at most
WHOLE = 1e-6
ROUNDS = 19
SINGLES = 300  # programs of one block for a cell each
# What moving a cell is worth, in published cells that it may cost: nothing, then some, then whatever it costs.
WORTH = (0.0, 0.0, 0.3, 0.6, 1.0, 1.5, 2.5, 4.0, 0.0, 0.0, 6.0, 6.0, 0.0, 0.0, 10.0, 10.0, 0.0, 0.0, 0.0)
SECONDS_OF_ONE = 5.0

Move = tuple[Columns, npt.NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is hidden, and the moves that show how wide it is.

    Attributes:
        hidden: Column -> whether.
        moves: Columns and by how much they move together, all of them hidden.
        uncovered: Hidden columns for which no moves were found that lie the width apart.
    """

    hidden: Mask
    moves: tuple[Move, ...]
    uncovered: Columns


def quick_pattern(table: Table, width: int, deadline: float) -> Pattern:
    """A pattern that is safe where ``uncovered`` is empty; ends at the deadline on the clock of ``time.monotonic``.

    Args:
        table: What may be hidden.
        width: How wide every hidden cell must be.
        deadline: When to end; what is then not wide enough is ``uncovered``.
    """
    return _Blocks(table, width, deadline).run()


def pieces_of(table: Table) -> list[Columns]:
    """The columns that are still connected when the longest sums are left out."""
    for longest in sorted({row.long for row in table.rows}, reverse=True):
        found = _connected(table, longest)
        if max(map(len, found)) <= PIECE:
            return found
    return [np.arange(table.size, dtype=np.int32)]


def _connected(table: Table, longest: int) -> list[Columns]:
    leader = list(range(table.size))

    def find(column: int) -> int:
        while leader[column] != column:
            leader[column] = leader[leader[column]]
            column = leader[column]
        return column

    for row in table.rows:
        if row.long <= longest:
            first = find(int(row.columns[0]))
            for column in row.columns[1:].tolist():
                other = find(column)
                leader[max(first, other)] = first = min(first, other)
    groups: dict[int, list[int]] = {}
    for column in range(table.size):
        groups.setdefault(find(column), []).append(column)
    return [np.array(group, dtype=np.int32) for group in groups.values()]


class _Blocks:
    """The pattern as it grows: what is hidden, what moves there are, how far each cell is known to move."""

    def __init__(self, table: Table, width: int, deadline: float) -> None:
        self.table, self.width, self.deadline = table, width, deadline
        self.hidden = table.must.copy()
        self._low = np.zeros(table.size, dtype=np.int64)
        self._high = np.zeros(table.size, dtype=np.int64)
        self._moves: list[Move] = []
        pieces = pieces_of(table)
        piece_of = np.zeros(table.size, dtype=np.int32)
        for number, columns in enumerate(pieces):
            piece_of[columns] = number
        totals = {int(piece_of[row.total]) for row in table.rows if row.total >= 0 and _crosses(piece_of, row.columns)}
        self._pieces = [columns for number, columns in enumerate(pieces) if number not in totals]
        self._pieces.sort(key=lambda columns: (-float(table.fall[columns].sum()), int(columns[0])))
        self._totals = [columns for number, columns in enumerate(pieces) if number in totals]

    def run(self) -> Pattern:
        """Block by block, with more pieces together for what is left."""
        for together in PIECES_TOGETHER:
            for columns in self._groups(together):
                if self.is_late():
                    break
                if len(self.uncovered(columns)):
                    _Block(self, columns).run()
        whole = np.arange(self.table.size, dtype=np.int32)
        if len(self.uncovered(whole)) and not self.is_late():
            _Block(self, whole).run()
        self._publish_needless()
        return Pattern(self.hidden, tuple(self._moves), self.uncovered(whole))

    def is_late(self) -> bool:
        return time.monotonic() > self.deadline

    def _groups(self, together: int) -> list[Columns]:
        """Pieces dealt out so that every group has a large one, each group with the totals."""
        number = max(1, round(len(self._pieces) / together))
        return [
            np.sort(np.concatenate([*self._pieces[place::number], *self._totals])).astype(np.int32)
            for place in range(number)
            if self._pieces[place::number] or self._totals
        ]

    def uncovered(self, columns: Columns) -> Columns:
        narrow = self._high[columns] - self._low[columns] < self.width
        return columns[self.hidden[columns] & narrow]

    def note(self, columns: Columns, steps: npt.NDArray[np.int64]) -> None:
        self._moves.append((columns, steps))
        self.hidden[columns] = True
        self._low[columns] = np.minimum(self._low[columns], steps)
        self._high[columns] = np.maximum(self._high[columns], steps)

    def _publish_needless(self) -> None:
        """Publish again, heaviest first, what all hidden cells stay wide enough without; no program is needed."""
        if not self._moves or len(self.uncovered(np.arange(self.table.size, dtype=np.int32))):
            return
        alive = np.ones(len(self._moves), dtype=np.bool_)
        with_column: dict[int, list[tuple[int, int]]] = {}
        for number, (columns, steps) in enumerate(self._moves):
            for column, step in zip(columns.tolist(), steps.tolist(), strict=True):
                with_column.setdefault(column, []).append((number, step))
        optional = np.nonzero(self.hidden & ~self.table.must)[0].tolist()
        for column in sorted(optional, key=lambda one: (-self.table.weights[one], one)):
            gone = {number for number, _ in with_column.get(column, ()) if alive[number]}
            touched = {int(one) for number in gone for one in self._moves[number][0]} - {column}
            if all(self._stays_wide(with_column[one], alive, gone) for one in touched if self.hidden[one]):
                self.hidden[column] = False
                alive[list(gone)] = False
        self._moves = [move for move, lives in zip(self._moves, alive.tolist(), strict=True) if lives]
        self._low[:], self._high[:] = 0, 0
        for columns, steps in self._moves:
            self._low[columns] = np.minimum(self._low[columns], steps)
            self._high[columns] = np.maximum(self._high[columns], steps)

    def _stays_wide(self, moves: list[tuple[int, int]], alive: Mask, gone: Iterable[int]) -> bool:
        left = [step for number, step in moves if alive[number] and number not in gone]
        return max(0, *left, 0) - min(0, *left, 0) >= self.width


def _crosses(piece_of: Columns, columns: Columns) -> bool:
    """Whether a sum connects pieces."""
    return bool((piece_of[columns] != piece_of[columns[0]]).any())


class _Block:
    """One model of a part of the columns; all others stay where they are."""

    def __init__(self, whole: _Blocks, columns: Columns) -> None:
        self._whole, self._columns = whole, columns
        table = whole.table
        self._part = table.part(columns)
        self._size = self._part.size
        self._all = np.arange(2 * self._size, dtype=np.int32)
        self._price = 1.0 + self._part.weights / (1.0 + self._part.weights.sum())
        far = FAR * whole.width
        self._most = np.concatenate([np.full(self._size, far), np.minimum(self._part.fall, far)])
        self._model = new_model()
        self._model.addVars(2 * self._size, np.zeros(2 * self._size), self._most)
        for row in self._part.rows:
            both = np.concatenate([row.columns, row.columns + self._size]).astype(np.int32)
            self._model.addRow(0.0, 0.0, len(both), both, np.concatenate([row.signs, -row.signs]))

    def run(self) -> None:
        """Move what is not known to be wide enough."""
        whole = self._whole
        for number in range(ROUNDS):
            narrow = whole.uncovered(self._columns)
            if not len(narrow) or whole.is_late():
                return
            self._move_many(np.searchsorted(self._columns, narrow).astype(np.int32), number)
        tried: set[int] = set()
        for _ in range(SINGLES):
            narrow = np.array([one for one in whole.uncovered(self._columns).tolist() if one not in tried])
            if not len(narrow) or whole.is_late():
                return
            tried.add(int(narrow[0]))
            self._move_one(int(np.searchsorted(self._columns, narrow[0])))

    def _prices(self) -> Numbers:
        price = np.where(self._whole.hidden[self._columns], 0.0, self._price)
        return np.concatenate([price, price])

    def _move_many(self, targets: Columns, number: int) -> None:
        cost = self._prices() + 1e-4  # nothing moves for nothing
        most = self._most.copy()
        up = _signs(targets, number)
        width = float(self._whole.width)
        rising, falling = targets[up], targets[~up] + self._size
        most[targets], most[targets + self._size] = width, np.minimum(self._part.fall[targets], width)
        cost[rising] -= WORTH[number] + 0.01
        cost[falling] -= WORTH[number] + 0.01
        self._solve(cost, most)

    def _move_one(self, target: int) -> None:
        width = float(self._whole.width)
        for column in (target, target + self._size):
            if self._most[column] < width:
                continue
            least, most = np.zeros(2 * self._size), self._most.copy()
            least[column] = most[column] = width
            most[(column + self._size) % (2 * self._size)] = 0.0
            if self._solve(self._prices() + 1e-4, most, least):
                return

    def _solve(self, cost: Numbers, most: Numbers, least: Numbers | None = None) -> bool:
        model = self._model
        least = np.zeros(2 * self._size) if least is None else least
        model.changeColsCost(2 * self._size, self._all, cost)
        model.changeColsBounds(2 * self._size, self._all, least, most)
        left = min(self._whole.deadline - time.monotonic(), SECONDS_OF_ONE)
        model.setOptionValue("time_limit", model.getRunTime() + max(left, 0.1))
        model.run()
        if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            model.clearSolver()
            return False
        both = np.array(model.getSolution().col_value)
        return self._keep(both[: self._size] - both[self._size :])

    def _keep(self, deviation: Numbers) -> bool:
        for times in (1.0, 2.0):
            steps = np.rint(deviation * times)
            if np.abs(deviation * times - steps).max() < WHOLE and (steps >= -self._part.fall).all():
                moved = np.nonzero(steps)[0]
                if len(moved):
                    self._whole.note(self._columns[moved], steps[moved].astype(np.int64))
                return bool(len(moved))
        return False


def _signs(columns: Columns, number: int) -> Mask:
    """Up or down, by a fixed mixture that is the same on every machine."""
    mixed = (columns.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed += np.uint64(number * 0x3F58476D1CE4E5B9 % 2**64)
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0x94D049BB133111EB)
    return np.asarray((mixed >> np.uint64(40)) & np.uint64(1), dtype=np.bool_)
