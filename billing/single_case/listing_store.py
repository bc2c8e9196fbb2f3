"""Cases and plans a page at a time, newest first; searched and counted by the database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Connection, and_, exists, false, func, not_, select

from agreements.agreement import MunicipalityCode
from billing.monthly_run.facts import PlanState
from billing.single_case.facts import Case, CaseStep, WantedCases
from billing.single_case.store import cases_where
from billing.single_case.tables import case_event, case_plan, case_plan_event, case_refusal, single_case

PAGE = 50
PLANS_AT_ONCE = 20


def _has(step: CaseStep) -> ColumnElement[bool]:
    return exists().where(case_event.c.case_id == single_case.c.id, case_event.c.step == step.value)


def _is_discharged() -> ColumnElement[bool]:
    """A discharge that no later step took back."""
    later = case_event.alias("later")
    taken_back = exists().where(
        later.c.case_id == case_event.c.case_id,
        later.c.step == CaseStep.STAYED.value,
        later.c.sequence > case_event.c.sequence,
    )
    return exists().where(
        case_event.c.case_id == single_case.c.id,
        case_event.c.step == CaseStep.DISCHARGED.value,
        not_(taken_back),
    )


def _in_state(state: str) -> ColumnElement[bool]:
    """As ``Case.state`` says it: the first of these that holds."""
    ranked = {
        "refused": exists().where(case_refusal.c.case_id == single_case.c.id),
        "withdrawn": _has(CaseStep.WITHDRAWN),
        "discharged": _is_discharged(),
        "admitted": _has(CaseStep.ADMITTED),
        "approved": _has(CaseStep.APPROVED),
    }
    names = list(ranked)
    if state == "opened":
        return and_(*(not_(each) for each in ranked.values()))
    if state not in ranked:
        return false()
    return and_(ranked[state], *(not_(ranked[before]) for before in names[: names.index(state)]))


def _conditions(wanted: WantedCases) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [single_case.c.agreement.in_(sorted(wanted.agreements))]
    if wanted.payers is not None:
        found.append(single_case.c.payer.in_(sorted(wanted.payers)))
    if wanted.number:
        found.append(single_case.c.number.startswith(wanted.number, autoescape=True))
    if wanted.state:
        found.append(_in_state(wanted.state))
    return found


def page_of_cases(
    connection: Connection, wanted: WantedCases, *, before: int | None = None, size: int = PAGE
) -> tuple[list[Case], int | None]:
    """Some cases, the newest first, and what to ask on with; None at the end.

    Args:
        connection: Where to read.
        wanted: Which.
        before: Only cases that were opened before this one (its id).
        size: At most so many.
    """
    chosen = _conditions(wanted)
    if before is not None:
        chosen.append(single_case.c.id < before)
    query = select(single_case.c.id).where(*chosen).order_by(single_case.c.id.desc()).limit(size + 1)
    ids = list(connection.execute(query).scalars())
    if not ids:
        return [], None
    found = cases_where(connection, single_case.c.id.in_(ids[:size]))[::-1]
    return found, ids[size - 1] if len(ids) > size else None


def count_cases(connection: Connection, wanted: WantedCases) -> int:
    """How many there are."""
    query = select(func.count()).select_from(single_case).where(*_conditions(wanted))
    return int(connection.execute(query).scalar_one())


def agreements_of_payer(connection: Connection, payer: MunicipalityCode) -> frozenset[str]:
    """The agreements under which the municipality pays, or was asked to pay, for a case."""
    query = select(single_case.c.agreement).where(single_case.c.payer == payer).distinct()
    return frozenset(connection.execute(query).scalars())


@dataclass(frozen=True, slots=True)
class CasePlanHead:
    """A plan of case bills in a list."""

    number: int
    agreement: str
    as_of: date
    planned_by: str
    state: PlanState


def page_of_plans(
    connection: Connection, codes: Collection[str], *, before: int | None = None, size: int = PLANS_AT_ONCE
) -> tuple[list[CasePlanHead], int | None]:
    """Some plans of these agreements, the newest first, and what to ask on with; None at the end."""
    newest = (
        select(case_plan_event.c.kind)
        .where(case_plan_event.c.plan_id == case_plan.c.id)
        .order_by(case_plan_event.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(case_plan.c.id, case_plan.c.agreement, case_plan.c.as_of, case_plan.c.planned_by, newest.label("kind"))
        .where(case_plan.c.agreement.in_(sorted(codes)))
        .order_by(case_plan.c.id.desc())
        .limit(size + 1)
    )
    if before is not None:
        query = query.where(case_plan.c.id < before)
    rows = connection.execute(query).all()
    heads = [
        CasePlanHead(
            row.id, row.agreement, row.as_of, row.planned_by, PlanState(row.kind) if row.kind else PlanState.PLANNED
        )
        for row in rows[:size]
    ]
    return heads, heads[-1].number if len(rows) > size else None
