"""A forecast beside the calculation that it forecasts, on both databases; it never writes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Connection

from agreements import run as agreements
from agreements.membership import AlreadyMember, NotAMember, YearNotAgreed
from agreements.municipality import UnknownMunicipality
from agreements.population import PopulationMissing
from agreements.run import AgreementUnknown
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription.facts import AnnualSubscription
from billing.annual_subscription.forecast import explain_price, forecast_years
from billing.annual_subscription.forecast_rules import (
    Assumptions,
    LeavesAndJoins,
    TwoCostChanges,
    YearForecast,
)
from billing.annual_subscription.rules import BudgetMissing, NoMembers
from billing.annual_subscription.run import SubscriptionUnknown
from billing.year_end_settlement.facts import CarryOver
from foundation.audit import Occasion
from foundation.database import Database
from foundation.errors import MellemregningError
from tests.billing.runs.conftest import (
    AEROE,
    BUDGET_2009,
    COST_2009,
    FUNEN,
    INHABITANTS_2008,
    LANGELAND,
    NINE,
    ODENSE,
    ODENSE_2009,
    SVENDBORG,
    SVENDBORG_2009,
    Life,
    agreement_file,
    split_by_hand,
    twelve_by_hand,
)

POSTGRESQL_IN_SOAK = True

NOTHING = Assumptions()
MIDDELFART = "410"
EIGHT = tuple(code for code in NINE if code != LANGELAND)
BUDGET_2010 = {ODENSE: 1_871_234_567, SVENDBORG: 648_765_432}


def life(database: Database, **terms: str) -> Life:
    made = Life(database)
    made.register(agreement_file(**terms))
    return made


@pytest.fixture
def funen(database: Database) -> Life:
    return life(database)


def foreseen(
    of: Life,
    year: int,
    assumptions: Assumptions = NOTHING,
    until: int | None = None,
) -> tuple[YearForecast, ...]:
    """The forecast, which leaves all tables as they were although it could write."""
    before = of.everything()
    with of.database.transaction() as connection:
        found = forecast_years(connection, of.code, year, assumptions, until)
    assert of.everything() == before
    return found


def previewed(of: Life, year: int) -> AnnualSubscription:
    with of.database.reading() as connection:
        return subscriptions.calculate_year(connection, of.code, year, of.occasion(of.today), preview=True).subscription


def owed(price: AnnualSubscription) -> dict[str, tuple[int, int, int]]:
    return {part.municipality: (part.share_oere, part.passed_on_oere, part.obligation_oere) for part in price.parts}


def obligations(price: AnnualSubscription) -> dict[str, int]:
    return {part.municipality: part.obligation_oere for part in price.parts}


def agrees_with_the_calculation(of: Life, year: int) -> YearForecast:
    (found,) = foreseen(of, year)
    expected = previewed(of, year)
    assert owed(found.price) == owed(expected)
    assert [line.amount_oere for line in found.price.cost_lines] == [line.amount_oere for line in expected.cost_lines]
    assert found.price.reference_date == expected.reference_date
    for part in found.price.parts:
        assert [one.amount_oere for one in part.instalments] == twelve_by_hand(
            part.obligation_oere, found.price.unit_oere
        )
    return found


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"rounding_unit": '"1"'},
        {"result_key": '"application_year"'},
        {"reference_date": '"january_1_of_same_year"', "lag_years": "1"},
    ],
    ids=["funen", "kroner", "application_year", "same_year"],
)
def test_it_is_the_calculation_to_the_oere(database: Database, terms: dict[str, str]) -> None:
    of = life(database, **terms)
    agrees_with_the_calculation(of, 2009)
    of.budget(2010, BUDGET_2010, date(2008, 6, 1), until=2013)
    of.bill_year(2009)
    of.accounts(2009, {ODENSE: 1_801_111_111, SVENDBORG: 639_999_999}, date(2010, 3, 1))
    for year in (2010, 2011, 2012):
        agrees_with_the_calculation(of, year)
    of.calculate(2010, date(2009, 6, 1))
    of.leave(LANGELAND, 2010, date(2010, 3, 2))
    of.close(2009, date(2010, 3, 20), CarryOver(amount_oere=10_000_001))
    for year in (2010, 2011, 2012):
        agrees_with_the_calculation(of, year)
    lag = int(terms.get("lag_years", "2"))
    assert sum(part.passed_on_oere for part in foreseen(of, 2009 + lag)[0].price.parts) != 0
    of.calculate(2009 + lag, date(2010, 4, 1))
    of.release(2009, 2012, CarryOver(percent=Decimal(100)), date(2010, 5, 2))
    for year in (2010, 2011, 2012, 2013):
        agrees_with_the_calculation(of, year)


def test_the_worked_example_and_what_it_rests_on(funen: Life) -> None:
    found = agrees_with_the_calculation(funen, 2009)
    assert obligations(found.price) == split_by_hand(COST_2009, INHABITANTS_2008)
    assert found.explained == {}
    basis = found.basis
    assert (basis.budget_year, basis.population_date, basis.reference_date) == (
        2009,
        date(2008, 1, 1),
        date(2008, 1, 1),
    )
    assert (basis.without_budget, basis.population_missing, basis.unclosed) == ((), (), None)
    assert (basis.is_closed, basis.is_invoiced) == (False, False)


def test_a_year_without_budget_or_figures_rests_on_the_newest(funen: Life) -> None:
    funen.calculate(2009, date(2008, 6, 1))
    (found,) = foreseen(funen, 2050)
    assert (found.basis.budget_year, found.basis.reference_date) == (2009, date(2049, 1, 1))
    assert found.basis.population_missing == NINE
    newest = found.basis.population_date
    assert obligations(found.price) == split_by_hand(COST_2009, funen.inhabitants(newest))
    assert found.basis.unclosed == 2048
    assert found.explained == {}  # 2049 has no price
    with pytest.raises(BudgetMissing):
        previewed(funen, 2050)


def test_a_single_missing_figure_takes_everybody_back_to_the_same_day(funen: Life) -> None:
    funen.budget(2030, BUDGET_2009, date(2009, 1, 1))
    newest = foreseen(funen, 2030)[0].basis.population_date
    for code in NINE:
        if code != AEROE:
            funen.population(code, date(2029, 1, 1), 1_000, date(2029, 2, 1))
    (found,) = foreseen(funen, 2030)
    assert (found.basis.population_missing, found.basis.population_date) == ((AEROE,), newest)
    # Without Ærø everybody has a figure of the reference date.
    (found,) = foreseen(funen, 2030, Assumptions(without=frozenset({AEROE})))
    assert (found.basis.population_missing, found.basis.population_date) == ((), date(2029, 1, 1))
    funen.population(AEROE, date(2029, 1, 1), 1_000, date(2029, 2, 1))
    agrees_with_the_calculation(funen, 2030)


def test_without_a_leaver_it_is_the_price_after_its_notice(funen: Life) -> None:
    funen.budget(2010, BUDGET_2010, date(2009, 5, 1))
    funen.calculate(2009, date(2009, 5, 1))
    (found,) = foreseen(funen, 2010, Assumptions(without=frozenset({LANGELAND})))
    funen.leave(LANGELAND, 2009, date(2009, 6, 30))
    price = funen.calculate(2010, date(2009, 7, 1)).subscription
    assert owed(found.price) == owed(price)
    weights = funen.inhabitants(date(2009, 1, 1), EIGHT)
    assert obligations(price) == split_by_hand(sum(BUDGET_2010.values()), weights)
    with funen.database.reading() as connection:
        assert explain_price(connection, FUNEN, 2010) == found.explained


@pytest.mark.parametrize("key", ["accounting_year", "application_year"])
def test_without_a_leaver_its_part_of_a_result_is_left_out_as_after_its_notice(database: Database, key: str) -> None:
    of = life(database, result_key=f'"{key}"')
    of.budget(2010, BUDGET_2009, date(2008, 5, 1), until=2011)
    of.bill_year(2009)
    of.accounts(2009, {ODENSE: ODENSE_2009 - 99_999_999, SVENDBORG: SVENDBORG_2009}, date(2010, 3, 1))
    of.close(2009, date(2010, 4, 1))
    (found,) = foreseen(of, 2011, Assumptions(without=frozenset({LANGELAND})))
    of.leave(LANGELAND, 2010, date(2010, 6, 1))
    assert owed(found.price) == owed(of.calculate(2011, date(2010, 6, 2)).subscription)
    result = split_by_hand(99_999_999, INHABITANTS_2008)
    assert sum(part.passed_on_oere for part in found.price.parts) == 99_999_999 - result[LANGELAND]


def test_with_another_it_is_the_price_after_it_joined(funen: Life) -> None:
    funen.budget(2010, BUDGET_2010, date(2009, 5, 1))
    (found,) = foreseen(funen, 2010, Assumptions(joining=frozenset({MIDDELFART})))
    ten = (MIDDELFART, *NINE)
    assert obligations(found.price) == split_by_hand(
        sum(BUDGET_2010.values()), funen.inhabitants(date(2009, 1, 1), ten)
    )
    funen.do(
        lambda connection, occasion: agreements.take_in(connection, FUNEN, MIDDELFART, 2010, occasion),
        date(2009, 5, 2),
    )
    assert owed(found.price) == owed(funen.calculate(2010, date(2009, 7, 1)).subscription)


def test_a_series_step_by_step(funen: Life) -> None:
    funen.calculate(2009, date(2008, 6, 1))
    steps = {2010: -1_340_000_000, 2011: -1_750_000_000}
    first, second, third = foreseen(funen, 2010, Assumptions(steps=steps), 2012)
    for found, step, year in ((first, steps[2010], 2010), (second, steps[2011], 2011), (third, steps[2011], 2012)):
        assert (found.price.year, found.basis.budget_year, found.price.cost_oere) == (year, 2009, COST_2009 + step)
        weights = funen.inhabitants(date(year - 1, 1, 1))
        assert obligations(found.price) == split_by_hand(COST_2009 + step, weights)
    was = split_by_hand(COST_2009, INHABITANTS_2008)
    for found in (first, second, third):
        now = obligations(found.price)
        assert {code: change.previous_oere for code, change in found.explained.items()} == was
        assert {code: change.change_oere for code, change in found.explained.items()} == {
            code: now[code] - was[code] for code in NINE
        }
        was = now
    assert sum(change.cost_oere for change in first.explained.values()) == -1_340_000_000
    assert sum(change.cost_oere for change in second.explained.values()) == -410_000_000
    assert {change.cost_oere for change in third.explained.values()} == {0}


def test_a_series_takes_the_budget_of_each_year_that_has_one(funen: Life) -> None:
    funen.budget(2011, BUDGET_2010, date(2009, 5, 1))
    found = foreseen(funen, 2010, Assumptions(cost_percent=Decimal(10)), 2012)
    assert [one.basis.budget_year for one in found] == [2009, 2011, 2011]
    # Ten percent of 24,667,333.33 is 2,466,733.333, and of 25,199,999.99 it is 2,519,999.999.
    assert [one.price.cost_oere for one in found] == [2_713_406_666, 2_771_999_999, 2_771_999_999]


@pytest.mark.parametrize("key", ["accounting_year", "application_year"])
@pytest.mark.parametrize("priced", [(), (2010, 2011), (2010, 2011, 2012)], ids=str)
def test_a_result_that_came_late_is_passed_on_once(database: Database, key: str, priced: tuple[int, ...]) -> None:
    """2011's price was fixed before 2009 was closed: whoever takes the result, it is taken once in the series."""
    of = life(database, result_key=f'"{key}"')
    of.budget(2010, BUDGET_2009, date(2008, 5, 1), until=2013)
    of.bill_year(2009)
    for year in priced:
        of.calculate(year, date(2010, 1, 1))
    of.accounts(2009, {ODENSE: ODENSE_2009 - 99_999_999, SVENDBORG: SVENDBORG_2009}, date(2010, 3, 1))
    of.close(2009, date(2010, 4, 1), CarryOver(amount_oere=9_999_999))
    of.release(2009, 2013, CarryOver(amount_oere=9_999_999), date(2010, 4, 2))
    found = foreseen(of, 2011, NOTHING, 2013)
    assert [one.price.passed_on_oere for one in found] == [90_000_000, 0, 9_999_999]
    if priced:
        # It can still come late into 2012's price, if a forecast begins there.
        assert [one.price.passed_on_oere for one in foreseen(of, 2012, NOTHING, 2013)] == [90_000_000, 9_999_999]


