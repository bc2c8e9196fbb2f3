"""The clock and its database, on both engines: what is due, several clocks at once, and a database that goes away."""

from __future__ import annotations

import contextlib
import threading
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from agreements import run as agreements
from billing.monthly_aconto import run as months
from billing.monthly_run import watch
from billing.monthly_run.facts import PlanState
from billing.monthly_run.watch_rules import Happening
from foundation.audit import Occasion
from foundation.clock import DANISH_TIME
from foundation.database import Database, DatabaseUnavailable
from foundation.period import Month
from portal.scheduled_runs import Clock
from tests.billing.runs.clockwork import another, begun, day
from tests.billing.runs.conftest import (
    BUDGET_2009,
    COST_2009,
    FUNEN,
    INHABITANTS_2008,
    ODENSE,
    LifeOf,
    amounts,
    numbers,
    split_by_hand,
    twelve_by_hand,
)

CLOCK, OFFICER = '"clock"', '"officer"'
INSTALMENTS = {who: twelve_by_hand(share)[0] for who, share in split_by_hand(COST_2009, INHABITANTS_2008).items()}


def test_a_month_is_planned_told_and_issued_on_its_day(life_of: LifeOf) -> None:
    travelled = begun(life_of)
    assert travelled.morning(day(9)) == []
    assert travelled.morning(day(10)) == ["run.waiting/1"]
    for number in (11, 12, 13, 14):
        assert travelled.morning(day(number)) == []
    (plan,) = travelled.plans()
    assert (plan.planned_by, plan.as_of, plan.state) == ("uret", day(15), PlanState.PLANNED)
    assert travelled.issued() == {}
    assert travelled.morning(day(15)) == ["run.issued/1"]
    (plan,) = travelled.plans()
    assert [(event.state.value, event.actor, event.happened_on) for event in plan.events] == [
        ("approved", "uret", day(15)),
        ("issued", "uret", day(15)),
    ]
    documents = travelled.issued()["2009-01"]
    assert amounts(documents) == INSTALMENTS
    assert {document.issue_date for document in documents} == {day(15)}
    assert travelled.morning(day(16)) == []
    assert travelled.life.says(
        "SELECT COUNT(*) FROM audit_event WHERE actor = 'uret' AND action LIKE 'monthly_run%'"
    ) == [
        (3,),
    ]


def test_the_count_of_who_lacks_a_month_is_the_same_as_the_list(life_of: LifeOf) -> None:
    life = life_of(issued_by=OFFICER)
    life.calculate(2009, date(2008, 6, 1))
    life.budget(2010, BUDGET_2009, date(2009, 6, 1))
    life.leave("492", 2009, date(2009, 6, 20))
    life.calculate(2010, date(2009, 6, 21))
    life.issue_months(2009, 1, 5)
    life.credit(life.issue(Month(2009, 7), date(2009, 6, 22)).issued[3].number, date(2009, 6, 22))
    for today in (day(14), day(15), day(1, 5, 2009), day(23, 6, 2009), day(15, 12, 2009), day(15, 2, 2010)):
        with life.database.reading() as connection:
            listed = [
                (month, len(who))
                for month, who in months.due_months(connection, agreements.get(connection, FUNEN), today)
            ]
            coming = watch.what_is_coming(connection, today).get(ODENSE, [])
        assert [(month.month, month.payers) for month in coming if month.send_by <= today] == listed


