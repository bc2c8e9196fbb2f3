"""The root of the command line and its commands that belong to no group: db, export, verify, demo."""

from __future__ import annotations

from datetime import date
from importlib.metadata import version
from pathlib import Path

import click
from rich.console import Console

from agreements import run as agreements
from billing.verify import verify as verify_books
from foundation.database import Database
from foundation.period import BillingYear
from foundation.settings import LANGUAGES
from portal.commands import (
    agreed,
    billing,
    cases,
    deadlines,
    delivering,
    documents,
    following_up,
    forecasting,
    keeping,
    paying,
    people,
    programs,
    reminding,
    running,
    scheduling,
    settling,
    surplus,
    trading,
    usage,
)
from portal.commands.door import (
    DATE,
    EDITION,
    FILE,
    MUNICIPALITY,
    REFUSED,
    YEAR,
    Door,
    command,
    new_group,
    shared_options,
    table,
)
from portal.language import _


@click.group(
    help=_(
        "Mellemregning: regninger mellem kommuner, hver øre forklaret.\n\n"
        "Databasen vælges med MELLEMREGNING_DATABASE_URL; ellers er den en SQLite-fil i brugerens datamappe. "
        "Status: 0 udført, 1 afvist af en regel (intet ændret), 2 forkert brug, 3 delvist udført.",
    ),
    options_metavar=_("[VALG]"),
    subcommand_metavar=_("KOMMANDO [ARGUMENTER]"),
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 110},
)
@click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    expose_value=False,
    help=_("Sprog: da eller en; ellers MELLEMREGNING_LANG."),
)
@click.version_option(version("mellemregning"), message="%(prog)s %(version)s", help=_("Vis udgaven."))
@shared_options
def root() -> None:
    """Bills between municipalities; see the group's help."""


for group in (
    *agreed.GROUPS,
    *trading.GROUPS,
    *billing.GROUPS,
    *cases.GROUPS,
    *documents.GROUPS,
    *running.GROUPS,
    *scheduling.GROUPS,
    *paying.GROUPS,
    *people.GROUPS,
    *programs.GROUPS,
    *reminding.GROUPS,
    *delivering.GROUPS,
    *settling.GROUPS,
    *surplus.GROUPS,
    *usage.GROUPS,
):
    root.add_command(group)
root.add_command(forecasting.forecast)
for each in (*deadlines.COMMANDS, *keeping.COMMANDS):
    root.add_command(each)
command(root, "scheduler")(scheduling.scheduler)
command(root, "follow-up")(following_up.follow_up)
command(root, "deliver")(delivering.deliver)

database_group = new_group("db", _("Databasen: opgradér, status."))
export_group = new_group("export", _("Regneark: beregning, fakturaspecifikation, årsopgørelse."))
root.add_command(database_group)
root.add_command(export_group)


@command(database_group, "upgrade")
def upgrade(door: Door) -> None:
    """Bring databasen til nyeste udgave, og læg de medfølgende indbyggertal i den."""
    import migrations

    migrations.upgrade(door.settings.database_url)
    with door.database.transaction() as connection:
        added = agreements.ship_population(connection, door.occasion)
    answer = {"revision": migrations.newest(), "population_added": added}

    def people(out: Console) -> None:
        out.print(_("Databasen er på trin {revision}.").format(revision=answer["revision"]))
        if added:
            out.print(_("{count} indbyggertal fra Danmarks Statistik er lagt i.").format(count=added))

    door.tell(answer, people)


@command(database_group, "status")
def status(door: Door) -> None:
    """Vis, hvilket trin databasen er på."""
    import migrations

    database = Database(door.settings.database_url)
    found = migrations.current(database)
    database.dispose()
    answer = {"revision": found, "newest": migrations.newest(), "ready": found == migrations.newest()}
    door.tell(
        answer,
        lambda out: out.print(
            _("Databasen er klar (trin {revision}).").format(revision=found)
            if answer["ready"]
            else _("Databasen er ikke klar: trin {found} af {newest}. Kør «mellemregning db upgrade».").format(
                found=found or "0",
                newest=answer["newest"],
            ),
        ),
    )


_out_option = click.option(
    "--out",
    type=FILE,
    default=Path(),
    metavar=_("MAPPE"),
    help=_("Mappen, der skrives i; ellers den aktuelle."),
)


def _tell_files(door: Door, files: list[Path]) -> None:
    door.tell({"files": [str(file) for file in files]}, lambda out: out.print("\n".join(str(file) for file in files)))


@command(export_group, "calculation")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
@click.option("--version", "number", type=EDITION, help=_("En tidligere beregning."))
@_out_option
def export_calculation(door: Door, code: str, year: int, number: int | None, out: Path) -> None:
    """Skriv årets beregning som regneark med levende formler."""
    from exports.excel import run as workbooks

    with door.database.reading() as connection:
        file = workbooks.write_calculation(connection, code, year, out, number)
    _tell_files(door, [file])


@command(export_group, "specification")
@click.argument("code", metavar=_("KODE"))
@click.argument("municipality", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.option("--year", type=YEAR, metavar=_("ÅR"), help=_("Et kalenderår."))
@click.option("--from", "from_day", type=DATE, metavar=_("DATO"), help=_("Første dag i stedet for et år."))
@click.option("--to", "to_day", type=DATE, metavar=_("DATO"), help=_("Sidste dag i stedet for et år."))
@_out_option
def export_specification(
    door: Door,
    code: str,
    municipality: str,
    year: int | None,
    from_day: date | None,
    to_day: date | None,
    out: Path,
) -> None:
    """Skriv, hvad en kommune er faktureret i en periode."""
    period = BillingYear(year).period if year else None
    first = from_day or (period.from_day if period else None)
    last = to_day or (period.last_day if period else None)
    if first is None or last is None or first > last:
        raise click.UsageError(_("Angiv enten --year eller både --from og --to."))
    from exports.excel import run as workbooks

    with door.database.reading() as connection:
        file = workbooks.write_specification(connection, code, municipality, first, last, out)
    _tell_files(door, [file])


@command(export_group, "annual")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
@_out_option
def export_annual(door: Door, code: str, year: int, out: Path) -> None:
    """Skriv årsopgørelsen for et afsluttet år."""
    from exports.excel import run as workbooks

    with door.database.reading() as connection:
        file = workbooks.write_annual_statement(connection, code, year, out)
    _tell_files(door, [file])


@command(root, "verify")
def verify(door: Door) -> None:
    """Kontrollér bøgerne: summer, numre, krav, bogføring mod bilag. Status 1, hvis noget ikke stemmer."""
    with door.database.reading() as connection:
        checks = verify_books(connection, door.business_date)
    ok = all(check.ok for check in checks)
    answer = {
        "ok": ok,
        "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks],
    }

    def people(out: Console) -> None:
        rows = [
            (_("FEJL") if not check.ok else _("bemærk") if check.warning else "ok", check.name, check.detail)
            for check in checks
        ]
        out.print(table("", ["", _("Kontrol"), _("Fundet")], rows))
        out.print(_("Alt stemmer.") if ok else _("Der er fejl i bøgerne. Ret intet, før de er forklaret."))

    door.tell(answer, people)
    if not ok:
        raise SystemExit(REFUSED)


@command(root, "demo")
@click.option("--out", type=FILE, default=Path("demo"), metavar=_("MAPPE"), help=_("Mappen, der skrives i."))
def demo(door: Door, out: Path) -> None:
    """Gennemspil aftalen på Fyn 2009-2011 med rigtige indbyggertal og opdigtede beløb."""
    from portal.demo import live

    live(door, out)
