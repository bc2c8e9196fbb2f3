"""A run that is killed again and again, issuers and clocks at once, a full disk: each month is billed once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import event

from agreements import run as agreements
from billing.annual_subscription import run as subscriptions
from billing.invoice import store as invoice_store
from billing.monthly_run import run as runs
from billing.monthly_run.facts import RunScope
from foundation.database import DatabaseUnavailable
from tests.billing.runs.conftest import FUNEN, NINE, Life, LifeOf, agreement_file

ROOT = Path(__file__).parents[3]
THREE = (FUNEN, "fyn-to", "fyn-tre")
THIRTY = (*THREE, *(f"aftale-{number:02d}" for number in range(4, 31)))
MONTHS = 12
LAST_DAY = date(2009, 11, 13)  # the deadline of December's bill
SECONDS_TO_FINISH = 240
POSTGRESQL_IN_SOAK = True

# Imports once, and forks a worker for every line that it reads; a worker bills whatever is due, month by month.
ISSUING = """
import os, sys
from datetime import UTC, date, datetime
from billing.monthly_run import run as runs
from billing.monthly_run.facts import RunScope
from foundation.audit import Occasion
from foundation.database import Database
from foundation.errors import MellemregningError

DAYS = [date(2008, 12, 10), *(date(2009, month, 10) for month in range(1, 12))]

def once(database, occasion):
    with database.transaction() as connection:
        plan = runs.plan_run(connection, RunScope(), occasion)
    if not plan.documents:
        return
    with database.transaction() as connection:
        runs.approve_run(connection, plan.number, occasion)
    with database.transaction() as connection:
        runs.issue_run(connection, plan.number, occasion)

def work(url):
    database = Database(url)
    for day in [*DAYS, date(2009, 11, 13)]:
        try:
            once(database, Occasion(day, f"arbejder {os.getpid()}", datetime.now(UTC)))
        except MellemregningError as error:
            # Another one was faster, or has given a later date: what is left is due on a later day too.
            if error.name not in {"PlanOutOfDate", "IssueDateBeforeLast"}:
                print(error.name, str(error), file=sys.stderr)
    database.dispose()

for line in sys.stdin:
    worker = os.fork()
    if worker == 0:
        work(sys.argv[1])
        os._exit(0)
    print(worker, flush=True)
    _, status = os.waitpid(worker, 0)
    print(status, flush=True)
"""


class Workers:
    """One process that starts a worker when it is told to, and says how it ended."""

    def __init__(self, url: str) -> None:
        self.process = subprocess.Popen(
            (sys.executable, "-c", ISSUING, url), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )

    def start(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self._said()

    def _said(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def ended(self) -> int:
        return self._said()

    def close(self) -> None:
        self.process.communicate(timeout=SECONDS_TO_FINISH)


def agreements_of(life_of: LifeOf, codes: tuple[str, ...]) -> Life:
    """So many agreements with their prices; every third has documents of its own, the others share them."""
    life = life_of()
    day = date(2008, 6, 1)
    with life.database.transaction() as connection:
        for number, code in enumerate(codes):
            if code != FUNEN:
                terms = {"invoice_per": '"agreement"'} if number % 3 == 2 else {}
                file = agreement_file(code, **terms)
                agreements.load_agreement(connection, "aftale.toml", file, life.occasion(day))
            subscriptions.calculate_year(connection, code, 2009, life.occasion(day))
    life.holds()
    return life


def address(life: Life) -> str:
    return life.database.url.render_as_string(hide_password=False)


def every_month_once(life: Life, codes: tuple[str, ...] = THREE) -> None:
    """By the claims, by the documents' lines and by the books, with no number left out."""
    life.today = LAST_DAY
    life.holds()
    with life.database.reading() as connection:
        claimed = invoice_store.claimed_months(connection, codes)
        documents = invoice_store.documents(connection)
    assert {code: len(months) for code, months in claimed.items()} == dict.fromkeys(codes, MONTHS * len(NINE))
    billed = Counter(
        (code, document.subscriber.municipality, document.period.from_day)
        for document in documents
        for code in document.agreements
    )
    assert set(billed.values()) == {1}
    assert len(billed) == len(codes) * MONTHS * len(NINE)


