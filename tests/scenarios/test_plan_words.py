"""What an officer reads of a plan, a forecast and a deadline: what it covers, every line, what was assumed."""

from __future__ import annotations

from tests.scenarios.conftest import FUNEN, Desk


def test_a_plan_says_what_it_covers_every_line_and_its_fingerprint(priced: Desk) -> None:
    priced.as_of = "2008-12-15"
    plan = priced.does("run", "plan", FUNEN, "--month", "2009-02")
    made = priced.says("run", "plan", "--all").out
    assert made.startswith("Plan 2, lavet af prøven for alt forfaldent til 15.12.2008: venter på godkendelse;")
    shown = priced.says("run", "show", plan["plan"]).out
    assert shown.startswith(f"Plan 1, lavet af prøven for {FUNEN} 2009-02 til 15.12.2008:")
    assert plan["hash"] in shown
    # Domain rule 12: Assens's February by the budgets.
    lines = [line for line in shown.splitlines() if "a conto februar 2009 (rate 2 af 12)" in line]
    assert len(lines) == 18
    assert "143.679,96" in lines[0]
    assert "50.522,86" in lines[1]


def test_a_forecast_says_who_was_assumed_to_take_part(priced: Desk) -> None:
    told = priced.says("forecast", FUNEN, 2009, "--without", "Ærø", "--without", "Assens", "--with", "Middelfart").out
    assert told.startswith("Antagelse: uden Assens, Ærø.\nAntagelse: også med Middelfart.\n")


def test_one_day_is_no_days(priced: Desk) -> None:
    priced.as_of = "2008-12-16"
    assert "for sent, 1 dag " in priced.says("deadlines", FUNEN, "--year", 2009).out
    late = priced.says("month", "issue", FUNEN, "2009-01").err
    assert late == "Januar 2009 skulle være sendt senest 15.12.2008: 1 dag for sent.\n"
    told = priced.says("deadlines", FUNEN, "--year", 2009).out
    assert "af prøven, 1 dag for sent" in told
    priced.as_of = "2009-08-20"
    # The day is the first on which it can be made.
    assert "kan laves fra 01.07.2009" in priced.says("deadlines", FUNEN, "--year", 2009).out
