"""Why a price changes, and what a forecast rests on. Expected figures are by hand or from ``Fraction``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.agreement import CostKind, CostLine, CostLineKey
from agreements.population import PopulationFigure
from billing.accounts.facts import ResultMovement, ResultSource
from billing.annual_subscription.facts import AnnualSubscription, ResultPool, YearFacts
from billing.annual_subscription.forecast_rules import (
    Assumptions,
    ChangeExplained,
    EarlierYear,
    ForecastTooLong,
    StepOutside,
    budget_for,
    explain_change,
    passed_on_once,
    pools_of_year,
    population_for,
    with_assumed_cost,
    years_of,
)
from tests.billing.made import (
    BUDGET_2009,
    ODENSE,
    POPULATION_2008,
    SOURCES,
    cost_line,
    identity,
    priced,
    year_facts,
    years,
)
from tests.billing.runs.conftest import split_by_hand

A, B, C = "420", "430", "440"
SOURCE = ResultSource(2009, ODENSE)


def price(
    cost_oere: int,
    inhabitants: Mapping[str, int],
    passed_on: Mapping[str, Mapping[ResultSource, int]] | None = None,
    unit_oere: int = 1,
) -> AnnualSubscription:
    return priced(
        year_facts([cost_line(ODENSE, cost_oere)], inhabitants, passed_on=passed_on or {}, unit_oere=unit_oere)
    )


def test_each_part_of_a_change_by_hand() -> None:
    before = price(400_00, {A: 1_000, B: 3_000}, passed_on={B: {SOURCE: 5_00}})
    after = price(500_00, {A: 1_500, B: 2_500, C: 1_000}, passed_on={A: {SOURCE: 10_00}})
    # 400 was 100 and 300. 500 by the old figures is 125 and 375; by the new ones 187.50 and 312.50; and among the
    # three, 150, 250 and 100.
    assert explain_change(before, after) == {
        A: ChangeExplained(100_00, 25_00, 62_50, -37_50, -10_00),
        B: ChangeExplained(295_00, 75_00, -62_50, -62_50, 5_00),
        C: ChangeExplained(None, 0, 0, 100_00, 0),
    }
    assert explain_change(before, after)[A].change_oere == 140_00 - 100_00


def test_who_leaves_is_explained_by_its_old_figure() -> None:
    before = price(400_00, {A: 1_000, B: 3_000})
    after = price(500_00, {A: 1_500})
    # 500 by 1,500 and the leaver's 3,000 is 166.67 and 333.33.
    assert explain_change(before, after) == {
        A: ChangeExplained(100_00, 25_00, 41_67, 333_33, 0),
        B: ChangeExplained(300_00, 75_00, -41_67, -333_33, 0),
    }


def test_without_a_price_before_there_is_nothing_to_explain() -> None:
    assert explain_change(None, price(1, {A: 1})) == {}


def test_old_members_without_inhabitants_left() -> None:
    explained = explain_change(price(100, {A: 1}), price(100, {A: 0, C: 5}))
    assert explained == {A: ChangeExplained(100, 0, 0, -100, 0), C: ChangeExplained(None, 0, 0, 100, 0)}


def test_another_rounding_unit_is_told_with_the_cost() -> None:
    before = price(100_01, {A: 1, B: 1})
    after = price(100_01, {A: 1, B: 1}, unit_oere=100)
    assert [part.share_oere for part in before.parts] == [50_01, 50_00]
    assert [part.share_oere for part in after.parts] == [50_01, 50_00]
    odd = price(101_00, {A: 1, B: 1}, unit_oere=100)
    assert explain_change(before, odd)[A] == ChangeExplained(50_01, 99, 0, 0, 0)


@identity
@given(years(sizes=(1, 2, 3, 9)), years(sizes=(1, 2, 3, 9)))
def test_the_parts_are_each_step_and_sum_to_the_change(old_facts: YearFacts, new_facts: YearFacts) -> None:
    old, new = priced(old_facts), priced(new_facts)
    explained = explain_change(old, new)
    weights = {code: figure.inhabitants for code, figure in old_facts.population.items()}
    new_weights = {code: figure.inhabitants for code, figure in new_facts.population.items()}
    renewed = {code: new_weights.get(code, weight) for code, weight in weights.items()}
    first = split_by_hand(old.cost_oere, weights, old.unit_oere)
    second = split_by_hand(new.cost_oere, weights, new.unit_oere)
    third = split_by_hand(new.cost_oere, renewed, new.unit_oere) if sum(renewed.values()) else second
    fourth = split_by_hand(new.cost_oere, new_weights, new.unit_oere)
    assert list(explained) == sorted({*weights, *new_weights})
    for code, change in explained.items():
        was, is_now = old.part_of(code), new.part_of(code)
        assert change.previous_oere == (was.obligation_oere if was else None)
        assert change.cost_oere == second.get(code, 0) - first.get(code, 0)
        assert change.population_oere == third.get(code, 0) - second.get(code, 0)
        assert change.members_oere == fourth.get(code, 0) - third.get(code, 0)
        parts = (change.cost_oere, change.population_oere, change.members_oere, change.results_oere)
        expected = (is_now.obligation_oere if is_now else 0) - (was.obligation_oere if was else 0)
        assert sum(parts) == change.change_oere == expected
    assert sum(change.cost_oere for change in explained.values()) == new.cost_oere - old.cost_oere
    assert sum(change.population_oere for change in explained.values()) == 0
    assert sum(change.members_oere for change in explained.values()) == 0
    assert sum(change.results_oere for change in explained.values()) == old.passed_on_oere - new.passed_on_oere


@identity
@given(years())
def test_the_same_year_again_changes_nothing(facts: YearFacts) -> None:
    value = priced(facts)
    assert {
        (change.cost_oere, change.population_oere, change.members_oere, change.results_oere)
        for change in explain_change(value, value).values()
    } == {(0, 0, 0, 0)}


@pytest.mark.parametrize(
    ("cost_oere", "percent", "change_oere"),
    [
        (2_466_733_333, "3", 74_002_000),  # 74,001,999.99
        (150, "1", 2),  # one and a half: away from zero
        (150, "-1", -2),
        (-150, "1", -2),
        (149, "1", 1),
        (1_000, "-100", -1_000),
        (1_000, "0", 0),
        (1_000_000, "0.125", 1_250),
    ],
)
def test_a_percentage_is_a_line_of_its_own(cost_oere: int, percent: str, change_oere: int) -> None:
    lines = (cost_line(ODENSE, cost_oere),)
    changed = with_assumed_cost(lines, 2010, Assumptions(cost_percent=Decimal(percent)))
    assert changed[:-1] == lines
    assert changed[-1].net_oere == change_oere
    assert (changed[-1].key.provider, changed[-1].key.year) == ("", 2010)
    assert sum(line.net_oere for line in changed) == cost_oere + change_oere


def test_an_assumption_is_named_in_words() -> None:
    def notes(assumptions: Assumptions, year: int = 2011) -> list[str]:
        return [line.note for line in with_assumed_cost((), year, assumptions)]

    assert notes(Assumptions(cost_percent=Decimal("-1.5"))) == ["Antagelse: udgiften ændres med -1,5 %"]
    assert notes(Assumptions(cost_percent=Decimal(3))) == ["Antagelse: udgiften ændres med +3 %"]
    assert notes(Assumptions(cost_oere=-5)) == ["Antagelse: udgiften ændres"]
    assert notes(Assumptions(steps={2010: 5})) == ["Antagelse: udgiften ændres fra 2010"]
    assert notes(Assumptions(steps={2012: 5})) == []
    assert notes(Assumptions()) == []


def test_a_percentage_is_of_what_grants_and_income_leave_and_a_step_comes_on_top() -> None:
    lines = (cost_line(ODENSE, 1_000), cost_line(ODENSE, 400, kind=CostKind.GRANT))
    assumptions = Assumptions(cost_percent=Decimal(10), steps={2010: 7})
    assert [line.net_oere for line in with_assumed_cost(lines, 2010, assumptions)] == [1_000, -400, 60, 7]


def test_each_step_holds_until_the_next() -> None:
    assumptions = Assumptions(steps={2026: -13_400_000_00, 2027: -17_500_000_00, 2030: 0})
    added = {
        year: sum(line.net_oere for line in with_assumed_cost((), year, assumptions)) for year in range(2025, 2032)
    }
    assert added == {
        2025: 0,
        2026: -1_340_000_000,
        2027: -1_750_000_000,
        2028: -1_750_000_000,
        2029: -1_750_000_000,
        2030: 0,
        2031: 0,
    }


def test_the_years_go_to_the_last_step_unless_another_year_is_named() -> None:
    nothing, stepped = Assumptions(), Assumptions(steps={2009: 1, 2012: 1})
    assert list(years_of(2010, None, nothing)) == [2010]
    assert list(years_of(2010, 2011, nothing)) == [2010, 2011]
    assert list(years_of(2010, None, stepped)) == [2010, 2011, 2012]
    assert list(years_of(2010, 2013, stepped)) == [2010, 2011, 2012, 2013]
    assert len(years_of(2010, 2039, nothing)) == 30
    for until in (2009, 2040):
        with pytest.raises(ForecastTooLong, match=r"fra 2010 til 2039"):
            years_of(2010, until, nothing)
    with pytest.raises(StepOutside, match="2012"):
        years_of(2010, 2011, stepped)


def test_the_newest_budget_not_after_the_year() -> None:
    lines = [
        CostLine(CostLineKey(year, provider, "ambulant"), year)
        for year in (2009, 2011, 2013)
        for provider in ("461", "479")
    ]
    assert budget_for(lines, 2011) == (2011, tuple(lines[2:4]))
    assert budget_for(lines, 2012) == (2011, tuple(lines[2:4]))
    assert budget_for(lines, 2010) == (2009, tuple(lines[:2]))
    assert budget_for(lines, 2008) == (2008, ())


def test_the_newest_day_that_everybody_has_a_figure_of() -> None:
    def counted(code: str, *days: int) -> dict[tuple[str, date], PopulationFigure]:
        found = {}
        for year in days:
            figure = PopulationFigure(code, date(year, 1, 1), year, "prøve", date(2030, 1, 1))
            found[figure.key] = figure
        return found

    known = {**counted(A, 2007, 2009, 2010), **counted(B, 2007, 2009), **counted(C, 2012)}
    assert population_for(known, (A,), date(2010, 1, 1))[0] == date(2010, 1, 1)
    day, chosen = population_for(known, (A, B), date(2010, 1, 1))
    assert (day, {code: figure.inhabitants for code, figure in chosen.items()}) == (
        date(2009, 1, 1),
        {A: 2009, B: 2009},
    )
    assert population_for(known, (A, B), date(2008, 1, 1))[0] == date(2007, 1, 1)
    # None before: the first after. None at all: the day itself, and the calculation names who is missing.
    assert population_for(known, (A, B), date(2006, 1, 1))[0] == date(2007, 1, 1)
    day, chosen = population_for(known, (A, C), date(2010, 1, 1))
    assert (day, list(chosen)) == (date(2010, 1, 1), [A])
    assert population_for({}, (A,), date(2010, 1, 1)) == (date(2010, 1, 1), {})


def test_a_late_result_is_passed_on_once_in_a_series() -> None:
    # 90 øre belong in 2011, whose price was fixed without them; 2012 has no price yet.
    movements = [ResultMovement(SOURCE, A, 90, 2011), ResultMovement(SOURCE, A, 10, 2012)]
    stored = priced(year_facts())
    forecast = price(1, {A: 1}, passed_on={A: {SOURCE: 90}})
    of_2011 = EarlierYear(_in(2011, forecast), _in(2011, stored))
    # By the stored prices alone, 2012 would take the 90 too.
    assert passed_on_once(2012, {A: {SOURCE: 100}}, movements, [of_2011]) == {A: {SOURCE: 10}}
    of_2012 = EarlierYear(_in(2012, price(1, {A: 1}, passed_on={A: {SOURCE: 10}})), None)
    assert passed_on_once(2013, {A: {SOURCE: 90}}, movements, [of_2011, of_2012]) == {A: {SOURCE: 0}}
    # Another's result and one that is carried forward are no matter of it.
    others = [*movements, ResultMovement(SOURCE, B, 5, None)]
    assert passed_on_once(2012, {A: {SOURCE: 100}}, others, [of_2011]) == {A: {SOURCE: 10}}


def _in(year: int, value: AnnualSubscription) -> AnnualSubscription:
    return replace(value, year=year)


def test_an_undivided_result_is_taken_in_its_own_year() -> None:
    one, other = SOURCES[0], SOURCES[1]
    movements = [
        ResultMovement(one, None, 5, 2011),
        ResultMovement(one, None, 7, 2012),
        ResultMovement(other, None, 9, 2011),
    ]
    pools = [ResultPool(one, 5), ResultPool(other, 9), ResultPool(one, 7)]
    assert pools_of_year(2012, pools, movements) == (ResultPool(one, 7),)
    assert pools_of_year(2013, pools, movements) == ()


@identity
@given(st.integers(-(10**12), 10**12), st.decimals(-100, 1000, places=3))
def test_the_cost_is_the_sum_of_its_lines_with_any_percentage(cost_oere: int, percent: Decimal) -> None:
    changed = with_assumed_cost([cost_line(ODENSE, cost_oere)], 2010, Assumptions(cost_percent=percent))
    value = priced(year_facts(changed))
    assert value.cost_oere == sum(part.share_oere for part in value.parts)
    # At most half an øre from the exact percentage.
    assert abs(2 * 100_000 * changed[-1].net_oere - 2 * cost_oere * int(percent * 1000)) <= 100_000


def test_the_example_of_2009_and_three_percent_more() -> None:
    changed = with_assumed_cost(BUDGET_2009, 2009, Assumptions(cost_percent=Decimal(3)))
    value = priced(year_facts(changed))
    assert value.cost_oere == 2_540_735_333
    shares = split_by_hand(2_540_735_333, POPULATION_2008)
    assert {part.municipality: part.obligation_oere for part in value.parts} == shares
