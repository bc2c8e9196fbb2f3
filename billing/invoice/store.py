"""Documents, claims and number series in and out of the tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Label,
    Row,
    Select,
    Table,
    and_,
    extract,
    func,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import NullType

from agreements.agreement import MunicipalityCode
from billing.invoice.facts import (
    BilledMonth,
    ClaimKey,
    ClaimKind,
    DocumentType,
    InvoiceLine,
    IssuedDocument,
    LineKind,
    PartySnapshot,
)
from billing.invoice.tables import claim, invoice, invoice_line, line_credit, number_series
from foundation.database import BULK, among, insert_bulk, insert_rows, reserve_ids
from foundation.period import Period


def take_claims(connection: Connection, keys: Sequence[tuple[ClaimKey, int]]) -> set[ClaimKey]:
    """Take the claims that are free; those that are held are passed over, not an error.

    Another transaction that has just taken one is waited for.

    Args:
        connection: The transaction that issues.
        keys: What is claimed, and the id of the document that is to be written for it.

    Returns:
        The keys that are held by another document.
    """
    if not keys or (len(keys) >= BULK and _took_all(connection, keys)):
        return set()
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    taken = {
        (row.agreement, row.municipality, row.invoice_id)
        for row in connection.execute(
            insert(claim)
            .on_conflict_do_nothing()
            .returning(claim.c.agreement, claim.c.municipality, claim.c.invoice_id),
            [dict(zip(CLAIMED, row, strict=True)) for row in _claim_rows(keys)],
        )
    }
    return {key for key, invoice_id in keys if (key.agreement, key.municipality, invoice_id) not in taken}


CLAIMED = ("agreement", "municipality", "kind", "period_from", "period_to", "invoice_id")


def _claim_rows(keys: Sequence[tuple[ClaimKey, int]]) -> Iterator[tuple[Any, ...]]:
    for key, invoice_id in keys:
        yield key.agreement, key.municipality, key.kind.value, key.period.from_day, key.period.to_day, invoice_id


def _took_all(connection: Connection, keys: Sequence[tuple[ClaimKey, int]]) -> bool:
    """Take many claims in bulk; where one of them is held, none is taken here and each is asked for by itself."""
    try:
        with connection.begin_nested():
            insert_bulk(connection, claim, CLAIMED, _claim_rows(keys))
    except IntegrityError:
        return False
    return True


def reserve_documents(connection: Connection, count: int) -> range:
    """Ids for documents that are to be written."""
    return reserve_ids(connection, invoice, count)


def release_claims(connection: Connection, invoice_id: int, credit_id: int, agreements: Sequence[str]) -> None:
    """Free what a credited document claimed of some agreements."""
    connection.execute(
        update(claim)
        .where(
            claim.c.invoice_id == invoice_id,
            claim.c.released_by.is_(None),
            claim.c.agreement.in_(list(agreements)),
        )
        .values(released_by=credit_id),
    )


def write_line_credits(connection: Connection, credit_id: int, invoice_id: int, positions: Sequence[int]) -> None:
    """Append which line each line of a credit note takes back."""
    insert_rows(
        connection,
        line_credit,
        [
            {"credit_id": credit_id, "position": position, "invoice_id": invoice_id, "line_position": of_line}
            for position, of_line in enumerate(positions, start=1)
        ],
    )


def credited_amounts(connection: Connection, invoice_id: int) -> dict[int, int]:
    """What credits by line took back of a document so far: position -> øre with the line's sign."""
    rows = connection.execute(
        select(line_credit.c.line_position, func.sum(invoice_line.c.amount_oere).label("total"))
        .join(
            invoice_line,
            and_(
                invoice_line.c.invoice_id == line_credit.c.credit_id,
                invoice_line.c.position == line_credit.c.position,
            ),
        )
        .where(line_credit.c.invoice_id == invoice_id)
        .group_by(line_credit.c.line_position),
    )
    return {row.line_position: -int(row.total) for row in rows}


