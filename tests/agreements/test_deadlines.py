"""The bank days against the calendar of 240 months, the deadlines against domain.md."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from agreements.agreement import AdvanceTerms, Agreement, CitedClause, Clause
from agreements.agreement_file import read_agreement
from agreements.deadlines import (
    BankDaysUnknown,
    DeadlineKind,
    bank_day_on_or_before,
    deadlines_of_year,
    is_bank_day,
    price_missing_from,
    send_deadline,
)
from agreements.membership import YearNotAgreed
from foundation.period import Month

# 240 months: the 15th, whether it is a bank day, and the bank day before.
CALENDAR = Path(__file__).with_name("bank_days.csv")


@pytest.fixture(scope="module")
def funen() -> Agreement:
    content = resources.files("agreements").joinpath("examples/fyn_2009.toml").read_bytes()
    return read_agreement("fyn_2009.toml", content)


def test_the_fifteenth_of_240_months() -> None:
    with CALENDAR.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 240
    for row in rows:
        day = date.fromisoformat(row["date"])
        sent_by = date.fromisoformat(row["previous_bank_day"])
        assert is_bank_day(day) is (row["is_bank_day"] == "True"), day
        assert bank_day_on_or_before(day) == sent_by, day
        assert send_deadline(AdvanceTerms(), Month.of(day).plus(1)) == sent_by
        assert send_deadline(AdvanceTerms(months_ahead=0), Month.of(day)) == sent_by


@pytest.mark.parametrize(
    ("day", "open_"),
    [
        (date(2023, 5, 5), False),  # the last Store bededag
        (date(2024, 4, 26), True),  # would have been Store bededag
        (date(2010, 5, 13), False),  # Ascension Day
        (date(2010, 5, 14), False),  # the Friday after
        (date(2009, 6, 5), False),  # Constitution Day
        (date(2009, 12, 24), False),
        (date(2009, 12, 31), False),
        (date(2009, 12, 30), True),
        (date(2009, 5, 1), True),  # 1 May is a bank day
        (date(2009, 4, 9), False),  # Maundy Thursday
        (date(2009, 4, 13), False),  # Easter Monday
        (date(2009, 1, 3), False),  # a Saturday
    ],
)
def test_danish_bank_days(day: date, open_: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_bank_day(day) is open_


@pytest.mark.parametrize(
    ("month", "sent_by"),
    [
        (Month(2009, 1), date(2008, 12, 15)),  # Monday
        (Month(2009, 2), date(2009, 1, 15)),  # Thursday
        (Month(2009, 4), date(2009, 3, 13)),  # 15 March 2009 is a Sunday
        (Month(2010, 6), date(2010, 5, 12)),  # Saturday; the Friday and Thursday before are closed too
    ],
)
def test_a_month_is_sent_by_the_fifteenth_of_the_month_before(month: Month, sent_by: date) -> None:
    assert send_deadline(AdvanceTerms(), month) == sent_by


def test_a_price_is_missed_from_the_day_that_january_goes_out() -> None:
    assert price_missing_from(AdvanceTerms(), 2011) == date(2010, 12, 15)
    assert price_missing_from(AdvanceTerms(), 2013) == date(2012, 12, 14)  # 15 December 2012 is a Saturday
    assert price_missing_from(AdvanceTerms(months_ahead=0), 2011) == date(2010, 12, 15)


def test_the_deadlines_of_2010(funen: Agreement) -> None:
    found = [(deadline.due_on, deadline.kind.value, deadline.clause) for deadline in deadlines_of_year(funen, 2010)]
    assert found == [
        (date(2009, 5, 1), "demand", "§ 6 stk. 5"),
        (date(2009, 6, 1), "price_notice", "§ 6 stk. 4"),
        (date(2009, 7, 1), "notice_to_leave", "§ 8 stk. 3"),
        (date(2009, 12, 15), "advance_invoice", "§ 7 stk. 1"),
        (date(2010, 1, 15), "advance_invoice", "§ 7 stk. 1"),
        (date(2010, 2, 15), "advance_invoice", "§ 7 stk. 1"),
        (date(2010, 3, 15), "advance_invoice", "§ 7 stk. 1"),
        (date(2010, 4, 15), "advance_invoice", "§ 7 stk. 1"),
        (date(2010, 5, 12), "advance_invoice", "§ 7 stk. 1"),
        (date(2010, 6, 15), "advance_invoice", "§ 7 stk. 1"),
        (date(2010, 7, 1), "usage_statement", "§ 6 stk. 7"),
        (date(2010, 7, 15), "advance_invoice", "§ 7 stk. 1"),
        (date(2010, 8, 13), "advance_invoice", "§ 7 stk. 1"),
        (date(2010, 9, 15), "advance_invoice", "§ 7 stk. 1"),
        (date(2010, 10, 15), "advance_invoice", "§ 7 stk. 1"),
        (date(2010, 11, 15), "advance_invoice", "§ 7 stk. 1"),
        (date(2011, 1, 1), "usage_statement", "§ 6 stk. 7"),
        (date(2011, 4, 1), "final_accounts", "§ 6 stk. 3"),
    ]
    months = [deadline.for_month for deadline in deadlines_of_year(funen, 2010) if deadline.for_month]
    assert months == [Month(2010, number) for number in range(1, 13)]


def test_titles_are_danish_and_name_the_year(funen: Agreement) -> None:
    titles = [deadline.title_da for deadline in deadlines_of_year(funen, 2010)]
    assert titles[3] == "A conto regning for januar 2010 sendes"
    assert titles[10] == "Forbrugsopgørelse 1 for 2010 (01.01.-30.06.2010) udarbejdes"
    assert all("2010" in title for title in titles)


def test_nobody_can_give_notice_before_the_first_year(funen: Agreement) -> None:
    kinds = [deadline.kind for deadline in deadlines_of_year(funen, 2009)]
    assert DeadlineKind.NOTICE_TO_LEAVE not in kinds
    assert len(kinds) == 17


@pytest.mark.parametrize("year", [2008, 2013])
def test_a_year_that_is_not_agreed_has_no_deadlines(funen: Agreement, year: int) -> None:
    with pytest.raises(YearNotAgreed, match=str(year)):
        deadlines_of_year(replace(funen, ends_on=date(2012, 12, 31)), year)


def test_bank_days_beyond_the_calendar_are_not_guessed() -> None:
    with pytest.raises(BankDaysUnknown, match="2101"):
        is_bank_day(date(2101, 3, 1))


def test_every_year_of_eighty_has_its_eighteen_deadlines(funen: Agreement) -> None:
    assert {len(deadlines_of_year(funen, year)) for year in range(2010, 2089)} == {18}


def test_nothing_is_cited_that_the_agreements_file_does_not_say(funen: Agreement) -> None:
    """Another agreement's paragraphs are not ours."""
    assert {deadline.clause for deadline in deadlines_of_year(replace(funen, clauses=()), 2010)} == {""}
    own = replace(funen, clauses=(CitedClause(Clause.DEMAND, "pkt. 9"),))
    assert [deadline.kind for deadline in deadlines_of_year(own, 2010) if deadline.clause] == [DeadlineKind.DEMAND]
