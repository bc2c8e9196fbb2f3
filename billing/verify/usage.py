"""Usage statements: what was published is what was counted, and still gives nothing away."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from agreements import store as agreement_store
from billing.usage_statement import store
from billing.usage_statement.facts import ALL, Figure, FigureKey, Load, Measure, Release
from billing.usage_statement.protection_facts import CellsContradictory
from billing.usage_statement.rules import FOLLOWING, published

MOST_CELLS = 3


def statements_follow_counts(connection: Connection) -> Iterator[str]:
    """Every figure of a release is the sum of its loads or of its parts, and every sum that it shows holds."""
    for code in agreement_store.agreement_codes(connection):
        releases = store.releases(connection, code)
        loads = {load.number: load for load in store.loads(connection, code)} if releases else {}
        by_number = {release.number: release for release in releases}
        for release in releases:
            name = f"{code} {release.period} udgave {release.edition}"
            counted = _counted(release, loads, by_number)
            shown = {
                key: figure.count
                for key, figure in release.figures.items()
                if ALL not in {key.service, key.residence} and key.measure not in FOLLOWING
            }
            residences = {key.residence for key in shown}
            if sum(counted.values()) != sum(shown.values()) or any(
                counted.get(key, 0) != count for key, count in shown.items() if key.residence in _named(residences)
            ):
                yield f"{name}: tallene er ikke dem, der blev talt"
            if any(
                (figure.small and not 0 < figure.count < release.threshold) or (figure.small and not figure.hidden)
                for figure in release.figures.values()
            ):
                yield f"{name}: et tal er mærket som lille uden at være det"
        world = published(releases)
        values = {cell.key: cell.count for cell in world.cells}
        wrong = [
            relation
            for relation in world.relations
            if values[relation.total]
            != sum(values[part] for part in relation.parts) - sum(values[part] for part in relation.less)
        ]
        if wrong:
            yield f"{code}: {len(wrong)} summer i forbrugsopgørelserne stemmer ikke"


def _named(residences: set[str]) -> set[str]:
    """Those whose counts are never taken together with others'."""
    return {residence for residence in residences if residence.isdigit() or residence == "uoplyst"}


def _counted(release: Release, loads: dict[int, Load], by_number: dict[int, Release]) -> dict[FigureKey, int]:
    """What was counted, from the rows below: not by the functions that made the release."""
    found: dict[FigureKey, int] = {}
    for number in release.loads:
        for key, count in loads[number].counts.items():
            found[key] = found.get(key, 0) + count
    for place, number in enumerate(release.parts):
        for key, figure in by_number[number].figures.items():
            at_an_end = {Measure.AT_START: 0, Measure.AT_END: len(release.parts) - 1}
            taken = ALL not in {key.service, key.residence} and key.measure not in FOLLOWING
            if taken and at_an_end.get(key.measure, place) == place:
                found[key] = found.get(key, 0) + figure.count
    return found


def nothing_given_away(connection: Connection) -> Iterator[str]:
    """The independent auditor, told of everything that is published, cannot work out what is hidden."""
    for code in agreement_store.agreement_codes(connection):
        releases = store.releases(connection, code)
        if not releases:
            continue
        # Its solver takes a while to load, and most databases have nothing for it.
        from billing.usage_statement.protection_audit import audit  # noqa: PLC0415

        world = published(releases)
        shown: dict[tuple[str, ...], int] = {}
        hidden: set[tuple[str, ...]] = set()
        for release in releases:
            for key, figure in release.figures.items():
                _sort(world.keys[release.number, key], figure, shown, hidden)
        both = sorted(hidden & set(shown))
        if both:
            yield f"{code}: {len(both)} tal er skjult i én opgørelse og vist i en anden"
            continue
        threshold = releases[-1].threshold
        try:
            report = audit(shown, hidden, world.relations, threshold=threshold)
        except CellsContradictory:
            yield f"{code}: de viste tal passer ikke sammen"
            continue
        for cell in (*report.narrow, *report.small)[:MOST_CELLS]:
            yield f"{code}: {'/'.join(cell)} kan regnes ud"


def _sort(
    cell: tuple[str, ...], figure: Figure, shown: dict[tuple[str, ...], int], hidden: set[tuple[str, ...]]
) -> None:
    if figure.hidden:
        hidden.add(cell)
    else:
        shown[cell] = figure.count
