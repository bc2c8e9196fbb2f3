"""What an e-invoice must fulfil before it leaves, each with the official rule's id; pure.

Of Peppol BIS Billing 3.0 the rules that can be broken by what we write, with its Danish rules; of EN 16931 those on
VAT, sums and decimals. Payment and addresses are judged in ``agreements.trading``, so that a plan can tell them too.

Source: docs/decisions/0025-e-invoice.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from agreements.trading import (
    CVR_SCHEME,
    MIXED_VAT,
    NO_BUYER_ENDPOINT,
    NO_BUYER_REFERENCE,
    NO_ISSUER_ENDPOINT,
    NO_LEGAL_ENTITY,
    NO_PAYMENT,
    NO_VAT_CATEGORY,
    NO_VAT_NUMBER,
    Finding,
    VatCategory,
    address_findings,
    finding,
    is_cvr,
    payment_findings,
)
from exports.e_invoice.facts import COUNTRY, CREDIT_NOTE, INVOICE, Invoice, Line, Surcharge, TradeParty
from foundation.errors import N_, RuleBroken
from foundation.money import kroner

SPECIFICATION_START = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PROCESS_PATTERN = re.compile(r"urn:fdc:peppol\.eu:2017:poacc:billing:\d{2}:1\.0", re.ASCII)
SLACK_OERE = 2
TAX_NOT_VAT = "ZZZ"
_FOUR_DIGITS = re.compile(r"\d{4}", re.ASCII)


class NotFitToSend(RuleBroken):
    """A document does not fulfil the rules of the format; nothing was written."""

    danish = N_("{number} kan ikke sendes som e-faktura:\n{lines}")
    findings: tuple[Finding, ...] = ()

    def __init__(self, *, number: str, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(number=number, rules=tuple(found.rule for found in findings))

    def text(self, translate: Callable[[str], str] = str) -> str:
        """The sentence and every finding, in Danish or as ``translate`` renders the Danish."""
        found = "\n".join(f"  - {each.text(translate)}" for each in self.findings)
        lines = found or self.facts.get("lines", "")
        return translate(self.danish).format(number=self.facts["number"], lines=lines)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (str(self.facts["number"]), self.findings))


def _rebuild(number: str, findings: tuple[Finding, ...]) -> NotFitToSend:
    return NotFitToSend(number=number, findings=findings)


def findings_in(invoice: Invoice) -> list[Finding]:
    """Everything that keeps an invoice from being sent, in the order of the document; nothing where it is fit."""
    not_whole = list(_decimals(invoice))
    if not_whole:  # sums of such amounts say nothing
        return not_whole
    return [
        *_head(invoice),
        *_parties(invoice),
        *_legal_entities(invoice),
        *_payment(invoice),
        *_periods(invoice),
        *_lines(invoice),
        *_surcharges(invoice),
        *_vat(invoice),
        *_totals(invoice),
    ]


def require_fit(invoice: Invoice) -> None:
    """Refuse what must not leave.

    Raises:
        NotFitToSend: with every finding.
    """
    findings = findings_in(invoice)
    if findings:
        raise NotFitToSend(number=invoice.number, findings=findings)


def _head(invoice: Invoice) -> Iterator[Finding]:
    if not invoice.process:
        yield finding("PEPPOL-EN16931-R001", N_("forretningsprocessen mangler."))
    elif PROCESS_PATTERN.fullmatch(invoice.process) is None:
        yield finding("PEPPOL-EN16931-R007", N_("forretningsprocessen «{text}» er ukendt."), text=invoice.process)
    if len(invoice.notes) > 1:
        yield finding("PEPPOL-EN16931-R002", N_("der må højst være én bemærkning på bilaget."))
    if not (invoice.buyer_reference or invoice.order_reference):
        yield finding(
            "PEPPOL-EN16931-R003",
            NO_BUYER_REFERENCE,
            who=invoice.buyer.name,
            agreement=_agreements(invoice),
        )
    if not invoice.specification.startswith(SPECIFICATION_START):
        yield finding("PEPPOL-EN16931-R004", N_("formatet «{text}» er ukendt."), text=invoice.specification)
    if invoice.tax_currency and invoice.tax_currency == invoice.currency:
        yield finding("PEPPOL-EN16931-R005", N_("momsens valuta må kun nævnes, når den er en anden end bilagets."))
    names = (*(party.name for party in (invoice.seller, invoice.buyer)), *(line.name for line in invoice.lines))
    said = [*names, *invoice.notes, *(name and value for line in invoice.lines for name, value in line.properties)]
    if any(not text.strip() for text in said):
        yield finding("PEPPOL-EN16931-R008", N_("et navn, en linjetekst eller en bemærkning er tom."))
    if invoice.document_type == CREDIT_NOTE and not any(reference.number for reference in invoice.preceding):
        yield finding("BR-55", N_("en kreditnota skal henvise til den faktura, den vedrører, og der er ingen."))


def _parties(invoice: Invoice) -> Iterator[Finding]:
    seller, buyer = invoice.seller, invoice.buyer
    if seller.endpoint is None:
        yield finding("PEPPOL-EN16931-R020", NO_ISSUER_ENDPOINT, who=seller.name)
    if buyer.endpoint is None:
        yield finding("PEPPOL-EN16931-R010", NO_BUYER_ENDPOINT, who=buyer.name, agreement=_agreements(invoice))
    for party in (seller, buyer):
        for identifier in (party.endpoint, *party.identifiers):
            if identifier is not None:
                yield from address_findings(party.name, (identifier.scheme, identifier.value))
        yield from _unnamed_schemes(party)
        if party.vat_number and not party.vat_number.startswith(party.country):
            yield finding("BR-CO-09", N_("momsnummeret «{text}» skal begynde med DK."), text=party.vat_number)


def _legal_entities(invoice: Invoice) -> Iterator[Finding]:
    seller, buyer = invoice.seller, invoice.buyer
    if seller.country != COUNTRY:
        return
    if seller.legal_entity is None or not seller.legal_entity.value.strip():
        yield finding("DK-R-002", NO_LEGAL_ENTITY, who=seller.name)
    for party, rule in ((seller, "DK-R-014"), (buyer, "DK-R-017")):
        entity = party.legal_entity
        if entity is not None and (entity.scheme != CVR_SCHEME or (entity.value and not is_cvr(entity.value))):
            yield finding(
                rule,
                N_("{who} skal stå med sit CVR-nummer på 8 cifre (skema 0184), ikke «{text}»."),
                who=party.name,
                text=f"{entity.scheme}:{entity.value}",
            )


def _unnamed_schemes(party: TradeParty) -> Iterator[Finding]:
    for identifier in party.identifiers:
        if not identifier.scheme.strip():
            yield finding(
                "DK-R-013",
                N_("nummeret «{text}» på {who} er uden skema."),
                text=identifier.value,
                who=party.name,
            )


def _payment(invoice: Invoice) -> Iterator[Finding]:
    if invoice.document_type != INVOICE:
        return
    if invoice.payment is None:
        entity = invoice.seller.legal_entity
        yield finding("DK-R-005", NO_PAYMENT, who=invoice.seller.name, code=entity.value if entity else "")
    else:
        yield from payment_findings(invoice.payment)


def _periods(invoice: Invoice) -> Iterator[Finding]:
    for line in invoice.lines:
        if line.period.from_day < invoice.period.from_day:
            yield finding(
                "PEPPOL-EN16931-R110", N_("linje {line} begynder før bilagets periode."), line=str(line.number)
            )
        if line.period.to_day > invoice.period.to_day:
            yield finding(
                "PEPPOL-EN16931-R111", N_("linje {line} slutter efter bilagets periode."), line=str(line.number)
            )


def _lines(invoice: Invoice) -> Iterator[Finding]:
    for line in invoice.lines:
        if abs(line.amount_oere - line.quantity * line.price_oere) > SLACK_OERE:
            yield finding(
                "PEPPOL-EN16931-R120",
                N_("linje {line} siger {amount}, men antal gange pris er {product}."),
                line=str(line.number),
                amount=kroner(line.amount_oere),
                product=kroner(line.quantity * line.price_oere),
            )
        if line.price_oere < 0:
            yield finding("BR-27", N_("linje {line} har en negativ pris."), line=str(line.number))
        if not line.category:
            yield finding("BR-CO-04", NO_VAT_CATEGORY, agreement=_agreement_of(line), service=line.item_code)


def _agreements(invoice: Invoice) -> str:
    return ", ".join(dict.fromkeys(_agreement_of(line) for line in invoice.lines))


def _agreement_of(line: Line) -> str:
    return dict(line.properties).get("Aftale", "")


def _surcharges(invoice: Invoice) -> Iterator[Finding]:
    for charge in invoice.surcharges:
        if charge.percent is not None and charge.base_oere is None:
            yield finding("PEPPOL-EN16931-R041", N_("et gebyr i procent skal sige, hvad det er beregnet af."))
        elif charge.base_oere is not None and charge.percent is None:
            yield finding("PEPPOL-EN16931-R042", N_("et gebyr, der er beregnet af et beløb, skal sige sin procent."))
        # Both sides a hundredfold, so that nothing is divided.
        elif abs(100 * charge.amount_oere - _hundredfold(charge)) > 100 * SLACK_OERE:
            yield finding("PEPPOL-EN16931-R040", N_("et gebyr er ikke sin procent af sit grundlag."))
        if charge.reason_code == TAX_NOT_VAT and not _names_the_tax(charge):
            yield finding(
                "DK-R-004",
                N_(
                    "en afgift, der ikke er moms, skal nævnes med fire cifre eller med # inde i teksten, ikke «{text}»."
                ),
                text=charge.reason,
            )


def _hundredfold(charge: Surcharge) -> int:
    """What a charge should be by its percentage, times a hundred; what it is, where it has none."""
    if charge.percent is None or charge.base_oere is None:
        return 100 * charge.amount_oere
    return charge.base_oere * charge.percent


def _names_the_tax(charge: Surcharge) -> bool:
    inside = "#" in charge.reason and not charge.reason.startswith("#") and not charge.reason.endswith("#")
    return inside or _FOUR_DIGITS.fullmatch(charge.reason.strip()) is not None


def _vat(invoice: Invoice) -> Iterator[Finding]:
    of_lines = {line.category for line in invoice.lines if line.category}
    of_groups = {group.category for group in invoice.vat}
    if VatCategory.EXEMPT in of_lines and not invoice.seller.vat_number:
        entity = invoice.seller.legal_entity
        yield finding("BR-E-02", NO_VAT_NUMBER, who=invoice.seller.name, code=entity.value if entity else "")
    for group in invoice.vat:
        if group.category == VatCategory.EXEMPT and not (group.code or group.reason):
            yield finding("BR-E-10", N_("momsfritagelsen skal begrundes med en kode eller en tekst."))
        expected = group.taxable_oere * (group.percent or 0)
        if abs(100 * group.tax_oere - expected) > 50:  # noqa: PLR2004 - half an øre, a hundredfold
            yield finding(
                "BR-CO-17",
                N_("momsen {tax} er ikke {percent} % af {base}."),
                tax=kroner(group.tax_oere),
                percent=str(group.percent or 0),
                base=kroner(group.taxable_oere),
            )
    if VatCategory.OUTSIDE in of_lines and (invoice.seller.vat_number or invoice.buyer.vat_number):
        yield finding("BR-O-02", N_("et bilag uden for momslovens område må ikke nævne et momsnummer."))
    if VatCategory.OUTSIDE in of_groups:
        if len(invoice.vat) > 1:
            yield finding("BR-O-11", MIXED_VAT, services=_services(invoice))
        if of_lines != {VatCategory.OUTSIDE}:
            yield finding("BR-O-12", MIXED_VAT, services=_services(invoice))


def _services(invoice: Invoice) -> str:
    return ", ".join(sorted({line.item_code for line in invoice.lines if line.item_code}))


def _totals(invoice: Invoice) -> Iterator[Finding]:
    if invoice.line_total_oere != sum(line.amount_oere for line in invoice.lines):
        yield _off("BR-CO-10", N_("linjernes sum"), invoice.line_total_oere)
    if invoice.surcharge_total_oere != sum(charge.amount_oere for charge in invoice.surcharges):
        yield _off("BR-CO-12", N_("gebyrernes sum"), invoice.surcharge_total_oere)
    if invoice.net_oere != invoice.line_total_oere + invoice.surcharge_total_oere:
        yield _off("BR-CO-13", N_("beløbet uden moms"), invoice.net_oere)
    if invoice.tax_oere != sum(group.tax_oere for group in invoice.vat):
        yield _off("BR-CO-14", N_("momsen i alt"), invoice.tax_oere)
    if invoice.gross_oere != invoice.net_oere + invoice.tax_oere:
        yield _off("BR-CO-15", N_("beløbet med moms"), invoice.gross_oere)
    if invoice.payable_oere != invoice.gross_oere:
        yield _off("BR-CO-16", N_("beløbet til betaling"), invoice.payable_oere)
    if invoice.document_type == CREDIT_NOTE and invoice.payable_oere < 0:
        yield finding(
            "DK-R-016",
            N_("en kreditnota må ikke være negativ, men er på {amount}."),
            amount=kroner(invoice.payable_oere),
        )


def _off(rule: str, what: str, amount_oere: int) -> Finding:
    return finding(
        rule, N_("{what} er {amount}, men er ikke summen af sine dele."), what=what, amount=kroner(amount_oere)
    )


def _decimals(invoice: Invoice) -> Iterator[Finding]:
    """An amount that is no whole number of øre would have more than two decimals."""
    amounts = [
        ("BR-DEC-09", invoice.line_total_oere),
        ("BR-DEC-11", invoice.surcharge_total_oere),
        ("BR-DEC-12", invoice.net_oere),
        ("BR-DEC-13", invoice.tax_oere),
        ("BR-DEC-14", invoice.gross_oere),
        ("BR-DEC-18", invoice.payable_oere),
    ]
    for group in invoice.vat:
        amounts += [("BR-DEC-19", group.taxable_oere), ("BR-DEC-20", group.tax_oere)]
    for line in invoice.lines:
        amounts.append(("BR-DEC-23", line.amount_oere))
    for charge in invoice.surcharges:
        amounts += [("BR-DEC-05", charge.amount_oere), ("BR-DEC-06", charge.base_oere or 0)]
    for rule, amount in amounts:
        if type(amount) is not int:
            yield finding(rule, N_("beløbet {amount} er ikke et helt antal øre."), amount=str(amount))
