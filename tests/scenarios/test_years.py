"""Three years of the agreement on Funen, month by month through the commands; every step is repeated at once.

The inhabitants are Statistics Denmark's, 2009 is domain.md's worked example, all other amounts are made up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.scenarios.conftest import (
    COST_2009,
    EIGHT,
    FILES,
    FUNEN,
    INHABITANTS,
    LANGELAND,
    MONTH_12,
    MONTHS_1_TO_11,
    NINE,
    OBLIGATIONS_2009,
    ODENSE,
    ODENSE_2009,
    SVENDBORG,
    SVENDBORG_2009,
    Desk,
    by_code,
    rates,
    shared_out,
)

# § 7 stk. 1: by the 15th of the month before; on the bank day before where that is none. invoice_15th_calendar.
SENT_BY = (
    *("2008-12-15", "2009-01-15", "2009-02-13", "2009-03-13", "2009-04-15", "2009-05-15"),
    *("2009-06-15", "2009-07-15", "2009-08-14", "2009-09-15", "2009-10-15", "2009-11-13"),
    *("2009-12-15", "2010-01-15", "2010-02-15", "2010-03-15", "2010-04-15", "2010-05-12"),
    *("2010-06-15", "2010-07-15", "2010-08-13", "2010-09-15", "2010-10-15", "2010-11-15"),
    *("2010-12-15", "2011-01-14", "2011-02-15", "2011-03-15", "2011-04-15", "2011-05-13"),
    *("2011-06-15", "2011-07-15", "2011-08-15", "2011-09-15", "2011-10-14", "2011-11-15"),
)
DUE = {"2008-12-15": "2009-01-14", "2010-02-15": "2010-03-17", "2011-11-15": "2011-12-15"}  # 30 days after

BUDGET_2010 = {ODENSE: 1_871_234_567, SVENDBORG: 648_765_432}
CORRECTED_2010 = {ODENSE: 1_909_999_999, SVENDBORG: 648_765_432}
BUDGET_2011 = {ODENSE: 1_940_000_001, SVENDBORG: 660_000_000}
BUDGET_2012 = {ODENSE: 1_955_555_555, SVENDBORG: 671_111_110}
ACCOUNTS_2009 = {ODENSE: 1_801_111_111, SVENDBORG: 639_999_999}
ACCOUNTS_2010 = {ODENSE: 1_958_888_887, SVENDBORG: 650_000_003}
ACCOUNTS_2011 = {ODENSE: 1_930_000_000, SVENDBORG: 661_234_567}
RESULT_2009 = COST_2009 - 2_441_111_110
CARRIED_2009 = 10_000_001
RESULT_2010 = 2_558_765_431 - 2_608_888_890
RESULT_2011 = 2_600_000_001 - 2_591_234_567


def plus(*parts: dict[str, int]) -> dict[str, int]:
    """The sums by municipality."""
    return {code: sum(part.get(code, 0) for part in parts) for code in parts[0]}


def minus(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {code: amount - other.get(code, 0) for code, amount in one.items()}


def only(part: dict[str, int], codes: tuple[str, ...]) -> dict[str, int]:
    return {code: part[code] for code in codes}


class Expected:
    """What domain.md's rules make of these budgets and accounts; nothing of it is read from the code under test."""

    def __init__(self) -> None:
        self.months: dict[str, dict[str, int]] = {}
        for number in range(1, 13):
            self.months[f"2009-{number:02d}"] = MONTH_12 if number == 12 else MONTHS_1_TO_11
        shares_2010 = shared_out(sum(BUDGET_2010.values()), INHABITANTS[2009])
        self.first_2010 = shares_2010
        self.second_2010 = shared_out(sum(CORRECTED_2010.values()), INHABITANTS[2009])
        early = {code: rates(shares_2010[code])[0] for code in NINE}
        late = {code: rates(self.second_2010[code] - 5 * early[code], 7) for code in NINE}
        for number in range(1, 13):
            self.months[f"2010-{number:02d}"] = (
                early if number <= 5 else {code: late[code][number - 6] for code in NINE}
            )
        # The result of 2009, whole, by the shares of 2009; what is carried likewise, and the rest is passed on.
        self.result_2009 = shared_out(RESULT_2009, INHABITANTS[2008])
        self.carried_2009 = shared_out(CARRIED_2009, INHABITANTS[2008])
        self.passed_2009 = minus(self.result_2009, self.carried_2009)
        self.result_2010 = shared_out(RESULT_2010, INHABITANTS[2009])
        # 2011 among the eight who remain.
        self.share_2011 = shared_out(sum(BUDGET_2011.values()), only(INHABITANTS[2010], EIGHT))
        self.year_2011 = minus(self.share_2011, only(self.passed_2009, EIGHT))
        provisional = {code: rates(self.second_2010[code])[0] for code in EIGHT}
        rest = {code: rates(self.year_2011[code] - 3 * provisional[code], 9) for code in EIGHT}
        for number in range(1, 13):
            self.months[f"2011-{number:02d}"] = (
                provisional if number <= 3 else {code: rest[code][number - 4] for code in EIGHT}
            )
        self.result_2011 = shared_out(RESULT_2011, only(INHABITANTS[2010], EIGHT))
        self.exit = -(
            self.result_2009[LANGELAND] + self.result_2010[LANGELAND]
        )  # positive: the leaver owes its part of the deficit less its part of the surplus
        self.share_2012 = shared_out(sum(BUDGET_2012.values()), only(INHABITANTS[2011], EIGHT))
        self.passed_2012 = plus(only(self.result_2010, EIGHT), only(self.carried_2009, EIGHT))
        self.year_2012 = minus(self.share_2012, self.passed_2012)


