"""What a municipality pays this year and why, and the documents that it received."""

from __future__ import annotations

from flask import render_template, request, url_for
from werkzeug.wrappers import Response as WebResponse

from billing.annual_subscription import store as prices
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
    wanted = {(code, each) for code in agreements for each in range(year - YEARS_SHOWN + 1, year + 2)}
    found = prices.read_subscriptions(connection(), wanted, []) if wanted else {}
    shares = {
        key: said for key, price in sorted(found.items()) if (said := document_files.share_of(price, place)) is not None
    }
    by_year: dict[int, int] = {}
    for (_code, of_year), said in shares.items():
        by_year[of_year] = by_year.get(of_year, 0) + said.share_oere
    received = Wanted(subscriber=place, with_internal=False)
    after = place_from(request.args.get("after", ""), Order.ISSUED)
    page = invoice_store.page(connection(), received, after=after, size=SHOWN)
    as_of = today()
    asked = invoice_store.asked_for(connection(), None, as_of, subscriber=place)
    overdue = invoice_store.asked_for(connection(), None, as_of, subscriber=place, due_before=as_of)
    return render_template(
        "municipality/front.html",
        open_oere=asked - payment_store.settled_total(connection(), None, as_of, subscriber=place),
        overdue_oere=overdue
        - payment_store.settled_total(connection(), None, as_of, subscriber=place, due_before=as_of),
        agreements=agreements,
        year=year,
        this_year=[(agreements[code], said) for (code, of_year), said in shares.items() if of_year == year],
        chart=Chart(
            title=_("Vores andel, år for år"),
            heading=_("År"),
            series=(_("Andel"),),
            rows=tuple((str(each), (amount,)) for each, amount in sorted(by_year.items())),
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
