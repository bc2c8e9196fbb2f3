"""A document as it will be issued, and as it was."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from agreements.agreement import MunicipalityCode
from billing.accounts.facts import Posting
from foundation.errors import MellemregningError
from foundation.period import Period
from foundation.values import made_often


class DocumentType(StrEnum):
    """What the paper is called."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class ClaimKind(StrEnum):
    """What a document claims; different kinds never share a document (domain rule 15)."""

    ACONTO = "aconto"
    EXIT_SETTLEMENT = "exit_settlement"
    INTEREST = "interest"
    CASE = "case"
    SURPLUS_CAPACITY = "surplus_capacity"
    TRUE_UP = "true_up"


class LineKind(StrEnum):
    """What a line is."""

    SHARE = "share"  # a month's part of the share
    PASSED_ON = "passed_on"  # an earlier year's result, in the payer's favour when the line is negative
    EXIT = "exit"  # a leaver's part of a result
    INTEREST = "interest"  # late interest for some days on what was outstanding of one document
    CASE = "case"  # days of a case, or a supplier's invoice for it
    SURPLUS_CAPACITY = "surplus_capacity"  # sold to a municipality outside the agreement
    TRUE_UP = "true_up"  # a payer's part of a year's result that enters no price
    NET_ASSETS = "net_assets"  # a leaver's share of the net assets


@dataclass(frozen=True, slots=True)
class PartySnapshot:
    """A party as the document names it, kept as it was that day."""

    municipality: MunicipalityCode
    name: str
    cvr: str
    gln: str


@made_often
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


@made_often
@dataclass(frozen=True, slots=True)
class DocumentDraft:
    """All that a document will say but its number and dates, with what it posts.

    Attributes:
        agreement: Whose it is; empty where it joins several agreements' drafts.
        internal: True for a voucher that collects nothing: the issuer's own share, or a provider's that is set off.
        provisional: True where the price was missing and last year's instalment is billed (domain rule 8).
        postings: What it books; they sum to zero.
        credits: The number that it credits.
        joined: The drafts of one agreement each that it joins; each keeps its own claim and its own postings.
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
    joined: tuple[DocumentDraft, ...] = ()

    @property
    def amount_oere(self) -> int:
        """What the document asks for; negative is paid out."""
        return sum(
            [line.amount_oere for line in self.lines]
        )  # a list: asked for each of fifty thousand, again and again

    @property
    def parts(self) -> tuple[DocumentDraft, ...]:
        """One draft per agreement."""
        return self.joined or (self,)


@made_often
@dataclass(frozen=True, slots=True)
class IssuedDocument:
    """A document as it was issued; it never changes.

    Attributes:
        agreement: Whose it is; empty where its lines are of several agreements.
        number: ``F2009-0001``: series per issuer and year of issue, without gaps, in date order (domain rule 14).
        credits: The number of the document that it takes back, wholly or in part.
        credited_by: The number of the credit note that took it back, or the last of it, if one did.
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

    @property
    def agreements(self) -> tuple[str, ...]:
        """The agreements that its lines are of, in their order."""
        return tuple(dict.fromkeys(line.agreement for line in self.lines))

    def of_agreement(self, agreement: str) -> IssuedDocument:
        """What the document says of one agreement: its lines alone, and their sum."""
        if self.agreement == agreement:
            return self
        lines = tuple(line for line in self.lines if line.agreement == agreement)
        return replace(
            self,
            agreement=agreement,
            lines=lines,
            amount_oere=sum(line.amount_oere for line in lines),
            note=self._note_of(agreement),
        )

    def _note_of(self, agreement: str) -> str:
        """Its own part of a note that names whom it is of; a credit note's reason is everybody's."""
        others = [code for code in self.agreements if code != agreement]
        if self.credits is not None or not others:
            return self.note
        parts = re.split(rf"(?:^| )({'|'.join(map(re.escape, self.agreements))}): ", self.note)
        return " ".join(text for code, text in zip(parts[1::2], parts[2::2], strict=True) if code == agreement)


@made_often
@dataclass(frozen=True, slots=True)
class ClaimKey:
    """What may be billed once: the agreement's claim on a municipality for a period."""

    agreement: str
    municipality: MunicipalityCode
    kind: ClaimKind
    period: Period


@made_often
@dataclass(frozen=True, slots=True)
class BilledMonth:
    """What a payer was billed for a month of one agreement.

    Attributes:
        version: The version of the price that the lines name.
    """

    amount_oere: int
    version: int | None
    provisional: bool


@dataclass(frozen=True, slots=True)
class Credit:
    """What takes a document back, wholly or by line.

    Attributes:
        draft: The credit note; its postings are left to the books.
        positions: For each of its lines, the position of the line that it takes back.
        freed: The agreements of which nothing is left on the document, so that their claims are free again.
        is_last: Nothing at all is left on it.
    """

    draft: DocumentDraft
    positions: tuple[int, ...]
    freed: tuple[str, ...]
    is_last: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """A payer that was left out, and why.

    Attributes:
        claims: What it was not billed; nothing where no document was made.
    """

    municipality: MunicipalityCode
    error: MellemregningError
    claims: tuple[ClaimKey, ...] = ()


@dataclass(frozen=True, slots=True)
class IssueOutcome:
    """What came of a set of drafts: issued, already held by an earlier document, or left out.

    Attributes:
        prints: The fingerprint of each that was issued, in their order.
    """

    issued: tuple[IssuedDocument, ...]
    held: tuple[ClaimKey, ...]
    failed: tuple[Failure, ...]
    prints: tuple[str, ...] = ()
