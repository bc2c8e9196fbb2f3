"""Values that are no CPR numbers and may look like one, made the same every time; the guard's false alarms in them.

What is told of them stands in decision 0022; ``tests/billing/usage/test_false_alarms.py`` keeps zeros and bounds.
"""

from __future__ import annotations

import argparse
import io
import random
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from billing.usage_statement.guard import FileContent, FileRefused, admit, looks_like_one, require_size

RANDOM = random.Random(2009)
Maker = Callable[[], str]


def digits(count: int) -> str:
    """So many digits."""
    return "".join(RANDOM.choices("0123456789", k=count))


def gln() -> str:
    """A GLN with a right check digit."""
    body = "579" + digits(9)
    return body + str(-sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(body)) % 10)


def amount() -> str:
    """An amount with points and øre."""
    return f"{10 ** RANDOM.uniform(2, 10):,.2f}".translate(str.maketrans(",.", ".,"))


def moment() -> datetime:
    """An instant of thirty years."""
    return datetime(2000, 1, 1) + timedelta(seconds=RANDOM.randrange(30 * 365 * 86_400))  # noqa: DTZ001 - a made one


# Title -> what makes one, and the heading that it stands under.
NEVER: Mapping[str, tuple[Maker, str]] = {
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
# What cannot be told from a CPR number by itself, and the most per cent of it that may be stopped: the share of all
# such numbers that begin with a possible date.
SOMETIMES: Mapping[str, tuple[Maker, str, float]] = {
    "account of ten digits alone": (lambda: digits(10), "Kontonr.", 8.0),
    "ten digits of øre": (lambda: str(RANDOM.randrange(10**9, 10**10)), "Beløb i øre", 8.0),
    "nine digits without a heading": (lambda: "1" + digits(8), "", 13.0),
    "Unix seconds": (lambda: str(RANDOM.randrange(946_684_800, 1_893_456_000)), "", 13.0),
}


def alarms(make: Maker, heading: str, made: int) -> int:
    """How many of so many made values the guard stops."""
    return sum(looks_like_one(make(), heading) for _ in range(made))


def main(arguments: Sequence[str]) -> None:
    """Tell the rate of false alarms in each kind, and how soon what is too large is refused."""
    parser = argparse.ArgumentParser(prog="bench guard")
    parser.add_argument("--values", type=int, default=100_000, help="made values of each kind")
    options = parser.parse_args(arguments)
    for title, (make, heading) in {**NEVER, **{name: one[:2] for name, one in SOMETIMES.items()}}.items():
        stopped = alarms(make, heading, options.values)
        print(f"  {title:<34} {100 * stopped / options.values:6.2f} % of {options.values} ({stopped})")
    packed = bomb(1_000_000_000)
    for title, refuse in (
        ("a file of 200 MB, by its size", lambda: require_size(200_000_000)),
        ("a zip of 1 GB in 1 MB", lambda: admit(FileContent("bombe.xlsx", packed))),
    ):
        started = time.perf_counter()
        try:
            refuse()
        except FileRefused as error:
            print(f"  {title:<34} refused in {time.perf_counter() - started:.2f} s: {error}")


def bomb(size: int) -> bytes:
    """A workbook whose one sheet is so many zeros."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made,
        made.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(size // 1_000_000):
            part.write(b"0" * 1_000_000)
    return target.getvalue()
