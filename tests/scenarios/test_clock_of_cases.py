"""The clock on Horsens and Odder: quarters end to end, and cases month by month in arrears; by the command."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import Desk
from tests.scenarios.test_horsens_odder import AGREEMENT, CODE, HALFWAY, HORSENS, KRAASIGLUND, ODDER, QUARTER, admitted

# Above the stores, which are tried on both elsewhere.
# 10 February 2009 is a Tuesday, 10 January 2010 a Sunday.
SEND_BY = "2009-02-10"


def by_the_clock(desk: Desk, *, months: bool, cases: bool) -> Path:
    """The project's agreement file, with who issues."""
    text = AGREEMENT.read_text(encoding="utf-8")
    assert 'issued_by = "officer"' in text
    if cases:
        text = text.replace('issued_by = "officer"', 'issued_by = "clock"')
    if months:
        text = text.replace('schedule = "quarterly"', 'schedule = "quarterly"\nissued_by = "clock"')
    return desk.file("agreement.toml", text)


def morning(desk: Desk, day: str | date) -> list[str]:
    """The keys of what the clock tells on a day; a second clock finds nothing left to do."""
    desk.as_of = str(day)
    answer = desk.does("scheduler", "--once")
    assert answer["troubles"] == 0
    keys = [told["key"] for told in answer["told"]]
    if keys:
        before = desk.everything()
        assert desk.does("scheduler", "--once")["told"] == []
        assert desk.everything() == before
        desk.holds()
    return keys


def amounts(desk: Desk) -> list[tuple[str, int]]:
    return [(each["issue_date"], each["amount_oere"]) for each in desk.does("invoice", "list")]


def deadline(desk: Desk, month: str, kind: str = "case_invoice") -> Any:  # noqa: ANN401 - any JSON value
    (found,) = [
        each
        for each in desk.does("deadlines", CODE)["deadlines"]
        if each["kind"] == kind and each["for_month"] == month
    ]
    return found


def with_the_first_quarter(desk: Desk, *, cases: bool) -> None:
    """An officer has billed the quarter, so that only cases are left to the clock."""
    desk.does("agreement", "load", by_the_clock(desk, months=False, cases=cases))
    desk.does("subscription", "calculate", CODE, 2009)
    desk.as_of = "2009-01-05"
    desk.does("month", "issue", CODE, "2009-01")


def case_amounts(desk: Desk) -> list[tuple[str, int]]:
    first, *others = amounts(desk)
    assert first == ("2009-01-05", QUARTER)
    return others


@pytest.fixture
def began(quick: Desk) -> Desk:
    """An issuer with a mail box; each test loads the agreement with who may issue."""
    quick.as_of = "2008-12-18"
    quick.does("issuer", "set", HORSENS, "--mail", "faktura@kommune.example")
    return quick


def test_a_year_of_quarters_by_the_clock(began: Desk) -> None:
    began.does("agreement", "load", by_the_clock(began, months=True, cases=False))
    began.does("subscription", "calculate", CODE, 2009)
    for number, due in enumerate(["2009-01-15", "2009-04-15", "2009-07-15", "2009-10-15"], start=1):
        day = date.fromisoformat(due)
        assert morning(began, day - timedelta(days=20)) == []
        first = [morning(began, day - timedelta(days=days)) for days in (12, 5, 3, 1)]
        assert [keys for keys in first if keys] == [[f"run.waiting/{number}"]]
        assert morning(began, day) == [f"run.issued/{number}"]
        assert morning(began, day + timedelta(days=1)) == []
    # In the months between nothing is due and nothing comes.
    assert morning(began, "2009-12-10") == []
    assert amounts(began) == [
        ("2009-01-15", QUARTER),
        ("2009-04-15", QUARTER),
        ("2009-07-15", QUARTER),
        ("2009-10-15", QUARTER + 1),
    ]
    assert deadline(began, "2009-04", "advance_invoice")["status"] == "done"


