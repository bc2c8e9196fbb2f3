"""Issue documents and take them back; never commits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from agreements import run as agreements
from agreements.agreement import MunicipalityCode
from agreements.municipality import municipality
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
from billing.invoice.missing import refused
from billing.invoice.rules import (
    CannotBeCredited,
    IssueDateBeforeLast,
    counter_postings,
    credit_of,
    document_type,
    due_date,
    fingerprint,
    fingerprint_of,
    number_of,
)
from foundation import audit, hooks, outbox
from foundation.audit import Occasion
from foundation.database import hold
from foundation.errors import BadInput, N_, NotFound, RuleBroken
from foundation.outbox import OutboxEntry
from foundation.period import Month
from foundation.person_number import holds_one


class InvoiceUnknown(NotFound):
    """No document has the number."""

    danish = N_("Der findes ikke noget bilag med nummeret {number}. Se dem alle med «mellemregning invoice list».")


class SeveralIssuers(RuleBroken):
    """A number is one issuer's; another issuer may have the same."""

    danish = N_("Flere udstedere har et bilag {number}: {issuers}. Vælg med --issuer.")


class ReasonMissing(BadInput):
    """A credit note says why."""

    danish = N_("En kreditnota skal sige hvorfor. Skriv begrundelsen med --reason.")


class PersonInReason(BadInput):
    """A reason stands on the credit note; what looks like a CPR number is not repeated."""

    danish = N_("Begrundelsen indeholder noget, der ligner et CPR-nummer. Intet er krediteret; skriv den uden.")


class NotWritten(RuleBroken):
    """The database refused one payer's document."""

    danish = N_("Bilaget til {municipality} kunne ikke skrives ({reason}). Intet er bogført for den; prøv igen.")


class PartlyBilled(RuleBroken):
    """A document that joins agreements, of which some were billed meanwhile."""

    danish = N_(
        "{municipality} er imens faktureret for {agreements}, som skulle stå på samme faktura. Intet er udstedt til "
        "{municipality}; lav en ny plan.",
    )


WHOLE_ONLY = {
    ClaimKind.CASE: "en regning på enkeltsager eller salg",
    ClaimKind.SURPLUS_CAPACITY: "en regning på enkeltsager eller salg",
    ClaimKind.TRUE_UP: "en efterregulering",
}


def issue_documents(
    connection: Connection,
    drafts: Sequence[DocumentDraft],
    issue_date: date,
    at: datetime | None = None,
) -> IssueOutcome:
    """Number, date, write and book documents, each claim once.

    What cannot become a valid e-invoice is left out where the issuer sends those (``missing.refused``). The others are
    written at once. Where the database refuses that, halves are tried by themselves, down to the one payer that is at
    fault, so that it is left out and the others are billed.

    Args:
        connection: The transaction.
        drafts: Issuer by issuer, in the order in which they get their numbers.
        issue_date: The date on all of them.
        at: The instant, UTC, that the outbox notes.

    Returns:
        What was issued, held already, and left out.

    Raises:
        IssueDateBeforeLast: the series has a later date already; nothing was issued.
        sqlalchemy.exc.OperationalError: the database is gone; the transaction must end.

    Source: domain rules 14 and 15; docs/decisions/0031-unfit-documents.md.
    """
    unfit = refused(connection, drafts, issue_date)
    if not unfit:
        return _issue_halves(connection, drafts, issue_date, at)
    fit = [draft for place, draft in enumerate(drafts) if place not in unfit]
    outcome = _issue_halves(connection, fit, issue_date, at)
    left_out = tuple(
        Failure(drafts[place].subscriber.municipality, error, tuple(_claims_of(drafts[place])))
        for place, error in unfit.items()
    )
    return replace(outcome, failed=(*left_out, *outcome.failed))


