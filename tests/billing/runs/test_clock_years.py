"""Years lived under a travelled clock: every morning that the real trigger says, the job that APScheduler is given.

Officers only do what people must: budgets, prices, and approving what the clock leaves to them. Every month of three
years is billed once and in time, over daylight-saving nights, a leap day, fifteenths on each weekday, and weeks down.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from billing.monthly_run.facts import PlanState
from foundation.clock import DANISH_TIME
from tests.billing.runs.clockwork import Travelled
from tests.billing.runs.conftest import (
    BUDGET_2009,
    COST_2009,
    FUNEN,
    INHABITANTS_2008,
    NINE,
    ODENSE,
    Life,
    LifeOf,
    agreement_file,
    numbers,
    split_by_hand,
    twelve_by_hand,
)

POSTGRESQL_IN_SOAK = True

SIX = "sidste-uge"
# The last bank day by the 15th, month by month from January 2009's; by hand from a calendar.
SENT_BY = (
    *("2008-12-15", "2009-01-15", "2009-02-13", "2009-03-13", "2009-04-15", "2009-05-15"),
    *("2009-06-15", "2009-07-15", "2009-08-14", "2009-09-15", "2009-10-15", "2009-11-13"),
    *("2009-12-15", "2010-01-15", "2010-02-15", "2010-03-15", "2010-04-15", "2010-05-12"),
    *("2010-06-15", "2010-07-15", "2010-08-13", "2010-09-15", "2010-10-15", "2010-11-15"),
    *("2010-12-15", "2011-01-14", "2011-02-15", "2011-03-15", "2011-04-15", "2011-05-13"),
    *("2011-06-15", "2011-07-15", "2011-08-15", "2011-09-15", "2011-10-14", "2011-11-15"),
    *("2011-12-15", "2012-01-13", "2012-02-15", "2012-03-15"),
)
# Down over New Year, past 30 December 2009, the deadline of who sends by the 2nd; and past a fifteenth.
DOWN = ((date(2009, 12, 28), date(2010, 1, 4)), (date(2011, 6, 14), date(2011, 6, 20)))
RAISED = {**BUDGET_2009, ODENSE: 2_400_000_000}  # 23 per cent more than the year before
CHANGED_NIGHTS = (date(2009, 3, 29), date(2009, 10, 25), date(2010, 3, 28), date(2010, 10, 31))
FIRST, LAST = date(2008, 12, 1), date(2012, 3, 16)


def lived(travelled: Travelled, until: date = LAST) -> Iterator[tuple[date, list[str]]]:
    """Every morning that the process is up; what was told."""
    for instant in travelled.fires(FIRST, until):
        today = instant.date()
        if any(first <= today <= last for first, last in DOWN):
            continue
        yield today, [happening.key for happening in travelled.wakes(instant).happenings]


@pytest.mark.soak
def test_a_winter_and_a_spring_night_under_the_clock(life_of: LifeOf) -> None:
    life = life_of(issued_by='"clock"')
    life.calculate(2009, date(2008, 6, 1))
    travelled = Travelled(life)
    mornings = [today for today, _keys in lived(travelled, date(2009, 4, 16))]
    assert mornings == [FIRST + timedelta(days=n) for n in range((date(2009, 4, 16) - FIRST).days + 1)]
    issued = travelled.issued()
    assert {month: {each.issue_date.isoformat() for each in found} for month, found in issued.items()} == {
        f"2009-0{number}": {day} for number, day in enumerate(SENT_BY[:5], start=1)
    }
    assert all(sorted(each.subscriber.municipality for each in found) == list(NINE) for found in issued.values())


@pytest.mark.soak
def test_three_years_under_the_clock(life_of: LifeOf) -> None:
    life = life_of(issued_by='"clock"')
    life.calculate(2009, date(2008, 6, 1))
    life.budget(2010, BUDGET_2009, date(2009, 5, 1))
    life.budget(2011, RAISED, date(2009, 5, 1), until=2012)
    travelled = Travelled(life)
    mornings, approved = [], {}
    for today, keys in lived(travelled):
        mornings.append(today)
        if (today.month, today.day) == (6, 1) and today.year < 2011:
            life.calculate(today.year + 1, today)
        for key in keys:
            topic, _, number = key.partition("/")
            if topic == "run.alarm":  # an officer reads it, looks, and approves
                plan = int(number.partition("/")[0])
                travelled.approve(plan, today)
                approved[plan] = today
    # Every day was lived once, over both nights of each year and the leap day.
    down = {first + timedelta(days=n) for first, last in DOWN for n in range((last - first).days + 1)}
    every_day = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    assert mornings == [each for each in every_day if each not in down]
    assert set(CHANGED_NIGHTS) | {date(2012, 2, 29)} <= set(mornings)
    assert {date(2009 + n // 12, n % 12 + 1, 15).weekday() for n in range(36)} == set(range(7))
    # Every month once, on its day; the one whose deadline passed while all was down as soon as it was up.
    sent = {
        month: {document.issue_date.isoformat() for document in found} for month, found in travelled.issued().items()
    }
    expected = {f"{2009 + n // 12}-{n % 12 + 1:02d}": {sent_by} for n, sent_by in enumerate(SENT_BY)}
    expected["2011-07"] = {"2011-06-21"}
    assert sent == expected
    for month, documents in travelled.issued().items():
        assert sorted(document.subscriber.municipality for document in documents) == list(NINE), month
    assert numbers(life.documents()) == sorted(
        number for count in (9, 108, 108, 108, 27) for number in range(1, count + 1)
    )
    # Amounts: 2009 by hand; 2012's price never came, so its months are last year's instalment.
    instalments = {who: twelve_by_hand(share) for who, share in split_by_hand(COST_2009, INHABITANTS_2008).items()}
    issued = travelled.issued()
    for place in range(12):
        of_month = {each.subscriber.municipality: each.amount_oere for each in issued[f"2009-{place + 1:02d}"]}
        assert of_month == {who: months[place] for who, months in instalments.items()}
    assert {each.provisional for each in travelled.issued()["2012-01"]} == {True}
    # A person was asked only where the amount was far off (January 2011) or the price missing (2012 from January).
    asked = {
        str(document.month)
        for plan in travelled.plans()
        if any(event.actor == "Birgit" for event in plan.events)
        for document in plan.documents
    }
    assert asked == {"2011-01", "2012-01", "2012-02", "2012-03", "2012-04"}
    assert [day.isoformat() for day in approved.values()] == [
        "2010-12-13",
        "2011-12-13",
        "2012-01-11",
        "2012-02-13",
        "2012-03-13",
    ]
    # One plan for each month, each told of once.
    assert travelled.states() == [PlanState.ISSUED] * len(SENT_BY)
    told = travelled.told()
    assert [key for key in told if key.startswith("run.caught_up")] == ["run.caught_up/31"]
    assert "juli 2011, fyn-alkohol: 6 dage for sent" in told["run.caught_up/31"].body
    assert sum(key.startswith("run.issued") for key in told) == len(SENT_BY)
    assert not any(key.startswith(("run.stopped", "run.failed")) for key in told)
    life.holds()


def test_a_deadline_in_a_week_down_over_new_year(life_of: LifeOf) -> None:
    """Who sends by the 2nd has 30 December as its last bank day of 2009; the clock comes back on 5 January."""
    life = life_of(issued_by='"clock"')
    other = Life(life.database, SIX)
    other.today = date(2008, 6, 2)
    other.register(agreement_file(SIX, send_by_day="2", issued_by='"clock"', invoice_per='"agreement"'))
    for each in (life, other):
        each.calculate(2009, date(2008, 6, 2))
        each.budget(2010, BUDGET_2009, date(2009, 5, 1))
        each.calculate(2010, date(2009, 6, 1))
    travelled = Travelled(life)
    # What was never billed is caught up at once; 2 August is a Sunday, so September goes out on 31 July.
    for first, last in ((date(2009, 7, 27), date(2009, 8, 3)), (date(2009, 12, 20), date(2010, 2, 2))):
        for instant in travelled.fires(first, last):
            if not DOWN[0][0] <= instant.date() <= DOWN[0][1]:
                travelled.wakes(instant)
    issued = {f"{document.period.from_day:%Y-%m}": document.issue_date for document in other.documents()}
    assert (issued["2009-08"], issued["2009-09"]) == (date(2009, 7, 27), date(2009, 7, 31))
    assert (issued["2010-01"], issued["2010-02"], issued["2010-03"]) == (
        date(2009, 12, 20),
        date(2010, 1, 5),
        date(2010, 2, 2),
    )
    late = [entry for key, entry in travelled.told().items() if key.startswith("run.caught_up")]
    assert [entry.business_date for entry in late] == [date(2009, 7, 27), date(2009, 12, 20), date(2010, 1, 5)]
    assert late[2].body.splitlines()[1:] == [f"- februar 2010, {SIX}: 6 dage for sent"]
    claims = life.says("SELECT agreement, COUNT(*) FROM claim WHERE released_by IS NULL GROUP BY agreement ORDER BY 1")
    assert claims == [(FUNEN, 14 * 9), (SIX, 15 * 9)]
    life.holds()


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("hour", "minute"), [(6, 0), (2, 30), (3, 0)])
def test_the_trigger_fires_every_day_over_both_nights(funen: Life, hour: int, minute: int) -> None:
    """At 02:30 there is a night without that hour and one with two of it; a day is never left out."""
    from datetime import time

    travelled = Travelled(funen, at=time(hour, minute))
    fired = list(travelled.fires(FIRST, LAST))
    every_day = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    days = [instant.date() for instant in fired]
    assert sorted(set(days)) == every_day
    twice = {day for day in days if days.count(day) > 1}
    assert twice == ({date(2009, 10, 25), date(2010, 10, 31), date(2011, 10, 30)} if hour == 2 else set())
    # 06:00 in Denmark is 05:00 UTC in winter and 04:00 in summer.
    if hour == 6:
        hours = {instant.date(): instant.astimezone(UTC).hour for instant in fired}
        assert (hours[date(2009, 3, 28)], hours[date(2009, 3, 29)]) == (5, 4)
        assert (hours[date(2009, 10, 24)], hours[date(2009, 10, 25)]) == (4, 5)
    # A job that is late by hours, or by a night, still has a next time.
    late = datetime(2010, 3, 28, 12, tzinfo=DANISH_TIME)
    assert travelled.clock.trigger.get_next_fire_time(None, late).date() == date(2010, 3, 29)
