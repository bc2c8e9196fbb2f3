"""The only place where time is read. Business dates are plain dates in Danish time; instants are UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

DANISH_TIME = ZoneInfo("Europe/Copenhagen")


def today() -> date:
    """The business date: what the calendar on a Danish wall says."""
    return datetime.now(DANISH_TIME).date()


def danish_day(instant: datetime) -> date:
    """The business date of an instant: the same instant lies on two days in Denmark and in UTC for an hour or two."""
    return instant.astimezone(DANISH_TIME).date()


def now() -> datetime:
    """The instant, in UTC, for the audit trail and the outbox."""
    return datetime.now(UTC)
