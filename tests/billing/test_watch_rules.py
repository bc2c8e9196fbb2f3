"""What the clock decides, by hand and by identities; nothing of it knows a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agreements.agreement import AdvanceTerms, Schedule, Terms
from agreements.deadlines import is_bank_day
from agreements.membership import MembershipPeriod
from billing.monthly_run.facts import NotPlanned, PlannedDocument, PlanWarning, RunPlan, RunScope
from billing.monthly_run.watch_rules import (
    AlarmStage,
    ComingMonth,
    alarm,
    alarm_stage,
    caught_up,
    failed,
    gave_up,
    gives_way,
    lacking_months,
    reasons_to_wait,
    waiting,
)
from foundation.period import Month
from tests.billing.made import NAMES, ODENSE, funen

DAYS = st.dates(date(2008, 1, 1), date(2030, 12, 31))
DEADLINE = date(2008, 12, 15)
JANUARY = Month(2009, 1)


def plan(*warnings: PlanWarning, four_eyes: bool = False, failing: int = 0, documents: int = 1) -> RunPlan:
    return RunPlan(
        number=7,
        scope=RunScope(issuer=ODENSE),
        as_of=DEADLINE,
        planned_by="uret",
        four_eyes=four_eyes,
        hash="",
        inputs={},
        documents=tuple(
            PlannedDocument(
                "fyn-alkohol",
                JANUARY,
                ODENSE,
                code,
                100,
                None,
                internal=False,
                lines=(),
                note="",
                change="",
                warnings=warnings,
            )
            for code in sorted(NAMES)[:documents]
        ),
        failed=tuple(NotPlanned("anden", JANUARY, None, "PriceMissing", f"nr. {n}") for n in range(failing)),
    )


def coming(month: Month = JANUARY, send_by: date = DEADLINE) -> ComingMonth:
    return ComingMonth(ODENSE, "fyn-alkohol", month, send_by, 9, by_clock=True)


@given(DAYS, DAYS, st.integers(0, 27))
def test_an_alarm_has_one_stage_by_the_days_that_are_left(send_by: date, today: date, before: int) -> None:
    left = (send_by - today).days
    expected = None if left > before else AlarmStage.NEAR if left > 0 else AlarmStage.PASSED
    assert alarm_stage(send_by, today, before) is (AlarmStage.DAY if left == 0 else expected)


@given(DAYS, st.integers(1, 28), st.integers(0, 1), st.sets(st.integers(0, 60)), st.sampled_from([None, 2009, 2011]))
def test_the_months_that_lack_are_those_whose_day_has_come(
    until: date,
    send_by_day: int,
    months_ahead: int,
    billed: set[int],
    last_year: int | None,
) -> None:
    """Against every month there is, with the bank day found by walking back from the day itself."""
    agreement = replace(
        funen(),
        terms=Terms(advance=AdvanceTerms(send_by_day=send_by_day, months_ahead=months_ahead)),
        ends_on=date(last_year, 12, 31) if last_year else None,
    )
    periods = [MembershipPeriod("461", 2009), MembershipPeriod("420", 2009, 2010)]
    counts = {("fyn-alkohol", JANUARY.plus(place).first_day): 1 for place in billed}
    expected = []
    for place in range(12 * 24):
        month = JANUARY.plus(place)
        if last_year and month.year > last_year:
            break
        day = month.plus(-months_ahead).first_day.replace(day=send_by_day)
        while not is_bank_day(day):
            day -= timedelta(days=1)
        payers = (2 if month.year <= 2010 else 1) - (place in billed)
        if day <= until and payers:
            expected.append((month, day, payers))
    found = lacking_months(agreement, periods, counts, until)
    assert [(each.month, each.send_by, each.payers) for each in found] == expected


def test_a_plan_gives_way_to_more_but_not_on_its_last_day() -> None:
    bills = frozenset({("fyn-alkohol", JANUARY)})
    more = [coming(), coming(Month(2009, 2), date(2009, 1, 15))]
    before, after = DEADLINE - timedelta(days=1), DEADLINE + timedelta(days=1)
    cases = [(day, approved) for day in (before, DEADLINE, after) for approved in (False, True)]
    assert [gives_way(bills, DEADLINE, more, day, approved=approved) for day, approved in cases] == [
        *(True, False),
        *(False, False),
        *(True, True),
    ]
    assert not any(gives_way(bills, DEADLINE, more[:1], day, approved=approved) for day, approved in cases)


def test_what_a_person_must_have_seen() -> None:
    assert reasons_to_wait(plan(), [], 0, "") == []
    harmless = (PlanWarning.FIRST_MONTH, PlanWarning.LAST_MONTH, PlanWarning.LATE)
    assert reasons_to_wait(plan(*harmless), [], 0, "") == []
    for warning in (PlanWarning.PROVISIONAL, PlanWarning.AMOUNT_OFF, PlanWarning.PAID_OUT):
        assert len(reasons_to_wait(plan(warning), [], 0, "")) == 1
    assert reasons_to_wait(plan(four_eyes=True), [], 0, "") == ["udstederen kræver to personer"]
    assert reasons_to_wait(plan(failing=1), [], 0, "") == ["noget i den kan ikke faktureres"]
    assert reasons_to_wait(plan(), ["a", "b"], 0, "") == ["en medarbejder udsteder a, b"]
    assert reasons_to_wait(plan(), [], 2, "") == ["2 regninger er udstedt før og krediteret"]
    assert reasons_to_wait(plan(), [], 0, "Birgit") == ["Birgit har stoppet en plan, der var den samme"]
    assert len(reasons_to_wait(plan(PlanWarning.PROVISIONAL, four_eyes=True, failing=1), ["a"], 1, "B")) == 6


def test_what_is_told_fits_its_columns_and_a_persons_patience() -> None:
    """Whatever the number of agreements: the outbox has 120 characters for a key and 300 for a subject."""
    many = [replace(coming(), agreement=f"{number:03d}-{'a' * 56}") for number in range(400)]
    errors = NotPlanned("a" * 60, JANUARY, "461", "E" * 80, "fejl")
    told = [
        waiting(
            plan(PlanWarning.AMOUNT_OFF, failing=500, documents=9),
            ODENSE,
            due_on=DEADLINE,
            late=many,
            reasons=["x"],
            today=date(2008, 12, 20),
            named=NAMES.__getitem__,
        ),
        alarm(
            ODENSE,
            DEADLINE,
            stage=AlarmStage.PASSED,
            months=many,
            plan=None,
            today=date(2008, 12, 16),
            named=NAMES.__getitem__,
        ),
        failed(errors, ODENSE, 3, NAMES.__getitem__),
        gave_up(ODENSE, "plan_coming", "E" * 200, "fejl", DEADLINE),
    ]
    for happening in told:
        assert len(happening.key) <= 120
        assert len(happening.subject) <= 300
        assert happening.body.count("\n") < 70
    assert "og 380 til" in told[0].body
    assert "og 380 til" in told[1].body
    assert told[1].subject == "ALARM: 3600 regninger for januar 2009 skulle være sendt 15.12.2008 (1 dag siden)"


def test_a_quarter_is_called_a_quarter() -> None:
    april = Month(2009, 4)
    by_quarter = AdvanceTerms(schedule=Schedule.QUARTERLY, months_ahead=0)
    agreement = replace(funen(), terms=Terms(advance=by_quarter))
    billed = {("fyn-alkohol", date(2009, 1, 1)): 1}
    (found,) = lacking_months(agreement, [MembershipPeriod("461", 2009)], billed, date(2009, 4, 15))
    assert (found.month, found.danish) == (april, "2. kvartal 2009")
    rung = alarm(ODENSE, found.send_by, stage=AlarmStage.DAY, months=[found], plan=None, today=found.send_by, named=str)
    assert rung.subject == "ALARM: 1 regning for 2. kvartal 2009 skal sendes i dag"
    assert "april" not in rung.subject + rung.body
    told = caught_up(7, ODENSE, [found], date(2009, 4, 20))
    assert "- 2. kvartal 2009, fyn-alkohol: 5 dage for sent" in told.body
    waits = waiting(
        plan(),
        ODENSE,
        due_on=DEADLINE,
        late=[],
        reasons=["en medarbejder udsteder"],
        today=DEADLINE,
        named=str,
        worded=lambda _code, month: f"kvartalet fra {month.danish}",
    )
    assert "- kvartalet fra januar 2009: " in waits.body
    entry = NotPlanned("fyn-alkohol", april, None, "PriceMissing", "prisen mangler")
    said = failed(entry, ODENSE, 0, str, lambda _code, _month: "2. kvartal 2009")
    assert said.subject == "Kan ikke faktureres: fyn-alkohol, 2. kvartal 2009"
    assert "april" not in said.body
