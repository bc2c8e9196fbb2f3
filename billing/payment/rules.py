"""Payment references, what of a bank's text is kept, what a match may settle, and how long something is due; pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from agreements.agreement import MunicipalityCode
from agreements.trading import fik_digits
from billing.accounts.facts import Account, Posting, Voucher, VoucherKind
from billing.payment.facts import (
    Age,
    BankEntry,
    DocumentPart,
    Match,
    Mention,
    MentionKind,
    OpenItem,
    Receipt,
    Standing,
)
from foundation.errors import N_, RuleBroken
from foundation.money import apportion_signed, kroner

Key = TypeVar("Key", int, str)

NO_AGREEMENT = ""  # the issuer's own book: what the bank has received, before it settles an agreement's documents
LONGEST_BANK_REFERENCE = 35
MOST_MENTIONS = 500
REFERENCE_LENGTH = 15
FEWEST_DIGITS = 8  # of a year and a place in its series
_TEN = 10
_NINE = 9


class MoreThanIsOpen(RuleBroken):
    """A match takes no more of a document than is open of it."""

    danish = N_(
        "Af {number} er {open_oere} åbent, så {amount_oere} kan ikke udlignes. Se «mellemregning payment open».",
    )


class MoreThanIsLeft(RuleBroken):
    """A match takes no more of a receipt than settles nothing yet."""

    danish = N_(
        "Af indbetaling {receipt} er {left_oere} tilbage, så {amount_oere} kan ikke bruges. Se «mellemregning payment "
        "list».",
    )


class DoesNotSettle(RuleBroken):
    """The receipts of a match are as much as its documents."""

    danish = N_(
        "Indbetalinger for {received_oere} og bilag for {settled_oere} går ikke op. Angiv beløb, fx "
        "--document F2009-0001=1000,00.",
    )


class OneReceiptAtATime(RuleBroken):
    """Documents are settled by one receipt, so that the day on which they are paid is one."""

    danish = N_("Et bilag udlignes af én indbetaling ad gangen. Lav en udligning for hver.")


class NothingToMatch(RuleBroken):
    """A match settles something."""

    danish = N_("Der er intet at udligne. Angiv mindst to: en indbetaling og et bilag, eller to, der går op.")


class SeveralPayers(RuleBroken):
    """One match is one municipality's."""

    danish = N_("Bilagene er fra flere kommuner: {payers}. Lav en udligning for hver.")


# Payment references.


