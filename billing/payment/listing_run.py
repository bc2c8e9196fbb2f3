"""What is open by payer and age, and what some receipts may settle, without reading all there is; never commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from agreements.agreement import MunicipalityCode
from agreements.municipality import MUNICIPALITIES, danish_order
from billing.payment import listing_store, run
from billing.payment.facts import Age, Matching, MentionKind, OpenReport, Receipt, Standing
from billing.payment.listing_store import PlaceInList
from billing.payment.matching_rules import MOST_ITEMS
from billing.payment.rules import age_of, number_of_reference
from foundation.audit import Occasion

RECEIPTS_TOGETHER = 25
MOST_DOCUMENTS = 200


def open_standings(connection: Connection, issuer: MunicipalityCode, occasion: Occasion) -> OpenReport:
    """What is open with an issuer on a day, by municipality and age: ``run.open_report`` without the documents.

    Args:
        connection: Where to read.
        issuer: Whose documents.
        occasion: The day: what was issued, received and matched up to it.
    """
    as_of = occasion.as_of
    open_ = listing_store.open_by_payer(connection, issuer, as_of)
    on_account = listing_store.on_account_by_holder(connection, issuer, as_of)
    codes = open_.keys() | {code for code, amount in on_account.items() if code and amount}
    standings = []
    for code in sorted(codes, key=lambda code: danish_order(_name(code))):
        ages = dict.fromkeys(Age, 0)
        for due_date, amount in open_.get(code, {}).items():
            ages[age_of(due_date, as_of)] += amount
        standings.append(Standing(issuer, code, (), ages, on_account.get(code, 0)))
    return OpenReport(issuer, as_of, tuple(standings), on_account.get(None, 0))


def _name(code: MunicipalityCode) -> str:
    found = MUNICIPALITIES.get(code)
    return found.official_name if found else code


@dataclass(frozen=True, slots=True)
class Suggested:
    """What some receipts may settle.

    Attributes:
        next_after: Where the following receipts begin; None at the end.
    """

    matching: Matching
    next_after: PlaceInList | None


def suggest(
    connection: Connection, issuer: MunicipalityCode, occasion: Occasion, after: PlaceInList | None = None
) -> Suggested:
    """What some receipts may settle, the oldest first; nothing is kept, and nobody is kept waiting.

    They are looked at by the rule by which ``run.match_receipts`` settles, beside each other and beside the documents
    that they may be meant for: those that they name, those of just their amount, and the first due of their payers.

    Args:
        connection: Where to read.
        issuer: Whose receipts.
        occasion: Who asks, and the day of the books.
        after: Where an earlier part ended.
    """
    part = listing_store.receipts_part(
        connection, issuer, size=RECEIPTS_TOGETHER, left=True, after=after, oldest_first=True
    )
    receipts = {each.number: each for each in part.receipts}
    near = listing_store.open_near(
        connection,
        issuer,
        occasion.as_of,
        numbers=_named(part.receipts),
        payers={each.holder for each in part.receipts if each.holder},
        amounts={each.left_oere for each in part.receipts},
        of_each=MOST_ITEMS + 1,
        most=MOST_DOCUMENTS,
    )
    made, proposals = run.look_through({item.number: item for item in near}, receipts, occasion)
    return Suggested(run.what_came_of_it(issuer, made, proposals, receipts), part.next_after)


def _named(receipts: Sequence[Receipt]) -> set[str]:
    found = set()
    for each in receipts:
        for mention in each.mentions:
            is_reference = mention.kind is MentionKind.REFERENCE
            number = number_of_reference(mention.value) if is_reference else mention.value
            if number:
                found.add(number)
    return found
