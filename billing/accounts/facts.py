"""Vouchers, postings and what the books say of results that wait to be passed on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from agreements.agreement import MunicipalityCode
from foundation.period import Month
from foundation.values import made_often


class Account(StrEnum):
    """The accounts of one agreement's books. Positive is a debit.

    Two circles meet in every voucher, and each sums to zero by itself: what the payers owe (receivable or own share
    against on-account billing, results, interest and payments), and what the providers have between them (clearing).
    """

    RECEIVABLE = "receivable"  # what a municipality owes the issuer
    OWN_SHARE = "own_share"  # a provider's own share that no invoice collects: internal voucher or set-off
    ACONTO = "aconto"  # billed on account for a year, before passed-on results
    RESULT = "result"  # surplus (credit) or deficit (debit) of a closed year, until it is passed on
    COST = "cost"  # the actual net cost of a closed year
    CLEARING = "clearing"  # what a provider has collected (debit) less what it is entitled to (credit)
    BANK = "bank"  # what the issuer's bank has received, or what of it settled an agreement's documents
    ON_ACCOUNT = "on_account"  # what was received (credit) and settles no document yet; the payer's, where it is known
    INTEREST = "interest"  # late interest billed, the issuer's own (credit)
    CASE = "case"  # billed by the case (credit), beside the subscription and its results
    SURPLUS_CAPACITY = "surplus_capacity"  # sold to others (credit); the year's accounts have it as income
    NET_ASSETS = "net_assets"  # paid out of the net assets to a leaver (debit), or paid in by it (credit)


class VoucherKind(StrEnum):
    """What made the voucher."""

    INVOICE = "invoice"
    CREDIT = "credit"
    YEAR_CLOSE = "year_close"
    EXIT = "exit"
    CLEARING = "clearing"
    PAYMENT = "payment"


@made_often
@dataclass(frozen=True, slots=True)
class Posting:
    """One line of a voucher.

    Attributes:
        amount_oere: Debit positive, credit negative.
        municipality: The payer it concerns; None for what is not divided among payers.
        provider: The provider it concerns, if any.
        accounting_year: The year whose cost or result it is.
        service_month: The month that was billed, for what invoices post.
    """

    account: Account
    amount_oere: int
    accounting_year: int
    municipality: MunicipalityCode | None = None
    provider: MunicipalityCode | None = None
    service: str | None = None
    service_month: Month | None = None


@made_often
@dataclass(frozen=True, slots=True)
class Voucher:
    """What is booked at once; its postings sum to zero.

    Attributes:
        reference: The document's number, or what else proves it.
        claim_effect: +1 takes the claim on (municipality, service month), -1 frees it again, 0 neither.
    """

    agreement: str
    kind: VoucherKind
    booked_on: date
    reference: str
    text: str
    postings: tuple[Posting, ...]
    municipality: MunicipalityCode | None = None
    service_month: Month | None = None
    claim_effect: int = 0


@dataclass(frozen=True, order=True, slots=True)
class ResultSource:
    """Whose result of which year: what passed-on amounts are kept apart by."""

    accounting_year: int
    provider: MunicipalityCode


@dataclass(frozen=True, slots=True)
class InvoicedMonth:
    """What a payer was invoiced for one month that is claimed, after credits.

    Attributes:
        gross_oere: On account before passed-on results.
        passed_on: Source -> øre that the invoice passed on; positive is in the payer's favour.
    """

    month: Month
    gross_oere: int
    passed_on: dict[ResultSource, int]

    @property
    def amount_oere(self) -> int:
        """What the invoice asked for."""
        return self.gross_oere - sum(self.passed_on.values())


class DecisionKind(StrEnum):
    """What was decided of a result (§ 6 stk. 3, 6 and 8)."""

    CLOSE = "close"
    RELEASE = "release"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision on a year's result: when, by whom, approved by whom (domain rule 10)."""

    agreement: str
    accounting_year: int
    kind: DecisionKind
    decided_on: date
    author: str
    approver: str
    text: str


@dataclass(frozen=True, slots=True)
class ResultMovement:
    """A part of a result that is to be passed on in a year's price, or stays on the balance.

    Attributes:
        municipality: Whose it is, or None while nobody's (``application_year``: it is divided when it is applied).
        amount_oere: Positive is a surplus. A later decision moves it by a negative and a positive movement.
        application_year: The year whose price it changes, or None while it is carried forward.
    """

    source: ResultSource
    municipality: MunicipalityCode | None
    amount_oere: int
    application_year: int | None
