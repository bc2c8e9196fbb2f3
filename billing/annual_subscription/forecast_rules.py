"""What a coming year's price would rest on, and why a price differs from the year before's; pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from agreements.agreement import CostKind, CostLine, CostLineKey, MunicipalityCode
from agreements.population import FigureKey, PopulationFigure
from billing.accounts.facts import ResultMovement, ResultSource
from billing.annual_subscription.facts import AnnualSubscription, ResultPool
from foundation.errors import BadInput, N_
from foundation.money import apportion, percent_of

LONGEST_SERIES = 30


class ForecastTooLong(BadInput):
    """Years that end before they begin, or more of them than anybody can say something about."""

    danish = N_(
        "Prognosen kan ikke gå fra {year} til {until}. Vælg et sidste år fra {year} til {latest}, eller udelad det.",
    )


class StepOutside(BadInput):
    """A step that no year of the forecast would feel."""

    danish = N_("Trinnet fra {step} ligger efter prognosens sidste år, {until}. Vælg et senere sidste år.")


class LeavesAndJoins(BadInput):
    """The same municipality is to be left out and to take part."""

    danish = N_("Kommune {municipality} kan ikke både udelades og deltage. Vælg en af delene.")


class TwoCostChanges(BadInput):
    """A percentage and an amount at once leave open which is taken first."""

    danish = N_("Udgiften kan ændres med enten en procent eller et beløb, ikke begge dele.")


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a what-if asks; nothing of it is agreed or stored.

    Attributes:
        cost_percent: Added to the budgets' cost of each year, in percent of it.
        cost_oere: The same as an amount.
        steps: Year -> øre added to the cost from that year on, until the next step replaces it.
        without: Members that are left out of all years.
        joining: Others that take part in all years.
    """

    cost_percent: Decimal | None = None
    cost_oere: int | None = None
    steps: Mapping[int, int] = field(default_factory=dict)
    without: frozenset[MunicipalityCode] = frozenset()
    joining: frozenset[MunicipalityCode] = frozenset()


@dataclass(frozen=True, slots=True)
class Basis:
    """What one year of a forecast rests on, and what of it is not the year's own yet.

    Attributes:
        budget_year: Whose budgets are used.
        without_budget: Providers with no line in them.
        population_date: The day of the figures that are used; all members' are of one day.
        reference_date: The day whose figures the price will rest on.
        population_missing: Members that have no figure at the reference date.
        unclosed: The accounting year whose result belongs in the price but is not closed.
        is_closed: The year itself is settled, so the forecast is an exercise.
        is_invoiced: Months of the year are invoiced, so its instalments will not be all alike.
    """

    budget_year: int
    without_budget: tuple[MunicipalityCode, ...]
    population_date: date
    reference_date: date
    population_missing: tuple[MunicipalityCode, ...]
    unclosed: int | None
    is_closed: bool
    is_invoiced: bool


@dataclass(frozen=True, slots=True)
class ChangeExplained:
    """Why one municipality's obligation differs from the year before's; the four parts sum to the change.

    Attributes:
        previous_oere: The obligation of the year before; None where it took no part.
        cost_oere: The new cost among the old members by the old figures.
        population_oere: The new figures among the old members.
        members_oere: Who came and who left.
        results_oere: What earlier years' results take off; positive where they take off less than the year before.
    """

    previous_oere: int | None
    cost_oere: int
    population_oere: int
    members_oere: int
    results_oere: int

    @property
    def change_oere(self) -> int:
        """The new obligation less the old one."""
        return self.cost_oere + self.population_oere + self.members_oere + self.results_oere


@dataclass(frozen=True, slots=True)
class YearForecast:
    """What a year would cost each municipality; never stored, never invoiced.

    Attributes:
        price: As the year's calculation would say it; its version is 0.
        explained: Municipality -> why its price changes; empty where the year before has no price, or where a change is
            no step of one split (several keys, pieces of a year).
        previous: Municipality -> its obligation of the year before; None where that has no price.
    """

    basis: Basis
    price: AnnualSubscription
    explained: Mapping[MunicipalityCode, ChangeExplained]
    previous: Mapping[MunicipalityCode, int] | None = None


