"""Mappings, loads and releases in and out of the tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select

from agreements.agreement import MunicipalityCode
from billing.usage_statement.facts import Figure, FigureKey, Load, Measure, Release, UsagePeriod
from billing.usage_statement.tables import (
    usage_count,
    usage_figure,
    usage_load,
    usage_mapping,
    usage_release,
    usage_release_part,
)
from foundation.audit import Occasion
from foundation.database import among, insert_rows, reserve_ids
from foundation.period import Month

MOST_AT_ONCE = 500


def read_mapping(connection: Connection, agreement: str, provider: MunicipalityCode) -> tuple[int, Any] | None:
    """(version, content) of the mapping that applies; None where none was kept."""
    row = connection.execute(
        select(usage_mapping.c.version, usage_mapping.c.content)
        .where(usage_mapping.c.agreement == agreement, usage_mapping.c.provider == provider)
        .order_by(usage_mapping.c.version.desc())
        .limit(1),
    ).one_or_none()
    return None if row is None else (row.version, json.loads(row.content))


def write_mapping(  # noqa: PLR0913, PLR0917 - a row is made of these
    connection: Connection,
    agreement: str,
    provider: MunicipalityCode,
    version: int,
    content: object,
    occasion: Occasion,
) -> None:
    """Append a version of a mapping."""
    connection.execute(
        usage_mapping.insert().values(
            agreement=agreement,
            provider=provider,
            version=version,
            kept_on=occasion.as_of,
            kept_by=occasion.actor,
            content=json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
        ),
    )


def write_load(connection: Connection, load: Load) -> int:
    """Append a load; answers its number."""
    (number,) = reserve_ids(connection, usage_load, 1)
    connection.execute(
        usage_load.insert().values(
            id=number,
            agreement=load.agreement,
            provider=load.provider,
            first_month=load.period.first.first_day,
            last_month=load.period.last.first_day,
            version=load.version,
            loaded_on=load.loaded_on,
            loaded_by=load.loaded_by,
            shape=load.shape,
            lines=load.lines,
        ),
    )
    insert_rows(
        connection,
        usage_count,
        [
            {
                "load_id": number,
                "measure": key.measure.value,
                "service": key.service,
                "residence": key.residence,
                "counted": count,
            }
            for key, count in sorted(load.counts.items())
            if count
        ],
    )
    return number


def _period(row: Row[Any]) -> UsagePeriod:
    return UsagePeriod(Month.of(row.first_month), Month.of(row.last_month))


def loads(connection: Connection, agreement: str) -> list[Load]:
    """All loads of an agreement, oldest first."""
    counts: dict[int, dict[FigureKey, int]] = defaultdict(dict)
    for row in connection.execute(
        select(usage_count).join(usage_load).where(usage_load.c.agreement == agreement),
    ):
        counts[row.load_id][FigureKey(Measure(row.measure), row.service, row.residence)] = row.counted
    rows = connection.execute(select(usage_load).where(usage_load.c.agreement == agreement).order_by(usage_load.c.id))
    return [
        Load(
            agreement=row.agreement,
            provider=row.provider,
            period=_period(row),
            version=row.version,
            loaded_on=row.loaded_on,
            loaded_by=row.loaded_by,
            shape=row.shape,
            lines=row.lines,
            counts=counts[row.id],
            number=row.id,
        )
        for row in rows
    ]


def newest_loads(found: Iterable[Load]) -> dict[tuple[UsagePeriod, MunicipalityCode], Load]:
    """(period, provider) -> the load that applies, of loads in the order of their numbers."""
    return {(load.period, load.provider): load for load in found}


def write_release(connection: Connection, release: Release) -> int:
    """Append a release; answers its number."""
    (number,) = reserve_ids(connection, usage_release, 1)
    connection.execute(
        usage_release.insert().values(
            id=number,
            agreement=release.agreement,
            first_month=release.period.first.first_day,
            last_month=release.period.last.first_day,
            edition=release.edition,
            released_on=release.released_on,
            released_by=release.released_by,
            threshold=release.threshold,
            optimal=release.optimal,
        ),
    )
    parts = [(load, None) for load in release.loads] + [(None, part) for part in release.parts]
    insert_rows(
        connection,
        usage_release_part,
        [
            {"release_id": number, "position": position, "load_id": load, "part_id": part}
            for position, (load, part) in enumerate(parts, start=1)
        ],
    )
    rows = [
        {
            "release_id": number,
            "measure": key.measure.value,
            "service": key.service,
            "residence": key.residence,
            "counted": figure.count,
            "hidden": figure.hidden,
            "small": figure.small,
        }
        for key, figure in sorted(release.figures.items())
    ]
    for start in range(0, len(rows), MOST_AT_ONCE):
        insert_rows(connection, usage_figure, rows[start : start + MOST_AT_ONCE])
    return number


def releases(connection: Connection, agreement: str) -> list[Release]:
    """All releases of an agreement, in the order of publication."""
    figures: dict[int, dict[FigureKey, Figure]] = defaultdict(dict)
    for row in connection.execute(
        select(usage_figure)
        .join(usage_release)
        .where(usage_release.c.agreement == agreement)
        .order_by(usage_figure.c.measure, usage_figure.c.service, usage_figure.c.residence),
    ):
        key = FigureKey(Measure(row.measure), row.service, row.residence)
        figures[row.release_id][key] = Figure(row.counted, row.hidden, row.small)
    parts: dict[int, list[tuple[int | None, int | None]]] = defaultdict(list)
    for row in connection.execute(
        select(usage_release_part)
        .join(usage_release, usage_release.c.id == usage_release_part.c.release_id)
        .where(usage_release.c.agreement == agreement)
        .order_by(usage_release_part.c.release_id, usage_release_part.c.position),
    ):
        parts[row.release_id].append((row.load_id, row.part_id))
    rows = connection.execute(
        select(usage_release).where(usage_release.c.agreement == agreement).order_by(usage_release.c.id),
    )
    return [
        Release(
            agreement=row.agreement,
            period=_period(row),
            edition=row.edition,
            released_on=row.released_on,
            released_by=row.released_by,
            threshold=row.threshold,
            figures=figures[row.id],
            loads=tuple(load for load, _ in parts[row.id] if load is not None),
            parts=tuple(part for _, part in parts[row.id] if part is not None),
            number=row.id,
            optimal=row.optimal,
        )
        for row in rows
    ]


def has_releases(connection: Connection, agreement: str) -> bool:
    """Whether anything of an agreement was published."""
    query = select(func.count()).select_from(usage_release).where(usage_release.c.agreement == agreement)
    return bool(connection.execute(query).scalar_one())


@dataclass(frozen=True, slots=True)
class ReleaseHead:
    """A release without its figures, as a listing shows it."""

    agreement: str
    period: UsagePeriod
    edition: int
    released_on: date


def newest_releases(connection: Connection, agreements: Collection[str]) -> list[ReleaseHead]:
    """The newest edition of each period of some agreements, the latest period first; one query, no figures."""
    rows = connection.execute(
        select(usage_release).where(among(usage_release.c.agreement, agreements)).order_by(usage_release.c.id),
    )
    found = {
        (row.agreement, row.first_month, row.last_month): ReleaseHead(
            row.agreement, _period(row), row.edition, row.released_on
        )
        for row in rows
        if row.agreement in agreements
    }
    return [found[key] for key in sorted(found, key=lambda key: (key[2], key[1], key[0]), reverse=True)]
