"""Late interest: rates, plans of interest invoices, approved by another and issued."""

from __future__ import annotations

from datetime import timedelta

from flask import g, render_template, url_for
from werkzeug.wrappers import Response as WebResponse

from billing.monthly_run.facts import PlanState
from billing.payment import interest_run, interest_store
from billing.payment import run as payments
from billing.payment.interest_facts import InterestScope
from portal.access.issuer_scope import issuers_interest_plan
from portal.access.scope import Deed
from portal.finance import pages
from portal.finance.asked import day_of, percent_of, small_number, text_of
from portal.finance.plans import state_words
from portal.language import _
from portal.pages import connection, occasion, person, seen, today, who_may

HIGHEST_RATE = 50
PLANS_SHOWN = 50
PLAN = "<int(max=999999999):number>"


@pages.get("/renter")
@who_may(Deed.READ)
def interest(place: str) -> str:
    """Plans, newest first; rates; and forms for both."""
    before = small_number(text_of("before", 12))
    plans, last = (
        interest_store.plans_part(connection(), place, size=PLANS_SHOWN, before=before) if g.issues else ([], None)
    )
    return render_template(
        "finance/interest.html",
        plans=plans,
        first=url_for("finance.interest", place=place) if before else None,
        following=url_for("finance.interest", place=place, before=last) if last else None,
        rates=interest_run.list_rates(connection())[::-1],
        state_words=state_words(),
        until=today() - timedelta(days=1),
        issues=g.issues,
        may_plan=person().may(Deed.PREPARE, place) and g.issues,
    )


@pages.post("/renter")
@who_may(Deed.PREPARE)
def interest_plan_make(place: str) -> WebResponse:
    """Plan interest of all that is late and not billed, until and with a day."""
    scope = InterestScope(place, day_of("until", _("Til og med")))
    made = interest_run.plan_interest(connection(), scope, occasion())
    return seen("finance.interest_plan", place=place, number=made.number)


@pages.post("/renter/satser")
@who_may(Deed.PREPARE)
def interest_rate(place: str) -> WebResponse:
    """Enter a half-year's reference rate."""
    payments.issuer_of(connection(), place)
    interest_run.set_rate(
        connection(),
        day_of("from", _("Gælder fra")),
        percent_of("rate", _("Sats"), -HIGHEST_RATE, HIGHEST_RATE),
        text_of("source", 200),
        occasion(),
    )
    return seen("finance.interest", place=place)


@pages.get(f"/renter/{PLAN}")
@who_may(Deed.READ)
def interest_plan(place: str, number: int) -> str:
    """One plan: each payer's documents, days and rates, and what may be done with it."""
    plan = issuers_interest_plan(connection(), place, number)
    who = person()
    approves = who.may(Deed.APPROVE, place)
    own = plan.four_eyes and plan.planned_by == who.login
    return render_template(
        "finance/interest_plan.html",
        plan=plan,
        state_words=state_words(),
        may_approve=approves and plan.state is PlanState.PLANNED and not own,
        may_issue=approves and plan.state is PlanState.APPROVED,
        may_stop=approves and plan.state in {PlanState.PLANNED, PlanState.APPROVED},
    )


@pages.post(f"/renter/{PLAN}/godkend")
@who_may(Deed.APPROVE)
def interest_approve(place: str, number: int) -> WebResponse:
    """Approve it; where two must see it, not by the one who made it."""
    issuers_interest_plan(connection(), place, number)
    interest_run.approve_interest(connection(), number, occasion(), text_of("note"))
    return seen("finance.interest_plan", place=place, number=number)


@pages.post(f"/renter/{PLAN}/udsted")
@who_may(Deed.APPROVE)
def interest_issue(place: str, number: int) -> WebResponse:
    """Issue its invoices."""
    issuers_interest_plan(connection(), place, number)
    interest_run.issue_interest(connection(), number, occasion())
    return seen("finance.interest_plan", place=place, number=number)


@pages.post(f"/renter/{PLAN}/stop")
@who_may(Deed.APPROVE)
def interest_stop(place: str, number: int) -> WebResponse:
    """Give it up."""
    issuers_interest_plan(connection(), place, number)
    interest_run.stop_interest(connection(), number, occasion(), text_of("note"))
    return seen("finance.interest_plan", place=place, number=number)
