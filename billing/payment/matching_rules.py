"""Which documents a receipt settles: without asking where nothing else can be meant, else as scored suggestions; pure.

Two rounds. First the receipts that name documents, then those that only an amount and a payer tell of, so that no
amount takes a document that another receipt names. What was proposed as certain is settled for the receipts after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agreements.agreement import MunicipalityCode
from billing.payment.facts import Mention, MentionKind, OpenItem, Proposal, Receipt
from billing.payment.rules import parts_of, payment_reference
from foundation.money import kroner

MOST_SUGGESTIONS = 3
# Beyond so many open documents of a payer, or sums of them, a set that gives an amount is not looked for.
MOST_ITEMS = 30
MOST_SUMS = 5_000

HIGHEST_SCORE = 100
NAMED_BY_REFERENCE = 50
NAMED_BY_NUMBER = 45
RIGHT_AMOUNT = 30
RIGHT_PAYER = 20
OTHER_PAYER = -30
ONLY_ONE = 15
OLDEST_OF_SEVERAL = -10


@dataclass
class _Books:
    """What is open while receipts are gone through."""

    items: dict[str, OpenItem]
    open_oere: dict[str, int]
    by_reference: dict[str, str]
    by_payer: dict[MunicipalityCode, list[OpenItem]] = field(default_factory=dict)

    @classmethod
    def of(cls, items: Iterable[OpenItem]) -> _Books:
        listed = {item.number: item for item in sorted(items, key=lambda item: (item.due_date, item.number))}
        by_payer: dict[MunicipalityCode, list[OpenItem]] = defaultdict(list)
        for item in listed.values():
            by_payer[item.subscriber].append(item)
        return cls(
            items=listed,
            open_oere={number: item.open_oere for number, item in listed.items()},
            by_reference={payment_reference(number).lstrip("0"): number for number in listed},
            by_payer=dict(by_payer),
        )

    def open_of(self, payer: MunicipalityCode) -> list[OpenItem]:
        return [item for item in self.by_payer.get(payer, []) if self.open_oere[item.number]]

    def take(self, proposal: Proposal) -> None:
        for number, amount in proposal.applications.items():
            self.open_oere[number] -= amount

    def named(self, mentions: Iterable[Mention]) -> dict[str, Mention]:
        """The issuer's documents that a payment names, in its order."""
        found: dict[str, Mention] = {}
        for mention in mentions:
            is_reference = mention.kind is MentionKind.REFERENCE
            number = self.by_reference.get(mention.value.lstrip("0")) if is_reference else mention.value
            if number not in self.items:
                continue
            known = found.get(number)
            if known is None or (known.amount_oere is None and mention.amount_oere is not None):
                found[number] = mention
        return found


def propose(receipts: Sequence[Receipt], items: Sequence[OpenItem]) -> dict[int, tuple[Proposal, ...]]:
    """Say what each receipt may settle.

    Args:
        receipts: Those with something left, in the order in which they came in.
        items: All the issuer's documents; a settled one is still named by who pays it again.

    Returns:
        Receipt -> one certain proposal, or suggestions with the best first, or none. Certain proposals together take no
        more of a document than is open of it.

    Source: docs/decisions/0026-payments-and-interest.md.
    """
    books = _Books.of(items)
    found: dict[int, tuple[Proposal, ...]] = {}
    by_amount: list[Receipt] = []
    for receipt in receipts:
        named = books.named(receipt.mentions)
        if not named:
            by_amount.append(receipt)
            continue
        found[receipt.number] = _by_names(receipt, named, books)
    alike: dict[tuple[MunicipalityCode | None, int], int] = defaultdict(int)
    for receipt in by_amount:
        alike[receipt.holder, receipt.left_oere] += 1
    for receipt in by_amount:
        only_one = alike[receipt.holder, receipt.left_oere] == 1
        found[receipt.number] = _by_amount(receipt, books, only_one=only_one)
    return found


def _certain(books: _Books, proposal: Proposal) -> tuple[Proposal, ...]:
    books.take(proposal)
    return (proposal,)


