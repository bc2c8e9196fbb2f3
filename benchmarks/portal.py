"""Twenty people before gunicorn on this machine, with 100,000 documents of 1,000 agreements in the database.

The load: each of twenty people walks through all pages of officer, administrator and municipality in an order of its
own, and reads each for one to three seconds before the next; together they ask about ten times a second. The goal is
for them. Beside it stands, for information, what they get who ask again as soon as they are answered. Times are those
of the one who asks, on the same cores as everything else; ``work`` is the processor's time of the portal alone, and
the floor is an empty page behind the log-in, in the same run. What a page asks of the database is read from the
portal's own lines.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from benchmarks.portal_data import DAY, filled, measured_issuer
from benchmarks.portal_visit import PASSWORD, Answers, Visitor, Walk, called_of, served, walk
from foundation import clock
from foundation.audit import Occasion
from foundation.database import Database
from portal.access import run as access
from tests.postgres import is_at_hand, running_postgres

GOAL_MEDIAN, GOAL_95 = 0.150, 0.400
FLOOR = "/tom"
OFFICE, HOME = "/oekonomi/<place:place>", "/kommune/<place:place>"
PLAN, YEAR = "<int(max=999999999):number>", "<int(min=1970, max=2190):year>"
# Files, made for one who asks for them and waits; and what the script asks while something long goes on.
NOT_PAGES = {
    f"{OFFICE}/bilag/<number>/fil.<any(pdf,xml,xlsx):kind>",
    f"{OFFICE}/priser/<code>/{YEAR}/fil.xlsx",
    f"{OFFICE}/aarsafslutning/<code>/{YEAR}/fil.xlsx",
    f"{OFFICE}/aftaler/<code>/fil.toml",
    f"{OFFICE}/arbejde/<work_id>",
    f"{OFFICE}/arbejde/<work_id>/stand",
    f"{OFFICE}/arbejde/<work_id>/fil",
    f"{HOME}/bilag/<place:issuer>/<number>/fil.<any(pdf,xml,xlsx):kind>",
    f"{HOME}/regninger/<int:year>.zip",
    f"{HOME}/opgoerelser/<code>/<period>.<any(pdf,xlsx):kind>",
    f"{HOME}/enkeltsager/opgoerelse",
    f"{OFFICE}/enkeltsager/opgoerelser/<code>/<place:payer>/<first>/<last>.<any(pdf,xlsx):kind>",
    f"{OFFICE}/paamindelser/{PLAN}/fil.pdf",
}
# The data are a nation's subscriptions, without cases.
NOT_IN_THE_DATA = {
    f"{HOME}/enkeltsager/sag/<number>",
    f"{OFFICE}/enkeltsager/sag/<number>",
    f"{OFFICE}/enkeltsager/planer/{PLAN}",
}
SET_UP_PARTS = ("uret", "to-personer", "udsteder", "forsendelse", "posteringsfil", "bankfil")
SET_UP, CASES = f"{OFFICE}/opsaetning", f"{OFFICE}/enkeltsager"


@dataclass(frozen=True, slots=True)
class Measured:
    """What is asked for: one issuer and one payer, with a document, an agreement and plans of theirs."""

    issuer: str
    payer: str
    number: str
    code: str
    plan: int
    interest_plan: int


def main(arguments: Sequence[str]) -> int:
    """Measure every page on SQLite and on PostgreSQL; answers 1 where a page is over the goal."""
    parser = argparse.ArgumentParser(prog="bench portal")
    parser.add_argument("--agreements", type=int, default=1000)
    parser.add_argument("--subscribers", type=int, default=10)
    parser.add_argument("--months", type=int, default=10)
    parser.add_argument("--issuers", type=int, default=98, help="how many bill; 1 gives one issuer all documents")
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2, help="how often each sees every page")
    parser.add_argument("--page", default="", help="only pages whose address holds this")
    parser.add_argument("--on", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--keep", type=Path, help="keep SQLite's file here, and use it again where it is")
    options = parser.parse_args(arguments)
    options.payers, options.combined = 98, False
    slow = 0
    if options.on != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            slow += _measured(options, f"sqlite:///{options.keep or Path(folder) / 'portal.sqlite'}")
    if options.on != "sqlite":
        if not is_at_hand():
            print("  PostgreSQL is not at hand and was not measured")
            return int(slow > 0)
        with running_postgres() as server:
            slow += _measured(options, server)
    return int(slow > 0)


def addresses(what: Measured) -> dict[tuple[str, str], str]:
    """Every page that is measured: (route, what of it) -> address. A new page gets its line here."""
    issuer, payer, number, code = what.issuer, what.payer, what.number, what.code
    listing, items, trail = f"{OFFICE}/bilag", f"{OFFICE}/aabne-poster", f"{OFFICE}/revisionsspor"
    pages = {
        ("/adgangskode", ""): "/adgangskode",
        ("/steder", ""): "/steder",
        ("/brugere/<place:place>/", ""): f"/brugere/{issuer}/",
        ("/noegler/<place:place>/", ""): f"/noegler/{issuer}/",
        ("/noegler/<place:place>/alle", ""): f"/noegler/{issuer}/alle",
        (f"{OFFICE}/", ""): f"{OFFICE}/",
        (listing, "newest"): listing,
        (listing, "by amount"): f"{listing}?sort=-amount",
        (listing, "by due date"): f"{listing}?sort=due",
        (listing, "a payer's"): f"{listing}?q={payer}&year=2009",
        (listing, "by number"): f"{listing}?q={number[:-1]}",
        (listing, "credit notes, none"): f"{listing}?type=credit_note",
        (listing, "in the middle"): f"{listing}?sort=issued&after=2009-05-15_50000",
        (f"{listing}/<number>", ""): f"{listing}/{number}",
        (f"{listing}/<number>/krediter", ""): f"{listing}/{number}/krediter",
        (f"{OFFICE}/planer", ""): f"{OFFICE}/planer",
        (f"{OFFICE}/planer/{PLAN}", ""): f"{OFFICE}/planer/{what.plan}",
        (f"{OFFICE}/priser", ""): f"{OFFICE}/priser",
        (f"{OFFICE}/priser/<code>/{YEAR}", ""): f"{OFFICE}/priser/{code}/2009",
        (f"{OFFICE}/priser/<code>/{YEAR}/hvad-nu-hvis", ""): f"{OFFICE}/priser/{code}/2009/hvad-nu-hvis?cost=5",
        (f"{OFFICE}/aarsafslutning", ""): f"{OFFICE}/aarsafslutning",
        (f"{OFFICE}/aarsafslutning/<code>/{YEAR}", ""): f"{OFFICE}/aarsafslutning/{code}/2009",
        (f"{OFFICE}/aftaler", ""): f"{OFFICE}/aftaler",
        (f"{OFFICE}/aftaler/<code>", ""): f"{OFFICE}/aftaler/{code}",
        (f"{OFFICE}/folketal", ""): f"{OFFICE}/folketal",
        (f"{OFFICE}/meddelelser", ""): f"{OFFICE}/meddelelser",
        (f"{OFFICE}/betalinger", ""): f"{OFFICE}/betalinger",
        (f"{OFFICE}/betalinger/forslag", ""): f"{OFFICE}/betalinger/forslag",
        (f"{OFFICE}/betalinger/udligninger", ""): f"{OFFICE}/betalinger/udligninger",
        (items, ""): items,
        (items, "a payer's"): f"{items}?kommune={payer}",
        (f"{OFFICE}/renter", ""): f"{OFFICE}/renter",
        (f"{OFFICE}/renter/{PLAN}", ""): f"{OFFICE}/renter/{what.interest_plan}",
        (f"{OFFICE}/forbrug", ""): f"{OFFICE}/forbrug",
        (f"{OFFICE}/levering", ""): f"{OFFICE}/levering",
        (f"{OFFICE}/regneark", ""): f"{OFFICE}/regneark",
        (trail, ""): trail,
        (trail, "a search in vain"): f"{trail}?q=findes+ikke",
        (CASES, ""): CASES,
        (f"{CASES}/takster", ""): f"{CASES}/takster",
        (f"{CASES}/planer", ""): f"{CASES}/planer",
        (f"{CASES}/opgoerelser", ""): f"{CASES}/opgoerelser",
        (f"{OFFICE}/overskudskapacitet", ""): f"{OFFICE}/overskudskapacitet",
        (f"{OFFICE}/paamindelser", ""): f"{OFFICE}/paamindelser",
        ("/web-hooks/<place:place>/", ""): f"/web-hooks/{issuer}/",
        (SET_UP, ""): SET_UP,
        **{(f"{SET_UP}/{part}", ""): f"{SET_UP}/{part}" for part in SET_UP_PARTS},
        (f"{SET_UP}/modtagere/<code>", ""): f"{SET_UP}/modtagere/{code}",
        (f"{SET_UP}/modtagere/<code>/kommune/<place:who>", ""): f"{SET_UP}/modtagere/{code}/kommune/{payer}",
        (f"{SET_UP}/modtagere/<code>/ydelse/<service>", ""): f"{SET_UP}/modtagere/{code}/ydelse/-",
        (f"{HOME}/", ""): f"{HOME}/?year=2009",
        (f"{HOME}/enkeltsager", ""): f"{HOME}/enkeltsager",
        (f"{HOME}/aftaler", ""): f"{HOME}/aftaler",
        (f"{HOME}/aftaler/<code>", ""): f"{HOME}/aftaler/{code}",
        (f"{HOME}/regninger", ""): f"{HOME}/regninger",
        (f"{HOME}/opgoerelser", ""): f"{HOME}/opgoerelser",
        (f"{HOME}/frister", ""): f"{HOME}/frister",
        (f"{HOME}/meddelelser", ""): f"{HOME}/meddelelser",
        (f"{HOME}/bilag/<place:issuer>/<number>", ""): f"{HOME}/bilag/{issuer}/{number}",
    }
    here = {OFFICE: f"/oekonomi/{issuer}", HOME: f"/kommune/{payer}"}
    for pattern, place in here.items():
        pages = {key: address.replace(pattern, place) for key, address in pages.items()}
    return pages


def of_administrators(address: str) -> bool:
    """Whether a page is for those who give access, and for no others."""
    return address.startswith("/brugere/") or address.endswith(("/alle", "/to-personer"))


def _measured(options: argparse.Namespace, address: str) -> int:
    started = time.perf_counter()
    is_kept = options.keep and options.keep.exists() and address.startswith("sqlite")
    database = Database(address) if is_kept else filled(options, address)
    with database.transaction() as connection:
        what = _chosen(connection)
        documents = connection.execute(text("SELECT COUNT(*) FROM invoice")).scalar_one()
        logins = _let_in(connection, options.people, {what.issuer, what.payer})
    database.dispose()
    print(
        f"  {'SQLite' if database.is_sqlite else 'PostgreSQL'}: {documents:,} documents of {options.agreements:,} "
        f"agreements with {options.issuers} issuers, ready in {time.perf_counter() - started:.0f} s; {options.people} "
        f"people; others on this machine: load {os.getloadavg()[0]:.1f} before the first of them came",
        flush=True,
    )
    pages = [FLOOR, *(page for page in addresses(what).values() if options.page in page)]
    kinds = {page: of_administrators(page) for page in pages}
    with tempfile.TemporaryDirectory() as folder, served(address, Path(folder)) as (port, log):
        people = [(Visitor(port, officer), Visitor(port, administrator)) for officer, administrator in logins]
        walk(people, Walk(kinds, 1, 0.0, 0.2))  # both processes have seen all of them
        log.write_text("", encoding="utf-8")
        reading = walk(people, Walk(kinds, options.rounds, 1.0, 3.0))
        said = _said(log)
        hurried = walk(people, Walk(kinds, 1, 0.0, 0.0))
        for each in people:
            for visitor in each:
                visitor.close()
    return _told(pages, reading, hurried, said)


def _chosen(connection: Connection) -> Measured:
    """Who issued most, its newest document that is sent, whom it is on, of which agreement, and its plans."""
    issuer = measured_issuer(connection)
    query = "SELECT number, subscriber, agreement FROM invoice WHERE NOT internal AND issuer = :issuer"
    number, payer, code = connection.execute(text(f"{query} ORDER BY id DESC LIMIT 1"), {"issuer": issuer}).one()
    plan = connection.execute(text("SELECT MAX(id) FROM run_plan")).scalar_one()
    interest_plan = connection.execute(text("SELECT MAX(id) FROM interest_plan")).scalar_one()
    return Measured(issuer, payer, number, code, plan, interest_plan)


def _let_in(connection: Connection, count: int, places: set[str]) -> list[tuple[str, str]]:
    """So many people, each with one login for the work and one for giving access."""
    connection.execute(text("DELETE FROM login_attempt"))
    occasion = Occasion(DAY, "bench", clock.now())
    there = set(connection.execute(text("SELECT login FROM user_account")).scalars())
    logins = [(f"maaler-{place}", f"giver-{place}") for place in range(count)]
    for pair in logins:
        for login, roles in zip(pair, (["officer", "approver", "auditor"], ["administrator"]), strict=True):
            if login not in there:
                access.add_user(connection, login, occasion, PASSWORD)
                for place in sorted(places):
                    access.set_roles(connection, login, place, roles, occasion)
    return logins


def _said(log: Path) -> Mapping[str, list[dict[str, Any]]]:
    """What the portal said of each page: the name of its requests -> their lines."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in re.findall(r"^\{.*$", log.read_text(encoding="utf-8").replace("\0", ""), re.MULTILINE):
        told = json.loads(line)
        found[told.get("request_id", "")].append(told)
    return found


def _told(
    pages: Sequence[str],
    reading: Mapping[str, Answers],
    hurried: Mapping[str, Answers],
    said: Mapping[str, list[dict[str, Any]]],
) -> int:
    """Print the table; answers how many pages are over the goal."""
    print(f"    {'':<52}{'reading 1-3 s':>16}{'without a pause':>18}")
    print(f"    {'page':<52}{'median':>8}{'95 %':>8}{'median':>9}{'95 %':>9}{'work':>8}{'queries':>9}{'KB':>6}")
    slow = 0
    for page in pages:
        answers = reading[page]
        median, most = _median_and_most(answers.seconds)
        lines = [line for line in said.get(called_of(page), []) if "queries" in line]
        work = statistics.median(line["cpu_ms"] for line in lines)
        is_good = median <= GOAL_MEDIAN and most <= GOAL_95 and not answers.wrong
        slow += not is_good
        soon, late = _median_and_most(hurried[page].seconds)
        print(
            f"    {page if page != FLOOR else 'an empty page behind the log-in (the floor)':<52}{median * 1000:8.0f}"
            f"{most * 1000:8.0f}{soon * 1000:9.0f}{late * 1000:9.0f}{work:8.1f}"
            f"{max(line['queries'] for line in lines):9d}{answers.size / 1000:6.0f}{'' if is_good else '  SLOW'}"
            f"{f'  answered {sorted(answers.wrong)}' if answers.wrong else ''}"
        )
    every = [second for answers in reading.values() for second in answers.seconds]
    median, most = _median_and_most(every)
    print(
        f"    all {len(every)} answers{'':<38}{median * 1000:8.0f}{most * 1000:8.0f}\n"
        f"    in ms; over the goal of {GOAL_MEDIAN * 1000:.0f} / {GOAL_95 * 1000:.0f} ms: {slow} of {len(pages)} pages",
        flush=True,
    )
    return slow


def _median_and_most(seconds: Sequence[float]) -> tuple[float, float]:
    return statistics.median(seconds), statistics.quantiles(seconds, n=20, method="inclusive")[-1]
