"""Write a calendar as iCalendar (RFC 5545): the same bytes for the same calendar, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from datetime import timedelta
from pathlib import Path

import icalendar

from exports.calendar.layout import Calendar, Entry
from foundation.errors import BadInput, N_, reason_of

PRODUCT = "-//Mellemregning//Frister//DA"
READ_AGAIN = timedelta(days=1)


class CalendarNotWritten(BadInput):
    """The feed cannot be written where it was asked for."""

    danish = N_("Kalenderen {file} kan ikke skrives: {reason}. Kontrollér mappen, og luk filen, hvis den er åben.")


def calendar_bytes(calendar: Calendar) -> bytes:
    """The feed: CRLF, lines folded at 75 octets, properties in a fixed order."""
    feed = icalendar.Calendar()
    feed.add("prodid", PRODUCT)
    feed.add("version", "2.0")
    feed.add("calscale", "GREGORIAN")
    feed.add("method", "PUBLISH")
    feed.add("x-wr-calname", calendar.name)
    # How often to look again: what RFC 7986 says, and what Outlook reads.
    feed.add("refresh-interval", READ_AGAIN, parameters={"value": "DURATION"})
    feed.add("x-published-ttl", f"P{READ_AGAIN.days}D")
    for entry in calendar.entries:
        feed.add_component(_event(entry))
    return bytes(feed.to_ical(sorted=True))


def _event(entry: Entry) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", entry.uid)
    event.add("dtstamp", entry.changed_at)
    event.add("dtstart", entry.day)
    event.add("dtend", entry.day + timedelta(days=1))
    event.add("summary", entry.summary)
    event.add("description", entry.description)
    event.add("categories", ["Mellemregning"])
    event.add("class", "PUBLIC")
    # A deadline takes nobody's day.
    event.add("transp", "TRANSPARENT")
    event.add("x-microsoft-cdo-busystatus", "FREE")
    if entry.alarm is not None:
        alarm = icalendar.Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", entry.summary)
        alarm.add("trigger", -entry.alarm)
        event.add_component(alarm)
    return event


def write_calendar(calendar: Calendar, path: Path) -> None:
    """Write the feed beside its name and then give it the name, so that a reader never sees a half one.

    Raises:
        CalendarNotWritten: the file cannot be written; an earlier one stays as it was.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(calendar_bytes(calendar))
                file.flush()
                os.fsync(file.fileno())
            part.chmod(0o644)  # a web server may be what hands it out
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise CalendarNotWritten(file=str(path), reason=reason_of(error)) from error
