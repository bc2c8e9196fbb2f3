"""Issue documents and take them back; never commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from agreements import run as agreements
from agreements.agreement import MunicipalityCode
from billing.accounts import run as accounts
from billing.accounts import store as books
from billing.accounts.facts import Account, Posting, Voucher, VoucherKind
from billing.accounts.rules import YearIsSettled
from billing.invoice import store
from billing.invoice.facts import (
    ClaimKey,
    ClaimKind,
    DocumentDraft,
    DocumentType,
    Failure,
    IssuedDocument,
    IssueOutcome,
)
from billing.invoice.rules import (
    CannotBeCredited,
    IssueDateBeforeLast,
    credit_of,
    document_type,
    due_date,
    number_of,
)
from foundation import audit
from foundation.audit import Occasion
from foundation.errors import BadInput, N_, NotFound, RuleBroken
from foundation.period import Month


class InvoiceUnknown(NotFound):
    """No document has the number."""

    danish = N_("Der findes ikke noget bilag med nummeret {number}. Se dem alle med «mellemregning invoice list».")


class SeveralIssuers(RuleBroken):
    """A number is one issuer's; another issuer may have the same."""

    danish = N_("Flere udstedere har et bilag {number}: {issuers}. Vælg med --issuer.")


class ReasonMissing(BadInput):
    """A credit note says why."""

    danish = N_("En kreditnota skal sige hvorfor. Skriv begrundelsen med --reason.")


class NotWritten(RuleBroken):
    """The database refused one payer's document."""

    danish = N_("Bilaget til {municipality} kunne ikke skrives ({reason}). Intet er bogført for den; prøv igen.")


def issue_documents(connection: Connection, drafts: Sequence[DocumentDraft], issue_date: date) -> IssueOutcome:
    """Number, date, write and book documents of one issuer, each claim once.

    All are written at once. Where the database refuses that, each payer is tried by itself, so that one bad payer is
    left out and the others are billed.

    Args:
        connection: The transaction.
        drafts: Of one issuer, in the order in which they get their numbers.
        issue_date: The date on all of them.

    Returns:
        What was issued, held already, and left out.

    Raises:
        IssueDateBeforeLast: the series has a later date already; nothing was issued.
        sqlalchemy.exc.OperationalError: the database is gone; the transaction must end.

    Source: domain rules 14 and 15.
    """
    try:
        with connection.begin_nested():
            return _issue(connection, drafts, issue_date)
    except OperationalError:
        raise
    except DBAPIError as error:
        if len(drafts) == 1:
            failure = NotWritten(municipality=drafts[0].subscriber.name, reason=_reason(error))
            return IssueOutcome((), (), (Failure(drafts[0].subscriber.municipality, failure),))
    outcomes = [issue_documents(connection, [draft], issue_date) for draft in drafts]
    return IssueOutcome(
        issued=tuple(document for outcome in outcomes for document in outcome.issued),
        held=tuple(key for outcome in outcomes for key in outcome.held),
        failed=tuple(failure for outcome in outcomes for failure in outcome.failed),
    )


def _reason(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0]


def _claim_of(draft: DocumentDraft) -> ClaimKey:
    return ClaimKey(draft.agreement, draft.subscriber.municipality, draft.kind, draft.period)


def _issue(connection: Connection, drafts: Sequence[DocumentDraft], issue_date: date) -> IssueOutcome:
    by_claim = {_claim_of(draft): draft for draft in drafts}
    taken = store.take_claims(connection, list(by_claim))
    documents = _number_and_write(connection, [(taken[key], by_claim[key], None) for key in taken], issue_date)
    accounts.book(connection, [_voucher(document, by_claim[_key(document)].postings) for document in documents])
    return IssueOutcome(tuple(documents), tuple(key for key in by_claim if key not in taken), ())


def _key(document: IssuedDocument) -> ClaimKey:
    return ClaimKey(document.agreement, document.subscriber.municipality, document.kind, document.period)


def _voucher(document: IssuedDocument, postings: tuple[Posting, ...]) -> Voucher:
    credits_something = document.credits is not None
    return Voucher(
        agreement=document.agreement,
        kind=VoucherKind.CREDIT if credits_something else VoucherKind.INVOICE,
        booked_on=document.issue_date,
        reference=document.number,
        text=document.title,
        postings=postings,
        municipality=document.subscriber.municipality,
        service_month=Month.of(document.period.from_day) if document.kind is ClaimKind.ACONTO else None,
        claim_effect=-1 if credits_something else 1,
    )


