"""The attacker that protection plays against itself: how far can a hidden count move, and what stops it.

The attacker knows every published count and every sum, and that a hidden count is a whole number of at least one, since
zero is published. A *deviation* is one other table that agrees with all that: for each hidden cell, how far it is from
its count. A cell is wide enough when two deviations differ by the width in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np

from billing.usage_statement.protection_table import Columns, Mask, Numbers, Table

INFINITE = highspy.kHighsInf
WITHOUT_END = 1e6  # what a count may rise by when nothing but its cell's being published stops it
TINY = 1e-7
DUAL, PRIMAL = 1, 4  # the solver's numbers; from cell to cell the last solution stays feasible, so primal is quicker
PROBES = 24  # tables that are tried before single cells are looked at
# tables that are tried before single cells are looked at
TRIFLE = 0.002
NOTABLE = 0.05  # cells that are hidden by less are not asked about
FAR = 1000  # widths within which whole deviations are searched for one by one


@dataclass(frozen=True, slots=True)
class Cut:
    """Why a cell is too narrow: it cannot be hidden unless enough of these columns are hidden too.

    The sum of ``share`` over the hidden ones of ``columns`` is at least one, if ``cell`` is hidden.

    Attributes:
        cell: The column that was too narrow.
        columns: Columns that would help; none that is hidden anyway.
        share: How much of what is lacking each of them gives, at most 1.
    """

    cell: int
    columns: Columns
    share: Numbers

    def lacks(self, hidden: Numbers) -> float:
        """How much is lacking when so much of each column is hidden; above zero the cut is broken."""
        return float(hidden[self.cell] - self.share @ hidden[self.columns])


def new_model() -> highspy.Highs:
    """An empty model that says nothing and does the same every time."""
    model = highspy.Highs()  # type: ignore[no-untyped-call] # its constructor is not annotated
    model.setOptionValue("output_flag", False)  # noqa: FBT003 - the solver's own way
    model.setOptionValue("threads", 1)
    model.setOptionValue("random_seed", 0)
    return model


def solve(model: highspy.Highs) -> highspy.HighsSolution:
    """Solve to the end, a second time from nothing if the first was no use.

    Raises:
        ArithmeticError: The solver cannot; no protection may rest on that.
    """
    model.run()
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        model.clearSolver()
        model.run()
        if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            message = f"the solver ended with {model.getModelStatus()}"
            raise ArithmeticError(message)
    return model.getSolution()


def solver_of(table: Table) -> highspy.Highs:
    """A model of the sums with a variable for the deviation of each column, all of them zero."""
    model = new_model()
    model.addVars(table.size, np.zeros(table.size), np.zeros(table.size))
    for row in table.rows:
        model.addRow(0.0, 0.0, len(row.columns), row.columns, row.signs)
    return model


class Attacker:
    """Linear programs over one table; only bounds and objective change between them, so each starts from the last."""

    def __init__(self, table: Table, width: int) -> None:
        """Build the model.

        Args:
            table: What may be hidden.
            width: How wide every hidden cell must be.
        """
        self._table = table
        self._width = float(width)
        self._model = solver_of(table)
        self._model.setOptionValue("presolve", "off")
        self._all = np.arange(table.size, dtype=np.int32)
        self._none = np.zeros(table.size)
        self._whole = False
        self._asked = table.must
        self._hidden = self._low = self._high = self._down = self._up = self._wanted = self._none
        self.unsure: list[int] = []

    def face(self, share: Numbers) -> None:
        """Look at a choice that may hide cells in part; so much less may they move, and so much less must they.

        What is published counts as hidden by a trifle, so that of many reasons why a cell is narrow the attacker finds
        one that holds for other choices too (a Pareto-optimal cut; Magnanti and Wong).
        """
        part = np.maximum(share, TRIFLE)
        whole = share > 1.0 - TINY
        fall = np.where(whole, self._table.fall, np.minimum(self._table.fall, self._width) * part)
        self._whole = False
        self._look(part, -fall, np.where(whole, INFINITE, self._width * part), share > NOTABLE)

    def face_whole(self, hidden: Mask) -> None:
        """Look at a choice of whole cells, exactly."""
        self._whole = True
        fall, rise = np.where(hidden, self._table.fall, 0.0), np.where(hidden, INFINITE, 0.0)
        self._look(hidden.astype(np.float64), -fall, rise, hidden)

    def open(self, column: int) -> None:
        """Hide one more cell; what moved freely before still does."""
        self._hidden[column] = 1.0
        self._asked[column] = True
        self._wanted[column] = self._width
        self._down[column], self._up[column] = -self._table.fall[column], INFINITE
        self._model.changeColBounds(column, self._down[column], self._up[column])

    def _look(self, hidden: Numbers, down: Numbers, up: Numbers, asked: Mask) -> None:
        self._hidden, self._down, self._up = hidden.copy(), down, up
        self._asked = asked.copy()
        self._wanted = self._width * hidden
        self._low, self._high = np.zeros(self._table.size), np.zeros(self._table.size)
        self.unsure = []
        self._model.changeColsBounds(self._table.size, self._all, down, up)

    def open_questions(self) -> Columns:
        """Hidden cells that some tables, tried at random, do not show to be wide enough; by column."""
        reach = self._wanted
        self._model.changeColsBounds(
            self._table.size,
            self._all,
            np.maximum(self._down, -reach),
            np.minimum(self._up, reach),
        )
        self._model.setOptionValue("simplex_strategy", DUAL)
        for probe in range(PROBES):
            doubtful = self._doubtful()
            if len(doubtful) < PROBES // 3:
                break
            aim = self._none.copy()
            aim[doubtful] = _signs(doubtful, probe)
            self._model.changeColsCost(self._table.size, self._all, aim)
            self._run()
        self._model.setOptionValue("simplex_strategy", PRIMAL)
        self._model.changeColsCost(self._table.size, self._all, self._none)
        self._model.changeColsBounds(self._table.size, self._all, self._down, self._up)
        return self._doubtful()

    def _doubtful(self) -> Columns:
        narrow = self._high - self._low < self._wanted - TINY
        return np.nonzero(self._asked & narrow)[0].astype(np.int32)

    def _run(self) -> tuple[Numbers, Numbers]:
        """Solve, and remember how far each cell moved: between whole cells only what moved by whole numbers."""
        solution = solve(self._model)
        deviation = np.array(solution.col_value)
        nearest = np.rint(deviation)
        if not self._whole:
            counted = deviation
        elif np.abs(deviation - nearest).max(initial=0.0) < TINY * 10:
            counted = nearest
        else:
            return deviation, np.array(solution.col_dual)
        np.minimum(self._low, counted, out=self._low)
        np.maximum(self._high, counted, out=self._high)
        return deviation, np.array(solution.col_dual)

    def cut(self, cell: int) -> Cut | None:
        """Why a hidden cell is too narrow, or ``None`` if it is not.

        A cell that is wide enough by fractions, but was not seen to be so by whole numbers, is noted in ``unsure``.
        """
        wanted = self._wanted[cell]
        if self._high[cell] - self._low[cell] >= wanted - TINY:
            return None
        self._model.changeColBounds(cell, -INFINITE, wanted)
        highest, rising = self._solve(cell, -1.0)
        self._model.changeColBounds(cell, max(self._down[cell], -wanted), INFINITE)
        lowest, falling = self._solve(cell, 1.0)
        self._model.changeColBounds(cell, self._down[cell], self._up[cell])
        if highest - lowest < wanted - TINY:
            return self._cut_of(cell, rising, falling) or (self.all_others(cell) if self._whole else None)
        if self._whole and self._high[cell] - self._low[cell] < wanted - TINY:
            self.unsure.append(cell)
        return None

    def _solve(self, cell: int, direction: float) -> tuple[float, Numbers]:
        self._model.changeColCost(cell, direction)
        deviation, prices = self._run()
        self._model.changeColCost(cell, 0.0)
        return float(deviation[cell]), prices

    def _cut_of(self, cell: int, rising: Numbers, falling: Numbers) -> Cut | None:
        """The inequality behind two optimal solutions' prices (Benders' cut), made as strong as whole cells allow.

        By duality a cell moves by no more than the sum of price times room over the cells that are hidden, whatever is
        hidden. What hidden cells give anyway is taken off, and no column gives more than what is then lacking.
        """
        room = np.zeros(self._table.size)
        for prices in (rising, falling):
            room += np.where(prices > TINY, prices * self._table.fall, 0.0)
            room += np.where(prices < -TINY, WITHOUT_END, 0.0)
        given = float(room[self._table.must].sum())
        if not self._table.must[cell]:
            given += float(room[cell])
        lacking = self._width - given
        if lacking < TINY:
            return None
        room[self._table.must] = 0.0
        room[cell] = 0.0
        columns = np.nonzero(room > TINY)[0].astype(np.int32)
        share = np.ceil(np.minimum(room[columns] / lacking, 1.0) * 1e6 - 1e-2) / 1e6  # rounded to the safe side
        return Cut(cell, columns, np.minimum(share, 1.0))

    def is_wide_in_whole_numbers(self, cell: int) -> bool:
        """Search two whole deviations that differ by the width in the cell."""
        model = solver_of(self._table)
        far = FAR * self._width
        down, up = np.maximum(self._down, -far), np.minimum(self._up, far)
        down[cell], up[cell] = max(down[cell], -self._width), min(up[cell], self._width)
        model.changeColsBounds(self._table.size, self._all, down, up)
        kinds = np.array([highspy.HighsVarType.kInteger] * self._table.size)
        model.changeColsIntegrality(self._table.size, self._all, kinds)
        ends = []
        for direction in (-1.0, 1.0):
            model.changeColCost(cell, direction)
            ends.append(float(np.rint(solve(model).col_value[cell])))
        return ends[0] - ends[1] >= self._width

    def all_others(self, cell: int) -> Cut:
        """The weakest cut: something that is published now must be hidden too, if the cell is."""
        columns = np.nonzero(self._hidden < 0.5)[0].astype(np.int32)  # noqa: PLR2004 - hidden is 0 or 1
        return Cut(cell, columns, np.ones(len(columns)))


def _signs(columns: Columns, probe: int) -> Numbers:
    """All up, all down, then up and down by a fixed mixture, the same on every machine."""
    if probe < 2:  # noqa: PLR2004 - both directions
        return np.full(len(columns), 1.0 - 2.0 * probe)
    mixed = (columns.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed += np.uint64(probe * 0x3F58476D1CE4E5B9 % 2**64)
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0x94D049BB133111EB)
    return np.where((mixed >> np.uint64(40)) & np.uint64(1), 1.0, -1.0)