@pytest.mark.parametrize("count", [3, pytest.param(12, marks=pytest.mark.soak)])
def test_several_clocks_at_once_do_everything_once(life_of: LifeOf, count: int) -> None:
    travelled = begun(life_of)
    another(travelled, "sydfyn", issuer='"479"', issued_by=OFFICER)
    url = travelled.life.database.url.render_as_string(hide_password=False)
    for number, expected in ((10, ["run.waiting/1", "run.waiting/2"]), (15, ["run.alarm", "run.issued"])):
        start = threading.Barrier(count)
        told: list[str] = []
        errors: list[Exception] = []
        instant = datetime.combine(day(number), time(6), DANISH_TIME)

        def live(
            start: threading.Barrier = start,
            told: list[str] = told,
            errors: list[Exception] = errors,
            instant: datetime = instant,
        ) -> None:
            database = Database(url)
            try:
                start.wait(60)
                told += [happening.key for happening in Clock(database, now=lambda: instant).work().happenings]
            except Exception as error:  # noqa: BLE001 - told below
                errors.append(error)
            finally:
                database.dispose()

        threads = [threading.Thread(target=live) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert errors == []
        assert [key.partition("/")[0] if number == 15 else key for key in sorted(told)] == expected
    travelled.life.holds()
    assert len(travelled.plans()) == 2
    assert numbers(travelled.life.documents()) == list(range(1, 10))
    assert len(travelled.told()) == 4


def test_a_database_that_is_gone_is_told_once_and_waited_for(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    import migrations

    database = Database(database_url)
    instant = datetime(2008, 12, 10, 6, tzinfo=DANISH_TIME)
    after: list[object] = []
    clock = Clock(database, now=lambda: instant, after=after.append, first_wait=timedelta(seconds=1))
    job = clock.scheduler.get_job("morning").func
    with caplog.at_level("INFO", "mellemregning.clock"):
        for _ in range(3):
            job()
        assert after == []
        assert [record.levelname for record in caplog.records] == ["ERROR", "INFO", "INFO"]
        assert "db upgrade" in caplog.messages[0]
        assert "om 1 sekunder" in caplog.messages[0]
        assert "om 4 sekunder" in caplog.messages[2]
        assert all(record.exc_info is None for record in caplog.records)
        migrations.upgrade(database_url)
        caplog.clear()
        job()
    assert len(after) == 1
    assert caplog.records[-1].getMessage() == "Databasen svarer igen efter 3 forgæves forsøg."
    database.dispose()


def test_a_running_clock_tries_again_by_itself(database_url: str) -> None:
    import migrations

    database = Database(database_url)
    instant = datetime(2008, 12, 10, 6, tzinfo=DANISH_TIME)
    done = threading.Event()
    clock = Clock(
        database,
        now=lambda: instant,
        after=lambda _morning: done.set(),
        first_wait=timedelta(milliseconds=200),
    )
    clock.scheduler.start()
    try:
        assert not done.wait(0.1)
        migrations.upgrade(database_url)
        assert done.wait(60)
    finally:
        clock.scheduler.shutdown(wait=True)
        database.dispose()
    assert clock.misses == 0


def test_connections_that_are_cut_off_are_an_outage_not_a_crash(life_of: LifeOf) -> None:
    """PostgreSQL goes down in the middle of a morning: what is not committed is undone; the next try does it all."""
    travelled = begun(life_of)
    url = travelled.life.database.url.render_as_string(hide_password=False)
    real = watch.plan_coming
    tries: list[int] = []

    def cut_off(connection: Connection, issuer: str, occasion: Occasion) -> list[Happening]:
        told = real(connection, issuer, occasion)
        tries.append(len(told))
        if len(tries) == 1 and travelled.life.database.is_sqlite:
            raise DatabaseUnavailable(reason="disk I/O error")
        if len(tries) == 1:
            everybody = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            killer = Database(url)
            with contextlib.suppress(DBAPIError), killer.engine.connect() as connected:
                connected.exec_driver_sql(everybody)
            killer.dispose()
        return told

    patch = pytest.MonkeyPatch()
    patch.setattr(watch, "plan_coming", cut_off)
    travelled.instant = datetime(2008, 12, 10, 6, tzinfo=DANISH_TIME)
    travelled.job()
    assert (travelled.mornings, travelled.clock.misses) == ([], 1)
    travelled.job()
    patch.undo()
    assert [happening.key for happening in travelled.mornings[0].happenings] in (["run.waiting/1"], ["run.waiting/2"])
    assert tries == [1, 1]
    assert len(travelled.plans()) == 1
    travelled.life.holds()
