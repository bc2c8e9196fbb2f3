"""A hundred thousand documents of a thousand agreements, and what a year leaves beside them: for ``bench portal``.

The documents are planned, approved and issued by the verbs that issue in earnest, month by month; so are a plan and
an interest plan that wait. What was paid, sent, told and noted meanwhile is written as rows, in bulk.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import date, timedelta

from sqlalchemy import Connection, text

from benchmarks.national_month import agree, emptied
from billing.monthly_run import run as runs
from billing.monthly_run.facts import RunScope
from billing.payment import interest_run
from billing.payment.interest_facts import InterestScope
from foundation import audit, clock
from foundation.audit import Event, Occasion
from foundation.database import Database
from foundation.period import Month

DAY = date(2009, 10, 20)
UNPAID_MONTHS = 3
EVENTS, EVENTS_AT_ONCE = 90_000, 10_000  # beside one for each agreement's month
SENT_AT = "2009-10-01T06:00:00.000000+00:00"


def filled(options: argparse.Namespace, address: str) -> Database:
    """Agreements with prices, their months issued by the verbs, and what was paid, sent, told and noted."""
    started = time.perf_counter()

    def tell(what: str) -> None:
        print(f"    {time.perf_counter() - started:5.0f} s  {what}", file=sys.stderr, flush=True)

    database = emptied(address)
    agree(database, options)
    tell(f"{options.agreements} agreements with their prices")
    for month in range(options.months):
        day = date(2008 + (month + 11) // 12, (month + 11) % 12 + 1, 15)
        with database.transaction() as connection:
            plan = runs.plan_run(connection, RunScope(), Occasion(day, "planlægger", clock.now()))
        with database.transaction() as connection:
            runs.approve_run(connection, plan.number, Occasion(day, "godkender", clock.now()))
        with database.transaction() as connection:
            runs.issue_run(connection, plan.number, Occasion(day, "udsteder", clock.now()))
        tell(f"month {month + 1} of {options.months} is issued")
    paid_before = Month(2009, 1).plus(max(1, options.months - UNPAID_MONTHS)).first_day
    with database.transaction() as connection:
        for statement in (*PAID, *RECEIVED, *SENT, *TOLD):
            connection.execute(text(statement), {"before": paid_before, "at": SENT_AT})
    tell("paid, received, sent and told")
    _noted(database)
    tell(f"{EVENTS} events")
    with database.transaction() as connection:
        issuer = measured_issuer(connection)
        waiting = Occasion(DAY, "planlægger", clock.now())
        runs.plan_run(connection, RunScope(None, Month(2009, 11), issuer), waiting)
        interest_run.plan_interest(connection, InterestScope(issuer, DAY - timedelta(days=1)), waiting)
    if not database.is_sqlite:
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
    tell("ready")
    return database


def measured_issuer(connection: Connection) -> str:
    """Who issued most; the first of several."""
    query = "SELECT issuer FROM invoice GROUP BY issuer ORDER BY COUNT(*) DESC, issuer LIMIT 1"
    return str(connection.execute(text(query)).scalar_one())


def _noted(database: Database) -> None:
    """Events of all agreements in turn, in the chain."""
    with database.transaction() as connection:
        codes = list(connection.execute(text("SELECT code FROM agreement ORDER BY code")).scalars())
        for first in range(0, EVENTS, EVENTS_AT_ONCE):
            audit.record_all(
                connection,
                Occasion(DAY, "bench", clock.now()),
                [
                    Event("agreements.changed", codes[number % len(codes)], {"number": number})
                    for number in range(first, first + EVENTS_AT_ONCE)
                ],
            )


# Each document on its own, by rows: matching is measured elsewhere.
_OLDER = "FROM invoice WHERE NOT internal AND period_from < :before"
PAID = tuple(
    f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())} {_OLDER}{ending}"
    for table, values, ending in (
        (
            "receipt_file",
            {
                "id": "MIN(id)",
                "issuer": "issuer",
                "name": "'bench.csv'",
                "file_format": "'csv'",
                "content_hash": "issuer",
                "loaded_on": "MAX(due_date)",
                "loaded_by": "'bench'",
            },
            " GROUP BY issuer",
        ),
        (
            "receipt",
            {
                "id": "id",
                "file_id": "(SELECT f.id FROM receipt_file f WHERE f.issuer = invoice.issuer)",
                "issuer": "issuer",
                "account": "'bench'",
                "entry_key": "issuer || number",
                "booked_on": "due_date",
                "value_date": "due_date",
                "amount_oere": "amount_oere",
                "bank_reference": "number",
                "payer": "subscriber",
                "mentions": "'[]'",
                "reversal": "FALSE",
            },
            "",
        ),
        (
            "payment_match",
            {
                "id": "id",
                "issuer": "issuer",
                "payer": "subscriber",
                "matched_on": "due_date",
                "effective_on": "due_date",
                "how": "'automatic'",
                "explanation": "''",
                "actor": "'bench'",
            },
            "",
        ),
        ("payment_match_receipt", {"match_id": "id", "receipt_id": "id", "amount_oere": "amount_oere"}, ""),
        (
            "payment_match_document",
            {
                "match_id": "id",
                "position": "1",
                "invoice_id": "id",
                "agreement": "agreement",
                "accounting_year": "2009",
                "amount_oere": "amount_oere",
            },
            "",
        ),
    )
)


# What came in and nobody has settled with: as much as an older document asks for, again.
RECEIVED = (
    (
        "INSERT INTO receipt (id, file_id, issuer, account, entry_key, booked_on, value_date, amount_oere,"
        " bank_reference, payer, mentions, reversal) SELECT id + 10000000, file_id, issuer, account,"
        " entry_key || ' igen', booked_on, value_date, amount_oere, bank_reference, payer, mentions, reversal"
        " FROM receipt WHERE id % 5 = 0"
    ),
)
SENT = (
    (
        "INSERT INTO outbox_entry (key, topic, issuer, recipient, subject, body, reference, business_date, created_at)"
        " SELECT 'document/' || issuer || '/' || number, 'document.issued', issuer, subscriber, number, '', '{}',"
        " issue_date, :at FROM invoice WHERE NOT internal"
    ),
    (
        "INSERT INTO delivery_job (entry_id, kind, state, attempts, due_at, leased_until, leased_by)"
        " SELECT id, 'folder', 'accepted', 1, :at, '', '' FROM outbox_entry"
    ),
    (
        "INSERT INTO delivery_attempt (entry_id, kind, state, at, reached, detail)"
        " SELECT id, 'folder', 'handed_over', :at, 'mappe', '' FROM outbox_entry"
    ),
)
TOLD = (
    (
        "INSERT INTO party_notice (agreement, municipality, kind, year, words, given_on, due_on, given_by)"
        " SELECT agreement, municipality, 'demand', 2010, 'Der ventes flere.', '2009-04-01', '2009-05-01', 'bench'"
        " FROM membership"
    ),
    (
        "INSERT INTO party_notice_answer (notice_id, accepted, words, answered_on, answered_by)"
        " SELECT id, TRUE, '', '2009-04-15', 'bench' FROM party_notice WHERE id % 3 > 0"
    ),
)
