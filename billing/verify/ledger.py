"""Vouchers, what they say of documents, and what lies between the providers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, and_, case, func, or_, select

from billing.accounts.facts import Account, VoucherKind
from billing.accounts.tables import posting, voucher
from billing.invoice.tables import invoice, invoice_line
from billing.verify.documents import is_credit
from billing.verify.words import name_of
from foundation.money import kroner

# What is billed as a provider's own, by provider and year.
OWN_ACCOUNTS = [
    Account.ACONTO.value,
    Account.RESULT.value,
    Account.CASE.value,
    Account.SURPLUS_CAPACITY.value,
    Account.NET_ASSETS.value,
]


def vouchers_balance(connection: Connection) -> Iterator[str]:
    """Every voucher sums to zero."""
    sums = (
        select(voucher.c.reference, voucher.c.kind, func.coalesce(func.sum(posting.c.amount_oere), 0).label("total"))
        .outerjoin(posting, posting.c.voucher_id == voucher.c.id)
        .group_by(voucher.c.id, voucher.c.reference, voucher.c.kind)
        .having(func.coalesce(func.sum(posting.c.amount_oere), 0) != 0)
    )
    for row in connection.execute(sums):
        yield f"bilag {row.reference} ({row.kind}) summer til {kroner(int(row.total))} i stedet for nul"


def ledger_equals_invoices(connection: Connection) -> Iterator[str]:
    """Each document's lines sum to it, and its voucher books just that on the payer."""
    yield from _lines_that_miss(connection)
    of_agreement = (
        select(
            invoice.c.number,
            invoice_line.c.agreement,
            case((is_credit(), VoucherKind.CREDIT.value), else_=VoucherKind.INVOICE.value).label("kind"),
            func.sum(invoice_line.c.amount_oere).label("total"),
        )
        .join(invoice_line, invoice_line.c.invoice_id == invoice.c.id)
        .group_by(invoice.c.id, invoice.c.number, invoice_line.c.agreement, invoice.c.credits_id)
        .subquery()
    )
    booked = (
        select(
            voucher.c.agreement,
            voucher.c.reference,
            voucher.c.kind,
            func.sum(
                case(
                    (
                        posting.c.account.in_([Account.RECEIVABLE.value, Account.OWN_SHARE.value]),
                        posting.c.amount_oere,
                    ),
                    else_=0,
                ),
            ).label("total"),
        )
        .join(posting, posting.c.voucher_id == voucher.c.id)
        .where(voucher.c.kind.in_([VoucherKind.INVOICE.value, VoucherKind.CREDIT.value]))
        .group_by(voucher.c.id, voucher.c.agreement, voucher.c.reference, voucher.c.kind)
        .subquery()
    )
    of_the_same = and_(
        booked.c.agreement == of_agreement.c.agreement,
        booked.c.reference == of_agreement.c.number,
        booked.c.kind == of_agreement.c.kind,
    )
    rows = connection.execute(
        select(of_agreement.c.number, of_agreement.c.total, booked.c.total.label("booked"))
        .join(booked, of_the_same, isouter=True)
        .where(or_(booked.c.total.is_(None), booked.c.total != of_agreement.c.total)),
    )
    for row in rows:
        if row.booked is None:
            yield f"{row.number} er ikke bogført"
        else:
            yield f"{row.number} lyder på {kroner(int(row.total))}, men er bogført med {kroner(int(row.booked))}"
    unissued = connection.execute(
        select(booked.c.reference)
        .join(
            of_agreement,
            and_(of_agreement.c.agreement == booked.c.agreement, of_agreement.c.number == booked.c.reference),
            isouter=True,
        )
        .where(of_agreement.c.number.is_(None)),
    )
    for row in unissued:
        yield f"bilag {row.reference} er bogført, men ikke udstedt"
    yield from _pieces_that_differ(connection)
    balances = connection.execute(
        select(posting.c.municipality, func.sum(posting.c.amount_oere).label("total"))
        .join(voucher, voucher.c.id == posting.c.voucher_id)
        # What was paid of it is compared by billing/verify/payments.py.
        .where(
            posting.c.account.in_([Account.RECEIVABLE.value, Account.OWN_SHARE.value]),
            voucher.c.kind != VoucherKind.PAYMENT.value,
        )
        .group_by(posting.c.municipality),
    )
    owed = {row.municipality: int(row.total) for row in balances}
    billed = {
        row.subscriber: int(row.total)
        for row in connection.execute(
            select(invoice.c.subscriber, func.sum(invoice.c.amount_oere).label("total")).group_by(invoice.c.subscriber),
        )
    }
    for code in sorted(set(owed) | set(billed)):
        if owed.get(code, 0) != billed.get(code, 0):
            yield (f"{name_of(code)}: kontoen er {kroner(owed.get(code, 0))}, bilagene {kroner(billed.get(code, 0))}")


