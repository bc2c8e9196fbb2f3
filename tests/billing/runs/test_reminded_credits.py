"""Nobody is reminded of what was credited, though no payment was matched since."""

from __future__ import annotations

from datetime import date

from billing.invoice import run as invoices
from billing.payment import reminder_run as reminders
from tests.billing.runs.conftest import ODENSE, Life
from tests.billing.runs.test_payment import ASSENS, FAABORG, MONTHLY, billed, match

__all__ = ["billed"]

POSTGRESQL_IN_SOAK = True

CREDITED_ON, DAY = date(2009, 1, 20), date(2009, 3, 1)


def asked(life: Life) -> dict[str, dict[str, int]]:
    with life.database.reading() as connection:
        letters = reminders.show_reminders(connection, ODENSE, life.occasion(DAY))
    return {letter.subscriber: {each.number: each.open_oere for each in letter.documents} for letter in letters}


def test_what_was_credited_is_not_asked_for(billed: Life) -> None:
    """Assens's January is taken back whole, and of Faaborg-Midtfyn's first line 1,000.00 kr."""
    billed.do(lambda connection, occasion: reminders.set_reminders(connection, ODENSE, [10], occasion), CREDITED_ON)
    before = asked(billed)
    assert before[ASSENS]["F2008-0001"] == MONTHLY[ASSENS]
    billed.do(
        lambda connection, occasion: invoices.credit_document(
            connection, "F2008-0001", reason="Forkert", occasion=occasion
        ),
        DAY,
    )
    billed.do(
        lambda connection, occasion: invoices.credit_document(
            connection, "F2008-0002", reason="Forkert", occasion=occasion, lines={1: 100_000}
        ),
        DAY,
    )
    expected = {who: dict(documents) for who, documents in before.items()}
    del expected[ASSENS]["F2008-0001"]
    expected[FAABORG]["F2008-0002"] = MONTHLY[FAABORG] - 100_000
    expected = {who: documents for who, documents in expected.items() if documents}
    assert asked(billed) == expected
    match(billed, DAY)  # and so it stays once that is booked
    assert asked(billed) == expected
