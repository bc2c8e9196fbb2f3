"""Late interest: enter rates, show, plan, approve and issue it, once for the same days; never commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from agreements import run as agreements
from agreements.agreement import MunicipalityCode
from agreements.municipality import municipality
from agreements.trading import Finding
from billing.invoice import run as invoices
from billing.invoice.facts import DocumentDraft, IssuedDocument
from billing.invoice.missing import missing_by_payer
from billing.monthly_aconto.run import party_snapshots
from billing.monthly_run.facts import PlanEvent, PlanState
from billing.monthly_run.rules import changed_inputs, digest, require_a_person
from billing.monthly_run.store import issuer_settings
from billing.payment import interest_store, store
from billing.payment.interest_facts import (
    InterestClaim,
    InterestIssue,
    InterestPlan,
    InterestScope,
    PlannedInterest,
    Principal,
    ReferenceRate,
    Segment,
)
from billing.payment.interest_rules import (
    A_DAY,
    claims_of,
    exact_interest,
    half_year_of,
    interest_draft,
    next_half_year,
    planned_documents,
    require_rate,
    segments,
)
from billing.payment.run import DocumentNotOpenable, issuer_of
from foundation import audit
from foundation.audit import Occasion
from foundation.errors import BadInput, N_, NotFound, RuleBroken
from foundation.money import whole_oere


class InterestPlanUnknown(NotFound):
    """No plan has the number."""

    danish = N_("Der er ingen renteplan {number}. Se dem alle med «mellemregning interest list».")


class InterestPlanNotApproved(RuleBroken):
    """Only an approved plan is issued."""

    danish = N_("Renteplan {number} er ikke godkendt. Lad den godkende med «mellemregning interest approve {number}».")


class InterestPlanHasEnded(RuleBroken):
    """A plan is approved once, and issued or stopped once."""

    danish = N_("Renteplan {number} er {state}. Lav en ny med «mellemregning interest plan».")


class InterestPlanOutOfDate(RuleBroken):
    """What the plan rests on is not what it was."""

    danish = N_(
        "Renteplan {number} gælder ikke længere; siden den blev lavet, er dette ændret: {changes}. Intet er udstedt. "
        "Lav en ny plan.",
    )


class AnotherPersonMustApprove(RuleBroken):
    """Whoever planned may not approve where two must see it."""

    danish = N_(
        "{issuer} kræver to personer: {actor} har lavet renteplanen og kan derfor ikke godkende den. Lad en anden "
        "godkende.",
    )


class NoInterestToBill(RuleBroken):
    """A plan without anything in it is none."""

    danish = N_("Der er ingen rente at opkræve til og med {last_day}.")


class InterestNotYetDue(BadInput):
    """Interest of days that have not passed is not known."""

    danish = N_("Rente kan ikke opkræves til og med {last_day}, som er efter forretningsdatoen {as_of}.")


class InterestBilledMeanwhile(RuleBroken):
    """Somebody else billed the same days."""

    danish = N_(
        "Renten for {municipality} i aftalen «{agreement}» er opkrævet imens. Intet er udstedt; lav en ny plan."
    )


class SourceMissing(BadInput):
    """A rate says where it is from."""

    danish = N_("Referencesatsen skal sige, hvor den er fra. Skriv det med --source.")


# Rates.


def set_rate(
    connection: Connection,
    effective_from: date,
    rate: Decimal,
    source: str,
    occasion: Occasion,
) -> ReferenceRate:
    """Enter the reference rate of a half-year; what is billed already stays, and the next plan corrects it.

    Raises:
        NotARateDay, RateUnlikely, SourceMissing.

    Source: renteloven § 5 stk. 1; domain rule 13.
    """
    require_rate(effective_from, rate)
    if not source.strip():
        raise SourceMissing
    entered = ReferenceRate(effective_from, rate, source.strip())
    before = interest_store.rates(connection).get(effective_from)
    if before != entered:
        interest_store.write_rate(connection, entered, occasion)
        audit.record(
            connection,
            occasion,
            action="payment.rate_set",
            subject=effective_from.isoformat(),
            details={"before": before and str(before.rate), "after": str(rate), "source": entered.source},
        )
    return entered


def list_rates(connection: Connection) -> list[ReferenceRate]:
    """All rates, oldest first."""
    return list(interest_store.rates(connection).values())


def _rates(connection: Connection) -> dict[date, Decimal]:
    return {day: rate.rate for day, rate in interest_store.rates(connection).items()}


# Looking.


def interest_of(
    connection: Connection,
    issuer: MunicipalityCode | None,
    number: str,
    last_day: date,
) -> tuple[Principal, tuple[Segment, ...]]:
    """One document's lateness until and with a day: what was outstanding when, at which rate.

    Raises:
        DocumentNotOpenable: nothing is asked for by the number, or it is not due by then.
        ReferenceRateMissing.
    """
    issuer = issuer_of(connection, issuer)
    for principal in interest_store.principals(connection, issuer, last_day + A_DAY):
        if principal.number == number:
            found = segments(principal, _rates(connection), principal.due_date + A_DAY, last_day + A_DAY)
            return principal, found
    raise DocumentNotOpenable(issuer=municipality(issuer).official_name, number=number)


def whole_interest(parts: Sequence[Segment]) -> int:
    """All of a document's interest in whole øre: one rounding."""
    return whole_oere(exact_interest(parts))


