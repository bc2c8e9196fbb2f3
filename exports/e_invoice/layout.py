"""An issued document with what was entered of its parties -> the neutral invoice; pure.

What is missing stays empty here: the checks (``rules``) tell it with the official rule's id.

Source: Peppol BIS Billing 3.0; docs/decisions/0025-e-invoice.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agreements.trading import (
    CVR_SCHEME,
    INTEREST_TREATMENT,
    WHOLE_ARTICLE,
    BuyerDetails,
    EndpointKind,
    IssuerDetails,
    TradingBook,
    VatCategory,
    VatTreatment,
    endpoint_of,
    payment_of,
)
from billing.invoice.facts import DocumentType, InvoiceLine, IssuedDocument, LineKind
from exports.e_invoice.facts import (
    CREDIT_NOTE,
    INVOICE,
    Identifier,
    Invoice,
    Line,
    Reference,
    TradeParty,
    VatGroup,
)
from foundation.period import Period

SPECIFICATION = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PROCESS = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
PAID_OUT = "Beløbet udbetales eller modregnes senest {day:%d.%m.%Y}."


def invoice_of(document: IssuedDocument, book: TradingBook, preceding: Sequence[Reference] = ()) -> Invoice:
    """The neutral invoice of an issued document.

    Args:
        document: As it was issued; its lines may be of several agreements.
        book: What was entered for these agreements and for the issuer.
        preceding: What a credit note refers to.
    """
    day = document.issue_date
    is_credit = document.document_type is DocumentType.CREDIT_NOTE
    sign = -1 if is_credit else 1
    issuer = book.issuer(document.issuer.municipality, day) or IssuerDetails()
    agreements = list(dict.fromkeys(line.agreement for line in document.lines))
    buyers = {each: book.buyer(each, document.subscriber.municipality, day) for each in agreements}
    treatments = [
        INTEREST_TREATMENT
        if line.kind is LineKind.INTEREST
        else book.treatment(line.agreement, line.service, day, line.vat_exemption)
        for line in document.lines
    ]
    lines = tuple(
        _line(number, line, treatment, buyers[line.agreement], sign)
        for number, (line, treatment) in enumerate(zip(document.lines, treatments, strict=True), start=1)
    )
    total = sum(line.amount_oere for line in lines)
    vat = _vat_groups(document.lines, treatments, lines)
    return Invoice(
        process=PROCESS,
        specification=SPECIFICATION,
        number=document.number,
        issue_date=day,
        due_date=document.due_date,
        document_type=CREDIT_NOTE if is_credit else INVOICE,
        period=_whole_period(document),
        seller=_seller(document, book, issuer, agreements, vat),
        buyer=_buyer(document, book, buyers),
        lines=lines,
        vat=vat,
        line_total_oere=total,
        net_oere=total,
        tax_oere=sum(group.tax_oere for group in vat),
        gross_oere=total,
        payable_oere=total,
        payment=None if is_credit or issuer.payment is None else payment_of(issuer.payment, document.number),
        terms=PAID_OUT.format(day=document.due_date) if is_credit else "",
        notes=_notes(document),
        buyer_reference=_buyer_reference(list(buyers.values())),
        order_reference=_only(buyer.order_reference for buyer in buyers.values()),
        contract=_only(agreements),
        accounting_cost=_only(buyer.accounting_cost for buyer in buyers.values()),
        preceding=tuple(preceding),
    )


def clean(text: str) -> str:
    """A text on one line without what XML cannot hold: an officer's words on a credit note may be anything."""
    if text.isprintable():
        return text
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _notes(document: IssuedDocument) -> tuple[str, ...]:
    """The one note that the profile allows."""
    said = [clean(text).rstrip(". ") for text in (document.title, document.note)]
    text = ". ".join(each for each in said if each)
    return (f"{text}.",) if text else ()


def _distinct(texts: Iterable[str]) -> list[str]:
    return [text for text in dict.fromkeys(texts) if text]


def _only(texts: Iterable[str]) -> str:
    """The one text that all have, or nothing."""
    found = _distinct(texts)
    return found[0] if len(found) == 1 else ""


