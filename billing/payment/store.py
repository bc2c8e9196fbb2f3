"""Receipts, open items and matches in and out of the tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, and_, case, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from agreements.agreement import MunicipalityCode
from agreements.tables import agreement
from billing.accounts.facts import Account, VoucherKind
from billing.accounts.tables import posting, voucher
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import invoice, line_credit
from billing.payment.facts import (
    BankEntry,
    BankFileRow,
    ColumnMapping,
    DocumentPart,
    How,
    Match,
    Mention,
    MentionKind,
    OpenItem,
    PieceKey,
    Receipt,
)
from billing.payment.tables import (
    payment_match,
    payment_match_document,
    payment_match_receipt,
    receipt,
    receipt_columns,
    receipt_file,
)
from foundation.audit import Occasion
from foundation.database import hold, insert_rows, reserve_ids

LONGEST_NAME = 200
AT_A_TIME = 500


def lock(connection: Connection, issuer: MunicipalityCode) -> None:
    """Let one transaction at a time settle an issuer's documents."""
    hold(connection, f"payment {issuer}")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


# Columns of CSV files.


def read_columns(connection: Connection, issuer: MunicipalityCode) -> ColumnMapping:
    """What the issuer's columns are called; empty names where nobody said so."""
    row = connection.execute(
        select(receipt_columns.c.mapping)
        .where(receipt_columns.c.issuer == issuer)
        .order_by(receipt_columns.c.id.desc())
        .limit(1),
    ).scalar_one_or_none()
    return ColumnMapping(**json.loads(row)) if row else ColumnMapping()


def write_columns(
    connection: Connection, issuer: MunicipalityCode, mapping: ColumnMapping, on: date, actor: str
) -> None:
    """Append what the columns are called from now on."""
    connection.execute(
        receipt_columns.insert().values(issuer=issuer, mapping=_json(asdict(mapping)), set_on=on, set_by=actor),
    )


# Receipts.


def issuers_of_accounts(connection: Connection, accounts: Iterable[str]) -> dict[str, MunicipalityCode]:
    """Whose each account is, by what was loaded of it before."""
    rows = connection.execute(
        select(receipt.c.account, receipt.c.issuer).where(receipt.c.account.in_(sorted(set(accounts)))).distinct(),
    )
    return {row.account: row.issuer for row in rows}