def _number_and_write(
    connection: Connection,
    drafts: Sequence[tuple[int, DocumentDraft, tuple[int, DocumentType] | None]],
    issue_date: date,
) -> list[IssuedDocument]:
    """Give numbers in order and write; the third of each draft says which document it credits."""
    if not drafts:
        return []
    issuer = drafts[0][1].issuer
    sequences, last_date = store.take_numbers(connection, issuer.municipality, issue_date, len(drafts))
    if last_date is not None and last_date > issue_date:
        raise IssueDateBeforeLast(
            issuer=issuer.name,
            last_number=store.last_number(connection, issuer.municipality, issue_date.year),
            last_date=last_date,
            issue_date=issue_date,
        )
    documents: dict[int, IssuedDocument] = {}
    for sequence, (invoice_id, draft, credited) in zip(sequences, drafts, strict=True):
        documents[invoice_id] = IssuedDocument(
            number=number_of(issue_date.year, sequence),
            document_type=document_type(draft, credited[1] if credited else None),
            agreement=draft.agreement,
            issuer=draft.issuer,
            subscriber=draft.subscriber,
            kind=draft.kind,
            title=draft.title,
            period=draft.period,
            issue_date=issue_date,
            due_date=due_date(issue_date, draft.due_days),
            amount_oere=draft.amount_oere,
            internal=draft.internal,
            provisional=draft.provisional,
            note=draft.note,
            lines=draft.lines,
            credits=draft.credits,
        )
    store.write_documents(
        connection,
        documents,
        dict(zip(documents, sequences, strict=True)),
        {invoice_id: credited[0] for invoice_id, _, credited in drafts if credited},
    )
    return list(documents.values())


def credit_invoice(
    connection: Connection,
    number: str,
    *,
    reason: str,
    issue_date: date,
    issuer: MunicipalityCode | None = None,
) -> IssuedDocument:
    """Take a document back whole by a credit note of its own; the month it billed is then free to be billed anew.

    Args:
        connection: The transaction.
        number: The document's number.
        reason: Why, in words that stand on the credit note.
        issue_date: The date on the credit note.
        issuer: Whose number it is, where several issuers have it.

    Raises:
        InvoiceUnknown, SeveralIssuers, AlreadyCredited, CannotBeCredited, YearIsSettled, IssueDateBeforeLast.

    Source: domain rules 7 and 14.
    """
    invoice_id, document = find_document(connection, number, issuer)
    draft = credit_of(document, reason)
    if document.kind is ClaimKind.EXIT_SETTLEMENT:
        raise CannotBeCredited(number=number, what="en udtrædelsesopgørelse, som hviler på et afsluttet regnskab,")
    if issue_date < document.issue_date:
        raise IssueDateBeforeLast(
            issuer=document.issuer.name,
            last_number=document.number,
            last_date=document.issue_date,
            issue_date=issue_date,
        )
    year = document.period.from_day.year
    # Interest is in no year's result.
    if document.kind is ClaimKind.ACONTO and books.is_closed(connection, document.agreement, year):
        raise YearIsSettled(agreement=document.agreement, year=year)
    (credit_id,) = store.reserve_documents(connection, 1)
    (credit,) = _number_and_write(
        connection,
        [(credit_id, draft, (invoice_id, document.document_type))],
        issue_date,
    )
    store.release_claim(connection, invoice_id, credit_id)
    booked = books.voucher_postings(connection, document.agreement, VoucherKind.INVOICE, document.number)
    accounts.book(connection, [_voucher(credit, tuple(_turned(row) for row in booked))])
    return replace(credit, credits=document.number)


def credit_document(
    connection: Connection,
    number: str,
    *,
    reason: str,
    occasion: Occasion,
    issuer: MunicipalityCode | None = None,
) -> IssuedDocument:
    """Credit a document on an officer's word, and keep who did it and why; see ``credit_invoice``."""
    if not reason.strip():
        raise ReasonMissing
    _, document = find_document(connection, number, issuer)
    agreements.get(connection, document.agreement, lock=True)
    credit = credit_invoice(
        connection,
        number,
        reason=reason.strip(),
        issue_date=occasion.as_of,
        issuer=document.issuer.municipality,
    )
    audit.record(
        connection,
        occasion,
        action="invoice.credited",
        subject=f"{document.agreement} {number}",
        details={"credit_note": credit.number, "amount_oere": credit.amount_oere, "reason": reason},
    )
    return credit


def _turned(row: Any) -> Posting:  # noqa: ANN401 - a database row
    return Posting(
        account=Account(row.account),
        amount_oere=-row.amount_oere,
        accounting_year=row.accounting_year,
        municipality=row.municipality,
        provider=row.provider,
        service=row.service,
        service_month=row.service_month and Month.of(row.service_month),
    )


def find_document(
    connection: Connection,
    number: str,
    issuer: MunicipalityCode | None = None,
) -> tuple[int, IssuedDocument]:
    """One document by its number.

    Raises:
        InvoiceUnknown: there is none.
        SeveralIssuers: more than one issuer has such a number and none was named.
    """
    found = store.find_documents(connection, number, issuer)
    if not found:
        raise InvoiceUnknown(number=number)
    if len(found) > 1:
        raise SeveralIssuers(
            number=number,
            issuers=[f"{document.issuer.name} ({document.issuer.municipality})" for _, document in found],
        )
    return found[0]
