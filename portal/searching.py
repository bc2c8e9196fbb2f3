"""What a listing's address says: text, year, order and place, each taken only where it is what it should be."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask import url_for

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


def dated_place(text: str) -> tuple[str, int] | None:
    """Where an earlier part of a listing by day ended: ``2009-03-16_17``.

    Raises:
        PlaceInListingUnknown: it is no such place.
    """
    return place_from(text, Order.DUE)


def next_address(endpoint: str, place_in_list: tuple[str, int] | None, **values: Any) -> str | None:  # noqa: ANN401 - whatever the address holds
    """Where the following part of a listing is; None at its end."""
    if place_in_list is None:
        return None
    return url_for(endpoint, **values, after=f"{place_in_list[0]}_{place_in_list[1]}")


def small_number(given: str) -> int | None:
    """A number in an address, or none where it is no such number."""
    return int(given) if re.fullmatch(r"\d{1,9}", given, re.ASCII) else None
