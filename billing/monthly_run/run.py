"""Plan a run, approve it, issue it, stop it; never commits."""

from __future__ import annotations

from dataclasses import asdict, astuple, replace
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, MunicipalityCode
from agreements.deadlines import price_missing_from
from agreements.membership import members_in
from agreements.municipality import municipality
from billing.annual_subscription import store as subscription_store
from billing.invoice import store as invoice_store
from billing.invoice.facts import ClaimKind
from billing.monthly_aconto import run as months
from billing.monthly_aconto.facts import MonthIssue, MonthPlan
from billing.monthly_aconto.rules import PriceMissing
from billing.monthly_run import store
from billing.monthly_run.facts import (
    IssuerSettings,
    NotPlanned,
    PlanEvent,
    PlannedDocument,
    PlanState,
    PlanWarning,
    RunIssue,
    RunPlan,
    RunScope,
)
from billing.monthly_run.rules import (
    OneStepRefused,
    PlanOutOfDate,
    changed_inputs,
    digest,
    plan_hash,
    planned_document,
    require_another_person,
    require_clock_settings,
    require_state,
)
from foundation import audit
from foundation.audit import Occasion
from foundation.errors import MellemregningError, N_, NotFound
from foundation.period import Month


class PlanUnknown(NotFound):
    """No plan has the number."""

    danish = N_("Der er ingen plan {number}. Se dem med «mellemregning run list».")


class _Planned(NamedTuple):
    """A plan with the months that it was made of."""

    plan: RunPlan
    months: list[MonthPlan]


def plan_run(
    connection: Connection,
    scope: RunScope,
    occasion: Occasion,
    *,
    until: date | None = None,
) -> RunPlan:
    """Work out everything that is due up to the business date, all past months that are missing too, and keep it.

    Args:
        connection: The transaction.
        scope: All agreements, one issuer's or one; every due month or one.
        occasion: Who plans, and the date up to which months are due.
        until: Plan for this later day instead: a deadline that is coming. It becomes the plan's ``as_of``.

    Returns:
        The stored plan. What cannot be planned is named in it; the rest is planned all the same.

    Raises:
        AgreementUnknown, YearNotAgreed: the scope names something that is not there.

    Source: agreement § 7 stk. 1; domain rules 4, 5, 7, 8, 14 and 15.
    """
    plan = _planned(connection, scope, replace(occasion, as_of=until or occasion.as_of), lock=True).plan
    plan = replace(plan, number=store.write_plan(connection, plan))
    _record(connection, plan, occasion, "planned")
    return plan


def _planned(connection: Connection, scope: RunScope, occasion: Occasion, *, lock: bool) -> _Planned:
    codes = [scope.agreement] if scope.agreement else agreement_store.agreement_codes(connection, scope.issuer)
    documents: list[PlannedDocument] = []
    failed: list[NotPlanned] = []
    inputs: dict[str, str] = {}
    plans: list[MonthPlan] = []
    four_eyes = False
    for code in codes:
        agreement = agreements.get(connection, code, lock=lock)
        settings = store.issuer_settings(connection, agreement.issuer)
        due = [month for month, _ in months.due_months(connection, agreement, occasion.as_of)]
        wanted = due if scope.month is None else [scope.month]
        for month in wanted:
            try:
                plan = months.plan_month(connection, code, month, occasion.as_of)
            except MellemregningError as error:
                if scope.month is not None:
                    raise
                failed.append(NotPlanned(code, month, None, error.name, error.text()))
                continue
            plans.append(plan)
            documents += _documents(connection, agreement, plan, settings, documents)
            failed += [
                NotPlanned(code, month, failure.municipality, failure.error.name, failure.error.text())
                for failure in plan.failed
            ]
            inputs |= _inputs(connection, agreement, plan, settings)
        four_eyes = four_eyes or (settings.four_eyes and bool(wanted))
    return _Planned(
        RunPlan(
            number=0,
            scope=scope,
            as_of=occasion.as_of,
            planned_by=occasion.actor,
            four_eyes=four_eyes,
            hash=plan_hash(inputs, documents),
            inputs=inputs,
            documents=tuple(documents),
            failed=tuple(failed),
        ),
        plans,
    )


