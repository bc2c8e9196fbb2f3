"""The calendar of one municipality: its agreements' deadlines and its own days of payment; no amounts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection

from agreements.agreement import Agreement
from billing.invoice import store as invoice_store
from billing.invoice.facts import DocumentType
from billing.invoice.store import Head, Order, Wanted
from billing.payment import store as payment_store
from exports.calendar.layout import ALARM_BEFORE, UID_DOMAIN, Calendar, Entry, one_line, uid_of
from portal.own_figures import OwnDeadline, own_deadlines
from portal.parts import name_of

BACK, AHEAD = timedelta(days=62), timedelta(days=400)
MOST_DUE = 200


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
    lines = (each.agreement.title, *([f"Aftalens {deadline.clause}"] if deadline.clause else []))
    return Entry(
        uid=uid_of(each.agreement.code, each.year, deadline),
        day=deadline.due_on,
        changed_at=_said_at(as_of, deadline.due_on),
        summary=one_line(f"{deadline.title_da} ({each.agreement.code})"),
        description="\n".join(one_line(line) for line in lines),
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
