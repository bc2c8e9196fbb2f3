"""What usage statements are made of: periods, figures, loads of counts, and releases; never a row about a course."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from agreements.agreement import Agreement, MunicipalityCode
from agreements.municipality import MUNICIPALITIES
from foundation.period import DANISH_MONTHS, MONTHS_PER_YEAR, Month, NotAPeriod

Residence: TypeAlias = str
"""A municipality's code, ``UNSTATED``, ``ELSEWHERE`` or ``ALL``."""

UNSTATED = "uoplyst"  # who did not say where they live; they may stay anonymous
ELSEWHERE = "andre"  # municipalities that take no part in the agreement
ALL = "*"  # the sum; no service's code can be this
PROMPT_DAYS = 14  # the waiting time that statements count by, domain rule 16

HALF_YEAR, QUARTER = 6, 3


class Measure(StrEnum):
    """What is counted, of one service and one municipality of residence within a period (domain rule 16)."""

    AT_START = "at_start"  # courses under way when the period begins
    STARTED = "started"
    IN_PERIOD = "in_period"  # the two together: all courses that were under way at some time
    COMPLETED = "completed"
    BROKEN_OFF = "broken_off"
    AT_END = "at_end"  # courses still under way when it ends
    SESSIONS = "sessions"
    WITHIN_14_DAYS = "within_14_days"  # started, and the first session came within fourteen days
    LATER = "later"
    WAIT_KNOWN = "wait_known"  # the two together
    WAIT_UNKNOWN = "wait_unknown"  # started, and the waiting time was not stated
    WAITING_DAYS = "waiting_days"  # days waited by those whose waiting time is known


FLOWS = frozenset(Measure) - {Measure.AT_START, Measure.AT_END, Measure.IN_PERIOD}
"""What adds up over periods."""


