"""Agreements and years that the workbooks are tried on. The first is the worked example of the domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from agreements.agreement import Agreement, CostKind, CostLine, CostLineKey, Service
from agreements.population import PopulationFigure
from billing.accounts.facts import InvoicedMonth, ResultSource
from billing.annual_subscription.facts import AnnualSubscription, Correction, YearFacts
from billing.annual_subscription.rules import calculate
from foundation.period import BillingYear, Month

ODENSE, SVENDBORG = "461", "479"
NAMES = {
    "420": "Assens",
    "430": "Faaborg-Midtfyn",
    "440": "Kerteminde",
    "450": "Nyborg",
    "461": "Odense",
    "479": "Svendborg",
    "480": "Nordfyns",
    "482": "Langeland",
    "492": "Ærø",
}
POPULATION_2008 = {
    "420": 42_054,
    "430": 51_950,
    "440": 23_630,
    "450": 31_607,
    "461": 186_932,
    "479": 59_040,
    "480": 29_470,
    "482": 13_741,
    "492": 6_712,
}
FUNEN = Agreement(
    code="fyn-alkohol",
    title="Aftale om drift af tilbud om vederlagsfri behandling for alkoholmisbrug",
    legal_basis="Sundhedsloven § 141, stk. 3",
    starts_on=date(2009, 1, 1),
    issuer=ODENSE,
    providers=(ODENSE, SVENDBORG),
    subscribers=tuple(NAMES),
    services=(Service("ambulant", "Ambulant alkoholbehandling", "Momsloven § 13, stk. 1, nr. 1"),),
)


def cost(
    provider: str,
    amount_oere: int,
    kind: CostKind = CostKind.COST,
    *,
    year: int = 2009,
    line: str = "",
    note: str = "Eksempelbeløb",
) -> CostLine:
    return CostLine(CostLineKey(year, provider, "ambulant", kind, line), amount_oere, note)


BUDGET_2009 = (cost(ODENSE, 1_825_000_000), cost(SVENDBORG, 641_733_333))


def figures(inhabitants: Mapping[str, int], on: date = date(2008, 1, 1)) -> dict[str, PopulationFigure]:
    source = "Danmarks Statistik, FOLK1A"
    return {
        code: PopulationFigure(code, on, count, source, date(2026, 11, 3)) for code, count in inhabitants.items()
    }


def year_of(
    cost_lines: Sequence[CostLine] = BUDGET_2009,
    inhabitants: Mapping[str, int] = POPULATION_2008,
    *,
    unit_oere: int = 1,
    version: int = 1,
    passed_on: Mapping[str, Mapping[ResultSource, int]] | None = None,
    invoiced: Mapping[str, tuple[InvoicedMonth, ...]] | None = None,
    correction: Correction = Correction.SPREAD,
) -> AnnualSubscription:
    facts = YearFacts(
        agreement=FUNEN.code,
        year=2009,
        reference_date=date(2008, 1, 1),
        unit_oere=unit_oere,
        months=BillingYear(2009).months,
        cost_lines=tuple(cost_lines),
        members=tuple(inhabitants),
        population=figures(inhabitants),
        passed_on=passed_on or {},
        invoiced=invoiced or {},
        correction=correction,
    )
    return replace(calculate(facts, version, NAMES), calculated_on=date(2008, 6, 1))


def invoiced_until(
    subscription: AnnualSubscription,
    last: int,
    *,
    less_for: Mapping[str, int] | None = None,
) -> dict[str, tuple[InvoicedMonth, ...]]:
    """What was invoiced when the months up to one were billed by a version, some municipalities some months less."""
    less = less_for or {}
    return {
        part.municipality: tuple(
            InvoicedMonth(instalment.month, instalment.gross_oere, dict(instalment.passed_on))
            for instalment in part.instalments[: last - less.get(part.municipality, 0)]
        )
        for part in subscription.parts
    }


def invoice_numbers(subscription: AnnualSubscription) -> dict[tuple[str, Month], str]:
    return {
        (part.municipality, instalment.month): f"F{instalment.month.year}-{10 * instalment.month.number + place:04d}"
        for place, part in enumerate(subscription.parts)
        for instalment in part.instalments
        if instalment.invoiced
    }
