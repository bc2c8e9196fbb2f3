"""What drafts would lack as e-invoices, told when a plan is made and not when it is issued."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import Connection

from agreements import trading_run
from agreements.agreement import Agreement
from agreements.trading import Addressed, Finding
from billing.invoice.facts import DocumentDraft


def missing_details(
    connection: Connection,
    drafts: Sequence[DocumentDraft],
    day: date,
    agreed: Iterable[Agreement] | None = None,
) -> list[tuple[Finding, ...]]:
    """What each draft lacks as an e-invoice; set-based, and never a reason to stop issuing.

    Args:
        connection: Where to read.
        drafts: Of any issuers and agreements, as they are planned.
        day: The date that they would bear.
        agreed: Their agreements, where the caller has them already; else they are read.

    Returns:
        For each draft, in order, its findings, each with the official rule's id; nothing for a complete one, and
        nothing for an internal one, which is never sent.
    """
    sent = [(place, draft) for place, draft in enumerate(drafts) if not draft.internal]
    found = trading_run.missing_details(connection, [_addressed(draft) for _, draft in sent], day, agreed)
    answers: list[tuple[Finding, ...]] = [()] * len(drafts)
    for (place, _), findings in zip(sent, found, strict=True):
        answers[place] = findings
    return answers


def _addressed(draft: DocumentDraft) -> Addressed:
    return Addressed(
        issuer=draft.issuer.municipality,
        issuer_name=draft.issuer.name,
        issuer_cvr=draft.issuer.cvr,
        issuer_gln=draft.issuer.gln,
        subscriber=draft.subscriber.municipality,
        subscriber_name=draft.subscriber.name,
        subscriber_cvr=draft.subscriber.cvr,
        subscriber_gln=draft.subscriber.gln,
        lines=tuple(dict.fromkeys((line.agreement, line.service, line.vat_exemption) for line in draft.lines)),
        is_credit=draft.amount_oere < 0,
    )
