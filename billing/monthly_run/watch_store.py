"""What the clock asks the database, in few queries for any number of agreements: who lacks what, which plans wait."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, and_, exists, extract, func, or_, select

from agreements.agreement import MunicipalityCode
from agreements.tables import agreement, membership
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import claim
from billing.monthly_run.facts import PlanState
from billing.monthly_run.tables import run_plan, run_plan_document, run_plan_event
from foundation.period import Month

ENDS = (PlanState.ISSUED.value, PlanState.STOPPED.value)


class OpenPlan(NamedTuple):
    """The head of a plan that is neither issued nor stopped.

    Attributes:
        months: (agreement, month) of all that it bills.
        issuers: In whose names.
        hash: Of what it rests on and bills.
        approved_by: Who approved it; empty while nobody has.
    """

    number: int
    planned_by: str
    as_of: date
    hash: str
    approved_by: str
    issuers: frozenset[MunicipalityCode]
    months: frozenset[tuple[str, Month]]


def billed_members(connection: Connection, issuer: MunicipalityCode | None) -> dict[tuple[str, date], int]:
    """(agreement, first day of a month) -> how many of the year's members are billed the month on account."""
    year = extract("year", claim.c.period_from)
    query = (
        select(claim.c.agreement, claim.c.period_from, func.count(claim.c.municipality.distinct()).label("payers"))
        .join(
            membership,
            and_(
                membership.c.agreement == claim.c.agreement,
                membership.c.municipality == claim.c.municipality,
                membership.c.from_year <= year,
                or_(membership.c.to_year.is_(None), membership.c.to_year >= year),
            ),
        )
        .where(claim.c.kind == ClaimKind.ACONTO.value, claim.c.released_by.is_(None))
        .group_by(claim.c.agreement, claim.c.period_from)
    )
    if issuer is not None:
        query = query.join(agreement, agreement.c.code == claim.c.agreement).where(agreement.c.issuer == issuer)
    return {(row.agreement, row.period_from): row.payers for row in connection.execute(query)}


def open_plans(connection: Connection) -> list[OpenPlan]:
    """The plans that somebody has still to approve, issue or stop, oldest first."""
    end = run_plan_event.alias()
    ended = exists().where(end.c.plan_id == run_plan.c.id, end.c.kind.in_(ENDS))
    heads = connection.execute(
        select(run_plan.c.id, run_plan.c.planned_by, run_plan.c.as_of, run_plan.c.hash, run_plan_event.c.actor)
        .outerjoin(
            run_plan_event,
            and_(run_plan_event.c.plan_id == run_plan.c.id, run_plan_event.c.kind == PlanState.APPROVED.value),
        )
        .where(~ended)
        .order_by(run_plan.c.id),
    ).all()
    covered: dict[int, set[tuple[MunicipalityCode, str, date]]] = {}
    lines = select(
        run_plan_document.c.plan_id,
        run_plan_document.c.issuer,
        run_plan_document.c.agreement,
        run_plan_document.c.month,
    ).where(run_plan_document.c.plan_id.in_([head.id for head in heads]))
    for row in connection.execute(lines.distinct()) if heads else ():
        covered.setdefault(row.plan_id, set()).add((row.issuer, row.agreement, row.month))
    return [
        OpenPlan(
            number=head.id,
            planned_by=head.planned_by,
            as_of=head.as_of,
            hash=head.hash,
            approved_by=head.actor or "",
            issuers=frozenset(issuer for issuer, _code, _month in covered.get(head.id, ())),
            months=frozenset((code, Month.of(month)) for _issuer, code, month in covered.get(head.id, ())),
        )
        for head in heads
    ]


def who_stopped_the_same(connection: Connection, plan_hash: str, clock: str) -> str:
    """The person who stopped a plan that rested on the same and billed the same; empty where nobody did."""
    found = connection.execute(
        select(run_plan_event.c.actor)
        .join(run_plan, run_plan.c.id == run_plan_event.c.plan_id)
        .where(
            run_plan.c.hash == plan_hash,
            run_plan_event.c.kind == PlanState.STOPPED.value,
            run_plan_event.c.actor != clock,
        )
        .order_by(run_plan_event.c.id.desc())
        .limit(1),
    )
    return found.scalar_one_or_none() or ""


def credited_payers(connection: Connection, months: Iterable[tuple[str, Month]]) -> set[tuple[str, Month, str]]:
    """(agreement, month, municipality) of what was billed on account and then credited, among some months."""
    wanted = set(months)
    rows = connection.execute(
        select(claim.c.agreement, claim.c.period_from, claim.c.municipality)
        .where(
            claim.c.kind == ClaimKind.ACONTO.value,
            claim.c.released_by.is_not(None),
            claim.c.period_from.in_(sorted({month.first_day for _, month in wanted})),
        )
        .distinct(),
    )
    found = {(row.agreement, Month.of(row.period_from), row.municipality) for row in rows}
    return {entry for entry in found if entry[:2] in wanted}
