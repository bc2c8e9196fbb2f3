"""What a party may tell the others, by day: the Funen agreement's days, 1 May (§ 6 stk. 5) and 1 July (§ 8 stk. 3)."""

from __future__ import annotations

from datetime import date
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.agreement_file import read_agreement
from agreements.membership import AlreadyLeaving, MembershipPeriod, NotAMember, NoticeTooLate, first_periods
from agreements.notices import (
    DemandYearWrong,
    NoticeKind,
    NoticeSaysNothing,
    NoticeTooLong,
    demand_years,
    leaving_years,
    written_notice,
)
from foundation.errors import MellemregningError

NAME = "fyn_2009.toml"
FUNEN = read_agreement(NAME, resources.files("agreements").joinpath("examples", NAME).read_bytes())
PERIODS = first_periods(FUNEN)
ASSENS = "420"


@pytest.mark.parametrize(
    ("on", "leaving"),
    [
        (date(2009, 7, 1), (2009, 2010, 2011, 2012)),  # the very day counts
        (date(2009, 7, 2), (2010, 2011, 2012)),
        (date(2009, 12, 31), (2010, 2011, 2012)),
        (date(2008, 12, 31), (2009, 2010, 2011)),  # before it begins
    ],
)
def test_the_years_that_may_be_the_last(on: date, leaving: tuple[int, ...]) -> None:
    assert leaving_years(FUNEN, PERIODS, ASSENS, on) == leaving


def test_who_has_given_notice_gives_none_again() -> None:
    periods = [MembershipPeriod(ASSENS, 2009, 2010)]
    assert leaving_years(FUNEN, periods, ASSENS, date(2009, 6, 1)) == ()
    assert demand_years(FUNEN, periods, ASSENS, date(2009, 6, 1)) == (2010,)
    with pytest.raises(AlreadyLeaving):
        written_notice(FUNEN, periods, ASSENS, NoticeKind.LEAVE, 2010, "", date(2009, 6, 1), "x")


@pytest.mark.parametrize(
    ("on", "due_on", "is_late"),
    [
        (date(2009, 5, 1), date(2009, 5, 1), False),
        (date(2009, 5, 2), date(2009, 5, 1), True),
        (date(2009, 12, 31), date(2009, 5, 1), True),
    ],
)
def test_changed_demand_after_its_day_is_late(on: date, due_on: date, *, is_late: bool) -> None:
    notice = written_notice(FUNEN, PERIODS, ASSENS, NoticeKind.DEMAND, 2010, " færre ", on, "x")
    assert (notice.due_on, notice.is_late, notice.words) == (due_on, is_late, "færre")


@pytest.mark.parametrize(
    ("kind", "year", "words", "error"),
    [
        (NoticeKind.DEMAND, 2010, "  ", NoticeSaysNothing),
        (NoticeKind.DEMAND, 2010, "x" * 2001, NoticeTooLong),
        (NoticeKind.DEMAND, 2009, "x", DemandYearWrong),
        (NoticeKind.DEMAND, 2013, "x", DemandYearWrong),
        (NoticeKind.LEAVE, 2009, "", NoticeTooLate),
    ],
)
def test_what_cannot_be_told(kind: NoticeKind, year: int, words: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        written_notice(FUNEN, PERIODS, ASSENS, kind, year, words, date(2009, 9, 1), "x")


def test_who_takes_no_part_tells_nothing() -> None:
    with pytest.raises(NotAMember):
        written_notice(FUNEN, PERIODS, "101", NoticeKind.DEMAND, 2010, "x", date(2009, 4, 1), "x")


@given(on=st.dates(date(2009, 1, 1), date(2060, 12, 31)), ahead=st.integers(-2, 8))
def test_what_is_offered_is_what_is_taken(on: date, ahead: int) -> None:
    year = on.year + ahead
    offered = year in leaving_years(FUNEN, PERIODS, ASSENS, on)
    try:
        notice = written_notice(FUNEN, PERIODS, ASSENS, NoticeKind.LEAVE, year, "", on, "x")
    except MellemregningError:
        assert not offered
        return
    assert offered or ahead > 3  # no more than the nearest years are offered
    assert notice.given_on <= notice.due_on == date(year, 7, 1)
    assert not notice.is_late
    # By hand: up to 1 July this year can be the last one, afterwards the next.
    assert year >= (on.year if (on.month, on.day) <= (7, 1) else on.year + 1)
