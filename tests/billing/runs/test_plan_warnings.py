"""What a plan points at before anybody approves it: each warning by hand, and what its e-invoices would lack."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from agreements import run as agreements
from agreements import trading_run
from billing.monthly_aconto.rules import PriceMissing
from billing.monthly_run import run as runs
from billing.monthly_run.facts import PlanWarning, RunPlan, RunScope
from foundation.period import Month
from tests.agreements.test_trading_run import WHOLE_FILE
from tests.billing.runs.conftest import (
    BUDGET_2009,
    COST_2009,
    FUNEN,
    NINE,
    ODENSE,
    Life,
)

POSTGRESQL_IN_SOAK = True  # what is tried here lies above the stores

AEROE, MIDDELFART = "492", "410"
EIGHT = tuple(code for code in NINE if code != ODENSE)  # Odense's own share is never sent
LAST_DAY_TO_PLAN = date(2008, 12, 15)


def planned(life: Life, day: date) -> RunPlan:
    return life.do(lambda connection, occasion: runs.plan_run(connection, RunScope(), occasion), day)


def warned(plan: RunPlan, warning: PlanWarning) -> list[str]:
    """Who is pointed at."""
    return [document.subscriber for document in plan.documents if warning in document.warnings]


def joins(life: Life, who: str, year: int, day: date) -> None:
    life.do(lambda connection, occasion: agreements.take_in(connection, life.code, who, year, occasion), day)


def warn_from(life: Life, percent: int) -> None:
    life.do(
        lambda connection, occasion: runs.set_issuer(connection, ODENSE, occasion, warn_percent=percent),
        life.today,
    )


def test_a_price_that_is_missing(priced: Life) -> None:
    """Before 15 December the month is refused by name; from that day last year's instalment is planned and marked."""
    priced.issue_months(2009)
    scope = RunScope(FUNEN, Month(2010, 1))
    error = priced.refused(
        PriceMissing,
        lambda connection, occasion: runs.plan_run(connection, scope, occasion),
        date(2009, 12, 14),
    )
    assert "subscription calculate fyn-alkohol 2010" in str(error)
    later = planned(priced, date(2009, 12, 15))
    assert later.failed == ()
    assert warned(later, PlanWarning.PROVISIONAL) == list(NINE)
    priced.budget(2010, BUDGET_2009, date(2009, 12, 15))
    priced.calculate(2010, date(2009, 12, 15))
    assert warned(planned(priced, date(2009, 12, 15)), PlanWarning.PROVISIONAL) == []


def test_the_first_and_the_last_month_of_a_party(priced: Life) -> None:
    """Ærø leaves with 2009, and Middelfart comes with 2010."""
    priced.leave(AEROE, 2009, date(2009, 6, 30))
    joins(priced, MIDDELFART, 2010, date(2009, 6, 30))
    priced.budget(2010, BUDGET_2009, date(2009, 6, 30))
    priced.calculate(2010, date(2009, 6, 30))
    priced.issue_months(2009, 1, 10)
    november = planned(priced, date(2009, 10, 15))
    assert warned(november, PlanWarning.FIRST_MONTH) == warned(november, PlanWarning.LAST_MONTH) == []
    priced.issue_months(2009, 11, 11)
    december = planned(priced, date(2009, 11, 13))
    assert warned(december, PlanWarning.LAST_MONTH) == [AEROE]
    assert warned(december, PlanWarning.FIRST_MONTH) == []
    priced.issue_months(2009, 12, 12)
    january = planned(priced, date(2009, 12, 15))
    assert warned(january, PlanWarning.FIRST_MONTH) == [MIDDELFART]
    assert warned(january, PlanWarning.LAST_MONTH) == []
    (of_middelfart,) = [document for document in january.documents if document.subscriber == MIDDELFART]
    assert of_middelfart.change == "Ikke faktureret raten før."


