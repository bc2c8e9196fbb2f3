"""A camt.053 of 500 entries: how fast it is read, kept and matched, and how much of it rightly."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from defusedxml.ElementTree import fromstring

from benchmarks.measure import seconds, tell
from benchmarks.months import agreed
from benchmarks.planted_payments import ENTRIES, SHARES, Owed, Planted, plant, statement
from billing.invoice import store as invoice_store
from billing.monthly_run import run as runs
from billing.payment import run as payments
from billing.payment.facts import Matching
from billing.verify import verify
from foundation import clock
from foundation.audit import Occasion
from foundation.database import Database
from foundation.period import Month

ISSUER = "461"
TODAY = date(2009, 7, 2)


@dataclass(frozen=True)
class Outcome:
    """What became of the planted entries.

    Attributes:
        counts: (kind, what became of it) -> entries. Of those that were suggested, whether the truth came first.
        wrong: Automatic matches that are not the truth.
    """

    counts: Counter[tuple[str, str]]
    wrong: list[str]
    load_seconds: float
    match_seconds: float


def main(arguments: Sequence[str]) -> None:
    """Load and match the planted statement, and print what was automatic, suggested and left."""
    parser = argparse.ArgumentParser(prog="bench payments")
    parser.add_argument("--seed", type=int, default=2009)
    parser.add_argument("--months", type=int, default=12)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        database = billed(Path(folder) / "books.sqlite", options.months)
        planted = plant(owed(database), options.seed)
        outcome = settle(database, planted)
        database.dispose()
    content = statement(planted)
    tell(
        f"camt.053 of {ENTRIES} entries read, kept, booked", outcome.load_seconds, seconds(lambda: fromstring(content))
    )
    tell(f"{ENTRIES} entries matched and booked", outcome.match_seconds)
    states = ("automatic", "truth first", "truth among", "truth not", "left")
    print(f"  {'':<36}" + "".join(f"{state:>13}" for state in states))
    for what, count in SHARES:
        row = "".join(f"{outcome.counts[what, state]:13d}" for state in states)
        print(f"  {what:<32}{count:4d}{row}")
    totals = "".join(f"{sum(outcome.counts[what, state] for what, _ in SHARES):13d}" for state in states)
    print(f"  {'in all':<32}{ENTRIES:4d}{totals}")
    print(f"  automatic and wrong: {len(outcome.wrong)}")
    for line in outcome.wrong:
        print(f"    {line}")


def _on(day: date) -> Occasion:
    return Occasion(day, "bench", clock.now())


def billed(file: Path, months: int) -> Database:
    """98 subscribers, so many months of 2009."""
    database = agreed(file, 98)
    for number in range(1, months + 1):
        with database.transaction() as connection:
            runs.issue_in_one_step(connection, "fyn-alkohol", Month(2009, number), _on(date(2008, 12, 15)))
    return database


def owed(database: Database) -> list[Owed]:
    """What the documents ask for."""
    with database.reading() as connection:
        return [
            Owed(document.number, document.subscriber.municipality, document.amount_oere)
            for document in invoice_store.documents(connection)
            if not document.internal
        ]


def settle(database: Database, planted: list[Planted]) -> Outcome:
    """Load the statement, match it, compare with the truth; the books must hold."""
    content = statement(planted)
    started = time.perf_counter()
    with database.transaction() as connection:
        load = payments.load_receipts(connection, "planted.xml", content, ISSUER, _on(TODAY))
    loaded = time.perf_counter()
    with database.transaction() as connection:
        matching = payments.match_receipts(connection, ISSUER, _on(TODAY))
    matched = time.perf_counter()
    with database.reading() as connection:
        faults = [check for check in verify(connection, TODAY) if not check.ok]
    if faults or len(load.new) != ENTRIES:
        raise SystemExit(str(faults))
    # Receipts are numbered in the order of the file.
    first = min(receipt.number for receipt in load.new)
    truths = {first + place: one for place, one in enumerate(planted)}
    counts, wrong = _compared(matching, truths)
    return Outcome(counts, wrong, loaded - started, matched - loaded)


def _compared(matching: Matching, truths: dict[int, Planted]) -> tuple[Counter[tuple[str, str]], list[str]]:
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    for match in matching.made:
        (number,) = match.receipts
        found: Counter[str] = Counter()
        for part in match.documents:
            found[part.number] += part.amount_oere
        one = truths[number]
        counts[one.what, "automatic"] += 1
        if dict(found) != one.truth:
            wrong.append(f"{one.what}: {dict(found)} instead of {one.truth}")
    for number, proposals in matching.suggested.items():
        one = truths[number]
        ranked = [dict(proposal.applications) for proposal in proposals]
        place = ranked.index(dict(one.truth)) if one.truth and dict(one.truth) in ranked else None
        counts[one.what, {None: "truth not", 0: "truth first"}.get(place, "truth among")] += 1
    for receipt in matching.left:
        counts[truths[receipt.number].what, "left"] += 1
    return counts, wrong
