"""One deadline under the clock: what it plans, tells, approves, issues and warns of, and what it leaves to people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import Connection

from billing.monthly_aconto.rules import PriceMissing
from billing.monthly_run import run as runs
from billing.monthly_run.facts import PlanState, PlanWarning, RunScope
from billing.monthly_run.rules import ClockDaysWrong, ClocksName, NoMailAddress, PersonMustApprove
from foundation.audit import Occasion
from foundation.period import Month
from tests.billing.runs.clockwork import Travelled, another, begun, day
from tests.billing.runs.conftest import (
    AN_INSTANT,
    BUDGET_2009,
    COST_2009,
    FUNEN,
    INHABITANTS_2008,
    ODENSE,
    Life,
    LifeOf,
    amounts,
    numbers,
    split_by_hand,
    twelve_by_hand,
)

POSTGRESQL_IN_SOAK = True  # what is tried here lies above the stores; test_clock_database.py has those

CLOCK, OFFICER = '"clock"', '"officer"'
INSTALMENTS = {who: twelve_by_hand(share)[0] for who, share in split_by_hand(COST_2009, INHABITANTS_2008).items()}


def test_the_officer_is_told_what_by_when_and_how_much(life_of: LifeOf) -> None:
    travelled = begun(life_of, OFFICER)
    travelled.settings(mail="faktura@kommune.example")
    travelled.morning(day(10))
    entry = travelled.told()["run.waiting/1"]
    assert (entry.recipient, entry.issuer, entry.business_date) == ("faktura@kommune.example", ODENSE, day(10))
    assert entry.subject == "Plan 1 venter på godkendelse: 2.055.611,07 kr. senest 15.12.2008"
    for words in (
        "Sidste frist: 15.12.2008 (om 5 dage).",
        "9 regninger, i alt 2.055.611,07 kr.",
        "januar 2009",
        "ikke faktureret raten før: Assens Kommune",
        "en medarbejder udsteder fyn-alkohol",
        "run approve 1",
    ):
        assert words in entry.body
    assert entry.reference["total_oere"] == 205_561_107
    assert entry.reference["by_clock"] is False


def test_nobody_approves_and_the_alarm_is_raised_three_times(life_of: LifeOf) -> None:
    travelled = begun(life_of, OFFICER)
    told = {number: travelled.morning(day(number)) for number in (9, 10, 11, 12, 13, 14, 15, 16, 17, 30)}
    assert {number: keys for number, keys in told.items() if keys} == {
        10: ["run.waiting/1"],
        13: ["run.alarm/1/2008-12-15/near"],
        15: ["run.alarm/1/2008-12-15/day"],
        16: ["run.alarm/1/2008-12-15/passed"],
    }
    assert travelled.issued() == {}
    entry = travelled.told()["run.alarm/1/2008-12-15/passed"]
    assert entry.subject == "ALARM: 9 regninger for januar 2009 skulle være sendt 15.12.2008 (1 dag siden)"
    assert "run approve 1" in entry.body
    # The next month comes within reach: one plan holds both, and says that January is late.
    assert travelled.morning(day(10, 1, 2009)) == ["run.stopped/1", "run.waiting/2", "run.alarm/2/2008-12-15/passed"]
    plan = travelled.plans()[1]
    assert sorted({str(document.month) for document in plan.documents}) == ["2009-01", "2009-02"]
    assert "januar 2009, fyn-alkohol: 26 dage for sent" in travelled.told()["run.waiting/2"].body
    travelled.approve(2, day(10, 1, 2009))
    travelled.issue(2, day(10, 1, 2009))
    assert travelled.morning(day(11, 1, 2009)) == []
    assert sorted(travelled.issued()) == ["2009-01", "2009-02"]


def test_what_is_approved_rings_no_bell_before_its_day(life_of: LifeOf) -> None:
    travelled = begun(life_of, OFFICER)
    travelled.morning(day(10))
    travelled.approve(1, day(11))
    assert [travelled.morning(day(number)) for number in (12, 13, 14)] == [[], [], []]
    assert travelled.morning(day(15)) == ["run.alarm/1/2008-12-15/day"]
    assert "run issue 1" in travelled.told()["run.alarm/1/2008-12-15/day"].body
    assert travelled.issued() == {}


def test_two_persons_where_the_issuer_wants_them(life_of: LifeOf) -> None:
    travelled = begun(life_of)
    travelled.settings(four_eyes=True)
    travelled.morning(day(10))
    assert "kræver to personer" in travelled.told()["run.waiting/1"].body
    assert travelled.morning(day(13)) == ["run.alarm/1/2008-12-15/near"]
    travelled.approve(1, day(13))
    assert travelled.morning(day(15)) == ["run.issued/1"]
    assert "godkendt af Birgit" in travelled.told()["run.issued/1"].body
    assert amounts(travelled.issued()["2009-01"]) == INSTALMENTS


def test_the_clock_is_no_person(life_of: LifeOf) -> None:
    """Where two must see it, the clock's plan needs one person who is not the clock, however its name is written."""
    travelled = begun(life_of)
    travelled.settings(four_eyes=True)
    travelled.morning(day(10))
    (plan,) = travelled.plans()
    assert (plan.by_clock, plan.four_eyes, plan.planned_by) == (True, True, "uret")

    def approving(who: str, *, by_clock: bool = False) -> Callable[[Connection, Occasion], object]:
        return lambda connection, _: runs.approve_run(
            connection, plan.number, Occasion(day(11), who, AN_INSTANT), by_clock=by_clock
        )

    for name in ("uret", " Uret ", "URET", "\uff35\uff52\uff45\uff54"):  # the last one in full width
        travelled.life.refused(PersonMustApprove, approving(name), day(11))
    travelled.life.refused(PersonMustApprove, approving("uret", by_clock=True), day(11))
    assert travelled.states() == [PlanState.PLANNED]
    travelled.life.do(approving("Birgit"), day(11))
    assert travelled.morning(day(15)) == ["run.issued/1"]


