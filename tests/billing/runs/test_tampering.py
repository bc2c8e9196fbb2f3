"""One byte of the SQLite file changed on the disk, past the program and its triggers, is found and its place named."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from billing.invoice import run as invoices
from billing.payment import interest_run
from billing.payment.interest_facts import InterestScope
from billing.verify import verify
from foundation.database import Database, DatabaseDamaged, DatabaseUnavailable
from foundation.period import Month
from tests.billing.runs.conftest import ODENSE, Life, agreement_file
from tests.databases import SqliteDatabases

PAGE = 4096
# What an issued document and an event are made of; whatever changes in these must be found.
GUARDED = ("invoice", "invoice_line", "line_credit", "audit_event")
GLN = "5790000000098"  # its check digit is wrong on purpose
PARTY = f'\n[[parties]]\nmunicipality = "430"\ngln = "{GLN}"\n'


@dataclass
class Disk:
    """A database file whose bytes may be changed; each change starts from what was written."""

    path: Path
    written: bytes
    rows: dict[str, list[tuple[object, ...]] | None]
    day: date

    def change(self, at: int, by: int = 1) -> set[str]:
        """Write one byte with other bits, and the rest as it was; answers the guarded tables that it changed."""
        self.path.write_bytes(self.written[:at] + bytes([self.written[at] ^ by]) + self.written[at + 1 :])
        rows = read(self.path)
        return {name for name in GUARDED if rows[name] != self.rows[name]}

    def looked_through(self) -> dict[str, str]:
        """Check -> what it found; where not even a look is possible, the error's own words."""
        database = Database(f"sqlite:///{self.path}")
        try:
            with database.reading() as connection:
                return {check.name: check.detail for check in verify(connection, self.day) if not check.ok}
        except (DatabaseDamaged, DatabaseUnavailable) as error:
            return {error.name: str(error)}
        finally:
            database.dispose()

    def places(self, what: str | bytes) -> list[int]:
        """Where something stands in the file."""
        sought = what.encode() if isinstance(what, str) else what
        found, at = [], self.written.find(sought)
        while at >= 0:
            found.append(at)
            at = self.written.find(sought, at + 1)
        return found


def read(path: Path) -> dict[str, list[tuple[object, ...]] | None]:
    """The guarded tables without the code under test, as bytes; None where SQLite cannot read one."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        connection.text_factory = bytes
        found: dict[str, list[tuple[object, ...]] | None] = {}
        for name in GUARDED:
            try:
                found[name] = connection.execute(f"SELECT rowid, * FROM {name} NOT INDEXED").fetchall()
            except sqlite3.DatabaseError:
                found[name] = None
    return found


class Unverified(Life):
    """The books are looked through once, when they are lived."""

    def holds(self) -> None:
        """Nothing yet."""


@pytest.fixture(scope="module")
def disk(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    """January is billed; one bill is credited whole, one by line, and one by line to its end."""
    with sqlite_databases.upgraded() as url:
        database = Database(url)
        life = Unverified(database)
        life.register(agreement_file() + PARTY.encode())
        life.calculate(2009, date(2008, 6, 1))
        life.issue(Month(2009, 1))
        life.credit("F2008-0001", date(2008, 12, 11))
        for number, lines in (("F2008-0003", {1: 100}), ("F2008-0004", {1: None, 2: None})):
            life.do(
                lambda connection, occasion, number=number, lines=lines: invoices.credit_document(  # type: ignore[misc]
                    connection, number, reason="Vi skrev forkert", occasion=occasion, lines=lines
                ),
                date(2008, 12, 12),
            )
        yield disk_of(life, url, tmp_path_factory)


def disk_of(life: Life, url: str, tmp_path_factory: pytest.TempPathFactory) -> Disk:
    """A copy of the file, in which nothing is wrong yet."""
    life.database.dispose()
    path = tmp_path_factory.mktemp("disk") / "books.sqlite"
    path.write_bytes(Path(url.removeprefix("sqlite:///")).read_bytes())
    disk = Disk(path, path.read_bytes(), read(path), life.today)
    assert disk.looked_through() == {}
    assert path.read_bytes() == disk.written
    return disk


@pytest.fixture(scope="module")
def disk_with_interest(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    """January is billed and not paid, and its interest until 31 March is billed."""
    with sqlite_databases.upgraded() as url:
        life = Unverified(Database(url))
        life.register(agreement_file())
        life.calculate(2009, date(2008, 6, 1))
        life.issue(Month(2009, 1), date(2008, 12, 15))
        day, scope = date(2009, 3, 31), InterestScope(ODENSE, date(2009, 3, 31))
        plan = life.do(lambda connection, occasion: interest_run.plan_interest(connection, scope, occasion), day)
        life.do(lambda connection, occasion: interest_run.approve_interest(connection, plan.number, occasion), day)
        life.do(lambda connection, occasion: interest_run.issue_interest(connection, plan.number, occasion), day)
        yield disk_of(life, url, tmp_path_factory)


@pytest.mark.parametrize(
    ("what", "table"),
    [
        ("A conto januar 2009", "invoice"),
        ("Kreditering af F2008-0001: A conto", "invoice"),
        ("Vi skrev forkert", "invoice"),
        ("F2008-0002", "invoice"),
        ("Nyborg Kommune", "invoice"),
        (GLN, "invoice"),
        ("2009-01-09", "invoice"),
        ("aconto", "invoice"),
        ("credit_note", "invoice"),
        ("(rate 1 af 12)", "invoice_line"),
        ("Momsloven § 13", "invoice_line"),
        ("Svendborg Kommune: a conto", "invoice_line"),
        ("ambulant", "invoice_line"),
        ("monthly_aconto.issued", "audit_event"),
        ('"sha256":{"F2008-0001":"', "audit_event"),
        ("invoice.credited", "audit_event"),
        ("2026-01-02T03:04:05", "audit_event"),
        ("pr\u00f8ven", "audit_event"),
    ],
)
def test_a_letter_of_what_was_issued_or_done(disk: Disk, what: str, table: str) -> None:
    """The first letter of the words where they stand first in the table, and the last where they stand last."""
    last = len(what.encode()) - 1
    for places, step in ((disk.places(what), 0), (disk.places(what)[::-1], last)):
        assert any(disk.change(at + step) == {table} for at in places), f"«{what}» does not stand in {table}"
        found = disk.looked_through()
        assert "audit_chain" in found if table == "audit_event" else "documents_unchanged" in found, found
        assert names_the_place(found), found


def names_the_place(found: dict[str, str]) -> bool:
    """A document's number, an event's, or what SQLite says of its file."""
    told = " ".join(found.values())
    return any(word in told for word in ("F2008-", "hændelse", "malformed", "row ", "Tree ", "Page ", "page ", "index"))


@pytest.mark.parametrize(("table", "place"), [("invoice", 0), ("invoice_line", 0), ("invoice_line", 1)])
def test_an_amount(disk: Disk, table: str, place: int) -> None:
    """Assens's January and its two lines lie as whole numbers of three or four bytes, the highest first."""
    january = 19_420_282
    of_line = [14_367_996, 5_052_286]  # cut by the budgets 18.250.000,00 and 6.417.333,33 (domain rule 12)
    assert sum(of_line) == january
    amount = january if table == "invoice" else of_line[place]
    size = 3 if amount < 2**23 else 4
    assert any(disk.change(at + size - 1, 8) == {table} for at in disk.places(amount.to_bytes(size, "big")))
    found = disk.looked_through()
    assert {"documents_unchanged", "ledger_equals_invoices"} <= set(found)
    assert "F2008-0001" in found["documents_unchanged"]
    assert "F2008-0001" in found["ledger_equals_invoices"]


