"""Plans, what became of them, and issuers' settings in and out of the tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from agreements.agreement import MunicipalityCode
from billing.monthly_run.facts import (
    IssuerSettings,
    MissingDetail,
    NotPlanned,
    PlanEvent,
    PlannedDocument,
    PlanState,
    PlanWarning,
    RunPlan,
    RunScope,
)
from billing.monthly_run.tables import issuer_setting, run_plan, run_plan_document, run_plan_event
from foundation.canonical import canonical
from foundation.database import among, insert_bulk, reserve_ids
from foundation.period import Month


def issuer_settings(connection: Connection, issuer: MunicipalityCode) -> IssuerSettings:
    """The issuer's settings; the defaults where nothing was set."""
    row = connection.execute(select(issuer_setting).where(issuer_setting.c.issuer == issuer)).one_or_none()
    return IssuerSettings(issuer) if row is None else _settings(row)


def all_issuer_settings(connection: Connection) -> dict[MunicipalityCode, IssuerSettings]:
    """The settings of every issuer that has some of its own."""
    return {row.issuer: _settings(row) for row in connection.execute(select(issuer_setting))}


def _settings(row: Row[Any]) -> IssuerSettings:
    return IssuerSettings(
        row.issuer,
        four_eyes=row.four_eyes,
        warn_percent=row.warn_percent,
        plan_days_before=row.plan_days_before,
        alarm_days_before=row.alarm_days_before,
        mail=row.mail,
    )


def write_issuer_settings(connection: Connection, settings: IssuerSettings) -> None:
    """Keep the issuer's settings in place of the old ones; the audit trail has both."""
    values = {
        "four_eyes": settings.four_eyes,
        "warn_percent": settings.warn_percent,
        "plan_days_before": settings.plan_days_before,
        "alarm_days_before": settings.alarm_days_before,
        "mail": settings.mail,
    }
    changed = connection.execute(
        update(issuer_setting).where(issuer_setting.c.issuer == settings.issuer).values(**values),
    )
    if changed.rowcount == 0:
        connection.execute(issuer_setting.insert().values(issuer=settings.issuer, **values))


def _json(value: object) -> str:
    return canonical(value).decode()


def write_plan(connection: Connection, plan: RunPlan) -> int:
    """Append a plan; answers its number."""
    (plan_id,) = reserve_ids(connection, run_plan, 1)
    connection.execute(
        run_plan.insert().values(
            id=plan_id,
            scope=_json([plan.scope.agreement, plan.scope.month and str(plan.scope.month), plan.scope.issuer]),
            as_of=plan.as_of,
            planned_by=plan.planned_by,
            four_eyes=plan.four_eyes,
            hash=plan.hash,
            inputs=_json(dict(plan.inputs)),
            failed=_json(
                [
                    [entry.agreement, str(entry.month), entry.subscriber, entry.error, entry.message]
                    for entry in plan.failed
                ],
            ),
            missing=_json([[entry.rule, entry.message, entry.bills] for entry in plan.missing]),
        ),
    )
    insert_bulk(
        connection,
        run_plan_document,
        DOCUMENT_COLUMNS,
        (
            (
                plan_id,
                position,
                document.agreement,
                document.month.first_day,
                document.issuer,
                document.subscriber,
                document.amount_oere,
                document.previous_oere,
                document.internal,
                _json(document.lines),
                document.note,
                document.change,
                _json(document.warnings) if document.warnings else "[]",
                document.document,
            )
            for position, document in enumerate(plan.documents, start=1)
        ),
    )
    return plan_id


DOCUMENT_COLUMNS = (
    "plan_id",
    "position",
    "agreement",
    "month",
    "issuer",
    "subscriber",
    "amount_oere",
    "previous_oere",
    "internal",
    "lines",
    "note",
    "change",
    "warnings",
    "document",
)


