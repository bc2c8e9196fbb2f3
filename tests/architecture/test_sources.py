"""No rule, fact, layout or money function knows a float, divides with / or rounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, inexact, pure_files


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_pure_file_counts_exactly(path: Path) -> None:
    assert list(inexact(path.read_text(encoding="utf-8"))) == []


def test_there_are_pure_files_to_look_at() -> None:
    assert ROOT / "foundation" / "money.py" in pure_files()


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("share = 0.5", "line 1: the float 0.5"),
        ("\nshare = total / 12", "line 2: a true division"),
        ("total /= 12", "line 1: a true division"),
        ("share = float(total)", "line 1: float"),
        ("def share(total: float) -> int: ...", "line 1: float"),
        ("share = round(total)", "line 1: round"),
        ("shares = map(round, totals)", "line 1: round"),
        ("share = operator.truediv(total, 12)", "line 1: truediv"),
        ("share = 1e2", "line 1: the float 100.0"),
    ],
)
def test_a_planted_violation_is_found(planted: str, found: str) -> None:
    assert list(inexact(planted)) == [found]


def test_exact_counting_is_allowed() -> None:
    assert list(inexact('whole, rest = divmod(total, 12); share = Fraction(1, 12) * Decimal("0.5") // 1')) == []
