"""What the municipalities told in writing, and the officer's answer."""

from __future__ import annotations

import re

from flask import render_template, request, url_for
from werkzeug.wrappers import Response as WebResponse

from agreements import notice_store
from portal.access.scope import Deed
from portal.finance import pages
from portal.issuer_work import answer_own_notice
from portal.pages import connection, occasion, seen, today, who_may
from portal.searching import PlaceInListingUnknown

PLACE = re.compile(r"[01]_\d{1,18}", re.ASCII)


@pages.get("/meddelelser")
@who_may(Deed.READ)
def notices(place: str) -> str:
    """What was told in the agreements that the municipality bills for; what waits stands first."""
    text = request.args.get("after", "")
    if text and not PLACE.fullmatch(text):
        raise PlaceInListingUnknown
    after = (int(text[0]), int(text[2:])) if text else None
    part = notice_store.notices_to(connection(), place, after=after)
    return render_template(
        "finance/notices.html",
        found=part.notices,
        today=today(),
        first=url_for("finance.notices", place=place) if after else None,
        following=url_for("finance.notices", place=place, after=f"{part.next_after[0]}_{part.next_after[1]}")
        if part.next_after
        else None,
    )


@pages.post("/meddelelser/<int(max=999999999):number>")
@who_may(Deed.PREPARE)
def answer_notice(place: str, number: int) -> WebResponse:
    """Accept a notice, which carries a leaver's out, or turn it down and say why."""
    accepted = request.form.get("accepted") == "1"
    answer_own_notice(connection(), place, number, occasion(), accepted=accepted, words=request.form.get("words", ""))
    return seen("finance.notices", place=place)
