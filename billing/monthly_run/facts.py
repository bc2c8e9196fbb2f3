"""A run's plan as it is stored, shown and approved: many agreements, every month that is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from agreements.agreement import MunicipalityCode
from billing.monthly_aconto.facts import MonthIssue
from foundation.period import Month
from foundation.values import made_often

CLOCK = "uret"  # in whose name the clock plans, approves and issues; no person may bear it
DEFAULT_WARN_PERCENT = 10
DEFAULT_PLAN_DAYS_BEFORE = 5
DEFAULT_ALARM_DAYS_BEFORE = 2


class PlanState(StrEnum):
    """What became of a plan."""

    PLANNED = "planned"
    APPROVED = "approved"
    ISSUED = "issued"
    STOPPED = "stopped"


class PlanWarning(StrEnum):
    """What a person should look at before approving."""

    PROVISIONAL = "provisional"  # the price is missing, so last year's instalment is billed
    FIRST_MONTH = "first_month"  # the payer was not billed the month before
    LAST_MONTH = "last_month"  # the payer takes no part in the month after
    AMOUNT_OFF = "amount_off"  # it differs from the month before by more than the issuer's percentage
    LATE = "late"  # its own deadline has passed
    PAID_OUT = "paid_out"  # it is negative


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """How an issuer's runs are approved.

    Attributes:
        four_eyes: Whoever approves a plan may not be the one who planned it.
        warn_percent: From how many per cent off the month before an amount is pointed at.
        plan_days_before: So many calendar days before its deadline the clock plans a month.
        alarm_days_before: So many calendar days before the deadline it raises an alarm; never before it has planned.
        mail: Where the clock's messages go; empty where nobody has said.
    """

    issuer: MunicipalityCode
    four_eyes: bool = False
    warn_percent: int = DEFAULT_WARN_PERCENT
    plan_days_before: int = DEFAULT_PLAN_DAYS_BEFORE
    alarm_days_before: int = DEFAULT_ALARM_DAYS_BEFORE
    mail: str = ""


@dataclass(frozen=True, slots=True)
class RunScope:
    """What a plan is to cover.

    Attributes:
        agreement: Only this one, or None for all.
        month: Only this month, due or not; None for every month that is due.
        issuer: Only this issuer's agreements, or None for all; the clock plans for one issuer at a time.
    """

    agreement: str | None = None
    month: Month | None = None
    issuer: MunicipalityCode | None = None


@made_often
@dataclass(frozen=True, slots=True)
class PlannedDocument:
    """One payer's bill of one agreement's month in a plan.

    Attributes:
        document: Which of the plan's documents it will stand on, from 1; agreements may share one (domain rule 15).
        previous_oere: What the payer was billed for the month before, if it was.
        lines: (text, øre) as they will stand.
        note: What the document will say of its price.
        change: What changed since the month before and why, in words.
    """

    agreement: str
    month: Month
    issuer: MunicipalityCode
    subscriber: MunicipalityCode
    amount_oere: int
    previous_oere: int | None
    internal: bool
    lines: tuple[tuple[str, int], ...]
    note: str
    change: str
    warnings: tuple[PlanWarning, ...]
    document: int = 0


@dataclass(frozen=True, slots=True)
class NotPlanned:
    """Something that is due and could not be planned.

    Attributes:
        subscriber: The payer, or None where the whole month could not.
    """

    agreement: str
    month: Month
    subscriber: MunicipalityCode | None
    error: str
    message: str


@made_often
@dataclass(frozen=True, slots=True)
class MissingDetail:
    """What bills of the plan would lack as e-invoices.

    Attributes:
        rule: The official rule's id.
        message: What is missing and where it is entered.
        bills: How many of the plan's bills lack it.
    """

    rule: str
    message: str
    bills: int


@dataclass(frozen=True, slots=True)
class PlanEvent:
    """An approval, an issue or a stop: when, by whom."""

    state: PlanState
    happened_on: date
    actor: str
    note: str


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A stored plan.

    Attributes:
        number: Its number; 0 for one that is not stored.
        inputs: What it rests on, by name -> digest; what changed later is told by these names.
        hash: Over inputs and documents; what is approved is this.
        missing: What its bills would lack as e-invoices; whose issuer sends those is not billed until it is there.
    """

    number: int
    scope: RunScope
    as_of: date
    planned_by: str
    four_eyes: bool
    hash: str
    inputs: Mapping[str, str]
    documents: tuple[PlannedDocument, ...]
    failed: tuple[NotPlanned, ...]
    events: tuple[PlanEvent, ...] = ()
    missing: tuple[MissingDetail, ...] = ()

    @property
    def state(self) -> PlanState:
        """The newest of what became of it."""
        return self.events[-1].state if self.events else PlanState.PLANNED

    @property
    def by_clock(self) -> bool:
        """Whether the clock planned it, so that whoever approves it is the only person to see it."""
        return self.planned_by == CLOCK

    @property
    def total_oere(self) -> int:
        """The sum of its documents."""
        return sum(document.amount_oere for document in self.documents)


@dataclass(frozen=True, slots=True)
class RunIssue:
    """What came of issuing a plan: for each agreement's month who was billed, and who was not."""

    plan: RunPlan
    months: tuple[MonthIssue, ...]
