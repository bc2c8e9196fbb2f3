"""Enkeltsager as an agreement says them: services billed by the case, their dated unit prices, and how days count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

DEFAULT_CLAIM_MONTHS = 12
DEFAULT_DUE_DAYS = 30
DEFAULT_SEND_BY_DAY = 15  # as for a conto invoices


class CasePricing(StrEnum):
    """What a case service is billed by."""

    DAY = "day"  # days by a dated unit price
    ACTUAL = "actual"  # what the supplier's invoice says, passed on


@dataclass(frozen=True, slots=True)
class CaseService:
    """Something that is billed by the case (sagsaftale).

    Attributes:
        provider: Three digits: who is entitled to what is billed; it runs the place or pays the supplier.
    """

    code: str
    title: str
    provider: str
    pricing: CasePricing = CasePricing.DAY
    vat_exemption: str = ""


@dataclass(frozen=True, order=True, slots=True)
class CasePrice:
    """What one day of a service costs from a day on.

    Attributes:
        amount_oere: Øre per day, above zero.
    """

    service: str
    from_day: date
    amount_oere: int


@dataclass(frozen=True, slots=True)
class CaseTerms:
    """How enkeltsager are counted and claimed.

    Attributes:
        count_arrival_day: Whether the day of arrival is billed.
        count_leaving_day: Whether the day of leaving is billed.
        claim_within_months: So many months after a service month's end it can still be claimed.
        due_days: From the invoice's date.
        send_by_day: The day of the month after the service month by which its bill is sent; the bank day before where
            it is none.
        by_clock: Whether the clock may issue what it has planned; otherwise an officer does.

    Source: the Horsens-Odder agreement 4.0 and 6.2; docs/decisions/0041-cases.md.
    """

    count_arrival_day: bool = True
    count_leaving_day: bool = False
    claim_within_months: int = DEFAULT_CLAIM_MONTHS
    due_days: int = DEFAULT_DUE_DAYS
    send_by_day: int = DEFAULT_SEND_BY_DAY
    by_clock: bool = False
    services: tuple[CaseService, ...] = ()
    prices: tuple[CasePrice, ...] = ()

    def service(self, code: str) -> CaseService | None:
        """One service by its code."""
        return next((service for service in self.services if service.code == code), None)
