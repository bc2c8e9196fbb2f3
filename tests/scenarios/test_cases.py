"""Enkeltsager by the commands: three cases over a month's end, a price change inside a stay, one late correction.

Figures by hand from the agreement's two prices, 1.337 kr. and 364 kr. a day, the day of arrival counted and the day of
leaving not. The agreement file is a small one with the terms of the Horsens-Odder agreement.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.scenarios.conftest import FILES, Desk

CODE = "horsens-odder-sager"
HORSENS, ODDER, SKANDERBORG = "615", "727", "746"
KRAASIGLUND, HALFWAY = 133_700, 36_400
# Verified after each step, which takes its time; the stores are tried on both in tests/billing/cases.
A_NUMBER = re.compile(r"S-[B-Z]{4}-[B-Z]{4}")
# Ten digits with an impossible month where a refusal is not expected; a possible date, marked, where it is.
CPR_LIKE = "010203-0000"


@pytest.fixture
def cases(desk: Desk) -> Desk:
    desk.as_of = "2009-01-02"
    desk.does("agreement", "load", FILES / "sager.toml")
    return desk


def opened(desk: Desk, service: str, approved: str, admitted: str, discharged: str | None = None) -> str:
    """A case through its first steps, each on its own day."""
    desk.as_of = approved
    number = str(desk.does("case", "open", CODE, service, ODDER)["case"])
    assert A_NUMBER.fullmatch(number)
    desk.does("case", "approve", number, "--by", "Visitator, Odder Kommune")
    desk.as_of = admitted
    desk.does("case", "admit", number)
    if discharged is not None:
        desk.as_of = discharged
        assert desk.does("case", "discharge", number)["state"] == "discharged"
    desk.holds()
    return number


def billed(desk: Desk, day: str) -> list[Any]:
    """Plan, approve and issue; the books hold after each."""
    desk.as_of = day
    plan = desk.does("case", "plan", CODE)
    desk.holds()
    desk.does("case", "plan-approve", plan["plan"])
    desk.holds()
    done = desk.does("case", "issue", plan["plan"])
    assert done["documents"] == plan["documents"]
    assert sum(document["amount_oere"] for document in done["issued"]) == plan["total_oere"]
    detail = desk.holds()
    assert detail["cases_due"].startswith("Ingen enkeltsager venter")
    return list(plan["documents"])


def lines(document: Any) -> list[tuple[str, str, str, int, int]]:  # noqa: ANN401 - any JSON value
    return [(line["case"], line["from"], line["to"], line["days"], line["amount_oere"]) for line in document["lines"]]


def test_three_cases_over_a_month_s_end(cases: Desk) -> None:
    first = opened(cases, "kraasiglund", "2009-01-12", "2009-01-15")
    second = opened(cases, "halfway-huset", "2009-01-20", "2009-01-20")
    third = opened(cases, "kraasiglund", "2009-01-28", "2009-01-30")
    cases.as_of = "2009-02-05"
    cases.does("case", "discharge", second, "--on", "2009-02-03")
    (january,) = billed(cases, "2009-02-05")
    assert (january["municipality"], january["month"]) == (ODDER, "2009-01")
    assert lines(january) == [
        (first, "2009-01-15", "2009-01-31", 17, 17 * KRAASIGLUND),
        (second, "2009-01-20", "2009-01-31", 12, 12 * HALFWAY),
        (third, "2009-01-30", "2009-01-31", 2, 2 * KRAASIGLUND),
    ]
    assert january["amount_oere"] == 2_272_900 + 436_800 + 267_400
    cases.refuses("case", "plan", CODE, words=["ingen enkeltsager at fakturere"])

    # February: the price rises on the 16th, inside both stays at Kråsiglund.
    cases.as_of = "2009-02-16"
    cases.does("case", "price", CODE, "kraasiglund", "2009-02-16", "1.350,00")
    cases.as_of = "2009-02-27"
    cases.does("case", "discharge", third, "--on", "2009-02-20")
    (february,) = billed(cases, "2009-03-02")
    assert lines(february) == [
        (first, "2009-02-01", "2009-02-15", 15, 15 * KRAASIGLUND),
        (first, "2009-02-16", "2009-02-28", 13, 13 * 135_000),
        (second, "2009-02-01", "2009-02-02", 2, 2 * HALFWAY),
        (third, "2009-02-01", "2009-02-15", 15, 15 * KRAASIGLUND),
        (third, "2009-02-16", "2009-02-19", 4, 4 * 135_000),
    ]

    # In April it turns out that the first left on 10 March and the third on 17 February.
    (march,) = billed(cases, "2009-04-01")
    assert lines(march) == [(first, "2009-03-01", "2009-03-31", 31, 31 * 135_000)]
    cases.as_of = "2009-04-14"
    cases.does("case", "correct", first, "--discharged", "2009-03-10")
    corrected = cases.does("case", "correct", third, "--discharged", "2009-02-17", "--reason", "wrong")
    assert corrected["discharged_on"] == "2009-02-17"
    assert "cases_due" in cases.holds()
    # March is out, so what corrects it waits for April's bill.
    cases.refuses("case", "plan", CODE, words=["kommer på regningen for april 2009", first, third])
    (april,) = billed(cases, "2009-05-04")
    assert april["month"] == "2009-04"
    assert lines(april) == [
        (third, "2009-02-16", "2009-02-19", -4, -4 * 135_000),
        (third, "2009-02-16", "2009-02-16", 1, 135_000),
        (first, "2009-03-01", "2009-03-31", -31, -31 * 135_000),
        (first, "2009-03-01", "2009-03-09", 9, 9 * 135_000),
    ]
    assert april["amount_oere"] == -25 * 135_000
    assert april["lines"][0]["text"].startswith("Modpostering af F2009-0002, linje 5: ")
    documents = {each["number"]: each for each in cases.does("invoice", "list")}
    assert documents["F2009-0004"]["document_type"] == "credit_note"
    # All of it: 17 + 28 + 9 days, 14 days, 18 days; each at its day's price.
    assert sum(each["amount_oere"] for each in documents.values()) == (
        (17 + 15) * KRAASIGLUND + (13 + 9) * 135_000 + 14 * HALFWAY + (2 + 15) * KRAASIGLUND + 135_000
    )


def test_a_bill_that_is_taken_back_is_billed_again_as_it_should_be(cases: Desk) -> None:
    number = opened(cases, "halfway-huset", "2009-01-05", "2009-01-05")
    (january,) = billed(cases, "2009-02-02")
    assert january["amount_oere"] == 27 * HALFWAY
    cases.refuses("invoice", "credit", "F2009-0001", "--line", "1", "--reason", "x", words=["kun krediteres hel"])
    said = cases.refuses("invoice", "credit", "F2009-0001", "--reason", f"vedr. {CPR_LIKE}", words=["CPR"])
    assert CPR_LIKE not in said.err
    cases.does("invoice", "credit", "F2009-0001", "--reason", "forkert betalingskommune på kuverten")
    cases.holds()
    cases.does("case", "correct", number, "--admitted", "2009-01-06")
    (again,) = billed(cases, "2009-02-02")
    assert lines(again) == [(number, "2009-01-06", "2009-01-31", 26, 26 * HALFWAY)]
    cases.does("case", "correct", number, "--withdraw")
    (nothing,) = billed(cases, "2009-03-02")
    assert nothing["amount_oere"] == -26 * HALFWAY
    # The bill is taken back as well, so that its counter entry stands alone: it goes, too.
    cases.does("invoice", "credit", "F2009-0003", "--reason", "prøve")
    assert "cases_due" in cases.holds()
    (alone,) = billed(cases, "2009-04-01")
    assert lines(alone) == [(number, "2009-01-06", "2009-01-31", 26, 26 * HALFWAY)]
    assert cases.does("case", "list")[0]["state"] == "withdrawn"
    assert sum(each["amount_oere"] for each in cases.does("invoice", "list")) == 0
    cases.as_of = "2009-12-01"
    cases.refuses("case", "plan", CODE, words=["ingen enkeltsager"])


def test_what_others_charge_is_passed_on_with_their_invoice_s_number(cases: Desk) -> None:
    number = opened(cases, "ekstern", "2009-01-05", "2009-01-10")
    cases.as_of = "2009-02-03"
    days = ("--from", "2009-01-10", "--to", "2009-01-31", "--supplier", "12345678")
    kept = cases.does("case", "outlay", number, "--amount", "41.850,50", *days, "--reference", "2009/0117")
    assert kept["amount_oere"] == 4_185_050
    cases.refuses(
        "case", "outlay", number, "--amount", "41.850,50", *days, "--reference", "2009/0117", words=["allerede"]
    )
    for wrong, words in ((CPR_LIKE, "CPR"), ("Jens Hansen", "navn"), ("Hansen", "navn"), ("", "navn")):
        said = cases.refuses("case", "outlay", number, "--amount", "1,00", *days, "--reference", wrong, words=[words])
        assert not wrong or wrong not in said.err
    cases.refuses(
        "case",
        "outlay",
        number,
        "--amount",
        "1,00",
        "--from",
        "2009-01-09",
        *days[2:],
        "--reference",
        "7",
        words=["opholdet"],
    )
    (january,) = billed(cases, "2009-02-03")
    assert january["amount_oere"] == 4_185_050
    assert "faktisk pris efter faktura 2009/0117 fra CVR 12345678" in january["lines"][0]["text"]
    # The supplier's credit note is passed on as it came.
    cases.does("case", "outlay", number, "--amount", "-850,50", *days, "--reference", "K-3")
    (february,) = billed(cases, "2009-03-03")
    assert [line["amount_oere"] for line in february["lines"]] == [-85_050]
    cases.refuses("case", "price", CODE, "ekstern", "2009-01-01", "10,00", words=["faktisk pris"])


def test_a_case_says_nothing_about_the_person(cases: Desk) -> None:
    for typed in (CPR_LIKE, "Jens Hansen", "S-1234-5678"):
        said = cases.refuses("case", "approve", typed, words=["ikke et sagsnummer"])
        assert typed not in said.err
    cases.does("case", "open", CODE, "kraasiglund", ODDER)
    number = cases.does("case", "list")[0]["case"]
    cases.refuses("case", "approve", number, "--by", CPR_LIKE, words=["CPR"])
    assert CPR_LIKE not in str(cases.everything())
    cases.refuses("case", "admit", number, words=["ikke bevilget"])
    cases.refuses("case", "open", CODE, "kraasiglund", SKANDERBORG, words=["surplus sell"])
    cases.refuses("case", "open", CODE, "ambulant", ODDER, words=["kraasiglund"])
    cases.does("case", "approve", number)
    cases.refuses("case", "admit", number, "--on", "2009-01-01", words=["bevilget den 02.01.2009"])
    cases.refuses("case", "admit", number, "--on", "2009-01-03", words=["efter forretningsdatoen"])
    cases.refuses("case", "discharge", number, words=["bevilget"])
    cases.refuses("case", "correct", number, words=["--withdraw"])
    cases.refuses("case", "correct", number, "--discharged", "2009-01-02", words=["bevilget"])
    cases.does("case", "admit", number)
    cases.refuses("case", "correct", number, "--discharged", "2009-01-01", words=["før indskrivningen"])
    cases.refuses("case", "approve", "S-BCDF-GHJK", words=["ingen sag S-BCDF-GHJK"])


def test_claims_that_are_too_old_and_days_without_a_price_are_told_and_left_out(cases: Desk) -> None:
    old = opened(cases, "halfway-huset", "2009-01-05", "2009-01-30", "2009-02-03")
    cases.as_of = "2010-02-01"
    plan = cases.does("case", "plan", CODE)
    # January's claim had to be raised by 31 January 2010; February's two days may be until the 28th.
    assert [document["month"] for document in plan["documents"]] == ["2009-02"]
    assert plan["total_oere"] == 2 * HALFWAY
    (left,) = plan["left_out"]
    assert (left["case"], left["month"], left["error"]) == (old, "2009-01", "ClaimTooOld")
    assert "senest 31.01.2010" in left["message"]
    cases.does("case", "plan-stop", plan["plan"])
    cases.refuses("case", "plan-approve", plan["plan"], words=["stoppet"])
    cases.refuses("case", "issue", plan["plan"], words=["stoppet"])
    # In time it is billed, to the last day.
    cases.as_of = "2010-01-31"
    assert cases.does("case", "plan", CODE)["total_oere"] == 4 * HALFWAY


def test_a_plan_falls_with_what_it_rests_on_and_two_must_see_it(cases: Desk) -> None:
    number = opened(cases, "halfway-huset", "2009-01-05", "2009-01-05")
    cases.does("issuer", "set", HORSENS, "--four-eyes", "on")
    cases.as_of = "2009-02-02"
    plan = cases.does("case", "plan", CODE)["plan"]
    cases.refuses("case", "issue", plan, words=["ikke godkendt"])
    cases.refuses("case", "plan-approve", plan, words=["to personer"])
    cases.does("case", "plan-approve", plan, "--by", "En anden")
    cases.does("case", "discharge", number, "--on", "2009-01-31")
    cases.refuses("case", "issue", plan, words=[f"sag {number}"])
    again = cases.does("case", "plan", CODE)["plan"]
    cases.does("case", "plan-approve", again, "--by", "En anden")
    assert cases.does("case", "issue", again)["total_oere"] == 26 * HALFWAY
    cases.refuses("case", "issue", again, words=["allerede udstedt"])
    states = [each["state"] for each in cases.does("case", "plans")]
    assert states == ["approved", "issued"]
    cases.holds()


def test_who_was_discharged_by_mistake_stays(cases: Desk) -> None:
    number = opened(cases, "halfway-huset", "2009-01-05", "2009-01-05", "2009-01-20")
    cases.refuses("case", "admit", number, words=["udskrevet"])
    (january,) = billed(cases, "2009-02-02")
    assert january["amount_oere"] == 15 * HALFWAY
    again = cases.does("case", "correct", number, "--still-here", "--reason", "wrong")
    assert (again["state"], again["discharged_on"]) == ("admitted", None)
    cases.refuses("case", "correct", number, "--still-here", words=["indskrevet"])
    cases.as_of = "2009-02-11"
    cases.does("case", "discharge", number)
    (february,) = billed(cases, "2009-03-02")
    assert lines(february) == [
        (number, "2009-01-05", "2009-01-19", -15, -15 * HALFWAY),
        (number, "2009-01-05", "2009-01-31", 27, 27 * HALFWAY),
        (number, "2009-02-01", "2009-02-10", 10, 10 * HALFWAY),
    ]


def test_a_statement_holds_the_payer_s_own_cases_alone(cases: Desk) -> None:
    number = opened(cases, "kraasiglund", "2009-01-12", "2009-01-15")
    billed(cases, "2009-02-02")
    months = ("--from", "2009-01", "--to", "2009-03", "--out", cases.folder)
    cases.as_of = "2009-03-31"
    path = Path(cases.does("case", "statement", CODE, ODDER, *months)["file"])
    assert "Odder" in path.name
    (sheet,) = load_workbook(path).worksheets
    told = [[cell for cell in row if cell is not None] for row in sheet.iter_rows(values_only=True)]
    (row,) = [entry for entry in told if number in entry]
    assert 17 + 28 + 31 in row
    assert 17 * KRAASIGLUND in row
    other = Path(cases.does("case", "statement", CODE, SKANDERBORG, *months)["file"])
    (empty,) = load_workbook(other).worksheets
    assert not any(number in [*row] for row in empty.iter_rows(values_only=True))


@pytest.mark.parametrize(
    "command",
    [
        ("case", "list"),
        ("case", "plans"),
        ("case", "plan-show", "1"),
    ],
)
def test_words_for_people(cases: Desk, command: tuple[str, ...]) -> None:
    opened(cases, "kraasiglund", "2009-01-12", "2009-01-15")
    cases.as_of = "2009-02-02"
    cases.says("case", "plan", CODE)
    told = cases.says(*command)
    assert (told.status, told.err) == (0, "")
    assert CODE in told.out
