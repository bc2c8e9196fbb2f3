"""A run's plan, from working it out to issuing it, as a program does it in its person's name."""

from __future__ import annotations

from billing.monthly_run import run as runs
from billing.monthly_run import store as run_store
from billing.monthly_run.facts import RunPlan, RunScope
from foundation.errors import N_, RuleBroken
from foundation.period import Month, NotAPeriod
from portal.access.keys import Caller
from portal.access.scope import issuers_agreement, issuers_plan_number
from portal.api.bodies import sent
from portal.api.doors import (
    AFTER,
    AGREEMENT,
    LIMIT,
    Json,
    Made,
    cursor,
    limit,
    occasion,
    operation,
    path_number,
)
from portal.api.problems import PREFIX, BodyWrong
from portal.pages import connection


class PlanIsAnother(RuleBroken):
    """What was looked at is not what would be approved."""

    danish = N_("Plan {number} er ikke den, der er set på (hash {seen}). Hent den igen; intet er ændret.")


def said_plan(plan: RunPlan, *, whole: bool) -> Json:
    """A plan; without its bills in a listing."""
    answer: Json = {
        "number": plan.number,
        "agreement": plan.scope.agreement,
        "month": str(plan.scope.month) if plan.scope.month else None,
        "as_of": plan.as_of.isoformat(),
        "planned_by": plan.planned_by,
        "four_eyes": plan.four_eyes,
        "state": plan.state.value,
        "hash": plan.hash,
        "events": [
            {
                "state": event.state.value,
                "on": event.happened_on.isoformat(),
                "actor": event.actor,
                "note": event.note,
            }
            for event in plan.events
        ],
        "failed": [
            {
                "agreement": each.agreement,
                "month": str(each.month),
                "subscriber": each.subscriber,
                "error": each.error,
                "message": each.message,
            }
            for each in plan.failed
        ],
    }
    if whole:
        answer["total_oere"] = plan.total_oere
        answer["documents"] = [
            {
                "agreement": each.agreement,
                "month": str(each.month),
                "subscriber": each.subscriber,
                "amount_oere": each.amount_oere,
                "previous_oere": each.previous_oere,
                "internal": each.internal,
                "change": each.change,
                "warnings": [warning.value for warning in each.warnings],
            }
            for each in plan.documents
        ]
        answer["missing"] = [{"rule": each.rule, "message": each.message, "bills": each.bills} for each in plan.missing]
    return answer


@operation("GET", "/plans", scope="plans:read", tag="Plans", answer="PlanPage", query=(LIMIT, AFTER))
def list_plans(caller: Caller) -> Json:
    """List plans, the newest first, without their bills.

    Those that are the municipality's alone.
    """
    after = cursor(r"[1-9][0-9]{0,14}")
    size = limit()
    heads = run_store.plans_of_issuer(connection(), caller.place, size + 1, before=int(after) if after else None)
    shown = [head.number for head in heads[:size]]
    plans = [run_store.read_plan(connection(), number, only_head=True) for number in shown]
    return {
        "items": [said_plan(plan, whole=False) for plan in plans if plan is not None],
        "next": str(shown[-1]) if len(heads) > size else None,
    }


@operation("GET", "/plans/<number>", scope="plans:read", tag="Plans", answer="Plan")
def get_plan(caller: Caller, number: str) -> Json:
    """Read a plan with its bills and warnings."""
    return said_plan(
        runs.get_plan(connection(), issuers_plan_number(connection(), caller.place, path_number(number))), whole=True
    )


@operation(
    "POST",
    "/plans",
    scope="plans:prepare",
    tag="Plans",
    answer="Plan",
    body="PlanWish",
    status=201,
    conflicts=True,
)
def make_plan(caller: Caller) -> Made:
    """Work out what is due and keep it as a plan.

    Of all the municipality's agreements or of one; every month that is due, or one.
    """
    wish = sent(agreement=str, month=str)
    code = wish.get("agreement")
    if code is not None:
        if not AGREEMENT.fullmatch(code):
            raise BodyWrong(problem="agreement er ingen aftalekode")
        issuers_agreement(connection(), caller.place, code)
    try:
        month = Month.parse(wish["month"]) if "month" in wish else None
    except NotAPeriod as error:
        raise BodyWrong(problem="month er ikke en måned som 2009-01") from error
    plan = runs.plan_run(connection(), RunScope(code, month, caller.place), occasion())
    return Made(said_plan(plan, whole=True), f"{PREFIX}/plans/{plan.number}")


@operation(
    "POST",
    "/plans/<number>/approve",
    scope="plans:approve",
    tag="Plans",
    answer="Plan",
    body="Approval",
    conflicts=True,
)
def approve_plan(caller: Caller, number: str) -> Made:
    """Approve a plan in the name of the key's person.

    Where two must see it, not by the one who planned it. With `hash` only the very plan that was looked at.
    """
    plan_number = issuers_plan_number(connection(), caller.place, path_number(number))
    wish = sent(note=str, hash=str)
    if "hash" in wish and runs.get_plan(connection(), plan_number).hash != wish["hash"]:
        raise PlanIsAnother(number=plan_number, seen=wish["hash"][:64])
    plan = runs.approve_run(connection(), plan_number, occasion(), wish.get("note", ""))
    return Made(said_plan(plan, whole=True))


@operation(
    "POST",
    "/plans/<number>/issue",
    scope="plans:approve",
    tag="Plans",
    answer="Issue",
    body="Nothing",
    conflicts=True,
)
def issue_plan(caller: Caller, number: str) -> Made:
    """Issue an approved plan.

    Nothing is issued where anything that it rests on has changed (409).
    """
    plan_number = issuers_plan_number(connection(), caller.place, path_number(number))
    sent()
    done = runs.issue_run(connection(), plan_number, occasion())
    return Made(
        {
            "plan": plan_number,
            "issued": [
                {
                    "issuer": document.issuer.municipality,
                    "number": document.number,
                    "subscriber": document.subscriber.municipality,
                    "amount_oere": document.amount_oere,
                }
                for document in {
                    (document.issuer.municipality, document.number): document
                    for month in done.months
                    for document in month.issued
                }.values()
            ],
            "failed": [
                {
                    "agreement": month.plan.agreement,
                    "month": str(month.plan.month),
                    "subscriber": failure.municipality,
                    "error": failure.error.name,
                    "message": failure.error.text(),
                }
                for month in done.months
                for failure in month.failed
            ],
        }
    )


@operation(
    "POST",
    "/plans/<number>/stop",
    scope="plans:prepare",
    tag="Plans",
    answer="Plan",
    body="Note",
    conflicts=True,
)
def stop_plan(caller: Caller, number: str) -> Made:
    """Give a plan up; what it covered is as due as before."""
    plan_number = issuers_plan_number(connection(), caller.place, path_number(number))
    wish = sent(note=str)
    return Made(said_plan(runs.stop_run(connection(), plan_number, occasion(), wish.get("note", "")), whole=True))
