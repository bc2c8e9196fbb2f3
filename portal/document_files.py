"""A document as files to keep, and where its amounts come from; for the one who issued it and the one who pays it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import Response
from sqlalchemy import Connection

from billing.annual_subscription import store as prices
from billing.annual_subscription.facts import AnnualSubscription
from billing.annual_subscription.share_store import OwnShare
from billing.invoice.facts import DocumentType, IssuedDocument, LineKind
from foundation.errors import N_, NotFound, RuleBroken
from portal.pages import download
from portal.parts import claim_word, name_of

TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "xml": "application/xml",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class InternalIsNotSent(NotFound):
    """A voucher that collects nothing has no e-invoice."""

    danish = N_("{number} er et internt bilag, som ikke sendes, så det har ingen e-faktura. Hent det som PDF.")


class SeveralAgreements(RuleBroken):
    """A workbook is of one agreement."""

    danish = N_("{number} samler flere aftaler, og et regneark er for én aftale. Hent bilaget som PDF.")


@dataclass(frozen=True, slots=True)
class Explained:
    """Where a share comes from: the payer's weight of all, of what the year costs.

    Attributes:
        by_inhabitants: The weights are inhabitants; with other keys they are the shares themselves, in øre.
        percent: With two decimals, as Danes write it.
        obligation_oere: What the payer pays of the year: its share less what earlier years' results take off.
    """

    agreement: str
    year: int
    version: int
    cost_oere: int
    by_inhabitants: bool
    weight: int
    weights: int
    percent: str
    share_oere: int
    obligation_oere: int
    months: int

    @property
    def passed_on_oere(self) -> int:
        """What earlier years' results take off the share; negative for a deficit."""
        return self.share_oere - self.obligation_oere


def explained(connection: Connection, document: IssuedDocument) -> list[Explained]:
    """Where the shares on a document come from, by the versions of prices that its lines name."""
    wanted = dict.fromkeys(
        (line.agreement, line.accounting_year, line.version)
        for line in document.lines
        if line.kind is LineKind.SHARE and line.version is not None
    )
    found = []
    for agreement, year, version in wanted:
        price = prices.read_subscription(connection, agreement, year, version)
        said = price and share_of(price, document.subscriber.municipality)
        if said:
            found.append(said)
    return found


def share_of(price: AnnualSubscription, who: str) -> Explained | None:
    """A payer's share of a year's price, with what it rests on; None where it takes no part."""
    part = next((each for each in price.parts if each.municipality == who), None)
    if part is None:
        return None
    weights = sum(each.weight for each in price.parts)
    return Explained(
        agreement=price.agreement,
        year=price.year,
        version=price.version,
        cost_oere=price.cost_oere,
        by_inhabitants=price.division is None,
        weight=part.weight,
        weights=weights,
        percent=percent(part.weight, weights),
        share_oere=part.share_oere,
        obligation_oere=part.obligation_oere,
        months=len(part.instalments),
    )


def explained_share(own: OwnShare) -> Explained:
    """The same of a share that was read by itself; its instalments are not counted."""
    return Explained(
        agreement=own.agreement,
        year=own.year,
        version=own.version,
        cost_oere=own.cost_oere,
        by_inhabitants=own.by_inhabitants,
        weight=own.weight,
        weights=own.weights,
        percent=percent(own.weight, own.weights),
        share_oere=own.share_oere,
        obligation_oere=own.obligation_oere,
        months=0,
    )


def percent(part: int, whole: int) -> str:
    """A share in per cent with two decimals, the half upwards; for reading, no amount is made of it."""
    hundredths = (part * 20_000 + whole) // (2 * whole) if whole else 0
    return f"{hundredths // 100},{hundredths % 100:02d}"


def file_of(connection: Connection, document: IssuedDocument, kind: str) -> Response:
    """A document as PDF, as e-invoice or as workbook.

    Raises:
        InternalIsNotSent, SeveralAgreements, NotFitToSend.
    """
    content = {"pdf": _pdf, "xml": _xml, "xlsx": workbook_of}[kind](connection, document)
    return download(content, f"{stem(document)}.{kind}", TYPES[kind])


def stem(document: IssuedDocument) -> str:
    """How a person finds the file again: ``2009-01 a conto Assens F2009-0001``."""
    of_year = (document.period.last_day - document.period.from_day).days > 31  # noqa: PLR2004 - longer than a month
    period = f"{document.period.from_day:%Y}" if of_year else f"{document.period.from_day:%Y-%m}"
    word = "kreditnota" if document.document_type is DocumentType.CREDIT_NOTE else claim_word(document.kind)
    return f"{period} {word} {name_of(document.subscriber.municipality)} {document.number}"


def _pdf(connection: Connection, document: IssuedDocument) -> bytes:
    from exports.pdf import run as pdfs  # noqa: PLC0415 - slow to import, and only here

    ((_document, content, _lack),) = pdfs.pdfs(connection, [document])
    return content


def _xml(connection: Connection, document: IssuedDocument) -> bytes:
    from exports.e_invoice import run as e_invoices  # noqa: PLC0415 - as above

    if document.internal:
        raise InternalIsNotSent(number=document.number)
    with tempfile.TemporaryDirectory() as folder:
        written = e_invoices.write_e_invoices(connection, [document], Path(folder))
        if written.refused:
            raise written.refused[0]
        return written.files[0].path.read_bytes()


def workbook_of(connection: Connection, document: IssuedDocument) -> bytes:
    """What a document bills, as a workbook.

    Raises:
        SeveralAgreements.
    """
    from exports.excel import run as workbooks  # noqa: PLC0415 - as above

    if not document.agreement:
        raise SeveralAgreements(number=document.number)
    with tempfile.TemporaryDirectory() as folder:
        path = workbooks.write_specification(
            connection,
            document.agreement,
            document.subscriber.municipality,
            document.period.from_day,
            document.period.last_day,
            Path(folder),
        )
        return path.read_bytes()