def _buyer_reference(buyers: Sequence[BuyerDetails]) -> str:
    """What the buyer asked for; else its order numbers where they are several, since a document has place for one."""
    orders = _distinct(buyer.order_reference for buyer in buyers)
    references = _distinct(buyer.buyer_reference for buyer in buyers)
    return ", ".join(references or (orders if len(orders) > 1 else ()))


def _whole_period(document: IssuedDocument) -> Period:
    """The document's period, or a wider one that holds all its lines': a leaver's settlement reaches back."""
    return Period(
        min(document.period.from_day, *(line.period.from_day for line in document.lines)),
        max(document.period.to_day, *(line.period.to_day for line in document.lines)),
    )


def _seller(
    document: IssuedDocument,
    book: TradingBook,
    details: IssuerDetails,
    agreements: Sequence[str],
    vat: Sequence[VatGroup],
) -> TradeParty:
    party = document.issuer
    gln = party.gln or next((gln for each in agreements if (gln := book.glns.get((each, party.municipality), ""))), "")
    endpoint = endpoint_of(details.endpoint, gln, party.cvr, EndpointKind.CVR)
    outside = any(group.category == VatCategory.OUTSIDE for group in vat)
    return TradeParty(
        name=party.name,
        endpoint=Identifier(*endpoint) if endpoint else None,
        legal_entity=Identifier(CVR_SCHEME, party.cvr) if party.cvr else None,
        vat_number="" if outside else details.vat_number,
        address=details.address,
        contact=details.contact,
    )


def _buyer(document: IssuedDocument, book: TradingBook, buyers: dict[str, BuyerDetails]) -> TradeParty:
    party = document.subscriber
    gln = party.gln or next((gln for each in buyers if (gln := book.glns.get((each, party.municipality), ""))), "")
    kind = next((buyer.endpoint for buyer in buyers.values() if buyer.endpoint), None)
    endpoint = endpoint_of(kind, gln, party.cvr, None)
    return TradeParty(
        name=party.name,
        endpoint=Identifier(*endpoint) if endpoint else None,
        legal_entity=Identifier(CVR_SCHEME, party.cvr) if party.cvr else None,
        address=next((buyer.address for buyer in buyers.values() if buyer.address), None),
    )


def _line(number: int, line: InvoiceLine, treatment: VatTreatment | None, buyer: BuyerDetails, sign: int) -> Line:
    amount = sign * line.amount_oere
    properties = [("Aftale", line.agreement), ("Leverandør", line.provider_name)]
    if buyer.order_reference:
        properties.append(("Ordrenummer", buyer.order_reference))
    return Line(
        number=number,
        name=clean(line.service_title or line.text),
        description=clean(line.text),
        quantity=-1 if amount < 0 else 1,
        price_oere=abs(amount),
        amount_oere=amount,
        period=line.period,
        category=treatment.category if treatment else "",
        percent=_percent(treatment),
        accounting_cost=buyer.accounting_cost,
        item_code=line.service,
        properties=tuple(properties),
    )


def _percent(treatment: VatTreatment | None) -> int | None:
    return 0 if treatment and treatment.category is VatCategory.EXEMPT else None


def _vat_groups(
    lines: Sequence[InvoiceLine],
    treatments: Sequence[VatTreatment | None],
    written: Sequence[Line],
) -> tuple[VatGroup, ...]:
    """One group per category, since all of a category have one rate."""
    groups = []
    for category in dict.fromkeys(treatment.category for treatment in treatments if treatment):
        of_it = [
            (treatment, line.vat_exemption, made.amount_oere)
            for line, treatment, made in zip(lines, treatments, written, strict=True)
            if treatment and treatment.category is category
        ]
        codes = list(dict.fromkeys(treatment.code for treatment, _, _ in of_it))
        groups.append(
            VatGroup(
                category=category,
                percent=_percent(of_it[0][0]),
                taxable_oere=sum(amount for _, _, amount in of_it),
                tax_oere=0,
                code=codes[0] if len(codes) == 1 else WHOLE_ARTICLE,
                reason="; ".join(_distinct(treatment.reason or clean(clause) for treatment, clause, _ in of_it)),
            ),
        )
    return tuple(groups)
