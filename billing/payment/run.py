"""Load what the bank received, settle documents with it, undo that, say what is open; never commits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

from sqlalchemy import Connection

from agreements import store as agreement_store
from agreements.agreement import MunicipalityCode
from agreements.municipality import MUNICIPALITIES, danish_order, municipality
from billing.accounts import run as accounts
from billing.accounts import store as books
from billing.accounts.facts import Account, Posting, Voucher, VoucherKind
from billing.payment import store
from billing.payment.facts import (
    BankFileRow,
    ColumnMapping,
    How,
    Load,
    Match,
    Matching,
    OpenItem,
    OpenReport,
    Proposal,
    Receipt,
)
from billing.payment.matching_rules import propose, set_offs
from billing.payment.payment_file import read_bank_file
from billing.payment.rules import (
    NO_AGREEMENT,
    DoesNotSettle,
    NothingToMatch,
    OneReceiptAtATime,
    SeveralPayers,
    entry_keys,
    fit,
    in_words,
    match_vouchers,
    parts_of,
    receipt_voucher,
    require_left,
    same_account,
    standing_of,
)
from foundation import audit
from foundation.audit import Occasion
from foundation.errors import BadInput, N_, NotFound, RuleBroken
from foundation.period import Month


class NotAnIssuer(RuleBroken):
    """A municipality that bills nobody."""

    danish = N_("{municipality} udsteder ikke regninger i nogen aftale. Se «mellemregning agreement list».")


class IssuerNeeded(BadInput):
    """There are several issuers, and none was named."""

    danish = N_("Der er flere udstedere: {issuers}. Vælg med --issuer.")


class AccountOfAnother(RuleBroken):
    """A bank account is one issuer's."""

    danish = N_(
        "Kontoen {account} er {owner}s efter det, der tidligere er indlæst, og kan ikke indlæses for {issuer}. "
        "Kontrollér filen og --issuer.",
    )


class ReceiptUnknown(NotFound):
    """No receipt has the number, or it is another issuer's."""

    danish = N_("{issuer} har ingen indbetaling {number}. Se dem med «mellemregning payment list».")


class DocumentNotOpenable(NotFound):
    """No document of the issuer's asks for money by the number."""

    danish = N_("{issuer} har intet bilag {number}, der skal betales. Se dem med «mellemregning payment open».")


class MatchUnknown(NotFound):
    """No match has the number."""

    danish = N_("Der er ingen udligning {number}. Se dem med «mellemregning payment list --matches».")


class MatchEnded(RuleBroken):
    """A match is taken back once, and what takes one back is not taken back itself."""

    danish = N_("Udligning {number} kan ikke ophæves: {why}.")


class UndoLaterFirst(RuleBroken):
    """What used a receipt last is taken back first."""

    danish = N_("Den samme indbetaling er brugt senere. Ophæv først udligning {later}.")


class ReasonMissing(BadInput):
    """An undoing says why."""

    danish = N_("En ophævelse skal sige hvorfor. Skriv begrundelsen med --reason.")


def issuer_of(connection: Connection, asked: MunicipalityCode | None) -> MunicipalityCode:
    """The issuer that was asked for, or the only one there is.

    Raises:
        UnknownMunicipality, NotAnIssuer, IssuerNeeded.
    """
    there = issuers(connection)
    if asked is not None:
        if asked not in there:
            raise NotAnIssuer(municipality=municipality(asked).official_name)
        return asked
    if len(there) != 1:
        raise IssuerNeeded(issuers=[f"{_name(code)} ({code})" for code in there])
    return there[0]


def issuers(connection: Connection) -> list[MunicipalityCode]:
    """All issuers, ascending."""
    return agreement_store.issuers(connection)


def _name(code: MunicipalityCode) -> str:
    found = MUNICIPALITIES.get(code)
    return found.official_name if found else code


# Loading.


def set_columns(
    connection: Connection,
    issuer: MunicipalityCode,
    changes: Mapping[str, str],
    occasion: Occasion,
) -> ColumnMapping:
    """Keep what the columns of the issuer's CSV files are called; what is not named stays.

    Raises:
        UnknownMunicipality.
    """
    municipality(issuer)
    before = store.read_columns(connection, issuer)
    after = replace(before, **changes)
    if after != before:
        store.write_columns(connection, issuer, after, occasion.as_of, occasion.actor)
        audit.record(
            connection,
            occasion,
            action="payment.columns_set",
            subject=issuer,
            details={"before": asdict(before), "after": asdict(after)},
        )
    return after


