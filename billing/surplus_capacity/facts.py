"""A sale of surplus capacity, and what its price is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from agreements.agreement import MunicipalityCode
from foundation.period import Period


@dataclass(frozen=True, slots=True)
class SubscribersCost:
    """What the subscribers' courses cost in the last closed year.

    Attributes:
        cost_oere: The service's net cost by the final accounts.
        courses: Courses that were started, by the released usage statements; above zero.
    """

    year: int
    service: str
    cost_oere: int
    courses: int


@dataclass(frozen=True, slots=True)
class SaleOffer:
    """What is sold to whom.

    Attributes:
        buyer: A municipality that takes no part in the agreement.
        period: Within one year.
        courses: How many courses it is for.
        unit_oere: Øre per course, or None where it is sold for the period.
        amount_oere: ``courses × unit_oere``, or the period's price.
        reason: Why it is sold below the subscribers' cost, or without one to compare with; empty otherwise.
    """

    agreement: str
    provider: MunicipalityCode
    service: str
    buyer: MunicipalityCode
    period: Period
    courses: int
    unit_oere: int | None
    amount_oere: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale that was billed.

    Attributes:
        compared: What its price was compared with, where that was known.
        credited_by: The credit note that took it back, if one did.
    """

    offer: SaleOffer
    number: str
    compared: SubscribersCost | None
    credited_by: str | None = None


class OfferEnd(StrEnum):
    """What became of an offer."""

    SOLD = "sold"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class KeptOffer:
    """An offer that one person made and another may sell by.

    Attributes:
        offered_by: Who made it; where two must see each bill, another sells.
        end: What became of it; None while it stands.
        ended_by: Who sold or withdrew it; empty while it stands.
        sold_as: The number of the document that bills it.
    """

    number: int
    offer: SaleOffer
    offered_on: date
    offered_by: str
    end: OfferEnd | None = None
    ended_on: date | None = None
    ended_by: str = ""
    sold_as: str | None = None
