"""The tables' history, one numbered step after the other; ``upgrade`` brings a database to the newest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from foundation.database import Database, DatabaseNotReady, hold
from foundation.errors import N_, RuleBroken

if TYPE_CHECKING:
    from alembic.config import Config


class DatabaseTooNew(RuleBroken):
    """The database was upgraded by a later release than this one."""

    danish = N_(
        "Databasen er på trin {found}, som denne udgave ikke kender. Brug den udgave af Mellemregning, der opgraderede "
        "den, eller en nyere.",
    )


def configuration(url: str) -> Config:
    """Alembic's configuration for one database; there is no ini file."""
    from alembic.config import Config  # noqa: PLC0415 - Alembic costs half a second at every start

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    # A percent sign in a password is no interpolation.
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def newest() -> str:
    """The newest step that this release knows: steps are numbered by their file names."""
    return max(path.name[:4] for path in (Path(__file__).parent / "versions").glob("[0-9]*.py"))


def require_newest(database: Database) -> None:
    """Refuse a database whose tables are of another release.

    Raises:
        DatabaseNotReady: it has no tables, or older ones.
        DatabaseTooNew: a later release has been here.
        DatabaseUnavailable: it does not answer.
    """
    with database.reading() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    if found is None or found < newest():
        raise DatabaseNotReady
    if found > newest():
        raise DatabaseTooNew(found=found)


def current(database: Database) -> str | None:
    """The step that a database is at; None where it has no tables of ours."""
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - as above

    with database.reading() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(url: str) -> None:
    """Bring a database to the newest step; nothing happens where it is there already.

    Raises:
        DatabaseTooNew: a later release has been here.
        DatabaseUnavailable: the database does not answer.
    """
    from alembic import command  # noqa: PLC0415 - as above
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - as above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    database = Database(url)
    try:
        if current(database) == newest():
            return
        known = {script.revision for script in ScriptDirectory.from_config(configuration("")).walk_revisions()}
        with database.transaction() as connection:
            hold(connection, "migrations")  # another process may be at it
            found = MigrationContext.configure(connection).get_current_revision()
            if found == newest():
                return
            if found is not None and found not in known:
                raise DatabaseTooNew(found=found)
            config = configuration(url)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        database.dispose()
