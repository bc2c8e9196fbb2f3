"""The engine, the transaction, and what SQLite and PostgreSQL must agree on.

Rows are reached with SQLAlchemy Core. A store never commits; ``Database.transaction()`` is the only place that does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, MetaData, Table, create_engine, event, func, select, text, true
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from foundation.errors import BadInput, MellemregningError, N_, reason_of

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

# Constraints are tested by name, and Alembic drops them by name, so each has one on both databases.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    },
)

SECONDS_TO_WAIT_FOR_A_LOCK = 60

# SQLite has no type for a day; written in bulk, one becomes the text that SQLAlchemy makes of it.
sqlite3.register_adapter(date, date.isoformat)

# How the two databases say that a table or a column of this release is not there.
UNDEFINED = frozenset({"42P01", "42703"})
UNDEFINED_IN_SQLITE = ("no such table", "no such column", "has no column named")


class DatabaseUnavailable(MellemregningError):
    """The database does not answer, is full or is locked; the transaction was rolled back."""

    danish = N_(
        "Databasen kan ikke bruges lige nu ({reason}). Intet er ændret; prøv igen, når den svarer, "
        "eller kontrollér MELLEMREGNING_DATABASE_URL.",
    )


class OutcomeUnknown(DatabaseUnavailable):
    """The connection was lost while the last of it was committed, so nobody has said whether it was."""

    danish = N_(
        "Forbindelsen til databasen gik tabt, mens det sidste blev gemt ({reason}). Det er enten gemt helt eller slet "
        "ikke; se efter, når databasen svarer, før du prøver igen.",
    )


class DatabaseNotReady(MellemregningError):
    """The tables are missing or of another version."""

    danish = N_("Databasen er ikke klar til denne udgave. Kør «mellemregning db upgrade» og prøv igen.")


class DatabaseDamaged(MellemregningError):
    """The file of the database is not what the database wrote."""

    danish = N_(
        "Databasens fil er beskadiget ({reason}). Intet er ændret. Rør den ikke; gendan en sikkerhedskopi et andet "
        "sted med «mellemregning restore».",
    )


class DatabaseAddressUnknown(BadInput):
    """The address is no SQLite file and no PostgreSQL server; it is not shown, for it may hold a password."""

    danish = N_(
        "Databasens adresse i MELLEMREGNING_DATABASE_URL kan ikke bruges. Skriv den som sqlite:///mappe/fil.sqlite "
        "eller postgresql://bruger@vært/database.",
    )


class Database:
    """One database, SQLite or PostgreSQL, and the way to change it."""

    def __init__(self, url: str) -> None:
        """Prepare the engine; nothing is connected yet.

        Args:
            url: An SQLAlchemy address such as ``sqlite:///file.sqlite`` or ``postgresql+psycopg://…``.

        Raises:
            DatabaseAddressUnknown: another kind of database, or no address at all.
            DatabaseUnavailable: the folder of a SQLite file cannot be made.
        """
        try:
            self.url = make_url(url)
            self.is_sqlite = self.url.get_backend_name() == "sqlite"
            supported = self.is_sqlite or self.url.get_backend_name() == "postgresql"
        except (ArgumentError, NoSuchModuleError) as error:
            raise DatabaseAddressUnknown from error
        if not supported:
            raise DatabaseAddressUnknown
        if self.is_sqlite:
            self.engine = _sqlite_engine(url)
        else:
            self.engine = create_engine(url, pool_pre_ping=True)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing: commits at the end, rolls back on any error.

        On SQLite the write lock is taken at the start, so that what was read is still so when it is written.

        Raises:
            DatabaseUnavailable: the database is gone, full or locked; nothing is changed.
            OutcomeUnknown: the connection was lost at the commit; either all or nothing is changed.
        """
        committing = False
        try:
            with self.engine.begin() as connection:
                yield connection
                committing = True
        except DBAPIError as error:
            explained = _explained(error)
            if committing and error.connection_invalidated:
                explained = OutcomeUnknown(reason=_reason(error))
            if explained is None:
                raise
            raise explained from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view; whatever is written by mistake is rolled back."""
        try:
            with self.engine.connect() as connection:
                if self.is_sqlite:
                    connection = connection.execution_options(only_read=True)  # noqa: PLW2901 - the same connection
                else:
                    connection = connection.execution_options(  # noqa: PLW2901 - the same connection
                        isolation_level="REPEATABLE READ",
                        postgresql_readonly=True,
                    )
                yield connection
                connection.rollback()
        except DBAPIError as error:
            explained = _explained(error)
            if explained is None:
                raise
            raise explained from error

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _reason(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0] if error.orig is not None else type(error).__name__


def _explained(error: DBAPIError) -> MellemregningError | None:
    reason = _reason(error)
    if getattr(error.orig, "sqlstate", None) in UNDEFINED or any(words in reason for words in UNDEFINED_IN_SQLITE):
        return DatabaseNotReady()
    if "malformed" in reason:
        return DatabaseDamaged(reason=reason)
    if isinstance(error, OperationalError) or error.connection_invalidated or "not a database" in reason:
        return DatabaseUnavailable(reason=reason)
    return None


def _sqlite_engine(url: str) -> Engine:
    database = make_url(url).database
    if database and database != ":memory:":
        try:
            Path(database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseUnavailable(reason=reason_of(error)) from error
    engine = create_engine(url, connect_args={"timeout": SECONDS_TO_WAIT_FOR_A_LOCK})

    @event.listens_for(engine, "connect")
    def _on_connect(dbapi_connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        # The driver's own BEGIN comes too late and is too weak; ours is below.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA recursive_triggers = ON")  # or REPLACE would remove a row without its trigger
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        only_read = connection.get_execution_options().get("only_read", False)
        connection.exec_driver_sql("BEGIN" if only_read else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def whatever_it_says(connection: Connection) -> Iterator[None]:
    """Read text also where it is none: what was tampered with on SQLite's disk may be no UTF-8.

    Such text is read with marks in it, so that it differs from what was written; PostgreSQL lets none in.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    before = driver.text_factory
    driver.text_factory = lambda written: written.decode(errors="backslashreplace")
    try:
        yield
    finally:
        driver.text_factory = before


