"""Issued documents -> postings by kontostreng, and these as the cells of an issuer's own columns; pure.

Every line is two postings, its own account against its counter account, so each document and the whole file balance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from agreements.posting_template import PostingColumn, PostingField
from agreements.trading import TradingBook
from billing.invoice.facts import InvoiceLine, IssuedDocument
from foundation.errors import N_, RuleBroken
from foundation.money import kroner_for_programs


class AccountsMissing(RuleBroken):
    """A line has no accounts to be posted on; nothing was written."""

    danish = N_(
        "Posteringsfilen kan ikke skrives: der mangler konti for {services}. Indtast dem med «mellemregning service "
        "set AFTALE YDELSE --own-account … --counter-account …»; ydelsen - er linjer uden ydelse.",
    )


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of a line.

    Attributes:
        amount_oere: Positive is debit.
    """

    document: IssuedDocument
    line: InvoiceLine
    account: str
    counter_account: str
    amount_oere: int


def postings_of(documents: Sequence[IssuedDocument], book: TradingBook) -> list[Posting]:
    """The postings of some documents, in their order; they sum to zero, document by document.

    Lines of nothing are left out.

    Raises:
        AccountsMissing: with every agreement and service that lacks an account.
    """
    postings: list[Posting] = []
    missing: dict[str, None] = {}
    for document in documents:
        for line in document.lines:
            if not line.amount_oere:
                continue
            accounts = book.accounts(line.agreement, line.service, document.issue_date)
            if accounts is None:
                missing[f"{line.agreement} {line.service or '-'}"] = None
                continue
            own, counter = accounts
            postings.append(Posting(document, line, own, counter, line.amount_oere))
            postings.append(Posting(document, line, counter, own, -line.amount_oere))
    if missing:
        raise AccountsMissing(services=list(missing))
    return postings


def cells(postings: Sequence[Posting], columns: Sequence[PostingColumn]) -> list[list[str]]:
    """Headings and rows as texts, in the columns' order."""
    headings = [column.heading for column in columns]
    fields = [column.field for column in columns]
    rows = [[told[field] for field in fields] for told in map(_told, postings)]
    return [headings, *rows]


def amount_text(amount_oere: int) -> str:
    """An amount as Danish systems read it: ``194202,82``, without points between thousands."""
    return kroner_for_programs(amount_oere).replace(".", ",")


def _day(day: date) -> str:
    return f"{day:%d-%m-%Y}"


def _told(posting: Posting) -> dict[PostingField, str]:
    document, line, amount = posting.document, posting.line, posting.amount_oere
    payer = document.subscriber
    return {
        PostingField.ACCOUNT: posting.account,
        PostingField.COUNTER_ACCOUNT: posting.counter_account,
        PostingField.AMOUNT: amount_text(amount),
        PostingField.DEBIT: amount_text(amount) if amount > 0 else "",
        PostingField.CREDIT: amount_text(-amount) if amount < 0 else "",
        PostingField.TEXT: " ".join(line.text.split()),
        PostingField.PERIOD: f"{line.period.from_day:%Y-%m}",
        PostingField.POSTING_MONTH: f"{document.issue_date:%Y-%m}",
        PostingField.FIRST_DAY: _day(line.period.from_day),
        PostingField.LAST_DAY: _day(line.period.last_day),
        PostingField.NUMBER: document.number,
        PostingField.CREDITS: document.credits or "",
        PostingField.ISSUE_DATE: _day(document.issue_date),
        PostingField.DUE_DATE: _day(document.due_date),
        PostingField.MUNICIPALITY: payer.municipality,
        PostingField.MUNICIPALITY_NAME: payer.name,
        PostingField.CVR: payer.cvr,
        PostingField.GLN: payer.gln,
        PostingField.AGREEMENT: line.agreement,
        PostingField.SERVICE: line.service,
        PostingField.PROVIDER: line.provider,
    }