def show_interest(connection: Connection, scope: InterestScope) -> tuple[PlannedInterest, ...]:
    """What would be billed until and with a day; changes nothing.

    Raises:
        ReferenceRateMissing.
    """
    return _planned(connection, scope)[0]


def _planned(connection: Connection, scope: InterestScope) -> tuple[tuple[PlannedInterest, ...], dict[str, str]]:
    rates = _rates(connection)
    to_day = scope.last_day + A_DAY
    found = interest_store.principals(connection, scope.issuer, to_day, scope.municipality)
    claims: list[InterestClaim] = []
    inputs: dict[str, str] = {}
    for principal in found:
        some = claims_of(principal, rates, to_day)
        claims += some
        if some:
            inputs[f"betalinger og kreditering af {principal.number}"] = digest(
                [principal.amount_oere, sorted((day.isoformat(), amount) for day, amount in principal.paid.items())],
            )
            inputs[f"rente, der er opkrævet af {principal.number}"] = digest(
                sorted((code, each.amount_oere, each.to_day.isoformat()) for code, each in principal.billed.items()),
            )
    codes = sorted({claim.agreement for claim in claims})
    documents = planned_documents(claims, interest_store.period_ends(connection, codes))
    inputs |= _rates_used(documents, rates)
    inputs |= {
        f"vilkårene i {code}": digest(agreements.get(connection, code).terms.advance.due_days)
        for code in sorted({document.agreement for document in documents})
    }
    return documents, inputs


def _rates_used(documents: tuple[PlannedInterest, ...], rates: Mapping[date, Decimal]) -> dict[str, str]:
    """The rates that the plan rests on, each by its day."""
    days: set[date] = set()
    for document in documents:
        for claim in document.claims:
            day = half_year_of(claim.due_date + timedelta(days=1))
            while day < claim.to_day:
                days.add(day)
                day = next_half_year(day)
    return {f"referencesatsen pr. {day:%d.%m.%Y}": digest(str(rates[day])) for day in sorted(days) if day in rates}


# Planning.


def plan_interest(connection: Connection, scope: InterestScope, occasion: Occasion) -> InterestPlan:
    """Plan interest invoices for all that is late and not billed until and with a day, and keep the plan.

    Raises:
        NotAnIssuer: it bills nobody.
        InterestNotYetDue: the day has not passed.
        ReferenceRateMissing: with the day of the rate that is missing; nothing is kept.
        NoInterestToBill.

    Source: agreement § 7 stk. 2; domain rules 13 and 15.
    """
    issuer_of(connection, scope.issuer)
    if scope.last_day > occasion.as_of:
        raise InterestNotYetDue(last_day=scope.last_day, as_of=occasion.as_of)
    store.lock(connection, scope.issuer)
    plan = _plan(connection, scope, occasion)
    if not plan.documents:
        raise NoInterestToBill(last_day=scope.last_day)
    plan = replace(plan, number=interest_store.write_plan(connection, plan))
    _record(connection, plan, occasion, "planned")
    return plan


