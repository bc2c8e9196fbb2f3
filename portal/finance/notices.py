"""What the municipalities told in writing, and the officer's answer."""

from __future__ import annotations

from flask import render_template, request
from werkzeug.wrappers import Response as WebResponse

from agreements import notice_store
from portal.access.scope import Deed, issuers_agreements
from portal.finance import pages
from portal.issuer_work import answer_own_notice
from portal.pages import connection, occasion, seen, today, who_may


@pages.get("/meddelelser")
@who_may(Deed.READ)
def notices(place: str) -> str:
    """What was told in the agreements that the municipality bills for; what waits stands first."""
    found = notice_store.notices_to(connection(), place)
    return render_template(
        "finance/notices.html",
        found=sorted(found, key=lambda each: each.answer is not None),
        agreed=issuers_agreements(connection(), place),
        today=today(),
    )


@pages.post("/meddelelser/<int:number>")
@who_may(Deed.PREPARE)
def answer_notice(place: str, number: int) -> WebResponse:
    """Accept a notice, which carries a leaver's out, or turn it down and say why."""
    accepted = request.form.get("accepted") == "1"
    answer_own_notice(connection(), place, number, occasion(), accepted=accepted, words=request.form.get("words", ""))
    return seen("finance.notices", place=place)
