"""Crediting a document: whole, or an amount of some of its lines; with the reason that stands on the credit note."""

from __future__ import annotations

from flask import render_template
from werkzeug.wrappers import Response as WebResponse

from billing.invoice import run as invoices
from foundation.errors import BadInput, N_
from portal.access.scope import Deed, issued_document
from portal.finance import pages
from portal.finance.asked import amount_of, text_of
from portal.language import _
from portal.pages import connection, occasion, seen, who_may


class NothingToCredit(BadInput):
    """A crediting by line that names no amount."""

    danish = N_("Der er ikke angivet noget beløb. Skriv det ved de linjer, der krediteres, eller vælg hele bilaget.")


@pages.get("/bilag/<number>/krediter")
@who_may(Deed.APPROVE)
def credit(place: str, number: str) -> str:
    """What is left of each line, and a form."""
    document = issued_document(connection(), place, number)
    left = invoices.left_of(connection(), document.number, place)
    return render_template(
        "finance/credit.html",
        document=document,
        lines=[(position, line, left.get(position, 0)) for position, line in enumerate(document.lines, start=1)],
        left_oere=sum(left.values()),
    )


@pages.post("/bilag/<number>/krediter")
@who_may(Deed.APPROVE)
def credit_make(place: str, number: str) -> WebResponse:
    """Issue the credit note."""
    document = issued_document(connection(), place, number)
    lines: dict[int, int | None] | None = None
    if text_of("what") == "lines":
        lines = {
            position: amount_of(f"line-{position}", _("Linje {position}").format(position=position))
            for position in range(1, len(document.lines) + 1)
            if text_of(f"line-{position}")
        }
        if not lines:
            raise NothingToCredit
    made = invoices.credit_document(
        connection(), document.number, reason=text_of("reason", 300), occasion=occasion(), issuer=place, lines=lines
    )
    return seen("finance.invoice", place=place, number=made.number)
