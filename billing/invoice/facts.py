"""A document as it will be issued, and as it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from agreements.agreement import MunicipalityCode
from billing.accounts.facts import Posting
from foundation.errors import MellemregningError
from foundation.period import Period


class DocumentType(StrEnum):
    """What the paper is called."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class ClaimKind(StrEnum):
    """What a document claims; different kinds never share a document (domain rule 15)."""

    ACONTO = "aconto"
    EXIT_SETTLEMENT = "exit_settlement"
    INTEREST = "interest"


class LineKind(StrEnum):
    """What a line is."""

    SHARE = "share"  # a month's part of the share
    PASSED_ON = "passed_on"  # an earlier year's result, in the payer's favour when the line is negative
    EXIT = "exit"  # a leaver's part of a result
    INTEREST = "interest"  # late interest for some days on what was outstanding of one document


@dataclass(frozen=True, slots=True)
class PartySnapshot:
    """A party as the document names it, kept as it was that day."""

    municipality: MunicipalityCode
    name: str
    cvr: str
    gln: str


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line, with copies of everything it says.

    Attributes:
        amount_oere: Øre; negative is in the payer's favour.
        accounting_year: The year whose cost or result it is.
        version: The version of the year's calculation that the amount is from, where there is one.
    """

    agreement: str
    provider: MunicipalityCode
    provider_name: str
    service: str
    service_title: str
    kind: LineKind
    text: str
    period: Period
    accounting_year: int
    amount_oere: int
    vat_exemption: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True)
class DocumentDraft:
    """All that a document will say but its number and dates, with what it posts.

    Attributes:
        internal: True for a voucher that collects nothing: the issuer's own share, or a provider's that is set off.
        provisional: True where the price was missing and last year's instalment is billed (domain rule 8).
        postings: What it books; they sum to zero.
        credits: The number that it credits.
    """

    agreement: str
    issuer: PartySnapshot
    subscriber: PartySnapshot
    kind: ClaimKind
    title: str
    period: Period
    lines: tuple[InvoiceLine, ...]
    postings: tuple[Posting, ...]
    due_days: int
    internal: bool = False
    provisional: bool = False
    note: str = ""
    credits: str | None = None

    @property
    def amount_oere(self) -> int:
        """What the document asks for; negative is paid out."""
        return sum(line.amount_oere for line in self.lines)


@dataclass(frozen=True, slots=True)
class IssuedDocument:
    """A document as it was issued; it never changes.

    Attributes:
        number: ``F2009-0001``: series per issuer and year of issue, without gaps, in date order (domain rule 14).
        credited_by: The number of the credit note that took it back, if one did.
    """

    number: str
    document_type: DocumentType
    agreement: str
    issuer: PartySnapshot
    subscriber: PartySnapshot
    kind: ClaimKind
    title: str
    period: Period
    issue_date: date
    due_date: date
    amount_oere: int
    internal: bool
    provisional: bool
    note: str
    lines: tuple[InvoiceLine, ...]
    credits: str | None = None
    credited_by: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimKey:
    """What may be billed once: the agreement's claim on a municipality for a period."""

    agreement: str
    municipality: MunicipalityCode
    kind: ClaimKind
    period: Period


@dataclass(frozen=True, slots=True)
class Failure:
    """A payer that was left out, and why."""

    municipality: MunicipalityCode
    error: MellemregningError


@dataclass(frozen=True, slots=True)
class IssueOutcome:
    """What came of a set of drafts: issued, already held by an earlier document, or left out."""

    issued: tuple[IssuedDocument, ...]
    held: tuple[ClaimKey, ...]
    failed: tuple[Failure, ...]
