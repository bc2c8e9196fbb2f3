"""The clock: a process that asks the database at its start and every morning what is due, and sees to it.

APScheduler only says when. Nothing is remembered between two mornings, neither here nor in APScheduler's store, so any
number of these processes may run against one database, and one that was down for a week finds what it missed.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import wraps
from itertools import chain
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import Connection

import migrations
from agreements import run as agreements
from agreements.agreement import MunicipalityCode
from billing.monthly_run import watch
from billing.monthly_run.facts import CLOCK
from billing.monthly_run.watch_rules import ComingMonth, Happening, Topic, Urgency
from billing.single_case import watch as case_watch
from billing.single_case.watch_rules import ComingCases
from exports.delivery.facts import DeliveryState
from foundation import clock
from foundation.audit import Occasion
from foundation.clock import DANISH_TIME
from foundation.database import Database, DatabaseNotReady, DatabaseUnavailable
from foundation.errors import MellemregningError
from portal import delivery_round
from portal.language import _

LOG = logging.getLogger("mellemregning.clock")
LEVELS = {Urgency.INFO: logging.INFO, Urgency.WARNING: logging.WARNING, Urgency.ERROR: logging.ERROR}

MORNING = time(6, 0)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=15)
MINUTES_BETWEEN_ROUNDS = 5

# The database does not answer, or another release is at it: wait and ask again.
NOT_NOW = (DatabaseUnavailable, DatabaseNotReady, migrations.DatabaseTooNew)


@dataclass(frozen=True, slots=True)
class Morning:
    """What one morning's work came to.

    Attributes:
        coming: What was due or coming when it began, by issuer.
        happenings: What was told for the first time.
        troubles: How many steps could not be done.
        cases: What of cases was due or coming when it began.
    """

    as_of: date
    coming: Mapping[MunicipalityCode, list[ComingMonth]]
    happenings: tuple[Happening, ...]
    troubles: int
    cases: tuple[ComingCases, ...] = ()


def _of_agreement(step: case_watch.Step, code: str) -> watch.Step:
    """A step for one agreement's cases in the shape of one for an issuer."""

    @wraps(step)
    def of_issuer(connection: Connection, _issuer: MunicipalityCode, occasion: Occasion) -> list[Happening]:
        return step(connection, code, occasion)

    return of_issuer


