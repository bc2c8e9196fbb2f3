"""One document of two agreements whose payer entered something else for each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agreements.trading import Addressed, BuyerDetails, EndpointKind, missing_in
from exports.e_invoice.layout import invoice_of
from exports.e_invoice.rules import findings_in
from exports.e_invoice.write import ubl_bytes
from tests.exports.e_invoice.made import DAY, GLN_ASSENS, GLN_ODENSE, HEALTH, LONG_AGO, SOCIAL, book, document, line
from tests.exports.e_invoice.official import schema_errors

LINES = (line(), line(700_001, agreement="fyn-social", service="bo", vat_exemption=SOCIAL))
ORDER, OTHER_ORDER = BuyerDetails(order_reference="4711"), BuyerDetails(order_reference="4712")
PLANNED = Addressed(
    "461",
    "Odense Kommune",
    "35209115",
    GLN_ODENSE,
    "420",
    "Assens Kommune",
    "29189692",
    GLN_ASSENS,
    (("fyn-alkohol", "ambulant", HEALTH), ("fyn-social", "bo", SOCIAL)),
)


@pytest.mark.parametrize(
    ("of_one", "of_other", "references"),
    [
        (ORDER, OTHER_ORDER, ("4711, 4712", "")),
        (ORDER, ORDER, ("", "4711")),
        (ORDER, BuyerDetails(), ("", "4711")),
        (BuyerDetails(buyer_reference="Sundhed"), OTHER_ORDER, ("Sundhed", "4712")),
        (replace(ORDER, buyer_reference="Sundhed"), OTHER_ORDER, ("Sundhed", "")),
        (replace(ORDER, endpoint=EndpointKind.CVR), replace(OTHER_ORDER, accounting_cost="00-1"), ("4711, 4712", "")),
        (BuyerDetails(), BuyerDetails(), ("", "")),
    ],
)
def test_the_plan_says_what_the_document_says(
    of_one: BuyerDetails, of_other: BuyerDetails, references: tuple[str, str]
) -> None:
    """What the plan lets through can be sent: two order numbers once passed the plan and kept the document at home."""
    entered = replace(
        book(),
        buyers={("fyn-alkohol", "420"): [(LONG_AGO, of_one)], ("fyn-social", "420"): [(LONG_AGO, of_other)]},
    )
    made = invoice_of(document(*LINES, agreement=""), entered)
    (planned,) = missing_in([PLANNED], entered, DAY)
    assert [each.text() for each in findings_in(made)] == [each.text() for each in planned]
    assert (made.buyer_reference, made.order_reference) == references
    assert ("PEPPOL-EN16931-R003" in {each.rule for each in planned}) is (references == ("", ""))
    assert schema_errors(ubl_bytes(made)) == []
