"""Forecast what each municipality would pay, and explain why a price changed; only ever reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, CostLine, MunicipalityCode
from agreements.membership import AlreadyMember, MembershipPeriod, NotAMember, agreed_year, days_of, members_in
from agreements.municipality import MUNICIPALITIES, municipality
from agreements.population import FigureKey, PopulationFigure
from agreements.schedule import months_of_year
from billing.accounts import store as books
from billing.accounts.facts import ResultMovement
from billing.annual_subscription import store
from billing.annual_subscription.facts import YearFacts
from billing.annual_subscription.forecast_rules import (
    Assumptions,
    Basis,
    ChangeExplained,
    EarlierYear,
    LeavesAndJoins,
    TwoCostChanges,
    YearForecast,
    budget_for,
    explain_change,
    passed_on_once,
    pools_of_year,
    population_for,
    with_assumed_cost,
    years_of,
)
from billing.annual_subscription.rules import calculate
from billing.annual_subscription.run import get_subscription, key_bases, months_of_members, unclosed_year
from billing.annual_subscription.run import results_to_pass_on as results_of_year
from foundation.period import BillingYear


def forecast_years(
    connection: Connection,
    code: str,
    year: int,
    assumptions: Assumptions,
    until: int | None = None,
) -> tuple[YearForecast, ...]:
    """Say what each municipality would pay for one year or several, with what is known and decided today.

    Without assumptions a year that has a budget and its figures comes out as its calculation would.

    Args:
        connection: Where to read; nothing is written.
        code: The agreement.
        year: The first year.
        assumptions: The what-if; empty for none.
        until: The last year; the last step's, or the first year, if none is named.

    Returns:
        One forecast per year, ascending. The first is compared with the newest stored price of the year before it,
        the others with the forecast before them.

    Raises:
        AgreementUnknown, YearNotAgreed, UnknownMunicipality, NotAMember, AlreadyMember, LeavesAndJoins, TwoCostChanges,
        ForecastTooLong, StepOutside, NoMembers, BudgetMissing, PopulationMissing, NobodyToSplitBy.

    Source: agreement § 6 stk. 2 to 4; docs/decisions/0016-forecast.md.
    """
    agreement = agreements.get(connection, code)
    agreed_year(agreement, year)
    years = years_of(year, until, assumptions)
    agreed_year(agreement, years[-1])
    periods = agreement_store.members(connection, code)
    _refuse_contradictions(agreement, periods, year, assumptions)
    known = _Known(
        connection=connection,
        agreement=agreement,
        periods=periods,
        budgets=agreement_store.budget(connection, code),
        figures=_figures(connection, {*(period.municipality for period in periods), *assumptions.joining}),
        movements=books.movements(connection, code),
    )
    previous = store.read_subscription(connection, code, year - 1)
    earlier: list[EarlierYear] = []
    forecasts: list[YearForecast] = []
    for each in years:
        basis, facts = known.of_year(each, assumptions, earlier)
        price = calculate(facts, 0, {one: found.name for one, found in MUNICIPALITIES.items()})
        before = None if previous is None else {part.municipality: part.obligation_oere for part in previous.parts}
        forecasts.append(YearForecast(basis, price, explain_change(previous, price), before))
        previous = price
        if each != years[-1]:
            earlier.append(EarlierYear(price, store.read_subscription(connection, code, each)))
    return tuple(forecasts)


def explain_price(connection: Connection, code: str, year: int) -> dict[MunicipalityCode, ChangeExplained]:
    """Explain why each one's newest price of a year differs from the year before's; empty where that has no price.

    Raises:
        AgreementUnknown, SubscriptionUnknown.

    Source: agreement § 6 stk. 4.
    """
    current = get_subscription(connection, code, year)
    return explain_change(store.read_subscription(connection, code, year - 1), current)


def _refuse_contradictions(
    agreement: Agreement,
    periods: Sequence[MembershipPeriod],
    year: int,
    assumptions: Assumptions,
) -> None:
    if assumptions.cost_percent is not None and assumptions.cost_oere is not None:
        raise TwoCostChanges
    for who in sorted(assumptions.without | assumptions.joining):
        municipality(who)
    for who in sorted(assumptions.without & assumptions.joining):
        raise LeavesAndJoins(municipality=who)
    taking_part = members_in(periods, year)
    for who in sorted(assumptions.without):
        if who not in taking_part:
            raise NotAMember(agreement=agreement.code, municipality=who, year=year)
    for who in sorted(assumptions.joining):
        for period in periods:
            if period.municipality == who and year in period:
                raise AlreadyMember(agreement=agreement.code, municipality=who, from_year=period.from_year)


def _figures(connection: Connection, codes: set[MunicipalityCode]) -> dict[FigureKey, PopulationFigure]:
    return {key: figure for key, (_, figure) in agreement_store.population(connection, codes=sorted(codes)).items()}


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read once for all years of a forecast."""

    connection: Connection
    agreement: Agreement
    periods: Sequence[MembershipPeriod]
    budgets: Sequence[CostLine]
    figures: Mapping[FigureKey, PopulationFigure]
    movements: Sequence[ResultMovement]

    def of_year(
        self,
        year: int,
        assumptions: Assumptions,
        earlier: Sequence[EarlierYear],
    ) -> tuple[Basis, YearFacts]:
        """What one year would be calculated from."""
        agreement, terms = self.agreement, self.agreement.terms
        members = tuple(sorted({*members_in(self.periods, year), *assumptions.joining} - assumptions.without))
        reference_date = terms.allocation.reference_date.of_year(year)
        population_date, population = population_for(self.figures, members, reference_date)
        budget_year, lines = budget_for(self.budgets, year)
        passed_on, pools = results_of_year(self.connection, agreement, year, members)
        if earlier:
            passed_on = passed_on_once(year, passed_on, self.movements, earlier)
            pools = pools_of_year(year, pools, self.movements)
        days = {who: own for who, own in days_of(agreement, self.periods, year).items() if who in members}
        # Who is only assumed to join, does so for the whole year.
        days |= {who: BillingYear(year).period for who in members if who not in days}
        assumed = with_assumed_cost(lines, year, assumptions) if lines else ()
        basis = Basis(
            budget_year=budget_year,
            without_budget=tuple(
                sorted(set(agreement.providers) - {line.key.provider for line in lines}) if lines else ()
            ),
            population_date=population_date,
            reference_date=reference_date,
            population_missing=tuple(who for who in members if (who, reference_date) not in self.figures),
            unclosed=unclosed_year(self.connection, agreement, year),
            is_closed=books.is_closed(self.connection, agreement.code, year),
            is_invoiced=bool(books.invoiced_months(self.connection, agreement.code, year)),
        )
        facts = YearFacts(
            agreement=agreement.code,
            year=year,
            reference_date=population_date,
            unit_oere=terms.allocation.rounding_unit_oere,
            months=months_of_year(terms.advance, year),
            cost_lines=assumed,
            members=members,
            population=population,
            passed_on=passed_on,
            pools=pools,
            keys=key_bases(self.connection, agreement, year, assumed, days, population),
            days=dict(sorted(days.items())),
            months_of=months_of_members(agreement, year, days),
            partial_year=terms.allocation.partial_year,
        )
        return basis, facts
