"""Who takes part, by § 8 and docs/decisions/0005-membership.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.agreement import Agreement
from agreements.agreement_file import read_agreement
from agreements.membership import (
    AlreadyLeaving,
    AlreadyMember,
    JoinTooLate,
    MembershipPeriod,
    NotAMember,
    NoticeTooLate,
    YearNotAgreed,
    agreed_year,
    first_periods,
    is_member,
    join,
    members_in,
    notice_to_leave,
    renewed_until,
)
from foundation.errors import RuleBroken
from foundation.period import BillingYear, NotAPeriod

NINE = ("420", "430", "440", "450", "461", "479", "480", "482", "492")
FUNEN = read_agreement("fyn_2009.toml", resources.files("agreements").joinpath("examples/fyn_2009.toml").read_bytes())
ENDING = replace(FUNEN, ends_on=date(2012, 12, 31))
FIRST = first_periods(FUNEN)


def test_the_nine_take_part_from_2009() -> None:
    assert members_in(FIRST, 2008) == ()
    assert members_in(FIRST, 2009) == NINE
    assert members_in(FIRST, 2026) == NINE
    assert is_member(FIRST, "492", 2009)
    assert not is_member(FIRST, "615", 2009)


def test_notice_on_the_first_of_july_is_in_time() -> None:
    periods = notice_to_leave(FIRST, "492", 2010, date(2010, 7, 1), FUNEN)
    assert members_in(periods, 2010) == NINE
    assert members_in(periods, 2011) == NINE[:-1]


def test_notice_a_day_later_binds_for_a_year_more() -> None:
    with pytest.raises(NoticeTooLate) as caught:
        notice_to_leave(FIRST, "492", 2010, date(2010, 7, 2), FUNEN)
    assert str(caught.value) == (
        "Opsigelsen er for sen: fristen for at udtræde med udgangen af 2010 var 01.07.2010, og opsigelsen er givet "
        "02.07.2010. Kommune 492 er bundet til og med 31.12.2011 og kan tidligst vælge 2011 som sit sidste år."
    )
    periods = notice_to_leave(FIRST, "492", 2011, date(2010, 7, 2), FUNEN)
    assert is_member(periods, "492", 2011)
    assert not is_member(periods, "492", 2012)


def test_notice_for_a_year_long_gone_says_the_earliest_year_from_now() -> None:
    with pytest.raises(NoticeTooLate) as caught:
        notice_to_leave(FIRST, "492", 2010, date(2013, 3, 1), FUNEN)
    assert caught.value.facts["earliest_year"] == 2013


def test_notice_may_be_given_early() -> None:
    periods = notice_to_leave(FIRST, "492", 2014, date(2009, 1, 2), FUNEN)
    assert is_member(periods, "492", 2014)
    assert not is_member(periods, "492", 2015)


def test_only_a_member_can_leave() -> None:
    with pytest.raises(NotAMember, match="615"):
        notice_to_leave(FIRST, "615", 2010, date(2010, 1, 1), FUNEN)


def test_the_first_notice_stands() -> None:
    periods = notice_to_leave(FIRST, "492", 2010, date(2010, 6, 1), FUNEN)
    for year in (2009, 2010, 2011):
        with pytest.raises(AlreadyLeaving, match="til og med 2010"):
            notice_to_leave(periods, "492", year, date(2010, 6, 2), FUNEN)
    with pytest.raises(NotAMember):
        notice_to_leave(periods, "492", 2012, date(2011, 1, 1), FUNEN)


def test_a_municipality_joins_leaves_and_joins_again() -> None:
    periods = join(FIRST, "615", 2010, date(2009, 12, 31), FUNEN)
    assert "615" not in members_in(periods, 2009)
    assert "615" in members_in(periods, 2010)
    periods = notice_to_leave(periods, "615", 2011, date(2011, 5, 1), FUNEN)
    periods = join(periods, "615", 2014, date(2013, 1, 1), FUNEN)
    assert [year for year in range(2009, 2017) if is_member(periods, "615", year)] == [2010, 2011, 2014, 2015, 2016]


def test_joining_is_decided_before_the_year_begins() -> None:
    with pytest.raises(JoinTooLate, match="Tidligste år er 2011"):
        join(FIRST, "615", 2010, date(2010, 1, 1), FUNEN)


def test_who_takes_part_or_will_cannot_join() -> None:
    with pytest.raises(AlreadyMember, match="fra 2009"):
        join(FIRST, "461", 2012, date(2010, 1, 1), FUNEN)
    later = join(FIRST, "615", 2013, date(2010, 1, 1), FUNEN)
    with pytest.raises(AlreadyMember, match="fra 2013"):
        join(later, "615", 2011, date(2010, 1, 1), FUNEN)


def test_the_last_subscriber_may_leave() -> None:
    periods = FIRST
    for code in NINE:
        periods = notice_to_leave(periods, code, 2010, date(2010, 7, 1), FUNEN)
    assert members_in(periods, 2010) == NINE
    assert members_in(periods, 2011) == ()
    assert renewed_until(FUNEN, periods, date(2015, 1, 1)) == 2010


@pytest.mark.parametrize(
    ("as_of", "year"),
    [
        (date(2008, 10, 1), 2009),  # signed, not begun
        (date(2009, 7, 1), 2009),  # notice can still be given
        (date(2009, 7, 2), 2010),  # silence has renewed
        (date(2010, 1, 1), 2010),
        (date(2012, 12, 31), 2013),
    ],
)
def test_silence_renews_for_a_calendar_year(as_of: date, year: int) -> None:
    assert renewed_until(FUNEN, FIRST, as_of) == year


def test_an_agreement_with_an_end_is_not_renewed_beyond_it() -> None:
    assert renewed_until(ENDING, FIRST, date(2012, 8, 1)) == 2012
    assert renewed_until(FUNEN, (), date(2012, 8, 1)) is None


def test_years_outside_the_agreement() -> None:
    assert agreed_year(ENDING, 2012) == BillingYear(2012)
    with pytest.raises(YearNotAgreed, match=r"gælder fra 01\.01\.2009 til og med 31\.12\.2012"):
        agreed_year(ENDING, 2013)
    with pytest.raises(YearNotAgreed, match=r"gælder ikke i 2008; den gælder fra 01\.01\.2009\. "):
        agreed_year(FUNEN, 2008)
    with pytest.raises(YearNotAgreed):
        join(FIRST, "615", 2008, date(2007, 1, 1), FUNEN)
    with pytest.raises(YearNotAgreed):
        notice_to_leave(FIRST, "461", 2013, date(2012, 1, 1), ENDING)


def test_a_period_ends_after_it_begins() -> None:
    with pytest.raises(NotAPeriod):
        MembershipPeriod("461", 2010, 2009)


CODES = st.sampled_from(("420", "461", "615"))
YEARS = st.integers(2007, 2020)
DAYS = st.dates(date(2007, 1, 1), date(2020, 12, 31))
Act = Callable[[tuple[MembershipPeriod, ...], str, int, date, Agreement], tuple[MembershipPeriod, ...]]


@given(st.lists(st.tuples(st.sampled_from((join, notice_to_leave)), CODES, YEARS, DAYS), max_size=12))
def test_nobody_is_a_member_twice_and_each_act_changes_only_its_own(acts: list[tuple[Act, str, int, date]]) -> None:
    periods: tuple[MembershipPeriod, ...] = ()
    for act, code, year, day in acts:
        try:
            changed = act(periods, code, year, day, FUNEN)
        except RuleBroken:
            continue
        for other in range(2005, 2025):
            before, after = set(members_in(periods, other)), set(members_in(changed, other))
            if act is join:
                assert after == (before | {code} if other >= year else before)
            else:
                assert after == (before - {code} if other > year else before)
            assert sum(other in period for period in changed if period.municipality == code) <= 1
        periods = changed
    for year in range(2005, 2025):
        codes = members_in(periods, year)
        assert list(codes) == sorted(set(codes))


@given(CODES, st.integers(2009, 2020), DAYS)
def test_what_a_late_notice_offers_can_be_chosen(code: str, year: int, day: date) -> None:
    try:
        notice_to_leave(FIRST, code, year, day, FUNEN)
    except NoticeTooLate as error:
        earliest = error.facts["earliest_year"]
        assert isinstance(earliest, int)
        assert earliest > year
        assert not is_member(notice_to_leave(FIRST, code, earliest, day, FUNEN), code, earliest + 1)
        with pytest.raises(NoticeTooLate):
            notice_to_leave(FIRST, code, earliest - 1, day, FUNEN)
    except NotAMember:
        assert code == "615"
