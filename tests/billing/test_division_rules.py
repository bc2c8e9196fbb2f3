"""A year's cost by several keys and over pieces of a year: identities, and figures worked out by hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.agreement import (
    AdvanceTerms,
    AgreedFigure,
    AllocationKey,
    AllocationTerms,
    CostLine,
    KeyChange,
    KeyTerms,
    LineKey,
    PartialYear,
)
from agreements.membership import NoticeTooShort, days_of, earliest_end, first_periods, notice_by_months
from agreements.population import PopulationMissing
from agreements.schedule import instalments_of_year
from billing.accounts.facts import InvoicedMonth
from billing.annual_subscription.division_form import division_from_text, division_text
from billing.annual_subscription.division_rules import (
    AgreedFigureMissing,
    KeyWithoutWeight,
    PayerTakesNoPart,
    PercentagesDoNotFit,
)
from billing.monthly_aconto.rules import weights_of_payer
from foundation.period import Month, Period
from tests.billing.keyed import (
    MONTHLY,
    PEOPLE,
    SCHEDULES,
    WHOLE,
    YEAR,
    line,
    one_party,
    open_ended,
    percentages,
    priced,
    shares,
)
from tests.billing.made import identity


def test_premises_by_40_60_and_operation_by_inhabitants() -> None:
    allocation = AllocationTerms(line_keys=(percentages("lokaler", {"420": 400_000, "461": 600_000}, "lokaler"),))
    price = priced([line(30_000), line(1_001, "lokaler")], allocation, counts={"420": 1, "461": 2})
    # 30,000 by 1:2; 1,001 by 40/60 is 400.4 and 600.6, and the larger remainder gets the øre.
    assert shares(price) == {"420": 10_000 + 400, "461": 20_000 + 601}
    assert price.cost_oere == 31_001
    assert division_from_text(division_text(price.division)) == price.division  # type: ignore[arg-type]


def test_a_sum_for_one_payer_stands_on_its_own_line() -> None:
    allocation = AllocationTerms(line_keys=(one_party("koordinator", "480", "koordinator"),))
    price = priced(
        [line(90_000), line(50_000_000, "koordinator", "koordinator")],
        allocation,
        counts={"420": 1, "461": 1, "480": 1},
    )
    assert shares(price) == {"420": 30_000, "461": 30_000, "480": 50_030_000}
    assert weights_of_payer(price, "480") == {"461": {"ambulant": 30_000, "koordinator": 50_000_000}}
    assert weights_of_payer(price, "420") == {"461": {"ambulant": 30_000}}


def test_capacity_by_clients_on_a_day() -> None:
    places = KeyTerms(
        AllocationKey.AGREED_CAPACITY,
        figures=(AgreedFigure("420", 24), AgreedFigure("461", 15)),
        counted_on=date(2008, 6, 1),
        counts="klienter",
    )
    allocation = AllocationTerms(key=places.key, basis=places)
    price = priced([line(100_000)], allocation, counts={"420": 1, "461": 1})
    # 100,000 * 24/39 = 61,538.46 and 15/39 = 38,461.54.
    assert shares(price) == {"420": 61_538, "461": 38_462}
    assert price.division is not None
    assert [share.figure.on for share in price.division.portions[0].shares] == [date(2008, 6, 1)] * 2


def test_who_joins_in_july_pays_from_july_and_the_others_less_from_then() -> None:
    days = {"420": WHOLE, "461": WHOLE, "480": Period(date(2009, 7, 1), WHOLE.to_day)}
    allocation = AllocationTerms(partial_year=PartialYear.MONTHS)
    price = priced([line(120_000)], allocation, days=days, counts={"420": 1, "461": 2, "480": 3})
    # January-June 60,000 by 1:2; July-December 60,000 by 1:2:3.
    assert shares(price) == {"420": 20_000 + 10_000, "461": 40_000 + 20_000, "480": 30_000}
    part = price.part_of("480")
    assert part is not None
    assert [each.month.number for each in part.instalments] == [7, 8, 9, 10, 11, 12]
    assert [each.amount_oere for each in part.instalments] == [5_000] * 6


def test_by_days() -> None:
    days = {"420": Period(date(2009, 3, 15), WHOLE.to_day)}
    allocation = AllocationTerms(partial_year=PartialYear.DAYS)
    price = priced([line(365_000)], allocation, days=days, counts={"420": 7})
    # 15 March is the 74th day, so 365 - 73 = 292 days are left; March has 17 of its 31.
    assert shares(price) == {"420": 292_000}
    part = price.part_of("420")
    assert part is not None
    weight = Fraction(17, 31)
    assert part.instalments[0].amount_oere == math.floor(292_000 * weight / (weight + 9))
    assert sum(each.amount_oere for each in part.instalments) == 292_000


def test_figures_agreed_anew_from_a_day() -> None:
    terms = KeyTerms(
        AllocationKey.FIXED_PERCENTAGES,
        figures=(AgreedFigure("420", 400_000), AgreedFigure("461", 600_000)),
        changes=(
            KeyChange(
                date(2009, 10, 1),
                (AgreedFigure("420", 300_000), AgreedFigure("461", 500_000), AgreedFigure("480", 200_000)),
            ),
        ),
    )
    allocation = AllocationTerms(key=terms.key, basis=terms, partial_year=PartialYear.MONTHS)
    days = {"420": WHOLE, "461": WHOLE, "480": Period(date(2009, 10, 1), WHOLE.to_day)}
    price = priced([line(1_200_000)], allocation, days=days)
    # Nine months, 900,000, by 40/60; three months, 300,000, by 30/50/20.
    assert shares(price) == {"420": 360_000 + 90_000, "461": 540_000 + 150_000, "480": 60_000}


@pytest.mark.parametrize(
    ("allocation", "days", "error"),
    [
        (
            AllocationTerms(line_keys=(percentages("p", {"420": 400_000, "461": 600_000}, "x"),)),
            {},
            AgreedFigureMissing,
        ),
        (
            AllocationTerms(
                line_keys=(percentages("p", {"420": 400_000, "461": 500_000, "480": 100_000, "492": 0}, "x"),)
            ),
            {"420": WHOLE, "461": WHOLE},
            PercentagesDoNotFit,
        ),
        (AllocationTerms(line_keys=(one_party("o", "492", "x"),)), {}, PayerTakesNoPart),
        (
            AllocationTerms(
                line_keys=(
                    LineKey(
                        "k",
                        KeyTerms(AllocationKey.AGREED_CAPACITY, figures=tuple(AgreedFigure(who, 0) for who in PEOPLE)),
                        lines=("x",),
                    ),
                )
            ),
            {},
            KeyWithoutWeight,
        ),
        (AllocationTerms(line_keys=(one_party("o", "420", "x"),)), {"420": WHOLE, "751": WHOLE}, PopulationMissing),
    ],
)
def test_nothing_is_guessed(allocation: AllocationTerms, days: Mapping[str, Period], error: type[Exception]) -> None:
    with pytest.raises(error):
        priced([line(100), line(100, "x")], allocation, days=days)


AMOUNTS = st.integers(-(10**11), 10**11)
UNITS = st.sampled_from([1, 100])


@st.composite
def mixtures(draw: st.DrawFn) -> tuple[list[CostLine], AllocationTerms]:
    """Budget lines by four keys, one of each sort."""
    first = draw(st.integers(0, 1_000_000))
    second = draw(st.integers(0, 1_000_000 - first))
    capacity = tuple(AgreedFigure(who, draw(st.integers(1, 99))) for who in PEOPLE)
    keys = (
        percentages("p", {"420": first, "461": second, "480": 1_000_000 - first - second}, "procent"),
        one_party("o", draw(st.sampled_from(sorted(PEOPLE))), "alene"),
        LineKey("k", KeyTerms(AllocationKey.AGREED_CAPACITY, figures=capacity), lines=("pladser",)),
    )
    names = ("", "procent", "alene", "pladser")
    lines = [line(draw(AMOUNTS), name) for name in draw(st.sets(st.sampled_from(names), min_size=1))]
    return sorted(lines, key=lambda each: each.key), AllocationTerms(line_keys=keys, partial_year=PartialYear.MONTHS)


@identity
@given(mixtures(), UNITS, st.sampled_from(SCHEDULES))
def test_mixed_keys_sum_to_the_total(
    mixture: tuple[list[CostLine], AllocationTerms], unit_oere: int, advance: AdvanceTerms
) -> None:
    lines, allocation = mixture
    price = priced(lines, allocation, unit_oere=unit_oere, advance=advance)
    whole = sum(each.net_oere for each in lines)
    assert sum(shares(price).values()) == whole == price.cost_oere == price.total_oere
    for part in price.parts:
        assert sum(each.amount_oere for each in part.instalments) == part.obligation_oere
        assert [each.month for each in part.instalments] == [each.first for each in instalments_of_year(advance, YEAR)]
        of_payer = weights_of_payer(price, part.municipality)
        if part.share_oere:
            assert sum(sum(services.values()) for services in of_payer.values()) == part.share_oere


@identity
@given(
    mixtures(),
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from(sorted(PEOPLE)),
    st.sampled_from(SCHEDULES),
)
def test_pieces_of_a_year_sum_to_what_is_paid_for(
    mixture: tuple[list[CostLine], AllocationTerms], first: int, last: int, who: str, advance: AdvanceTerms
) -> None:
    lines, allocation = mixture
    first, last = min(first, last), max(first, last)
    own = Period(date(YEAR, first, 1), Month(YEAR, last).plus(1).first_day)
    others = {code: WHOLE for code in PEOPLE if code != who}
    # Percentages are agreed for all three; who is there for a piece of the year has none of that key here.
    lines = [each for each in lines if each.key.line != "procent"] or [line(7)]
    price = priced(lines, allocation, days=dict(sorted((others | {who: own}).items())), advance=advance)
    alone = next(key.terms.payer for key in allocation.line_keys if key.name == "o")
    whole = sum(each.net_oere for each in lines if each.key.line != "alene")
    added = sum(each.net_oere for each in lines if each.key.line == "alene")
    if alone != who:
        assert sum(shares(price).values()) == whole + added
    else:
        paid = sum(shares(price).values()) - whole
        assert abs(paid - Fraction(added * (last - first + 1), 12)) < 3
    part = price.part_of(who)
    assert part is not None
    assert sum(each.amount_oere for each in part.instalments) == part.obligation_oere
    for each in part.instalments:
        span = next(one for one in instalments_of_year(advance, YEAR) if one.first == each.month)
        assert span.period.from_day < own.to_day
        assert own.from_day < span.period.to_day


@identity
@given(
    st.dates(date(2008, 1, 1), date(2009, 12, 31)),
    st.integers(0, 14),
    st.integers(1, 12),
    st.sampled_from(SCHEDULES),
    st.integers(1, 10**10),
    st.integers(0, 12),
)
def test_notice_to_any_first_leaves_nothing_unbilled_and_nothing_billed_beyond(  # noqa: PLR0917 - drawn
    given_on: date, later: int, notice: int, advance: AdvanceTerms, cost_oere: int, billed: int
) -> None:
    agreement = open_ended(advance, notice)
    ends_before = Month.of(earliest_end(agreement, given_on)).plus(later).first_day
    if ends_before.year != YEAR or ends_before == date(YEAR, 1, 1):
        return
    periods = notice_by_months(first_periods(agreement), "727", ends_before, given_on, agreement)
    days = days_of(agreement, periods, YEAR)
    assert days == {"727": Period(date(YEAR, 1, 1), ends_before)}
    counts = {"727": 1}
    allocation = agreement.terms.allocation
    before = priced([line(cost_oere)], allocation, counts=counts, advance=advance)
    before_part = before.part_of("727")
    assert before_part is not None
    # Some of the instalments that begin before the last day were invoiced by the price of the whole year.
    invoiced = tuple(
        InvoicedMonth(each.month, each.gross_oere, {})
        for each in before_part.instalments[:billed]
        if each.month.first_day < ends_before
    )
    price = priced([line(cost_oere)], allocation, days=days, counts=counts, advance=advance, invoiced={"727": invoiced})
    months = ends_before.month - 1
    exact = Fraction(cost_oere * months, 12)
    part = price.part_of("727")
    assert part is not None
    assert abs(part.obligation_oere - exact) < 1
    assert sum(each.amount_oere for each in part.instalments) == part.obligation_oere
    assert all(each.month.first_day < ends_before for each in part.instalments)
    due = [each.first for each in instalments_of_year(advance, YEAR) if each.first.first_day < ends_before]
    assert [each.month for each in part.instalments] == due
    assert days_of(agreement, periods, YEAR + 1) == {}


@identity
@given(st.dates(date(2008, 1, 1), date(2015, 12, 31)), st.integers(1, 24))
def test_the_earliest_end_is_the_first_first_so_many_months_later(given_on: date, notice: int) -> None:
    agreement = open_ended(MONTHLY, notice)
    first = earliest_end(agreement, given_on)
    assert first.day == 1
    # So many months before it is on the day of notice or later, and a month earlier is not.
    assert Month.of(first).plus(-notice).first_day >= given_on > Month.of(first).plus(-notice - 1).first_day
    periods = first_periods(agreement)
    if given_on >= agreement.starts_on:
        with pytest.raises(NoticeTooShort):
            notice_by_months(periods, "727", Month.of(first).plus(-1).first_day, given_on, agreement)


@identity
@given(st.sampled_from(SCHEDULES), st.integers(2008, 2030))
def test_a_year_s_instalments_follow_each_other_without_a_gap(advance: AdvanceTerms, year: int) -> None:
    found = instalments_of_year(advance, year)
    assert len(found) == advance.instalments
    assert found[0].period.from_day == date(year, 1, 1)
    assert found[-1].period.to_day == date(year + 1, 1, 1)
    assert all(one.period.to_day == other.period.from_day for one, other in itertools.pairwise(found))
    assert found[0].period.from_day - timedelta(days=1) == date(year - 1, 12, 31)
