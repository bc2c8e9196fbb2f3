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
from dataclasses import replace

import numpy as np

from billing.usage_statement.protection_attack import Attacker, TimeUp
from billing.usage_statement.protection_blocks import Pattern, quick_pattern
from billing.usage_statement.protection_facts import (
    CellKey,
    CellValue,
    Protection,
    ProtectionImpossible,
    ProtectionUnfinished,
    Relation,
)
from billing.usage_statement.protection_search import Choice, Search, complete_one_by_one, least_in_part, narrow_cells
from billing.usage_statement.protection_table import Table, check, name_of, table_of

SECONDS = 60.0
MOST_NAMED = 10
# Columns of a part that is searched, and completed, as a whole: fewer are hidden so, but completing has no end in time.
SMALL = 3_000
SEARCHABLE = 5_000  # columns of a part whose least pattern is worth a search
COMPLETING = 300.0  # seconds that the quick pattern of a large part may take, whatever the budget; then it is refused
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
        seconds: When to end the search for something better. Of a large part a quick pattern is made first, which
            takes as long as it takes, at most ``COMPLETING``.

    Raises:
        CellsContradictory: The cells or sums do not fit together.
        ProtectionImpossible: Too much is published already.
        ProtectionUnfinished: A large part was not protected in time.

    Source: agreement § 3 stk. 4; domain rule 17.
    """
    task = _Task(tuple(cells), tuple(relations), threshold, already_published, already_suppressed)
    deadline = time.monotonic() + seconds
    parts = sorted((part for part in task.parts() if part.must.any()), key=_size)
    choices: list[tuple[Table, Choice]] = []
    moves: list[dict[CellKey, int]] = []
    for place, part in enumerate(parts):
        now = time.monotonic()
        until = now + max(deadline - now, 0.0) * part.size / sum(map(_size, parts[place:]))
        if part.size <= SMALL:
            choices += _of_small(task, part, threshold, until)
        else:
            chosen, found = _of_large(task, part, threshold, until)
            choices += chosen
            moves += found
    return replace(task.answer(choices), moves=tuple(moves))


def moves_within(
    cells: Iterable[CellValue],
    relations: Iterable[Relation],
    *,
    threshold: int,
    hidden: AbstractSet[CellKey],
    seconds: float = SECONDS,
) -> tuple[dict[CellKey, int], ...]:
    """Other tables that agree with what is published, for an auditor to check; what was not found in time is missing.

    Args:
        cells: All, with their counts.
        relations: All sums.
        threshold: How far apart two tables should lie in every hidden cell.
        hidden: All cells that are not published.
        seconds: When to end.
    """
    cells = tuple(cells)
    table = table_of(cells, relations, must=hidden, published={cell.key for cell in cells} - hidden)
    until = time.monotonic() + seconds
    return tuple(
        move
        for part in table.parts()
        if part.size > SMALL
        for move in _moves_of(part, quick_pattern(part, threshold, until))
    )


def _size(table: Table) -> int:
    return table.size


def _of_small(task: _Task, part: Table, threshold: int, until: float) -> list[tuple[Table, Choice]]:
    """Search to the deadline, and complete what was found however long it takes, which is not long."""
    smaller = [one for one in task.protectable(part).parts() if one.must.any()]
    return [(one, Search(one, threshold, until).run()) for one in smaller]


def _of_large(
    task: _Task, part: Table, threshold: int, until: float
) -> tuple[list[tuple[Table, Choice]], list[dict[CellKey, int]]]:
    """A quick pattern first, then the least one if there is time to find it.

    Raises:
        ProtectionImpossible: Too much is published already.
        ProtectionUnfinished: Cells for which no moves were found; the auditor would refuse them.
    """
    bound = least_in_part(part, max(until, time.monotonic() + COMPLETING / 4))
    quick = quick_pattern(part, threshold, time.monotonic() + COMPLETING)
    least: Choice | None = None
    if part.size <= SEARCHABLE:
        try:
            least, found = task.least(part, until)
            bound = max(bound, found)
        except TimeUp:
            pass
    if least is not None:
        return [(part, least)], []
    if len(quick.uncovered) and part.size <= SEARCHABLE:
        return _of_small(task, part, threshold, until), []
    if len(quick.uncovered):
        cells = tuple(sorted(part.keys[column] for column in quick.uncovered.tolist()))
        raise ProtectionUnfinished(cells, names=tuple(map(name_of, cells[:MOST_NAMED])), threshold=threshold)
    number = int(quick.hidden.sum())
    same = len(set(part.weights[~part.must].tolist())) <= 1
    return [(part, Choice(quick.hidden, bound, optimal=same and number == bound))], _moves_of(part, quick)


def _moves_of(part: Table, pattern: Pattern) -> list[dict[CellKey, int]]:
    return [
        {part.keys[column]: step for column, step in zip(columns.tolist(), steps.tolist(), strict=True)}
        for columns, steps in pattern.moves
    ]


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
    for part in (one for whole in task.parts() for one in task.protectable(whole).parts()):
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

    def parts(self) -> list[Table]:
        """The tables that have no sum in common."""
        return self._table.parts()

    def least(self, part: Table, until: float) -> tuple[Choice | None, int]:
        """The least choice in a part, over all its columns, if it is found in time; and the bound that was found.

        Raises:
            ProtectionImpossible: Too much is published already.
            TimeUp: Before it was known what can be protected.
        """
        table = self.protectable(part, until)
        hidden, bound, optimal = np.zeros(part.size, dtype=np.bool_), 0, True
        place = {key: column for column, key in enumerate(part.keys)}
        is_found = True
        for one in table.parts():
            if one.must.any():
                choice, least = Search(one, self._threshold, until, hard=True).best_or_none()
                bound += least
                if choice is None:
                    is_found = False
                else:
                    chosen = zip(one.keys, choice.hidden.tolist(), strict=True)
                    hidden[[place[key] for key, is_hidden in chosen if is_hidden]] = True
                    optimal = optimal and choice.optimal
        return (Choice(hidden, bound, optimal=optimal) if is_found else None), bound

    def impossible(self, keys: Iterable[CellKey]) -> ProtectionImpossible:
        """The error that names cells."""
        cells = tuple(sorted(keys))
        return ProtectionImpossible(cells, names=tuple(map(name_of, cells)), threshold=self._threshold)

    def protectable(self, table: Table, until: float = np.inf) -> Table:
        """The table without the cells that are too narrow even when all that may be hidden is.

        No protection can hide those: two protections together are one, so the widest contains every other.
        """
        while table.must.any():
            narrow = narrow_cells(Attacker(table, self._threshold, until), np.ones(table.size, dtype=np.bool_))
            columns = {cut.cell for cut in narrow}
            lost = tuple(table.keys[column] for column in sorted(columns) if table.must[column])
            if lost:
                raise self.impossible(lost)
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
