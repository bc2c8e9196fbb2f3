"""How often the guard stops a column that holds no CPR number; the figures stand in decision 0022."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from billing.usage_statement.guard import _is_one

MADE = 20_000
RANDOM = random.Random(2009)


def digits(count: int) -> str:
    return "".join(RANDOM.choices("0123456789", k=count))


def gln() -> str:
    body = "579" + digits(9)
    return body + str(-sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(body)) % 10)


def amount() -> str:
    return f"{10 ** RANDOM.uniform(2, 10):,.2f}".translate(str.maketrans(",.", ".,"))


def moment() -> datetime:
    return datetime(2000, 1, 1) + timedelta(seconds=RANDOM.randrange(30 * 365 * 86_400))  # noqa: DTZ001 - a made one


NEVER: dict[str, tuple[Callable[[], str], str]] = {
    "GLN": (gln, ""),
    "CVR": (lambda: digits(8), ""),
    "account behind its branch": (lambda: f"{digits(4)} {digits(10)}", "Kontonr."),
    "account and branch in one": (lambda: digits(14), ""),
    "account of seven digits in ten": (lambda: "000" + digits(7), "Kontonr."),
    "IBAN": (lambda: "DK" + digits(16), ""),
    "amount with points": (amount, ""),
    "amount without points": (lambda: amount().replace(".", ""), "Beløb"),
    "whole kroner": (lambda: str(int(10 ** RANDOM.uniform(2, 7.999))), ""),
    "nine digits of øre": (lambda: "1" + digits(8), "Beløb i øre"),
    "ISO date-time": (lambda: moment().isoformat(" "), ""),
    "Danish date-time": (lambda: f"{moment():%d-%m-%Y %H:%M}", ""),
    "date-time of fourteen digits": (lambda: f"{moment():%Y%m%d%H%M%S}", ""),
    "float": (lambda: repr(RANDOM.random() * 100), ""),
}
# What cannot be told from a CPR number by itself: the share of all such numbers that begin with a possible date.
SOMETIMES: dict[str, tuple[Callable[[], str], str, float]] = {
    "account of ten digits alone": (lambda: digits(10), "Kontonr.", 8.0),
    "nine digits without a heading": (lambda: "1" + digits(8), "", 13.0),
    "Unix seconds": (lambda: str(RANDOM.randrange(946_684_800, 1_893_456_000)), "", 13.0),
}


@pytest.mark.parametrize("title", NEVER)
def test_never(title: str) -> None:
    make, heading = NEVER[title]
    assert sum(_is_one(make(), heading) for _ in range(MADE)) == 0


@pytest.mark.parametrize("title", SOMETIMES)
def test_sometimes_and_no_more(title: str) -> None:
    make, heading, most = SOMETIMES[title]
    assert 0 < 100 * sum(_is_one(make(), heading) for _ in range(MADE)) / MADE < most
