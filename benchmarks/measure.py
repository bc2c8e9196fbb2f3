"""How a benchmark measures and tells."""

from __future__ import annotations

import time
from collections.abc import Callable


def seconds(work: Callable[[], object], *, repeats: int = 5) -> float:
    """The least time of some runs: what the work takes when nothing else disturbs it."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def tell(what: str, measured: float, floor: float | None = None) -> None:
    """Print one figure in seconds, beside the floor: what any way of doing it would take at least."""
    line = f"  {what:<56} {measured:9.4f} s"
    if floor is not None:
        line += f"   floor {floor:9.4f} s   {measured / floor:5.1f} times"
    print(line)
