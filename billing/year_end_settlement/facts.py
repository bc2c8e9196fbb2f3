"""What the settlement of a year is told, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from agreements.agreement import CostLine, MunicipalityCode, ResultKey
from billing.monthly_run.facts import PlanEvent, PlanState
from foundation.money import apportion


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


class DividedBy(StrEnum):
    """What a year's result was divided by."""

    TOTAL = "total"  # the year's shares in all
    LINES = "lines"  # each key's lines by that key


@dataclass(frozen=True, slots=True)
class KeyResult:
    """What the lines of one key of the year came to.

    Attributes:
        name: The key's name; empty for the agreement's own.
        billed_oere: Provider -> øre that was divided by the key.
        cost_oere: Provider -> net øre of the accounts' lines that fall under the key.
        weights: Payer -> what the key's difference is divided by.
    """

    name: str
    billed_oere: Mapping[MunicipalityCode, int]
    cost_oere: Mapping[MunicipalityCode, int]
    weights: Mapping[MunicipalityCode, int]

    @property
    def result_oere(self) -> int:
        """Billed less cost; positive is a surplus of those who pay by the key."""
        return sum(self.billed_oere.values()) - sum(self.cost_oere.values())

    @property
    def parts(self) -> Mapping[MunicipalityCode, int]:
        """Payer -> its part of the key's result, ascending by code."""
        return apportion(self.result_oere, self.weights)


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
        keys: Where each key's lines are divided by that key: all keys of the year; else none.
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
    keys: tuple[KeyResult, ...] = ()


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
        application_year: The year whose price gets what is passed on; the year itself where its result is trued up on
            documents of its own.
        divided_by: Whether each key's lines were divided by that key, or all by the year's shares.
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
    divided_by: DividedBy = DividedBy.TOTAL

    @property
    def is_trued_up(self) -> bool:
        """Whether the result is settled with the payers on documents of its own, and enters no price."""
        return self.application_year == self.year

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
class NetAssetsShare:
    """A leaver's share of the net assets (nettoformue).

    Attributes:
        net_assets_oere: What the closed accounts state on its last day; negative where there are more debts.
        share_oere: The leaver's share; positive is paid out to it.
        evidence: Where the figure stands, in an officer's words.
    """

    net_assets_oere: int
    share_oere: int
    evidence: str


@dataclass(frozen=True, slots=True)
class ExitSettlement:
    """A leaver's settlement (§ 6 stk. 8, refusionsopgørelse).

    Attributes:
        left_on: The last day of membership.
        number: The document that settles it, or None for a preview or where nothing is owed.
        net_assets: The leaver's share of the net assets, where the agreement gives it one.
    """

    agreement: str
    municipality: MunicipalityCode
    left_on: date
    lines: tuple[ExitLine, ...]
    number: str | None = None
    issue_date: date | None = None
    already_settled: bool = False
    net_assets: NetAssetsShare | None = None

    @property
    def share_oere(self) -> int:
        """The share of the net assets; 0 where there is none."""
        return self.net_assets.share_oere if self.net_assets else 0

    @property
    def amount_oere(self) -> int:
        """What the document asks for: negative is paid out by credit note."""
        return -sum(line.settled_oere for line in self.lines) - self.share_oere


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


@dataclass(frozen=True, slots=True)
class TrueUpPlan:
    """A plan of the documents by which a year's result is settled with the payers (efterregulering).

    Attributes:
        number: 0 for one that is not stored.
        hash: Over the documents and who may approve; what is approved is this.
        documents: Plain values, as they were shown: payer, amount, lines.
    """

    number: int
    agreement: str
    year: int
    as_of: date
    planned_by: str
    four_eyes: bool
    hash: str
    documents: tuple[Mapping[str, object], ...]
    events: tuple[PlanEvent, ...] = ()

    @property
    def state(self) -> PlanState:
        """The newest of what became of it."""
        return self.events[-1].state if self.events else PlanState.PLANNED

    @property
    def total_oere(self) -> int:
        """The sum of its documents."""
        return sum(int(str(document["amount_oere"])) for document in self.documents)
