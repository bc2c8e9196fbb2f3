"""What a document would lack as an e-invoice is told when it is planned, of every kind; then it is fit to be sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exports.e_invoice.official import schema_errors
from tests.scenarios.conftest import Desk
from tests.scenarios.test_cases import CODE, HORSENS, ODDER, cases, opened
from tests.scenarios.test_other_agreements import on
from tests.scenarios.test_settlement_terms import ASSETS, TRUED, first_year, leaver

__all__ = ["cases"]

POSTGRESQL_IN_SOAK = True

NOT_ADDRESSED = ["PEPPOL-EN16931-R010", "PEPPOL-EN16931-R003"]


def told(desk: Desk, *arguments: object) -> dict[str, list[str]]:
    """Payer -> the rules that the remarks beside the answer name."""
    said = desk.says(*arguments, "--json")
    assert said.status == 0, said
    found: dict[str, list[str]] = {}
    for line in said.err.splitlines():
        if line.startswith("Mangler til e-fakturaen til "):
            who, _, rest = line.removeprefix("Mangler til e-fakturaen til ").partition(": ")
            found.setdefault(who, []).append(rest.partition(":")[0])
    return found


def set_up(desk: Desk, issuer: str) -> None:
    paid = ("--means", "58", "--iban", "DK5000400440116243")
    vat = {"101": "DK64942212", "461": "DK35209115", HORSENS: "DK29189889"}[issuer]
    desk.does("issuer", "details", issuer, *paid, "--vat-number", vat)


def addressed(desk: Desk, code: str, *payers: str) -> None:
    for who in payers:
        desk.does("party", "set", code, who, "--endpoint", "cvr", "--buyer-reference", "Økonomi")


def written(desk: Desk, folder: Path) -> list[str]:
    """The names of the e-invoices of all that is issued, each by the schema."""
    desk.does("invoice", "xml", "--all", "--out", folder)
    files = sorted(folder.glob("*.xml"))
    assert [error for file in files for error in schema_errors(file.read_bytes())] == []
    return [file.name.split()[0] for file in files]


def test_a_true_up(quick: Desk, tmp_path: Path) -> None:
    first_year(quick)
    set_up(quick, "101")
    quick.does("settlement", "close", TRUED, 2016)
    on(quick, "2017-04-20")
    untaxed = [*NOT_ADDRESSED, "BR-CO-04"]
    assert told(quick, "settlement", "true-up", TRUED, 2016) == {"Frederiksberg": untaxed, "Rødovre": untaxed}
    quick.does("service", "set", TRUED, "beredskab", "--vat", "VATEX-EU-132-1G", "--vat-reason", "Momsloven § 13")
    addressed(quick, TRUED, "147")
    assert told(quick, "settlement", "true-up", TRUED, 2016) == {"Rødovre": NOT_ADDRESSED}
    addressed(quick, TRUED, "175")
    plan = quick.does("settlement", "true-up", TRUED, 2016)["plan"]
    assert told(quick, "settlement", "true-up", TRUED, 2016) == {}
    quick.does("settlement", "true-up-approve", plan)
    issued = quick.does("settlement", "true-up-issue", plan)["issued"]
    assert {one["number"] for one in issued if one["municipality"] != "101"} <= set(written(quick, tmp_path / "xml"))


def test_bills_of_cases(cases: Desk, tmp_path: Path) -> None:
    set_up(cases, HORSENS)
    opened(cases, "kraasiglund", "2009-01-05", "2009-01-10", "2009-01-20")
    cases.as_of = "2009-02-05"
    assert told(cases, "case", "plan", CODE) == {"Odder": NOT_ADDRESSED}
    addressed(cases, CODE, ODDER)
    plan = cases.does("case", "plan", CODE)["plan"]
    assert told(cases, "case", "plan", CODE) == {}
    cases.does("case", "plan-approve", plan)
    (issued,) = cases.does("case", "issue", plan)["issued"]
    cases.does("invoice", "credit", issued["number"], "--reason", "Prøve")
    assert len(written(cases, tmp_path / "xml")) == 2


@pytest.mark.parametrize(("net_assets", "kind"), [("1.000.000,01", "381"), ("-1.000.000,01", "380")])
def test_a_leavers_settlement(quick: Desk, tmp_path: Path, net_assets: str, kind: str) -> None:
    leaver(quick)
    stated = ("settlement", "exit", ASSETS, "480", "--net-assets", net_assets, "--evidence", "Regnskab 2010")
    set_up(quick, "461")
    rules = told(quick, *stated, "--preview")["Nordfyns"]
    assert rules[:2] == NOT_ADDRESSED
    assert set(rules[2:]) <= {"BR-CO-04"}
    addressed(quick, ASSETS, "480", "430", "420")
    quick.does("service", "set", ASSETS, "pladser", "--vat", "VATEX-EU-O", "--vat-reason", "Uden for momsloven")
    assert told(quick, *stated, "--preview") == {}
    settled = quick.does(*stated)
    written(quick, tmp_path / "xml")
    (file,) = (tmp_path / "xml").glob(f"{settled['number']} *.xml")
    assert f"TypeCode>{kind}<" in file.read_text(encoding="utf-8")
