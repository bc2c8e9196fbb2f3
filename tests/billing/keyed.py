"""Years with several keys, pieces and schedules, made by hand for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from agreements.agreement import (
    AdvanceTerms,
    AgreedFigure,
    Agreement,
    AllocationKey,
    AllocationTerms,
    CostLine,
    CostLineKey,
    DayOfYear,
    KeyTerms,
    LineKey,
    PartialYear,
    RenewalKind,
    RenewalTerms,
    Schedule,
    Service,
    Terms,
    Timing,
)
from agreements.population import PopulationFigure
from agreements.schedule import months_of_year, weights_of_months
from billing.accounts.facts import InvoicedMonth
from billing.annual_subscription.division_rules import agreed_figures, keys_of
from billing.annual_subscription.facts import AnnualSubscription, KeyBasis, YearFacts
from billing.annual_subscription.rules import calculate
from foundation.period import BillingYear, Period

YEAR = 2009
WHOLE = BillingYear(YEAR).period
DAY = date(2008, 1, 1)
PEOPLE = {"420": 42054, "461": 186932, "480": 29470}
MONTHLY = AdvanceTerms()
SCHEDULES = [
    MONTHLY,
    AdvanceTerms(schedule=Schedule.QUARTERLY),
    AdvanceTerms(schedule=Schedule.HALF_YEARLY, timing=Timing.ARREARS),
    AdvanceTerms(schedule=Schedule.YEARLY),
    AdvanceTerms(schedule=Schedule.OWN_DATES, dates=(DayOfYear(3, 15), DayOfYear(9, 15), DayOfYear(11, 1))),
]


def line(amount_oere: int, name: str = "", service: str = "ambulant") -> CostLine:
    return CostLine(CostLineKey(YEAR, "461", service, line=name), amount_oere)


def people(counts: Mapping[str, int]) -> dict[str, PopulationFigure]:
    return {code: PopulationFigure(code, DAY, count, "FOLK1A", DAY) for code, count in counts.items()}


def percentages(name: str, of: Mapping[str, int], *lines: str) -> LineKey:
    figures = tuple(AgreedFigure(code, units) for code, units in sorted(of.items()))
    return LineKey(name, KeyTerms(AllocationKey.FIXED_PERCENTAGES, figures=figures), lines=lines)


def one_party(name: str, payer: str, *lines: str) -> LineKey:
    return LineKey(name, KeyTerms(AllocationKey.ONE_PARTY, payer=payer), lines=lines)


def facts_of(
    lines: Iterable[CostLine],
    allocation: AllocationTerms,
    *,
    days: Mapping[str, Period] | None = None,
    counts: Mapping[str, int] = PEOPLE,
    advance: AdvanceTerms = MONTHLY,
    invoiced: Mapping[str, tuple[InvoicedMonth, ...]] | None = None,
    unit_oere: int = 1,
) -> YearFacts:
    own = dict(days or dict.fromkeys(counts, WHOLE))
    lines = tuple(lines)
    keys = tuple(
        KeyBasis(
            name,
            terms,
            tuple(of_key),
            people(counts) if terms.key is AllocationKey.POPULATION else agreed_figures(terms, WHOLE.from_day),
        )
        for name, terms, of_key in keys_of(allocation, [each.key for each in lines])
    )
    return YearFacts(
        agreement="prøve",
        year=YEAR,
        reference_date=DAY,
        unit_oere=unit_oere,
        months=months_of_year(advance, YEAR),
        cost_lines=lines,
        members=tuple(own),
        population=people(counts),
        invoiced=invoiced or {},
        keys=keys,
        days=own,
        months_of={
            code: weights_of_months(advance, YEAR, each, allocation.partial_year)
            for code, each in own.items()
            if each != WHOLE
        },
        partial_year=allocation.partial_year,
    )


def priced(*arguments: object, **named: object) -> AnnualSubscription:
    return calculate(facts_of(*arguments, **named), 1, {})  # type: ignore[arg-type]


def shares(price: AnnualSubscription) -> dict[str, int]:
    return {part.municipality: part.share_oere for part in price.parts}


def open_ended(advance: AdvanceTerms, months: int = 9) -> Agreement:
    return Agreement(
        code="prøve",
        title="Prøve",
        legal_basis="",
        starts_on=date(YEAR, 1, 1),
        issuer="615",
        providers=("615",),
        subscribers=("727",),
        services=(Service("ambulant", "Ambulant"),),
        terms=Terms(
            allocation=AllocationTerms(partial_year=PartialYear.MONTHS),
            advance=advance,
            renewal=RenewalTerms(kind=RenewalKind.OPEN_ENDED, notice_months=months),
        ),
    )
