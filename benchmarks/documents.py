"""How fast documents are written: e-invoices against their trees built bare with lxml, PDFs against typst alone."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

from lxml import etree

from agreements.agreement import CostLine, CostLineKey
from agreements.municipality import MUNICIPALITIES
from agreements.population import PopulationFigure
from agreements.trading import BuyerDetails, Contact, EndpointKind, IssuerDetails, PaymentDetails, TradingBook
from benchmarks.measure import seconds, tell
from billing.annual_subscription.facts import AnnualSubscription, Correction, Instalment, SubscriptionPart
from billing.invoice.facts import (
    ClaimKind,
    DocumentType,
    InvoiceLine,
    IssuedDocument,
    LineKind,
    PartySnapshot,
)
from exports.e_invoice.layout import invoice_of
from exports.e_invoice.rules import require_fit
from exports.e_invoice.write import ubl_bytes
from exports.pdf.layout_document import PrintedDocument, printed_document
from exports.pdf.write import Press, inputs_of
from foundation.money import apportion, equal_parts
from foundation.period import BillingYear, Month

LONG_AGO = date(2008, 1, 1)
PROVIDERS = ("461", "479")


def main(arguments: Sequence[str]) -> None:
    """Write documents.

    The floor of the e-invoices is their trees, built element by element and made bytes; that of the PDFs is typst with
    the same template and fonts, told what it is to draw beforehand.
    """
    parser = argparse.ArgumentParser(prog="bench documents")
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--pdfs", type=int, default=1000)
    options = parser.parse_args(arguments)
    _e_invoices(made_documents(options.documents))
    _pdfs(made_documents(options.pdfs))


def _e_invoices(documents: Sequence[IssuedDocument]) -> None:
    def write() -> list[bytes]:
        """From the issued document through layout and checks to bytes."""
        made = []
        for document in documents:
            invoice = invoice_of(document, BOOK)
            require_fit(invoice)
            made.append(ubl_bytes(invoice))
        return made

    trees = [recorded(content) for content in write()]
    if [bare(tree) for tree in trees] != write():
        message = "the floor builds other documents"
        raise AssertionError(message)
    # By turns, so that whatever else the machine does falls on both.
    turns = [(seconds(write, repeats=1), seconds(lambda: [bare(tree) for tree in trees], repeats=1)) for _ in range(9)]
    measured, floor = (min(each) for each in zip(*turns, strict=True))
    tell(f"{len(documents)} e-invoices", measured, floor)


def _pdfs(documents: Sequence[IssuedDocument]) -> None:
    names = {code: known.name for code, known in MUNICIPALITIES.items()}
    prices = {("fyn-alkohol", year, 1): made_price(year) for year in {each.period.from_day.year for each in documents}}

    def ready(document: IssuedDocument) -> tuple[PrintedDocument, bytes]:
        """From the issued document to what is drawn, and the e-invoice within."""
        invoice = invoice_of(document, BOOK)
        require_fit(invoice)
        printed = printed_document(document, invoice, prices, names, {}, attached=True)
        return printed, ubl_bytes(invoice)

    # By turns and each once: typst remembers what it has drawn, so a second time is no measure of either.
    press, alone = Press(), Press()
    press.pdf(*_first(documents[0], ready))
    alone.pdf(*_first(documents[0], ready))
    measured = floor = 0.0
    for place, document in enumerate(documents):
        inputs = inputs_of(*ready(replace(document, note=f"Målt alene {place}")))
        floor += seconds(partial(alone.compiled, inputs, document.issue_date), repeats=1)
        measured += seconds(partial(_drawn, press, document, ready), repeats=1)
    tell(f"{len(documents)} PDFs", measured, floor)


Ready = Callable[[IssuedDocument], tuple[PrintedDocument, bytes]]


def _first(document: IssuedDocument, ready: Ready) -> tuple[PrintedDocument, date, bytes]:
    printed, xml = ready(replace(document, number="F2007-0001"))
    return printed, document.issue_date, xml


def _drawn(press: Press, document: IssuedDocument, ready: Ready) -> bytes:
    printed, xml = ready(document)
    return press.pdf(printed, document.issue_date, xml)


Recorded = tuple[str, dict[str, str], str | None, tuple["Recorded", ...]]


def recorded(content: bytes) -> tuple[dict[str | None, str], Recorded]:
    """A document as plain values: (tag, attributes, text, children)."""

    def values(element: etree._Element) -> Recorded:
        attributes = {str(name): str(value) for name, value in element.attrib.items()}
        return str(element.tag), attributes, element.text, tuple(values(child) for child in element)

    root = etree.fromstring(content)
    return dict(root.nsmap), values(root)


def bare(tree: tuple[dict[str | None, str], Recorded]) -> bytes:
    """The same document built by lxml alone, from values that are all there already."""
    prefixes, (tag, _, _, children) = tree
    root = etree.Element(tag, nsmap=prefixes)  # type: ignore[arg-type]

    def add(parent: etree._Element, those: tuple[Recorded, ...]) -> None:
        for name, attributes, text, inner in those:
            element = etree.SubElement(parent, name, attributes)
            if text is not None:
                element.text = text
            add(element, inner)

    add(root, children)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


BOOK = TradingBook(
    issuers={
        "461": [
            (
                LONG_AGO,
                IssuerDetails(
                    vat_number="DK35209115",
                    payment=PaymentDetails("42", registration_number="0000", account_number="0000000001"),
                    contact=Contact("Regnskab", "00 00 00 00", "regnskab@eksempel.invalid"),
                ),
            ),
        ],
    },
    buyers={
        ("fyn-alkohol", code): [
            (
                LONG_AGO,
                BuyerDetails(
                    endpoint=EndpointKind.CVR,
                    buyer_reference="Sundhed",
                    order_reference="4711",
                    accounting_cost=f"00-{code}",
                ),
            ),
        ]
        for code in MUNICIPALITIES
    },
    clauses={"fyn-alkohol": {"ambulant": "Momsloven § 13, stk. 1, nr. 1"}},
)


def made_price(year: int) -> AnnualSubscription:
    """A year's price for all 98, split by made-up numbers of inhabitants."""
    inhabitants = {code: 5_000 + 7_919 * int(code) % 200_000 for code in MUNICIPALITIES}
    day = date(year - 1, 1, 1)
    shares = apportion(2_466_733_333, inhabitants)
    lines = tuple(
        CostLine(CostLineKey(year, provider, "ambulant"), amount, "Eksempelbeløb")
        for provider, amount in zip(PROVIDERS, (1_825_000_000, 641_733_333), strict=True)
    )
    parts = tuple(
        SubscriptionPart(
            municipality=code,
            population=PopulationFigure(code, day, inhabitants[code], "Danmarks Statistik", day),
            weight=inhabitants[code],
            share_oere=share,
            passed_on={},
            instalments=tuple(
                Instalment(month, amount, {})
                for month, amount in zip(BillingYear(year).months, equal_parts(share, 12), strict=True)
            ),
        )
        for code, share in shares.items()
    )
    return AnnualSubscription("fyn-alkohol", year, 1, day, 1, Correction.SPREAD, lines, parts, day)


