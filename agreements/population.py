"""Inhabitants per municipality and date, each figure with its source; what a load changes. Pure values.

A figure is never corrected in place: a revised one is kept beside the old one, and a calculation keeps the figures that
it used (domain rule 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from agreements.agreement import MunicipalityCode
from foundation.errors import BadInput, N_, RuleBroken
from foundation.values import made_often


@made_often
@dataclass(frozen=True, slots=True)
class PopulationFigure:
    """How many people lived in one municipality on one day (folketal).

    Attributes:
        on: The day that was counted; the first of a quarter.
        inhabitants: Whole people, zero or more.
        source: The table, or the file that an officer loaded, as it is named in a calculation.
        fetched_on: The day on which the figure was fetched from its source. Sources are revised.
    """

    municipality: MunicipalityCode
    on: date
    inhabitants: int
    source: str
    fetched_on: date

    @property
    def key(self) -> FigureKey:
        """What the figure is a figure of."""
        return self.municipality, self.on


FigureKey: TypeAlias = tuple[MunicipalityCode, date]


class Layout(StrEnum):
    """How a file or an answer lays its figures out."""

    STATBANK_CSV = "statbank_csv"
    WITHOUT_HEADER = "without_header"
    JSON_STAT = "json_stat"
    MATRIX = "matrix"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something in the input that became no figure.

    Attributes:
        what: An area, or a variable with the values that break it down, as the file writes them.
        why: A Danish sentence part.
        rows: How many figures of the input it is; 0 for one that was asked for and is not there.
    """

    what: str
    why: str
    rows: int


@dataclass(frozen=True, slots=True)
class PopulationReading:
    """What one file or answer says.

    Attributes:
        figures: Ascending by date and code; each municipality and date once.
        left_out: In the order of the input.
        encoding: ``utf-8``, ``utf-8-sig`` (with a byte order mark), ``utf-16``, ``cp1252``, ``latin-1`` or ``xlsx``.
    """

    figures: tuple[PopulationFigure, ...]
    left_out: tuple[LeftOut, ...]
    encoding: str
    layout: Layout


@dataclass(frozen=True, slots=True)
class PopulationChange:
    """What a load does to the figures that we have.

    Attributes:
        changed: The old and the new figure of each pair whose number differs.
        unchanged: The new figures whose number we have already; they add nothing.
    """

    added: tuple[PopulationFigure, ...]
    changed: tuple[tuple[PopulationFigure, PopulationFigure], ...]
    unchanged: tuple[PopulationFigure, ...]
    left_out: tuple[LeftOut, ...]


def compare(current: Mapping[FigureKey, PopulationFigure], reading: PopulationReading) -> PopulationChange:
    """Tell what is new, what is revised and what is known, without changing anything.

    Args:
        current: (code, date) -> the figure that counts today.
        reading: What was read; its figures are each a municipality and date once.

    Source: domain rule 2.
    """
    added: list[PopulationFigure] = []
    changed: list[tuple[PopulationFigure, PopulationFigure]] = []
    unchanged: list[PopulationFigure] = []
    for figure in reading.figures:
        old = current.get(figure.key)
        if old is None:
            added.append(figure)
        elif old.inhabitants == figure.inhabitants:
            unchanged.append(figure)
        else:
            changed.append((old, figure))
    return PopulationChange(tuple(added), tuple(changed), tuple(unchanged), reading.left_out)


class PopulationMissing(RuleBroken):
    """A calculation needs a figure that nobody has loaded; nothing is guessed (domain rule 2).

    Facts:
        municipality: The code.
        name: The municipality's name.
        on: The day.
    """

    danish = N_(
        "Folketallet for {name} ({municipality}) pr. {on} mangler. "
        "Hent det fra Statistikbanken, eller indlæs en fil med det (mellemregning population load FIL), og prøv igen."
    )


class PopulationFileNotUnderstood(BadInput):
    """A file or an answer that is not what is expected; its subclasses say what is wrong with one that nearly is.

    Facts:
        file: The name as given.
        found: What it is instead, in Danish.
    """

    danish = N_(
        "{file} kan ikke læses som folketal, og intet er ændret. Ventet: en fil fra Statistikbanken med område, tid og "
        "antal (CSV, JSON-stat eller xlsx). Fundet: {found}. "
        "Hent fx tabel FOLK1A som semikolonsepareret fil, og indlæs den."
    )


