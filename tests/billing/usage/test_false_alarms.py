"""How often the guard stops a column that holds no CPR number; ``dev.py bench guard`` prints the figures."""

from __future__ import annotations

import pytest

from benchmarks.look_alikes import NEVER, SOMETIMES, alarms

MADE = 20_000


@pytest.mark.parametrize("title", NEVER)
def test_never(title: str) -> None:
    make, heading = NEVER[title]
    assert alarms(make, heading, MADE) == 0


@pytest.mark.parametrize("title", SOMETIMES)
def test_sometimes_and_no_more(title: str) -> None:
    make, heading, most = SOMETIMES[title]
    assert 0 < 100 * alarms(make, heading, MADE) / MADE < most
