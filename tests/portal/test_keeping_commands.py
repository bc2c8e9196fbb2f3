"""backup, restore and deadlines as they are typed, on both engines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import icalendar
import pytest
from sqlalchemy import create_engine, text

from foundation.settings import with_driver
from tests.conftest import Databases
from tests.scenarios.conftest import FILES, FUNEN, Desk

ON_SQLITE = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _postgres_programs(request: pytest.FixtureRequest) -> None:
    """A server from the wheel may come without its programs on the path; SQLite needs none."""
    on_postgres = "engine_name" in request.fixturenames and request.getfixturevalue("engine_name") == "postgresql"
    if on_postgres and not (shutil.which("pg_dump") and shutil.which("pg_restore")):
        pytest.skip("no pg_dump and pg_restore on the path")


@pytest.fixture
def desk(upgraded_url: str, tmp_path: Path) -> Iterator[Desk]:
    """The Funen agreement, its price of 2009, and January billed."""
    desk = Desk(upgraded_url, tmp_path)
    desk.does("db", "upgrade")
    desk.does("agreement", "load", FILES / "fyn.toml")
    desk.does("subscription", "calculate", FUNEN, 2009)
    desk.does("subscription", "notice", FUNEN, 2009)
    desk.as_of = "2008-12-15"
    desk.does("month", "issue", FUNEN, "2009-01")
    yield desk
    desk.leaves()


@pytest.fixture
def empty_place(databases: Databases) -> Iterator[str]:
    with databases.empty() as url:
        yield url


def change(url: str, *statements: str) -> None:
    """By hand, past the program."""
    engine = create_engine(with_driver(url))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def forge(desk: Desk) -> None:
    """An invoice is changed by someone who first took the triggers away."""
    disarm = ["ALTER TABLE invoice DISABLE TRIGGER USER"]
    if desk.url.startswith("sqlite"):
        engine = create_engine(desk.url)
        with engine.connect() as connection:
            names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
        engine.dispose()
        disarm = [f'DROP TRIGGER "{name}"' for name in names]
    change(desk.url, *disarm, "UPDATE invoice SET amount_oere = amount_oere + 1 WHERE number = 'F2008-0001'")


def test_backup_restore_and_go_on(desk: Desk, tmp_path: Path, empty_place: str, engine_name: str) -> None:
    file = tmp_path / "kopi"
    before = desk.everything()
    answer = desk.does("backup", file)
    assert set(answer) == {"file", "engine", "bytes", "revision", "newest", "ok", "checks"}
    assert (answer["file"], answer["engine"], answer["ok"]) == (str(file), engine_name, True)
    assert answer["bytes"] == file.stat().st_size
    assert answer["revision"] == answer["newest"]
    assert {check["name"] for check in answer["checks"]} >= {"audit_chain", "ledger_equals_invoices"}
    restored = desk.does("restore", file, "--into", empty_place)
    assert set(restored) == {"file", "into", "revision", "newest", "ok", "checks"}
    assert restored["ok"] is True
    assert desk.everything() == before
    copy = Desk(empty_place, tmp_path)
    copy.as_of = "2009-01-15"
    assert copy.everything() == before
    copy.holds()
    issued = copy.does("month", "issue", FUNEN, "2009-02")
    assert len(issued["issued"]) == 9
    copy.holds()
    copy.leaves()
    assert desk.everything() == before


@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_the_documented_pg_dump_is_a_backup_too(desk: Desk, tmp_path: Path, empty_place: str) -> None:
    """The lines of docs/operations.md as an administrator types them, with the addresses put in."""
    documented = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    (line,) = [line for line in documented.splitlines() if line.startswith("pg_dump ")]
    place = {"DATABASE": desk.url.replace("+psycopg", ""), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["/bin/sh", "-c", line], cwd=tmp_path, env=place, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    before = desk.everything()
    assert desk.does("restore", tmp_path / "books.dump", "--into", empty_place)["ok"] is True
    copy = Desk(empty_place, tmp_path)
    assert copy.everything() == before
    copy.leaves()


def test_people_are_told(desk: Desk, tmp_path: Path, empty_place: str) -> None:
    file = tmp_path / "kopi"
    said = desk.says("backup", file)
    assert said.status == 0
    assert "alt stemmer" in said.out
    said = desk.says("restore", file, "--into", empty_place)
    assert said.status == 0
    assert "MELLEMREGNING_DATABASE_URL=" in said.out


def test_refusals_change_nothing(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "kopi"
    desk.does("backup", file)
    whole = file.read_bytes()
    desk.refuses("backup", file, words=["findes allerede", "--force"])
    desk.refuses("restore", file, "--into", desk.url, words=["ikke tom"])
    desk.refuses("backup", tmp_path / "ingen" / "kopi", words=["kan ikke skrives"])
    desk.refuses("restore", tmp_path / "ingen", "--into", tmp_path / "ny", words=["kan ikke gendannes"])
    desk.refuses("restore", FILES / "fyn.toml", "--into", tmp_path / "ny", words=["ingen sikkerhedskopi"])
    desk.refuses("restore", file, "--into", "mysql://a:hemmelig@b/c", words=["hverken en fil eller"])
    desk.refuses("restore", file, status=2)
    assert file.read_bytes() == whole
    assert not (tmp_path / "ny").exists()


@ON_SQLITE
def test_the_live_file_is_neither_source_nor_target(desk: Desk, tmp_path: Path) -> None:
    live = desk.url.removeprefix("sqlite:///")
    desk.refuses("backup", live, "--force", words=["databasen, der er i brug"])
    desk.refuses("backup", f"{live}-wal", "--force", words=["databasen, der er i brug"])
    desk.refuses("restore", live, "--into", tmp_path / "ny", words=["databasen, der er i brug"])
    assert not (tmp_path / "ny").exists()


@ON_SQLITE
def test_restore_into_a_plain_file_name(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "kopi"
    desk.does("backup", file)
    answer = desk.does("restore", file, "--into", tmp_path / "ny.sqlite")
    assert answer["into"] == f"sqlite:///{tmp_path / 'ny.sqlite'}"


def test_a_backup_of_a_later_release_is_not_restored(desk: Desk, tmp_path: Path, empty_place: str) -> None:
    change(desk.url, "UPDATE alembic_version SET version_num = '9999'")
    file = tmp_path / "kopi"
    answer = desk.does("backup", file)
    assert (answer["revision"], answer["ok"], answer["checks"]) == ("9999", None, None)
    desk.refuses("restore", file, "--into", empty_place, words=["9999", "nyere"])
    change(desk.url, f"UPDATE alembic_version SET version_num = '{answer['newest']}'")
    desk.does("backup", file, "--force")
    desk.does("restore", file, "--into", empty_place)


def test_a_backup_of_an_earlier_step_is_restored_and_said_to_be_unverified(
    desk: Desk, tmp_path: Path, empty_place: str
) -> None:
    file = tmp_path / "kopi"
    change(desk.url, "UPDATE alembic_version SET version_num = '0001'")
    answer = desk.does("backup", file)
    assert (answer["revision"], answer["ok"], answer["checks"]) == ("0001", None, None)
    answer = desk.does("restore", file, "--into", empty_place, status=3)
    assert (answer["revision"], answer["ok"]) == ("0001", None)
    assert "ikke gået efter" in desk.says("backup", file, "--force").out


def test_books_with_a_fault_are_copied_told_and_never_replace_an_earlier_copy(
    desk: Desk, tmp_path: Path, empty_place: str
) -> None:
    good = tmp_path / "god"
    desk.does("backup", good)
    whole = good.read_bytes()
    forge(desk)
    desk.refuses("backup", good, "--force", words=["ledger_equals_invoices", "ikke erstattet"])
    assert good.read_bytes() == whole
    bad = tmp_path / "fejl"
    answer = desk.does("backup", bad, status=1)
    assert answer["ok"] is False
    assert bad.exists()
    answer = desk.does("restore", bad, "--into", empty_place, status=1)
    assert [check["name"] for check in answer["checks"] if not check["ok"]] == [
        check["name"] for check in desk.does("verify", status=1)["checks"] if not check["ok"]
    ]


def test_deadlines_as_json(desk: Desk) -> None:
    before = desk.everything()
    desk.as_of = "2009-01-16"
    answer = desk.does("deadlines", FUNEN, "--year", 2009)
    assert set(answer) == {"as_of", "agreement", "late", "deadlines", "file"}
    assert (answer["as_of"], answer["agreement"], answer["late"]) == ("2009-01-16", FUNEN, 1)
    keys = {"agreement", "year", "kind", "for_month", "due_on", "title", "clause", "status", "days_late"}
    assert all(set(each) == keys | {"done_on", "done_by", "evidence", "next_step"} for each in answer["deadlines"])
    by_month = {each["for_month"]: each for each in answer["deadlines"] if each["for_month"]}
    january, february = by_month["2009-01"], by_month["2009-02"]
    assert january == {
        "agreement": FUNEN,
        "year": 2009,
        "kind": "advance_invoice",
        "for_month": "2009-01",
        "due_on": "2008-12-15",
        "title": "A conto regning for januar 2009 sendes",
        "clause": "",
        "status": "done",
        "days_late": 0,
        "done_on": "2008-12-15",
        "done_by": ["prøven"],
        "evidence": "F2008-0001–F2008-0009 (15.12.2008)",
        "next_step": None,
    }
    assert (february["status"], february["days_late"], february["evidence"]) == ("late", 1, None)
    assert february["next_step"] == (
        "Send a conto regning for februar 2009 nu: «mellemregning month issue fyn-alkohol 2009-02»."
    )
    assert desk.does("deadlines") == {**desk.does("deadlines", FUNEN), "agreement": None}
    said = desk.says("deadlines", FUNEN)
    assert said.status == 0
    assert "For sent: 1." in said.out
    assert desk.everything() == before


def test_what_next_step_says_can_be_typed(desk: Desk) -> None:
    desk.as_of = "2009-01-16"
    while True:
        late = [each for each in desk.does("deadlines", FUNEN)["deadlines"] if each["status"] == "late"]
        if not late:
            break
        command = late[0]["next_step"].partition("«mellemregning ")[2].partition("»")[0]
        desk.does(*command.split())
    assert desk.does("deadlines", FUNEN)["late"] == 0


def test_the_feed_is_the_same_until_something_happens(desk: Desk, tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{number}.ics" for number in range(3))
    assert desk.does("deadlines", "--ical", first)["file"] == str(first)
    desk.does("deadlines", "--ical", second)
    assert first.read_bytes() == second.read_bytes()
    desk.as_of = "2008-12-20"  # nothing falls due, comes near or is done in these days
    desk.does("deadlines", "--ical", second)
    assert first.read_bytes() == second.read_bytes()
    desk.as_of = "2009-01-15"
    desk.does("month", "issue", FUNEN, "2009-02")
    desk.does("deadlines", "--ical", third)
    before, after = (
        {str(event["UID"]): event for event in icalendar.Calendar.from_ical(file.read_bytes()).walk("VEVENT")}
        for file in (first, third)
    )
    changed = {uid for uid in before if before[uid].to_ical() != after[uid].to_ical()}
    (february,) = [uid for uid in changed if ".2009-02." in uid]
    assert str(after[february]["SUMMARY"]).startswith("Udført: ")
    assert after[february].decoded("DTSTAMP") > before[february].decoded("DTSTAMP")
    desk.refuses("deadlines", "--ical", tmp_path / "ingen" / "x.ics", words=["kan ikke skrives"])
    said = desk.says("deadlines", "--ical", first)
    assert "frister er skrevet i" in said.out


def test_bad_questions_are_refused(desk: Desk) -> None:
    desk.refuses("deadlines", "ingen", words=["ingen aftale"])
    desk.refuses("deadlines", FUNEN, "--year", 2008, words=["gælder ikke i 2008"])
    desk.refuses("deadlines", FUNEN, "--year", "snart", status=2)
    assert json.loads(desk.says("deadlines", "--year", 2008, "--json").out)["deadlines"] == []
