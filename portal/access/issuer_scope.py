"""What an issuer has beside documents and agreements: plans and matches; nothing of another issuer's exists."""

from __future__ import annotations

from sqlalchemy import Connection

from agreements.agreement import MunicipalityCode
from billing.monthly_run import run as runs
from billing.monthly_run.facts import RunPlan
from billing.payment import interest_run
from billing.payment import run as payments
from billing.payment import store as payment_store
from billing.payment.facts import Match
from billing.payment.interest_facts import InterestPlan
from portal.access.scope import issuers_plan_number


def issuers_plan(connection: Connection, place: MunicipalityCode, number: int) -> RunPlan:
    """A plan that is the issuer's alone; one that bills for others too is not its to approve.

    Raises:
        PlanUnknown: there is none, or others have a part in it.
    """
    return runs.get_plan(connection, issuers_plan_number(connection, place, number))


def issuers_interest_plan(connection: Connection, place: MunicipalityCode, number: int) -> InterestPlan:
    """A plan of the issuer's interest invoices.

    Raises:
        InterestPlanUnknown: there is none, or it is another issuer's.
    """
    found = interest_run.get_plan(connection, number)
    if found.scope.issuer != place:
        raise interest_run.InterestPlanUnknown(number=number)
    return found


def issuers_match(connection: Connection, place: MunicipalityCode, number: int) -> Match:
    """What settles documents of the issuer.

    Raises:
        MatchUnknown: there is none, or it is another issuer's.
    """
    found = payment_store.matches(connection, place, number=number)
    if not found:
        raise payments.MatchUnknown(number=number)
    return found[0]
