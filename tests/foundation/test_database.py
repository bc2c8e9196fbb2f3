"""What SQLite and PostgreSQL agree on: transactions, readings, errors, ids in bulk."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from agreements.tables import population_load
from foundation.database import Database, DatabaseNotReady, DatabaseUnavailable, insert_rows, reserve_ids
from foundation.errors import MellemregningError

A_LOAD = {"name": "n", "digest": "", "loaded_on": date(2009, 1, 1)}


def loads(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(population_load)).scalar_one())


def test_a_transaction_is_kept(database: Database) -> None:
    with database.transaction() as connection:
        insert_rows(connection, population_load, [A_LOAD, A_LOAD])
        insert_rows(connection, population_load, [])
    assert loads(database) == 2


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, DatabaseNotReady, GeneratorExit])
def test_any_error_takes_the_transaction_back(database: Database, error: type[BaseException]) -> None:
    with pytest.raises(error), database.transaction() as connection:  # noqa: PT012 - the transaction is what ends
        insert_rows(connection, population_load, [A_LOAD])
        raise error
    assert loads(database) == 0


def test_what_the_database_refuses_takes_the_transaction_back(database: Database) -> None:
    with pytest.raises(IntegrityError), database.transaction() as connection:  # noqa: PT012 - the transaction is what ends
        insert_rows(connection, population_load, [A_LOAD])
        insert_rows(connection, population_load, [{"id": 7, **A_LOAD}, {"id": 7, **A_LOAD}])
    assert loads(database) == 0


def test_a_savepoint_takes_back_its_part_only(database: Database) -> None:
    with database.transaction() as connection:
        insert_rows(connection, population_load, [A_LOAD])
        with pytest.raises(ValueError, match=r"^no$"), connection.begin_nested():  # noqa: PT012 - the transaction is what ends
            insert_rows(connection, population_load, [A_LOAD])
            raise ValueError("no")  # noqa: EM101 - a test's own
        insert_rows(connection, population_load, [A_LOAD])
    assert loads(database) == 2


def test_a_reading_keeps_no_write(database: Database) -> None:
    try:
        with database.reading() as connection:
            insert_rows(connection, population_load, [A_LOAD])
    except DBAPIError as refused:
        assert "read-only" in str(refused)  # noqa: PT017 - SQLite writes and takes it back
    assert loads(database) == 0
    # The connection that was read with writes again afterwards.
    with database.transaction() as connection:
        insert_rows(connection, population_load, [A_LOAD])
    assert loads(database) == 1


def test_a_reading_that_fails_keeps_no_write(database: Database) -> None:
    with pytest.raises((ValueError, DBAPIError)), database.reading() as connection:  # noqa: PT012 - the transaction is what ends
        insert_rows(connection, population_load, [A_LOAD])
        raise ValueError
    assert loads(database) == 0


def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(IntegrityError), database.transaction() as connection:
        connection.execute(
            text("INSERT INTO membership (agreement, municipality, from_year) VALUES ('nothing', '461', 2009)"),
        )


@pytest.mark.parametrize("way", ["reading", "transaction"])
def test_missing_tables(database_url: str, way: str) -> None:
    database = Database(database_url)
    with pytest.raises(DatabaseNotReady) as caught, getattr(database, way)() as connection:
        connection.execute(select(population_load))
    assert "mellemregning db upgrade" in str(caught.value)
    database.dispose()


@pytest.mark.parametrize("way", ["reading", "transaction"])
def test_a_table_without_a_column_that_this_release_has(database: Database, way: str) -> None:
    with database.transaction() as connection:
        connection.execute(text("ALTER TABLE price_notice RENAME COLUMN given_on TO given"))
    with pytest.raises(DatabaseNotReady), getattr(database, way)() as connection:
        connection.execute(text("SELECT given_on FROM price_notice"))


@pytest.mark.parametrize("way", ["reading", "transaction"])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://nobody@/nothing?host=/nowhere",
        "postgresql+psycopg://nobody@127.0.0.1:1/nothing",
    ],
)
def test_an_unreachable_postgresql(url: str, way: str) -> None:
    database = Database(url)
    with pytest.raises(DatabaseUnavailable) as caught, getattr(database, way)():
        pass
    assert "MELLEMREGNING_DATABASE_URL" in str(caught.value)
    database.dispose()


@pytest.mark.parametrize("way", ["reading", "transaction"])
def test_a_file_that_is_no_database(tmp_path: Path, way: str) -> None:
    path = tmp_path / "regning.xlsx"
    path.write_bytes(b"PK\x03\x04 something else" * 100)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(MellemregningError), getattr(database, way)() as connection:
        connection.execute(text("SELECT 1 FROM sqlite_master"))
    database.dispose()
    assert path.read_bytes().startswith(b"PK\x03\x04")


@pytest.mark.parametrize("way", ["reading", "transaction"])
def test_a_folder_that_is_no_database(tmp_path: Path, way: str) -> None:
    database = Database(f"sqlite:///{tmp_path}")
    with pytest.raises(DatabaseUnavailable), getattr(database, way)() as connection:
        connection.execute(text("SELECT 1"))
    database.dispose()


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_a_server_that_ends_the_connection(database: Database, upgraded_url: str) -> None:
    with pytest.raises(DatabaseUnavailable), database.transaction() as connection:  # noqa: PT012 - the transaction is what ends
        insert_rows(connection, population_load, [A_LOAD])
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        other = Database(upgraded_url)
        with other.transaction() as ending:
            ending.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
        other.dispose()
        insert_rows(connection, population_load, [A_LOAD])
    # The next one is a new connection.
    assert loads(database) == 0


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_locked_file(database: Database, upgraded_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foundation.database.SECONDS_TO_WAIT_FOR_A_LOCK", 0)
    other = Database(upgraded_url)
    with database.transaction(), pytest.raises(DatabaseUnavailable) as caught, other.transaction():
        pass
    assert "locked" in str(caught.value)
    with database.transaction(), other.reading() as connection:
        connection.execute(select(population_load))
    other.dispose()


def test_reserved_ids_are_adjacent_and_no_ones_else(database: Database) -> None:
    start = threading.Barrier(4)
    url = database.url.render_as_string(hide_password=False)

    def take(count: int) -> list[range]:
        own = Database(url)
        start.wait(60)
        taken = []
        for _ in range(5):
            with own.transaction() as connection:
                first = reserve_ids(connection, population_load, count)
                insert_rows(connection, population_load, [{"id": each, **A_LOAD} for each in first])
                second = reserve_ids(connection, population_load, count)
                insert_rows(connection, population_load, [{"id": each, **A_LOAD} for each in second])
                taken += [first, second]
        own.dispose()
        return taken

    with ThreadPoolExecutor(4) as pool:
        ranges = [each for found in pool.map(take, (1, 2, 7, 30)) for each in found]
    ids = [each for found in ranges for each in found]
    assert len(ids) == len(set(ids)) == loads(database) == 5 * 2 * (1 + 2 + 7 + 30)
    assert all(list(found) == list(range(found.start, found.start + len(found))) for found in ranges)
    with database.transaction() as connection:
        # What is inserted without an id does not meet them.
        connection.execute(population_load.insert().values(**A_LOAD))
        assert reserve_ids(connection, population_load, 0) == range(0)


def test_ids_of_a_transaction_that_is_taken_back_are_not_missed(database: Database) -> None:
    with pytest.raises(ValueError, match=r"^$"), database.transaction() as connection:  # noqa: PT012 - the transaction is what ends
        reserve_ids(connection, population_load, 3)
        raise ValueError
    with database.transaction() as connection:
        ids = reserve_ids(connection, population_load, 2)
        insert_rows(connection, population_load, [{"id": each, **A_LOAD} for each in ids])
    assert loads(database) == 2
