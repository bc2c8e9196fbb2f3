"""What left the house: deliveries with every try and receipt, receipts from files, and trying anew."""

from __future__ import annotations

from typing import Any

from flask import render_template, url_for
from werkzeug.wrappers import Response as WebResponse

from exports.delivery import run as delivery_verbs
from exports.delivery import store as delivery_store
from exports.delivery.facts import Delivery, DeliveryState
from exports.delivery.receipt_file import read_receipts
from foundation.errors import Problems
from portal.access.issuer_scope import require_own_deliveries
from portal.access.scope import Deed
from portal.finance import pages
from portal.finance.asked import small_number, text_of, tried
from portal.language import _
from portal.pages import connection, occasion, person, seen, upload, who_may
from portal.parts import choices

RECEIPT_FILES = (".csv", ".json", ".txt")
SHOWN = 100
TROUBLED = {DeliveryState.FAILED, DeliveryState.DEAD, DeliveryState.REJECTED}


def state_words() -> dict[DeliveryState, tuple[str, str]]:
    """Where a delivery is, and the kind of its tag."""
    return {
        DeliveryState.WAITING: (_("venter"), "info"),
        DeliveryState.FAILED: (_("mislykket, prøves igen"), "warning"),
        DeliveryState.DEAD: (_("opgivet"), "error"),
        DeliveryState.HANDED_OVER: (_("afleveret"), "info"),
        DeliveryState.ACCEPTED: (_("modtaget"), "success"),
        DeliveryState.REJECTED: (_("afvist"), "error"),
    }


@pages.get("/levering", endpoint="deliveries")
@who_may(Deed.READ)
def list_deliveries(place: str) -> str:
    """The newest deliveries, or those that stand in one way."""
    return _page(place)


def _page(place: str, *, problems: Problems | None = None, new: int | None = None) -> str:
    wanted = text_of("state", 20)
    states = [DeliveryState(wanted)] if wanted in set(DeliveryState) else []
    before = small_number(text_of("before", 12))
    more = delivery_store.deliveries(connection(), states=states, issuer=place, newest=SHOWN + 1, before=before)
    found = more[-SHOWN:][::-1]
    kept: dict[str, Any] = {"state": wanted} if states else {}
    words = state_words()
    return render_template(
        "finance/deliveries.html",
        deliveries=found,
        channels=[each for each in delivery_verbs.channels(connection(), place) if each.active],
        words=words,
        troubled=TROUBLED,
        states=choices([("", _("alle")), *((state.value, said[0]) for state, said in words.items())], wanted),
        is_filtered=bool(states),
        first=url_for("finance.deliveries", place=place, **kept) if before else None,
        following=url_for("finance.deliveries", place=place, **kept, before=_end_of(more)) if more[SHOWN:] else None,
        problems=problems,
        new=new,
        may_send=person().may(Deed.PREPARE, place),
        endings=",".join(RECEIPT_FILES),
    )


def _end_of(more: list[Delivery]) -> int:
    """Where the next part begins: an entry that left by two channels is shown twice rather than half."""
    last, following = more[-SHOWN], more[-SHOWN - 1]
    return last.entry_id + (last.entry_id == following.entry_id)


@pages.post("/levering/kvitteringer")
@who_may(Deed.PREPARE)
def delivery_receipts(place: str) -> Any:  # noqa: ANN401 - a page, with its status where it is refused
    """Keep the receipts of a file, all of it or nothing; only of the issuer's own deliveries."""
    name, content = upload("file", *RECEIPT_FILES)
    try:
        with tried() as opened:
            receipts = read_receipts(name, content)
            require_own_deliveries(opened, place, {each.key for each in receipts})
            new = delivery_verbs.record_receipts(opened, name, receipts, occasion())
    except Problems as problems:
        return _page(place, problems=problems), 400
    return _page(place, new=new)


@pages.post("/levering/igen")
@who_may(Deed.PREPARE)
def delivery_retry(place: str) -> WebResponse:
    """Try anew what failed, was given up or was rejected."""
    key = text_of("key", 100)
    require_own_deliveries(connection(), place, [key])
    delivery_verbs.retry(connection(), [key], occasion())
    return seen("finance.deliveries", place=place)
