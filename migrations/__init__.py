"""The tables' history, one numbered step after the other; ``upgrade`` brings a database to the newest."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from foundation.database import Database
from foundation.errors import N_, RuleBroken


class DatabaseTooNew(RuleBroken):
    """The database was upgraded by a later release than this one."""

    danish = N_(
        "Databasen er på trin {found}, som denne udgave ikke kender. Brug den udgave af Mellemregning, der opgraderede "
        "den, eller en nyere.",
    )


def configuration(url: str) -> Config:
    """Alembic's configuration for one database; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    # A percent sign in a password is no interpolation.
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def newest() -> str:
    """The newest step that this release knows."""
    head = ScriptDirectory.from_config(configuration("")).get_current_head()
    if head is None:
        message = "there are no migrations"
        raise RuntimeError(message)
    return head


def current(database: Database) -> str | None:
    """The step that a database is at; None where it has no tables of ours."""
    with database.reading() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(url: str) -> None:
    """Bring a database to the newest step; nothing happens where it is there already.

    Raises:
        DatabaseTooNew: a later release has been here.
        DatabaseUnavailable: the database does not answer.
    """
    database = Database(url)
    try:
        found = current(database)
        if found == newest():
            return
        known = {script.revision for script in ScriptDirectory.from_config(configuration("")).walk_revisions()}
        if found is not None and found not in known:
            raise DatabaseTooNew(found=found)
        with database.transaction() as connection:
            config = configuration(url)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        database.dispose()
