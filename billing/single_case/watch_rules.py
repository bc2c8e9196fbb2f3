"""What the clock decides of a plan of case bills, and the Danish that it says of it; pure.

No case's number stands in what is told, nor how many cases there are: only bills, months, payers and amounts.

Source: issue 7; the Horsens-Odder agreement 6.2; docs/decisions/0049-cases-and-the-clock.md.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from agreements.agreement import Agreement, MunicipalityCode
from agreements.deadlines import case_send_deadline
from billing.monthly_run.facts import PlanState
from billing.monthly_run.watch_rules import AlarmStage, Happening, Named, Topic, Urgency
from billing.single_case.facts import CasePlan
from foundation.money import kroner
from foundation.period import Month


@dataclass(frozen=True, slots=True)
class ComingCases:
    """A month of cases of one agreement that is over and not billed to everybody.

    Attributes:
        send_by: The last bank day to send its bills.
        payers: Who lacks one.
        amount_oere: What the bills would ask for in all.
        by_clock: The agreement lets the clock issue them.
    """

    issuer: MunicipalityCode
    agreement: str
    month: Month
    send_by: date
    payers: tuple[MunicipalityCode, ...]
    amount_oere: int
    by_clock: bool


def months_in(plan: CasePlan) -> tuple[Month, ...]:
    """The months that a plan bills, ascending."""
    return tuple(sorted({Month.parse(str(document["month"])) for document in plan.documents}))


def due_on(agreement: Agreement, plan: CasePlan) -> date:
    """The first deadline of what a plan bills."""
    return case_send_deadline(agreement.cases, months_in(plan)[0])


def reasons_to_wait(
    agreement: Agreement, plan: CasePlan, credited: Collection[tuple[MunicipalityCode, Month]], stopped_by: str
) -> list[str]:
    """Why the clock may not approve and issue a plan by itself; nothing where it may.

    Args:
        agreement: For its terms of cases.
        plan: With its documents.
        credited: (payer, month) of the agreement's case bills that were taken back.
        stopped_by: Who stopped a plan that was the same, if anybody did.
    """
    again = any((str(each["municipality"]), Month.parse(str(each["month"]))) in credited for each in plan.documents)
    paid_out = any(_amount(document) < 0 for document in plan.documents)
    left_out = any(entry["error"] != "waits" for entry in plan.left_out)
    found = (
        (not agreement.cases.by_clock, f"en medarbejder udsteder enkeltsager i {agreement.code}"),
        (plan.four_eyes, "udstederen kræver to personer"),
        (paid_out, "et beløb udbetales"),
        (left_out, "noget kan ikke faktureres"),
        (again, "en regning er udstedt før og krediteret"),
        (stopped_by, f"{stopped_by} har stoppet en plan, der var den samme"),
    )
    return [reason for applies, reason in found if applies]


def waiting(agreement: Agreement, plan: CasePlan, reasons: Sequence[str], today: date, named: Named) -> Happening:
    """Tell the officer of a plan: which months, by when, how much, and who does what."""
    day = due_on(agreement, plan)
    verb = "venter på godkendelse" if reasons else "udstedes af uret"
    lines = [
        f"Sagsplan {plan.number} for {agreement.code} ({named(agreement.issuer)}) {verb}.",
        f"Sidste frist: {_day(day)}" + (f" (overskredet med {(today - day).days} dage)." if today > day else "."),
        *(
            f"- {Month.parse(str(document['month'])).danish}, {named(str(document['municipality']))}: "
            f"{kroner(_amount(document))}"
            for document in plan.documents
        ),
    ]
    if any(entry["error"] != "waits" for entry in plan.left_out):
        lines.append(f"Noget er holdt udenfor; se hvad med «mellemregning case plan-show {plan.number}».")
    if reasons:
        lines += [
            f"Uret udsteder den ikke selv: {'; '.join(reasons)}.",
            (
                f"Se den med «mellemregning case plan-show {plan.number}», godkend den med «mellemregning case "
                f"plan-approve {plan.number}», og udsted den med «mellemregning case issue {plan.number}»."
            ),
        ]
    else:
        lines += [
            f"Uret godkender og udsteder den selv {_day(max(day, today))}, hvis intet ændres inden da.",
            f"Stop den med «mellemregning case plan-stop {plan.number}».",
        ]
    return Happening(
        Topic.CASES_WAITING,
        Urgency.WARNING if reasons else Urgency.INFO,
        f"{Topic.CASES_WAITING}/{plan.number}",
        agreement.issuer,
        plan.number,
        f"Sagsplan {plan.number} {verb}: {kroner(plan.total_oere)} senest {_day(day)}",
        "\n".join(lines),
        _about(agreement, plan) | {"due_on": day.isoformat(), "reasons": list(reasons)},
    )


def stopped(agreement: Agreement, plan: CasePlan, why: str) -> Happening:
    """Tell that the clock gave a plan up."""
    approved = plan.state is PlanState.APPROVED
    what = "den godkendte sagsplan" if approved else "sagsplan"
    return Happening(
        Topic.CASES_STOPPED,
        Urgency.WARNING if approved else Urgency.INFO,
        f"{Topic.CASES_STOPPED}/{plan.number}",
        agreement.issuer,
        plan.number,
        f"Uret har stoppet {what} {plan.number}",
        f"Uret har stoppet {what} {plan.number} for {agreement.code}: {why}. Er der stadig noget at fakturere, "
        "laver det en ny.",
        _about(agreement, plan) | {"approved": approved},
    )


def issued(agreement: Agreement, plan: CasePlan, bills: int, approved_by: str, days_late: int) -> Happening:
    """Tell that the clock issued a plan, and how late."""
    late = f" {days_late} {'dag' if days_late == 1 else 'dage'} for sent." if days_late else ""
    return Happening(
        Topic.CASES_ISSUED,
        Urgency.WARNING if days_late else Urgency.INFO,
        f"{Topic.CASES_ISSUED}/{plan.number}",
        agreement.issuer,
        plan.number,
        f"Sagsplan {plan.number} er udstedt af uret: {kroner(plan.total_oere)}",
        f"Sagsplan {plan.number} for {agreement.code} er udstedt af uret: {_bills(bills)}, i alt "
        f"{kroner(plan.total_oere)} Den blev godkendt af {approved_by}.{late}",
        _about(agreement, plan) | {"documents": bills, "approved_by": approved_by, "days_late": days_late},
    )


def alarm(coming: ComingCases, stage: AlarmStage, plan: CasePlan | None, today: date, named: Named) -> Happening:
    """Warn of case bills whose deadline has come near, or passed."""
    when = {
        AlarmStage.NEAR: f"skal sendes senest {_day(coming.send_by)}",
        AlarmStage.DAY: "skal sendes i dag",
        AlarmStage.PASSED: f"skulle være sendt {_day(coming.send_by)} ({(today - coming.send_by).days} dage siden)",
    }[stage]
    what = f"{_bills(len(coming.payers))} på enkeltsager i {coming.month.danish} ({coming.agreement})"
    then = f"Lav en plan med «mellemregning case plan {coming.agreement}»."
    if plan is not None:
        approve = f"«mellemregning case plan-approve {plan.number}» og " if plan.state is PlanState.PLANNED else ""
        then = f"Sagsplan {plan.number} venter på {approve}«mellemregning case issue {plan.number}»."
    return Happening(
        Topic.CASES_ALARM,
        Urgency.ERROR,
        f"{Topic.CASES_ALARM}/{coming.agreement}/{coming.month}/{stage}",
        coming.issuer,
        plan.number if plan is not None else 0,
        f"ALARM: {what} {when}",
        f"{named(coming.issuer)}: {what} {when}. {then}",
        {"agreement": coming.agreement, "send_by": coming.send_by.isoformat(), "stage": stage.value},
    )


def _about(agreement: Agreement, plan: CasePlan) -> dict[str, object]:
    return {
        "agreement": agreement.code,
        "months": [str(month) for month in months_in(plan)],
        "total_oere": plan.total_oere,
    }


def _amount(document: Mapping[str, object]) -> int:
    amount = document["amount_oere"]
    return amount if isinstance(amount, int) else 0


def _bills(count: int) -> str:
    return f"{count} {'regning' if count == 1 else 'regninger'}"


def _day(day: date) -> str:
    return f"{day:%d.%m.%Y}"
