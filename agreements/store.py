"""Agreements, members, budgets and inhabitants in and out of the tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import lru_cache

import orjson
from sqlalchemy import Connection, Table, and_, func, select, update

from agreements.agreement import (
    Agreement,
    AgreementEvent,
    CostKind,
    CostLine,
    CostLineKey,
    EventKind,
    MunicipalityCode,
)
from agreements.agreement_file import read_agreement
from agreements.agreement_form import from_values, to_values
from agreements.membership import MembershipPeriod
from agreements.population import PopulationFigure
from agreements.tables import (
    age_band_figure,
    agreement,
    agreement_event,
    agreement_version,
    budget_line,
    membership,
    population_figure,
    population_load,
)
from foundation.database import among, insert_rows, reserve_ids


@lru_cache(maxsize=256)
def _parsed(document: str) -> Agreement:
    return read_agreement("aftalen i databasen", document)


@lru_cache(maxsize=16_384)  # more than a country has: one that is too small for a run finds nothing in itself
def _read(document: str, form: str | None) -> Agreement:
    """An agreement from its kept values, or from its file where these are of another release.

    Read once for each text: a version never changes, and a page shows the same hundred agreements again and again.
    """
    if form is not None:
        with suppress(KeyError, ValueError, TypeError):
            return from_values(orjson.loads(form))
    return _parsed(document)


def kept_forms(connection: Connection) -> Iterator[tuple[str, int, bool]]:
    """(agreement, version, whether its kept values are what its file says) of every version that has such.

    Values of another release are not read, see ``_read``; so they say nothing wrong.
    """
    rows = connection.execute(
        select(agreement_version)
        .where(agreement_version.c.form.is_not(None))
        .order_by(agreement_version.c.agreement, agreement_version.c.version),
    )
    for row in rows:
        values, expected = json.loads(row.form), to_values(_parsed(row.document))
        yield row.agreement, row.version, values == expected or not _is_read(values)


def _is_read(values: Mapping[str, object]) -> bool:
    with suppress(KeyError, ValueError, TypeError):
        from_values(values)
        return True
    return False


def find_agreement(connection: Connection, code: str, *, lock: bool = False) -> Agreement | None:
    """The newest version of an agreement, without budgets; None where there is none.

    Args:
        connection: Where to read.
        code: The agreement's code.
        lock: Hold the agreement until the transaction ends, so that runs of one agreement follow each other.
    """
    query = select(agreement.c.code).where(agreement.c.code == code)
    if connection.execute(query.with_for_update() if lock else query).first() is None:
        return None
    newest = connection.execute(
        select(agreement_version.c.document, agreement_version.c.form)
        .where(agreement_version.c.agreement == code)
        .order_by(agreement_version.c.version.desc())
        .limit(1),
    ).one()
    return _read(newest.document, newest.form)


def find_agreements(
    connection: Connection,
    codes: Collection[str] | None,
    *,
    lock: bool = False,
) -> dict[str, tuple[int, Agreement]]:
    """The newest versions of many agreements, without budgets.

    Args:
        connection: Where to read.
        codes: Which; None for all.
        lock: Hold them until the transaction ends; always in the order of their codes, so that no two runs wait for
            each other.

    Returns:
        Code -> (number of the version, agreement), ascending.
    """
    if lock:
        connection.execute(
            select(agreement.c.code).where(among(agreement.c.code, codes)).order_by(agreement.c.code).with_for_update(),
        )
    newest = (
        select(agreement_version.c.agreement, func.max(agreement_version.c.version).label("version"))
        .where(among(agreement_version.c.agreement, codes))
        .group_by(agreement_version.c.agreement)
        .subquery()
    )
    rows = connection.execute(
        select(
            agreement_version.c.agreement,
            agreement_version.c.version,
            agreement_version.c.document,
            agreement_version.c.form,
        )
        .join(
            newest,
            and_(
                newest.c.agreement == agreement_version.c.agreement,
                newest.c.version == agreement_version.c.version,
            ),
        )
        .order_by(agreement_version.c.agreement),
    )
    return {
        row.agreement: (row.version, _read(row.document, row.form))
        for row in rows
        if codes is None or row.agreement in codes
    }


def agreement_codes(connection: Connection, issuer: MunicipalityCode | None = None) -> list[str]:
    """All agreements' codes, or one issuer's, ascending."""
    query = select(agreement.c.code).order_by(agreement.c.code)
    if issuer is not None:
        query = query.where(agreement.c.issuer == issuer)
    return list(connection.execute(query).scalars())


def write_agreement_version(connection: Connection, value: Agreement, document: str, loaded_on: date) -> int:
    """Append a version of an agreement; answers its number."""
    version = connection.execute(
        select(func.coalesce(func.max(agreement_version.c.version), 0) + 1).where(
            agreement_version.c.agreement == value.code,
        ),
    ).scalar_one()
    if version == 1:
        connection.execute(agreement.insert().values(code=value.code, issuer=value.issuer))
    connection.execute(
        agreement_version.insert().values(
            agreement=value.code,
            version=version,
            loaded_on=loaded_on,
            document=document,
            form=written_form(value),
        ),
    )
    return int(version)


def written_form(value: Agreement) -> str:
    """An agreement's values as they are kept."""
    return json.dumps(to_values(value), ensure_ascii=False, separators=(",", ":"))


