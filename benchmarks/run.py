"""Run benchmarks: ``python3 dev.py bench [NAME [--option value ...]]``; without a name all, ``--list`` names them.

A benchmark is a file of its own with a ``main`` that reads its own options and prints figures with ``measure.tell``.
It is registered in ``BENCHMARKS``. Only the one that runs is loaded: what another needs is no part of its peak.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

BENCHMARKS = {
    "splitting": "splitting",
    "reading": "reading",
    "months": "months",
    "national-month": "national_month",
    "documents": "documents",
    "payments": "payments",
    "portal": "portal",
    "protection": "protection",
    "guard": "look_alikes",
}


def main(arguments: Sequence[str]) -> int:
    """Run what is named and answer the exit status: 2 if there is no such benchmark."""
    if list(arguments) == ["--list"]:
        print("\n".join(BENCHMARKS))
        return 0
    name, *options = arguments or [""]
    if name and name not in BENCHMARKS:
        print(f"There is no benchmark {name!r}; there are: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    for each in [name] if name else BENCHMARKS:
        print(f"{each}:")
        import_module(f"benchmarks.{BENCHMARKS[each]}").main(options)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
