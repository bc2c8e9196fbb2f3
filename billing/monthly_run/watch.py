"""What the clock does for one issuer in a morning, a verb for each step; never commits.

``who_needs_a_look`` asks the database; then for each issuer, each in a transaction of its own and in this order:
``stop_stale``, ``plan_coming``, ``approve_clean``, ``issue_ready``, ``raise_alarms``. Each step asks anew and holds the
issuer's lock, so several clocks follow each other and the second finds nothing left to do. The steps are apart because
approving writes the audit trail and issuing locks agreements, and an officer's issue does it the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date
from typing import TypeAlias

from sqlalchemy import Connection

from agreements import store as agreement_store
from agreements.agreement import Agreement, IssuedBy, MunicipalityCode
from agreements.deadlines import send_deadline
from agreements.municipality import MUNICIPALITIES
from agreements.schedule import instalment_of
from billing.monthly_aconto.store import without_share
from billing.monthly_run import run as runs
from billing.monthly_run import store, watch_store
from billing.monthly_run.facts import CLOCK, NotPlanned, PlanState, RunPlan, RunScope
from billing.monthly_run.watch_rules import (
    AlarmStage,
    ComingMonth,
    Happening,
    Worded,
    alarm,
    alarm_stage,
    caught_up,
    failed,
    gave_up,
    gives_way,
    horizon,
    issued,
    lacking_months,
    reasons_to_wait,
    stopped,
    waiting,
)
from foundation import outbox
from foundation.audit import Occasion
from foundation.database import hold
from foundation.errors import MellemregningError
from foundation.outbox import OutboxEntry
from foundation.period import Month


def what_is_coming(
    connection: Connection,
    today: date,
    issuer: MunicipalityCode | None = None,
) -> dict[MunicipalityCode, list[ComingMonth]]:
    """Every month that somebody was not billed for, and whose deadline has come or comes within the issuer's days.

    Args:
        connection: Where to read.
        today: The business date.
        issuer: Only this one's.

    Returns:
        Issuer, ascending -> months by deadline; only issuers that have any.
    """
    found: dict[MunicipalityCode, list[ComingMonth]] = {}
    codes = None if issuer is None else agreement_store.agreement_codes(connection, issuer)
    members = agreement_store.members_of(connection, codes)
    billed = watch_store.billed_members(connection, issuer)
    without = without_share(connection, codes)
    until: dict[MunicipalityCode, date] = {}
    for _version, agreement in agreement_store.find_agreements(connection, codes).values():
        if agreement.issuer not in until:
            until[agreement.issuer] = horizon(store.issuer_settings(connection, agreement.issuer), today)
        months = lacking_months(agreement, members.get(agreement.code, ()), billed, until[agreement.issuer], without)
        if months:
            found.setdefault(agreement.issuer, []).extend(months)
    by_day = {
        code: sorted(months, key=lambda month: (month.send_by, month.agreement, month.month))
        for code, months in found.items()
    }
    return dict(sorted(by_day.items()))


def who_needs_a_look(connection: Connection, today: date) -> dict[MunicipalityCode, list[ComingMonth]]:
    """The issuers with something coming or with a plan of the clock that is still open, ascending."""
    found = what_is_coming(connection, today)
    for head in watch_store.open_plans(connection):
        if head.planned_by == CLOCK:
            for issuer in head.issuers:
                found.setdefault(issuer, [])
    return dict(sorted(found.items()))


def stop_stale(connection: Connection, issuer: MunicipalityCode, occasion: Occasion) -> list[Happening]:
    """Stop the clock's own open plan where what it rests on has changed, or more has come than it bills."""
    coming = _coming(connection, issuer, occasion)
    told = []
    for head in _open(connection, issuer):
        if head.planned_by != CLOCK or not store.lock_plan(connection, head.number):
            continue
        plan = runs.get_plan(connection, head.number)
        if plan.state not in {PlanState.PLANNED, PlanState.APPROVED}:
            continue
        approved = plan.state is PlanState.APPROVED
        changes = runs.changes_since(connection, plan, occasion)
        if changes:
            why = f"siden den blev lavet, er dette ændret: {', '.join(changes)}"
        elif gives_way(_covered(plan), plan.as_of, coming, occasion.as_of, approved=approved):
            why = "der er kommet mere til, som skal med"
        else:
            continue
        runs.stop_run(connection, plan.number, occasion, why)
        told.append(stopped(plan.number, issuer, why, approved=approved, coming=bool(coming)))
    return _told(connection, occasion, told)