def explain_change(
    previous: AnnualSubscription | None,
    current: AnnualSubscription,
) -> dict[MunicipalityCode, ChangeExplained]:
    """Explain each obligation's change from the year before in four parts that sum to it exactly.

    The year before is turned into this year step by step: first its cost, then its inhabitants, then its members, then
    the results passed on. Each step is split as a price is, and a part is the difference between two of them. Who
    leaves keeps its old figure until the step in which it leaves, since a price keeps no figure of who has left.

    Args:
        previous: The year before; None where it has no price.
        current: The year.

    Returns:
        All who take part in either year, ascending; empty without a previous price, or where a price has several keys
        or pieces of the year, since those are no two steps of one split. Over all of them the cost parts
        sum to the change of cost, the population and member parts to zero, the result parts to the change of results.

    Source: agreement § 6 stk. 4; docs/decisions/0016-forecast.md.
    """
    if previous is None or previous.division is not None or current.division is not None:
        return {}
    before = {part.municipality: part for part in previous.parts}
    after = {part.municipality: part for part in current.parts}
    old_weights = {code: part.weight for code, part in before.items()}
    new_weights = {code: after[code].weight if code in after else weight for code, weight in old_weights.items()}
    with_new_cost = apportion(current.cost_oere, old_weights, current.unit_oere)
    # Nobody of the old members has an inhabitant left: then all of it is the new members' doing.
    with_new_figures = (
        apportion(current.cost_oere, new_weights, current.unit_oere) if any(new_weights.values()) else with_new_cost
    )
    explained = {}
    for code in sorted({*before, *after}):
        old, new = before.get(code), after.get(code)
        explained[code] = ChangeExplained(
            previous_oere=old.obligation_oere if old else None,
            cost_oere=with_new_cost.get(code, 0) - (old.share_oere if old else 0),
            population_oere=with_new_figures.get(code, 0) - with_new_cost.get(code, 0),
            members_oere=(new.share_oere if new else 0) - with_new_figures.get(code, 0),
            results_oere=(old.passed_on_oere if old else 0) - (new.passed_on_oere if new else 0),
        )
    return explained


def years_of(year: int, until: int | None, assumptions: Assumptions) -> range:
    """The years of a forecast: to ``until``, or else to the last step.

    Raises:
        ForecastTooLong, StepOutside.
    """
    last = until if until is not None else max([year, *assumptions.steps])
    if not year <= last < year + LONGEST_SERIES:
        raise ForecastTooLong(year=year, until=last, latest=year + LONGEST_SERIES - 1)
    for step in assumptions.steps:
        if step > last:
            raise StepOutside(step=step, until=last)
    return range(year, last + 1)


def budget_for(lines: Iterable[CostLine], year: int) -> tuple[int, tuple[CostLine, ...]]:
    """The year's budget lines, or else those of the newest year before it; none where there are no earlier ones.

    Returns:
        The year that they are of, and the lines in their order.
    """
    by_year: dict[int, list[CostLine]] = {}
    for line in lines:
        by_year.setdefault(line.key.year, []).append(line)
    newest = max((of_year for of_year in by_year if of_year <= year), default=year)
    return newest, tuple(by_year.get(newest, ()))


def with_assumed_cost(lines: Sequence[CostLine], year: int, assumptions: Assumptions) -> tuple[CostLine, ...]:
    """The lines and what is assumed beside them, as lines of their own, so that the cost still is the lines' sum.

    A percentage is of the lines' net cost, half an øre away from zero; steps come on top of it.
    """
    assumed = list(lines)
    if assumptions.cost_percent is not None:
        change_oere = percent_of(sum(line.net_oere for line in lines), assumptions.cost_percent)
        share = f"{assumptions.cost_percent:+f}".replace(".", ",")
        assumed.append(_assumed(year, change_oere, "antagelse", f"Antagelse: udgiften ændres med {share} %"))
    if assumptions.cost_oere is not None:
        assumed.append(_assumed(year, assumptions.cost_oere, "antagelse", "Antagelse: udgiften ændres"))
    since = max((step for step in assumptions.steps if step <= year), default=None)
    if since is not None:
        text = f"Antagelse: udgiften ændres fra {since}"
        assumed.append(_assumed(year, assumptions.steps[since], f"trin fra {since}", text))
    return tuple(assumed)


