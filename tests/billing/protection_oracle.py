"""Small-count protection by trying everything: every pattern of hidden cells, every table that an attacker could mean.

Nothing here knows the code that is tested. A made table has a few *inner* counts and cells that are signed sums of
them; a deviation moves every inner count by at most the width. In the tables made here every way to move is a sum of
ways that move each inner count by one at most, so that is far enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from billing.usage_statement.protection_facts import CellKey, CellValue, Relation

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Made:
    """Inner counts, and the cells as signed sums of them."""

    inner: tuple[int, ...]
    sums: Mapping[CellKey, tuple[int, ...]]  # cell -> sign of each inner count
    relations: tuple[Relation, ...]
    weights: Mapping[CellKey, int]

    @property
    def counts(self) -> dict[CellKey, int]:
        return {
            key: sum(sign * count for sign, count in zip(signs, self.inner, strict=True))
            for key, signs in self.sums.items()
        }

    @property
    def cells(self) -> list[CellValue]:
        return [CellValue(key, count, self.weights[key]) for key, count in self.counts.items()]

    @property
    def keys(self) -> list[CellKey]:
        return list(self.sums)

    @property
    def matrix(self) -> Numbers:
        return np.array([self.sums[key] for key in self.keys], dtype=np.int64).T


def margins(
    *sides: tuple[str, ...], names: tuple[str, ...] | None = None
) -> tuple[dict[CellKey, tuple[int, ...]], list[Relation]]:
    """The cells and sums of a table with all margins; ``names`` are those of the margins."""
    names = names or tuple("all" for _ in sides)
    corners = list(product(*sides))
    sums, relations = {}, []
    for key in product(*((*side, name) for side, name in zip(sides, names, strict=True))):
        chosen = [side if part == name else (part,) for part, side, name in zip(key, sides, names, strict=True)]
        inside = set(product(*chosen))
        sums[key] = tuple(int(corner in inside) for corner in corners)
        for axis, (side, name) in enumerate(zip(sides, names, strict=True)):
            if key[axis] == name:
                relations.append(Relation(key, tuple((*key[:axis], part, *key[axis + 1 :]) for part in side)))
    return sums, relations


def intervals(made: Made, hidden: AbstractSet[CellKey], most: int) -> dict[CellKey, tuple[int, int]]:
    """The least and greatest count of each hidden cell in all tables of inner counts up to ``most``."""
    tables = np.array(list(product(range(most + 1), repeat=len(made.inner))), dtype=np.int64) @ made.matrix
    truth = np.array([made.counts[key] for key in made.keys])
    shown = np.array([key not in hidden for key in made.keys])
    agree = (tables[:, shown] == truth[shown]).all(axis=1) & (tables[:, ~shown] >= 1).all(axis=1)
    low, high = tables[agree].min(axis=0), tables[agree].max(axis=0)
    return {key: (int(low[i]), int(high[i])) for i, key in enumerate(made.keys) if key in hidden}


@dataclass(frozen=True)
class Cheapest:
    """The fewest and then the lightest secondary cells."""

    number: int
    weight: int


def cheapest(
    made: Made,
    threshold: int,
    *,
    published: AbstractSet[CellKey] = frozenset(),
    suppressed: AbstractSet[CellKey] = frozenset(),
) -> Cheapest | None:
    """Try every pattern; ``None`` if none protects."""
    attack = _Deviations(made, threshold)
    counts = made.counts
    primary = {key for key in counts if 0 < counts[key] < threshold} - published
    must = primary | suppressed
    free = [key for key in counts if counts[key] and key not in must and key not in published]
    for number in range(len(free) + 1):
        fitting = [more for more in combinations(free, number) if attack.is_protected(must | set(more))]
        if fitting:
            kept = suppressed - primary
            weights = [sum(made.weights[key] for key in (*more, *kept)) for more in fitting]
            return Cheapest(number + len(kept), min(weights))
    return None


class _Deviations:
    """Every way in which a table may differ, by which cells differ."""

    def __init__(self, made: Made, width: int) -> None:
        self._keys, self._width = made.keys, width
        moves, touched = _all_moves(tuple(made.sums.values()), width)
        counts = np.array([made.counts[key] for key in made.keys], dtype=np.int16)
        possible = ((moves == 0) | (counts + moves >= 1)).all(axis=1)
        self._moves, self._touched = moves[possible], touched[possible]

    def is_protected(self, hidden: AbstractSet[CellKey]) -> bool:
        places = [place for place, key in enumerate(self._keys) if key in hidden]
        outside = ~sum(1 << place for place in places)
        allowed = self._moves[(self._touched & outside) == 0][:, places]
        return bool((allowed.max(axis=0, initial=0) - allowed.min(axis=0, initial=0) >= self._width).all())


@cache
def _all_moves(sums: tuple[tuple[int, ...], ...], width: int) -> tuple[npt.NDArray[np.int16], Numbers]:
    """How every cell moves when the inner counts do, and as bits which cells do."""
    steps = np.array(list(product(range(-width, width + 1), repeat=len(sums[0]))), dtype=np.int16)
    moves = steps @ np.array(sums, dtype=np.int16).T
    return moves, (moves != 0) @ (1 << np.arange(len(sums), dtype=np.int64))
