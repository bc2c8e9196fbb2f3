"""The details of issuers, buyers and services as an officer writes them: one text per field, checked; pure.

A command, a TOML file and a CSV file all end here, and so do the tables: a field's name is the same everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from agreements.trading import (
    VAT_CODES,
    Address,
    BuyerDetails,
    Contact,
    EndpointKind,
    IssuerDetails,
    PaymentDetails,
    PaymentMeans,
    ServiceDetails,
    UnfitDocuments,
    is_gln,
    is_iban,
    is_vat_number,
    payment_findings,
    payment_of,
    treatment_by_code,
)

Values = Mapping[str, str]

ADDRESS_FIELDS = ("street", "postal_code", "city")
ISSUER_FIELDS = (
    "vat_number",
    "endpoint",
    "means",
    "registration_number",
    "account_number",
    "iban",
    "bic",
    "fik_card",
    "creditor_number",
    "contact",
    "phone",
    "mail",
    *ADDRESS_FIELDS,
    "unfit",
)
BUYER_FIELDS = ("endpoint", "buyer_reference", "order_reference", "accounting_cost", *ADDRESS_FIELDS)
SERVICE_FIELDS = ("vat_code", "vat_reason", "own_account", "counter_account")

LONGEST = {"mail": 320, "phone": 40, "postal_code": 10, "city": 100}
LONGEST_TEXT = 200


def issuer_of(values: Values) -> IssuerDetails:
    """An issuer's details from their texts."""
    payment = PaymentDetails(
        means=values["means"],
        registration_number=values["registration_number"],
        account_number=values["account_number"],
        iban=values["iban"],
        bic=values["bic"],
        fik_card=values["fik_card"],
        creditor_number=values["creditor_number"],
    )
    contact = Contact(values["contact"], values["phone"], values["mail"])
    return IssuerDetails(
        vat_number=values["vat_number"],
        endpoint=EndpointKind(values["endpoint"]) if values["endpoint"] else None,
        payment=payment if payment.means else None,
        contact=contact if contact != Contact("") else None,
        address=_address(values),
        unfit=UnfitDocuments(values["unfit"]) if values["unfit"] else None,
    )


def buyer_of(values: Values) -> BuyerDetails:
    """A buyer's details from their texts."""
    return BuyerDetails(
        endpoint=EndpointKind(values["endpoint"]) if values["endpoint"] else None,
        buyer_reference=values["buyer_reference"],
        order_reference=values["order_reference"],
        accounting_cost=values["accounting_cost"],
        address=_address(values),
    )


def service_of(values: Values) -> ServiceDetails:
    """A service's details from their texts."""
    return ServiceDetails(
        vat=treatment_by_code(values["vat_code"], values["vat_reason"]) if values["vat_code"] else None,
        own_account=values["own_account"],
        counter_account=values["counter_account"],
    )


def _address(values: Values) -> Address | None:
    address = Address(values["street"], values["postal_code"], values["city"])
    return address if address != Address() else None


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


def _one_of(*allowed: str) -> Callable[[str], bool]:
    return lambda text: text in allowed


_EXPECTED: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "gln": (is_gln, "et EAN-nummer (GLN) på 13 cifre med rigtigt kontrolciffer"),
    "vat_number": (is_vat_number, "DK og otte cifre med rigtigt kontrolciffer"),
    "endpoint": (_one_of(*EndpointKind), "gln eller cvr"),
    "means": (_one_of(*PaymentMeans), "42 (konto), 58 (IBAN), 93 (FIK) eller 97 (NemKonto)"),
    "registration_number": (_matches(r"\d{4}"), "fire cifre"),
    "account_number": (_matches(r"\d{1,10}"), "højst ti cifre"),
    "iban": (is_iban, "et IBAN med rigtige kontrolcifre"),
    "bic": (_matches(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?"), "en BIC (SWIFT) på 8 eller 11 tegn"),
    "fik_card": (_one_of("71", "73", "75"), "71, 73 eller 75"),
    "creditor_number": (_matches(r"\d{8}"), "otte cifre"),
    "unfit": (_one_of(*UnfitDocuments), "refused (udsted ikke) eller warned (udsted alligevel)"),
    "mail": (_matches(r"[^@\s]+@[^@\s]+\.[^@\s]+"), "en mailadresse"),
    "vat_code": (_one_of(*VAT_CODES), f"en af {', '.join(VAT_CODES)}"),
}
_WITHOUT_SPACES = frozenset({"gln", "vat_number", "registration_number", "account_number", "iban", "creditor_number"})
_IN_CAPITALS = frozenset({"vat_number", "iban", "bic", "vat_code"})


def tidied(field: str, text: str) -> str:
    """A field's text as it is kept: numbers without the spaces that people group them by."""
    text = "".join(text.split()) if field in _WITHOUT_SPACES else " ".join(text.split())
    return text.upper() if field in _IN_CAPITALS else text


def problem_with(field: str, text: str) -> str:
    """What is wrong with one tidied text, or nothing; an empty text clears the field."""
    if not text:
        return ""
    longest = LONGEST.get(field, LONGEST_TEXT)
    if len(text) > longest:
        return f"teksten er på {len(text)} tegn; højst {longest} er tilladt"
    if not text.isprintable():
        return "teksten må ikke have styretegn"
    fits, expected = _EXPECTED.get(field, (None, ""))
    return f"«{text}» kan ikke bruges; forventet {expected}" if fits is not None and not fits(text) else ""


def payment_problem(values: Values) -> str:
    """What is wrong with an issuer's payment as a whole, by the Danish rules, or nothing."""
    payment = issuer_of(values).payment
    if payment is None:
        return ""
    return " ".join(found.text() for found in payment_findings(payment_of(payment, "F2000-0001")))
