"""What looks like a CPR number: ten digits DDMMYY-XXXX with a possible date. Modulus 11 is never asked.

Only positions are answered, never what stands there. Source: domain rule 18; CPR numbers without a valid modulus 11
have been given out since 2007, and administrative ones have 60 added to the day.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

ADDED_TO_DAY = 60
LEAP = 4
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY = 2

# Six digits and four, with a hyphen, spaces or nothing between; not a part of a longer number.
_TOGETHER = re.compile(r"(?<![0-9])([0-9]{2})([0-9]{2})([0-9]{2})\s{0,3}-?\s{0,3}([0-9]{4})(?![0-9])")
# The date written out, 01.02.03-0000. A slash or point before the last four would be a case number or a time.
_APART = re.compile(
    r"(?<![0-9])(?<![0-9][./-])([0-9]{2})([./ -])([0-9]{2})\2([0-9]{2})\s{0,3}[- ]\s{0,3}([0-9]{4})(?![0-9])"
)
# 10203-0000: a text that lost its zero.
_SHORT_WITH_HYPHEN = re.compile(r"\s*([0-9])([0-9]{2})([0-9]{2})\s?-\s?([0-9]{4})\s*")
# 102030000 or 102030000.0: a number that lost its zero.
_SHORT = re.compile(r"\s*([0-9])([0-9]{2})([0-9]{2})([0-9]{4})(?:[.,]0)?\s*")

_HYPHENS = {
    ord(character): "-"
    for character in "\u00ad\u02d7\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2796\ufe58\ufe63\uff0d"
}
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


def plain(text: str) -> str:
    """The text with every kind of digit, hyphen and space as the plain one, and without what cannot be seen."""
    if "_x" in text:  # how a workbook writes characters that XML cannot hold
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    if text.isascii():
        return text if text.isprintable() else _CONTROLS.sub("", text)
    kept = []
    for character in unicodedata.normalize("NFKD", text.translate(_HYPHENS)).translate(_HYPHENS):
        category = unicodedata.category(character)
        if category == "Nd":
            kept.append(str(unicodedata.decimal(character)))
        elif category[0] == "Z":
            kept.append(" ")
        elif category not in {"Cf", "Mn", "Me"}:
            kept.append(character)
    return _CONTROLS.sub("", "".join(kept))


def is_possible_date(day: int, month: int, year: int) -> bool:
    """Whether DDMMYY is a day of some century, also with 60 added to the day."""
    if not 1 <= month <= len(_DAYS):
        return False
    if day > ADDED_TO_DAY:
        day -= ADDED_TO_DAY
    if month == _FEBRUARY and day == _DAYS[1]:
        return year % LEAP == 0
    return 1 <= day <= _DAYS[month - 1]


def holds_one(text: str) -> bool:
    """Whether a text holds a CPR-like value anywhere."""
    return any(True for _ in places(plain(text)))


def places(text: str) -> Iterator[int]:
    """Where CPR-like values begin in a text that is ``plain`` already."""
    for match in _TOGETHER.finditer(text):
        if is_possible_date(int(match[1]), int(match[2]), int(match[3])):
            yield match.start()
    for match in _APART.finditer(text):
        if is_possible_date(int(match[1]), int(match[3]), int(match[4])):
            yield match.start()


def is_short(text: str) -> bool:
    """Whether a whole cell is a CPR-like value that lost its leading zero, as a number or before a hyphen."""
    match = _SHORT.fullmatch(text) or _SHORT_WITH_HYPHEN.fullmatch(text)
    return match is not None and is_possible_date(int(match[1]), int(match[2]), int(match[3]))
