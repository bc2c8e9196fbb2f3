"""What we write, judged by others: the UBL 2.1 schema and the official rules of EN 16931."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

import migrations
from agreements import run as agreements
from agreements.trading import PaymentDetails
from billing.invoice import run as invoices
from billing.invoice import store as invoice_store
from billing.invoice.facts import LineKind
from exports.e_invoice import run as e_invoices
from exports.e_invoice.facts import Invoice
from exports.e_invoice.layout import invoice_of
from exports.e_invoice.rules import findings_in
from exports.e_invoice.write import ubl_bytes
from foundation.audit import Occasion
from foundation.database import Database
from foundation.period import Period
from portal import demo
from tests.exports.e_invoice.made import (
    BUYER,
    CHARGE,
    DAY,
    HEALTH,
    ISSUER,
    LONG_AGO,
    SOCIAL,
    book,
    credit,
    document,
    invoice,
    line,
    outside_scope,
    surcharged,
)
from tests.exports.e_invoice.official import rule_findings, schema_errors
from tests.exports.e_invoice.test_rules import BROKEN

AN_INSTANT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def paid_by(details: PaymentDetails) -> Invoice:
    return invoice_of(document(), book(issuer=replace(ISSUER, payment=details)))


def two_agreements() -> Invoice:
    """Health and social care of two agreements of one issuer, in one document."""
    lines = (line(), line(700_001, agreement="fyn-social", service="bo", vat_exemption=SOCIAL))
    both = book()
    other = replace(BUYER, buyer_reference="Social", order_reference="4712", accounting_cost="00-00-02")
    both = replace(both, buyers={**both.buyers, ("fyn-social", "420"): [(LONG_AGO, other)]})
    return invoice_of(document(*lines, agreement=""), both)


def negative_line() -> Invoice:
    """A month that passes on a surplus of an earlier year."""
    passed_on = line(
        -212_599,
        service="",
        service_title="",
        kind=LineKind.PASSED_ON,
        text="Andel af overskud 2009, Odense Kommune, maj 2011",
        vat_exemption="",
    )
    return invoice_of(document(line(), passed_on), book())


def settled_by_exit() -> Invoice:
    """A leaver's document, whose lines reach further back than it does."""
    years = [Period(date(year, 1, 1), date(year + 1, 1, 1)) for year in (2009, 2010)]
    lines = [
        line(amount, period=period, service="", service_title="", text=f"Andel {period.from_day.year}")
        for period, amount in zip(years, (-1_128_080, 1_839_228), strict=True)
    ]
    return invoice_of(document(*lines, period=years[1]), book())


FIT: dict[str, Callable[[], Invoice]] = {
    "invoice": invoice,
    "outside": outside_scope,
    "credit": credit,
    "surcharged": lambda: surcharged(CHARGE),
    "surcharged-percent": lambda: surcharged(replace(CHARGE, percent=10, base_oere=100_000)),
    "fik-71": lambda: paid_by(PaymentDetails("93", fik_card="71", creditor_number="12345678")),
    "fik-73": lambda: paid_by(PaymentDetails("93", fik_card="73", creditor_number="12345678")),
    "fik-75": lambda: paid_by(PaymentDetails("93", fik_card="75", creditor_number="12345678")),
    "iban": lambda: paid_by(PaymentDetails("58", iban="DK5000400440116243", bic="DABADKKK")),
    "nemkonto": lambda: paid_by(PaymentDetails("97")),
    "two-agreements": two_agreements,
    "negative-line": negative_line,
    "exit": settled_by_exit,
    "strange-words": lambda: invoice_of(document(note="a\x00b\n<&>\ud800 æ"), book()),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[str]]]:
    """Name -> official findings, of what is fit and of what breaks a rule of EN 16931."""
    folder = tmp_path_factory.mktemp("judged")
    for name, make in FIT.items():
        (folder / f"fit {name}.xml").write_bytes(ubl_bytes(make()))
    for place, (rule, make) in enumerate(BROKEN):
        if official(rule):
            (folder / f"broken {place}.xml").write_bytes(ubl_bytes(make()))
    found = rule_findings(sorted(folder.iterdir()))
    return {file.stem: findings for file, findings in found.items()}


