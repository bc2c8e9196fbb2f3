"""Several officers at once, each with a connection of its own, and one that is killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Connection

from agreements import run as agreements
from billing.annual_subscription import run as subscriptions
from billing.invoice import run as invoices
from billing.invoice.facts import IssuedDocument
from billing.invoice.rules import AlreadyCredited
from billing.monthly_aconto import run as months
from billing.monthly_aconto.facts import MonthIssue
from billing.year_end_settlement import exit_run as exits
from foundation.audit import Occasion
from foundation.database import Database
from foundation.errors import MellemregningError
from foundation.period import Month
from tests.billing.runs.conftest import (
    BUDGET_2009,
    FUNEN,
    NINE,
    ODENSE,
    ODENSE_2009,
    Life,
    LifeOf,
    agreement_file,
    amounts,
    numbers,
)

JANUARY = Month(2009, 1)
DAY = date(2008, 12, 10)
SECONDS_UNTIL_DEADLOCKED = 60


def at_once(life: Life, *verbs: Callable[[Connection, Occasion], object], day: date = DAY) -> list[object]:
    """Every verb in a thread with a database object of its own, all let go together; what each answered or raised."""
    start = threading.Barrier(len(verbs))

    def run(verb: Callable[[Connection, Occasion], object]) -> object:
        database = Database(life.database.url.render_as_string(hide_password=False))
        try:
            start.wait(SECONDS_UNTIL_DEADLOCKED)
            with database.transaction() as connection:
                return verb(connection, life.occasion(day))
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            database.dispose()

    with ThreadPoolExecutor(len(verbs)) as pool:
        waiting = [pool.submit(run, verb) for verb in verbs]
        answers = [each.result(SECONDS_UNTIL_DEADLOCKED) for each in waiting]
    life.today = day
    life.holds()
    return answers


def issuing(month: Month, code: str = FUNEN) -> Callable[[Connection, Occasion], MonthIssue]:
    return lambda connection, occasion: months.issue_month(connection, code, month, occasion)


def calculating(year: int) -> Callable[[Connection, Occasion], object]:
    return lambda connection, occasion: subscriptions.calculate_year(connection, FUNEN, year, occasion)


def crediting(number: str) -> Callable[[Connection, Occasion], IssuedDocument]:
    return lambda connection, occasion: invoices.credit_document(connection, number, reason="x", occasion=occasion)


def test_the_same_month_by_four_at_once(priced: Life) -> None:
    answers = at_once(priced, *(issuing(JANUARY) for _ in range(4)))
    issues = [answer for answer in answers if isinstance(answer, MonthIssue)]
    assert len(issues) == 4, answers
    assert sorted(len(issue.issued) for issue in issues) == [0, 0, 0, 9]
    assert all(len(issue.issued) + len(issue.already_issued) == 9 and not issue.failed for issue in issues)
    assert numbers(priced.documents()) == list(range(1, 10))
    assert sorted(amounts(priced.documents())) == list(NINE)


def test_different_months_at_once(priced: Life) -> None:
    answers = at_once(priced, *(issuing(Month(2009, number)) for number in range(1, 5)))
    assert all(isinstance(answer, MonthIssue) and len(answer.issued) == 9 for answer in answers), answers
    assert numbers(priced.documents()) == list(range(1, 37))


def test_issue_and_calculate_at_once(priced: Life) -> None:
    priced.budget(2009, {ODENSE: ODENSE_2009 + 1_200_000}, date(2008, 11, 1))
    answers = at_once(priced, issuing(JANUARY), calculating(2009), issuing(JANUARY), calculating(2009))
    assert not any(isinstance(answer, Exception) for answer in answers), answers
    assert priced.says("SELECT version FROM subscription ORDER BY version") == [(1,), (2,)]
    priced.issue_months(2009, 2)
    with priced.database.reading() as connection:
        price = subscriptions.get_subscription(connection, FUNEN, 2009)
    for part in price.parts:
        billed = [each.amount_oere for each in priced.documents() if each.subscriber.municipality == part.municipality]
        assert sum(billed) == part.obligation_oere


def test_the_same_price_by_three_at_once(funen: Life) -> None:
    answers = at_once(funen, *(calculating(2009) for _ in range(3)), day=date(2008, 6, 1))
    assert not any(isinstance(answer, Exception) for answer in answers), answers
    assert funen.says("SELECT version FROM subscription") == [(1,)]


def test_two_agreements_share_the_issuers_series(life_of: LifeOf) -> None:
    first, second = life_of(), life_of("fyn-samtale")
    for life in (first, second):
        life.calculate(2009, date(2008, 6, 1))
    answers = at_once(first, *(issuing(JANUARY, code) for code in (FUNEN, "fyn-samtale", FUNEN, "fyn-samtale")))
    assert not any(isinstance(answer, Exception) for answer in answers), answers
    assert numbers([*first.documents(), *second.documents()]) == list(range(1, 19))
    answers = at_once(
        first, *(issuing(Month(2009, number), code) for number in (2, 3) for code in (FUNEN, "fyn-samtale"))
    )
    assert not any(isinstance(answer, Exception) for answer in answers), answers
    assert numbers([*first.documents(), *second.documents()]) == list(range(1, 55))


def test_an_invoice_credited_by_two_at_once(priced: Life) -> None:
    number = priced.issue(JANUARY).issued[0].number
    answers = at_once(priced, crediting(number), crediting(number), day=date(2008, 12, 11))
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [AlreadyCredited]
    assert numbers(priced.documents()) == list(range(1, 11))


def test_a_year_is_closed_or_credited_never_both(priced: Life) -> None:
    number = priced.issue_months(2009)[11].issued[0].number
    priced.accounts(2009, BUDGET_2009, date(2010, 3, 1))
    answers = at_once(priced, priced.closing(2009), crediting(number), day=date(2010, 4, 1))
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(refused) == 1
    assert isinstance(refused[0], MellemregningError), refused


def test_a_leaver_settled_by_two_at_once(priced: Life) -> None:
    priced.issue_months(2009)
    priced.leave("492", 2009, date(2009, 6, 30))
    priced.accounts(2009, {**BUDGET_2009, ODENSE: 0}, date(2010, 3, 1))
    priced.close(2009, date(2010, 4, 1))

    def settle(connection: Connection, occasion: Occasion) -> bool:
        return exits.settle_exit(connection, FUNEN, "492", occasion).already_settled

    assert sorted(str(answer) for answer in at_once(priced, settle, settle, day=date(2010, 4, 2))) == ["False", "True"]


def test_two_first_loads_at_once(database: Database) -> None:
    """Whoever comes second is told by a rule, or finds nothing new; never a database's own error."""
    life = Life(database)

    def load(connection: Connection, occasion: Occasion) -> bool:
        return agreements.load_agreement(connection, "aftale.toml", agreement_file(), occasion).is_new

    def ship(connection: Connection, occasion: Occasion) -> int:
        return agreements.ship_population(connection, occasion)

    for verb in (load, ship):
        answers = at_once(life, verb, verb, day=date(2008, 6, 1))
        errors = [answer for answer in answers if isinstance(answer, Exception)]
        assert all(isinstance(error, MellemregningError) for error in errors), errors


