"""Copies and restores on both engines: whole, consistent and only where nothing is in the way."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData, create_engine, text

from foundation import audit
from foundation.audit import Occasion
from foundation.backup import (
    DatabaseDamaged,
    Engine,
    FileExists,
    FileNotWritten,
    IsTheDatabase,
    NotABackup,
    NotADatabaseAddress,
    NothingToBackUp,
    OtherEngine,
    PlaceNotEmpty,
    ProgramFailed,
    ProgramMissing,
    _libpq,
    address,
    back_up,
    belongs_to,
    engine_of,
    reading_file,
    restore,
)
from foundation.database import Database
from tests.conftest import Databases

POSTGRESQL_IN_SOAK = True  # each calls pg_dump and pg_restore, and takes a second or three
ON_SQLITE = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
A_DAY = Occasion(date(2009, 1, 2), "prøven", datetime(2009, 1, 2, 3, tzinfo=UTC))
STEP = "0001"


@pytest.fixture(autouse=True)
def _postgres_programs(request: pytest.FixtureRequest) -> None:
    """A server from the wheel may come without its programs on the path; SQLite needs none."""
    on_postgres = "engine_name" in request.fixturenames and request.getfixturevalue("engine_name") == "postgresql"
    if on_postgres and not (shutil.which("pg_dump") and shutil.which("pg_restore")):
        pytest.skip("no pg_dump and pg_restore on the path")


def write_pair(database: Database, number: int) -> None:
    """Two events that only make sense together."""
    with database.transaction() as connection:
        for half in ("first", "second"):
            audit.record(connection, A_DAY, action=f"prøve.{half}", subject=str(number), details={"pad": "x" * 2000})


def events(connection: Connection) -> int:
    return int(connection.execute(text("SELECT COUNT(*) FROM audit_event")).scalar_one())


def everything(url: str) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, read without the code under test."""
    engine = create_engine(url)
    try:
        tables = MetaData()
        tables.reflect(engine)
        with engine.connect() as connection:
            return {
                name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
                for name, table in tables.tables.items()
            }
    finally:
        engine.dispose()


def left_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def accept(step: str) -> None:
    assert len(step) == len(STEP)


@pytest.fixture
def filled(database: Database, upgraded_url: str) -> str:
    """A database with some events."""
    for number in range(20):
        write_pair(database, number)
    return upgraded_url