# By what the payment names.


def _by_names(receipt: Receipt, named: Mapping[str, Mention], books: _Books) -> tuple[Proposal, ...]:
    payers = {books.items[number].subscriber for number in named}
    left = receipt.left_oere
    if len(payers) > 1:
        return _suggested(
            proposal
            for payer in sorted(payers)
            for proposal in _named_of(
                receipt, {n: m for n, m in named.items() if books.items[n].subscriber == payer}, books, payer
            )
        )
    (payer,) = payers
    same_direction = {number for number in named if books.open_oere[number] * left > 0}
    open_oere = {number: books.open_oere[number] for number in named if books.open_oere[number]}
    known_payer = receipt.holder == payer
    whole = sum(open_oere.values())
    by_reference = all(mention.kind is MentionKind.REFERENCE for mention in named.values())
    if same_direction and receipt.holder in {None, payer}:
        reasons = [_names(named), _payer_reason(receipt, payer)]
        said = {number: mention.amount_oere for number, mention in named.items()}
        if whole == left and (known_payer or by_reference or len(named) > 1):
            return _certain(
                books, _proposal(receipt, payer, open_oere, 100, [*reasons, "beløbet er præcis det åbne"], certain=True)
            )
        if known_payer and _amounts_fit(said, books, left):
            amounts = {number: amount or 0 for number, amount in said.items()}
            return _certain(
                books,
                _proposal(
                    receipt, payer, amounts, 95, [*reasons, "banken siger beløbet for hvert bilag"], certain=True
                ),
            )
        if known_payer and len(named) == 1:
            (number,) = named
            amount = min(abs(left), abs(open_oere[number])) * (1 if left > 0 else -1)
            words = "en del af det åbne" if abs(left) < abs(whole) else "mere end det åbne; resten står på kontoen"
            return _certain(
                books,
                _proposal(receipt, payer, {number: amount}, 90, [*reasons, f"beløbet er {words}"], certain=True),
            )
        if known_payer and len(same_direction) == len(open_oere) == len(named) and abs(left) > abs(whole):
            return _certain(
                books,
                _proposal(
                    receipt,
                    payer,
                    open_oere,
                    90,
                    [*reasons, "beløbet er mere end det åbne; resten står på kontoen"],
                    certain=True,
                ),
            )
    return _suggested(_named_of(receipt, named, books, payer))


def _amounts_fit(said: Mapping[str, int | None], books: _Books, left: int) -> bool:
    """Whether the bank's file says how much is for each document, and that is open and sums to the payment."""
    for number, amount in said.items():
        open_oere = books.open_oere[number]
        if not amount or not min(0, open_oere) <= amount <= max(0, open_oere):
            return False
    return sum(amount or 0 for amount in said.values()) == left


def _named_of(receipt: Receipt, named: Mapping[str, Mention], books: _Books, payer: MunicipalityCode) -> list[Proposal]:
    """Oldest first, as far as the payment goes; and what the amount alone would say."""
    applications = _oldest_first(receipt.left_oere, [books.items[number] for number in named], books)
    reasons = [_names(named), _payer_reason(receipt, payer)]
    references = any(mention.kind is MentionKind.REFERENCE for mention in named.values())
    score = (NAMED_BY_REFERENCE if references else NAMED_BY_NUMBER) + _payer_score(receipt, payer)
    proposals = []
    if applications:
        if sum(applications.values()) == receipt.left_oere:
            score += RIGHT_AMOUNT if len(applications) == len(named) else 0
            reasons.append("ældste bilag først")
        else:
            reasons.append("beløbet er mere end det åbne; resten står på kontoen")
        proposals.append(_proposal(receipt, payer, applications, score, reasons))
    else:
        settled = ", ".join(number for number in named if not books.open_oere[number])
        why = f"{settled} er betalt i forvejen" if settled else "bilaget går den anden vej"
        proposals += [
            _proposal(
                receipt,
                other.payer,
                other.applications,
                max(0, other.score - RIGHT_AMOUNT),
                [why, *other.reasons],
            )
            for other in _suggestions_by_amount(receipt, books, payer)
        ]
    return proposals


