"""What the year's calculation is told, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from agreements.agreement import CostLine, CostLineKey, KeyTerms, MunicipalityCode, PartialYear
from agreements.population import PopulationFigure
from billing.accounts.facts import InvoicedMonth, ResultSource
from foundation.period import Month, Period
from foundation.values import made_often

NO_COUNT = "efter aftalens andre nøgler"  # the source of a figure of inhabitants that no key asked for


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
class KeyBasis:
    """One key of a year, the cost lines that it splits, and what it weighs the members by.

    Attributes:
        name: Empty for the agreement's own key; else the name of the key for certain lines.
        lines: The lines, ascending.
        figures: Member -> figure; inhabitants, places, or ten-thousandths of a per cent. A member whose figure is not
            known is not there.
    """

    name: str
    terms: KeyTerms
    lines: tuple[CostLineKey, ...]
    figures: Mapping[MunicipalityCode, PopulationFigure]


@dataclass(frozen=True, slots=True)
class PortionShare:
    """One payer's share of a portion.

    Attributes:
        figure: What it was weighed by, with day and source.
    """

    figure: PopulationFigure
    share_oere: int

    @property
    def municipality(self) -> MunicipalityCode:
        """Who pays it."""
        return self.figure.municipality


@dataclass(frozen=True, slots=True)
class Portion:
    """The cost of one key's lines over some days of the year, divided among those who take part on them.

    Attributes:
        name: The key's name, empty for the agreement's own.
        days: No member joins or leaves within them.
        lines: The cost lines that it is a part of.
        shares: Ascending by code; they sum to the cost.
    """

    name: str
    terms: KeyTerms
    days: Period
    lines: tuple[CostLineKey, ...]
    cost_oere: int
    shares: tuple[PortionShare, ...]

    def share_of(self, municipality: MunicipalityCode) -> int:
        """One payer's share; 0 where it has none."""
        return next((share.share_oere for share in self.shares if share.municipality == municipality), 0)


@dataclass(frozen=True, slots=True)
class Division:
    """How a year's cost was divided where not all of it is split by the inhabitants over the whole year.

    Attributes:
        days: Member -> the days of the year on which it takes part, ascending by code.
        portions: By key and days. What they leave of the cost lines falls on days on which nobody pays it.
    """

    days: Mapping[MunicipalityCode, Period]
    portions: tuple[Portion, ...]


@dataclass(frozen=True, slots=True)
class YearFacts:
    """All that the calculation of one year rests on.

    Attributes:
        cost_lines: The budgets of the year, each one's newest figure.
        population: Member -> figure at the reference date; a member without one stops the calculation.
        passed_on: Member -> source -> øre of earlier results that this year passes on; positive is a surplus.
        pools: Results that are divided by this year's shares.
        invoiced: Member -> the months that are already claimed, with what was invoiced.
        months: The first months of the year's instalments.
        keys: Every key with its lines; empty where all is split by the inhabitants and everybody takes part all year.
        days: Member -> the days of the year on which it takes part; needed with ``keys``.
        months_of: Member -> the first months of the instalments that it pays, each with what it weighs; a member that
            is not there pays all, which weigh alike.
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
    keys: tuple[KeyBasis, ...] = ()
    days: Mapping[MunicipalityCode, Period] = field(default_factory=dict)
    months_of: Mapping[MunicipalityCode, Mapping[Month, int]] = field(default_factory=dict)
    partial_year: PartialYear = PartialYear.NOT_ALLOWED


@made_often
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


@made_often
@dataclass(frozen=True, slots=True)
class SubscriptionPart:
    """One municipality's part of the year.

    Attributes:
        population: The figure that was used, with its date and source. Where the price has a division, that tells what
            was used; this is the first figure of inhabitants in it, or zero where there is none.
        weight: What the share was computed by; the population, where that is the key. Where the price has a division,
            the share itself, by which results are divided.
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
    def counted(self) -> int | None:
        """The inhabitants that it was weighed by; None where no key counts any."""
        return None if self.population.source == NO_COUNT else self.population.inhabitants

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
        division: How the shares came about, where not all is split by the inhabitants over the whole year.
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
    division: Division | None = None

    @property
    def cost_oere(self) -> int:
        """The cost that is split; of a year in pieces, that of the days on which somebody pays it."""
        if self.division is not None:
            return sum(portion.cost_oere for portion in self.division.portions)
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
    population: int | None
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
