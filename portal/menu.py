"""The navigation: what a person may go to from here, by roles. A new page with an entry of its own is named here."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, g, request, url_for

from agreements.municipality import MUNICIPALITIES
from portal.access.scope import Deed
from portal.language import _
from portal.pages import visitor


@dataclass(frozen=True, slots=True)
class Entry:
    """One way on.

    Attributes:
        is_here: The page that is shown lies behind it.
    """

    words: str
    address: str
    is_here: bool


def entries(place: str) -> list[Entry]:
    """What the person may go to at a place."""
    who = visitor()
    if who is None:
        return []
    of_issuers = [
        (Deed.READ, _("Overblik"), "finance.overview", ("finance.overview",)),
        (Deed.READ, _("Planer"), "finance.plans", ("finance.plan",)),
        (Deed.READ, _("Udstedte bilag"), "finance.invoices", ("finance.invoice", "finance.credit")),
        (Deed.READ, _("Betalinger"), "finance.payments", ("finance.payment", "finance.open_", "finance.interest")),
        (Deed.READ, _("Priser"), "finance.prices", ("finance.price", "finance.what_if")),
        (Deed.READ, _("Årsafslutning"), "finance.year_ends", ("finance.year_",)),
        (Deed.READ, _("Aftaler"), "finance.agreements", ("finance.agreement", "finance.population")),
        (Deed.READ, _("Forbrug"), "finance.usage", ("finance.usage",)),
        (Deed.READ, _("Levering"), "finance.deliveries", ("finance.deliver",)),
        (Deed.AUDIT, _("Revisionsspor"), "finance.trail", ("finance.trail",)),
    ]
    wanted = [
        *(of_issuers if g.get("issues") or request.blueprint == "finance" else ()),
        (Deed.READ, _("Det betaler vi"), "municipality.front", ("municipality.",)),
        (Deed.USERS, _("Brugere"), "users.list_users", ("users.",)),
    ]
    at = request.endpoint or ""
    return [
        Entry(words, url_for(endpoint, place=place), at.startswith(beginnings))
        for deed, words, endpoint, beginnings in wanted
        if who.may(deed, place)
    ]


def prepare(app: Flask) -> None:
    """Let every page have the navigation of whoever looks at it."""

    @app.context_processor
    def navigation() -> dict[str, object]:
        who = visitor()
        place = g.get("place")
        if who is None:
            return {"who": None, "place": None, "menu": [], "places": []}
        if place is None and len(who.places) == 1:
            (place,) = who.places
        others = [(code, MUNICIPALITIES[code].name) for code in who.places if code in MUNICIPALITIES]
        return {"who": who, "place": place, "menu": entries(place) if place else [], "places": others}