def agreement_versions(connection: Connection, code: str) -> list[tuple[int, date]]:
    """(version, day it was loaded) of all versions, oldest first."""
    rows = connection.execute(
        select(agreement_version.c.version, agreement_version.c.loaded_on)
        .where(agreement_version.c.agreement == code)
        .order_by(agreement_version.c.version),
    )
    return [(row.version, row.loaded_on) for row in rows]


def agreement_history(connection: Connection, code: str) -> list[tuple[int, date, Agreement]]:
    """(version, day it was loaded, the agreement as it said then) of all versions, oldest first; one query."""
    rows = connection.execute(
        select(agreement_version).where(agreement_version.c.agreement == code).order_by(agreement_version.c.version)
    )
    return [(row.version, row.loaded_on, _read(row.document, row.form)) for row in rows]


def members(connection: Connection, code: str) -> tuple[MembershipPeriod, ...]:
    """Who takes part when, ascending by municipality and year."""
    rows = connection.execute(
        select(membership)
        .where(membership.c.agreement == code)
        .order_by(membership.c.municipality, membership.c.from_year),
    )
    return tuple(
        MembershipPeriod(row.municipality, row.from_year, row.to_year, row.begins_on, row.ends_on) for row in rows
    )


def agreements_with_member(connection: Connection, municipality: MunicipalityCode) -> list[str]:
    """The codes of the agreements in which a municipality takes, took or will take part, ascending."""
    query = select(membership.c.agreement).where(membership.c.municipality == municipality).distinct()
    return list(connection.execute(query.order_by(membership.c.agreement)).scalars())


def members_of(
    connection: Connection,
    codes: Collection[str] | None,
) -> dict[str, tuple[MembershipPeriod, ...]]:
    """Who takes part when, of many agreements; see ``members``."""
    rows = connection.execute(
        select(
            membership.c.agreement,
            membership.c.municipality,
            membership.c.from_year,
            membership.c.to_year,
            membership.c.begins_on,
            membership.c.ends_on,
        )
        .where(among(membership.c.agreement, codes))
        .order_by(membership.c.agreement, membership.c.municipality, membership.c.from_year),
    )
    found: dict[str, list[MembershipPeriod]] = defaultdict(list)
    for agreement_code, *period in rows.all():
        found[agreement_code].append(MembershipPeriod(*period))
    return {code: tuple(periods) for code, periods in found.items()}


def write_members(
    connection: Connection,
    code: str,
    periods: Iterable[MembershipPeriod],
    notice_given_on: date | None = None,
) -> None:
    """Make the stored membership what ``periods`` says: new periods are added, ended ones get their last year."""
    stored = {(period.municipality, period.from_year): period for period in members(connection, code)}
    for period in periods:
        old = stored.get((period.municipality, period.from_year))
        if old is None:
            connection.execute(
                membership.insert().values(
                    agreement=code,
                    municipality=period.municipality,
                    from_year=period.from_year,
                    to_year=period.to_year,
                    begins_on=period.begins_on,
                    ends_on=period.ends_on,
                ),
            )
        elif old != period:
            connection.execute(
                update(membership)
                .where(
                    membership.c.agreement == code,
                    membership.c.municipality == period.municipality,
                    membership.c.from_year == period.from_year,
                )
                .values(to_year=period.to_year, ends_on=period.ends_on, notice_given_on=notice_given_on),
            )