def load_receipts(  # noqa: PLR0913 - a load names these
    connection: Connection,
    name: str,
    content: bytes,
    issuer: MunicipalityCode | None,
    occasion: Occasion,
    *,
    account: str = "",
) -> Load:
    """Keep and book the entries of a bank's file that are not here yet; loading it again adds nothing.

    Args:
        connection: The transaction.
        name: As the officer knows the file.
        content: camt.053 or CSV.
        issuer: Whose account it is.
        occasion: Who loads it.
        account: Of which account a CSV file is, where it does not say so.

    Raises:
        NotAStatement, ColumnsNotFound, AccountMissing, Problems: the file.
        AccountOfAnother: an account in it is another issuer's.

    Source: docs/decisions/0026-payments-and-interest.md.
    """
    issuer = issuer_of(connection, issuer)
    store.lock(connection, issuer)
    read = read_bank_file(name, content, store.read_columns(connection, issuer), account)
    for of_account, owner in sorted(
        store.issuers_of_accounts(connection, (entry.account for entry in read.entries)).items()
    ):
        if owner != issuer:
            raise AccountOfAnother(account=of_account, owner=_name(owner), issuer=_name(issuer))
    # Nobody pays itself: where a bank names the account's own holder, it does not say who paid.
    entries = [replace(entry, payer=None) if entry.payer == issuer else entry for entry in read.entries]
    keyed = list(zip(entries, entry_keys(entries), strict=True))
    known = store.known_keys(connection, [(entry.account, key) for entry, key in keyed])
    new = [(entry, key) for entry, key in keyed if (entry.account, key) not in known]
    here_before = {
        (same_account(of_account), day, amount)
        for of_account, day, amount in store.alike(connection, issuer, [entry for entry, _ in new])
    }
    added: list[Receipt] = []
    if new:
        numbers = store.write_receipts(
            connection,
            BankFileRow(issuer, name, read.file_format, hashlib.sha256(content).hexdigest()),
            new,
            occasion,
        )
        wanted = set(numbers)
        added = [receipt for receipt in store.receipts(connection, issuer) if receipt.number in wanted]
        accounts.book(connection, [receipt_voucher(receipt) for receipt in added])
        audit.record(
            connection,
            occasion,
            action="payment.loaded",
            subject=f"{issuer} {name}",
            details={
                "format": read.file_format,
                "new": len(added),
                "known": len(keyed) - len(added),
                "amount_oere": sum(receipt.amount_oere for receipt in added),
            },
        )
    return Load(
        file=name,
        file_format=read.file_format,
        new=tuple(added),
        known=len(keyed) - len(added),
        left_out=read.left_out,
        alike=tuple(
            receipt.number
            for receipt in added
            if (same_account(receipt.account), receipt.booked_on, receipt.amount_oere) in here_before
        ),
    )


# Matching.


def match_receipts(
    connection: Connection,
    issuer: MunicipalityCode | None,
    occasion: Occasion,
    *,
    preview: bool = False,
) -> Matching:
    """Settle what nothing speaks against, and suggest the rest; credit notes first settle what they take back.

    Args:
        connection: The transaction.
        issuer: Whose receipts; None where there is only one issuer.
        occasion: Who asks for it, and the day of the books.
        preview: Say it only.

    Source: docs/decisions/0026-payments-and-interest.md.
    """
    issuer = issuer_of(connection, issuer)
    store.lock(connection, issuer)
    items = {item.number: item for item in store.open_items(connection, issuer)}
    receipts = {receipt.number: receipt for receipt in store.receipts(connection, issuer) if receipt.left_oere}
    made, proposals = look_through(items, receipts, occasion)
    if not preview:
        made = _keep(connection, made, receipts, occasion)
    return what_came_of_it(issuer, made, proposals, receipts)


def look_through(
    items: dict[str, OpenItem], receipts: Mapping[int, Receipt], occasion: Occasion
) -> tuple[list[Match], dict[int, tuple[Proposal, ...]]]:
    """What nothing speaks against, not kept yet, and what each receipt may settle.

    Args:
        items: Number -> document; what the matches settle is taken off them.
        receipts: Those with something left, by number.
        occasion: Who asks, and the day of the books.
    """
    made: list[Match] = []
    for amounts in set_offs(items.values()):
        why = "kreditnota og dens bilag"
        made.append(_match({}, _amounts(items, amounts), occasion, How.AUTOMATIC, why))
        _settle(items, made[-1])
    proposals = propose(list(receipts.values()), list(items.values()))
    for receipt in receipts.values():
        for proposal in proposals[receipt.number]:
            if proposal.certain:
                made.append(_match_of(receipt, proposal, items, occasion))
                _settle(items, made[-1])
    return made, proposals


