"""An agreement as it was signed: parties, terms, services and budget lines, all frozen values.

Every reading of a clause is a term with a default, never a constant of the code; the
defaults are the readings of the 2009 Funen agreement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from agreements.case_terms import CaseTerms
from foundation.values import made_often

MunicipalityCode: TypeAlias = str  # three digits, as Statistics Denmark writes them: "461"


class AllocationKey(StrEnum):
    """What the cost is split by (fordelingsnøgle)."""

    POPULATION = "population"
    AGE_BAND_POPULATION = "age_band_population"
    FIXED_PERCENTAGES = "fixed_percentages"
    AGREED_CAPACITY = "agreed_capacity"
    ONE_PARTY = "one_party"


class PartialYear(StrEnum):
    """What a party owes for a year of which it takes part in a piece."""

    NOT_ALLOWED = "not_allowed"  # whole calendar years only
    MONTHS = "months"  # by whole months
    DAYS = "days"  # by days


class Schedule(StrEnum):
    """Into which instalments a year is cut (betalingsplan)."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "half_yearly"
    YEARLY = "yearly"
    OWN_DATES = "own_dates"


class Timing(StrEnum):
    """Whether an instalment is sent before the months that it is for, or after them."""

    ADVANCE = "advance"
    ARREARS = "arrears"


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


class TrueUp(StrEnum):
    """Which years' results are settled with the payers on documents of their own (efterregulering)."""

    NONE = "none"
    FIRST_YEAR = "first_year"  # the first accounting year's alone; later ones enter a price


class NetAssets(StrEnum):
    """Whether a leaver gets its share of the net assets (nettoformue), and by which key."""

    NONE = "none"
    LAST_YEAR = "last_year"  # by the keys as they stand on its last day


class RenewalKind(StrEnum):
    """How the agreement goes on (§ 8 stk. 3)."""

    CALENDAR_YEAR = "calendar_year"
    OPEN_ENDED = "open_ended"  # until somebody gives months' notice to the first of a month
    FIXED_TERM = "fixed_term"  # until the agreement's last day


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


@dataclass(frozen=True, order=True, slots=True)
class AgreedFigure:
    """One municipality's figure in a key that the agreement itself writes down.

    Attributes:
        units: Places, clients; or ten-thousandths of a per cent, so that 20.4 per cent is 204,000.
    """

    municipality: MunicipalityCode
    units: int


@dataclass(frozen=True, order=True, slots=True)
class KeyChange:
    """The figures of a key from a day on, as the parties agreed them anew."""

    from_day: date
    figures: tuple[AgreedFigure, ...]


PERCENT_UNITS = 10_000  # units of ``AgreedFigure`` in one per cent


@made_often
@dataclass(frozen=True, slots=True)
class KeyTerms:
    """One key, with what it needs to be computed.

    Attributes:
        key: What the cost is split by.
        figures: Percentages or capacity; ascending by code, empty for the other keys.
        counted_on: The day on which the agreed capacity was counted.
        counts: What the capacity counts, in the plural: "klienter".
        payer: Who pays all, where one party does.
        age_from, age_to: The youngest and the oldest age of an age band, both included.
        quarter, years_before: The age band is counted on the first day of this quarter of so many years before.
        changes: The figures from later days on, ascending.
    """

    key: AllocationKey = AllocationKey.POPULATION
    figures: tuple[AgreedFigure, ...] = ()
    counted_on: date | None = None
    counts: str = ""
    payer: MunicipalityCode = ""
    age_from: int = 0
    age_to: int = 0
    quarter: int = 1
    years_before: int = 1
    changes: tuple[KeyChange, ...] = ()

    def agreed_on(self, day: date) -> tuple[date | None, tuple[AgreedFigure, ...]]:
        """The agreed figures that stand on a day, and the day from which they do; None for those from the start."""
        standing = [change for change in self.changes if change.from_day <= day]
        return (standing[-1].from_day, standing[-1].figures) if standing else (None, self.figures)

    def band_date(self, year: int) -> date:
        """The day on which the inhabitants of the age band are counted for a billing year."""
        return date(year - self.years_before, 3 * self.quarter - 2, 1)


@dataclass(frozen=True, slots=True)
class LineKey:
    """A key for certain budget lines; those that no such key names are split by the agreement's own.

    Attributes:
        name: As it is told: "lokaler".
        lines: The short names of the budget lines; empty for every line of the services.
        services: The services; empty for the named lines of every service.
    """

    name: str
    terms: KeyTerms
    lines: tuple[str, ...] = ()
    services: tuple[str, ...] = ()

    def splits(self, key: CostLineKey) -> bool:
        """Whether the key is for a budget line."""
        return (not self.lines or key.line in self.lines) and (not self.services or key.service in self.services)


