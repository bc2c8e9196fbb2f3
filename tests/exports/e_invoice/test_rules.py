"""Each official rule broken once on purpose: the document is refused with the rule's id, and the whole one is not."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from agreements.trading import Payment
from exports.e_invoice.facts import Identifier, Invoice, Reference, Surcharge, VatGroup
from exports.e_invoice.rules import NotFitToSend, findings_in, require_fit
from foundation.period import Period
from tests.exports.e_invoice.made import CHARGE, credit, invoice, outside_scope, surcharged


def rules_of(value: Invoice) -> list[str]:
    return [found.rule for found in findings_in(value)]


def seller(**changes: Any) -> Invoice:  # noqa: ANN401 - any field
    whole = invoice()
    return replace(whole, seller=replace(whole.seller, **changes))


def buyer(**changes: Any) -> Invoice:  # noqa: ANN401 - any field
    whole = invoice()
    return replace(whole, buyer=replace(whole.buyer, **changes))


def paid(means: str, payment_id: str = "F2008-0001", account: str = "", branch: str = "") -> Invoice:
    return replace(invoice(), payment=Payment(means, payment_id, account, branch))


def first_line(**changes: Any) -> Invoice:  # noqa: ANN401 - any field
    whole = invoice()
    return replace(whole, lines=(replace(whole.lines[0], **changes), *whole.lines[1:]))


def first_group(value: Invoice, **changes: Any) -> Invoice:  # noqa: ANN401 - any field
    return replace(value, vat=(replace(value.vat[0], **changes), *value.vat[1:]))


def mixed() -> Invoice:
    """Exempt and outside scope in one document."""
    whole = outside_scope()
    group = VatGroup("E", 0, 0, 0, "VATEX-EU-132-1B", "")
    return replace(whole, vat=(*whole.vat, group))


def exempt_line_outside() -> Invoice:
    whole = outside_scope()
    return replace(whole, lines=(replace(whole.lines[0], category="E", percent=0), *whole.lines[1:]))


IBAN = "DK0000000000000000"
JANUARY_10 = Period(date(2009, 1, 10), date(2009, 2, 1))
TO_JANUARY_20 = Period(date(2009, 1, 1), date(2009, 1, 21))

BROKEN: list[tuple[str, Callable[[], Invoice]]] = [
    ("PEPPOL-EN16931-R001", lambda: replace(invoice(), process="")),
    ("PEPPOL-EN16931-R007", lambda: replace(invoice(), process="urn:fdc:peppol.eu:2017:poacc:billing:1:1.0")),
    ("PEPPOL-EN16931-R002", lambda: replace(invoice(), notes=("en", "to"))),
    ("PEPPOL-EN16931-R003", lambda: replace(invoice(), buyer_reference="", order_reference="")),
    ("PEPPOL-EN16931-R004", lambda: replace(invoice(), specification="urn:cen.eu:en16931:2017")),
    ("PEPPOL-EN16931-R005", lambda: replace(invoice(), tax_currency="DKK")),
    ("PEPPOL-EN16931-R008", lambda: replace(invoice(), notes=(" ",))),
    ("PEPPOL-EN16931-R008", lambda: first_line(name="")),
    ("PEPPOL-EN16931-R008", lambda: buyer(name="")),
    ("PEPPOL-EN16931-R010", lambda: buyer(endpoint=None)),
    ("PEPPOL-EN16931-R020", lambda: seller(endpoint=None)),
    ("PEPPOL-COMMON-R040", lambda: buyer(endpoint=Identifier("0088", "2000000004205"))),
    ("PEPPOL-COMMON-R040", lambda: buyer(endpoint=Identifier("0088", "200000000420"))),
    ("PEPPOL-COMMON-R040", lambda: seller(identifiers=(Identifier("0088", "1"),))),
    ("PEPPOL-COMMON-R042", lambda: seller(endpoint=Identifier("0184", "3520911"))),
    ("PEPPOL-COMMON-R042", lambda: buyer(endpoint=Identifier("0184", "DK29189692"))),
    ("PEPPOL-EN16931-R040", lambda: surcharged(replace(CHARGE, percent=10, base_oere=100_030))),
    ("PEPPOL-EN16931-R041", lambda: surcharged(replace(CHARGE, percent=10))),
    ("PEPPOL-EN16931-R042", lambda: surcharged(replace(CHARGE, base_oere=100_000))),
    ("PEPPOL-EN16931-R110", lambda: replace(invoice(), period=JANUARY_10)),
    ("PEPPOL-EN16931-R111", lambda: replace(invoice(), period=TO_JANUARY_20)),
    ("PEPPOL-EN16931-R120", lambda: first_line(price_oere=14_367_996 + 3)),
    ("BR-27", lambda: first_line(price_oere=-14_367_996, quantity=-1)),
    ("BR-CO-04", lambda: first_line(category="")),
    ("BR-CO-09", lambda: seller(vat_number="35209115")),
    ("BR-55", lambda: replace(credit(), preceding=())),
    ("BR-E-02", lambda: seller(vat_number="")),
    ("BR-E-10", lambda: first_group(invoice(), code="", reason="")),
    ("BR-O-02", lambda: replace(outside_scope(), seller=invoice().seller)),
    ("BR-O-02", lambda: replace(outside_scope(), buyer=replace(invoice().buyer, vat_number="DK29189692"))),
    ("BR-O-11", mixed),
    ("BR-O-12", exempt_line_outside),
    ("BR-CO-10", lambda: replace(invoice(), line_total_oere=1)),
    ("BR-CO-12", lambda: replace(surcharged(CHARGE), surcharge_total_oere=1)),
    ("BR-CO-13", lambda: replace(invoice(), net_oere=1)),
    ("BR-CO-14", lambda: replace(invoice(), tax_oere=1)),
    ("BR-CO-15", lambda: replace(invoice(), gross_oere=1)),
    ("BR-CO-16", lambda: replace(invoice(), payable_oere=1)),
    ("BR-CO-17", lambda: first_group(invoice(), tax_oere=200)),
    ("BR-DEC-05", lambda: surcharged(replace(CHARGE, amount_oere=Decimal("0.5")))),  # type: ignore[arg-type]
    ("BR-DEC-06", lambda: surcharged(replace(CHARGE, base_oere=Decimal("0.5")))),  # type: ignore[arg-type]
    ("BR-DEC-09", lambda: replace(invoice(), line_total_oere=Decimal("0.5"))),  # type: ignore[arg-type]
    ("BR-DEC-11", lambda: replace(invoice(), surcharge_total_oere=Decimal("0.5"))),  # type: ignore[arg-type]
    ("BR-DEC-12", lambda: replace(invoice(), net_oere=Decimal("0.5"))),  # type: ignore[arg-type]
    ("BR-DEC-13", lambda: replace(invoice(), tax_oere=Decimal("0.5"))),  # type: ignore[arg-type]
    ("BR-DEC-14", lambda: replace(invoice(), gross_oere=Decimal("0.5"))),  # type: ignore[arg-type]
    ("BR-DEC-18", lambda: replace(invoice(), payable_oere=Decimal("0.5"))),  # type: ignore[arg-type]
    ("BR-DEC-19", lambda: first_group(invoice(), taxable_oere=Decimal("0.5"))),
    ("BR-DEC-20", lambda: first_group(invoice(), tax_oere=Decimal("0.5"))),
    ("BR-DEC-23", lambda: first_line(amount_oere=Decimal("0.5"))),
    ("DK-R-002", lambda: seller(legal_entity=None)),
    ("DK-R-004", lambda: surcharged(replace(CHARGE, reason="Afgift"))),
    ("DK-R-004", lambda: surcharged(replace(CHARGE, reason="#Afgift"))),
    ("DK-R-005", lambda: paid("30", account="1", branch="2")),
    ("DK-R-005", lambda: replace(invoice(), payment=None)),
    ("DK-R-006", lambda: paid("42", account="0000000001")),
    ("DK-R-006", lambda: paid("31", branch="0000")),
    ("BR-61", lambda: paid("58")),
    ("PEPPOL-EN16931-R061", lambda: paid("49")),
    ("DK-R-008", lambda: paid("50", "02#", "1234567")),
    ("DK-R-008", lambda: paid("50", "01#", "123456")),
    ("DK-R-009", lambda: paid("50", "04#123456789012345", "1234567")),
    ("DK-R-010", lambda: paid("93", "74#000000000000000", "12345678")),
    ("DK-R-010", lambda: paid("93", "73#", "1234567")),
    ("DK-R-011", lambda: paid("93", "71#00000000000000", "12345678")),
    ("DK-R-013", lambda: buyer(identifiers=(Identifier("", "4711"),))),
    ("DK-R-014", lambda: seller(legal_entity=Identifier("0088", "2000000004617"))),
    ("DK-R-014", lambda: seller(legal_entity=Identifier("0184", "DK35209115"))),
    ("DK-R-016", lambda: replace(credit(), payable_oere=-1)),
    ("DK-R-017", lambda: buyer(legal_entity=Identifier("0088", "2000000004204"))),
]


@pytest.mark.parametrize(("rule", "broken"), BROKEN, ids=[f"{rule}-{place}" for place, (rule, _) in enumerate(BROKEN)])
def test_a_broken_rule_is_refused_with_its_id(rule: str, broken: Callable[[], Invoice]) -> None:
    value = broken()
    assert rule in rules_of(value)
    with pytest.raises(NotFitToSend, match=rule) as caught:
        require_fit(value)
    assert str(caught.value).startswith(f"{value.number} kan ikke sendes som e-faktura:\n")
    assert "{" not in str(caught.value)


# The rules that are named as checks before issue. R006 is on invoiced objects; BR-DEC-01, 02, 10, 15, 16, 17, 24, 25,
# 27 and 28 are on allowances, prepayments, roundings and charges of lines. We write none of these.
NAMED = {
    *(f"PEPPOL-EN16931-R00{number}" for number in (1, 2, 3, 4, 5, 7, 8)),
    *(f"PEPPOL-EN16931-R{number:03d}" for number in (10, 20, 40, 42, 110, 111, 120)),
    *("PEPPOL-COMMON-R040", "PEPPOL-COMMON-R042"),
    *("BR-E-02", "BR-E-10", "BR-O-02", "BR-O-11", "BR-O-12", "BR-CO-10", "BR-CO-15", "BR-CO-17"),
    *(f"BR-DEC-{number:02d}" for number in (5, 6, 9, 11, 12, 13, 14, 18, 19, 20, 23)),
    *(f"DK-R-{number:03d}" for number in (2, 4, 5, 6, 8, 9, 10, 11, 13, 14, 16, 17)),
}


def test_every_rule_that_is_named_is_broken_once() -> None:
    assert {rule for rule, _ in BROKEN} >= NAMED


FIT: list[Callable[[], Invoice]] = [
    invoice,
    outside_scope,
    credit,
    lambda: surcharged(CHARGE),
    lambda: surcharged(replace(CHARGE, reason="Afgift#3021")),
    lambda: surcharged(replace(CHARGE, percent=10, base_oere=100_001)),
    lambda: surcharged(Surcharge(10_000, "FC", "Fragt", "E")),
    lambda: paid("58", account=IBAN),
    lambda: paid("97"),
    lambda: paid("50", "01#", "12345678"),
    lambda: paid("50", "04#1234567890123456", "1234567"),
    lambda: paid("93", "73#", "12345678"),
    lambda: paid("93", "71#123456789012345", "12345678"),
    lambda: paid("93", "75#1234567890123456", "12345678"),
    lambda: buyer(identifiers=(Identifier("0088", "2000000004204"),)),
    lambda: seller(contact=None, address=None),
    lambda: replace(credit(), preceding=(Reference("F2008-0001"),)),
]


@pytest.mark.parametrize("fit", FIT, ids=range(len(FIT)))
def test_what_is_fit_is_let_through(fit: Callable[[], Invoice]) -> None:
    value = fit()
    assert findings_in(value) == []
    require_fit(value)


def test_all_findings_are_told_at_once() -> None:
    value = replace(seller(vat_number="", legal_entity=None), buyer_reference="", order_reference="")
    assert rules_of(value) == ["PEPPOL-EN16931-R003", "DK-R-002", "BR-E-02"]


def test_a_refusal_can_cross_processes() -> None:
    with pytest.raises(NotFitToSend) as caught:
        require_fit(seller(vat_number=""))
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - made a moment ago
    assert str(again) == str(caught.value)
    assert again.findings == caught.value.findings
