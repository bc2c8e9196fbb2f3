"""The scoping, in one place: what a person may see and do for which municipality, and which rows that reaches.

A role is held at a municipality. What belongs to a municipality where a person has no role does not exist for that
person (404), also when the id is right; what the person's own role does not allow is refused (403).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from agreements import store as agreement_store
from agreements.agreement import Agreement, MunicipalityCode
from agreements.municipality import MUNICIPALITIES
from agreements.run import AgreementUnknown
from billing.invoice import store as invoice_store
from billing.invoice.facts import IssuedDocument
from billing.invoice.run import InvoiceUnknown
from billing.monthly_run import store as run_store
from billing.monthly_run.run import PlanUnknown
from foundation.errors import MellemregningError, N_, NotFound


class Role(StrEnum):
    """What a person is at a municipality."""

    OFFICER = "officer"
    APPROVER = "approver"
    READER = "reader"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Deed(StrEnum):
    """A kind of thing to do at a municipality."""

    READ = "read"  # all figures of the municipality, as issuer and as payer
    PREPARE = "prepare"  # load, calculate, plan, send, match
    APPROVE = "approve"  # approve and issue what another prepared
    GRANT = "grant"  # say yes or no to a case that the municipality is to pay for
    AUDIT = "audit"  # read the audit trail
    USERS = "users"  # say who may log in, and as what


DEEDS: Mapping[Role, frozenset[Deed]] = {
    Role.OFFICER: frozenset({Deed.READ, Deed.PREPARE, Deed.GRANT}),
    Role.APPROVER: frozenset({Deed.READ, Deed.APPROVE, Deed.GRANT}),
    Role.READER: frozenset({Deed.READ}),
    Role.AUDITOR: frozenset({Deed.READ, Deed.AUDIT}),
    Role.ADMINISTRATOR: frozenset({Deed.USERS}),
}


class PlaceUnknown(NotFound):
    """A municipality where the person has no role; or none at all, which looks the same."""

    danish = N_("Siden findes ikke. Kontrollér adressen, eller gå til forsiden.")


class NotAllowed(MellemregningError):
    """The person's roles at the municipality do not allow it."""

    danish = N_(
        "Det giver din rolle hos {name} ikke adgang til. Bed kommunens administrator om en anden rolle, hvis du skal "
        "kunne det."
    )


@dataclass(frozen=True, slots=True)
class Person:
    """Who is logged in, as they are at this moment.

    Attributes:
        login: Also what the audit trail names.
        roles: Municipality -> roles there.
    """

    id: int
    login: str
    roles: Mapping[MunicipalityCode, frozenset[Role]]

    @property
    def places(self) -> tuple[MunicipalityCode, ...]:
        """Where the person has a role, ascending."""
        return tuple(sorted(self.roles))

    def may(self, deed: Deed, place: MunicipalityCode) -> bool:
        """Whether a role at the municipality allows the deed."""
        return any(deed in DEEDS[role] for role in self.roles.get(place, ()))

    def require(self, deed: Deed, place: MunicipalityCode) -> None:
        """Pass if the person may.

        Raises:
            PlaceUnknown: no role at all there.
            NotAllowed: a role, but not one that allows it.
        """
        if not self.roles.get(place):
            raise PlaceUnknown
        if not self.may(deed, place):
            raise NotAllowed(name=MUNICIPALITIES[place].name)


# Rows by whose they are. A page asks for its rows here or by a listing that is told the place.


def issued_document(connection: Connection, place: MunicipalityCode, number: str) -> IssuedDocument:
    """A document that the municipality issued.

    Raises:
        InvoiceUnknown: it issued none with that number.
    """
    found = invoice_store.find_documents(connection, number, place)
    if not found:
        raise InvoiceUnknown(number=number)
    return found[0][1]


def received_document(
    connection: Connection, place: MunicipalityCode, issuer: MunicipalityCode, number: str
) -> IssuedDocument:
    """A document on the municipality, whoever issued it.

    Raises:
        InvoiceUnknown: the issuer has none with that number, or it is on another municipality.
    """
    found = invoice_store.find_documents(connection, number, issuer)
    if not found or found[0][1].subscriber.municipality != place:
        raise InvoiceUnknown(number=number)
    return found[0][1]


def issuers_agreements(connection: Connection, place: MunicipalityCode) -> Mapping[str, Agreement]:
    """The agreements that the municipality bills for: code -> newest version, without budgets."""
    codes = agreement_store.agreement_codes(connection, place)
    found = agreement_store.find_agreements(connection, codes) if codes else {}
    return {code: agreement for code, (_, agreement) in found.items()}


def members_agreements(connection: Connection, place: MunicipalityCode) -> Mapping[str, Agreement]:
    """The agreements in which the municipality takes or took part: code -> newest version, without budgets."""
    codes = agreement_store.agreements_with_member(connection, place)
    found = agreement_store.find_agreements(connection, codes) if codes else {}
    return {code: agreement for code, (_, agreement) in found.items()}


def issuers_agreement(connection: Connection, place: MunicipalityCode, code: str) -> Agreement:
    """One agreement that the municipality bills for.

    Raises:
        AgreementUnknown: there is none, or another municipality bills for it.
    """
    found = agreement_store.find_agreement(connection, code)
    if found is None or found.issuer != place:
        raise AgreementUnknown(agreement=code)
    return found


def members_agreement(connection: Connection, place: MunicipalityCode, code: str) -> Agreement:
    """One agreement in which the municipality takes or took part.

    Raises:
        AgreementUnknown: there is none, or the municipality is no party to it.
    """
    if code not in agreement_store.agreements_with_member(connection, place):
        raise AgreementUnknown(agreement=code)
    found = agreement_store.find_agreement(connection, code)
    if found is None:
        raise AgreementUnknown(agreement=code)
    return found


def issuers_plan_number(connection: Connection, place: MunicipalityCode, number: int) -> int:
    """The number of a plan that is the municipality's alone, as issuer.

    Raises:
        PlanUnknown: there is none, or it bills for another municipality too.
    """
    if not run_store.plans_of_issuer(connection, place, 1, only=number):
        raise PlanUnknown(number=number)
    return number
