"""What the officer's forms say: months, days, amounts and choices, each taken only where it is what it should be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from flask import request
from sqlalchemy import Connection

from agreements.municipality import MUNICIPALITIES
from billing.year_end_settlement.facts import CarryOver
from foundation.errors import BadInput, N_
from foundation.money import NotAnAmount, oere_as_typed
from foundation.period import LAST_YEAR, BillingYear, Month, NotAPeriod
from portal import searching
from portal.pages import connection

LONGEST = 500
# Some years follow from a year: those of a forecast, and that in whose price a result is passed on.
LATEST_YEAR = LAST_YEAR - 10
T = TypeVar("T")
small_number = searching.small_number


class FieldNotUnderstood(BadInput):
    """A field of a form that is empty or holds something else than was asked for."""

    danish = N_("Feltet «{field}» skal være {expected}, ikke «{given}». Gå tilbage, og ret det; intet er ændret.")


def text_of(name: str, longest: int = LONGEST) -> str:
    """A field of the form or the address, on one line and not too long; empty where it is missing."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", request.values.get(name, "")).strip()[:longest]


def _read(name: str, label: str, expected: str, read: Callable[[str], T]) -> T:
    given = text_of(name)
    try:
        return read(given)
    except (ValueError, NotAPeriod, NotAnAmount, InvalidOperation, ArithmeticError) as error:
        raise FieldNotUnderstood(field=label, expected=expected, given=given[:40]) from error


def month_of(name: str, label: str) -> Month:
    """A month, 2012-05 or 05.2012.

    Raises:
        FieldNotUnderstood.
    """

    def read(given: str) -> Month:
        turned = re.fullmatch(r"(\d{1,2})[.-](\d{4})", given, re.ASCII)
        month = Month.parse(f"{turned[2]}-{int(turned[1]):02d}" if turned else given)
        if month.year > LATEST_YEAR:
            raise ValueError
        return month

    return _read(name, label, "en måned som 2012-05", read)


def day_of(name: str, label: str) -> date:
    """A day, 02.04.2012 or 2012-04-02.

    Raises:
        FieldNotUnderstood.
    """

    def read(given: str) -> date:
        turned = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", given, re.ASCII)
        return date(int(turned[3]), int(turned[2]), int(turned[1])) if turned else date.fromisoformat(given)

    return _read(name, label, "en dato som 02.04.2012", read)


def year_of(name: str, label: str) -> int:
    """A billing year.

    Raises:
        FieldNotUnderstood.
    """

    def read(given: str) -> int:
        year = BillingYear(whole(given)).year
        if year > LATEST_YEAR:
            raise ValueError
        return year

    return _read(name, label, "et år som 2012", read)


def number_of(name: str, label: str) -> int:
    """A number of ours, from 1.

    Raises:
        FieldNotUnderstood.
    """

    def read(given: str) -> int:
        number = whole(given)
        if number < 1:
            raise ValueError
        return number

    return _read(name, label, "et nummer", read)


def count_of(name: str, label: str, lowest: int, highest: int) -> int:
    """A whole number within bounds.

    Raises:
        FieldNotUnderstood.
    """

    def read(given: str) -> int:
        number = whole(given)
        if not lowest <= number <= highest:
            raise ValueError
        return number

    return _read(name, label, f"et helt tal fra {lowest} til {highest}", read)


def whole(given: str) -> int:
    """A whole number of at most 15 digits.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"-?\d{1,15}", given, re.ASCII):
        raise ValueError
    return int(given)


def amount_of(name: str, label: str) -> int:
    """An amount in kroner -> øre.

    Raises:
        FieldNotUnderstood.
    """
    return _read(name, label, "et beløb som 1.250,00", oere_as_typed)


def percent_of(name: str, label: str, lowest: int = 0, highest: int = 100) -> Decimal:
    """A percentage with at most two decimals.

    Raises:
        FieldNotUnderstood.
    """

    def read(given: str) -> Decimal:
        value = Decimal(given.replace(",", ".").removesuffix("%").strip())
        if not value.is_finite() or not lowest <= value <= highest or value != round(value, 2):
            raise ValueError
        return value

    return _read(name, label, f"en procent fra {lowest} til {highest}", read)


def carry_of(name: str, label: str) -> CarryOver:
    """What is kept of a result: ``40 %`` or an amount; nothing where it is empty.

    Raises:
        FieldNotUnderstood.
    """
    given = text_of(name)
    if not given or given.endswith("%"):
        return CarryOver(percent=percent_of(name, label) if given else Decimal(0))
    return CarryOver(amount_oere=amount_of(name, label))


def municipality_of(name: str, label: str) -> str:
    """A municipality's code.

    Raises:
        FieldNotUnderstood.
    """

    def read(given: str) -> str:
        if given not in MUNICIPALITIES:
            raise ValueError
        return given

    return _read(name, label, "en kommune", read)


def one_of(name: str, label: str, allowed: Mapping[str, str]) -> str:
    """One of some values, each with its words.

    Raises:
        FieldNotUnderstood.
    """

    def read(given: str) -> str:
        if given not in allowed:
            raise ValueError
        return given

    return _read(name, label, ", ".join(words for words in allowed.values() if words), read)


@contextmanager
def tried() -> Iterator[Connection]:
    """Within it changes are kept only if nothing goes wrong, so that the page can be shown again with what did."""
    with connection().begin_nested():
        yield connection()


@contextmanager
def taken_back() -> Iterator[Connection]:
    """Within it figures are kept only to see what they do; nothing of it stays."""
    trial = connection().begin_nested()
    try:
        yield connection()
    finally:
        trial.rollback()