def guarded_pages(disk: Disk) -> list[int]:
    """The pages that the guarded tables and their indexes lie on, as SQLite itself counts them, or by their words."""
    pages = {
        at // PAGE
        for what in ("F2008-00", "(rate 1 af 12)", "monthly_aconto.", "2026-01-02T03")
        for at in disk.places(what)
    }
    return sorted(pages)


@pytest.mark.parametrize("count", [6, pytest.param(150, marks=pytest.mark.soak)])
def test_any_byte_of_the_pages_that_documents_and_events_lie_on(disk: Disk, count: int) -> None:
    """Whatever makes a document or an event another is found, and named; heads of pages and rows as well as values."""
    chosen = random.Random(20081215)
    pages = guarded_pages(disk)
    tried = 0
    while tried < count:
        at, by = chosen.choice(pages) * PAGE + chosen.randrange(PAGE), chosen.randrange(1, 256)
        changed = disk.change(at, by)
        if not changed:
            continue  # free space, or an index
        tried += 1
        found = disk.looked_through()
        assert names_the_place(found), f"byte {at} by {by} changed {changed}; found {found}"


def test_an_index_that_misleads_is_found_though_every_row_is_right(disk: Disk) -> None:
    """The number stands in the row and in the index that numbers are looked up by."""
    in_index = [at for at in disk.places("F2008-0002") if not disk.change(at + 9)]
    found = []
    for at in in_index:
        disk.change(at + 9)
        found.append(disk.looked_through())
    assert any(
        "uq_invoice_issuer_number" in each.get("file_whole", "")
        or "sqlite_autoindex_invoice" in each.get("file_whole", "")
        for each in found
    ), found


def test_a_file_that_cannot_be_read_is_told_in_one_sentence(disk: Disk) -> None:
    """Two hundred pages of nothing: no look is possible, and nobody sees a traceback."""
    middle = len(disk.written) // 2
    disk.path.write_bytes(disk.written[:PAGE] + bytes(len(disk.written) - PAGE))
    found = disk.looked_through()
    assert len(found) == 1, found
    (told,) = found.values()
    assert "beskadiget" in told or "kan ikke bruges" in told
    disk.path.write_bytes(disk.written[:middle])
    assert disk.looked_through() != {}


@pytest.mark.parametrize(
    ("what", "table"),
    [
        ("F2009-0001", "invoice"),
        ("interest", "invoice"),
        ("p.a. (referencesats", "invoice_line"),
        ("payment.interest_issued", "audit_event"),
    ],
)
def test_a_letter_of_an_interest_invoice(disk_with_interest: Disk, what: str, table: str) -> None:
    """The trail keeps what it said, as of every other document."""
    disk = disk_with_interest
    changed = [at for at in disk.places(what) if disk.change(at) == {table}]
    assert changed, f"«{what}» does not stand in {table}"
    for at in changed:
        disk.change(at)
        found = disk.looked_through()
        assert "audit_chain" in found if table == "audit_event" else "documents_unchanged" in found, found


def test_an_amount_of_an_interest_invoice(disk_with_interest: Disk) -> None:
    """Assens': 194.202,82 x 10,75 % x 76 / 365 = 4.346,950793, from 15 January to 31 March; whole numbers of three."""
    disk = disk_with_interest
    places = disk.places((434_695).to_bytes(3, "big"))
    for table in ("invoice", "invoice_line"):
        assert any(disk.change(at + 2, 8) == {table} for at in places)
        assert "F2009-0001" in disk.looked_through()["documents_unchanged"]
