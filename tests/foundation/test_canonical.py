"""Canonical JSON has the bytes that the standard library wrote in every release before."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from billing.accounts.facts import Account
from foundation.audit import link_of
from foundation.canonical import canonical

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = (
    TEXTS
    | st.integers()
    | st.booleans()
    | st.none()
    | st.sampled_from(Account)
    | st.dates()
    | st.datetimes()
    | st.decimals(allow_nan=False)
    | st.uuids()
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(TEXTS, inner),
)


class Named(NamedTuple):
    """A tuple with names."""

    who: str
    amount_oere: int


def as_before(value: object) -> bytes:
    """By the standard library alone."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str).encode()


@given(VALUES)
@example({'\x00\x1f\x7f\x80\u2028\ufeff"\\/': ["\b\f\n\r\t", "æøå ÆØÅ", "😀", -(2**63), 2**64, 10**40]})
@example({"b": 1, "a": 2, "é": 3, "😀": 4, "\uffff": 5, "Z": 6})
@example([datetime(2009, 1, 1, 12, tzinfo=UTC), date(2009, 1, 1), Decimal("1.50"), Account.ACONTO])
@example([Named("461", 5), (Named("479", -1),)])
def test_the_bytes_are_the_same(value: object) -> None:
    assert canonical(value) == as_before(value)


@given(st.dictionaries(st.integers(), PLAIN))
def test_keys_that_are_numbers_too(value: dict[int, Any]) -> None:
    assert canonical(value) == as_before(value)


def test_half_a_character_is_refused_as_before() -> None:
    for value in ("\ud800", ["x", {"\udcff": 1}]):
        for write in (canonical, as_before):
            with pytest.raises(UnicodeEncodeError):
                write(value)


@given(st.tuples(*[TEXTS] * 7))
def test_a_link_of_the_trail_is_the_same(fields: tuple[str, ...]) -> None:
    """The trail quotes with blanks between the fields; no link that was ever written may change."""
    assert link_of(fields) == hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode()).hexdigest()


def test_known_bytes() -> None:
    """Written down by hand."""
    assert canonical({"b": [1, None, True], "a": "Ærø «x»\n"}) == '{"a":"Ærø «x»\\n","b":[1,null,true]}'.encode()
