"""The deadlines of a municipality's agreements, on a page and as a calendar that other programs subscribe to.

A calendar's address is a secret of one person: it is shown once, only its hash is kept, and it ends when the person
asks for a new one, is closed or loses the role. It holds days and words, no amounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from flask import Response, render_template, request, url_for
from sqlalchemy import Connection

from agreements.agreement import Agreement
from billing.invoice import store as invoice_store
from billing.invoice.facts import DocumentType
from billing.invoice.store import Head, Order, Wanted
from billing.payment import store as payment_store
from exports.calendar.layout import ALARM_BEFORE, UID_DOMAIN, Calendar, Entry, one_line, uid_of
from exports.calendar.write import calendar_bytes
from foundation import tokens
from portal.access import keys
from portal.access.scope import Deed, PlaceUnknown, members_agreements
from portal.municipality import open_pages, pages
from portal.own_figures import OwnDeadline, own_deadlines
from portal.pages import anybody, connection, occasion, person, site, today, who_may
from portal.parts import name_of
from portal.searching import small_number

BACK, AHEAD = timedelta(days=62), timedelta(days=400)
MOST_DUE = 200
SHOWN = 100


def own_payments(opened: Connection, place: str, as_of: date) -> list[tuple[Head, int]]:
    """The newest invoices of which something is open, by due date, with what is open; two queries."""
    wanted = Wanted(subscriber=place, document_type=DocumentType.INVOICE, with_internal=False)
    heads = invoice_store.page(opened, wanted, Order.DUE, size=MOST_DUE).heads
    settled = payment_store.settled_of(opened, {(head.issuer, head.number) for head in heads}, as_of)
    found = [
        (head, head.amount_oere - settled.get((head.issuer, head.number), 0))
        for head in heads
        if head.credited_by is None and head.issue_date <= as_of
    ]
    return sorted(((head, left) for head, left in found if left > 0), key=lambda each: (each[0].due_date, each[0].id))


@pages.get("/frister")
@who_may(Deed.READ)
def deadlines(place: str) -> str:
    """What has to be done and paid by when, and the calendar."""
    return _page(place)


def _page(place: str, address: str = "") -> str:
    as_of = today()
    agreed = members_agreements(connection(), place)
    coming = own_deadlines(connection(), agreed, place, as_of, as_of + AHEAD)
    part = small_number(request.args.get("part", "")) or 0
    is_last = (part + 1) * SHOWN >= len(coming)
    return render_template(
        "municipality/deadlines.html",
        coming=coming[part * SHOWN : (part + 1) * SHOWN],
        first=url_for("municipality.deadlines", place=place) if part else None,
        following=None if is_last else url_for("municipality.deadlines", place=place, part=part + 1),
        payments=own_payments(connection(), place, as_of),
        today=as_of,
        address=address,
        made_at=tokens.calendar_made_at(connection(), person().id, place),
    )


@pages.post("/frister/adresse")
@who_may(Deed.READ)
def new_address(place: str) -> str:
    """Give the person a new calendar address, which is shown this once."""
    token = keys.new_calendar(connection(), person(), place, occasion())
    return _page(place, url_for("calendars.calendar", token=token, _external=True))


@pages.post("/frister/luk")
@who_may(Deed.READ)
def close_address(place: str) -> str:
    """End the person's calendar address."""
    keys.close_calendar(connection(), person(), place, occasion())
    return _page(place)


@open_pages.get("/<token>.ics")
@anybody
def calendar(token: str) -> Response:
    """The deadlines as iCalendar, for whoever holds the address."""
    with site().database.reading() as opened:
        place = keys.calendar_of(opened, token)
        if place is None:
            raise PlaceUnknown
        agreed = members_agreements(opened, place)
        content = calendar_bytes(calendar_of(opened, agreed, place, today()))
    return Response(content, mimetype="text/calendar")


def calendar_of(opened: Connection, agreed: Mapping[str, Agreement], place: str, as_of: date) -> Calendar:
    """The calendar of a municipality as it is on a day: its agreements' deadlines and its own days of payment."""
    entries = [_entry(each, as_of) for each in own_deadlines(opened, agreed, place, as_of - BACK, as_of + AHEAD)]
    entries += [_payment(head, as_of) for head, _left in own_payments(opened, place, as_of)]
    ordered = sorted(entries, key=lambda entry: (entry.day, entry.uid))
    return Calendar(one_line(f"Mellemregning - {name_of(place)}"), tuple(ordered))


def _said_at(day: date, due_on: date) -> datetime:
    """When what is said last changed: at the beginning, or when the day was over; the same however often asked."""
    return datetime.combine(due_on + timedelta(days=1) if day > due_on else date(due_on.year, 1, 1), time(), UTC)


def _entry(each: OwnDeadline, as_of: date) -> Entry:
    deadline = each.deadline
    return Entry(
        uid=uid_of(each.agreement.code, each.year, deadline),
        day=deadline.due_on,
        changed_at=_said_at(as_of, deadline.due_on),
        summary=one_line(f"{deadline.title_da} ({each.agreement.code})"),
        description="\n".join(one_line(line) for line in (each.agreement.title, f"Aftalens {deadline.clause}")),
        alarm=ALARM_BEFORE if as_of <= deadline.due_on else None,
    )


def _payment(head: Head, as_of: date) -> Entry:
    return Entry(
        uid=f"{head.issuer}.{head.number}@{UID_DOMAIN}",
        day=head.due_date,
        changed_at=_said_at(as_of, head.due_date),
        summary=one_line(f"Faktura {head.number} fra {name_of(head.issuer)} forfalder"),
        description=one_line(head.title),
        alarm=ALARM_BEFORE if as_of <= head.due_date else None,
    )
