"""Collect what e-invoices rest on, and write them; changes nothing in the database."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from agreements import trading_run
from agreements.agreement import MunicipalityCode
from agreements.municipality import MUNICIPALITIES
from billing.invoice import store as invoice_store
from billing.invoice.facts import DocumentType, IssuedDocument
from exports.e_invoice.facts import Invoice, Reference
from exports.e_invoice.layout import invoice_of
from exports.e_invoice.rules import NotFitToSend, findings_in
from exports.e_invoice.write import ubl_bytes
from foundation.errors import BadInput, N_, RuleBroken, reason_of


class NeverSent(RuleBroken):
    """An internal voucher collects nothing and has no receiver."""

    danish = N_("{number} er et internt bilag (egen andel) og sendes ikke som faktura.")


class FileNotWritten(BadInput):
    """The file cannot be written where it was asked for."""

    danish = N_("{file} kan ikke skrives: {reason}. Kontrollér mappen, og prøv igen.")


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file and what it holds."""

    number: str
    path: Path


@dataclass(frozen=True, slots=True)
class Written:
    """What came of writing some documents."""

    files: tuple[WrittenFile, ...]
    refused: tuple[NotFitToSend, ...]


def e_invoices(connection: Connection, documents: Sequence[IssuedDocument]) -> Iterator[Invoice]:
    """The neutral invoices of some documents, in their order; a few queries, however many they are.

    Raises:
        AgreementUnknown.
        NeverSent: an internal one is among them.
    """
    for document in documents:
        if document.internal:
            raise NeverSent(number=document.number)
    return neutral_invoices(connection, documents)


def neutral_invoices(connection: Connection, documents: Sequence[IssuedDocument]) -> Iterator[Invoice]:
    """As ``e_invoices``, for documents that are only read: internal ones too.

    Raises:
        AgreementUnknown.
    """
    book = trading_run.trading_book(connection, {line.agreement for each in documents for line in each.lines})
    preceding = _preceding(connection, documents)
    for document in documents:
        yield invoice_of(document, book, preceding.get((document.issuer.municipality, document.number), ()))


def _preceding(
    connection: Connection,
    documents: Sequence[IssuedDocument],
) -> Mapping[tuple[MunicipalityCode, str], tuple[Reference, ...]]:
    """What each credit note refers to.

    One that takes a document back refers to that one. One that pays out without taking anything back, such as a
    leaver's settlement, refers to the last invoice that the same issuer sent the same payer before it.
    """
    notes = [document for document in documents if document.document_type is DocumentType.CREDIT_NOTE]
    if not notes:
        return {}
    payers = {note.subscriber.municipality for note in notes}
    only = payers.pop() if len(payers) == 1 else None
    earlier = invoice_store.documents(connection, subscriber=only)
    dates = {(each.issuer.municipality, each.number): each.issue_date for each in earlier}
    found = {}
    for note in notes:
        issuer = note.issuer.municipality
        number = note.credits or _last_invoice(note, earlier)
        if number:
            found[issuer, note.number] = (Reference(number, dates.get((issuer, number))),)
    return found


def _last_invoice(note: IssuedDocument, earlier: Iterable[IssuedDocument]) -> str:
    agreements = {line.agreement for line in note.lines}
    last = ""
    for each in earlier:  # in number order, issuer by issuer
        if (each.issuer.municipality, each.subscriber.municipality) != (
            note.issuer.municipality,
            note.subscriber.municipality,
        ):
            continue
        if each.number == note.number:
            break
        is_invoice = each.document_type is DocumentType.INVOICE and not each.internal
        if is_invoice and agreements & {line.agreement for line in each.lines}:
            last = each.number
    return last


def write_e_invoices(connection: Connection, documents: Sequence[IssuedDocument], folder: Path) -> Written:
    """Write documents that are fit to be sent, each into a file of its own; the others are told with their rules.

    Args:
        connection: Where to read.
        documents: Issued, none internal.
        folder: Made where it is not there.

    Raises:
        AgreementUnknown, NeverSent, FileNotWritten.
    """
    files: list[WrittenFile] = []
    refused: list[NotFitToSend] = []
    for document, invoice in zip(documents, e_invoices(connection, documents), strict=True):
        findings = findings_in(invoice)
        if findings:
            refused.append(NotFitToSend(number=invoice.number, findings=findings))
            continue
        path = folder / f"{file_stem(document)}.xml"
        write_whole(path, ubl_bytes(invoice))
        files.append(WrittenFile(invoice.number, path))
    return Written(tuple(files), tuple(refused))


def file_stem(document: IssuedDocument) -> str:
    """How a person finds a document's file again: ``F2009-0001 Assens 2009-01 Faktura fra Odense``."""
    word = "Kreditnota" if document.document_type is DocumentType.CREDIT_NOTE else "Faktura"
    period = f"{document.period.from_day:%Y-%m}"
    if (document.period.last_day - document.period.from_day).days > 31:  # noqa: PLR2004 - longer than a month
        period = f"{document.period.from_day:%Y}"
    names = [_name(document.subscriber.municipality), _name(document.issuer.municipality)]
    stem = f"{document.number} {names[0]} {period} {word} fra {names[1]}"
    return re.sub(r"[^0-9A-Za-zÆØÅæøå ._-]", "-", stem)


def _name(code: MunicipalityCode) -> str:
    found = MUNICIPALITIES.get(code)
    return found.name if found else code


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its name and then give it the name, so that a reader never sees a half one.

    Raises:
        FileNotWritten: it cannot be written; an earlier one stays as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            part.chmod(0o644)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise FileNotWritten(file=str(path), reason=reason_of(error)) from error