def _issue_halves(
    connection: Connection,
    drafts: Sequence[DocumentDraft],
    issue_date: date,
    at: datetime | None,
) -> IssueOutcome:
    try:
        with connection.begin_nested():
            return _issue(connection, drafts, issue_date, at)
    except OperationalError:
        raise
    except (DBAPIError, PartlyBilled) as error:
        if len(drafts) == 1:
            subscriber = drafts[0].subscriber
            failure = (
                error
                if isinstance(error, PartlyBilled)
                else NotWritten(municipality=subscriber.name, reason=_reason(error))
            )
            return IssueOutcome((), (), (Failure(subscriber.municipality, failure, tuple(_claims_of(drafts[0]))),))
    half = len(drafts) // 2
    outcomes = [_issue_halves(connection, some, issue_date, at) for some in (drafts[:half], drafts[half:])]
    return IssueOutcome(
        issued=tuple(document for outcome in outcomes for document in outcome.issued),
        held=tuple(key for outcome in outcomes for key in outcome.held),
        failed=tuple(failure for outcome in outcomes for failure in outcome.failed),
        prints=tuple(each for outcome in outcomes for each in outcome.prints),
    )


def _reason(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0]


def _claims_of(draft: DocumentDraft) -> list[ClaimKey]:
    return [ClaimKey(part.agreement, part.subscriber.municipality, part.kind, part.period) for part in draft.parts]


def _issue(
    connection: Connection,
    drafts: Sequence[DocumentDraft],
    issue_date: date,
    at: datetime | None,
) -> IssueOutcome:
    ids = store.reserve_documents(connection, len(drafts))
    claims = [_claims_of(draft) for draft in drafts]
    elsewhere = store.take_claims(
        connection,
        [(key, invoice_id) for invoice_id, keys in zip(ids, claims, strict=True) for key in keys],
    )
    free: list[tuple[int, DocumentDraft, tuple[int | None, DocumentType] | None]] = []
    held: list[ClaimKey] = []
    for invoice_id, draft, keys in zip(ids, drafts, claims, strict=True):
        without = [key for key in keys if key in elsewhere] if elsewhere else []
        if not without:
            free.append((invoice_id, draft, None))
        elif len(without) == len(keys):
            held += keys
        else:
            raise PartlyBilled(municipality=draft.subscriber.name, agreements=[key.agreement for key in without])
    documents = _number_and_write(connection, free, issue_date, at)
    prints: list[str] = []
    accounts.book(
        connection,
        [
            _voucher(document, part.agreement, part.postings)
            for document, (_, draft, _) in zip(documents, free, strict=True)
            for part in draft.parts
        ],
        meanwhile=lambda: prints.extend(map(fingerprint, documents)),
    )
    return IssueOutcome(tuple(documents), tuple(held), (), tuple(prints))


def _voucher(document: IssuedDocument, agreement: str, postings: tuple[Posting, ...], claim_effect: int = 1) -> Voucher:
    return Voucher(
        agreement,
        VoucherKind.INVOICE if document.credits is None else VoucherKind.CREDIT,
        document.issue_date,
        document.number,
        document.title,
        postings,
        document.subscriber.municipality,
        Month.of(document.period.from_day) if document.kind is ClaimKind.ACONTO else None,
        claim_effect,
    )


def _number_and_write(
    connection: Connection,
    drafts: Sequence[tuple[int, DocumentDraft, tuple[int | None, DocumentType] | None]],
    issue_date: date,
    at: datetime | None,
) -> list[IssuedDocument]:
    """Give numbers in order and write.

    The third of each draft says of which type the document is that it credits, and its id where it takes the last.
    """
    if not drafts:
        return []
    sequences: list[int] = []
    for issuer, some in groupby(drafts, key=lambda entry: entry[1].issuer.municipality):
        count = len(list(some))
        given, last_date = store.take_numbers(connection, issuer, issue_date, count)
        if last_date is not None and last_date > issue_date:
            raise IssueDateBeforeLast(
                issuer=municipality(issuer).official_name,
                last_number=store.last_number(connection, issuer, issue_date.year),
                last_date=last_date,
                issue_date=issue_date,
            )
        sequences += given
    documents: list[IssuedDocument] = []

    def numbered() -> Iterator[tuple[int, int, IssuedDocument, int | None]]:
        # Made while the database takes in the first of them.
        for sequence, (invoice_id, draft, credited) in zip(sequences, drafts, strict=True):
            document = _document(draft, sequence, issue_date, credited[1] if credited else None)
            documents.append(document)
            yield invoice_id, sequence, document, credited[0] if credited else None

    store.write_documents(connection, numbered())
    _tell_who_delivers(connection, documents, at)
    return documents