def take_numbers(connection: Connection, issuer: str, issue_date: date, count: int) -> tuple[range, date | None]:
    """Take the next numbers of the issuer's series for the year of issue; the series is locked until the end.

    Returns:
        The sequence numbers, and the date of the last document before them if there was one.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    series = and_(number_series.c.issuer == issuer, number_series.c.year == issue_date.year)
    connection.execute(
        insert(number_series)
        .values(issuer=issuer, year=issue_date.year, last_sequence=0, last_issue_date=issue_date)
        .on_conflict_do_nothing(),
    )
    row = connection.execute(select(number_series).where(series).with_for_update()).one()
    last_date = row.last_issue_date if row.last_sequence else None
    connection.execute(
        update(number_series).where(series).values(last_sequence=row.last_sequence + count, last_issue_date=issue_date),
    )
    return range(row.last_sequence + 1, row.last_sequence + count + 1), last_date


def write_documents(connection: Connection, documents: Iterable[tuple[int, int, IssuedDocument, int | None]]) -> None:
    """Append documents with their lines.

    Args:
        connection: The transaction that took their claims and numbers.
        documents: (id, number in the series, document, id of the document that it credits); they may be made while
            they are written.
    """
    written: list[tuple[int, IssuedDocument]] = []
    insert_bulk(connection, invoice, INVOICE_COLUMNS, _heads(documents, written))
    insert_bulk(connection, invoice_line, LINE_COLUMNS, _lines(written))


def _heads(
    documents: Iterable[tuple[int, int, IssuedDocument, int | None]], written: list[tuple[int, IssuedDocument]]
) -> Iterator[tuple[Any, ...]]:
    for invoice_id, sequence, document, credits_id in documents:
        written.append((invoice_id, document))
        issuer, payer, period = document.issuer, document.subscriber, document.period
        yield (
            invoice_id,
            issuer.municipality,
            document.issue_date.year,
            sequence,
            document.number,
            document.document_type.value,
            document.agreement,
            document.kind.value,
            document.title,
            period.from_day,
            period.to_day,
            document.issue_date,
            document.due_date,
            document.amount_oere,
            document.internal,
            document.provisional,
            document.note,
            credits_id,
            issuer.name,
            issuer.cvr,
            issuer.gln,
            payer.municipality,
            payer.name,
            payer.cvr,
            payer.gln,
        )


def _lines(documents: Iterable[tuple[int, IssuedDocument]]) -> Iterator[tuple[Any, ...]]:
    for invoice_id, document in documents:
        for position, line in enumerate(document.lines, start=1):
            yield (
                invoice_id,
                position,
                line.agreement,
                line.provider,
                line.provider_name,
                line.service,
                line.service_title,
                line.kind.value,
                line.text,
                line.period.from_day,
                line.period.to_day,
                line.accounting_year,
                line.amount_oere,
                line.vat_exemption,
                line.version,
            )


INVOICE_COLUMNS = (
    "id",
    "issuer",
    "series_year",
    "sequence",
    "number",
    "document_type",
    "agreement",
    "kind",
    "title",
    "period_from",
    "period_to",
    "issue_date",
    "due_date",
    "amount_oere",
    "internal",
    "provisional",
    "note",
    "credits_id",
    "issuer_name",
    "issuer_cvr",
    "issuer_gln",
    "subscriber",
    "subscriber_name",
    "subscriber_cvr",
    "subscriber_gln",
)
LINE_COLUMNS = (
    "invoice_id",
    "position",
    "agreement",
    "provider",
    "provider_name",
    "service",
    "service_title",
    "kind",
    "text",
    "period_from",
    "period_to",
    "accounting_year",
    "amount_oere",
    "vat_exemption",
    "version",
)

_crediting = invoice.alias("crediting")
_credited = invoice.alias("credited")
# What a credit note by line takes back a part of; one that takes the last says so itself.
_in_part = invoice.alias("in_part")
_credited_in_part = (
    select(_in_part.c.number)
    .join(line_credit, line_credit.c.invoice_id == _in_part.c.id)
    .where(line_credit.c.credit_id == invoice.c.id, line_credit.c.position == 1)
    .correlate(invoice)
    .scalar_subquery()
)


def _documents() -> Select[Any]:
    return (
        select(
            invoice,
            _crediting.c.number.label("credited_by"),
            func.coalesce(_credited.c.number, _credited_in_part).label("credits"),
        )
        .outerjoin(_crediting, _crediting.c.credits_id == invoice.c.id)
        .outerjoin(_credited, _credited.c.id == invoice.c.credits_id)
        .order_by(invoice.c.issuer, invoice.c.series_year, invoice.c.sequence)
    )


def _read(connection: Connection, query: Select[Any]) -> list[tuple[int, IssuedDocument]]:
    rows = connection.execute(query).all()
    lines: dict[int, list[InvoiceLine]] = defaultdict(list)
    wanted = [row.id for row in rows]
    for start in range(0, len(wanted), 500):
        of_these = invoice_line.c.invoice_id.in_(wanted[start : start + 500])
        for row in connection.execute(
            select(invoice_line).where(of_these).order_by(invoice_line.c.invoice_id, invoice_line.c.position),
        ):
            lines[row.invoice_id].append(_line(row))
    return [(row.id, _document(row, tuple(lines[row.id]))) for row in rows]


def _line(row: Row[Any]) -> InvoiceLine:
    return InvoiceLine(
        agreement=row.agreement,
        provider=row.provider,
        provider_name=row.provider_name,
        service=row.service,
        service_title=row.service_title,
        kind=LineKind(row.kind),
        text=row.text,
        period=Period(row.period_from, row.period_to),
        accounting_year=row.accounting_year,
        amount_oere=row.amount_oere,
        vat_exemption=row.vat_exemption,
        version=row.version,
    )


def _document(row: Row[Any], lines: tuple[InvoiceLine, ...]) -> IssuedDocument:
    return IssuedDocument(
        number=row.number,
        document_type=DocumentType(row.document_type),
        agreement=row.agreement,
        issuer=PartySnapshot(row.issuer, row.issuer_name, row.issuer_cvr, row.issuer_gln),
        subscriber=PartySnapshot(row.subscriber, row.subscriber_name, row.subscriber_cvr, row.subscriber_gln),
        kind=ClaimKind(row.kind),
        title=row.title,
        period=Period(row.period_from, row.period_to),
        issue_date=row.issue_date,
        due_date=row.due_date,
        amount_oere=row.amount_oere,
        internal=row.internal,
        provisional=row.provisional,
        note=row.note,
        lines=lines,
        credits=row.credits,
        credited_by=row.credited_by,
    )


def find_documents(connection: Connection, number: str, issuer: str | None = None) -> list[tuple[int, IssuedDocument]]:
    """The documents with a number: one per issuer that has such a number."""
    query = _documents().where(invoice.c.number == number)
    if issuer is not None:
        query = query.where(invoice.c.issuer == issuer)
    return _read(connection, query)


def documents(  # noqa: PLR0913 - each is a filter
    connection: Connection,
    *,
    agreement: str | None = None,
    subscriber: MunicipalityCode | None = None,
    kind: ClaimKind | None = None,
    from_day: date | None = None,
    to_day: date | None = None,
    only_claimed: bool = False,
) -> list[IssuedDocument]:
    """Documents by what they are for, in number order.

    Args:
        connection: Where to read.
        agreement: Only those with lines of this agreement.
        subscriber: Only this payer's.
        kind: Only these claims.
        from_day: Only service periods that begin on this day or later.
        to_day: Only service periods that end before this day or on it.
        only_claimed: Only those that hold a claim, of the agreement if one is named: neither credits nor credited.
    """
    query = _documents()
    if agreement is not None:
        of_agreement = select(invoice_line.c.invoice_id).where(invoice_line.c.agreement == agreement)
        query = query.where(invoice.c.id.in_(of_agreement))
    if subscriber is not None:
        query = query.where(invoice.c.subscriber == subscriber)
    if kind is not None:
        query = query.where(invoice.c.kind == kind.value)
    if from_day is not None:
        query = query.where(invoice.c.period_from >= from_day)
    if to_day is not None:
        query = query.where(invoice.c.period_to <= to_day)
    if only_claimed:
        held = select(claim.c.invoice_id).where(claim.c.released_by.is_(None))
        query = query.where(invoice.c.id.in_(held if agreement is None else held.where(claim.c.agreement == agreement)))
    return [document for _, document in _read(connection, query)]


def invoiced(
    connection: Connection, issuers: Collection[MunicipalityCode]
) -> set[tuple[MunicipalityCode, MunicipalityCode, str]]:
    """(issuer, payer, agreement) of every invoice that some issuers sent; internal ones are no invoices."""
    rows = connection.execute(
        select(invoice.c.issuer, invoice.c.subscriber, invoice_line.c.agreement)
        .join(invoice_line, invoice_line.c.invoice_id == invoice.c.id)
        .where(
            among(invoice.c.issuer, issuers),
            invoice.c.document_type == DocumentType.INVOICE.value,
            invoice.c.internal.is_(False),
        )
        .distinct()
    )
    return {(row.issuer, row.subscriber, row.agreement) for row in rows if row.issuer in issuers}


class Order(StrEnum):
    """What a listing is sorted by; within it by the row's own place."""

    ISSUED = "issued"
    DUE = "due"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a listing is to hold.

    Attributes:
        issuer: Only this one's; or the next.
        subscriber: Only those on this municipality.
        subscribers: Only those on one of these, or with the number below.
        number: Only those whose number begins so, or on one of those above.
        document_type: Only these.
        year: Only service periods that begin in this year.
        with_internal: Also vouchers that collect nothing.
    """

    issuer: MunicipalityCode | None = None
    subscriber: MunicipalityCode | None = None
    subscribers: frozenset[MunicipalityCode] | None = None
    number: str | None = None
    document_type: DocumentType | None = None
    year: int | None = None
    with_internal: bool = True


@dataclass(frozen=True, slots=True)
class Head:
    """A document without its lines, as a listing shows it.

    Attributes:
        id: Its place, for the page that follows.
        credited_by: The number of the credit note that took it back, or the last of it, if one did.
    """

    id: int
    number: str
    issuer: MunicipalityCode
    issuer_name: str
    subscriber: MunicipalityCode
    subscriber_name: str
    document_type: DocumentType
    kind: ClaimKind
    agreement: str
    title: str
    period_from: date
    issue_date: date
    due_date: date
    amount_oere: int
    internal: bool
    provisional: bool
    credited_by: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing.

    Attributes:
        next_after: What to ask on with, (the value sorted by, the row's place); None at the end.
    """

    heads: tuple[Head, ...]
    next_after: tuple[str, int] | None


