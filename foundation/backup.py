"""Copy a whole database to one file, and make a database of such a file again.

A copy is what the database was at one instant, however many write meanwhile. Its file appears under its name when it is
whole and on the disk, or not at all; a database is only made where there is nothing, whole or not at all.

Source: docs/decisions/0017-backup.md.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Connection, NullPool, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from foundation.database import SECONDS_TO_WAIT_FOR_A_LOCK, Database, DatabaseUnavailable
from foundation.errors import BadInput, N_, RuleBroken, reason_of

Answer = TypeVar("Answer")
Progress = Callable[[int, int], None]  # (done, of all), in whatever unit the engine counts

PAGES_AT_A_TIME = 1024
LINES_TOLD = 3
TELLING = ("error:", "detail:", "hint:")  # what PostgreSQL's programs begin the lines with that say why
SQLITE_MAGIC = b"SQLite format 3\x00"
POSTGRES_MAGIC = b"PGDMP"
SQLITE_SIBLINGS = ("-wal", "-shm", "-journal")
DISK_FULL = "SQLITE_FULL"
STEP_TABLE = "alembic_version"


class Engine(StrEnum):
    """Whose file it is."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


ENGINE_NAMES = {Engine.SQLITE: "SQLite", Engine.POSTGRESQL: "PostgreSQL"}


class NotADatabaseAddress(BadInput):
    """An address that names no SQLite file and no PostgreSQL database."""

    danish: ClassVar[str] = N_(
        "«{place}» er hverken en fil eller en databaseadresse. Skriv et filnavn eller postgresql://vært/database.",
    )


class NothingToBackUp(RuleBroken):
    """There is no database, or it has no tables."""

    danish: ClassVar[str] = N_(
        "{place} har ingen tabeller, så der er intet at tage kopi af. Kontrollér MELLEMREGNING_DATABASE_URL.",
    )


class DatabaseDamaged(RuleBroken):
    """SQLite finds its own file damaged; a copy would be no better, and must not take the place of an earlier one."""

    danish: ClassVar[str] = N_(
        "{place} er beskadiget ({reason}). Der er ikke skrevet nogen kopi; gendan den seneste sikkerhedskopi med "
        "«mellemregning restore FIL --into NY-FIL».",
    )


class FileExists(RuleBroken):
    """A file is only replaced where that is asked for."""

    danish: ClassVar[str] = N_("{file} findes allerede og er ikke rørt. Vælg et andet navn, eller brug --force.")


class IsTheDatabase(RuleBroken):
    """The file that was named is the database in use, or one of the files that SQLite keeps beside it."""

    danish: ClassVar[str] = N_(
        "{file} hører til databasen, der er i brug. Vælg en anden fil; en kopi tages med «mellemregning backup FIL».",
    )


class FileNotWritten(BadInput):
    """The file cannot be written there."""

    danish: ClassVar[str] = N_("{file} kan ikke skrives: {reason}. Intet er ændret; kontrollér mappen og pladsen.")


class NotABackup(BadInput):
    """The file is something else, is cut off, or holds a damaged database."""

    danish: ClassVar[str] = N_(
        "{file} kan ikke gendannes: {reason}. Intet er ændret; brug en anden sikkerhedskopi.",
    )


class OtherEngine(BadInput):
    """A file of one engine cannot become a database of the other."""

    danish: ClassVar[str] = N_(
        "{file} er en kopi af en {engine}-database og kan ikke gendannes i {place}. Intet er ændret; vælg {instead}.",
    )


class PlaceNotEmpty(RuleBroken):
    """A database is only made where there is nothing."""

    danish: ClassVar[str] = N_(
        "{place} er ikke tom ({found}). Intet er ændret; gendan i en ny fil eller i en tom database.",
    )


class ProgramMissing(RuleBroken):
    """PostgreSQL's own programs make and read its backups, and they are not installed."""

    danish: ClassVar[str] = N_(
        "Programmet {program} findes ikke på PATH. Installér PostgreSQL's klientprogrammer i serverens version eller "
        "nyere (Debian og Ubuntu: «apt-get install postgresql-client»; Windows og macOS: postgresql.org/download), og "
        "prøv igen.",
    )


class ProgramFailed(RuleBroken):
    """PostgreSQL's own program said no."""

    danish: ClassVar[str] = N_("{program} kunne ikke gennemføre det ({reason}). Intet er ændret.")


def _silent(_done: int, _of_all: int) -> None:
    pass


