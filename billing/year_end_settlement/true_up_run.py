"""Plan, approve and issue the documents that settle a year's result with the payers; never commits."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from agreements import run as agreements
from agreements.agreement import Agreement, MunicipalityCode
from agreements.municipality import municipality
from agreements.trading import Finding
from billing.accounts import store as books
from billing.invoice import run as invoices
from billing.invoice.facts import DocumentDraft, IssuedDocument
from billing.invoice.missing import missing_by_payer
from billing.monthly_aconto.run import party_snapshots
from billing.monthly_run.facts import CLOCK, PlanEvent, PlanState
from billing.monthly_run.rules import STATE_WORDS, bears_name_of, digest, require_a_person
from billing.monthly_run.run import get_issuer
from billing.year_end_settlement import true_up_store as store
from billing.year_end_settlement.facts import DividedBy, TrueUpPlan
from billing.year_end_settlement.run import get_settlement
from billing.year_end_settlement.true_up_rules import parts_to_true_up, true_up_drafts
from foundation import audit
from foundation.audit import Occasion
from foundation.errors import BadInput, N_, NotFound, RuleBroken
from foundation.person_number import holds_one


class NotTruedUp(RuleBroken):
    """The year's result enters a price, or is kept."""

    danish = N_(
        "Resultatet af {year} i aftalen «{agreement}» efterreguleres ikke; det indregnes i prisen for "
        "{application_year}, som aftalen siger.",
    )


class NothingToTrueUp(RuleBroken):
    """All payers have their document, or there is no difference."""

    danish = N_("Der er intet at efterregulere for {year} i aftalen «{agreement}».")


class TrueUpPlanUnknown(NotFound):
    """No plan has the number."""

    danish = N_("Der er ingen plan {number} for en efterregulering. Lav en med «mellemregning settlement true-up».")


class TrueUpNotApproved(RuleBroken):
    """Only an approved plan is issued."""

    danish = N_(
        "Planen {number} for en efterregulering er ikke godkendt. Godkend den med «mellemregning settlement "
        "true-up-approve {number}».",
    )


class TrueUpPlanHasEnded(RuleBroken):
    """A plan is approved once, and issued or stopped once."""

    danish = N_("Planen {number} for en efterregulering er {state}. Lav en ny med «mellemregning settlement true-up».")


class TrueUpOutOfDate(RuleBroken):
    """What the plan rests on is not what it was."""

    danish = N_(
        "Planen {number} for en efterregulering gælder ikke længere; beløbene, betalerne eller indstillingerne er "
        "ændret, siden den blev lavet. Intet er udstedt. Lav en ny plan.",
    )


class TrueUpNeedsAnother(RuleBroken):
    """Whoever planned may not approve, where two must see it; and never the clock."""

    danish = N_("{issuer} kræver to personer: {actor} kan ikke godkende planen {number}. Lad en anden godkende.")


class TrueUpRefused(RuleBroken):
    """One payer's document could not be issued, so none is."""

    danish = N_("Efterreguleringen til {municipality} kan ikke udstedes: {reason} Intet er udstedt.")


class PersonInName(BadInput):
    """A name that holds what looks like a CPR number; it is not repeated."""

    danish = N_("Navnet på den, der udfører det, indeholder noget, der ligner et CPR-nummer. Intet er gemt.")


@dataclass(frozen=True, slots=True)
class TrueUpIssue:
    """What came of issuing a plan."""

    plan: TrueUpPlan
    issued: tuple[IssuedDocument, ...]


def plan_true_up(connection: Connection, code: str, year: int, occasion: Occasion) -> TrueUpPlan:
    """Plan the documents of a closed year whose result is trued up, for all payers that have none, and keep the plan.

    Raises:
        AgreementUnknown, SettlementUnknown.
        NotTruedUp: the year's result enters a price.
        NothingToTrueUp: nothing is due; nothing is kept.
        ClocksName: a person plans in the clock's name.

    Source: docs/agreement_variants.md, settlement; docs/decisions/0034-true-up-and-net-assets.md.
    """
    _require_name(occasion)
    require_a_person(occasion.actor)
    agreement = agreements.get(connection, code, lock=True)
    plan, drafts = _worked_out(connection, agreement, year, occasion)
    if not drafts:
        raise NothingToTrueUp(agreement=code, year=year)
    plan = replace(plan, number=store.write_plan(connection, plan))
    _record(connection, plan, occasion, "planned")
    return plan


def missing_of(
    connection: Connection, plan: TrueUpPlan, occasion: Occasion
) -> dict[MunicipalityCode, tuple[Finding, ...]]:
    """What the documents of a plan would lack as e-invoices; nothing of those that are complete.

    Returns:
        Payer -> findings, each with the official rule's id.
    """
    agreement = agreements.get(connection, plan.agreement)
    _, drafts = _worked_out(connection, agreement, plan.year, occasion)
    return missing_by_payer(connection, drafts, occasion.as_of)


def _require_name(occasion: Occasion) -> None:
    if holds_one(occasion.actor):
        raise PersonInName


