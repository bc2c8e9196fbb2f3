"""Interest of a document of two agreements of which one was credited: it is the other's alone.

By hand: 194.202,82 x 10.75 % x 76 / 365 = 4.346,950793; x 77 / 365 = 4.404,147514.
"""

from __future__ import annotations

from datetime import date

import pytest

from billing.invoice import run as invoices
from billing.payment import interest_run
from tests.billing.runs.conftest import FUNEN, Life
from tests.billing.runs.test_interest import bill, combined, planning
from tests.billing.runs.test_payment import ASSENS

__all__ = ["combined"]

POSTGRESQL_IN_SOAK = True

OTHER = "fyn-to"
MARCH, APRIL = date(2009, 3, 31), date(2009, 4, 1)


def credit_of_one(life: Life, code: str, day: date) -> None:
    """All lines of one agreement on Assens's January."""
    with life.database.reading() as connection:
        _, document = invoices.find_document(connection, "F2008-0001")
    assert document.subscriber.municipality == ASSENS
    wanted = {place: None for place, line in enumerate(document.lines, start=1) if line.agreement == code}
    assert 0 < len(wanted) < len(document.lines)
    life.do(
        lambda connection, occasion: invoices.credit_document(
            connection, "F2008-0001", reason="Forkert", occasion=occasion, lines=wanted
        ),
        day,
    )


def billed(life: Life, day: date) -> dict[str, int]:
    return {
        document.agreement: document.amount_oere
        for document in bill(life, day)
        if document.subscriber.municipality == ASSENS
    }


@pytest.mark.parametrize(("credited", "left"), [(FUNEN, OTHER), (OTHER, FUNEN)])
def test_the_interest_is_of_what_is_left(combined: Life, credited: str, left: str) -> None:
    credit_of_one(combined, credited, date(2009, 3, 2))
    assert billed(combined, MARCH) == {left: 434_695}
    combined.refused(interest_run.NoInterestToBill, planning(MARCH), MARCH)


def test_what_was_billed_of_the_credited_one_is_given_back(combined: Life) -> None:
    assert billed(combined, MARCH) == {FUNEN: 434_695, OTHER: 434_695}
    credit_of_one(combined, FUNEN, APRIL)
    assert billed(combined, APRIL) == {FUNEN: -434_695, OTHER: 440_415 - 434_695}