def _document(draft: DocumentDraft, sequence: int, issue_date: date, credited: DocumentType | None) -> IssuedDocument:
    amount = draft.amount_oere
    # By place, in the order of the fields: a national month makes fifty thousand.
    return IssuedDocument(
        number_of(issue_date.year, sequence),
        document_type(amount, credited),
        draft.agreement,
        draft.issuer,
        draft.subscriber,
        draft.kind,
        draft.title,
        draft.period,
        issue_date,
        due_date(issue_date, draft.due_days),
        amount,
        draft.internal,
        draft.provisional,
        draft.note,
        draft.lines,
        draft.credits,
    )


def outbox_entry_of(document: IssuedDocument) -> OutboxEntry:
    """What the outbox holds of a document that is sent; what is sent itself is made when it is sent."""
    credit = document.document_type is DocumentType.CREDIT_NOTE
    return OutboxEntry(
        key=outbox.document_key(document.issuer.municipality, document.number),
        topic=outbox.DOCUMENT_ISSUED,
        issuer=document.issuer.municipality,
        recipient=document.subscriber.municipality,
        subject=f"{'Kreditnota' if credit else 'Faktura'} {document.number} til {document.subscriber.name}",
        body="",
        reference={"number": document.number},
        business_date=document.issue_date,
    )


def _tell_who_delivers(connection: Connection, documents: Iterable[IssuedDocument], at: datetime | None) -> None:
    """Put documents into the outbox, in the transaction that issues them, for channels and web-hooks that want them."""
    documents = [document for document in documents if not document.internal]
    hooks.tell(
        connection,
        (
            hooks.Happened(
                key=outbox.document_key(document.issuer.municipality, document.number),
                event=hooks.DOCUMENT_ISSUED,
                places={document.issuer.municipality, document.subscriber.municipality},
                data={
                    "issuer": document.issuer.municipality,
                    "number": document.number,
                    "subscriber": document.subscriber.municipality,
                    "document_type": document.document_type.value,
                    "due_date": document.due_date.isoformat(),
                },
                on=document.issue_date,
            )
            for document in documents
        ),
        at,
    )
    delivered = outbox.takers(connection, outbox.DOCUMENTS)
    if delivered:
        wanted = [document for document in documents if document.issuer.municipality in delivered]
        outbox.put_all(connection, [outbox_entry_of(document) for document in wanted], at)


def credit_invoice(  # noqa: PLR0913 - whose number, why, when and how much
    connection: Connection,
    number: str,
    *,
    reason: str,
    issue_date: date,
    issuer: MunicipalityCode | None = None,
    lines: Mapping[int, int | None] | None = None,
    at: datetime | None = None,
) -> IssuedDocument:
    """Take a document back, whole or by line, by a credit note; a month of which nothing is left is free to be billed.

    Args:
        connection: The transaction; it holds the agreements that the document is of.
        number: The document's number.
        reason: Why, in words that stand on the credit note.
        issue_date: The date on the credit note.
        issuer: Whose number it is, where several issuers have it.
        lines: Position -> øre to take back of the line, without a sign, or None for all that is left of it; nothing
            for all that is left of the document.
        at: The instant, UTC, that the outbox notes.

    Raises:
        InvoiceUnknown, SeveralIssuers, AlreadyCredited, CannotBeCredited, YearIsSettled, IssueDateBeforeLast.
        LineUnknown, MoreThanIsLeft, NothingToCredit: the lines do not fit the document.

    Source: domain rules 7 and 14.
    """
    invoice_id, document = find_document(connection, number, issuer)
    # Agreements that share a document are held by different hands; only one of them can take the last of it. The
    # document is read again, for it may have been credited while this one waited.
    hold(connection, f"invoice.credit {document.issuer.municipality}")
    invoice_id, document = find_document(connection, number, document.issuer.municipality)
    before = store.credited_amounts(connection, invoice_id)
    credit = credit_of(document, reason, before, lines)
    if document.kind is ClaimKind.EXIT_SETTLEMENT:
        raise CannotBeCredited(number=number, what="en udtrædelsesopgørelse, som hviler på et afsluttet regnskab,")
    if document.kind in WHOLE_ONLY and lines is not None:
        # What a line says follows from the case's dates or the year's accounts; credited by hand it is billed again.
        raise CannotBeCredited(number=number, what=f"{WHOLE_ONLY[document.kind]}, som kun krediteres hel,")
    if issue_date < document.issue_date:
        raise IssueDateBeforeLast(
            issuer=document.issuer.name,
            last_number=document.number,
            last_date=document.issue_date,
            issue_date=issue_date,
        )
    of_agreements = tuple(dict.fromkeys(line.agreement for line in credit.draft.lines))
    for agreement in of_agreements:
        # Neither interest nor cases are in a year's result.
        in_result = document.kind in {ClaimKind.ACONTO, ClaimKind.SURPLUS_CAPACITY}
        if in_result and books.is_closed(connection, agreement, document.period.from_day.year):
            raise YearIsSettled(agreement=agreement, year=document.period.from_day.year)
    (credit_id,) = store.reserve_documents(connection, 1)
    credited = (invoice_id if credit.is_last else None, document.document_type)
    (note,) = _number_and_write(connection, [(credit_id, credit.draft, credited)], issue_date, at)
    store.write_line_credits(connection, credit_id, invoice_id, credit.positions)
    store.release_claims(connection, invoice_id, credit_id, credit.freed)
    note = replace(note, credits=document.number)
    vouchers = []
    for agreement in of_agreements:
        booked = tuple(
            _posting(row) for row in books.voucher_postings(connection, agreement, VoucherKind.INVOICE, document.number)
        )
        some = [line for line in note.lines if line.agreement == agreement]
        counter = (
            tuple(replace(posting, amount_oere=-posting.amount_oere) for posting in booked)
            if lines is None and not before
            else counter_postings(booked, some)
        )
        vouchers.append(_voucher(note, agreement, counter, -1 if agreement in credit.freed else 0))
    accounts.book(connection, vouchers)
    return note


