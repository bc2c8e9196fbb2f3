"""Late interest: what it is worked out from, what it comes to, and how it is planned and billed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from agreements.agreement import MunicipalityCode
from billing.invoice.facts import Failure, IssuedDocument
from billing.monthly_run.facts import PlanEvent, PlanState


@dataclass(frozen=True, order=True, slots=True)
class ReferenceRate:
    """The reference rate of renteloven § 5 from a 1 January or 1 July.

    Attributes:
        rate: Per cent a year without the surcharge; may be negative.
    """

    effective_from: date
    rate: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Principal:
    """A document that bears interest when it is paid too late.

    Attributes:
        amount_oere: What it asks for, less what was credited of it.
        paid: Day -> øre that were paid or set off on it.
        pieces: Agreement -> øre that it asks for, less what was credited of it, by which the interest is divided; where
            all was credited, what it asked for at first.
        billed: Agreement -> what interest of it was billed and until which day.
    """

    invoice_id: int
    number: str
    subscriber: MunicipalityCode
    due_date: date
    amount_oere: int
    paid: Mapping[date, int]
    pieces: Mapping[str, int]
    billed: Mapping[str, Billed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Billed:
    """Interest of one document that was billed for one agreement.

    Attributes:
        to_day: The first day that is not billed.
    """

    amount_oere: int
    to_day: date


@dataclass(frozen=True, slots=True)
class Segment:
    """Days on which principal, rate and the year's length are the same.

    Attributes:
        from_day: The first day.
        last_day: The last day; it counts too.
        base_oere: What was outstanding on these days.
        rate: Per cent a year with the surcharge.
        days_in_year: 365 or 366.
    """

    from_day: date
    last_day: date
    base_oere: int
    rate: Decimal
    days_in_year: int

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last_day - self.from_day).days + 1

    @property
    def exact_oere(self) -> Fraction:
        """The interest of these days before any rounding."""
        per_cent, parts = self.rate.as_integer_ratio()
        return Fraction(self.base_oere * per_cent * self.days, parts * 100 * self.days_in_year)


@dataclass(frozen=True, slots=True)
class InterestLine:
    """One line of an interest invoice.

    Attributes:
        segment: Its days, or None for what earlier billed interest is corrected by.
    """

    number: str
    segment: Segment | None
    from_day: date
    last_day: date
    amount_oere: int
    text: str


@dataclass(frozen=True, slots=True)
class InterestClaim:
    """What one document's lateness costs for one agreement, for days that were not billed yet.

    Attributes:
        to_day: The first day that is not in it.
        amount_oere: In whole øre, corrections of earlier days included.
    """

    invoice_id: int
    number: str
    agreement: str
    subscriber: MunicipalityCode
    due_date: date
    from_day: date
    to_day: date
    lines: tuple[InterestLine, ...]

    @property
    def amount_oere(self) -> int:
        """The sum of its lines."""
        return sum(line.amount_oere for line in self.lines)


@dataclass(frozen=True, slots=True)
class InterestScope:
    """What an interest plan is to cover: one issuer, up to and with a day."""

    issuer: MunicipalityCode
    last_day: date
    municipality: MunicipalityCode | None = None


@dataclass(frozen=True, slots=True)
class PlannedInterest:
    """One interest invoice of a plan: one payer's claims of one agreement.

    Attributes:
        from_day: The first day of the invoice's period; it begins where the payer's last one ended.
    """

    agreement: str
    subscriber: MunicipalityCode
    from_day: date
    to_day: date
    claims: tuple[InterestClaim, ...]

    @property
    def amount_oere(self) -> int:
        """What it will ask for."""
        return sum(claim.amount_oere for claim in self.claims)


@dataclass(frozen=True, slots=True)
class InterestPlan:
    """A stored plan of interest invoices.

    Attributes:
        inputs: What it rests on, by name -> digest.
        hash: Over inputs and documents; what is approved is this.
    """

    number: int
    scope: InterestScope
    as_of: date
    planned_by: str
    four_eyes: bool
    hash: str
    inputs: Mapping[str, str]
    documents: tuple[PlannedInterest, ...]
    events: tuple[PlanEvent, ...] = ()

    @property
    def state(self) -> PlanState:
        """The newest of what became of it."""
        return self.events[-1].state if self.events else PlanState.PLANNED

    @property
    def total_oere(self) -> int:
        """The sum of its documents."""
        return sum(document.amount_oere for document in self.documents)


@dataclass(frozen=True, slots=True)
class InterestIssue:
    """What came of issuing a plan: who was billed, and who was left out and why."""

    plan: InterestPlan
    issued: tuple[IssuedDocument, ...]
    failed: tuple[Failure, ...] = ()
