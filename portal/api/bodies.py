"""What a program sends: JSON of a shape that is said, or a file whose kind its ``Content-Type`` says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from flask import request
from sqlalchemy import Connection

from agreements.municipality import MUNICIPALITIES
from billing.year_end_settlement.facts import CarryOver
from foundation.errors import MellemregningError, N_
from foundation.period import FIRST_YEAR, LAST_YEAR
from portal.api.doors import LONGEST_TEXT, Json, Parameter
from portal.api.problems import BodyKindWrong, BodyWrong, ParameterWrong
from portal.pages import BEGINS, TEXTS, connection

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ENDINGS: Mapping[str, str] = {
    "text/csv": ".csv",
    "text/plain": ".txt",
    "application/json": ".json",
    "application/xml": ".xml",
    "application/toml": ".toml",
    XLSX: ".xlsx",
}
NAME = re.compile(r"[\w .,()-]{1,80}")
LARGEST = 10**15
MOST_PIECES = 500
# Some years follow from a year: those of a forecast, and that in whose price a result is passed on.
LATEST_YEAR = LAST_YEAR - 10

FILE_NAME = Parameter(
    "name",
    "What the file is called, for those who look for it again; its ending may be left out.",
    {"type": "string", "maxLength": 80, "pattern": r"^[0-9A-Za-z .,()_-]{1,80}$"},
    "2009-01 kontoudtog",
)
PREVIEW = Parameter(
    "preview",
    "Say what it would do; nothing is kept.",
    {"type": "string", "enum": ["true", "false"], "default": "false"},
    "true",
)


class FileKindWrong(MellemregningError):
    """A body whose ``Content-Type`` is none of those that are read here."""

    danish = N_("Send filen som den er, med «Content-Type» {expected}. Intet er ændret.")


@dataclass(frozen=True, slots=True)
class Each:
    """A list of objects.

    Attributes:
        names: What each may have, and of which kind.
    """

    names: Mapping[str, type]


Kind: TypeAlias = type | Each
IN_WORDS: Mapping[type, str] = {
    int: "et helt tal med højst 15 cifre",
    bool: "true eller false",
    str: f"en tekst på højst {LONGEST_TEXT} tegn uden styretegn",
}


def sent(**kinds: Kind) -> Json:
    """The body: an object of at most these names, each of its kind, or left out.

    Raises:
        BodyKindWrong, BodyWrong.
    """
    raw = request.get_data()
    if not raw:
        return {}
    if request.mimetype != "application/json":
        raise BodyKindWrong
    try:
        found = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BodyWrong(problem="det er ikke JSON i UTF-8") from error
    return _taken(found, kinds, "det")


def _taken(found: object, kinds: Mapping[str, Kind], what: str) -> Json:
    if not isinstance(found, dict):
        raise BodyWrong(problem=f"{what} er ikke et objekt")
    if set(found) - set(kinds):
        raise BodyWrong(problem=f"{what} har navne, der ikke kendes; kendte er {', '.join(kinds) or 'ingen'}")
    taken = {name: value for name, value in found.items() if value is not None}
    return {name: _value(name, value, kinds[name]) for name, value in taken.items()}


def _value(name: str, value: Any, kind: Kind) -> Any:  # noqa: ANN401 - JSON
    if kind is list or isinstance(kind, Each):
        if not isinstance(value, list) or len(value) > MOST_PIECES:
            raise BodyWrong(problem=f"{name} er ikke en liste på højst {MOST_PIECES}")
        if isinstance(kind, Each):
            return [_taken(each, kind.names, name) for each in value]
        return [_value(name, each, str) for each in value]
    if not _is(value, kind):
        raise BodyWrong(problem=f"{name} er ikke {IN_WORDS[kind]}")
    return value


def _is(value: object, kind: Kind) -> bool:
    if kind is str:
        return isinstance(value, str) and _is_plain(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST
    return isinstance(value, bool)


def _is_plain(text: str) -> bool:
    return len(text) <= LONGEST_TEXT and all(sign.isprintable() or sign == "\n" for sign in text)


def needed(wish: Json, *names: str) -> list[Any]:
    """What must be there.

    Raises:
        BodyWrong: something is missing.
    """
    missing = [name for name in names if name not in wish]
    if missing:
        raise BodyWrong(problem=f"{', '.join(missing)} mangler")
    return [wish[name] for name in names]


def needed_year(wish: Json, name: str) -> int:
    """A year.

    Raises:
        BodyWrong.
    """
    (year,) = needed(wish, name)
    if not FIRST_YEAR <= year <= LATEST_YEAR:
        raise BodyWrong(problem=f"{name} er ikke et år fra {FIRST_YEAR} til {LATEST_YEAR}")
    return int(year)


def needed_place(wish: Json, name: str) -> str:
    """A municipality's code.

    Raises:
        BodyWrong.
    """
    (place,) = needed(wish, name)
    if place not in MUNICIPALITIES:
        raise BodyWrong(problem=f"{name} er ikke en kommunes kode")
    return str(place)


def needed_day(wish: Json, name: str) -> date:
    """A day.

    Raises:
        BodyWrong.
    """
    (text,) = needed(wish, name)
    day = day_in(text)
    if day is None:
        raise BodyWrong(problem=f"{name} er ikke en dato som 2009-01-31")
    return day


def day_in(text: str) -> date | None:
    """A day as ISO 8601 writes it; None for anything else."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LATEST_YEAR else None


