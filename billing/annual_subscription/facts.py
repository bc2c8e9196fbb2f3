"""What the year's calculation is told, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from agreements.agreement import CostLine, MunicipalityCode
from agreements.population import PopulationFigure
from billing.accounts.facts import InvoicedMonth, ResultSource
from foundation.period import Month


class Correction(StrEnum):
    """What becomes of instalments that were invoiced before the price changed (domain rule 7)."""

    SPREAD = "spread"  # the difference is spread over the instalments that remain
    REINVOICE = "reinvoice"  # what was invoiced is credited and invoiced anew


@dataclass(frozen=True, slots=True)
class ResultPool:
    """A provider's result that is not yet divided among payers (``application_year``).

    Attributes:
        reserved: Leaver -> øre that its exit settlement answers for.
    """

    source: ResultSource
    amount_oere: int
    reserved: Mapping[MunicipalityCode, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class YearFacts:
    """All that the calculation of one year rests on.

    Attributes:
        cost_lines: The budgets of the year, each one's newest figure.
        population: Member -> figure at the reference date; a member without one stops the calculation.
        passed_on: Member -> source -> øre of earlier results that this year passes on; positive is a surplus.
        pools: Results that are divided by this year's shares.
        invoiced: Member -> the months that are already claimed, with what was invoiced.
    """

    agreement: str
    year: int
    reference_date: date
    unit_oere: int
    months: tuple[Month, ...]
    cost_lines: tuple[CostLine, ...]
    members: tuple[MunicipalityCode, ...]
    population: Mapping[MunicipalityCode, PopulationFigure]
    passed_on: Mapping[MunicipalityCode, Mapping[ResultSource, int]] = field(default_factory=dict)
    pools: tuple[ResultPool, ...] = ()
    invoiced: Mapping[MunicipalityCode, tuple[InvoicedMonth, ...]] = field(default_factory=dict)
    correction: Correction = Correction.SPREAD


@dataclass(frozen=True, slots=True)
class Instalment:
    """One month's part of an obligation.

    Attributes:
        gross_oere: Before passed-on results.
        passed_on: Source -> øre; positive is in the payer's favour.
        invoiced: True where the month was invoiced before this calculation; then the figures are the invoice's.
    """

    month: Month
    gross_oere: int
    passed_on: Mapping[ResultSource, int]
    invoiced: bool = False

    @property
    def amount_oere(self) -> int:
        """What the month's invoice asks for."""
        return self.gross_oere - sum(self.passed_on.values())


@dataclass(frozen=True, slots=True)
class SubscriptionPart:
    """One municipality's part of the year.

    Attributes:
        population: The figure that was used, with its date and source.
        weight: What the share was computed by; the population, where that is the key.
        share_oere: Its share of the cost.
        passed_on: Source -> øre of earlier years' results passed on to it.
        instalments: Twelve, January first; they sum to the obligation.
    """

    municipality: MunicipalityCode
    population: PopulationFigure
    weight: int
    share_oere: int
    passed_on: Mapping[ResultSource, int]
    instalments: tuple[Instalment, ...]

    @property
    def passed_on_oere(self) -> int:
        """What earlier years' results take off the share; negative for a deficit."""
        return sum(self.passed_on.values())

    @property
    def obligation_oere(self) -> int:
        """The annual obligation: share less what is passed on (domain rule 1)."""
        return self.share_oere - self.passed_on_oere


@dataclass(frozen=True, slots=True)
class AnnualSubscription:
    """A year's calculation, whole. A stored one has a version; it is never changed, only followed by the next.

    Attributes:
        version: 1 for the first of the year.
        parts: Ascending by municipality code.
    """

    agreement: str
    year: int
    version: int
    reference_date: date
    unit_oere: int
    correction: Correction
    cost_lines: tuple[CostLine, ...]
    parts: tuple[SubscriptionPart, ...]
    calculated_on: date | None = None

    @property
    def cost_oere(self) -> int:
        """The cost that is split."""
        return sum(line.net_oere for line in self.cost_lines)

    @property
    def passed_on_oere(self) -> int:
        """What earlier years' results take off it."""
        return sum(part.passed_on_oere for part in self.parts)

    @property
    def total_oere(self) -> int:
        """The sum of the obligations."""
        return self.cost_oere - self.passed_on_oere

    def part_of(self, municipality: MunicipalityCode) -> SubscriptionPart | None:
        """One municipality's part, or None where it takes no part."""
        return next((part for part in self.parts if part.municipality == municipality), None)


@dataclass(frozen=True, slots=True)
class EffectLine:
    """What newer figures would change for one municipality.

    Attributes:
        next_before_oere, next_after_oere: The next instalment that is not invoiced yet; None where all are, or where
            the municipality is not in the price.
    """

    municipality: MunicipalityCode
    population_before: int | None
    population_after: int | None
    obligation_before_oere: int
    obligation_after_oere: int
    next_before_oere: int | None
    next_after_oere: int | None


@dataclass(frozen=True, slots=True)
class PriceEffect:
    """What newer figures would change in a year's price, before anybody decides on it."""

    agreement: str
    year: int
    version: int
    total_before_oere: int
    total_after_oere: int
    lines: tuple[EffectLine, ...]

    @property
    def is_felt(self) -> bool:
        """Whether anybody would pay something else; a new note on a budget line is not felt."""
        return any(
            (line.obligation_before_oere, line.next_before_oere) != (line.obligation_after_oere, line.next_after_oere)
            for line in self.lines
        )


@dataclass(frozen=True, slots=True)
class PriceNoticeLine:
    """What one subscriber is told by 1 June (§ 6 stk. 4), with this year's figures beside it."""

    municipality: MunicipalityCode
    obligation_oere: int
    share_oere: int
    passed_on_oere: int
    population: int
    previous_obligation_oere: int | None
    previous_population: int | None


@dataclass(frozen=True, slots=True)
class PriceNotice:
    """The price of a coming year as the subscribers are told it."""

    agreement: str
    year: int
    version: int
    notice_by: date
    given_on: date
    lines: tuple[PriceNoticeLine, ...]