def address(url: str) -> URL:
    """A database's address, of an engine that we know.

    Raises:
        NotADatabaseAddress: anything else.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        # Not the text itself: it may hold a password.
        raise NotADatabaseAddress(place=url.partition(":")[0]) from error
    if parsed.get_backend_name() not in set(Engine) or (_is_sqlite(parsed) and not _is_plain_file(parsed)):
        raise NotADatabaseAddress(place=_shown(parsed))
    return parsed


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == Engine.SQLITE


def _is_plain_file(url: URL) -> bool:
    return bool(url.database) and url.database != ":memory:" and not str(url.database).startswith("file:")


def _sqlite_file(url: URL) -> Path:
    return Path(str(url.database))


def _shown(url: URL) -> str:
    """An address as people are told it: without its password, and for SQLite the file."""
    return str(url.database) if _is_sqlite(url) and url.database else url.render_as_string(hide_password=True)


def belongs_to(file: Path, url: str) -> bool:
    """Whether a file is a SQLite database itself, or one of the files that SQLite keeps beside it."""
    parsed = address(url)
    if not _is_sqlite(parsed):
        return False
    database = _sqlite_file(parsed)
    with contextlib.suppress(OSError):
        if file.samefile(database):
            return True
    own = {database.resolve(), *(_sibling(database.resolve(), suffix) for suffix in SQLITE_SIBLINGS)}
    return file.resolve() in own


def _sibling(file: Path, suffix: str) -> Path:
    return file.with_name(file.name + suffix)


def back_up(
    url: str,
    file: Path,
    look: Callable[[Connection], Answer],
    *,
    force: bool = False,
    progress: Progress = _silent,
) -> Answer:
    """Copy a database to a file, and look at exactly what was copied.

    The copy is written beside the file under another name, looked at, brought to the disk and then given its name. A
    process that is killed leaves a hidden ``.NAME.….part`` at most. Writers are not held up.

    Args:
        url: The database.
        file: A SQLite database of its own, or an archive of ``pg_dump`` in its custom format.
        look: Is given a connection that reads the copy, or for PostgreSQL the snapshot that it was made of; if it
            raises, there is no file, and an earlier one is not replaced.
        force: Replace a file that is there.
        progress: Is told (done, of all).

    Returns:
        What ``look`` answers.

    Raises:
        NotADatabaseAddress, NothingToBackUp, FileExists, IsTheDatabase, FileNotWritten, DatabaseUnavailable,
        DatabaseDamaged: there is no new file.
        ProgramMissing, ProgramFailed: PostgreSQL only.
    """
    parsed = address(url)
    if belongs_to(file, url):
        raise IsTheDatabase(file=str(file))
    if not force and os.path.lexists(file):
        raise FileExists(file=str(file))
    with _staged(file) as staged:
        if _is_sqlite(parsed):
            _copy_live_sqlite(parsed, staged, file, progress)
            with reading_file(staged) as connection:
                answer = look(connection)
        else:
            answer = _dump_postgres(parsed, staged, look, progress)
        _publish(staged, file, force=force)
    return answer


def restore(
    file: Path,
    url: str,
    accept: Callable[[str], None],
    look: Callable[[Connection], Answer],
    *,
    progress: Progress = _silent,
) -> Answer:
    """Make a database of a backup where there is nothing, and look at it.

    Args:
        file: What ``back_up`` wrote.
        url: A SQLite file that is not there or has no tables, or a PostgreSQL database without tables.
        accept: Is told the migration step of the backup before anything is made; raises to refuse it.
        look: Is given a connection that reads the new database.
        progress: Is told (done, of all).

    Returns:
        What ``look`` answers.

    Raises:
        NotABackup, OtherEngine, PlaceNotEmpty, FileNotWritten, DatabaseUnavailable: nothing is changed.
        ProgramMissing, ProgramFailed: PostgreSQL only; nothing is changed.
    """
    engine = engine_of(file)
    parsed = address(url)
    if (engine is Engine.SQLITE) != _is_sqlite(parsed):
        instead = "en fil" if engine is Engine.SQLITE else "en tom PostgreSQL-database (postgresql://vært/database)"
        raise OtherEngine(file=str(file), engine=ENGINE_NAMES[engine], place=_shown(parsed), instead=instead)
    if engine is Engine.POSTGRESQL:
        return _restore_postgres(file, parsed, accept, look, progress)
    target = _sqlite_file(parsed)
    _refuse_full_file(target)
    with _staged(target) as staged:
        _copy_backup_sqlite(file, staged, target, progress)
        with reading_file(staged) as connection:
            accept(_step_of(connection, file))
            answer = look(connection)
        # Whatever lay there has no tables, and nobody put any there meanwhile.
        _refuse_full_file(target)
        _publish(staged, target, force=True)
    return answer


def engine_of(file: Path) -> Engine:
    """Whose backup a file is, by its first bytes.

    Raises:
        NotABackup: neither's, or it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            head = opened.read(len(SQLITE_MAGIC))
    except OSError as error:
        raise NotABackup(file=str(file), reason=_of_system(error)) from error
    if head == SQLITE_MAGIC:
        return Engine.SQLITE
    if head.startswith(POSTGRES_MAGIC):
        return Engine.POSTGRESQL
    raise NotABackup(file=str(file), reason="den er ingen sikkerhedskopi" if head else "den er tom")