def write_event(connection: Connection, number: int, event: PlanEvent) -> None:
    """Append what became of a plan.

    Raises:
        sqlalchemy.exc.IntegrityError: it happened before (``uq_run_plan_event_…``).
    """
    connection.execute(
        run_plan_event.insert().values(
            plan_id=number,
            kind=event.state.value,
            happened_on=event.happened_on,
            actor=event.actor,
            note=event.note,
        ),
    )


def lock_plan(connection: Connection, number: int) -> bool:
    """Hold a plan until the transaction ends; False where there is none."""
    found = connection.execute(select(run_plan.c.id).where(run_plan.c.id == number).with_for_update())
    return found.first() is not None


def read_plan(connection: Connection, number: int, *, only_head: bool = False) -> RunPlan | None:
    """A plan and what became of it; None where there is none.

    Args:
        connection: Where to read.
        number: The plan's.
        only_head: Leave its documents, inputs and missing details unread; its hash says what they are.
    """
    columns = [column for column in run_plan.c if not only_head or column.name not in {"inputs", "missing"}]
    row = connection.execute(select(*columns).where(run_plan.c.id == number)).one_or_none()
    if row is None:
        return None
    of_plan = select(run_plan_document).where(run_plan_document.c.plan_id == number)
    documents = () if only_head else connection.execute(of_plan.order_by(run_plan_document.c.position))
    events = connection.execute(
        select(run_plan_event).where(run_plan_event.c.plan_id == number).order_by(run_plan_event.c.id),
    )
    code, month, *issuer = json.loads(row.scope)  # an older plan names no issuer
    return RunPlan(
        number=row.id,
        scope=RunScope(code, Month.parse(month) if month else None, *issuer),
        as_of=row.as_of,
        planned_by=row.planned_by,
        four_eyes=row.four_eyes,
        hash=row.hash,
        inputs={} if only_head else json.loads(row.inputs),
        documents=tuple(_document(entry) for entry in documents),
        failed=tuple(
            NotPlanned(agreement, Month.parse(of_month), subscriber, error, message)
            for agreement, of_month, subscriber, error, message in json.loads(row.failed)
        ),
        missing=() if only_head else tuple(MissingDetail(*entry) for entry in json.loads(row.missing)),
        events=tuple(PlanEvent(PlanState(entry.kind), entry.happened_on, entry.actor, entry.note) for entry in events),
    )


def _document(row: Row[Any]) -> PlannedDocument:
    return PlannedDocument(
        agreement=row.agreement,
        month=Month.of(row.month),
        issuer=row.issuer,
        subscriber=row.subscriber,
        amount_oere=row.amount_oere,
        previous_oere=row.previous_oere,
        internal=row.internal,
        lines=tuple((text, amount) for text, amount in json.loads(row.lines)),
        note=row.note,
        change=row.change,
        warnings=tuple(PlanWarning(warning) for warning in json.loads(row.warnings)),
        document=row.document,
    )


def plan_numbers(connection: Connection, *, since: date | None = None) -> list[int]:
    """The numbers of all plans, oldest first."""
    query = select(run_plan.c.id).order_by(run_plan.c.id)
    if since is not None:
        query = query.where(run_plan.c.as_of >= since)
    return list(connection.execute(query).scalars())


@dataclass(frozen=True, slots=True)
class OpenPlan:
    """A plan that somebody has to go on with, as an issuer sees it.

    Attributes:
        is_approved: It is to be issued; otherwise it is to be approved.
        total_oere: The issuer's documents in it.
        for_others: It bills for other issuers too, so that it is nobody's here to approve.
    """

    number: int
    as_of: date
    planned_by: str
    four_eyes: bool
    is_approved: bool
    total_oere: int
    for_others: bool = False