def plan_coming(connection: Connection, issuer: MunicipalityCode, occasion: Occasion) -> list[Happening]:
    """See to it that one open plan bills everything that is coming, and tell the officer of it, once."""
    coming = _coming(connection, issuer, occasion)
    if not coming:
        return []
    plan = _standing(connection, issuer, coming, occasion)
    told = []
    if plan is None:
        plan, could_not = _new_plan(connection, issuer, coming, occasion)
        worded = _worded(connection, {entry.agreement for entry in could_not})
        told = [failed(entry, issuer, plan.number if plan else 0, _named, worded) for entry in could_not]
    if plan is not None and plan.state is PlanState.PLANNED:
        due_on, reasons = _due_on(connection, plan), _reasons(connection, plan)
        if reasons or due_on > occasion.as_of:  # or else it is issued in a moment, and that is told
            told.append(
                waiting(
                    plan,
                    issuer,
                    due_on=due_on,
                    late=_late(coming, plan, occasion.as_of),
                    reasons=reasons,
                    today=occasion.as_of,
                    named=_named,
                    worded=_worded(connection, {code for code, _month in _covered(plan)}),
                ),
            )
    return _told(connection, occasion, told)


def approve_clean(connection: Connection, issuer: MunicipalityCode, occasion: Occasion) -> list[Happening]:
    """Approve, in the clock's name and on the deadline day, a plan that nobody need look at."""
    plan = _locked(connection, issuer, occasion)
    if (
        plan is not None
        and plan.state is PlanState.PLANNED
        and _due_on(connection, plan) <= occasion.as_of
        and not _reasons(connection, plan)
    ):
        runs.approve_run(
            connection,
            plan.number,
            occasion,
            "uret: alle aftaler tillader det, og der er intet at se efter",
            by_clock=True,
        )
    return []


def issue_ready(connection: Connection, issuer: MunicipalityCode, occasion: Occasion) -> list[Happening]:
    """Issue an approved plan on its deadline day, where every agreement of it lets the clock do so."""
    plan = _locked(connection, issuer, occasion)
    if (
        plan is None
        or plan.state is not PlanState.APPROVED
        or _due_on(connection, plan) > occasion.as_of
        or _approved_reasons(connection, plan)
    ):
        return []
    late = _late(_coming(connection, issuer, occasion), plan, occasion.as_of)
    done = runs.issue_run(connection, plan.number, occasion)
    # A document of several agreements is in the months of each, with its part of the amount.
    documents = [document for month in done.months for document in month.issued]
    worded = _worded(connection, {month.plan.agreement for month in done.months if month.failed})
    told = [
        failed(
            NotPlanned(
                month.plan.agreement, month.plan.month, entry.municipality, entry.error.name, entry.error.text()
            ),
            issuer,
            plan.number,
            _named,
            worded,
        )
        for month in done.months
        for entry in month.failed
    ]
    total = sum(document.amount_oere for document in documents)
    bills = {(document.issuer.municipality, document.number) for document in documents}
    told.append(issued(plan.number, issuer, len(bills), total, _approved_by(plan)))
    if late:
        told.append(caught_up(plan.number, issuer, late, occasion.as_of))
    return _told(connection, occasion, told)