def _of_system(error: OSError) -> str:
    return reason_of(error)


# Files


@contextlib.contextmanager
def _staged(file: Path) -> Iterator[Path]:
    """A name beside a file, for its owner only, that is gone at the end unless it was published."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
    except OSError as error:
        raise FileNotWritten(file=str(file), reason=_of_system(error)) from error
    os.close(handle)
    staged = Path(name)
    try:
        yield staged
    finally:
        for each in (staged, *(_sibling(staged, suffix) for suffix in SQLITE_SIBLINGS)):
            each.unlink(missing_ok=True)


def _publish(staged: Path, file: Path, *, force: bool) -> None:
    """Give a whole file its name, in one step, when its bytes are on the disk."""
    try:
        _to_disk(staged)
        if force:
            staged.replace(file)
        else:
            _name_once(staged, file)
        with contextlib.suppress(PermissionError):  # Windows does not open folders
            _to_disk(file.parent)
    except FileExistsError as error:
        raise FileExists(file=str(file)) from error
    except OSError as error:
        raise FileNotWritten(file=str(file), reason=_of_system(error)) from error


def _name_once(staged: Path, file: Path) -> None:
    """Rename where the name is free. A link fails if it is taken meanwhile; some file systems know no links."""
    try:
        os.link(staged, file)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(file):
            raise FileExistsError from None
        staged.rename(file)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# SQLite


def _uri(file: Path, mode: str) -> str:
    return f"{file.absolute().as_uri()}?{mode}"


@contextlib.contextmanager
def reading_file(file: Path) -> Iterator[Connection]:
    """A connection that only reads a SQLite file that nobody writes; nothing is laid beside it."""
    uri = _uri(file, "mode=ro&immutable=1")
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(uri, uri=True), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _copy_live_sqlite(url: URL, staged: Path, file: Path, progress: Progress) -> None:
    source = _sqlite_file(url)
    if not source.exists():
        raise NothingToBackUp(place=_shown(url))
    try:
        _copy_sqlite(source, "mode=rw", staged, progress)
        damage = _damage(staged)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname == DISK_FULL:
            raise FileNotWritten(file=str(file), reason=str(error)) from error
        raise DatabaseUnavailable(reason=str(error)) from error
    except sqlite3.Error as error:
        raise DatabaseDamaged(place=_shown(url), reason=str(error)) from error
    if damage:
        raise DatabaseDamaged(place=_shown(url), reason=damage)
    with reading_file(staged) as connection:
        if not _tables(connection):
            raise NothingToBackUp(place=_shown(url))


def _copy_backup_sqlite(file: Path, staged: Path, target: Path, progress: Progress) -> None:
    for suffix in ("-wal", "-journal"):
        beside = _sibling(file, suffix)
        if beside.exists() and beside.stat().st_size:
            raise NotABackup(file=str(file), reason=f"den er i brug eller blev ikke lukket ({beside.name})")
    _refuse_cut_off(file)
    try:
        _copy_sqlite(file, "mode=ro&immutable=1", staged, progress)
        damage = _damage(staged)
    except sqlite3.Error as error:
        if error.sqlite_errorname == DISK_FULL:
            raise FileNotWritten(file=str(target), reason=str(error)) from error
        raise NotABackup(file=str(file), reason=f"databasen i den er beskadiget ({error})") from error
    if damage:
        raise NotABackup(file=str(file), reason=f"databasen i den er beskadiget ({damage})")


def _refuse_cut_off(file: Path) -> None:
    """SQLite's header says how many pages there are, and how large they are."""
    with file.open("rb") as opened:
        header = opened.read(100)
    size = file.stat().st_size
    page_size = int.from_bytes(header[16:18]) or 1
    page_size = 65536 if page_size == 1 else page_size
    told = header[24:28] == header[92:96]  # otherwise an old program wrote it, and the count is not to be trusted
    if len(header) < 100 or (told and size < page_size * int.from_bytes(header[28:32])):  # noqa: PLR2004 - the header
        raise NotABackup(file=str(file), reason="den er ikke hel; noget af den mangler")


