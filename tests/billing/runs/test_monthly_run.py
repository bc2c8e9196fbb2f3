"""A run as a plan: everything that is due, seen and approved by name, issued once if nothing has changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Connection

from billing.monthly_run import run as runs
from billing.monthly_run.facts import PlanState, PlanWarning, RunPlan, RunScope
from billing.monthly_run.rules import (
    FourEyesRequired,
    OneStepRefused,
    PlanHasEnded,
    PlanNotApproved,
    PlanOutOfDate,
)
from billing.monthly_run.run import PlanUnknown
from foundation.audit import Occasion
from foundation.period import Month
from tests.billing.runs.conftest import (
    BUDGET_2009,
    COST_2009,
    FUNEN,
    INHABITANTS_2008,
    NINE,
    ODENSE,
    Life,
    amounts,
    numbers,
    split_by_hand,
    twelve_by_hand,
)

POSTGRESQL_IN_SOAK = True  # test_concurrency, test_constraints and test_clock_database have it in every run
ALL = RunScope()
FEBRUARY_15 = date(2009, 2, 13)  # the 15th is a Sunday: January, February and March are due
INSTALMENTS = {who: twelve_by_hand(share)[0] for who, share in split_by_hand(COST_2009, INHABITANTS_2008).items()}


def planned(life: Life, day: date = FEBRUARY_15, scope: RunScope = ALL) -> RunPlan:
    return life.do(lambda connection, occasion: runs.plan_run(connection, scope, occasion), day)


def by(who: str, occasion: Occasion) -> Occasion:
    return replace(occasion, actor=who)


def approved(life: Life, plan: RunPlan, who: str = "Birgit", day: date = FEBRUARY_15) -> RunPlan:
    return life.do(
        lambda connection, occasion: runs.approve_run(connection, plan.number, by(who, occasion)),
        day,
    )


def four_eyes(life: Life) -> None:
    life.do(
        lambda connection, occasion: runs.set_issuer(connection, ODENSE, occasion, four_eyes=True),
        date(2008, 6, 2),
    )


def test_a_plan_holds_every_month_that_is_due_and_missing(priced: Life) -> None:
    plan = planned(priced)
    assert [str(month) for month in sorted({document.month for document in plan.documents})] == [
        "2009-01",
        "2009-02",
        "2009-03",
    ]
    for month in range(1, 4):
        of_month = {doc.subscriber: doc.amount_oere for doc in plan.documents if doc.month == Month(2009, month)}
        assert of_month == INSTALMENTS
    assert plan.state is PlanState.PLANNED
    assert plan.failed == ()
    first = [document for document in plan.documents if document.month == Month(2009, 1)]
    assert all(PlanWarning.FIRST_MONTH in document.warnings for document in first)
    later = [document for document in plan.documents if document.month == Month(2009, 2)]
    assert {document.change for document in later} == {"Som raten før."}


def test_a_plan_is_issued_once_with_what_it_said(priced: Life) -> None:
    plan = approved(priced, planned(priced))

    def issue(connection: Connection, occasion: Occasion) -> list[int]:
        done = runs.issue_run(connection, plan.number, occasion)
        assert [amounts(outcome.issued) for outcome in done.months] == [INSTALMENTS] * 3
        return numbers(document for outcome in done.months for document in outcome.issued)

    assert priced.do(issue, date(2009, 2, 16)) == list(range(1, 28))
    priced.refused(
        PlanHasEnded,
        lambda connection, occasion: runs.issue_run(connection, plan.number, occasion),
        date(2009, 2, 17),
    )
    again = planned(priced)
    assert (again.documents, again.failed) == ((), ())


def test_what_is_not_approved_is_not_issued(priced: Life) -> None:
    plan = planned(priced)
    priced.refused(
        PlanNotApproved,
        lambda connection, occasion: runs.issue_run(connection, plan.number, occasion),
        FEBRUARY_15,
    )
    priced.refused(PlanUnknown, lambda connection, occasion: runs.issue_run(connection, 99, occasion), FEBRUARY_15)


def test_four_eyes_are_two_persons(priced: Life) -> None:
    four_eyes(priced)
    plan = planned(priced)
    assert plan.four_eyes
    priced.refused(
        FourEyesRequired,
        lambda connection, occasion: runs.approve_run(connection, plan.number, by(" PRØVEN ", occasion)),
        FEBRUARY_15,
    )
    assert approved(priced, plan).state is PlanState.APPROVED
    priced.refused(
        OneStepRefused,
        lambda connection, occasion: runs.issue_in_one_step(connection, FUNEN, Month(2009, 1), occasion),
        FEBRUARY_15,
    )


def test_a_budget_that_changed_after_approval_is_named(priced: Life) -> None:
    plan = approved(priced, planned(priced))
    priced.budget(2009, {**BUDGET_2009, ODENSE: 1_900_000_000}, FEBRUARY_15)
    error = priced.refused(
        PlanOutOfDate,
        lambda connection, occasion: runs.issue_run(connection, plan.number, occasion),
        FEBRUARY_15,
    )
    assert "budgettet for 2009 i fyn-alkohol" in str(error)
    assert "prisen" not in str(error)


@pytest.mark.parametrize("what", ["price", "member", "figure", "bill"])
def test_whatever_a_plan_rests_on_must_be_the_same(priced: Life, what: str) -> None:
    plan = approved(priced, planned(priced))
    if what == "price":
        priced.budget(2009, {**BUDGET_2009, ODENSE: 1_900_000_000}, FEBRUARY_15)
        priced.calculate(2009, FEBRUARY_15)
    elif what == "member":
        priced.leave("492", 2009, FEBRUARY_15)
        priced.budget(2010, BUDGET_2009, FEBRUARY_15)
    elif what == "figure":
        priced.population("492", date(2008, 1, 1), 6713, FEBRUARY_15)
    else:
        priced.issue(Month(2009, 1), FEBRUARY_15)
    if what == "member":  # who leaves later takes part as before
        priced.do(lambda connection, occasion: runs.issue_run(connection, plan.number, occasion), FEBRUARY_15)
        return
    priced.refused(
        PlanOutOfDate,
        lambda connection, occasion: runs.issue_run(connection, plan.number, occasion),
        FEBRUARY_15,
    )


def test_a_stopped_plan_leaves_everything_due(priced: Life) -> None:
    plan = planned(priced)
    priced.do(lambda connection, occasion: runs.stop_run(connection, plan.number, occasion, "forkert dag"), FEBRUARY_15)
    priced.refused(
        PlanHasEnded,
        lambda connection, occasion: runs.approve_run(connection, plan.number, by("Birgit", occasion)),
        FEBRUARY_15,
    )
    assert len(planned(priced).documents) == 3 * len(NINE)


def test_one_step_leaves_its_plan_behind_and_a_repeat_none(priced: Life) -> None:
    def issue(connection: Connection, occasion: Occasion) -> dict[str, int]:
        return amounts(runs.issue_in_one_step(connection, FUNEN, Month(2009, 1), occasion).issued)

    assert priced.do(issue, date(2008, 12, 15)) == INSTALMENTS
    with priced.database.reading() as connection:
        (plan,) = runs.list_plans(connection)
    assert plan.state is PlanState.ISSUED
    before = priced.everything()
    assert priced.do(issue, date(2008, 12, 15)) == {}
    assert priced.everything() == before


def test_a_year_without_a_price_is_planned_provisionally_with_a_warning(priced: Life) -> None:
    priced.issue_months(2009)
    plan = planned(priced, date(2009, 12, 15))
    assert {document.month for document in plan.documents} == {Month(2010, 1)}
    assert {document.subscriber: document.amount_oere for document in plan.documents} == INSTALMENTS
    assert all(PlanWarning.PROVISIONAL in document.warnings for document in plan.documents)


def test_an_agreement_that_cannot_be_planned_does_not_stop_the_others(priced: Life) -> None:
    def second(connection: Connection, occasion: Occasion) -> None:
        from agreements import run as agreements
        from tests.billing.runs.conftest import agreement_file

        agreements.load_agreement(connection, "anden.toml", agreement_file("aa-uden-pris"), occasion)

    priced.do(second, date(2008, 6, 2))
    plan = planned(priced, date(2008, 12, 15))
    assert {document.agreement for document in plan.documents} == {FUNEN}
    (failed,) = plan.failed
    assert (failed.agreement, failed.month, failed.subscriber) == ("aa-uden-pris", Month(2009, 1), None)
