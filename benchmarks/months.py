"""How fast a year's bills are issued: 98 subscribers, twelve months, on SQLite, with books and audit trail."""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from importlib import resources
from pathlib import Path

import migrations
from agreements import run as agreements
from agreements.agreement_file import read_agreement, write_agreement
from agreements.municipality import MUNICIPALITIES
from benchmarks.measure import tell
from billing.annual_subscription import run as subscriptions
from billing.monthly_run import run as runs
from foundation import clock
from foundation.audit import Occasion
from foundation.database import Database
from foundation.period import BillingYear

WRITTEN = (
    "claim",
    "invoice",
    "invoice_line",
    "voucher",
    "posting",
    "run_plan",
    "run_plan_document",
    "run_plan_event",
    "audit_event",
)


def main(arguments: Sequence[str]) -> None:
    """Plan, approve and issue month by month; the floor is the same rows written bare in as many transactions."""
    parser = argparse.ArgumentParser(prog="bench months")
    parser.add_argument("--subscribers", type=int, default=98)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        database = agreed(Path(folder) / "issued.sqlite", options.subscribers)
        before = _counts(database)
        started = time.perf_counter()
        for month in BillingYear(2009).months:
            with database.transaction() as connection:
                runs.issue_in_one_step(connection, "fyn-alkohol", month, _on(month.plus(-1).first_day))
        measured = time.perf_counter() - started
        database.dispose()
        floor = _written_bare(Path(folder), before)
    tell(f"12 months x {options.subscribers} documents", measured, floor)


def _on(day: date) -> Occasion:
    return Occasion(day, "bench", clock.now())


def agreed(file: Path, subscribers: int) -> Database:
    """The 2009 agreement with so many subscribers, priced."""
    migrations.upgrade(f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    content = resources.files("agreements").joinpath("examples", "fyn_2009.toml").read_bytes()
    others = [code for code in MUNICIPALITIES if code not in {"461", "479"}][: subscribers - 2]
    wide = replace(read_agreement("bench", content), subscribers=tuple(sorted(["461", "479", *others])))
    with database.transaction() as connection:
        agreements.ship_population(connection, _on(date(2008, 6, 1)))
        agreements.load_agreement(connection, "bench", write_agreement(wide).encode(), _on(date(2008, 6, 1)))
        subscriptions.calculate_year(connection, "fyn-alkohol", 2009, _on(date(2008, 6, 1)))
    return database


def _counts(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {
            table: int(connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar_one())  # noqa: S608 - ours
            for table in WRITTEN
        }


def _written_bare(folder: Path, before: dict[str, int]) -> float:
    """Write the rows that the run wrote into a copy of the tables, twelve transactions."""
    source = sqlite3.connect(folder / "issued.sqlite")
    migrations.upgrade(f"sqlite:///{folder / 'bare.sqlite'}")
    bare = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    rows = {}
    for table, count in before.items():
        rows[table] = source.execute(f"SELECT * FROM {table} LIMIT -1 OFFSET ?", [count]).fetchall()  # noqa: S608 - ours
    started = time.perf_counter()
    for part in range(12):
        bare.execute("BEGIN IMMEDIATE")
        for table, all_rows in rows.items():
            some = all_rows[part::12]
            if some:
                marks = ", ".join("?" * len(some[0]))
                bare.executemany(f"INSERT INTO {table} VALUES ({marks})", some)  # noqa: S608 - ours
        bare.execute("COMMIT")
    taken = time.perf_counter() - started
    source.close()
    bare.close()
    return taken
