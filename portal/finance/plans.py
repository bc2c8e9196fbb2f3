"""The month's plan: made by one, looked through beside the month before, approved by another, issued, or given up."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response as WebResponse

from billing.monthly_run import run as runs
from billing.monthly_run import store as run_store
from billing.monthly_run.facts import PlannedDocument, PlanState, PlanWarning, RunPlan, RunScope
from foundation.audit import Occasion
from foundation.database import Database
from foundation.money import kroner
from portal.access.issuer_scope import issuers_plan
from portal.access.scope import Deed, issuers_agreement, issuers_agreements
from portal.background import Outcome, Told
from portal.command_pages import told_on_page
from portal.finance import pages, work
from portal.finance.asked import day_of, month_of, small_number, text_of
from portal.language import _
from portal.pages import connection, occasion, person, seen, who_may
from portal.parts import choices

PLANS_AT_ONCE = 20
BILLS_AT_ONCE = 100


def warning_words() -> dict[PlanWarning, str]:
    """What to look at before approving, and the kind of its tag."""
    return {
        PlanWarning.PROVISIONAL: _("foreløbig: prisen mangler"),
        PlanWarning.FIRST_MONTH: _("første måned"),
        PlanWarning.LAST_MONTH: _("sidste måned"),
        PlanWarning.AMOUNT_OFF: _("afviger meget"),
        PlanWarning.LATE: _("for sent"),
        PlanWarning.PAID_OUT: _("udbetales"),
    }


def state_words() -> dict[PlanState, tuple[str, str]]:
    """Where a plan stands, and the kind of its tag."""
    return {
        PlanState.PLANNED: (_("venter på godkendelse"), "warning"),
        PlanState.APPROVED: (_("godkendt, ikke udstedt"), "info"),
        PlanState.ISSUED: (_("udstedt"), "success"),
        PlanState.STOPPED: (_("stoppet"), "info"),
    }


@dataclass(frozen=True, slots=True)
class MonthSum:
    """A month of an agreement in a plan, beside the month before."""

    agreement: str
    month: str
    bills: int
    amount_oere: int
    previous_oere: int
    warned: int

    @property
    def change_oere(self) -> int:
        """More or less than the month before."""
        return self.amount_oere - self.previous_oere


def month_sums(documents: tuple[PlannedDocument, ...]) -> list[MonthSum]:
    """The plan's months, each with what its payers were billed the month before."""
    of_month: dict[tuple[str, str], list[PlannedDocument]] = defaultdict(list)
    for document in documents:
        of_month[document.agreement, str(document.month)].append(document)
    return [
        MonthSum(
            agreement,
            month,
            len(bills),
            sum(bill.amount_oere for bill in bills),
            sum(bill.previous_oere or 0 for bill in bills),
            sum(bool(bill.warnings) for bill in bills),
        )
        for (agreement, month), bills in sorted(of_month.items())
    ]


@pages.get("/planer")
@who_may(Deed.READ)
def plans(place: str) -> str:
    """All plans of the issuer, newest first, and a form for a new one."""
    before = small_number(request.args.get("before", ""))
    heads = run_store.plans_of_issuer(connection(), place, PLANS_AT_ONCE, before=before)
    agreements = issuers_agreements(connection(), place)
    return render_template(
        "finance/plans.html",
        heads=heads,
        state_words=state_words(),
        agreements=choices([("", _("alle aftaler")), *((code, code) for code in agreements)], ""),
        has_agreements=bool(agreements),
        may_plan=person().may(Deed.PREPARE, place),
        first=url_for("finance.plans", place=place) if before else None,
        following=url_for("finance.plans", place=place, before=heads[-1].number)
        if len(heads) == PLANS_AT_ONCE
        else None,
    )


@pages.post("/planer")
@who_may(Deed.PREPARE)
def make_plan(place: str) -> WebResponse:
    """Plan everything that is due, or one month, due or not."""
    code = text_of("agreement")
    if code:
        issuers_agreement(connection(), place, code)
    month = month_of("month", _("Måned")) if text_of("month") else None
    until = day_of("until", _("Forfaldent til og med")) if text_of("until") else None
    made = runs.plan_run(connection(), RunScope(code or None, month, place), occasion(), until=until)
    return seen("finance.plan", place=place, number=made.number)