def test_nobody_plans_approves_or_issues_in_the_clocks_name(life_of: LifeOf) -> None:
    """Or one person could plan as the clock and approve as itself; also where one person is enough."""
    life = begun(life_of).life
    as_clock = Occasion(day(15), "Uret", AN_INSTANT)
    life.refused(ClocksName, lambda connection, _: runs.plan_run(connection, RunScope(), as_clock), day(15))
    life.refused(
        ClocksName,
        lambda connection, _: runs.issue_in_one_step(connection, FUNEN, Month(2009, 1), as_clock),
        day(15),
    )
    plan = life.do(lambda connection, occasion: runs.plan_run(connection, RunScope(), occasion), day(15))
    assert not plan.by_clock
    error = life.refused(
        PersonMustApprove, lambda connection, _: runs.approve_run(connection, plan.number, as_clock), day(15)
    )
    assert "«Uret» er urets" in str(error)
    assert "run approve 1 --by NAVN" in str(error)


def test_an_approval_is_issued_by_whom_the_agreement_names(life_of: LifeOf) -> None:
    """One of an issuer's agreements is an officer's, so the one plan of them all is."""
    travelled = begun(life_of)
    another(travelled, "fyn-samtale", issued_by=OFFICER)
    travelled.morning(day(10))
    (plan,) = travelled.plans()
    assert {document.agreement for document in plan.documents} == {FUNEN, "fyn-samtale"}
    assert "en medarbejder udsteder fyn-samtale" in travelled.told()["run.waiting/1"].body
    travelled.approve(1, day(12))
    assert travelled.morning(day(15)) == ["run.alarm/1/2008-12-15/day"]
    assert travelled.issued() == {}


def test_an_amount_that_is_far_off_waits_for_a_person(life_of: LifeOf) -> None:
    travelled = begun(life_of)
    travelled.life.issue(Month(2009, 1), day(10))
    travelled.life.budget(2009, {**BUDGET_2009, ODENSE: 3_000_000_000}, day(2, 1, 2009))
    travelled.life.calculate(2009, day(2, 1, 2009))
    travelled.morning(day(10, 1, 2009))
    entry = travelled.told()["run.waiting/1"]
    assert "beløbet afviger meget fra raten før" in entry.body
    assert entry.reference["by_clock"] is False
    assert travelled.morning(day(15, 1, 2009)) == ["run.alarm/1/2009-01-15/day"]
    assert list(travelled.issued()) == ["2009-01"]


