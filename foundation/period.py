"""Days, months and billing years. Periods are half-open: the first day belongs to it, the last does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

MONTHS_PER_YEAR = 12
FIRST_YEAR = 1970
LAST_YEAR = 2200

DANISH_MONTHS = (
    "januar",
    "februar",
    "marts",
    "april",
    "maj",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "december",
)


class NotAPeriod(ValueError):
    """A text or number that is no month or year of ours."""


@dataclass(frozen=True, order=True, slots=True)
class Period:
    """Days from ``from_day`` up to, not including, ``to_day``."""

    from_day: date
    to_day: date

    def __post_init__(self) -> None:
        if self.from_day >= self.to_day:
            raise NotAPeriod

    @property
    def last_day(self) -> date:
        """The last day that belongs to the period, as people write it on an invoice."""
        return self.to_day - timedelta(days=1)

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.from_day <= day < self.to_day


@dataclass(frozen=True, order=True, slots=True)
class Month:
    """One calendar month, 1 to 12 of a year."""

    year: int
    number: int

    def __post_init__(self) -> None:
        if not (FIRST_YEAR <= self.year <= LAST_YEAR and 1 <= self.number <= MONTHS_PER_YEAR):
            raise NotAPeriod

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read ``2009-01``.

        Raises:
            NotAPeriod: anything else.
        """
        match = re.fullmatch(r"(\d{4})-(\d{2})", text, re.ASCII)
        if match is None:
            raise NotAPeriod
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Month:
        """The month that a day lies in."""
        return _month_of(day.year, day.month)

    def plus(self, months: int) -> Month:
        """So many months later, or earlier for a negative number."""
        index = self.year * MONTHS_PER_YEAR + self.number - 1 + months
        return Month(index // MONTHS_PER_YEAR, index % MONTHS_PER_YEAR + 1)

    @property
    def first_day(self) -> date:
        """The first day of the month."""
        return date(self.year, self.number, 1)

    @property
    def period(self) -> Period:
        """The month as half-open days."""
        return _days_of(self.year, self.number)

    @property
    def danish(self) -> str:
        """As people say it: ``januar 2009``."""
        return f"{DANISH_MONTHS[self.number - 1]} {self.year}"

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"


@lru_cache(maxsize=1024)
def _month_of(year: int, number: int) -> Month:
    return Month(year, number)


@lru_cache(maxsize=1024)
def _days_of(year: int, number: int) -> Period:
    month = Month(year, number)
    return Period(month.first_day, month.plus(1).first_day)


@dataclass(frozen=True, order=True, slots=True)
class BillingYear:
    """One calendar year that is billed and settled as a whole (aftaleår)."""

    year: int

    def __post_init__(self) -> None:
        if not FIRST_YEAR <= self.year <= LAST_YEAR:
            raise NotAPeriod

    @property
    def months(self) -> tuple[Month, ...]:
        """January to December."""
        return tuple(Month(self.year, number) for number in range(1, MONTHS_PER_YEAR + 1))

    @property
    def period(self) -> Period:
        """The year as half-open days."""
        return Period(date(self.year, 1, 1), date(self.year + 1, 1, 1))

    def __int__(self) -> int:
        return self.year

    def __str__(self) -> str:
        return f"{self.year:04d}"


def months_between(first: Month, last: Month) -> Iterator[Month]:
    """Every month from ``first`` to ``last``, both included; none if they are the wrong way round."""
    month = first
    while month <= last:
        yield month
        month = month.plus(1)
