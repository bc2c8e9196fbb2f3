"""How fast a population file is read: every municipality through eighty quarters."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date

from agreements.municipality import MUNICIPALITIES
from agreements.population_file import read_population
from benchmarks.measure import seconds, tell


def main(arguments: Sequence[str]) -> None:
    """Read a file of the API; the floor is its lines, cut and made numbers."""
    parser = argparse.ArgumentParser(prog="bench reading")
    parser.add_argument("--years", type=int, default=20)
    options = parser.parse_args(arguments)
    rows = [
        f"{code};{year}K{quarter};{5_000 + 7_919 * int(code) % 600_000}"
        for year in range(2007, 2007 + options.years)
        for quarter in range(1, 5)
        for code in MUNICIPALITIES
    ]
    content = "\r\n".join(["OMRÅDE;TID;INDHOLD", *rows, ""]).encode("utf-8-sig")

    measured = seconds(lambda: read_population("bench.csv", content, fetched_on=date(2027, 1, 1)))
    floor = seconds(lambda: [int(line.split(";")[2]) for line in content.decode("utf-8-sig").split("\r\n")[1:-1]])
    tell(f"{len(rows)} figures", measured, floor)
