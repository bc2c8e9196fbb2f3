"""The search for the cheapest secondary suppression: cutting planes between a chooser of cells and the attacker.

The cell suppression problem as a whole-number program (Fischetti and Salazar-González): one yes or no per cell, and for
every cell that the attacker finds too narrow an inequality that says what would have helped. The program is solved,
attacked and solved again until nothing is narrow; then no cheaper choice exists. First the number of cells is made
least, then, with that number, their weight.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import highspy
import numpy as np

from billing.usage_statement.protection_attack import INFINITE, Attacker, Cut, new_model
from billing.usage_statement.protection_table import Mask, Numbers, Table

ROUNDS_IN_PART = 8  # of cells hidden in part, which is quick, before whole cells are chosen
ROUNDS_WHOLE = 120
NODES = 20_000  # of one whole-number program's search tree
ENOUGH = 1e-3  # a cut that is broken by less is not worth its row
HALF = 0.5
BARELY = 1e-6


@dataclass(frozen=True, slots=True)
class Choice:
    """Which columns are hidden, all of them wide enough.

    Attributes:
        hidden: Column -> whether.
        bound: No choice hides fewer columns.
        optimal: None hides fewer, nor as few of less weight.
    """

    hidden: Mask
    bound: int
    optimal: bool


class Search:
    """The search in one table that no sum connects with others."""

    def __init__(self, table: Table, width: int, deadline: float) -> None:
        """Start with every sum's own demand: what is hidden alone in a sum can be worked out.

        Args:
            table: Columns that are all wide enough when all are hidden.
            width: How wide every hidden cell must be.
            deadline: When to end with what there is, on the clock of ``time.monotonic``.
        """
        self._table = table
        self._attacker = Attacker(table, width)
        self._chooser = _Chooser(table)
        self._router = _Router(table, width)
        self._deadline = deadline
        self._best = self._last = np.ones(table.size, dtype=np.bool_)
        self._bound = int(table.must.sum())
        self._cuts: list[Cut] = []

    def run(self) -> Choice:
        """Answer the best choice there is, or that there was time for."""
        if self._table.must.all():
            return Choice(self._best, self._bound, optimal=True)
        self._choose_in_part()
        if not self._choose_whole():
            hidden = self._without_needless(self._completed(self._last))
            return Choice(hidden, self._bound, optimal=self._is_indifferent and int(hidden.sum()) == self._bound)
        self._bound = int(self._best.sum())
        if self._is_indifferent:
            return Choice(self._best, self._bound, optimal=True)
        self._chooser.weigh(self._bound)
        is_lightest = self._choose_whole()
        return Choice(self._best, self._bound, optimal=is_lightest)

    @property
    def _is_indifferent(self) -> bool:
        """All columns weigh the same, so the fewest are the lightest."""
        return len(set(self._table.weights[~self._table.must].tolist())) <= 1

    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline

    def _choose_in_part(self) -> None:
        """Collect cuts from choices that hide cells in part."""
        for _ in range(ROUNDS_IN_PART):
            share, bound = self._chooser.choose_in_part()
            self._bound = max(self._bound, _at_least(bound))
            self._last = share > HALF
            if not self._learn(self._broken_cuts(share)) or self._is_late():
                return

    def _choose_whole(self) -> bool:
        """Choose, be attacked and choose again; answer whether a choice withstood that none is cheaper than."""
        for _ in range(ROUNDS_WHOLE):
            if self._is_late():
                return False
            hidden, is_cheapest = self._chooser.choose_whole()
            if not self._chooser.by_weight:
                self._last, self._bound = hidden, max(self._bound, self._chooser.bound)
            cuts = self._broken_cuts(hidden.astype(np.float64)) or narrow_cells(self._attacker, hidden)
            if not cuts:
                if is_cheapest or not self._chooser.by_weight:
                    self._best = hidden
                return is_cheapest
            if not self._learn(cuts):
                return False
        return False

    def _learn(self, cuts: Iterable[Cut]) -> int:
        """Tell the chooser; answer how many cuts it did not know."""
        new = [cut for cut in cuts if self._chooser.add(cut)]
        self._cuts += new
        return len(new)

    def _broken_cuts(self, share: Numbers) -> list[Cut]:
        """What is wrong with a choice, said in a way that holds for others too; not complete."""
        self._attacker.face(share)
        broken = []
        for cell in self._attacker.open_questions():
            cut = self._attacker.cut(int(cell))
            if cut is not None and cut.lacks(share) > ENOUGH:
                broken.append(cut)
            if broken and self._is_late():
                break
        return broken

    def _completed(self, hidden: Mask) -> Mask:
        """Hide more until nothing is narrow."""
        hidden = hidden | self._table.must
        while cuts := narrow_cells(self._attacker, hidden):
            before = int(hidden.sum())
            for cut in cuts:
                still = self._attacker.cut(cut.cell)
                if still is not None:
                    self._hide(hidden, self._router.way(still.cell, hidden) or [self._best_help(still, hidden)])
            if int(hidden.sum()) == before:
                self._hide(hidden, [self._best_help(cuts[0], hidden)])
        return hidden

    def _hide(self, hidden: Mask, columns: Iterable[int]) -> None:
        for column in columns:
            hidden[column] = True
            self._attacker.open(column)

    def _best_help(self, cut: Cut, hidden: Mask) -> int:
        share = np.where(hidden[cut.columns], 0.0, cut.share)
        most = cut.columns[share >= share.max() - BARELY]
        return int(most[np.argmin(self._table.weights[most])])

    def _without_needless(self, hidden: Mask) -> Mask:
        """Publish again, heaviest first, what no cut asks for and no attack needs; as far as there is time."""
        hidden = hidden.copy()
        optional = [int(column) for column in np.nonzero(hidden & ~self._table.must)[0]]
        for column in sorted(optional, key=lambda column: (-self._table.weights[column], column)):
            if self._is_late():
                break
            fewer = hidden.copy()
            fewer[column] = False
            in_part = fewer.astype(np.float64)
            if any(cut.lacks(in_part) > ENOUGH for cut in self._cuts):
                continue
            if is_protected(self._attacker, fewer):
                hidden = fewer
        return hidden


def narrow_cells(attacker: Attacker, hidden: Mask) -> list[Cut]:
    """A cut for every hidden cell that is too narrow; searched in whole numbers if fractions show none."""
    attacker.face_whole(hidden)
    cuts = [cut for cell in attacker.open_questions() if (cut := attacker.cut(int(cell))) is not None]
    if cuts:
        return cuts
    return [attacker.all_others(cell) for cell in attacker.unsure if not attacker.is_wide_in_whole_numbers(cell)]


def is_protected(attacker: Attacker, hidden: Mask) -> bool:
    """Tell whether nothing is narrow; ends at the first that is."""
    attacker.face_whole(hidden)
    if any(attacker.cut(int(cell)) is not None for cell in attacker.open_questions()):
        return False
    return all(attacker.is_wide_in_whole_numbers(cell) for cell in attacker.unsure)


def complete_one_by_one(attacker: Attacker, table: Table) -> Mask:
    """The baseline: go through the hidden cells and hide the lightest cell that helps, until each is wide enough."""
    hidden = table.must.copy()
    while True:
        attacker.face_whole(hidden)
        narrow = False
        for cell in sorted(attacker.open_questions().tolist(), key=lambda cell: (table.fall[cell], cell)):
            while (cut := attacker.cut(cell)) is not None:
                _hide_lightest(attacker, table, hidden, cut)
                narrow = True
        if not narrow:
            for cell in attacker.unsure:
                if not attacker.is_wide_in_whole_numbers(cell):
                    _hide_lightest(attacker, table, hidden, attacker.all_others(cell))
                    narrow = True
        if not narrow:
            return hidden


def _hide_lightest(attacker: Attacker, table: Table, hidden: Mask, cut: Cut) -> None:
    helping = [int(column) for column in cut.columns if not hidden[column]]
    column = min(helping, key=lambda column: (table.weights[column], column))
    hidden[column] = True
    attacker.open(column)


class _Router:
    """The cheapest way to let a cell move: a linear program over rises and falls; hidden cells cost nothing."""

    def __init__(self, table: Table, width: int) -> None:
        self._table = table
        self._width = float(width)
        self._model = new_model()
        self._model.setOptionValue("presolve", "off")
        self._model.addVars(2 * table.size, np.zeros(2 * table.size), self._most())
        for row in table.rows:
            columns = np.concatenate([row.columns, row.columns + table.size]).astype(np.int32)
            self._model.addRow(0.0, 0.0, len(columns), columns, np.concatenate([row.signs, -row.signs]))
        self._all = np.arange(2 * table.size, dtype=np.int32)
        self._price = 1.0 + table.weights / (1.0 + table.weights.sum())

    def _most(self) -> Numbers:
        return np.concatenate([np.full(self._table.size, INFINITE), self._table.fall])

    def way(self, cell: int, hidden: Mask) -> list[int]:
        """The columns that have to be hidden so that the cell can rise, or else fall, by the width; none if none do."""
        size = self._table.size
        price = np.where(hidden, 0.0, self._price)
        self._model.changeColsCost(2 * size, self._all, np.concatenate([price, price]))
        for rise, fall in ((self._width, 0.0), (0.0, self._width)):
            if fall > self._table.fall[cell]:
                continue
            self._model.changeColBounds(cell, rise, rise)
            self._model.changeColBounds(cell + size, fall, fall)
            self._model.run()
            found = self._model.getModelStatus() == highspy.HighsModelStatus.kOptimal
            moves = np.array(self._model.getSolution().col_value)
            self._model.changeColBounds(cell, 0.0, INFINITE)
            self._model.changeColBounds(cell + size, 0.0, self._table.fall[cell])
            if found:
                moved = np.abs(moves[:size] - moves[size:]) > BARELY
                return [int(column) for column in np.nonzero(moved & ~hidden)[0]]
        return []


def _at_least(bound: float) -> int:
    """The least whole number that is not under a bound worked out in fractions."""
    return int(np.ceil(bound - BARELY * 10))


class _Chooser:
    """The whole-number program: which columns to hide, as cheaply as the cuts that are known allow."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._given = int(table.must.sum())
        self._free = np.nonzero(~table.must)[0].astype(np.int32)
        self._place = np.full(table.size, -1, dtype=np.int32)
        self._place[self._free] = np.arange(len(self._free), dtype=np.int32)
        self._all = np.arange(len(self._free), dtype=np.int32)
        self._known: set[tuple[bytes, bytes, int]] = set()
        self._sums = [row.columns for row in table.rows]
        self._model = new_model()
        self._model.setOptionValue("mip_rel_gap", 0.0)
        self._model.setOptionValue("mip_abs_gap", 0.9)  # costs are whole
        self._model.setOptionValue("mip_max_nodes", NODES)
        self._model.addVars(len(self._free), np.zeros(len(self._free)), np.ones(len(self._free)))
        self._model.changeColsCost(len(self._free), self._all, np.ones(len(self._free)))
        self.by_weight = False

    def weigh(self, most: int) -> None:
        """From now on make the weight least, with no more than so many hidden columns in all."""
        self._model.addRow(-INFINITE, float(most - self._given), len(self._free), self._all, np.ones(len(self._free)))
        self._model.changeColsCost(len(self._free), self._all, self._table.weights[self._free])
        self.by_weight = True

    def add(self, cut: Cut) -> bool:
        """Learn a cut; answer whether it is new."""
        columns, share = self._place[cut.columns], cut.share
        least = 1.0
        if not self._table.must[cut.cell]:
            columns = np.append(columns, self._place[cut.cell]).astype(np.int32)
            share = np.append(share, -1.0)
            least = 0.0
        key = (columns.tobytes(), share.tobytes(), int(least))
        if key in self._known:
            return False
        self._known.add(key)
        self._model.addRow(least, INFINITE, len(columns), columns, share)
        return True

    def choose_in_part(self) -> tuple[Numbers, float]:
        """Hide cells in part: how much of each column, and a bound that no choice is under."""
        share = self._choose(lambda part: np.where(part < BARELY, 0.0, np.minimum(part, 1.0)))
        return share, self._model.getInfo().objective_function_value + self._given

    def choose_whole(self) -> tuple[Mask, bool]:
        """Hide whole cells: which columns, and whether no choice that obeys the cuts is cheaper."""
        kinds = np.array([highspy.HighsVarType.kInteger] * len(self._free))
        self._model.changeColsIntegrality(len(self._free), self._all, kinds)
        hidden = self._choose(lambda part: np.where(part > HALF, 1.0, 0.0))
        return hidden > HALF, self._model.getModelStatus() == highspy.HighsModelStatus.kOptimal

    @property
    def bound(self) -> int:
        """How many columns every choice hides, as far as the last whole choice showed."""
        return _at_least(self._model.getInfo().mip_dual_bound) + self._given

    def _choose(self, settle: Callable[[Numbers], Numbers]) -> Numbers:
        """Solve until no hidden cell is alone in a sum, which needs no attacker to be seen."""
        while True:
            self._model.run()
            hidden = self._table.must.astype(np.float64)
            hidden[self._free] = settle(np.array(self._model.getSolution().col_value))
            if not sum(self.add(cut) for cut in self._lonely_cells(hidden)):
                return hidden

    def _lonely_cells(self, hidden: Numbers) -> Iterable[Cut]:
        for columns in self._sums:
            most = int(columns[np.argmax(hidden[columns])])
            others = columns[columns != most]
            if hidden[most] > hidden[others].sum() + ENOUGH:
                yield Cut(most, others, np.ones(len(others)))
