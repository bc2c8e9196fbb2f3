"""The audit trail: unbroken, and nothing done that it does not tell of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from sqlalchemy import Connection, select

from agreements import store as agreement_store
from billing.annual_subscription import store as subscription_store
from billing.invoice import store as invoice_store
from billing.invoice.rules import fingerprint_of
from billing.invoice.tables import invoice, invoice_line
from billing.verify.words import name_of
from foundation import audit

_A_NUMBER = re.compile(r"F\d{4}-\d{4,}")


def audit_chain(connection: Connection) -> Iterator[str]:
    """No event of the audit trail was changed, removed or slipped in."""
    broken = audit.broken_link(connection)
    if broken is not None:
        yield f"kæden er brudt ved hændelse {broken}"
        return
    # What is cut off at the end leaves a whole chain; but what it told of is still there.
    told: set[tuple[str, str]] = set()
    priced: set[str] = set()
    for row in connection.execute(select(audit.audit_event)):
        code, _, _ = row.subject.partition(" ")
        codes = [code, *json.loads(row.details).get("agreements", ())]
        told |= {(each, number) for each in codes for number in _A_NUMBER.findall(row.details)}
        if row.action == "annual_subscription.calculated":
            priced.add(f"{row.subject} {json.loads(row.details)['version']}")
    of_agreements = select(invoice.c.id, invoice_line.c.agreement, invoice.c.number).join(
        invoice_line, invoice_line.c.invoice_id == invoice.c.id
    )
    for row in connection.execute(of_agreements.distinct().order_by(invoice.c.id, invoice_line.c.agreement)):
        if (row.agreement, row.number) not in told:
            yield f"{row.number} er udstedt, men hændelsen er væk"
    for code in agreement_store.agreement_codes(connection):
        for year, version, _ in subscription_store.versions(connection, code):
            if f"{code} {year} {version}" not in priced:
                yield f"{code} {year}: beregning {version} er gemt, men hændelsen er væk"


def documents_unchanged(connection: Connection) -> tuple[list[str], int]:
    """Every document says what it said when it was issued: its heading, its parties and each of its lines.

    Returns:
        The faults, and how many documents were issued before the trail kept fingerprints, so that nothing is known.
    """
    told = {kept: number for number, kept in _kept_fingerprints(connection)}
    numbers = set(told.values())
    faults = []
    changed = set()
    unknown = 0
    for content in invoice_store.contents(connection):
        # Taken out, so that a document that is there twice is one too many.
        if told.pop(bytes.fromhex(fingerprint_of(content.head, content.lines)), None) is not None:
            continue
        if content.number in numbers:
            changed.add(content.number)
            faults.append(f"{content.number} fra {name_of(content.issuer)} er ændret, siden det blev udstedt")
        else:
            unknown += 1
    # Two issuers may have the same number; what is left of it is the changed one's.
    gone = sorted({number for number in told.values() if number not in changed})
    return [*faults, *(f"{number} er udstedt, men er væk" for number in gone)], unknown


def _kept_fingerprints(connection: Connection) -> Iterator[tuple[str, bytes]]:
    for (details,) in connection.execute(select(audit.audit_event.c.details).order_by(audit.audit_event.c.id)):
        if '"sha256":' not in details:
            continue
        try:
            kept = json.loads(details).get("sha256", {})
            yield from [(number, bytes.fromhex(sha256)) for number, sha256 in kept.items()]
        except (AttributeError, TypeError, ValueError):
            continue  # the event was tampered with, which the chain tells
