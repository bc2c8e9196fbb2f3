"""What the settlement of a year is told, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from agreements.agreement import CostLine, MunicipalityCode, ResultKey


@dataclass(frozen=True, slots=True)
class CarryOver:
    """What the providers decide to keep of a result (§ 6 stk. 6): a percentage or an amount, one of the two.

    Attributes:
        percent: 0 to 100.
        amount_oere: Øre in the result's own sign, or its size alone: 100 kept of a deficit is a deficit of 100.
    """

    percent: Decimal | None = None
    amount_oere: int | None = None


NOTHING_CARRIED = CarryOver(percent=Decimal(0))


@dataclass(frozen=True, slots=True)
class SettlementFacts:
    """All that the closing of a year rests on.

    Attributes:
        received_oere: Provider -> øre invoiced on account for the year, before passed-on results.
        accounts: The final accounts' lines.
        weights: Payer -> what the accounting year's shares were computed by.
        application_weights: Where ``result_key`` is the application year: payer -> what that year's shares will be
            computed by; else None.
        carry: What the providers decided to keep.
    """

    agreement: str
    year: int
    application_year: int
    result_key: ResultKey
    received_oere: Mapping[MunicipalityCode, int]
    accounts: tuple[CostLine, ...]
    weights: Mapping[MunicipalityCode, int]
    application_weights: Mapping[MunicipalityCode, int] | None
    carry: CarryOver


@dataclass(frozen=True, slots=True)
class SettlementPart:
    """One municipality's part of a year's result; positive is a surplus, in its favour.

    Attributes:
        by_provider: Provider -> (passed on, carried) in øre; they sum to the part's own.
    """

    municipality: MunicipalityCode
    result_oere: int
    passed_on_oere: int
    carried_oere: int
    by_provider: Mapping[MunicipalityCode, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class ProviderResult:
    """What one provider received on account and spent."""

    municipality: MunicipalityCode
    received_oere: int
    cost_oere: int

    @property
    def result_oere(self) -> int:
        """Positive is a surplus, which stays with the provider until it is passed on (domain rule 12)."""
        return self.received_oere - self.cost_oere


@dataclass(frozen=True, slots=True)
class YearSettlement:
    """A closed year.

    Attributes:
        parts: Ascending by code.
        providers: Ascending by code.
        application_year: The year whose price gets what is passed on.
    """

    agreement: str
    year: int
    application_year: int
    result_key: ResultKey
    accounts: tuple[CostLine, ...]
    parts: tuple[SettlementPart, ...]
    providers: tuple[ProviderResult, ...]
    closed_on: date | None = None
    author: str = ""
    approver: str = ""

    @property
    def invoiced_oere(self) -> int:
        """A conto invoiced for the year before passed-on results."""
        return sum(provider.received_oere for provider in self.providers)

    @property
    def cost_oere(self) -> int:
        """The actual net cost."""
        return sum(provider.cost_oere for provider in self.providers)

    @property
    def result_oere(self) -> int:
        """Invoiced less cost; positive is a surplus (domain rule 9)."""
        return self.invoiced_oere - self.cost_oere

    @property
    def carried_oere(self) -> int:
        """What is kept on the agreement's balance."""
        return sum(part.carried_oere for part in self.parts)


@dataclass(frozen=True, slots=True)
class ExitLine:
    """A leaver's part of one year's result that was not yet passed on."""

    accounting_year: int
    provider: MunicipalityCode
    passed_on_oere: int
    carried_oere: int

    @property
    def settled_oere(self) -> int:
        """What the leaver gets (positive) or owes (negative)."""
        return self.passed_on_oere + self.carried_oere


@dataclass(frozen=True, slots=True)
class ExitSettlement:
    """A leaver's settlement (§ 6 stk. 8, refusionsopgørelse).

    Attributes:
        left_on: The last day of membership.
        number: The document that settles it, or None for a preview or where nothing is owed.
    """

    agreement: str
    municipality: MunicipalityCode
    left_on: date
    lines: tuple[ExitLine, ...]
    number: str | None = None
    issue_date: date | None = None
    already_settled: bool = False

    @property
    def amount_oere(self) -> int:
        """What the document asks for: negative is paid out by credit note."""
        return -sum(line.settled_oere for line in self.lines)


@dataclass(frozen=True, slots=True)
class ProviderClearing:
    """What one provider has with the others for one billing year.

    Attributes:
        entitled_oere: Its part of everything billed, net of what is passed on.
        collected_oere: What it collected: everything as issuer, its own share where that is set off.
        cleared_oere: What clearing transfers already moved to it (negative: from it).
    """

    municipality: MunicipalityCode
    entitled_oere: int
    collected_oere: int
    cleared_oere: int

    @property
    def outstanding_oere(self) -> int:
        """Positive: the others owe it; negative: it owes."""
        return self.entitled_oere - self.collected_oere - self.cleared_oere
