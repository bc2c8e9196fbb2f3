"""Documents, details and neutral invoices made by hand for the tests; every number is made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from agreements.trading import (
    Address,
    BuyerDetails,
    Contact,
    IssuerDetails,
    PaymentDetails,
    ServiceDetails,
    TradingBook,
    treatment_by_code,
)
from billing.invoice.facts import (
    ClaimKind,
    DocumentType,
    InvoiceLine,
    IssuedDocument,
    LineKind,
    PartySnapshot,
)
from exports.e_invoice.facts import Invoice, Reference, Surcharge
from exports.e_invoice.layout import invoice_of
from foundation.period import Month

HEALTH = "Momsloven § 13, stk. 1, nr. 1"
SOCIAL = "Momsloven § 13, stk. 1, nr. 2"
LONG_AGO = date(2008, 1, 1)
DAY = date(2008, 12, 15)
# GS1 keeps numbers that begin with 2 for use within a company, so these are nobody's GLN.
GLN_ASSENS, GLN_ODENSE = "2000000004204", "2000000004617"
ODENSE = PartySnapshot("461", "Odense Kommune", "35209115", GLN_ODENSE)
SVENDBORG = PartySnapshot("479", "Svendborg Kommune", "29189730", "")
ASSENS = PartySnapshot("420", "Assens Kommune", "29189692", GLN_ASSENS)
JANUARY = Month(2009, 1).period

ACCOUNT = PaymentDetails(means="42", registration_number="0000", account_number="0000000001")
ISSUER = IssuerDetails(
    vat_number="DK35209115",
    payment=ACCOUNT,
    contact=Contact("Regnskab", "00 00 00 00", "regnskab@eksempel.invalid"),
    address=Address("Vej 1", "5000", "Odense C"),
)
BUYER = BuyerDetails(buyer_reference="Sundhed", order_reference="4711", accounting_cost="00-00-01")


def line(amount_oere: int = 14_367_996, **changes: object) -> InvoiceLine:
    """A month's share of Odense's part, or what the changes say."""
    made = InvoiceLine(
        agreement="fyn-alkohol",
        provider="461",
        provider_name="Odense Kommune",
        service="ambulant",
        service_title="Ambulant behandling",
        kind=LineKind.SHARE,
        text="Ambulant behandling, Odense Kommune: a conto januar 2009 (rate 1 af 12)",
        period=JANUARY,
        accounting_year=2009,
        amount_oere=amount_oere,
        vat_exemption=HEALTH,
        version=1,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def document(*lines: InvoiceLine, **changes: object) -> IssuedDocument:
    """An invoice to Assens of January 2009, or a credit note."""
    of_it = lines or (line(), line(5_052_286, provider="479", provider_name="Svendborg Kommune"))
    made = IssuedDocument(
        number="F2008-0001",
        document_type=DocumentType.INVOICE,
        agreement="fyn-alkohol",
        issuer=ODENSE,
        subscriber=ASSENS,
        kind=ClaimKind.ACONTO,
        title="A conto januar 2009",
        period=JANUARY,
        issue_date=DAY,
        due_date=date(2009, 1, 14),
        amount_oere=sum(each.amount_oere for each in of_it),
        internal=False,
        provisional=False,
        note="",
        lines=of_it,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def credit_note() -> IssuedDocument:
    """What takes the invoice back whole."""
    return document(
        line(-14_367_996),
        line(-5_052_286, provider="479", provider_name="Svendborg Kommune"),
        number="F2009-0017",
        document_type=DocumentType.CREDIT_NOTE,
        title="Kreditering af F2008-0001: A conto januar 2009",
        note="Forkert beløb",
        issue_date=date(2009, 2, 2),
        due_date=date(2009, 3, 4),
        credits="F2008-0001",
    )


def book(
    issuer: IssuerDetails | None = ISSUER,
    buyer: BuyerDetails | None = BUYER,
    services: dict[tuple[str, str], ServiceDetails] | None = None,
) -> TradingBook:
    """What was entered long ago."""
    return TradingBook(
        issuers={"461": [(LONG_AGO, issuer)]} if issuer else {},
        buyers={("fyn-alkohol", "420"): [(LONG_AGO, buyer)]} if buyer else {},
        services={key: [(LONG_AGO, details)] for key, details in (services or {}).items()},
        clauses={"fyn-alkohol": {"ambulant": HEALTH} | {service: "" for _, service in services or {} if service}},
    )


OUTSIDE = {("fyn-alkohol", "ambulant"): ServiceDetails(vat=treatment_by_code("VATEX-EU-O", "Uden for momsloven"))}


def invoice() -> Invoice:
    """A fit invoice."""
    return invoice_of(document(), book())


def outside_scope() -> Invoice:
    """A fit invoice of a service outside scope."""
    return invoice_of(document(), book(services=OUTSIDE))


def credit() -> Invoice:
    """A fit credit note."""
    return invoice_of(credit_note(), book(), [Reference("F2008-0001", DAY)])


def surcharged(charge: Surcharge) -> Invoice:
    """A fit invoice with a charge on top, if the charge is fit."""
    plain = invoice()
    group = plain.vat[0]
    return replace(
        plain,
        surcharges=(charge,),
        surcharge_total_oere=charge.amount_oere,
        net_oere=plain.net_oere + charge.amount_oere,
        gross_oere=plain.gross_oere + charge.amount_oere,
        payable_oere=plain.payable_oere + charge.amount_oere,
        vat=(replace(group, taxable_oere=group.taxable_oere + charge.amount_oere),),
    )


CHARGE = Surcharge(amount_oere=10_000, reason_code="ZZZ", reason="3021", category="E")