def _oldest_first(left: int, items: Sequence[OpenItem], books: _Books) -> dict[str, int]:
    applications: dict[str, int] = {}
    for item in sorted(items, key=lambda item: (item.due_date, item.number)):
        open_oere = books.open_oere[item.number]
        if open_oere * left <= 0:
            continue
        amount = open_oere if abs(open_oere) <= abs(left) else left
        applications[item.number] = amount
        left -= amount
    return applications


def _names(named: Mapping[str, Mention]) -> str:
    references = [number for number, mention in named.items() if mention.kind is MentionKind.REFERENCE]
    others = [number for number in named if number not in references]
    said = []
    if references:
        said.append(f"betalingsreferencen er for {', '.join(references)}")
    if others:
        said.append(f"teksten nævner {', '.join(others)}")
    return " og ".join(said)


def _payer_score(receipt: Receipt, payer: MunicipalityCode) -> int:
    if receipt.holder is None:
        return 0
    return RIGHT_PAYER if receipt.holder == payer else OTHER_PAYER


def _payer_reason(receipt: Receipt, payer: MunicipalityCode) -> str:
    if receipt.holder is None:
        return "betaleren er ikke kendt"
    return "betaleren er bilagets kommune" if receipt.holder == payer else "betaleren er en anden kommune"


# By the amount alone.


def _by_amount(receipt: Receipt, books: _Books, *, only_one: bool) -> tuple[Proposal, ...]:
    payer = receipt.holder
    if payer is None:
        return _suggested(_suggestions_of_anybody(receipt, books))
    sets = _sets_of(books.open_of(payer), receipt.left_oere, books)
    if only_one and sets is not None and len(sets) == 1 and _is_plausible(sets[0], receipt.left_oere, books):
        (numbers,) = sets
        applications = {number: books.open_oere[number] for number in numbers}
        words = "kun dette bilag" if len(numbers) == 1 else "kun disse bilag tilsammen"
        reasons = ["betaleren er bilagets kommune", f"{words} har beløbet"]
        return _certain(books, _proposal(receipt, payer, applications, 85, reasons, certain=True))
    return _suggested(_suggestions_by_amount(receipt, books, payer))


def _is_plausible(numbers: Sequence[str], left: int, books: _Books) -> bool:
    """One document, or all that the payer has open: a set picked out of many may sum to an amount by chance."""
    if len(numbers) == 1:
        return True
    payer = books.items[numbers[0]].subscriber
    return len(numbers) == len(books.open_of(payer)) and sum(books.open_oere[number] for number in numbers) == left


def _sets_of(items: Sequence[OpenItem], amount: int, books: _Books) -> list[tuple[str, ...]] | None:
    """The sets of open documents that sum to an amount, at most two of them; None where there are too many to try."""
    if len(items) > MOST_ITEMS:
        return None
    one_way = all(books.open_oere[item.number] * amount > 0 for item in items)
    # sum -> at most two sets that give it
    sums: dict[int, list[tuple[str, ...]]] = {0: [()]}
    for item in items:
        grown = {total: list(sets) for total, sets in sums.items()}
        for total, sets in sums.items():
            more = total + books.open_oere[item.number]
            if one_way and abs(more) > abs(amount):
                continue
            there = grown.setdefault(more, [])
            there.extend((*each, item.number) for each in sets[: 2 - len(there)])
        if len(grown) > MOST_SUMS:
            return None
        sums = grown
    return [numbers for numbers in sums.get(amount, []) if numbers]


