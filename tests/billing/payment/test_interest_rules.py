"""Late interest against figures worked out by hand, against a count day by day, and cut in any way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.invoice.facts import ClaimKind, LineKind, PartySnapshot
from billing.payment.interest_facts import Billed, InterestClaim, Principal, Segment
from billing.payment.interest_rules import (
    NotARateDay,
    RateUnlikely,
    ReferenceRateMissing,
    claims_of,
    exact_interest,
    interest_draft,
    late_rate,
    percent,
    planned_documents,
    require_rate,
    segments,
)
from billing.payment.interest_store import shipped_rates
from foundation.money import whole_oere

RATES = {rate.effective_from: rate.rate for rate in shipped_rates()}
ASSENS = "420"
WHOLE, HALF = 19_420_282, 9_710_141


def owed(due: date, paid: Mapping[date, int] | None = None, amount: int = WHOLE, **pieces: int) -> Principal:
    return Principal(1, "F2008-0001", ASSENS, due, amount, paid or {}, pieces or {"a": amount})


def told(found: tuple[Segment, ...]) -> list[tuple[str, str, int, str, int, int]]:
    return [
        (f"{one.from_day}", f"{one.last_day}", one.base_oere, str(one.rate), one.days, one.days_in_year)
        for one in found
    ]


# The worked example: 194.202,82 kr. due 14 January 2009, half paid on 1 July 2009, the rest on 15 March 2010.
#
# The claim fell due before 1 March 2013, so the surcharge is 7. Reference rates: 3.75 on 1 January 2009, 1.55 on 1 July
# 2009, 1.20 on 1 January 2010; the late interest is 10.75, 8.55 and 8.20 per cent. The first day is 15 January 2009. A
# payment counts from the day after it, so 1 July 2009 is still a day of the whole, and 15 March 2010 the last day.
#
#   15.01.2009-30.06.2009   17 + 28 + 31 + 30 + 31 + 30      = 167 days of 365   194,202.82 at 10.75
#       194,202.82 x 0.1075 x 167 / 365 = 3,486,426.126050 / 365 = 9,551.852400
#   01.07.2009-01.07.2009                                        1 day           194,202.82 at  8.55
#       194,202.82 x 0.0855 x   1 / 365 =    16,604.341110 / 365   =    45.491346
#   02.07.2009-31.12.2009   30 + 31 + 30 + 31 + 30 + 31      = 183 days          97,101.41 at  8.55
#       97,101.41  x 0.0855 x 183 / 365 =  1,519,297.211566 / 365 = 4,162.458114
#   01.01.2010-15.03.2010   31 + 28 + 15                     =  74 days          97,101.41 at  8.20
#       97,101.41  x 0.0820 x  74 / 365 =   589,211.355880 / 365   = 1,614.277687
#                                                                  -------------
#                                                                   15,374.079547 = 15.374,08 kr.
#
# The four lines of the invoice sum to that: 9,551.85 + 45.49 + 4,162.46 + 1,614.28 = 15,374.08.
PAID = {date(2009, 7, 1): HALF, date(2010, 3, 15): HALF}


def test_three_rates_by_hand() -> None:
    principal = owed(date(2009, 1, 14), PAID)
    found = segments(principal, RATES, date(2009, 1, 15), date(2010, 6, 1))
    assert told(found) == [
        ("2009-01-15", "2009-06-30", WHOLE, "10.75", 167, 365),
        ("2009-07-01", "2009-07-01", WHOLE, "8.55", 1, 365),
        ("2009-07-02", "2009-12-31", HALF, "8.55", 183, 365),
        ("2010-01-01", "2010-03-15", HALF, "8.20", 74, 365),
    ]
    exact = [one.exact_oere for one in found]
    assert exact == [
        Fraction(19_420_282 * 1075 * 167, 10_000 * 365),
        Fraction(19_420_282 * 855 * 1, 10_000 * 365),
        Fraction(9_710_141 * 855 * 183, 10_000 * 365),
        Fraction(9_710_141 * 820 * 74, 10_000 * 365),
    ]
    (claim,) = claims_of(principal, RATES, date(2010, 6, 1))
    assert [line.amount_oere for line in claim.lines] == [955_185, 4_549, 416_246, 161_428]
    assert claim.amount_oere == 1_537_408
    assert claim.lines[0].text == (
        "Morarente af F2008-0001, forfalden 14.01.2009: 15.01.2009-30.06.2009, 167 af 365 dage, "
        "10,75 % p.a. (referencesats 3,75 + 7,00) af 194.202,82 kr."
    )


# Across 1 March 2013. The surcharge is the claim's, by its due date; a claim that was due before keeps 7.
#
#   due 14.02.2013, paid 15.07.2013 (reference rate 0.20 in both half-years): 0.20 + 7 = 7.20
#       15.02.2013-30.06.2013   14 + 31 + 30 + 31 + 30 = 136 days   194,202.82 x 0.0720 x 136 / 365 = 5,209.956201
#       01.07.2013-15.07.2013                             15 days   194,202.82 x 0.0720 x  15 / 365 =   574.627522
#                                                                                                      5,784.583723
#   due 28.02.2013: 122 days of March to June, then 15, 137 in all: 194,202.82 x 0.0720 x 137 / 365 = 5,248.264703
#   due 01.03.2013, paid 15.07.2013: 0.20 + 8 = 8.20
#       02.03.2013-30.06.2013        30 + 30 + 31 + 30 = 121 days   194,202.82 x 0.0820 x 121 / 365 = 5,279.124329
#       01.07.2013-15.07.2013                             15 days   194,202.82 x 0.0820 x  15 / 365 =   654.436900
#                                                                                                      5,933.561229
@pytest.mark.parametrize(
    ("due", "rate", "days", "amount_oere"),
    [
        (date(2013, 2, 14), "7.20", [136, 15], 578_458),
        (date(2013, 2, 28), "7.20", [122, 15], 524_826),
        (date(2013, 3, 1), "8.20", [121, 15], 593_356),
    ],
)
def test_across_1_march_2013_by_hand(due: date, rate: str, days: list[int], amount_oere: int) -> None:
    principal = owed(due, {date(2013, 7, 15): WHOLE})
    (claim,) = claims_of(principal, RATES, date(2014, 1, 1))
    found = [line.segment for line in claim.lines if line.segment]
    assert [one.days for one in found] == days
    assert {str(one.rate) for one in found} == {rate}
    assert claim.amount_oere == amount_oere


def test_a_leap_year_has_366_days() -> None:
    """100.000,00 kr. due 31 December 2011, paid 31 December 2012: 366 days of 366, 0.70 and 0.45 + 7.

    Until 30 June 31 + 29 + 31 + 30 + 31 + 30 = 182 days at 7.70: 100,000 x 0.0770 x 182 / 366 = 3,828.961749;
    then 184 days at 7.45: 100,000 x 0.0745 x 184 / 366 = 3,745.355191; together 7,574.316940.
    """
    (claim,) = claims_of(
        owed(date(2011, 12, 31), {date(2012, 12, 31): 10_000_000}, 10_000_000), RATES, date(2013, 6, 1)
    )
    assert [(line.segment.days, line.segment.days_in_year) for line in claim.lines if line.segment] == [
        (182, 366),
        (184, 366),
    ]
    assert claim.amount_oere == 757_432


def test_paid_on_time_and_a_day_late() -> None:
    due = date(2009, 1, 14)
    assert claims_of(owed(due, {due: WHOLE}), RATES, date(2025, 1, 1)) == ()
    assert claims_of(owed(due, {date(2008, 12, 20): WHOLE}), RATES, date(2025, 1, 1)) == ()
    (late,) = claims_of(owed(due, {date(2009, 1, 15): WHOLE}), RATES, date(2009, 6, 1))
    # 194,202.82 x 0.1075 / 365 = 57.196721
    assert late.amount_oere == 5_720


def test_paid_too_much_bears_nothing() -> None:
    paid = {date(2009, 1, 20): WHOLE + 100}
    assert segments(owed(date(2009, 1, 14), paid), RATES, date(2009, 1, 15), date(2030, 1, 1))[-1].last_day == date(
        2009, 1, 20
    )


def test_a_missing_rate_stops_with_its_day() -> None:
    principal = owed(date(2025, 10, 1))
    assert segments(principal, RATES, date(2025, 10, 2), date(2026, 1, 1))
    with pytest.raises(ReferenceRateMissing) as caught:
        segments(principal, RATES, date(2025, 10, 2), date(2026, 1, 2))
    assert caught.value.facts["effective_from"] == date(2026, 1, 1)
    assert "01.01.2026" in str(caught.value)
    # Where nothing was outstanding, no rate is needed.
    settled = owed(date(2025, 10, 1), {date(2025, 12, 31): WHOLE})
    assert segments(settled, RATES, date(2025, 10, 2), date(2030, 1, 1))


def test_the_reference_rate_may_be_negative_and_the_sum_is_not() -> None:
    assert late_rate(date(2021, 8, 1), date(2021, 9, 1), RATES) == Decimal("7.65")
    assert late_rate(date(2022, 1, 1), date(2022, 9, 1), {date(2022, 7, 1): Decimal("-9.5")}) == 0


@pytest.mark.parametrize(
    ("day", "rate", "error"),
    [
        (date(2026, 2, 1), "1.75", NotARateDay),
        (date(2026, 1, 1), "175", RateUnlikely),
        (date(2026, 1, 1), "-11", RateUnlikely),
        (date(2026, 1, 1), "1.75001", RateUnlikely),
        (date(2026, 1, 1), "NaN", RateUnlikely),
        (date(2026, 1, 1), "Infinity", RateUnlikely),
    ],
)
def test_rates_that_are_none(day: date, rate: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        require_rate(day, Decimal(rate))


def test_the_rates_that_we_ship() -> None:
    assert len(RATES) == 40
    assert all(day.day == 1 and day.month in {1, 7} for day in RATES)
    assert (min(RATES), max(RATES)) == (date(2006, 1, 1), date(2025, 7, 1))
    # Published tables of late interest (reference rate + 7, + 8) on their days.
    assert [RATES[date(year, month, 1)] + 7 for year, month in ((2008, 7), (2009, 1), (2009, 7))] == [
        Decimal("11.35"),
        Decimal("10.75"),
        Decimal("8.55"),
    ]
    assert RATES[date(2023, 7, 1)] + 8 == Decimal("11.25")


def test_how_a_rate_is_written() -> None:
    assert [percent(Decimal(text)) for text in ("10.75", "8", "-0.35", "1.2345", "7.5")] == [
        "10,75",
        "8,00",
        "-0,35",
        "1,2345",
        "7,50",
    ]


# Counted day by day, with no segments.

days = st.dates(date(2007, 1, 1), date(2024, 12, 31))
FIRST, LAST = date(2007, 1, 1), date(2025, 12, 31)


@st.composite
def histories(draw: st.DrawFn) -> Principal:
    due = draw(st.dates(date(2007, 1, 1), date(2024, 1, 1)))
    amount = draw(st.integers(1, 10_000_000_00))
    paid = draw(
        st.dictionaries(
            st.dates(due - timedelta(days=40), due + timedelta(days=900)), st.integers(1, amount), max_size=4
        )
    )
    other = draw(st.integers(0, amount))
    return owed(due, paid, amount, a=amount - other, b=other)


def day_by_day(principal: Principal, from_day: date, to_day: date) -> Fraction:
    total = Fraction(0)
    day = max(from_day, principal.due_date + timedelta(days=1))
    while day < to_day:
        paid = sum(amount for paid_on, amount in principal.paid.items() if paid_on < day)
        base = max(0, principal.amount_oere - paid)
        surcharge = 8 if principal.due_date >= date(2013, 3, 1) else 7
        rate = RATES[date(day.year, 7 if day.month > 6 else 1, 1)] + surcharge
        in_year = 366 if day.year % 4 == 0 else 365
        total += Fraction(base) * Fraction(rate) * Fraction(1, 100 * in_year)
        day += timedelta(days=1)
    return total


@given(histories(), st.integers(0, 600))
def test_segments_are_the_days_counted_one_by_one(principal: Principal, length: int) -> None:
    to_day = min(principal.due_date + timedelta(days=length), LAST)
    found = segments(principal, RATES, FIRST, to_day)
    assert exact_interest(found) == day_by_day(principal, FIRST, to_day)
    assert all(one.base_oere > 0 and one.days >= 1 for one in found)
    assert all(early.last_day < late.from_day for early, late in pairwise(found))


@given(histories(), st.lists(days, max_size=4), days)
def test_interest_is_additive_over_any_cut(principal: Principal, cuts: list[date], end: date) -> None:
    """Exactly before rounding; and in øre, since what was billed is taken off the whole."""
    ends = sorted([*(cut for cut in cuts if cut < end), end])
    pieces = [
        exact_interest(segments(principal, RATES, begin, stop))
        for begin, stop in zip([FIRST, *ends], ends, strict=False)
    ]
    whole = exact_interest(segments(principal, RATES, FIRST, end))
    assert sum(pieces, Fraction(0)) == whole
    billed = principal
    total = 0
    for stop in ends:
        claims = claims_of(billed, RATES, stop)
        assert all(line.segment for claim in claims for line in claim.lines)  # nothing to correct
        total += sum(claim.amount_oere for claim in claims)
        billed = with_billed(billed, claims)
    assert total == whole_oere(whole)
    # A second run bills nothing.
    assert claims_of(billed, RATES, ends[-1]) == ()


def with_billed(principal: Principal, claims: tuple[InterestClaim, ...]) -> Principal:
    billed = dict(principal.billed)
    for claim in claims:
        before = billed.get(claim.agreement)
        billed[claim.agreement] = Billed((before.amount_oere if before else 0) + claim.amount_oere, claim.to_day)
    return replace(principal, billed=billed)


@given(histories(), days, days, st.integers(1, 10_000_000_00))
def test_a_payment_that_is_entered_late_corrects_itself(
    principal: Principal, first: date, paid_on: date, amount: int
) -> None:
    first, end = min(first, LAST), LAST
    before = claims_of(principal, RATES, first)
    later = replace(
        with_billed(principal, before), paid={**principal.paid, paid_on: principal.paid.get(paid_on, 0) + amount}
    )
    after = claims_of(later, RATES, end)
    billed = sum(claim.amount_oere for claim in (*before, *after))
    assert billed == whole_oere(exact_interest(segments(later, RATES, FIRST, end)))
    assert billed >= 0


@given(histories(), days)
def test_interest_never_falls_below_zero_nor_bears_interest(principal: Principal, end: date) -> None:
    for claim in claims_of(principal, RATES, end):
        assert claim.amount_oere >= 0
        assert all(line.segment and line.segment.base_oere <= principal.amount_oere for line in claim.lines)


def test_what_was_credited_later_is_given_back() -> None:
    principal = owed(date(2009, 1, 14))
    (first,) = claims_of(principal, RATES, date(2009, 3, 1))
    credited = replace(with_billed(principal, (first,)), amount_oere=0)
    (back,) = claims_of(credited, RATES, date(2009, 6, 1))
    assert back.amount_oere == -first.amount_oere
    assert [line.segment for line in back.lines] == [None]
    assert "Regulering" in back.lines[0].text


# Interest invoices.


def test_one_invoice_per_agreement_and_payer_whose_periods_follow_each_other() -> None:
    one = owed(date(2009, 1, 14), amount=1_000_000, a=700_000, b=300_000)
    two = replace(owed(date(2009, 2, 14), amount=1_000_000), invoice_id=2, number="F2009-0001")
    claims = [claim for each in (one, two) for claim in claims_of(each, RATES, date(2009, 4, 1))]
    found = planned_documents(claims, {("a", ASSENS): date(2009, 2, 1)})
    assert [(each.agreement, each.from_day, len(each.claims)) for each in found] == [
        ("a", date(2009, 2, 1), 2),
        ("b", date(2009, 1, 15), 1),
    ]
    # One that was billed until then waits.
    assert planned_documents(claims, {("a", ASSENS): date(2009, 4, 1), ("b", ASSENS): date(2009, 4, 1)}) == ()
    odense = PartySnapshot("461", "Odense Kommune", "35209115", "")
    assens = PartySnapshot(ASSENS, "Assens Kommune", "29189692", "")
    draft = interest_draft(found[0], odense, assens, 30)
    assert draft.kind is ClaimKind.INTEREST
    assert {line.kind for line in draft.lines} == {LineKind.INTEREST}
    assert sum(posting.amount_oere for posting in draft.postings) == 0
    assert {str(posting.account) for posting in draft.postings} == {"receivable", "interest"}
    assert sum(str(posting.account) == "receivable" for posting in draft.postings) == 1
