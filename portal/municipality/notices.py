"""What the municipality tells the others in writing: that its demand changes, or that it leaves."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, request
from werkzeug.wrappers import Response as WebResponse

from agreements import notice_store
from agreements import store as agreement_store
from agreements.agreement import Agreement
from agreements.notices import NoticeKind, demand_years, leaving_years
from foundation.errors import BadInput, N_
from portal.access.scope import Deed, members_agreement, members_agreements
from portal.issuer_work import give_own_notice
from portal.municipality import pages
from portal.pages import connection, occasion, person, seen, today, who_may
from portal.searching import year_from


class YearMissing(BadInput):
    """A form without a year that we know."""

    danish = N_("Vælg et år på listen. Intet er sendt.")


class NotConfirmed(BadInput):
    """Leaving takes a word that it is meant."""

    danish = N_("Sæt kryds ved, at opsigelsen er besluttet i kommunen. Intet er sendt.")


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be told in one agreement today.

    Attributes:
        demand: (year, the last day for it), nearest first.
        leaving: (year, the last day for it), nearest first.
    """

    agreement: Agreement
    demand: tuple[tuple[int, object], ...]
    leaving: tuple[tuple[int, object], ...]


@pages.get("/meddelelser")
@who_may(Deed.READ)
def notices(place: str) -> str:
    """What was told, what came of it, and what may be told today."""
    agreed = members_agreements(connection(), place)
    periods = agreement_store.members_of(connection(), sorted(agreed)) if agreed else {}
    on = today()
    may = []
    for code, each in agreed.items():
        demand_by, notice_by = each.terms.settlement.demand_by, each.terms.renewal.notice_by
        may.append(
            Choices(
                each,
                tuple(
                    (year, demand_by.in_year(year - 1)) for year in demand_years(each, periods.get(code, ()), place, on)
                ),
                tuple(
                    (year, notice_by.in_year(year)) for year in leaving_years(each, periods.get(code, ()), place, on)
                ),
            )
        )
    return render_template(
        "municipality/notices.html",
        given=notice_store.notices_of(connection(), place),
        agreed=agreed,
        may=[each for each in may if each.demand or each.leaving],
        today=on,
        may_prepare=person().may(Deed.PREPARE, place),
        may_approve=person().may(Deed.APPROVE, place),
        sent=request.args.get("sendt") == "1",
    )


def _give(place: str, kind: NoticeKind) -> WebResponse:
    code = request.form.get("agreement", "")
    members_agreement(connection(), place, code)
    year = year_from(request.form.get("year", ""))
    if year is None:
        raise YearMissing
    words = request.form.get("words", "").replace("\r\n", "\n")
    give_own_notice(connection(), place, code, kind, year, words, occasion())
    return seen("municipality.notices", place=place, sendt=1)


@pages.post("/meddelelser/forbrug")
@who_may(Deed.PREPARE)
def tell_demand(place: str) -> WebResponse:
    """Tell that the demand of a coming year changes (§ 6 stk. 5)."""
    return _give(place, NoticeKind.DEMAND)


@pages.post("/meddelelser/opsigelse")
@who_may(Deed.APPROVE)
def tell_leaving(place: str) -> WebResponse:
    """Give notice of leaving with the end of a year (§ 8 stk. 3)."""
    if request.form.get("decided") != "1":
        raise NotConfirmed
    return _give(place, NoticeKind.LEAVE)
