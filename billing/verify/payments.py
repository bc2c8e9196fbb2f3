"""Payments and late interest: bank entries once, nothing settled beyond its amount, open items equal to the books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from sqlalchemy import Connection, and_, func, select

from agreements.tables import agreement
from billing.accounts.facts import Account, VoucherKind
from billing.accounts.tables import posting, voucher
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import claim, invoice, invoice_line
from billing.payment import store
from billing.payment.facts import How
from billing.payment.rules import NO_AGREEMENT
from billing.payment.tables import interest_line, interest_period, receipt
from billing.verify.words import name_of
from foundation.money import kroner


def bank_entries_once(connection: Connection) -> Iterator[str]:
    """Each bank entry is here once and booked once, with its amount, on its issuer's bank."""
    twice = (
        select(receipt.c.account, receipt.c.entry_key, func.count().label("times"))
        .group_by(receipt.c.account, receipt.c.entry_key)
        .having(func.count() > 1)
    )
    for row in connection.execute(twice):
        yield f"konto {row.account}: den samme bankpost er her {row.times} gange"
    owners = (
        select(receipt.c.account, func.count(receipt.c.issuer.distinct()).label("owners"))
        .group_by(receipt.c.account)
        .having(func.count(receipt.c.issuer.distinct()) > 1)
    )
    for row in connection.execute(owners):
        yield f"konto {row.account} er indlæst for flere udstedere"
    booked: dict[str, list[tuple[str | None, int]]] = defaultdict(list)
    rows = connection.execute(
        select(voucher.c.reference, posting.c.provider, posting.c.amount_oere)
        .join(posting, posting.c.voucher_id == voucher.c.id)
        .where(
            voucher.c.kind == VoucherKind.PAYMENT.value,
            voucher.c.agreement == NO_AGREEMENT,
            voucher.c.reference.like("R%"),
            posting.c.account == Account.BANK.value,
        ),
    )
    for row in rows:
        booked[row.reference].append((row.provider, row.amount_oere))
    there = {f"R{each.number}": each for each in store.receipts(connection)}
    for reference, each in there.items():
        if booked.get(reference) != [(each.issuer, each.amount_oere)]:
            yield f"indbetaling {each.number} på {kroner(each.amount_oere)} er ikke bogført med sit beløb"
    for reference in sorted(set(booked) - set(there)):
        yield f"bilag {reference} er bogført, men der er ingen sådan indbetaling"


def settled_within(connection: Connection) -> Iterator[str]:
    """No receipt and no document is used for more than its amount; what a match takes of both is the same."""
    for each in store.receipts(connection):
        if not _within(each.applied_oere, each.amount_oere):
            yield (f"indbetaling {each.number} på {kroner(each.amount_oere)} er brugt til {kroner(each.applied_oere)}")
    for issuer in _issuers(connection):
        for item in store.open_items(connection, issuer):
            for key, amount in item.pieces.items():
                if not _within(item.settled.get(key, 0), amount):
                    yield f"{item.number} på {kroner(amount)} er udlignet med {kroner(item.settled.get(key, 0))}"
            for key in sorted(set(item.settled) - set(item.pieces)):
                yield f"{item.number} er udlignet i {key[0]} {key[1]}, hvor det ikke kræver noget"
    yield from _matches_that_differ(connection)


def _matches_that_differ(connection: Connection) -> Iterator[str]:
    """A match takes as much of receipts as of documents, and a counter entry all of what it takes back."""
    by_number = {match.number: match for match in store.matches(connection)}
    for match in by_number.values():
        received = sum(match.receipts.values())
        settled = sum(part.amount_oere for part in match.documents)
        if received != settled:
            yield f"udligning {match.number}: indbetalt {kroner(received)}, men udlignet {kroner(settled)}"
        undone = by_number.get(match.undoes) if match.undoes else None
        if (match.how is How.UNDO) != (undone is not None):
            yield f"udligning {match.number} ophæver ingen"
        elif undone is not None and (
            {number: -amount for number, amount in match.receipts.items()} != dict(undone.receipts)
            or [-part.amount_oere for part in match.documents] != [part.amount_oere for part in undone.documents]
        ):
            yield f"udligning {match.number} ophæver ikke udligning {undone.number} helt"


def _within(used: int, amount: int) -> bool:
    return min(0, amount) <= used <= max(0, amount)


def _issuers(connection: Connection) -> list[str]:
    return sorted(set(connection.execute(select(invoice.c.issuer).distinct()).scalars()))


def open_items_equal_books(connection: Connection) -> Iterator[str]:
    """What is open of documents is the receivable, what is left of receipts is on account, the rest is the bank's."""
    open_oere: dict[tuple[str, str], int] = defaultdict(int)
    for issuer in _issuers(connection):
        for item in store.open_items(connection, issuer):
            for (code, _), amount in item.open_pieces.items():
                open_oere[code, item.subscriber] += amount
    booked = {
        (row.agreement, row.municipality): int(row.total)
        for row in connection.execute(
            select(posting.c.agreement, posting.c.municipality, func.sum(posting.c.amount_oere).label("total"))
            .where(posting.c.account == Account.RECEIVABLE.value)
            .group_by(posting.c.agreement, posting.c.municipality),
        )
    }
    for code, who in sorted(set(open_oere) | set(booked)):
        if open_oere[code, who] != booked.get((code, who), 0):
            yield (
                f"{code}: {name_of(who)} har {kroner(open_oere[code, who])} åbent, men tilgodehavendet er "
                f"{kroner(booked.get((code, who), 0))}"
            )
    yield from _on_account(connection)
    yield from _in_the_bank(connection)


