"""What came in, what is open, and what settles what. Positive øre: received, or owed by the municipality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from agreements.agreement import MunicipalityCode
from billing.invoice.facts import ClaimKind


class MentionKind(StrEnum):
    """How a document is named by whoever pays it."""

    REFERENCE = "reference"  # a payment reference with its check digit (FIK 71 and 75, OCR)
    NUMBER = "number"  # the document's own number


@dataclass(frozen=True, slots=True)
class Mention:
    """One document that a payment names.

    Attributes:
        value: Digits of a reference, or a number such as ``F2009-0001``.
        amount_oere: How much of the payment is for it, where the bank's file says so.
    """

    kind: MentionKind
    value: str
    amount_oere: int | None = None


@dataclass(frozen=True, slots=True)
class BankEntry:
    """One payment as a file of the bank tells it.

    Attributes:
        place: Where in the file, for an error's sentence.
        account: The issuer's account: an IBAN, or registration and account number.
        amount_oere: Received is positive, paid out negative; never zero.
        bank_reference: The bank's own reference, to find it again there; may be empty.
        payer: The municipality that pays or is paid, where name or CVR number say so.
        mentions: The documents that it names. Of the text that came with it nothing else is kept.
        identity: All that tells it from other entries; only a digest of it is kept.
    """

    place: str
    account: str
    booked_on: date
    value_date: date
    amount_oere: int
    bank_reference: str
    payer: MunicipalityCode | None
    mentions: tuple[Mention, ...]
    identity: tuple[str, ...]
    reversal: bool = False


@dataclass(frozen=True, slots=True)
class BankFile:
    """What a file of the bank holds.

    Attributes:
        left_out: How many entries are not booked yet or of zero kroner.
    """

    file_format: str
    entries: tuple[BankEntry, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class BankFileRow:
    """A file that was loaded, as it is remembered."""

    issuer: MunicipalityCode
    name: str
    file_format: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A bank entry as it was kept, with what it has settled since.

    Attributes:
        number: Its number with us.
        applied_oere: What of it settles documents; with the amount's sign.
        holder: Whose credit the rest is: the payer, or who was found to be it by a match; None while nobody knows.
    """

    number: int
    issuer: MunicipalityCode
    account: str
    booked_on: date
    value_date: date
    amount_oere: int
    bank_reference: str
    payer: MunicipalityCode | None
    mentions: tuple[Mention, ...]
    reversal: bool = False
    applied_oere: int = 0
    holder: MunicipalityCode | None = None

    @property
    def left_oere(self) -> int:
        """What settles nothing yet."""
        return self.amount_oere - self.applied_oere


PieceKey = tuple[str, int]  # agreement, accounting year


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A document that asks for money or pays it out, and what of it is not settled.

    Attributes:
        pieces: (agreement, accounting year) -> what the books asked for by it.
        settled: The same -> what was settled of it since.
        credits: The ids of the documents that it takes back.
    """

    invoice_id: int
    issuer: MunicipalityCode
    number: str
    subscriber: MunicipalityCode
    kind: ClaimKind
    title: str
    issue_date: date
    due_date: date
    pieces: Mapping[PieceKey, int]
    settled: Mapping[PieceKey, int]
    credits: tuple[int, ...] = ()

    @property
    def amount_oere(self) -> int:
        """What it asked for."""
        return sum(self.pieces.values())

    @property
    def open_pieces(self) -> dict[PieceKey, int]:
        """What is open of each piece."""
        return {key: amount - self.settled.get(key, 0) for key, amount in self.pieces.items()}

    @property
    def open_oere(self) -> int:
        """What is not settled."""
        return sum(self.open_pieces.values())


class How(StrEnum):
    """Who or what found the match."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a receipt may settle.

    Attributes:
        applications: Document number -> øre.
        score: 0 to 100.
        reasons: Why, in words.
        certain: Nothing else can be meant, so that it is matched without asking.
    """

    receipt: int
    payer: MunicipalityCode
    applications: Mapping[str, int]
    score: int
    reasons: tuple[str, ...]
    certain: bool = False


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """What a match settles of one piece of a document."""

    invoice_id: int
    number: str
    agreement: str
    accounting_year: int
    amount_oere: int


@dataclass(frozen=True, slots=True)
class Match:
    """Receipts and documents that settle each other; the receipts' parts sum to the documents'.

    Attributes:
        number: Its number with us; 0 for one that is not kept.
        payer: Whose documents they are.
        effective_on: From when the documents count as settled: the value date of the receipt.
        explanation: Why, in words.
        receipts: Receipt -> øre of it.
        undoes: The match that this one takes back, with the signs turned.
        undone_by: The match that took this one back.
    """

    number: int
    issuer: MunicipalityCode
    payer: MunicipalityCode | None
    matched_on: date
    effective_on: date
    how: How
    explanation: str
    actor: str
    receipts: Mapping[int, int]
    documents: tuple[DocumentPart, ...]
    undoes: int | None = None
    undone_by: int | None = None


class Age(StrEnum):
    """How long an amount has been due."""

    NOT_DUE = "not_due"
    DAYS_1_30 = "days_1_30"
    DAYS_31_60 = "days_31_60"
    DAYS_61_90 = "days_61_90"
    OVER_90 = "over_90"


@dataclass(frozen=True, slots=True)
class Standing:
    """What one municipality has open with one issuer.

    Attributes:
        ages: Age -> øre of open documents.
        on_account_oere: What it has paid that settles no document yet.
    """

    issuer: MunicipalityCode
    municipality: MunicipalityCode
    items: tuple[OpenItem, ...]
    ages: Mapping[Age, int]
    on_account_oere: int

    @property
    def open_oere(self) -> int:
        """All its open documents."""
        return sum(self.ages.values())

    @property
    def balance_oere(self) -> int:
        """What it owes after what it has on account."""
        return self.open_oere - self.on_account_oere


@dataclass(frozen=True, slots=True)
class OpenReport:
    """Open items of one issuer on a day.

    Attributes:
        unknown_oere: Received from nobody knows whom.
    """

    issuer: MunicipalityCode
    as_of: date
    standings: tuple[Standing, ...]
    unknown_oere: int


@dataclass(frozen=True, slots=True)
class Load:
    """What came of loading a file.

    Attributes:
        new: The receipts that were added.
        known: How many entries were here already.
        left_out: How many were not booked, or zero.
        alike: New ones that have day and amount in common with one of an earlier file, so that it may be the same.
    """

    file: str
    file_format: str
    new: tuple[Receipt, ...]
    known: int
    left_out: int
    alike: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """What came of matching all that is left.

    Attributes:
        made: Matches that nothing spoke against; their documents and receipts are settled.
        suggested: Receipt -> what it may be, best first.
        left: Receipts that nothing was found for.
    """

    issuer: MunicipalityCode
    made: tuple[Match, ...]
    suggested: Mapping[int, tuple[Proposal, ...]]
    left: tuple[Receipt, ...]
    receipts: Mapping[int, Receipt]


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What the columns of an issuer's CSV files are called; an empty name is a column that is not there.

    Attributes:
        account: The issuer's account, where no column says it.
    """

    booked_on: str = ""
    value_date: str = ""
    amount: str = ""
    text: str = ""
    reference: str = ""
    payer: str = ""
    bank_reference: str = ""
    balance: str = ""
    currency: str = ""
    account_column: str = ""
    account: str = ""