def cost_lines(
    connection: Connection,
    table: Table,
    code: str,
    year: int | None = None,
) -> dict[CostLineKey, tuple[int, CostLine]]:
    """The newest revision of each line of budgets or final accounts.

    Args:
        connection: Where to read.
        table: ``budget_line`` or ``accounts_line``, which have the same columns.
        code: The agreement.
        year: Only this year's.

    Returns:
        Key -> (revision, line), in the order of keys.
    """
    keys = (table.c.agreement, table.c.year, table.c.provider, table.c.service, table.c.kind, table.c.line)
    newest = select(*keys, func.max(table.c.revision).label("revision")).where(table.c.agreement == code)
    if year is not None:
        newest = newest.where(table.c.year == year)
    latest = newest.group_by(*keys).subquery()
    rows = connection.execute(
        select(table).join(
            latest,
            and_(*(table.c[key.name] == latest.c[key.name] for key in keys), table.c.revision == latest.c.revision),
        ),
    )
    lines = {}
    for row in rows:
        key = CostLineKey(row.year, row.provider, row.service, CostKind(row.kind), row.line)
        lines[key] = (row.revision, CostLine(key, row.amount_oere, row.note))
    return dict(sorted(lines.items()))


def append_cost_lines(
    connection: Connection,
    table: Table,
    code: str,
    lines: Sequence[tuple[int, CostLine]],
    loaded_on: date,
) -> None:
    """Append revisions of lines; the older revisions stay.

    Args:
        connection: The transaction.
        table: ``budget_line`` or ``accounts_line``.
        code: The agreement.
        lines: (revision, line).
        loaded_on: The business date.
    """
    insert_rows(
        connection,
        table,
        [
            {
                "agreement": code,
                "year": line.key.year,
                "provider": line.key.provider,
                "service": line.key.service,
                "kind": line.key.kind.value,
                "line": line.key.line,
                "revision": revision,
                "amount_oere": line.amount_oere,
                "note": line.note,
                "loaded_on": loaded_on,
            }
            for revision, line in lines
        ],
    )


def budget(connection: Connection, code: str, year: int | None = None) -> tuple[CostLine, ...]:
    """The budget lines that apply, ascending by key."""
    return tuple(line for _, line in cost_lines(connection, budget_line, code, year).values())


def budgets_of(
    connection: Connection,
    codes: Collection[str] | None,
    years: Collection[int],
) -> dict[tuple[str, int], list[CostLine]]:
    """The budget lines that apply, of many agreements: (code, year) -> lines, ascending by key."""
    newest: dict[tuple[str, CostLineKey], CostLine] = {}
    rows = connection.execute(
        select(
            budget_line.c.agreement,
            budget_line.c.year,
            budget_line.c.provider,
            budget_line.c.service,
            budget_line.c.kind,
            budget_line.c.line,
            budget_line.c.amount_oere,
            budget_line.c.note,
        )
        .where(among(budget_line.c.agreement, codes), budget_line.c.year.in_(sorted(years)))
        .order_by(budget_line.c.revision),
    )
    for row in rows:
        key = CostLineKey(row.year, row.provider, row.service, CostKind(row.kind), row.line)
        newest[row.agreement, key] = CostLine(key, row.amount_oere, row.note)
    found: dict[tuple[str, int], list[CostLine]] = defaultdict(list)
    for (code, key), line in sorted(newest.items(), key=lambda entry: entry[0]):
        found[code, key.year].append(line)
    return found


def population(
    connection: Connection,
    on: date | None = None,
    codes: Iterable[MunicipalityCode] | None = None,
) -> dict[tuple[MunicipalityCode, date], tuple[int, PopulationFigure]]:
    """The newest revision of each figure.

    Args:
        connection: Where to read.
        on: Only this reference date's.
        codes: Only these municipalities'.

    Returns:
        (municipality, reference date) -> (revision, figure), ascending.
    """
    conditions = []
    if on is not None:
        conditions.append(population_figure.c.reference_date == on)
    if codes is not None:
        conditions.append(population_figure.c.municipality.in_(list(codes)))
    query = (
        select(population_figure)
        .where(*conditions)
        .order_by(
            population_figure.c.municipality,
            population_figure.c.reference_date,
            population_figure.c.revision,
        )
    )
    figures: dict[tuple[MunicipalityCode, date], tuple[int, PopulationFigure]] = {}
    for row in connection.execute(query):
        figure = PopulationFigure(row.municipality, row.reference_date, row.inhabitants, row.source, row.fetched_on)
        figures[row.municipality, row.reference_date] = (row.revision, figure)
    return figures