def _on_account(connection: Connection) -> Iterator[str]:
    left: dict[tuple[str, str], int] = defaultdict(int)
    for each in store.receipts(connection):
        left[each.issuer, each.holder or ""] += each.left_oere
    booked = {
        (row.provider, row.municipality or ""): -int(row.total)
        for row in connection.execute(
            select(posting.c.provider, posting.c.municipality, func.sum(posting.c.amount_oere).label("total"))
            .where(posting.c.account == Account.ON_ACCOUNT.value)
            .group_by(posting.c.provider, posting.c.municipality),
        )
    }
    for issuer, who in sorted(set(left) | set(booked)):
        if left[issuer, who] != booked.get((issuer, who), 0):
            yield (
                f"{name_of(issuer)}: {kroner(left[issuer, who])} fra {name_of(who) if who else 'ukendte'} er ikke "
                f"brugt, men kontoen siger {kroner(booked.get((issuer, who), 0))}"
            )


def _in_the_bank(connection: Connection) -> Iterator[str]:
    received: dict[str, int] = defaultdict(int)
    for each in store.receipts(connection):
        received[each.issuer] += each.amount_oere
    booked = {
        row.provider: int(row.total)
        for row in connection.execute(
            select(posting.c.provider, func.sum(posting.c.amount_oere).label("total"))
            .where(posting.c.account == Account.BANK.value)
            .group_by(posting.c.provider),
        )
    }
    for issuer in sorted(set(received) | set(booked)):
        if received[issuer] != booked.get(issuer, 0):
            yield (
                f"{name_of(issuer)}: banken har modtaget {kroner(received[issuer])}, men kontoen siger "
                f"{kroner(booked.get(issuer, 0))}"
            )


def interest_once(connection: Connection) -> Iterator[str]:
    """Interest of the same days of a document is billed once, and each line is its base, rate and days."""
    standing = (
        select(interest_period, invoice.c.number)
        .join(invoice, invoice.c.id == interest_period.c.principal_id)
        .join(
            claim,
            and_(
                claim.c.invoice_id == interest_period.c.interest_id,
                claim.c.agreement == interest_period.c.agreement,
                claim.c.released_by.is_(None),
            ),
        )
        .order_by(interest_period.c.principal_id, interest_period.c.agreement, interest_period.c.sequence)
    )
    ends: dict[tuple[int, str], date] = {}
    for row in connection.execute(standing):
        key = (row.principal_id, row.agreement)
        last = ends.get(key)
        if last is not None and row.from_day < last:
            yield f"renten af {row.number} er opkrævet to gange for dagene fra {row.from_day:%d.%m.%Y}"
        ends[key] = row.to_day
    yield from _lines_that_differ(connection)
    in_books = (
        select(
            invoice.c.number,
            invoice.c.amount_oere,
            func.coalesce(func.sum(posting.c.amount_oere), 0).label("booked"),
        )
        .join(
            voucher,
            and_(
                voucher.c.reference == invoice.c.number,
                voucher.c.kind.in_([VoucherKind.INVOICE.value, VoucherKind.CREDIT.value]),
            ),
        )
        .join(agreement, and_(agreement.c.code == voucher.c.agreement, agreement.c.issuer == invoice.c.issuer))
        .outerjoin(posting, and_(posting.c.voucher_id == voucher.c.id, posting.c.account == Account.INTEREST.value))
        .where(invoice.c.kind == ClaimKind.INTEREST.value)
        .group_by(invoice.c.id, invoice.c.number, invoice.c.amount_oere)
        .having(func.coalesce(func.sum(posting.c.amount_oere), 0) != -invoice.c.amount_oere)
    )
    for row in connection.execute(in_books):
        yield f"{row.number} er rente for {kroner(row.amount_oere)}, men rentekontoen siger {kroner(-int(row.booked))}"


def _lines_that_differ(connection: Connection) -> Iterator[str]:
    """A line is its days' interest to less than two øre: a document is rounded once, not line by line.

    A line of a document of several agreements is its agreement's part only, so it is less.
    """
    parts: dict[int, int] = {
        row.principal_id: int(row.parts)
        for row in connection.execute(
            select(
                interest_period.c.principal_id,
                func.count(interest_period.c.agreement.distinct()).label("parts"),
            ).group_by(interest_period.c.principal_id),
        )
    }
    rows = connection.execute(
        select(interest_line, invoice_line.c.amount_oere, invoice.c.number)
        .join(
            invoice_line,
            and_(
                invoice_line.c.invoice_id == interest_line.c.invoice_id,
                invoice_line.c.position == interest_line.c.position,
            ),
        )
        .join(invoice, invoice.c.id == interest_line.c.invoice_id),
    )
    for row in rows:
        per_cent, scale = _ratio(row.rate)
        numerator = row.base_oere * per_cent * row.days
        denominator = scale * 100 * row.days_in_year
        if parts.get(row.principal_id, 1) == 1 and abs(row.amount_oere * denominator - numerator) >= 2 * denominator:
            yield f"{row.number}, linje {row.position}: renten er ikke grundlag, sats og dage"


def _ratio(rate: str) -> tuple[int, int]:
    whole, _, decimals = rate.partition(".")
    return int(whole + decimals), 10 ** len(decimals)
