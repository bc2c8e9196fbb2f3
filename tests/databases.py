"""Databases for the tests: each test has its own, and the tables are made once and then copied."""

from __future__ import annotations

import itertools
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url


def upgrade(url: str) -> None:
    """Bring a database to the newest migration."""
    import migrations

    migrations.upgrade(url)


class SqliteDatabases:
    """SQLite files; the tables are made in one that every test copies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.template = folder / "template.sqlite"

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The address of a file that is not there yet."""
        path = self._new()
        yield f"sqlite:///{path}"
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()

    @contextmanager
    def upgraded(self) -> Iterator[str]:
        """The address of a database of its own with all tables."""
        if not self.template.exists():
            making = self.folder / "making.sqlite"
            upgrade(f"sqlite:///{making}")
            connection = sqlite3.connect(making)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            making.rename(self.template)
        with self.empty() as url:
            shutil.copy(self.template, url.removeprefix("sqlite:///"))
            yield url

    def _new(self) -> Path:
        return self.folder / f"{next(_NUMBERS)}.sqlite"


class PostgresDatabases:
    """Databases on one PostgreSQL server; the tables are made in one that every test copies."""

    def __init__(self, server_url: str) -> None:
        self.server = make_url(server_url).set(drivername="postgresql+psycopg")
        self.prefix = f"mellemregning_test_{os.getpid()}"
        self.template: URL | None = None

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The address of a new database without tables."""
        url = self._create("template0")
        yield url.render_as_string(hide_password=False)
        self._drop(url)

    @contextmanager
    def upgraded(self) -> Iterator[str]:
        """The address of a database of its own with all tables."""
        if self.template is None:
            template = self._create("template0")
            upgrade(template.render_as_string(hide_password=False))
            # A database is copied only while nobody is connected to it.
            self._say(
                sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(
                    sql.Literal(template.database)
                )
            )
            self.template = template
        url = self._create(str(self.template.database))
        yield url.render_as_string(hide_password=False)
        self._drop(url)

    @contextmanager
    def copied(self, url: str) -> Iterator[str]:
        """The address of a database that is a copy of another one, to which nobody may be connected."""
        copy = self._create(str(make_url(url).database))
        yield copy.render_as_string(hide_password=False)
        self._drop(copy)

    def close(self) -> None:
        """Drop what the tests share."""
        if self.template is not None:
            self._drop(self.template)
            self.template = None

    def _create(self, template: str) -> URL:
        name = f"{self.prefix}_{next(_NUMBERS)}"
        self._say(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.server.set(database=name)

    def _drop(self, url: URL) -> None:
        # FORCE: a test that failed may have left its connection open.
        self._say(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(url.database))))

    def _say(self, command: sql.Composed) -> None:
        address = self.server.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(command)


_NUMBERS = itertools.count(1)