def what_came_of_it(
    issuer: MunicipalityCode,
    made: Sequence[Match],
    proposals: Mapping[int, tuple[Proposal, ...]],
    receipts: Mapping[int, Receipt],
) -> Matching:
    """Matches, suggestions for the receipts that they leave, and the receipts that nothing was found for."""
    used = {number for match in made for number in match.receipts}
    waiting = [receipt for receipt in receipts.values() if receipt.number not in used]
    return Matching(
        issuer=issuer,
        made=tuple(made),
        suggested={receipt.number: proposals[receipt.number] for receipt in waiting if proposals[receipt.number]},
        left=tuple(receipt for receipt in waiting if not proposals[receipt.number]),
        receipts=receipts,
    )


def _amounts(items: Mapping[str, OpenItem], amounts: Mapping[str, int]) -> list[tuple[OpenItem, int]]:
    return [(items[number], amount) for number, amount in amounts.items()]


def _match_of(
    receipt: Receipt,
    proposal: Proposal,
    items: Mapping[str, OpenItem],
    occasion: Occasion,
) -> Match:
    return _match(
        {receipt.number: receipt},
        _amounts(items, proposal.applications),
        occasion,
        How.AUTOMATIC,
        "; ".join(proposal.reasons),
    )


def _match(
    receipts: Mapping[int, Receipt],
    documents: Sequence[tuple[OpenItem, int]],
    occasion: Occasion,
    how: How,
    explanation: str,
) -> Match:
    """Documents, and of the one receipt as much as they are."""
    total = sum(amount for _, amount in documents)
    payers = sorted({item.subscriber for item, _ in documents})
    if len(payers) > 1:
        raise SeveralPayers(payers=[_name(code) for code in payers])
    used = dict.fromkeys(receipts, total)
    for number, amount in used.items():
        require_left(receipts[number], amount)
    dates = [receipt.value_date for receipt in receipts.values()] or [item.issue_date for item, _ in documents]
    return Match(
        number=0,
        issuer=documents[0][0].issuer,
        payer=payers[0],
        matched_on=occasion.as_of,
        effective_on=max(dates),
        how=how,
        explanation=explanation,
        actor=occasion.actor,
        receipts=used,
        documents=tuple(part for item, amount in documents for part in parts_of(item, amount)),
    )


def _settle(items: dict[str, OpenItem], match: Match) -> None:
    """Let what comes after see what a match settles."""
    for part in match.documents:
        item = items[part.number]
        key = (part.agreement, part.accounting_year)
        settled = {**item.settled, key: item.settled.get(key, 0) + part.amount_oere}
        items[part.number] = replace(item, settled=settled)


def _keep(
    connection: Connection,
    made: Sequence[Match],
    receipts: Mapping[int, Receipt],
    occasion: Occasion,
) -> list[Match]:
    """Number, write and book matches, and record them as one event."""
    if not made:
        return []
    numbers = store.reserve_matches(connection, len(made))
    kept = [replace(match, number=number) for number, match in zip(numbers, made, strict=True)]
    store.write_matches(connection, kept)
    accounts.book(connection, [voucher for match in kept for voucher in match_vouchers(match, receipts)])
    audit.record(
        connection,
        occasion,
        action="payment.matched",
        subject=kept[0].issuer,
        details={
            "matches": [
                {
                    "match": match.number,
                    "how": match.how.value,
                    "receipts": {str(number): amount for number, amount in match.receipts.items()},
                    "documents": _told(match),
                }
                for match in kept
            ],
        },
    )
    return kept


def _told(match: Match) -> dict[str, int]:
    told: dict[str, int] = {}
    for part in match.documents:
        told[part.number] = told.get(part.number, 0) + part.amount_oere
    return told


