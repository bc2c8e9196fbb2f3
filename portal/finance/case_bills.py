"""Bills of cases: planned by one, looked through, approved by another, issued; and statements to those who pay."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, request, url_for
from werkzeug.wrappers import Response as WebResponse

from agreements import store as agreement_store
from billing.monthly_run.facts import PlanState
from billing.single_case import listing_store, statement_run
from billing.single_case import run as case_verbs
from billing.single_case.facts import CasePlan
from foundation.audit import Occasion
from foundation.database import Database
from foundation.money import kroner
from foundation.period import Month
from portal import case_files
from portal.access.issuer_scope import issuers_case_plan
from portal.access.scope import Deed, issuers_agreement
from portal.background import Outcome, Told
from portal.finance import pages, work
from portal.finance.asked import month_of, municipality_of, small_number, text_of
from portal.finance.cases import with_cases
from portal.finance.plans import state_words
from portal.language import _
from portal.pages import connection, download, occasion, person, seen, today, who_may
from portal.parts import choices, name_of

PLAN = "/enkeltsager/planer/<int(max=999999999):number>"


@pages.get("/enkeltsager/planer")
@who_may(Deed.READ)
def case_plans(place: str) -> str:
    """Plans of case bills, newest first, and a form for a new one."""
    agreed = with_cases(place)
    before = small_number(request.args.get("before", ""))
    heads, following = listing_store.page_of_plans(connection(), tuple(agreed), before=before)
    return render_template(
        "finance/case_plans.html",
        heads=heads,
        codes=choices([(code, code) for code in agreed], ""),
        state_words=state_words(),
        may_plan=bool(agreed) and person().may(Deed.PREPARE, place),
        first=url_for("finance.case_plans", place=place) if before else None,
        following=url_for("finance.case_plans", place=place, before=following) if following else None,
    )


@pages.post("/enkeltsager/planer")
@who_may(Deed.PREPARE)
def case_plan_make(place: str) -> WebResponse:
    """Plan the bills of all whole months that are not billed, and all corrections."""
    code = text_of("agreement")
    issuers_agreement(connection(), place, code)
    made = case_verbs.plan_cases(connection(), code, occasion())
    return seen("finance.case_plan", place=place, number=made.number)


@pages.get(PLAN)
@who_may(Deed.READ)
def case_plan(place: str, number: int) -> str:
    """One plan: each bill line by line, what is left out and why, and what may be done with it."""
    found = issuers_case_plan(connection(), place, number)
    who = person()
    approves = who.may(Deed.APPROVE, place)
    is_own = found.four_eyes and found.planned_by == who.login
    is_open = found.state in {PlanState.PLANNED, PlanState.APPROVED}
    return render_template(
        "finance/case_plan.html",
        plan=found,
        state_words=state_words(),
        changed=case_verbs.changes_since(connection(), found, occasion()) if is_open else [],
        may_approve=approves and found.state is PlanState.PLANNED and not is_own,
        needs_another=approves and found.state is PlanState.PLANNED and is_own,
        may_issue=approves and found.state is PlanState.APPROVED,
        may_stop=is_open and who.may(Deed.PREPARE, place),
        may_reject=is_open and approves,
    )


@pages.post(f"{PLAN}/godkend")
@who_may(Deed.APPROVE)
def case_plan_approve(place: str, number: int) -> WebResponse:
    """Approve it; where two must see it, not by the one who made it."""
    issuers_case_plan(connection(), place, number)
    case_verbs.approve_plan(connection(), number, occasion())
    return seen("finance.case_plan", place=place, number=number)


@pages.post(f"{PLAN}/stop")
@who_may(Deed.PREPARE)
def case_plan_stop(place: str, number: int) -> WebResponse:
    """Give it up, by those who make plans."""
    return _stopped(place, number)


@pages.post(f"{PLAN}/afvis")
@who_may(Deed.APPROVE)
def case_plan_reject(place: str, number: int) -> WebResponse:
    """Give it up, by those who approve."""
    return _stopped(place, number)


def _stopped(place: str, number: int) -> WebResponse:
    issuers_case_plan(connection(), place, number)
    case_verbs.stop_plan(connection(), number, occasion())
    return seen("finance.case_plan", place=place, number=number)


@pages.post(f"{PLAN}/udsted")
@who_may(Deed.APPROVE)
def case_plan_issue(place: str, number: int) -> WebResponse:
    """Issue its bills beside the pages, in a transaction of its own; begun twice, the second is refused."""
    found: CasePlan = issuers_case_plan(connection(), place, number)
    if found.state is not PlanState.APPROVED:
        return seen("finance.case_plan", place=place, number=number)
    return work.begin(
        place,
        _("Udsteder sagsplan {number}").format(number=number),
        url_for("finance.case_plan", place=place, number=number),
        Issuing(number, occasion()),
    )


@dataclass(frozen=True, slots=True)
class Issuing:
    """The issuing of a plan of case bills, whoever waits for it."""

    number: int
    occasion: Occasion

    def __call__(self, database: Database, told: Told) -> Outcome:
        """Issue it, all or nothing, and say what came of it."""
        told(0, 1, _("regner planen efter, og skriver bilagene"))
        with database.transaction() as own:
            done = case_verbs.issue_cases(own, self.number, self.occasion)
        total = sum(document.amount_oere for document in done.issued)
        return Outcome(
            _("{count} bilag er udstedt, i alt {total}.").format(count=len(done.issued), total=kroner(total))
        )


# Statements.


@pages.get("/enkeltsager/opgoerelser")
@who_may(Deed.READ)
def case_statements(place: str) -> str:
    """Which payer's statement, of which months: to fetch, or to send to that payer alone."""
    agreed = with_cases(place)
    members = agreement_store.members_of(connection(), sorted(agreed)) if agreed else {}
    payers = sorted({each.municipality for periods in members.values() for each in periods})
    last = Month.of(today()).plus(-1)
    given = request.args
    code, payer = given.get("agreement", ""), given.get("payer", "")
    first_month, last_month = given.get("first", str(last)), given.get("last", str(last))
    chosen = None
    if code in agreed and payer in payers:
        months = case_files.months_from(first_month, last_month)
        chosen = case_verbs.case_statement(connection(), code, payer, case_files.period_of(*months))
    return render_template(
        "finance/case_statements.html",
        agreed=agreed,
        codes=choices([(each, each) for each in agreed], code),
        payers=choices([(each, name_of(each)) for each in payers], payer),
        first_month=first_month,
        last_month=last_month,
        chosen=chosen,
        sent=given.get("sendt", ""),
        may_send=person().may(Deed.PREPARE, place),
    )


