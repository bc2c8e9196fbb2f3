"""What e-invoices and posting files need beside the agreement: the issuer's own details, the payers', the services'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request

from agreements import store as agreement_store
from agreements import trading_run
from agreements.agreement import Agreement
from agreements.trading import VAT_CODES, EndpointKind, PaymentMeans, UnfitDocuments
from agreements.trading_file import read_trading_file
from agreements.trading_run import DetailChange
from agreements.trading_values import BUYER_FIELDS, ISSUER_FIELDS, SERVICE_FIELDS
from foundation.errors import N_, NotFound, Problems
from portal.access.scope import Deed, issuers_agreement
from portal.finance import pages
from portal.finance.asked import text_of, tried
from portal.finance.setup import require_issuer
from portal.language import _
from portal.pages import connection, occasion, person, seen, today, upload, who_may
from portal.parts import choices, name_of

FILES = (".toml", ".csv", ".txt")
NO_SERVICE = "-"  # in an address: the lines that are of no service
BUYERS = ("gln", *BUYER_FIELDS)


class PartyUnknown(NotFound):
    """A municipality or a service that is none of the agreement's."""

    danish = N_("{name} hører ikke til aftalen «{agreement}». Vælg en på siden «Modtagere og ydelser».")


def field_words() -> dict[str, tuple[str, str]]:
    """What each field is called, and a hint."""
    return {
        "gln": (_("EAN-nummer (GLN)"), _("13 cifre; skrives i aftalen")),
        "vat_number": (_("Momsnummer"), _("DK og otte cifre; kræves, når ydelser er momsfritaget")),
        "endpoint": (_("Adresseres ved"), _("Vælges intet, er det GLN, hvis der er et")),
        "means": (_("Betales ved"), ""),
        "registration_number": (_("Registreringsnummer"), _("Fire cifre")),
        "account_number": (_("Kontonummer"), _("Højst ti cifre")),
        "iban": (_("IBAN"), ""),
        "bic": (_("BIC (SWIFT)"), ""),
        "fik_card": (_("FIK-kortart"), ""),
        "creditor_number": (_("FIK-kreditornummer"), _("Otte cifre")),
        "contact": (_("Kontakt"), _("En afdeling, ikke en person")),
        "phone": (_("Afdelingens telefon"), ""),
        "mail": (_("Afdelingens mail"), ""),
        "street": (_("Vej og nummer"), ""),
        "postal_code": (_("Postnummer"), ""),
        "city": (_("By"), ""),
        "unfit": (_("Bilag, der ikke kan blive e-fakturaer"), ""),
        "buyer_reference": (_("Reference"), _("Modtagerens, fx en afdeling")),
        "order_reference": (_("Ordrenummer"), _("Modtagerens ordre- eller rekvisitionsnummer")),
        "accounting_cost": (_("Kontostreng"), _("Modtagerens egen")),
        "vat_code": (_("Moms"), _("Vælges intet, er det efter aftalens lovhenvisning")),
        "vat_reason": (_("Momsbegrundelse"), _("I ord; ellers aftalens")),
        "own_account": (_("Egen konto"), _("Udstederens kontostreng, der debiteres")),
        "counter_account": (_("Modkonto"), _("Kontostrengen, der krediteres")),
    }


def _options() -> dict[str, dict[str, str]]:
    """The fields that are chosen and not typed: value -> words."""
    return {
        "endpoint": {"": _("intet valgt"), EndpointKind.GLN: _("GLN"), EndpointKind.CVR: _("CVR-nummer")},
        "means": {
            "": _("intet valgt"),
            PaymentMeans.ACCOUNT: _("konto (42)"),
            PaymentMeans.IBAN: _("IBAN (58)"),
            PaymentMeans.FIK: _("FIK (93)"),
            PaymentMeans.NEMKONTO: _("NemKonto (97)"),
        },
        "fik_card": {"": _("intet valgt"), "71": "71", "73": "73", "75": "75"},
        "unfit": {
            "": _("intet valgt (udstedes ikke)"),
            UnfitDocuments.REFUSED: _("udstedes ikke"),
            UnfitDocuments.WARNED: _("udstedes alligevel, med advarsel"),
        },
        "vat_code": {"": _("intet valgt"), **{code: code for code in VAT_CODES}},
    }


