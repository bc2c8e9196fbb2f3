"""Files between an issuer's own systems and ours: the columns of its posting file, and those of its bank's lists."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flask import g, render_template, request, url_for
from werkzeug.wrappers import Response as WebResponse

from agreements import trading_run
from agreements.posting_template import FIELDS, MOST_COLUMNS
from billing.payment import run as payments
from billing.payment import store as payment_store
from exports.posting_file import run as posting_files
from foundation.database import Database
from foundation.errors import BadInput, N_, Problems
from foundation.money import kroner
from portal.access.scope import Deed, issuers_agreement, issuers_agreements
from portal.background import Outcome, Told
from portal.finance import pages, work
from portal.finance.asked import day_of, text_of, tried
from portal.finance.setup import require_issuer
from portal.language import _
from portal.pages import connection, occasion, person, seen, today, who_may
from portal.parts import choices, name_of

LONGEST_NAME = 60


class DaysTurned(BadInput):
    """A stretch of days that ends before it begins."""

    danish = N_("«Fra» er {first} og «til» er {last}. Vælg en dag, der kommer før, som den første.")


@pages.get("/opsaetning/posteringsfil")
@who_may(Deed.READ)
def setup_posting(place: str) -> str:
    """The columns, and a form that makes the file of some days."""
    columns = trading_run.posting_columns(connection(), place)
    return _posting_page(place, "\n".join(str(each) for each in columns))


def _posting_page(place: str, columns: str, problems: Problems | None = None) -> str:
    last = today().replace(day=1) - timedelta(days=1)
    codes = tuple(issuers_agreements(connection(), place)) if g.issues else ()
    return render_template(
        "finance/setup/posting.html",
        columns=columns,
        problems=problems,
        fields=FIELDS,
        codes=choices([("", _("alle aftaler")), *((code, code) for code in codes)], ""),
        issues=g.issues,
        first=last.replace(day=1),
        last=last,
        may_set=person().may(Deed.PREPARE, place) and g.issues,
    )


@pages.post("/opsaetning/posteringsfil")
@who_may(Deed.PREPARE)
def setup_posting_keep(place: str) -> Any:  # noqa: ANN401 - a page, with its status where it is refused
    """Choose the columns: one a line, ``Overskrift=felt``."""
    require_issuer(place)
    given = request.form.get("columns", "")[: MOST_COLUMNS * 200]
    texts = [line.strip() for line in given.splitlines() if line.strip()]
    try:
        with tried() as opened:
            trading_run.set_posting_columns(opened, place, texts, occasion())
    except Problems as problems:
        return _posting_page(place, given, problems), 400
    return seen("finance.setup_posting", place=place)


@pages.post("/posteringsfil")
@who_may(Deed.READ)
def posting_file(place: str) -> WebResponse:
    """Begin to write what the issuer's own system is to book of some days."""
    require_issuer(place)
    first, last = day_of("from", _("Fra")), day_of("to", _("Til og med"))
    if first > last:
        raise DaysTurned(first=first, last=last)
    code = text_of("agreement")
    if code:
        issuers_agreement(connection(), place, code)
    return work.begin(
        place,
        _("Skriver posteringsfilen for {name}").format(name=name_of(place)),
        url_for("finance.setup_posting", place=place),
        Postings(place, first, last, code or None, request.form.get("internal") == "1"),
    )


@dataclass(frozen=True, slots=True)
class Postings:
    """The writing of a posting file."""

    issuer: str
    first: date
    last: date
    agreement: str | None
    with_internal: bool

    def __call__(self, database: Database, told: Told) -> Outcome:
        """Write it, and say what it sums to."""
        told(0, 1, _("læser bilagene"))
        with database.reading() as own, tempfile.TemporaryDirectory() as folder:
            made = posting_files.write_posting_file(
                own,
                self.issuer,
                self.first,
                self.last,
                Path(folder),
                agreement=self.agreement,
                with_internal=self.with_internal,
            )
            content = made.path.read_bytes()
        said = _("{documents} bilag, {postings} posteringer, debet og kredit {amount}")
        return Outcome(
            said.format(documents=made.documents, postings=made.postings, amount=kroner(made.debit_oere)),
            made.path.name,
            content,
        )


def bank_words() -> dict[str, str]:
    """What the columns of a bank's list are."""
    return {
        "booked_on": _("Bogføringsdag"),
        "value_date": _("Rentedato"),
        "amount": _("Beløb"),
        "text": _("Tekst"),
        "reference": _("Betalingsreference"),
        "payer": _("Betaler"),
        "bank_reference": _("Bankens reference"),
        "balance": _("Saldo"),
        "currency": _("Valuta"),
        "account_column": _("Konto (kolonne)"),
        "account": _("Kontoen selv, hvis ingen kolonne siger den"),
    }


@pages.get("/opsaetning/bankfil")
@who_may(Deed.READ)
def setup_bank(place: str) -> str:
    """What the columns of the bank's CSV files are called."""
    return render_template(
        "finance/setup/bank.html",
        names=asdict(payment_store.read_columns(connection(), place)),
        words=bank_words(),
        may_set=person().may(Deed.PREPARE, place),
    )


@pages.post("/opsaetning/bankfil")
@who_may(Deed.PREPARE)
def setup_bank_keep(place: str) -> WebResponse:
    """Keep what they are called; an empty name is a column that the headings tell."""
    require_issuer(place)
    named = {name: text_of(name, LONGEST_NAME) for name in bank_words() if name in request.form}
    payments.set_columns(connection(), place, named, occasion())
    return seen("finance.setup_bank", place=place)
