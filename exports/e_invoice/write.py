"""Write a neutral invoice as UBL 2.1 in the order that its schema asks for: the same bytes for the same invoice.

Source: Peppol BIS Billing 3.0, syntax binding to UBL 2.1.
"""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from typing import Any, TypeAlias

from lxml import etree

from agreements.trading import Payment
from exports.e_invoice.facts import CREDIT_NOTE, Invoice, Line, Surcharge, TradeParty, VatGroup
from foundation.money import kroner_for_programs
from foundation.period import Period

Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml's only name for it

INVOICE_NAMESPACE = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
CREDIT_NOTE_NAMESPACE = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
UNIT = "EA"  # UNECE recommendation 20: each


def ubl_bytes(invoice: Invoice) -> bytes:
    """The document as UTF-8 with its XML declaration."""
    return etree.tostring(ubl_tree(invoice), xml_declaration=True, encoding="UTF-8")


def ubl_tree(invoice: Invoice) -> Element:
    """The document as a tree."""
    return _Writer(invoice).root


class _Writer:
    """Writes one document; everything is added in the schema's order."""

    def __init__(self, invoice: Invoice) -> None:
        self.invoice = invoice
        self.is_credit = invoice.document_type == CREDIT_NOTE
        self.currency = {"currencyID": invoice.currency}
        namespace = CREDIT_NOTE_NAMESPACE if self.is_credit else INVOICE_NAMESPACE
        name = "CreditNote" if self.is_credit else "Invoice"
        prefixes: Any = {None: namespace, "cac": CAC, "cbc": CBC}  # lxml's stubs know no default namespace
        self.root = etree.Element(f"{{{namespace}}}{name}", nsmap=prefixes)
        self._head()
        self._references()
        self.root.append(deepcopy(_party("AccountingSupplierParty", invoice.seller)))
        self.root.append(deepcopy(_party("AccountingCustomerParty", invoice.buyer)))
        if invoice.payment is not None:
            self._payment(invoice.payment)
        if invoice.terms:
            _leaf(_group(self.root, "PaymentTerms"), "Note", invoice.terms)
        for charge in invoice.surcharges:
            self._surcharge(charge)
        self._tax()
        self._totals()
        for line in invoice.lines:
            self._line(line)

    def _head(self) -> None:
        root, invoice = self.root, self.invoice
        _leaf(root, "CustomizationID", invoice.specification)
        _leaf(root, "ProfileID", invoice.process)
        _leaf(root, "ID", invoice.number)
        _leaf(root, "IssueDate", invoice.issue_date.isoformat())
        if not self.is_credit:
            _leaf(root, "DueDate", invoice.due_date.isoformat())
        _leaf(root, "CreditNoteTypeCode" if self.is_credit else "InvoiceTypeCode", invoice.document_type)
        for note in invoice.notes:
            _leaf(root, "Note", note)
        _leaf(root, "DocumentCurrencyCode", invoice.currency)
        if invoice.tax_currency:
            _leaf(root, "TaxCurrencyCode", invoice.tax_currency)
        if invoice.accounting_cost:
            _leaf(root, "AccountingCost", invoice.accounting_cost)
        if invoice.buyer_reference:
            _leaf(root, "BuyerReference", invoice.buyer_reference)
        self._period(root, invoice.period)

    def _references(self) -> None:
        root, invoice = self.root, self.invoice
        if invoice.order_reference:
            _leaf(_group(root, "OrderReference"), "ID", invoice.order_reference)
        for reference in invoice.preceding:
            document = _group(_group(root, "BillingReference"), "InvoiceDocumentReference")
            _leaf(document, "ID", reference.number)
            if reference.issue_date is not None:
                _leaf(document, "IssueDate", reference.issue_date.isoformat())
        if invoice.contract:
            _leaf(_group(root, "ContractDocumentReference"), "ID", invoice.contract)

    def _period(self, parent: Element, period: Period) -> None:
        group = _group(parent, "InvoicePeriod")
        _leaf(group, "StartDate", period.from_day.isoformat())
        _leaf(group, "EndDate", period.last_day.isoformat())

    def _payment(self, payment: Payment) -> None:
        group = _group(self.root, "PaymentMeans")
        _leaf(group, "PaymentMeansCode", payment.means)
        if payment.payment_id:
            _leaf(group, "PaymentID", payment.payment_id)
        if payment.account:
            account = _group(group, "PayeeFinancialAccount")
            _leaf(account, "ID", payment.account)
            if payment.branch:
                _leaf(_group(account, "FinancialInstitutionBranch"), "ID", payment.branch)

    def _surcharge(self, charge: Surcharge) -> None:
        group = _group(self.root, "AllowanceCharge")
        _leaf(group, "ChargeIndicator", "true")
        if charge.reason_code:
            _leaf(group, "AllowanceChargeReasonCode", charge.reason_code)
        if charge.reason:
            _leaf(group, "AllowanceChargeReason", charge.reason)
        if charge.percent is not None:
            _leaf(group, "MultiplierFactorNumeric", str(charge.percent))
        self._amount(group, "Amount", charge.amount_oere)
        if charge.base_oere is not None:
            self._amount(group, "BaseAmount", charge.base_oere)
        self._category(group, "TaxCategory", charge.category, 0 if charge.category == "E" else None)

    def _tax(self) -> None:
        group = _group(self.root, "TaxTotal")
        self._amount(group, "TaxAmount", self.invoice.tax_oere)
        for vat in self.invoice.vat:
            subtotal = _group(group, "TaxSubtotal")
            self._amount(subtotal, "TaxableAmount", vat.taxable_oere)
            self._amount(subtotal, "TaxAmount", vat.tax_oere)
            self._category(subtotal, "TaxCategory", vat.category, vat.percent, vat)

    def _category(
        self,
        parent: Element,
        name: str,
        category: str,
        percent: int | None,
        why: VatGroup | None = None,
    ) -> None:
        group = _group(parent, name)
        _leaf(group, "ID", category)
        if percent is not None:
            _leaf(group, "Percent", str(percent))
        if why is not None and why.code:
            _leaf(group, "TaxExemptionReasonCode", why.code)
        if why is not None and why.reason:
            _leaf(group, "TaxExemptionReason", why.reason)
        _leaf(_group(group, "TaxScheme"), "ID", "VAT")

    def _totals(self) -> None:
        invoice = self.invoice
        group = _group(self.root, "LegalMonetaryTotal")
        self._amount(group, "LineExtensionAmount", invoice.line_total_oere)
        self._amount(group, "TaxExclusiveAmount", invoice.net_oere)
        self._amount(group, "TaxInclusiveAmount", invoice.gross_oere)
        if invoice.surcharges:
            self._amount(group, "ChargeTotalAmount", invoice.surcharge_total_oere)
        self._amount(group, "PayableAmount", invoice.payable_oere)

    def _line(self, line: Line) -> None:
        group = _group(self.root, "CreditNoteLine" if self.is_credit else "InvoiceLine")
        _leaf(group, "ID", str(line.number))
        quantity = "CreditedQuantity" if self.is_credit else "InvoicedQuantity"
        _coded(group, quantity, str(line.quantity), {"unitCode": UNIT})
        self._amount(group, "LineExtensionAmount", line.amount_oere)
        if line.accounting_cost:
            _leaf(group, "AccountingCost", line.accounting_cost)
        self._period(group, line.period)
        item = _group(group, "Item")
        if line.description:
            _leaf(item, "Description", line.description)
        _leaf(item, "Name", line.name)
        if line.item_code:
            _leaf(_group(item, "SellersItemIdentification"), "ID", line.item_code)
        self._category(item, "ClassifiedTaxCategory", line.category, line.percent)
        for name, value in line.properties:
            told = _group(item, "AdditionalItemProperty")
            _leaf(told, "Name", name)
            _leaf(told, "Value", value)
        self._amount(_group(group, "Price"), "PriceAmount", line.price_oere)

    def _amount(self, parent: Element, name: str, amount_oere: int) -> None:
        _coded(parent, name, kroner_for_programs(amount_oere), self.currency)