def official(rule: str) -> bool:
    """Rules of EN 16931 itself: those of Peppol and Denmark are not in the package, and a Decimal is never written."""
    return rule.startswith("BR-") and not rule.startswith("BR-DEC") and rule not in NOT_JUDGED


# Written differently from how the official rule breaks: an empty group or a missing element is left out by the writer.
NOT_JUDGED = {"BR-55", "BR-CO-04"}


@pytest.mark.parametrize("name", FIT)
def test_what_is_fit_has_no_finding(name: str, judged: dict[str, list[list[str]]]) -> None:
    made = FIT[name]()
    assert findings_in(made) == []
    assert schema_errors(ubl_bytes(made)) == []
    assert judged[f"fit {name}"] == []


@pytest.mark.parametrize(
    ("place", "rule"),
    [(place, rule) for place, (rule, _) in enumerate(BROKEN) if official(rule)],
)
def test_where_we_refuse_the_official_rule_does_too(
    place: int,
    rule: str,
    judged: dict[str, list[list[str]]],
) -> None:
    assert rule in {found[0] for found in judged[f"broken {place}"]}


def test_the_same_bytes_each_time() -> None:
    assert ubl_bytes(invoice()) == ubl_bytes(invoice())


def test_three_decimals_are_found_by_the_official_rule(tmp_path: Path) -> None:
    """What BR-DEC means: our amounts are whole øre, so the writer cannot break it; a changed file can."""
    text = ubl_bytes(invoice()).decode().replace(">194202.82<", ">194202.820<")
    file = tmp_path / "three.xml"
    file.write_text(text, encoding="utf-8")
    rules = {found[0] for found in rule_findings([file])[file]}
    assert {"BR-DEC-09", "BR-DEC-12", "BR-DEC-14", "BR-DEC-18", "BR-DEC-19"} <= rules
    assert Decimal("194202.820") == Decimal("194202.82")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The demo's years, and credit notes of some of its invoices."""
    url = f"sqlite:///{tmp_path_factory.mktemp('demo') / 'demo.sqlite'}"
    migrations.upgrade(url)
    database = Database(url)
    with database.transaction() as connection:
        agreements.ship_population(connection, Occasion(date(2008, 5, 20), "prøven", AN_INSTANT))
    for step in demo.steps():
        with database.transaction() as connection:
            step.does(connection, Occasion(step.day, "prøven", AN_INSTANT))
    with database.transaction() as connection:
        occasion = Occasion(demo.LAST_DAY, "prøven", AN_INSTANT)
        for number in ("F2012-0001", "F2012-0007"):
            invoices.credit_document(connection, number, reason="Prøve & <tegn>", occasion=occasion)
    yield database
    database.dispose()


def test_the_demo_is_valid_and_without_a_single_finding(lived: Database, tmp_path: Path) -> None:
    with lived.reading() as connection:
        documents = [each for each in invoice_store.documents(connection) if not each.internal]
        written = e_invoices.write_e_invoices(connection, documents, tmp_path)
    assert written.refused == ()
    assert len(written.files) == len(documents) > 300
    kinds = [etree.QName(etree.parse(str(each.path)).getroot()).localname for each in written.files]
    assert kinds.count("CreditNote") == 3
    assert [error for each in written.files for error in schema_errors(each.path.read_bytes())] == []
    found = rule_findings([each.path for each in written.files])
    assert [finding for findings in found.values() for finding in findings] == []


