"""Collect what a printed document rests on, and write it; changes nothing in the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from agreements import run as agreements
from agreements.municipality import MUNICIPALITIES
from billing.annual_subscription import store as subscription_store
from billing.annual_subscription.facts import AnnualSubscription
from billing.invoice.facts import IssuedDocument
from billing.year_end_settlement.run import get_settlement
from exports.e_invoice.rules import NotFitToSend, findings_in
from exports.e_invoice.run import Written, WrittenFile, file_stem, neutral_invoices, write_whole
from exports.e_invoice.write import ubl_bytes
from exports.pdf.layout_document import PriceKey, price_keys, printed_document
from exports.pdf.layout_result import result_sections, result_years
from exports.pdf.write import Press

NAMES = {code: known.name for code, known in MUNICIPALITIES.items()}


def write_pdfs(connection: Connection, documents: Sequence[IssuedDocument], folder: Path) -> Written:
    """Write documents as PDF, each with its e-invoice within where it is fit to be sent.

    Args:
        connection: Where to read.
        documents: Issued; also internal ones, which are read but never sent.
        folder: Made where it is not there.

    Returns:
        The files; and, in ``refused``, why some have no e-invoice within.

    Raises:
        AgreementUnknown, FileNotWritten.
    """
    files: list[WrittenFile] = []
    lacking: list[NotFitToSend] = []
    for document, content, lack in pdfs(connection, documents):
        if lack is not None:
            lacking.append(lack)
        path = folder / f"{file_stem(document)}.pdf"
        write_whole(path, content)
        files.append(WrittenFile(document.number, path))
    return Written(tuple(files), tuple(lacking))


def pdfs(
    connection: Connection,
    documents: Sequence[IssuedDocument],
    press: Press | None = None,
) -> Iterator[tuple[IssuedDocument, bytes, NotFitToSend | None]]:
    """Documents with their PDF, and why one has no e-invoice within; see ``write_pdfs``.

    Args:
        connection: Where to read.
        documents: Issued.
        press: One that is warm already.

    Raises:
        AgreementUnknown, SettlementUnknown.
    """
    prices = _prices(connection, documents)
    years = dict.fromkeys(key for document in documents for key in result_years(document))
    results = {(code, year): get_settlement(connection, code, year) for code, year in years}
    codes = {line.agreement for document in documents for line in document.lines}
    titles = {code: agreements.get(connection, code).title for code in sorted(codes)}
    press = press or Press()
    for document, invoice in zip(documents, neutral_invoices(connection, documents), strict=True):
        findings = [] if document.internal else findings_in(invoice)
        attached = not findings and not document.internal
        printed = printed_document(document, invoice, prices, NAMES, titles, attached=attached)
        printed = replace(printed, sections=(*printed.sections, *result_sections(document, results, NAMES)))
        xml = ubl_bytes(invoice) if attached else b""
        lack = NotFitToSend(number=document.number, findings=findings) if findings else None
        yield document, press.pdf(printed, document.issue_date, xml), lack


def _prices(connection: Connection, documents: Sequence[IssuedDocument]) -> dict[PriceKey, AnnualSubscription]:
    """Each version of a price that the documents rest on, read once."""
    found = {}
    for key in dict.fromkeys(key for document in documents for key in price_keys(document)):
        price = subscription_store.read_subscription(connection, *key)
        if price is not None:
            found[key] = price
    return found
