"""What the clock does for an agreement's cases in a morning, a verb for each step; never commits.

As for months on account: plan what is coming, tell the officer once, approve and issue on the deadline day where the
agreement's terms of cases let it and nobody need look, and warn of what is late. Each step is a transaction of its own,
holds the agreement, and asks anew; so several clocks follow each other and the second finds nothing to do.

Source: issue 7; docs/decisions/0021-the-clock.md and 0049-cases-and-the-clock.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import TypeAlias

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, MunicipalityCode
from agreements.deadlines import case_send_deadline
from agreements.municipality import MUNICIPALITIES
from billing.monthly_run.facts import CLOCK, PlanState
from billing.monthly_run.run import get_issuer
from billing.monthly_run.watch_rules import AlarmStage, Happening, alarm_stage, horizon
from billing.single_case import run as cases
from billing.single_case import store as case_store
from billing.single_case.facts import CasePlan
from billing.single_case.watch_rules import (
    ComingCases,
    alarm,
    due_on,
    issued,
    months_in,
    reasons_to_wait,
    stopped,
    waiting,
)
from foundation import outbox
from foundation.audit import Occasion
from foundation.outbox import OutboxEntry

Step: TypeAlias = Callable[[Connection, str, Occasion], list[Happening]]


def who_needs_a_look(connection: Connection, today: date) -> dict[str, list[ComingCases]]:
    """The agreements with cases coming or with an open plan of the clock, ascending, and what is coming of each."""
    found = {}
    for agreement in _with_cases(connection):
        coming = _coming(connection, agreement, today)
        if coming or _own_plan(connection, agreement.code) is not None:
            found[agreement.code] = coming
    return dict(sorted(found.items()))


def _with_cases(connection: Connection) -> list[Agreement]:
    codes = case_store.agreements_with_cases(connection)
    found = agreement_store.find_agreements(connection, codes) if codes else {}
    return [agreement for _version, agreement in found.values()]


def _reasons(connection: Connection, agreement: Agreement, plan: CasePlan) -> list[str]:
    credited = case_store.credited_months(connection, agreement.code)
    stopped_by = case_store.who_stopped_the_same(connection, plan.hash, CLOCK)
    return reasons_to_wait(agreement, plan, credited, stopped_by)


def _coming(connection: Connection, agreement: Agreement, today: date) -> list[ComingCases]:
    until = horizon(get_issuer(connection, agreement.issuer), today)
    bills: dict[date, list[tuple[MunicipalityCode, int]]] = {}
    documents = cases.cases_due(connection, agreement, today).documents
    for month in sorted({document.month for document in documents}):
        bills[month.first_day] = [(each.payer, each.amount_oere) for each in documents if each.month == month]
    return [
        ComingCases(
            issuer=agreement.issuer,
            agreement=agreement.code,
            month=month,
            send_by=case_send_deadline(agreement.cases, month),
            payers=tuple(payer for payer, _ in bills[month.first_day]),
            amount_oere=sum(amount for _, amount in bills[month.first_day]),
            by_clock=agreement.cases.by_clock,
        )
        for month in sorted({document.month for document in documents})
        if case_send_deadline(agreement.cases, month) <= until
    ]


def stop_stale(connection: Connection, code: str, occasion: Occasion) -> list[Happening]:
    """Stop the clock's own open plan where what it rests on has changed, or more months have come than it bills."""
    agreement = agreements.get(connection, code, lock=True)
    plan = _own_plan(connection, code)
    if plan is None:
        return []
    changes = cases.changes_since(connection, plan, occasion)
    if changes:
        why = "det, den hviler på, er ændret"
    elif any(each.month not in months_in(plan) for each in _coming(connection, agreement, occasion.as_of)):
        why = "der er kommet mere til, som skal med"
    else:
        return []
    cases.stop_plan(connection, plan.number, occasion)
    return _told(connection, occasion, [stopped(agreement, plan, why)])


