"""What every command shares: the database, the business date, the two kinds of output, and how errors are told."""

from __future__ import annotations

import functools
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar

import click
from rich import box
from rich.console import Console
from rich.table import Table

import migrations
from agreements.municipality import MUNICIPALITIES, find_by_name
from agreements.trading import Finding
from foundation import clock
from foundation.audit import Occasion
from foundation.database import Database
from foundation.errors import BadInput, MellemregningError, N_, reason_of
from foundation.money import kroner
from foundation.period import BillingYear, Month, NotAPeriod
from foundation.settings import Settings
from portal.language import _

P = ParamSpec("P")
R = TypeVar("R")

REFUSED = 1
PARTLY_DONE = 3
WIDTH_WITHOUT_TERMINAL = 180
LARGEST_FILE = 100 * 1024 * 1024
LONGEST_NAME = 200  # as the trail keeps it
FIRST_BUSINESS_YEAR, LAST_BUSINESS_YEAR = 1980, 2098  # whose deadlines a year ahead have bank days


class FileNotReadable(BadInput):
    """A file that is not there, may not be read or is far too large."""

    danish = N_("Filen {file} kan ikke læses: {reason}. Kontrollér navnet, og prøv igen.")


class NameNotReadable(BadInput):
    """The trail names who did it; what nobody can read is no name, nor a second person."""

    danish = N_(
        "Navnet på den, der gør det, skal kunne læses: 1-{longest} tegn på én linje, ikke kun mellemrum. Angiv et "
        "andet, eller ret MELLEMREGNING_ACTOR."
    )


def readable_name(name: str) -> str:
    """A name as it was given.

    Raises:
        NameNotReadable: it is blank, too long, or holds what is not seen.
    """
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise NameNotReadable(longest=LONGEST_NAME)
    return name


@dataclass
class Door:
    """What one call of the command knows.

    Attributes:
        as_of: The business date, or None for today.
        as_json: Whether programs read the output.
    """

    settings: Settings
    as_of: date | None = None
    as_json: bool = False
    _database: Database | None = field(default=None, repr=False)

    @property
    def database(self) -> Database:
        """The database; opened at the first use.

        Raises:
            DatabaseNotReady, DatabaseTooNew, DatabaseUnavailable, DatabaseAddressUnknown.
        """
        if self._database is None:
            database = Database(self.settings.database_url)
            migrations.require_newest(database)
            self._database = database
        return self._database

    def close(self) -> None:
        """Let go of the database's connections."""
        if self._database is not None:
            self._database.dispose()
            self._database = None

    @property
    def business_date(self) -> date:
        """What counts as today."""
        return self.as_of or clock.today()

    @property
    def occasion(self) -> Occasion:
        """Who does this, now."""
        return self.occasion_of(None)

    def occasion_of(self, who: str | None) -> Occasion:
        """The same, in the name of another who stands beside; nobody for the one who calls.

        Raises:
            NameNotReadable: it is no name that the trail could keep.
        """
        return Occasion(self.business_date, readable_name(who or self.settings.actor), clock.now())

    def tell(self, answer: Any, people: Callable[[Console], None]) -> None:  # noqa: ANN401 - any JSON value
        """Answer programs with JSON, people with words and tables."""
        if self.as_json:
            click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        else:
            people(console())

    def note(self, text: str) -> None:
        """Say something beside the answer; on the error stream, so that programs can still read the answer."""
        click.echo(text, err=True)


def console(*, stderr: bool = False) -> Console:
    """Where people read; as wide as the window, or wide enough when the output goes to a file."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, total: Sequence[object] = ()
) -> Table:
    """A table for people.

    Whole numbers are right-aligned, with points between thousands; a column whose heading ends with "kr." holds øre.
    """
    money = [heading.endswith("kr.") for heading in columns]
    listed = [list(row) for row in rows]
    numeric = [
        money[index] or all(isinstance(row[index], int) for row in listed if row[index] is not None)
        for index in range(len(columns))
    ]
    made = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE, show_footer=bool(total))
    for index, heading in enumerate(columns):
        footer = _cell(total[index], as_money=money[index]) if total else ""
        made.add_column(heading, footer=footer, justify="right" if numeric[index] else "left", overflow="fold")
    for row in listed:
        made.add_row(*(_cell(value, as_money=money[index]) for index, value in enumerate(row)))
    return made


def _cell(value: object, *, as_money: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("ja") if value else _("nej")
    if isinstance(value, int):
        return kroner(value).removesuffix(" kr.") if as_money else f"{value:,}".replace(",", ".")
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    return str(value)


def name_of(code: str) -> str:
    """A municipality as people know it."""
    found = MUNICIPALITIES.get(code)
    return found.name if found else code


def note_missing(door: Door, missing: Mapping[str, Iterable[Finding]]) -> None:
    """Remark on what planned documents lack as e-invoices, payer by payer, each with the official rule's id."""
    for who, findings in missing.items():
        for finding in findings:
            door.note(
                _("Mangler til e-fakturaen til {name}: {message}").format(name=name_of(who), message=finding.text(_))
            )


def read_file(path: Path) -> bytes:
    """A file's content.

    Raises:
        FileNotReadable: it cannot be read, or is larger than any file that we take.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise FileNotReadable(file=str(path), reason=_("den er over 100 MB"))
        return path.read_bytes()
    except OSError as error:
        raise FileNotReadable(file=str(path), reason=reason_of(error)) from error


class FileNotWritable(BadInput):
    """A file that cannot be written where it was asked for."""

    danish = N_("Filen {file} kan ikke skrives: {reason}. Kontrollér mappen, og prøv igen.")


def write_file(path: Path, text: str) -> None:
    """Write a text file.

    Raises:
        FileNotWritable: the folder is missing, or may not be written in.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileNotWritable(file=str(path), reason=reason_of(error)) from error


