"""The clock as a process, the commands around it, and several processes on one database."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from foundation.settings import with_driver
from tests.scenarios.conftest import FILES, FUNEN, MONTHS_1_TO_11, NINE, Desk, by_code

ROOT = Path(__file__).parents[2]
COMMAND = Path(sysconfig.get_path("scripts")) / "mellemregning"
SECONDS_TO_WAIT = 60
ON_SQLITE = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)


@pytest.fixture
def desk(upgraded_url: str, tmp_path: Path) -> Iterator[Desk]:
    """An agreement that the clock issues, with its price of 2009."""
    desk = Desk(upgraded_url, tmp_path)
    desk.does("db", "upgrade")
    text = (FILES / "fyn.toml").read_text(encoding="utf-8")
    text = text.replace("[terms.advance]\n", '[terms.advance]\nissued_by = "clock"\n')
    desk.does("agreement", "load", desk.file("ur.toml", text))
    desk.does("subscription", "calculate", FUNEN, 2009)
    yield desk
    desk.leaves()


def environment(url: str) -> dict[str, str]:
    return {**os.environ, "MELLEMREGNING_DATABASE_URL": with_driver(url), "MELLEMREGNING_ACTOR": "prøven"}


@contextmanager
def processes(url: str, *commands: Sequence[str]) -> Iterator[list[subprocess.Popen[str]]]:
    """Some processes; those that a test leaves behind are killed."""
    started = []
    try:
        for command in commands:
            started.append(  # noqa: PERF401 - what was started before a failure is stopped
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    cwd=ROOT,
                    env=environment(url),
                ),
            )
        yield started
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def until(process: subprocess.Popen[str], event: str) -> list[dict[str, Any]]:
    """The lines of the log up to one that tells an event."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(json.loads(line))
        if lines[-1]["event"] == event:
            return lines
    raise AssertionError(lines)


def ended(process: subprocess.Popen[str], how: signal.Signals = signal.SIGTERM) -> list[dict[str, Any]]:
    """Ask a process to end; what it logged after that. It ends cleanly."""
    process.send_signal(how)
    _, rest = process.communicate(timeout=SECONDS_TO_WAIT)
    assert process.returncode == 0, rest
    return [json.loads(line) for line in rest.splitlines()]


@ON_SQLITE
def test_once_a_morning_by_hand(desk: Desk) -> None:
    desk.as_of = "2008-12-09"
    assert desk.does("scheduler", "--once") == {
        "as_of": "2008-12-09",
        "coming": [],
        "told": [],
        "cases": [],
        "troubles": 0,
    }
    desk.as_of = "2008-12-10"
    answer = desk.does("scheduler", "--once")
    assert answer["coming"] == [
        {
            "issuer": "461",
            "agreement": FUNEN,
            "month": "2009-01",
            "send_by": "2008-12-15",
            "days_late": 0,
            "payers": 9,
        },
    ]
    (told,) = answer["told"]
    assert set(told) == {"event", "level", "key", "issuer", "plan", "subject", "message", "reference"}
    assert (told["event"], told["key"], told["plan"]) == ("run.waiting", "run.waiting/1", 1)
    assert desk.does("scheduler", "--once")["told"] == []
    desk.as_of = "2008-12-18"
    said = desk.says("scheduler", "--once")
    assert said.status == 0
    assert "januar 2009, fyn-alkohol: 3 dage for sent" in said.out
    lines = [json.loads(line) for line in said.err.splitlines()]
    assert [line["event"] for line in lines] == ["run.issued", "run.caught_up", "clock.morning"]
    assert all({"at", "date", "level", "message", "as_of"} <= set(line) for line in lines)
    assert lines[0]["at"].endswith("+00:00")
    documents = desk.does("invoice", "list")
    assert by_code(documents, "amount_oere") == MONTHS_1_TO_11
    desk.as_of = "2008-12-19"
    assert "intet er forfaldent" in desk.says("scheduler", "--once").out
    desk.holds()