@dataclass(frozen=True, slots=True)
class AllocationTerms:
    """How a year's cost becomes shares (§ 6 stk. 2; domain rules 2 and 3)."""

    key: AllocationKey = AllocationKey.POPULATION
    reference_date: ReferenceDate = ReferenceDate.JANUARY_1_OF_PREVIOUS_YEAR
    rounding_unit_oere: int = 1
    partial_year: PartialYear = PartialYear.NOT_ALLOWED
    basis: KeyTerms = field(default_factory=KeyTerms)
    line_keys: tuple[LineKey, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether everything is split by the inhabitants alone."""
        return self.key is AllocationKey.POPULATION and not self.line_keys


INSTALMENTS_OF = {
    Schedule.MONTHLY: 12,
    Schedule.QUARTERLY: 4,
    Schedule.HALF_YEARLY: 2,
    Schedule.YEARLY: 1,
}


@made_often
@dataclass(frozen=True, slots=True)
class AdvanceTerms:
    """When and how the year is billed on account (§ 7; domain rules 4 to 6).

    Attributes:
        dates: With own dates: the days of the year by which the instalments are sent, ascending, each in a month of its
            own. An instalment is for the months from its date's up to the next date's; the first from January.
    """

    send_by_day: int = 15
    months_ahead: int = 1
    due_days: int = 30
    provider_own_share: ProviderOwnShare = ProviderOwnShare.INVOICE
    invoice_per: InvoicePer = InvoicePer.ISSUER
    issued_by: IssuedBy = IssuedBy.OFFICER
    schedule: Schedule = Schedule.MONTHLY
    timing: Timing = Timing.ADVANCE
    dates: tuple[DayOfYear, ...] = ()

    @property
    def instalments(self) -> int:
        """How many a year has."""
        return INSTALMENTS_OF.get(self.schedule, len(self.dates))

    @property
    def is_monthly_in_advance(self) -> bool:
        """Whether it is the schedule of twelfths."""
        return self.schedule is Schedule.MONTHLY and self.timing is Timing.ADVANCE


@made_often
@dataclass(frozen=True, slots=True)
class SettlementTerms:
    """When accounts come and where their result goes (§ 6 stk. 3 to 6; domain rule 9).

    Attributes:
        keep_percent: Of a year's cost, the most that may be kept of results in all; None where there is no limit.
        keep_years: For how many years at most a result may be kept; 0 where there is no limit.
        true_up_by: By when the documents of a true-up are sent, in the year after the accounting year.
    """

    accounts_by: DayOfYear = DayOfYear(4, 1)
    demand_by: DayOfYear = DayOfYear(5, 1)
    price_notice_by: DayOfYear = DayOfYear(6, 1)
    lag_years: int = 2
    result_key: ResultKey = ResultKey.ACCOUNTING_YEAR
    keep_percent: Decimal | None = None
    keep_years: int = 0
    true_up: TrueUp = TrueUp.NONE
    true_up_by: DayOfYear = DayOfYear(6, 1)
    net_assets_at_exit: NetAssets = NetAssets.NONE


@made_often
@dataclass(frozen=True, slots=True)
class RenewalTerms:
    """How long the agreement runs and how a party leaves (§ 8).

    Attributes:
        notice_by: The day of the year for notice, where it renews by calendar years.
        notice_months: The months of notice, to the first of a month, where it is open-ended.
    """

    kind: RenewalKind = RenewalKind.CALENDAR_YEAR
    notice_by: DayOfYear = DayOfYear(7, 1)
    notice_months: int = 0


@dataclass(frozen=True, slots=True)
class RenegotiationTerms:
    """When the parties owe each other to negotiate anew (Horsens and Odder § 11).

    Attributes:
        first_on: No renegotiation before this day.
    """

    duty: bool = False
    first_on: date | None = None


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
    renegotiation: RenegotiationTerms = field(default_factory=RenegotiationTerms)


@made_often
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


@made_often
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


@made_often
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


class Clause(StrEnum):
    """What an agreement may say somewhere that a workbook, a document or a deadline can point to."""

    COST = "cost"  # what the budgets hold
    SHARES = "shares"  # how the cost becomes shares
    PASSED_ON = "passed_on"  # earlier years' results in a price
    OBLIGATION = "obligation"
    INVOICING = "invoicing"
    ACCOUNTS = "accounts"  # final accounts and their result
    CARRY_OVER = "carry_over"
    EXIT = "exit"
    CLEARING = "clearing"
    DEMAND = "demand"  # who expects another use says so
    PRICE_NOTICE = "price_notice"
    LEAVING = "leaving"  # notice not to renew
    USAGE = "usage"  # statements of use
    CASES = "cases"  # when cases are billed
    TRUE_UP = "true_up"


@dataclass(frozen=True, order=True, slots=True)
class CitedClause:
    """Where an agreement says something: ``§ 6 stk. 1``."""

    topic: Clause
    text: str


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
        clauses: Where it says what, ascending; what is not there is not cited.
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
    clauses: tuple[CitedClause, ...] = ()

    def clause(self, topic: Clause) -> str:
        """Where the agreement says it; empty where its file does not tell."""
        return next((cited.text for cited in self.clauses if cited.topic is topic), "")

    def citing(self, topic: Clause, words: str) -> str:
        """A rule in words, with its clause before it where the agreement's file has one."""
        where = self.clause(topic)
        return f"Aftalens {where}: {words}" if where else f"{words[:1].upper()}{words[1:]}"

    def is_trued_up(self, year: int) -> bool:
        """Whether the year's result is settled on documents of its own, and enters no later price."""
        return self.terms.settlement.true_up is TrueUp.FIRST_YEAR and year == self.starts_on.year

    @property
    def billed_services(self) -> tuple[Service, ...]:
        """All that a bill may have a line of: what is subscribed to, and what is billed by the case."""
        by_case = tuple(Service(each.code, each.title, each.vat_exemption) for each in self.cases.services)
        return (*self.services, *by_case)


class EventKind(StrEnum):
    """What happened to an agreement on a day."""

    RENEGOTIATED = "renegotiated"
    TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class AgreementEvent:
    """Something that happened to an agreement, and what it changed.

    Attributes:
        text: What was changed, in an officer's words; of a termination, who gave notice and to which day.
        version: The agreement's version that stood when it was entered.
    """

    agreement: str
    kind: EventKind
    happened_on: date
    text: str
    version: int
    entered_on: date
