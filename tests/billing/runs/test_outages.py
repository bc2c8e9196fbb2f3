"""A disk that is full and a server that goes away while a month is issued, as whoever types the command meets them.

Each time: one clear message in Danish, status 1, nothing half-done, and the same command again does it all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event

from agreements import run as agreements
from billing.annual_subscription import run as subscriptions
from foundation.database import Database
from tests import postgres
from tests.billing.runs.conftest import FUNEN, NINE, Life, agreement_file
from tests.databases import PostgresDatabases
from tests.scenarios.conftest import Desk, Said

ROOT = Path(__file__).parents[3]
AGREEMENTS = 30
TOGETHER = 10  # so many share their documents, one for each payer; the others have documents of their own
BILLS = AGREEMENTS * len(NINE)
DOCUMENTS = (1 + AGREEMENTS - TOGETHER) * len(NINE)
ON_SQLITE = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
GOOD_STATUS, REFUSED = 0, 1
SECONDS = 600


class OfThirty(Life):
    """Thirty agreements with their prices; the books are looked through when they are lived."""

    def holds(self) -> None:
        """Later, by the command."""

    def begin(self) -> None:
        codes = [FUNEN, *(f"aftale-{number:02d}" for number in range(2, AGREEMENTS + 1))]
        occasion = self.occasion(date(2008, 6, 1))
        with self.database.transaction() as connection:
            agreements.ship_population(connection, occasion)
            for number, code in enumerate(codes):
                terms = {} if number < TOGETHER else {"invoice_per": '"agreement"'}
                agreements.load_agreement(connection, "aftale.toml", agreement_file(code, **terms), occasion)
                subscriptions.calculate_year(connection, code, 2009, occasion)


def begun(url: str, folder: Path) -> Desk:
    """A desk on which January of all agreements is planned and approved."""
    database = Database(url)
    OfThirty(database).begin()
    database.dispose()
    desk = Desk(url, folder)
    desk.as_of = "2008-12-15"
    plan = desk.does("run", "plan", "--all")
    assert (plan["plan"], len(plan["documents"])) == (1, BILLS)
    desk.does("run", "approve", 1)
    return desk


def issued_once(desk: Desk) -> None:
    """The same command again; then every bill is there once, with numbers from 1, and the books hold."""
    answer = desk.does("run", "issue", 1)
    assert sum(len(month["issued"]) for month in answer["months"]) == BILLS
    all_is_there(desk)


def all_is_there(desk: Desk) -> None:
    database = Database(desk.url)
    with database.reading() as connection:
        numbers = connection.exec_driver_sql("SELECT sequence FROM invoice ORDER BY sequence").scalars().all()
        claims = connection.exec_driver_sql("SELECT agreement, municipality FROM claim").all()
    database.dispose()
    assert numbers == list(range(1, DOCUMENTS + 1))
    assert set(Counter(claims).values()) == {1}
    assert len(claims) == BILLS
    assert len(desk.everything()["run_plan_event"]) == len(("approved", "issued"))
    desk.holds()


def is_told(said: Said, *words: str) -> None:
    """One sentence in Danish, and a status that says that nothing was done."""
    assert said.status == REFUSED, said
    assert said.out == ""
    assert "Traceback" not in said.err
    assert len(said.err.strip().splitlines()) == 1, said.err
    for word in words:
        assert word in said.err, said.err


# ---------------------------------------------------------------------------------------------------------------------
# A full disk. A file system of its own in memory, in a name space of its own, so that nothing else meets it.

FULL_DISK = """
import json, os, resource, shutil, subprocess, sys
place, books, command, *points = sys.argv[1:]
own = os.environ["OWN_MOUNTS"] == "yes"
if own:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", place], check=True)
file, filler = os.path.join(place, "books.sqlite"), os.path.join(place, "filler")
shutil.copy(books, file)
environment = {**os.environ, "MELLEMREGNING_DATABASE_URL": f"sqlite:///{file}"}