def known_keys(connection: Connection, keys: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which (account, entry key) are here already."""
    found: set[tuple[str, str]] = set()
    for start in range(0, len(keys), AT_A_TIME):
        some = [key for _, key in keys[start : start + AT_A_TIME]]
        rows = connection.execute(
            select(receipt.c.account, receipt.c.entry_key).where(receipt.c.entry_key.in_(some)),
        )
        found |= {(row.account, row.entry_key) for row in rows}
    return found


def alike(connection: Connection, issuer: MunicipalityCode, entries: Sequence[BankEntry]) -> set[tuple[str, date, int]]:
    """(account, day, øre) that earlier files of the issuer have, too."""
    if not entries:
        return set()
    days = [entry.booked_on for entry in entries]
    rows = connection.execute(
        select(receipt.c.account, receipt.c.booked_on, receipt.c.amount_oere).where(
            receipt.c.issuer == issuer,
            receipt.c.booked_on.between(min(days), max(days)),
        ),
    )
    return {(row.account, row.booked_on, row.amount_oere) for row in rows}


def write_receipts(
    connection: Connection,
    file: BankFileRow,
    entries: Sequence[tuple[BankEntry, str]],
    occasion: Occasion,
) -> list[int]:
    """Append a file and its entries; an entry whose key is here already is left out by its unique constraint.

    Returns:
        The numbers of the receipts that were added.
    """
    (file_id,) = reserve_ids(connection, receipt_file, 1)
    connection.execute(
        receipt_file.insert().values(
            id=file_id,
            issuer=file.issuer,
            name=file.name[:LONGEST_NAME],
            file_format=file.file_format,
            content_hash=file.content_hash,
            loaded_on=occasion.as_of,
            loaded_by=occasion.actor,
        ),
    )
    ids = reserve_ids(connection, receipt, len(entries))
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    rows = [
        {
            "id": number,
            "file_id": file_id,
            "issuer": file.issuer,
            "account": entry.account,
            "entry_key": key,
            "booked_on": entry.booked_on,
            "value_date": entry.value_date,
            "amount_oere": entry.amount_oere,
            "bank_reference": entry.bank_reference,
            "payer": entry.payer,
            "mentions": _json([[each.kind.value, each.value, each.amount_oere] for each in entry.mentions]),
            "reversal": entry.reversal,
        }
        for number, (entry, key) in zip(ids, entries, strict=True)
    ]
    added = connection.execute(
        insert(receipt).on_conflict_do_nothing(index_elements=["account", "entry_key"]).returning(receipt.c.id),
        rows,
    )
    return sorted(added.scalars())


def receipts(
    connection: Connection,
    issuer: MunicipalityCode | None = None,
    *,
    numbers: Sequence[int] | None = None,
    as_of: date | None = None,
) -> list[Receipt]:
    """Receipts with what they have settled, in the order of their days and numbers.

    Args:
        connection: Where to read.
        issuer: Only this one's.
        numbers: Only these.
        as_of: Only what was booked and matched up to this day.
    """
    query = select(receipt).order_by(receipt.c.value_date, receipt.c.id)
    used = (
        select(
            payment_match_receipt.c.receipt_id,
            payment_match_receipt.c.amount_oere,
            payment_match.c.id,
            payment_match.c.payer,
            payment_match.c.undoes,
        )
        .join(payment_match, payment_match.c.id == payment_match_receipt.c.match_id)
        .order_by(payment_match.c.id)
    )
    if issuer is not None:
        query, used = query.where(receipt.c.issuer == issuer), used.where(payment_match.c.issuer == issuer)
    if numbers is not None:
        query = query.where(receipt.c.id.in_(numbers))
        used = used.where(payment_match_receipt.c.receipt_id.in_(numbers))
    if as_of is not None:
        query, used = query.where(receipt.c.booked_on <= as_of), used.where(payment_match.c.matched_on <= as_of)
    applied: dict[int, int] = defaultdict(int)
    payers: dict[int, dict[int, MunicipalityCode | None]] = defaultdict(dict)
    for row in connection.execute(used):
        applied[row.receipt_id] += row.amount_oere
        if row.undoes is None:
            payers[row.receipt_id][row.id] = row.payer
        else:
            payers[row.receipt_id].pop(row.undoes, None)
    return [_receipt(row, applied[row.id], list(payers[row.id].values())) for row in connection.execute(query)]


def receipt_numbers(
    connection: Connection, issuer: MunicipalityCode, size: int, *, before: int | None = None
) -> list[int]:
    """The numbers of an issuer's newest receipts, the last that was loaded first.

    Args:
        connection: Where to read.
        issuer: Whose.
        size: At most so many.
        before: Only those with a lower number.
    """
    return _newest(connection, receipt, issuer, size, before)


def _newest(connection: Connection, table: Table, issuer: str, size: int, before: int | None) -> list[int]:
    query = select(table.c.id).where(table.c.issuer == issuer).order_by(table.c.id.desc()).limit(size)
    if before is not None:
        query = query.where(table.c.id < before)
    return list(connection.execute(query).scalars())


def _receipt(row: Row[Any], applied: int, payers: list[MunicipalityCode | None]) -> Receipt:
    found = [payer for payer in payers if payer]
    return Receipt(
        number=row.id,
        issuer=row.issuer,
        account=row.account,
        booked_on=row.booked_on,
        value_date=row.value_date,
        amount_oere=row.amount_oere,
        bank_reference=row.bank_reference,
        payer=row.payer,
        mentions=tuple(Mention(MentionKind(kind), value, amount) for kind, value, amount in json.loads(row.mentions)),
        reversal=row.reversal,
        applied_oere=applied,
        holder=found[-1] if found else row.payer,
    )


# Open items.

_own = agreement.alias("own")


def open_items(
    connection: Connection,
    issuer: MunicipalityCode,
    *,
    numbers: Sequence[str] | None = None,
    as_of: date | None = None,
) -> list[OpenItem]:
    """The issuer's documents that ask a municipality for money or pay it out, settled or not, oldest first.

    What a document asks for is what the books of its issuer's agreements have on the receivable by its number; so a
    document of several agreements is known by each of them, and a voucher that collects nothing is none.

    Args:
        connection: Where to read.
        issuer: Whose documents.
        numbers: Only these.
        as_of: Only what was issued and settled up to this day.
    """
    asked: Select[Any] = (
        select(
            invoice.c.id,
            posting.c.agreement,
            posting.c.accounting_year,
            func.sum(posting.c.amount_oere).label("amount_oere"),
        )
        .select_from(invoice)
        .join(
            voucher,
            and_(
                voucher.c.reference == invoice.c.number,
                voucher.c.kind.in_([VoucherKind.INVOICE.value, VoucherKind.CREDIT.value]),
                # Every issuer has these numbers; by agreement the books of the others are not looked at.
                voucher.c.agreement.in_(select(_own.c.code).where(_own.c.issuer == issuer)),
            ),
        )
        .join(agreement, and_(agreement.c.code == voucher.c.agreement, agreement.c.issuer == invoice.c.issuer))
        .join(posting, and_(posting.c.voucher_id == voucher.c.id, posting.c.account == Account.RECEIVABLE.value))
        .where(invoice.c.issuer == issuer)
        .group_by(invoice.c.id, posting.c.agreement, posting.c.accounting_year)
    )
    documents = select(invoice).where(invoice.c.issuer == issuer).order_by(invoice.c.due_date, invoice.c.id)
    done = (
        select(
            payment_match_document.c.invoice_id,
            payment_match_document.c.agreement,
            payment_match_document.c.accounting_year,
            func.sum(payment_match_document.c.amount_oere).label("amount_oere"),
        )
        .join(payment_match, payment_match.c.id == payment_match_document.c.match_id)
        .where(payment_match.c.issuer == issuer)
        .group_by(
            payment_match_document.c.invoice_id,
            payment_match_document.c.agreement,
            payment_match_document.c.accounting_year,
        )
    )
    if numbers is not None:
        asked, documents = asked.where(invoice.c.number.in_(numbers)), documents.where(invoice.c.number.in_(numbers))
        named = select(invoice.c.id).where(invoice.c.issuer == issuer, invoice.c.number.in_(numbers))
        done = done.where(payment_match_document.c.invoice_id.in_(named))
    if as_of is not None:
        documents = documents.where(invoice.c.issue_date <= as_of)
        done = done.where(payment_match.c.matched_on <= as_of)
    pieces = _pieces(connection.execute(asked).all(), "id")
    settled = _pieces(connection.execute(done).all(), "invoice_id")
    credits_ = credited_by_documents(connection, issuer, numbers)
    return [
        OpenItem(
            invoice_id=row.id,
            issuer=row.issuer,
            number=row.number,
            subscriber=row.subscriber,
            kind=ClaimKind(row.kind),
            title=row.title,
            issue_date=row.issue_date,
            due_date=row.due_date,
            pieces=pieces[row.id],
            settled=settled.get(row.id, {}),
            credits=credits_.get(row.id, ()),
        )
        for row in connection.execute(documents)
        if row.id in pieces
    ]


def settled_total(
    connection: Connection,
    issuer: MunicipalityCode | None,
    as_of: date,
    *,
    due_before: date | None = None,
    subscriber: MunicipalityCode | None = None,
) -> int:
    """What matches settled of documents up to a day, in øre.

    Args:
        connection: Where to read.
        issuer: Whose documents; None for every issuer's.
        as_of: Matched up to this day, of documents issued up to it.
        due_before: Only of documents that were due before this day.
        subscriber: Only of documents on this municipality.
    """
    everything, overdue = settled_and_overdue(connection, issuer, as_of, due_before or as_of, subscriber=subscriber)
    return everything if due_before is None else overdue


def settled_and_overdue(
    connection: Connection,
    issuer: MunicipalityCode | None,
    as_of: date,
    due_before: date,
    *,
    subscriber: MunicipalityCode | None = None,
) -> tuple[int, int]:
    """(what ``settled_total`` says, the same of documents that were due before a day), in øre; one query."""
    amount = payment_match_document.c.amount_oere
    overdue = case((invoice.c.due_date < due_before, amount), else_=0)
    query = (
        select(func.coalesce(func.sum(amount), 0), func.coalesce(func.sum(overdue), 0))
        .join(payment_match, payment_match.c.id == payment_match_document.c.match_id)
        .join(invoice, invoice.c.id == payment_match_document.c.invoice_id)
        .where(payment_match.c.matched_on <= as_of, invoice.c.issue_date <= as_of)
    )
    if issuer is not None:
        query = query.where(payment_match.c.issuer == issuer)
    if subscriber is not None:
        query = query.where(invoice.c.subscriber == subscriber)
    of_all, of_late = connection.execute(query).one()
    return int(of_all), int(of_late)


def settled_of(
    connection: Connection, documents: Collection[tuple[MunicipalityCode, str]], as_of: date
) -> dict[tuple[MunicipalityCode, str], int]:
    """What matches settled of some documents up to a day: (issuer, number) -> øre; one query, nothing of the others.

    Args:
        connection: Where to read.
        documents: (issuer, number); a part of a listing, not thousands.
        as_of: Matched up to this day.
    """
    if not documents:
        return {}
    rows = connection.execute(
        select(
            invoice.c.issuer,
            invoice.c.number,
            func.sum(payment_match_document.c.amount_oere).label("amount_oere"),
        )
        .join(payment_match_document, payment_match_document.c.invoice_id == invoice.c.id)
        .join(payment_match, payment_match.c.id == payment_match_document.c.match_id)
        .where(
            payment_match.c.matched_on <= as_of,
            or_(*(and_(invoice.c.issuer == issuer, invoice.c.number == number) for issuer, number in documents)),
        )
        .group_by(invoice.c.issuer, invoice.c.number)
    )
    return {(row.issuer, row.number): int(row.amount_oere) for row in rows}


def _pieces(rows: Iterable[Any], key: str) -> dict[int, dict[PieceKey, int]]:
    found: dict[int, dict[PieceKey, int]] = defaultdict(dict)
    for row in rows:
        if row.amount_oere:
            found[getattr(row, key)][row.agreement, row.accounting_year] = int(row.amount_oere)
    return dict(found)


def credited_by_documents(
    connection: Connection, issuer: MunicipalityCode, numbers: Sequence[str] | None = None
) -> dict[int, tuple[int, ...]]:
    """Credit note -> the documents that it takes back, wholly or by line; of these only, where some are said."""
    found: dict[int, set[int]] = defaultdict(set)
    whole = select(invoice.c.id, invoice.c.credits_id).where(
        invoice.c.issuer == issuer, invoice.c.credits_id.is_not(None)
    )
    if numbers is not None:
        whole = whole.where(invoice.c.number.in_(numbers))
    for row in connection.execute(whole):
        found[row.id].add(row.credits_id)
    by_line = (
        select(line_credit.c.credit_id, line_credit.c.invoice_id)
        .join(invoice, invoice.c.id == line_credit.c.credit_id)
        .where(invoice.c.issuer == issuer)
        .distinct()
    )
    if numbers is not None:
        by_line = by_line.where(invoice.c.number.in_(numbers))
    for row in connection.execute(by_line):
        found[row.credit_id].add(row.invoice_id)
    return {credit: tuple(sorted(documents)) for credit, documents in found.items()}


# Matches.


def reserve_matches(connection: Connection, count: int) -> range:
    """Numbers for matches that are to be written."""
    return reserve_ids(connection, payment_match, count)


def write_matches(connection: Connection, matches: Sequence[Match]) -> None:
    """Append matches with their parts.

    Raises:
        sqlalchemy.exc.IntegrityError: one takes back what was taken back before (``uq_payment_match_undoes``).
    """
    insert_rows(
        connection,
        payment_match,
        [
            {
                "id": match.number,
                "issuer": match.issuer,
                "payer": match.payer,
                "matched_on": match.matched_on,
                "effective_on": match.effective_on,
                "how": match.how.value,
                "explanation": match.explanation,
                "actor": match.actor,
                "undoes": match.undoes,
            }
            for match in matches
        ],
    )
    insert_rows(
        connection,
        payment_match_receipt,
        [
            {"match_id": match.number, "receipt_id": number, "amount_oere": amount}
            for match in matches
            for number, amount in match.receipts.items()
        ],
    )
    insert_rows(
        connection,
        payment_match_document,
        [
            {
                "match_id": match.number,
                "position": position,
                "invoice_id": part.invoice_id,
                "agreement": part.agreement,
                "accounting_year": part.accounting_year,
                "amount_oere": part.amount_oere,
            }
            for match in matches
            for position, part in enumerate(match.documents, start=1)
        ],
    )


_undoing = payment_match.alias("undoing")


def matches(
    connection: Connection,
    issuer: MunicipalityCode | None = None,
    *,
    number: int | None = None,
    numbers: Sequence[int] | None = None,
) -> list[Match]:
    """Matches in the order in which they were made, counter entries among them.

    Args:
        connection: Where to read.
        issuer: Only this one's.
        number: Only this one.
        numbers: Only these; the same as ``number`` for several.
    """
    if number is not None:
        numbers = [number]
    query = (
        select(payment_match, _undoing.c.id.label("undone_by"))
        .outerjoin(_undoing, _undoing.c.undoes == payment_match.c.id)
        .order_by(payment_match.c.id)
    )
    of_receipts = select(payment_match_receipt).order_by(payment_match_receipt.c.receipt_id)
    of_documents = (
        select(payment_match_document, invoice.c.number)
        .join(invoice, invoice.c.id == payment_match_document.c.invoice_id)
        .order_by(payment_match_document.c.match_id, payment_match_document.c.position)
    )
    if issuer is not None:
        query = query.where(payment_match.c.issuer == issuer)
    if numbers is not None:
        query = query.where(payment_match.c.id.in_(numbers))
        of_receipts = of_receipts.where(payment_match_receipt.c.match_id.in_(numbers))
        of_documents = of_documents.where(payment_match_document.c.match_id.in_(numbers))
    elif issuer is not None:
        own = select(payment_match.c.id).where(payment_match.c.issuer == issuer)
        of_receipts = of_receipts.where(payment_match_receipt.c.match_id.in_(own))
        of_documents = of_documents.where(payment_match_document.c.match_id.in_(own))
    used: dict[int, dict[int, int]] = defaultdict(dict)
    for row in connection.execute(of_receipts):
        used[row.match_id][row.receipt_id] = row.amount_oere
    parts: dict[int, list[DocumentPart]] = defaultdict(list)
    for row in connection.execute(of_documents):
        parts[row.match_id].append(
            DocumentPart(row.invoice_id, row.number, row.agreement, row.accounting_year, row.amount_oere),
        )
    return [
        Match(
            number=row.id,
            issuer=row.issuer,
            payer=row.payer,
            matched_on=row.matched_on,
            effective_on=row.effective_on,
            how=How(row.how),
            explanation=row.explanation,
            actor=row.actor,
            receipts=used[row.id],
            documents=tuple(parts[row.id]),
            undoes=row.undoes,
            undone_by=row.undone_by,
        )
        for row in connection.execute(query)
    ]


def match_numbers(
    connection: Connection, issuer: MunicipalityCode, size: int, *, before: int | None = None
) -> list[int]:
    """The numbers of an issuer's newest matches, the newest first; as ``receipt_numbers``."""
    return _newest(connection, payment_match, issuer, size, before)


def later_matches(connection: Connection, match: Match) -> list[int]:
    """Matches after one that use the same receipts and stand."""
    rows = connection.execute(
        select(payment_match.c.id)
        .join(payment_match_receipt, payment_match_receipt.c.match_id == payment_match.c.id)
        .outerjoin(_undoing, _undoing.c.undoes == payment_match.c.id)
        .where(
            payment_match_receipt.c.receipt_id.in_(list(match.receipts)),
            payment_match.c.id > match.number,
            payment_match.c.undoes.is_(None),
            _undoing.c.id.is_(None),
        )
        .order_by(payment_match.c.id.desc()),
    )
    return list(dict.fromkeys(rows.scalars()))
