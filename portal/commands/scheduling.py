"""The commands of the clock: scheduler, and outbox list (what it and others have to tell)."""

from __future__ import annotations

import json
from datetime import time
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from foundation import outbox
from foundation.database import Database
from portal.commands.door import NUMBER, PARTLY_DONE, Door, command, name_of, new_group, table
from portal.language import _

if TYPE_CHECKING:
    from portal.scheduled_runs import Morning

outbox_group = new_group("outbox", _("Det, der skal fortælles: beskeder fra uret og andre, i den rækkefølge de kom."))

GROUPS = (outbox_group,)


class HourType(click.ParamType[time]):
    """An hour of the day, 06:00."""

    name = "klokkeslæt"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> time:  # noqa: ANN401
        """Read the hour."""
        if isinstance(value, time):
            return value
        try:
            hour, minute = str(value).split(":")
            return time(int(hour), int(minute))
        except ValueError:
            self.fail(_("«{text}» er ikke et klokkeslæt. Skriv det som 06:00.").format(text=value), param, ctx)


def _answer(morning: Morning) -> dict[str, Any]:
    return {
        "as_of": morning.as_of.isoformat(),
        "coming": [
            {
                "issuer": month.issuer,
                "agreement": month.agreement,
                "month": str(month.month),
                "send_by": month.send_by.isoformat(),
                "days_late": max(0, (morning.as_of - month.send_by).days),
                "payers": month.payers,
            }
            for coming in morning.coming.values()
            for month in coming
        ],
        "cases": [
            {
                "issuer": each.issuer,
                "agreement": each.agreement,
                "month": str(each.month),
                "send_by": each.send_by.isoformat(),
                "days_late": max(0, (morning.as_of - each.send_by).days),
                "payers": len(each.payers),
                "amount_oere": each.amount_oere,
            }
            for each in morning.cases
        ],
        "told": [
            {
                "event": happening.topic.value,
                "level": happening.urgency.value,
                "key": happening.key,
                "issuer": happening.issuer,
                "plan": happening.plan or None,
                "subject": happening.subject,
                "message": happening.body,
                "reference": dict(happening.reference),
            }
            for happening in morning.happenings
        ],
        "troubles": morning.troubles,
    }


def _show(out: Console, morning: Morning) -> None:
    day = f"{morning.as_of:%d.%m.%Y}"
    rows = [
        (name_of(month.issuer), month.agreement, str(month.month), month.send_by, month.payers)
        for coming in morning.coming.values()
        for month in coming
    ]
    rows += [
        (
            name_of(each.issuer),
            each.agreement,
            _("{month}, sager").format(month=each.month),
            each.send_by,
            len(each.payers),
        )
        for each in morning.cases
    ]
    if rows:
        heading = [_("Udsteder"), _("Aftale"), _("Måned"), _("Frist"), _("Kommuner")]
        out.print(table(_("Forfaldent eller på vej {day}").format(day=day), heading, rows))
    else:
        out.print(_("{day}: intet er forfaldent eller på vej.").format(day=day))
    for happening in morning.happenings:
        out.print(happening.body)
        out.print()
    if rows and not morning.happenings:
        out.print(_("Der er intet nyt at fortælle."))


@click.option("--once", is_flag=True, help=_("Gør morgenens arbejde én gang, og slut; til cron eller en prøve."))
@click.option(
    "--at",
    type=HourType(),
    default="06:00",
    metavar=_("TT:MM"),
    help=_("Hvornår hver morgen, i dansk tid; ellers 06:00."),
)
def scheduler(door: Door, once: bool, at: time) -> None:
    """Uret: planlæg, sig til, udsted, hvor aftalen tillader det, og slå alarm; ved start og hver morgen."""
    if door.as_of is not None and not once:
        raise click.UsageError(_("--as-of kræver --once; ellers går uret efter den rigtige dag."))
    from portal import scheduled_runs

    scheduled_runs.log_to_stderr()
    if once:
        morning = scheduled_runs.Clock(door.database).work(door.as_of)
        door.tell(_answer(morning), lambda out: _show(out, morning))
        if morning.troubles:
            raise SystemExit(PARTLY_DONE)
        return

    def after(morning: Morning) -> None:
        if door.as_json:
            click.echo(json.dumps(_answer(morning), ensure_ascii=False))

    # Not the door's: a database that does not answer yet is waited for.
    database = Database(door.settings.database_url)
    try:
        scheduled_runs.Clock(database, at=at, after=after).run_until_stopped()
    finally:
        database.dispose()


@command(outbox_group, "list")
@click.option("--topic", metavar=_("EMNE"), help=_("Kun dette emne, fx run.alarm."))
@click.option("--after", type=NUMBER, default=0, metavar=_("NR"), help=_("Kun dem efter dette nummer."))
def list_entries(door: Door, topic: str | None, after: int) -> None:
    """Vis, hvad der er lagt til udsendelse."""
    with door.database.reading() as connection:
        found = outbox.entries(connection, topic=topic, after=after)
    answer = [
        {
            "number": entry.number,
            "key": entry.key,
            "topic": entry.topic,
            "issuer": entry.issuer,
            "recipient": entry.recipient,
            "subject": entry.subject,
            "body": entry.body,
            "reference": entry.reference,
            "business_date": entry.business_date.isoformat(),
        }
        for entry in found
    ]

    def people(out: Console) -> None:
        if not found:
            out.print(_("Der er intet i udbakken."))
            return
        heading = [_("Nr."), _("Dag"), _("Emne"), _("Udsteder"), _("Til"), _("Tekst")]
        rows = [
            (
                str(entry.number),
                entry.business_date,
                entry.topic,
                name_of(entry.issuer),
                name_of(entry.recipient),
                entry.subject,
            )
            for entry in found
        ]
        out.print(table("", heading, rows))

    door.tell(answer, people)
