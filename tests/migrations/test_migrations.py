"""From nothing to the newest step, on both databases, and the tables are then what the code says."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

import migrations
from foundation.audit import audit_event
from foundation.database import Database, DatabaseUnavailable, metadata
from foundation.hooks import web_hook
from foundation.outbox import outbox_entry
from foundation.tokens import api_token
from foundation.users import user_account
from tests.billing.runs.conftest import CHANGEABLE

ROOT = Path(__file__).parents[2]
# Imported so that the metadata holds every table, also those of a room that is built later.
ROOMS = [
    importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for room in ("agreements", "billing", "exports", "portal")
    for path in sorted(ROOT.glob(f"{room}/**/tables.py"))
]


assert {audit_event.name, outbox_entry.name, user_account.name, api_token.name, web_hook.name} <= set(metadata.tables)


def tables(url: str) -> set[str]:
    database = Database(url)
    with database.reading() as connection:
        found = set(inspect(connection).get_table_names())
    database.dispose()
    return found


def test_from_nothing(database_url: str) -> None:
    assert tables(database_url) == set()
    migrations.upgrade(database_url)
    assert tables(database_url) == {*metadata.tables, "alembic_version"}
    database = Database(database_url)
    assert migrations.current(database) == migrations.newest()
    database.dispose()


def test_twice(database_url: str) -> None:
    migrations.upgrade(database_url)
    database = Database(database_url)
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO agreement (code, issuer) VALUES ('a', '461')"))
    migrations.upgrade(database_url)
    with database.reading() as connection:
        assert connection.execute(text("SELECT code FROM agreement")).all() == [("a",)]
    database.dispose()


def test_by_two_processes_at_once(database_url: str) -> None:
    """Two commands that both upgrade: the second waits, or is told by a rule."""
    upgrading = (sys.executable, "-c", "import sys, migrations; migrations.upgrade(sys.argv[1])", database_url)
    processes = [subprocess.Popen(upgrading, stderr=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)]
    said = [process.communicate(timeout=60)[1] for process in processes]
    assert tables(database_url) == {*metadata.tables, "alembic_version"}
    assert [process.returncode for process in processes] == [0, 0], said


def test_the_tables_are_what_the_code_says(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_constraints_and_indexes_are_named_as_the_code_says(database: Database) -> None:
    """What the comparison does not look at: checks, foreign keys' deferral, partial indexes."""
    with database.reading() as connection:
        inspected = inspect(connection)
        for name, table in metadata.tables.items():
            named = {str(constraint.name) for constraint in table.constraints}
            found = {str(each["name"]) for each in inspected.get_check_constraints(name)}
            found |= {str(each["name"]) for each in inspected.get_unique_constraints(name)}
            found |= {str(each["name"]) for each in inspected.get_foreign_keys(name)}
            found.add(str(inspected.get_pk_constraint(name)["name"]))
            assert found == named, name
            indexes = {str(each["name"]) for each in inspected.get_indexes(name) if "duplicates_constraint" not in each}
            assert indexes == {str(index.name) for index in table.indexes}, name
        deferred = {str(each["name"]): each["options"].get("initially") for each in inspected.get_foreign_keys("claim")}
    assert deferred == {"fk_claim_invoice_id": "DEFERRED", "fk_claim_released_by": "DEFERRED"}


def test_every_table_but_those_that_may_change_is_append_only(database: Database) -> None:
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if database.is_sqlite
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    with database.reading() as connection:
        triggers = {str(name) for (name,) in connection.execute(text(query))}
    protected = set(metadata.tables) - CHANGEABLE
    kinds = ("_update", "_delete") if database.is_sqlite else ("", "_truncate")
    assert {f"append_only_{table}{kind}" for table in protected for kind in kinds} <= triggers


def test_a_newer_release_has_been_here(upgraded_url: str) -> None:
    database = Database(upgraded_url)
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(migrations.DatabaseTooNew) as caught:
        migrations.upgrade(upgraded_url)
    assert "9999" in str(caught.value)
    assert migrations.current(database) == "9999"
    database.dispose()


def test_a_step_that_fails_leaves_nothing(database_url: str) -> None:
    database = Database(database_url)
    with database.transaction() as connection:
        connection.execute(text("CREATE TABLE voucher (id INTEGER)"))
    with pytest.raises(Exception, match="voucher"):
        migrations.upgrade(database_url)
    assert tables(database_url) == {"voucher"}
    database.dispose()


def test_an_unreachable_database() -> None:
    with pytest.raises(DatabaseUnavailable):
        migrations.upgrade("postgresql+psycopg://nobody@/nothing?host=/nowhere")


def test_the_steps_are_numbered_and_linear() -> None:
    config: Config = migrations.configuration("postgresql://u:100%25@h/d")
    assert config.get_main_option("sqlalchemy.url") == "postgresql://u:100%25@h/d"
    steps = list(ScriptDirectory.from_config(config).walk_revisions())
    assert [step.revision for step in reversed(steps)] == [f"{number:04d}" for number in range(1, len(steps) + 1)]
    assert all(not step.is_branch_point and not step.is_merge_point for step in steps)
