"""Periods, sums and what everybody knows of them: every relation holds, and the same number has one cell."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.agreement import DayOfYear, UsageTerms
from billing.usage_statement.facts import (
    ALL,
    ELSEWHERE,
    UNSTATED,
    Figure,
    FigureKey,
    Load,
    Measure,
    Release,
    UsagePeriod,
)
from billing.usage_statement.rules import (
    NotAPeriodOfTheAgreement,
    PeriodsNotSupported,
    all_figures,
    by_place,
    days_to_hide,
    hidden_with_others,
    merged,
    parts_of,
    periods_of_year,
    published,
    require_period,
    residences_shown,
    summed,
)
from foundation.period import NotAPeriod

P = UsagePeriod.parse
TODAY = date(2010, 2, 1)
LEAVES = (
    Measure.AT_START,
    Measure.STARTED,
    Measure.COMPLETED,
    Measure.BROKEN_OFF,
    Measure.SESSIONS,
    Measure.WITHIN_14_DAYS,
    Measure.WAITING_DAYS,
)


@pytest.mark.parametrize(
    ("text", "danish", "months"),
    [
        ("2009", "året 2009", 12),
        ("2009-H1", "1. halvår 2009", 6),
        ("2009-H2", "2. halvår 2009", 6),
        ("2009-Q3", "3. kvartal 2009", 3),
        ("2009-01", "januar 2009", 1),
        ("2009-01/04", "januar-april 2009", 4),
        ("2009-02/04", "februar-april 2009", 3),
    ],
)
def test_periods_are_written_and_read(text: str, danish: str, months: int) -> None:
    assert (str(P(text)), P(text).danish, P(text).months) == (text, danish, months)


@pytest.mark.parametrize(
    "text", ["", "2009-H3", "2009-Q5", "2009-13", "2009-04/01", "09", "2009-H1 ", "0000", "år 2009"]
)
def test_other_texts_are_no_periods(text: str) -> None:
    if text.strip() != text:
        assert str(P(text)) == text.strip()
        return
    with pytest.raises(NotAPeriod):
        P(text)


@pytest.mark.parametrize(
    ("written", "same"), [("2009-01/12", "2009"), ("2009-04/06", "2009-Q2"), ("2009-h1", "2009-H1")]
)
def test_one_period_has_one_name(written: str, same: str) -> None:
    assert P(written) == P(same)


def test_the_agreements_periods() -> None:
    assert [str(one) for one in periods_of_year("a", UsageTerms(), 2009)] == ["2009-H1", "2009-H2"]
    months = UsageTerms(periods=((DayOfYear(1, 1), DayOfYear(1, 31)), (DayOfYear(2, 1), DayOfYear(2, 28))))
    assert [str(one) for one in periods_of_year("a", months, 2008)] == ["2008-01", "2008-02"]
    with pytest.raises(PeriodsNotSupported):
        periods_of_year("a", UsageTerms(periods=((DayOfYear(1, 15), DayOfYear(6, 30)),)), 2009)
    with pytest.raises(NotAPeriodOfTheAgreement):
        require_period("a", UsageTerms(), P("2009-Q1"))


def test_parts_make_up_a_longer_period_without_a_gap() -> None:
    known = [P(f"2009-{month:02d}") for month in range(1, 13)]
    assert parts_of(P("2009-Q2"), known) == (P("2009-04"), P("2009-05"), P("2009-06"))
    assert len(parts_of(P("2009"), known) or ()) == 12
    assert parts_of(P("2009-Q2"), known[:5]) is None
    assert parts_of(P("2009-01"), known) is None
    assert parts_of(P("2010"), known) is None


@st.composite
def leaves(draw: st.DrawFn, services: tuple[str, ...], residences: tuple[str, ...]) -> dict[FigureKey, int]:
    """Counts that can be: whoever was there has ended or is still there, nobody waited who did not start."""
    counts: dict[FigureKey, int] = {}
    for service in services:
        for residence in residences:
            start, started = draw(st.integers(0, 9)), draw(st.integers(0, 12))
            completed = draw(st.integers(0, start + started))
            broken = draw(st.integers(0, start + started - completed))
            known = draw(st.integers(0, started))
            within = draw(st.integers(0, known))
            values = {
                Measure.AT_START: start,
                Measure.STARTED: started,
                Measure.COMPLETED: completed,
                Measure.BROKEN_OFF: broken,
                Measure.AT_END: start + started - completed - broken,
                Measure.SESSIONS: draw(st.integers(0, 40)),
                Measure.WITHIN_14_DAYS: within,
                Measure.LATER: known - within,
                Measure.WAITING_DAYS: 15 * (known - within) + draw(st.integers(0, 30)),
            }
            counts |= {FigureKey(measure, service, residence): count for measure, count in values.items()}
    return counts


def release(
    number: int, period: str, counts: dict[FigureKey, int], services: tuple[str, ...], edition: int = 1, **more: object
) -> Release:
    figures = all_figures(counts, services, residences_shown(("461", "492"), counts))
    return Release(
        agreement="a",
        period=P(period),
        edition=edition,
        released_on=TODAY,
        released_by="p",
        threshold=5,
        figures={key: Figure(count) for key, count in figures.items()},
        number=number,
        **more,  # type: ignore[arg-type]
    )


@settings(max_examples=30)
@given(st.data(), st.sampled_from((("a",), ("a", "b"))))
def test_every_sum_that_everybody_knows_holds(data: st.DataObject, services: tuple[str, ...]) -> None:
    places = ("461", "492", UNSTATED, ELSEWHERE)
    first, second, corrected = (data.draw(leaves(services, places)) for _ in range(3))
    if data.draw(st.booleans()):  # the second half-year goes on where the first ended
        second = {
            key: count + _more(key, first, second) if key.measure in {Measure.AT_START, Measure.AT_END} else count
            for key, count in second.items()
        }
    one = release(1, "2009-H1", first, services)
    two = release(2, "2009-H2", second, services)
    year = release(3, "2009", summed([one, two]), services, parts=(1, 2))
    again = release(4, "2009-H1", corrected, services, 2)
    year_again = release(5, "2009", summed([again, two]), services, 2, parts=(4, 2))
    world = published([one, two, year, again, year_again])
    value = {cell.key: cell.count for cell in world.cells}
    assert len(value) == len(world.cells)
    for each in (one, two, year, again, year_again):
        for key, figure in each.figures.items():
            assert value[world.keys[each.number, key]] == figure.count
    for relation in world.relations:
        assert value[relation.total] == sum(value[part] for part in relation.parts) - sum(
            value[part] for part in relation.less
        )
    # The year's flows are known to be the sum of the half-years', by hand.
    total = FigureKey(Measure.STARTED, services[0], ALL)
    assert year.figures[total].count == one.figures[total].count + two.figures[total].count
    assert any(
        relation.total == world.keys[3, total] and set(relation.parts) == {world.keys[1, total], world.keys[2, total]}
        for relation in world.relations
    )


def _more(key: FigureKey, first: dict[FigureKey, int], second: dict[FigureKey, int]) -> int:
    return first[replace(key, measure=Measure.AT_END)] - second[replace(key, measure=Measure.AT_START)]


AEROE = FigureKey(Measure.STARTED, "a", "492")


def small_world(started: int, at_end: int, at_start: int = 0) -> dict[FigureKey, int]:
    return {
        AEROE: started,
        replace(AEROE, measure=Measure.AT_START): at_start,
        replace(AEROE, measure=Measure.AT_END): at_end,
        replace(AEROE, measure=Measure.COMPLETED): at_start + started - at_end,
    }


def test_an_unchanged_figure_of_a_later_edition_is_the_same_number() -> None:
    one = release(1, "2009-H1", small_world(3, 2), ("a",))
    two = release(2, "2009-H1", small_world(3, 1), ("a",), 2)
    keys = published([one, two]).keys
    assert keys[1, AEROE] == keys[2, AEROE]
    ended = replace(AEROE, measure=Measure.AT_END)
    assert keys[1, ended] != keys[2, ended]


def test_who_is_there_at_the_end_is_there_when_the_next_begins() -> None:
    one = release(1, "2009-H1", small_world(3, 2), ("a",))
    two = release(2, "2009-H2", small_world(4, 5, at_start=2), ("a",))
    year = release(3, "2009", summed([one, two]), ("a",), parts=(1, 2))
    ends, begins = (replace(AEROE, measure=measure) for measure in (Measure.AT_END, Measure.AT_START))
    keys = published([one, two, year]).keys
    assert keys[1, ends] == keys[2, begins]
    assert keys[3, begins] == keys[1, begins]
    assert keys[3, ends] == keys[2, ends]
    # Also when the earlier period is published last.
    late = published([replace(two, number=1), replace(one, number=2)]).keys
    assert late[2, ends] == late[1, begins]


def test_sums_of_few_are_hidden_with_them() -> None:
    counts = {
        **small_world(3, 3),
        replace(AEROE, measure=Measure.SESSIONS): 41,
        replace(AEROE, measure=Measure.WITHIN_14_DAYS): 3,
        replace(AEROE, measure=Measure.WAITING_DAYS): 20,
    }
    figures = all_figures(counts, ("a",), ("492", UNSTATED))
    hidden = hidden_with_others(figures, 5)
    assert {(key.measure, key.residence) for key in hidden} == {
        (measure, residence) for measure in (Measure.SESSIONS, Measure.WAITING_DAYS) for residence in ("492", ALL)
    }
    days = replace(AEROE, measure=Measure.WAITING_DAYS)
    assert days_to_hide(figures, {replace(AEROE, measure=Measure.LATER)}) == {days}
    assert days_to_hide(figures, {days, replace(AEROE, measure=Measure.LATER)}) == set()


def test_all_providers_together_and_the_change_since() -> None:
    def load(provider: str, count: int) -> Load:
        return Load("a", provider, P("2009-H1"), 1, TODAY, "p", "counts", 1, {AEROE: count})

    assert merged([load("461", 3), load("479", 4)]) == {AEROE: 7}
    changes = by_place({AEROE: 7}, {AEROE: 5, replace(AEROE, residence="461"): 2})
    assert [(one.residence, dict(one.figures), one.before) for one in changes] == [
        ("461", {}, {Measure.STARTED: 2}),
        ("492", {Measure.STARTED: 7}, {Measure.STARTED: 5}),
    ]
    assert by_place({AEROE: 7}, None)[0].before is None


def test_those_who_take_no_part_are_counted_together() -> None:
    counts = {AEROE: 3, replace(AEROE, residence="751"): 2}
    figures = all_figures(counts, ("a",), residences_shown(("461", "492"), counts))
    assert figures[replace(AEROE, residence=ELSEWHERE)] == 2
    assert figures[replace(AEROE, residence=ALL)] == 5
