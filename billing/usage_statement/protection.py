"""Small-count protection: which cells a statement must hide so that no small count can be worked out.

What is promised, and against whom:

* Counts from 1 to ``threshold - 1`` are hidden (primary); zero is published; more are hidden (secondary) as needed.
* The attacker has every published cell, every sum, and knows this rule; so for a hidden cell any whole number from 1
  on is possible. That a cell is primary, so that its count is under the threshold, it cannot see: both look the same.
* Every hidden cell, secondary ones too, can then have two values that differ by at least ``threshold``, each with a
  whole table that agrees with all that is published.
* The number of secondary cells is the least possible, then their weight.

What is not promised: protection from somebody who knows some of the hidden counts from elsewhere, such as a
municipality its own; or who concludes from our hiding as little as we must that among the cells that protect each
other at least one is small.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

import numpy as np

from billing.usage_statement.protection_attack import Attacker
from billing.usage_statement.protection_facts import (
    CellKey,
    CellValue,
    Protection,
    ProtectionImpossible,
    Relation,
)
from billing.usage_statement.protection_search import Choice, Search, complete_one_by_one, narrow_cells
from billing.usage_statement.protection_table import Table, check, name_of, table_of

SECONDS = 300.0  # an emergency brake; ordinary tables are done after a fraction of it
LEAST_THRESHOLD = 2


def protect(  # noqa: PLR0913 - the cells, the rule and what was shown before
    cells: Iterable[CellValue],
    relations: Iterable[Relation],
    *,
    threshold: int,
    already_published: AbstractSet[CellKey] = frozenset(),
    already_suppressed: AbstractSet[CellKey] = frozenset(),
    seconds: float = SECONDS,
) -> Protection:
    """Choose the fewest cells, then the lightest, whose hiding protects all hidden ones.

    The same input gives the same answer, in whatever order it is told, unless the time runs out: then the answer still
    protects, but is the best that was found so far, with ``optimal=False``.

    Args:
        cells: Every cell of every statement, earlier editions among them, with its true count.
        relations: Every sum that holds between them.
        threshold: The least count that may be shown, and the least width of what can be said of a hidden one.
        already_published: Cells that a statement has shown; they stay shown.
        already_suppressed: Cells that a statement has hidden; they stay hidden.
        seconds: When to end the search for something better.

    Raises:
        CellsContradictory: The cells or sums do not fit together.
        ProtectionImpossible: Too much is published already.

    Source: agreement § 3 stk. 4; domain rule 17.
    """
    task = _Task(tuple(cells), tuple(relations), threshold, already_published, already_suppressed)
    deadline = time.monotonic() + seconds
    parts = [part for part in task.protectable().parts() if part.must.any()]
    choices = [(part, Search(part, threshold, deadline).run()) for part in parts]
    return task.answer(choices)


def protect_greedily(
    cells: Iterable[CellValue],
    relations: Iterable[Relation],
    *,
    threshold: int,
    already_published: AbstractSet[CellKey] = frozenset(),
    already_suppressed: AbstractSet[CellKey] = frozenset(),
) -> Protection:
    """Protect as ``protect`` does, but cell by cell with whatever lightest cell helps; what it is measured against.

    Raises:
        CellsContradictory, ProtectionImpossible: As ``protect``.
    """
    task = _Task(tuple(cells), tuple(relations), threshold, already_published, already_suppressed)
    choices = []
    for part in task.protectable().parts():
        if part.must.any():
            hidden = complete_one_by_one(Attacker(part, threshold), part)
            choices.append((part, Choice(hidden, int(part.must.sum()), optimal=bool((hidden == part.must).all()))))
    return task.answer(choices)


class _Task:
    """What both ways of protecting have in common."""

    def __init__(
        self,
        cells: tuple[CellValue, ...],
        relations: tuple[Relation, ...],
        threshold: int,
        published: AbstractSet[CellKey],
        suppressed: AbstractSet[CellKey],
    ) -> None:
        if threshold < LEAST_THRESHOLD:
            message = f"a threshold of {threshold} protects nothing"
            raise ValueError(message)
        check(cells, relations, published=published, suppressed=suppressed)
        self._cells = {cell.key: cell for cell in cells}
        small = {cell.key for cell in cells if 0 < cell.count < threshold}
        self._small_published = frozenset(small & published)
        self._primary = frozenset(small - published)
        self._threshold = threshold
        self._table = table_of(cells, relations, must=self._primary | suppressed, published=published)

    def protectable(self) -> Table:
        """The table without the cells that are too narrow even when all that may be hidden is.

        No protection can hide those: two protections together are one, so the widest contains every other.
        """
        table = self._table
        while table.must.any():
            narrow = narrow_cells(Attacker(table, self._threshold), np.ones(table.size, dtype=np.bool_))
            columns = {cut.cell for cut in narrow}
            lost = tuple(table.keys[column] for column in sorted(columns) if table.must[column])
            if lost:
                names = tuple(name_of(key) for key in lost)
                raise ProtectionImpossible(lost, names=names, threshold=self._threshold)
            if not columns:
                break
            table = table.part(np.array([c for c in range(table.size) if c not in columns], dtype=np.int32))
        return table

    def answer(self, choices: list[tuple[Table, Choice]]) -> Protection:
        """Put the parts together."""
        hidden = {
            key
            for part, choice in choices
            for key, is_hidden in zip(part.keys, choice.hidden, strict=True)
            if is_hidden
        }
        secondary = frozenset(hidden - self._primary)
        return Protection(
            suppressed=self._primary | secondary,
            primary=self._primary,
            secondary=secondary,
            optimal=all(choice.optimal for _, choice in choices),
            lower_bound=sum(choice.bound for _, choice in choices) - len(self._primary),
            weight=sum(self._cells[key].weight for key in secondary),
            small_published=self._small_published,
        )
