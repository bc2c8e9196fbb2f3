"""What the words and codes of Statistics Denmark's tables mean: areas, times, totals, counts, headings."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

from agreements.municipality import MUNICIPALITIES, Municipality, find_by_name
from foundation.period import DANISH_MONTHS, FIRST_YEAR, LAST_YEAR, MONTHS_PER_YEAR


class Role(StrEnum):
    """What a column holds; a column without one of these is a variable that may break the figures down."""

    AREA = "område"
    AREA_CODE = "områdekode"
    TIME = "tid"
    COUNT = "antal"
    SOURCE = "kilde"
    FETCHED = "hentet"


_HEADINGS = {
    Role.AREA: "område area region kommune kommunenavn kommuner municipality omr bopkom",
    Role.AREA_CODE: "kommunekode kommunekode4 kommunenr kommunenummer områdekode kode code municipality_code",
    Role.TIME: "tid time dato date år year kvartal quarter periode period",
    Role.COUNT: "indhold content contents antal folketal befolkning population value værdi indbyggere count",
    Role.SOURCE: "source kilde table tabel",
    Role.FETCHED: "pulled hentet fetched fetched_on",
}
_ROLE_BY_HEADING = {heading: role for role, headings in _HEADINGS.items() for heading in headings.split()}


def role_of_heading(heading: str) -> Role | None:
    """What a column with this heading holds, in Danish or English; None for KØN, ALDER and all others."""
    return _ROLE_BY_HEADING.get(heading.strip().casefold())


class NotAnArea(ValueError):
    """A text that is neither a municipality nor another area of the tables."""


class AreaContradicts(ValueError):
    """A code and a name of two different areas."""


@dataclass(frozen=True, slots=True)
class Area:
    """What an area text means: a municipality, or None for an area that is none."""

    municipality: Municipality | None


_NO_MUNICIPALITY = Area(None)
_CHRISTIANSOE = 411  # belongs to no municipality; the defence runs it
# 0 is the whole country, 1-11 are the provinces (landsdele), 81-85 the regions. Excel drops their leading zeros.
_OTHER_CODES = frozenset({0, *range(1, 12), *range(81, 86), _CHRISTIANSOE})
_OTHER_NAMES = frozenset({"hele landet", "danmark", "denmark", "all denmark", "whole country", "christiansø"})
_OTHER_PREFIXES = ("region ", "landsdel ", "province ")
_CODE = re.compile(r"\d{1,4}", re.ASCII)
_CODE_AND_NAME = re.compile(r"(\d{2,4})[ -]+(\D.*)", re.ASCII)
_CODE_LENGTH = 3


@lru_cache(maxsize=4096)
def area_of(text: str) -> Area:
    """Read ``461``, ``0461``, ``Odense``, ``Odense Kommune`` or ``461 Odense``.

    Raises:
        NotAnArea: none of the 98 municipalities, and no country, region, province or Christiansø.
        AreaContradicts: a code with the name of another area.
    """
    text = " ".join(text.split())
    both = _CODE_AND_NAME.fullmatch(text)
    if both is not None:
        by_code, by_name = area_of(both[1]), area_of(both[2])
        if by_code != by_name:
            raise AreaContradicts
        return by_code
    if _CODE.fullmatch(text):
        return _area_of_code(text)
    found = find_by_name(text)
    if found is not None:
        return Area(found)
    small = text.casefold()
    if small in _OTHER_NAMES or small.startswith(_OTHER_PREFIXES):
        return _NO_MUNICIPALITY
    raise NotAnArea


def _area_of_code(text: str) -> Area:
    found = MUNICIPALITIES.get(text[1:] if len(text) > _CODE_LENGTH and text.startswith("0") else text)
    if found is not None:
        return Area(found)
    if int(text) in _OTHER_CODES:
        return _NO_MUNICIPALITY
    raise NotAnArea


class NotATime(ValueError):
    """A text that is no quarter, month, year or day."""


def _quarter(year: str, quarter: str) -> date:
    return date(int(year), 3 * int(quarter) - 2, 1)


def _numbers(year: str, month: str = "1", day: str = "1") -> date:
    return date(int(year), int(month), int(day))


def _numbers_danish(day: str, month: str, year: str) -> date:
    return date(int(year), int(month), int(day))


_ENGLISH_MONTHS = tuple(name.casefold() for name in calendar.month_name[1:])


def _words(day: str, month: str, year: str) -> date:
    small = month.casefold()
    for names in (DANISH_MONTHS, _ENGLISH_MONTHS):
        if small in names:
            return date(int(year), names.index(small) + 1, int(day))
    raise NotATime


_TIMES: tuple[tuple[re.Pattern[str], Callable[..., date]], ...] = (
    (re.compile(r"(\d{4}) ?[KQkq]([1-4])", re.ASCII), _quarter),
    (re.compile(r"(\d{4})", re.ASCII), _numbers),
    (re.compile(r"(\d{4})M(\d{2})", re.ASCII), _numbers),
    (re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00:00)?", re.ASCII), _numbers),
    (re.compile(r"(\d{1,2})[-.](\d{1,2})[-.](\d{4})", re.ASCII), _numbers_danish),
    (re.compile(r"(\d{1,2})\.? (\w+) (\d{4})"), _words),
)


@lru_cache(maxsize=4096)
def day_of(text: str) -> date:
    """The day that a time of the tables stands for; the first of a quarter, a month or a year.

    ``2008K1`` and ``2008Q1`` (FOLK1A counts on the first of the quarter), ``2008`` (BEF1A07 counts on 1 January),
    ``2008M01``, ``2008-01-01``, ``01.01.2008``, ``1. januar 2008``.

    Raises:
        NotATime: anything else, and a year outside 1970-2200.
    """
    text = " ".join(text.split())
    for pattern, meaning in _TIMES:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        try:
            day = meaning(*match.groups())
        except ValueError:
            break
        if FIRST_YEAR <= day.year <= LAST_YEAR:
            return day
        break
    raise NotATime


_FETCHED = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)


def last_day_of(text: str) -> date:
    """The last day of ``2023``, ``2026-08`` or ``2026-09-30``: when something was fetched at the latest.

    Raises:
        NotATime: anything else.
    """
    match = _FETCHED.fullmatch(text.strip())
    if match is None:
        raise NotATime
    year, month = int(match[1]), int(match[2] or MONTHS_PER_YEAR)
    try:
        return date(year, month, int(match[3] or calendar.monthrange(year, month)[1]))
    except ValueError as error:
        raise NotATime from error


# A closed list: »Mænd i alt« is a breakdown that sounds like a total.
_TOTAL_CODES = frozenset({"tot", "ialt"})
_TOTAL_NUMBER = "00"
_TOTAL_NAMES = frozenset(
    {
        "i alt",
        "ialt",
        "total",
        "alle",
        "all",
        "alder i alt",
        "alle aldre",
        "age, total",
        "age total",
        "all ages",
        "mænd og kvinder i alt",
        "mænd og kvinder",
        "køn i alt",
        "men and women, total",
        "men and women total",
        "men and women",
        "sex, total",
        "civilstand i alt",
        "marital status, total",
        "herkomst i alt",
        "ancestry, total",
    }
)


@lru_cache(maxsize=4096)
def is_total(variable: str, text: str) -> bool:
    """Whether a value of a variable such as KØN, ALDER or CIVILSTAND is its total: code, name, or both.

    ``00`` is the total of HERKOMST and its like, but may be a newborn in a column of ages or one without a heading.
    """
    small = " ".join(text.split()).casefold()
    if small in _TOTAL_CODES or small in _TOTAL_NAMES:
        return True
    code, _, name = small.partition(" ")
    if code == _TOTAL_NUMBER:
        may_be_age = variable.casefold().startswith(("alder", "age", "kolonne", "overskrift"))
        return name in _TOTAL_NAMES or (not name and not may_be_age)
    return code in _TOTAL_CODES and name in _TOTAL_NAMES


class NotACount(ValueError):
    """A text that is no whole number of people."""


_MOST_DIGITS = 9
_COUNT = re.compile(rf"\d{{1,{_MOST_DIGITS}}}", re.ASCII)
# One group after a single point or comma may be decimals; two groups, or a space, can only be thousands.
_GROUPED = re.compile(r"\d{1,3}(?:([.,])\d{3}(?:\1\d{3})+|(?:[ \u00a0\u202f]\d{3})+)", re.ASCII)
_NOT_THERE = frozenset({"", "..", "...", "\u2026", ".", "-"})


def count_of(text: str) -> int:
    """Read ``186932``, ``186 932`` or ``5.475.791``.

    Raises:
        NotACount: anything else, also ``1.234``, which may be a decimal number, and ``..``.
    """
    text = text.strip()
    if _COUNT.fullmatch(text):
        return int(text)
    digits = re.sub(r"\D", "", text)
    if _GROUPED.fullmatch(text) and len(digits) <= _MOST_DIGITS:
        return int(digits)
    raise NotACount


def is_count(text: str) -> bool:
    """Whether ``count_of`` can read it."""
    try:
        count_of(text)
    except NotACount:
        return False
    return True


def is_not_there(text: str) -> bool:
    """Whether a cell says that there is no figure."""
    return text.strip() in _NOT_THERE


def is_time(text: str) -> bool:
    """Whether ``day_of`` can read it."""
    try:
        day_of(text)
    except NotATime:
        return False
    return True


def is_area(text: str) -> bool:
    """Whether ``area_of`` can read it."""
    try:
        area_of(text)
    except (NotAnArea, AreaContradicts):
        return False
    return True
