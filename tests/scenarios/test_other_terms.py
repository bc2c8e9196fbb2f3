"""A year of agreements with other terms, parties and budgets, through the commands: shapes exact, sums to the øre."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from agreements.municipality import MUNICIPALITIES
from tests.scenarios.conftest import (
    COST_2009,
    FUNEN,
    INHABITANTS,
    LANGELAND,
    NINE,
    OBLIGATIONS_2009,
    ODENSE,
    ODENSE_2009,
    SVENDBORG,
    SVENDBORG_2009,
    Desk,
    by_code,
    cost,
    rates,
    shared_out,
)

CLOSED = {ODENSE: 1_790_000_007, SVENDBORG: 650_000_000}
RESULT = COST_2009 - 2_440_000_007


def lived(
    desk: Desk,
    obligations: Mapping[str, int],
    *,
    code: str = FUNEN,
    cost_oere: int = COST_2009,
    unit_oere: int = 1,
    months_ahead: int = 1,
    internal: tuple[str, ...] = (ODENSE,),
) -> dict[str, int]:
    """2009 is priced and billed, every shape is as the issue says, and the books hold; øre by municipality."""
    price = desk.does("subscription", "calculate", code, 2009)
    assert list(price) == [
        *("agreement", "year", "version", "reference_date", "cost_oere", "passed_on_oere", "total_oere", "parts")
    ]
    assert [price[key] for key in list(price)[:7]] == [code, 2009, 1, "2008-01-01", cost_oere, 0, cost_oere]
    assert [part["municipality"] for part in price["parts"]] == sorted(obligations)
    for part in price["parts"]:
        assert list(part) == [
            *("municipality", "population", "share_oere", "passed_on_oere", "obligation_oere", "instalments_oere")
        ]
        assert part["share_oere"] == part["obligation_oere"] == obligations[part["municipality"]]
        assert part["instalments_oere"] == rates(part["obligation_oere"], 12, unit_oere)
        assert all(type(value) is int for value in (part["population"], *part["instalments_oere"]))
    answers = desk.year(2009, code, months_ahead)
    for number, answer in enumerate(answers):
        assert list(answer) == ["agreement", "month", "issued", "already_issued", "failed"]
        assert by_code(answer["issued"], "amount_oere") == {
            who: rates(amount, 12, unit_oere)[number] for who, amount in obligations.items()
        }
        for row in answer["issued"]:
            named = ["number", "municipality", "amount_oere", "issue_date", "due_date"]
            assert list(row) == ([*named, "internal"] if row["municipality"] in internal else named)
        assert desk.does("month", "issue", code, answer["month"])["issued"] == []
    desk.holds()
    return {who: sum(by_code(answer["issued"], "amount_oere")[who] for answer in answers) for who in obligations}


def closed(desk: Desk, accounts: Mapping[str, int], *carry: str, code: str = FUNEN, day: str = "2010-03-29") -> Any:  # noqa: ANN401 - an answer
    """2009 is closed and cleared."""
    desk.as_of = day
    desk.does("accounts", "load", desk.costs("accounts", 2009, accounts, code=code))
    answer = desk.does("settlement", "close", code, 2009, *carry)
    assert list(answer) == [
        *("agreement", "year", "invoiced_oere", "cost_oere", "result_oere", "carried_oere", "parts", "providers"),
        *("application_year", "trued_up", "divided_by", "keys"),
    ]
    for part in answer["parts"]:
        assert list(part) == ["municipality", "result_oere", "passed_on_oere", "carried_oere"]
        assert part["passed_on_oere"] + part["carried_oere"] == part["result_oere"]
    for row in answer["providers"]:
        assert list(row) == ["municipality", "received_oere", "cost_oere", "result_oere"]
        assert row["received_oere"] - row["cost_oere"] == row["result_oere"]
    assert sum(by_code(answer["parts"], "result_oere").values()) == answer["result_oere"]
    assert sum(by_code(answer["parts"], "carried_oere").values()) == answer["carried_oere"]
    assert sum(by_code(answer["providers"], "received_oere").values()) == answer["invoiced_oere"]
    assert answer["invoiced_oere"] - answer["cost_oere"] == answer["result_oere"]
    before = by_code(desk.does("settlement", "providers", code, 2009)["providers"], "outstanding_oere")
    assert sum(before.values()) == 0
    desk.does("settlement", "clear", code, 2009)
    after = by_code(desk.does("settlement", "providers", code, 2009)["providers"], "outstanding_oere")
    assert set(after.values()) <= {0}
    desk.holds()
    return answer


def test_whole_kroner(desk: Desk) -> None:
    desk.does("agreement", "load", desk.agreement(rounding_unit='"1"'))
    expected = shared_out(COST_2009, INHABITANTS[2008], 100)
    assert {who: amount % 100 for who, amount in expected.items()} == {who: 33 * (who == ODENSE) for who in NINE}
    assert lived(desk, expected, unit_oere=100) == expected
    answer = closed(desk, CLOSED, "--carry", "33.3%")
    # Rule 9: a result is split in whole øre, whatever the unit of the instalments is.
    assert by_code(answer["parts"], "result_oere") == shared_out(RESULT, INHABITANTS[2008])


@pytest.mark.soak
def test_a_month_is_sent_in_the_month_itself(desk: Desk) -> None:
    desk.does("agreement", "load", desk.agreement(months_ahead="0"))
    deadlines = desk.does("agreement", "deadlines", FUNEN, 2009)["deadlines"]
    sent = {row["for_month"]: row["due_on"] for row in deadlines if row["for_month"]}
    assert (sent["2009-01"], sent["2009-02"], sent["2009-03"]) == ("2009-01-15", "2009-02-13", "2009-03-13")
    desk.does("subscription", "calculate", FUNEN, 2009)
    desk.as_of = "2009-01-14"
    assert desk.holds()["months_due"].startswith("Intet forfaldent")
    desk.as_of = "2009-01-15"
    assert "2009-01" in desk.holds()["months_due"]
    said = desk.says("month", "plan", FUNEN, "2009-02")
    assert "Januar 2009 er forfalden" in said.err
    desk.as_of = "2009-01-20"
    said = desk.says("month", "plan", FUNEN, "2009-01", "--json")
    assert "15.01.2009" in said.err
    assert "5 dage for sent" in said.err
    desk.as_of = "2009-01-01"
    assert lived(desk, OBLIGATIONS_2009, months_ahead=0) == OBLIGATIONS_2009
    closed(desk, CLOSED)


@pytest.mark.parametrize("own_share", ["net", "invoice"])
def test_a_providers_own_share(desk: Desk, own_share: str) -> None:
    """Rule 12: what Svendborg is entitled to, less its own share where that is set off, is what Odense owes it."""
    desk.does("agreement", "load", desk.agreement(provider_own_share=f'"{own_share}"'))
    internal = (ODENSE, SVENDBORG) if own_share == "net" else (ODENSE,)
    lived(desk, OBLIGATIONS_2009, internal=internal)
    budget = {ODENSE: ODENSE_2009, SVENDBORG: SVENDBORG_2009}
    entitled = sum(
        shared_out(rate, budget)[SVENDBORG] for amount in OBLIGATIONS_2009.values() for rate in rates(amount)
    )
    owed = entitled - (OBLIGATIONS_2009[SVENDBORG] if own_share == "net" else 0)
    outstanding = by_code(desk.does("settlement", "providers", FUNEN, 2009)["providers"], "outstanding_oere")
    assert outstanding == {ODENSE: -owed, SVENDBORG: owed}
    answer = closed(desk, CLOSED)
    assert by_code(answer["providers"], "received_oere") == {ODENSE: COST_2009 - entitled, SVENDBORG: entitled}


@pytest.mark.soak
def test_a_result_by_the_shares_of_the_year_whose_price_it_changes(desk: Desk) -> None:
    desk.does("agreement", "load", desk.agreement(result_key='"application_year"'))
    lived(desk, OBLIGATIONS_2009)
    answer = closed(desk, CLOSED)
    expected = shared_out(RESULT, INHABITANTS[2010])
    assert by_code(answer["parts"], "passed_on_oere") == expected
    desk.does("budget", "load", desk.costs("budgets", 2011, {ODENSE: 2_000_000_000}))
    price = desk.does("subscription", "calculate", FUNEN, 2011)
    assert by_code(price["parts"], "passed_on_oere") == expected
    assert (price["passed_on_oere"], price["total_oere"]) == (RESULT, 2_000_000_000 - RESULT)
    desk.holds()


@pytest.mark.soak
def test_a_leaver_has_its_part_whatever_shares_are_used(desk: Desk) -> None:
    desk.does("agreement", "load", desk.agreement(result_key='"application_year"'))
    lived(desk, OBLIGATIONS_2009)
    desk.as_of = "2009-12-20"
    desk.refuses("membership", "leave", FUNEN, LANGELAND, "--year", 2009, words=["2009", "01.07.2009", "31.12.2010"])
    desk.does("membership", "leave", FUNEN, LANGELAND, "--year", 2010)
    closed(desk, CLOSED)
    desk.does("budget", "load", desk.costs("budgets", 2010, {ODENSE: 1_200_000_000}))
    desk.does("subscription", "calculate", FUNEN, 2010)
    for number in range(1, 13):
        desk.does("month", "issue", FUNEN, f"2010-{number:02d}")
    desk.as_of = "2011-03-20"
    accounts = desk.costs("accounts", 2010, {ODENSE: 1_200_000_000})
    desk.does("accounts", "load", accounts)
    desk.does("settlement", "close", FUNEN, 2010)
    answer = desk.does("settlement", "exit", FUNEN, LANGELAND)
    # A leaver has no share of 2011, so its part is the one of the accounting year (rule 11).
    assert answer["amount_oere"] == -shared_out(RESULT, INHABITANTS[2008])[LANGELAND]
    desk.does("budget", "load", desk.costs("budgets", 2011, {ODENSE: 2_000_000_000}))
    price = desk.does("subscription", "calculate", FUNEN, 2011)
    assert price["passed_on_oere"] == RESULT + answer["amount_oere"]
    weights = {code: INHABITANTS[2010][code] for code in NINE if code != LANGELAND}
    assert by_code(price["parts"], "passed_on_oere") == shared_out(price["passed_on_oere"], weights)
    desk.holds()


@pytest.mark.soak
def test_a_result_in_the_price_of_the_next_year(desk: Desk) -> None:
    desk.does("agreement", "load", desk.agreement(lag_years="1"))
    lived(desk, OBLIGATIONS_2009)
    desk.does("budget", "load", desk.costs("budgets", 2010, {ODENSE: 1_800_000_000, SVENDBORG: 600_000_000}))
    price = desk.says("subscription", "calculate", FUNEN, 2010)
    assert "resultatet af 2009 er ikke afsluttet" in price.err
    first = shared_out(2_400_000_000, INHABITANTS[2009])
    for number in range(1, 5):
        desk.does("month", "issue", FUNEN, f"2010-{number:02d}")
    closed(desk, CLOSED)
    answer = desk.does("subscription", "calculate", FUNEN, 2010)
    own = shared_out(RESULT, INHABITANTS[2008])
    assert (answer["version"], answer["passed_on_oere"]) == (2, RESULT)
    assert by_code(answer["parts"], "passed_on_oere") == own
    desk.as_of = "2010-04-14"
    may = desk.does("month", "issue", FUNEN, "2010-05")
    assert by_code(may["issued"], "amount_oere") == {
        code: rates(first[code] - own[code] - 4 * rates(first[code])[0], 8)[0] for code in NINE
    }
    desk.holds()


def alone(desk: Desk, code: str, issuer: str, providers: str, subscribers: str, *lines: str) -> None:
    """An agreement of other parties, with budgets of its own."""
    path = desk.agreement(code=code, issuer=f'"{issuer}"', providers=f"[{providers}]", subscribers=f"[{subscribers}]")
    text = path.read_text(encoding="utf-8")
    desk.does("agreement", "load", desk.file("parter.toml", text[: text.index("[[budgets]]")] + "".join(lines)))


def test_one_provider_and_one_subscriber(desk: Desk) -> None:
    alone(desk, "odder", "615", '"615"', '"727"', cost("budgets", 2009, "615", 123_456_789))
    billed = lived(desk, {"727": 123_456_789}, code="odder", cost_oere=123_456_789, internal=())
    assert billed == {"727": 123_456_789}
    answer = closed(desk, {"615": 123_456_790}, code="odder")
    assert (answer["result_oere"], answer["parts"][0]["passed_on_oere"]) == (-1, -1)


def test_ninety_eight_subscribers(desk: Desk) -> None:
    everybody = sorted(MUNICIPALITIES)
    assert len(everybody) == 98
    named = ", ".join(f'"{code}"' for code in everybody)
    total = 9_876_543_211
    lines = [cost("budgets", 2009, "101", 7_000_000_000), cost("budgets", 2009, "461", total - 7_000_000_000)]
    alone(desk, "danmark", "101", '"101", "461"', named, *lines)
    seen = desk.does("subscription", "calculate", "danmark", 2009, "--preview")
    people = by_code(seen["parts"], "population")
    assert sum(people.values()) == 5_475_695  # without Christiansø
    assert {code: people[code] for code in NINE} == INHABITANTS[2008]
    expected = shared_out(total, people)
    assert lived(desk, expected, code="danmark", cost_oere=total, internal=("101",)) == expected
    closed(desk, {"101": 7_100_000_001, "461": 2_700_000_000}, "--carry", "25%", code="danmark")


@pytest.mark.soak
def test_grants_and_income_lower_the_cost(desk: Desk) -> None:
    """Rule 1: the budgets less expected income from surplus capacity, less outside grants."""
    lines = [
        cost("budgets", 2009, ODENSE, 1_000_000_00),
        cost("budgets", 2009, ODENSE, 200_000_01, kind="grant"),
        cost("budgets", 2009, ODENSE, 50_000_00, kind="surplus_capacity_income"),
        cost("budgets", 2009, ODENSE, 10_000_00, kind="grant", line="pulje", note="en anden pulje"),
        cost("budgets", 2009, SVENDBORG, 300_000_00),
    ]
    named = ", ".join(f'"{code}"' for code in NINE)
    alone(desk, FUNEN, ODENSE, f'"{ODENSE}", "{SVENDBORG}"', named, *lines)
    total = 1_000_000_00 - 200_000_01 - 50_000_00 - 10_000_00 + 300_000_00
    expected = shared_out(total, INHABITANTS[2008])
    assert lived(desk, expected, cost_oere=total) == expected
    shown = desk.does("budget", "show", FUNEN, 2009)["budgets"]
    assert [(row["kind"], row["amount_oere"]) for row in shown if row["provider"] == ODENSE] != []
    assert all(row["amount_oere"] > 0 for row in shown)
    answer = closed(desk, {ODENSE: 700_000_00, SVENDBORG: 310_000_00})
    assert answer["result_oere"] == total - 1_010_000_00


@pytest.mark.soak
def test_more_income_than_cost_is_paid_out(desk: Desk) -> None:
    """Rule 1: an obligation below zero is paid out by credit notes."""
    lines = [cost("budgets", 2009, ODENSE, 100_000_00), cost("budgets", 2009, ODENSE, 345_678_91, kind="grant")]
    named = ", ".join(f'"{code}"' for code in NINE)
    alone(desk, FUNEN, ODENSE, f'"{ODENSE}"', named, *lines)
    total = -245_678_91
    expected = shared_out(total, INHABITANTS[2008])
    assert max(expected.values()) < 0
    assert lived(desk, expected, cost_oere=total) == expected
    documents = desk.does("invoice", "list")
    assert {row["document_type"] for row in documents if not row["internal"]} == {"credit_note"}
    assert sum(row["amount_oere"] for row in documents) == total
    answer = closed(desk, {ODENSE: -245_678_91 + 7}, "--carry", "0%")
    assert (answer["result_oere"], answer["carried_oere"]) == (-7, 0)


@pytest.mark.soak
@pytest.mark.parametrize("order", [(2011, 2012, 2011), (2012, 2011)])
def test_what_one_price_takes_does_not_change_another(desk: Desk, order: tuple[int, ...]) -> None:
    """A part of a result is in the price of 2011, the carried part in 2012, whichever is calculated first or again."""
    desk.does("agreement", "load", desk.agreement())
    lived(desk, OBLIGATIONS_2009)
    carried = by_code(closed(desk, CLOSED, "--carry", "10%")["parts"], "carried_oere")
    desk.does("settlement", "release", FUNEN, 2009, "--into", 2012)
    passed = {code: amount - carried[code] for code, amount in shared_out(RESULT, INHABITANTS[2008]).items()}
    for year in (2011, 2012):
        desk.does("budget", "load", desk.costs("budgets", year, {ODENSE: 1_900_000_000, SVENDBORG: 650_000_000}))
    for year in order:
        price = desk.does("subscription", "calculate", FUNEN, year)
        assert by_code(price["parts"], "passed_on_oere") == (passed if year == 2011 else carried), year
    desk.holds()


@pytest.mark.soak
def test_a_corrected_price_of_a_billed_year_is_invoiced_anew(desk: Desk) -> None:
    """Rule 7: nothing remains to spread on, so credit notes and new invoices; and again, and there is nothing more."""
    desk.does("agreement", "load", desk.agreement())
    lived(desk, OBLIGATIONS_2009)
    desk.as_of = "2009-12-21"
    desk.does("budget", "load", desk.costs("budgets", 2009, {SVENDBORG: SVENDBORG_2009 + 1_200_000}))
    desk.does("subscription", "calculate", FUNEN, 2009)
    desk.as_of = "2010-01-04"
    desk.does("accounts", "load", desk.costs("accounts", 2009, CLOSED))
    desk.refuses("settlement", "close", FUNEN, 2009, words=["subscription reinvoice"])
    shares = shared_out(COST_2009 + 1_200_000, INHABITANTS[2008])
    corrected = desk.does("subscription", "reinvoice", FUNEN, 2009)["corrected"]
    assert corrected != []
    for row in corrected:
        place = int(row["month"][-2:]) - 1
        who = row["municipality"]
        assert row["amount_oere"] == rates(shares[who])[place]
        assert row["difference_oere"] == rates(shares[who])[place] - rates(OBLIGATIONS_2009[who])[place]
    before = desk.everything()
    assert desk.does("subscription", "reinvoice", FUNEN, 2009)["corrected"] == []
    assert desk.everything() == before
    documents = desk.does("invoice", "list", "--year", 2009)
    for who in NINE:
        assert sum(row["amount_oere"] for row in documents if row["municipality"] == who) == shares[who]
    assert desk.does("settlement", "close", FUNEN, 2009)["result_oere"] == RESULT + 1_200_000
    desk.holds()


def test_the_officer_is_told_that_all_months_are_billed(billed: Desk) -> None:
    billed.does("budget", "load", billed.costs("budgets", 2009, {SVENDBORG: SVENDBORG_2009 + 1_200_000}))
    said = billed.says("subscription", "calculate", FUNEN, 2009)
    assert said.status == 0
    assert "subscription reinvoice" in said.err