def test_a_file_is_found_again_by_its_name(lived: Database, tmp_path: Path) -> None:
    with lived.reading() as connection:
        documents = [
            invoices.find_document(connection, number)[1] for number in ("F2008-0001", "F2012-0001", "F2011-0025")
        ]
        written = e_invoices.write_e_invoices(connection, documents, tmp_path)
    assert [each.path.name for each in written.files] == [
        "F2008-0001 Assens 2009-01 Faktura fra Odense.xml",
        "F2012-0001 Assens 2012-02 Faktura fra Odense.xml",
        "F2011-0025 Langeland 2010 Faktura fra Odense.xml",
    ]
    assert all(re.fullmatch(r"[\w .-]+", each.path.name) for each in written.files)


def test_a_credit_note_refers_to_what_it_credits(lived: Database, tmp_path: Path) -> None:
    with lived.reading() as connection:
        notes = [each for each in invoice_store.documents(connection) if each.credits]
        written = e_invoices.write_e_invoices(connection, notes, tmp_path)
    names = {"cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"}
    names["cbc"] = names["cac"].replace("Aggregate", "Basic")
    for note, file in zip(notes, written.files, strict=True):
        root = etree.parse(str(file.path)).getroot()
        (number,) = root.findall("cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID", names)
        (payable,) = root.findall("cac:LegalMonetaryTotal/cbc:PayableAmount", names)
        assert number.text == note.credits
        assert Decimal(payable.text or "") * 100 == -note.amount_oere


def test_one_that_pays_out_without_crediting_refers_to_the_last_invoice(lived: Database) -> None:
    """A leaver's settlement in its favour: the last invoice to the same payer stands before it."""
    with lived.reading() as connection:
        _, last = invoices.find_document(connection, "F2011-0025")
        paid_out = replace(
            last,
            document_type=type(last.document_type).CREDIT_NOTE,
            lines=tuple(replace(each, amount_oere=-each.amount_oere) for each in last.lines),
        )
        (made,) = e_invoices.e_invoices(connection, [paid_out])
        langelands = [each for each in invoice_store.documents(connection, subscriber="482") if not each.internal]
    before = [each for each in langelands if each.issue_date < last.issue_date]
    assert [(each.number, each.issue_date) for each in made.preceding] == [
        (before[-1].number, before[-1].issue_date),
    ]
    assert (made.document_type, made.payable_oere) == ("381", last.amount_oere)


def test_an_internal_one_is_never_sent(lived: Database, tmp_path: Path) -> None:
    with lived.reading() as connection:
        internal = [each for each in invoice_store.documents(connection) if each.internal][:1]
        with pytest.raises(e_invoices.NeverSent):
            e_invoices.write_e_invoices(connection, internal, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_health_of_two_articles_is_one_group() -> None:
    """EN 16931 allows one group of exempt lines, so two reasons stand in one."""
    made = two_agreements()
    (group,) = made.vat
    assert (group.code, group.reason) == ("VATEX-EU-132", f"{HEALTH}; {SOCIAL}")
    assert (made.buyer_reference, made.order_reference, made.accounting_cost) == ("Sundhed, Social", "", "")
    assert [each.accounting_cost for each in made.lines] == ["00-00-01", "00-00-02"]
    assert [dict(each.properties)["Ordrenummer"] for each in made.lines] == ["4711", "4712"]


def test_amounts_are_the_documents(lived: Database) -> None:
    with lived.reading() as connection:
        documents = [each for each in invoice_store.documents(connection) if not each.internal]
        for issued, made in zip(documents, e_invoices.e_invoices(connection, documents), strict=True):
            assert abs(issued.amount_oere) == made.payable_oere
            assert sum(each.amount_oere for each in made.lines) == made.payable_oere
            assert made.issue_date == issued.issue_date
    assert documents[0].issue_date == DAY


def test_the_schema_judges() -> None:
    swapped = ubl_bytes(invoice()).replace(b"cbc:ProfileID", b"cbc:ProfilID")
    assert len(schema_errors(swapped)) == 1
