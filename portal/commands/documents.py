"""The commands on how documents leave: invoice xml, invoice pdf, posting-file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from sqlalchemy import Connection

from agreements import run as agreements
from agreements import trading_run
from billing.invoice import run as invoices
from billing.invoice import store as invoice_store
from billing.invoice.facts import IssuedDocument
from foundation.money import kroner
from portal.commands.billing import invoice_group
from portal.commands.door import DATE, FILE, MONTH, MUNICIPALITY, PARTLY_DONE, REFUSED, Door, command, new_group
from portal.language import _

if TYPE_CHECKING:
    from exports.e_invoice.run import Written
    from foundation.period import Month

posting_group = new_group("posting-file", _("Posteringsfiler til økonomisystemet: skriv, vælg kolonner."))

GROUPS = (posting_group,)


def chosen(
    connection: Connection,
    numbers: tuple[str, ...],
    *,
    every: bool,
    issuer: str | None,
    agreement: str | None,
    month: Month | None,
) -> list[IssuedDocument]:
    """The documents that a command names: by number, or all that are sent, by month or agreement.

    Raises:
        InvoiceUnknown, SeveralIssuers.
    """
    if bool(numbers) == every:
        raise click.UsageError(_("Angiv enten numre eller --all."))
    if numbers:
        return [invoices.find_document(connection, number, issuer)[1] for number in dict.fromkeys(numbers)]
    if agreement is not None:
        agreements.get(connection, agreement)
    found = invoice_store.documents(
        connection,
        agreement=agreement,
        from_day=month.period.from_day if month else None,
        to_day=month.period.to_day if month else None,
    )
    return [
        document
        for document in found
        if not document.internal and (issuer is None or document.issuer.municipality == issuer)
    ]


_out = click.option(
    "--out",
    type=FILE,
    default=Path(),
    metavar=_("MAPPE"),
    help=_("Mappen, der skrives i; ellers den aktuelle."),
)


@command(invoice_group, "xml")
@click.argument("numbers", nargs=-1, metavar=_("[NUMMER]..."))
@click.option("--all", "every", is_flag=True, help=_("Alle bilag, der sendes; interne er ikke med."))
@click.option("--agreement", metavar=_("KODE"), help=_("Med --all: kun denne aftales."))
@click.option("--month", type=MONTH, metavar=_("ÅÅÅÅ-MM"), help=_("Med --all: kun denne måneds."))
@click.option("--issuer", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Udstederens kode, hvis flere har nummeret."))
@_out
def write_xml(
    door: Door,
    numbers: tuple[str, ...],
    every: bool,
    agreement: str | None,
    month: Month | None,
    issuer: str | None,
    out: Path,
) -> None:
    """Skriv bilag som e-fakturaer (Peppol BIS Billing 3.0), én fil pr. bilag.

    Bilag, der ikke opfylder reglerne, skrives ikke; de nævnes med reglens nummer. Status 1, hvis intet blev skrevet,
    3, hvis noget blev.
    """
    from exports.e_invoice import run as e_invoices

    with door.database.reading() as connection:
        wanted = chosen(connection, numbers, every=every, issuer=issuer, agreement=agreement, month=month)
        written = e_invoices.write_e_invoices(connection, wanted, out)
    tell_written(door, written)


@command(invoice_group, "pdf")
@click.argument("numbers", nargs=-1, metavar=_("[NUMMER]..."))
@click.option("--all", "every", is_flag=True, help=_("Alle bilag, der sendes; interne er ikke med."))
@click.option("--agreement", metavar=_("KODE"), help=_("Med --all: kun denne aftales."))
@click.option("--month", type=MONTH, metavar=_("ÅÅÅÅ-MM"), help=_("Med --all: kun denne måneds."))
@click.option("--issuer", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Udstederens kode, hvis flere har nummeret."))
@_out
def write_pdf(
    door: Door,
    numbers: tuple[str, ...],
    every: bool,
    agreement: str | None,
    month: Month | None,
    issuer: str | None,
    out: Path,
) -> None:
    """Skriv bilag som PDF, som en person læser dem; side to viser, hvordan hvert beløb er fremkommet.

    E-fakturaen ligger i filen, når bilaget opfylder reglerne; ellers siges det, hvad der mangler.
    """
    from exports.pdf import run as pdfs

    with door.database.reading() as connection:
        wanted = chosen(connection, numbers, every=every, issuer=issuer, agreement=agreement, month=month)
        written = pdfs.write_pdfs(connection, wanted, out)
    answer = written_answer(written)
    door.tell(
        {"files": answer["files"], "without_e_invoice": answer["refused"]},
        lambda console: console.print("\n".join(str(each.path) for each in written.files)),
    )
    for error in written.refused:
        door.note(_("{number}: filen er uden e-faktura.").format(number=error.facts["number"]))
        door.note(error.text(_))


def written_answer(written: Written) -> dict[str, Any]:
    """What programs are told of written files."""
    return {
        "files": [{"number": each.number, "file": str(each.path)} for each in written.files],
        "refused": [
            {
                "number": str(error.facts["number"]),
                "findings": [{"rule": found.rule, "message": found.text(_)} for found in error.findings],
            }
            for error in written.refused
        ],
    }


def tell_written(door: Door, written: Written) -> None:
    """Tell what was written and what was not, and end with the status that says so."""

    def people(out: Console) -> None:
        for each in written.files:
            out.print(str(each.path))
        if not written.files and not written.refused:
            out.print(_("Der er ingen bilag at skrive."))

    door.tell(written_answer(written), people)
    for error in written.refused:
        door.note(error.text(_))
    if written.refused:
        raise SystemExit(PARTLY_DONE if written.files else REFUSED)


@command(posting_group, "write")
@click.argument("issuer", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.option("--month", type=MONTH, metavar=_("ÅÅÅÅ-MM"), help=_("Bilag dateret i denne måned."))
@click.option("--from", "from_day", type=DATE, metavar=_("DATO"), help=_("Bilag dateret fra denne dag."))
@click.option("--to", "to_day", type=DATE, metavar=_("DATO"), help=_("Bilag dateret til og med denne dag."))
@click.option("--agreement", metavar=_("KODE"), help=_("Kun denne aftales linjer."))
@click.option("--internal", is_flag=True, help=_("Også interne bilag, fx udstederens egen andel."))
@_out
def write_postings(
    door: Door,
    issuer: str,
    month: Month | None,
    from_day: date | None,
    to_day: date | None,
    agreement: str | None,
    internal: bool,
    out: Path,
) -> None:
    """Skriv en udsteders posteringer som CSV: hver linje på sin konto og sin modkonto, så filen stemmer."""
    first = month.period.from_day if month else from_day
    last = month.period.last_day if month else to_day
    if first is None or last is None or first > last or (month and (from_day or to_day)):
        raise click.UsageError(_("Angiv enten --month eller både --from og --to."))
    from exports.posting_file import run as posting_files

    with door.database.reading() as connection:
        written = posting_files.write_posting_file(
            connection,
            issuer,
            first,
            last,
            out,
            agreement=agreement,
            with_internal=internal,
        )
    answer = {
        "file": str(written.path),
        "documents": written.documents,
        "postings": written.postings,
        "debit_oere": written.debit_oere,
    }

    def people(console: Console) -> None:
        console.print(str(written.path))
        console.print(
            _("{documents} bilag, {postings} posteringer, debet og kredit {amount}").format(
                documents=written.documents,
                postings=written.postings,
                amount=kroner(written.debit_oere),
            ),
        )

    door.tell(answer, people)


@command(posting_group, "columns")
@click.argument("issuer", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.argument("columns", nargs=-1, metavar=_("[OVERSKRIFT=FELT]..."))
def posting_columns(door: Door, issuer: str, columns: tuple[str, ...]) -> None:
    """Vælg kolonnerne i en udsteders posteringsfil, fx Kontostreng=account; uden valg vises de."""
    if columns:
        with door.database.transaction() as connection:
            found = trading_run.set_posting_columns(connection, issuer, columns, door.occasion)
    else:
        with door.database.reading() as connection:
            found = trading_run.posting_columns(connection, issuer)
    answer = {"issuer": issuer, "columns": [{"heading": each.heading, "field": each.field.value} for each in found]}
    door.tell(answer, lambda console: console.print("\n".join(str(each) for each in found)))
