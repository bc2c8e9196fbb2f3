"""Months' notice, notice to the whole agreement, and renegotiations: forms on the agreement's own page."""

from __future__ import annotations

from datetime import date

from werkzeug.wrappers import Response as WebResponse

from agreements import run as agreements
from billing.annual_subscription import run as subscriptions
from portal.access.scope import Deed, issuers_agreement
from portal.finance import pages
from portal.finance.asked import day_of, municipality_of, text_of
from portal.language import _
from portal.pages import connection, occasion, seen, who_may


def _ends_before() -> date:
    return day_of("to", _("Til den 1. i en måned"))


@pages.post("/aftaler/<code>/opsig-til")
@who_may(Deed.PREPARE)
def agreement_leave_on(place: str, code: str) -> WebResponse:
    """Note one party's written notice to the first of a month."""
    issuers_agreement(connection(), place, code)
    who, ends_before = municipality_of("municipality", _("Kommune")), _ends_before()
    agreements.leave_on(connection(), code, who, ends_before, occasion())
    subscriptions.refuse_if_billed_from(connection(), code, who, ends_before)
    return seen("finance.agreement", place=place, code=code)


@pages.post("/aftaler/<code>/opsig-aftalen")
@who_may(Deed.PREPARE)
def agreement_end(place: str, code: str) -> WebResponse:
    """Note a party's written notice to the whole agreement; a provider may give it as well as a payer."""
    issuers_agreement(connection(), place, code)
    by, ends_before = municipality_of("by", _("Den, der opsiger")), _ends_before()
    for period in agreements.end(connection(), code, by, ends_before, occasion()):
        subscriptions.refuse_if_billed_from(connection(), code, period.municipality, ends_before)
    return seen("finance.agreement", place=place, code=code)


@pages.post("/aftaler/<code>/genforhandlet")
@who_may(Deed.PREPARE)
def agreement_renegotiated(place: str, code: str) -> WebResponse:
    """Note that the parties negotiated anew, and what it changed; changed terms come by the agreement's file."""
    issuers_agreement(connection(), place, code)
    agreements.renegotiated(connection(), code, day_of("on", _("Dagen")), text_of("text", 501), occasion())
    return seen("finance.agreement", place=place, code=code)
