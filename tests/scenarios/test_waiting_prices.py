"""What is told after a notice: the verification says what is to be done until it is, and no deadline is beyond it.

900,000.00 by 2:1 is 600,000.00 and 300,000.00; eleven twelfths of them 550,000.00 and 275,000.00.
"""

from __future__ import annotations

from tests.scenarios.conftest import Desk, by_code, cost
from tests.scenarios.test_other_agreements import EXAMPLES

AGREEMENT = """
[agreement]
code = "forud"
title = "Et helt år forud"
starts_on = 2010-01-01
issuer = "615"
providers = ["615"]
subscribers = ["727", "741"]

[terms.allocation]
key = "agreed_capacity"
capacity = { 727 = 2, 741 = 1 }
counted_on = 2009-01-01
counts = "pladser"
partial_year = "months"

[terms.advance]
schedule = "yearly"

[terms.renewal]
kind = "open_ended"
notice_months = 9

[[services]]
code = "s"
title = "S"
"""


def test_what_was_billed_beyond_a_notice_is_told_until_it_is_taken_back(quick: Desk) -> None:
    quick.as_of = "2009-11-20"
    quick.does(
        "agreement", "load", quick.file("a.toml", AGREEMENT + cost("budgets", 2010, "615", 90_000_000, service="s"))
    )
    quick.does("subscription", "calculate", "forud", 2010)
    quick.as_of = "2009-12-05"
    issued = quick.does("month", "issue", "forud", "2010-01")["issued"]
    assert by_code(issued, "amount_oere") == {"727": 60_000_000, "741": 30_000_000}
    quick.as_of = "2010-03-01"
    assert quick.holds()["months_due"].startswith("Intet forfaldent")

    quick.does("agreement", "terminate", "forud", "--by", "727", "--to", "2010-12-01")
    assert "prisen for 2010 i forud skal beregnes igen" in quick.holds()["months_due"]
    quick.does("subscription", "calculate", "forud", 2010)
    waiting = quick.holds()["months_due"]
    assert "forud 2010 er faktureret efter en tidligere pris (2 kommuner: 727, 741)" in waiting
    assert "subscription reinvoice forud 2010" in waiting

    quick.does("subscription", "reinvoice", "forud", 2010)
    assert quick.holds()["months_due"].startswith("Intet forfaldent")
    shown = [quick.does("invoice", "show", number)["amount_oere"] for number in ("F2010-0002", "F2010-0004")]
    assert sorted(shown) == [27_500_000, 55_000_000]


def test_nobody_states_the_use_of_months_in_which_nobody_takes_part(quick: Desk) -> None:
    quick.as_of = "2008-12-20"
    quick.does("agreement", "load", EXAMPLES / "horsens_odder_2009.toml")
    quick.as_of = "2009-04-20"
    quick.does("agreement", "terminate", "horsens-odder", "--by", "615", "--to", "2010-02-01")
    quick.as_of = "2010-06-01"
    kinds = [each["kind"] for each in quick.does("deadlines", "horsens-odder", "--year", 2010)["deadlines"]]
    assert {kind: kinds.count(kind) for kind in ("usage_statement", "case_invoice", "advance_invoice")} == {
        "usage_statement": 1,
        "case_invoice": 1,
        "advance_invoice": 1,
    }
