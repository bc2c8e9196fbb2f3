"""How a document is named, dated and taken back; pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from billing.invoice.facts import DocumentDraft, DocumentType, IssuedDocument
from foundation.errors import N_, RuleBroken


class AlreadyCredited(RuleBroken):
    """A document is credited once."""

    danish = N_("{number} er allerede krediteret med {credited_by}.")


class CannotBeCredited(RuleBroken):
    """A credit note is not credited, nor a settlement that rests on a decision."""

    danish = N_("{number} er {what} og kan ikke krediteres.")


class IssueDateBeforeLast(RuleBroken):
    """Numbers are given in date order (domain rule 14)."""

    danish = N_(
        "{issuer} har allerede udstedt {last_number} med datoen {last_date}. Numre gives i datoorden, så der kan ikke "
        "udstedes med datoen {issue_date}. Brug {last_date} eller en senere dato.",
    )


def number_of(series_year: int, sequence: int) -> str:
    """A document's number: ``F2009-0001``, one series per issuer and year of issue (domain rule 14)."""
    return f"F{series_year:04d}-{sequence:04d}"


def due_date(issue_date: date, due_days: int) -> date:
    """When the amount is due (domain rule 6)."""
    return issue_date + timedelta(days=due_days)


def document_type(draft: DocumentDraft, credited: DocumentType | None = None) -> DocumentType:
    """An amount to be paid out is a credit note; taking a document back turns its type round."""
    if credited is not None:
        return DocumentType.INVOICE if credited is DocumentType.CREDIT_NOTE else DocumentType.CREDIT_NOTE
    return DocumentType.CREDIT_NOTE if draft.amount_oere < 0 else DocumentType.INVOICE


def credit_of(document: IssuedDocument, reason: str) -> DocumentDraft:
    """The document that takes another back whole: the same lines with the sign turned.

    Its postings are left empty; the books turn round what the credited document booked.

    Raises:
        AlreadyCredited: it was credited before.
        CannotBeCredited: it is itself a credit of something.

    Source: domain rule 14.
    """
    if document.credited_by is not None:
        raise AlreadyCredited(number=document.number, credited_by=document.credited_by)
    if document.credits is not None:
        raise CannotBeCredited(number=document.number, what=f"en kreditering af {document.credits}")
    return DocumentDraft(
        agreement=document.agreement,
        issuer=document.issuer,
        subscriber=document.subscriber,
        kind=document.kind,
        title=f"Kreditering af {document.number}: {document.title}",
        period=document.period,
        lines=tuple(replace(line, amount_oere=-line.amount_oere) for line in document.lines),
        postings=(),
        due_days=(document.due_date - document.issue_date).days,
        internal=document.internal,
        provisional=document.provisional,
        note=reason,
        credits=document.number,
    )