def _documents(
    connection: Connection,
    agreement: Agreement,
    plan: MonthPlan,
    settings: IssuerSettings,
    planned: list[PlannedDocument],
) -> list[PlannedDocument]:
    """The month's documents beside the month before, as it was billed or as this plan will bill it."""
    before = plan.month.plus(-1).period
    billed = {
        document.subscriber: (document.amount_oere, document.note)
        for document in planned
        if document.agreement == agreement.code and document.month == plan.month.plus(-1)
    }
    billed |= {
        document.subscriber.municipality: (document.amount_oere, document.note)
        for document in invoice_store.documents(
            connection,
            agreement=agreement.code,
            kind=ClaimKind.ACONTO,
            from_day=before.from_day,
            to_day=before.to_day,
            only_claimed=True,
        )
    }
    staying = members_in(agreement_store.members(connection, agreement.code), plan.month.plus(1).year)
    return [
        planned_document(draft, plan, billed.get(draft.subscriber.municipality), settings, staying)
        for draft in plan.drafts
    ]


def _inputs(
    connection: Connection,
    agreement: Agreement,
    plan: MonthPlan,
    settings: IssuerSettings,
) -> dict[str, str]:
    """All that the month's plan rests on, by the name under which a change of it is told."""
    code, year = agreement.code, plan.month.year
    on = agreement.terms.allocation.reference_date.of_year(year)
    members = members_in(agreement_store.members(connection, code), year)
    figures = agreement_store.population(connection, on, members)
    return {
        f"vilkårene i {code}": digest(agreement_store.agreement_versions(connection, code)),
        f"budgettet for {year} i {code}": digest(
            [[*astuple(line.key), line.amount_oere] for line in agreement_store.budget(connection, code, year)],
        ),
        f"prisen for {year} i {code}": digest(
            [subscription_store.latest_version(connection, code, of_year) for of_year in (year - 1, year)],
        ),
        f"deltagerne i {year} i {code}": digest(members),
        f"indbyggertallene pr. {on:%d.%m.%Y}, {code}": digest(
            [[who, revision, figure.inhabitants] for (who, _), (revision, figure) in figures.items()],
        ),
        f"hvad der er faktureret for {plan.month} i {code}": digest(
            [document.number for document in plan.already_issued],
        ),
        f"indstillingerne for {municipality(agreement.issuer).official_name}": digest(
            [settings.four_eyes, settings.warn_percent],
        ),
    }


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
    again = _planned(connection, plan.scope, replace(occasion, as_of=plan.as_of), lock=False).plan
    if again.hash == plan.hash:
        return []
    return changed_inputs(plan.inputs, again.inputs) or ["beløbene"]


def _locked(connection: Connection, number: int) -> RunPlan:
    if not store.lock_plan(connection, number):
        raise PlanUnknown(number=number)
    return get_plan(connection, number)


def approve_run(connection: Connection, number: int, occasion: Occasion, note: str = "") -> RunPlan:
    """Approve a plan by name; where two must see it, not by the one who planned it.

    Raises:
        PlanUnknown, PlanHasEnded, FourEyesRequired.
    """
    plan = _locked(connection, number)
    require_state(plan, PlanState.PLANNED)
    require_another_person(plan, occasion.actor, _issuers(plan))
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


