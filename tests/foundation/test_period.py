"""Months, years and half-open periods."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.period import FIRST_YEAR, LAST_YEAR, BillingYear, Month, NotAPeriod, Period, months_between

INSIDE = st.builds(Month, st.integers(FIRST_YEAR + 10, LAST_YEAR - 10), st.integers(1, 12))


def test_a_month_has_its_last_day_and_not_the_next_ones_first() -> None:
    january = Month(2009, 1).period
    assert january == Period(date(2009, 1, 1), date(2009, 2, 1))
    assert january.last_day == date(2009, 1, 31)
    assert date(2009, 1, 1) in january
    assert date(2009, 1, 31) in january
    assert date(2008, 12, 31) not in january
    assert date(2009, 2, 1) not in january
    assert "2009-01-15" not in january


def test_february_of_a_leap_year_and_december() -> None:
    assert Month(2008, 2).period.last_day == date(2008, 2, 29)
    assert Month(1900 + 200, 2).period.last_day == date(2100, 2, 28)
    assert Month(2009, 12).period == Period(date(2009, 12, 1), date(2010, 1, 1))


def test_a_billing_year_is_its_twelve_months() -> None:
    year = BillingYear(2009)
    assert [str(month) for month in year.months][:2] == ["2009-01", "2009-02"]
    assert len(year.months) == 12
    assert year.period == Period(date(2009, 1, 1), date(2010, 1, 1))
    assert year.period.last_day == date(2009, 12, 31)
    assert (int(year), str(year)) == (2009, "2009")


def test_months_later_and_earlier() -> None:
    assert Month(2009, 1).plus(-1) == Month(2008, 12)
    assert Month(2008, 12).plus(1) == Month(2009, 1)
    assert Month(2009, 5).plus(-29) == Month(2006, 12)
    assert Month(2009, 5).plus(0) == Month(2009, 5)


def test_how_months_are_written_and_read() -> None:
    assert Month.parse("2009-01") == Month(2009, 1)
    assert str(Month(2009, 1)) == "2009-01"
    assert Month(2009, 1).danish == "januar 2009"
    assert Month(2010, 5).danish == "maj 2010"
    assert Month.of(date(2009, 1, 31)) == Month(2009, 1)


@pytest.mark.parametrize(
    "text",
    ["", "2009", "2009-1", "2009-00", "2009-13", "09-01", "2009/01", "2009-01-01", " 2009-01", "2009-01\n", "٢٠٠٩-01"],
)
def test_no_month(text: str) -> None:
    with pytest.raises(NotAPeriod):
        Month.parse(text)


@pytest.mark.parametrize(("year", "number"), [(1969, 1), (2201, 1), (2009, 0), (2009, 13)])
def test_no_month_of_ours(year: int, number: int) -> None:
    with pytest.raises(NotAPeriod):
        Month(year, number)


@pytest.mark.parametrize("year", [0, 1969, 2201])
def test_no_year_of_ours(year: int) -> None:
    with pytest.raises(NotAPeriod):
        BillingYear(year)


def test_a_period_has_at_least_a_day() -> None:
    assert Period(date(2009, 1, 1), date(2009, 1, 2)).last_day == date(2009, 1, 1)
    for to_day in (date(2009, 1, 1), date(2008, 12, 31)):
        with pytest.raises(NotAPeriod):
            Period(date(2009, 1, 1), to_day)


def test_months_between_two_both_included() -> None:
    assert [str(month) for month in months_between(Month(2008, 11), Month(2009, 2))] == [
        "2008-11",
        "2008-12",
        "2009-01",
        "2009-02",
    ]
    assert list(months_between(Month(2009, 1), Month(2009, 1))) == [Month(2009, 1)]
    assert list(months_between(Month(2009, 2), Month(2009, 1))) == []


@settings(deadline=None, max_examples=60)
@given(INSIDE, st.integers(-100, 100))
def test_there_and_back(month: Month, months: int) -> None:
    assert month.plus(months).plus(-months) == month
    assert (month.plus(months) > month) == (months > 0)


@settings(deadline=None, max_examples=60)
@given(INSIDE)
def test_months_meet_without_a_gap(month: Month) -> None:
    assert month.period.to_day == month.plus(1).first_day
    assert Month.of(month.period.last_day) == month
    assert Month.parse(str(month)) == month
