"""How fast an amount is split: every municipality, many amounts."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from benchmarks.measure import seconds, tell
from foundation.money import apportion


def main(arguments: Sequence[str]) -> None:
    """Split amounts between municipalities; the floor is the bare divisions."""
    parser = argparse.ArgumentParser(prog="bench splitting")
    parser.add_argument("--amounts", type=int, default=1000)
    parser.add_argument("--municipalities", type=int, default=98)
    options = parser.parse_args(arguments)
    weights = {f"{code:03d}": 5_000 + 7_919 * code % 600_000 for code in range(101, 101 + options.municipalities)}
    totals = [1_825_000_000 + 1_237 * number for number in range(options.amounts)]
    whole = sum(weights.values())

    measured = seconds(lambda: [apportion(total, weights) for total in totals])
    floor = seconds(lambda: [[divmod(total * weight, whole) for weight in weights.values()] for total in totals])
    tell(f"{options.amounts} amounts among {options.municipalities} municipalities", measured, floor)
