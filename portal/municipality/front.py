"""What a municipality pays this year and why, and the documents that it received."""

from __future__ import annotations

from flask import render_template, request, url_for
from werkzeug.wrappers import Response as WebResponse

from agreements import store as agreement_store
from agreements.membership import is_member
from billing.annual_subscription import share_store
from billing.invoice import store as invoice_store
from billing.invoice.store import Order, Wanted
from billing.payment import store as payment_store
from portal import document_files
from portal.access.scope import Deed, members_agreements, received_document
from portal.language import _
from portal.municipality import pages
from portal.pages import connection, today, who_may
from portal.parts import Chart
from portal.searching import place_from, year_from

YEARS_SHOWN = 5
SHOWN = 24


@pages.get("/")
@who_may(Deed.READ)
def front(place: str) -> str:
    """The year's price in a sentence and a chart, and the newest documents."""
    asked = year_from(request.args.get("year", ""))
    year = asked or today().year
    agreements = members_agreements(connection(), place)
    shares = share_store.shares_of(connection(), place, set(agreements), range(year - YEARS_SHOWN + 1, year + 2))
    by_year: dict[int, tuple[int, int]] = {}
    if not asked and shares and not _takes_part(set(agreements), place, year):
        year = max((own.year for own in shares if own.year <= year), default=year)  # who has left sees its last year
    for own in shares:
        pays, share = by_year.get(own.year, (0, 0))
        by_year[own.year] = (pays + own.obligation_oere, share + own.share_oere)
    received = Wanted(subscriber=place, with_internal=False)
    after = place_from(request.args.get("after", ""), Order.ISSUED)
    page = invoice_store.page(connection(), received, after=after, size=SHOWN)
    as_of = today()
    due, overdue = invoice_store.asked_and_overdue(connection(), None, as_of, as_of, subscriber=place)
    settled, settled_late = payment_store.settled_and_overdue(connection(), None, as_of, as_of, subscriber=place)
    return render_template(
        "municipality/front.html",
        open_oere=due - settled,
        overdue_oere=overdue - settled_late,
        agreements=agreements,
        year=year,
        this_year=[
            (agreements[own.agreement], document_files.explained_share(own)) for own in shares if own.year == year
        ],
        chart=Chart(
            title=_("Vores pris, år for år"),
            heading=_("År"),
            series=(_("Pris"), _("Andel af udgiften")),
            rows=tuple((str(each), amounts) for each, amounts in sorted(by_year.items())),
        ),
        page=page,
        today=today(),
        first=url_for("municipality.front", place=place, year=asked) if after else None,
        following=url_for(
            "municipality.front", place=place, year=asked, after=f"{page.next_after[0]}_{page.next_after[1]}"
        )
        if page.next_after
        else None,
    )


def _takes_part(codes: set[str], place: str, year: int) -> bool:
    members = agreement_store.members_of(connection(), codes)
    return any(is_member(periods, place, year) for periods in members.values())


@pages.get("/bilag/<place:issuer>/<number>")
@who_may(Deed.READ)
def invoice(place: str, issuer: str, number: str) -> str:
    """One document that the municipality received."""
    document = received_document(connection(), place, issuer, number)
    return render_template(
        "municipality/invoice.html",
        document=document,
        today=today(),
        explained=document_files.explained(connection(), document),
    )


@pages.get("/bilag/<place:issuer>/<number>/fil.<any(pdf,xml,xlsx):kind>")
@who_may(Deed.READ)
def invoice_file(place: str, issuer: str, number: str, kind: str) -> WebResponse:
    """The document as a file."""
    return document_files.file_of(connection(), received_document(connection(), place, issuer, number), kind)
