"""The commands on what programs come in by and are told by: token (add, list, end), hook (add, list, close)."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console

from agreements.municipality import municipality
from foundation import clock, tokens
from foundation.hooks import EVENTS, Hook, hooks
from foundation.tokens import TokenRow
from portal.access import hooks as hook_verbs
from portal.access import keys
from portal.commands.door import MUNICIPALITY, NUMBER, Door, command, name_of, new_group, table
from portal.language import _

token_group = new_group("token", _("Nøgler til API'et: lav, vis, luk."))
hook_group = new_group("hook", _("Web-hooks: lav, vis, luk."))

GROUPS = (token_group, hook_group)


def _said_token(value: TokenRow) -> dict[str, Any]:
    return {
        "number": value.id,
        "login": value.login,
        "municipality": value.municipality,
        "name": value.name,
        "scopes": list(value.scopes),
        "made_at": value.made_at,
        "expires_at": value.expires_at,
        "is_on": keys.is_on(value, clock.now()),
    }


@command(token_group, "add")
@click.argument("login", metavar=_("NAVN"))
@click.argument("place", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.option("--name", required=True, metavar=_("TEKST"), help=_("Det system, der skal bruge nøglen."))
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(list(keys.SCOPES)))
@click.option("--days", type=int, default=keys.DEFAULT_DAYS, show_default=True, help=_("Hvor længe den gælder."))
def add_token(door: Door, login: str, place: str, name: str, scopes: tuple[str, ...], days: int) -> None:
    """Lav en nøgle til API'et i en brugers navn; den vises kun denne ene gang."""
    municipality(place)
    with door.database.transaction() as connection:
        number, token = keys.make_key(connection, login, place, name, scopes, door.occasion, days=days)
    door.tell(
        {"number": number, "token": token},
        lambda out: out.print(_("Nøgle {number}: {token}").format(number=number, token=token)),
    )


@command(token_group, "list")
def list_tokens(door: Door) -> None:
    """Vis alle nøgler; selve nøglen er ikke gemt."""
    with door.database.reading() as connection:
        found = [_said_token(each) for each in tokens.tokens(connection)]

    def people(out: Console) -> None:
        if not found:
            out.print(_("Der er ingen nøgler."))
            return
        rows = [
            (each["number"], each["login"], name_of(each["municipality"]), each["name"], each["expires_at"][:10])
            for each in found
            if each["is_on"]
        ]
        out.print(table("", [_("Nr."), _("Bruger"), _("Kommune"), _("Navn"), _("Gælder til")], rows))

    door.tell(found, people)


@command(token_group, "end")
@click.argument("number", type=NUMBER, metavar=_("NUMMER"))
def end_token(door: Door, number: int) -> None:
    """Luk en nøgle, straks."""
    with door.database.transaction() as connection:
        ended = keys.end_key(connection, number, door.occasion, place=None, login=None)
    said = _("Nøgle {number} ({name}) er lukket.").format(number=number, name=ended.name)
    door.tell({"number": number, "ended": True}, lambda out: out.print(said))


def _said_hook(value: Hook) -> dict[str, Any]:
    return {
        "number": value.id,
        "municipality": value.municipality,
        "url": value.url,
        "events": list(value.events),
        "active": value.active,
    }


@command(hook_group, "add")
@click.argument("place", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.argument("url", metavar="URL")
@click.option("--event", "events", multiple=True, type=click.Choice(list(EVENTS)), help=_("Ellers alle."))
def add_hook(door: Door, place: str, url: str, events: tuple[str, ...]) -> None:
    """Fortæl en adresse, hvad der sker for en kommune; hemmeligheden, der underskrives med, vises kun denne gang."""
    municipality(place)
    with door.database.transaction() as connection:
        made, secret = hook_verbs.make_hook(connection, place, url, events or EVENTS, door.occasion)
    said = _("Web-hook {number} er lavet; hemmeligheden er {secret}").format(number=made.id, secret=secret)
    door.tell({**_said_hook(made), "secret": secret}, lambda out: out.print(said))


@command(hook_group, "list")
def list_hooks(door: Door) -> None:
    """Vis alle web-hooks."""
    with door.database.reading() as connection:
        found = hooks(connection, only_active=False)

    def people(out: Console) -> None:
        if not found:
            out.print(_("Der er ingen web-hooks."))
            return
        rows = [(each.id, name_of(each.municipality), each.url, ", ".join(each.events), each.active) for each in found]
        out.print(table("", [_("Nr."), _("Kommune"), "URL", _("Hændelser"), _("Åben")], rows))

    door.tell([_said_hook(each) for each in found], people)


@command(hook_group, "close")
@click.argument("place", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.argument("number", type=NUMBER, metavar=_("NUMMER"))
def close_hook(door: Door, place: str, number: int) -> None:
    """Fortæl en adresse intet mere."""
    with door.database.transaction() as connection:
        closed = hook_verbs.close_hook(connection, place, number, door.occasion)
    said = _("Web-hook {number} er lukket.").format(number=number)
    door.tell(_said_hook(closed), lambda out: out.print(said))