def _plan(connection: Connection, scope: InterestScope, occasion: Occasion) -> InterestPlan:
    documents, inputs = _planned(connection, scope)
    settings = issuer_settings(connection, scope.issuer)
    name = municipality(scope.issuer).official_name
    inputs[f"indstillingerne for {name}"] = digest(settings.four_eyes)
    return InterestPlan(
        number=0,
        scope=scope,
        as_of=occasion.as_of,
        planned_by=occasion.actor,
        four_eyes=settings.four_eyes,
        hash=digest(
            [
                sorted(inputs.items()),
                [
                    [
                        document.agreement,
                        document.subscriber,
                        document.from_day.isoformat(),
                        [_line_of(each) for each in document.claims],
                    ]
                    for document in documents
                ],
            ],
        ),
        inputs=inputs,
        documents=documents,
    )


def _line_of(claim: InterestClaim) -> list[object]:
    return [claim.number, claim.to_day.isoformat(), [[line.text, line.amount_oere] for line in claim.lines]]


def get_plan(connection: Connection, number: int) -> InterestPlan:
    """A stored plan.

    Raises:
        InterestPlanUnknown.
    """
    found = interest_store.read_plan(connection, number)
    if found is None:
        raise InterestPlanUnknown(number=number)
    return found


def list_plans(connection: Connection, issuer: MunicipalityCode | None = None) -> list[InterestPlan]:
    """All plans, oldest first."""
    return [get_plan(connection, number) for number in interest_store.plan_numbers(connection, issuer)]


def _locked(connection: Connection, number: int) -> InterestPlan:
    store.lock(connection, get_plan(connection, number).scope.issuer)
    return get_plan(connection, number)


_STATE_WORDS = {
    PlanState.APPROVED: "allerede godkendt",
    PlanState.ISSUED: "allerede udstedt",
    PlanState.STOPPED: "stoppet",
}


def _require_state(plan: InterestPlan, *states: PlanState) -> None:
    if plan.state in states:
        return
    if plan.state is PlanState.PLANNED:
        raise InterestPlanNotApproved(number=plan.number)
    raise InterestPlanHasEnded(number=plan.number, state=_STATE_WORDS[plan.state])


def approve_interest(connection: Connection, number: int, occasion: Occasion, note: str = "") -> InterestPlan:
    """Approve a plan by name; where the issuer wants two to see it, not by the one who planned it.

    Raises:
        InterestPlanUnknown, InterestPlanHasEnded, AnotherPersonMustApprove.
        ClocksName: nobody approves in the clock's name, which plans no interest.
    """
    require_a_person(occasion.actor)
    plan = _locked(connection, number)
    _require_state(plan, PlanState.PLANNED)
    if plan.four_eyes and occasion.actor.strip().casefold() == plan.planned_by.strip().casefold():
        issuer = municipality(plan.scope.issuer).official_name
        raise AnotherPersonMustApprove(issuer=issuer, actor=occasion.actor)
    return _happened(connection, plan, PlanState.APPROVED, occasion, note)


def stop_interest(connection: Connection, number: int, occasion: Occasion, note: str = "") -> InterestPlan:
    """Give a plan up.

    Raises:
        InterestPlanUnknown, InterestPlanHasEnded.
    """
    plan = _locked(connection, number)
    _require_state(plan, PlanState.PLANNED, PlanState.APPROVED)
    return _happened(connection, plan, PlanState.STOPPED, occasion, note)


