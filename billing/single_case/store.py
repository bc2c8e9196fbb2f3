"""Cases, prices, outlays, billed lines and plans in and out of the tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, select

from agreements.agreement import MunicipalityCode
from agreements.case_terms import CasePrice
from billing.invoice.facts import ClaimKind
from billing.invoice.tables import claim, invoice
from billing.monthly_run.facts import PlanEvent, PlanState
from billing.single_case.facts import (
    BilledLine,
    Case,
    CaseEvent,
    CaseLine,
    CasePlan,
    CaseRefusal,
    CaseStep,
    CorrectionReason,
    LineKey,
    Outlay,
    RefusalReason,
)
from billing.single_case.tables import (
    case_event,
    case_line,
    case_outlay,
    case_plan,
    case_plan_event,
    case_price,
    case_refusal,
    single_case,
)
from foundation.database import insert_rows, reserve_ids
from foundation.period import Month, Period


def numbers(connection: Connection) -> set[str]:
    """All case numbers that are given."""
    return set(connection.execute(select(single_case.c.number)).scalars())


def write_case(connection: Connection, case: Case) -> int:
    """Append a case; answers its id.

    Raises:
        sqlalchemy.exc.IntegrityError: the number is given (``uq_single_case_number``).
    """
    (case_id,) = reserve_ids(connection, single_case, 1)
    connection.execute(
        single_case.insert().values(
            id=case_id,
            number=case.number,
            agreement=case.agreement,
            service=case.service,
            provider=case.provider,
            payer=case.payer,
            opened_on=case.opened_on,
        ),
    )
    return case_id


def write_event(connection: Connection, case: Case, event: CaseEvent) -> None:
    """Append what happened in a case.

    Raises:
        sqlalchemy.exc.IntegrityError: another has taken the place (``uq_case_event_case_id_sequence``).
    """
    connection.execute(
        case_event.insert().values(
            case_id=case.id,
            sequence=len(case.events) + 1,
            step=event.step.value,
            day=event.day,
            recorded_on=event.recorded_on,
            reason=event.reason and event.reason.value,
        ),
    )


def write_refusal(connection: Connection, case_id: int, refusal: CaseRefusal) -> None:
    """Append the paying municipality's no.

    Raises:
        sqlalchemy.exc.IntegrityError: it was refused before (``pk_case_refusal``).
    """
    connection.execute(
        case_refusal.insert().values(
            case_id=case_id, day=refusal.day, reason=refusal.reason.value, recorded_on=refusal.recorded_on
        ),
    )


def find_case(connection: Connection, number: str) -> Case | None:
    """One case by its number."""
    found = cases_where(connection, single_case.c.number == number)
    return found[0] if found else None


def cases(connection: Connection, agreement: str | None = None, payer: MunicipalityCode | None = None) -> list[Case]:
    """Cases in the order in which they were opened."""
    wanted = [single_case.c.id > 0]
    if agreement is not None:
        wanted.append(single_case.c.agreement == agreement)
    if payer is not None:
        wanted.append(single_case.c.payer == payer)
    return cases_where(connection, *wanted)


def cases_where(connection: Connection, *wanted: ColumnElement[bool]) -> list[Case]:
    """Cases that some conditions on their rows choose, in the order in which they were opened; two queries."""
    events: dict[int, list[CaseEvent]] = defaultdict(list)
    happened = (
        select(case_event)
        .join(single_case, single_case.c.id == case_event.c.case_id)
        .where(*wanted)
        .order_by(case_event.c.case_id, case_event.c.sequence)
    )
    for row in connection.execute(happened):
        events[row.case_id].append(
            CaseEvent(
                CaseStep(row.step),
                row.day,
                row.recorded_on,
                CorrectionReason(row.reason) if row.reason is not None else None,
            ),
        )
    return [
        Case(
            row.id,
            row.number,
            row.agreement,
            row.service,
            row.provider,
            row.payer,
            row.opened_on,
            tuple(events[row.id]),
            CaseRefusal(row.refused_on, RefusalReason(row.refused_because), row.refusal_recorded_on)
            if row.refused_on is not None
            else None,
        )
        for row in connection.execute(
            select(
                single_case,
                case_refusal.c.day.label("refused_on"),
                case_refusal.c.reason.label("refused_because"),
                case_refusal.c.recorded_on.label("refusal_recorded_on"),
            )
            .outerjoin(case_refusal, case_refusal.c.case_id == single_case.c.id)
            .where(*wanted)
            .order_by(single_case.c.id),
        )
    ]


def write_price(connection: Connection, agreement: str, price: CasePrice, entered_on: date) -> None:
    """Append a unit price."""
    connection.execute(
        case_price.insert().values(
            agreement=agreement,
            service=price.service,
            from_day=price.from_day,
            amount_oere=price.amount_oere,
            entered_on=entered_on,
        ),
    )


def entered_prices(connection: Connection, agreement: str) -> dict[tuple[str, date], CasePrice]:
    """The unit prices that were entered by command; the newest of each day."""
    rows = connection.execute(select(case_price).where(case_price.c.agreement == agreement).order_by(case_price.c.id))
    return {(row.service, row.from_day): CasePrice(row.service, row.from_day, row.amount_oere) for row in rows}


def write_outlay(connection: Connection, outlay: Outlay) -> int:
    """Append what a supplier asked; answers its id.

    Raises:
        sqlalchemy.exc.IntegrityError: it is there already (``uq_case_outlay_…``).
    """
    (outlay_id,) = reserve_ids(connection, case_outlay, 1)
    connection.execute(
        case_outlay.insert().values(
            id=outlay_id,
            case_id=outlay.case_id,
            from_day=outlay.period.from_day,
            to_day=outlay.period.to_day,
            amount_oere=outlay.amount_oere,
            supplier=outlay.supplier,
            reference=outlay.reference,
            recorded_on=outlay.recorded_on,
        ),
    )
    return outlay_id


def outlays(connection: Connection, agreement: str, case_id: int | None = None) -> list[Outlay]:
    """What suppliers asked for the agreement's cases, or for one of them, oldest first."""
    rows = connection.execute(
        select(case_outlay)
        .join(single_case, single_case.c.id == case_outlay.c.case_id)
        .where(single_case.c.agreement == agreement, *_only(case_id))
        .order_by(case_outlay.c.id),
    )
    return [
        Outlay(
            row.id,
            row.case_id,
            Period(row.from_day, row.to_day),
            row.amount_oere,
            row.supplier,
            row.reference,
            row.recorded_on,
        )
        for row in rows
    ]