@pytest.mark.parametrize(
    ("percent", "pointed_at"),
    # 11 % more cost, of which eleven months bear twelve: 11 x 12 / 11 = 12 % more in February, but for odd øre.
    [(0, NINE), (10, NINE), (11, NINE), (13, ()), (1000, ())],
)
def test_an_amount_off_by_more_than_the_issuers_percentage(
    priced: Life, percent: int, pointed_at: tuple[str, ...]
) -> None:
    priced.issue(Month(2009, 1))
    priced.budget(2009, {**BUDGET_2009, ODENSE: BUDGET_2009[ODENSE] + COST_2009 * 11 // 100}, date(2009, 1, 12))
    priced.calculate(2009, date(2009, 1, 12))
    if percent != 10:  # the default
        warn_from(priced, percent)
    plan = planned(priced, date(2009, 1, 15))
    assert {document.month for document in plan.documents} == {Month(2009, 2)}
    assert warned(plan, PlanWarning.AMOUNT_OFF) == list(pointed_at)
    for document in plan.documents:
        assert document.previous_oere is not None
        assert abs(document.amount_oere * 100 - document.previous_oere * 112) < 500
        assert document.change.endswith("mere end raten før: ny prisberegning.")


def test_exactly_the_percentage_is_not_more_than_it(priced: Life) -> None:
    """Nothing changes from January to February, and the limit is nothing: nobody is pointed at."""
    warn_from(priced, 0)
    priced.issue(Month(2009, 1))
    assert warned(planned(priced, date(2009, 1, 15)), PlanWarning.AMOUNT_OFF) == []


def test_a_month_whose_own_deadline_has_passed(priced: Life) -> None:
    plan = planned(priced, date(2009, 1, 15))  # January's was 15 December; February's is today
    late = {document.month for document in plan.documents if PlanWarning.LATE in document.warnings}
    assert late == {Month(2009, 1)}
    assert {document.month for document in plan.documents} == {Month(2009, 1), Month(2009, 2)}


def test_what_is_paid_out(priced: Life) -> None:
    """Half of the cost of a year of which eleven months are billed: December gives five of them back."""
    priced.issue_months(2009, 1, 11)
    priced.budget(2009, {code: amount // 2 for code, amount in BUDGET_2009.items()}, date(2009, 11, 10))
    priced.calculate(2009, date(2009, 11, 10))
    plan = planned(priced, date(2009, 11, 13))
    assert warned(plan, PlanWarning.PAID_OUT) == warned(plan, PlanWarning.AMOUNT_OFF) == list(NINE)
    # Half the budgets, less eleven of domain.md's monthly amounts.
    billed = 11 * (19_420_282 + 23_990_195 + 10_912_191 + 14_595_921 + 86_324_066 + 27_264_314 + 13_609_067)
    billed += 11 * (6_345_510 + 3_099_561)
    assert plan.total_oere == 912_500_000 + 320_866_666 - billed


def test_what_e_invoices_would_lack_is_shown_kept_and_stops_nothing_where_it_only_warns(priced: Life) -> None:
    """Without details eight payers lack all; with the file's, only what Assens has and seven have not."""
    plan = planned(priced, LAST_DAY_TO_PLAN)
    lacking: Counter[str] = Counter()
    for entry in plan.missing:
        lacking[entry.rule] += entry.bills
    rules = ("DK-R-005", "PEPPOL-EN16931-R010", "PEPPOL-EN16931-R003", "BR-E-02")
    assert lacking == dict.fromkeys(rules, len(EIGHT))
    with priced.database.reading() as connection:
        assert runs.get_plan(connection, plan.number).missing == plan.missing
    # What was planned is approved and issued as it is, also when the issuer's details came in between and it chose that
    # what lacks something is issued all the same; test_unfit_documents has the other choice.
    issuers, _, others = WHOLE_FILE.partition("[[services]]")
    issuers += 'unfit = "warned"\n'
    priced.do(lambda connection, occasion: runs.approve_run(connection, plan.number, occasion), LAST_DAY_TO_PLAN)
    priced.do(
        lambda connection, occasion: trading_run.load_details(connection, "x.toml", issuers.encode(), occasion),
        LAST_DAY_TO_PLAN,
    )
    done = priced.do(lambda connection, occasion: runs.issue_run(connection, plan.number, occasion), LAST_DAY_TO_PLAN)
    assert sum(len(month.issued) for month in done.months) == len(NINE)
    priced.do(
        lambda connection, occasion: trading_run.load_details(
            connection, "y.toml", f"[[services]]{others}".encode(), occasion
        ),
        LAST_DAY_TO_PLAN,
    )
    february = planned(priced, date(2009, 1, 15))
    lacking.clear()
    for entry in february.missing:
        lacking[entry.rule] += entry.bills
    assert lacking == {"PEPPOL-EN16931-R010": len(EIGHT) - 1, "PEPPOL-EN16931-R003": len(EIGHT) - 1}
    assert not any("Assens" in entry.message for entry in february.missing)
    assert all(document.agreement == FUNEN for document in february.documents)