def check_digit(digits: str) -> str:
    """The modulus 10 check digit that a payment reference ends with; every second digit from the right counts twice."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - _NINE if value > _NINE else value
    return str(-total % _TEN)


def payment_reference(number: str) -> str:
    """The reference that a payment of a document carries (FIK type 71): 14 digits and the check digit.

    The digits of ``F2009-0001``, year and place in the series, with zeros in front: ``000000200900017``. Whose it is,
    the creditor's number says. More zeros in front, as type 75 has, make no difference.

    Raises:
        ValueError: no document's number.
    """
    year, dash, sequence = number.removeprefix("F").partition("-")
    if not (dash and year.isdecimal() and sequence.isdecimal()):
        raise ValueError(number)
    return fik_digits(number, REFERENCE_LENGTH)


def number_of_reference(reference: str) -> str | None:
    """The number of the document that a payment reference is of; None where the digits are of none.

    Args:
        reference: Digits with the check digit, with or without zeros in front.
    """
    digits = reference.lstrip("0")[:-1]
    number = f"F{digits[:4]}-{digits[4:]}"
    if len(digits) < FEWEST_DIGITS or payment_reference(number).lstrip("0") != reference.lstrip("0"):
        return None
    return number


# A document's number as people write it; without the F it could be anything.
_NUMBER = re.compile(r"(?<![A-Z0-9])F[ -]?(\d{4})[ ./-]{0,3}(\d{4,6})(?!\d)", re.IGNORECASE | re.ASCII)
# 15 digits of type 71, 16 of type 75; with the type and the creditor around them, or bare.
_REFERENCE = re.compile(r"(?<!\d)(?:7[15]\s?<\s?)?(\d{15,16})(?!\d)", re.ASCII)


def mentions_in(text: str, amount_oere: int | None = None) -> list[Mention]:
    """The documents that a text names; whatever else it says is not kept.

    Args:
        text: What came with a payment.
        amount_oere: How much of it is for just this text's document.

    Source: domain rule 18.
    """
    found = [
        Mention(MentionKind.REFERENCE, digits, amount_oere)
        for digits in _REFERENCE.findall(text)
        if check_digit(digits[:-1]) == digits[-1]
    ]
    found += [
        Mention(MentionKind.NUMBER, f"F{year}-{int(sequence):04d}", amount_oere)
        for year, sequence in _NUMBER.findall(text)
    ]
    return found


def distinct(mentions: Iterable[Mention]) -> tuple[Mention, ...]:
    """Each document once; one that says its amount takes the place of one that does not."""
    kept: dict[tuple[MentionKind, str], Mention] = {}
    for mention in mentions:
        known = kept.get((mention.kind, mention.value))
        if known is None or (known.amount_oere is None and mention.amount_oere is not None):
            kept[mention.kind, mention.value] = mention
    return tuple(kept.values())[:MOST_MENTIONS]


_BANK_REFERENCE = re.compile(r"[A-Za-z0-9/+:.-]{1,35}", re.ASCII)
_LIKE_A_CPR_NUMBER = re.compile(r"(?<!\d)(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])\d{2}[- ]?\d{4}(?!\d)", re.ASCII)


def kept_bank_reference(text: str) -> str:
    """The bank's own reference if it is one: one word, and nothing that could be a person's number."""
    word = text.strip()
    if _BANK_REFERENCE.fullmatch(word) is None or _LIKE_A_CPR_NUMBER.search(word):
        return ""
    return word


_DANISH_IBAN = re.compile(r"DK\d{2}(\d{14})", re.ASCII)
_REGISTRATION_DIGITS, _ACCOUNT_DIGITS = 4, 14


def same_account(account: str) -> str:
    """What an account is compared by: a Danish IBAN, and registration and account number, are one account."""
    iban = _DANISH_IBAN.fullmatch(account)
    if iban:
        return iban[1]
    if not (account.isascii() and account.isdecimal() and _REGISTRATION_DIGITS < len(account) <= _ACCOUNT_DIGITS):
        return account
    registration, number = account[:_REGISTRATION_DIGITS], account[_REGISTRATION_DIGITS:]
    return registration + number.rjust(_ACCOUNT_DIGITS - _REGISTRATION_DIGITS, "0")


_FIRST_YEAR, _LAST_YEAR = 2000, 2099


def is_likely_day(day: date) -> bool:
    """Whether something can have been paid on a day; a bank's 31 December 9999 means that it does not know."""
    return _FIRST_YEAR <= day.year <= _LAST_YEAR


def entry_keys(entries: Sequence[BankEntry]) -> list[str]:
    """What each entry of a file is known by when it comes again: a digest of all that it says.

    Entries that say just the same are told apart by their order.
    """
    seen: dict[str, int] = defaultdict(int)
    keys = []
    for entry in entries:
        told = json.dumps([entry.account, *entry.identity], ensure_ascii=False, separators=(",", ":"))
        seen[told] += 1
        keys.append(hashlib.sha256(f"{told}#{seen[told]}".encode()).hexdigest())
    return keys


# What a match settles.


def parts_of(item: OpenItem, amount_oere: int) -> tuple[DocumentPart, ...]:
    """Divide what is settled of a document between the agreements and years that it asks for, as they are open.

    Largest remainder, so that the parts sum to the amount; all of it settles every piece exactly.

    Raises:
        MoreThanIsOpen: more than is open, or in the other direction.

    Source: domain rules 3 and 15.
    """
    open_oere = item.open_oere
    if amount_oere == 0 or not min(0, open_oere) <= amount_oere <= max(0, open_oere):
        raise MoreThanIsOpen(number=item.number, open_oere=open_oere, amount_oere=amount_oere)
    return tuple(
        DocumentPart(item.invoice_id, item.number, agreement, year, part)
        for (agreement, year), part in apportion_signed(amount_oere, item.open_pieces).items()
        if part
    )


def require_left(receipt: Receipt, amount_oere: int) -> None:
    """Refuse to take more of a receipt than is left of it.

    Raises:
        MoreThanIsLeft: more, or in the other direction.
    """
    left = receipt.left_oere
    if amount_oere == 0 or not min(0, left) <= amount_oere <= max(0, left):
        raise MoreThanIsLeft(receipt=receipt.number, left_oere=left, amount_oere=amount_oere)


def receipt_voucher(receipt: Receipt) -> Voucher:
    """What a receipt books when it comes in: the bank's money, as the payer's credit or as nobody's yet."""
    year = receipt.booked_on.year
    return Voucher(
        agreement=NO_AGREEMENT,
        kind=VoucherKind.PAYMENT,
        booked_on=receipt.booked_on,
        reference=f"R{receipt.number}",
        text=f"Indbetaling {receipt.number}",
        postings=(
            Posting(Account.BANK, receipt.amount_oere, year, provider=receipt.issuer),
            Posting(
                Account.ON_ACCOUNT,
                -receipt.amount_oere,
                year,
                municipality=receipt.payer,
                provider=receipt.issuer,
            ),
        ),
        municipality=receipt.payer,
    )


