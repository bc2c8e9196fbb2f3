"""A clock on a database of a test: the very job that APScheduler is given, called as the travelled days come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection

from billing.invoice.facts import IssuedDocument
from billing.monthly_run import run as runs
from billing.monthly_run.facts import PlanState, RunPlan
from foundation import outbox
from foundation.audit import Occasion
from foundation.clock import DANISH_TIME
from foundation.outbox import OutboxEntry
from portal.scheduled_runs import Clock, Morning
from tests.billing.runs.conftest import AN_INSTANT, Life, LifeOf, agreement_file


class Travelled:
    """A life whose clock is woken at the times that its real trigger says."""

    def __init__(self, life: Life, **options: object) -> None:
        self.life = life
        self.instant = datetime(2008, 6, 1, 12, tzinfo=DANISH_TIME)
        self.mornings: list[Morning] = []
        self.clock = Clock(life.database, now=lambda: self.instant, after=self.mornings.append, **options)  # type: ignore[arg-type]
        self.job: Callable[[], None] = self.clock.scheduler.get_job("morning").func

    def fires(self, first: date, last: date) -> Iterator[datetime]:
        """The times of the real trigger from one day to another, both included."""
        instant = datetime.combine(first, time(0), DANISH_TIME)
        previous = None
        while True:
            previous = instant = self.clock.trigger.get_next_fire_time(previous, instant)
            if instant.date() > last:
                return
            yield instant

    def wakes(self, instant: datetime) -> Morning:
        """One call of the job."""
        self.instant = instant
        self.life.today = instant.date()
        before = len(self.mornings)
        self.job()
        assert len(self.mornings) == before + 1, "the job failed"
        assert self.mornings[-1].as_of == instant.date()
        return self.mornings[-1]

    def morning(self, day: date) -> list[str]:
        """The morning of one day; the keys of what was told. A second morning of the day does nothing."""
        instant = datetime.combine(day, time(6), DANISH_TIME)
        keys = [happening.key for happening in self.wakes(instant).happenings]
        if not keys:
            return []
        before = self.life.everything()
        assert self.wakes(instant + timedelta(minutes=1)).happenings == ()
        assert self.life.everything() == before
        self.life.holds()
        return keys

    def plans(self) -> list[RunPlan]:
        with self.life.database.reading() as connection:
            return runs.list_plans(connection)

    def states(self) -> list[PlanState]:
        return [plan.state for plan in self.plans()]

    def told(self) -> dict[str, OutboxEntry]:
        with self.life.database.reading() as connection:
            return {entry.key: entry for entry in outbox.entries(connection)}

    def approve(self, number: int, day: date, who: str = "Birgit") -> None:
        def verb(connection: Connection, _occasion: Occasion) -> None:
            runs.approve_run(connection, number, Occasion(day, who, AN_INSTANT))

        self.life.do(verb, day)

    def stop(self, number: int, day: date, who: str = "Birgit") -> None:
        def verb(connection: Connection, _occasion: Occasion) -> None:
            runs.stop_run(connection, number, Occasion(day, who, AN_INSTANT), "ikke endnu")

        self.life.do(verb, day)

    def issue(self, number: int, day: date) -> None:
        def verb(connection: Connection, occasion: Occasion) -> None:
            runs.issue_run(connection, number, occasion)

        self.life.do(verb, day)

    def settings(self, **settings: object) -> None:
        def verb(connection: Connection, occasion: Occasion) -> None:
            runs.set_issuer(connection, "461", occasion, **settings)  # type: ignore[arg-type]

        self.life.do(verb, date(2008, 6, 2))

    def issued(self) -> dict[str, list[IssuedDocument]]:
        """Month -> documents on account."""
        found: dict[str, list[IssuedDocument]] = {}
        for document in self.life.documents():
            found.setdefault(f"{document.period.from_day:%Y-%m}", []).append(document)
        return found


def day(number: int, month: int = 12, year: int = 2008) -> date:
    return date(year, month, number)


def begun(life_of: LifeOf, issued_by: str = '"clock"', **terms: str) -> Travelled:
    """The agreement with its price of 2009, under a clock."""
    life = life_of(issued_by=issued_by, **terms)
    life.calculate(2009, date(2008, 6, 1))
    return Travelled(life)


def another(travelled: Travelled, code: str, **terms: str) -> None:
    """One more agreement in the same database, priced unless it is called so."""
    life = Life(travelled.life.database, code)
    life.today = date(2008, 6, 2)
    life.register(agreement_file(code, **terms))
    if "uden-pris" not in code:
        life.calculate(2009, date(2008, 6, 2))