def _lines_that_miss(connection: Connection) -> Iterator[str]:
    """Each document's lines sum to it."""
    lines = (
        select(invoice_line.c.invoice_id, func.sum(invoice_line.c.amount_oere).label("total"))
        .group_by(invoice_line.c.invoice_id)
        .subquery()
    )
    rows = connection.execute(
        select(invoice.c.number, invoice.c.amount_oere)
        .join(lines, lines.c.invoice_id == invoice.c.id, isouter=True)
        .where(or_(lines.c.total.is_(None), lines.c.total != invoice.c.amount_oere)),
    )
    for row in rows:
        yield f"linjerne på {row.number} summer ikke til {kroner(row.amount_oere)}"


def _pieces_that_differ(connection: Connection) -> Iterator[str]:
    """Each provider's lines on a document are what its voucher books as that provider's, year by year."""
    asked: dict[tuple[str, str], dict[tuple[str, int], int]] = defaultdict(lambda: defaultdict(int))
    lines = connection.execute(
        select(
            invoice_line.c.agreement,
            invoice.c.number,
            invoice_line.c.provider,
            invoice_line.c.accounting_year,
            func.sum(invoice_line.c.amount_oere).label("total"),
        )
        .join(invoice_line, invoice_line.c.invoice_id == invoice.c.id)
        .group_by(invoice_line.c.agreement, invoice.c.number, invoice_line.c.provider, invoice_line.c.accounting_year),
    )
    for row in lines:
        asked[row.agreement, row.number][row.provider, row.accounting_year] += int(row.total)
    booked: dict[tuple[str, str], dict[tuple[str, int], int]] = defaultdict(lambda: defaultdict(int))
    postings = connection.execute(
        select(
            voucher.c.agreement,
            voucher.c.reference,
            posting.c.provider,
            posting.c.accounting_year,
            func.sum(posting.c.amount_oere).label("total"),
        )
        .join(posting, posting.c.voucher_id == voucher.c.id)
        .where(
            voucher.c.kind.in_([VoucherKind.INVOICE.value, VoucherKind.CREDIT.value]),
            posting.c.account.in_(OWN_ACCOUNTS),
        )
        .group_by(voucher.c.agreement, voucher.c.reference, posting.c.provider, posting.c.accounting_year),
    )
    for row in postings:
        booked[row.agreement, row.reference][row.provider, row.accounting_year] -= int(row.total)
    for key in sorted(set(asked) & set(booked)):
        if _without_zeros(asked[key]) != _without_zeros(booked[key]):
            yield f"{key[1]}: linjerne pr. ydelsesleverandør er ikke dem, der er bogført"


def _without_zeros(amounts: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], int]:
    return {key: amount for key, amount in amounts.items() if amount}


def _entitlements_that_differ(connection: Connection) -> Iterator[str]:
    """In an invoice's voucher each provider is entitled to just what is billed as its own."""
    own = posting.c.account.in_(OWN_ACCOUNTS)
    entitled = and_(posting.c.account == Account.CLEARING.value, posting.c.municipality.is_(None))
    rows = connection.execute(
        select(voucher.c.reference, posting.c.provider)
        .join(posting, posting.c.voucher_id == voucher.c.id)
        .where(voucher.c.kind.in_([VoucherKind.INVOICE.value, VoucherKind.CREDIT.value]), or_(own, entitled))
        .group_by(voucher.c.id, voucher.c.reference, posting.c.provider)
        .having(
            func.sum(case((own, posting.c.amount_oere), else_=0))
            != func.sum(case((entitled, posting.c.amount_oere), else_=0)),
        )
        .order_by(voucher.c.id),
    )
    for row in rows:
        yield f"bilag {row.reference}: {name_of(row.provider)} er ikke berettiget til det, der er opkrævet for den"


def clearing_is_zero(connection: Connection) -> Iterator[str]:
    """What the providers have between them sums to zero, in every voucher and per agreement and year."""
    of_clearing = posting.c.account == Account.CLEARING.value
    by_voucher = (
        select(voucher.c.reference, func.sum(posting.c.amount_oere).label("total"))
        .join(posting, posting.c.voucher_id == voucher.c.id)
        .where(of_clearing)
        .group_by(voucher.c.id, voucher.c.reference)
        .having(func.sum(posting.c.amount_oere) != 0)
    )
    for row in connection.execute(by_voucher):
        yield f"bilag {row.reference}: mellemregningen summer til {kroner(int(row.total))}"
    yield from _entitlements_that_differ(connection)
    by_year = (
        select(posting.c.agreement, posting.c.accounting_year, func.sum(posting.c.amount_oere).label("total"))
        .where(of_clearing)
        .group_by(posting.c.agreement, posting.c.accounting_year)
        .having(func.sum(posting.c.amount_oere) != 0)
    )
    for year in connection.execute(by_year):
        yield (
            f"{year.agreement} {year.accounting_year}: mellemregningen mellem udbyderne er {kroner(int(year.total))}, "
            f"ikke nul"
        )
