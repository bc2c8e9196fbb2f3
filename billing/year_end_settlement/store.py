"""Final accounts, closed years and exits in and out of the tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date

from sqlalchemy import Connection, func, select

from agreements import store as agreement_store
from agreements.agreement import CostLine, MunicipalityCode, ResultKey
from billing.year_end_settlement.facts import (
    DividedBy,
    ExitLine,
    ExitSettlement,
    NetAssetsShare,
    ProviderResult,
    SettlementPart,
    YearSettlement,
)
from billing.year_end_settlement.tables import (
    accounts_line,
    exit_line,
    exit_net_assets,
    settlement_part,
    settlement_provider,
    year_settlement,
)
from foundation.database import among, insert_rows, reserve_ids


def final_accounts(connection: Connection, agreement: str, year: int) -> tuple[CostLine, ...]:
    """The lines of a year's final accounts, each one's newest figure, ascending by key."""
    lines = agreement_store.cost_lines(connection, accounts_line, agreement, year)
    return tuple(line for _, line in lines.values())


def write_settlement(connection: Connection, settlement: YearSettlement) -> None:
    """Append a closed year.

    Raises:
        sqlalchemy.exc.IntegrityError: it is closed already (``uq_year_settlement_agreement_year``).
    """
    (settlement_id,) = reserve_ids(connection, year_settlement, 1)
    connection.execute(
        year_settlement.insert().values(
            id=settlement_id,
            agreement=settlement.agreement,
            year=settlement.year,
            application_year=settlement.application_year,
            result_key=settlement.result_key.value,
            closed_on=settlement.closed_on,
            author=settlement.author,
            approver=settlement.approver,
            divided_by=settlement.divided_by.value,
        ),
    )
    insert_rows(
        connection,
        settlement_provider,
        [
            {
                "settlement_id": settlement_id,
                "provider": provider.municipality,
                "received_oere": provider.received_oere,
                "cost_oere": provider.cost_oere,
            }
            for provider in settlement.providers
        ],
    )
    insert_rows(
        connection,
        settlement_part,
        [
            {
                "settlement_id": settlement_id,
                "municipality": part.municipality,
                "provider": provider,
                "passed_on_oere": passed_on,
                "carried_oere": carried,
            }
            for part in settlement.parts
            for provider, (passed_on, carried) in part.by_provider.items()
        ],
    )


def read_settlement(connection: Connection, agreement: str, year: int) -> YearSettlement | None:
    """A closed year; None where it is open."""
    head = connection.execute(
        select(year_settlement).where(year_settlement.c.agreement == agreement, year_settlement.c.year == year),
    ).one_or_none()
    if head is None:
        return None
    providers = connection.execute(
        select(settlement_provider)
        .where(settlement_provider.c.settlement_id == head.id)
        .order_by(settlement_provider.c.provider),
    )
    by_provider: dict[MunicipalityCode, dict[MunicipalityCode, tuple[int, int]]] = defaultdict(dict)
    for row in connection.execute(
        select(settlement_part)
        .where(settlement_part.c.settlement_id == head.id)
        .order_by(settlement_part.c.municipality, settlement_part.c.provider),
    ):
        by_provider[row.municipality][row.provider] = (row.passed_on_oere, row.carried_oere)
    return YearSettlement(
        agreement=agreement,
        year=year,
        application_year=head.application_year,
        result_key=ResultKey(head.result_key),
        accounts=final_accounts(connection, agreement, year),
        providers=tuple(ProviderResult(row.provider, row.received_oere, row.cost_oere) for row in providers),
        parts=tuple(
            SettlementPart(
                municipality=municipality,
                result_oere=sum(passed_on + carried for passed_on, carried in pieces.values()),
                passed_on_oere=sum(passed_on for passed_on, _ in pieces.values()),
                carried_oere=sum(carried for _, carried in pieces.values()),
                by_provider=pieces,
            )
            for municipality, pieces in by_provider.items()
        ),
        closed_on=head.closed_on,
        author=head.author,
        approver=head.approver,
        divided_by=DividedBy(head.divided_by),
    )


def costs_of_closed_years(connection: Connection, codes: Collection[str]) -> dict[tuple[str, int], tuple[int, int]]:
    """What was billed and what it cost in the years that are closed: (agreement, year) -> (øre, øre)."""
    rows = connection.execute(
        select(
            year_settlement.c.agreement,
            year_settlement.c.year,
            func.sum(settlement_provider.c.received_oere).label("received_oere"),
            func.sum(settlement_provider.c.cost_oere).label("cost_oere"),
        )
        .join(settlement_provider, settlement_provider.c.settlement_id == year_settlement.c.id)
        .where(among(year_settlement.c.agreement, codes))
        .group_by(year_settlement.c.agreement, year_settlement.c.year)
    )
    return {
        (row.agreement, row.year): (int(row.received_oere), int(row.cost_oere))
        for row in rows
        if row.agreement in codes
    }


def closed_years(connection: Connection, agreement: str) -> list[int]:
    """The years that are closed, ascending."""
    return list(
        connection.execute(
            select(year_settlement.c.year)
            .where(year_settlement.c.agreement == agreement)
            .order_by(year_settlement.c.year),
        ).scalars(),
    )


def own_results(connection: Connection, agreement: str, who: MunicipalityCode) -> list[tuple[int, int, int]]:
    """A municipality's part of every closed year's result: (year, passed on, carried) in øre, the newest year first."""
    rows = connection.execute(
        select(
            year_settlement.c.year,
            func.sum(settlement_part.c.passed_on_oere).label("passed_on_oere"),
            func.sum(settlement_part.c.carried_oere).label("carried_oere"),
        )
        .join(settlement_part, settlement_part.c.settlement_id == year_settlement.c.id)
        .where(year_settlement.c.agreement == agreement, settlement_part.c.municipality == who)
        .group_by(year_settlement.c.year)
        .order_by(year_settlement.c.year.desc())
    )
    return [(row.year, int(row.passed_on_oere), int(row.carried_oere)) for row in rows]


def write_exit(connection: Connection, settlement: ExitSettlement) -> None:
    """Append what a leaver was settled with."""
    insert_rows(
        connection,
        exit_line,
        [
            {
                "agreement": settlement.agreement,
                "municipality": settlement.municipality,
                "left_on": settlement.left_on,
                "document": settlement.number or "",
                "accounting_year": line.accounting_year,
                "provider": line.provider,
                "passed_on_oere": line.passed_on_oere,
                "carried_oere": line.carried_oere,
            }
            for line in settlement.lines
        ],
    )
    if settlement.net_assets is not None:
        connection.execute(
            exit_net_assets.insert().values(
                agreement=settlement.agreement,
                municipality=settlement.municipality,
                left_on=settlement.left_on,
                document=settlement.number or "",
                net_assets_oere=settlement.net_assets.net_assets_oere,
                share_oere=settlement.net_assets.share_oere,
                evidence=settlement.net_assets.evidence,
            )
        )


def shares_of_net_assets(
    connection: Connection, agreement: str
) -> dict[tuple[MunicipalityCode, date], tuple[str, NetAssetsShare]]:
    """What leavers were settled with of the net assets: (municipality, last day) -> (document, share)."""
    query = select(exit_net_assets).where(exit_net_assets.c.agreement == agreement).order_by(exit_net_assets.c.id)
    return {
        (row.municipality, row.left_on): (
            row.document,
            NetAssetsShare(row.net_assets_oere, row.share_oere, row.evidence),
        )
        for row in connection.execute(query)
    }


def exits(
    connection: Connection,
    agreement: str,
    municipality: MunicipalityCode | None = None,
) -> dict[tuple[MunicipalityCode, date], tuple[str, tuple[ExitLine, ...]]]:
    """What leavers were settled with: (municipality, last day) -> (document, lines)."""
    query = select(exit_line).where(exit_line.c.agreement == agreement)
    if municipality is not None:
        query = query.where(exit_line.c.municipality == municipality)
    found: dict[tuple[MunicipalityCode, date], tuple[str, tuple[ExitLine, ...]]] = {}
    for row in connection.execute(query.order_by(exit_line.c.id)):
        key = (row.municipality, row.left_on)
        line = ExitLine(row.accounting_year, row.provider, row.passed_on_oere, row.carried_oere)
        found[key] = (row.document, (*found.get(key, ("", ()))[1], line))
    for (who, left_on), (document, _) in shares_of_net_assets(connection, agreement).items():
        if municipality in {None, who}:
            found.setdefault((who, left_on), (document, ()))
    return found
