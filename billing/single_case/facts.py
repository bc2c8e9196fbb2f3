"""A case as it is known, what is wanted for a month of it, and what was billed; never who the person is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from agreements.agreement import Agreement, MunicipalityCode
from agreements.case_terms import CasePrice, CaseService
from billing.invoice.facts import IssuedDocument
from billing.monthly_run.facts import PlanEvent, PlanState
from foundation.period import Month, Period


class CaseStep(StrEnum):
    """What happened in a case; of each the newest counts."""

    APPROVED = "approved"  # by the paying municipality, before anything else
    ADMITTED = "admitted"
    DISCHARGED = "discharged"
    STAYED = "stayed"  # the discharge was a mistake: the stay goes on
    WITHDRAWN = "withdrawn"  # nothing came of it; what was billed is taken back


class CorrectionReason(StrEnum):
    """Why a date is another than was said; a choice, since a text could name somebody."""

    REPORTED_LATE = "late"
    WRONG_DATE = "wrong"


class RefusalReason(StrEnum):
    """Why the paying municipality will not pay; a choice, since a text could name somebody."""

    NOT_OURS = "not_ours"  # another municipality is to pay
    NOT_GRANTED = "not_granted"
    OTHER_OFFER = "other_offer"


@dataclass(frozen=True, slots=True)
class CaseRefusal:
    """The paying municipality's no, before anything began.

    Attributes:
        day: When it was said.
        recorded_on: The business date on which it was told.
    """

    day: date
    reason: RefusalReason
    recorded_on: date


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One step of a case.

    Attributes:
        day: The day that it is of.
        recorded_on: The business date on which it was told.
        reason: Why it replaces an earlier one; None for the first.
    """

    step: CaseStep
    day: date
    recorded_on: date
    reason: CorrectionReason | None = None


@dataclass(frozen=True, slots=True)
class Outlay:
    """What a supplier asked for a case, passed on at the actual price.

    Attributes:
        period: The service days that the supplier's invoice is of, within one month.
        amount_oere: Øre; negative for the supplier's credit note.
        supplier: CVR, eight digits.
        reference: The supplier's invoice number.
    """

    id: int
    case_id: int
    period: Period
    amount_oere: int
    supplier: str
    reference: str
    recorded_on: date

    def is_for_the_same(self, other: Outlay) -> bool:
        """Whether it is the same supplier's same invoice for some of the same days of a case."""
        return (
            (self.case_id, self.supplier, self.reference) == (other.case_id, other.supplier, other.reference)
            and self.period.from_day < other.period.to_day
            and other.period.from_day < self.period.to_day
        )


@dataclass(frozen=True, slots=True)
class Case:
    """A case (enkeltsag): a number that says nothing of the person, a service, who pays, and dates.

    Attributes:
        number: ``S-BCDF-GHJK``, drawn by lot: it tells neither who nor how many.
        refusal: The paying municipality said no; nothing comes of the case.
    """

    id: int
    number: str
    agreement: str
    service: str
    provider: MunicipalityCode
    payer: MunicipalityCode
    opened_on: date
    events: tuple[CaseEvent, ...] = ()
    refusal: CaseRefusal | None = None

    def day_of(self, step: CaseStep) -> date | None:
        """The day of a step as it is known now."""
        found = [event.day for event in self.events if event.step is step]
        return found[-1] if found else None

    @property
    def approved_on(self) -> date | None:
        """When the paying municipality approved."""
        return self.day_of(CaseStep.APPROVED)

    @property
    def admitted_on(self) -> date | None:
        """The day of arrival."""
        return self.day_of(CaseStep.ADMITTED)

    @property
    def discharged_on(self) -> date | None:
        """The day of leaving; None while the stay goes on."""
        told = [event for event in self.events if event.step in {CaseStep.DISCHARGED, CaseStep.STAYED}]
        return told[-1].day if told and told[-1].step is CaseStep.DISCHARGED else None

    @property
    def is_withdrawn(self) -> bool:
        """Whether nothing is to be billed of it."""
        return self.day_of(CaseStep.WITHDRAWN) is not None

    @property
    def state(self) -> str:
        """``opened``, ``refused``, or the furthest step."""
        if self.refusal is not None:
            return "refused"
        reached = {
            CaseStep.WITHDRAWN: self.is_withdrawn,
            CaseStep.DISCHARGED: self.discharged_on is not None,
            CaseStep.ADMITTED: self.admitted_on is not None,
            CaseStep.APPROVED: self.approved_on is not None,
        }
        return next((step.value for step, is_there in reached.items() if is_there), "opened")