def faults_of_file(connection: Connection) -> Iterator[str]:
    """What SQLite finds wrong in its file: rows that an index does not know, pages that are none.

    Of PostgreSQL's files nothing is said here; it looks after them itself (data checksums, ``pg_amcheck``).
    """
    if connection.dialect.name == "sqlite":
        for (said,) in connection.exec_driver_sql("PRAGMA integrity_check(10)"):
            if said != "ok":
                yield " ".join(said.split())


def hold(connection: Connection, name: str) -> None:
    """Let one transaction at a time do what ``name`` says, until it ends.

    For what has no row to lock yet. On SQLite a transaction that writes is alone anyway.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})


def reserve_ids(connection: Connection, table: Table, count: int) -> range:
    """Take ``count`` ids of a table at once, so that rows and the rows that point at them are written in bulk.

    Args:
        connection: Within the transaction that writes the rows; on SQLite it holds the write lock.
        table: Has a BIGINT primary key ``id``.
        count: How many.

    Returns:
        The ids, ascending and adjacent. Ids are no business numbers; they may have gaps.
    """
    if count == 0:
        return range(0)
    if connection.dialect.name == "sqlite":
        last = connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
        return range(last + 1, last + 1 + count)
    # One lock per table and transaction makes the block adjacent.
    sequence = f"{table.name}_id_seq"
    hold(connection, sequence)
    first = connection.execute(text("SELECT nextval(:name)"), {"name": sequence}).scalar_one()
    if count > 1:
        connection.execute(text("SELECT setval(:name, :last)"), {"name": sequence, "last": first + count - 1})
    return range(first, first + count)


MOST_NAMED = 500
BULK = 50
ROWS_TOGETHER = 100  # in one statement of SQLite, which takes 32,766 values
ROWS_AT_ONCE = 10_000  # so that a second copy of a million values is never made


def among(column: ColumnElement[Any], values: Collection[Any] | None) -> ColumnElement[bool]:
    """Rows whose column is one of the values; every row where there are so many that naming them costs more.

    Args:
        column: What is looked at.
        values: None for all. Beyond ``MOST_NAMED`` the caller passes over the rows that it did not ask for.
    """
    if values is None or len(values) > MOST_NAMED:
        return true()
    return column.in_(sorted(values))


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write many rows at once; nothing for an empty list. All rows name the same columns."""
    if rows:
        columns = list(rows[0])
        insert_bulk(connection, table, columns, [tuple(row[column] for column in columns) for row in rows])


def insert_bulk(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
    meanwhile: Callable[[], None] | None = None,
) -> None:
    """Write many rows by the fastest way: some hundred in one ``INSERT`` on SQLite, ``COPY`` on PostgreSQL.

    The statement is not compiled row by row, which for a national month is half of the work; on SQLite, a hundred rows
    to a statement cost half of what ``executemany`` asks for the same. A server takes in the first rows while the last
    are made, so whoever has much to work out for them hands over an iterator.

    Args:
        connection: The transaction; an iterator of rows must leave it alone.
        table: Where to write.
        columns: The names of the columns, in the order of each row's values.
        rows: Values as Python has them.
        meanwhile: What can be done while a server checks many rows; it is done once, if nothing is refused, and leaves
            the connection alone.

    Raises:
        sqlalchemy.exc.DBAPIError: as for any statement; IntegrityError where a constraint is broken.
    """
    coming = iter(rows)
    few = list(islice(coming, BULK))
    if len(few) == BULK and connection.dialect.name != "sqlite":
        _copy(connection, table, columns, chain(few, coming), meanwhile)
        return
    if len(few) == BULK:
        _insert_together(connection, table, columns, chain(few, coming))
    elif few:
        connection.execute(table.insert(), [dict(zip(columns, row, strict=True)) for row in few])
    if meanwhile is not None:
        meanwhile()


def _insert_together(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]
) -> None:
    names, one = ", ".join(columns), f"({', '.join('?' * len(columns))})"
    while some := list(islice(rows, ROWS_AT_ONCE)):
        whole = len(some) - len(some) % ROWS_TOGETHER
        together = [
            tuple(chain.from_iterable(some[place : place + ROWS_TOGETHER])) for place in range(0, whole, ROWS_TOGETHER)
        ]
        for marks, values in ((", ".join([one] * ROWS_TOGETHER), together), (one, some[whole:])):
            if values:
                connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES {marks}", values)  # noqa: S608 - ours


def _copy(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Iterator[tuple[Any, ...]],
    meanwhile: Callable[[], None] | None,
) -> None:
    from foundation.copy_in import copy_in  # noqa: PLC0415 - loads the driver, which only PostgreSQL needs

    statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    try:
        copy_in(driver, statement, rows, meanwhile)
    except driver_error() as error:
        raise DBAPIError.instance(
            statement, None, error, driver_error(), dialect=connection.dialect, connection_invalidated=driver.closed
        ) from error


def driver_error() -> type[Exception]:
    """What PostgreSQL's driver raises; it is loaded only where it is used."""
    import psycopg  # noqa: PLC0415 - as said

    return psycopg.Error