def _worked_out(
    connection: Connection, agreement: Agreement, year: int, occasion: Occasion
) -> tuple[TrueUpPlan, list[DocumentDraft]]:
    settlement = get_settlement(connection, agreement.code, year)
    if not settlement.is_trued_up:
        raise NotTruedUp(agreement=agreement.code, year=year, application_year=settlement.application_year)
    parts = parts_to_true_up(books.movements(connection, agreement.code), year)
    providers = {provider for row in parts.values() for provider in row}
    parties = party_snapshots(agreement, {agreement.issuer, *agreement.providers, *providers, *parts})
    how = (
        "fordelt nøgle for nøgle på dem, der betaler efter den"
        if settlement.divided_by is DividedBy.LINES
        else f"fordelt efter andelene i {year}"
    )
    held = store.payers_trued_up(connection, agreement.code, year)
    drafts = true_up_drafts(agreement, year, parts, held, parties, how)
    four_eyes = get_issuer(connection, agreement.issuer).four_eyes
    documents = tuple(
        {
            "municipality": draft.subscriber.municipality,
            "amount_oere": draft.amount_oere,
            "internal": draft.internal,
            "lines": [
                {"provider": line.provider, "text": line.text, "amount_oere": line.amount_oere} for line in draft.lines
            ],
        }
        for draft in drafts
    )
    plan = TrueUpPlan(
        number=0,
        agreement=agreement.code,
        year=year,
        as_of=occasion.as_of,
        planned_by=occasion.actor,
        four_eyes=four_eyes,
        hash=digest([agreement.code, year, four_eyes, documents]),
        documents=documents,
    )
    return plan, drafts


def get_plan(connection: Connection, number: int) -> TrueUpPlan:
    """A stored plan.

    Raises:
        TrueUpPlanUnknown.
    """
    found = store.read_plan(connection, number)
    if found is None:
        raise TrueUpPlanUnknown(number=number)
    return found


def list_plans(connection: Connection, code: str) -> list[TrueUpPlan]:
    """An agreement's plans, oldest first."""
    return [get_plan(connection, number) for number in store.plan_numbers(connection, code)]


def _locked(connection: Connection, number: int, *states: PlanState) -> tuple[TrueUpPlan, Agreement]:
    agreement = agreements.get(connection, get_plan(connection, number).agreement, lock=True)
    plan = get_plan(connection, number)
    if plan.state in states:
        return plan, agreement
    if plan.state is PlanState.PLANNED:
        raise TrueUpNotApproved(number=number)
    raise TrueUpPlanHasEnded(number=number, state=STATE_WORDS[plan.state])


def approve_plan(connection: Connection, number: int, occasion: Occasion) -> TrueUpPlan:
    """Approve a plan by name; where the issuer wants two to see it, not by the one who planned it; never by the clock.

    Raises:
        TrueUpPlanUnknown, TrueUpPlanHasEnded, TrueUpNeedsAnother, PersonInName.
    """
    _require_name(occasion)
    plan, agreement = _locked(connection, number, PlanState.PLANNED)
    same = plan.four_eyes and bears_name_of(occasion.actor, plan.planned_by)
    if same or bears_name_of(occasion.actor, CLOCK):
        issuer = municipality(agreement.issuer).official_name
        raise TrueUpNeedsAnother(issuer=issuer, actor=occasion.actor, number=number)
    return _happened(connection, plan, PlanState.APPROVED, occasion)


def stop_plan(connection: Connection, number: int, occasion: Occasion) -> TrueUpPlan:
    """Give a plan up; what it covered is as due as before.

    Raises:
        TrueUpPlanUnknown, TrueUpPlanHasEnded.
    """
    plan, _ = _locked(connection, number, PlanState.PLANNED, PlanState.APPROVED)
    return _happened(connection, plan, PlanState.STOPPED, occasion)


def issue_plan(connection: Connection, number: int, occasion: Occasion) -> TrueUpIssue:
    """Issue an approved plan's documents, if all that it rests on is still the same; all of them or none.

    Raises:
        TrueUpPlanUnknown, TrueUpNotApproved, TrueUpPlanHasEnded, TrueUpOutOfDate, TrueUpRefused, IssueDateBeforeLast.

    Source: domain rules 9, 12, 14 and 15.
    """
    plan, agreement = _locked(connection, number, PlanState.APPROVED)
    again, drafts = _worked_out(connection, agreement, plan.year, occasion)
    if again.hash != plan.hash:
        raise TrueUpOutOfDate(number=number)
    outcome = invoices.issue_documents(connection, drafts, occasion.as_of, occasion.at)
    if outcome.failed:
        failure = outcome.failed[0]
        raise TrueUpRefused(municipality=municipality(failure.municipality).name, reason=failure.error.text())
    if len(outcome.issued) != len(drafts):
        raise TrueUpOutOfDate(number=number)
    audit.record(
        connection,
        occasion,
        action="year_end_settlement.trued_up",
        subject=f"{agreement.code} {plan.year}",
        details={
            "plan": number,
            "issued": [
                {
                    "number": document.number,
                    "municipality": document.subscriber.municipality,
                    "amount_oere": document.amount_oere,
                }
                for document in outcome.issued
            ],
            "sha256": invoices.fingerprints(connection, outcome.issued),
        },
    )
    return TrueUpIssue(_happened(connection, plan, PlanState.ISSUED, occasion), outcome.issued)


def _happened(connection: Connection, plan: TrueUpPlan, state: PlanState, occasion: Occasion) -> TrueUpPlan:
    event = PlanEvent(state, occasion.as_of, occasion.actor, "")
    store.write_plan_event(connection, plan.number, event)
    done = replace(plan, events=(*plan.events, event))
    _record(connection, done, occasion, state.value)
    return done


def _record(connection: Connection, plan: TrueUpPlan, occasion: Occasion, participle: str) -> None:
    audit.record(
        connection,
        occasion,
        action=f"year_end_settlement.true_up_{participle}",
        subject=f"{plan.agreement} {plan.year}",
        details={
            "plan": plan.number,
            "hash": plan.hash,
            "documents": len(plan.documents),
            "total_oere": plan.total_oere,
            "four_eyes": plan.four_eyes,
        },
    )
