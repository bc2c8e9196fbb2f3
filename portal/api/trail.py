"""The audit trail of an issuer, as an auditor's program reads it."""

from __future__ import annotations

import json

from flask import request

from portal.access.keys import Caller
from portal.api.bodies import day_asked
from portal.api.described import DAY, INSTANT, TEXT, WHOLE, describe, describe_page, whole
from portal.api.doors import AFTER, LIMIT, Json, Parameter, cursor, limit, operation
from portal.api.problems import ParameterWrong
from portal.issuer_work import search_trail
from portal.pages import connection

LONGEST = 100
WORDS = {"type": "string", "maxLength": LONGEST}
ACTOR = Parameter("actor", "Only what this person or process did.", WORDS, "anna@eksempel.dk")
ACTION = Parameter("action", "Only actions that begin so.", WORDS, "monthly_run.")
SEARCH = Parameter("q", "Only where subject or details have these letters.", WORDS, "F2008-0001")
SINCE = Parameter("since", "Not before this business date.", DAY, "2009-01-01")
UNTIL = Parameter("until", "Not after this business date.", DAY, "2009-12-31")

describe(
    "AuditEvent",
    whole(
        number=WHOLE, at=INSTANT, business_date=DAY, actor=TEXT, action=TEXT, subject=TEXT, details={"type": "object"}
    ),
    {
        "number": 812,
        "at": "2008-12-15T10:00:00.000000+00:00",
        "business_date": "2008-12-15",
        "actor": "bo@eksempel.dk",
        "action": "monthly_run.issued",
        "subject": "plan 12",
        "details": {"documents": 10},
    },
)
describe_page("AuditPage", "AuditEvent")


def _letters(name: str) -> str:
    text = request.args.get(name, "")
    if len(text) > LONGEST or not all(sign.isprintable() for sign in text):
        raise ParameterWrong(name=name, expected=f"Højst {LONGEST} tegn på én linje")
    return text


@operation(
    "GET",
    "/audit",
    scope="audit:read",
    tag="Audit",
    answer="AuditPage",
    query=(ACTOR, ACTION, SEARCH, SINCE, UNTIL, LIMIT, AFTER),
)
def list_events(caller: Caller) -> Json:
    """List who did what to what, the newest first.

    Of the municipality's own agreements, plans, documents and payments. A part may be short, or empty, and `next`
    still names one: so many events are looked through at a time.
    """
    after = cursor(r"[1-9][0-9]{0,14}")
    found, following = search_trail(
        connection(),
        caller.place,
        limit(),
        before=int(after) if after else None,
        words=_letters("q"),
        actor=_letters("actor"),
        action=_letters("action"),
        since=day_asked("since"),
        until=day_asked("until"),
    )
    return {
        "items": [
            {
                "number": each.number,
                "at": each.happened_at,
                "business_date": each.business_date.isoformat(),
                "actor": each.actor,
                "action": each.action,
                "subject": each.subject,
                "details": json.loads(each.details),
            }
            for each in found
        ],
        "next": str(following) if following else None,
    }
