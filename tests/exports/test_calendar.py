"""The feed of deadlines, read back by the library and by a small reader of our own that only knows RFC 5545's lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.agreement_file import read_agreement
from agreements.deadlines import Deadline, DeadlineKind, deadlines_of_year
from exports.calendar.layout import Calendar, CalendarDeadline, Entry, deadline_calendar, uid_of
from exports.calendar.write import CalendarNotWritten, calendar_bytes, write_calendar
from foundation.period import Month

FILE = resources.files("agreements").joinpath("examples/fyn_2009.toml").read_bytes()
FUNEN = read_agreement("fyn.toml", FILE)
AT = datetime(2009, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@dataclass
class Component:
    """What stands between BEGIN and END."""

    name: str
    lines: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    inner: list[Component] = field(default_factory=list)

    def said(self, name: str) -> str:
        (value,) = [value for each, _, value in self.lines if each == name]
        return value

    def parameters(self, name: str) -> dict[str, str]:
        (found,) = [parameters for each, parameters, _ in self.lines if each == name]
        return found


def read(content: bytes) -> Component:
    """RFC 5545 section 3.1: lines end with CRLF, have at most 75 octets, and go on after CRLF and a space."""
    assert content.endswith(b"\r\n")
    raw = content[:-2].split(b"\r\n")
    assert all(b"\r" not in line and b"\n" not in line for line in raw)
    assert all(len(line) <= 75 for line in raw)
    for line in raw:
        line.decode()  # no character is cut in two
    unfolded = content[:-2].replace(b"\r\n ", b"").decode()
    root = Component("")
    open_ = [root]
    for unfolded_line in unfolded.split("\r\n"):
        match = re.fullmatch(r"([A-Z-]+)((?:;[A-Z-]+=[^;:]+)*):(.*)", unfolded_line)
        assert match, unfolded_line
        name, given_, value = match.groups()
        if name == "BEGIN":
            open_.append(Component(value))
        elif name == "END":
            assert open_[-1].name == value
            done = open_.pop()
            open_[-1].inner.append(done)
        else:
            parameters = dict(part.split("=", 1) for part in given_.split(";") if part)
            open_[-1].lines.append((name, parameters, value))
    assert open_ == [root]
    (calendar,) = root.inner
    return calendar


def unescaped(value: str) -> str:
    return re.sub(r"\\([\\;,nN])", lambda match: "\n" if match[1] in "nN" else match[1], value)


def told(deadline: Deadline, *, year: int = 2009, done: bool = False) -> CalendarDeadline:
    return CalendarDeadline(
        agreement=FUNEN.code,
        agreement_title=FUNEN.title,
        year=year,
        deadline=deadline,
        status_da="udført 12.12.2008 af Bo" if done else "afventer",
        is_done=done,
        is_over=done,
        evidence="F2008-0001–F2008-0009 (12.12.2008)" if done else "",
        next_step="" if done else "Send a conto regning; kør «mellemregning month issue fyn-alkohol 2009-01», nu.",
        changed_at=AT,
    )


@pytest.fixture
def feed() -> bytes:
    wheel = deadlines_of_year(FUNEN, 2009)
    return calendar_bytes(
        deadline_calendar(told(each, done=each.for_month == Month(2009, 1)) for each in reversed(wheel))
    )


def test_the_feed_says_what_outlook_asks_for(feed: bytes) -> None:
    calendar = read(feed)
    assert calendar.name == "VCALENDAR"
    assert (calendar.said("VERSION"), calendar.said("METHOD")) == ("2.0", "PUBLISH")
    assert calendar.said("PRODID") == "-//Mellemregning//Frister//DA"
    assert calendar.said("X-WR-CALNAME") == "Mellemregning - frister"
    assert {component.name for component in calendar.inner} == {"VEVENT"}
    assert len(calendar.inner) == 17
    days = [event.said("DTSTART") for event in calendar.inner]
    assert days == sorted(days)


def test_an_event_is_a_whole_day_and_reminds_three_days_before(feed: bytes) -> None:
    (february,) = [event for event in read(feed).inner if ".2009-02." in event.said("UID")]
    assert february.said("UID") == "fyn-alkohol.advance_invoice.2009-02.2009-01-15@mellemregning"
    assert (february.said("DTSTART"), february.said("DTEND")) == ("20090115", "20090116")
    assert february.parameters("DTSTART") == february.parameters("DTEND") == {"VALUE": "DATE"}
    assert february.said("DTSTAMP") == "20090102T030405Z"
    assert unescaped(february.said("SUMMARY")) == "A conto regning for februar 2009 sendes (fyn-alkohol)"
    assert unescaped(february.said("DESCRIPTION")) == (
        f"{FUNEN.title}\nAftale fyn-alkohol, 2009, § 7 stk. 1\nStatus: afventer\n"
        "Send a conto regning; kør «mellemregning month issue fyn-alkohol 2009-01», nu."
    )
    (alarm,) = february.inner
    assert (alarm.name, alarm.said("ACTION"), alarm.said("TRIGGER")) == ("VALARM", "DISPLAY", "-P3D")
    assert alarm.said("DESCRIPTION") == february.said("SUMMARY")


def test_what_is_done_says_so_and_reminds_nobody(feed: bytes) -> None:
    (january,) = [event for event in read(feed).inner if ".2009-01." in event.said("UID")]
    assert unescaped(january.said("SUMMARY")) == "Udført: A conto regning for januar 2009 sendes (fyn-alkohol)"
    assert "Status: udført 12.12.2008 af Bo" in unescaped(january.said("DESCRIPTION"))
    assert january.inner == []


def test_the_library_reads_the_same(feed: bytes) -> None:
    ours = read(feed)
    theirs = icalendar.Calendar.from_ical(feed)
    events = theirs.walk("VEVENT")
    assert len(events) == len(ours.inner)
    for event, own in zip(events, ours.inner, strict=True):
        assert str(event["UID"]) == own.said("UID")
        assert event.decoded("DTSTART") == date.fromisoformat(own.said("DTSTART"))
        assert event.decoded("DTEND") - event.decoded("DTSTART") == timedelta(days=1)
        assert str(event["SUMMARY"]) == unescaped(own.said("SUMMARY"))
        assert str(event["DESCRIPTION"]) == unescaped(own.said("DESCRIPTION"))
        assert event.decoded("DTSTAMP") == AT.replace(microsecond=0)
        assert event.errors == []
        assert [alarm.decoded("TRIGGER") for alarm in event.walk("VALARM")] == [timedelta(days=-3)] * len(own.inner)


def test_the_same_deadlines_give_the_same_bytes_in_any_order(feed: bytes) -> None:
    wheel = deadlines_of_year(FUNEN, 2009)
    again = deadline_calendar(told(each, done=each.for_month == Month(2009, 1)) for each in wheel)
    assert calendar_bytes(again) == feed


def test_an_event_keeps_its_uid_whatever_becomes_of_it_and_shares_it_with_none() -> None:
    wheel = [(year, each) for year in range(2009, 2031) for each in deadlines_of_year(FUNEN, year)]
    uids = [uid_of(FUNEN.code, year, each) for year, each in wheel]
    assert len(set(uids)) == len(uids)
    (waiting,) = deadline_calendar([told(wheel[0][1])]).entries
    (done,) = deadline_calendar([told(wheel[0][1], done=True)]).entries
    assert waiting.uid == done.uid == uids[0]


@given(text=st.text(max_size=300))
def test_whatever_people_write_neither_breaks_a_line_nor_is_lost(text: str) -> None:
    deadline = Deadline(DeadlineKind.PRICE_NOTICE, date(2008, 6, 1), text, "§ 6 stk. 4")
    content = calendar_bytes(deadline_calendar([told(deadline)], text))
    (event,) = read(content).inner
    shown = unescaped(event.said("SUMMARY")).removesuffix("(fyn-alkohol)").strip()
    assert shown.split() == "".join(sign if sign.isprintable() else " " for sign in text).split()
    (theirs,) = icalendar.Calendar.from_ical(content).walk("VEVENT")
    assert str(theirs["SUMMARY"]) == unescaped(event.said("SUMMARY"))


def test_a_feed_without_deadlines_is_a_calendar() -> None:
    assert read(calendar_bytes(deadline_calendar([]))).inner == []


def test_the_file_is_replaced_whole_or_not_at_all(tmp_path: Path, feed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    calendar = deadline_calendar(told(each) for each in deadlines_of_year(FUNEN, 2009))
    path = tmp_path / "frister.ics"
    path.write_bytes(feed)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(CalendarNotWritten, match="disken er fuld"):
            write_calendar(calendar, path)
    assert path.read_bytes() == feed
    write_calendar(calendar, path)
    assert path.read_bytes() == calendar_bytes(calendar)
    assert [each.name for each in tmp_path.iterdir()] == ["frister.ics"]
    with pytest.raises(CalendarNotWritten):
        write_calendar(calendar, tmp_path / "ingen" / "frister.ics")


def test_an_entry_without_a_reminder_has_none() -> None:
    entry = Entry("a@b", date(2009, 1, 1), AT, "x", "y", None)
    (event,) = read(calendar_bytes(Calendar("c", (entry,)))).inner
    assert event.inner == []
