"""The page of keys: a person's own keys of the API at a municipality; an administrator sees and ends all of them."""

from __future__ import annotations

import re

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response as WebResponse

from foundation import tokens
from portal.access import keys
from portal.access.scope import Deed
from portal.language import _
from portal.pages import connection, occasion, person, seen, site, who_may

pages = Blueprint("api_keys", __name__, url_prefix="/noegler/<place:place>")


def scope_words() -> dict[str, str]:
    """What a key may be for."""
    return {
        "agreements:read": _("læse aftaler"),
        "agreements:load": _("indlæse aftaler og budgetter"),
        "population:read": _("læse folketal"),
        "population:load": _("indlæse folketal"),
        "prices:read": _("læse priser"),
        "prices:calculate": _("beregne og varsle priser"),
        "invoices:read": _("læse bilag"),
        "invoices:credit": _("kreditere bilag"),
        "payments:read": _("læse betalinger, åbne poster og renter"),
        "payments:load": _("indlæse bankens filer"),
        "payments:match": _("udligne betalinger"),
        "interest:prepare": _("planlægge renter"),
        "interest:approve": _("godkende og udstede renter"),
        "statements:read": _("læse forbrugsopgørelser"),
        "statements:release": _("frigive forbrugsopgørelser"),
        "usage:load": _("indlæse forbrug"),
        "accounts:read": _("læse regnskaber og resultater"),
        "accounts:load": _("indlæse regnskaber og udligne mellem leverandører"),
        "accounts:close": _("afslutte år, frigive resultater og gøre op med udtrådte"),
        "deadlines:read": _("læse frister"),
        "deliveries:read": _("læse forsendelser og kvitteringer"),
        "deliveries:send": _("sende igen og indlæse kvitteringer"),
        "notices:read": _("læse meddelelser"),
        "notices:demand": _("melde ændret forbrug"),
        "notices:leave": _("opsige en aftale"),
        "notices:answer": _("besvare meddelelser"),
        "plans:read": _("læse planer"),
        "plans:prepare": _("lave og stoppe planer"),
        "plans:approve": _("godkende og udstede planer"),
        "hooks:manage": _("styre web-hooks"),
        "audit:read": _("læse revisionssporet"),
    }


@pages.get("/")
@who_may(Deed.READ)
def list_keys(place: str) -> str:
    """One's own keys here."""
    return _page(place)


def _page(place: str, given: tuple[str, str] | None = None) -> str:
    at = site().now()
    listed = tokens.tokens(connection(), place, person().id)
    return render_template(
        "api_keys.html",
        listed=[(each, keys.is_on(each, at)) for each in listed],
        scopes=[(scope, scope_words()[scope]) for scope in keys.may_have(person(), place)],
        words=scope_words(),
        given=given,
        days=keys.DEFAULT_DAYS,
        longest=keys.LONGEST_DAYS,
    )


@pages.post("/ny")
@who_may(Deed.READ)
def make_key(place: str) -> str:
    """Make a key, which is shown this once."""
    text = request.form.get("days", "")
    days = int(text) if re.fullmatch(r"\d{1,4}", text, re.ASCII) else 0
    name = request.form.get("name", "")
    _number, token = keys.make_key(
        connection(), person().login, place, name, request.form.getlist("scope"), occasion(), days=days
    )
    return _page(place, (" ".join(name.split()), token))


@pages.post("/luk/<int(max=999999999):number>")
@who_may(Deed.READ)
def end_key(place: str, number: int) -> WebResponse:
    """End one of one's own keys."""
    keys.end_key(connection(), number, occasion(), place=place, login=person().login)
    return seen("api_keys.list_keys", place=place)


@pages.get("/alle")
@who_may(Deed.USERS)
def list_all(place: str) -> str:
    """Everybody's keys here, for an administrator."""
    at = site().now()
    return render_template(
        "api_keys_all.html",
        listed=[(each, keys.is_on(each, at)) for each in tokens.tokens(connection(), place)],
        words=scope_words(),
    )


@pages.post("/alle/luk/<int(max=999999999):number>")
@who_may(Deed.USERS)
def end_any(place: str, number: int) -> WebResponse:
    """End anybody's key here."""
    keys.end_key(connection(), number, occasion(), place=place, login=None)
    return seen("api_keys.list_all", place=place)
