"""Reminder letters: after how many days, who would get one today, and those that were sent."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence

from flask import g, render_template
from werkzeug.wrappers import Response as WebResponse

from billing.payment import reminder_run, reminder_store
from billing.payment.reminder_rules import MOST_LEVELS, ReminderLetter
from exports.reminder.layout import file_name
from foundation.errors import N_, RuleBroken
from portal.access.scope import Deed
from portal.finance import pages
from portal.finance.asked import FieldNotUnderstood, text_of
from portal.finance.setup import require_issuer
from portal.language import _
from portal.pages import connection, download, occasion, person, seen, who_may

SHOWN = 100
NAMED = 5  # documents of a letter that is not sent yet


class LettersNotSeen(RuleBroken):
    """Other letters are due than those that the page showed: another sent them, somebody paid, or it was sent twice."""

    danish = N_("Brevene er ikke længere dem, siden viste, så intet er sendt. Gå tilbage til «Påmindelser», og se dem.")


def mark_of(letters: Sequence[ReminderLetter]) -> str:
    """What tells some letters from others: to whom, the how manieth, of which documents, for how much."""
    told = [
        (letter.subscriber, letter.level, [(each.number, each.open_oere) for each in letter.documents])
        for letter in letters
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@pages.get("/paamindelser")
@who_may(Deed.READ)
def reminders(place: str) -> str:
    """The days, today's letters and the newest that were sent."""
    days = reminder_store.days_late(connection(), place)
    due = reminder_run.show_reminders(connection(), place, occasion()) if days and g.issues else ()
    return render_template(
        "finance/reminders.html",
        issues=g.issues,
        days=days,
        due=due,
        mark=mark_of(due),
        sent=reminder_store.letters(connection(), place, SHOWN),
        most=MOST_LEVELS,
        named=NAMED,
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
    """Note the letters that the page showed as sent, and have them delivered.

    Sending again would send the next letter of each, where that is due too: so only what was looked at is sent.
    """
    require_issuer(place)
    sent = reminder_run.send_reminders(connection(), place, occasion())
    if mark_of(sent) != text_of("seen", 64):
        raise LettersNotSeen
    return seen("finance.reminders", place=place)


@pages.get("/paamindelser/<int(max=999999999):number>/fil.pdf")
@who_may(Deed.READ)
def reminder_file(place: str, number: int) -> WebResponse:
    """A letter that was sent."""
    from exports.reminder.write import pdfs_of  # noqa: PLC0415 - slow to import, and only here

    letter = reminder_run.issuers_letter(connection(), place, number)
    (content,) = pdfs_of([letter])
    return download(content, file_name(letter), "application/pdf")
