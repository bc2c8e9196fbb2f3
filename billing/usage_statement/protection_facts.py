"""What small-count protection is told and what it answers: cells and sums, nothing of files, rows or municipalities.

A cell is one count that exists once in the world, however many statements print it. A corrected count is a new cell; a
count that an earlier edition printed and that has not changed is the same cell, under the same key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from foundation.errors import BadInput, N_, RuleBroken

CellKey: TypeAlias = tuple[str, ...]  # opaque, for example (edition, measure, service, municipality, period)

LEAST_HIDDEN = 1  # zero is always published, so everybody knows that what is hidden is at least this


@dataclass(frozen=True, slots=True)
class CellValue:
    """A cell with its count.

    Attributes:
        count: How many; zero or more.
        weight: What is lost when the cell is hidden, zero or more; decides between patterns with as many cells.
        least: What a later statement may tell that it is at least, if it is hidden; at most the count.
    """

    key: CellKey
    count: int
    weight: int = 1
    least: int = LEAST_HIDDEN


@dataclass(frozen=True, slots=True)
class Relation:
    """A sum that everybody knows: ``total`` is the sum of ``parts`` without ``less``.

    A margin or a year is ``Relation(year, (first_half, second_half))``. What flows in and out is
    ``Relation(in_treatment_at_end, (in_treatment_before, started), less=(completed, broken_off))``. That one count is
    no greater than another is a relation with the difference as a cell: ``Relation(started, (within_14_days, later))``.
    """

    total: CellKey
    parts: tuple[CellKey, ...]
    less: tuple[CellKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Protection:
    """Which cells are hidden.

    Attributes:
        suppressed: All that are hidden: primary and secondary.
        primary: Counts from 1 to the threshold less one.
        secondary: Hidden so that no hidden count can be worked out; those of earlier statements among them.
        optimal: No protection has fewer secondary cells, nor as few of less weight.
        lower_bound: Every protection has at least so many secondary cells.
        weight: The secondary cells' weights together.
        small_published: Small counts that were published before; nothing can take them back.
    """

    suppressed: frozenset[CellKey]
    primary: frozenset[CellKey]
    secondary: frozenset[CellKey]
    optimal: bool
    lower_bound: int
    weight: int
    small_published: frozenset[CellKey] = frozenset()


@dataclass(frozen=True, slots=True)
class Interval:
    """What an attacker can say of a hidden count: from ``low`` to ``high``; ``None`` is without end."""

    low: int
    high: int | None

    def is_narrower_than(self, width: int) -> bool:
        """Tell whether ``high - low`` is less than the width."""
        return self.high is not None and self.high - self.low < width


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an attacker with everything that is published can work out.

    Attributes:
        threshold: The least width of an interval.
        intervals: Hidden cell -> what can be said of it.
        exact: Hidden cells whose count can be told exactly.
        narrow: Hidden cells whose interval is narrower than the threshold, the exact ones among them.
        small: Published cells with a count from 1 to the threshold less one.
    """

    threshold: int
    intervals: Mapping[CellKey, Interval]
    exact: tuple[CellKey, ...]
    narrow: tuple[CellKey, ...]
    small: tuple[CellKey, ...]

    @property
    def is_sound(self) -> bool:
        """Nothing can be worked out, and no small count is published."""
        return not self.narrow and not self.small


class ProtectionImpossible(RuleBroken):
    """Hiding everything that may still be hidden does not protect some cells.

    Facts:
        cells: The keys of the cells that stay too easy to work out.
        names: The same as they are shown.
        threshold: The least width that they lack.
    """

    danish = N_(
        "Disse små tal kan ikke skjules godt nok, fordi for meget er offentliggjort i forvejen: {names}. "
        "Intet er ændret. Slå ydelser eller kommuner sammen, eller udelad den detalje, og prøv igen.",
    )

    def __init__(self, cells: tuple[CellKey, ...], *, names: tuple[str, ...], threshold: int) -> None:
        self.cells = cells
        super().__init__(cells=cells, names=names, threshold=threshold)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_impossible, (self.cells, self.facts["names"], self.facts["threshold"]))


def _rebuild_impossible(cells: tuple[CellKey, ...], names: tuple[str, ...], threshold: int) -> ProtectionImpossible:
    return ProtectionImpossible(cells, names=names, threshold=threshold)


class CellsContradictory(BadInput):
    """The cells or sums that protection was told of do not fit together.

    Facts:
        problems: One sentence each.
    """

    danish = N_("Tallene til forbrugsopgørelsen passer ikke sammen, og intet er ændret: {problems}.")
