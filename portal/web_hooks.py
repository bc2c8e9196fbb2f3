"""The page of web-hooks: which addresses are told of what happens to a municipality, whether it bills or pays."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response as WebResponse

from exports.delivery import run as delivery_verbs
from exports.delivery import store as deliveries
from exports.delivery.facts import ChannelKind
from foundation.hooks import DOCUMENT_DELIVERED, DOCUMENT_ISSUED, EVENTS, STATEMENT_RELEASED, Hook
from portal.access import hooks
from portal.access.issuer_scope import require_own_deliveries
from portal.access.scope import Deed
from portal.finance.deliveries import TROUBLED, state_words
from portal.language import _
from portal.pages import connection, occasion, person, seen, who_may

pages = Blueprint("web_hooks", __name__, url_prefix="/web-hooks/<place:place>")
SHOWN = 50


def event_words() -> dict[str, str]:
    """What a hook may be told of."""
    return {
        DOCUMENT_ISSUED: _("et bilag er udstedt"),
        DOCUMENT_DELIVERED: _("et bilag er afleveret"),
        STATEMENT_RELEASED: _("en forbrugsopgørelse er frigivet"),
    }


@pages.get("/")
@who_may(Deed.READ)
def list_hooks(place: str) -> str:
    """The hooks, open and closed, and what the open ones were told lately."""
    return _page(place)


def _page(place: str, given: tuple[Hook, str] | None = None) -> str:
    return render_template(
        "web_hooks.html",
        listed=hooks.hooks_at(connection(), place)[::-1],
        told=deliveries.deliveries(connection(), issuer=place, kind=ChannelKind.WEBHOOK, newest=SHOWN)[::-1],
        states=state_words(),
        troubled=TROUBLED,
        events=[(event, event_words()[event]) for event in EVENTS],
        words=event_words(),
        given=given,
        may_make=person().may(Deed.PREPARE, place),
    )


@pages.post("/ny")
@who_may(Deed.PREPARE)
def make_hook(place: str) -> str:
    """Make one; what its calls are signed with is shown this once."""
    url = request.form.get("url", "").strip()
    given = hooks.make_hook(connection(), place, url, request.form.getlist("event"), occasion())
    return _page(place, given)


@pages.post("/luk/<int(max=999999999):number>")
@who_may(Deed.PREPARE)
def close_hook(place: str, number: int) -> WebResponse:
    """Tell an address nothing any more."""
    hooks.close_hook(connection(), place, number, occasion())
    return seen("web_hooks.list_hooks", place=place)


@pages.post("/igen")
@who_may(Deed.PREPARE)
def retry_call(place: str) -> WebResponse:
    """Call anew what could not be told."""
    key = request.form.get("key", "")[:200]
    require_own_deliveries(connection(), place, [key])
    delivery_verbs.retry(connection(), [key], occasion())
    return seen("web_hooks.list_hooks", place=place)