EXPECTED = Expected()
ROW = {"number", "municipality", "amount_oere", "issue_date", "due_date"}


def by_provider(months: dict[str, dict[str, int]], year: int, budget: dict[str, int]) -> dict[str, int]:
    """Rule 12: each provider is entitled to its budget part of each instalment, the øre cut by rule 3."""
    entitled = dict.fromkeys(budget, 0)
    for month, amounts in months.items():
        if month.startswith(str(year)):
            for amount in amounts.values():
                entitled = plus(entitled, shared_out(amount, budget))
    return entitled


class Life:
    """The officer's days: each step is done, repeated, and the books are verified."""

    def __init__(self, desk: Desk, verify_every: int) -> None:
        self.desk = desk
        self.verify_every = verify_every
        self.steps = 0
        self.numbers: dict[str, list[str]] = {}

    def on(self, day: str) -> None:
        assert day >= self.desk.as_of
        self.desk.as_of = day

    def verified(self, *, nothing_due: bool = True) -> None:
        self.steps += 1
        if self.steps % self.verify_every == 0:
            details = self.desk.holds()
            if nothing_due:
                assert details["months_due"].startswith("Intet forfaldent mangler"), details["months_due"]

    def load(self, group: str, path: Any, *, added: int, changed: int = 0) -> None:  # noqa: ANN401 - a path
        """A file, twice."""
        answer = self.desk.does(group, "load", path)
        assert (len(answer["added"]), len(answer["changed"])) == (added, changed)
        before = self.desk.everything()
        again = self.desk.does(group, "load", path)
        assert (again["added"], again["changed"]) == ([], [])
        assert len(again["unchanged"]) == len(answer["added"]) + len(answer["changed"]) + len(answer["unchanged"])
        assert self.desk.everything() == before
        self.verified()

    def price(
        self,
        year: int,
        version: int,
        cost: int,
        obligations: dict[str, int],
        passed_on: dict[str, int] | None = None,
    ) -> Any:  # noqa: ANN401 - an answer
        """The price of a year: seen, calculated, told, and each again."""
        before = self.desk.everything()
        seen = self.desk.does("subscription", "calculate", FUNEN, year, "--preview")
        assert self.desk.everything() == before
        answer = self.desk.does("subscription", "calculate", FUNEN, year)
        assert seen == answer
        passed_on = passed_on or dict.fromkeys(obligations, 0)
        assert set(answer) == {
            *("agreement", "year", "version", "reference_date"),
            *("cost_oere", "passed_on_oere", "total_oere", "parts"),
        }
        assert (answer["agreement"], answer["year"], answer["version"]) == (FUNEN, year, version)
        assert answer["reference_date"] == f"{year - 1}-01-01"
        assert answer["cost_oere"] == cost
        assert answer["passed_on_oere"] == sum(passed_on.values())
        assert answer["total_oere"] == cost - answer["passed_on_oere"] == sum(obligations.values())
        assert [part["municipality"] for part in answer["parts"]] == sorted(obligations)
        assert by_code(answer["parts"], "obligation_oere") == obligations
        assert by_code(answer["parts"], "passed_on_oere") == passed_on
        assert by_code(answer["parts"], "population") == only(INHABITANTS[year - 1], tuple(sorted(obligations)))
        for part in answer["parts"]:
            assert part["share_oere"] - part["passed_on_oere"] == part["obligation_oere"]
            assert len(part["instalments_oere"]) == 12
            assert sum(part["instalments_oere"]) == part["obligation_oere"]
        told = self.desk.does("subscription", "notice", FUNEN, year)
        assert (told["is_new"], told["given_on"]) == (True, self.desk.as_of)
        before = self.desk.everything()
        assert self.desk.does("subscription", "calculate", FUNEN, year) == answer
        assert self.desk.does("subscription", "show", FUNEN, year) == answer
        assert self.desk.does("subscription", "notice", FUNEN, year) == {**told, "is_new": False}
        assert self.desk.everything() == before
        self.verified()
        return answer

    def month(self, month: str) -> None:
        """A month: planned, issued on its deadline, issued again; the price says the same as before."""
        expected = EXPECTED.months[month]
        before = self.desk.everything()
        plan = self.desk.does("month", "plan", FUNEN, month)
        assert self.desk.everything() == before
        answer = self.desk.does("month", "issue", FUNEN, month)
        assert set(answer) == {"agreement", "month", "issued", "already_issued", "failed"}
        assert (answer["agreement"], answer["month"]) == (FUNEN, month)
        assert (answer["already_issued"], answer["failed"]) == ([], [])
        assert by_code(answer["issued"], "amount_oere") == expected
        for row in answer["issued"]:
            assert set(row) == (ROW | {"internal"} if row["municipality"] == ODENSE else ROW)
            assert row.get("internal", False) is (row["municipality"] == ODENSE)
            assert row["issue_date"] == self.desk.as_of
            assert row["due_date"] == DUE.get(self.desk.as_of, row["due_date"])
        assert plan == {
            **answer,
            "issued": [{key: row[key] for key in row if key != "number"} for row in answer["issued"]],
        }
        self.numbers.setdefault(self.desk.as_of[:4], []).extend(row["number"] for row in answer["issued"])
        nothing_more = {**answer, "issued": [], "already_issued": answer["issued"]}
        before = self.desk.everything()
        assert self.desk.does("month", "issue", FUNEN, month) == nothing_more
        assert self.desk.does("month", "plan", FUNEN, month) == nothing_more
        self.desk.does("subscription", "calculate", FUNEN, month[:4], status=int("2011-01" <= month <= "2011-03"))
        assert self.desk.everything() == before
        self.verified()

    def close(
        self,
        year: int,
        accounts: dict[str, int],
        received: dict[str, int],
        parts: tuple[dict[str, int], dict[str, int]],
        *carry: str,
    ) -> None:
        """A year is closed and cleared, and both again."""
        self.load("accounts", self.desk.costs("accounts", year, accounts), added=2)
        result, carried = parts
        before = self.desk.everything()
        preview = self.desk.does("settlement", "close", FUNEN, year, *carry, "--preview")
        assert self.desk.everything() == before
        answer = self.desk.does("settlement", "close", FUNEN, year, *carry)
        assert preview == answer
        invoiced = sum(received.values())
        assert answer == {
            "agreement": FUNEN,
            "year": year,
            "application_year": year + 2,
            "trued_up": False,
            "divided_by": "total",
            "keys": [],
            "invoiced_oere": invoiced,
            "cost_oere": sum(accounts.values()),
            "result_oere": invoiced - sum(accounts.values()),
            "carried_oere": sum(carried.values()),
            "parts": [
                {
                    "municipality": code,
                    "result_oere": result[code],
                    "passed_on_oere": result[code] - carried[code],
                    "carried_oere": carried[code],
                }
                for code in sorted(result)
            ],
            "providers": [
                {
                    "municipality": code,
                    "received_oere": received[code],
                    "cost_oere": accounts[code],
                    "result_oere": received[code] - accounts[code],
                }
                for code in sorted(received)
            ],
        }
        self.verified()
        self.desk.refuses("settlement", "close", FUNEN, year, *carry, words=[str(year), "afsluttet"])
        assert self.desk.does("settlement", "show", FUNEN, year) == answer
        cleared = self.desk.does("settlement", "clear", FUNEN, year)
        assert sum(row["outstanding_oere"] for row in cleared["providers"]) == 0
        before = self.desk.everything()
        again = self.desk.does("settlement", "clear", FUNEN, year)
        assert [row["outstanding_oere"] for row in again["providers"]] == [0, 0]
        assert {**self.desk.does("settlement", "providers", FUNEN, year), "transfers": []} == again
        assert self.desk.everything() == before
        self.verified()

    def begins(self) -> None:
        """2008: the agreement and the price of 2009."""
        loaded = self.desk.does("agreement", "load", FILES / "fyn.toml")
        assert (loaded["is_new"], loaded["version"], len(loaded["added"])) == (True, 1, 2)
        before = self.desk.everything()
        again = self.desk.does("agreement", "load", FILES / "fyn.toml")
        assert (again["is_new"], again["version"], again["added"], again["changed"]) == (False, 1, [], [])
        assert self.desk.does("db", "upgrade")["population_added"] == 0
        assert self.desk.everything() == before
        self.verified()
        self.on("2008-05-30")
        first = self.price(2009, 1, COST_2009, OBLIGATIONS_2009)
        assert {part["municipality"]: part["instalments_oere"] for part in first["parts"]} == {
            code: [MONTHS_1_TO_11[code]] * 11 + [MONTH_12[code]] for code in NINE
        }

    def prices_2010(self) -> None:
        self.load("budget", self.desk.costs("budgets", 2010, BUDGET_2010), added=2)
        self.price(2010, 1, sum(BUDGET_2010.values()), EXPECTED.first_2010)

    def closes_2009(self) -> None:
        """A surplus, of which 100.000,01 kr. is carried."""
        received = by_provider(EXPECTED.months, 2009, {ODENSE: ODENSE_2009, SVENDBORG: SVENDBORG_2009})
        parts = (EXPECTED.result_2009, EXPECTED.carried_2009)
        self.close(2009, ACCOUNTS_2009, received, parts, "--carry", "100000.01")

    def corrects_2010(self) -> None:
        """Five months are billed by the first budget."""
        path = self.desk.costs("budgets", 2010, {ODENSE: CORRECTED_2010[ODENSE]}, name="rettet.toml")
        self.load("budget", path, added=0, changed=1)
        self.price(2010, 2, sum(CORRECTED_2010.values()), EXPECTED.second_2010)
        first = self.desk.does("subscription", "show", FUNEN, 2010, "--version", 1)
        assert by_code(first["parts"], "obligation_oere") == EXPECTED.first_2010

    def hears_notice(self) -> None:
        """On the last day for it."""
        answer = self.desk.does("membership", "leave", FUNEN, LANGELAND, "--year", 2010)
        assert (answer["to_year"], answer["leaves_on"]) == (2010, "2010-12-31")
        self.desk.refuses("membership", "leave", FUNEN, LANGELAND, "--year", 2010, words=["2010", "opsagt"])
        self.verified()

    def prices_2011_late(self) -> None:
        """Three months are billed provisionally."""
        self.load("budget", self.desk.costs("budgets", 2011, BUDGET_2011), added=2)
        self.price(2011, 1, sum(BUDGET_2011.values()), EXPECTED.year_2011, only(EXPECTED.passed_2009, EIGHT))

    def closes_2010(self) -> None:
        """A deficit; five months were billed by the first budget, seven by the corrected one."""
        old = {month: rows for month, rows in EXPECTED.months.items() if "2010-01" <= month <= "2010-05"}
        new = {month: rows for month, rows in EXPECTED.months.items() if "2010-06" <= month <= "2010-12"}
        received = plus(by_provider(old, 2010, BUDGET_2010), by_provider(new, 2010, CORRECTED_2010))
        self.close(2010, ACCOUNTS_2010, received, (EXPECTED.result_2010, dict.fromkeys(NINE, 0)))

    def settles_with_the_leaver(self) -> None:
        before = self.desk.everything()
        preview = self.desk.does("settlement", "exit", FUNEN, LANGELAND, "--preview")
        assert self.desk.everything() == before
        answer = self.desk.does("settlement", "exit", FUNEN, LANGELAND)
        assert answer["amount_oere"] == preview["amount_oere"] == EXPECTED.exit
        assert -sum(line["settled_oere"] for line in answer["lines"]) == EXPECTED.exit
        assert sum(line["carried_oere"] for line in answer["lines"]) == EXPECTED.carried_2009[LANGELAND]
        assert answer["already_settled"] is False
        self.numbers["2011"].append(answer["number"])
        before = self.desk.everything()
        assert self.desk.does("settlement", "exit", FUNEN, LANGELAND) == {**answer, "already_settled": True}
        assert self.desk.everything() == before
        self.verified()

    def prices_2012(self) -> None:
        """With the deficit of 2010 and what was carried of 2009; the leaver's part of it was settled before."""
        self.load("budget", self.desk.costs("budgets", 2012, BUDGET_2012), added=2)
        released = self.desk.does("settlement", "release", FUNEN, 2009, "--into", 2012)
        assert released["released_oere"] == CARRIED_2009 - EXPECTED.carried_2009[LANGELAND]
        self.desk.refuses("settlement", "release", FUNEN, 2009, "--into", 2012, words=["2009"])
        self.verified()
        self.price(2012, 1, sum(BUDGET_2012.values()), EXPECTED.year_2012, EXPECTED.passed_2012)

    def looks_back(self) -> None:
        """All documents of the three years: sums, what was provisional, and numbers (rule 14)."""
        documents = self.desk.does("invoice", "list", "--agreement", FUNEN)
        for code in NINE:
            own = [row["amount_oere"] for row in documents if (row["municipality"], row["kind"]) == (code, "aconto")]
            assert sum(own) == sum(rows.get(code, 0) for rows in EXPECTED.months.values())
        assert [row["period"][0][:7] for row in documents if row["provisional"]] == [
            month for month in ("2011-01", "2011-02", "2011-03") for _ in EIGHT
        ]
        for year, numbers in self.numbers.items():
            assert numbers == [f"F{year}-{place:04d}" for place in range(1, len(numbers) + 1)]

    def closes_2011(self) -> None:
        """All of it carried. January to April 2012 are not billed: a warning, not a fault."""
        assert "2012-01 til 2012-04 (8 kommuner" in self.desk.holds()["months_due"]
        self.desk.does("accounts", "load", self.desk.costs("accounts", 2011, ACCOUNTS_2011))
        answer = self.desk.does("settlement", "close", FUNEN, 2011, "--carry", "100%")
        assert answer["invoiced_oere"] == sum(BUDGET_2011.values())
        assert answer["result_oere"] == answer["carried_oere"] == RESULT_2011
        assert by_code(answer["parts"], "carried_oere") == EXPECTED.result_2011
        self.desk.refuses("settlement", "close", FUNEN, 2011, "--carry", "100%", words=["2011"])
        self.desk.holds()


@pytest.mark.soak  # a year of it: test_horsens_odder, test_other_terms
def test_thirty_six_months(desk: Desk, engine_name: str) -> None:
    life = Life(desk, 1 if engine_name == "sqlite" else 4)
    life.begins()
    events: list[tuple[str, Callable[[], None]]] = [
        ("2009-05-28", life.prices_2010),
        ("2010-03-29", life.closes_2009),
        ("2010-05-10", life.corrects_2010),
        ("2010-07-01", life.hears_notice),
        ("2011-02-22", life.prices_2011_late),
        ("2011-03-30", life.closes_2010),
        ("2011-04-01", life.settles_with_the_leaver),
        ("2011-05-26", life.prices_2012),
    ]
    for month, day in zip(EXPECTED.months, SENT_BY, strict=True):
        while events and events[0][0] < day:
            today, happens = events.pop(0)
            life.on(today)
            happens()
        life.on(day)
        life.month(month)
    assert not events
    life.looks_back()
    life.on("2012-03-28")
    life.closes_2011()
