"""What an issuer has beside documents and agreements: plans and matches; nothing of another issuer's exists."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from agreements.agreement import MunicipalityCode
from billing.monthly_run import run as runs
from billing.monthly_run import store as run_store
from billing.monthly_run.facts import RunPlan
from billing.payment import interest_run
from billing.payment import run as payments
from billing.payment import store as payment_store
from billing.payment.facts import Match
from billing.payment.interest_facts import InterestPlan
from exports.delivery import run as deliveries
from exports.delivery import store as delivery_store
from foundation.audit import Whose
from portal.access.scope import issuers_plan_number

MOST_PLANS = 1000


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


def require_own_deliveries(connection: Connection, place: MunicipalityCode, keys: Collection[str]) -> None:
    """Pass if all of them are of the issuer's own.

    Raises:
        DeliveryUnknown: one is not, or there is none such.
    """
    known = {each.key for each in delivery_store.deliveries(connection, keys=keys, issuer=place)} if keys else set()
    for key in keys:
        if key not in known:
            raise deliveries.DeliveryUnknown(key=key)


def own_events(connection: Connection, place: MunicipalityCode, codes: Collection[str]) -> Whose:
    """Which events of the audit trail tell of an issuer: of its agreements, plans, payments, or of itself.

    An event that does not say whose it is, is shown to nobody here.
    """
    plans = run_store.numbers_of_issuer(connection, place, MOST_PLANS)
    return Whose(
        first_words={*codes, place},
        subjects={f"plan {number}" for number in plans},
        named=f'"issuer":"{place}"',
        hidden="access.",
    )
