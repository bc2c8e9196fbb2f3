"""The command on a quarter's follow-up: follow-up."""

from __future__ import annotations

from pathlib import Path

import click

from billing.usage_statement.facts import UsagePeriod
from portal.commands.door import FILE, MUNICIPALITY, Door
from portal.commands.usage import PERIOD
from portal.language import _


@click.argument("code", metavar=_("AFTALE"))
@click.argument("quarter", type=PERIOD, metavar=_("KVARTAL"))
@click.option("--municipality", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Kun denne kommunes."))
@click.option("--out", type=FILE, default=Path(), metavar=_("MAPPE"), help=_("Mappen, der skrives i."))
def follow_up(door: Door, code: str, quarter: UsagePeriod, municipality: str | None, out: Path) -> None:
    """Skriv kvartalsopfølgningen til hver betaler: budget, faktureret, forbrug og ventetid (regneark og PDF)."""
    from exports.follow_up.run import write_follow_up

    with door.database.reading() as connection:
        files = write_follow_up(connection, code, quarter, out, municipality)
    door.tell({"files": [str(file) for file in files]}, lambda shown: shown.print("\n".join(map(str, files))))
