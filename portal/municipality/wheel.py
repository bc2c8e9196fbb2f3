"""The deadlines of a municipality's agreements, on a page and as a calendar that other programs subscribe to.

A calendar's address is a secret of one person: it is shown once, only its hash is kept, and it ends when the person
asks for a new one, is closed or loses the role. It holds days and words, no amounts.
"""

from __future__ import annotations

from flask import Response, render_template, url_for

from exports.calendar.write import calendar_bytes
from foundation import tokens
from portal.access import keys
from portal.access.scope import Deed, PlaceUnknown, members_agreements
from portal.municipality import open_pages, pages
from portal.own_calendar import AHEAD, calendar_of, own_payments
from portal.own_figures import own_deadlines
from portal.pages import anybody, connection, occasion, person, site, today, who_may


@pages.get("/frister")
@who_may(Deed.READ)
def deadlines(place: str) -> str:
    """What has to be done and paid by when, and the calendar."""
    return _page(place)


def _page(place: str, address: str = "") -> str:
    as_of = today()
    agreed = members_agreements(connection(), place)
    return render_template(
        "municipality/deadlines.html",
        agreed=agreed,
        coming=own_deadlines(connection(), agreed, place, as_of, as_of + AHEAD),
        payments=own_payments(connection(), place, as_of),
        today=as_of,
        address=address,
        made_at=tokens.calendar_made_at(connection(), person().id, place),
    )


@pages.post("/frister/adresse")
@who_may(Deed.READ)
def new_address(place: str) -> str:
    """Give the person a new calendar address, which is shown this once."""
    token = keys.new_calendar(connection(), person(), place, occasion())
    return _page(place, url_for("calendars.calendar", token=token, _external=True))


@pages.post("/frister/luk")
@who_may(Deed.READ)
def close_address(place: str) -> str:
    """End the person's calendar address."""
    keys.close_calendar(connection(), person(), place, occasion())
    return _page(place)


@open_pages.get("/<token>.ics")
@anybody
def calendar(token: str) -> Response:
    """The deadlines as iCalendar, for whoever holds the address."""
    with site().database.reading() as opened:
        place = keys.calendar_of(opened, token)
        if place is None:
            raise PlaceUnknown
        agreed = members_agreements(opened, place)
        content = calendar_bytes(calendar_of(opened, agreed, place, today()))
    return Response(content, mimetype="text/calendar")