def test_a_provisional_month_is_planned_for_its_day_and_never_issued_before(life_of: LifeOf) -> None:
    travelled = begun(life_of)
    travelled.life.issue_months(2009)
    travelled.morning(day(10, 12, 2009))
    (plan,) = travelled.plans()
    assert {warning for document in plan.documents for warning in document.warnings} == {PlanWarning.PROVISIONAL}
    assert {document.subscriber: document.amount_oere for document in plan.documents} == INSTALMENTS
    travelled.approve(1, day(11, 12, 2009))
    travelled.life.refused(
        PriceMissing,
        lambda connection, occasion: runs.issue_run(connection, 1, occasion),
        day(14, 12, 2009),
    )
    assert travelled.morning(day(15, 12, 2009)) == ["run.issued/1"]
    assert {document.provisional for document in travelled.issued()["2010-01"]} == {True}


def test_a_price_that_comes_meanwhile_replaces_the_plan_and_says_so(life_of: LifeOf) -> None:
    travelled = begun(life_of)
    travelled.morning(day(10))
    travelled.life.budget(2009, {**BUDGET_2009, ODENSE: 1_900_000_000}, day(11))
    assert travelled.morning(day(12)) == ["run.stopped/1", "run.waiting/2"]
    assert "budgettet for 2009 i fyn-alkohol" in travelled.told()["run.stopped/1"].body
    assert travelled.states() == [PlanState.STOPPED, PlanState.PLANNED]
    travelled.life.calculate(2009, day(13))
    assert travelled.morning(day(13)) == ["run.stopped/2", "run.waiting/3"]
    assert "prisen for 2009 i fyn-alkohol" in travelled.told()["run.stopped/2"].body
    assert travelled.morning(day(15)) == ["run.issued/3"]
    expected = split_by_hand(1_900_000_000 + COST_2009 - BUDGET_2009[ODENSE], INHABITANTS_2008)
    assert amounts(travelled.issued()["2009-01"]) == {who: twelve_by_hand(share)[0] for who, share in expected.items()}


def test_an_approved_plan_that_no_longer_holds_is_stopped_with_a_warning(life_of: LifeOf) -> None:
    travelled = begun(life_of, OFFICER)
    travelled.morning(day(10))
    travelled.approve(1, day(11))
    travelled.life.population("492", date(2008, 1, 1), 6713, day(12))
    assert travelled.morning(day(12)) == ["run.stopped/1", "run.waiting/2"]
    assert travelled.mornings[-2].happenings[0].urgency == "warning"
    assert "den godkendte plan 1" in travelled.told()["run.stopped/1"].body


def test_an_officer_who_bills_first_leaves_nothing_to_replace(life_of: LifeOf) -> None:
    travelled = begun(life_of)
    travelled.morning(day(10))
    travelled.life.issue(Month(2009, 1), day(11))
    assert travelled.morning(day(12)) == ["run.stopped/1"]
    assert "Intet af det forfalder længere" in travelled.told()["run.stopped/1"].body
    assert travelled.morning(day(15)) == []
    assert travelled.states() == [PlanState.STOPPED]


def test_an_officers_own_plan_makes_the_clocks_needless(life_of: LifeOf) -> None:
    travelled = begun(life_of, OFFICER)
    travelled.life.do(
        lambda connection, occasion: runs.plan_run(connection, RunScope(FUNEN, Month(2009, 1)), occasion),
        day(9),
    )
    assert travelled.morning(day(10)) == ["run.waiting/1"]
    assert travelled.morning(day(13)) == ["run.alarm/1/2008-12-15/near"]
    assert travelled.states() == [PlanState.PLANNED]
    # It no longer holds: the clock makes one that does, and leaves the officer's alone.
    travelled.life.budget(2009, {**BUDGET_2009, ODENSE: 1_900_000_000}, day(14))
    assert travelled.morning(day(14)) == ["run.waiting/2", "run.alarm/2/2008-12-15/near"]
    assert travelled.states() == [PlanState.PLANNED, PlanState.PLANNED]