@contextmanager
def held_open(life: Life, verb: Callable[[Connection, Occasion], object]) -> Iterator[None]:
    """The verb is done and not committed yet; it is at the end."""
    done, let_go = threading.Event(), threading.Event()
    database = Database(life.database.url.render_as_string(hide_password=False))
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with database.transaction() as connection:
                verb(connection, life.occasion(DAY))
                done.set()
                let_go.wait(SECONDS_UNTIL_DEADLOCKED)
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)
        finally:
            done.set()
            database.dispose()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert done.wait(SECONDS_UNTIL_DEADLOCKED)
        yield
    finally:
        let_go.set()
        thread.join()
    assert errors == []


def test_a_reader_during_a_writer_sees_what_was_before_and_does_not_wait(priced: Life) -> None:
    before = priced.everything()
    with held_open(priced, issuing(JANUARY)):
        began = time.monotonic()
        assert priced.everything() == before
        priced.holds()
        assert time.monotonic() - began < SECONDS_UNTIL_DEADLOCKED / 2
    assert len(priced.documents()) == 9


def test_a_reader_keeps_its_view_while_a_writer_commits(priced: Life) -> None:
    with priced.database.reading() as connection:
        counted = "SELECT COUNT(*) FROM invoice"
        assert connection.exec_driver_sql(counted).scalar_one() == 0
        writer = Database(priced.database.url.render_as_string(hide_password=False))
        with writer.transaction() as writing:
            months.issue_month(writing, FUNEN, JANUARY, priced.occasion(DAY))
        writer.dispose()
        assert connection.exec_driver_sql(counted).scalar_one() == 0
    assert len(priced.documents()) == 9


KILLED_WHILE_ISSUING = """
import sys, time
from datetime import UTC, date, datetime
from billing.monthly_aconto.run import issue_month
from foundation.audit import Occasion
from foundation.database import Database
from foundation.period import Month

with Database(sys.argv[1]).transaction() as connection:
    issued = issue_month(
        connection, "fyn-alkohol", Month(2009, 1), Occasion(date(2008, 12, 10), "dræbt", datetime.now(UTC))
    )
    print(len(issued.issued), flush=True)
    time.sleep(600)
"""


def test_a_process_that_is_killed_while_issuing_leaves_nothing(priced: Life) -> None:
    before = priced.everything()
    url = priced.database.url.render_as_string(hide_password=False)
    process = subprocess.Popen(
        (sys.executable, "-c", KILLED_WHILE_ISSUING, url),
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "9\n"
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert priced.everything() == before
    priced.holds()
    issued = priced.issue(JANUARY)
    assert numbers(issued.issued) == list(range(1, 10))


@pytest.mark.parametrize("count", [1, 9])
def test_the_transaction_that_waited_sees_what_the_first_one_did(priced: Life, count: int) -> None:
    """The second issues while the first has written and not committed; it waits, then bills nobody again."""
    answers: list[object] = []
    with held_open(priced, issuing(JANUARY)):
        threads = [
            threading.Thread(target=lambda: answers.extend(at_once_without_looking(priced)))
            for _ in range(min(count, 3))
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        assert answers == []
    for thread in threads:
        thread.join(SECONDS_UNTIL_DEADLOCKED)
    assert [len(answer.issued) for answer in answers if isinstance(answer, MonthIssue)] == [0] * len(threads)
    priced.holds()


def at_once_without_looking(life: Life) -> list[MonthIssue]:
    database = Database(life.database.url.render_as_string(hide_password=False))
    try:
        with database.transaction() as connection:
            return [months.issue_month(connection, FUNEN, JANUARY, life.occasion(DAY))]
    finally:
        database.dispose()