def made_documents(count: int) -> list[IssuedDocument]:
    """Months on account of two providers, and in every third an earlier year's result."""
    payers = [each for each in MUNICIPALITIES.values() if each.code != "461"]
    documents = []
    for number in range(count):
        month = Month(2009, 1).plus(number // len(payers))
        payer = payers[number % len(payers)]
        lines = [_line(month, provider, 19_420_282 + 97 * number) for provider in PROVIDERS]
        if number % 3 == 0:
            passed_on = replace(
                lines[0],
                service="",
                service_title="",
                kind=LineKind.PASSED_ON,
                text=f"Andel af overskud 2007, Odense Kommune, {month.danish}",
                vat_exemption="",
                amount_oere=-212_599,
            )
            lines.append(passed_on)
        issued_on = month.plus(-1).first_day + timedelta(days=14)
        documents.append(
            IssuedDocument(
                number=f"F{issued_on.year}-{number + 1:04d}",
                document_type=DocumentType.INVOICE,
                agreement="fyn-alkohol",
                issuer=_party("461"),
                subscriber=_party(payer.code),
                kind=ClaimKind.ACONTO,
                title=f"A conto {month.danish}",
                period=month.period,
                issue_date=issued_on,
                due_date=issued_on + timedelta(days=30),
                amount_oere=sum(line.amount_oere for line in lines),
                internal=False,
                provisional=False,
                note="",
                lines=tuple(lines),
            ),
        )
    return documents


def _party(code: str) -> PartySnapshot:
    known = MUNICIPALITIES[code]
    return PartySnapshot(code, known.official_name, known.cvr, "")


def _line(month: Month, provider: str, amount_oere: int) -> InvoiceLine:
    name = MUNICIPALITIES[provider].official_name
    return InvoiceLine(
        agreement="fyn-alkohol",
        provider=provider,
        provider_name=name,
        service="ambulant",
        service_title="Ambulant alkoholbehandling",
        kind=LineKind.SHARE,
        text=f"Ambulant alkoholbehandling, {name}: a conto {month.danish} (rate {month.number} af 12)",
        period=month.period,
        accounting_year=month.year,
        amount_oere=amount_oere,
        vat_exemption="Momsloven § 13, stk. 1, nr. 1",
        version=1,
    )
