"""Plan a run, approve it, issue it, stop it; never commits."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, MunicipalityCode
from agreements.deadlines import price_missing_from
from agreements.membership import Memberships, agreed_year
from agreements.municipality import municipality
from agreements.schedule import beginning_with, instalment_after, instalment_before, instalment_of
from agreements.trading import Finding
from billing.invoice import store as invoice_store
from billing.invoice.facts import BilledMonth
from billing.invoice.missing import missing_details
from billing.invoice.rules import grouped
from billing.monthly_aconto import run as months
from billing.monthly_aconto.facts import MonthIssue, MonthPlan
from billing.monthly_aconto.rules import PriceMissing
from billing.monthly_run import store
from billing.monthly_run.facts import (
    IssuerSettings,
    MissingDetail,
    NotPlanned,
    PlanEvent,
    PlannedDocument,
    PlanState,
    RunIssue,
    RunPlan,
    RunScope,
)
from billing.monthly_run.inputs import inputs_of
from billing.monthly_run.rules import (
    OneStepRefused,
    PlanOutOfDate,
    changed_inputs,
    plan_hash,
    planned_document,
    require_a_person,
    require_another_person,
    require_clock_settings,
    require_state,
    version_of,
)
from foundation import audit
from foundation.audit import Occasion
from foundation.errors import N_, NotFound
from foundation.period import Month


class PlanUnknown(NotFound):
    """No plan has the number."""

    danish = N_("Der er ingen plan {number}. Se dem med «mellemregning run list».")


class _WorkedOut(NamedTuple):
    """What is due as it was worked out in this transaction, and what it rests on."""

    agreed: Mapping[str, Agreement]
    months: list[MonthPlan]
    failed: list[NotPlanned]
    inputs: dict[str, str]
    settings: Mapping[MunicipalityCode, IssuerSettings]
    members: Memberships

    @property
    def hash(self) -> str:
        """Over all of it."""
        return plan_hash(self.inputs, self.months)


def plan_run(
    connection: Connection,
    scope: RunScope,
    occasion: Occasion,
    *,
    until: date | None = None,
    by_clock: bool = False,
) -> RunPlan:
    """Work out everything that is due up to the business date, all past months that are missing too, and keep it.

    Args:
        connection: The transaction.
        scope: All agreements, one issuer's or one; every due month or one.
        occasion: Who plans, and the date up to which months are due.
        until: Plan for this later day instead: a deadline that is coming. It becomes the plan's ``as_of``.
        by_clock: It is the clock that plans, in its own name.

    Returns:
        The stored plan. What cannot be planned is named in it; the rest is planned all the same.

    Raises:
        AgreementUnknown, YearNotAgreed: the scope names something that is not there.
        ClocksName: a person who plans in the clock's name, and so could approve it in its own.

    Source: agreement § 7 stk. 1; domain rules 4, 5, 7, 8, 14 and 15.
    """
    if not by_clock:
        require_a_person(occasion.actor)
    then = replace(occasion, as_of=until or occasion.as_of)
    with without_looking_for_cycles():
        found = _worked_out(connection, scope, then, booked=False)
        return _keep(connection, _described(connection, found, scope, then), then)


@contextmanager
def without_looking_for_cycles() -> Iterator[None]:
    """Let the interpreter not look through all that a run holds, again and again, for what nobody makes here: cycles.

    With a million values alive it is a third of the work.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _keep(connection: Connection, plan: RunPlan, occasion: Occasion) -> RunPlan:
    plan = replace(plan, number=store.write_plan(connection, plan))
    _record(connection, plan, occasion, "planned")
    return plan