def test_what_a_person_stopped_the_clock_does_not_issue_by_itself(life_of: LifeOf) -> None:
    travelled = begun(life_of)
    travelled.morning(day(10))
    travelled.stop(1, day(11))
    assert travelled.morning(day(12)) == ["run.waiting/2"]
    assert "Birgit har stoppet en plan, der var den samme" in travelled.told()["run.waiting/2"].body
    assert travelled.morning(day(15)) == ["run.alarm/2/2008-12-15/day"]
    assert travelled.issued() == {}
    travelled.approve(2, day(16))
    assert travelled.morning(day(17)) == ["run.issued/2", "run.caught_up/2"]


def test_what_was_credited_is_not_billed_again_unseen(life_of: LifeOf) -> None:
    travelled = begun(life_of)
    travelled.morning(day(15))
    number = travelled.issued()["2009-01"][0].number
    travelled.life.credit(number, day(16))
    assert travelled.morning(day(17)) == ["run.waiting/2", "run.alarm/2/2008-12-15/passed"]
    assert "1 regning er udstedt før og krediteret" in travelled.told()["run.waiting/2"].body
    travelled.approve(2, day(17))
    assert travelled.morning(day(18)) == ["run.issued/2", "run.caught_up/2"]
    assert len([document for document in travelled.issued()["2009-01"] if document.credited_by is None]) == 10


def test_down_over_several_deadlines(life_of: LifeOf) -> None:
    """What is late goes out at once; what is only coming is planned, and waits for its day."""
    travelled = begun(life_of)
    assert travelled.morning(day(12, 3, 2009)) == ["run.issued/1", "run.caught_up/1", "run.waiting/2"]
    assert sorted(travelled.issued()) == ["2009-01", "2009-02", "2009-03"]
    body = travelled.told()["run.caught_up/1"].body
    for words in (
        "januar 2009, fyn-alkohol: 87 dage",
        "februar 2009, fyn-alkohol: 56 dage",
        "marts 2009, fyn-alkohol: 27",
    ):
        assert words in body
    assert travelled.morning(day(13, 3, 2009)) == ["run.issued/2"]  # the 15th is a Sunday
    assert numbers(travelled.life.documents()) == list(range(1, 37))


def test_an_agreement_that_fails_is_told_once_and_stops_nobody(life_of: LifeOf) -> None:
    travelled = begun(life_of, OFFICER)
    another(travelled, "aa-uden-pris", issued_by=OFFICER)
    assert travelled.morning(day(10)) == ["run.failed/aa-uden-pris/2009-01/alle/SubscriptionUnknown", "run.waiting/1"]
    assert {document.agreement for document in travelled.plans()[0].documents} == {FUNEN}
    assert "aa-uden-pris, januar 2009, alle:" in travelled.told()["run.waiting/1"].body
    assert travelled.morning(day(11)) == []
    travelled.approve(1, day(12))
    travelled.issue(1, day(12))
    assert travelled.morning(day(13)) == ["run.alarm/461/2008-12-15/near"]
    assert travelled.states() == [PlanState.ISSUED]  # nothing can be planned, so no empty plan is kept
    life = Life(travelled.life.database, "aa-uden-pris")
    life.calculate(2009, day(14))
    keys = travelled.morning(day(14))
    number = travelled.plans()[-1].number  # a plan that was not kept may leave a gap
    assert keys == [f"run.waiting/{number}", f"run.alarm/{number}/2008-12-15/near"]


def test_with_a_failure_in_the_plan_the_clock_leaves_it_to_a_person(life_of: LifeOf) -> None:
    travelled = begun(life_of)
    another(travelled, "aa-uden-pris", issued_by=CLOCK)
    travelled.morning(day(10))
    assert "noget i den kan ikke faktureres" in travelled.told()["run.waiting/1"].body
    travelled.approve(1, day(12))
    assert travelled.morning(day(15)) == ["run.issued/1", "run.alarm/461/2008-12-15/day"]