def test_the_clock_bills_cases_where_the_agreement_lets_it(began: Desk) -> None:
    with_the_first_quarter(began, cases=True)
    stay = admitted(began, "kraasiglund", "2009-01-12", "2009-01-15")
    other = admitted(began, "halfway-huset", "2009-01-19", "2009-01-20")
    began.as_of = "2009-01-31"
    assert deadline(began, "2009-01")["status"] == "due_soon"
    assert morning(began, "2009-02-02") == []  # the bill is known, but its day is not near
    keys = [morning(began, date(2009, 2, number)) for number in range(3, 10)]
    assert [each for each in keys if each] == [["case.waiting/1"]]
    waits = deadline(began, "2009-01")
    assert (waits["status"], waits["due_on"]) == ("due_soon", SEND_BY)
    assert "Odder" in waits["next_step"]
    assert f"case plan {CODE}" in waits["next_step"]
    assert case_amounts(began) == []
    assert morning(began, SEND_BY) == ["case.issued/1"]
    assert case_amounts(began) == [(SEND_BY, 17 * KRAASIGLUND + 12 * HALFWAY)]
    done = deadline(began, "2009-01")
    assert (done["status"], done["done_on"]) == ("done", SEND_BY)
    assert "F2009-0002" in done["evidence"]
    assert done["done_by"] == ["uret"]
    # What is told names neither a case nor how many there are.
    said = "".join(each["body"] + each["subject"] for each in began.does("outbox", "list"))
    assert stay not in said
    assert other not in said
    assert "Odder" in said
    # A clock that was down on the day issues when it is up again, and says how late.
    began.as_of = "2009-02-16"
    for number in (stay, other):
        began.does("case", "discharge", number, "--on", "2009-02-16")
    assert morning(began, "2009-03-13") == ["case.issued/2"]
    (late,) = [each for each in began.does("outbox", "list") if each["key"] == "case.issued/2"]
    assert "3 dage for sent" in late["body"]
    assert case_amounts(began)[1:] == [("2009-03-13", 15 * KRAASIGLUND + 15 * HALFWAY)]
    began.as_of = "2009-05-01"
    march = deadline(began, "2009-03")
    assert (march["status"], march["evidence"]) == ("done", "Ingen enkeltsager at fakturere")


def test_without_leave_the_clock_plans_tells_and_rings(began: Desk) -> None:
    with_the_first_quarter(began, cases=False)
    number = admitted(began, "kraasiglund", "2009-01-12", "2009-01-15")
    told = [keys for day in range(1, 13) if (keys := morning(began, date(2009, 2, day)))]
    assert told == [
        ["case.waiting/1"],
        [f"case.alarm/{CODE}/2009-01/near"],
        [f"case.alarm/{CODE}/2009-01/day"],
        [f"case.alarm/{CODE}/2009-01/passed"],
    ]
    assert case_amounts(began) == []
    late = deadline(began, "2009-01")
    assert (late["status"], late["days_late"]) == ("late", 2)
    # It rests on a discharge that is told now, so it is planned anew; an officer issues it.
    began.does("case", "discharge", number, "--on", "2009-01-20")
    assert morning(began, "2009-02-13") == ["case.stopped/1", "case.waiting/2"]
    began.refuses("case", "plan-approve", 2, "--by", "Uret", words=["urets"])
    began.does("case", "plan-approve", 2, "--by", "Birgit")
    began.does("case", "issue", 2)
    assert case_amounts(began) == [("2009-02-13", 5 * KRAASIGLUND)]
    assert morning(began, "2009-02-14") == []
    # What was so on a day is still said of that day.
    began.as_of = "2009-02-12"
    assert deadline(began, "2009-01")["status"] == "late"


def test_the_clock_leaves_to_people_what_a_person_must_see(began: Desk) -> None:
    with_the_first_quarter(began, cases=True)
    admitted(began, "kraasiglund", "2009-01-12", "2009-01-15")
    assert morning(began, "2009-02-05") == ["case.waiting/1"]
    # Who stops it has a reason: the same plan is not issued by the clock afterwards.
    began.does("case", "plan-stop", 1)
    assert morning(began, SEND_BY) == ["case.waiting/2", f"case.alarm/{CODE}/2009-01/day"]
    assert case_amounts(began) == []
    began.does("case", "plan-approve", 2, "--by", "Birgit")
    assert morning(began, "2009-02-11") == ["case.issued/2"]
    # A bill that was taken back is not sent again unseen.
    began.does("invoice", "credit", "F2009-0002", "--reason", "forkert kontostreng")
    assert morning(began, "2009-02-12") == ["case.waiting/3", f"case.alarm/{CODE}/2009-01/passed"]
    # Where two must see it, the clock is neither.
    began.does("issuer", "set", HORSENS, "--four-eyes", "on")
    assert morning(began, "2009-02-13") == ["case.stopped/3", "case.waiting/4"]
    (waits,) = [each for each in began.does("outbox", "list") if each["key"] == "case.waiting/4"]
    assert "to personer" in waits["body"]
    assert ODDER not in {each["issuer"] for each in began.does("outbox", "list")}