def _form(fields: tuple[str, ...], values: Mapping[str, str]) -> list[tuple[str, str, str, str, Any]]:
    """Each field for a form: name, words, hint, value, and the options where it is chosen."""
    words, options = field_words(), _options()
    return [
        (
            name,
            *words[name],
            values.get(name, ""),
            choices(list(options[name].items()), values.get(name, "")) if name in options else None,
        )
        for name in fields
    ]


def _given(fields: tuple[str, ...]) -> dict[str, str]:
    """What was typed into the fields that the form has; one that it has not is left as it is."""
    return trading_run.tidy({name: text_of(name) for name in fields if name in request.form})


@pages.get("/opsaetning/udsteder")
@who_may(Deed.READ)
def setup_issuer(place: str) -> str:
    """What the issuer's documents say of it."""
    return _issuer_page(place, trading_run.entered(connection(), "issuer").get((place,), {}))


def _issuer_page(place: str, values: Mapping[str, str], problems: Problems | None = None) -> str:
    return render_template(
        "finance/setup/issuer.html",
        fields=_form(ISSUER_FIELDS, values),
        problems=problems,
        may_set=person().may(Deed.PREPARE, place),
    )


@pages.post("/opsaetning/udsteder")
@who_may(Deed.PREPARE)
def setup_issuer_keep(place: str) -> Any:  # noqa: ANN401 - a page, with its status where it is refused
    """Keep them, all or nothing."""
    require_issuer(place)
    given = _given(ISSUER_FIELDS)
    try:
        with tried() as opened:
            trading_run.set_issuer(opened, place, given, occasion())
    except Problems as problems:
        return _issuer_page(place, given, problems), 400
    return seen("finance.setup_issuer", place=place)


@pages.get("/opsaetning/modtagere/<code>")
@who_may(Deed.READ)
def setup_parties(place: str, code: str) -> str:
    """What is entered of an agreement's payers and services, and what is missing."""
    return _parties_page(place, issuers_agreement(connection(), place, code))


def _parties_page(
    place: str, found: Agreement, problems: Problems | None = None, change: DetailChange | None = None
) -> str:
    buyers, services = trading_run.entered(connection(), "buyer"), trading_run.entered(connection(), "service")
    missing = trading_run.missing_of_members(connection(), found.code, today())
    each = [finding for findings in missing.values() for finding in findings]
    shared = [finding for finding in dict.fromkeys(each) if each.count(finding) == len(missing) > 1]
    return render_template(
        "finance/setup/parties.html",
        code=found.code,
        parties=[
            (
                who,
                {"gln": gln, **buyers.get((found.code, who), {})},
                [finding for finding in missing.get(who, ()) if finding not in shared],
            )
            for who, gln in _parties_of(found).items()
        ],
        services=[
            (service, title, services.get((found.code, service), {})) for service, title in _services_of(found).items()
        ],
        no_service=NO_SERVICE,
        shared=shared,
        words=field_words(),
        problems=problems,
        changed=None if change is None else setup_change_words(change),
        endings=",".join(FILES),
        may_set=person().may(Deed.PREPARE, place),
    )


def _parties_of(found: Agreement) -> dict[str, str]:
    """Who takes or took part in an agreement, or is named in it as a buyer -> its GLN there, by name."""
    glns = {party.municipality: party.gln for party in found.parties}
    members = {period.municipality for period in agreement_store.members(connection(), found.code)}
    named = {who for agreement, who in trading_run.entered(connection(), "buyer") if agreement == found.code}
    codes = sorted({*found.subscribers, *members, *glns, *named} - {found.issuer}, key=name_of)
    return {code: glns.get(code, "") for code in codes}


def _services_of(found: Agreement) -> dict[str, str]:
    return {**{each.code: each.title for each in found.billed_services}, "": _("Linjer uden ydelse")}


@pages.get("/opsaetning/modtagere/<code>/kommune/<place:who>")
@who_may(Deed.READ)
def setup_party(place: str, code: str, who: str) -> str:
    """What one payer wants on its invoices of an agreement."""
    found, gln = _party(place, code, who)
    entered = trading_run.entered(connection(), "buyer").get((code, who), {})
    return _one_page(place, found, name_of(who), _form(BUYERS, {"gln": gln, **entered}))