def page(  # noqa: PLR0913 - what, in which order, from where, how much
    connection: Connection,
    wanted: Wanted,
    order: Order = Order.ISSUED,
    *,
    ascending: bool = False,
    after: tuple[str, int] | None = None,
    size: int = 50,
) -> Page:
    """Some documents of a listing, by place rather than by counting, so that a late page costs what the first does.

    Args:
        connection: Where to read.
        wanted: Whose, and which of them.
        order: What they are sorted by.
        ascending: The oldest or smallest first.
        after: Where an earlier page ended; its value must be of the kind that is sorted by.
        size: How many at most.

    Raises:
        ValueError: ``after`` is no such value.
    """
    column: Column[Any] = {
        Order.ISSUED: invoice.c.issue_date,
        Order.DUE: invoice.c.due_date,
        Order.AMOUNT: invoice.c.amount_oere,
    }[order]
    crediting = select(_crediting.c.number).where(_crediting.c.credits_id == invoice.c.id).scalar_subquery()
    query: Select[Any] = select(
        *(invoice.c[each.name] for each in fields(Head) if each.name != "credited_by"),
        crediting.label("credited_by"),
    ).where(*_conditions(wanted))
    if after is not None:
        value: Any = int(after[0]) if order is Order.AMOUNT else date.fromisoformat(after[0])
        place = tuple_(column, invoice.c.id)
        end = tuple_(literal(value, column.type), literal(after[1], invoice.c.id.type))
        query = query.where(place > end if ascending else place < end)
    both = (column.asc(), invoice.c.id.asc()) if ascending else (column.desc(), invoice.c.id.desc())
    rows = connection.execute(query.order_by(*both).limit(size + 1)).all()
    heads = tuple(_head(row) for row in rows[:size])
    if len(rows) <= size:
        return Page(heads, None)
    last = getattr(heads[-1], column.name)
    return Page(heads, (str(last), heads[-1].id))


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.issuer is not None:
        yield invoice.c.issuer == wanted.issuer
    if wanted.subscriber is not None:
        yield invoice.c.subscriber == wanted.subscriber
    if wanted.document_type is not None:
        yield invoice.c.document_type == wanted.document_type.value
    if wanted.year is not None:
        yield invoice.c.period_from.between(date(wanted.year, 1, 1), date(wanted.year, 12, 31))
    if not wanted.with_internal:
        yield invoice.c.internal.is_(False)
    either: list[ColumnElement[bool]] = []
    if wanted.subscribers is not None:
        either.append(invoice.c.subscriber.in_(sorted(wanted.subscribers)))
    if wanted.number is not None:
        # By range, not LIKE: an index serves it on both databases. No number holds a sign above this one.
        either.append(and_(invoice.c.number >= wanted.number, invoice.c.number < f"{wanted.number}\uffff"))
    if either:
        yield or_(*either)


