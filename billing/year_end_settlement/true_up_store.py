"""Plans of true-ups in and out of the tables, and which documents of them stand."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, select

from agreements.agreement import MunicipalityCode
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import claim
from billing.monthly_run.facts import PlanEvent, PlanState
from billing.year_end_settlement.facts import TrueUpPlan
from billing.year_end_settlement.tables import true_up_plan, true_up_plan_event
from foundation.database import reserve_ids
from foundation.period import BillingYear


def payers_trued_up(connection: Connection, agreement: str, year: int) -> frozenset[MunicipalityCode]:
    """The payers whose document for the year is out and was not taken back."""
    rows = connection.execute(
        select(claim.c.municipality).where(
            claim.c.agreement == agreement,
            claim.c.kind == ClaimKind.TRUE_UP.value,
            claim.c.period_from == BillingYear(year).period.from_day,
            claim.c.released_by.is_(None),
        )
    )
    return frozenset(rows.scalars())


def write_plan(connection: Connection, plan: TrueUpPlan) -> int:
    """Append a plan; answers its number."""
    (plan_id,) = reserve_ids(connection, true_up_plan, 1)
    connection.execute(
        true_up_plan.insert().values(
            id=plan_id,
            agreement=plan.agreement,
            year=plan.year,
            as_of=plan.as_of,
            planned_by=plan.planned_by,
            four_eyes=plan.four_eyes,
            hash=plan.hash,
            documents=json.dumps(list(plan.documents), ensure_ascii=False, sort_keys=True, separators=(",", ":")),
        )
    )
    return plan_id


def read_plan(connection: Connection, number: int) -> TrueUpPlan | None:
    """A stored plan with what became of it; None where there is none."""
    row = connection.execute(select(true_up_plan).where(true_up_plan.c.id == number)).one_or_none()
    if row is None:
        return None
    events = connection.execute(
        select(true_up_plan_event).where(true_up_plan_event.c.plan_id == number).order_by(true_up_plan_event.c.id)
    )
    documents: list[dict[str, Any]] = json.loads(row.documents)
    return TrueUpPlan(
        number=row.id,
        agreement=row.agreement,
        year=row.year,
        as_of=row.as_of,
        planned_by=row.planned_by,
        four_eyes=row.four_eyes,
        hash=row.hash,
        documents=tuple(documents),
        events=tuple(PlanEvent(PlanState(each.kind), each.happened_on, each.actor, "") for each in events),
    )


def plan_numbers(connection: Connection, agreement: str) -> list[int]:
    """The numbers of an agreement's plans, oldest first."""
    query = select(true_up_plan.c.id).where(true_up_plan.c.agreement == agreement).order_by(true_up_plan.c.id)
    return list(connection.execute(query).scalars())


def write_plan_event(connection: Connection, number: int, event: PlanEvent) -> None:
    """Append what became of a plan.

    Raises:
        sqlalchemy.exc.IntegrityError: it happened before (``uq_true_up_plan_event_…``).
    """
    connection.execute(
        true_up_plan_event.insert().values(
            plan_id=number, kind=event.state.value, happened_on=event.happened_on, actor=event.actor
        )
    )