@pages.get("/planer/<int(max=999999999):number>")
@who_may(Deed.READ)
def plan(place: str, number: int) -> str:
    """One plan: its months beside those before, what to look at, each bill, and what may be done with it."""
    found = issuers_plan(connection(), place, number)
    only_warned = request.args.get("vis") == "advarsler"
    listed = [bill for bill in found.documents if bill.warnings or not only_warned]
    start = (small_number(request.args.get("del", "")) or 0) * BILLS_AT_ONCE
    kept: dict[str, Any] = {"vis": "advarsler"} if only_warned else {}
    here = url_for("finance.plan", place=place, number=number, **kept)
    next_part: dict[str, Any] = {"del": start // BILLS_AT_ONCE + 1}
    return render_template(
        "finance/plan.html",
        plan=found,
        months=month_sums(found.documents),
        bills=listed[start : start + BILLS_AT_ONCE],
        shown_of=len(listed),
        only_warned=only_warned,
        warned=sum(bool(bill.warnings) for bill in found.documents),
        previous_oere=sum(bill.previous_oere or 0 for bill in found.documents),
        warning_words=warning_words(),
        state_words=state_words(),
        first=here if start else None,
        following=url_for("finance.plan", place=place, number=number, **kept, **next_part)
        if start + BILLS_AT_ONCE < len(listed)
        else None,
        **_what_may_be_done(place, found),
    )


def _what_may_be_done(place: str, found: RunPlan) -> dict[str, bool]:
    who = person()
    approves = who.may(Deed.APPROVE, place)
    is_planned, is_approved = found.state is PlanState.PLANNED, found.state is PlanState.APPROVED
    has_bills = bool(found.documents)
    return {
        "may_approve": approves
        and is_planned
        and has_bills
        and not (found.four_eyes and found.planned_by == who.login),
        "needs_another": approves and is_planned and found.four_eyes and found.planned_by == who.login,
        "may_issue": approves and is_approved,
        "may_stop": (is_planned or is_approved) and who.may(Deed.PREPARE, place),
        "may_reject": (is_planned or is_approved) and approves,
    }


@pages.post("/planer/<int(max=999999999):number>/godkend")
@who_may(Deed.APPROVE)
def approve_plan(place: str, number: int) -> WebResponse:
    """Approve it; where two must see it, not by the one who made it."""
    issuers_plan(connection(), place, number)
    runs.approve_run(connection(), number, occasion(), text_of("note"))
    return seen("finance.plan", place=place, number=number)


@pages.post("/planer/<int(max=999999999):number>/stop")
@who_may(Deed.PREPARE)
def stop_plan(place: str, number: int) -> WebResponse:
    """Give it up, by those who make plans."""
    return _stopped(place, number)


@pages.post("/planer/<int(max=999999999):number>/afvis")
@who_may(Deed.APPROVE)
def reject_plan(place: str, number: int) -> WebResponse:
    """Give it up, by those who approve."""
    return _stopped(place, number)


def _stopped(place: str, number: int) -> WebResponse:
    issuers_plan(connection(), place, number)
    runs.stop_run(connection(), number, occasion(), text_of("note"))
    return seen("finance.plan", place=place, number=number)


@pages.post("/planer/<int(max=999999999):number>/udsted")
@who_may(Deed.APPROVE)
def issue_plan(place: str, number: int) -> WebResponse:
    """Issue it beside the pages, in a transaction of its own; begun twice, the second is refused."""
    found = issuers_plan(connection(), place, number)
    if found.state is not PlanState.APPROVED:
        return seen("finance.plan", place=place, number=number)
    return work.begin(
        place,
        _("Udsteder plan {number}").format(number=number),
        url_for("finance.plan", place=place, number=number),
        Issuing(number, occasion()),
    )


@dataclass(frozen=True, slots=True)
class Issuing:
    """The issuing of a plan, whoever waits for it."""

    number: int
    occasion: Occasion

    def __call__(self, database: Database, told: Told) -> Outcome:
        """Issue it, all or nothing, and say what came of it."""
        words = (
            _("regner planen efter"),
            _("skriver bilagene"),
            _("noterer, at planen er udstedt"),
            _("gemmer"),
        )

        def stage(done: int) -> None:
            told(done, runs.ISSUE_STAGES + 1, words[done])

        stage(0)
        with database.transaction() as own:
            issued = runs.issue_run(own, self.number, self.occasion, stage)
        documents = [document for month in issued.months for document in month.issued]
        failed = [failure for month in issued.months for failure in month.failed]
        said = _("{count} beløb er udstedt, i alt {total}").format(
            count=len(documents), total=kroner(sum(document.amount_oere for document in documents))
        )
        if failed:
            said += " " + _("{count} blev ikke faktureret: {first}").format(
                count=len(failed), first=told_on_page(failed[0].error)
            )
        return Outcome(said)