def open_plans(connection: Connection, issuer: MunicipalityCode, most: int) -> list[OpenPlan]:
    """The newest plans with documents of an issuer that are neither issued nor stopped, newest first; two queries.

    The plans that are open, few of however many there were, are found first: their documents lie together.
    """
    ended = select(run_plan_event.c.plan_id).where(
        run_plan_event.c.kind.in_([PlanState.ISSUED.value, PlanState.STOPPED.value])
    )
    approved = select(run_plan_event.c.plan_id).where(run_plan_event.c.kind == PlanState.APPROVED.value)
    is_open = list(connection.execute(select(run_plan.c.id).where(run_plan.c.id.not_in(ended))).scalars())
    if not is_open:
        return []
    with_others = select(run_plan_document.c.plan_id).where(
        among(run_plan_document.c.plan_id, is_open), run_plan_document.c.issuer != issuer
    )
    rows = connection.execute(
        select(
            run_plan.c.id,
            run_plan.c.as_of,
            run_plan.c.planned_by,
            run_plan.c.four_eyes,
            run_plan.c.id.in_(approved).label("is_approved"),
            run_plan.c.id.in_(with_others).label("for_others"),
            func.sum(run_plan_document.c.amount_oere).label("total_oere"),
        )
        .join(run_plan_document, run_plan_document.c.plan_id == run_plan.c.id)
        .where(run_plan_document.c.issuer == issuer, among(run_plan.c.id, is_open), run_plan.c.id.not_in(ended))
        .group_by(run_plan.c.id, run_plan.c.as_of, run_plan.c.planned_by, run_plan.c.four_eyes)
        .order_by(run_plan.c.id.desc())
        .limit(most)
    )
    return [
        OpenPlan(
            row.id,
            row.as_of,
            row.planned_by,
            row.four_eyes,
            bool(row.is_approved),
            int(row.total_oere),
            for_others=bool(row.for_others),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class PlanHead:
    """A plan of one issuer alone, as a listing shows it.

    Attributes:
        state: The newest of what became of it.
        documents: How many bills it holds.
    """

    number: int
    as_of: date
    planned_by: str
    state: PlanState
    documents: int
    total_oere: int


def plans_of_issuer(
    connection: Connection, issuer: MunicipalityCode, size: int, *, before: int | None = None, only: int | None = None
) -> list[PlanHead]:
    """The newest plans that are one issuer's alone, newest first: what they hold is all of it, or they are made for it.

    Args:
        connection: Where to read.
        issuer: Whose.
        size: At most so many.
        before: Only those with a lower number: where an earlier part of the listing ended.
        only: Only the plan of this number.
    """
    first = select(run_plan_document.c.plan_id).where(
        run_plan_document.c.issuer == issuer, run_plan_document.c.position == 1
    )
    of_others = (
        select(run_plan_document.c.plan_id)
        .where(run_plan_document.c.plan_id == run_plan.c.id, run_plan_document.c.issuer != issuer)
        .exists()
    )
    made_for = run_plan.c.scope.like(f'%,"{issuer}"]')  # as ``write_plan`` writes it; a code is three digits
    query = (
        select(run_plan.c.id, run_plan.c.as_of, run_plan.c.planned_by)
        .where(made_for | run_plan.c.id.in_(first), ~of_others)
        .order_by(run_plan.c.id.desc())
        .limit(size)
    )
    if before is not None:
        query = query.where(run_plan.c.id < before)
    if only is not None:
        query = query.where(run_plan.c.id == only)
    plans = connection.execute(query).all()
    numbers = [row.id for row in plans]
    sums = {
        row.plan_id: (row.documents, int(row.total_oere))
        for row in connection.execute(
            select(
                run_plan_document.c.plan_id,
                func.count().label("documents"),
                func.sum(run_plan_document.c.amount_oere).label("total_oere"),
            )
            .where(run_plan_document.c.plan_id.in_(numbers))
            .group_by(run_plan_document.c.plan_id)
        )
    }
    events = connection.execute(
        select(run_plan_event.c.plan_id, run_plan_event.c.kind)
        .where(run_plan_event.c.plan_id.in_(numbers))
        .order_by(run_plan_event.c.id)
    )
    state = {row.plan_id: PlanState(row.kind) for row in events}
    return [
        PlanHead(row.id, row.as_of, row.planned_by, state.get(row.id, PlanState.PLANNED), *sums.get(row.id, (0, 0)))
        for row in plans
    ]