def _copy_sqlite(source: Path, mode: str, target: Path, progress: Progress) -> None:
    """SQLite's online backup, in one read transaction, so that it neither waits for writers nor starts again.

    The copy is one file: its journal is no longer a file beside it. ``Database`` makes it so again.
    """
    with (
        contextlib.closing(
            sqlite3.connect(_uri(source, mode), uri=True, isolation_level=None, timeout=SECONDS_TO_WAIT_FOR_A_LOCK)
        ) as reader,
        contextlib.closing(sqlite3.connect(target, isolation_level=None)) as writer,
    ):
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        reader.backup(
            writer,
            pages=PAGES_AT_A_TIME,
            progress=lambda _status, remaining, total: progress(total - remaining, total),
        )
        reader.execute("ROLLBACK")
        writer.execute("PRAGMA journal_mode = DELETE").fetchone()


def _damage(file: Path) -> str:
    """The first thing that SQLite finds wrong with a file; empty where it is sound."""
    with contextlib.closing(sqlite3.connect(_uri(file, "mode=ro&immutable=1"), uri=True)) as connection:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        return "" if found == "ok" else str(found)


def _tables(connection: Connection) -> list[str]:
    return inspect(connection).get_table_names()


def _step_of(connection: Connection, file: Path) -> str:
    """The migration step of the tables.

    Raises:
        NotABackup: the tables are not ours.
    """
    if STEP_TABLE in _tables(connection):
        step = connection.execute(text(f"SELECT version_num FROM {STEP_TABLE}")).scalar_one_or_none()  # noqa: S608 - ours
        if step is not None:
            return str(step)
    raise NotABackup(file=str(file), reason="den er en database, men ikke en af Mellemregnings")


def _refuse_full_file(target: Path) -> None:
    """Only a file that is not there, is empty, or is a SQLite database without tables and without anything unsaved."""
    for suffix in ("-wal", "-journal"):
        beside = _sibling(target, suffix)
        if beside.exists() and beside.stat().st_size:
            raise PlaceNotEmpty(place=str(target), found=f"den er i brug: {beside.name}")
    if not os.path.lexists(target):
        return
    try:
        if target.stat().st_size == 0:
            return
        with reading_file(target) as connection:
            tables = _tables(connection)
    except (OSError, DBAPIError) as error:
        raise PlaceNotEmpty(place=str(target), found="der ligger noget andet") from error
    if tables:
        raise PlaceNotEmpty(place=str(target), found=f"{len(tables)} tabeller")


# PostgreSQL


def _libpq(url: URL) -> tuple[str, dict[str, str]]:
    """An address as PostgreSQL's programs take it, and their environment: a password never stands on a command line."""
    _, given = url.get_dialect()().create_connect_args(url)
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    on_the_line = {key: str(value) for key, value in given.items() if key in known and not key.endswith("password")}
    environment = {**os.environ, "LC_ALL": "C"}  # their words are looked into
    if given.get("password"):
        environment["PGPASSWORD"] = str(given["password"])
    return make_conninfo("", **on_the_line), environment