def raise_alarms(connection: Connection, issuer: MunicipalityCode, occasion: Occasion) -> list[Happening]:
    """Warn of what is not issued although its deadline is near, today or past; each once."""
    today = occasion.as_of
    coming = _coming(connection, issuer, occasion)
    days_before = store.issuer_settings(connection, issuer).alarm_days_before
    stages = {send_by: alarm_stage(send_by, today, days_before) for send_by in {month.send_by for month in coming}}
    if not any(stages.values()):
        return []
    plan = _standing(connection, issuer, coming, occasion)
    bills = frozenset() if plan is None else frozenset((entry.agreement, entry.month) for entry in plan.documents)
    # What the clock or an approval has in hand is no cause for alarm before its day.
    in_hand = plan is not None and (plan.state is PlanState.APPROVED or not _reasons(connection, plan))
    told = []
    for send_by, stage in sorted(stages.items()):
        if stage is None:
            continue
        of_day = [month for month in coming if month.send_by == send_by]
        planned = [month for month in of_day if month.key in bills]
        others = [month for month in of_day if month.key not in bills]
        if planned and not (in_hand and stage is AlarmStage.NEAR):
            told.append(alarm(issuer, send_by, stage=stage, months=planned, plan=plan, today=today, named=_named))
        if others:
            told.append(alarm(issuer, send_by, stage=stage, months=others, plan=None, today=today, named=_named))
    return _told(connection, occasion, told)


Step: TypeAlias = Callable[[Connection, MunicipalityCode, Occasion], list[Happening]]


def steps(coming: Iterable[ComingMonth], today: date) -> tuple[Step, ...]:
    """The steps for one issuer, in order; nothing is approved or issued by the clock before its day."""
    if any(month.send_by <= today for month in coming):
        return (stop_stale, plan_coming, approve_clean, issue_ready)
    return (stop_stale, plan_coming)


def tell_that_it_failed(
    connection: Connection,
    issuer: MunicipalityCode,
    step: str,
    error: Exception,
    occasion: Occasion,
) -> list[Happening]:
    """Tell that a step could not be done; the steps after it and the other issuers go on."""
    ours = isinstance(error, MellemregningError)
    message = str(error) if ours else "en uventet fejl, se loggen"
    return _told(connection, occasion, [gave_up(issuer, step, type(error).__name__, message, occasion.as_of)])


def _coming(connection: Connection, issuer: MunicipalityCode, occasion: Occasion) -> list[ComingMonth]:
    """What is coming for one issuer, with the issuer held until the transaction ends."""
    hold(connection, f"clock {issuer}")
    return what_is_coming(connection, occasion.as_of, issuer).get(issuer, [])


def _open(connection: Connection, issuer: MunicipalityCode) -> list[watch_store.OpenPlan]:
    return [head for head in watch_store.open_plans(connection) if issuer in head.issuers]


def _covered(plan: RunPlan) -> frozenset[tuple[str, Month]]:
    """What a plan bills or has tried to."""
    bills = {(document.agreement, document.month) for document in plan.documents}
    return frozenset(bills | {(entry.agreement, entry.month) for entry in plan.failed})


def _standing(
    connection: Connection,
    issuer: MunicipalityCode,
    coming: list[ComingMonth],
    occasion: Occasion,
) -> RunPlan | None:
    """The open plan that makes a new one needless: the clock's own, or an officer's that holds and bills it all."""
    heads = _open(connection, issuer)
    for head in heads:
        if head.planned_by == CLOCK:
            return runs.get_plan(connection, head.number)
    for head in reversed(heads):
        plan = runs.get_plan(connection, head.number)
        if all(month.key in _covered(plan) for month in coming) and not runs.changes_since(connection, plan, occasion):
            return plan
    return None


def _locked(connection: Connection, issuer: MunicipalityCode, occasion: Occasion) -> RunPlan | None:
    """The standing plan as it is once nobody else can change what becomes of it."""
    coming = _coming(connection, issuer, occasion)
    plan = _standing(connection, issuer, coming, occasion) if coming else None
    if plan is None or not store.lock_plan(connection, plan.number):
        return None
    return runs.get_plan(connection, plan.number)