def issue_interest(connection: Connection, number: int, occasion: Occasion) -> InterestIssue:
    """Issue an approved plan's interest invoices, if all that it rests on is still the same.

    A payer whose invoice cannot be issued is left out and told of; the next plan has its days.

    Raises:
        InterestPlanUnknown, InterestPlanNotApproved, InterestPlanHasEnded.
        InterestPlanOutOfDate: names what changed; nothing is issued.
        InterestBilledMeanwhile, IssueDateBeforeLast: nothing is issued.

    Source: domain rules 13, 14 and 15.
    """
    plan = _locked(connection, number)
    _require_state(plan, PlanState.APPROVED)
    again = _plan(connection, plan.scope, replace(occasion, as_of=plan.as_of))
    if again.hash != plan.hash:
        changes = changed_inputs(plan.inputs, again.inputs) or ["beløbene"]
        raise InterestPlanOutOfDate(number=number, changes=changes)
    drafts = [_draft(connection, planned) for planned in again.documents]
    outcome = invoices.issue_documents(connection, drafts, occasion.as_of, occasion.at)
    issued = {(document.agreement, document.subscriber.municipality): document for document in outcome.issued}
    left_out = {(key.agreement, key.municipality) for failure in outcome.failed for key in failure.claims}
    billed = [each for each in again.documents if (each.agreement, each.subscriber) not in left_out]
    for planned in billed:
        if (planned.agreement, planned.subscriber) not in issued:
            who = municipality(planned.subscriber).official_name
            raise InterestBilledMeanwhile(municipality=who, agreement=planned.agreement)
    interest_store.write_periods(
        connection,
        [(_id_of(connection, issued[planned.agreement, planned.subscriber]), planned) for planned in billed],
    )
    done = _happened(connection, plan, PlanState.ISSUED, occasion, "")
    for code in sorted({planned.agreement for planned in again.documents}):
        documents = [document for (agreement, _), document in issued.items() if agreement == code]
        audit.record(
            connection,
            occasion,
            action="payment.interest_issued",
            subject=f"{code} renteplan {number}",
            details={
                "numbers": [document.number for document in documents],
                "sha256": invoices.fingerprints(connection, documents),
            },
        )
    return InterestIssue(done, outcome.issued, outcome.failed)


def missing_of(connection: Connection, plan: InterestPlan, day: date) -> dict[MunicipalityCode, tuple[Finding, ...]]:
    """What the plan's invoices would lack as e-invoices; nothing of those that are complete.

    Returns:
        Payer -> findings, each with the official rule's id.
    """
    return missing_by_payer(connection, [_draft(connection, planned) for planned in plan.documents], day)


def _id_of(connection: Connection, document: IssuedDocument) -> int:
    invoice_id, _ = invoices.find_document(connection, document.number, document.issuer.municipality)
    return invoice_id


def _draft(connection: Connection, planned: PlannedInterest) -> DocumentDraft:
    agreement = agreements.get(connection, planned.agreement, lock=True)
    parties = party_snapshots(agreement, {agreement.issuer, planned.subscriber})
    return interest_draft(
        planned,
        parties[agreement.issuer],
        parties[planned.subscriber],
        agreement.terms.advance.due_days,
    )


def _happened(
    connection: Connection,
    plan: InterestPlan,
    state: PlanState,
    occasion: Occasion,
    note: str,
) -> InterestPlan:
    event = PlanEvent(state, occasion.as_of, occasion.actor, note)
    interest_store.write_event(connection, plan.number, event)
    done = replace(plan, events=(*plan.events, event))
    _record(connection, done, occasion, state.value)
    return done


def _record(connection: Connection, plan: InterestPlan, occasion: Occasion, participle: str) -> None:
    audit.record(
        connection,
        occasion,
        action=f"payment.interest_plan_{participle}",
        subject=f"renteplan {plan.number}",
        details={
            "issuer": plan.scope.issuer,
            "last_day": plan.scope.last_day.isoformat(),
            "hash": plan.hash,
            "documents": len(plan.documents),
            "total_oere": plan.total_oere,
            "four_eyes": plan.four_eyes,
        },
    )
