"""What a listing's address says: text, year, order and place, each taken only where it is what it should be."""

from __future__ import annotations

import re
from datetime import date

from agreements.municipality import MUNICIPALITIES
from billing.invoice.store import Order
from foundation.errors import BadInput, N_
from foundation.period import FIRST_YEAR, LAST_YEAR

FEWEST_LETTERS = 2


class PlaceInListingUnknown(BadInput):
    """The address of a listing's next part was changed by hand."""

    danish = N_("Der kan ikke bladres herfra. Begynd listen forfra.")


def subscribers_like(text: str) -> frozenset[str]:
    """The municipalities that a text may mean: by a part of the name, or by the code."""
    small = text.casefold()
    if len(small) < FEWEST_LETTERS:
        return frozenset()
    return frozenset(
        code for code, each in MUNICIPALITIES.items() if small in each.official_name.casefold() or small == code
    )


def year_from(text: str) -> int | None:
    """A year that we know, or none."""
    return int(text) if re.fullmatch(r"\d{4}", text, re.ASCII) and FIRST_YEAR <= int(text) <= LAST_YEAR else None


def order_from(text: str) -> tuple[Order, bool]:
    """What to sort by, and whether the smallest comes first: ``due``, ``-amount``; the newest first otherwise."""
    name = text.removeprefix("-")
    return (Order(name), not text.startswith("-")) if name in set(Order) else (Order.ISSUED, False)


def place_from(text: str, order: Order) -> tuple[str, int] | None:
    """Where an earlier part of a listing ended.

    Raises:
        PlaceInListingUnknown: it is no such place.
    """
    if not text:
        return None
    value, _, place = text.partition("_")
    pattern = r"-?\d{1,18}" if order is Order.AMOUNT else r"\d{4}-\d\d-\d\d"
    if not re.fullmatch(pattern, value, re.ASCII) or not re.fullmatch(r"\d{1,18}", place, re.ASCII):
        raise PlaceInListingUnknown
    if order is not Order.AMOUNT:
        try:
            date.fromisoformat(value)
        except ValueError as error:
            raise PlaceInListingUnknown from error
    return value, int(place)
