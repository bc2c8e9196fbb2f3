"""What a quarter's follow-up says, before it is laid out; counts only as they were released."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from agreements.agreement import Agreement, MunicipalityCode
from billing.usage_statement.facts import Release, UsagePeriod
from exports.usage_words import Kind, Line

TITLE = "Kvartalsopfølgning"
NO_RELEASE = "Der er ingen frigivne forbrugsopgørelser for kvartalet."


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """What was to be billed and what was.

    Attributes:
        budget_oere: By the year's price; None where there is no price, or nothing is budgeted.
        billed_oere: After credits.
    """

    title: str
    budget_oere: int | None
    billed_oere: int


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A quarter of one payer; made for it alone.

    Attributes:
        cost_oere: The agreement's whole cost of the year by its price; None where there is no price.
        services: (code, title), the sum of several at the end, as in the statements.
        releases: The newest editions within the quarter, or that cover it; oldest first.
    """

    agreement: Agreement
    payer: MunicipalityCode
    payer_name: str
    quarter: UsagePeriod
    cost_oere: int | None
    money: tuple[MoneyLine, ...]
    services: tuple[tuple[str, str], ...]
    releases: tuple[Release, ...]

    @property
    def title(self) -> str:
        """*Kvartalsopfølgning, 1. kvartal 2009 - Odder*."""
        return f"{TITLE}, {self.quarter.danish} - {self.payer_name}"


def used(release: Release, line: Line, service: str, residence: MunicipalityCode) -> int | Fraction | str | None:
    """One figure of a release as it was published: a count, a share or an average of what is shown.

    Returns:
        None where it, or a figure that it is made of, is hidden; an empty text where there is nobody to divide by.
    """
    shown = [release.shown(measure, service, residence) for measure in line.measures]
    if line.kind is Kind.COUNT:
        return shown[0]
    above, below = shown
    if above is None or below is None:
        return None
    return Fraction(above, below) if below else ""
