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


_OF_AGREEMENTS = ("municipality.list_agreements", "municipality.agreement")
_OF_PAYMENTS = ("finance.payment", "finance.open_", "finance.interest", "finance.reminder")
_OF_DEADLINES = ("municipality.deadlines", "municipality.new_address", "municipality.close_address")


def entries(place: str) -> list[Entry]:
    """What the person may go to at a place."""
    who = visitor()
    if who is None:
        return []
    of_issuers = [
        (Deed.READ, _("Overblik"), "finance.overview", ("finance.overview",)),
        (Deed.READ, _("Planer"), "finance.plans", ("finance.plan",)),
        (Deed.READ, _("Udstedte bilag"), "finance.invoices", ("finance.invoice", "finance.credit")),
        (Deed.READ, _("Betalinger"), "finance.payments", _OF_PAYMENTS),
        (Deed.READ, _("Priser"), "finance.prices", ("finance.price", "finance.what_if")),
        (Deed.READ, _("Årsafslutning"), "finance.year_ends", ("finance.year_",)),
        (
            Deed.READ,
            _("Aftaler"),
            "finance.agreements",
            ("finance.agreement", "finance.population", "finance.surplus", "finance.follow_up"),
        ),
        (Deed.READ, _("Enkeltsager"), "finance.cases", ("finance.case",)),
        (Deed.READ, _("Meddelelser"), "finance.notices", ("finance.notices",)),
        (Deed.READ, _("Forbrug"), "finance.usage", ("finance.usage",)),
        (Deed.READ, _("Levering"), "finance.deliveries", ("finance.deliver",)),
        (Deed.READ, _("Opsætning"), "finance.setup", ("finance.setup", "finance.posting_file")),
        (Deed.AUDIT, _("Revisionsspor"), "finance.trail", ("finance.trail",)),
    ]
    of_payers = [
        (Deed.READ, _("Regninger"), "municipality.invoices", ("municipality.invoice",)),
        (Deed.READ, _("Forbrugsopgørelser"), "municipality.statements", ("municipality.statement",)),
        (Deed.READ, _("Enkeltsager"), "municipality.cases", ("municipality.case",)),
        (Deed.READ, _("Aftaler og kontakt"), "municipality.list_agreements", _OF_AGREEMENTS),
        (Deed.READ, _("Frister"), "municipality.deadlines", _OF_DEADLINES),
        (Deed.READ, _("Vi meddeler"), "municipality.notices", ("municipality.notices", "municipality.tell_")),
    ]
    is_issuer = g.get("issues") or request.blueprint == "finance"
    wanted = [
        *(of_issuers if is_issuer else ()),
        (Deed.READ, _("Det betaler vi"), "municipality.front", ("municipality.front",)),
        # An issuer's own row is long enough; its pages as a payer are reached from the first of them.
        *(of_payers if not is_issuer or request.blueprint == "municipality" else ()),
        (Deed.READ, _("Nøgler"), "api_keys.list_keys", ("api_keys.list_keys", "api_keys.make_key")),
        (Deed.READ, _("Web-hooks"), "web_hooks.list_hooks", ("web_hooks.",)),
        (Deed.USERS, _("Brugere"), "users.list_users", ("users.",)),
        *([(Deed.USERS, _("To personer"), "finance.setup_eyes", ("finance.setup_eyes",))] if is_issuer else ()),
        (Deed.USERS, _("Alles nøgler"), "api_keys.list_all", ("api_keys.list_all",)),
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
