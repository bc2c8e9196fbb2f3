"""A buyer of surplus capacity takes no part in the agreement, and gets its e-invoice all the same."""

from __future__ import annotations

from datetime import date

import pytest

from agreements import run as agreements
from agreements import trading_run
from billing.invoice import run as invoices
from billing.invoice.missing import NotFitToIssue
from billing.surplus_capacity import run as surplus
from billing.surplus_capacity.facts import SaleOffer
from exports.e_invoice.rules import findings_in
from exports.e_invoice.run import e_invoices
from exports.e_invoice.write import ubl_bytes
from foundation.errors import Problems
from foundation.period import Period
from tests.billing.runs.conftest import FUNEN, ODENSE, Life
from tests.billing.runs.test_unfit_documents import enter
from tests.exports.e_invoice.official import schema_errors

POSTGRESQL_IN_SOAK = True

VEJLE = "630"
GLN_VEJLE = "2000000006307"  # within a company only, so it is nobody's
DAY = date(2009, 2, 2)
OFFER = SaleOffer(
    agreement=FUNEN,
    provider=ODENSE,
    service="ambulant",
    buyer=VEJLE,
    period=Period(date(2009, 2, 1), date(2009, 5, 1)),
    courses=3,
    unit_oere=None,
    amount_oere=30_000_001,
    reason="Pladserne stod tomme",
)


@pytest.mark.parametrize("values", [{"endpoint": "cvr"}, {"gln": GLN_VEJLE}])
def test_the_buyers_details_are_entered_and_it_is_billed(priced: Life, values: dict[str, str]) -> None:
    enter(priced)
    refused = priced.refused(NotFitToIssue, lambda connection, occasion: surplus.sell(connection, OFFER, occasion), DAY)
    assert isinstance(refused, NotFitToIssue)
    assert [each.rule for each in refused.findings] == ["PEPPOL-EN16931-R010", "PEPPOL-EN16931-R003"]
    entered = {"buyer_reference": "Alkohol", **values}
    priced.do(
        lambda connection, occasion: trading_run.set_buyer(connection, FUNEN, VEJLE, entered, occasion),
        DAY,
    )
    sold = priced.do(lambda connection, occasion: surplus.sell(connection, OFFER, occasion), DAY)
    credit = priced.do(
        lambda connection, occasion: invoices.credit_document(
            connection, sold.number, reason="Prøve", occasion=occasion
        ),
        DAY,
    )
    with priced.database.reading() as connection:
        made = list(e_invoices(connection, [sold, credit]))
        subscribers = agreements.get(connection, FUNEN).subscribers
    assert [findings_in(each) for each in made] == [[], []]
    assert [schema_errors(ubl_bytes(each)) for each in made] == [[], []]
    assert [each.payable_oere for each in made] == [30_000_001, 30_000_001]
    assert VEJLE not in subscribers  # named as a buyer, and no part of any price


def test_a_file_that_names_somebody_else_is_still_refused(priced: Life) -> None:
    """In a file of many a code outside the agreement is a slip; a single payer is named on purpose."""
    file = f"aftale;kommune;reference\n{FUNEN};{VEJLE};Alkohol\n".encode()
    error = priced.refused(
        Problems, lambda connection, occasion: trading_run.load_details(connection, "b.csv", file, occasion), DAY
    )
    assert "deltager ikke i aftalen" in str(error)