class _Names(dict[str, str]):
    """Local name -> the name with its namespace, made once."""

    def __init__(self, namespace: str) -> None:
        super().__init__()
        self.namespace = namespace

    def __missing__(self, name: str) -> str:
        self[name] = f"{{{self.namespace}}}{name}"
        return self[name]


_GROUPS, _LEAVES = _Names(CAC), _Names(CBC)


def _group(parent: Element, name: str) -> Element:
    return etree.SubElement(parent, _GROUPS[name])


def _leaf(parent: Element, name: str, text: str) -> None:
    etree.SubElement(parent, _LEAVES[name]).text = text


def _coded(parent: Element, name: str, text: str, attributes: dict[str, str]) -> None:
    etree.SubElement(parent, _LEAVES[name], attributes).text = text


@lru_cache(maxsize=512)
def _party(role: str, party: TradeParty) -> Element:
    """A party's part of the tree, made once: it is to be copied, since an issuer's documents all have the same."""
    top = etree.Element(_GROUPS[role], nsmap={"cac": CAC, "cbc": CBC})
    group = _group(top, "Party")
    if party.endpoint is not None:
        _coded(group, "EndpointID", party.endpoint.value, {"schemeID": party.endpoint.scheme})
    for identifier in party.identifiers:
        scheme = {"schemeID": identifier.scheme} if identifier.scheme else {}
        _coded(_group(group, "PartyIdentification"), "ID", identifier.value, scheme)
    _leaf(_group(group, "PartyName"), "Name", party.name)
    _address(group, party)
    if party.vat_number:
        scheme_group = _group(group, "PartyTaxScheme")
        _leaf(scheme_group, "CompanyID", party.vat_number)
        _leaf(_group(scheme_group, "TaxScheme"), "ID", "VAT")
    entity = _group(group, "PartyLegalEntity")
    _leaf(entity, "RegistrationName", party.name)
    if party.legal_entity is not None:
        _coded(entity, "CompanyID", party.legal_entity.value, {"schemeID": party.legal_entity.scheme})
    contact = party.contact
    if contact is not None and (contact.name or contact.phone or contact.mail):
        contact_group = _group(group, "Contact")
        for name, text in (
            ("Name", contact.name),
            ("Telephone", contact.phone),
            ("ElectronicMail", contact.mail),
        ):
            if text:
                _leaf(contact_group, name, text)
    return top


def _address(parent: Element, party: TradeParty) -> None:
    group = _group(parent, "PostalAddress")
    address = party.address
    if address is not None:
        for name, text in (
            ("StreetName", address.street),
            ("CityName", address.city),
            ("PostalZone", address.postal_code),
        ):
            if text:
                _leaf(group, name, text)
    _leaf(_group(group, "Country"), "IdentificationCode", party.country)