def says(*arguments, at_most=resource.RLIM_INFINITY):
    done = subprocess.run(
        [sys.executable, "-c", "from portal.commands import main; main()", "--as-of", "2008-12-15", *arguments],
        env=environment, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (at_most, resource.RLIM_INFINITY)),
    )
    return [done.returncode, done.stdout, done.stderr]

answers = []
for left in map(int, points):
    if own:
        free = os.statvfs(place)
        with open(filler, "wb") as full:
            full.write(bytes(max(0, free.f_bavail * free.f_frsize - left)))
        said = says(*command.split())
        os.unlink(filler)
    else:
        said = says(*command.split(), at_most=max(left, 4096))
    if said[0] == 0:
        break  # there was room enough; it is not the first, or the test finds nothing
    answers.append([left, said])
    copy = f"{books}-{left}"
    subprocess.run([sys.executable, "-c",
        "import sqlite3, sys; a = sqlite3.connect(sys.argv[1]); b = sqlite3.connect(sys.argv[2]); a.backup(b)",
        file, copy], check=True)
again = said if said[0] == 0 else says(*command.split())
shutil.copy(file, books + "-again")
print(json.dumps({"full": answers, "again": again}))
"""


def own_mounts(place: Path) -> list[str] | None:
    """The command that gives a process mounts of its own, if this system lets us."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return None
    for options in (["-m"], ["-rm"]):
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
        if subprocess.run([unshare, *options, *mount], capture_output=True, check=False).returncode == 0:
            return [unshare, *options]
    return None


