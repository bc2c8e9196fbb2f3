"""What one month's bills rest on, and how they are planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from agreements.agreement import AdvanceTerms, Agreement, MunicipalityCode
from agreements.schedule import Instalment as ScheduledInstalment
from agreements.schedule import instalment_of
from billing.annual_subscription.facts import AnnualSubscription
from billing.invoice.facts import DocumentDraft, Failure, IssuedDocument, PartySnapshot
from foundation.errors import MellemregningError
from foundation.period import MONTHS_PER_YEAR, Month


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """What the bills of one month rest on.

    Attributes:
        subscription: The year's newest calculation, or last year's where ``provisional``.
        provisional: True where the year has no price, so that last year's instalment is billed (domain rule 8).
        parties: Code -> the party as the document will name it.
        price_missing_from: From this day the year's price counts as missing.
        weights: Provider -> service -> net budget, by which instalments are cut; worked out from the price if missing.
        booked: Whether the drafts say what they will post; a plan that is only looked at needs no postings.
    """

    agreement: Agreement
    month: Month
    subscription: AnnualSubscription
    provisional: bool
    parties: Mapping[MunicipalityCode, PartySnapshot]
    price_missing_from: date
    booked: bool = True
    weights: Mapping[MunicipalityCode, Mapping[str, int]] | None = None

    @property
    def instalment(self) -> ScheduledInstalment:
        """The schedule's instalment that begins with the month; that of a single month, where twelfths are billed."""
        return instalment_of(self.agreement.terms.advance, self.month)


@dataclass(frozen=True, slots=True)
class MonthPlan:
    """What a month would bill, before anything is issued.

    Attributes:
        drafts: Ascending by code.
        already_issued: What was issued before.
        send_by: The last bank day to send it.
        late_months: Earlier months that are due and not billed, with the payers that lack them.
        advance: The schedule, by which instalments are called; None takes every month by its own name.
        without_share: Members that have nothing to pay in the year and are not billed.
    """

    agreement: str
    month: Month
    issue_date: date
    send_by: date
    drafts: tuple[DocumentDraft, ...]
    already_issued: tuple[IssuedDocument, ...]
    failed: tuple[Failure, ...]
    late_months: tuple[tuple[Month, tuple[MunicipalityCode, ...]], ...] = ()
    advance: AdvanceTerms | None = None
    without_share: tuple[MunicipalityCode, ...] = ()

    def danish(self, month: Month) -> str:
        """The instalment that begins with a month, as people say it: ``januar 2009``, ``1. kvartal 2009``."""
        return month.danish if self.advance is None else instalment_of(self.advance, month).danish

    @property
    def is_last_of_year(self) -> bool:
        """Whether the instalment is the year's last, which takes the rest."""
        last = self.month if self.advance is None else instalment_of(self.advance, self.month).last
        return last.number == MONTHS_PER_YEAR

    @property
    def days_late(self) -> int:
        """By how many days the month's own deadline has passed."""
        return max(0, (self.issue_date - self.send_by).days)


@dataclass(frozen=True, slots=True)
class MonthNotPlanned:
    """A month that is due and that nobody can be billed for."""

    agreement: str
    month: Month
    error: MellemregningError


@dataclass(frozen=True, slots=True)
class MonthIssue:
    """What came of issuing a month of one agreement.

    Attributes:
        issued: What was issued; of a document that other agreements share, the agreement's own part.
    """

    plan: MonthPlan
    issued: tuple[IssuedDocument, ...]
    already_issued: tuple[IssuedDocument, ...]
    failed: tuple[Failure, ...]
