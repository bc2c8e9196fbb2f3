"""What the municipality issued: a listing to search and page through, one document, and its files."""

from __future__ import annotations

import re
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response as WebResponse

from billing.invoice import store as invoice_store
from billing.invoice.facts import DocumentType
from billing.invoice.store import Order, Wanted
from billing.payment import store as payment_store
from portal import document_files
from portal.access.scope import Deed, issued_document
from portal.finance import pages
from portal.language import _
from portal.pages import connection, today, who_may
from portal.parts import choices
from portal.searching import order_from, place_from, subscribers_like, year_from

NUMBER = re.compile(r"F?\d{0,4}(-\d{0,9})?", re.ASCII)


@pages.get("/bilag")
@who_may(Deed.READ)
def invoices(place: str) -> str:
    """The listing: by number, payer, year and kind; newest first or otherwise."""
    asked = request.args
    text = asked.get("q", "").strip()[:60]
    kind = asked.get("type", "")
    order, ascending = order_from(asked.get("sort", ""))
    wanted = Wanted(
        issuer=place,
        subscribers=subscribers_like(text) if text else None,
        number=text.upper() if text and NUMBER.fullmatch(text.upper()) else None,
        document_type=DocumentType(kind) if kind in set(DocumentType) else None,
        year=year_from(asked.get("year", "")),
        with_internal=asked.get("internal") != "0",
    )
    after = place_from(asked.get("after", ""), order)
    found = invoice_store.page(connection(), wanted, order, ascending=ascending, after=after)
    kept: dict[str, Any] = {
        name: value for name, value in asked.items() if name in {"q", "type", "year", "sort", "internal"} and value
    }
    return render_template(
        "finance/invoices.html",
        page=found,
        today=today(),
        text=text,
        year=wanted.year or "",
        types=choices(
            [("", _("alle")), ("invoice", _("Faktura")), ("credit_note", _("Kreditnota"))], wanted.document_type or ""
        ),
        sorts=choices(
            [
                ("", _("nyeste først")),
                ("issued", _("ældste først")),
                ("-due", _("forfald, seneste først")),
                ("due", _("forfald, tidligste først")),
                ("-amount", _("største beløb først")),
                ("amount", _("mindste beløb først")),
            ],
            ("" if order is Order.ISSUED and not ascending else f"{'' if ascending else '-'}{order}"),
        ),
        internals=choices([("", _("alle")), ("0", _("kun dem, der sendes"))], "" if wanted.with_internal else "0"),
        is_filtered=bool(text or kept.get("type") or kept.get("year") or kept.get("internal")),
        first=url_for("finance.invoices", place=place, **kept) if after else None,
        following=url_for("finance.invoices", place=place, **kept, after=f"{found.next_after[0]}_{found.next_after[1]}")
        if found.next_after
        else None,
    )


@pages.get("/bilag/<number>")
@who_may(Deed.READ)
def invoice(place: str, number: str) -> str:
    """One document: its lines, where the amount comes from, what is open of it, and its files."""
    document = issued_document(connection(), place, number)
    items = payment_store.open_items(connection(), place, numbers=[number])
    return render_template(
        "finance/invoice.html",
        document=document,
        item=items[0] if items else None,
        today=today(),
        explained=document_files.explained(connection(), document),
    )


@pages.get("/bilag/<number>/fil.<any(pdf,xml,xlsx):kind>")
@who_may(Deed.READ)
def invoice_file(place: str, number: str, kind: str) -> WebResponse:
    """The document as a file."""
    return document_files.file_of(connection(), issued_document(connection(), place, number), kind)