def test_a_closed_and_an_invoiced_year_say_so(funen: Life) -> None:
    funen.bill_year(2009)
    assert (foreseen(funen, 2009)[0].basis.is_invoiced, foreseen(funen, 2009)[0].basis.is_closed) == (True, False)
    funen.accounts(2009, BUDGET_2009, date(2010, 3, 1))
    funen.close(2009, date(2010, 4, 1))
    assert agrees_with_the_calculation(funen, 2009).basis.is_closed


def test_a_provider_without_a_budget_is_named(funen: Life) -> None:
    funen.budget(2010, {ODENSE: 1}, date(2009, 5, 1))
    assert foreseen(funen, 2010)[0].basis.without_budget == (SVENDBORG,)


@pytest.mark.parametrize(
    ("error", "year", "assumptions"),
    [
        (UnknownMunicipality, 2010, Assumptions(without=frozenset({"999"}))),
        (UnknownMunicipality, 2010, Assumptions(joining=frozenset({"Assens"}))),
        (NotAMember, 2010, Assumptions(without=frozenset({MIDDELFART}))),
        (AlreadyMember, 2010, Assumptions(joining=frozenset({ODENSE}))),
        (LeavesAndJoins, 2010, Assumptions(without=frozenset({ODENSE}), joining=frozenset({ODENSE}))),
        (TwoCostChanges, 2010, Assumptions(cost_percent=Decimal(1), cost_oere=1)),
        (YearNotAgreed, 2008, NOTHING),
        (NoMembers, 2010, Assumptions(without=frozenset(NINE))),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_what_cannot_be_forecast_is_refused(
    funen: Life, error: type[MellemregningError], year: int, assumptions: Assumptions
) -> None:
    funen.refused(error, lambda connection, _: forecast_years(connection, FUNEN, year, assumptions), funen.today)


def test_what_is_missing_is_named(database: Database) -> None:
    of = Life(database)
    file, _, _ = agreement_file().decode().partition("[[budgets]]")

    def registering(connection: Connection, occasion: Occasion) -> None:
        agreements.load_agreement(connection, "aftale.toml", file.encode(), occasion)

    of.do(registering, of.today)
    of.refused(AgreementUnknown, lambda connection, _: forecast_years(connection, "x", 2010, NOTHING), of.today)
    of.refused(SubscriptionUnknown, lambda connection, _: explain_price(connection, FUNEN, 2010), of.today)
    of.refused(BudgetMissing, lambda connection, _: forecast_years(connection, FUNEN, 2010, NOTHING), of.today)
    of.budget(2009, BUDGET_2009, of.today)
    missing = of.refused(
        PopulationMissing, lambda connection, _: forecast_years(connection, FUNEN, 2010, NOTHING), of.today
    )
    assert "Ærø" in str(missing)
    assert "01.01.2009" in str(missing)
