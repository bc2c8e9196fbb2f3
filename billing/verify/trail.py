"""The audit trail: unbroken, and nothing done that it does not tell of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from sqlalchemy import Connection, select

from agreements import store as agreement_store
from billing.annual_subscription import store as subscription_store
from billing.invoice.tables import invoice, invoice_line
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