@ON_SQLITE
def test_the_outbox_is_listed(desk: Desk) -> None:
    assert desk.does("outbox", "list") == []
    assert "intet i udbakken" in desk.says("outbox", "list").out
    desk.does("issuer", "set", "461", "--mail", "faktura@kommune.example")
    for desk.as_of in ("2008-12-10", "2008-12-15"):
        desk.does("scheduler", "--once")
    entries = desk.does("outbox", "list")
    assert [(entry["number"], entry["key"], entry["recipient"], entry["business_date"]) for entry in entries] == [
        (1, "run.waiting/1", "faktura@kommune.example", "2008-12-10"),
        (2, "run.issued/1", "faktura@kommune.example", "2008-12-15"),
    ]
    assert desk.does("outbox", "list", "--topic", "run.issued") == entries[1:]
    assert desk.does("outbox", "list", "--after", 1) == entries[1:]
    assert desk.does("outbox", "list", "--topic", "run.alarm") == []
    assert "Plan 1 er udstedt af uret" in desk.says("outbox", "list").out


@ON_SQLITE
def test_the_settings_of_the_clock(desk: Desk) -> None:
    usual = {
        "issuer": "461",
        "four_eyes": False,
        "warn_percent": 10,
        "plan_days_before": 5,
        "alarm_days_before": 2,
        "mail": "",
    }
    assert desk.does("issuer", "show", "461") == usual
    changed = {**usual, "plan_days_before": 7, "alarm_days_before": 3, "mail": "a@b.dk"}
    assert desk.does("issuer", "set", "461", "--plan-days", 7, "--alarm-days", 3, "--mail", "a@b.dk") == changed
    assert desk.does("issuer", "set", "461", "--four-eyes", "on") == {**changed, "four_eyes": True}
    said = desk.says("issuer", "show", "461")
    assert "planlægger 7 dage før fristen, slår alarm 3 dage før og skriver til a@b.dk" in said.out
    desk.refuses("issuer", "set", "461", "--plan-days", 2, words=["Uret kan planlægge fra 0 til 27 dage"])
    desk.refuses("issuer", "set", "461", "--mail", "b.dk", words=["er ikke en mailadresse"])
    desk.refuses("issuer", "show", "999", words=["999"])
    desk.as_of = "2008-12-08"
    assert desk.does("scheduler", "--once")["told"][0]["key"] == "run.waiting/1"
    answer = desk.does("run", "show", 1)
    assert answer["four_eyes"] is True
    assert answer["scope"] == {"agreement": None, "month": None, "issuer": "461"}


@ON_SQLITE
def test_wrong_use_and_a_database_that_is_not_there(desk: Desk, tmp_path: Path) -> None:
    said = desk.says("scheduler")  # the desk says --as-of
    assert (said.status, said.out) == (2, "")
    assert "--once" in said.err
    desk.refuses("scheduler", "--once", "--at", "25:00", words=["ikke et klokkeslæt"], status=2)
    desk.refuses("scheduler", "--once", "--at", "seks", words=["ikke et klokkeslæt"], status=2)
    said = desk.says("scheduler", "--once", url=f"sqlite:///{tmp_path / 'ingen.sqlite'}")
    assert said.status == 1
    assert "db upgrade" in said.err


@pytest.mark.parametrize(
    ("engine_name", "how"),
    [("sqlite", signal.SIGTERM), ("postgresql", signal.SIGTERM), ("sqlite", signal.SIGINT)],
    indirect=["engine_name"],
)
def test_the_process_does_what_it_missed_and_ends_when_it_is_asked_to(
    desk: Desk,
    how: signal.Signals,
) -> None:
    """On the real day, long after the agreement has ended: it is all caught up at the start."""
    text = (desk.folder / "ur.toml").read_text(encoding="utf-8")
    text = text.replace("starts_on = 2009-01-01\n", "starts_on = 2009-01-01\nends_on = 2009-12-31\n")
    desk.does("agreement", "load", desk.file("ur.toml", text))
    with processes(desk.url, [str(COMMAND), "scheduler", "--json"]) as (process,):
        lines = until(process, "clock.morning")
        assert [line["event"] for line in lines] == ["run.issued", "run.caught_up", "clock.morning"]
        assert "T06:00:00+0" in lines[-1]["next"]
        process.send_signal(how)
        out, rest = process.communicate(timeout=SECONDS_TO_WAIT)
    assert process.returncode == 0, rest
    assert [json.loads(line)["event"] for line in rest.splitlines()] == ["clock.stopped"]
    (answer,) = [json.loads(line) for line in out.splitlines()]
    assert len(answer["coming"]) == 12
    desk.as_of = answer["as_of"]
    assert len(desk.does("invoice", "list")) == 12 * len(NINE)
    desk.holds()