@pytest.mark.soak
@ON_SQLITE
@pytest.mark.parametrize(
    "points",
    [(0, 300_000), pytest.param((0, 4096, *range(40_000, 600_000, 40_000)), marks=pytest.mark.soak)],
    ids=["short", "long"],
)
def test_a_disk_that_is_full(upgraded_url: str, tmp_path: Path, points: tuple[int, ...]) -> None:
    """With so many bytes left: none for SQLite's own files beside the database, or some but not enough.

    Where this system lets nobody mount, files that may grow no further stand in for the disk.
    """
    desk = begun(upgraded_url, tmp_path)
    before = desk.everything()
    books, place = tmp_path / "books.sqlite", tmp_path / "disk"
    place.mkdir()
    mounts = own_mounts(place)
    desk.leaves()
    shutil.copy(upgraded_url.removeprefix("sqlite:///"), books)
    done = subprocess.run(
        [*(mounts or ()), sys.executable, "-c", FULL_DISK, place, books, "run issue 1", *map(str, points)],
        cwd=ROOT,
        env={**os.environ, "OWN_MOUNTS": "yes" if mounts else "no"},
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    answers: dict[str, Any] = json.loads(done.stdout)
    assert len(answers["full"]) > len(points) // 2
    for left, said in answers["full"]:
        is_told(Said(*said), "Databasen kan ikke bruges lige nu (", "Intet er ændret; prøv igen")
        then = Desk(f"sqlite:///{books}-{left}", tmp_path)
        assert then.everything() == before, f"{left} bytes left"
        then.leaves()
    assert any(("full" if mounts else "disk I/O error") in said[2] for _, said in answers["full"])
    assert (answers["again"][0], answers["again"][2]) == (GOOD_STATUS, "")
    again = Desk(f"sqlite:///{books}-again", tmp_path)
    all_is_there(again)
    again.leaves()


# ---------------------------------------------------------------------------------------------------------------------
# A server that goes away.


class Moments:
    """Counts what a command asks of PostgreSQL, and does something at one of the moments."""

    def __init__(self, at: int, then: Callable[[], None]) -> None:
        self.at, self.then = at, then
        self.names: list[str] = []

    def passes(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self.at:
            self.then()


@contextmanager
def counted(at: int, then: Callable[[], None]) -> Iterator[Moments]:
    """Statements, every hundredth row that is copied in, and the commit."""
    moments = Moments(at, then)
    rows = Counter[str]()
    real = psycopg.Copy.write_row

    def statement(_connection: object, _cursor: object, text: str, *_: object) -> None:
        moments.passes(text.split(None, 1)[0])

    def commit(_connection: object) -> None:
        moments.passes("COMMIT")

    def write_row(copy: psycopg.Copy, row: Any) -> None:  # noqa: ANN401 - any row
        rows["COPY"] += 1
        if rows["COPY"] % 100 == 0:
            moments.passes("COPY")
        real(copy, row)

    patch = pytest.MonkeyPatch()
    patch.setattr(psycopg.Copy, "write_row", write_row)
    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", commit)
    try:
        yield moments
    finally:
        event.remove(Engine, "before_cursor_execute", statement)
        event.remove(Engine, "commit", commit)
        patch.undo()


def nothing() -> None:
    """A moment like any other."""


def moments_of(desk: Desk, url: str) -> list[str]:
    """What the issue asks of the database, tried on a copy of it."""
    copy = Desk(url, desk.folder)
    copy.as_of = desk.as_of
    with counted(0, nothing) as moments:
        copy.does("run", "issue", 1)
    copy.leaves()
    # The answer is read after the commit; what happens then is not in the middle of an issue.
    return moments.names[: len(moments.names) - moments.names[::-1].index("COMMIT")]


def chosen(names: list[str], *, every: bool) -> list[int]:
    """Some moments, or all: the first statement, in the middle of the rows, and at the commit."""
    if every:
        return list(range(1, len(names) + 1))
    copied = [place for place, name in enumerate(names, start=1) if name == "COPY"]
    return [1, copied[len(copied) // 2], len(names)]


def terminated(url: str) -> Callable[[], None]:
    """End every connection to a database, as an administrator or a failover does."""

    def then() -> None:
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    return then


@ON_POSTGRESQL
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.soak)], ids=["short", "long"])
def test_connections_that_are_ended_in_the_middle(
    upgraded_url: str, tmp_path: Path, postgres_databases: PostgresDatabases, *, every: bool
) -> None:
    desk = begun(upgraded_url, tmp_path)
    before = desk.everything()
    desk.leaves()
    with postgres_databases.copied(upgraded_url) as url:
        names = moments_of(desk, url)
    assert {"INSERT", "COPY", "COMMIT"} <= set(names)
    for moment in chosen(names, every=every):
        desk.leaves()
        with counted(moment, terminated(upgraded_url)):
            said = desk.says("run", "issue", 1)
        at_commit = moment == len(names)
        is_told(said, "gik tabt, mens det sidste blev gemt" if at_commit else "Intet er ændret; prøv igen")
        assert desk.everything() == before, f"moment {moment}: {names[moment - 1]}"
    issued_once(desk)
    desk.leaves()


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.soak)], ids=["short", "long"])
def test_a_server_that_is_stopped_in_the_middle(tmp_path: Path, *, every: bool) -> None:
    """At once or in order, and started again: what is not committed was never done."""
    if os.environ.get(postgres.ADDRESS):
        pytest.skip("the server is another's and is not stopped")
    try:
        with postgres.running_postgres() as server:
            _stopped_and_started(server, tmp_path, every=every)
    except postgres.NoPostgres as why:
        pytest.skip(f"no PostgreSQL: {why}")


def _stopped_and_started(server: str, tmp_path: Path, *, every: bool) -> None:
    databases = PostgresDatabases(server)
    with databases.upgraded() as url:
        desk = begun(url, tmp_path)
        before = desk.everything()
        desk.leaves()
        with databases.copied(url) as another:
            names = moments_of(desk, another)
        moments = chosen(names, every=every)[1 : None if every else 2]
        for round_, moment in enumerate(moments):
            mode = ("immediate", "fast")[round_ % 2]
            desk.leaves()
            with counted(moment, lambda mode=mode: postgres.stop(server, mode)):  # type: ignore[misc]
                said = desk.says("run", "issue", 1)
            is_told(said, "Databasen kan ikke bruges lige nu (" if moment != len(names) else "gik tabt")
            is_told(desk.says("run", "issue", 1), "Databasen kan ikke bruges lige nu (", "Intet er ændret")
            postgres.start(server)
            desk.leaves()
            assert desk.everything() == before, f"moment {moment}: {names[moment - 1]}, {mode}"
        issued_once(desk)
        desk.leaves()
    databases.close()