def _new_plan(
    connection: Connection,
    issuer: MunicipalityCode,
    coming: list[ComingMonth],
    occasion: Occasion,
) -> tuple[RunPlan | None, tuple[NotPlanned, ...]]:
    """Plan for the last deadline that is coming; first only what is due, if the clock can issue that at once.

    A plan without bills is not kept; what it says of failures is.
    """
    today, last = occasion.as_of, max(month.send_by for month in coming)
    due = [month for month in coming if month.send_by <= today]
    untils = [today, last] if due and today < last and all(month.by_clock for month in due) else [max(today, last)]
    could_not: tuple[NotPlanned, ...] = ()
    for until in untils:
        savepoint = connection.begin_nested()
        plan = runs.plan_run(connection, RunScope(issuer=issuer), occasion, until=until, by_clock=True)
        could_not = plan.failed
        if plan.documents and (until == untils[-1] or not _reasons(connection, plan)):
            savepoint.commit()
            return plan, could_not
        savepoint.rollback()
    return None, could_not


def _agreements_of(connection: Connection, plan: RunPlan) -> dict[str, Agreement]:
    """The agreements that a plan bills."""
    codes = {document.agreement for document in plan.documents}
    return {code: agreement for code, (_, agreement) in agreement_store.find_agreements(connection, codes).items()}


def _worded(connection: Connection, codes: Collection[str]) -> Worded:
    """What instalments of these agreements are called: a quarter is none of its months."""
    agreed = agreement_store.find_agreements(connection, codes) if codes else {}

    def words(code: str, month: Month) -> str:
        found = agreed.get(code)
        return instalment_of(found[1].terms.advance, month).danish if found else month.danish

    return words


def _due_on(connection: Connection, plan: RunPlan) -> date:
    """The first deadline of what a plan bills."""
    agreements = _agreements_of(connection, plan)
    months = {(document.agreement, document.month) for document in plan.documents}
    return min(send_deadline(agreements[code].terms.advance, month) for code, month in months)


def _by_officer(connection: Connection, plan: RunPlan) -> list[str]:
    return [
        agreement.code
        for agreement in _agreements_of(connection, plan).values()
        if agreement.terms.advance.issued_by is not IssuedBy.CLOCK
    ]


def _reasons(connection: Connection, plan: RunPlan) -> list[str]:
    """Why a person has to approve a plan; nothing where the clock may."""
    billed = {(document.agreement, document.month, document.subscriber) for document in plan.documents}
    credited = watch_store.credited_payers(connection, ((code, month) for code, month, _ in billed)) & billed
    stopped_by = watch_store.who_stopped_the_same(connection, plan.hash, CLOCK)
    return reasons_to_wait(plan, _by_officer(connection, plan), len(credited), stopped_by)


def _approved_by(plan: RunPlan) -> str:
    return next(event.actor for event in plan.events if event.state is PlanState.APPROVED)


def _approved_reasons(connection: Connection, plan: RunPlan) -> list[str]:
    """Why the clock does not issue an approved plan: what a person has approved it only issues where it may."""
    if _approved_by(plan) == CLOCK:
        return _reasons(connection, plan)
    by_officer = _by_officer(connection, plan)
    return [f"en medarbejder udsteder {', '.join(by_officer)}"] if by_officer else []


def _late(coming: list[ComingMonth], plan: RunPlan, today: date) -> list[ComingMonth]:
    bills = {(document.agreement, document.month) for document in plan.documents}
    return [month for month in coming if month.key in bills and month.send_by < today]


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
            recipient=store.issuer_settings(connection, happening.issuer).mail,
            subject=happening.subject,
            body=happening.body,
            reference={"plan": happening.plan, **happening.reference},
            business_date=occasion.as_of,
        )
        if outbox.put(connection, occasion, entry):
            new.append(happening)
    return new
