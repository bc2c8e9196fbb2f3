"""Versions of a year's calculation in and out of the tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from agreements.agreement import CostKind, CostLine, CostLineKey, MunicipalityCode
from agreements.population import PopulationFigure
from billing.accounts.facts import ResultSource
from billing.annual_subscription.division_form import division_from_text, division_text
from billing.annual_subscription.facts import AnnualSubscription, Correction, Division, Instalment, SubscriptionPart
from billing.annual_subscription.tables import (
    price_notice,
    subscription,
    subscription_cost_line,
    subscription_division,
    subscription_instalment,
    subscription_instalment_passed_on,
    subscription_part,
    subscription_passed_on,
)
from foundation.database import among, insert_rows, reserve_ids
from foundation.period import Month


def write_subscription(connection: Connection, value: AnnualSubscription, calculated_on: date) -> None:
    """Append a version with all the figures it used.

    Raises:
        sqlalchemy.exc.IntegrityError: the version exists (``uq_subscription_agreement_year_version``).
    """
    (subscription_id,) = reserve_ids(connection, subscription, 1)
    connection.execute(
        subscription.insert().values(
            id=subscription_id,
            agreement=value.agreement,
            year=value.year,
            version=value.version,
            reference_date=value.reference_date,
            unit_oere=value.unit_oere,
            correction=value.correction.value,
            calculated_on=calculated_on,
            cost_oere=value.cost_oere,
            passed_on_oere=value.passed_on_oere,
            total_oere=value.total_oere,
        ),
    )
    insert_rows(
        connection,
        subscription_cost_line,
        [
            {
                "subscription_id": subscription_id,
                "year": line.key.year,
                "provider": line.key.provider,
                "service": line.key.service,
                "kind": line.key.kind.value,
                "line": line.key.line,
                "amount_oere": line.amount_oere,
                "note": line.note,
            }
            for line in value.cost_lines
        ],
    )
    if value.division is not None:
        connection.execute(
            subscription_division.insert().values(
                subscription_id=subscription_id, document=division_text(value.division)
            ),
        )
    insert_rows(
        connection,
        subscription_part,
        [
            {
                "subscription_id": subscription_id,
                "municipality": part.municipality,
                "population": part.population.inhabitants,
                "population_date": part.population.on,
                "population_source": part.population.source[:300],
                "population_fetched_on": part.population.fetched_on,
                "weight": part.weight,
                "share_oere": part.share_oere,
                "passed_on_oere": part.passed_on_oere,
                "obligation_oere": part.obligation_oere,
            }
            for part in value.parts
        ],
    )
    insert_rows(
        connection,
        subscription_passed_on,
        [
            {
                "subscription_id": subscription_id,
                "municipality": part.municipality,
                "accounting_year": source.accounting_year,
                "provider": source.provider,
                "amount_oere": amount,
            }
            for part in value.parts
            for source, amount in part.passed_on.items()
        ],
    )
    insert_rows(
        connection,
        subscription_instalment,
        [
            {
                "subscription_id": subscription_id,
                "municipality": part.municipality,
                "month": instalment.month.first_day,
                "gross_oere": instalment.gross_oere,
                "amount_oere": instalment.amount_oere,
                "invoiced": instalment.invoiced,
            }
            for part in value.parts
            for instalment in part.instalments
        ],
    )
    insert_rows(
        connection,
        subscription_instalment_passed_on,
        [
            {
                "subscription_id": subscription_id,
                "municipality": part.municipality,
                "month": instalment.month.first_day,
                "accounting_year": source.accounting_year,
                "provider": source.provider,
                "amount_oere": amount,
            }
            for part in value.parts
            for instalment in part.instalments
            for source, amount in instalment.passed_on.items()
        ],
    )


def versions(connection: Connection, agreement: str, year: int | None = None) -> list[tuple[int, int, date]]:
    """(year, version, day of calculation) of all versions, oldest first."""
    query = select(subscription.c.year, subscription.c.version, subscription.c.calculated_on).where(
        subscription.c.agreement == agreement,
    )
    if year is not None:
        query = query.where(subscription.c.year == year)
    return [
        (row.year, row.version, row.calculated_on)
        for row in connection.execute(query.order_by(subscription.c.year, subscription.c.version))
    ]


def latest_versions(
    connection: Connection,
    codes: Collection[str] | None,
    years: Collection[int],
) -> dict[tuple[str, int], int]:
    """The numbers of the newest versions: (agreement, year) -> version, where there is one."""
    rows = connection.execute(
        select(subscription.c.agreement, subscription.c.year, func.max(subscription.c.version).label("version"))
        .where(among(subscription.c.agreement, codes), subscription.c.year.in_(sorted(years)))
        .group_by(subscription.c.agreement, subscription.c.year),
    )
    return {(row.agreement, row.year): row.version for row in rows}


def latest_costs(connection: Connection, codes: Collection[str]) -> dict[tuple[str, int], int]:
    """What a year is expected to cost by its newest price, before earlier results: (agreement, year) -> øre."""
    newest = (
        select(subscription.c.agreement, subscription.c.year, func.max(subscription.c.version).label("version"))
        .where(among(subscription.c.agreement, codes))
        .group_by(subscription.c.agreement, subscription.c.year)
        .subquery()
    )
    rows = connection.execute(
        select(subscription.c.agreement, subscription.c.year, subscription.c.cost_oere).join(
            newest,
            and_(
                newest.c.agreement == subscription.c.agreement,
                newest.c.year == subscription.c.year,
                newest.c.version == subscription.c.version,
            ),
        )
    )
    return {(row.agreement, row.year): row.cost_oere for row in rows if row.agreement in codes}


def latest_version(connection: Connection, agreement: str, year: int) -> int:
    """The number of the newest version; 0 where the year has none."""
    return int(
        connection.execute(
            select(func.coalesce(func.max(subscription.c.version), 0)).where(
                subscription.c.agreement == agreement,
                subscription.c.year == year,
            ),
        ).scalar_one(),
    )


def read_subscription(
    connection: Connection,
    agreement: str,
    year: int,
    version: int | None = None,
) -> AnnualSubscription | None:
    """One version of a year, the newest if none is named; None where there is none."""
    query = select(subscription).where(subscription.c.agreement == agreement, subscription.c.year == year)
    if version is not None:
        query = query.where(subscription.c.version == version)
    head = connection.execute(query.order_by(subscription.c.version.desc()).limit(1)).one_or_none()
    if head is None:
        return None
    lines = connection.execute(
        select(subscription_cost_line)
        .where(subscription_cost_line.c.subscription_id == head.id)
        .order_by(subscription_cost_line.c.id),
    )
    return AnnualSubscription(
        agreement=agreement,
        year=year,
        version=head.version,
        reference_date=head.reference_date,
        unit_oere=head.unit_oere,
        correction=Correction(head.correction),
        cost_lines=tuple(
            CostLine(
                CostLineKey(row.year, row.provider, row.service, CostKind(row.kind), row.line),
                row.amount_oere,
                row.note,
            )
            for row in lines
        ),
        parts=_parts(connection, head.id),
        calculated_on=head.calculated_on,
        division=_divisions(connection, [head.id]).get(head.id),
    )


def read_subscriptions(
    connection: Connection,
    wanted: Collection[tuple[str, int]],
    months: Collection[Month],
) -> dict[tuple[str, int], AnnualSubscription]:
    """The newest versions of many agreements' years, with the instalments of some months only.

    Args:
        connection: Where to read.
        wanted: (agreement, year); a year that has no price is not answered.
        months: The months whose instalments are read; a payer's part then holds these alone.
    """
    codes = {code for code, _ in wanted}
    newest = (
        select(subscription.c.agreement, subscription.c.year, func.max(subscription.c.version).label("version"))
        .where(among(subscription.c.agreement, codes), subscription.c.year.in_(sorted({year for _, year in wanted})))
        .group_by(subscription.c.agreement, subscription.c.year)
        .subquery()
    )
    heads = select(subscription).join(
        newest,
        and_(
            newest.c.agreement == subscription.c.agreement,
            newest.c.year == subscription.c.year,
            newest.c.version == subscription.c.version,
        ),
    )
    known = {row.id: row for row in connection.execute(heads) if (row.agreement, row.year) in wanted}  # id -> head
    if not known:
        return {}
    ids = heads.with_only_columns(subscription.c.id)
    divisions = _divisions(connection, ids)
    first_days = sorted(month.first_day for month in months)
    of_months = {month.first_day: month for month in months}
    lines: dict[int, list[CostLine]] = defaultdict(list)
    for row in connection.execute(
        select(subscription_cost_line)
        .where(subscription_cost_line.c.subscription_id.in_(ids))
        .order_by(subscription_cost_line.c.id),
    ).all():
        key = CostLineKey(row.year, row.provider, row.service, CostKind(row.kind), row.line)
        lines[row.subscription_id].append(CostLine(key, row.amount_oere, row.note))
    passed_on: dict[tuple[int, MunicipalityCode], dict[ResultSource, int]] = defaultdict(dict)
    of_year = subscription_passed_on
    for row in connection.execute(
        select(of_year)
        .where(of_year.c.subscription_id.in_(ids))
        .order_by(of_year.c.accounting_year, of_year.c.provider),
    ):
        source = ResultSource(row.accounting_year, row.provider)
        passed_on[row.subscription_id, row.municipality][source] = row.amount_oere
    by_month: dict[tuple[int, MunicipalityCode, date], dict[ResultSource, int]] = defaultdict(dict)
    of_instalments = subscription_instalment_passed_on
    for row in connection.execute(
        select(of_instalments)
        .where(of_instalments.c.subscription_id.in_(ids), of_instalments.c.month.in_(first_days))
        .order_by(of_instalments.c.accounting_year, of_instalments.c.provider),
    ):
        source = ResultSource(row.accounting_year, row.provider)
        by_month[row.subscription_id, row.municipality, row.month][source] = row.amount_oere
    instalments: dict[tuple[int, MunicipalityCode], list[Instalment]] = defaultdict(list)
    cut = subscription_instalment.c
    for subscription_id, municipality, first_day, gross, invoiced in connection.execute(
        select(cut.subscription_id, cut.municipality, cut.month, cut.gross_oere, cut.invoiced)
        .where(cut.subscription_id.in_(ids), cut.month.in_(first_days))
        .order_by(cut.month),
    ).all():
        given = by_month.get((subscription_id, municipality, first_day), NOTHING) if by_month else NOTHING
        instalments[subscription_id, municipality].append(Instalment(of_months[first_day], gross, given, invoiced))
    parts: dict[int, list[SubscriptionPart]] = defaultdict(list)
    part = subscription_part.c
    for subscription_id, municipality, population, on, source_text, fetched_on, weight, share in connection.execute(
        select(
            part.subscription_id,
            part.municipality,
            part.population,
            part.population_date,
            part.population_source,
            part.population_fetched_on,
            part.weight,
            part.share_oere,
        )
        .where(part.subscription_id.in_(ids))
        .order_by(part.subscription_id, part.municipality),
    ).all():
        parts[subscription_id].append(
            SubscriptionPart(
                municipality,
                PopulationFigure(municipality, on, population, source_text, fetched_on),
                weight,
                share,
                passed_on.get((subscription_id, municipality), NOTHING) if passed_on else NOTHING,
                tuple(instalments[subscription_id, municipality]),
            ),
        )
    return {
        (head.agreement, head.year): AnnualSubscription(
            agreement=head.agreement,
            year=head.year,
            version=head.version,
            reference_date=head.reference_date,
            unit_oere=head.unit_oere,
            correction=Correction(head.correction),
            cost_lines=tuple(lines[subscription_id]),
            parts=tuple(parts[subscription_id]),
            calculated_on=head.calculated_on,
            division=divisions.get(subscription_id),
        )
        for subscription_id, head in known.items()
    }


def _divisions(connection: Connection, ids: Any) -> dict[int, Division]:  # noqa: ANN401 - a list or a query
    """Subscription id -> how it was divided, for those that have a division of their own."""
    of = subscription_division.c
    rows = connection.execute(select(of.subscription_id, of.document).where(of.subscription_id.in_(ids)))
    return {row.subscription_id: division_from_text(row.document) for row in rows}


NOTHING: Mapping[ResultSource, int] = MappingProxyType({})


def _parts(connection: Connection, subscription_id: int) -> tuple[SubscriptionPart, ...]:
    passed_on: dict[MunicipalityCode, dict[ResultSource, int]] = defaultdict(dict)
    for row in connection.execute(
        select(subscription_passed_on)
        .where(subscription_passed_on.c.subscription_id == subscription_id)
        .order_by(subscription_passed_on.c.accounting_year, subscription_passed_on.c.provider),
    ):
        passed_on[row.municipality][ResultSource(row.accounting_year, row.provider)] = row.amount_oere
    by_month: dict[tuple[MunicipalityCode, date], dict[ResultSource, int]] = defaultdict(dict)
    of_instalments = subscription_instalment_passed_on
    for row in connection.execute(
        select(of_instalments)
        .where(of_instalments.c.subscription_id == subscription_id)
        .order_by(of_instalments.c.accounting_year, of_instalments.c.provider),
    ):
        by_month[row.municipality, row.month][ResultSource(row.accounting_year, row.provider)] = row.amount_oere
    instalments: dict[MunicipalityCode, list[Instalment]] = defaultdict(list)
    for row in connection.execute(
        select(subscription_instalment)
        .where(subscription_instalment.c.subscription_id == subscription_id)
        .order_by(subscription_instalment.c.month),
    ):
        instalments[row.municipality].append(
            Instalment(
                Month.of(row.month),
                row.gross_oere,
                by_month[row.municipality, row.month],
                row.invoiced,
            ),
        )
    rows = connection.execute(
        select(subscription_part)
        .where(subscription_part.c.subscription_id == subscription_id)
        .order_by(subscription_part.c.municipality),
    )
    return tuple(
        SubscriptionPart(
            municipality=row.municipality,
            population=PopulationFigure(
                row.municipality,
                row.population_date,
                row.population,
                row.population_source,
                row.population_fetched_on,
            ),
            weight=row.weight,
            share_oere=row.share_oere,
            passed_on=passed_on[row.municipality],
            instalments=tuple(instalments[row.municipality]),
        )
        for row in rows
    )


def passed_on_by_year(
    connection: Connection,
    agreement: str,
) -> dict[int, dict[tuple[MunicipalityCode, ResultSource], int]]:
    """What the newest version of each priced year passes on: year -> (municipality, source) -> øre."""
    found: dict[int, dict[tuple[MunicipalityCode, ResultSource], int]] = {}
    for year in sorted({of_year for of_year, _, _ in versions(connection, agreement)}):
        value = read_subscription(connection, agreement, year)
        found[year] = {
            (part.municipality, source): amount
            for part in (value.parts if value else ())
            for source, amount in part.passed_on.items()
        }
    return found


def write_price_notice(connection: Connection, agreement: str, year: int, version: int, given_on: date) -> None:
    """Append that the price was told."""
    connection.execute(
        price_notice.insert().values(agreement=agreement, year=year, version=version, given_on=given_on),
    )


def price_notices(connection: Connection, agreement: str, year: int) -> Sequence[tuple[int, date]]:
    """(version, day) of the price notices of a year, in the order they were given."""
    return [
        (row.version, row.given_on)
        for row in connection.execute(
            select(price_notice)
            .where(price_notice.c.agreement == agreement, price_notice.c.year == year)
            .order_by(price_notice.c.id),
        )
    ]


def heads(connection: Connection) -> Sequence[Row[Any]]:
    """The stored totals of every version, as they stand."""
    return connection.execute(select(subscription)).all()


def stored_parts(connection: Connection) -> dict[tuple[int, MunicipalityCode], tuple[int, int]]:
    """The stored (passed on, obligation) of every part of every version, as they stand."""
    return {
        (row.subscription_id, row.municipality): (row.passed_on_oere, row.obligation_oere)
        for row in connection.execute(select(subscription_part))
    }


def stored_amounts(connection: Connection) -> dict[tuple[int, MunicipalityCode, Month], int]:
    """The stored amount of every instalment of every version, as it stands."""
    rows = connection.execute(
        select(
            subscription_instalment.c.subscription_id,
            subscription_instalment.c.municipality,
            subscription_instalment.c.month,
            subscription_instalment.c.amount_oere,
        ),
    )
    return {(row.subscription_id, row.municipality, Month.of(row.month)): row.amount_oere for row in rows}