def match_by_hand(  # noqa: PLR0913 - an officer says these
    connection: Connection,
    issuer: MunicipalityCode | None,
    receipts: Mapping[int, int | None],
    documents: Mapping[str, int | None],
    occasion: Occasion,
    *,
    note: str = "",
) -> Match:
    """Settle documents with a receipt, documents with each other, or a receipt with its reversal.

    Args:
        connection: The transaction.
        issuer: Whose; None where there is only one issuer.
        receipts: Receipt -> øre of it without a sign; None for as much as it takes.
        documents: Number -> øre of it without a sign; None for as much as there is money for, the first first.
        occasion: Who settles.
        note: Why, in words.

    Raises:
        ReceiptUnknown, DocumentNotOpenable, NothingToMatch, OneReceiptAtATime, SeveralPayers, MoreThanIsOpen,
        MoreThanIsLeft, DoesNotSettle: nothing is changed.
    """
    issuer = issuer_of(connection, issuer)
    store.lock(connection, issuer)
    found = {receipt.number: receipt for receipt in store.receipts(connection, issuer, numbers=list(receipts))}
    for number in receipts:
        if number not in found:
            raise ReceiptUnknown(issuer=_name(issuer), number=number)
    items = {item.number: item for item in store.open_items(connection, issuer, numbers=list(documents))}
    for document in documents:
        if document not in items:
            raise DocumentNotOpenable(issuer=_name(issuer), number=document)
    if len(receipts) + len(documents) < 2:  # noqa: PLR2004 - what settles each other is at least two
        raise NothingToMatch
    if documents:
        match = _by_hand(_Asked(found, receipts, items, documents), occasion, note)
    else:
        match = _reversal(issuer, found, receipts, occasion, note)
    (kept,) = _keep(connection, [match], found, occasion)
    return kept


def _signed(amount: int | None, of: int) -> int | None:
    return None if amount is None else abs(amount) * (-1 if of < 0 else 1)


@dataclass(frozen=True)
class _Asked:
    """What an officer named, and what was found by it."""

    found: Mapping[int, Receipt]
    receipts: Mapping[int, int | None]
    items: Mapping[str, OpenItem]
    documents: Mapping[str, int | None]

    def money(self) -> int:
        """What there is of the one receipt."""
        left = 0
        for number, amount in self.receipts.items():
            said = _signed(amount, self.found[number].amount_oere)
            left = self.found[number].left_oere if said is None else said
            require_left(self.found[number], left)
        return left

    def taken(self, money: int) -> list[tuple[OpenItem, int]]:
        """What is taken of each document: as said, and of the others as much as the rest of the money settles."""
        amounts = {number: _signed(amount, self.items[number].open_oere) for number, amount in self.documents.items()}
        fixed = {number: amount for number, amount in amounts.items() if amount is not None}
        rest = {number: self.items[number].open_oere for number, amount in amounts.items() if amount is None}
        taken = fixed | fit(rest, money - sum(fixed.values()))
        return [(self.items[number], taken[number]) for number in self.documents if taken.get(number)]


def _by_hand(asked: _Asked, occasion: Occasion, note: str) -> Match:
    if len(asked.receipts) > 1:
        raise OneReceiptAtATime
    money = asked.money()
    taken = asked.taken(money)
    total = sum(amount for _, amount in taken)
    exact = any(amount is not None for amount in asked.receipts.values())
    if not taken or (asked.receipts and total == 0):
        raise NothingToMatch
    if (not asked.receipts and total) or (exact and total != money):
        raise DoesNotSettle(received_oere=money, settled_oere=total)
    return _match(asked.found, taken, occasion, How.MANUAL, note or "af en medarbejder")


def _reversal(
    issuer: MunicipalityCode,
    found: Mapping[int, Receipt],
    receipts: Mapping[int, int | None],
    occasion: Occasion,
    note: str,
) -> Match:
    """Receipts that settle each other: a payment and the bank's return of it."""
    amounts = {number: _signed(amount, found[number].amount_oere) for number, amount in receipts.items()}
    fixed = {number: amount for number, amount in amounts.items() if amount is not None}
    rest = {number: found[number].left_oere for number, amount in amounts.items() if amount is None}
    taken = fixed if not rest else fixed | fit(rest, -sum(fixed.values()))
    used = {number: taken[number] for number in receipts if taken.get(number)}
    for number, amount in used.items():
        require_left(found[number], amount)
    if not used or sum(used.values()) != 0:
        raise DoesNotSettle(received_oere=sum(used.values()), settled_oere=0)
    return Match(
        number=0,
        issuer=issuer,
        payer=None,
        matched_on=occasion.as_of,
        effective_on=max(found[number].value_date for number in used),
        how=How.MANUAL,
        explanation=note or "tilbageførsel",
        actor=occasion.actor,
        receipts=used,
        documents=(),
    )