def _head(row: Row[Any]) -> Head:
    values = {each.name: getattr(row, each.name) for each in fields(Head)}
    values["document_type"], values["kind"] = DocumentType(row.document_type), ClaimKind(row.kind)
    return Head(**values)


def asked_for(
    connection: Connection,
    issuer: MunicipalityCode | None,
    as_of: date,
    *,
    due_before: date | None = None,
    subscriber: MunicipalityCode | None = None,
) -> int:
    """What documents ask of others, with what they credit or pay out, in øre; an issuer's own share is no money.

    Args:
        connection: Where to read.
        issuer: Whose documents; None for every issuer's.
        as_of: Issued up to this day.
        due_before: Only those that were due before this day.
        subscriber: Only those on this municipality.
    """
    query = select(func.coalesce(func.sum(invoice.c.amount_oere), 0)).where(
        invoice.c.internal.is_(False), invoice.c.issue_date <= as_of
    )
    if issuer is not None:
        query = query.where(invoice.c.issuer == issuer)
    if subscriber is not None:
        query = query.where(invoice.c.subscriber == subscriber)
    if due_before is not None:
        query = query.where(invoice.c.due_date < due_before)
    return int(connection.execute(query).scalar_one())


def billed_by_year(connection: Connection, issuer: MunicipalityCode, since: int) -> dict[int, int]:
    """What an issuer's documents billed of each year's cost, before results of earlier years: year -> øre.

    Args:
        connection: Where to read.
        issuer: Whose documents; its own share is among them, credits are taken off.
        since: The first year.
    """
    rows = connection.execute(
        select(invoice_line.c.accounting_year, func.sum(invoice_line.c.amount_oere).label("amount_oere"))
        .join(invoice, invoice.c.id == invoice_line.c.invoice_id)
        .where(
            invoice.c.issuer == issuer,
            # An advance is billed in the December before at the earliest; so the index serves.
            invoice.c.issue_date >= date(since - 1, 1, 1),
            invoice_line.c.accounting_year >= since,
            invoice_line.c.kind == LineKind.SHARE.value,
        )
        .group_by(invoice_line.c.accounting_year)
    )
    return {row.accounting_year: int(row.amount_oere) for row in rows}


