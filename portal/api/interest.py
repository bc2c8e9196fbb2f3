"""Late interest: rates, and plans of interest invoices, made by one, approved by another and issued."""

from __future__ import annotations

from decimal import Decimal

from agreements import store as agreement_store
from billing.monthly_run.facts import PlanState
from billing.payment import interest_run
from billing.payment import run as payments
from billing.payment.interest_facts import InterestPlan, InterestScope, ReferenceRate
from portal.access.issuer_scope import issuers_interest_plan
from portal.access.keys import Caller
from portal.api.bodies import decimal_of, needed, needed_day, needed_place, sent
from portal.api.described import (
    DAY,
    FLAG,
    MUNICIPALITY,
    OERE,
    PLAIN,
    TEXT,
    WHOLE,
    describe,
    describe_page,
    maybe,
    several,
    some,
    whole,
    words,
)
from portal.api.doors import AFTER, LIMIT, Json, Made, cursor, limit, occasion, operation, path_number
from portal.api.problems import PREFIX, BodyWrong
from portal.pages import connection

HIGHEST_RATE = 50
RATE = {"type": "string", "description": "Per cent a year, without the surcharge."}

describe(
    "InterestRate",
    whole(
        effective_from=DAY, rate={"type": "string", "description": "Per cent a year, without surcharge."}, source=TEXT
    ),
    {"effective_from": "2009-01-01", "rate": "3.75", "source": "Nationalbanken"},
)
describe_page("InterestRatePage", "InterestRate")
describe(
    "InterestRateWish",
    {
        **some(effective_from=DAY, rate={"type": "string", "pattern": r"^-?[0-9]{1,3}([.][0-9]{1,2})?$"}, source=PLAIN),
        "required": ["effective_from", "rate", "source"],
    },
    {"effective_from": "2009-01-01", "rate": "3.75", "source": "Nationalbanken"},
)
describe(
    "InterestWish",
    {**some(last_day=DAY, municipality=maybe(MUNICIPALITY)), "required": ["last_day"]},
    {"last_day": "2009-03-31"},
)
_HEAD = {
    "number": WHOLE,
    "last_day": DAY,
    "municipality": maybe(MUNICIPALITY),
    "as_of": DAY,
    "planned_by": TEXT,
    "four_eyes": FLAG,
    "state": words(PlanState),
    "hash": TEXT,
    "total_oere": OERE,
    "events": several(whole(state=words(PlanState), on=DAY, actor=TEXT, note=TEXT)),
}
_HEAD_EXAMPLE = {
    "number": 2,
    "last_day": "2009-03-31",
    "municipality": None,
    "as_of": "2009-04-01",
    "planned_by": "anna@eksempel.dk",
    "four_eyes": True,
    "state": "planned",
    "hash": "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c",
    "total_oere": 436956,
    "events": [],
}
describe("InterestPlanHead", whole(**_HEAD), _HEAD_EXAMPLE)
describe_page("InterestPlanPage", "InterestPlanHead")
describe(
    "InterestPlan",
    whole(
        **_HEAD,
        documents=several(
            whole(
                agreement=TEXT,
                subscriber=MUNICIPALITY,
                amount_oere=OERE,
                claims=several(
                    whole(
                        number=TEXT,
                        due_date=DAY,
                        amount_oere=OERE,
                        lines=several(whole(text=TEXT, from_day=DAY, last_day=DAY, amount_oere=OERE)),
                    )
                ),
            )
        ),
    ),
    {
        **_HEAD_EXAMPLE,
        "documents": [
            {
                "agreement": "fyn-alkohol",
                "subscriber": "420",
                "amount_oere": 436956,
                "claims": [
                    {
                        "number": "F2008-0001",
                        "due_date": "2009-01-14",
                        "amount_oere": 436956,
                        "lines": [
                            {
                                "text": "76 dage af 194.202,82 kr. med 10,75 % om året",
                                "from_day": "2009-01-15",
                                "last_day": "2009-03-31",
                                "amount_oere": 436956,
                            }
                        ],
                    }
                ],
            }
        ],
    },
)
describe(
    "InterestIssue",
    whole(
        plan=WHOLE,
        issued=several(whole(issuer=MUNICIPALITY, number=TEXT, subscriber=MUNICIPALITY, amount_oere=OERE)),
        failed=several(whole(subscriber=MUNICIPALITY, error=TEXT, message=TEXT)),
    ),
    {
        "plan": 2,
        "issued": [{"issuer": "461", "number": "F2009-0031", "subscriber": "420", "amount_oere": 436956}],
        "failed": [],
    },
)


def said_rate(value: ReferenceRate) -> Json:
    """A half-year's reference rate."""
    return {"effective_from": value.effective_from.isoformat(), "rate": f"{value.rate:f}", "source": value.source}


def said_plan(value: InterestPlan, *, is_whole: bool) -> Json:
    """A plan of interest invoices; without them in a listing."""
    answer: Json = {
        "number": value.number,
        "last_day": value.scope.last_day.isoformat(),
        "municipality": value.scope.municipality,
        "as_of": value.as_of.isoformat(),
        "planned_by": value.planned_by,
        "four_eyes": value.four_eyes,
        "state": value.state.value,
        "hash": value.hash,
        "total_oere": value.total_oere,
        "events": [
            {
                "state": each.state.value,
                "on": each.happened_on.isoformat(),
                "actor": each.actor,
                "note": each.note,
            }
            for each in value.events
        ],
    }
    if is_whole:
        answer["documents"] = [
            {
                "agreement": document.agreement,
                "subscriber": document.subscriber,
                "amount_oere": document.amount_oere,
                "claims": [
                    {
                        "number": claim.number,
                        "due_date": claim.due_date.isoformat(),
                        "amount_oere": claim.amount_oere,
                        "lines": [
                            {
                                "text": line.text,
                                "from_day": line.from_day.isoformat(),
                                "last_day": line.last_day.isoformat(),
                                "amount_oere": line.amount_oere,
                            }
                            for line in claim.lines
                        ],
                    }
                    for claim in document.claims
                ],
            }
            for document in value.documents
        ]
    return answer