@ON_SQLITE
def test_a_process_waits_for_its_database(database_url: str) -> None:
    with processes(database_url, [str(COMMAND), "scheduler"]) as (process,):
        (line,) = until(process, "clock.database_gone")
        assert line["level"] == "error"
        assert "Uret bliver ved" in line["message"]
        assert [line["event"] for line in ended(process)] == ["clock.stopped"]


# A clock whose day is given, and that waits for a word when it has seen what is due, so that several begin together.
ON_A_DAY = """
import sys
from datetime import UTC, datetime
from billing.monthly_run import watch
from foundation.database import Database
from portal.scheduled_runs import Clock, log_to_stderr

steps = watch.steps
def when_told(coming, today):
    print("ready", flush=True)
    sys.stdin.readline()
    return steps(coming, today)
watch.steps = when_told
log_to_stderr()
database = Database(sys.argv[1])
Clock(database, now=lambda: datetime.fromisoformat(sys.argv[2]).replace(tzinfo=UTC)).run_until_stopped()
database.dispose()
"""


def on_a_day(url: str, day: str) -> list[str]:
    return [sys.executable, "-c", ON_A_DAY, with_driver(url), f"{day}T05:00:00"]


def ready(process: subprocess.Popen[str]) -> None:
    """It has seen what is due."""
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def go(process: subprocess.Popen[str]) -> None:
    """Let it go on, as often as it asks."""
    assert process.stdin is not None
    process.stdin.write("\n" * 9)
    process.stdin.flush()


@ON_SQLITE
def test_the_work_that_runs_is_finished_before_the_end(desk: Desk) -> None:
    with processes(desk.url, on_a_day(desk.url, "2008-12-15")) as (process,):
        ready(process)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert process.poll() is None
        go(process)
        _, rest = process.communicate(timeout=SECONDS_TO_WAIT)
    assert process.returncode == 0
    events = [json.loads(line)["event"] for line in rest.splitlines()]
    assert events == ["run.issued", "clock.morning", "clock.stopped"]
    desk.as_of = "2008-12-15"
    assert len(desk.does("invoice", "list")) == len(NINE)


def together(desk: Desk, count: int, day: str) -> None:
    """So many clocks at once on a day."""
    with processes(desk.url, *[on_a_day(desk.url, day) for _ in range(count)]) as clocks:
        for process in clocks:
            ready(process)
        for process in clocks:
            go(process)
        for process in clocks:
            lines = until(process, "clock.morning")
            assert not [line for line in lines if line["event"] in {"clock.error", "run.failed"}], lines
        for process in clocks:
            ended(process)


@ON_POSTGRESQL
def test_three_processes_at_once_bill_once(desk: Desk) -> None:
    """Two months are late and the third is coming: each is planned once, issued once and told once."""
    together(desk, 3, "2009-02-10")
    entries = desk.does("outbox", "list")
    assert [entry["key"] for entry in entries] == ["run.issued/1", "run.caught_up/1", "run.waiting/2"]
    assert len(desk.does("invoice", "list")) == 2 * len(NINE)
    assert [plan["state"] for plan in desk.does("run", "list")] == ["issued", "planned"]
    desk.as_of = "2009-02-10"
    desk.holds()


@ON_POSTGRESQL
@pytest.mark.soak
def test_six_processes_at_once_through_four_months(desk: Desk) -> None:
    for day in ("2008-12-10", "2008-12-15", "2009-01-10", "2009-01-15", "2009-02-10", "2009-02-13", "2009-03-13"):
        together(desk, 6, day)
    entries = desk.does("outbox", "list")
    assert [entry["key"] for entry in entries] == [
        *("run.waiting/1", "run.issued/1", "run.waiting/2", "run.issued/2", "run.waiting/3", "run.issued/3"),
        "run.issued/4",
    ]
    assert len(desk.does("invoice", "list")) == 4 * len(NINE)
    assert [plan["state"] for plan in desk.does("run", "list")] == ["issued"] * 4
    desk.as_of = "2009-03-13"
    desk.holds()
