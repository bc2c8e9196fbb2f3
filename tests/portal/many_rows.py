"""So many more rows of everything that a page lists, written as rows beside those of the demo's years."""

from __future__ import annotations

from sqlalchemy import Connection, text

from foundation import audit
from foundation.audit import Event
from tests.portal import demo_site

FIRST = 1_000_000  # the ids of what is written here
NUMBERS = "WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < :count)"


def _copied(table: str, columns: dict[str, str], source: str) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) {NUMBERS} SELECT {', '.join(columns.values())} {source}"


# Each is the first document of Odense's on Assens again, with a place of its own in the series of 2008.
OF_FIRST = "FROM many, invoice WHERE invoice.issuer = '461' AND invoice.number = 'F2008-0001'"
SAME = {
    name: f"invoice.{name}"
    for name in (
        *("issuer", "series_year", "document_type", "agreement", "kind", "title", "period_from", "period_to"),
        *("issue_date", "due_date", "amount_oere", "internal", "provisional", "note"),
        *(f"{who}_{what}" for who in ("issuer", "subscriber") for what in ("name", "cvr", "gln")),
        "subscriber",
    )
}
ID = f"{FIRST} + n"
NUMBER = "'F2008-' || (10000 + n)"
DOCUMENTS = (
    _copied("invoice", {"id": ID, "sequence": "10000 + n", "number": NUMBER, **SAME}, OF_FIRST),
    _copied(
        "voucher",
        {
            "id": ID,
            "agreement": "invoice.agreement",
            "kind": "'invoice'",
            "booked_on": "invoice.issue_date",
            "reference": NUMBER,
            "text": "''",
            "claim_effect": "0",
        },
        OF_FIRST,
    ),
    _copied(
        "posting",
        {
            "id": ID,
            "voucher_id": ID,
            "agreement": "invoice.agreement",
            "account": "'receivable'",
            "municipality": "invoice.subscriber",
            "accounting_year": "2009",
            "amount_oere": "invoice.amount_oere",
        },
        OF_FIRST,
    ),
)
# Half of them were paid, and as many receipts more have settled nothing.
PAYMENTS = (
    _copied(
        "receipt",
        {
            "id": ID,
            "file_id": "(SELECT MAX(id) FROM receipt_file)",
            "issuer": "'461'",
            "account": "'12345678'",
            "entry_key": "'many ' || n",
            "booked_on": "invoice.due_date",
            "value_date": "invoice.due_date",
            "amount_oere": "invoice.amount_oere",
            "bank_reference": "''",
            "payer": "'420'",
            "mentions": "'[]'",
            "reversal": "FALSE",
        },
        OF_FIRST,
    ),
    _copied(
        "payment_match",
        {
            "id": ID,
            "issuer": "'461'",
            "payer": "'420'",
            "matched_on": "invoice.due_date",
            "effective_on": "invoice.due_date",
            "how": "'automatic'",
            "explanation": "''",
            "actor": "'prøven'",
        },
        f"{OF_FIRST} AND n % 2 = 0",
    ),
    _copied(
        "payment_match_receipt",
        {"match_id": ID, "receipt_id": ID, "amount_oere": "invoice.amount_oere"},
        f"{OF_FIRST} AND n % 2 = 0",
    ),
    _copied(
        "payment_match_document",
        {
            "match_id": ID,
            "position": "1",
            "invoice_id": ID,
            "agreement": "invoice.agreement",
            "accounting_year": "2009",
            "amount_oere": "invoice.amount_oere",
        },
        f"{OF_FIRST} AND n % 2 = 0",
    ),
)
OTHERS = (
    _copied(
        "interest_plan",
        {
            "id": ID,
            "issuer": "'461'",
            "last_day": "interest_plan.last_day",
            "as_of": "interest_plan.as_of",
            "planned_by": "'prøven'",
            "four_eyes": "FALSE",
            "hash": "''",
            "inputs": "'{}'",
        },
        "FROM many, interest_plan WHERE interest_plan.id = 1",
    ),
    _copied(
        "outbox_entry",
        {
            "id": ID,
            "key": "'many/' || n",
            "topic": "'document.issued'",
            "issuer": "'461'",
            "recipient": "'420'",
            "subject": "'F'",
            "body": "''",
            "reference": "'{}'",
            "business_date": "'2012-05-15'",
            "created_at": "'2012-05-15T06:00:00.000000+00:00'",
        },
        "FROM many",
    ),
    _copied(
        "delivery_job",
        {
            "entry_id": ID,
            "kind": "'folder'",
            "state": "'accepted'",
            "attempts": "1",
            "due_at": "'2012-05-15T06:00:00.000000+00:00'",
            "leased_until": "''",
            "leased_by": "''",
        },
        "FROM many",
    ),
    _copied(
        "delivery_attempt",
        {
            "entry_id": ID,
            "kind": "'folder'",
            "state": "'handed_over'",
            "at": "'2012-05-15T06:00:00.000000+00:00'",
            "reached": "''",
            "detail": "''",
        },
        "FROM many",
    ),
    _copied(
        "party_notice",
        {
            "id": ID,
            "agreement": "'fyn-alkohol'",
            "municipality": "'420'",
            "kind": "'demand'",
            "year": "2013",
            "words": "'flere'",
            "given_on": "'2012-04-01'",
            "due_on": "'2012-05-01'",
            "given_by": "'prøven'",
        },
        "FROM many",
    ),
)


def write(connection: Connection, count: int) -> None:
    """So many more documents, receipts, matches, interest plans, deliveries, notices and events."""
    for statement in (*DOCUMENTS, *PAYMENTS, *OTHERS):
        connection.execute(text(statement), {"count": count})
    events = [Event("agreements.changed", "fyn-alkohol", {"number": number}) for number in range(count)]
    audit.record_all(connection, demo_site.occasion(), events)