def day_asked(name: str) -> date | None:
    """A day of the query.

    Raises:
        ParameterWrong.
    """
    text = request.args.get(name)
    if text is None:
        return None
    day = day_in(text)
    if day is None:
        raise ParameterWrong(name=name, expected="En dato som 2009-01-31")
    return day


def decimal_of(text: str, lowest: int, highest: int) -> Decimal | None:
    """A number with at most two decimals, written with a full stop; None for anything else."""
    if not re.fullmatch(r"-?[0-9]{1,3}([.][0-9]{1,2})?", text, re.ASCII):
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:  # pragma: no cover - the pattern lets none through
        return None
    return value if lowest <= value <= highest else None


def carried(wish: Json, percent: str, amount: str, usual: CarryOver) -> CarryOver:
    """What is kept or released of a result: a percentage or an amount; the usual where neither is named.

    Raises:
        BodyWrong: both, or no percentage.
    """
    if percent in wish and amount in wish:
        raise BodyWrong(problem=f"enten {percent} eller {amount}, ikke begge")
    if amount in wish:
        return CarryOver(amount_oere=wish[amount])
    if percent not in wish:
        return usual
    share = decimal_of(wish[percent], 0, 100)
    if share is None:
        raise BodyWrong(problem=f"{percent} er ikke en procent fra 0 til 100 som «40» eller «12.50»")
    return CarryOver(percent=share)


def sent_file(usual_name: str, *kinds: str) -> tuple[str, bytes]:
    """The file that was sent: its name with the ending that its kind has, and its content.

    Args:
        usual_name: What it is called where nobody says.
        kinds: The media types that are read.

    Raises:
        FileKindWrong: it is of another kind, or says so and is not.
        BodyWrong: it is empty.
        ParameterWrong: its name.
    """
    ending = ENDINGS.get(request.mimetype)
    if request.mimetype not in kinds or ending is None:
        raise FileKindWrong(expected=list(kinds))
    name = request.args.get("name", usual_name)
    if not NAME.fullmatch(name):
        raise ParameterWrong(name="name", expected="Et navn på højst 80 bogstaver, tal, mellemrum og . , ( ) _ -")
    content = request.get_data()
    if not content:
        raise BodyWrong(problem="filen er tom")
    if (ending in BEGINS and not content.startswith(BEGINS[ending])) or (ending in TEXTS and b"\x00" in content):
        raise FileKindWrong(expected=list(kinds))
    return name if name.casefold().endswith(ending) else f"{name}{ending}", content


def is_preview() -> bool:
    """Whether it is only asked what would be done.

    Raises:
        ParameterWrong.
    """
    said = request.args.get("preview", "false")
    if said not in {"true", "false"}:
        raise ParameterWrong(name="preview", expected="Et af: true, false")
    return said == "true"


@contextmanager
def kept_unless(preview: bool) -> Iterator[Connection]:  # noqa: FBT001 - a preview or not
    """Within it figures are kept; for a preview only to see what they do, and nothing of it stays."""
    trial = connection().begin_nested()
    try:
        yield connection()
    except BaseException:
        trial.rollback()
        raise
    if preview:
        trial.rollback()
    else:
        trial.commit()
