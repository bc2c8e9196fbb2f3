"""A payer leaves while one of its clients stays: its days are billed to its last one, and none beyond.

1,337 kr. a day from 20 to 31 October 2009 is 12 days, 16,044 kr.
"""

from __future__ import annotations

from tests.scenarios.conftest import FILES, Desk

CODE = "horsens-odder-sager"


def test_a_stay_is_billed_to_the_payers_last_day_and_not_beyond(quick: Desk) -> None:
    quick.as_of = "2009-01-02"
    text = (FILES / "sager.toml").read_text(encoding="utf-8")
    terms = '[terms.allocation]\nkey = "one_party"\npayer = "727"\npartial_year = "months"\n'
    terms += '[terms.renewal]\nkind = "open_ended"\nnotice_months = 9\n'
    quick.does("agreement", "load", quick.file("a.toml", text + terms))
    quick.as_of = "2009-01-30"
    quick.does("agreement", "terminate", CODE, "--by", "615", "--to", "2009-11-01")
    quick.as_of = "2009-10-20"
    number = quick.does("case", "open", CODE, "kraasiglund", "727")["case"]
    late = quick.does("case", "open", CODE, "kraasiglund", "727")["case"]
    for each in (number, late):
        quick.does("case", "approve", each)
    quick.does("case", "admit", number)

    quick.as_of = "2009-11-02"
    quick.refuses("case", "open", CODE, "kraasiglund", "727", words=["til og med 31.10.2009"])
    quick.refuses("case", "admit", late, words=["til og med 31.10.2009", "indskrivning 02.11.2009"])
    plan = quick.does("case", "plan", CODE)
    assert [(document["month"], document["amount_oere"]) for document in plan["documents"]] == [("2009-10", 1_604_400)]
    quick.does("case", "plan-approve", plan["plan"])
    quick.does("case", "issue", plan["plan"])

    quick.as_of = "2010-03-01"
    quick.refuses("case", "plan", CODE, words=["2009-11", "til og med 31.10.2009", f"sag {number} fra 01.11.2009"])
    assert "1 sagsmåneder kan ikke faktureres" in quick.holds()["cases_due"]
    quick.does("case", "discharge", number, "--on", "2009-12-24")
    quick.refuses("case", "plan", CODE, words=["ingen enkeltsager at fakturere"])
    assert quick.holds()["cases_due"].startswith("Ingen enkeltsager venter")
    late_bills = [entry for entry in quick.does("deadlines", CODE)["deadlines"] if entry["kind"] == "case_invoice"]
    assert {entry["status"] for entry in late_bills} <= {"done", "waiting"}
