"""Twenty people before gunicorn on this machine, with 100,000 documents of 1,000 agreements in the database.

The documents are planned, approved and issued by the verbs that issue in earnest, month by month; payments of the
older ones are written as rows. All people ask for the same page, read it for about a second, and ask again; with
``--pause 0`` all of them ask again as soon as they are answered, so that every answer waits for nineteen others. Times
are those of the one who asks, on the same cores. What a page asks of the database is read from the process's own lines.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import text

from benchmarks.national_month import agree, emptied
from billing.monthly_run import run as runs
from billing.monthly_run.facts import RunScope
from foundation import clock
from foundation.audit import Occasion
from foundation.database import Database
from portal.access import run as access
from portal.app import create_app
from portal.pages import mark_of
from tests.postgres import is_at_hand, running_postgres

ROOT = Path(__file__).parents[1]
DAY = date(2009, 10, 20)
GOAL_MEDIAN, GOAL_95 = 0.150, 0.400
PASSWORD = "en lang kode til målingen"  # noqa: S105 - opens nothing but the benchmark's own database
PAID_BEFORE = date(2009, 8, 1)


def main(arguments: Sequence[str]) -> None:
    """Measure every page on SQLite and on PostgreSQL."""
    parser = argparse.ArgumentParser(prog="bench portal")
    parser.add_argument("--agreements", type=int, default=1000)
    parser.add_argument("--subscribers", type=int, default=10)
    parser.add_argument("--months", type=int, default=10)
    parser.add_argument("--issuers", type=int, default=98, help="how many bill; 1 gives one issuer all documents")
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--times", type=int, default=10, help="how often each asks for each page")
    parser.add_argument("--pause", type=float, default=1, help="seconds that a person reads; 0 for the worst")
    parser.add_argument("--page", default="", help="only pages whose address holds this")
    parser.add_argument("--on", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--keep", type=Path, help="keep SQLite's file here, and use it again where it is")
    options = parser.parse_args(arguments)
    options.payers, options.combined = 98, False
    if options.on != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            _measured(options, f"sqlite:///{options.keep or Path(folder) / 'portal.sqlite'}")
    if options.on != "sqlite":
        if not is_at_hand():
            print("  PostgreSQL is not at hand and was not measured")
            return
        with running_postgres() as server:
            _measured(options, server)


def _measured(options: argparse.Namespace, address: str) -> None:
    started = time.perf_counter()
    if options.keep and options.keep.exists() and address.startswith("sqlite"):
        database = Database(address)
    else:
        database = _filled(options, address)
    with database.reading() as connection:
        documents = connection.execute(text("SELECT COUNT(*) FROM invoice")).scalar_one()
        issuer, number = connection.execute(
            text("SELECT issuer, MAX(number) FROM invoice WHERE NOT internal GROUP BY issuer ORDER BY COUNT(*) DESC")
        ).first() or ("", "")
        payer = connection.execute(
            text("SELECT subscriber FROM invoice WHERE issuer = :issuer AND number = :number"),
            {"issuer": issuer, "number": number},
        ).scalar_one()
    people = [f"maaler-{place}" for place in range(options.people)]
    with database.transaction() as connection:
        connection.execute(text("DELETE FROM login_attempt"))
        for login in people:
            occasion = Occasion(DAY, "bench", clock.now())
            if connection.execute(text("SELECT 1 FROM user_account WHERE login = :login"), {"login": login}).first():
                continue
            access.add_user(connection, login, occasion, PASSWORD)
            for place in {issuer, payer}:
                access.set_roles(connection, login, place, ["officer", "auditor"], occasion)
    database.dispose()
    print(
        f"  {'SQLite' if database.is_sqlite else 'PostgreSQL'}: {documents:,} documents of {options.agreements:,} "
        f"agreements with {options.issuers} issuers, made in {time.perf_counter() - started:.0f} s; "
        f"{options.people} people{f', reading {options.pause} s' if options.pause else ' without a pause'}"
    )
    with tempfile.TemporaryDirectory() as folder, _served(address, Path(folder)) as (port, log):
        visitors = [Visitor(port, login) for login in people]
        pages = addresses(issuer, payer, number)
        _not_measured(address, pages)
        print(f"    {'page':<62}{'median':>9}{'95 %':>9}{'work':>10}{'queries':>9}{'KB':>6}")
        slow = [
            not _one_page(visitors, page, options, log)
            for page in pages.values()
            if not options.page or options.page in page
        ]
        for visitor in visitors:
            visitor.close()
    print(f"    over the goal of {GOAL_MEDIAN * 1000:.0f} / {GOAL_95 * 1000:.0f} ms: {sum(slow)} of {len(slow)} pages")


def addresses(issuer: str, payer: str, number: str) -> dict[tuple[str, str], str]:
    """Every page that is measured: (route, what of it) -> address. A new page gets its line here."""
    office, home = f"/oekonomi/{issuer}", f"/kommune/{payer}"
    listing, paper = "/oekonomi/<place:place>/bilag", "/oekonomi/<place:place>/bilag/<number>"
    return {
        ("/login", ""): "/login",
        ("/adgangskode", ""): "/adgangskode",
        ("/steder", ""): "/steder",
        ("/oekonomi/<place:place>/", ""): f"{office}/",
        (listing, "newest"): f"{office}/bilag",
        (listing, "by amount"): f"{office}/bilag?sort=-amount",
        (listing, "by due date"): f"{office}/bilag?sort=due",
        (listing, "a payer's"): f"{office}/bilag?q={payer}&year=2009",
        (listing, "by number"): f"{office}/bilag?q={number[:-1]}",
        (listing, "credit notes, none"): f"{office}/bilag?type=credit_note",
        (listing, "in the middle"): f"{office}/bilag?sort=issued&after=2009-05-15_50000",
        (paper, ""): f"{office}/bilag/{number}",
        ("/kommune/<place:place>/", ""): f"{home}/?year=2009",
        ("/kommune/<place:place>/bilag/<place:issuer>/<number>", ""): f"{home}/bilag/{issuer}/{number}",
    }


def _not_measured(address: str, pages: dict[tuple[str, str], str]) -> None:
    """Name the pages that have no line above, so that nobody thinks that they are quick."""
    os.environ["MELLEMREGNING_DATABASE_URL"] = address
    app = create_app()
    known = {route for route, _ in pages}
    left = sorted(
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and (mark := mark_of(app.view_functions[rule.endpoint])) is not None
        and mark.logged_in
        and rule.rule not in known
    )
    if left:
        print(f"    not measured: {', '.join(left)}")


def _filled(options: argparse.Namespace, address: str) -> Database:
    """Agreements with prices, their months issued by the verbs, and what was paid."""
    database = emptied(address)
    agree(database, options)
    for month in range(options.months):
        day = date(2008 + (month + 11) // 12, (month + 11) % 12 + 1, 15)
        with database.transaction() as connection:
            plan = runs.plan_run(connection, RunScope(), Occasion(day, "planlægger", clock.now()))
        with database.transaction() as connection:
            runs.approve_run(connection, plan.number, Occasion(day, "godkender", clock.now()))
        with database.transaction() as connection:
            runs.issue_run(connection, plan.number, Occasion(day, "udsteder", clock.now()))
    with database.transaction() as connection:
        for statement in PAID:
            connection.execute(text(statement), {"before": PAID_BEFORE})
    if not database.is_sqlite:
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
    return database


# Each document on its own, by rows: matching is measured elsewhere.
_OLDER = "FROM invoice WHERE NOT internal AND period_from < :before"
PAID = tuple(
    f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())} {_OLDER}{ending}"
    for table, values, ending in (
        (
            "receipt_file",
            {
                "id": "MIN(id)",
                "issuer": "issuer",
                "name": "'bench.csv'",
                "file_format": "'csv'",
                "content_hash": "issuer",
                "loaded_on": "MAX(due_date)",
                "loaded_by": "'bench'",
            },
            " GROUP BY issuer",
        ),
        (
            "receipt",
            {
                "id": "id",
                "file_id": "(SELECT f.id FROM receipt_file f WHERE f.issuer = invoice.issuer)",
                "issuer": "issuer",
                "account": "'bench'",
                "entry_key": "issuer || number",
                "booked_on": "due_date",
                "value_date": "due_date",
                "amount_oere": "amount_oere",
                "bank_reference": "number",
                "payer": "subscriber",
                "mentions": "'[]'",
                "reversal": "FALSE",
            },
            "",
        ),
        (
            "payment_match",
            {
                "id": "id",
                "issuer": "issuer",
                "payer": "subscriber",
                "matched_on": "due_date",
                "effective_on": "due_date",
                "how": "'automatic'",
                "explanation": "''",
                "actor": "'bench'",
            },
            "",
        ),
        ("payment_match_receipt", {"match_id": "id", "receipt_id": "id", "amount_oere": "amount_oere"}, ""),
        (
            "payment_match_document",
            {
                "match_id": "id",
                "position": "1",
                "invoice_id": "id",
                "agreement": "agreement",
                "accounting_year": "2009",
                "amount_oere": "amount_oere",
            },
            "",
        ),
    )
)


@contextmanager
def _served(address: str, folder: Path) -> Iterator[tuple[int, Path]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "MELLEMREGNING_DATABASE_URL": address,
        "MELLEMREGNING_BIND": f"127.0.0.1:{port}",
        "MELLEMREGNING_SECRET_KEY": secrets.token_hex(),
        "MELLEMREGNING_PLAIN_HTTP": "1",
    }
    log = folder / "log"
    command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "benchmarks.portal_site:app"]
    with log.open("w", encoding="utf-8") as errors:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=errors)  # noqa: S603 - ourselves
        try:
            for _ in range(150):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.2)
            yield port, log
        finally:
            server.terminate()
            server.wait(60)


class Visitor:
    """A person with a browser that keeps its connection and its cookie."""

    def __init__(self, port: int, login: str) -> None:
        """Log in by the form."""
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookie = ""
        _status, page = self.ask("GET", "/login")
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page) or re.search(
            r'value="([^"]+)"[^>]*name="csrf_token"', page
        )
        form = {"login": login, "password": PASSWORD, "csrf_token": token[1] if token else ""}
        status, _page = self.ask("POST", "/login", urlencode(form))
        if status != 303:
            sys.exit(f"{login} was not let in: {status}")

    def ask(self, method: str, address: str, body: str | None = None, called: str = "") -> tuple[int, str]:
        """Ask once; answers status and text."""
        headers = {"Cookie": self.cookie, "X-Request-ID": called or "bench-000"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self.connection.request(method, address, body, headers)
            answer = self.connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self.connection.close()  # it was idle for too long; a browser, too, begins another
            self.connection.request(method, address, body, headers)
            answer = self.connection.getresponse()
        said = answer.read().decode()
        if given := answer.headers.get("Set-Cookie"):
            self.cookie = given.partition(";")[0]
        return answer.status, said

    def close(self) -> None:
        """Go home."""
        self.connection.close()


def _one_page(visitors: list[Visitor], page: str, options: argparse.Namespace, log: Path) -> bool:
    """Measure a page; whether it is within the goal."""
    called = f"bench-{secrets.token_hex(4)}"
    times: list[float] = []
    wrong: list[int] = []
    size = 0

    def visit(visitor: Visitor, times_each: int) -> None:
        nonlocal size
        for turn in range(times_each):
            started = time.perf_counter()
            status, said = visitor.ask("GET", page, called=called)
            times.append(time.perf_counter() - started)
            size = len(said)
            if status not in {200, 303}:
                wrong.append(status)
            if options.pause and turn + 1 < times_each:
                time.sleep(options.pause * (0.5 + secrets.randbelow(1000) / 1000))

    _together(visitors, visit, 1)  # both processes have seen it once
    times.clear()
    _together(visitors, visit, options.times)
    lines = [
        line
        for line in map(json.loads, re.findall(r"^\{.*$", log.read_text(encoding="utf-8"), re.MULTILINE))
        if line.get("request_id") == called
    ]
    questions = [line["queries"] for line in lines]
    # Of work, not of waiting: what another program takes of the cores is not in it.
    work = statistics.median(line["cpu_ms"] for line in lines)
    median, most = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    good = median <= GOAL_MEDIAN and most <= GOAL_95 and not wrong
    print(
        f"    {page:<62}{median * 1000:6.0f} ms{most * 1000:6.0f} ms{work:7.1f} ms{max(questions):9d}{size / 1000:6.0f}"
        f"{'' if good else '  SLOW'}{f'  answered {sorted(set(wrong))}' if wrong else ''}",
        flush=True,
    )
    return good


def _together(visitors: list[Visitor], visit: object, times: int) -> None:
    threads = [threading.Thread(target=visit, args=(visitor, times)) for visitor in visitors]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
