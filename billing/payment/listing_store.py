"""Receipts, matches and open documents a part at a time, by place; and what is open, summed where the rows are.

A page that lists some of a hundred thousand rows reads those and no others; what it says of all of them is summed by
the database, by the same definitions as in ``store``, with which the tests compare it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    Connection,
    ScalarSelect,
    Subquery,
    func,
    literal,
    select,
    tuple_,
)

from agreements.agreement import MunicipalityCode
from billing.invoice.tables import invoice
from billing.payment import store
from billing.payment.facts import Match, OpenItem, Receipt
from billing.payment.tables import payment_match, payment_match_document, payment_match_receipt, receipt

PlaceInList = tuple[str, int]  # the day that is sorted by, and the row's number


@dataclass(frozen=True, slots=True)
class ReceiptPart:
    """Some receipts, the newest first.

    Attributes:
        next_after: Where the following begin; None at the end.
    """

    receipts: tuple[Receipt, ...]
    next_after: PlaceInList | None


@dataclass(frozen=True, slots=True)
class MatchPart:
    """Some matches, the newest first.

    Attributes:
        next_before: The number before which the following are; None at the end.
    """

    matches: tuple[Match, ...]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class OpenPart:
    """Some documents of which something is open, the first due first.

    Attributes:
        next_after: Where the following begin; None at the end.
    """

    items: tuple[OpenItem, ...]
    next_after: PlaceInList | None


# Receipts.


def _applied(as_of: date | None = None) -> ScalarSelect[Any]:
    """What of a receipt settles something, by its matches and their counter entries."""
    query = select(func.coalesce(func.sum(payment_match_receipt.c.amount_oere), 0)).where(
        payment_match_receipt.c.receipt_id == receipt.c.id
    )
    if as_of is not None:
        query = query.join(payment_match, payment_match.c.id == payment_match_receipt.c.match_id).where(
            payment_match.c.matched_on <= as_of
        )
    return query.correlate(receipt).scalar_subquery()


def receipts_left(connection: Connection, issuer: MunicipalityCode) -> tuple[int, int]:
    """(how many receipts have something left, what they have left together in øre)."""
    left = select((receipt.c.amount_oere - _applied()).label("left_oere")).where(receipt.c.issuer == issuer).subquery()
    count, oere = connection.execute(
        select(func.count(), func.coalesce(func.sum(left.c.left_oere), 0)).where(left.c.left_oere != 0)
    ).one()
    return int(count), int(oere)


def receipts_part(  # noqa: PLR0913 - whose, which, from where, how many
    connection: Connection,
    issuer: MunicipalityCode,
    *,
    size: int,
    left: bool | None = None,
    after: PlaceInList | None = None,
    oldest_first: bool = False,
) -> ReceiptPart:
    """Some of an issuer's receipts by value date, with what they have settled.

    Args:
        connection: Where to read.
        issuer: Whose.
        size: How many at most.
        left: Only those that have something left, or only those that have nothing; None for all.
        after: Where an earlier part ended.
        oldest_first: The other way round.
    """
    query = select(receipt.c.id, receipt.c.value_date).where(receipt.c.issuer == issuer)
    if left is not None:
        query = query.where(receipt.c.amount_oere != _applied() if left else receipt.c.amount_oere == _applied())
    key = (receipt.c.value_date, receipt.c.id)
    if after is not None:
        place, end = tuple_(*key), tuple_(literal(date.fromisoformat(after[0])), literal(after[1], receipt.c.id.type))
        query = query.where(place > end if oldest_first else place < end)
    order = key if oldest_first else tuple(column.desc() for column in key)
    rows = connection.execute(query.order_by(*order).limit(size + 1)).all()
    shown = rows[:size]
    listed = store.receipts(connection, numbers=[row.id for row in shown]) if shown else []
    found = {each.number: each for each in listed}
    last = (shown[-1].value_date.isoformat(), shown[-1].id) if len(rows) > size else None
    return ReceiptPart(tuple(found[row.id] for row in shown), last)


def on_account_by_holder(
    connection: Connection, issuer: MunicipalityCode, as_of: date
) -> dict[MunicipalityCode | None, int]:
    """What was received and settles nothing on a day, by whose it is: the payer, or who was found to be it by a match.

    None is nobody that is known; nobody whose receipts are all used is named.
    """
    undoing = payment_match.alias("undoing")
    holder = (
        select(payment_match.c.payer)
        .join(payment_match_receipt, payment_match_receipt.c.match_id == payment_match.c.id)
        .where(
            payment_match_receipt.c.receipt_id == receipt.c.id,
            # Not IS NULL, which SQLite would look up among all matches before it looks at the receipt.
            func.coalesce(payment_match.c.undoes, 0) == 0,
            payment_match.c.payer.is_not(None),
            payment_match.c.matched_on <= as_of,
            ~select(undoing.c.id)
            .where(undoing.c.undoes == payment_match.c.id, undoing.c.matched_on <= as_of)
            .correlate(payment_match)
            .exists(),
        )
        .order_by(payment_match_receipt.c.match_id.desc())
        .limit(1)
        .correlate(receipt)
        .scalar_subquery()
    )
    of_each = (
        select(
            func.coalesce(holder, receipt.c.payer).label("holder"),
            (receipt.c.amount_oere - _applied(as_of)).label("left_oere"),
        )
        .where(receipt.c.issuer == issuer, receipt.c.booked_on <= as_of, receipt.c.amount_oere != _applied(as_of))
        .subquery()
    )
    rows = connection.execute(
        select(of_each.c.holder, func.sum(of_each.c.left_oere).label("left_oere")).group_by(of_each.c.holder)
    )
    return {row.holder: int(row.left_oere) for row in rows}


# Matches.


def matches_part(
    connection: Connection, issuer: MunicipalityCode, *, size: int, before: int | None = None
) -> MatchPart:
    """Some of an issuer's matches, counter entries among them, the newest first.

    Args:
        connection: Where to read.
        issuer: Whose.
        size: How many at most.
        before: Only those with a lower number.
    """
    query = select(payment_match.c.id).where(payment_match.c.issuer == issuer)
    if before is not None:
        query = query.where(payment_match.c.id < before)
    numbers = list(connection.execute(query.order_by(payment_match.c.id.desc()).limit(size + 1)).scalars())
    shown = numbers[:size]
    found = store.matches(connection, issuer, numbers=shown) if shown else []
    return MatchPart(tuple(reversed(found)), shown[-1] if len(numbers) > size else None)


# What is open.


def _open(issuer: MunicipalityCode, as_of: date) -> Subquery:
    """Every document that asks for money on a day, with what of it is open: what it asks for, less what settles it."""
    settled = (
        select(func.coalesce(func.sum(payment_match_document.c.amount_oere), 0))
        .join(payment_match, payment_match.c.id == payment_match_document.c.match_id)
        .where(payment_match_document.c.invoice_id == invoice.c.id, payment_match.c.matched_on <= as_of)
        .correlate(invoice)
        .scalar_subquery()
    )
    return (
        select(
            invoice.c.id,
            invoice.c.number,
            invoice.c.subscriber,
            invoice.c.due_date,
            (invoice.c.amount_oere - settled).label("open_oere"),
        )
        .where(invoice.c.issuer == issuer, invoice.c.internal.is_(False), invoice.c.issue_date <= as_of)
        .subquery()
    )


def open_by_payer(
    connection: Connection, issuer: MunicipalityCode, as_of: date
) -> dict[MunicipalityCode, dict[date, int]]:
    """Payer -> due date -> what is open of the documents that fell due then; nobody who has nothing open."""
    open_ = _open(issuer, as_of)
    found: dict[MunicipalityCode, dict[date, int]] = defaultdict(dict)
    rows = connection.execute(
        select(open_.c.subscriber, open_.c.due_date, func.sum(open_.c.open_oere).label("open_oere"))
        .where(open_.c.open_oere != 0)
        .group_by(open_.c.subscriber, open_.c.due_date)
    )
    for row in rows:
        found[row.subscriber][row.due_date] = int(row.open_oere)
    return dict(found)


def open_part(  # noqa: PLR0913 - whose, with whom, from where, how many
    connection: Connection,
    issuer: MunicipalityCode,
    subscriber: MunicipalityCode,
    as_of: date,
    *,
    size: int,
    after: PlaceInList | None = None,
) -> OpenPart:
    """Some of the documents that one municipality has open, the first due first.

    Args:
        connection: Where to read.
        issuer: Whose documents.
        subscriber: On whom.
        as_of: Issued and settled up to this day.
        size: How many at most.
        after: Where an earlier part ended.
    """
    open_ = _open(issuer, as_of)
    key = (open_.c.due_date, open_.c.id)
    query = (
        select(open_.c.id, open_.c.number, open_.c.due_date)
        .where(open_.c.open_oere != 0, open_.c.subscriber == subscriber)
        .order_by(*key)
        .limit(size + 1)
    )
    if after is not None:
        end = tuple_(literal(date.fromisoformat(after[0])), literal(after[1], invoice.c.id.type))
        query = query.where(tuple_(*key) > end)
    rows = connection.execute(query).all()
    shown = rows[:size]
    items = store.open_items(connection, issuer, numbers=[row.number for row in shown], as_of=as_of) if shown else []
    last = (shown[-1].due_date.isoformat(), shown[-1].id) if len(rows) > size else None
    return OpenPart(tuple(items), last)


def open_near(  # noqa: PLR0913 - whose, and the three ways to be meant by a receipt
    connection: Connection,
    issuer: MunicipalityCode,
    as_of: date,
    *,
    numbers: Collection[str],
    payers: Collection[MunicipalityCode],
    amounts: Collection[int],
    of_each: int,
    most: int,
) -> list[OpenItem]:
    """The documents that some receipts may be meant for: named, of an amount, or the first due of a payer.

    Args:
        connection: Where to read.
        issuer: Whose documents.
        as_of: Issued and settled up to this day.
        numbers: These, also where they are settled.
        payers: Documents of these, the first due of each.
        amounts: Documents of which just so much is open, whosesoever.
        of_each: So many of a payer at most.
        most: So many of all payers, and so many of an amount, at most.
    """
    open_ = _open(issuer, as_of)
    order = (open_.c.due_date, open_.c.id)
    found = set(numbers)
    if payers:
        place = func.row_number().over(partition_by=open_.c.subscriber, order_by=order).label("place")
        listed = (
            select(open_.c.number, place)
            .where(open_.c.open_oere != 0, open_.c.subscriber.in_(sorted(payers)))
            .subquery()
        )
        query = select(listed.c.number).where(listed.c.place <= of_each).order_by(listed.c.place).limit(most)
        found |= set(connection.execute(query).scalars())
    if amounts:
        alike = select(open_.c.number).where(open_.c.open_oere.in_(sorted(amounts)), open_.c.open_oere != 0)
        found |= set(connection.execute(alike.order_by(*order).limit(most)).scalars())
    return store.open_items(connection, issuer, numbers=sorted(found), as_of=as_of) if found else []
