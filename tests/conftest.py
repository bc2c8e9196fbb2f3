"""What every test may ask for: a database of its own, LibreOffice, Chromium. What is not here is named at the end.

Fixtures:
    engine_name    "sqlite", then "postgresql"; a test for one only says
                   ``@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)``
    database_url   the address of an empty database of this engine
    upgraded_url   the address of a database of this engine with all tables
    database       the same as a ``Database``
    libreoffice    the path of soffice
    chromium       the path of a Chromium
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests import postgres
from tests.compiled_once import compile_once
from tests.databases import PostgresDatabases, SqliteDatabases

if TYPE_CHECKING:
    from foundation.database import Database

NO_SKIPS = "MELLEMREGNING_NO_SKIPS"
# How the process that runs the tests tells its workers which server it started, or why there is none.
SERVER = "MELLEMREGNING_TEST_SERVER"
NO_SERVER = "MELLEMREGNING_TEST_NO_SERVER"

Databases = SqliteDatabases | PostgresDatabases
ABOVE_THE_STORES = {"browser", "exports", "portal", "scenarios"}

# A busy machine is no fault of a rule: how long an example takes to draw or to run is never judged.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--soak`` runs the long tests instead of the others."""
    parser.addoption("--soak", action="store_true", help="run only the long tests, marked soak")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the long tests for ``dev.py soak``; the summary says how many they are."""
    soak = config.getoption("--soak")
    kept = [item for item in items if is_long(item) == soak]
    left = [item for item in items if is_long(item) != soak]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def is_long(item: pytest.Item) -> bool:
    """Whether a test is one for ``dev.py soak``.

    Marked so, or the PostgreSQL half of what lies above the stores, which other tests try on both databases in every
    run: of the rooms ``ABOVE_THE_STORES``, and of a module that says ``POSTGRESQL_IN_SOAK = True``.
    """
    if item.get_closest_marker("soak"):
        return True
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if "postgresql" not in [each for each in parameters.values() if isinstance(each, str)]:
        return False
    room = item.path.relative_to(Path(__file__).parent).parts[0]
    return room in ABOVE_THE_STORES or getattr(getattr(item, "module", None), "POSTGRESQL_IN_SOAK", False)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Whatever a test did to an agreement's life, the books hold at its end; in a long test after each step."""
    lives = sys.modules.get("tests.billing.runs.conftest")
    if lives is None:
        return (yield)
    lives.Life.each_step = pyfuncitem.config.getoption("--soak")
    try:
        answer = yield
    except BaseException:
        lives.Life.forget_what_was_done()
        raise
    lives.Life.verify_what_was_done()
    return answer


def is_worker(config: pytest.Config) -> bool:
    """Whether this process only runs tests for another one."""
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    """Start one PostgreSQL for the run; pytest stops it at its very end, whatever happens before."""
    compile_once()
    if is_worker(config) or config.option.collectonly or config.option.help:
        return
    server = contextlib.ExitStack()
    config.add_cleanup(server.close)
    try:
        os.environ[SERVER] = server.enter_context(postgres.running_postgres())
    except postgres.NoPostgres as why:
        os.environ[NO_SERVER] = str(why)


def skipped(config: pytest.Config) -> list[pytest.TestReport]:
    """The tests that were left out so far."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return reporter.stats.get("skipped", []) if reporter is not None else []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything is at hand, as in CI, a test that was left out is a failure."""
    if os.environ.get(NO_SKIPS) and not is_worker(session.config) and skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name what was left out and why."""
    left_out = Counter(_reason(report) for report in skipped(config))
    if not left_out:
        return
    terminalreporter.section("left out")
    for reason, count in sorted(left_out.items()):
        terminalreporter.write_line(f"{count} test{'s' if count != 1 else ''}: {reason}")
    if os.environ.get(NO_SKIPS):
        terminalreporter.write_line(f"FAILED: {NO_SKIPS} is set, so nothing may be left out.", red=True)


def _reason(report: pytest.TestReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ")


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    """The maker of SQLite databases."""
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[PostgresDatabases]:
    """The maker of PostgreSQL databases; tests that ask for it are left out where there is no server."""
    if SERVER not in os.environ:
        pytest.skip(f"no PostgreSQL: {os.environ.get(NO_SERVER, 'not started')}")
    databases = PostgresDatabases(os.environ[SERVER])
    yield databases
    databases.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """The two databases that everything runs on."""
    return str(request.param)


@pytest.fixture
def databases(engine_name: str, request: pytest.FixtureRequest) -> Databases:
    """The maker of databases of this engine."""
    maker: Databases = request.getfixturevalue(f"{'sqlite' if engine_name == 'sqlite' else 'postgres'}_databases")
    return maker


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """The address of an empty database that this test alone has."""
    with databases.empty() as url:
        yield url


@pytest.fixture
def upgraded_url(databases: Databases) -> Iterator[str]:
    """The address of a database with all tables that this test alone has."""
    with databases.upgraded() as url:
        yield url


@pytest.fixture
def database(upgraded_url: str) -> Iterator[Database]:
    """A database with all tables that this test alone has."""
    from foundation.database import Database

    database = Database(upgraded_url)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def libreoffice() -> str:
    """The path of LibreOffice."""
    return _program("LibreOffice", "soffice", "libreoffice")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium."""
    return _program("Chromium", "chromium", "chromium-browser", "google-chrome")


def _program(title: str, *names: str) -> str:
    for name in names:
        if path := shutil.which(name):
            return path
    pytest.skip(f"no {title}: none of {', '.join(names)} is on the path")
