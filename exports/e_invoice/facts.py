"""An invoice as e-invoice formats know it, after EN 16931, free of any syntax: another writer can stand beside UBL's.

The business terms of the standard stand in brackets. Amounts are øre, positive where the buyer owes (an invoice) or is
owed (a credit note).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from agreements.trading import Address, Contact, Payment
from foundation.period import Period

CURRENCY = "DKK"
COUNTRY = "DK"
INVOICE, CREDIT_NOTE = "380", "381"


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number and the scheme that it is of, by ISO 6523: ``0088`` GLN, ``0184`` CVR."""

    scheme: str
    value: str


@dataclass(frozen=True, slots=True)
class TradeParty:
    """A seller (BG-4) or a buyer (BG-7).

    Attributes:
        endpoint: Its electronic address [BT-34, BT-49].
        identifiers: Further numbers [BT-29, BT-46].
        legal_entity: Its CVR number [BT-30, BT-47].
        vat_number: ``DK`` and eight digits [BT-31, BT-48], or empty.
    """

    name: str
    endpoint: Identifier | None
    legal_entity: Identifier | None
    identifiers: tuple[Identifier, ...] = ()
    vat_number: str = ""
    address: Address | None = None
    contact: Contact | None = None
    country: str = COUNTRY


@dataclass(frozen=True, slots=True)
class VatGroup:
    """What is taxed alike (BG-23).

    Attributes:
        category: ``E`` exempt, ``O`` outside scope [BT-118].
        percent: The rate, or None outside scope [BT-119].
        code, reason: Why no VAT is charged [BT-121, BT-120].
    """

    category: str
    percent: int | None
    taxable_oere: int
    tax_oere: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A document that came before (BG-3)."""

    number: str
    issue_date: date | None = None


@dataclass(frozen=True, slots=True)
class Surcharge:
    """A charge on the whole document (BG-21). None of ours has one yet; the Danish rules on them are kept.

    Attributes:
        reason_code: UNCL7161; ``ZZZ`` is a tax that is not VAT.
        percent, base_oere: Both or neither.
    """

    amount_oere: int
    reason_code: str
    reason: str
    category: str
    percent: int | None = None
    base_oere: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line (BG-25).

    Attributes:
        quantity: Positive or negative: a price is never negative [BT-129].
        price_oere: Of one [BT-146].
        amount_oere: Quantity by price [BT-131].
        properties: Name -> value of what else is told of it (BG-32).
    """

    number: int
    name: str
    description: str
    quantity: int
    price_oere: int
    amount_oere: int
    period: Period
    category: str
    percent: int | None
    accounting_cost: str = ""
    item_code: str = ""
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice or a credit note.

    Attributes:
        process, specification: Which profile it follows [BT-23, BT-24].
        document_type: ``380`` or ``381`` [BT-3].
        due_date: When it is to be paid [BT-9].
        notes: At most one [BT-22].
        preceding: What a credit note credits (BG-3).
        terms: In words, how it is paid [BT-20].
        line_total_oere: The sum of the lines [BT-106].
        surcharge_total_oere: The sum of the surcharges [BT-108].
        net_oere: Without VAT [BT-109].
        tax_oere: The VAT [BT-110].
        gross_oere: With VAT [BT-112].
        payable_oere: What is to be paid [BT-115].
    """

    process: str
    specification: str
    number: str
    issue_date: date
    due_date: date
    document_type: str
    period: Period
    seller: TradeParty
    buyer: TradeParty
    lines: tuple[Line, ...]
    vat: tuple[VatGroup, ...]
    line_total_oere: int
    net_oere: int
    tax_oere: int
    gross_oere: int
    payable_oere: int
    payment: Payment | None = None
    terms: str = ""
    notes: tuple[str, ...] = ()
    buyer_reference: str = ""
    order_reference: str = ""
    contract: str = ""
    accounting_cost: str = ""
    preceding: tuple[Reference, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()
    surcharge_total_oere: int = 0
    currency: str = CURRENCY
    tax_currency: str = ""