class Clock:
    """The morning's work on one database, and the scheduler that calls it."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime] = clock.now,
        at: time = MORNING,
        after: Callable[[Morning], None] = lambda _morning: None,
        first_wait: timedelta = FIRST_WAIT,
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            database: Whose agreements.
            now: The instant; a test passes a clock that travels.
            at: The hour of the morning's work, in Danish time.
            after: Is told what each morning came to.
            first_wait: How long to wait for a database that is gone; doubled each time, up to a quarter of an hour.
        """
        self.database = database
        self.now = now
        self.after = after
        self.first_wait = first_wait
        self.misses = 0
        self.trigger = CronTrigger(hour=at.hour, minute=at.minute, timezone=DANISH_TIME)
        # One thread: no two of this process's jobs run beside each other. What a sleeping machine missed is done once
        # when it wakes, however late.
        self.scheduler = BackgroundScheduler(
            timezone=DANISH_TIME,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self.scheduler.add_job(self.job, id="start")
        self.scheduler.add_job(self.job, self.trigger, id="morning")
        self.scheduler.add_job(self.deliver, "interval", minutes=MINUTES_BETWEEN_ROUNDS, id="delivery")

    def job(self) -> None:
        """What APScheduler calls: the morning's work; where the database is gone, again after a while."""
        try:
            morning = self.work()
        except NOT_NOW as error:
            self._try_again(error)
            return
        except Exception:
            LOG.exception(
                _("Morgenens arbejde gik i stå; det prøves igen næste morgen."), extra={"event": "clock.broken"}
            )
            return
        if self.misses:
            LOG.warning(
                _("Databasen svarer igen efter {count} forgæves forsøg.").format(count=self.misses),
                extra={"event": "clock.database_back"},
            )
            self.misses = 0
        self.after(morning)
        self.deliver()

    def deliver(self) -> None:
        """One round of delivery: what was issued and told, and what failed before and is due again."""
        try:
            done = delivery_round.deliver(self.database, now=self.now)
        except NOT_NOW as error:
            LOG.info(error.text(_), extra={"event": "delivery.database_gone", "facts": {"error": error.name}})
            return
        except Exception:
            LOG.exception(_("Forsendelsen gik i stå; den prøves igen om lidt."), extra={"event": "delivery.broken"})
            return
        if done:
            trouble = done[DeliveryState.DEAD] or done[DeliveryState.FAILED]
            LOG.log(
                logging.WARNING if trouble else logging.INFO,
                _("Forsendelse: {count} forsøg, heraf {dead} opgivet og {failed} mislykket.").format(
                    count=done.total(),
                    dead=done[DeliveryState.DEAD],
                    failed=done[DeliveryState.FAILED],
                ),
                extra={"event": "delivery.round", "facts": {state.value: count for state, count in done.items()}},
            )

    def _try_again(self, error: MellemregningError) -> None:
        wait = min(self.first_wait * 2**self.misses, LONGEST_WAIT)
        self.misses += 1
        # Told once loudly; the tries in between only to who wants to know.
        LOG.log(
            logging.ERROR if self.misses == 1 else logging.INFO,
            _("{error} Uret bliver ved og prøver igen om {seconds} sekunder.").format(
                error=error.text(_),
                seconds=int(wait.total_seconds()),
            ),
            extra={"event": "clock.database_gone", "facts": {"error": error.name, "tries": self.misses}},
        )
        if self.scheduler.running:
            self.scheduler.add_job(
                self.job,
                "date",
                run_date=clock.now() + wait,  # APScheduler waits by the real clock
                id="again",
                replace_existing=True,
            )

    def work(self, as_of: date | None = None) -> Morning:
        """The morning's work, once.

        Args:
            as_of: The business date instead of the day that it is in Denmark.

        Raises:
            DatabaseUnavailable, DatabaseNotReady, DatabaseTooNew: what was committed before stays; the rest is undone.
        """
        instant = self.now()
        occasion = Occasion(as_of or clock.danish_day(instant), CLOCK, instant)
        migrations.require_newest(self.database)
        with self.database.reading() as connection:
            looked_at = watch.who_needs_a_look(connection, occasion.as_of)
        told: list[Happening] = []
        troubles = 0
        for issuer, coming in looked_at.items():
            # Once more where something was issued: what had to wait for that can be planned now.
            for _again in range(2):
                before = len(told)
                for step in watch.steps(coming, occasion.as_of):
                    troubles += self._step(step, issuer, occasion, told)
                if not any(happening.topic is Topic.ISSUED for happening in told[before:]):
                    break
            troubles += self._step(watch.raise_alarms, issuer, occasion, told)
        # After the months: who issues both, gets its case bills by their own plan.
        with self.database.reading() as connection:
            with_cases = case_watch.who_needs_a_look(connection, occasion.as_of)
            issuers = {code: agreements.get(connection, code).issuer for code in with_cases}
        for code, issuer in issuers.items():
            for case_step in case_watch.STEPS:
                troubles += self._step(_of_agreement(case_step, code), issuer, occasion, told)
        self._heartbeat(occasion, looked_at, told)
        return Morning(occasion.as_of, looked_at, tuple(told), troubles, tuple(chain(*with_cases.values())))

    def _step(self, step: watch.Step, issuer: MunicipalityCode, occasion: Occasion, told: list[Happening]) -> int:
        """One step in its transaction; 1 where it could not be done. What it tells is logged after the commit."""
        trouble = 0
        try:
            with self.database.transaction() as connection:
                happenings = step(connection, issuer, occasion)
        except NOT_NOW:
            raise
        except Exception as error:
            trouble = 1
            if not isinstance(error, MellemregningError):
                LOG.exception(_("En uventet fejl."), extra={"event": "clock.error", "facts": {"issuer": issuer}})
            with self.database.transaction() as connection:
                happenings = watch.tell_that_it_failed(connection, issuer, step.__name__, error, occasion)
        for happening in happenings:
            LOG.log(
                LEVELS[happening.urgency],
                happening.body,
                extra={
                    "event": happening.topic.value,
                    "facts": {
                        "as_of": occasion.as_of.isoformat(),
                        "issuer": issuer,
                        "plan": happening.plan,
                        "key": happening.key,
                        **happening.reference,
                    },
                },
            )
        told += happenings
        return trouble

    def _heartbeat(
        self,
        occasion: Occasion,
        looked_at: Mapping[MunicipalityCode, list[ComingMonth]],
        told: list[Happening],
    ) -> None:
        months = sum(len(coming) for coming in looked_at.values())
        next_time = self.trigger.get_next_fire_time(None, occasion.at.astimezone(DANISH_TIME))
        LOG.info(
            _("Morgen {day}: forfaldent eller på vej {months}, nyt at fortælle {told}.").format(
                day=f"{occasion.as_of:%d.%m.%Y}",
                months=months,
                told=len(told),
            ),
            extra={
                "event": "clock.morning",
                "facts": {
                    "as_of": occasion.as_of.isoformat(),
                    "issuers": len(looked_at),
                    "months": months,
                    "told": len(told),
                    "next": next_time.isoformat(),
                },
            },
        )

    def run_until_stopped(self) -> None:
        """Work at once and every morning, until SIGTERM or SIGINT; the job that runs is finished first.

        A second signal ends the process at once; the database undoes what was not committed.
        """
        # Taken before the threads start, so that they inherit it and the signal comes here.
        asked_to_stop = {signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, asked_to_stop)
        try:
            self.scheduler.start()
            signal.sigwait(asked_to_stop)
            for each in asked_to_stop:
                signal.signal(each, signal.SIG_DFL)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, asked_to_stop)
            if self.scheduler.running:
                self.scheduler.shutdown(wait=True)
        LOG.info(_("Uret er standset."), extra={"event": "clock.stopped"})


class JsonLines(logging.Formatter):
    """One JSON object a line: the instant in UTC, the day in Denmark, what it is about, and the words."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
        instant = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "at": instant.isoformat(timespec="milliseconds"),
            "date": clock.danish_day(instant).isoformat(),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", record.name),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_to_stderr() -> None:
    """Send what the clock and APScheduler say to the error stream, a line of JSON each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    LOG.handlers = [handler]
    LOG.propagate = False
    LOG.setLevel(logging.INFO)
    for_apscheduler = logging.getLogger("apscheduler")
    for_apscheduler.handlers = [handler]
    for_apscheduler.propagate = False
    for_apscheduler.setLevel(logging.WARNING)