def _worked_out(
    connection: Connection, scope: RunScope, occasion: Occasion, *, lock: bool = True, booked: bool = True
) -> _WorkedOut:
    """What is due, of all agreements at once; they are held until the transaction ends."""
    codes = None if scope.agreement is None else [scope.agreement]
    if scope.issuer is not None:
        codes = [
            code
            for code in agreement_store.agreement_codes(connection, scope.issuer)
            if scope.agreement in {None, code}
        ]
    versions = agreement_store.find_agreements(connection, codes, lock=lock)
    if scope.agreement is not None and scope.agreement not in versions:
        raise agreements.AgreementUnknown(agreement=scope.agreement)
    agreed = {code: agreement for code, (_, agreement) in versions.items()}
    if scope.month is not None:
        for agreement in agreed.values():
            agreed_year(agreement, scope.month.year)
            if scope.agreement is not None:
                beginning_with(agreement, scope.month)
    members = months.memberships(connection, codes)
    planned, without = months.plan_months(
        connection, agreed, occasion.as_of, only=scope.month, members=members, booked=booked
    )
    if scope.month is not None and without:
        raise without[0].error
    known = store.all_issuer_settings(connection)
    settings = {
        agreement.issuer: known.get(agreement.issuer, IssuerSettings(agreement.issuer)) for agreement in agreed.values()
    }
    failed = [NotPlanned(gap.agreement, gap.month, None, gap.error.name, gap.error.text()) for gap in without]
    failed += [
        NotPlanned(plan.agreement, plan.month, failure.municipality, failure.error.name, failure.error.text())
        for plan in planned
        for failure in plan.failed
    ]
    inputs = inputs_of(connection, versions, planned, settings, members)
    return _WorkedOut(agreed, planned, failed, inputs, settings, members)


def _described(connection: Connection, found: _WorkedOut, scope: RunScope, occasion: Occasion) -> RunPlan:
    """The plan as it is kept and shown: each bill beside the month before."""
    drafts = [draft for plan in found.months for draft in plan.drafts]
    on_document = {
        id(draft): number
        for number, parts in enumerate(grouped(drafts, months.documents_apart(found.agreed.values())), start=1)
        for draft in parts
    }
    lacking: Counter[Finding] = Counter()
    for findings in missing_details(connection, drafts, occasion.as_of, found.agreed.values()):
        lacking.update(findings)
    in_words = sorted((finding.rule, finding.text(), bills) for finding, bills in lacking.items())
    codes = {plan.agreement for plan in found.months}
    plan_of = {code: agreement.terms.advance for code, agreement in found.agreed.items()}
    before = {instalment_before(plan_of[plan.agreement], plan.month).first_day for plan in found.months}
    billed = invoice_store.billed_in(connection, codes, before) if before else {}
    several = {code for code, months_of in Counter(plan.agreement for plan in found.months).items() if months_of > 1}
    documents: list[PlannedDocument] = []
    for plan in found.months:
        code, first_day = plan.agreement, plan.month.first_day
        day_before = instalment_before(plan_of[code], plan.month).first_day
        settings = found.settings[found.agreed[code].issuer]
        after = instalment_of(plan_of[code], instalment_after(plan_of[code], plan.month))
        staying = found.members.in_span(found.agreed[code], after.period)
        for draft in plan.drafts:
            who = draft.subscriber.municipality
            previous = billed.get((code, who, day_before))
            if code in several:
                # The next month is compared with what this plan bills.
                billed.setdefault(
                    (code, who, first_day), BilledMonth(draft.amount_oere, version_of(draft), draft.provisional)
                )
            documents.append(planned_document(draft, plan, previous, settings, staying, on_document[id(draft)]))
    waiting = {found.agreed[plan.agreement].issuer for plan in found.months if plan.drafts}
    waiting |= {found.agreed[entry.agreement].issuer for entry in found.failed}
    return RunPlan(
        number=0,
        scope=scope,
        as_of=occasion.as_of,
        planned_by=occasion.actor,
        four_eyes=any(found.settings[issuer].four_eyes for issuer in waiting),
        hash=found.hash,
        inputs=found.inputs,
        documents=tuple(documents),
        failed=tuple(found.failed),
        missing=tuple(MissingDetail(rule, message, bills) for rule, message, bills in in_words),
    )


def get_plan(connection: Connection, number: int) -> RunPlan:
    """A stored plan.

    Raises:
        PlanUnknown: there is none.
    """
    found = store.read_plan(connection, number)
    if found is None:
        raise PlanUnknown(number=number)
    return found


def list_plans(connection: Connection) -> list[RunPlan]:
    """All plans, oldest first."""
    return [get_plan(connection, number) for number in store.plan_numbers(connection)]


def changes_since(connection: Connection, plan: RunPlan, occasion: Occasion) -> list[str]:
    """What a plan rests on that is no longer what it was, by name; nothing while the plan holds."""
    again = _worked_out(connection, plan.scope, replace(occasion, as_of=plan.as_of), lock=False)
    if again.hash == plan.hash:
        return []
    return changed_inputs(plan.inputs, again.inputs) or ["beløbene"]


