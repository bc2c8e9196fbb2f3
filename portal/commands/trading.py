"""The commands on what e-invoices need: issuer details, party, service, details (a file of many; what is missing)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from agreements import run as agreements
from agreements import trading_run
from agreements.trading import VAT_CODES, EndpointKind, PaymentMeans, UnfitDocuments
from agreements.trading_run import DetailChange
from portal.commands.door import FILE, MUNICIPALITY, Door, command, name_of, new_group, read_file, table
from portal.commands.running import issuer_group
from portal.language import _

party_group = new_group("party", _("Modtagere: GLN, reference, ordrenummer, kontostreng."))
service_group = new_group("service", _("Ydelser: moms og konti."))
details_group = new_group("details", _("Oplysninger til e-fakturaer: indlæs mange ad gangen, se hvad der mangler."))

GROUPS = (party_group, service_group, details_group)


def _given(values: Mapping[str, str | None]) -> dict[str, str]:
    return trading_run.tidy({name: text for name, text in values.items() if text is not None})


def _change_answer(change: DetailChange) -> dict[str, Any]:
    return {
        "changed": [
            {
                "kind": key[0],
                "key": list(key[1:]),
                "fields": {name: {"before": before, "after": after} for name, (before, after) in told.items()},
            }
            for key, told in change.changed.items()
        ],
        "unchanged": change.unchanged,
    }


def _words() -> dict[str, str]:
    return {
        "gln": _("GLN"),
        "vat_number": _("momsnummer"),
        "endpoint": _("adresseret ved"),
        "means": _("betalingskode"),
        "registration_number": _("registreringsnummer"),
        "account_number": _("kontonummer"),
        "iban": _("IBAN"),
        "bic": _("BIC"),
        "fik_card": _("FIK-kortart"),
        "creditor_number": _("kreditornummer"),
        "contact": _("kontakt (afdeling)"),
        "phone": _("telefon"),
        "mail": _("mail"),
        "street": _("vej"),
        "postal_code": _("postnummer"),
        "city": _("by"),
        "buyer_reference": _("reference"),
        "order_reference": _("ordrenummer"),
        "accounting_cost": _("modtagerens kontostreng"),
        "vat_code": _("momskode"),
        "vat_reason": _("momsbegrundelse"),
        "own_account": _("egen konto"),
        "counter_account": _("modkonto"),
        "unfit": _("bilag, der ikke kan blive e-fakturaer"),
    }


def _show_change(out: Console, change: DetailChange) -> None:
    if not change.changed:
        out.print(_("Intet er ændret; oplysningerne var der allerede."))
        return
    words = _words()
    rows = [
        (" ".join(_named(part) for part in key[1:]), words[name], before or "-", after or "-")
        for key, told in change.changed.items()
        for name, (before, after) in told.items()
    ]
    out.print(table("", [_("Hvem"), _("Oplysning"), _("Før"), _("Nu")], rows))


def _named(part: str) -> str:
    return name_of(part) or "-"


def _tell_change(door: Door, change: DetailChange) -> None:
    door.tell(_change_answer(change), lambda out: _show_change(out, change))


def _tell_values(door: Door, kind: str, wanted: tuple[str, ...]) -> None:
    """Show what is entered of a kind, for keys that begin so."""
    with door.database.reading() as connection:
        found = trading_run.entered(connection, kind)
    chosen = {key: values for key, values in found.items() if key[: len(wanted)] == wanted}
    answer = [{"key": list(key), **values} for key, values in chosen.items()]
    words = _words()

    def people(out: Console) -> None:
        rows = [
            (" ".join(_named(part) for part in key), words[name], text)
            for key, values in chosen.items()
            for name, text in values.items()
            if text
        ]
        if not rows:
            out.print(_("Der er ikke indtastet noget."))
            return
        out.print(table("", [_("Hvem"), _("Oplysning"), _("Værdi")], rows))

    door.tell(answer, people)


_street = click.option("--street", metavar=_("TEKST"), help=_("Vej og nummer."))
_postal_code = click.option("--postal-code", metavar=_("TEKST"), help=_("Postnummer."))
_city = click.option("--city", metavar=_("TEKST"), help=_("By."))
_endpoint = click.option(
    "--endpoint",
    type=click.Choice([*(each.value for each in EndpointKind), ""]),
    help=_("Adressér ved GLN eller CVR-nummer; ellers GLN, hvis der er et."),
)


@command(issuer_group, "details")
@click.argument("municipality", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.option("--vat-number", metavar=_("DK12345678"), help=_("Momsnummer; kræves, når ydelser er momsfritaget."))
@_endpoint
@click.option(
    "--means",
    type=click.Choice([*(each.value for each in PaymentMeans), ""]),
    help=_("Betaling: 42 konto, 58 IBAN, 93 FIK, 97 NemKonto."),
)
@click.option("--registration-number", metavar=_("CIFRE"), help=_("Registreringsnummer, fire cifre."))
@click.option("--account-number", metavar=_("CIFRE"), help=_("Kontonummer."))
@click.option("--iban", metavar="IBAN", help=_("IBAN."))
@click.option("--bic", metavar="BIC", help=_("BIC (SWIFT)."))
@click.option("--fik-card", type=click.Choice(["71", "73", "75", ""]), help=_("FIK-kortart."))
@click.option("--creditor-number", metavar=_("CIFRE"), help=_("FIK-kreditornummer, otte cifre."))
@click.option("--contact", metavar=_("TEKST"), help=_("En afdeling, ikke en person."))
@click.option("--phone", metavar=_("TEKST"), help=_("Afdelingens telefon."))
@click.option("--mail", metavar=_("TEKST"), help=_("Afdelingens mail."))
@_street
@_postal_code
@_city
@click.option(
    "--unfit",
    type=click.Choice([*(each.value for each in UnfitDocuments), ""]),
    help=_(
        "Et bilag, der ikke kan blive en e-faktura: refused udsteder det ikke (gælder, når intet er valgt), "
        "warned udsteder det alligevel."
    ),
)
def issuer_details(door: Door, municipality: str, **values: str | None) -> None:
    """Indtast en udsteders oplysninger til e-fakturaer; uden valg vises de.

    Det, der ikke nævnes, bliver stående. En tom tekst sletter oplysningen.
    """
    given = _given(values)
    if not given:
        _tell_values(door, "issuer", (municipality,))
        return
    with door.database.transaction() as connection:
        change = trading_run.set_issuer(connection, municipality, given, door.occasion)
    _tell_change(door, change)


@command(party_group, "set")
@click.argument("agreement", metavar=_("KODE"))
@click.argument("municipality", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.option("--gln", metavar=_("CIFRE"), help=_("EAN-nummer (GLN), 13 cifre; skrives i aftalen."))
@_endpoint
@click.option("--buyer-reference", metavar=_("TEKST"), help=_("Modtagerens reference, fx en afdeling."))
@click.option("--order-reference", metavar=_("TEKST"), help=_("Modtagerens ordre- eller rekvisitionsnummer."))
@click.option("--accounting-cost", metavar=_("TEKST"), help=_("Modtagerens kontostreng."))
@_street
@_postal_code
@_city
def set_party(door: Door, agreement: str, municipality: str, **values: str | None) -> None:
    """Indtast, hvad en kommune vil have på sine fakturaer i en aftale.

    Det, der ikke nævnes, bliver stående. En tom tekst sletter oplysningen.
    """
    given = _given(values)
    if not given:
        raise click.UsageError(_("Angiv mindst én oplysning, fx --buyer-reference."))
    with door.database.transaction() as connection:
        change = trading_run.set_buyer(connection, agreement, municipality, given, door.occasion)
    _tell_change(door, change)


@command(party_group, "show")
@click.argument("agreement", metavar=_("KODE"))
def show_parties(door: Door, agreement: str) -> None:
    """Vis, hvad der er indtastet om kommunerne i en aftale."""
    with door.database.reading() as connection:
        agreements.get(connection, agreement)
    _tell_values(door, "buyer", (agreement,))


@command(service_group, "set")
@click.argument("agreement", metavar=_("KODE"))
@click.argument("service", metavar=_("YDELSE"))
@click.option(
    "--vat",
    "vat_code",
    type=click.Choice([*VAT_CODES, ""]),
    help=_(
        "132-1B/-1C sundhed, 132-1G/-1H social, VATEX-EU-O uden for momsloven; ellers efter aftalens lovhenvisning."
    ),
)
@click.option("--vat-reason", metavar=_("TEKST"), help=_("Begrundelsen i ord; ellers aftalens."))
@click.option("--own-account", metavar=_("KONTOSTRENG"), help=_("Udsteders konto, der debiteres i posteringsfilen."))
@click.option("--counter-account", metavar=_("KONTOSTRENG"), help=_("Modkontoen, der krediteres."))
def set_service(door: Door, agreement: str, service: str, **values: str | None) -> None:
    """Indtast en ydelses moms og konti; ydelsen "-" er de linjer, der ikke hører til nogen ydelse.

    Det, der ikke nævnes, bliver stående. En tom tekst sletter oplysningen.
    """
    given = _given(values)
    if not given:
        raise click.UsageError(_("Angiv mindst én oplysning, fx --vat."))
    code = "" if service == "-" else service
    with door.database.transaction() as connection:
        change = trading_run.set_service(connection, agreement, code, given, door.occasion)
    _tell_change(door, change)


@command(service_group, "show")
@click.argument("agreement", metavar=_("KODE"))
def show_services(door: Door, agreement: str) -> None:
    """Vis ydelsernes moms og konti, som de er indtastet."""
    with door.database.reading() as connection:
        agreements.get(connection, agreement)
    _tell_values(door, "service", (agreement,))


@command(details_group, "load")
@click.argument("file", type=FILE, metavar=_("FIL"))
def load(door: Door, file: Path) -> None:
    """Indlæs oplysninger for mange ad gangen: TOML, eller CSV med en linje pr. modtager."""
    content = read_file(file)
    with door.database.transaction() as connection:
        change = trading_run.load_details(connection, file.name, content, door.occasion)
    _tell_change(door, change)


@command(details_group, "missing")
@click.argument("agreement", metavar=_("KODE"))
def missing(door: Door, agreement: str) -> None:
    """Vis, hvad der mangler, før aftalens fakturaer kan sendes elektronisk."""
    with door.database.reading() as connection:
        found = trading_run.missing_of_members(connection, agreement, door.business_date)
    answer = {
        "agreement": agreement,
        "missing": [
            {"municipality": code, "findings": [{"rule": each.rule, "message": each.text(_)} for each in findings]}
            for code, findings in found.items()
            if findings
        ],
    }

    def people(out: Console) -> None:
        whole = [finding for findings in found.values() for finding in findings]
        if not whole:
            out.print(_("Intet mangler."))
            return
        shared = [finding for finding in dict.fromkeys(whole) if whole.count(finding) == len(found) > 1]
        rows = [(_("alle"), finding.text(_)) for finding in shared]
        rows += [
            (name_of(code), finding.text(_))
            for code, findings in found.items()
            for finding in findings
            if finding not in shared
        ]
        out.print(table("", [_("Kommune"), _("Mangler")], rows))

    door.tell(answer, people)