@dataclass(frozen=True, order=True, slots=True)
class UsagePeriod:
    """Whole months of one year, both ends included."""

    first: Month
    last: Month

    def __post_init__(self) -> None:
        if self.first > self.last or self.first.year != self.last.year:
            raise NotAPeriod

    @classmethod
    def parse(cls, text: str) -> UsagePeriod:
        """Read ``2009``, ``2009-H1``, ``2009-Q3``, ``2009-01`` or ``2009-01/04``.

        Raises:
            NotAPeriod: anything else.
        """
        match = re.fullmatch(r"(\d{4})(?:-(?:[Hh]([12])|[QqKk]([1-4])|(\d{2})(?:/(\d{2}))?))?", text.strip(), re.ASCII)
        if match is None:
            raise NotAPeriod
        year, half, quarter, first, last = int(match[1]), match[2], match[3], match[4], match[5]
        if half:
            return cls.of(year, int(half) * HALF_YEAR - HALF_YEAR + 1, HALF_YEAR)
        if quarter:
            return cls.of(year, int(quarter) * QUARTER - QUARTER + 1, QUARTER)
        if first:
            return cls(Month(year, int(first)), Month(year, int(last or first)))
        return cls.of(year, 1, MONTHS_PER_YEAR)

    @classmethod
    def of(cls, year: int, first: int, months: int) -> UsagePeriod:
        """So many months from one of a year."""
        return cls(Month(year, first), Month(year, first + months - 1))

    @property
    def year(self) -> int:
        """The year that it lies in."""
        return self.first.year

    @property
    def months(self) -> int:
        """How many months it has."""
        return self.last.number - self.first.number + 1

    @property
    def _place(self) -> int | None:
        """Which half, quarter or month of the year it is, counted from 1; None for any other."""
        place, rest = divmod(self.first.number - 1, self.months)
        regular = rest == 0 and self.months in {1, QUARTER, HALF_YEAR, MONTHS_PER_YEAR}
        return place + 1 if regular else None

    @property
    def danish(self) -> str:
        """As people say it: ``1. halvår 2009``."""
        if self._place is None:
            return f"{DANISH_MONTHS[self.first.number - 1]}-{self.last.danish}"
        if self.months == 1:
            return self.first.danish
        if self.months == MONTHS_PER_YEAR:
            return f"året {self.year}"
        return f"{self._place}. {'halvår' if self.months == HALF_YEAR else 'kvartal'} {self.year}"

    def __str__(self) -> str:
        if self._place is None:
            return f"{self.first}/{self.last.number:02d}"
        if self.months == 1:
            return str(self.first)
        if self.months == MONTHS_PER_YEAR:
            return f"{self.year:04d}"
        return f"{self.year:04d}-{'H' if self.months == HALF_YEAR else 'Q'}{self._place}"

    def covers(self, other: UsagePeriod) -> bool:
        """Whether all of the other lies within it."""
        return self.first <= other.first and other.last <= self.last

    def overlaps(self, other: UsagePeriod) -> bool:
        """Whether they have a month in common."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, order=True, slots=True)
class FigureKey:
    """Which figure of a period: what is counted, of which service, for whose residents."""

    measure: Measure
    service: str
    residence: Residence


MEASURE_WORDS: Mapping[Measure, str] = {
    Measure.AT_START: "i behandling ved start",
    Measure.STARTED: "påbegyndt",
    Measure.IN_PERIOD: "forløb i alt",
    Measure.COMPLETED: "gennemført",
    Measure.BROKEN_OFF: "afbrudt",
    Measure.AT_END: "i behandling ved slut",
    Measure.SESSIONS: "samtaler",
    Measure.WITHIN_14_DAYS: "inden for 14 dage",
    Measure.LATER: "senere end 14 dage",
    Measure.WAIT_KNOWN: "ventetid kendt",
    Measure.WAIT_UNKNOWN: "ventetid ukendt",
    Measure.WAITING_DAYS: "ventedage",
}


@dataclass(frozen=True, slots=True)
class FigurePlace:
    """Where a figure stands: in which edition of which period's statement, and which it is.

    Written as text it is as programs read it; ``danish`` is for people.
    """

    period: UsagePeriod
    edition: int
    key: FigureKey

    def __str__(self) -> str:
        """By codes."""
        key = self.key
        return f"{self.period} udg. {self.edition}: {key.measure.value}, {key.service}, {key.residence}"

    @property
    def danish(self) -> str:
        """By names: ``gennemført / ambulant / Ærø (1. halvår 2009, udgave 1)``."""
        key = self.key
        found = MUNICIPALITIES.get(key.residence)
        words = {UNSTATED: "uoplyst", ELSEWHERE: "andre kommuner", ALL: "alle"}
        where = found.name if found else words.get(key.residence, key.residence)
        service = "alle ydelser" if key.service == ALL else key.service
        return f"{MEASURE_WORDS[key.measure]} / {service} / {where} ({self.period.danish}, udgave {self.edition})"


Counts: TypeAlias = Mapping[FigureKey, int]


@dataclass(frozen=True, slots=True)
class Load:
    """What one provider counted in one period. Versions follow each other; the newest applies, the others stay.

    Attributes:
        number: Its row; 0 for one that is not stored.
        shape: ``counts`` or ``courses``: what the file's rows were.
        lines: How many rows were counted.
        counts: By service and municipality of residence, without sums; what is not there is zero.
    """

    agreement: str
    provider: MunicipalityCode
    period: UsagePeriod
    version: int
    loaded_on: date
    loaded_by: str
    shape: str
    lines: int
    counts: Counts
    number: int = 0


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a release.

    Attributes:
        count: The count; it leaves the house only where the figure is not hidden.
        hidden: Whether the statements leave it out.
        small: Whether it is hidden for its own sake, not to cover another. Never told outside.
    """

    count: int
    hidden: bool = False
    small: bool = False

    @property
    def shown(self) -> int | None:
        """The count, or None where it is hidden."""
        return None if self.hidden else self.count


@dataclass(frozen=True, slots=True)
class Release:
    """The statements of a period as they were published; a later edition stands beside it.

    Attributes:
        number: Its row, ascending in the order of publication; 0 for one that is not published.
        edition: From 1 for each period.
        threshold: k of the day: counts from 1 to k - 1 are hidden.
        loads: The loads that it counts, of a period of the agreement's; else empty.
        parts: The releases that it sums, of a longer period; else empty.
        figures: Every figure, with all sums.
        optimal: Whether it is proven that fewer hidden figures would not do.
    """

    agreement: str
    period: UsagePeriod
    edition: int
    released_on: date
    released_by: str
    threshold: int
    figures: Mapping[FigureKey, Figure] = field(repr=False)
    loads: tuple[int, ...] = ()
    parts: tuple[int, ...] = ()
    number: int = 0
    optimal: bool = True

    def shown(self, measure: Measure, service: str, residence: Residence) -> int | None:
        """A figure as it was published; None where it is hidden or there is none."""
        figure = self.figures.get(FigureKey(measure, service, residence))
        return None if figure is None else figure.shown


@dataclass(frozen=True, slots=True)
class Statement:
    """What the statements of a period are written from.

    Attributes:
        members: Who takes part in the year; each gets a statement.
        history: Releases of the same length up to this one, each period's newest edition, oldest first.
        earlier: Editions of the same period that this one replaces.
        parts: The releases that it sums.
    """

    agreement: Agreement
    release: Release
    members: tuple[MunicipalityCode, ...]
    history: tuple[Release, ...]
    earlier: tuple[Release, ...] = ()
    parts: tuple[Release, ...] = ()