class Content(NamedTuple):
    """All that a document's rows say, as plain values; what was tampered with may be no date, no text or no number."""

    id: int
    number: str
    issuer: str
    head: list[object]
    lines: list[list[object]]


# All but the ids, which are no business of a reader's, and the place in the series, which the number says.
SAID = tuple(name for name in INVOICE_COLUMNS if name not in {"id", "credits_id", "series_year", "sequence"})
BATCH = 1000


def contents(connection: Connection, only: int | None = None) -> Iterator[Content]:
    """What every document says, in the order of their ids, some at a time.

    Values are those that lie in the database, not made into dates or kinds on the way. The head ends with the number
    that the document takes back whole or the last of, each line with the number and the line that it takes back.

    Args:
        connection: Where to read.
        only: The id of the only document to be read.
    """
    head = (
        select(*_raw(invoice, ("id", *SAID)), _credited.c.number.label("credits"))
        .outerjoin(_credited, _credited.c.id == invoice.c.credits_id)
        .order_by(invoice.c.id)
        .limit(BATCH)
    )
    lines = (
        select(*_raw(invoice_line, LINE_COLUMNS), _in_part.c.number.label("credits"), line_credit.c.line_position)
        .outerjoin(
            line_credit,
            and_(
                line_credit.c.credit_id == invoice_line.c.invoice_id, line_credit.c.position == invoice_line.c.position
            ),
        )
        .outerjoin(_in_part, _in_part.c.id == line_credit.c.invoice_id)
        .order_by(invoice_line.c.invoice_id, invoice_line.c.position)
    )
    last = 0 if only is None else only - 1
    while True:
        rows = connection.execute(head.where(invoice.c.id > last if only is None else invoice.c.id == only)).all()
        if not rows:
            return
        among_these = invoice_line.c.invoice_id.between(rows[0].id, rows[-1].id)
        lines_of = {
            invoice_id: [_plain(tuple(line))[1:] for line in of_one]
            for invoice_id, of_one in groupby(connection.execute(lines.where(among_these)), key=lambda line: line[0])
        }
        for row in rows:
            plain = _plain(tuple(row))
            yield Content(row.id, str(row.number), str(row.issuer), plain[1:], lines_of.get(row.id, []))
        if only is not None:
            return
        last = rows[-1].id


