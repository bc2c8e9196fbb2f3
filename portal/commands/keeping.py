"""The commands that keep the books safe: backup, restore."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from sqlalchemy import Connection

from billing.verify import Check, verify
from foundation.errors import N_, RuleBroken
from foundation.settings import with_driver
from portal.commands.door import FILE, PARTLY_DONE, REFUSED, Door, command, console, new_group, table
from portal.language import _

keeping_group = new_group("keeping")


class WorseThanBefore(RuleBroken):
    """A copy in which something is wrong never takes the place of an earlier one."""

    danish = N_(
        "Bøgerne holder ikke ({faults}), så kopien har ikke erstattet {file}. Skriv den under et andet navn, og "
        "forklar fejlene, før noget rettes.",
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at a copy or a restored database found.

    Attributes:
        step: The migration step of its tables.
        newest: The one that this release knows.
        checks: Of the books; None where the step is another, so that this release cannot read them.
    """

    step: str | None
    newest: str
    checks: list[Check] | None

    @property
    def ok(self) -> bool | None:
        """Whether the books hold; None where they were not looked through."""
        return None if self.checks is None else all(check.ok for check in self.checks)

    @property
    def faults(self) -> list[str]:
        """The names of the checks that found something."""
        return [check.name for check in self.checks or () if not check.ok]


def _look(connection: Connection, as_of: date) -> Found:
    from alembic.runtime.migration import MigrationContext

    import migrations

    step, newest = MigrationContext.configure(connection).get_current_revision(), migrations.newest()
    return Found(step, newest, verify(connection, as_of) if step == newest else None)


def _refuse_newer(step: str) -> None:
    from alembic.script import ScriptDirectory

    import migrations

    known = ScriptDirectory.from_config(migrations.configuration("")).walk_revisions()
    if step not in {script.revision for script in known}:
        raise migrations.DatabaseTooNew(found=step)


@command(keeping_group, "backup")
@click.argument("file", type=FILE, metavar=_("FIL"))
@click.option("--force", is_flag=True, help=_("Erstat filen, hvis den findes."))
def backup(door: Door, file: Path, force: bool) -> None:
    """Tag en sikkerhedskopi, også mens andre arbejder, og gå den efter. Status 1, hvis bøgerne i den ikke holder."""
    from foundation.backup import back_up, engine_of

    def look(connection: Connection) -> Found:
        found = _look(connection, door.business_date)
        if found.ok is False and file.exists():
            raise WorseThanBefore(file=str(file), faults=found.faults)
        return found

    with _progress(door, _("kopierer")) as progress:
        found = back_up(door.settings.database_url, file, look, force=force, progress=progress)
    size = file.stat().st_size
    answer = {"file": str(file), "engine": engine_of(file).value, "bytes": size, **_said(found)}

    def people(out: Console) -> None:
        out.print(_("{file} er skrevet ({size} kB).").format(file=file, size=f"{-(-size // 1024):,}".replace(",", ".")))
        _show(out, found)

    door.tell(answer, people)
    if found.ok is False:
        raise SystemExit(REFUSED)


@command(keeping_group, "restore")
@click.argument("file", type=FILE, metavar=_("FIL"))
@click.option(
    "--into",
    required=True,
    metavar=_("FIL|ADRESSE"),
    help=_("En ny SQLite-fil eller adressen på en tom PostgreSQL-database."),
)
def restore(door: Door, file: Path, into: str) -> None:
    """Gendan en sikkerhedskopi et tomt sted, og gå bøgerne efter. Den database, der er i brug, røres ikke."""
    from foundation.backup import IsTheDatabase, belongs_to
    from foundation.backup import restore as restore_file

    url = with_driver(into) if "://" in into else f"sqlite:///{Path(into).absolute()}"
    if belongs_to(file, door.settings.database_url):
        raise IsTheDatabase(file=str(file))

    with _progress(door, _("gendanner")) as progress:
        found = restore_file(
            file, url, _refuse_newer, lambda connection: _look(connection, door.business_date), progress=progress
        )
    place = _without_password(url)
    answer = {"file": str(file), "into": place, **_said(found)}

    def people(out: Console) -> None:
        out.print(_("{file} er gendannet i {place}.").format(file=file, place=place))
        _show(out, found)
        out.print(_("Tag den i brug med MELLEMREGNING_DATABASE_URL={place}").format(place=place))

    door.tell(answer, people)
    if found.ok is None:
        door.note(
            _("Bøgerne er ikke gået efter: kør «mellemregning db upgrade» og «mellemregning verify» på den nye."),
        )
        raise SystemExit(PARTLY_DONE)
    if not found.ok:
        raise SystemExit(REFUSED)


COMMANDS = (backup, restore)


def _without_password(url: str) -> str:
    from sqlalchemy import make_url

    return make_url(url).render_as_string(hide_password=True)


def _said(found: Found) -> dict[str, Any]:
    return {
        "revision": found.step,
        "newest": found.newest,
        "ok": found.ok,
        "checks": None
        if found.checks is None
        else [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in found.checks],
    }


def _show(out: Console, found: Found) -> None:
    if found.checks is None:
        out.print(
            _("Den er på trin {step}, og denne udgave er på {newest}; bøgerne i den er ikke gået efter.").format(
                step=found.step,
                newest=found.newest,
            ),
        )
        return
    _show_faults(out, [check for check in found.checks if not check.ok])
    out.print(
        _("Den er gået efter ({count} kontroller): alt stemmer.").format(count=len(found.checks))
        if found.ok
        else _("Der er fejl i bøgerne. Ret intet, før de er forklaret."),
    )


def _show_faults(out: Console, faults: Sequence[Check]) -> None:
    if faults:
        out.print(table("", [_("Kontrol"), _("Fundet")], [(check.name, check.detail) for check in faults]))


@contextmanager
def _progress(door: Door, text: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on the error stream, for people at a terminal."""
    out = console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        console=out,
        transient=True,
        disable=door.as_json or not out.is_terminal,
    )
    with bar:
        task = bar.add_task(text, total=None)
        yield lambda done, of_all: bar.update(task, completed=done, total=of_all)
