"""Into which instalments a year is cut, and which months each is for. Pure.

An instalment is known by the first month that it is for: a quarterly agreement has January, April, July and October.
The instalments of a year follow each other without a gap, and none reaches into another year.

Source: agreement § 7 stk. 1; docs/decisions/0038-schedules.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from math import lcm

from agreements.agreement import AdvanceTerms, Agreement, PartialYear, Schedule
from foundation.errors import N_, RuleBroken
from foundation.period import DANISH_MONTHS, MONTHS_PER_YEAR, Month, Period, months_between


class NotAnInstalment(RuleBroken):
    """A month with which no instalment begins."""

    danish = N_(
        "{month} er ikke den første måned i en rate i aftalen «{agreement}». Raten, der dækker måneden, er "
        "{instalment}: angiv {first_month}."
    )


_QUARTER, _HALF_YEAR = 3, 6
_STEPS = {Schedule.MONTHLY: 1, Schedule.QUARTERLY: _QUARTER, Schedule.HALF_YEARLY: _HALF_YEAR, Schedule.YEARLY: 12}


@dataclass(frozen=True, slots=True)
class Instalment:
    """One instalment of a year.

    Attributes:
        number: 1 for the year's first.
        first, last: The first and the last month that it is for.
        send_date: By its own date, where the schedule has such; else None.
    """

    number: int
    first: Month
    last: Month
    send_date: date | None = None

    @property
    def period(self) -> Period:
        """The months as half-open days."""
        return Period(self.first.first_day, self.last.plus(1).first_day)

    @property
    def danish(self) -> str:
        """As people say it: ``januar 2009``, ``1. kvartal 2009``, ``januar-august 2009``."""
        year, months = self.first.year, self.last.number - self.first.number + 1
        place, rest = divmod(self.first.number - 1, months)
        if months == 1:
            return self.first.danish
        if months == MONTHS_PER_YEAR:
            return f"{year}"
        if months in {_QUARTER, _HALF_YEAR} and rest == 0:
            return f"{place + 1}. {'kvartal' if months == _QUARTER else 'halvår'} {year}"
        return f"{DANISH_MONTHS[self.first.number - 1]}-{self.last.danish}"


@lru_cache(maxsize=1024)
def instalments_of_year(advance: AdvanceTerms, year: int) -> tuple[Instalment, ...]:
    """The instalments of a year, ascending; together they are for all its months."""
    if advance.schedule is Schedule.OWN_DATES:
        starts = [1, *(day.month for day in advance.dates[1:])]
        days = [day.in_year(year) for day in advance.dates]
    else:
        starts = list(range(1, MONTHS_PER_YEAR + 1, _STEPS[advance.schedule]))
        days = []
    ends = [*(start - 1 for start in starts[1:]), MONTHS_PER_YEAR]
    return tuple(
        Instalment(number, Month(year, start), Month(year, end), days[number - 1] if days else None)
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), start=1)
    )


def instalment_of(advance: AdvanceTerms, month: Month) -> Instalment:
    """The instalment that a month belongs to."""
    # They follow each other without a gap; so the first that does not end before the month is the one.
    return next(each for each in instalments_of_year(advance, month.year) if month.number <= each.last.number)


def beginning_with(agreement: Agreement, month: Month) -> Instalment:
    """The instalment that begins with a month.

    Raises:
        NotAnInstalment: the month is within another instalment, which is named.
    """
    found = instalment_of(agreement.terms.advance, month)
    if found.first != month:
        raise NotAnInstalment(
            agreement=agreement.code, month=month.danish, instalment=found.danish, first_month=str(found.first)
        )
    return found


def months_of_year(advance: AdvanceTerms, year: int, days: Period | None = None) -> tuple[Month, ...]:
    """The first months of the instalments of a year, or of those that some days of it touch, ascending."""
    return tuple(
        [
            each.first
            for each in instalments_of_year(advance, year)
            if days is None or (days.from_day < each.period.to_day and each.period.from_day < days.to_day)
        ]
    )


def months_of_agreement(agreement: Agreement, until: Month) -> list[Month]:
    """The first months of every instalment from the agreement's first day on, up to a month or its last day."""
    advance = agreement.terms.advance
    last = until if agreement.ends_on is None else min(until, Month.of(agreement.ends_on))
    first = Month.of(agreement.starts_on)
    if advance.schedule is Schedule.MONTHLY:
        return list(months_between(first, last))
    return [
        each.first
        for year in range(first.year, last.year + 1)
        for each in instalments_of_year(advance, year)
        if first <= each.last and each.first <= last
    ]


def instalment_before(advance: AdvanceTerms, month: Month) -> Month:
    """The first month of the instalment before the one that begins with a month."""
    return instalment_of(advance, month.plus(-1)).first


def instalment_after(advance: AdvanceTerms, month: Month) -> Month:
    """The first month of the instalment after the one that begins with a month."""
    return instalment_of(advance, month).last.plus(1)


def weights_of_months(advance: AdvanceTerms, year: int, own: Period, partial: PartialYear) -> dict[Month, int]:
    """The instalments that somebody pays who takes part on some days of a year: first month -> what it weighs.

    All weigh alike but for those of which only some days or months are its own; these weigh so much less.

    Source: docs/decisions/0038-schedules.md.
    """
    found: dict[Month, tuple[int, int]] = {}
    for each in instalments_of_year(advance, year):
        start, end = max(own.from_day, each.period.from_day), min(own.to_day, each.period.to_day)
        if start < end:
            found[each.first] = (
                _length(start, end, partial),
                _length(each.period.from_day, each.period.to_day, partial),
            )
    if all(covered == whole for covered, whole in found.values()):
        return dict.fromkeys(found, 1)
    common = lcm(*(whole for _, whole in found.values()))
    return {month: covered * (common // whole) for month, (covered, whole) in found.items()}


def _length(start: date, end: date, partial: PartialYear) -> int:
    if partial is PartialYear.DAYS:
        return (end - start).days
    return len(list(months_between(Month.of(start), Month.of(end - timedelta(days=1)))))
