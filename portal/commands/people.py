"""The commands on users: user (add, role, password, disable, enable, list)."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console

from agreements.municipality import municipality
from foundation import users
from foundation.users import UserRow
from portal.access import run as access
from portal.commands.door import MUNICIPALITY, Door, command, name_of, new_group, table
from portal.language import _

user_group = new_group("user", _("Brugere af hjemmesiden: opret, giv roller, luk."))

GROUPS = (user_group,)


def _answer(user: UserRow) -> dict[str, Any]:
    return {
        "login": user.login,
        "active": user.active,
        "roles": [{"municipality": place, "role": role} for place, role in user.roles],
    }


@command(user_group, "add")
@click.argument("login", metavar=_("NAVN"))
def add(door: Door, login: str) -> None:
    """Opret en bruger uden roller; adgangskoden laves og vises kun denne ene gang.

    NAVN er en mailadresse eller et kort navn.
    """
    with door.database.transaction() as connection:
        password = access.add_user(connection, login, door.occasion)
        user = access.find(connection, login)
    door.tell(
        {**_answer(user), "password": password},
        lambda out: out.print(
            _("{login} er oprettet med adgangskoden {password}").format(login=user.login, password=password)
        ),
    )


@command(user_group, "role")
@click.argument("login", metavar=_("NAVN"))
@click.argument("place", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.argument("roles", nargs=-1, metavar=_("[ROLLE]..."))
def set_roles(door: Door, login: str, place: str, roles: tuple[str, ...]) -> None:
    """Giv en bruger disse roller hos en kommune i stedet for dem før; ingen tager alle fra brugeren.

    Rollerne er officer (forbereder), approver (godkender), reader (læser), auditor (reviderer) og administrator
    (giver adgang og kan ikke have andre roller).
    """
    municipality(place)
    with door.database.transaction() as connection:
        user = access.set_roles(connection, login, place, roles, door.occasion)
    held = ", ".join(role for at, role in user.roles if at == place) or _("ingen roller")
    door.tell(
        _answer(user),
        lambda out: out.print(
            _("{login} hos {name}: {roles}").format(login=user.login, name=name_of(place), roles=held)
        ),
    )


@command(user_group, "password")
@click.argument("login", metavar=_("NAVN"))
def reset(door: Door, login: str) -> None:
    """Giv en bruger en ny adgangskode, som vises kun denne ene gang, og log brugeren ud."""
    with door.database.transaction() as connection:
        password = access.reset_password(connection, login, door.occasion)
        user = access.find(connection, login)
    door.tell(
        {**_answer(user), "password": password},
        lambda out: out.print(
            _("{login} har fået adgangskoden {password}").format(login=user.login, password=password)
        ),
    )


def _set_active(door: Door, login: str, *, active: bool) -> None:
    with door.database.transaction() as connection:
        user = access.set_active(connection, login, door.occasion, active=active)
    said = _("{login} kan logge ind.") if active else _("{login} er lukket ude.")
    door.tell(_answer(user), lambda out: out.print(said.format(login=user.login)))


@command(user_group, "disable")
@click.argument("login", metavar=_("NAVN"))
def disable(door: Door, login: str) -> None:
    """Luk en bruger ude, straks og overalt; rollerne bliver stående."""
    _set_active(door, login, active=False)


@command(user_group, "enable")
@click.argument("login", metavar=_("NAVN"))
def enable(door: Door, login: str) -> None:
    """Luk en bruger ind igen."""
    _set_active(door, login, active=True)


@command(user_group, "list")
def list_users(door: Door) -> None:
    """Vis alle brugere og deres roller."""
    with door.database.reading() as connection:
        found = users.users_with_roles_at(connection, None)

    def people(out: Console) -> None:
        if not found:
            out.print(_("Der er ingen brugere endnu. Opret en med «mellemregning user add NAVN»."))
            return
        rows = [
            (user.login, user.active, ", ".join(f"{name_of(place)}: {role}" for place, role in user.roles))
            for user in found
        ]
        out.print(table("", [_("Navn"), _("Åben"), _("Roller")], rows))

    door.tell([_answer(user) for user in found], people)
