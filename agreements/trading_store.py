"""What e-invoices need in and out of the tables; rows are only added."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date

from sqlalchemy import Connection, RowMapping, Table, select

from agreements.agreement import Agreement, MunicipalityCode
from agreements.posting_template import PostingColumn, read_columns
from agreements.tables import buyer_detail, issuer_detail, posting_template, service_detail
from agreements.trading import BuyerDetails, IssuerDetails, ServiceDetails, TradingBook
from agreements.trading_values import (
    BUYER_FIELDS,
    ISSUER_FIELDS,
    SERVICE_FIELDS,
    buyer_of,
    issuer_of,
    service_of,
)
from foundation.database import among, insert_rows


def trading_book(connection: Connection, agreements: Iterable[Agreement]) -> TradingBook:
    """All that was entered for some agreements and for every issuer; three queries, however many documents.

    Args:
        connection: Where to read.
        agreements: As they are now: their parties' GLNs and their services' clauses.
    """
    wanted = {agreement.code: agreement for agreement in agreements}
    issuers: dict[MunicipalityCode, list[tuple[date, IssuerDetails]]] = defaultdict(list)
    query = select(issuer_detail).order_by(issuer_detail.c.issuer, issuer_detail.c.revision)
    for row in connection.execute(query).mappings():
        issuers[row["issuer"]].append((row["entered_on"], issuer_of(_texts(row))))
    if not wanted:
        return TradingBook(issuers=dict(issuers))
    buyers: dict[tuple[str, MunicipalityCode], list[tuple[date, BuyerDetails]]] = defaultdict(list)
    for row in _rows(connection, buyer_detail, wanted):
        buyers[row["agreement"], row["municipality"]].append((row["entered_on"], buyer_of(_texts(row))))
    services: dict[tuple[str, str], list[tuple[date, ServiceDetails]]] = defaultdict(list)
    for row in _rows(connection, service_detail, wanted):
        services[row["agreement"], row["service"]].append((row["entered_on"], service_of(_texts(row))))
    return TradingBook(
        issuers=dict(issuers),
        buyers=dict(buyers),
        services=dict(services),
        glns={
            (code, party.municipality): party.gln
            for code, agreement in wanted.items()
            for party in agreement.parties
            if party.gln
        },
        clauses={
            code: {service.code: service.vat_exemption for service in agreement.services}
            for code, agreement in wanted.items()
        },
    )


def _rows(connection: Connection, table: Table, agreements: Collection[str]) -> Iterable[RowMapping]:
    query = select(table).where(among(table.c.agreement, agreements)).order_by(table.c.revision)
    return (row for row in connection.execute(query).mappings() if row["agreement"] in agreements)


def _texts(row: RowMapping) -> dict[str, str]:
    return {str(name): value for name, value in row.items() if isinstance(value, str)}


KINDS = {
    "issuer": (issuer_detail, ("issuer",), ISSUER_FIELDS),
    "buyer": (buyer_detail, ("agreement", "municipality"), BUYER_FIELDS),
    "service": (service_detail, ("agreement", "service"), SERVICE_FIELDS),
}


def newest_values(connection: Connection, kind: str) -> dict[tuple[str, ...], tuple[int, dict[str, str]]]:
    """Key -> (revision, texts) of the newest revision of every issuer, buyer or service."""
    table, keys, fields = KINDS[kind]
    found: dict[tuple[str, ...], tuple[int, dict[str, str]]] = {}
    for row in connection.execute(select(table).order_by(table.c.revision)).mappings():
        found[tuple(row[key] for key in keys)] = (row["revision"], {field: row[field] for field in fields})
    return found


def append_values(
    connection: Connection,
    kind: str,
    rows: dict[tuple[str, ...], tuple[int, dict[str, str]]],
    entered_on: date,
) -> None:
    """Append revisions, each whole.

    Args:
        connection: The transaction.
        kind: ``issuer``, ``buyer`` or ``service``.
        rows: Key -> (revision, texts).
        entered_on: The business date.
    """
    table, keys, _ = KINDS[kind]
    insert_rows(
        connection,
        table,
        [
            {**dict(zip(keys, key, strict=True)), "revision": revision, "entered_on": entered_on, **values}
            for key, (revision, values) in rows.items()
        ],
    )


def posting_columns(connection: Connection, issuer: MunicipalityCode) -> tuple[int, tuple[PostingColumn, ...]]:
    """(revision, columns) of an issuer's posting file; (0, nothing) where none were chosen."""
    row = connection.execute(
        select(posting_template)
        .where(posting_template.c.issuer == issuer)
        .order_by(posting_template.c.revision.desc())
        .limit(1),
    ).one_or_none()
    return (row.revision, read_columns(issuer, row.columns.split("\n"))) if row else (0, ())


def append_posting_columns(
    connection: Connection,
    issuer: MunicipalityCode,
    revision: int,
    columns: tuple[PostingColumn, ...],
    entered_on: date,
) -> None:
    """Append a revision of an issuer's columns."""
    written = "\n".join(str(column) for column in columns)
    connection.execute(
        posting_template.insert().values(issuer=issuer, revision=revision, entered_on=entered_on, columns=written),
    )
