"""The commands on reminder letters: reminder (set, show, send)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from billing.payment import reminder_run
from billing.payment.reminder_rules import ReminderLetter
from portal.commands.door import FILE, MUNICIPALITY, Door, command, name_of, new_group, table
from portal.language import _

reminder_group = new_group("reminder", _("Påmindelser og rykkere; sendes ikke, før en udsteder slår dem til."))

GROUPS = (reminder_group,)

_issuer_option = click.option(
    "--issuer",
    type=MUNICIPALITY,
    metavar=_("KOMMUNE"),
    help=_("Hvis breve; kan udelades, hvor der kun er én udsteder."),
)


def _answer(letters: Sequence[ReminderLetter]) -> list[dict[str, Any]]:
    return [
        {
            "letter": letter.number or None,
            "municipality": letter.subscriber,
            "level": letter.level,
            "open_oere": letter.open_oere,
            "on_account_oere": letter.on_account_oere,
            "documents": [
                {
                    "number": document.number,
                    "due_date": document.due_date.isoformat(),
                    "days_late": document.days_late,
                    "open_oere": document.open_oere,
                }
                for document in letter.documents
            ],
        }
        for letter in letters
    ]


def _table(letters: Sequence[ReminderLetter]) -> Any:  # noqa: ANN401 - a table
    rows = [
        (
            name_of(letter.subscriber),
            letter.level,
            document.number,
            document.due_date,
            document.days_late,
            document.open_oere,
        )
        for letter in letters
        for document in letter.documents
    ]
    heading = [_("Kommune"), _("Trin"), _("Nummer"), _("Forfald"), _("Dage"), _("Åbent kr.")]
    whole = sum(letter.open_oere for letter in letters)
    return table("", heading, rows, total=("", None, _("I alt"), "", None, whole))


@command(reminder_group, "set")
@click.argument("issuer", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.option("--days", type=int, multiple=True, metavar=_("DAGE"), help=_("Dage efter forfald; én for hvert trin."))
@click.option("--off", is_flag=True, help=_("Send ingen."))
def set_reminders(door: Door, issuer: str, days: tuple[int, ...], off: bool) -> None:
    """Bestem, efter hvor mange dage en udsteders påmindelser sendes, trin for trin."""
    if bool(days) == off:
        raise click.UsageError(_("Angiv enten --days eller --off."))
    with door.database.transaction() as connection:
        after = reminder_run.set_reminders(connection, issuer, days, door.occasion)
    said = ", ".join(str(each) for each in after)
    words = _("Påmindelser efter {days} dage.").format(days=said) if after else _("Der sendes ingen påmindelser.")
    door.tell({"issuer": issuer, "days": list(after)}, lambda out: out.print(words))


@command(reminder_group, "show")
@_issuer_option
def show(door: Door, issuer: str | None) -> None:
    """Vis, hvem der ville få brev i dag; ændrer intet."""
    with door.database.reading() as connection:
        letters = reminder_run.show_reminders(connection, issuer, door.occasion)
    door.tell(_answer(letters), lambda out: out.print(_table(letters)))


@command(reminder_group, "send")
@_issuer_option
@click.option("--out", type=FILE, default=Path(), metavar=_("MAPPE"), help=_("Mappen, der skrives i."))
def send(door: Door, issuer: str | None, out: Path) -> None:
    """Skriv dagens breve som PDF, og notér dem som sendt; intet bilag rykkes to gange på samme trin."""
    from exports.reminder.write import write_letters

    with door.database.transaction() as connection:
        letters = reminder_run.send_reminders(connection, issuer, door.occasion)
        files = write_letters(letters, out)  # before the commit: a letter that is not there was not sent
    answer = {"letters": _answer(letters), "files": [str(file) for file in files]}
    words = "\n".join(str(file) for file in files) or _("Ingen skal have brev i dag.")
    door.tell(answer, lambda console: console.print(words))
