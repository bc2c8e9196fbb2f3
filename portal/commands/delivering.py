"""The commands of delivery: deliver (send what is due), delivery set, show, list, retry, receipt."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from billing.invoice import run as invoices
from billing.invoice import store as invoice_store
from foundation.clock import DANISH_TIME
from portal.commands.door import (
    DATE,
    FILE,
    MUNICIPALITY,
    PARTLY_DONE,
    Door,
    command,
    name_of,
    new_group,
    read_file,
    table,
)
from portal.language import _

if TYPE_CHECKING:
    from exports.delivery.facts import Channel, Delivery

TOPICS = ("documents", "letters", "statements", "mail")
KINDS = ("folder", "smtp", "http")
STATES = ("waiting", "failed", "dead", "handed_over", "accepted", "rejected")

delivery_group = new_group("delivery", _("Forsendelse: kanaler, hvad der nåede hvem hvornår, kvitteringer."))

GROUPS = (delivery_group,)


def _words() -> dict[str, str]:
    return {
        "waiting": _("venter"),
        "failed": _("mislykket"),
        "dead": _("opgivet"),
        "handed_over": _("afleveret"),
        "accepted": _("modtaget"),
        "rejected": _("afvist"),
    }


@click.option("--once", is_flag=True, help=_("Én omgang; det er det sædvanlige, og uret gentager den."))
@click.option("--again", multiple=True, metavar=_("NUMMER"), help=_("Send også dette bilag, eller send det igen."))
@click.option("--since", type=DATE, metavar=_("DATO"), help=_("Send også alle bilag dateret fra denne dag."))
@click.option("--issuer", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Med --again og --since: udstederens kode."))
def deliver(door: Door, once: bool, again: tuple[str, ...], since: date | None, issuer: str | None) -> None:
    """Send alt, der er forfaldent: bilag, breve og beskeder, ad udstedernes kanaler.

    Hvert bilag afleveres mindst én gang med et fast id, som modtageren tæller det efter. Status 3, hvis noget
    mislykkedes eller blev opgivet.
    """
    del once  # a round is what there is; the word is for cron lines that say what they mean
    from exports.delivery import run as deliveries
    from portal import delivery_round

    if again or since is not None:
        with door.database.transaction() as connection:
            wanted = [invoices.find_document(connection, number, issuer)[1] for number in dict.fromkeys(again)]
            if since is not None:
                served = {
                    channel.issuer
                    for channel in deliveries.channels(connection, issuer)
                    if channel.active and channel.topic == "documents"
                }
                wanted += [
                    document
                    for document in invoice_store.documents(connection)
                    if document.issue_date >= since
                    and not document.internal
                    and document.issuer.municipality in served
                    and document not in wanted
                ]
            deliveries.put_again(connection, wanted, door.occasion)
    done = delivery_round.deliver(door.database)
    answer = {state: count for state in STATES if (count := sum(n for s, n in done.items() if s == state))}

    def people(out: Console) -> None:
        if not answer:
            out.print(_("Intet skulle sendes."))
        for state, count in answer.items():
            out.print(_("{count} {state}").format(count=count, state=_words()[state]))

    door.tell(answer, people)
    if answer.get("failed") or answer.get("dead"):
        door.note(_("Se hvad og hvorfor med «mellemregning delivery list --state failed --state dead»."))
        raise SystemExit(PARTLY_DONE)


@command(delivery_group, "set")
@click.argument("issuer", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.argument("topic", type=click.Choice(TOPICS), metavar=_("[documents|letters|statements|mail]"))
@click.argument("kind", type=click.Choice(KINDS), metavar=_("[folder|smtp|http]"))
@click.option("--path", metavar=_("MAPPE"), help=_("folder: mappen, der skrives i; den skal findes."))
@click.option("--files", metavar="xml,pdf", help=_("Hvad et bilag sendes som: xml, pdf eller xml,pdf."))
@click.option("--url", metavar="URL", help=_("http: adgangspunktets adresse, https."))
@click.option("--token-env", metavar=_("VARIABEL"), help=_("http: miljøvariablen, som adgangsnøglen står i."))
@click.option("--host", metavar=_("VÆRT"), help=_("smtp: mailserveren."))
@click.option("--port", metavar=_("PORT"), help=_("smtp: dens port; ellers 25."))
@click.option("--starttls", type=click.Choice(["on", "off"]), help=_("smtp: om der krypteres; ellers on."))
@click.option("--user", metavar=_("NAVN"), help=_("smtp: hvem der logges ind som."))
@click.option("--password-env", metavar=_("VARIABEL"), help=_("smtp: miljøvariablen, som kodeordet står i."))
@click.option("--sender", metavar=_("ADRESSE"), help=_("smtp: afsenderen."))
@click.option("--recipient", metavar=_("ADRESSE"), help=_("smtp: modtageren af bilag, breve og opgørelser."))
@click.option("--link", metavar="URL", help=_("smtp: send et link i stedet for filer; {issuer} og {number} udfyldes."))
@click.option("--off", is_flag=True, help=_("Luk kanalen; indstillingerne bliver stående."))
def set_channel(door: Door, issuer: str, topic: str, kind: str, off: bool, **settings: str | None) -> None:
    """Bestem, hvordan en udsteders bilag, breve eller beskeder sendes. Kodeord gemmes aldrig, kun variablens navn."""
    from exports.delivery import run as deliveries
    from exports.delivery.facts import ChannelKind, DeliveryTopic

    given = {name: value for name, value in settings.items() if value is not None}
    if given.get("path"):
        given["path"] = str(Path(given["path"]).absolute())
    with door.database.transaction() as connection:
        channel = deliveries.set_channel(
            connection,
            issuer,
            DeliveryTopic(topic),
            ChannelKind(kind),
            given,
            door.occasion,
            active=not off,
        )
    _tell_channels(door, [channel])


@command(delivery_group, "show")
@click.argument("issuer", required=False, type=MUNICIPALITY, metavar=_("[KOMMUNE]"))
def show_channels(door: Door, issuer: str | None) -> None:
    """Vis kanalerne."""
    from exports.delivery import run as deliveries

    with door.database.reading() as connection:
        found = deliveries.channels(connection, issuer)
    _tell_channels(door, found)


def _tell_channels(door: Door, found: list[Channel]) -> None:
    answer = [
        {
            "issuer": channel.issuer,
            "topic": channel.topic.value,
            "kind": channel.kind.value,
            "active": channel.active,
            "settings": dict(channel.settings),
        }
        for channel in found
    ]

    def people(out: Console) -> None:
        if not found:
            out.print(_("Der er ingen kanaler."))
            return
        words = {"documents": _("bilag"), "letters": _("breve"), "mail": _("beskeder")}
        heading = [_("Udsteder"), _("Hvad"), _("Kanal"), _("Åben"), _("Indstillinger")]
        rows = [
            (
                name_of(channel.issuer),
                words[channel.topic.value],
                channel.kind.value,
                channel.active,
                ", ".join(f"{name}={value}" for name, value in sorted(channel.settings.items())),
            )
            for channel in found
        ]
        out.print(table("", heading, rows))

    door.tell(answer, people)


@command(delivery_group, "list")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help=_("Kun dem, der står sådan."))
@click.option("--issuer", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Kun denne udsteders."))
def list_deliveries(door: Door, states: tuple[str, ...], issuer: str | None) -> None:
    """Vis, hvad der nåede hvem hvornår, og hvad der ikke gjorde."""
    from exports.delivery import run as deliveries
    from exports.delivery.facts import DeliveryState

    with door.database.reading() as connection:
        found = deliveries.deliveries(connection, states=[DeliveryState(state) for state in states], issuer=issuer)

    def people(out: Console) -> None:
        if not found:
            out.print(_("Der er intet at vise."))
            return
        heading = [_("Id"), _("Tekst"), _("Kanal"), _("Stand"), _("Hvornår"), _("Til"), _("Svar")]
        out.print(table("", heading, [_row(delivery) for delivery in found]))

    door.tell([_answer(delivery) for delivery in found], people)


def _row(delivery: Delivery) -> tuple[str, ...]:
    last = delivery.history[-1] if delivery.history else None
    at = f"{last.at.astimezone(DANISH_TIME):%d.%m.%Y %H:%M}" if last else ""
    reached = next((each.reached for each in reversed(delivery.history) if each.reached), "")
    state = _words()[delivery.state.value]
    if delivery.due_at is not None and last is not None:
        state += _(", igen {time}").format(time=f"{delivery.due_at.astimezone(DANISH_TIME):%d.%m.%Y %H:%M}")
    return delivery.key, delivery.subject, delivery.kind.value, state, at, reached, last.detail if last else ""


def _answer(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.key,
        "issuer": delivery.issuer,
        "recipient": delivery.recipient,
        "subject": delivery.subject,
        "business_date": delivery.business_date.isoformat(),
        "channel": delivery.kind.value,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "due_at": delivery.due_at.isoformat() if delivery.due_at else None,
        "history": [
            {"state": each.state.value, "at": each.at.isoformat(), "reached": each.reached, "detail": each.detail}
            for each in delivery.history
        ],
    }


@command(delivery_group, "retry")
@click.argument("keys", nargs=-1, metavar=_("[ID]..."))
@click.option("--dead", is_flag=True, help=_("Alle, der blev opgivet."))
def retry(door: Door, keys: tuple[str, ...], dead: bool) -> None:
    """Prøv på ny, hvad der mislykkedes, blev opgivet eller afvist; det sendes ved næste «mellemregning deliver»."""
    if bool(keys) == dead:
        raise click.UsageError(_("Angiv enten id'er eller --dead."))
    from exports.delivery import run as deliveries

    with door.database.transaction() as connection:
        found = deliveries.retry(connection, keys, door.occasion)
    door.tell(
        [{"id": each.key, "channel": each.kind.value, "was": each.state.value} for each in found],
        lambda out: out.print(_("{count} prøves igen.").format(count=len(found))),
    )


@command(delivery_group, "receipt")
@click.argument("file", type=FILE, metavar=_("FIL"))
def receipt(door: Door, file: Path) -> None:
    """Læs kvitteringer: CSV (id;tilstand;årsag) eller JSON. En afvisning siger hvorfor."""
    from exports.delivery import run as deliveries
    from exports.delivery.receipt_file import read_receipts

    receipts = read_receipts(file.name, read_file(file))
    with door.database.transaction() as connection:
        new = deliveries.record_receipts(connection, file.name, receipts, door.occasion)
    door.tell(
        {"receipts": len(receipts), "new": new},
        lambda out: out.print(_("{count} kvitteringer, heraf {new} nye.").format(count=len(receipts), new=new)),
    )