def _raw(table: Table, names: Sequence[str]) -> list[Label[Any]]:
    return [type_coerce(table.c[name], NullType()).label(name) for name in names]


def _plain(row: Sequence[object]) -> list[object]:
    return [_as_kept(value) for value in row]


def _as_kept(value: object) -> object:
    """PostgreSQL has days and truths where SQLite has text and numbers."""
    if value is None or type(value) in {str, int}:
        return value
    return int(value) if isinstance(value, bool) else str(value)


def last_number(connection: Connection, issuer: str, year: int) -> str | None:
    """The newest number of a series."""
    return connection.execute(
        select(invoice.c.number)
        .where(invoice.c.issuer == issuer, invoice.c.series_year == year)
        .order_by(invoice.c.sequence.desc())
        .limit(1),
    ).scalar_one_or_none()


def claimed_months(
    connection: Connection,
    codes: Collection[str] | None,
    since: date | None = None,
) -> dict[str, set[tuple[MunicipalityCode, date]]]:
    """The months on account whose claim is held: agreement -> (municipality, first day of the month).

    Args:
        connection: Where to read.
        codes: Whose; None for all.
        since: Only months that begin on this day or later.
    """
    query = select(claim.c.agreement, claim.c.municipality, claim.c.period_from).where(
        among(claim.c.agreement, codes),
        claim.c.kind == ClaimKind.ACONTO.value,
        claim.c.released_by.is_(None),
    )
    if since is not None:
        query = query.where(claim.c.period_from >= since)
    found: dict[str, set[tuple[MunicipalityCode, date]]] = defaultdict(set)
    for agreement, municipality, first_day in connection.execute(query).all():
        found[agreement].add((municipality, first_day))
    return found


def claimed_counts(
    connection: Connection,
    codes: Collection[str] | None,
    before: date,
) -> dict[tuple[str, MunicipalityCode, int], int]:
    """How many months of a year are claimed, for the years before a day: (agreement, municipality, year) -> count."""
    year = extract("year", claim.c.period_from)
    rows = connection.execute(
        select(claim.c.agreement, claim.c.municipality, year.label("year"), func.count().label("months"))
        .where(
            among(claim.c.agreement, codes),
            claim.c.kind == ClaimKind.ACONTO.value,
            claim.c.released_by.is_(None),
            claim.c.period_from < before,
        )
        .group_by(claim.c.agreement, claim.c.municipality, year),
    )
    return {(row.agreement, row.municipality, int(row.year)): row.months for row in rows}


def billed_in(
    connection: Connection,
    codes: Collection[str] | None,
    months: Collection[date],
) -> dict[tuple[str, MunicipalityCode, date], BilledMonth]:
    """What the holders of the claims on some months ask for, agreement by agreement.

    Args:
        connection: Where to read.
        codes: Of which agreements; None for all.
        months: The first days of the months.

    Returns:
        (agreement, municipality, first day of the month) -> what was billed.
    """
    rows = connection.execute(
        select(
            claim.c.agreement,
            claim.c.municipality,
            claim.c.period_from,
            func.sum(invoice_line.c.amount_oere).label("amount_oere"),
            func.max(invoice_line.c.version).label("version"),
            invoice.c.provisional,
        )
        .join(invoice, invoice.c.id == claim.c.invoice_id)
        .join(
            invoice_line,
            and_(invoice_line.c.invoice_id == claim.c.invoice_id, invoice_line.c.agreement == claim.c.agreement),
        )
        .where(
            among(claim.c.agreement, codes),
            claim.c.kind == ClaimKind.ACONTO.value,
            claim.c.released_by.is_(None),
            claim.c.period_from.in_(sorted(months)),
        )
        .group_by(claim.c.agreement, claim.c.municipality, claim.c.period_from, invoice.c.provisional),
    )
    return {
        (agreement, municipality, first_day): BilledMonth(int(amount), version, provisional)
        for agreement, municipality, first_day, amount, version, provisional in rows.all()
    }
