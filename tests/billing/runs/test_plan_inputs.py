"""A plan falls with whatever its prices rest on, and the refusal names it; the prices themselves are still the same."""

from __future__ import annotations

from datetime import date
from importlib import resources

import pytest

from agreements import run as agreements
from agreements.population import Layout, PopulationFigure, PopulationReading
from billing.monthly_run import run as runs
from billing.monthly_run.facts import RunPlan, RunScope
from billing.monthly_run.rules import PlanOutOfDate
from foundation.database import Database
from foundation.period import Month
from tests.billing.runs.conftest import BUDGET_2009, Life

TILSYN = "tilsyn-aldersgruppe"


def approved(life: Life, day: date, month: Month | None = None) -> RunPlan:
    plan = life.do(
        lambda connection, occasion: runs.plan_run(connection, RunScope(life.code, month), occasion),
        day,
    )
    assert plan.documents
    life.do(lambda connection, occasion: runs.approve_run(connection, plan.number, occasion), day)
    return plan


def refused(life: Life, plan: RunPlan, day: date) -> str:
    return str(
        life.refused(PlanOutOfDate, lambda connection, occasion: runs.issue_run(connection, plan.number, occasion), day)
    )


def test_a_result_that_is_decided_meanwhile(priced: Life) -> None:
    priced.issue_months(2009)
    priced.budget(2010, BUDGET_2009, date(2009, 5, 1), until=2011)
    priced.bill_year(2010)
    priced.calculate(2011, date(2010, 12, 15))
    day = date(2011, 1, 10)
    first, second = (approved(priced, day, Month(2011, month)) for month in (1, 2))
    priced.accounts(2009, {code: amount - 100 for code, amount in BUDGET_2009.items()}, day)
    priced.do(lambda connection, occasion: runs.issue_run(connection, first.number, occasion), day)
    priced.close(2009, day)
    assert "de tidligere resultater, der indregnes i 2011 i fyn-alkohol." in refused(priced, second, day)
    # The one that is decided now changes nothing more.
    third = approved(priced, day, Month(2011, 2))
    priced.do(lambda connection, occasion: runs.issue_run(connection, third.number, occasion), day)


def keep(life: Life, figures: dict[str, int], day: date) -> None:
    on = date(2008, 1, 1)
    rows = tuple(PopulationFigure(who, on, count, "opdigtet", day) for who, count in figures.items())
    reading = PopulationReading(rows, (), "utf-8", Layout.OWN)
    life.do(
        lambda connection, occasion: agreements.keep_age_band(connection, "a.csv", "", (0, 17), reading, occasion),
        day,
    )


@pytest.fixture
def tilsyn(database: Database) -> Life:
    """Three who share by their inhabitants of 0-17 years, once a year."""
    life = Life(database, TILSYN, 0)
    file = resources.files("agreements").joinpath("examples/variants/tilsyn_aldersgruppe.toml").read_bytes()
    life.register(file)
    keep(life, {"420": 1800, "461": 3600, "480": 900}, date(2008, 5, 1))
    life.calculate(2009, date(2008, 6, 1))
    return life


def test_a_figure_of_an_age_band_that_is_revised_meanwhile(tilsyn: Life) -> None:
    day = date(2009, 1, 15)
    plan = approved(tilsyn, day)
    keep(tilsyn, {"480": 901}, day)
    assert "tallene for 0-17-årige pr. 01.01.2008, tilsyn-aldersgruppe." in refused(tilsyn, plan, day)
