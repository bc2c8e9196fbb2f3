"""A national month: 5,000 agreements with ten subscribers each, planned and issued, with books, claims and audit.

The floor is the same rows written bare into the same tables in the same run, after the bare split in plain integers:
``executemany`` on SQLite, ``COPY`` on PostgreSQL. Each size runs in a process of its own, so that its peak memory is
its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

import migrations
from agreements.agreement import AdvanceTerms, Agreement, CostLine, CostLineKey, InvoicePer, Service, Terms
from agreements.agreement_file import write_agreement
from agreements.deadlines import is_bank_day
from agreements.municipality import MUNICIPALITIES
from agreements.store import written_form
from benchmarks.measure import tell
from billing.monthly_run import run as runs
from billing.monthly_run.facts import RunScope
from foundation import clock
from foundation.audit import Occasion
from foundation.database import Database, insert_bulk, metadata
from tests.postgres import is_at_hand, running_postgres

WRITTEN = (
    "run_plan",
    "run_plan_document",
    "run_plan_event",
    "claim",
    "invoice",
    "invoice_line",
    "voucher",
    "posting",
    "audit_event",
)
MEGABYTE = 1024
DAY = date(2008, 12, 15)
REFERENCE_DAY = date(2008, 1, 1)


def main(arguments: Sequence[str]) -> None:
    """Measure one size, or 10,000, 50,000 and 100,000 documents after each other."""
    parser = argparse.ArgumentParser(prog="bench national-month")
    parser.add_argument("--payers", type=int, default=98)
    parser.add_argument("--agreements", type=int)
    parser.add_argument("--subscribers", type=int, default=10)
    parser.add_argument(
        "--database", help="an address whose tables may be dropped; else SQLite, and a PostgreSQL of its own"
    )
    parser.add_argument("--combined", action="store_true", help="one document per issuer and payer")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    options = parser.parse_args(arguments)
    if options.one:
        _one(options)
        return
    if options.database:
        _sizes(options, options.database)
        return
    _sizes(options, None)
    if not is_at_hand():
        print("    PostgreSQL is not at hand and was not measured")
        return
    with running_postgres() as server:
        _sizes(options, server)


def _sizes(options: argparse.Namespace, address: str | None) -> None:
    sizes = [options.agreements] if options.agreements else [1000, 5000, 10000]
    seconds = {}
    for size in sizes:
        call = [sys.executable, "-m", "benchmarks.run", "national-month", "--one", "--agreements", str(size)]
        call += ["--payers", str(options.payers), "--subscribers", str(options.subscribers)]
        call += ["--database", address] if address else []
        call += ["--combined"] if options.combined else []
        call += ["--profile"] if options.profile else []
        said = subprocess.run(call, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ourselves
        *words, last = said.strip().splitlines()
        print("\n".join(words))
        measured = json.loads(last)
        seconds[size] = measured["seconds"]
        tell(f"{measured['documents']:,} documents, {measured['on']}", measured["seconds"], measured["floor"])
        print(
            f"    plan {measured['plan']:.2f} s, issue {measured['issue']:.2f} s; floor {measured['floor']:.2f} s for "
            f"{measured['rows']:,} rows; peak {measured['peak']:.0f} MiB; this process worked "
            f"{measured['worked']:.2f} s against {measured['bare_work']:.2f} s",
        )
    for smaller, larger in pairwise(sizes):
        print(f"    {larger / smaller:.0f} x the documents cost {seconds[larger] / seconds[smaller]:.2f} x the time")


def _one(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        address = options.database or f"sqlite:///{Path(folder) / 'month.sqlite'}"
        database = emptied(address)
        agree(database, options)
        before = _counts(database)
        is_bank_day(DAY)  # loads the calendars of all countries, once in a process, as an import does
        profiler = _profiler() if options.profile else None
        worked = time.process_time()
        started = time.perf_counter()
        with database.transaction() as connection:
            plan = runs.plan_run(connection, RunScope(), Occasion(DAY, "planlægger", clock.now()))
        planned = time.perf_counter() - started
        with database.transaction() as connection:
            runs.approve_run(connection, plan.number, Occasion(DAY, "godkender", clock.now()))
        documents = len(plan.documents)
        number = plan.number
        del plan
        started = time.perf_counter()
        with database.transaction() as connection:
            done = runs.issue_run(connection, number, Occasion(DAY, "udsteder", clock.now()))
        issued = time.perf_counter() - started
        worked = time.process_time() - worked
        if profiler:
            _told(profiler)
        if sum(len(month.issued) for month in done.months) != documents or any(month.failed for month in done.months):
            sys.exit("not every document was issued")
        del done
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
        rows = _written(database, before)
        database.dispose()
        # A second file, or the same server emptied: the floor meets the same tables, indexes and triggers.
        bare = emptied(options.database or f"sqlite:///{Path(folder) / 'bare.sqlite'}")
        agree(bare, options)
        bare_work = time.process_time()
        floor = _written_bare(bare, rows, options)
        bare_work = time.process_time() - bare_work
        bare.dispose()
    print(
        json.dumps(
            {
                "on": "SQLite" if database.is_sqlite else "PostgreSQL",
                "documents": documents,
                "plan": planned,
                "issue": issued,
                "seconds": planned + issued,
                "floor": floor,
                "worked": worked,
                "bare_work": bare_work,
                "rows": sum(len(of_table) for _, of_table in rows.values()),
                "peak": peak,
            },
        ),
    )


def emptied(address: str) -> Database:
    """A database with tables and nothing in them; what an earlier size left in it is dropped."""
    database = Database(address)
    if not database.is_sqlite:
        with database.transaction() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    migrations.upgrade(address)
    return database


def agree(database: Database, options: argparse.Namespace) -> None:
    """So many agreements, each with its issuer, subscribers, budget and a price, written as the verbs would write it.

    The price is worked out in plain integers here; what is measured begins when a month is due.
    """
    payers = sorted(MUNICIPALITIES)[: options.payers]
    issuers = payers[: getattr(options, "issuers", None)]
    tables = metadata.tables
    with database.transaction() as connection:
        rows: dict[str, list[dict[str, Any]]] = {
            name: []
            for name in (
                "agreement",
                "agreement_version",
                "membership",
                "budget_line",
                "subscription",
                "subscription_cost_line",
                "subscription_part",
                "subscription_instalment",
            )
        }
        people = {code: 5_000 + 997 * index for index, code in enumerate(payers)}
        for number in range(1, options.agreements + 1):
            _one_agreement(rows, number, (payers, issuers), people, options)
        for name, of_table in rows.items():
            columns = list(of_table[0])
            insert_bulk(
                connection, tables[name], columns, [tuple(row[column] for column in columns) for row in of_table]
            )
        load = tables["population_load"]
        connection.execute(load.insert().values(id=1, name="bench", digest="", loaded_on=REFERENCE_DAY))
        figures = [
            {
                "municipality": code,
                "reference_date": REFERENCE_DAY,
                "revision": 1,
                "inhabitants": inhabitants,
                "source": "opdigtet",
                "fetched_on": REFERENCE_DAY,
                "load_id": 1,
            }
            for code, inhabitants in people.items()
        ]
        connection.execute(tables["population_figure"].insert(), figures)
        if not database.is_sqlite:
            for name in ("agreement_version", "subscription"):
                connection.execute(text(f"SELECT setval('{name}_id_seq', {options.agreements + 1})"))
    if not database.is_sqlite:
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))


def _one_agreement(
    rows: dict[str, list[dict[str, Any]]],
    number: int,
    parties: tuple[list[str], list[str]],
    people: dict[str, int],
    options: argparse.Namespace,
) -> None:
    code = f"aftale-{number:05d}"
    payers, issuers = parties
    issuer = issuers[number % len(issuers)]
    members = sorted(payers[(number + step * 7) % len(payers)] for step in range(options.subscribers))
    terms = Terms(advance=AdvanceTerms(invoice_per=InvoicePer.ISSUER if options.combined else InvoicePer.AGREEMENT))
    agreement = Agreement(
        code=code,
        title=f"Aftale {number}",
        legal_basis="Sundhedsloven § 141",
        starts_on=date(2009, 1, 1),
        issuer=issuer,
        providers=(issuer,),
        subscribers=tuple(members),
        services=(Service("ambulant", "Ambulant behandling", "Momsloven § 13, stk. 1, nr. 1"),),
        terms=terms,
    )
    budget = CostLine(CostLineKey(2009, issuer, "ambulant"), 100_000_000 + number * 1_234_567)
    rows["agreement"].append({"code": code, "issuer": issuer})
    rows["agreement_version"].append(
        {
            "agreement": code,
            "version": 1,
            "loaded_on": REFERENCE_DAY,
            "document": write_agreement(agreement),
            "form": written_form(agreement),
        }
    )
    rows["membership"] += [
        {"agreement": code, "municipality": who, "from_year": 2009, "to_year": None} for who in members
    ]
    of_line = {
        "year": 2009,
        "provider": issuer,
        "service": "ambulant",
        "kind": "cost",
        "line": "",
        "amount_oere": budget.amount_oere,
        "note": "",
    }
    rows["budget_line"].append({"agreement": code, "revision": 1, "loaded_on": REFERENCE_DAY} | of_line)
    rows["subscription"].append(
        {
            "id": number,
            "agreement": code,
            "year": 2009,
            "version": 1,
            "reference_date": REFERENCE_DAY,
            "unit_oere": 1,
            "correction": "spread",
            "calculated_on": date(2008, 6, 1),
            "cost_oere": budget.amount_oere,
            "passed_on_oere": 0,
            "total_oere": budget.amount_oere,
        }
    )
    rows["subscription_cost_line"].append({"subscription_id": number} | of_line)
    for who, share in _split_bare(budget.amount_oere, {who: people[who] for who in members}).items():
        rows["subscription_part"].append(
            {
                "subscription_id": number,
                "municipality": who,
                "population": people[who],
                "population_date": REFERENCE_DAY,
                "population_source": "opdigtet",
                "population_fetched_on": REFERENCE_DAY,
                "weight": people[who],
                "share_oere": share,
                "passed_on_oere": 0,
                "obligation_oere": share,
            }
        )
        rows["subscription_instalment"] += [
            {
                "subscription_id": number,
                "municipality": who,
                "month": date(2009, month, 1),
                "gross_oere": share // 12 if month < 12 else share - share // 12 * 11,
                "amount_oere": share // 12 if month < 12 else share - share // 12 * 11,
                "invoiced": False,
            }
            for month in range(1, 13)
        ]


def _split_bare(total: int, weights: dict[str, int]) -> dict[str, int]:
    """Largest remainder, in plain integers."""
    whole = sum(weights.values())
    parts = {code: total * weight // whole for code, weight in weights.items()}
    rest = total - sum(parts.values())
    for code in sorted(weights, key=lambda code: (-(total * weights[code] % whole), code))[:rest]:
        parts[code] += 1
    return parts


def _counts(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {name: _count(connection, name) for name in WRITTEN}


def _count(connection: Connection, name: str) -> int:
    return int(connection.execute(text(f"SELECT COUNT(*) FROM {name}")).scalar_one())  # noqa: S608 - ours


def _written(database: Database, before: dict[str, int]) -> dict[str, tuple[list[str], list[tuple[Any, ...]]]]:
    """The rows that the run wrote: table -> (columns, rows)."""
    found = {}
    with database.reading() as connection:
        for name in WRITTEN:
            answer = connection.execute(
                text(f"SELECT * FROM {name} ORDER BY 1, 2 OFFSET {before[name]}")  # noqa: S608 - ours
                if not database.is_sqlite
                else text(f"SELECT * FROM {name} ORDER BY 1, 2 LIMIT -1 OFFSET {before[name]}")  # noqa: S608 - ours
            )
            found[name] = (list(answer.keys()), [tuple(row) for row in answer])
    return found


def _written_bare(
    database: Database, rows: dict[str, tuple[list[str], list[tuple[Any, ...]]]], options: argparse.Namespace
) -> float:
    """The split in plain integers, then the rows as they are, in one transaction, by nothing but the driver."""
    weights = {f"{index:03d}": 5_000 + 997 * index for index in range(options.subscribers)}
    started = time.perf_counter()
    for number in range(options.agreements):
        for share in _split_bare(100_000_000 + number * 1_234_567, weights).values():
            divmod(share, 12)
    with database.engine.begin() as connection:
        driver: Any = connection.connection.driver_connection
        for name, (columns, of_table) in rows.items():
            names = ", ".join(columns)
            if database.is_sqlite:
                marks = ", ".join("?" * len(columns))
                driver.executemany(f"INSERT INTO {name} ({names}) VALUES ({marks})", of_table)  # noqa: S608 - ours
                continue
            with driver.cursor() as cursor, cursor.copy(f"COPY {name} ({names}) FROM STDIN") as copy:
                for row in of_table:
                    copy.write_row(row)
    return time.perf_counter() - started


def _profiler() -> Any:  # noqa: ANN401 - the standard library's
    import cProfile  # noqa: PLC0415 - only where it is asked for

    profiler = cProfile.Profile()
    profiler.enable()
    return profiler


def _told(profiler: Any) -> None:  # noqa: ANN401 - the standard library's
    import pstats  # noqa: PLC0415 - only where it is asked for

    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
