"""An agreement as it was signed: parties, terms, services and budget lines, all frozen values.

Every reading of a clause is a term with a default, never a constant of the code; the
defaults are the readings of the 2009 Funen agreement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from agreements.case_terms import CaseTerms

MunicipalityCode: TypeAlias = str  # three digits, as Statistics Denmark writes them: "461"


class AllocationKey(StrEnum):
    """What the cost is split by (fordelingsnøgle)."""

    POPULATION = "population"


class ReferenceDate(StrEnum):
    """On which day the inhabitants of a billing year are counted (opgørelsesdato, § 6 stk. 2)."""

    JANUARY_1_OF_PREVIOUS_YEAR = "january_1_of_previous_year"
    JANUARY_1_OF_SAME_YEAR = "january_1_of_same_year"

    def of_year(self, year: int) -> date:
        """The day for one billing year: 1 January 2008 for 2009 by the Funen agreement."""
        return date(year - 1 if self is ReferenceDate.JANUARY_1_OF_PREVIOUS_YEAR else year, 1, 1)


class ProviderOwnShare(StrEnum):
    """How a provider that is also a subscriber pays its own share (domain rule 12)."""

    INVOICE = "invoice"
    NET = "net"


class InvoicePer(StrEnum):
    """What shares an invoice: all agreements of an issuer, or each has its own (domain rule 15)."""

    ISSUER = "issuer"
    AGREEMENT = "agreement"


class IssuedBy(StrEnum):
    """Who issues a month: an officer, or the clock by itself once the deadline is near."""

    OFFICER = "officer"
    CLOCK = "clock"


class ResultKey(StrEnum):
    """Whose shares split a surplus or deficit (domain rule 9)."""

    ACCOUNTING_YEAR = "accounting_year"
    APPLICATION_YEAR = "application_year"


class RenewalKind(StrEnum):
    """How the agreement goes on (§ 8 stk. 3)."""

    CALENDAR_YEAR = "calendar_year"


class CostKind(StrEnum):
    """What a line of a budget or of final accounts is (domain rule 1)."""

    COST = "cost"
    GRANT = "grant"
    SURPLUS_CAPACITY_INCOME = "surplus_capacity_income"


@dataclass(frozen=True, order=True, slots=True)
class DayOfYear:
    """A day that returns every year, written ``04-01`` in the agreement file."""

    month: int
    day: int

    def in_year(self, year: int) -> date:
        """The day in one year."""
        return date(year, self.month, self.day)

    def __str__(self) -> str:
        return f"{self.month:02d}-{self.day:02d}"


@dataclass(frozen=True, slots=True)
class AllocationTerms:
    """How a year's cost becomes shares (§ 6 stk. 2; domain rules 2 and 3)."""

    key: AllocationKey = AllocationKey.POPULATION
    reference_date: ReferenceDate = ReferenceDate.JANUARY_1_OF_PREVIOUS_YEAR
    rounding_unit_oere: int = 1


@dataclass(frozen=True, slots=True)
class AdvanceTerms:
    """When and how the year is billed on account (§ 7; domain rules 4 to 6)."""

    instalments: int = 12
    send_by_day: int = 15
    months_ahead: int = 1
    due_days: int = 30
    provider_own_share: ProviderOwnShare = ProviderOwnShare.INVOICE
    invoice_per: InvoicePer = InvoicePer.ISSUER
    issued_by: IssuedBy = IssuedBy.OFFICER


@dataclass(frozen=True, slots=True)
class SettlementTerms:
    """When accounts come and where their result goes (§ 6 stk. 3 to 6; domain rule 9)."""

    accounts_by: DayOfYear = DayOfYear(4, 1)
    demand_by: DayOfYear = DayOfYear(5, 1)
    price_notice_by: DayOfYear = DayOfYear(6, 1)
    lag_years: int = 2
    result_key: ResultKey = ResultKey.ACCOUNTING_YEAR


@dataclass(frozen=True, slots=True)
class RenewalTerms:
    """How long the agreement runs and how a party leaves (§ 8)."""

    kind: RenewalKind = RenewalKind.CALENDAR_YEAR
    notice_by: DayOfYear = DayOfYear(7, 1)


@dataclass(frozen=True, slots=True)
class UsageTerms:
    """Which periods usage statements cover, and below what a count is protected (§ 6 stk. 7, § 3 stk. 4)."""

    periods: tuple[tuple[DayOfYear, DayOfYear], ...] = (
        (DayOfYear(1, 1), DayOfYear(6, 30)),
        (DayOfYear(7, 1), DayOfYear(12, 31)),
    )
    small_count_threshold: int = 5


@dataclass(frozen=True, slots=True)
class Terms:
    """All readings of one agreement's clauses."""

    allocation: AllocationTerms = field(default_factory=AllocationTerms)
    advance: AdvanceTerms = field(default_factory=AdvanceTerms)
    settlement: SettlementTerms = field(default_factory=SettlementTerms)
    renewal: RenewalTerms = field(default_factory=RenewalTerms)
    usage: UsageTerms = field(default_factory=UsageTerms)


@dataclass(frozen=True, slots=True)
class Service:
    """Something that the providers do for the subscribers (ydelse)."""

    code: str
    title: str
    vat_exemption: str = ""


@dataclass(frozen=True, slots=True)
class PartyDetails:
    """What is entered about a party beside the register: where its e-invoices go.

    Attributes:
        gln: 13 digits with a right check digit, or empty when nobody has entered it yet.
    """

    municipality: MunicipalityCode
    gln: str = ""


@dataclass(frozen=True, order=True, slots=True)
class CostLineKey:
    """What makes a line of a budget or of final accounts the same line: two of them for one key are a mistake.

    Attributes:
        line: Empty, or a short name where one provider's service has several lines of a kind ("lokaler").
    """

    year: int
    provider: MunicipalityCode
    service: str
    kind: CostKind = CostKind.COST
    line: str = ""


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of a budget or of final accounts (§ 6 stk. 1).

    Attributes:
        amount_oere: Øre. Grants and income are written as positive amounts; their kind says that they reduce the cost.
            A negative cost is a correction of cost.
    """

    key: CostLineKey
    amount_oere: int
    note: str = ""

    @property
    def net_oere(self) -> int:
        """What the line adds to the cost that is split: cost positive, grants and income negative (domain rule 1)."""
        return self.amount_oere if self.key.kind is CostKind.COST else -self.amount_oere


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement as its file says it.

    Attributes:
        code: Short name in small letters, digits and hyphens; unique.
        starts_on: The first day that it binds; the first of January where it renews by calendar years.
        ends_on: The last day that it binds, or None while it renews.
        issuer: The provider that sends the one combined invoice.
        providers: Codes, as written in the file.
        subscribers: The codes that take part from ``starts_on``. Who takes part later is ``membership``'s matter.
        cases: What is billed by the case, beside the subscription.
    """

    code: str
    title: str
    legal_basis: str
    starts_on: date
    issuer: MunicipalityCode
    providers: tuple[MunicipalityCode, ...]
    subscribers: tuple[MunicipalityCode, ...]
    services: tuple[Service, ...]
    terms: Terms = field(default_factory=Terms)
    parties: tuple[PartyDetails, ...] = ()
    budgets: tuple[CostLine, ...] = ()
    ends_on: date | None = None
    cases: CaseTerms = field(default_factory=CaseTerms)

    @property
    def billed_services(self) -> tuple[Service, ...]:
        """All that a bill may have a line of: what is subscribed to, and what is billed by the case."""
        by_case = tuple(Service(each.code, each.title, each.vat_exemption) for each in self.cases.services)
        return (*self.services, *by_case)