def plan_coming(connection: Connection, code: str, occasion: Occasion) -> list[Happening]:
    """See to it that one open plan bills what is coming, and tell the officer of it, once."""
    agreement = agreements.get(connection, code, lock=True)
    if not _coming(connection, agreement, occasion.as_of):
        return []
    plan = _standing(connection, agreement, occasion)
    if plan is None:
        plan = cases.plan_cases(connection, code, occasion, by_clock=True)
    if plan.state is not PlanState.PLANNED:
        return []
    reasons = _reasons(connection, agreement, plan)
    if not reasons and due_on(agreement, plan) <= occasion.as_of:
        return []  # it is issued in a moment, and that is told
    return _told(connection, occasion, [waiting(agreement, plan, reasons, occasion.as_of, _named)])


def approve_clean(connection: Connection, code: str, occasion: Occasion) -> list[Happening]:
    """Approve, in the clock's name and on the deadline day, the clock's own plan, if nobody need look at it."""
    agreement = agreements.get(connection, code, lock=True)
    plan = _own_plan(connection, code)
    if (
        plan is not None
        and plan.state is PlanState.PLANNED
        and due_on(agreement, plan) <= occasion.as_of
        and not _reasons(connection, agreement, plan)
    ):
        cases.approve_plan(connection, plan.number, occasion, by_clock=True)
    return []


def issue_ready(connection: Connection, code: str, occasion: Occasion) -> list[Happening]:
    """Issue an approved plan on its deadline day, where the agreement's terms of cases let the clock do so."""
    agreement = agreements.get(connection, code, lock=True)
    plan = _standing(connection, agreement, occasion)
    if plan is None or plan.state is not PlanState.APPROVED or not agreement.cases.by_clock:
        return []
    by = next(event.actor for event in plan.events if event.state is PlanState.APPROVED)
    day = due_on(agreement, plan)
    if day > occasion.as_of or (by == CLOCK and _reasons(connection, agreement, plan)):
        return []
    done = cases.issue_cases(connection, plan.number, occasion)
    who = "uret selv" if by == CLOCK else by
    late = (occasion.as_of - day).days
    return _told(connection, occasion, [issued(agreement, plan, len(done.issued), who, late)])


def raise_alarms(connection: Connection, code: str, occasion: Occasion) -> list[Happening]:
    """Warn of case bills that are not issued although their deadline is near, today or past; each once."""
    agreement = agreements.get(connection, code, lock=True)
    plan = _standing(connection, agreement, occasion)
    in_hand = plan is not None and (plan.state is PlanState.APPROVED or not _reasons(connection, agreement, plan))
    days_before = get_issuer(connection, agreement.issuer).alarm_days_before
    told = []
    for coming in _coming(connection, agreement, occasion.as_of):
        stage = alarm_stage(coming.send_by, occasion.as_of, days_before)
        if stage is not None and not (in_hand and stage is AlarmStage.NEAR):
            told.append(alarm(coming, stage, plan, occasion.as_of, _named))
    return _told(connection, occasion, told)


STEPS: tuple[Step, ...] = (stop_stale, plan_coming, approve_clean, issue_ready, raise_alarms)


def _own_plan(connection: Connection, code: str) -> CasePlan | None:
    return next((plan for plan in cases.open_plans(connection, code) if plan.planned_by == CLOCK), None)


def _standing(connection: Connection, agreement: Agreement, occasion: Occasion) -> CasePlan | None:
    """The open plan that makes a new one needless: the clock's own, or an officer's that holds and bills it all."""
    own = _own_plan(connection, agreement.code)
    if own is not None:
        return own
    wanted = {each.month for each in _coming(connection, agreement, occasion.as_of)}
    for plan in reversed(cases.open_plans(connection, agreement.code)):
        if wanted <= set(months_in(plan)) and not cases.changes_since(connection, plan, occasion):
            return plan
    return None


def _named(code: MunicipalityCode) -> str:
    found = MUNICIPALITIES.get(code)
    return found.official_name if found else code


def _told(connection: Connection, occasion: Occasion, happenings: Iterable[Happening]) -> list[Happening]:
    """Put each in the outbox; answers those that were not told before."""
    new = []
    for happening in happenings:
        entry = OutboxEntry(
            key=happening.key,
            topic=happening.topic.value,
            issuer=happening.issuer,
            recipient=get_issuer(connection, happening.issuer).mail,
            subject=happening.subject,
            body=happening.body,
            reference={"plan": happening.plan, **happening.reference},
            business_date=occasion.as_of,
        )
        if outbox.put(connection, occasion, entry):
            new.append(happening)
    return new
