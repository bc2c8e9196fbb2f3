"""How a document is named, dated and taken back; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from billing.accounts.facts import Account, Posting
from billing.invoice.facts import Credit, DocumentDraft, DocumentType, InvoiceLine, IssuedDocument, LineKind
from foundation.canonical import canonical
from foundation.errors import N_, RuleBroken
from foundation.money import kroner


class AlreadyCredited(RuleBroken):
    """A document is credited once."""

    danish = N_("{number} er allerede krediteret med {credited_by}.")


class CannotBeCredited(RuleBroken):
    """A credit note is not credited, nor a settlement that rests on a decision."""

    danish = N_("{number} er {what} og kan ikke krediteres.")


class LineUnknown(RuleBroken):
    """The document has no such line."""

    danish = N_("{number} har ingen linje {line}; den har linje 1-{lines}. Se dem med «mellemregning invoice show».")


class MoreThanIsLeft(RuleBroken):
    """A line is never credited for more than is left of it."""

    danish = N_(
        "Linje {line} på {number} lyder på {amount}, og heraf er {credited} allerede krediteret. Der kan højst "
        "krediteres {left}, ikke {asked}",
    )


class NothingToCredit(RuleBroken):
    """A credit of nothing."""

    danish = N_("Der skal krediteres et beløb over 0,00 kr. på linje {line} af {number}.")


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


def document_type(amount_oere: int, credited: DocumentType | None = None) -> DocumentType:
    """An amount to be paid out is a credit note; taking a document back turns its type round."""
    if credited is not None:
        return DocumentType.INVOICE if credited is DocumentType.CREDIT_NOTE else DocumentType.CREDIT_NOTE
    return DocumentType.CREDIT_NOTE if amount_oere < 0 else DocumentType.INVOICE


def fingerprint(document: IssuedDocument) -> str:
    """What a document says, as a number that the audit trail keeps, so that a later change of any of it shows.

    Args:
        document: As it was issued; one that takes nothing back, since what a credit takes back is in its rows.

    Returns:
        SHA-256 as 64 hexadecimal digits; the same as ``fingerprint_of`` answers of its rows.

    Source: domain rule 14; docs/decisions/0024-fingerprints.md.
    """
    issuer, payer, period = document.issuer, document.subscriber, document.period
    # Written out, in the order of the stores' columns: a national month has fifty thousand of them.
    return fingerprint_of(
        [
            issuer.municipality,
            document.number,
            document.document_type,
            document.agreement,
            document.kind,
            document.title,
            period.from_day.isoformat(),
            period.to_day.isoformat(),
            document.issue_date.isoformat(),
            document.due_date.isoformat(),
            document.amount_oere,
            int(document.internal),
            int(document.provisional),
            document.note,
            issuer.name,
            issuer.cvr,
            issuer.gln,
            payer.municipality,
            payer.name,
            payer.cvr,
            payer.gln,
            document.credits,
        ],
        [
            [
                position,
                line.agreement,
                line.provider,
                line.provider_name,
                line.service,
                line.service_title,
                line.kind,
                line.text,
                line.period.from_day.isoformat(),
                line.period.to_day.isoformat(),
                line.accounting_year,
                line.amount_oere,
                line.vat_exemption,
                line.version,
                None,
                None,
            ]
            for position, line in enumerate(document.lines, start=1)
        ],
    )


def fingerprint_of(head: Sequence[object], lines: Sequence[Sequence[object]]) -> str:
    """The same of plain values: the head, then each line, as ``store.contents`` reads them."""
    return hashlib.sha256(canonical([head, lines])).hexdigest()


def join_drafts(drafts: Iterable[DocumentDraft], apart: Collection[str] = ()) -> list[DocumentDraft]:
    """Put what one payer owes one issuer for one period on one document.

    What differs in kind, due date or exemption from VAT, provisional amounts, and vouchers that collect nothing, stay
    on documents of their own: a debtor system wants one claim type, period and due date each.

    Args:
        drafts: One per agreement, payer and period.
        apart: Agreements whose term is a document of their own.

    Returns:
        As many or fewer, in the order of issuer, period, payer and agreement.

    Source: agreement § 7 stk. 1 and annex; domain rule 15.
    """
    return [parts[0] if len(parts) == 1 else _joined(parts) for parts in grouped(drafts, apart)]


def grouped(drafts: Iterable[DocumentDraft], apart: Collection[str] = ()) -> list[list[DocumentDraft]]:
    """The drafts that will share a document, document by document in the order of numbers; see ``join_drafts``."""
    together: dict[tuple[object, ...], list[DocumentDraft]] = {}
    for draft in sorted(drafts, key=_order):
        together.setdefault(_shares_a_document(draft, apart), []).append(draft)
    return list(together.values())


def _order(draft: DocumentDraft) -> tuple[object, ...]:
    return (draft.issuer.municipality, draft.period.from_day, draft.subscriber.municipality, draft.agreement)


def _shares_a_document(draft: DocumentDraft, apart: Collection[str]) -> tuple[object, ...]:
    together = (draft.issuer.municipality, draft.period.from_day, draft.period.to_day, draft.subscriber.municipality)
    if draft.agreement in apart:
        return (*together, draft.kind.value, draft.agreement)
    return (
        *together,
        draft.kind.value,
        draft.issuer.gln,
        draft.subscriber.gln,
        draft.due_days,
        draft.internal,
        draft.provisional,
        *sorted({line.vat_exemption for line in draft.lines if line.kind is LineKind.SHARE}),
    )


def _joined(parts: Sequence[DocumentDraft]) -> DocumentDraft:
    notes = [part.note for part in parts if part.note]
    agreements = [part.agreement for part in parts if part.note]
    return replace(
        parts[0],
        agreement="",
        lines=tuple(line for part in parts for line in part.lines),
        postings=(),
        note=" ".join(f"{agreement}: {note}" for agreement, note in zip(agreements, notes, strict=True)),
        joined=tuple(parts),
    )


def credit_of(
    document: IssuedDocument,
    reason: str,
    credited: Mapping[int, int] | None = None,
    wanted: Mapping[int, int | None] | None = None,
) -> Credit:
    """The document that takes another back: whole, what is left of it, or some of its lines.

    Its postings are left empty; the books turn round what the credited document booked.

    Args:
        document: What is to be taken back.
        reason: Why, in words that stand on it.
        credited: Position -> øre that earlier credits took back of the line, with the line's sign.
        wanted: Position -> øre to take back, without a sign; None for all that is left. Nothing for the whole document.

    Raises:
        AlreadyCredited: nothing is left of it.
        CannotBeCredited: it is itself a credit of something.
        LineUnknown, MoreThanIsLeft, NothingToCredit.

    Source: domain rule 14.
    """
    if document.credited_by is not None:
        raise AlreadyCredited(number=document.number, credited_by=document.credited_by)
    if document.credits is not None:
        raise CannotBeCredited(number=document.number, what=f"en kreditering af {document.credits}")
    before = dict(credited or {})
    left = {
        position: line.amount_oere - before.get(position, 0) for position, line in enumerate(document.lines, start=1)
    }
    if wanted is None:
        # What was credited before is no line of the rest; a line of nothing is, for the agreement that it stands for.
        taken = {position: amount for position, amount in left.items() if amount or position not in before}
        freed = document.agreements
    else:
        taken = {position: _asked(document, position, amount, left) for position, amount in sorted(wanted.items())}
        freed = _nothing_left(document, {position: left[position] - taken.get(position, 0) for position in left})
    by_line = wanted is not None
    what = f"Delvis kreditering af {document.number}" if by_line else f"Kreditering af {document.number}"
    lines = tuple(
        _credit_line(document, position, -amount, by_line=by_line) for position, amount in sorted(taken.items())
    )
    agreements = tuple(dict.fromkeys(line.agreement for line in lines))
    draft = DocumentDraft(
        agreement=agreements[0] if len(agreements) == 1 else "",
        issuer=document.issuer,
        subscriber=document.subscriber,
        kind=document.kind,
        title=f"{what}: {document.title}",
        period=document.period,
        lines=lines,
        postings=(),
        due_days=(document.due_date - document.issue_date).days,
        internal=document.internal,
        provisional=document.provisional,
        note=reason,
        credits=document.number,
    )
    return Credit(draft, tuple(sorted(taken)), freed, is_last=set(freed) == set(document.agreements))


def _asked(document: IssuedDocument, position: int, asked: int | None, left: Mapping[int, int]) -> int:
    """What is taken of a line, with the line's sign."""
    if position not in left:
        raise LineUnknown(number=document.number, line=position, lines=len(left))
    if asked is None:
        asked = abs(left[position])
        if asked == 0:
            raise NothingToCredit(number=document.number, line=position)
    if asked <= 0:
        raise NothingToCredit(number=document.number, line=position)
    if asked > abs(left[position]):
        amount = document.lines[position - 1].amount_oere
        raise MoreThanIsLeft(
            number=document.number,
            line=position,
            amount=kroner(amount),
            credited=kroner(amount - left[position]),
            left=kroner(abs(left[position])),
            asked=kroner(asked),
        )
    return asked if left[position] > 0 else -asked


