"""Where a deadline stands, and what that rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from agreements.deadlines import Deadline

SOON = timedelta(days=14)


class Status(StrEnum):
    """Where a deadline stands on a day."""

    DONE = "done"
    WAITING = "waiting"
    DUE_SOON = "due_soon"
    LATE = "late"
    PASSED = "passed"  # its day is over, and nothing that is stored could tell whether it was kept
    NOT_SUPPORTED = "not_supported"  # Mellemregning does not make it yet


@dataclass(frozen=True, slots=True)
class DeadlineStatus:
    """One deadline as it stands on a day.

    Attributes:
        year: The billing year that it is for.
        days_late: How many days after its day it was done, or how many it is late by now; 0 where it is in time.
        done_on: The business date of the last thing that it took.
        done_by: Who did it, by the audit trail, in the order in which they did.
        evidence: What is stored, also while something is missing; empty where nothing is.
        next_step: What to do now, in Danish, with the command; empty where nothing is to be done.
        changed_at: The newest among the instants of the events that it rests on and the beginning of the day on which
            it became known, due soon, late or done; the same however often it is asked.
    """

    agreement: str
    agreement_title: str
    year: int
    deadline: Deadline
    status: Status
    days_late: int
    done_on: date | None
    done_by: tuple[str, ...]
    evidence: str
    next_step: str
    changed_at: datetime