def _party(place: str, code: str, who: str) -> tuple[Agreement, str]:
    found = issuers_agreement(connection(), place, code)
    parties = _parties_of(found)
    if who not in parties:
        raise PartyUnknown(name=name_of(who), agreement=code)
    return found, parties[who]


def _one_page(place: str, found: Agreement, name: str, fields: Any, problems: Problems | None = None) -> str:  # noqa: ANN401 - of _form
    return render_template(
        "finance/setup/one.html",
        code=found.code,
        name=name,
        fields=fields,
        problems=problems,
        may_set=person().may(Deed.PREPARE, place),
    )


@pages.post("/opsaetning/modtagere/<code>/kommune/<place:who>")
@who_may(Deed.PREPARE)
def setup_party_keep(place: str, code: str, who: str) -> Any:  # noqa: ANN401 - a page, with its status where it is refused
    """Keep it; a GLN becomes a new version of the agreement."""
    found, _gln = _party(place, code, who)
    given = _given(BUYERS)
    try:
        with tried() as opened:
            trading_run.set_buyer(opened, code, who, given, occasion())
    except Problems as problems:
        return _one_page(place, found, name_of(who), _form(BUYERS, given), problems), 400
    return seen("finance.setup_parties", place=place, code=code)


@pages.get("/opsaetning/modtagere/<code>/ydelse/<service>")
@who_may(Deed.READ)
def setup_service(place: str, code: str, service: str) -> str:
    """How one service is taxed and booked."""
    found, known, title = _service(place, code, service)
    entered = trading_run.entered(connection(), "service").get((code, known), {})
    return _one_page(place, found, title, _form(SERVICE_FIELDS, entered))


def _service(place: str, code: str, service: str) -> tuple[Agreement, str, str]:
    found = issuers_agreement(connection(), place, code)
    known = "" if service == NO_SERVICE else service
    services = _services_of(found)
    if known not in services:
        raise PartyUnknown(name=service[:40], agreement=code)
    return found, known, services[known]


@pages.post("/opsaetning/modtagere/<code>/ydelse/<service>")
@who_may(Deed.PREPARE)
def setup_service_keep(place: str, code: str, service: str) -> Any:  # noqa: ANN401 - a page, with its status where it is refused
    """Keep it."""
    found, known, title = _service(place, code, service)
    given = _given(SERVICE_FIELDS)
    try:
        with tried() as opened:
            trading_run.set_service(opened, code, known, given, occasion())
    except Problems as problems:
        return _one_page(place, found, title, _form(SERVICE_FIELDS, given), problems), 400
    return seen("finance.setup_parties", place=place, code=code)


@pages.post("/opsaetning/modtagere/<code>/fil")
@who_may(Deed.PREPARE)
def setup_parties_load(place: str, code: str) -> Any:  # noqa: ANN401 - a page, with its status where it is refused
    """Keep all that a file says of the issuer itself and of its agreements, or nothing."""
    found = issuers_agreement(connection(), place, code)
    name, content = upload("file", *FILES)
    try:
        with tried() as opened:
            read = read_trading_file(name, content)
            _require_own(place, name, [who for (who,) in read.issuers])
            for each in dict.fromkeys(key[0] for key in (*read.buyers, *read.services)):
                issuers_agreement(opened, place, each)
            change = trading_run.load_details(opened, name, content, occasion())
    except Problems as problems:
        return _parties_page(place, found, problems), 400
    return _parties_page(place, issuers_agreement(connection(), place, code), change=change)


def _require_own(place: str, name: str, issuers: list[str]) -> None:
    others = [who for who in issuers if who != place]
    if others:
        said = _("{others} er en anden udsteder; her indtastes kun {own}s egne oplysninger")
        raise Problems(source=name, problems=[said.format(others=name_of(who), own=name_of(place)) for who in others])


def setup_change_words(change: DetailChange) -> list[tuple[str, str, str, str]]:
    """Each field that changed: whose, which, before, now."""
    words = field_words()
    return [
        (" ".join(name_of(part) or "-" for part in key[1:]), words[name][0], before, after)
        for key, told in change.changed.items()
        for name, (before, after) in told.items()
    ]