def _nothing_left(document: IssuedDocument, left: Mapping[int, int]) -> tuple[str, ...]:
    """The agreements whose lines are all taken back; one that never asked for anything keeps its claim."""
    asked: set[str] = set()
    open_: set[str] = set()
    for position, line in enumerate(document.lines, start=1):
        if line.amount_oere:
            asked.add(line.agreement)
        if left[position]:
            open_.add(line.agreement)
    return tuple(agreement for agreement in document.agreements if agreement in asked - open_)


def _credit_line(document: IssuedDocument, position: int, amount_oere: int, *, by_line: bool) -> InvoiceLine:
    line = document.lines[position - 1]
    if not by_line:
        return replace(line, amount_oere=amount_oere)
    return replace(
        line, amount_oere=amount_oere, text=f"Kreditering af {document.number}, linje {position}: {line.text}"
    )


def counter_postings(booked: Sequence[Posting], lines: Iterable[InvoiceLine]) -> tuple[Posting, ...]:
    """What a credit of some lines books: of each account that the lines' document moved, just the lines' part, back.

    Args:
        booked: What the credited document booked for one agreement.
        lines: The credit note's lines of that agreement.

    Returns:
        Postings that sum to zero; all lines whole turn round all that was booked.

    Source: domain rules 12 and 14; docs/decisions/0009-sub-ledger.md.
    """
    counter: list[Posting] = []
    entitled: dict[str, int] = {}
    total = 0
    for line in lines:
        own = next(posting for posting in booked if _is_of(posting, line))
        counter.append(replace(own, amount_oere=-line.amount_oere))
        entitled[line.provider] = entitled.get(line.provider, 0) - line.amount_oere
        total += line.amount_oere
    for posting in booked:
        if posting.account in {Account.RECEIVABLE, Account.OWN_SHARE}:
            counter.insert(0, replace(posting, amount_oere=total))
        elif posting.account is Account.CLEARING and posting.municipality is not None:
            counter.append(replace(posting, amount_oere=total))
        elif posting.account is Account.CLEARING and posting.provider in entitled:
            counter.append(replace(posting, amount_oere=entitled[posting.provider]))
    return tuple(counter)


def _is_of(posting: Posting, line: InvoiceLine) -> bool:
    if line.kind in {LineKind.PASSED_ON, LineKind.TRUE_UP}:
        return (
            posting.account is Account.RESULT
            and posting.provider == line.provider
            and posting.accounting_year == line.accounting_year
        )
    if line.kind is LineKind.INTEREST:
        return posting.account is Account.INTEREST and posting.accounting_year == line.accounting_year
    return posting.account is Account.ACONTO and posting.provider == line.provider and posting.service == line.service