@pytest.fixture
def empty_place(databases: Databases) -> Iterator[str]:
    with databases.empty() as url:
        yield url


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A name for a backup in a folder of its own."""
    folder = tmp_path / "kopier"
    folder.mkdir()
    return folder / "kopi"


def test_a_copy_is_looked_at_and_restored_with_every_row(filled: str, file: Path, empty_place: str) -> None:
    before = everything(filled)
    heard: list[tuple[int, int]] = []
    assert back_up(filled, file, events, progress=lambda done, of_all: heard.append((done, of_all))) == 40
    assert heard[-1][0] == heard[-1][1] > 0
    assert left_in(file.parent) == ["kopi"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    heard.clear()
    found = restore(file, empty_place, accept, events, progress=lambda done, of_all: heard.append((done, of_all)))
    assert found == 40
    assert heard[-1][0] == heard[-1][1] > 0
    assert everything(empty_place) == everything(filled) == before
    assert left_in(file.parent) == ["kopi"]
    # The copy goes on where the original stood: ids, chain and triggers are there.
    restored = Database(empty_place)
    write_pair(restored, 99)
    with restored.reading() as connection:
        assert (events(connection), audit.broken_link(connection)) == (42, None)
    with pytest.raises(Exception, match="audit_event"), restored.transaction() as connection:
        connection.execute(text("DELETE FROM audit_event"))
    restored.dispose()


def test_a_copy_is_consistent_while_others_write(
    filled: str, database: Database, file: Path, empty_place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foundation.backup.PAGES_AT_A_TIME", 10)
    stop = threading.Event()
    written = 0
    waited = 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            write_pair(database, 1000 + written)
            written += 1

    def slow(_done: int, _of_all: int) -> None:
        """The writer gets in between the first steps, and is not held up by the copy."""
        nonlocal waited
        seen, until = written, time.monotonic() + 10
        while waited < 3 and written == seen and time.monotonic() < until:
            time.sleep(0.01)
        waited += written > seen

    def look(connection: Connection) -> tuple[int, int | None]:
        return events(connection), audit.broken_link(connection)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        count, broken = back_up(filled, file, look, progress=slow)
    finally:
        stop.set()
        writer.join()
    assert waited >= 3
    assert broken is None
    assert count % 2 == 0
    assert count < 40 + 2 * written
    assert restore(file, empty_place, accept, look) == (count, None)


@pytest.mark.parametrize("is_there", [False, True])
def test_a_killed_backup_leaves_nothing_under_the_name(filled: str, file: Path, *, is_there: bool) -> None:
    if is_there:
        file.write_text("den forrige")
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from foundation.backup import back_up\n"
        "die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "where = sys.argv[3]\n"
        "back_up(sys.argv[1], Path(sys.argv[2]), die if where == 'look' else (lambda c: None), force=True,\n"
        "        **({'progress': die} if where == 'copy' else {}))\n"
    )
    for where in ("copy", "look"):
        ended = subprocess.run([sys.executable, "-c", script, filled, file, where], capture_output=True, check=False)
        assert ended.returncode == -signal.SIGKILL, ended
        assert file.exists() is is_there
        if is_there:
            assert file.read_text() == "den forrige"
    assert back_up(filled, file, events, force=True) == 40
    assert engine_of(file)


def test_a_file_is_only_replaced_where_that_is_asked_for(filled: str, file: Path) -> None:
    back_up(filled, file, events)
    before = file.read_bytes()
    with pytest.raises(FileExists):
        back_up(filled, file, events)
    assert file.read_bytes() == before
    file.write_text("andet")
    back_up(filled, file, events, force=True)
    assert engine_of(file) in set(Engine)


def test_a_file_that_appears_meanwhile_is_not_replaced(filled: str, file: Path) -> None:
    with pytest.raises(FileExists):
        back_up(filled, file, lambda _: file.write_text("en andens"))
    assert file.read_text() == "en andens"
    assert left_in(file.parent) == ["kopi"]


def test_what_a_look_refuses_is_no_backup(filled: str, file: Path) -> None:
    class No(Exception):
        pass

    def look(_connection: Connection) -> None:
        raise No

    with pytest.raises(No):
        back_up(filled, file, look)
    assert left_in(file.parent) == []


def test_a_look_cannot_write(filled: str, file: Path) -> None:
    before = everything(filled)
    with pytest.raises(Exception, match=r"read.?only"):
        back_up(filled, file, lambda connection: connection.execute(text("DELETE FROM membership")))
    assert everything(filled) == before
    assert left_in(file.parent) == []


def test_there_must_be_something_to_copy(database_url: str, file: Path) -> None:
    with pytest.raises(NothingToBackUp):
        back_up(database_url, file, events)
    assert left_in(file.parent) == []


def test_a_folder_that_is_not_there_is_not_made(filled: str, file: Path) -> None:
    with pytest.raises(FileNotWritten):
        back_up(filled, file.parent / "ingen" / "kopi", events)
    with pytest.raises(FileNotWritten):
        back_up(filled, file.parent, events, force=True)
    assert left_in(file.parent) == []


def test_a_full_place_is_not_restored_into(filled: str, file: Path, upgraded_url: str) -> None:
    back_up(filled, file, events)
    before = everything(upgraded_url)
    with pytest.raises(PlaceNotEmpty):
        restore(file, upgraded_url, accept, events)
    assert everything(upgraded_url) == before


def test_what_is_not_accepted_is_not_restored(filled: str, file: Path, empty_place: str) -> None:
    back_up(filled, file, events)

    class TooNew(Exception):
        pass

    def refuse(step: str) -> None:
        assert step == everything(filled)["alembic_version"][0][0]
        raise TooNew

    with pytest.raises(TooNew):
        restore(file, empty_place, refuse, events)
    assert restore(file, empty_place, accept, events) == 40  # it was still empty


@pytest.mark.parametrize("part", [0, 40, 0.3, 0.9, -1])
def test_a_file_that_was_cut_off_is_refused(filled: str, file: Path, empty_place: str, part: float) -> None:
    back_up(filled, file, events)
    whole = file.read_bytes()
    kept = int(len(whole) * part if 0 < part < 1 else part)
    file.write_bytes(whole[:kept])
    with pytest.raises(NotABackup):
        restore(file, empty_place, accept, events)
    file.write_bytes(whole)
    assert restore(file, empty_place, accept, events) == 40


@pytest.mark.parametrize("content", [b"", b"x", b"[agreement]\ncode = 'fyn'\n" * 20, b"PGDMP" + b"\0" * 99])
@ON_SQLITE
def test_another_file_is_no_backup(content: bytes, file: Path, empty_place: str) -> None:
    file.write_bytes(content)
    with pytest.raises((NotABackup, OtherEngine)):
        restore(file, empty_place, accept, events)
    with pytest.raises(NotABackup):
        restore(file.with_name("ingen"), empty_place, accept, events)
    with pytest.raises(NotABackup):
        restore(file.parent, empty_place, accept, events)
    assert not Path(empty_place.removeprefix("sqlite:///")).exists()


def test_a_copy_of_one_engine_is_not_restored_into_the_other(
    filled: str, file: Path, engine_name: str, tmp_path: Path
) -> None:
    back_up(filled, file, events)
    other = "postgresql+psycopg://x@/y" if engine_name == "sqlite" else f"sqlite:///{tmp_path / 'ny.sqlite'}"
    with pytest.raises(OtherEngine):
        restore(file, other, accept, events)
    assert not (tmp_path / "ny.sqlite").exists()


@ON_SQLITE
def test_a_damaged_page_is_found(filled: str, file: Path, empty_place: str) -> None:
    back_up(filled, file, events)
    whole = bytearray(file.read_bytes())
    middle = len(whole) // 2 // 4096 * 4096
    whole[middle : middle + 4096] = b"\xff" * 4096
    damaged = file.with_name("beskadiget")
    damaged.write_bytes(whole)
    with pytest.raises(NotABackup, match="beskadiget"):
        restore(damaged, empty_place, accept, events)
    assert not Path(empty_place.removeprefix("sqlite:///")).exists()
    before = file.read_bytes()
    with pytest.raises(DatabaseDamaged):
        back_up(f"sqlite:///{damaged}", file, events, force=True)
    assert file.read_bytes() == before


@ON_SQLITE
def test_another_programs_database_is_no_backup(file: Path, empty_place: str) -> None:
    with contextlib.closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE t (a)")
        other.commit()
    with pytest.raises(NotABackup, match="ikke en af Mellemregnings"):
        restore(file, empty_place, accept, events)


@ON_SQLITE
def test_a_file_in_use_is_no_backup(filled: str, database: Database, empty_place: str) -> None:
    live = Path(filled.removeprefix("sqlite:///"))
    with database.engine.connect():
        write_pair(database, 5)
        with pytest.raises(NotABackup, match="i brug"):
            restore(live, empty_place, accept, events)


@ON_SQLITE
def test_the_database_itself_is_not_written_over(filled: str, file: Path) -> None:
    live = Path(filled.removeprefix("sqlite:///"))
    linked = file.with_name("lænke")
    linked.symlink_to(live)
    hard = file.with_name("samme")
    os.link(live, hard)
    before = everything(filled)
    names = [live, live.parent / ".." / live.parent.name / live.name, linked, hard]
    names += [live.with_name(live.name + suffix) for suffix in ("-wal", "-shm", "-journal")]
    for name in names:
        assert belongs_to(name, filled)
        with pytest.raises(IsTheDatabase):
            back_up(filled, name, events, force=True)
    assert everything(filled) == before


@ON_SQLITE
def test_a_place_is_empty_without_a_file_without_bytes_and_without_tables(
    filled: str, file: Path, tmp_path: Path
) -> None:
    back_up(filled, file, events)
    place = tmp_path / "ny.sqlite"
    place.touch()
    assert restore(file, f"sqlite:///{place}", accept, events) == 40
    place.unlink()
    Database(f"sqlite:///{place}").engine.connect().close()
    assert restore(file, f"sqlite:///{place}", accept, events) == 40
    text_file = tmp_path / "brev.txt"
    text_file.write_text("Kære kommune")
    with pytest.raises(PlaceNotEmpty):
        restore(file, f"sqlite:///{text_file}", accept, events)
    assert text_file.read_text() == "Kære kommune"
    leftover = tmp_path / "rest.sqlite"
    leftover.with_name("rest.sqlite-wal").write_bytes(b"noget, der ikke er gemt endnu")
    with pytest.raises(PlaceNotEmpty, match="i brug"):
        restore(file, f"sqlite:///{leftover}", accept, events)
    assert not leftover.exists()


@ON_SQLITE
def test_a_copy_is_one_plain_file_that_can_lie_on_a_read_only_disk(filled: str, file: Path) -> None:
    back_up(filled, file, events)
    assert left_in(file.parent) == ["kopi"]
    file.chmod(0o400)
    with reading_file(file) as connection:
        assert events(connection) == 40
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() != "wal"
    assert left_in(file.parent) == ["kopi"]


@pytest.mark.parametrize(
    "url", ["", "noget", "mysql://a/b", "sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=true", "a:b:c://"]
)
def test_only_addresses_that_we_know(url: str) -> None:
    with pytest.raises(NotADatabaseAddress):
        address(url)


def test_a_password_is_in_the_environment_and_never_on_the_line() -> None:
    line, environment = _libpq(
        address("postgresql+psycopg://anna:h%40m%25me lig@db.by.dk:5433/bog?sslmode=require&sslpassword=nøgle")
    )
    assert environment["PGPASSWORD"] == "h@m%me lig"
    assert "h@m" not in line
    assert "nøgle" not in line
    assert set(line.split()) == {"host=db.by.dk", "port=5433", "user=anna", "dbname=bog", "sslmode=require"}
    line, _ = _libpq(address("postgresql+psycopg://anna@/bog?password=hemmelig&host=/run/pg&prepare_threshold=0"))
    assert set(line.split()) == {"host=/run/pg", "user=anna", "dbname=bog"}


@ON_POSTGRES
@pytest.mark.parametrize("missing", ["pg_dump", "pg_restore"])
def test_what_to_install_is_said(
    filled: str, file: Path, empty_place: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(filled, file, events)
    which: Callable[[str], str | None] = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == missing else which(name))
    with pytest.raises(ProgramMissing, match=f"{missing}.*postgresql-client"):
        back_up(filled, file.with_name("ny"), events)
    assert left_in(file.parent) == ["kopi"]
    if missing == "pg_restore":
        with pytest.raises(ProgramMissing, match="postgresql-client"):
            restore(file, empty_place, accept, events)


@ON_POSTGRES
def test_a_program_that_fails_says_why_and_leaves_no_file(
    filled: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "pg_dump"
    broken.write_text(
        "#!/bin/sh\necho 'pg_dump: last built-in OID is 16383' >&2\n"
        "echo 'pg_dump: error: aborting because of server version mismatch' >&2\n"
        "echo 'pg_dump: detail: server version: 99; pg_dump version: 15' >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(ProgramFailed, match=r"pg_dump kunne ikke .*version mismatch .*server version: 99") as caught:
        back_up(filled, file, events)
    assert "OID" not in str(caught.value)
    assert left_in(file.parent) == []


@ON_POSTGRES
def test_a_restore_that_fails_midway_leaves_the_place_empty(filled: str, file: Path, empty_place: str) -> None:
    back_up(filled, file, events)
    engine = create_engine(empty_place)
    with engine.begin() as connection:
        # Something that the look for tables and functions does not see, and that the restore runs into.
        connection.execute(text("CREATE TYPE membership AS ENUM ('a')"))
    with pytest.raises(ProgramFailed, match="membership"):
        restore(file, empty_place, accept, events)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'")).scalar_one() == 0
    engine.dispose()
    assert everything(empty_place) == {}