def write_lines(connection: Connection, lines: Sequence[tuple[LineKey, CaseLine]]) -> None:
    """Append what the lines of documents are of."""
    insert_rows(
        connection,
        case_line,
        [
            {
                "invoice_id": key.invoice_id,
                "position": key.position,
                "case_id": line.case_id,
                "from_day": line.period.from_day,
                "to_day": line.period.to_day,
                "days": line.days,
                "unit_oere": line.unit_oere,
                "amount_oere": line.amount_oere,
                "outlay_id": line.outlay_id,
                "counters_id": line.counters and line.counters.invoice_id,
                "counters_position": line.counters and line.counters.position,
            }
            for key, line in lines
        ],
    )


def _only(case_id: int | None) -> list[ColumnElement[bool]]:
    return [] if case_id is None else [single_case.c.id == case_id]


def billed_lines(connection: Connection, agreement: str, case_id: int | None = None) -> dict[int, list[BilledLine]]:
    """What was billed of each case, or of one: case id -> lines, oldest first."""
    crediting = invoice.alias("crediting")
    rows = connection.execute(
        select(case_line, invoice.c.number, crediting.c.id.label("credited_by"))
        .join(invoice, invoice.c.id == case_line.c.invoice_id)
        .join(single_case, single_case.c.id == case_line.c.case_id)
        .outerjoin(crediting, crediting.c.credits_id == invoice.c.id)
        .where(single_case.c.agreement == agreement, *_only(case_id))
        .order_by(case_line.c.invoice_id, case_line.c.position),
    )
    found: dict[int, list[BilledLine]] = defaultdict(list)
    for row in rows:
        counters = None if row.counters_id is None else LineKey(row.counters_id, row.counters_position)
        line = CaseLine(
            row.case_id,
            Period(row.from_day, row.to_day),
            row.days,
            row.unit_oere,
            row.amount_oere,
            row.outlay_id,
            counters,
        )
        key = LineKey(row.invoice_id, row.position)
        found[row.case_id].append(BilledLine(key, row.number, line, is_live=row.credited_by is None))
    return found