def _suggestions_by_amount(receipt: Receipt, books: _Books, payer: MunicipalityCode) -> list[Proposal]:
    left = receipt.left_oere
    items = [item for item in books.open_of(payer) if books.open_oere[item.number] * left > 0]
    same = [item for item in items if books.open_oere[item.number] == left]
    score = RIGHT_AMOUNT + _payer_score(receipt, payer)
    reason = _payer_reason(receipt, payer)
    proposals = [
        _proposal(
            receipt,
            payer,
            {item.number: left},
            score + (ONLY_ONE if len(same) == 1 else OLDEST_OF_SEVERAL * min(place, 1)),
            [reason, "beløbet passer" if len(same) == 1 else f"beløbet passer på {len(same)} bilag"],
        )
        for place, item in enumerate(same)
    ]
    sets = _sets_of(books.open_of(payer), left, books) or []
    proposals += [
        _proposal(
            receipt,
            payer,
            {number: books.open_oere[number] for number in numbers},
            score,
            [reason, "bilagene har tilsammen beløbet"],
        )
        for numbers in sets
        if len(numbers) > 1
    ]
    if not proposals:
        oldest = _oldest_first(left, items, books)
        if oldest:
            words = "ældste bilag først; intet bilag har beløbet"
            proposals.append(_proposal(receipt, payer, oldest, _payer_score(receipt, payer), [reason, words]))
    return proposals


def _suggestions_of_anybody(receipt: Receipt, books: _Books) -> list[Proposal]:
    """Documents with just the amount, whosesoever."""
    same = [item for item in books.items.values() if books.open_oere[item.number] == receipt.left_oere]
    words = f"beløbet {kroner(receipt.left_oere)} passer"
    return [
        _proposal(
            receipt,
            item.subscriber,
            {item.number: receipt.left_oere},
            RIGHT_AMOUNT + (ONLY_ONE if len(same) == 1 else OLDEST_OF_SEVERAL),
            ["betaleren er ikke kendt", words if len(same) == 1 else f"{words} på {len(same)} bilag"],
        )
        for item in same
    ]


def _suggested(proposals: Iterable[Proposal]) -> tuple[Proposal, ...]:
    ordered = sorted(proposals, key=lambda proposal: (-proposal.score, tuple(proposal.applications)))
    return tuple(ordered[:MOST_SUGGESTIONS])


def _proposal(  # noqa: PLR0913 - what a proposal says
    receipt: Receipt,
    payer: MunicipalityCode,
    applications: Mapping[str, int],
    score: int,
    reasons: Sequence[str],
    *,
    certain: bool = False,
) -> Proposal:
    return Proposal(
        receipt=receipt.number,
        payer=payer,
        applications=dict(applications),
        score=max(0, min(HIGHEST_SCORE, score)),
        reasons=tuple(reasons),
        certain=certain,
    )


def set_offs(items: Iterable[OpenItem]) -> list[dict[str, int]]:
    """Documents that others take back, with those: nobody has to be asked about them.

    Returns:
        Number -> øre to settle; each sums to zero. What a credit note takes back more than is open stays open on it.

    Source: domain rules 7 and 14.
    """
    by_id = {item.invoice_id: item for item in items}
    open_oere = {number: item.open_oere for number, item in by_id.items()}
    found = []
    for item in sorted(by_id.values(), key=lambda item: item.invoice_id):
        for credited in item.credits:
            target = by_id.get(credited)
            if target is None or open_oere[item.invoice_id] * open_oere[credited] >= 0:
                continue
            size = min(abs(open_oere[item.invoice_id]), abs(open_oere[credited]))
            sign = 1 if open_oere[credited] > 0 else -1
            open_oere[credited] -= sign * size
            open_oere[item.invoice_id] += sign * size
            found.append({target.number: sign * size, item.number: -sign * size})
    return found


def less_credits(items: Iterable[OpenItem]) -> list[OpenItem]:
    """Documents as they stand once their credit notes are set off, whether or not that was booked yet."""
    found = {item.number: item for item in items}
    for amounts in set_offs(found.values()):
        for number, amount in amounts.items():
            item = found[number]
            settled = dict(item.settled)
            for part in parts_of(item, amount):
                key = (part.agreement, part.accounting_year)
                settled[key] = settled.get(key, 0) + part.amount_oere
            found[number] = replace(item, settled=settled)
    return list(found.values())