def _run(
    program: str,
    arguments: Sequence[str],
    environment: dict[str, str] | None = None,
    heard: Callable[[str], None] | None = None,
) -> None:
    """Run a program of PostgreSQL's; what it says goes to ``heard``, and why it failed into the error.

    Raises:
        ProgramMissing, ProgramFailed.
    """
    said: list[str] = []
    with subprocess.Popen(  # noqa: S603 - found by its name, arguments as a list, no shell
        [_found(program), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env=environment,
    ) as process:
        try:
            for line in process.stderr or ():
                said.append(line.strip())
                if heard is not None:
                    heard(line)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        why = [line for line in said if any(mark in line for mark in TELLING)] or said[-1:]
        raise ProgramFailed(program=program, reason=" ".join(why[:LINES_TOLD]) or f"status {process.returncode}")


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise ProgramMissing(program=program)
    return path


def _counted(mark: str, of_all: int, progress: Progress) -> Callable[[str], None]:
    """Progress by what a program says of each table."""
    done = 0

    def heard(line: str) -> None:
        nonlocal done
        if mark in line:
            done += 1
            progress(min(done, of_all), of_all)

    return heard


def _dump_postgres(url: URL, staged: Path, look: Callable[[Connection], Answer], progress: Progress) -> Answer:
    """An archive of one snapshot, and a look at that very snapshot; the archive is read back whole."""
    _found("pg_dump")
    _found("pg_restore")
    conninfo, environment = _libpq(url)
    database = Database(url.render_as_string(hide_password=False))
    try:
        with database.reading() as connection:
            tables = len(_tables(connection))
            if not tables:
                raise NothingToBackUp(place=_shown(url))
            snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
            _run(
                "pg_dump",
                [
                    "--format=custom",
                    "--no-owner",
                    "--no-privileges",
                    "--no-password",
                    "--verbose",
                    f"--lock-wait-timeout={SECONDS_TO_WAIT_FOR_A_LOCK}s",
                    f"--snapshot={snapshot}",
                    f"--file={staged}",
                    f"--dbname={conninfo}",
                ],
                environment,
                _counted("dumping contents of table", tables, progress),
            )
            progress(tables, tables)
            answer = look(connection)
    finally:
        database.dispose()
    _run("pg_restore", [f"--file={os.devnull}", str(staged)])
    return answer


def _inhabitants(connection: Connection) -> list[str]:
    """Up to a few names of what stands in a database beside PostgreSQL's own and its extensions'."""
    own = "nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'"
    of_extension = "SELECT 1 FROM pg_depend WHERE objid = {0}.oid AND deptype = 'e'"
    return list(
        connection.execute(
            text(
                f"SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "  # noqa: S608 - ours
                f"WHERE {own} AND NOT EXISTS ({of_extension.format('pg_class')}) "
                f"UNION SELECT proname FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace "
                f"WHERE {own} AND NOT EXISTS ({of_extension.format('pg_proc')}) ORDER BY 1 LIMIT {LINES_TOLD}",
            ),
        ).scalars(),
    )


def _restore_postgres(
    file: Path,
    url: URL,
    accept: Callable[[str], None],
    look: Callable[[Connection], Answer],
    progress: Progress,
) -> Answer:
    """Read the archive whole first; then make all of it in one transaction."""
    database = Database(url.render_as_string(hide_password=False))
    try:
        with database.reading() as connection:
            found = _inhabitants(connection)
        if found:
            raise PlaceNotEmpty(place=_shown(url), found=f"{', '.join(found)} …")
        try:
            _run("pg_restore", [f"--file={os.devnull}", str(file)])
        except ProgramFailed as error:
            raise NotABackup(file=str(file), reason=f"den kan ikke læses helt ({error.facts['reason']})") from error
        accept(_step_in_archive(file))
        conninfo, environment = _libpq(url)
        of_all = _tables_in_archive(file)
        _run(
            "pg_restore",
            [
                "--single-transaction",
                "--exit-on-error",
                "--no-owner",
                "--no-privileges",
                "--no-password",
                "--verbose",
                f"--dbname={conninfo}",
                str(file),
            ],
            environment,
            _counted("processing data for table", of_all, progress),
        )
        progress(of_all, of_all)
        with database.reading() as connection:
            return look(connection)
    finally:
        database.dispose()


def _asked(*arguments: str) -> list[str]:
    """What ``pg_restore`` tells of an archive that it has read whole before."""
    answer = subprocess.run(  # noqa: S603 - found by its name, arguments as a list, no shell
        [_found("pg_restore"), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return answer.stdout.splitlines()


def _tables_in_archive(file: Path) -> int:
    return sum(" TABLE DATA " in line for line in _asked("--list", str(file)))


def _step_in_archive(file: Path) -> str:
    """The migration step of the tables in an archive: the row that follows COPY.

    Raises:
        NotABackup: the tables are not ours.
    """
    lines = iter(_asked("--data-only", f"--table={STEP_TABLE}", "--file=-", str(file)))
    for line in lines:
        if line.startswith("COPY "):
            step = next(lines, "\\.")
            if step != "\\.":
                return step
    raise NotABackup(file=str(file), reason="den er en database, men ikke en af Mellemregnings")
