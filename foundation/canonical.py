"""JSON of which the same value always has the same bytes: what is hashed, and what tables keep of it.

The bytes are those of ``json.dumps`` with sorted keys, no blanks and letters as they are, as every release wrote them.
``orjson`` writes them some thirty times as fast; what it does not write as ``json`` does is left to ``json``.
"""

from __future__ import annotations

import json

import orjson

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_slowly = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str).encode


def canonical(value: object) -> bytes:
    """A value's canonical JSON, UTF-8.

    Args:
        value: Texts, whole numbers, truths, nothing, and lists and mappings of these; of anything else its ``str``. No
            floats, and no members of an ``Enum`` that are no texts or numbers: the two libraries write these each in
            its own way.

    Raises:
        UnicodeEncodeError: a text that is none, such as tampering can leave behind.
    """
    try:
        return orjson.dumps(value, _other, _OPTIONS)
    except TypeError:
        # A number beyond 64 bits, a key that is no text, half a character.
        return _slowly(value).encode()


def _other(value: object) -> object:
    return list(value) if isinstance(value, tuple) else str(value)  # a named tuple is a list, as for json
