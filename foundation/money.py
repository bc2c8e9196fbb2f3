"""Money in whole øre, and the only functions of the house that round.

Amounts are ``int`` øre; positive means that the municipality owes. Nothing here knows floats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol, TypeVar


class _Ordered(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...  # noqa: ANN401 - each compares with its like
    def __hash__(self) -> int: ...


Key = TypeVar("Key", bound=_Ordered)

OERE_PER_KRONE = 100
# What a BIGINT column and a workbook's cell both hold exactly; a sum beyond it is a mistyped amount.
LARGEST_OERE = 9_000_000_000_000_000


class NothingToSplitBy(ValueError):
    """There are no weights, or they are all zero, so nothing can be split by them."""


class NotAnAmount(ValueError):
    """A text that is no amount in the form that was asked for."""


def apportion(total_oere: int, weights: Mapping[Key, int], unit_oere: int = 1) -> dict[Key, int]:
    """Split one amount by weight so that the parts sum to it exactly.

    Largest remainder on whole units; ties go to the lower code. Where the unit is larger than an øre, what is left
    over of the total below one unit goes to the largest weight.

    Args:
        total_oere: Øre; negative for a credit, which splits as its charge did.
        weights: Code -> inhabitants at the reference date; none negative.
        unit_oere: 1, or 100 to split in whole kroner.

    Returns:
        The same codes, ascending -> øre.

    Raises:
        NothingToSplitBy: no weights, or all zero.
        ValueError: a negative weight, or a unit below 1.

    Source: agreement § 6 stk. 2; docs/decisions/0003-rounding.md.
    """
    if any(weight < 0 for weight in weights.values()):
        message = "a weight is negative"
        raise ValueError(message)
    return apportion_signed(total_oere, weights, unit_oere)


def apportion_signed(total_oere: int, weights: Mapping[Key, int], unit_oere: int = 1) -> dict[Key, int]:
    """As ``apportion``, for weights of either sign: providers whose income exceeds their cost, results of both signs.

    Raises:
        NothingToSplitBy: no weights, or a sum of zero.
        ValueError: a unit below 1.

    Source: domain rules 3 and 12.
    """
    if unit_oere < 1:
        message = "the unit is below one øre"
        raise ValueError(message)
    whole = sum(weights.values())
    if not weights or whole == 0:
        raise NothingToSplitBy
    sign = -1 if total_oere < 0 else 1
    units, odd_oere = divmod(abs(total_oere), unit_oere)
    codes = sorted(weights)
    if whole < 0:
        weights = {code: -weight for code, weight in weights.items()}
        whole = -whole
    parts: dict[Key, int] = {}
    remainders: dict[Key, int] = {}
    for code in codes:
        parts[code], remainders[code] = divmod(units * weights[code], whole)
    left_over = units - sum(parts.values())
    # sorted() is stable and codes ascend, so a tie goes to the lower code.
    for code in sorted(codes, key=lambda code: -remainders[code])[:left_over]:
        parts[code] += 1
    oere = {code: sign * parts[code] * unit_oere for code in codes}
    if odd_oere:
        largest = max(codes, key=lambda code: weights[code])  # max() answers the first, so the lower code
        oere[largest] += sign * odd_oere
    return oere


def equal_parts(total_oere: int, count: int, unit_oere: int = 1) -> tuple[int, ...]:
    """Cut one amount into equal parts rounded down to the unit; the last part takes the rest.

    Args:
        total_oere: Øre of either sign. Down means towards minus infinity, as ``floor`` says.
        count: How many parts, at least one.
        unit_oere: 1, or 100 for whole kroner.

    Returns:
        ``count`` amounts in øre that sum to ``total_oere``.

    Source: agreement § 7 stk. 1; domain rule 4.
    """
    if count < 1:
        message = "there is nothing to cut into"
        raise ValueError(message)
    each = total_oere // (count * unit_oere) * unit_oere
    return (*(each,) * (count - 1), total_oere - each * (count - 1))


def weighted_parts(total_oere: int, weights: Sequence[int], unit_oere: int = 1) -> tuple[int, ...]:
    """Cut an amount into parts by weight, each rounded down to the unit, the last with the rest.

    With equal weights it is ``equal_parts``.

    Args:
        total_oere: Øre of either sign.
        weights: Above zero, one for each part.
        unit_oere: 1, or 100 for whole kroner.

    Raises:
        ValueError: no weights, or one that is not above zero.

    Source: agreement § 7 stk. 1; domain rule 4; docs/decisions/0038-schedules.md.
    """
    if not weights or min(weights) <= 0:
        message = "there is nothing to cut by"
        raise ValueError(message)
    whole = sum(weights) * unit_oere
    parts = [total_oere * weight // whole * unit_oere for weight in weights[:-1]]
    return (*parts, total_oere - sum(parts))


def percent_of(total_oere: int, percent: Decimal) -> int:
    """A percentage of an amount in whole øre, half an øre away from zero.

    Args:
        total_oere: Øre of either sign.
        percent: For instance ``Decimal("50")`` for a half.
    """
    numerator, denominator = percent.as_integer_ratio()
    scaled = total_oere * numerator
    whole = denominator * 100
    sign = -1 if scaled < 0 else 1
    return sign * ((2 * abs(scaled) + whole) // (2 * whole))


def whole_oere(exact_oere: Fraction) -> int:
    """An exact amount in whole øre, half an øre away from zero.

    Args:
        exact_oere: Øre of either sign with whatever fraction; interest is worked out so.
    """
    sign = -1 if exact_oere < 0 else 1
    numerator, denominator = abs(exact_oere).as_integer_ratio()
    return sign * ((2 * numerator + denominator) // (2 * denominator))


def kroner(amount_oere: int) -> str:
    """An amount as Danes write it: ``194.202,82 kr.``."""
    sign = "-" if amount_oere < 0 else ""
    whole, oere = divmod(abs(amount_oere), OERE_PER_KRONE)
    return f"{sign}{whole:,}".replace(",", ".") + f",{oere:02d} kr."


def kroner_for_programs(amount_oere: int) -> str:
    """An amount as files hold it: ``194202.82``."""
    sign = "-" if amount_oere < 0 else ""
    whole, oere = divmod(abs(amount_oere), OERE_PER_KRONE)
    return f"{sign}{whole}.{oere:02d}"


_FOR_PROGRAMS = re.compile(r"(-?)(\d{1,16})(?:\.(\d{1,2}))?", re.ASCII)
_DANISH = re.compile(r"(-?)([1-9]\d{0,2}(?:\.\d{3})+|\d{1,16})(?:,(\d{1,2}))?(?: ?kr\.?)?", re.ASCII)


def oere_from_text(text: str) -> int:
    """Read an amount as files hold it, ``18250000.00`` with a point and at most two decimals.

    Raises:
        NotAnAmount: anything else, also an amount beyond ``LARGEST_OERE``.
    """
    return _oere_of(_FOR_PROGRAMS.fullmatch(text.strip()))


def oere_from_danish_text(text: str) -> int:
    """Read an amount as a person types it, ``18.250.000,00`` or ``18250000,00 kr.``.

    ``1.234`` is twelve hundred and thirty-four: a point only ever groups thousands.

    Raises:
        NotAnAmount: anything else, also an amount beyond ``LARGEST_OERE``.
    """
    return _oere_of(_DANISH.fullmatch(text.strip()))


def oere_as_typed(text: str) -> int:
    """Read an amount either way; no text means one thing in the one notation and another in the other.

    Raises:
        NotAnAmount: it is neither.
    """
    try:
        return oere_from_danish_text(text)
    except NotAnAmount:
        return oere_from_text(text)


def _oere_of(match: re.Match[str] | None) -> int:
    if match is None:
        raise NotAnAmount
    minus, whole, decimals = match.groups()
    oere = int(whole.replace(".", "")) * OERE_PER_KRONE + int((decimals or "").ljust(2, "0"))
    if oere > LARGEST_OERE:
        raise NotAnAmount
    return -oere if minus else oere