def claims_of(life: Life) -> int:
    ((count,),) = life.says("SELECT COUNT(*) FROM claim")
    return int(str(count))


@pytest.mark.parametrize(
    ("kills", "codes"), [(2, THREE), pytest.param(50, THIRTY, marks=pytest.mark.soak)], ids=["2", "50"]
)
def test_killed_at_random_points_and_started_again(life_of: LifeOf, kills: int, codes: tuple[str, ...]) -> None:
    life = agreements_of(life_of, codes)
    chosen = random.Random(kills)  # the same points each time, as far as a clock can be the same
    workers = Workers(address(life))
    hit, before = 0, []
    try:
        for _ in range(kills):
            pid = workers.start()
            time.sleep(chosen.uniform(0.01, 0.4 if codes == THREE else 0.7))
            os.kill(pid, signal.SIGKILL)  # one that has ended waits to be asked how
            hit += workers.ended() == signal.SIGKILL
            before.append(claims_of(life))
            life.today = LAST_DAY
            life.holds()
        workers.start()
        assert workers.ended() == 0
    finally:
        workers.close()
    assert hit > 0
    whole = len(codes) * MONTHS * len(NINE)
    missing = sum(count < whole for count in before)
    sys.stdout.write(f"{hit} of {kills} were killed, {missing} of them with bills still to come\n")
    every_month_once(life, codes)


@pytest.mark.soak
@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_four_issuers_and_three_clocks_at_once(life_of: LifeOf) -> None:
    life = agreements_of(life_of, THIRTY)
    issuers = [Workers(address(life)) for _ in range(4)]
    environment = {**os.environ, "MELLEMREGNING_DATABASE_URL": address(life)}
    command = "from portal.commands import main; main()"
    clocks = [
        subprocess.Popen(
            (sys.executable, "-c", command, "--as-of", "2009-11-13", "scheduler", "--once", "--json"),
            env=environment,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for worker in issuers:
        worker.start()
    said = [clock.communicate(timeout=SECONDS_TO_FINISH)[1] for clock in clocks]
    assert all("Traceback" not in text for text in said), said
    assert [worker.ended() for worker in issuers] == [0] * 4
    for worker in issuers:
        worker.close()
    # Whoever gave way to another leaves the month due, and the next one bills it.
    last = Workers(address(life))
    last.start()
    assert last.ended() == 0
    last.close()
    every_month_once(life, THIRTY)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_full_disk_leaves_nothing_half_done(life_of: LifeOf) -> None:
    """SQLite is told that its file may not grow, which it answers as it answers a disk that is full."""
    life = agreements_of(life_of, THREE)
    day = date(2008, 12, 10)
    plan = life.do(lambda connection, occasion: runs.plan_run(connection, RunScope(), occasion), day)
    life.do(lambda connection, occasion: runs.approve_run(connection, plan.number, occasion), day)
    before = life.everything()

    def full(connection: object, *_: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[attr-defined]
        connection.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]

    life.database.dispose()
    event.listen(life.database.engine, "connect", full)
    with (
        pytest.raises(DatabaseUnavailable) as caught,
        life.database.transaction() as connection,
    ):
        runs.issue_run(connection, plan.number, life.occasion(day))
    assert "full" in str(caught.value)
    assert "Intet er ændret" in str(caught.value)
    event.remove(life.database.engine, "connect", full)
    life.database.dispose()
    assert life.everything() == before
    issued = life.do(lambda connection, occasion: runs.issue_run(connection, plan.number, occasion), day)
    assert sum(len(month.issued) for month in issued.months) == len(plan.documents)
