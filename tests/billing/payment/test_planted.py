"""A statement of 500 entries with its truth: nothing is settled that is not true, and what is plain is settled."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.payments import billed, owed, settle
from benchmarks.planted_payments import ENTRIES, SHARES, plant, statement

PLAIN = (
    "reference and whole amount",
    "reference, nobody's name",
    "number in the text",
    "one transfer for several",
    "part of the amount",
    "more than the amount",
)


def look(folder: Path, seed: int) -> None:
    database = billed(folder / f"{seed}.sqlite", 7)
    try:
        planted = plant(owed(database), seed)
        outcome = settle(database, planted)  # verifies the books, too
    finally:
        database.dispose()
    assert len(planted) == ENTRIES
    assert outcome.wrong == []
    assert outcome.counts.total() == ENTRIES
    of_kind = dict(SHARES)
    for what in PLAIN:
        assert outcome.counts[what, "automatic"] == of_kind[what], what
    for what in ("amount only", "reference of another payer", "paid twice", "not ours", "the bank's own fee"):
        assert outcome.counts[what, "automatic"] == 0, what
    assert outcome.counts["not ours", "left"] == of_kind["not ours"]


def test_500_entries(tmp_path: Path) -> None:
    look(tmp_path, 2009)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
def test_500_other_entries(tmp_path: Path, seed: int) -> None:
    look(tmp_path, seed)


def test_the_same_seed_is_the_same_statement(tmp_path: Path) -> None:
    database = billed(tmp_path / "books.sqlite", 7)
    asked = owed(database)
    database.dispose()
    assert statement(plant(asked)) == statement(plant(asked))