class PopulationFileTooLarge(PopulationFileNotUnderstood):
    """More bytes or cells than any table of municipalities has.

    Facts: file, limit (with its unit).
    """

    danish = N_(
        "{file} er for stor, og intet er ændret. Ventet: højst {limit}. Hent kun kommunernes totaler (køn, alder og "
        "civilstand i alt), og indlæs den fil."
    )


class PopulationRowBroken(PopulationFileNotUnderstood):
    """A row with more or fewer cells than the others: a file that was cut off or edited.

    Facts: file, place, cells, expected.
    """

    danish = N_(
        "{file} er afbrudt eller rettet i hånden, og intet er ændret. Ventet: {expected} felter i hver linje. "
        "Fundet: {cells} felter i {place}. Hent filen igen."
    )


class AreaUnknown(PopulationFileNotUnderstood):
    """An area that is no municipality and none of the areas that Statistics Denmark has beside them.

    Facts: file, place, area.
    """

    danish = N_(
        "{file} har et ukendt område, og intet er ændret. Ventet: en af de 98 kommuner, en landsdel, en region eller "
        "hele landet. Fundet: »{area}« i {place}. Ret navnet eller koden, og indlæs filen igen."
    )


class AreasContradict(PopulationFileNotUnderstood):
    """A code and a name in one row that are two municipalities.

    Facts: file, place, code, area.
    """

    danish = N_(
        "{file} modsiger sig selv, og intet er ændret. Ventet: kode og navn på samme kommune. "
        "Fundet: koden {code} ved »{area}« i {place}. Ret linjen, og indlæs filen igen."
    )


class TimeMissing(PopulationFileNotUnderstood):
    """A file of areas and numbers that does not say of which day.

    Facts: file, columns (what each column seems to be).
    """

    danish = N_(
        "{file} siger ikke, hvilken dag tallene gælder, og intet er ændret. Ventet: en kolonne med tid "
        "(fx 2008K1 eller 2008-01-01). Fundet: {columns}, men ingen tid. "
        "Hent filen igen med tid og totaler, eller angiv datoen, når filen indlæses."
    )


class TimeNotUnderstood(PopulationFileNotUnderstood):
    """A time that is no quarter, month, year or day.

    Facts: file, place, time.
    """

    danish = N_(
        "{file} har en tid, der ikke kan læses, og intet er ændret. Ventet: fx 2008K1, 2008 eller 2008-01-01. "
        "Fundet: »{time}« i {place}. Ret linjen, eller hent filen igen."
    )


class TimeInTheFuture(PopulationFileNotUnderstood):
    """A day that has not come: a projection, which is no figure to bill by.

    Facts: file, on, limit.
    """

    danish = N_(
        "{file} har tal for {on}, som er efter {limit}, og intet er ændret. Ventet: opgjorte folketal. "
        "Fundet: det, der ligner en fremskrivning. Hent fx tabel FOLK1A, og indlæs den."
    )


class CountNotWhole(PopulationFileNotUnderstood):
    """A municipality's figure that is no whole number of people.

    Facts: file, place, municipality, value.
    """

    danish = N_(
        "{file} har et folketal, der ikke er et helt tal, og intet er ændret. Ventet: et tal som 186932 "
        "uden punktum og komma. Fundet: »{value}« for {municipality} i {place}. Ret linjen, eller hent filen igen."
    )


class TotalMissing(PopulationFileNotUnderstood):
    """A municipality that is there only broken down; breakdowns are never summed (nothing is guessed).

    Facts: file, municipality, on, variable, values.
    """

    danish = N_(
        "{file} har kun opdelte tal for {municipality} pr. {on}, og intet er ændret. Ventet: totalen af {variable}. "
        "Fundet: {values}. Hent filen igen, og vælg »i alt« for {variable}."
    )


class PopulationConflict(BadInput):
    """One file with two numbers for the same municipality and date.

    Facts: file, municipality, on, first, second.
    """

    danish = N_(
        "{file} har to forskellige folketal for {municipality} pr. {on}: {first} og {second}, og intet er ændret. "
        "Slet det forkerte, og indlæs filen igen."
    )
