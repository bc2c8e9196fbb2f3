"""Run benchmarks: ``python3 dev.py bench [NAME [--option value ...]]``; without a name all, ``--list`` names them.

A benchmark is a function in a file of its own that reads its own options and prints figures with ``measure.tell``.
It is registered in ``BENCHMARKS``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from benchmarks import documents, look_alikes, months, national_month, payments, portal, protection, reading, splitting

BENCHMARKS: dict[str, Callable[[Sequence[str]], int | None]] = {
    "splitting": splitting.main,
    "reading": reading.main,
    "months": months.main,
    "national-month": national_month.main,
    "documents": documents.main,
    "payments": payments.main,
    "portal": portal.main,
    "protection": protection.main,
    "guard": look_alikes.main,
}


def main(arguments: Sequence[str]) -> int:
    """Run what is named and answer the exit status: 2 if there is no such benchmark, 1 if one is over its goal."""
    if list(arguments) == ["--list"]:
        print("\n".join(BENCHMARKS))
        return 0
    name, *options = arguments or [""]
    if name and name not in BENCHMARKS:
        print(f"There is no benchmark {name!r}; there are: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    status = 0
    for each in [name] if name else BENCHMARKS:
        print(f"{each}:")
        status = max(status, BENCHMARKS[each](options) or 0)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