def undo_match(connection: Connection, number: int, occasion: Occasion, *, reason: str) -> Match:
    """Take a match back by a counter entry; receipts and documents are as open as before it.

    Raises:
        ReasonMissing, MatchUnknown, MatchEnded, UndoLaterFirst.
    """
    if not reason.strip():
        raise ReasonMissing
    found = store.matches(connection, number=number)
    if not found:
        raise MatchUnknown(number=number)
    store.lock(connection, found[0].issuer)
    (match,) = store.matches(connection, number=number)
    if match.undoes is not None:
        raise MatchEnded(number=number, why=f"den ophæver selv udligning {match.undoes}")
    if match.undone_by is not None:
        raise MatchEnded(number=number, why=f"den er ophævet ved {match.undone_by}")
    later = store.later_matches(connection, match) if match.receipts else []
    if later:
        raise UndoLaterFirst(later=later[0])
    (counter,) = store.reserve_matches(connection, 1)
    undone = replace(
        match,
        number=counter,
        matched_on=occasion.as_of,
        how=How.UNDO,
        explanation=reason.strip(),
        actor=occasion.actor,
        receipts={receipt: -amount for receipt, amount in match.receipts.items()},
        documents=tuple(replace(part, amount_oere=-part.amount_oere) for part in match.documents),
        undoes=number,
    )
    store.write_matches(connection, [undone])
    accounts.book(connection, _counter_vouchers(connection, match, undone))
    audit.record(
        connection,
        occasion,
        action="payment.undone",
        subject=match.issuer,
        details={"match": number, "by": counter, "documents": _told(match), "reason": reason.strip()},
    )
    return undone


def _counter_vouchers(connection: Connection, match: Match, undone: Match) -> list[Voucher]:
    """What a match booked with the signs turned."""
    vouchers = []
    for agreement in [NO_AGREEMENT, *sorted({part.agreement for part in match.documents})]:
        booked = books.voucher_postings(connection, agreement, VoucherKind.PAYMENT, f"M{match.number}")
        postings = tuple(
            Posting(
                account=Account(row.account),
                amount_oere=-row.amount_oere,
                accounting_year=row.accounting_year,
                municipality=row.municipality,
                provider=row.provider,
                service=row.service,
                service_month=row.service_month and Month.of(row.service_month),
            )
            for row in booked
        )
        if postings:
            vouchers.append(
                Voucher(
                    agreement=agreement,
                    kind=VoucherKind.PAYMENT,
                    booked_on=undone.matched_on,
                    reference=f"M{undone.number}",
                    text=f"Ophævelse af udligning {match.number}",
                    postings=postings,
                    municipality=match.payer,
                ),
            )
    return vouchers


# Reading.


def list_receipts(connection: Connection, issuer: MunicipalityCode | None, *, only_left: bool = False) -> list[Receipt]:
    """The issuer's receipts, oldest first; or only those with something left."""
    issuer = issuer_of(connection, issuer)
    return [receipt for receipt in store.receipts(connection, issuer) if receipt.left_oere or not only_left]


def list_matches(connection: Connection, issuer: MunicipalityCode | None) -> list[Match]:
    """The issuer's matches in the order in which they were made."""
    return store.matches(connection, issuer_of(connection, issuer))


def open_report(
    connection: Connection,
    issuer: MunicipalityCode | None,
    as_of: date,
    of_municipality: MunicipalityCode | None = None,
) -> OpenReport:
    """What is open with an issuer on a day, by municipality and age.

    Args:
        connection: Where to read.
        issuer: Whose; None where there is only one issuer.
        as_of: What was issued, received and matched up to this day.
        of_municipality: Only this one.
    """
    issuer = issuer_of(connection, issuer)
    if of_municipality is not None:
        municipality(of_municipality)
    items = store.open_items(connection, issuer, as_of=as_of)
    receipts = store.receipts(connection, issuer, as_of=as_of)
    on_account: dict[MunicipalityCode | None, int] = {}
    for receipt in receipts:
        on_account[receipt.holder] = on_account.get(receipt.holder, 0) + receipt.left_oere
    codes = {item.subscriber for item in items if item.open_oere}
    codes |= {code for code, amount in on_account.items() if code and amount}
    wanted = sorted(codes, key=lambda code: danish_order(_name(code)))
    return OpenReport(
        issuer=issuer,
        as_of=as_of,
        standings=tuple(
            standing_of(
                issuer, code, (item for item in items if item.subscriber == code), on_account.get(code, 0), as_of
            )
            for code in wanted
            if of_municipality in {None, code}
        ),
        unknown_oere=on_account.get(None, 0),
    )


def settles(match: Match) -> str:
    """What a match settles, in words."""
    return in_words(_told(match))