def _locked(connection: Connection, number: int, *, only_head: bool = False) -> RunPlan:
    if store.lock_plan(connection, number):
        found = store.read_plan(connection, number, only_head=only_head)
        if found is not None:
            return found
    raise PlanUnknown(number=number)


def approve_run(
    connection: Connection, number: int, occasion: Occasion, note: str = "", *, by_clock: bool = False
) -> RunPlan:
    """Approve a plan by name; where two must see it, not by the one who planned it, and never by the clock.

    Args:
        connection: The transaction.
        number: The plan's.
        occasion: Who approves, and the date.
        note: What was looked at.
        by_clock: It is the clock that approves, in its own name.

    Raises:
        PlanUnknown, PlanHasEnded, FourEyesRequired.
        PersonMustApprove: the clock where two must see it, or a person in its name.
    """
    plan = _locked(connection, number)
    require_state(plan, PlanState.PLANNED)
    require_another_person(plan, occasion.actor, _issuers(plan), by_clock=by_clock)
    return _happened(connection, plan, PlanState.APPROVED, occasion, note)


def stop_run(connection: Connection, number: int, occasion: Occasion, note: str = "") -> RunPlan:
    """Give a plan up; the months that it covered are as due as before.

    Raises:
        PlanUnknown, PlanHasEnded.
    """
    plan = _locked(connection, number)
    if plan.state is not PlanState.PLANNED:
        require_state(plan, PlanState.APPROVED)
    return _happened(connection, plan, PlanState.STOPPED, occasion, note)


ISSUE_STAGES = 3  # held and worked out again; documents written; noted


def issue_run(
    connection: Connection, number: int, occasion: Occasion, stage: Callable[[int], None] = lambda _done: None
) -> RunIssue:
    """Issue an approved plan, if all that it rests on is still the same; the amounts come from where the plan's came.

    The answer's plan is its head alone: its bills are what was issued, and ``get_plan`` reads all of it.

    A payer that fails is left out and told of; its month stays due, so that the next run bills it.

    Args:
        connection: The transaction.
        number: The plan's.
        occasion: Who issues, and the date on the documents.
        stage: Told how many of ``ISSUE_STAGES`` are done, for whoever waits.

    Raises:
        PlanUnknown, PlanNotApproved, PlanHasEnded.
        PlanOutOfDate: names what changed; nothing is issued.
        PriceMissing: the plan bills last year's instalment, and its day has not come.
        IssueDateBeforeLast: a number with a later date was given since.

    Source: domain rules 4, 7, 8, 14 and 15.
    """
    plan = _locked(connection, number, only_head=True)
    require_state(plan, PlanState.APPROVED)
    with without_looking_for_cycles():
        again = _worked_out(connection, plan.scope, replace(occasion, as_of=plan.as_of))
        if again.hash != plan.hash:
            changes = changed_inputs(get_plan(connection, number).inputs, again.inputs) or ["beløbene"]
            raise PlanOutOfDate(number=number, changes=changes)
        _require_price_overdue(again, occasion)
        stage(1)
        issued = months.issue_plans(connection, again.months, again.agreed, occasion)
    stage(2)
    done = _happened(connection, plan, PlanState.ISSUED, occasion, "", again.months)
    stage(ISSUE_STAGES)
    return RunIssue(done, tuple(issued))


def _require_price_overdue(found: _WorkedOut, occasion: Occasion) -> None:
    """A plan that was made for a day to come bills provisionally from that day, not before (domain rule 8)."""
    provisional = {
        (plan.agreement, plan.month.year) for plan in found.months if any(draft.provisional for draft in plan.drafts)
    }
    for code, year in sorted(provisional):
        missing_from = price_missing_from(found.agreed[code].terms.advance, year)
        if occasion.as_of < missing_from:
            raise PriceMissing(agreement=code, year=year, provisional_from=missing_from)


