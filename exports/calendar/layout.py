"""What a deadline says in a calendar. Pure.

Source: docs/decisions/0018-deadlines.md; RFC 5545.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from agreements.deadlines import Deadline

CALENDAR_NAME = "Mellemregning - frister"
ALARM_BEFORE = timedelta(days=3)
UID_DOMAIN = "mellemregning"


@dataclass(frozen=True, slots=True)
class CalendarDeadline:
    """A deadline and where it stands, as the calendar is told it.

    Attributes:
        year: The billing year that it is for.
        status_da: Where it stands, for people.
        is_done: What it asks for is stored.
        is_over: It is done, or its day is over and nothing more can be told, so that nobody is reminded.
        changed_at: UTC; when what is said here last changed.
    """

    agreement: str
    agreement_title: str
    year: int
    deadline: Deadline
    status_da: str
    is_done: bool
    is_over: bool
    evidence: str
    next_step: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One all-day event.

    Attributes:
        uid: The same as long as agreement, kind, what it is for and day are; nothing of a person in it.
        changed_at: UTC, whole seconds.
        alarm: How long before the day people are reminded; None for not at all.
    """

    uid: str
    day: date
    changed_at: datetime
    summary: str
    description: str
    alarm: timedelta | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """A feed: its name and its events by day."""

    name: str
    entries: tuple[Entry, ...]


def deadline_calendar(deadlines: Iterable[CalendarDeadline], name: str = CALENDAR_NAME) -> Calendar:
    """The calendar of some deadlines, by day and then by uid."""
    entries = sorted((_entry(deadline) for deadline in deadlines), key=lambda entry: (entry.day, entry.uid))
    return Calendar(one_line(name), tuple(entries))


def _entry(told: CalendarDeadline) -> Entry:
    deadline = told.deadline
    lines = [
        told.agreement_title,
        ", ".join(part for part in (f"Aftale {told.agreement}", str(told.year), deadline.clause) if part),
        f"Status: {told.status_da}",
        told.evidence,
        told.next_step,
    ]
    done = "Udført: " if told.is_done else ""
    return Entry(
        uid=uid_of(told.agreement, told.year, deadline),
        day=deadline.due_on,
        changed_at=told.changed_at.replace(microsecond=0),
        summary=one_line(f"{done}{deadline.title_da} ({told.agreement})"),
        description="\n".join(one_line(line) for line in lines if line),
        alarm=None if told.is_over else ALARM_BEFORE,
    )


def uid_of(agreement: str, year: int, deadline: Deadline) -> str:
    """What a calendar knows the event by when the feed is read again."""
    what_for = str(deadline.for_month) if deadline.for_month else str(year)
    return f"{agreement}.{deadline.kind.value}.{what_for}.{deadline.due_on.isoformat()}@{UID_DOMAIN}"


def one_line(text: str) -> str:
    """Text from an agreement's file without what would break a line or a reader."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
