"""Reminder letters: after how many days, who would get one today, and those that were sent."""

from __future__ import annotations

import re

from flask import g, render_template
from werkzeug.wrappers import Response as WebResponse

from billing.payment import reminder_run, reminder_store
from billing.payment.reminder_rules import MOST_LEVELS
from exports.reminder.layout import file_name
from portal.access.scope import Deed
from portal.finance import pages
from portal.finance.asked import FieldNotUnderstood, text_of
from portal.finance.setup import require_issuer
from portal.language import _
from portal.pages import connection, download, occasion, person, seen, who_may

SHOWN = 100


@pages.get("/paamindelser")
@who_may(Deed.READ)
def reminders(place: str) -> str:
    """The days, today's letters and the newest that were sent."""
    days = reminder_store.days_late(connection(), place)
    return render_template(
        "finance/reminders.html",
        issues=g.issues,
        days=days,
        due=reminder_run.show_reminders(connection(), place, occasion()) if days and g.issues else (),
        sent=reminder_store.letters(connection(), place, SHOWN),
        most=MOST_LEVELS,
        may_send=person().may(Deed.PREPARE, place) and g.issues,
    )


@pages.post("/paamindelser/dage")
@who_may(Deed.PREPARE)
def reminder_days(place: str) -> WebResponse:
    """Say after how many days each letter goes; no number sends none."""
    require_issuer(place)
    given = text_of("days", 60)
    if not re.fullmatch(r"(\d{1,4}([\s,;]+\d{1,4})*)?", given, re.ASCII):
        raise FieldNotUnderstood(field=_("Dage efter forfald"), expected="tal som 10, 30", given=given)
    days = [int(each) for each in re.findall(r"\d+", given)]
    reminder_run.set_reminders(connection(), place, days, occasion())
    return seen("finance.reminders", place=place)


@pages.post("/paamindelser/send")
@who_may(Deed.PREPARE)
def reminders_send(place: str) -> WebResponse:
    """Note today's letters as sent and have them delivered; none is sent twice."""
    require_issuer(place)
    reminder_run.send_reminders(connection(), place, occasion())
    return seen("finance.reminders", place=place)


@pages.get("/paamindelser/<int(max=999999999):number>/fil.pdf")
@who_may(Deed.READ)
def reminder_file(place: str, number: int) -> WebResponse:
    """A letter that was sent."""
    from exports.reminder.write import pdfs_of  # noqa: PLC0415 - slow to import, and only here

    letter = reminder_run.issuers_letter(connection(), place, number)
    (content,) = pdfs_of([letter])
    return download(content, file_name(letter), "application/pdf")
