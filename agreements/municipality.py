"""The register of the 98 municipalities: code, name, official name, region and CVR number.

Source of ``data/municipalities.csv``: codes and names are Statistics Denmark's since the reform of 2007; the CVR
numbers are identical in two public code bases (OS2sync and Digital Identity) and all pass the check digit. GLNs are no
part of the register: an officer enters them.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from agreements.agreement import MunicipalityCode
from foundation.errors import BadInput, N_


@dataclass(frozen=True, slots=True)
class Municipality:
    """One municipality as the register knows it.

    Attributes:
        code: Three digits, as Statistics Denmark writes them.
        name: As in tables: ``Nordfyns``, ``København``.
        official_name: As in letters and on invoices: ``Nordfyns Kommune``, ``Bornholms Regionskommune``.
        region: For instance ``Region Syddanmark``.
        cvr: Eight digits.
    """

    code: MunicipalityCode
    name: str
    official_name: str
    region: str
    cvr: str


class UnknownMunicipality(BadInput):
    """A code that is none of the 98."""

    danish = N_(
        "Der er ingen kommune med koden {municipality}; skriv Danmarks Statistiks tre cifre, fx 461 for Odense."
    )


def _load() -> Iterator[Municipality]:
    text = resources.files("agreements").joinpath("data/municipalities.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        yield Municipality(row["kommunekode"], row["kommune"], row["official_name"], row["region"], row["cvr"])


MUNICIPALITIES: Mapping[MunicipalityCode, Municipality] = MappingProxyType({one.code: one for one in _load()})
"""Code -> municipality, ascending by code."""


def municipality(code: MunicipalityCode) -> Municipality:
    """The municipality with a code.

    Raises:
        UnknownMunicipality: none of the 98 has it.
    """
    found = MUNICIPALITIES.get(code)
    if found is None:
        raise UnknownMunicipality(municipality=code)
    return found


# Names that people and older tables use, beside the two of the register. Brønderslev-Dronninglund (2007) and
# Frederiksværk-Hundested (2007) are the same municipalities before they changed their names.
_OTHER_NAMES = {
    "Brønderslev-Dronninglund": "810",
    "Copenhagen": "101",
    "Bornholms": "400",
    "Frederiksværk-Hundested": "260",
    "Nordfyn": "480",
    "Vesthimmerland": "820",
}
_SUFFIXES = ("regionskommune", "kommune")


def _folded(text: str) -> str:
    """What is left when case, hyphens, spaces, the two spellings of å, and "Kommune" are no difference."""
    lowered = unicodedata.normalize("NFC", text).casefold().replace("å", "aa")
    letters = "".join(character for character in lowered if character.isalnum())
    for suffix in _SUFFIXES:
        if letters.endswith(suffix) and letters != suffix:
            return letters.removesuffix(suffix)
    return letters


_BY_NAME: Mapping[str, Municipality] = MappingProxyType(
    {_folded(name): one for one in MUNICIPALITIES.values() for name in (one.name, one.official_name)}
    | {_folded(name): MUNICIPALITIES[code] for name, code in _OTHER_NAMES.items()}
)


def find_by_name(text: str) -> Municipality | None:
    """The municipality that a person means by a name, or None.

    Case, hyphens and spaces do not matter, nor "Kommune" after the name, nor whether å is written aa:
    ``Nordfyn``, ``Nordfyns Kommune``, ``Århus``, ``FAABORG MIDTFYN``. Nothing is guessed from a part of a name.
    """
    return _BY_NAME.get(_folded(text))


# The Danish alphabet ends in æ, ø, å. The foreign letters stand where the Danish spelling dictionary puts them.
_DANISH_PLACES = str.maketrans({"æ": "{", "ø": "|", "å": "}", "ä": "{", "ö": "|", "ü": "y", "é": "e"})


def danish_order(name: str) -> tuple[str, str]:
    """The key that sorts names by the Danish alphabet, the same on every machine and database.

    Æ, ø and å come last, and "aa" is sorted as å: Aabenraa stands after Aarhus only as å-b before å-r, both after Ærø.
    """
    letters = unicodedata.normalize("NFC", name).casefold().replace("aa", "å").translate(_DANISH_PLACES)
    return letters, name
