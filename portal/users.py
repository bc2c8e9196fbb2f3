"""An administrator's page: who may log in at a municipality, and as what."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response as WebResponse

from foundation import users as user_rows
from foundation.users import UserRow
from portal.access import run as access
from portal.access.scope import Deed, Role
from portal.language import _
from portal.pages import connection, occasion, person, seen, who_may

pages = Blueprint("users", __name__, url_prefix="/brugere/<place:place>")


def role_words() -> dict[Role, str]:
    """The roles, and what each is for."""
    return {
        Role.OFFICER: _("medarbejder: ser alt, forbereder og sender"),
        Role.APPROVER: _("godkender: ser alt, godkender og udsteder"),
        Role.READER: _("læser: ser alt"),
        Role.AUDITOR: _("revisor: ser alt, også revisionssporet"),
        Role.ADMINISTRATOR: _("administrator: giver adgang, rører ikke penge"),
    }


@pages.get("/")
@who_may(Deed.USERS)
def list_users(place: str) -> str:
    """Everybody with a role here."""
    return _page(place)


def _page(place: str, given: tuple[str, str] | None = None) -> str:
    listed = user_rows.users_with_roles_at(connection(), [place])
    return render_template(
        "users.html",
        users=[(each, {role for at, role in each.roles if at == place}) for each in listed],
        roles=role_words(),
        given=given,
        me=person().login,
    )


def _user_here(place: str) -> UserRow:
    """The person whom the form names, if they have a role here: others' users do not exist for this page.

    Raises:
        UserUnknown.
    """
    login = access.tidy(request.form.get("login", ""))
    found = access.find(connection(), login)
    if place not in {at for at, _role in found.roles}:
        raise access.UserUnknown(login=login)
    return found


def _only_here(place: str) -> UserRow:
    """The same, if they have no role anywhere else, so that one municipality does not close another's door.

    Raises:
        UserUnknown, RolesElsewhere.
    """
    found = _user_here(place)
    if {at for at, _role in found.roles} != {place}:
        raise access.RolesElsewhere(login=found.login)
    return found


@pages.post("/ny")
@who_may(Deed.USERS)
def add(place: str) -> str:
    """Make a user, or give one that is known elsewhere roles here; a new one's password is shown this once."""
    login = access.tidy(request.form.get("login", ""))
    roles = request.form.getlist("role")
    if not roles:
        raise access.RoleMissing(login=login)
    password = None
    if user_rows.find_user(connection(), login) is None:
        password = access.add_user(connection(), login, occasion())
    access.set_roles(connection(), login, place, roles, occasion())
    return _page(place, (login, password) if password else None)


@pages.post("/roller")
@who_may(Deed.USERS)
def change_roles(place: str) -> WebResponse:
    """Give a user other roles here; none takes them out of this list."""
    access.set_roles(connection(), _user_here(place).login, place, request.form.getlist("role"), occasion())
    return seen("users.list_users", place=place)


@pages.post("/luk")
@who_may(Deed.USERS)
def close(place: str) -> WebResponse:
    """Close the door for a user, or open it again."""
    wanted = request.form.get("active") == "1"
    access.set_active(connection(), _only_here(place).login, occasion(), active=wanted)
    return seen("users.list_users", place=place)


@pages.post("/ny-adgangskode")
@who_may(Deed.USERS)
def reset(place: str) -> str:
    """Give a user a new password, which is shown this once."""
    login = _only_here(place).login
    return _page(place, (login, access.reset_password(connection(), login, occasion())))
