"""How fast and how well small counts are protected: all municipalities, a year, with every margin.

The counts are made: courses started per inhabitant as in outpatient treatment for alcohol misuse, spread unevenly over
services of very different size, so that most small municipalities have small counts. The populations are real.
"""

from __future__ import annotations

import argparse
import csv
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import TypeVar

from billing.usage_statement.protection import protect, protect_greedily
from billing.usage_statement.protection_audit import audit
from billing.usage_statement.protection_facts import CellKey, CellValue, Protection, Relation

POPULATIONS = Path(__file__).resolve().parents[1] / "agreements" / "data" / "population.csv"
SERVICES = (30, 20, 14, 11, 8, 7, 5, 3, 2)  # how courses spread over services, in per cent
HALVES = ("1", "2")
ALL = "all"
YEAR = "year"
STARTED, COMPLETED, BROKEN_OFF, IN_TREATMENT = "started", "completed", "broken off", "in treatment"
Answer = TypeVar("Answer")


def main(arguments: Sequence[str]) -> None:
    """Protect, audit, and compare with the greedy baseline."""
    parser = argparse.ArgumentParser(prog="bench protection")
    parser.add_argument("--municipalities", type=int, default=98)
    parser.add_argument("--services", type=int, default=9, choices=range(1, len(SERVICES) + 1))
    parser.add_argument(
        "--per-thousand", type=float, default=3.0, help="courses started per 1,000 inhabitants and year"
    )
    parser.add_argument("--threshold", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=300.0, help="when to end the search")
    parser.add_argument("--all-measures", action="store_true", help="with completed, broken off and in treatment")
    options = parser.parse_args(arguments)

    counts = made_courses(options.municipalities, options.services, options.per_thousand)
    cells, relations = (all_measures if options.all_measures else one_measure)(counts)
    print(f"  {len(cells)} cells, {len(relations)} sums, {sum(cell.count == 0 for cell in cells)} cells are zero")

    greedy = timed(
        "hidden cell by cell (greedy)", lambda: protect_greedily(cells, relations, threshold=options.threshold)
    )
    best = timed(
        "protected",
        lambda: protect(cells, relations, threshold=options.threshold, seconds=options.seconds),
    )
    naive = timed(
        "audited without the secondary step", lambda: audited(cells, best.primary, relations, options.threshold)
    )
    report = timed("audited", lambda: audited(cells, best.suppressed, relations, options.threshold))
    print(
        f"  {len(best.primary)} primary; an attacker could tell {len(naive[0])} of them exactly, {len(naive[1])} nearly"
    )
    print(f"  secondary: {told(best)}; at least {best.lower_bound}" + (", so none is better" if best.optimal else ""))
    print(f"  greedy:    {told(greedy)}")
    print(f"  the auditor finds {len(report[0])} exact, {len(report[1])} narrower than {options.threshold}")


def told(protection: Protection) -> str:
    """The number and weight of secondary cells."""
    return f"{len(protection.secondary)} cells of weight {protection.weight}"


def audited(
    cells: Iterable[CellValue],
    hidden: frozenset[CellKey],
    relations: Iterable[Relation],
    threshold: int,
) -> tuple[tuple[CellKey, ...], tuple[CellKey, ...]]:
    """What the auditor finds exact and narrow."""
    shown = {cell.key: cell.count for cell in cells if cell.key not in hidden}
    report = audit(shown, hidden, relations, threshold=threshold)
    return report.exact, report.narrow


def timed(what: str, work: Callable[[], Answer]) -> Answer:
    """Do it once, and print the seconds by the clock and of the processor."""
    started, processor = time.perf_counter(), time.process_time()
    answer = work()
    print(f"  {what:<40} {time.perf_counter() - started:7.1f} s   processor {time.process_time() - processor:7.1f} s")
    return answer


def made_courses(municipalities: int, services: int, per_thousand: float) -> dict[tuple[str, str, str], int]:
    """Courses started by municipality, service and half-year; the same every time."""
    chance = random.Random(2009)
    with POPULATIONS.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["date"] == "2008-01-01"]
    people = {row["kommunekode"]: int(row["population"]) for row in rows[:municipalities]}
    return {
        (code, f"service {number + 1}", half): poisson(
            chance,
            people[code] * per_thousand * SERVICES[number] / 200_000 * chance.lognormvariate(0, 0.4),
        )
        for code in people
        for number in range(services)
        for half in HALVES
    }


