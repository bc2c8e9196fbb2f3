"""Horsens and Odder through 2009 by the commands, on the project's own agreement file; the books hold after each step.

Quarters of a made-up budget, the agreement's own prices by the day (Kråsiglund 1.337 kr., Halfway-huset 364 kr.), three
cases over a month's end, a price that rises inside two stays, a discharge that was reported late, and out by nine
months' notice. Every figure is by hand; the day of arrival counts and the day of leaving does not.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from tests.scenarios.conftest import Desk, cost

AGREEMENT = Path(str(resources.files("agreements").joinpath("examples", "horsens_odder_2009.toml")))
CODE, HORSENS, ODDER = "horsens-odder", "615", "727"
KRAASIGLUND, HALFWAY, RAISED = 133_700, 36_400, 135_000
QUARTER = 66_250_000  # of 2.650.000,01; the last takes the odd øre
# Verified after each step, which takes its time.


def step(desk: Desk, day: str, *arguments: object) -> Any:  # noqa: ANN401 - any JSON value
    """One command on a day, and the books hold."""
    desk.as_of = day
    answer = desk.does(*arguments)
    desk.holds()
    return answer


def admitted(desk: Desk, service: str, opened_on: str, day: str) -> str:
    number = str(step(desk, opened_on, "case", "open", CODE, service, ODDER)["case"])
    step(desk, opened_on, "case", "approve", number)
    step(desk, day, "case", "admit", number)
    return number


def quarter(desk: Desk, day: str, month: str) -> int:
    (document,) = step(desk, day, "month", "issue", CODE, month)["issued"]
    assert document["municipality"] == ODDER
    return int(document["amount_oere"])


def case_bill(desk: Desk, day: str, month: str) -> list[tuple[str, str, str, int]]:
    """(case, first, last day, øre) of the month's bill."""
    plan = step(desk, day, "case", "plan", CODE)
    step(desk, day, "case", "plan-approve", plan["plan"])
    (document,) = plan["documents"]
    done = step(desk, day, "case", "issue", plan["plan"])
    (issued,) = done["issued"]
    assert (document["month"], issued["municipality"]) == (month, ODDER)
    lines = [(line["case"], line["from"], line["to"], line["amount_oere"]) for line in document["lines"]]
    assert issued["amount_oere"] == sum(amount for *_, amount in lines)
    return lines


def test_horsens_and_odder_through_2009_with_its_cases_and_out_of_it(desk: Desk) -> None:
    step(desk, "2008-12-18", "agreement", "load", AGREEMENT)
    step(desk, "2008-12-18", "subscription", "calculate", CODE, 2009)
    first = admitted(desk, "kraasiglund", "2009-01-12", "2009-01-15")
    assert quarter(desk, "2009-01-15", "2009-01") == QUARTER
    second = admitted(desk, "halfway-huset", "2009-01-19", "2009-01-20")
    third = admitted(desk, "kraasiglund", "2009-01-28", "2009-01-30")
    step(desk, "2009-02-03", "case", "discharge", second)
    assert case_bill(desk, "2009-02-10", "2009-01") == [
        (first, "2009-01-15", "2009-01-31", 17 * KRAASIGLUND),
        (second, "2009-01-20", "2009-01-31", 12 * HALFWAY),
        (third, "2009-01-30", "2009-01-31", 2 * KRAASIGLUND),
    ]
    step(desk, "2009-02-16", "case", "price", CODE, "kraasiglund", "2009-02-16", "1.350,00")
    step(desk, "2009-02-20", "case", "discharge", third)
    assert case_bill(desk, "2009-03-10", "2009-02") == [
        (first, "2009-02-01", "2009-02-15", 15 * KRAASIGLUND),
        (first, "2009-02-16", "2009-02-28", 13 * RAISED),
        (second, "2009-02-01", "2009-02-02", 2 * HALFWAY),
        (third, "2009-02-01", "2009-02-15", 15 * KRAASIGLUND),
        (third, "2009-02-16", "2009-02-19", 4 * RAISED),
    ]
    # Odder gives notice on 20 March: nine months to the first of a month is 1 January 2010.
    desk.as_of = "2009-03-20"
    desk.refuses("agreement", "terminate", CODE, "--by", ODDER, "--to", "2009-12-01", words=["01.01.2010"])
    ended = step(desk, "2009-03-20", "agreement", "terminate", CODE, "--by", ODDER, "--to", "2010-01-01")
    assert ended["leaves"] == [{"municipality": ODDER, "last_day": "2009-12-31"}]
    step(desk, "2009-03-31", "case", "discharge", first)
    # The third had left on 17 February, and it is told in April.
    step(desk, "2009-04-02", "case", "correct", third, "--discharged", "2009-02-17")
    assert case_bill(desk, "2009-04-08", "2009-03") == [
        (third, "2009-02-16", "2009-02-19", -4 * RAISED),
        (third, "2009-02-16", "2009-02-16", RAISED),
        (first, "2009-03-01", "2009-03-30", 30 * RAISED),
    ]
    assert quarter(desk, "2009-04-15", "2009-04") == QUARTER
    assert quarter(desk, "2009-07-15", "2009-07") == QUARTER
    assert quarter(desk, "2009-10-15", "2009-10") == QUARTER + 1
    # Nothing is billed after the last day, by instalment or by the case.
    desk.as_of = "2010-02-01"
    after = desk.does("month", "issue", CODE, "2010-01")
    assert (after["issued"], after["failed"]) == ([], [])
    desk.refuses("case", "open", CODE, "kraasiglund", ODDER, words=["deltager ikke"])
    desk.refuses("case", "plan", CODE, words=["ingen enkeltsager"])
    # The year closes without a result, so nobody owes anybody anything on leaving.
    spent = {"stof": 180_000_000, "alkohol": 60_000_000, "raadgivning": 25_000_001}
    lines = "".join(cost("accounts", 2009, HORSENS, amount, service=service) for service, amount in spent.items())
    accounts = desk.file("r.toml", f'[agreement]\ncode = "{CODE}"\n{lines}')
    step(desk, "2010-03-26", "accounts", "load", accounts)
    assert step(desk, "2010-03-26", "settlement", "close", CODE, 2009)["result_oere"] == 0
    assert step(desk, "2010-03-26", "settlement", "exit", CODE, ODDER)["amount_oere"] == 0
    billed = sum(each["amount_oere"] for each in desk.does("invoice", "list"))
    # 32 days at the old price and 43 at the new; 14 days; 17 days at the old and one at the new.
    days = 32 * KRAASIGLUND + 43 * RAISED + 14 * HALFWAY + 17 * KRAASIGLUND + RAISED
    assert billed == 265_000_001 + days