def population_history(connection: Connection, municipality: MunicipalityCode) -> list[tuple[int, PopulationFigure]]:
    """Every revision of every figure of one municipality, oldest first."""
    query = (
        select(population_figure)
        .where(population_figure.c.municipality == municipality)
        .order_by(population_figure.c.reference_date, population_figure.c.revision)
    )
    return [
        (
            row.revision,
            PopulationFigure(row.municipality, row.reference_date, row.inhabitants, row.source, row.fetched_on),
        )
        for row in connection.execute(query)
    ]


def append_population(
    connection: Connection,
    name: str,
    digest: str,
    loaded_on: date,
    figures: Mapping[tuple[MunicipalityCode, date], tuple[int, PopulationFigure]],
) -> None:
    """Append figures as one load, each with its revision; the older ones stay."""
    (load_id,) = reserve_ids(connection, population_load, 1)
    connection.execute(
        population_load.insert().values(id=load_id, name=name[:300], digest=digest, loaded_on=loaded_on),
    )
    insert_rows(
        connection,
        population_figure,
        [
            {
                "municipality": figure.municipality,
                "reference_date": figure.on,
                "revision": revision,
                "inhabitants": figure.inhabitants,
                "source": figure.source[:300],
                "fetched_on": figure.fetched_on,
                "load_id": load_id,
            }
            for revision, figure in figures.values()
        ],
    )


AgeBand = tuple[int, int]


def age_bands(
    connection: Connection,
    band: AgeBand,
    on: date | None = None,
    codes: Iterable[MunicipalityCode] | None = None,
) -> dict[tuple[MunicipalityCode, date], tuple[int, PopulationFigure]]:
    """The newest revision of each figure of one age band, as ``population`` answers those of all ages."""
    figure = age_band_figure.c
    conditions = [figure.age_from == band[0], figure.age_to == band[1]]
    if on is not None:
        conditions.append(figure.reference_date == on)
    if codes is not None:
        conditions.append(figure.municipality.in_(list(codes)))
    rows = connection.execute(
        select(age_band_figure)
        .where(*conditions)
        .order_by(figure.municipality, figure.reference_date, figure.revision),
    )
    return {
        (row.municipality, row.reference_date): (
            row.revision,
            PopulationFigure(row.municipality, row.reference_date, row.inhabitants, row.source, row.fetched_on),
        )
        for row in rows
    }


def append_age_bands(  # noqa: PLR0913, PLR0917 - a load is told these
    connection: Connection,
    name: str,
    digest: str,
    loaded_on: date,
    band: AgeBand,
    figures: Sequence[tuple[int, PopulationFigure]],
) -> None:
    """Append figures of one age band as one load, each with its revision; the older ones stay."""
    (load_id,) = reserve_ids(connection, population_load, 1)
    connection.execute(
        population_load.insert().values(id=load_id, name=name[:300], digest=digest, loaded_on=loaded_on),
    )
    insert_rows(
        connection,
        age_band_figure,
        [
            {
                "municipality": figure.municipality,
                "reference_date": figure.on,
                "age_from": band[0],
                "age_to": band[1],
                "revision": revision,
                "inhabitants": figure.inhabitants,
                "source": figure.source[:300],
                "fetched_on": figure.fetched_on,
                "load_id": load_id,
            }
            for revision, figure in figures
        ],
    )


def write_event(connection: Connection, event: AgreementEvent) -> None:
    """Append what happened to an agreement.

    Raises:
        sqlalchemy.exc.IntegrityError: the same kind on the same day.
    """
    connection.execute(
        agreement_event.insert().values(
            agreement=event.agreement,
            kind=event.kind.value,
            happened_on=event.happened_on,
            text=event.text,
            version=event.version,
            entered_on=event.entered_on,
        ),
    )


def events(connection: Connection, code: str) -> list[AgreementEvent]:
    """What happened to an agreement, by day."""
    rows = connection.execute(
        select(agreement_event)
        .where(agreement_event.c.agreement == code)
        .order_by(agreement_event.c.happened_on, agreement_event.c.id),
    )
    return [
        AgreementEvent(row.agreement, EventKind(row.kind), row.happened_on, row.text, row.version, row.entered_on)
        for row in rows
    ]
