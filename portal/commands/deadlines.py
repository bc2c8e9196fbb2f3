"""The command on the year's wheel: deadlines."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click
from rich.console import Console

from agreements.deadlines import DeadlineKind
from billing.deadline_status import DeadlineStatus, Status, deadline_statuses
from portal.commands.door import FILE, YEAR, Door, command, new_group, table
from portal.language import _

wheel_group = new_group("wheel")


@command(wheel_group, "deadlines")
@click.argument("code", required=False, metavar=_("[KODE]"))
@click.option("--year", type=YEAR, metavar=_("ÅR"), help=_("Ét aftaleår; ellers dem med en frist inden for et år."))
@click.option("--ical", type=FILE, metavar=_("FIL"), help=_("Skriv fristerne som en kalender, Outlook kan læse."))
def deadlines(door: Door, code: str | None, year: int | None, ical: Path | None) -> None:
    """Vis årets frister, for en aftale eller for alle: hvad er gjort, af hvem, hvad er for sent, hvad mangler."""
    with door.database.reading() as connection:
        found = deadline_statuses(connection, door.business_date, code, year)
    if ical is not None:
        _write(found, ical, code)
    answer = {
        "as_of": door.business_date.isoformat(),
        "agreement": code,
        "late": sum(status.status is Status.LATE for status in found),
        "deadlines": [_said(status) for status in found],
        "file": str(ical) if ical is not None else None,
    }

    def people(out: Console) -> None:
        if not found:
            out.print(_("Der er ingen frister."))
        elif ical is None:
            _show(door, out, found)
        if ical is not None:
            out.print(_("{count} frister er skrevet i {file}").format(count=len(found), file=ical))

    door.tell(answer, people)


COMMANDS = (deadlines,)


def _said(status: DeadlineStatus) -> dict[str, object]:
    deadline = status.deadline
    return {
        "agreement": status.agreement,
        "year": status.year,
        "kind": deadline.kind.value,
        "for_month": str(deadline.for_month) if deadline.for_month else None,
        "due_on": deadline.due_on.isoformat(),
        "title": deadline.title_da,
        "clause": deadline.clause,
        "status": status.status.value,
        "days_late": status.days_late,
        "done_on": status.done_on.isoformat() if status.done_on else None,
        "done_by": list(status.done_by),
        "evidence": status.evidence or None,
        "next_step": status.next_step or None,
    }


def _show(door: Door, out: Console, found: tuple[DeadlineStatus, ...]) -> None:
    """What is over and done in short, what is to be done in full."""
    rows = [
        (
            status.deadline.due_on,
            status.agreement,
            status.deadline.title_da + (f" ({status.deadline.clause})" if status.deadline.clause else ""),
            in_words(status),
            " - ".join(text for text in (status.evidence, status.next_step) if text),
        )
        for status in found
    ]
    title = _("Frister pr. {day}").format(day=f"{door.business_date:%d.%m.%Y}")
    out.print(table(title, [_("Frist"), _("Aftale"), _("Hvad"), _("Status"), _("Grundlag og næste skridt")], rows))
    late = [status for status in found if status.status is Status.LATE]
    if late:
        out.print(_("For sent: {count}. Begynd med: {next_step}").format(count=len(late), next_step=late[0].next_step))


def in_words(status: DeadlineStatus) -> str:
    """Where a deadline stands, for people; without counting days where time alone would change it."""
    match status.status:
        case Status.DONE:
            done = _("udført {day}").format(day=f"{status.done_on:%d.%m.%Y}")
            by = _(" af {who}").format(who=", ".join(status.done_by)) if status.done_by else ""
            days_late = _(", 1 dag for sent") if status.days_late == 1 else _(", {days} dage for sent")
            late = days_late.format(days=status.days_late) if status.days_late else ""
            return f"{done}{by}{late}"
        case Status.WAITING:
            return _("afventer")
        case Status.DUE_SOON:
            # The day of a usage statement is the first on which it can be made, and is soon past.
            is_first = status.deadline.kind is DeadlineKind.USAGE_STATEMENT
            soon = _("kan laves fra {day}") if is_first else _("snart")
            return soon.format(day=f"{status.deadline.due_on:%d.%m.%Y}")
        case Status.LATE:
            days_late = _("for sent, 1 dag") if status.days_late == 1 else _("for sent, {days} dage")
            return days_late.format(days=status.days_late)
        case Status.PASSED:
            return _("dagen er gået")
        case Status.NOT_SUPPORTED:
            return _("laves ikke her endnu")


def _for_calendar(status: DeadlineStatus) -> str:
    """As ``in_words``, but the same every day until something happens, so that the feed's bytes are, too."""
    if status.status is Status.LATE:
        since = status.deadline.due_on + timedelta(days=1)
        return f"for sent siden {since:%d.%m.%Y}"
    return in_words(status)


def _write(found: tuple[DeadlineStatus, ...], file: Path, code: str | None) -> None:
    from exports.calendar.layout import CALENDAR_NAME, CalendarDeadline, deadline_calendar
    from exports.calendar.write import write_calendar

    calendar = deadline_calendar(
        (
            CalendarDeadline(
                agreement=status.agreement,
                agreement_title=status.agreement_title,
                year=status.year,
                deadline=status.deadline,
                status_da=_for_calendar(status),
                is_done=status.status is Status.DONE,
                is_over=status.status in {Status.DONE, Status.PASSED},
                evidence=status.evidence,
                next_step=status.next_step,
                changed_at=status.changed_at,
            )
            for status in found
        ),
        f"{CALENDAR_NAME} - {code}" if code else CALENDAR_NAME,
    )
    write_calendar(calendar, file)