class DateType(click.ParamType[date]):
    """A day as programs write it, 2009-01-15, or as Danes do, 15.01.2009."""

    name = "dato"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:  # noqa: ANN401
        """Read the day."""
        if isinstance(value, date):
            return value
        text = str(value)
        try:
            if text.count(".") == 2:  # noqa: PLR2004 - day, month, year
                day, month, year = text.split(".")
                return date(int(year), int(month), int(day))
            return date.fromisoformat(text)
        except ValueError:
            self.fail(_("«{text}» er ikke en dato. Skriv den som 2009-01-15.").format(text=text), param, ctx)


class NumberType(click.ParamType[int]):
    """The number of something that was stored: a plan, a match, a key."""

    name = "nummer"

    def __init__(self, least: int = 0) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401
        """Read the number; no database counts further than eighteen digits."""
        if isinstance(value, int):
            return value
        if re.fullmatch(r"[0-9]{1,18}", str(value)) is None or int(value) < self.least:
            self.fail(_("«{text}» er ikke et nummer. Skriv det med cifre.").format(text=value), param, ctx)
        return int(value)


class MonthType(click.ParamType[Month]):
    """A month, 2009-01."""

    name = "måned"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Month:  # noqa: ANN401
        """Read the month."""
        try:
            return value if isinstance(value, Month) else Month.parse(str(value))
        except NotAPeriod:
            self.fail(_("«{text}» er ikke en måned. Skriv den som 2009-01.").format(text=value), param, ctx)


class YearType(click.ParamType[int]):
    """A year, 2009."""

    name = "år"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401
        """Read the year."""
        try:
            return BillingYear(int(value)).year
        except (ValueError, TypeError):
            self.fail(_("«{text}» er ikke et år. Skriv det som 2009.").format(text=value), param, ctx)


class MunicipalityType(click.ParamType[str]):
    """A municipality by its code, 461, or by a name that people use: Odense, Faaborg-Midtfyn Kommune.

    What is neither is handed on as it is, for the verb to refuse in its own words.
    """

    name = "kommune"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401, ARG002
        """The code of what was meant."""
        found = find_by_name(str(value))
        return found.code if found else str(value)


DATE = DateType()
NUMBER = NumberType()
EDITION = NumberType(1)
MUNICIPALITY = MunicipalityType()
MONTH = MonthType()
YEAR = YearType()
FILE = click.Path(path_type=Path)


def _set_as_of(context: click.Context, parameter: click.Parameter, value: date | None) -> None:
    if value is not None:
        if not FIRST_BUSINESS_YEAR <= value.year <= LAST_BUSINESS_YEAR:
            text = _("{day} kan ikke være forretningsdato. Vælg en dag i {first}-{last}.")
            days = {"day": f"{value:%d.%m.%Y}", "first": FIRST_BUSINESS_YEAR, "last": LAST_BUSINESS_YEAR}
            raise click.BadParameter(text.format(**days), context, parameter)
        context.ensure_object(Door).as_of = value


def _set_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Door).as_json = True


def shared_options(command: Callable[P, R]) -> Callable[P, R]:
    """``--as-of`` and ``--json``, which stand anywhere on the line."""
    with_date = click.option(
        "--as-of",
        type=DATE,
        metavar=_("DATO"),
        expose_value=False,
        callback=_set_as_of,
        help=_("Forretningsdato i stedet for i dag, fx 2008-12-15."),
    )
    with_json = click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_set_json,
        help=_("Svar som JSON: beløb i hele øre, datoer som ÅÅÅÅ-MM-DD."),
    )
    return with_date(with_json(command))


def new_group(name: str, text: str = "") -> click.Group:
    """A group of commands that has the shared options too, so that they stand anywhere on the line."""

    @click.group(
        name,
        help=text or None,
        options_metavar=_("[VALG]"),
        subcommand_metavar=_("KOMMANDO [ARGUMENTER]"),
    )
    @shared_options
    def group() -> None:
        """Only its commands do something."""

    return group


def command(group: click.Group, name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Add a command that gets the door first and has the shared options."""

    def add(function: Callable[..., None]) -> click.Command:
        @functools.wraps(function)
        @click.pass_obj
        def called(door: Door, /, *args: Any, **options: Any) -> None:  # noqa: ANN401 - whatever click read
            with told(door):
                function(door, *args, **options)

        text = inspect.getdoc(function)
        return group.command(name, help=_(text) if text else None, options_metavar=_("[VALG]"))(shared_options(called))

    return add


@contextmanager
def told(door: Door) -> Any:  # noqa: ANN401 - a context manager
    """Tell a broken rule in one clear message, on the error stream, and end with status 1."""
    try:
        yield
    except MellemregningError as error:
        refuse(door, error)
    finally:
        door.close()


def refuse(door: Door, error: MellemregningError) -> NoReturn:
    """Say why nothing was done, and end."""
    message = error.text(_)
    if door.as_json:
        click.echo(json.dumps({"error": error.name, "message": message}, ensure_ascii=False, indent=2))
    click.echo(message, err=True)
    raise SystemExit(REFUSED)
