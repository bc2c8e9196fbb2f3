"""A made statement of 500 entries on a made national agreement, and what each entry is truly for.

The truth is drawn before the entry is written, as a bookkeeper who made the payments would know it; a part of the
entries says too little, or something wrong, as real ones do.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from agreements.municipality import MUNICIPALITIES
from tests.billing.payment.made import Entry, camt, fik, kroner

ENTRIES = 500
PAY_DAY = date(2009, 7, 1)


@dataclass(frozen=True)
class Owed:
    """A document that is open."""

    number: str
    payer: str
    amount_oere: int


@dataclass(frozen=True)
class Planted:
    """One entry and its truth.

    Attributes:
        what: Its kind, for the table of figures.
        truth: Document -> øre, or None where it is for none of ours or nobody can know.
    """

    what: str
    entry: Entry
    truth: Mapping[str, int] | None


SHARES = (
    ("reference and whole amount", 250),
    ("reference, nobody's name", 40),
    ("number in the text", 60),
    ("one transfer for several", 30),
    ("part of the amount", 20),
    ("more than the amount", 10),
    ("amount and name only", 40),
    ("amount only", 10),
    ("reference mistyped", 10),
    ("reference of another payer", 5),
    ("paid twice", 5),
    ("not ours", 10),
    ("not ours, with an amount of ours", 5),
    ("the bank's own fee", 5),
)


def plant(owed: list[Owed], seed: int = 2009) -> list[Planted]:
    """So many entries, in an order that helps nobody.

    Args:
        owed: What is open; several times as many as entries.
        seed: The same entries for the same seed.
    """
    draw = random.Random(seed)
    waiting = list(owed)
    draw.shuffle(waiting)
    paid: list[Owed] = []
    found = [made for what, count in SHARES for made in _made(what, count, waiting, paid, draw)]
    draw.shuffle(found)
    return [
        replace(one, entry=replace(one.entry, bank_reference=f"2009-{place:06d}"))
        for place, one in enumerate(found, start=1)
    ]


def statement(planted: list[Planted]) -> bytes:
    """All entries as one camt.053."""
    return camt((one.entry for one in planted), version=8, opening="1000000.00")


def _name(payer: str) -> str:
    return MUNICIPALITIES[payer].official_name


def _made(what: str, count: int, waiting: list[Owed], paid: list[Owed], draw: random.Random) -> Iterator[Planted]:
    for _ in range(count):
        day = PAY_DAY - timedelta(days=draw.randrange(60))
        if what == "one transfer for several":
            first = waiting.pop()
            more = [one for one in waiting if one.payer == first.payer][: draw.randrange(1, 4)]
            some = [first, *more]
            for one in more:
                waiting.remove(one)
            total = sum(one.amount_oere for one in some)
            text = "Faktura " + ", ".join(one.number for one in some)
            entry = Entry(kroner(total), day, name=_name(first.payer), text=text)
            yield Planted(what, entry, {one.number: one.amount_oere for one in some})
            continue
        yield _single(what, day, waiting, paid, draw)


def _single(what: str, day: date, waiting: list[Owed], paid: list[Owed], draw: random.Random) -> Planted:
    if what == "the bank's own fee":
        return Planted(what, Entry(kroner(-draw.randrange(100, 9_900)), day, text="Gebyr"), None)
    if what == "not ours":
        amount = draw.randrange(10_000, 900_000)
        return Planted(what, Entry(kroner(amount), day, name="Firma ApS", text="Faktura 4711"), None)
    if what == "paid twice":
        one = draw.choice(paid)
        day = PAY_DAY + timedelta(days=1)  # the second payment is the later one
    else:
        one = waiting.pop()
    name, amount = _name(one.payer), one.amount_oere
    plain = Entry(kroner(amount), day, name=name)
    part = draw.randrange(1, amount)
    entries = {
        "reference and whole amount": (replace(plain, reference=fik(one.number)), amount),
        "reference, nobody's name": (replace(plain, name="", reference=fik(one.number)), amount),
        "number in the text": (replace(plain, text=f"Vedr. {one.number.lower()}, a conto"), amount),
        "part of the amount": (replace(plain, kroner=kroner(part), reference=fik(one.number)), part),
        "more than the amount": (replace(plain, kroner=kroner(amount + part), reference=fik(one.number)), amount),
        "amount and name only": (plain, amount),
        "amount only": (replace(plain, name=""), amount),
        "reference mistyped": (replace(plain, reference=_mistyped(fik(one.number), draw)), amount),
        "paid twice": (replace(plain, reference=fik(one.number)), 0),
        "not ours, with an amount of ours": (replace(plain, name="Firma ApS", text="Husleje"), 0),
    }
    if what == "reference of another payer":
        other = next(each for each in waiting if each.payer != one.payer)
        return Planted(what, replace(plain, reference=fik(other.number)), {one.number: amount})
    entry, of_it = entries[what]
    if what in {"reference and whole amount", "number in the text"}:
        paid.append(one)
    return Planted(what, entry, {one.number: of_it} if of_it else None)


def _mistyped(reference: str, draw: random.Random) -> str:
    """One digit is another one, which the check digit tells."""
    place = draw.randrange(4, len(reference))
    return reference[:place] + str((int(reference[place]) + 3) % 10) + reference[place + 1 :]