def poisson(chance: random.Random, mean: float) -> int:
    """How many events there are in a unit of time, by the gaps between them."""
    count, passed = 0, chance.expovariate(1.0)
    while passed < mean:
        count, passed = count + 1, passed + chance.expovariate(1.0)
    return count


def one_measure(courses: dict[tuple[str, str, str], int]) -> tuple[list[CellValue], list[Relation]]:
    """Courses started, with all margins; a cell weighs its count."""
    cells, relations = with_margins(STARTED, courses, (*HALVES, YEAR), {YEAR: HALVES})
    return weighed(cells), relations


def all_measures(courses: dict[tuple[str, str, str], int]) -> tuple[list[CellValue], list[Relation]]:
    """Started, completed, broken off and in treatment at the end, with the sums between them."""
    chance = random.Random(1958)
    kinds: dict[str, dict[tuple[str, str, str], int]] = {
        kind: {} for kind in (STARTED, COMPLETED, BROKEN_OFF, IN_TREATMENT)
    }
    places = sorted({(code, service) for code, service, _ in courses})
    for code, service in places:
        staying = courses[code, service, "1"] // 2
        kinds[IN_TREATMENT][code, service, "0"] = staying
        for half in HALVES:
            started = courses[code, service, half]
            completed = sum(chance.random() < 0.45 for _ in range(staying + started))
            broken_off = sum(chance.random() < 0.25 for _ in range(staying + started - completed))
            staying += started - completed - broken_off
            kinds[STARTED][code, service, half] = started
            kinds[COMPLETED][code, service, half] = completed
            kinds[BROKEN_OFF][code, service, half] = broken_off
            kinds[IN_TREATMENT][code, service, half] = staying
    cells: dict[CellKey, int] = {}
    relations = []
    for kind, counts in kinds.items():
        stock = kind == IN_TREATMENT
        more, sums = with_margins(
            kind, counts, ("0", *HALVES) if stock else (*HALVES, YEAR), {} if stock else {YEAR: HALVES}
        )
        cells |= more
        relations += sums
    for code, service in product(*((*sorted(set(axis)), ALL) for axis in zip(*places, strict=True))):
        for before, during, after in (("0", "1", "1"), ("1", "2", "2"), ("0", YEAR, "2")):
            relations.append(
                Relation(
                    (IN_TREATMENT, code, service, after),
                    ((IN_TREATMENT, code, service, before), (STARTED, code, service, during)),
                    ((COMPLETED, code, service, during), (BROKEN_OFF, code, service, during)),
                )
            )
    return weighed(cells), relations


def with_margins(
    measure: str,
    counts: dict[tuple[str, str, str], int],
    periods: tuple[str, ...],
    sums_of_periods: dict[str, tuple[str, ...]],
) -> tuple[dict[CellKey, int], list[Relation]]:
    """All cells of a measure and the sums over municipalities, services and periods."""
    codes = sorted({code for code, _, _ in counts})
    services = sorted({service for _, service, _ in counts})
    totals: dict[CellKey, int] = defaultdict(int)
    longer = {half: [half, *(whole for whole, parts in sums_of_periods.items() if half in parts)] for half in periods}
    for (code, service, period), count in counts.items():
        for key in product((code, ALL), (service, ALL), longer[period]):
            totals[measure, *key] += count
    relations = [
        *(
            Relation((measure, ALL, service, period), tuple((measure, code, service, period) for code in codes))
            for service in (*services, ALL)
            for period in periods
        ),
        *(
            Relation((measure, code, ALL, period), tuple((measure, code, service, period) for service in services))
            for code in (*codes, ALL)
            for period in periods
        ),
        *(
            Relation((measure, code, service, whole), tuple((measure, code, service, part) for part in parts))
            for code in (*codes, ALL)
            for service in (*services, ALL)
            for whole, parts in sums_of_periods.items()
        ),
    ]
    return dict(totals), relations


def weighed(counts: dict[CellKey, int]) -> list[CellValue]:
    """Cells that weigh their count: of two that would do, the smaller is hidden."""
    return [CellValue(key, count, count) for key, count in counts.items()]