def held_months(connection: Connection, agreement: str) -> dict[MunicipalityCode, set[Month]]:
    """The months whose case bill is out: payer -> months."""
    rows = connection.execute(
        select(claim.c.municipality, claim.c.period_from).where(
            claim.c.agreement == agreement,
            claim.c.kind == ClaimKind.CASE.value,
            claim.c.released_by.is_(None),
        ),
    )
    found: dict[MunicipalityCode, set[Month]] = defaultdict(set)
    for municipality, first_day in rows:
        found[municipality].add(Month.of(first_day))
    return found


# Plans.


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def write_plan(connection: Connection, plan: CasePlan) -> int:
    """Append a plan; answers its number."""
    (plan_id,) = reserve_ids(connection, case_plan, 1)
    connection.execute(
        case_plan.insert().values(
            id=plan_id,
            agreement=plan.agreement,
            as_of=plan.as_of,
            planned_by=plan.planned_by,
            four_eyes=plan.four_eyes,
            hash=plan.hash,
            inputs=_json(dict(plan.inputs)),
            documents=_json(list(plan.documents)),
            left_out=_json(list(plan.left_out)),
        ),
    )
    return plan_id


def read_plan(connection: Connection, number: int) -> CasePlan | None:
    """A stored plan with what became of it."""
    row = connection.execute(select(case_plan).where(case_plan.c.id == number)).one_or_none()
    if row is None:
        return None
    events = connection.execute(
        select(case_plan_event).where(case_plan_event.c.plan_id == number).order_by(case_plan_event.c.id),
    )
    documents: list[Mapping[str, Any]] = json.loads(row.documents)
    left_out: list[Mapping[str, Any]] = json.loads(row.left_out)
    return CasePlan(
        number=row.id,
        agreement=row.agreement,
        as_of=row.as_of,
        planned_by=row.planned_by,
        four_eyes=row.four_eyes,
        hash=row.hash,
        inputs=json.loads(row.inputs),
        documents=tuple(documents),
        left_out=tuple(left_out),
        events=tuple(PlanEvent(PlanState(each.kind), each.happened_on, each.actor, "") for each in events),
    )


def plan_numbers(connection: Connection, agreement: str | None = None) -> list[int]:
    """All plans, oldest first."""
    query = select(case_plan.c.id).order_by(case_plan.c.id)
    if agreement is not None:
        query = query.where(case_plan.c.agreement == agreement)
    return list(connection.execute(query).scalars())


def open_plan_numbers(connection: Connection, agreement: str) -> list[int]:
    """The plans that are neither issued nor stopped, oldest first."""
    ended = exists().where(
        case_plan_event.c.plan_id == case_plan.c.id,
        case_plan_event.c.kind.in_([PlanState.ISSUED.value, PlanState.STOPPED.value]),
    )
    query = select(case_plan.c.id).where(case_plan.c.agreement == agreement, ~ended).order_by(case_plan.c.id)
    return list(connection.execute(query).scalars())


def who_stopped_the_same(connection: Connection, plan_hash: str, clock: str) -> str:
    """The person who stopped a plan that rested on the same and billed the same; empty where nobody did."""
    found = connection.execute(
        select(case_plan_event.c.actor)
        .join(case_plan, case_plan.c.id == case_plan_event.c.plan_id)
        .where(
            case_plan.c.hash == plan_hash,
            case_plan_event.c.kind == PlanState.STOPPED.value,
            case_plan_event.c.actor != clock,
        )
        .order_by(case_plan_event.c.id.desc())
        .limit(1),
    )
    return found.scalar_one_or_none() or ""


def credited_months(connection: Connection, agreement: str) -> set[tuple[MunicipalityCode, Month]]:
    """(payer, month) of every case bill that was taken back."""
    rows = connection.execute(
        select(claim.c.municipality, claim.c.period_from).where(
            claim.c.agreement == agreement,
            claim.c.kind == ClaimKind.CASE.value,
            claim.c.released_by.is_not(None),
        ),
    )
    return {(municipality, Month.of(first_day)) for municipality, first_day in rows}


def agreements_with_cases(connection: Connection) -> list[str]:
    """The agreements under which a case was ever opened, ascending."""
    return sorted(connection.execute(select(single_case.c.agreement).distinct()).scalars())


def write_plan_event(connection: Connection, number: int, event: PlanEvent) -> None:
    """Append what became of a plan.

    Raises:
        sqlalchemy.exc.IntegrityError: it happened before (``uq_case_plan_event_…``).
    """
    connection.execute(
        case_plan_event.insert().values(
            plan_id=number,
            kind=event.state.value,
            happened_on=event.happened_on,
            actor=event.actor,
        ),
    )
