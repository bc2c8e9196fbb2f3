"""What an issuer has beside documents and agreements: plans and matches; nothing of another issuer's exists."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from agreements import store as agreement_store
from agreements.agreement import MunicipalityCode
from billing.monthly_run import run as runs
from billing.monthly_run import store as run_store
from billing.monthly_run.facts import RunPlan
from billing.payment import interest_run
from billing.payment import run as payments
from billing.payment import store as payment_store
from billing.payment.facts import Match
from billing.payment.interest_facts import InterestPlan
from billing.single_case import run as cases
from billing.single_case.facts import Case, CasePlan
from billing.single_case.rules import NotACaseNumber
from billing.surplus_capacity import run as surplus
from billing.surplus_capacity.facts import KeptOffer
from exports.delivery import run as deliveries
from exports.delivery import store as delivery_store
from foundation.audit import KeptEvent
from portal.access.scope import PlaceUnknown, issuers_plan_number

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


def issuers_case(connection: Connection, place: MunicipalityCode, number: str) -> Case:
    """A case of an agreement that the municipality bills for.

    Raises:
        PlaceUnknown: the number is no number of ours; it is not repeated.
        CaseUnknown: there is none, or another municipality bills for it.
    """
    found = case_of(connection, number)
    agreement = agreement_store.find_agreement(connection, found.agreement)
    if agreement is None or agreement.issuer != place:
        raise cases.CaseUnknown(number=found.number)
    return found


def payers_case(connection: Connection, place: MunicipalityCode, number: str) -> Case:
    """A case that the municipality pays for, or is asked to.

    Raises:
        PlaceUnknown: the number is no number of ours; it is not repeated.
        CaseUnknown: there is none, or another municipality is to pay.
    """
    found = case_of(connection, number)
    if found.payer != place:
        raise cases.CaseUnknown(number=found.number)
    return found


def case_of(connection: Connection, number: str) -> Case:
    """A case by the number in an address.

    Raises:
        PlaceUnknown, CaseUnknown.
    """
    try:
        return cases.get_case(connection, number)
    except NotACaseNumber as error:
        raise PlaceUnknown from error


def issuers_case_plan(connection: Connection, place: MunicipalityCode, number: int) -> CasePlan:
    """A plan of case bills under an agreement that the municipality bills for.

    Raises:
        CasePlanUnknown: there is none, or another municipality bills for it.
    """
    found = cases.get_plan(connection, number)
    agreement = agreement_store.find_agreement(connection, found.agreement)
    if agreement is None or agreement.issuer != place:
        raise cases.CasePlanUnknown(number=number)
    return found


def issuers_offer(connection: Connection, place: MunicipalityCode, number: int) -> KeptOffer:
    """An offer of surplus capacity under an agreement that the municipality bills for.

    Raises:
        OfferUnknown: there is none, or another municipality bills for it.
    """
    found = surplus.get_offer(connection, number)
    agreement = agreement_store.find_agreement(connection, found.offer.agreement)
    if agreement is None or agreement.issuer != place:
        raise surplus.OfferUnknown(number=number)
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


class OwnEvents:
    """Which events of the audit trail tell of an issuer: of its agreements, plans, payments, or of itself.

    An event that does not say whose it is, is shown to nobody here.
    """

    def __init__(self, connection: Connection, place: MunicipalityCode, codes: Collection[str]) -> None:
        self._first_words = {*codes, place}
        self._plans = {f"plan {head.number}" for head in run_store.plans_of_issuer(connection, place, MOST_PLANS)}
        self._named = f'"issuer":"{place}"'

    def has(self, event: KeptEvent) -> bool:
        """Whether it may be seen."""
        if event.action.startswith("access."):
            return False
        first = event.subject.split(" ", 1)[0]
        return first in self._first_words or event.subject in self._plans or self._named in event.details