def match_vouchers(match: Match, receipts: Mapping[int, Receipt]) -> list[Voucher]:
    """What a match books: the credit becomes money of the agreements, and their receivables are paid with it.

    What is left of a receipt becomes the credit of the payer whose documents it settles.

    Args:
        match: With its number.
        receipts: The match's receipts as they were before it.

    Source: docs/decisions/0026-payments-and-interest.md.
    """
    moved: dict[MunicipalityCode | None, int] = defaultdict(int)
    for number, amount in match.receipts.items():
        receipt = receipts[number]
        holder = match.payer or receipt.holder
        moved[receipt.holder] += receipt.left_oere
        moved[holder] -= receipt.left_oere - amount
    by_agreement: dict[str, list[DocumentPart]] = defaultdict(list)
    for part in match.documents:
        by_agreement[part.agreement].append(part)
    year = match.matched_on.year
    own = [
        Posting(Account.ON_ACCOUNT, amount, year, municipality=holder, provider=match.issuer)
        for holder, amount in sorted(moved.items(), key=lambda pair: pair[0] or "")
        if amount
    ]
    paid = sum(match.receipts.values())
    if paid:
        own.append(Posting(Account.BANK, -paid, year, provider=match.issuer))
    vouchers = [_voucher(match, NO_AGREEMENT, own)] if own else []
    for agreement, parts in sorted(by_agreement.items()):
        postings = [
            Posting(Account.RECEIVABLE, -part.amount_oere, part.accounting_year, municipality=match.payer)
            for part in parts
        ]
        collected = sum(part.amount_oere for part in parts)
        if collected:
            postings.append(Posting(Account.BANK, collected, year, provider=match.issuer))
        vouchers.append(_voucher(match, agreement, postings))
    return vouchers


def _voucher(match: Match, agreement: str, postings: Sequence[Posting]) -> Voucher:
    return Voucher(
        agreement=agreement,
        kind=VoucherKind.PAYMENT,
        booked_on=match.matched_on,
        reference=f"M{match.number}",
        text=f"Udligning {match.number}",
        postings=tuple(postings),
        municipality=match.payer,
    )


# How long something is due.

_UP_TO = ((0, Age.NOT_DUE), (30, Age.DAYS_1_30), (60, Age.DAYS_31_60), (90, Age.DAYS_61_90))


def age_of(due_date: date, as_of: date) -> Age:
    """How long an amount has been due; on the due date itself it is not late."""
    days = (as_of - due_date).days
    return next((age for limit, age in _UP_TO if days <= limit), Age.OVER_90)


def standing_of(
    issuer: MunicipalityCode,
    municipality: MunicipalityCode,
    items: Iterable[OpenItem],
    on_account_oere: int,
    as_of: date,
) -> Standing:
    """One municipality's open documents by age, and what it has on account."""
    ages = dict.fromkeys(Age, 0)
    listed = tuple(sorted((item for item in items if item.open_oere), key=lambda item: (item.due_date, item.number)))
    for item in listed:
        ages[age_of(item.due_date, as_of)] += item.open_oere
    return Standing(issuer, municipality, listed, ages, on_account_oere)


def in_words(applications: Mapping[str, int]) -> str:
    """Documents and amounts: ``F2009-0001 (194.202,82 kr.)``."""
    return ", ".join(f"{number} ({kroner(amount)})" for number, amount in applications.items())


def fit(open_oere: Mapping[Key, int], left_oere: int) -> dict[Key, int]:
    """How far amounts settle each other with so much money beside them, the first first.

    Args:
        open_oere: What is open of each, of either sign.
        left_oere: What there is to settle them with.

    Returns:
        What is taken of each; together it is of ``left_oere``'s sign and no more than that.
    """
    sign = -1 if left_oere < 0 else 1
    positive = {key: sign * amount for key, amount in open_oere.items() if sign * amount > 0}
    negative = {key: -sign * amount for key, amount in open_oere.items() if sign * amount < 0}
    against = sum(negative.values())
    taken = min(sum(positive.values()), abs(left_oere) + against)
    found = {key: sign * amount for key, amount in _first_first(positive, taken).items()}
    found |= {key: -sign * amount for key, amount in _first_first(negative, min(against, taken)).items()}
    return {key: found[key] for key in open_oere if key in found}


def _first_first(amounts: Mapping[Key, int], total: int) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for key, amount in amounts.items():
        found[key] = min(amount, total)
        total -= found[key]
    return {key: amount for key, amount in found.items() if amount}