def credit_document(  # noqa: PLR0913 - as credit_invoice
    connection: Connection,
    number: str,
    *,
    reason: str,
    occasion: Occasion,
    issuer: MunicipalityCode | None = None,
    lines: Mapping[int, int | None] | None = None,
) -> IssuedDocument:
    """Credit a document on an officer's word, and keep who did it and why; see ``credit_invoice``."""
    if not reason.strip():
        raise ReasonMissing
    if holds_one(reason):
        raise PersonInReason
    _, document = find_document(connection, number, issuer)
    for agreement in sorted(document.agreements):
        agreements.get(connection, agreement, lock=True)
    credit = credit_invoice(
        connection,
        number,
        reason=reason.strip(),
        issue_date=occasion.as_of,
        issuer=document.issuer.municipality,
        lines=lines,
        at=occasion.at,
    )
    audit.record(
        connection,
        occasion,
        action="invoice.credited",
        subject=f"{document.agreements[0]} {number}",
        details={
            "agreements": document.agreements,
            "credit_note": credit.number,
            "amount_oere": credit.amount_oere,
            "reason": reason,
            "lines": sorted(lines) if lines is not None else "all",
            "sha256": fingerprints(connection, [credit]),
        },
    )
    return credit


def _posting(row: Any) -> Posting:  # noqa: ANN401 - a database row
    return Posting(
        account=Account(row.account),
        amount_oere=row.amount_oere,
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


def fingerprints(connection: Connection, documents: Iterable[IssuedDocument]) -> dict[str, str]:
    """What the audit trail keeps of documents that were just written, read back from their rows: number -> SHA-256.

    For a few; what is issued by the thousand is counted from what is at hand (``rules.fingerprint``).
    """
    found = {}
    for document in documents:
        invoice_id, _ = find_document(connection, document.number, document.issuer.municipality)
        (content,) = store.contents(connection, invoice_id)
        found[document.number] = fingerprint_of(content.head, content.lines)
    return found


def left_of(connection: Connection, number: str, issuer: MunicipalityCode | None = None) -> dict[int, int]:
    """What is left to credit of each line: position -> øre with the line's sign.

    Raises:
        InvoiceUnknown, SeveralIssuers.
    """
    invoice_id, document = find_document(connection, number, issuer)
    if document.credited_by is not None or document.credits is not None:
        return dict.fromkeys(range(1, len(document.lines) + 1), 0)
    credited = store.credited_amounts(connection, invoice_id)
    return {
        position: line.amount_oere - credited.get(position, 0) for position, line in enumerate(document.lines, start=1)
    }
