"""Texts -> data for the compiler, with nothing in them that the shipped fonts cannot draw.

PDF/A forbids a glyph that is not there, so one picture in an officer's words would keep the whole document from being
made. The e-invoice says the words as they were written.
"""

from __future__ import annotations

import json
import struct
import unicodedata
from functools import cache
from importlib import resources

UNKNOWN = "?"
KEPT = "\n\N{NO-BREAK SPACE}"  # without a glyph, and of use in a line
FONTS = ("SourceSansPro-Regular.ttf", "SourceSansPro-Semibold.ttf")
_BY_SEGMENTS = 4  # the format of a character table that every font has for the first 65,536 characters
_LAST_SEGMENT = 0xFFFF


def as_data(value: object) -> str:
    """A value as JSON whose texts can all be drawn.

    Args:
        value: Texts, numbers, and lists, tuples and dictionaries of them.
    """
    return json.dumps(_drawable(value), ensure_ascii=False)


def _drawable(value: object) -> object:
    if isinstance(value, str):
        return drawable(value)
    if isinstance(value, dict):
        return {key: _drawable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_drawable(each) for each in value]
    return value


def drawable(text: str) -> str:
    """The text with a question mark for what the fonts do not have; control characters are spaces."""
    if text.isascii() and text.isprintable():
        return text
    known = covered()
    signs = unicodedata.normalize("NFC", text).replace("\r\n", "\n")
    return "".join(sign if sign in known or sign in KEPT else _instead_of(sign) for sign in signs)


def _instead_of(sign: str) -> str:
    match unicodedata.category(sign):
        case "Cc" | "Zs" | "Zl" | "Zp":
            return " "
        case "Cf" | "Mn" | "Me":  # nothing that is seen by itself
            return ""
        case _:
            return UNKNOWN


@cache
def covered() -> frozenset[str]:
    """The printable characters that all the shipped fonts have."""
    folder = resources.files("exports.pdf").joinpath("fonts")
    of_each = [_covered_by(folder.joinpath(name).read_bytes()) for name in FONTS]
    both = frozenset.intersection(*of_each)
    return frozenset(sign for sign in map(chr, both) if sign.isprintable())


def _covered_by(font: bytes) -> frozenset[int]:
    """The code points of a TrueType font's character table that have a glyph."""
    (tables,) = struct.unpack_from(">H", font, 4)
    places = {font[at : at + 4]: struct.unpack_from(">L", font, at + 8)[0] for at in range(12, 12 + 16 * tables, 16)}
    start = places[b"cmap"]
    (count,) = struct.unpack_from(">H", font, start + 2)
    found: set[int] = set()
    for at in range(start + 4, start + 4 + 8 * count, 8):
        place = start + struct.unpack_from(">L", font, at + 4)[0]
        if struct.unpack_from(">H", font, place)[0] == _BY_SEGMENTS:
            found |= _of_segments(font, place)
    return frozenset(found)


def _of_segments(font: bytes, place: int) -> set[int]:
    (twice,) = struct.unpack_from(">H", font, place + 6)
    count = twice >> 1

    def column(number: int, kind: str = "H") -> tuple[int, ...]:
        gap = 2 if number else 0  # after the ends of the segments
        return struct.unpack_from(f">{count}{kind}", font, place + 14 + number * twice + gap)

    ends, starts, deltas, offsets = column(0), column(1), column(2, "h"), column(3)
    offsets_at = place + 16 + 3 * twice
    found: set[int] = set()
    for segment, (first, last, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        if first == _LAST_SEGMENT:
            continue
        for code in range(first, last + 1):
            if offset == 0:
                glyph = (code + delta) & 0xFFFF
            else:
                (glyph,) = struct.unpack_from(">H", font, offsets_at + 2 * segment + offset + 2 * (code - first))
            if glyph:
                found.add(code)
    return found