def issue_in_one_step(connection: Connection, code: str, month: Month, occasion: Occasion) -> MonthIssue:
    """Plan, approve and issue one month of one agreement, where one person may do so.

    Raises:
        OneStepRefused: the issuer wants two persons to see it.
        ClocksName: it is no person who does it.
        AgreementUnknown, YearNotAgreed, PriceMissing, PriceOutOfDate, IssueDateBeforeLast: nothing is issued.

    Source: domain rules 4, 5, 7, 8, 14 and 15.
    """
    require_a_person(occasion.actor)
    scope = RunScope(code, month)
    found = _worked_out(connection, scope, occasion)
    (month_plan,) = found.months
    if not month_plan.drafts:
        # Nothing to bill is nothing to approve; whoever failed or was billed before is answered.
        return months.issue_plans(connection, found.months, found.agreed, occasion)[0]
    issuer = found.agreed[code].issuer
    if found.settings[issuer].four_eyes:
        raise OneStepRefused(issuer=municipality(issuer).official_name)
    plan = _keep(connection, _described(connection, found, scope, occasion), occasion)
    plan = _happened(connection, plan, PlanState.APPROVED, occasion, "i ét trin")
    (issued,) = months.issue_plans(connection, found.months, found.agreed, occasion)
    _happened(connection, plan, PlanState.ISSUED, occasion, "i ét trin")
    return issued


def _issuers(plan: RunPlan) -> str:
    codes = sorted({document.issuer for document in plan.documents})
    return ", ".join(municipality(code).official_name for code in codes)


def _happened(  # noqa: PLR0913, PLR0917 - what happened, to what, when, why
    connection: Connection,
    plan: RunPlan,
    state: PlanState,
    occasion: Occasion,
    note: str,
    planned: Sequence[MonthPlan] | None = None,
) -> RunPlan:
    event = PlanEvent(state, occasion.as_of, occasion.actor, note)
    store.write_event(connection, plan.number, event)
    done = replace(plan, events=(*plan.events, event))
    _record(connection, done, occasion, state.value, planned)
    return done


def _record(
    connection: Connection,
    plan: RunPlan,
    occasion: Occasion,
    participle: str,
    planned: Sequence[MonthPlan] | None = None,
) -> None:
    amounts = (
        [document.amount_oere for document in plan.documents]
        if planned is None
        else [draft.amount_oere for month in planned for draft in month.drafts]
    )
    audit.record(
        connection,
        occasion,
        action=f"monthly_run.{participle}",
        subject=f"plan {plan.number}",
        details={
            "hash": plan.hash,
            "as_of": plan.as_of.isoformat(),
            "documents": len(amounts),
            "total_oere": sum(amounts),
            "failed": len(plan.failed),
            "four_eyes": plan.four_eyes,
        },
    )


def get_issuer(connection: Connection, issuer: MunicipalityCode) -> IssuerSettings:
    """How an issuer's runs are approved and when the clock speaks.

    Raises:
        UnknownMunicipality: there is no such municipality.
    """
    municipality(issuer)
    return store.issuer_settings(connection, issuer)


def require_two_from_the_start(connection: Connection, issuer: MunicipalityCode, occasion: Occasion) -> IssuerSettings:
    """Let two people see an issuer's plans, where nothing was ever set: for one that is set up in the portal.

    Source: docs/decisions/0050-officer-pages.md.
    """
    if issuer in store.all_issuer_settings(connection):
        return store.issuer_settings(connection, issuer)
    return set_issuer(connection, issuer, occasion, four_eyes=True)


def set_issuer(  # noqa: PLR0913 - each is a setting
    connection: Connection,
    issuer: MunicipalityCode,
    occasion: Occasion,
    *,
    four_eyes: bool | None = None,
    warn_percent: int | None = None,
    plan_days_before: int | None = None,
    alarm_days_before: int | None = None,
    mail: str | None = None,
) -> IssuerSettings:
    """Change how an issuer's runs are approved and when the clock speaks; what is not named stays.

    Raises:
        UnknownMunicipality: there is no such municipality.
        ClockDaysWrong, NoMailAddress: the clock's settings cannot be so.
    """
    municipality(issuer)
    before = store.issuer_settings(connection, issuer)
    after = replace(
        before,
        four_eyes=before.four_eyes if four_eyes is None else four_eyes,
        warn_percent=before.warn_percent if warn_percent is None else warn_percent,
        plan_days_before=before.plan_days_before if plan_days_before is None else plan_days_before,
        alarm_days_before=before.alarm_days_before if alarm_days_before is None else alarm_days_before,
        mail=before.mail if mail is None else mail.strip(),
    )
    require_clock_settings(after)
    if after != before:
        store.write_issuer_settings(connection, after)
        audit.record(
            connection,
            occasion,
            action="monthly_run.issuer_set",
            subject=issuer,
            details={
                when: {key: value for key, value in asdict(settings).items() if key != "issuer"}
                for when, settings in (("before", before), ("after", after))
            },
        )
    return after
