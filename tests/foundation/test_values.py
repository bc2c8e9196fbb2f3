"""Values that are made often are frozen values like any other."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, InitVar, dataclass, field, fields, replace
from inspect import signature
from typing import Any

import pytest

from billing.invoice.facts import ClaimKey, ClaimKind, DocumentDraft, InvoiceLine, IssuedDocument
from foundation.period import Month
from foundation.values import made_often


@dataclass(frozen=True, slots=True)
class Plain:
    """A value, made as dataclasses make it."""

    who: str
    amount_oere: int
    note: str = ""

    @property
    def double(self) -> int:
        """Something that it answers."""
        return 2 * self.amount_oere


@made_often
@dataclass(frozen=True, slots=True)
class Often:
    """The same, made often."""

    who: str
    amount_oere: int
    note: str = ""

    @property
    def double(self) -> int:
        """Something that it answers."""
        return 2 * self.amount_oere


def test_it_is_what_dataclasses_make() -> None:
    """Equality, hash, text, copies, defaults and signature are the plain value's."""
    value, plain = Often("461", 5, note="x"), Plain("461", 5, note="x")
    assert type(value) is Often
    assert (value.who, value.amount_oere, value.note, value.double) == ("461", 5, "x", 10)
    assert value == Often("461", 5, "x") != Often("461", 6, "x")
    assert hash(value) == hash(plain)
    assert repr(value) == repr(plain).replace("Plain", "Often")
    assert replace(value, who="479") == Often("479", 5, "x")
    assert Often(amount_oere=1, who="461").note == ""
    assert signature(Often) == signature(Plain)
    assert pickle.loads(pickle.dumps(value)) == copy.deepcopy(value) == value  # noqa: S301 - ours


def test_nothing_of_it_changes() -> None:
    """No field is assigned or taken away, and there is no room for another."""
    value: Any = Often("461", 5)
    changes: list[Callable[[], None]] = [
        lambda: setattr(value, "who", "479"),
        lambda: delattr(value, "who"),
        lambda: setattr(value, "other", 1),
    ]
    for change in changes:
        with pytest.raises((FrozenInstanceError, TypeError, AttributeError)):
            change()
    assert value == Often("461", 5)


def test_what_is_told_wrongly_is_refused() -> None:
    """As by any function."""
    made: Any = Often
    wrong: list[tuple[tuple[object, ...], dict[str, object]]] = [
        (("461",), {}),
        (("461", 1, "", 2), {}),
        (("461", 1), {"other": 2}),
    ]
    for told, named in wrong:
        with pytest.raises(TypeError):
            made(*told, **named)


def test_what_checks_itself_still_does() -> None:
    """Once all fields are there."""

    @made_often
    @dataclass(frozen=True, slots=True)
    class Checked:
        who: str
        amount_oere: int = 0

        def __post_init__(self) -> None:
            if self.amount_oere < 0:
                raise ValueError(self.who)

    assert Checked("461").amount_oere == 0
    with pytest.raises(ValueError, match="461"):
        Checked("461", -1)


def test_only_plain_frozen_values() -> None:
    """Whatever would lose something by it is refused when the class is made."""

    @dataclass(slots=True)
    class NotFrozen:
        who: str

    @dataclass(frozen=True)
    class NoSlots:
        who: str

    @dataclass(frozen=True, slots=True)
    class NotKept:
        who: str
        only_told: InitVar[str]

    @dataclass(frozen=True, slots=True)
    class Factory:
        who: dict[str, str] = field(default_factory=dict)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class ByName:
        who: str

    @dataclass(frozen=True, slots=True)
    class Child(Plain):
        more: int = 0

    class NoDataclass:
        pass

    for each in (NotFrozen, NoSlots, NotKept, Factory, ByName, Child, NoDataclass):
        with pytest.raises(TypeError, match=each.__name__):
            made_often(each)


def test_the_documents_are_such() -> None:
    """Every field of a claim, a line, a draft and a document is kept where it belongs."""
    assert ClaimKey("a", "461", ClaimKind.ACONTO, Month(2009, 1).period).period == Month(2009, 1).period
    kinds: list[Any] = [InvoiceLine, DocumentDraft, IssuedDocument]
    for kind in kinds:
        names = [each.name for each in fields(kind)]
        made = kind(*names)
        assert [getattr(made, name) for name in names] == names
        with pytest.raises(FrozenInstanceError):
            made.kind = 1