def issue_run(connection: Connection, number: int, occasion: Occasion) -> RunIssue:
    """Issue an approved plan, if all that it rests on is still the same; the amounts come from where the plan's came.

    A payer that fails is left out and told of; its month stays due, so that the next run bills it.

    Raises:
        PlanUnknown, PlanNotApproved, PlanHasEnded.
        PlanOutOfDate: names what changed; nothing is issued.
        PriceMissing: the plan bills last year's instalment, and its day has not come.
        IssueDateBeforeLast: a number with a later date was given since.

    Source: domain rules 4, 7, 8, 14 and 15.
    """
    plan = _locked(connection, number)
    require_state(plan, PlanState.APPROVED)
    _require_price_overdue(connection, plan, occasion)
    again = _planned(connection, plan.scope, replace(occasion, as_of=plan.as_of), lock=True)
    if again.plan.hash != plan.hash:
        changes = changed_inputs(plan.inputs, again.plan.inputs) or ["beløbene"]
        raise PlanOutOfDate(number=number, changes=changes)
    issued = tuple(
        months.issue_month(connection, month_plan.agreement, month_plan.month, occasion, planned=month_plan)
        for month_plan in again.months
    )
    done = _happened(connection, plan, PlanState.ISSUED, occasion, "")
    return RunIssue(done, issued)


def _require_price_overdue(connection: Connection, plan: RunPlan, occasion: Occasion) -> None:
    """A plan that was made for a day to come bills provisionally from that day, not before (domain rule 8)."""
    provisional = {
        (document.agreement, document.month.year)
        for document in plan.documents
        if PlanWarning.PROVISIONAL in document.warnings
    }
    for code, year in sorted(provisional):
        missing_from = price_missing_from(agreements.get(connection, code).terms.advance, year)
        if occasion.as_of < missing_from:
            raise PriceMissing(agreement=code, year=year, provisional_from=missing_from)


def issue_in_one_step(connection: Connection, code: str, month: Month, occasion: Occasion) -> MonthIssue:
    """Plan, approve and issue one month of one agreement, where one person may do so.

    Raises:
        OneStepRefused: the issuer wants two persons to see it.
        AgreementUnknown, YearNotAgreed, PriceMissing, PriceOutOfDate, IssueDateBeforeLast: nothing is issued.

    Source: domain rules 4, 5, 7, 8, 14 and 15.
    """
    agreement = agreements.get(connection, code, lock=True)
    settings = store.issuer_settings(connection, agreement.issuer)
    scope = RunScope(code, month)
    found = _planned(connection, scope, occasion, lock=True)
    (month_plan,) = found.months
    if not month_plan.drafts:
        # Nothing to bill is nothing to approve; whoever failed or was billed before is answered.
        return months.issue_month(connection, code, month, occasion, planned=month_plan)
    if settings.four_eyes:
        raise OneStepRefused(issuer=municipality(agreement.issuer).official_name)
    plan = replace(found.plan, number=store.write_plan(connection, found.plan))
    _record(connection, plan, occasion, "planned")
    plan = _happened(connection, plan, PlanState.APPROVED, occasion, "i ét trin")
    issued = months.issue_month(connection, code, month, occasion, planned=month_plan)
    _happened(connection, plan, PlanState.ISSUED, occasion, "i ét trin")
    return issued


def _issuers(plan: RunPlan) -> str:
    codes = sorted({document.issuer for document in plan.documents})
    return ", ".join(municipality(code).official_name for code in codes)


def _happened(connection: Connection, plan: RunPlan, state: PlanState, occasion: Occasion, note: str) -> RunPlan:
    event = PlanEvent(state, occasion.as_of, occasion.actor, note)
    store.write_event(connection, plan.number, event)
    done = replace(plan, events=(*plan.events, event))
    _record(connection, done, occasion, state.value)
    return done


def _record(connection: Connection, plan: RunPlan, occasion: Occasion, participle: str) -> None:
    audit.record(
        connection,
        occasion,
        action=f"monthly_run.{participle}",
        subject=f"plan {plan.number}",
        details={
            "hash": plan.hash,
            "as_of": plan.as_of.isoformat(),
            "documents": len(plan.documents),
            "total_oere": plan.total_oere,
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
