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
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import product
from pathlib import Path
from typing import TypeVar

from billing.usage_statement.facts import Figure, FigureKey, Measure, Release, UsagePeriod
from billing.usage_statement.protection import protect, protect_greedily
from billing.usage_statement.protection_audit import audit
from billing.usage_statement.protection_facts import CellKey, CellValue, Protection, Relation
from billing.usage_statement.rules import (
    all_figures,
    hidden_with_others,
    is_days,
    published,
    residences_shown,
    summed,
)

POPULATIONS = Path(__file__).resolve().parents[1] / "agreements" / "data" / "population.csv"
SERVICES = (30, 20, 14, 11, 8, 7, 5, 3, 2)  # how courses spread over services, in per cent
HALVES = ("1", "2")
LARGE = 5_000  # cells that are too many for one linear program each
ALL = "all"
YEAR = "year"
STARTED = "started"
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
    parser.add_argument("--seconds", type=float, default=60.0, help="when to end the search")
    parser.add_argument("--all-measures", action="store_true", help="only the figures of whole statements")
    parser.add_argument("--one-measure", action="store_true", help="only the courses started")
    options = parser.parse_args(arguments)

    counts = made_courses(options.municipalities, options.services, options.per_thousand)
    if not options.all_measures:
        protected_and_audited(options, *one_measure(counts))
    if not options.one_measure:
        print("  all measures of the statements of both half-years and the year:")
        protected_and_audited(options, *all_measures(counts))


def protected_and_audited(
    options: argparse.Namespace,
    cells: list[CellValue],
    relations: list[Relation],
    forced: frozenset[CellKey] = frozenset(),
) -> None:
    """Protect one table, audit, and compare."""
    print(f"  {len(cells)} cells, {len(relations)} sums, {sum(cell.count == 0 for cell in cells)} cells are zero")

    is_large = len(cells) > LARGE
    best = timed(
        "protected",
        lambda: protect(
            cells, relations, threshold=options.threshold, already_suppressed=forced, seconds=options.seconds
        ),
    )
    report = timed("audited", lambda: audited(cells, best.suppressed, relations, options.threshold, best.moves))
    verdict = ", so none is better" if best.optimal else f", not proven least: has {len(best.secondary)}"
    print(f"  {len(best.primary)} primary; secondary: {told(best)}; at least {best.lower_bound}{verdict}")
    if is_large:
        print("  greedy:    not run on so many cells: it has no limit in time")
    else:
        naive = timed(
            "audited without the secondary step", lambda: audited(cells, best.primary, relations, options.threshold)
        )
        print(f"  an attacker could tell {len(naive[0])} of the primary exactly, {len(naive[1])} nearly")
        greedy = timed(
            "hidden cell by cell (greedy)", lambda: protect_greedily(cells, relations, threshold=options.threshold)
        )
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
    moves: Iterable[Mapping[CellKey, int]] = (),
) -> tuple[tuple[CellKey, ...], tuple[CellKey, ...]]:
    """What the auditor finds exact and narrow."""
    shown = {cell.key: cell.count for cell in cells if cell.key not in hidden}
    example = {cell.key: cell.count for cell in cells if cell.key in hidden}
    report = audit(shown, hidden, relations, threshold=threshold, example=example, moves=moves)
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


def all_measures(
    courses: dict[tuple[str, str, str], int],
) -> tuple[list[CellValue], list[Relation], frozenset[CellKey]]:
    """All counts of three statements, as the rules make them; what is hidden with small counts is the last.

    The days waited are left out: no sum has them and counts, and they are protected by themselves.
    """
    chance = random.Random(1958)
    loads: dict[str, dict[FigureKey, int]] = {half: {} for half in HALVES}
    places = sorted({(code, service) for code, service, _ in courses})
    for code, service in places:
        staying = courses[code, service, "1"] // 2
        for half in HALVES:
            started = courses[code, service, half]
            completed = sum(chance.random() < 0.45 for _ in range(staying + started))
            broken_off = sum(chance.random() < 0.25 for _ in range(staying + started - completed))
            waits = [chance.random() for _ in range(started)]
            counts = {
                Measure.AT_START: staying,
                Measure.STARTED: started,
                Measure.COMPLETED: completed,
                Measure.BROKEN_OFF: broken_off,
                Measure.SESSIONS: sum(chance.randint(1, 9) for _ in range(staying + started)),
                Measure.WITHIN_14_DAYS: sum(wait < 0.75 for wait in waits),
                Measure.LATER: sum(0.75 <= wait < 0.95 for wait in waits),
                Measure.AT_END: (staying := staying + started - completed - broken_off),
            }
            loads[half] |= {FigureKey(measure, service, code): count for measure, count in counts.items()}
    codes, services = (sorted(set(axis)) for axis in zip(*places, strict=True))
    first, second = (
        released(f"2009-H{half}", int(half), all_figures(loads[half], services, residences_shown(codes, loads[half])))
        for half in HALVES
    )
    year = summed([first, second])
    releases = (
        first,
        second,
        released("2009", 3, all_figures(year, services, residences_shown(codes, year)), parts=(1, 2)),
    )
    world = published(releases)
    forced = {
        world.keys[release.number, key]
        for release in releases
        for key in hidden_with_others({key: figure.count for key, figure in release.figures.items()}, 5)
    }
    return list(world.cells), list(world.relations), frozenset(forced)


def released(period: str, number: int, figures: Mapping[FigureKey, int], parts: tuple[int, ...] = ()) -> Release:
    """A statement of made figures."""
    return Release(
        agreement="made",
        period=UsagePeriod.parse(period),
        edition=1,
        released_on=date(2010, 1, 15),
        released_by="",
        threshold=5,
        figures={key: Figure(count) for key, count in figures.items() if not is_days(key)},
        loads=(),
        parts=parts,
        number=number,
    )


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