def _assumed(year: int, amount_oere: int, line: str, note: str) -> CostLine:
    # No provider has budgeted it, so it is nobody's line.
    return CostLine(CostLineKey(year, "", "", CostKind.COST, line), amount_oere, note)


def population_for(
    figures: Mapping[FigureKey, PopulationFigure],
    members: Sequence[MunicipalityCode],
    reference_date: date,
) -> tuple[date, dict[MunicipalityCode, PopulationFigure]]:
    """All members' figures of one day: the reference date, or else the newest day before it that all have one of.

    Where there is no such day before, the first one after it. Where there is none at all, the reference date with the
    figures that there are; the calculation then says whose is missing.

    Returns:
        The day, and member -> figure.
    """
    days: dict[date, set[MunicipalityCode]] = {}
    for code, on in figures:
        days.setdefault(on, set()).add(code)
    whole = [on for on, codes in days.items() if codes.issuperset(members)]
    day = max((on for on in whole if on <= reference_date), default=min(whole, default=reference_date))
    return day, {code: figures[code, day] for code in members if (code, day) in figures}


@dataclass(frozen=True, slots=True)
class EarlierYear:
    """An earlier year of the same series: what it would pass on, and what its stored price passes on, if it has one."""

    forecast: AnnualSubscription
    stored: AnnualSubscription | None


def passed_on_once(
    year: int,
    passed_on: Mapping[MunicipalityCode, Mapping[ResultSource, int]],
    movements: Sequence[ResultMovement],
    earlier: Sequence[EarlierYear],
) -> dict[MunicipalityCode, dict[ResultSource, int]]:
    """What a year of a series passes on when the years before it in the series pass on what was forecast for them.

    Args:
        year: The year.
        passed_on: Member -> source -> øre, as the stored prices of the other years leave it.
        movements: How results were disposed of.
        earlier: The series' years before this one; their forecasts take the place of their stored prices.

    Returns:
        Member -> source -> øre; no result is passed on twice in the series, and none is lost.

    Source: domain rule 9.
    """
    amounts = {code: dict(sources) for code, sources in passed_on.items()}
    own = {
        (movement.municipality, movement.source)
        for movement in movements
        if movement.municipality is not None and (movement.application_year or year + 1) <= year
    }

    def add(code: MunicipalityCode | None, source: ResultSource, amount_oere: int) -> None:
        if code is not None and (code, source) in own:
            of_member = amounts.setdefault(code, {})
            of_member[source] = of_member.get(source, 0) + amount_oere

    for other in earlier:
        if other.stored is None:
            for movement in movements:
                if movement.application_year == other.forecast.year:
                    add(movement.municipality, movement.source, movement.amount_oere)
        for sign, price in ((1, other.stored), (-1, other.forecast)):
            for part in price.parts if price else ():
                for source, amount_oere in part.passed_on.items():
                    add(part.municipality, source, sign * amount_oere)
    return amounts


def pools_of_year(
    year: int,
    pools: Sequence[ResultPool],
    movements: Sequence[ResultMovement],
) -> tuple[ResultPool, ...]:
    """Only the undivided results that belong in the year itself; what came late is taken by the series' first year.

    Args:
        year: The year.
        pools: As its calculation would take them, those that belong in the latest year last.
        movements: How results were disposed of.
    """
    due = {
        movement.source for movement in movements if movement.municipality is None and movement.application_year == year
    }
    latest = {pool.source: pool for pool in pools}
    return tuple(pool for source, pool in latest.items() if source in due)
