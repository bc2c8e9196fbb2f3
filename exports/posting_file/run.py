"""Collect what a posting file rests on, and write it; changes nothing in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import trading_run
from agreements.agreement import MunicipalityCode
from agreements.municipality import municipality
from billing.invoice import store as invoice_store
from exports.e_invoice.run import write_whole
from exports.posting_file.layout import cells, postings_of
from exports.posting_file.write import csv_bytes


@dataclass(frozen=True, slots=True)
class PostingFile:
    """A file that was written.

    Attributes:
        debit_oere: The sum of its debits, which is that of its credits.
    """

    path: Path
    documents: int
    postings: int
    debit_oere: int


def write_posting_file(  # noqa: PLR0913 - whose, which days, which documents, where to
    connection: Connection,
    issuer: MunicipalityCode,
    first_day: date,
    last_day: date,
    folder: Path,
    *,
    agreement: str | None = None,
    with_internal: bool = False,
) -> PostingFile:
    """Write what an issuer's ERP is to book of the documents dated within some days.

    Args:
        connection: Where to read.
        issuer: Whose documents.
        first_day: Of the documents' dates.
        last_day: The last of them.
        folder: Made where it is not there.
        agreement: Only documents with lines of this one, and only these lines.
        with_internal: Also internal vouchers, such as the issuer's own share.

    Raises:
        UnknownMunicipality, AgreementUnknown, AccountsMissing, FileNotWritten.
    """
    who = municipality(issuer)
    if agreement is not None:
        agreements.get(connection, agreement)
    documents = [
        document if agreement is None else document.of_agreement(agreement)
        for document in invoice_store.documents(connection, agreement=agreement)
        if document.issuer.municipality == issuer
        and first_day <= document.issue_date <= last_day
        and (with_internal or not document.internal)
    ]
    book = trading_run.trading_book(connection, {line.agreement for each in documents for line in each.lines})
    postings = postings_of(documents, book)
    days = f"{first_day}" if first_day == last_day else f"{first_day} - {last_day}"
    of_agreement = f" {agreement}" if agreement else ""
    path = folder / f"{days} Posteringer {who.name}{of_agreement}.csv"
    write_whole(path, csv_bytes(cells(postings, trading_run.posting_columns(connection, issuer))))
    return PostingFile(
        path=path,
        documents=len(documents),
        postings=len(postings),
        debit_oere=sum(posting.amount_oere for posting in postings if posting.amount_oere > 0),
    )