@operation("GET", "/interest-rates", scope="payments:read", tag="Interest", answer="InterestRatePage")
def list_rates(caller: Caller) -> Json:  # noqa: ARG001 - the law's, and everybody's
    """List the reference rates that are known, the newest first."""
    return {"items": [said_rate(each) for each in reversed(interest_run.list_rates(connection()))], "next": None}


@operation(
    "POST",
    "/interest-rates",
    scope="interest:prepare",
    tag="Interest",
    answer="InterestRate",
    body="InterestRateWish",
    conflicts=True,
)
def set_rate(caller: Caller) -> Made:
    """Enter a half-year's reference rate; what is billed already stays, and the next plan corrects it."""
    payments.issuer_of(connection(), caller.place)
    wish = sent(effective_from=str, rate=str, source=str)
    day = needed_day(wish, "effective_from")
    text, source = needed(wish, "rate", "source")
    rate = decimal_of(text, -HIGHEST_RATE, HIGHEST_RATE)
    if rate is None:
        raise BodyWrong(problem=f"rate er ikke en procent fra -{HIGHEST_RATE} til {HIGHEST_RATE} som «2.75»")
    return Made(said_rate(interest_run.set_rate(connection(), day, Decimal(rate), source, occasion())))


@operation(
    "GET",
    "/interest-plans",
    scope="payments:read",
    tag="Interest",
    answer="InterestPlanPage",
    query=(LIMIT, AFTER),
)
def list_interest_plans(caller: Caller) -> Json:
    """List plans of interest invoices, the newest first."""
    after, size = cursor(r"[1-9][0-9]{0,14}"), limit()
    found = []
    if agreement_store.agreement_codes(connection(), caller.place):
        found = [
            each
            for each in reversed(interest_run.list_plans(connection(), caller.place))
            if after is None or each.number < int(after)
        ]
    shown = found[:size]
    return {
        "items": [said_plan(each, is_whole=False) for each in shown],
        "next": str(shown[-1].number) if len(found) > len(shown) else None,
    }


@operation("GET", "/interest-plans/<number>", scope="payments:read", tag="Interest", answer="InterestPlan")
def get_interest_plan(caller: Caller, number: str) -> Json:
    """Read a plan: each payer's documents, days and rates."""
    return said_plan(issuers_interest_plan(connection(), caller.place, path_number(number)), is_whole=True)


@operation(
    "POST",
    "/interest-plans",
    scope="interest:prepare",
    tag="Interest",
    answer="InterestPlan",
    body="InterestWish",
    status=201,
    conflicts=True,
)
def make_interest_plan(caller: Caller) -> Made:
    """Plan interest of all that is late and not billed, until and with a day, and keep the plan."""
    wish = sent(last_day=str, municipality=str)
    who = needed_place(wish, "municipality") if "municipality" in wish else None
    scope = InterestScope(caller.place, needed_day(wish, "last_day"), who)
    made = interest_run.plan_interest(connection(), scope, occasion())
    return Made(said_plan(made, is_whole=True), f"{PREFIX}/interest-plans/{made.number}")


@operation(
    "POST",
    "/interest-plans/<number>/approve",
    scope="interest:approve",
    tag="Interest",
    answer="InterestPlan",
    body="Note",
    conflicts=True,
)
def approve_interest_plan(caller: Caller, number: str) -> Made:
    """Approve a plan in the name of the key's person; where two must see it, not by the one who planned it."""
    known = issuers_interest_plan(connection(), caller.place, path_number(number)).number
    plan = interest_run.approve_interest(connection(), known, occasion(), sent(note=str).get("note", ""))
    return Made(said_plan(plan, is_whole=True))


@operation(
    "POST",
    "/interest-plans/<number>/issue",
    scope="interest:approve",
    tag="Interest",
    answer="InterestIssue",
    body="Nothing",
    conflicts=True,
)
def issue_interest_plan(caller: Caller, number: str) -> Made:
    """Issue an approved plan's invoices, if nothing that it rests on has changed (409)."""
    known = issuers_interest_plan(connection(), caller.place, path_number(number)).number
    sent()
    done = interest_run.issue_interest(connection(), known, occasion())
    return Made(
        {
            "plan": known,
            "issued": [
                {
                    "issuer": each.issuer.municipality,
                    "number": each.number,
                    "subscriber": each.subscriber.municipality,
                    "amount_oere": each.amount_oere,
                }
                for each in done.issued
            ],
            "failed": [
                {"subscriber": each.municipality, "error": each.error.name, "message": each.error.text()}
                for each in done.failed
            ],
        }
    )


@operation(
    "POST",
    "/interest-plans/<number>/stop",
    scope="interest:approve",
    tag="Interest",
    answer="InterestPlan",
    body="Note",
    conflicts=True,
)
def stop_interest_plan(caller: Caller, number: str) -> Made:
    """Give a plan up."""
    known = issuers_interest_plan(connection(), caller.place, path_number(number)).number
    plan = interest_run.stop_interest(connection(), known, occasion(), sent(note=str).get("note", ""))
    return Made(said_plan(plan, is_whole=True))
