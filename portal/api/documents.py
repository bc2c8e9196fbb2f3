"""Invoices, what is open of them, payments and deliveries, as a program reads them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flask import Response

from billing.invoice import store as invoice_store
from billing.invoice.facts import DocumentType, IssuedDocument
from billing.invoice.store import Head, Order, Wanted
from billing.payment import store as payment_store
from billing.payment.facts import Receipt
from exports.delivery import store as delivery_store
from exports.delivery.facts import Delivery
from portal import document_files
from portal.access.keys import Caller
from portal.access.scope import issued_document, received_document
from portal.api.agreed import YEAR
from portal.api.doors import (
    AFTER,
    LIMIT,
    NUMBER,
    Json,
    Parameter,
    cursor,
    dated_cursor,
    file_response,
    limit,
    one_of,
    operation,
    path_place,
    path_text,
    year_asked,
)
from portal.document_files import InternalIsNotSent
from portal.pages import connection, today

DIRECTION = Parameter(
    "direction",
    "What the municipality issued, or what it received.",
    {"type": "string", "enum": ["issued", "received"], "default": "received"},
    "received",
)
TYPE = Parameter("type", "Only these.", {"type": "string", "enum": ["invoice", "credit_note"]}, "invoice")


def _wanted(caller: Caller, *, year: int | None = None, document_type: str | None = None) -> Wanted:
    issued = (one_of("direction", "issued", "received") or "received") == "issued"
    return Wanted(
        issuer=caller.place if issued else None,
        subscriber=None if issued else caller.place,
        document_type=DocumentType(document_type) if document_type else None,
        year=year,
        with_internal=issued,
    )


def said_head(head: Head) -> Json:
    """A document as a listing has it."""
    return {
        "issuer": head.issuer,
        "number": head.number,
        "subscriber": head.subscriber,
        "document_type": head.document_type.value,
        "kind": head.kind.value,
        "agreement": head.agreement or None,
        "title": head.title,
        "period_from": head.period_from.isoformat(),
        "issue_date": head.issue_date.isoformat(),
        "due_date": head.due_date.isoformat(),
        "amount_oere": head.amount_oere,
        "internal": head.internal,
        "provisional": head.provisional,
        "credited_by": head.credited_by,
    }


def said_document(value: IssuedDocument) -> Json:
    """A document, all that it says."""
    return {
        "issuer": value.issuer.municipality,
        "number": value.number,
        "subscriber": value.subscriber.municipality,
        "document_type": value.document_type.value,
        "kind": value.kind.value,
        "agreement": value.agreement or None,
        "title": value.title,
        "period_from": value.period.from_day.isoformat(),
        "period_to": value.period.last_day.isoformat(),
        "issue_date": value.issue_date.isoformat(),
        "due_date": value.due_date.isoformat(),
        "amount_oere": value.amount_oere,
        "internal": value.internal,
        "provisional": value.provisional,
        "note": value.note,
        "credits": value.credits,
        "credited_by": value.credited_by,
        "lines": [
            {
                "agreement": line.agreement,
                "provider": line.provider,
                "service": line.service,
                "kind": line.kind.value,
                "text": line.text,
                "accounting_year": line.accounting_year,
                "amount_oere": line.amount_oere,
                "version": line.version,
            }
            for line in value.lines
        ],
    }


@operation(
    "GET",
    "/invoices",
    scope="invoices:read",
    tag="Invoices",
    answer="InvoicePage",
    query=(DIRECTION, YEAR, TYPE, LIMIT, AFTER),
)
def list_invoices(caller: Caller) -> Json:
    """List invoices and credit notes, the newest first.

    `year` is that of the period that is billed.
    """
    wanted = _wanted(caller, year=year_asked(), document_type=one_of("type", "invoice", "credit_note"))
    page = invoice_store.page(connection(), wanted, after=dated_cursor(), size=limit())
    return {
        "items": [said_head(head) for head in page.heads],
        "next": f"{page.next_after[0]}_{page.next_after[1]}" if page.next_after else None,
    }


def one_document(caller: Caller, issuer: str, number: str) -> IssuedDocument:
    """A document that the municipality issued or received.

    Raises:
        NotHere, InvoiceUnknown.
    """
    path_place(issuer)
    path_text(number, NUMBER)
    if issuer == caller.place:
        return issued_document(connection(), issuer, number)
    return received_document(connection(), caller.place, issuer, number)


@operation("GET", "/invoices/<issuer>/<number>", scope="invoices:read", tag="Invoices", answer="Invoice")
def get_invoice(caller: Caller, issuer: str, number: str) -> Json:
    """Read one document with its lines."""
    return said_document(one_document(caller, issuer, number))


@operation("GET", "/invoices/<issuer>/<number>/pdf", scope="invoices:read", tag="Invoices", media="application/pdf")
def get_invoice_pdf(caller: Caller, issuer: str, number: str) -> Response:
    """Fetch one document as PDF.

    With the e-invoice within, where it is fit to be sent.
    """
    from exports.pdf import run as pdfs  # noqa: PLC0415 - slow to import, and only here

    document = one_document(caller, issuer, number)
    ((_document, content, _lack),) = pdfs.pdfs(connection(), [document])
    return file_response(content, f"{document_files.stem(document)}.pdf", "application/pdf")


@operation(
    "GET",
    "/invoices/<issuer>/<number>/xml",
    scope="invoices:read",
    tag="Invoices",
    media="application/xml",
    conflicts=True,
)
def get_invoice_xml(caller: Caller, issuer: str, number: str) -> Response:
    """Fetch one document as e-invoice (Peppol BIS Billing 3.0).

    An internal voucher has none (404); one that lacks something official cannot be made (409).
    """
    from exports.e_invoice import run as e_invoices  # noqa: PLC0415 - as above

    document = one_document(caller, issuer, number)
    if document.internal:
        raise InternalIsNotSent(number=document.number)
    with tempfile.TemporaryDirectory() as folder:
        written = e_invoices.write_e_invoices(connection(), [document], Path(folder))
        if written.refused:
            raise written.refused[0]
        content = written.files[0].path.read_bytes()
    return file_response(content, f"{document_files.stem(document)}.xml", "application/xml")


@operation(
    "GET",
    "/open-items",
    scope="payments:read",
    tag="Payments",
    answer="OpenItemPage",
    query=(DIRECTION, LIMIT, AFTER),
)
def list_open_items(caller: Caller) -> Json:
    """List what is not settled, by due date.

    `limit` documents are looked at and those of which something is open are answered; go on until `next` is null.
    """
    wanted = _wanted(caller)
    page = invoice_store.page(connection(), wanted, Order.DUE, ascending=True, after=dated_cursor(), size=limit())
    heads = [head for head in page.heads if not head.internal]
    settled = payment_store.settled_of(connection(), {(head.issuer, head.number) for head in heads}, today())
    items = [
        {
            "issuer": head.issuer,
            "number": head.number,
            "subscriber": head.subscriber,
            "due_date": head.due_date.isoformat(),
            "amount_oere": head.amount_oere,
            "settled_oere": settled.get((head.issuer, head.number), 0),
            "open_oere": head.amount_oere - settled.get((head.issuer, head.number), 0),
        }
        for head in heads
    ]
    return {
        "items": [item for item in items if item["open_oere"]],
        "next": f"{page.next_after[0]}_{page.next_after[1]}" if page.next_after else None,
    }


def said_receipt(value: Receipt) -> Json:
    """A payment as the bank told of it, with what it has settled since."""
    return {
        "number": value.number,
        "account": value.account,
        "booked_on": value.booked_on.isoformat(),
        "value_date": value.value_date.isoformat(),
        "amount_oere": value.amount_oere,
        "applied_oere": value.applied_oere,
        "left_oere": value.left_oere,
        "bank_reference": value.bank_reference,
        "payer": value.payer,
    }


@operation(
    "GET",
    "/payments",
    scope="payments:read",
    tag="Payments",
    answer="PaymentPage",
    query=(LIMIT, AFTER),
)
def list_payments(caller: Caller) -> Json:
    """List what the bank told of the municipality's accounts, the last that was loaded first.

    Empty for a municipality that bills nobody.
    """
    after = cursor(r"[1-9][0-9]{0,14}")
    size = limit()
    found = payment_store.receipt_numbers(connection(), caller.place, size + 1, before=int(after) if after else None)
    shown = payment_store.receipts(connection(), caller.place, numbers=found[:size]) if found else []
    shown.sort(key=lambda each: -each.number)
    return {
        "items": [said_receipt(each) for each in shown],
        "next": str(shown[-1].number) if len(found) > len(shown) else None,
    }


def said_delivery(value: Delivery) -> Json:
    """A delivery with all that happened to it."""
    return {
        "id": value.key,
        "recipient": value.recipient,
        "subject": value.subject,
        "channel": value.kind.value,
        "state": value.state.value,
        "attempts": value.attempts,
        "due_at": value.due_at.isoformat() if value.due_at else None,
        "history": [
            {"state": each.state.value, "at": each.at.isoformat(), "reached": each.reached, "detail": each.detail}
            for each in value.history
        ],
    }


@operation(
    "GET",
    "/deliveries",
    scope="deliveries:read",
    tag="Deliveries",
    answer="DeliveryPage",
    query=(LIMIT, AFTER),
)
def list_deliveries(caller: Caller) -> Json:
    """List what was sent in the municipality's name, with every try and receipt, the newest first."""
    after = cursor(r"[1-9][0-9]{0,14}")
    found, following = delivery_store.page_of_deliveries(
        connection(), caller.place, before=int(after) if after else None, size=limit()
    )
    return {"items": [said_delivery(each) for each in found], "next": str(following) if following else None}