@pages.get("/enkeltsager/opgoerelser/<code>/<place:payer>/<first>/<last>.<any(pdf,xlsx):kind>")
@who_may(Deed.READ)
def case_statement_file(  # noqa: PLR0913, PLR0917 - what an address holds
    place: str, code: str, payer: str, first: str, last: str, kind: str
) -> WebResponse:
    """A payer's statement as a file."""
    issuers_agreement(connection(), place, code)
    period = case_files.period_of(*case_files.months_from(first, last))
    name, content = case_files.statement_file(connection(), code, payer, period, kind)
    return download(content, name, case_files.TYPES[kind])


@pages.post("/enkeltsager/opgoerelser")
@who_may(Deed.PREPARE)
def case_statement_send(place: str) -> WebResponse:
    """Send a payer its statement by the issuer's channel; the same twice is sent once."""
    code = text_of("agreement")
    issuers_agreement(connection(), place, code)
    payer = municipality_of("payer", _("Betalingskommune"))
    first, last = month_of("first", _("Fra")), month_of("last", _("Til og med"))
    is_new = statement_run.send_statement(connection(), code, payer, case_files.period_of(first, last), occasion())
    said = "1" if is_new else "0"
    return seen("finance.case_statements", place=place, agreement=code, payer=payer, first=first, last=last, sendt=said)