def test_issuers_have_their_own_plans_and_days(life_of: LifeOf) -> None:
    travelled = begun(life_of)
    another(travelled, "sydfyn", issuer='"479"', issued_by=OFFICER)
    travelled.settings(plan_days_before=3, alarm_days_before=0)
    assert travelled.morning(day(10)) == ["run.waiting/1"]
    assert travelled.morning(day(12)) == ["run.waiting/2"]
    assert [sorted({document.issuer for document in plan.documents}) for plan in travelled.plans()] == [
        ["479"],
        ["461"],
    ]
    assert travelled.plans()[1].scope == RunScope(issuer="461")
    assert travelled.morning(day(15)) == ["run.issued/2", "run.alarm/1/2008-12-15/day"]


def test_an_agreement_with_another_day_waits_its_turn(life_of: LifeOf) -> None:
    """Deadlines on the 10th and the 15th: what has come is planned; the rest when it comes, in one plan if possible."""
    travelled = begun(life_of)
    another(travelled, "fyn-samtale", issued_by=CLOCK, send_by_day="10")
    assert travelled.morning(day(5)) == ["run.waiting/1"]
    assert travelled.morning(day(10)) == ["run.issued/1", "run.waiting/2"]
    assert travelled.morning(day(15)) == ["run.issued/2"]
    travelled.settings(plan_days_before=7)
    assert travelled.morning(day(3, 1, 2009)) == ["run.waiting/3"]  # the 10th is a Saturday: the 9th
    assert travelled.morning(day(8, 1, 2009)) == ["run.stopped/3", "run.waiting/4"]
    assert travelled.morning(day(9, 1, 2009)) == ["run.issued/4"]
    claims = travelled.life.says("SELECT agreement, COUNT(*) FROM claim GROUP BY agreement, period_from ORDER BY 1")
    assert claims == [(FUNEN, 9), (FUNEN, 9), ("fyn-samtale", 9), ("fyn-samtale", 9)]


def test_an_unexpected_error_for_one_issuer_leaves_the_other_alone(
    life_of: LifeOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    travelled = begun(life_of)
    another(travelled, "sydfyn", issuer='"479"', issued_by=CLOCK)
    real = runs.plan_run

    def broken(connection: Connection, scope: RunScope, occasion: Occasion, **more: object) -> object:
        if scope.issuer == ODENSE:
            raise ZeroDivisionError
        return real(connection, scope, occasion, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "plan_run", broken)
    keys = travelled.morning(day(15))
    assert keys[0] == "run.failed/461/2008-12-15/plan_coming/ZeroDivisionError"
    assert "run.issued/1" in keys
    assert travelled.mornings[-1].troubles == 1
    assert "run.alarm/461/2008-12-15/day" in keys
    monkeypatch.undo()
    assert travelled.morning(day(16))[:2] == ["run.issued/2", "run.caught_up/2"]


def setting(**settings: object) -> Callable[[Connection, Occasion], object]:
    return lambda connection, occasion: runs.set_issuer(connection, ODENSE, occasion, **settings)  # type: ignore[arg-type]


def test_settings_that_no_clock_can_keep(funen: Life) -> None:
    wrong: list[tuple[dict[str, object], type[Exception]]] = [
        ({"plan_days_before": 28}, ClockDaysWrong),
        ({"plan_days_before": -1}, ClockDaysWrong),
        ({"alarm_days_before": 6}, ClockDaysWrong),
        ({"plan_days_before": 1}, ClockDaysWrong),  # the alarm stands at two days
        ({"mail": "birgit"}, NoMailAddress),
        ({"mail": "a@b.dk, c@d.dk"}, NoMailAddress),
        ({"mail": "a@b"}, NoMailAddress),
        ({"mail": f"{'a' * 320}@b.dk"}, NoMailAddress),
    ]
    for settings, error in wrong:
        funen.refused(error, setting(**settings), date(2008, 6, 2))
    travelled = Travelled(funen)
    travelled.settings(plan_days_before=27, alarm_days_before=27, mail=" a.b@kommune.dk ")
    with funen.database.reading() as connection:
        found = runs.get_issuer(connection, ODENSE)
    assert (found.plan_days_before, found.alarm_days_before, found.mail) == (27, 27, "a.b@kommune.dk")
