"""Invoices and statements to fetch: one by one, or all of a year at once."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from flask import Response, render_template, request, url_for
from sqlalchemy import Connection

from billing.invoice import store as invoice_store
from billing.invoice.store import Order, Wanted
from billing.payment import store as payment_store
from billing.usage_statement.facts import UsagePeriod
from billing.usage_statement.run import UsageNotReleased
from exports.e_invoice import run as e_invoices
from foundation.errors import N_, NotFound, RuleBroken
from foundation.period import NotAPeriod
from portal import document_files
from portal.access.scope import Deed, members_agreement, members_agreements
from portal.municipality import pages
from portal.own_figures import address_of, own_statements, statement_file
from portal.pages import connection, download, today, who_may
from portal.parts import name_of
from portal.searching import place_from, year_from

SHOWN = 50
MOST_TOGETHER = 500
ZIP = "application/zip"


class NothingOfTheYear(NotFound):
    """A year of which the municipality has received nothing."""

    danish = N_("{name} har intet modtaget for {year}. Vælg et andet år på siden med regninger.")


class TooMuchTogether(RuleBroken):
    """More than is packed while somebody waits."""

    danish = N_(
        "{name} har {count} bilag for {year}, og der pakkes højst {most} på én gang. Hent dem enkeltvis, eller brug "
        "API'et."
    )


@pages.get("/regninger")
@who_may(Deed.READ)
def invoices(place: str) -> str:
    """What the municipality received, the newest first, with what of it is open."""
    year = year_from(request.args.get("year", ""))
    after = place_from(request.args.get("after", ""), Order.ISSUED)
    wanted = Wanted(subscriber=place, year=year, with_internal=False)
    page = invoice_store.page(connection(), wanted, after=after, size=SHOWN)
    as_of = today()
    settled = payment_store.settled_of(connection(), {(head.issuer, head.number) for head in page.heads}, as_of)
    return render_template(
        "municipality/invoices.html",
        page=page,
        open_oere={
            head.id: head.amount_oere - settled.get((head.issuer, head.number), 0)
            for head in page.heads
            if not head.internal
        },
        year=year,
        today=as_of,
        first=url_for("municipality.invoices", place=place, year=year) if after else None,
        following=url_for(
            "municipality.invoices", place=place, year=year, after=f"{page.next_after[0]}_{page.next_after[1]}"
        )
        if page.next_after
        else None,
    )


@pages.get("/regninger/<int:year>.zip")
@who_may(Deed.READ)
def year_as_zip(place: str, year: int) -> Response:
    """All of a year: every document as PDF and e-invoice, and the usage statements."""
    if year_from(str(year)) is None:
        raise NothingOfTheYear(name=name_of(place), year=year)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files_of_year(connection(), place, year):
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
        names = archive.namelist()
    if not names:
        raise NothingOfTheYear(name=name_of(place), year=year)
    return download(packed.getvalue(), f"{year} {name_of(place)} regninger og opgørelser.zip", ZIP)


def files_of_year(opened: Connection, place: str, year: int) -> Iterator[tuple[str, bytes]]:
    """(name, content) of everything that a municipality received for a year.

    Raises:
        TooMuchTogether.
    """
    from exports.pdf import run as pdfs  # noqa: PLC0415 - slow to import, and only here

    found = [
        document
        for document in invoice_store.documents(
            opened, subscriber=place, from_day=date(year, 1, 1), to_day=date(year + 1, 1, 1)
        )
        if not document.internal
    ]
    if len(found) > MOST_TOGETHER:
        raise TooMuchTogether(name=name_of(place), count=len(found), year=year, most=MOST_TOGETHER)
    # Issuers have numbers alike; two of them would overwrite each other.
    stems = {
        id(each): f"{name_of(each.issuer.municipality)} {document_files.stem(each)}".replace("/", "-") for each in found
    }
    if found:
        for document, content, _lack in pdfs.pdfs(opened, found):
            yield f"{stems[id(document)]}.pdf", content
    with tempfile.TemporaryDirectory() as folder:
        for issuer in sorted({each.issuer.municipality for each in found}):
            of_issuer = [each for each in found if each.issuer.municipality == issuer]
            by_number = {each.number: each for each in of_issuer}
            for file in e_invoices.write_e_invoices(opened, of_issuer, Path(folder) / issuer).files:
                yield f"{stems[id(by_number[file.number])]}.xml", file.path.read_bytes()
    for head in own_statements(opened, place):
        if head.period.year == year:
            for kind in ("pdf", "xlsx"):
                yield statement_file(opened, head.agreement, head.period, place, kind)


@pages.get("/opgoerelser")
@who_may(Deed.READ)
def statements(place: str) -> str:
    """The usage statements that the municipality gets."""
    return render_template(
        "municipality/statements.html",
        heads=own_statements(connection(), place),
        agreed=members_agreements(connection(), place),
        address_of=address_of,
    )


@pages.get("/opgoerelser/<code>/<period>.<any(pdf,xlsx):kind>")
@who_may(Deed.READ)
def statement(place: str, code: str, period: str, kind: str) -> Response:
    """One usage statement as a file."""
    members_agreement(connection(), place, code)
    try:
        wanted = UsagePeriod.parse(period.replace("_", "/"))
    except NotAPeriod as error:
        raise UsageNotReleased(agreement=code, period=period[:20]) from error
    name, content = statement_file(connection(), code, wanted, place, kind)
    return download(content, name, document_files.TYPES[kind])
