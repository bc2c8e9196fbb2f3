"""Which periods there are, how figures sum, and what an attacker who reads every statement knows; pure.

The figures of all releases become cells under keys. Two figures have one key where everybody knows that they are one
number: a count that a later edition repeats unchanged, and those under way when a period ends and the next begins. The
sums between cells, also those between half-years and year and between editions, become relations.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agreements.agreement import MunicipalityCode, UsageTerms
from billing.usage_statement.facts import (
    ALL,
    ELSEWHERE,
    FLOWS,
    UNSTATED,
    Counts,
    Figure,
    FigureKey,
    Load,
    Measure,
    Release,
    Residence,
    UsagePeriod,
)
from billing.usage_statement.protection_facts import CellKey, CellValue, Relation
from foundation.errors import N_, RuleBroken
from foundation.period import Month

FOLLOWING = frozenset({Measure.IN_PERIOD, Measure.WAIT_KNOWN, Measure.WAIT_UNKNOWN})
"""What follows from other measures, and is never loaded."""

# Lost with a total is more than with a detail.
WEIGHT_OF_ALL_RESIDENCES = 4
WEIGHT_OF_ALL_SERVICES = 2


class PeriodsNotSupported(RuleBroken):
    """Statements count by months."""

    danish = N_(
        "Aftalen «{agreement}» har en opgørelsesperiode, der ikke er hele måneder ({days}); det understøttes ikke. "
        "Ret perioderne i aftalens fil under [terms.usage].",
    )


class NotAPeriodOfTheAgreement(RuleBroken):
    """Counts are loaded by the periods that the agreement names."""

    danish = N_(
        "{period} er ikke en opgørelsesperiode i aftalen «{agreement}». I {year} er perioderne: {periods}.",
    )


class PeriodOverlaps(RuleBroken):
    """Periods that share months cannot stand beside each other."""

    danish = N_(
        "Der er allerede indlæst tal for {other} i aftalen «{agreement}», og den perioden overlapper {period}. "
        "Tallene for et år skal indlæses i samme inddeling.",
    )


def periods_of_year(code: str, terms: UsageTerms, year: int) -> tuple[UsagePeriod, ...]:
    """The periods that the agreement counts by, in one year.

    Raises:
        PeriodsNotSupported: one does not begin and end with a month.

    Source: agreement § 6 stk. 7.
    """
    found = []
    for first, last in terms.periods:
        begins, ends = Month(year, first.month), Month(year, last.month)
        whole = first.day == 1 and (ends.period.last_day.day == last.day or (last.month, last.day) == (2, 28))
        if not whole:
            raise PeriodsNotSupported(agreement=code, days=f"{first}/{last}")
        found.append(UsagePeriod(begins, ends))
    return tuple(found)


def require_period(code: str, terms: UsageTerms, period: UsagePeriod) -> None:
    """Refuse a load for a period that the agreement does not count by.

    Raises:
        NotAPeriodOfTheAgreement, PeriodsNotSupported.
    """
    known = periods_of_year(code, terms, period.year)
    if period not in known:
        raise NotAPeriodOfTheAgreement(
            agreement=code, period=str(period), year=period.year, periods=[str(one) for one in known]
        )


def parts_of(period: UsagePeriod, known: Iterable[UsagePeriod]) -> tuple[UsagePeriod, ...] | None:
    """The known periods that make up a longer one, in order; None where they leave a gap."""
    within = sorted({one for one in known if period.covers(one) and one != period})
    month = period.first
    for one in within:
        if one.first != month:
            return None
        month = one.last.plus(1)
    return tuple(within) if within and month == period.last.plus(1) else None


def merged(loads: Iterable[Load]) -> dict[FigureKey, int]:
    """What all providers counted together."""
    found: dict[FigureKey, int] = {}
    for load in loads:
        for key, count in load.counts.items():
            found[key] = found.get(key, 0) + count
    return found


def residences_shown(members: Collection[MunicipalityCode], counts: Counts) -> tuple[Residence, ...]:
    """The members, then those who live elsewhere where there are any, then those who did not say."""
    elsewhere = any(count and key.residence not in {*members, UNSTATED, ALL} for key, count in counts.items())
    return (*sorted(members), *((ELSEWHERE,) if elsewhere else ()), UNSTATED)


def all_figures(counts: Counts, services: Sequence[str], residences: Sequence[Residence]) -> dict[FigureKey, int]:
    """Every figure of a statement: zeros, what follows from others, and the sums over services and municipalities.

    Args:
        counts: By single service and residence; of the measures that follow from others none is needed.
        services: In the statement.
        residences: In the statement, ``residences_shown``; another one's counts are counted as elsewhere.

    Returns:
        With more than one service also the sum of services; always the sum of residences.

    Source: domain rule 16.
    """
    places = [(service, residence) for service in services for residence in residences]
    figures = {FigureKey(measure, *place): 0 for place in places for measure in Measure}
    for key, count in counts.items():
        if count:
            figures[key if key.residence in residences else replace(key, residence=ELSEWHERE)] += count
    if len(services) > 1:
        figures |= _sums({key: replace(key, service=ALL) for key in figures}, figures)
    figures |= _sums({key: replace(key, residence=ALL) for key in figures}, figures)
    for key in figures:
        if key.measure is Measure.IN_PERIOD:
            figures[key] = sum(figures[replace(key, measure=one)] for one in (Measure.AT_START, Measure.STARTED))
        elif key.measure is Measure.WAIT_KNOWN:
            known = sum(figures[replace(key, measure=one)] for one in (Measure.WITHIN_14_DAYS, Measure.LATER))
            figures[key] = known
            unknown = replace(key, measure=Measure.WAIT_UNKNOWN)
            figures[unknown] = figures[replace(key, measure=Measure.STARTED)] - known
    return figures


def _sums(into: Mapping[FigureKey, FigureKey], figures: Counts) -> dict[FigureKey, int]:
    sums: dict[FigureKey, int] = {}
    for key, whole in into.items():
        sums[whole] = sums.get(whole, 0) + figures[key]
    return sums


def summed(parts: Sequence[Release]) -> dict[FigureKey, int]:
    """The counts of a longer period from those of its parts, without sums over services and municipalities."""
    counts: dict[FigureKey, int] = {}
    for place, part in enumerate(parts):
        for key, figure in part.figures.items():
            flows = key.measure in FLOWS
            begins = key.measure is Measure.AT_START and place == 0
            ends = key.measure is Measure.AT_END and place == len(parts) - 1
            if ALL not in {key.service, key.residence} and (flows or begins or ends):
                counts[key] = counts.get(key, 0) + figure.count
    return {key: count for key, count in counts.items() if key.measure not in FOLLOWING}


@dataclass(frozen=True, slots=True)
class Published:
    """All releases as an attacker sees them.

    Attributes:
        keys: (release's number, figure) -> its cell.
        cells: Each once.
        relations: Every sum that everybody knows.
    """

    keys: Mapping[tuple[int, FigureKey], CellKey]
    cells: tuple[CellValue, ...]
    relations: tuple[Relation, ...]


def published(releases: Sequence[Release]) -> Published:
    """The cells and sums of all releases, in the order of their publication.

    Args:
        releases: Of one agreement, ascending by number; a draft that is to be published next may be the last.
    """
    keys = _keys(releases)
    values: dict[CellKey, CellValue] = {}
    relations: dict[Relation, None] = {}
    by_number = {release.number: release for release in releases}
    for release in releases:
        for key, figure in release.figures.items():
            cell = keys[release.number, key]
            values.setdefault(cell, CellValue(cell, figure.count, _weight(key)))
        for relation in _relations_within(release, keys):
            relations[relation] = None
        for relation in _relations_to_parts(release, [by_number[part] for part in release.parts], keys):
            relations[relation] = None
    return Published(keys, tuple(values.values()), tuple(relations))


def _weight(key: FigureKey) -> int:
    weight = WEIGHT_OF_ALL_RESIDENCES if key.residence == ALL else 1
    return weight * (WEIGHT_OF_ALL_SERVICES if key.service == ALL else 1)


def _keys(releases: Sequence[Release]) -> dict[tuple[int, FigureKey], CellKey]:
    keys: dict[tuple[int, FigureKey], CellKey] = {}
    newest: dict[UsagePeriod, Release] = {}
    by_number = {release.number: release for release in releases}
    for release in releases:
        for key, figure in release.figures.items():
            same = next(
                (
                    keys[other.number, there]
                    for other, there in _same_number(release, key, newest, by_number)
                    if there in other.figures
                    and other.figures[there].count == figure.count
                    and not _is_of_others_now(release, key, other, there)
                ),
                None,
            )
            own = (str(release.period), str(release.edition), key.measure.value, key.service, key.residence)
            keys[release.number, key] = same or own
        newest[release.period] = release
    return keys


def _is_of_others_now(release: Release, key: FigureKey, other: Release, there: FigureKey) -> bool:
    """Whether days were shown, and it was corrected since who waited how long; days that were hidden stay so."""
    return (
        is_days(key)
        and not other.figures[there].hidden
        and any(
            other.figures[replace(there, measure=one)].count != release.figures[replace(key, measure=one)].count
            for one in WAITED
        )
    )


def _same_number(
    release: Release, key: FigureKey, newest: Mapping[UsagePeriod, Release], by_number: Mapping[int, Release]
) -> Iterable[tuple[Release, FigureKey]]:
    """The figures published before that everybody takes for the same number, where the counts agree."""
    if release.parts:
        if key.measure is Measure.AT_START:
            yield by_number[release.parts[0]], key
        if key.measure is Measure.AT_END:
            yield by_number[release.parts[-1]], key
    if release.period in newest:
        yield newest[release.period], key
    if release.parts:
        return
    for period, other in newest.items():
        if other.parts:
            continue
        if key.measure is Measure.AT_START and period.last.plus(1) == release.period.first:
            yield other, replace(key, measure=Measure.AT_END)
        if key.measure is Measure.AT_END and release.period.last.plus(1) == period.first:
            yield other, replace(key, measure=Measure.AT_START)


WITHIN_A_PERIOD = (
    (Measure.IN_PERIOD, (Measure.AT_START, Measure.STARTED)),
    (Measure.IN_PERIOD, (Measure.COMPLETED, Measure.BROKEN_OFF, Measure.AT_END)),
    (Measure.WAIT_KNOWN, (Measure.WITHIN_14_DAYS, Measure.LATER)),
    (Measure.STARTED, (Measure.WAIT_KNOWN, Measure.WAIT_UNKNOWN)),
)


def _relations_within(release: Release, keys: Mapping[tuple[int, FigureKey], CellKey]) -> Iterable[Relation]:
    def cell(key: FigureKey) -> CellKey:
        return keys[release.number, key]

    services = sorted({key.service for key in release.figures} - {ALL})
    residences = sorted({key.residence for key in release.figures} - {ALL})
    for key in release.figures:
        if key.residence == ALL:
            yield Relation(cell(key), tuple(cell(replace(key, residence=one)) for one in residences))
        if key.service == ALL:
            yield Relation(cell(key), tuple(cell(replace(key, service=one)) for one in services))
        for total, parts in WITHIN_A_PERIOD:
            # Over a longer period the second does not hold where a part begins with others than the one before ended
            # with; it is then no sum that anybody can use.
            counts = [release.figures[replace(key, measure=one)].count for one in parts]
            if key.measure is total and sum(counts) == release.figures[key].count:
                yield Relation(cell(key), tuple(cell(replace(key, measure=one)) for one in parts))


def _relations_to_parts(
    release: Release, parts: Sequence[Release], keys: Mapping[tuple[int, FigureKey], CellKey]
) -> Iterable[Relation]:
    if not parts:
        return
    ends = {Measure.AT_START: parts[:1], Measure.AT_END: parts[-1:]}
    residences = {key.residence for key in release.figures}
    for key in release.figures:
        if key.measure not in FLOWS and key.measure not in ends:
            continue
        cell = keys[release.number, key]
        there = tuple(
            keys[part.number, one]
            for part in ends.get(key.measure, parts)
            for one in _within_part(key, part, residences)
        )
        if there != (cell,):
            yield Relation(cell, there)


def _within_part(key: FigureKey, part: Release, residences: Collection[Residence]) -> Iterable[FigureKey]:
    """What of a part is in a figure of the longer period, also where services or members were others then."""
    services, where = {key.service}, {key.residence}
    if key.service == ALL and not any(one.service == ALL for one in part.figures):
        services = {one.service for one in part.figures}  # it had a single one, without a sum
    if key.residence == ELSEWHERE:
        where |= {one.residence for one in part.figures} - set(residences)
    for service in sorted(services):
        for residence in sorted(where):
            one = replace(key, service=service, residence=residence)
            if one in part.figures:
                yield one


def hidden_with_others(figures: Mapping[FigureKey, int], threshold: int) -> set[FigureKey]:
    """Sums of sessions and days of so few that they tell about persons although they are large themselves.

    Zero is published. Days are hidden wherever a count of those who waited is small.
    """
    found = set()
    for key, count in figures.items():
        about = ABOUT.get(key.measure, ())
        if count and any(0 < figures[replace(key, measure=one)] < threshold for one in about):
            found.add(key)
    return found


WAITED = (Measure.WAIT_KNOWN, Measure.WITHIN_14_DAYS, Measure.LATER)
ABOUT = {Measure.SESSIONS: (Measure.IN_PERIOD,), Measure.WAITING_DAYS: WAITED}
"""The courses that sums of sessions and days are about."""

ENDINGS = 3
"""In how many figures those under way at the end may be found in the next period: completed, broken off, at its end."""


def foreseen(releases: Sequence[Release]) -> set[tuple[int, FigureKey]]:
    """(release's number, figure) of those under way at the end, where the next period's statement is still to come.

    That statement will print them again, as those under way at the start, and tell how many of the three figures that
    they end in are not zero. What is too little for that is better hidden at once, since it cannot be afterwards.
    """
    begun = {release.period.first for release in releases}
    return {
        (release.number, key)
        for release in releases
        if not release.parts and release.period.last.plus(1) not in begun
        for key in release.figures
        if key.measure is Measure.AT_END
    }


def is_days(key: FigureKey) -> bool:
    """Whether a figure counts days, which are in no sum with counts."""
    return key.measure is Measure.WAITING_DAYS


def days_to_hide(figures: Mapping[FigureKey, int], hidden: Collection[FigureKey]) -> set[FigureKey]:
    """Days that would narrow a hidden count: who waited longer than fourteen days waited fifteen at least.

    Where the days are hidden wherever one of those counts is, the sums of days say nothing more about the counts than
    the sums of counts do: to any counts that fit there are days that fit.
    """
    return {
        key
        for key, count in figures.items()
        if key.measure is Measure.WAITING_DAYS
        and count
        and key not in hidden
        and any(replace(key, measure=one) in hidden for one in WAITED)
    }


def with_hidden(
    draft: Release, keys: Mapping[tuple[int, FigureKey], CellKey], hidden: Collection[CellKey], threshold: int
) -> Release:
    """The draft with the figures whose cells are hidden."""
    figures = {
        key: Figure(
            figure.count,
            hidden=(hides := keys[draft.number, key] in hidden),
            small=hides and 0 < figure.count < threshold,
        )
        for key, figure in draft.figures.items()
    }
    return replace(draft, figures=figures)


def naive(cells: Iterable[CellValue], threshold: int) -> set[CellKey]:
    """Only the small counts themselves: what a statement must not stop at. For the audit without the second step."""
    return {cell.key for cell in cells if 0 < cell.count < threshold}


@dataclass(frozen=True, slots=True)
class PlaceChange:
    """One service and municipality in a load, for the preview.

    Attributes:
        before: The same figures of the period before, or None where there are none.
    """

    service: str
    residence: Residence
    figures: Mapping[Measure, int]
    before: Mapping[Measure, int] | None


def by_place(counts: Counts, before: Counts | None) -> tuple[PlaceChange, ...]:
    """The counts by service and municipality, with those of the period before."""

    def of(found: Counts) -> dict[tuple[str, Residence], dict[Measure, int]]:
        places: dict[tuple[str, Residence], dict[Measure, int]] = {}
        for key, count in found.items():
            places.setdefault((key.service, key.residence), {})[key.measure] = count
        return places

    now, then = of(counts), of(before or {})
    return tuple(
        PlaceChange(service, residence, now.get((service, residence), {}), _or_none(then, (service, residence), before))
        for service, residence in sorted({*now, *then})
    )


def unlike_before(changes: Iterable[PlaceChange]) -> tuple[tuple[str, Residence], ...]:
    """Where others are under way at the start than were at the end of the period before; worth a question."""
    return tuple(
        (change.service, change.residence)
        for change in changes
        if change.before is not None and change.before.get(Measure.AT_END, 0) != change.figures.get(Measure.AT_START, 0)
    )


def _or_none(
    then: Mapping[tuple[str, Residence], Mapping[Measure, int]], place: tuple[str, Residence], before: Counts | None
) -> Mapping[Measure, int] | None:
    return None if before is None else then.get(place, {})