@dataclass(frozen=True, order=True, slots=True)
class LineKey:
    """A line of an issued document."""

    invoice_id: int
    position: int


@dataclass(frozen=True, slots=True)
class CaseLine:
    """Some days of a case at one price, or a supplier's invoice, as it is billed or taken back.

    Attributes:
        period: Counted days, within one month.
        days: How many of them; negative for what takes back, 0 for an outlay.
        unit_oere: Øre per day; 0 for an outlay.
        amount_oere: ``days × unit_oere``, or the outlay's.
        outlay_id: The outlay that it passes on.
        counters: The billed line that it takes back.
    """

    case_id: int
    period: Period
    days: int
    unit_oere: int
    amount_oere: int
    outlay_id: int | None = None
    counters: LineKey | None = None

    @property
    def month(self) -> Month:
        """The service month."""
        return Month.of(self.period.from_day)


@dataclass(frozen=True, slots=True)
class BilledLine:
    """A line that was billed.

    Attributes:
        number: Its document.
        is_live: False where the document was taken back whole.
    """

    key: LineKey
    number: str
    line: CaseLine
    is_live: bool


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """A line as a document will say it."""

    case: Case
    line: CaseLine
    text: str


@dataclass(frozen=True, slots=True)
class PlannedCaseDocument:
    """One payer's case bill of a month.

    Attributes:
        month: The month that it claims; lines of earlier months are corrections or come late.
    """

    agreement: str
    payer: MunicipalityCode
    month: Month
    lines: tuple[PlannedLine, ...]

    @property
    def amount_oere(self) -> int:
        """What it asks for; negative is paid out."""
        return sum(entry.line.amount_oere for entry in self.lines)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A month of a case that is not billed, and why.

    Attributes:
        error: The broken rule's name; ``waits`` where a correction waits for the next month's bill.
    """

    number: str
    payer: MunicipalityCode
    month: Month
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class CaseDue:
    """What is to be billed of an agreement's cases, and what it rests on."""

    documents: tuple[PlannedCaseDocument, ...]
    left_out: tuple[LeftOut, ...]
    inputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CasePlan:
    """A stored plan of case bills.

    Attributes:
        number: 0 for one that is not stored.
        inputs: What it rests on, by name -> digest.
        hash: Over inputs and documents; what is approved is this.
        documents: Plain values, as they were shown: payer, month, lines.
        left_out: The same of what is not billed.
    """

    number: int
    agreement: str
    as_of: date
    planned_by: str
    four_eyes: bool
    hash: str
    inputs: Mapping[str, str]
    documents: tuple[Mapping[str, object], ...]
    left_out: tuple[Mapping[str, object], ...]
    events: tuple[PlanEvent, ...] = ()

    @property
    def state(self) -> PlanState:
        """The newest of what became of it."""
        return self.events[-1].state if self.events else PlanState.PLANNED

    @property
    def total_oere(self) -> int:
        """The sum of its documents."""
        return sum(int(str(document["amount_oere"])) for document in self.documents)


@dataclass(frozen=True, slots=True)
class CaseIssue:
    """What came of issuing a plan."""

    plan: CasePlan
    issued: tuple[IssuedDocument, ...]


@dataclass(frozen=True, slots=True)
class CaseAccount:
    """A case with all that its bills rest on.

    Attributes:
        service: What is billed, and how.
        prices: The service's unit prices, by day.
        outlays: What suppliers asked for it.
        billed: What was billed, oldest first.
        waiting: What the next bills add or take back, as it is known now.
        left_out: Months that a rule keeps off the bill, and why.
    """

    case: Case
    service: CaseService
    prices: tuple[CasePrice, ...]
    outlays: tuple[Outlay, ...]
    billed: tuple[BilledLine, ...]
    waiting: tuple[PlannedLine, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class WantedCases:
    """Which cases a listing is to hold.

    Attributes:
        agreements: Only of these; none of them, none at all.
        payers: Only of these payers; None for all.
        number: How the number begins; empty for all.
        state: As ``Case.state``; empty for all.
    """

    agreements: frozenset[str]
    payers: frozenset[MunicipalityCode] | None = None
    number: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A case as its payer's statement shows it.

    Attributes:
        days: Counted within the statement's period.
        billed_oere: What stands billed for service days of the period.
    """

    number: str
    service_title: str
    approved_on: date | None
    admitted_on: date | None
    discharged_on: date | None
    days: int
    billed_oere: int


@dataclass(frozen=True, slots=True)
class CaseStatement:
    """The cases that one municipality pays for; made for it alone."""

    agreement: Agreement
    payer: MunicipalityCode
    period: Period
    rows: tuple[StatementRow, ...]
