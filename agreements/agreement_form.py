"""An agreement as plain values and back: how the database keeps it beside its file, so that reading it costs little.

The file is what was agreed and stays the source; this is what it says, read once. ``verify`` compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from agreements.agreement import Agreement

Value = TypeVar("Value")


def to_values(agreement: Agreement) -> dict[str, Any]:
    """The agreement as what JSON can hold."""
    values = _plain(agreement)
    assert isinstance(values, dict)  # noqa: S101 - tells the type checker what _plain makes of a dataclass
    return values


def from_values(values: Mapping[str, Any]) -> Agreement:
    """The agreement that ``to_values`` was told.

    Raises:
        KeyError, ValueError, TypeError: the values are of another release; read the file instead.
    """
    found = _reader(Agreement)(values)
    assert isinstance(found, Agreement)  # noqa: S101 - as above
    return found


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return value


@lru_cache(maxsize=64)
def _reader(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - a type as written
    """How values of one type are read; worked out once for each type."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        readers = tuple((each.name, _reader(hints[each.name])) for each in fields(kind))
        build: Any = kind
        return lambda values: build(*[read(values[name]) for name, read in readers])
    if get_origin(kind) is tuple:
        return _tuple_reader(get_args(kind))
    if get_origin(kind) in {Union, UnionType}:
        (inner,) = (each for each in get_args(kind) if each is not NoneType)
        read_inner = _reader(inner)
        return lambda value: None if value is None else read_inner(value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        members = {member.value: member for member in kind}
        return lambda value: members[value]
    if kind is Decimal:
        return Decimal
    return date.fromisoformat if kind is date else _same


def _tuple_reader(of: tuple[Any, ...]) -> Callable[[Any], Any]:
    if of[-1] is Ellipsis:
        read = _reader(of[0])
        return (tuple) if read is _same else (lambda values: tuple([read(each) for each in values]))
    readers = [_reader(each) for each in of]
    return lambda values: tuple(read(value) for read, value in zip(readers, values, strict=True))


def _same(value: Any) -> Any:  # noqa: ANN401 - texts and numbers are what they are
    return value
