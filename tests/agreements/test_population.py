"""What a load changes, and the sentences that an officer reads."""

from __future__ import annotations

import pickle
from datetime import date

import pytest

from agreements.population import (
    Layout,
    LeftOut,
    PopulationConflict,
    PopulationFigure,
    PopulationFileNotUnderstood,
    PopulationMissing,
    PopulationReading,
    compare,
)

NEW_YEAR_2008 = date(2008, 1, 1)


def figure(municipality: str, inhabitants: int, source: str = "FOLK1A") -> PopulationFigure:
    return PopulationFigure(municipality, NEW_YEAR_2008, inhabitants, source, date(2026, 9, 30))


def reading(*figures: PopulationFigure) -> PopulationReading:
    return PopulationReading(figures, (LeftOut("Hele landet", "er ikke en kommune", 1),), "utf-8", Layout.STATBANK_CSV)


def test_a_load_tells_what_is_new_revised_and_known() -> None:
    assens, odense, svendborg = figure("420", 42_054), figure("461", 186_932), figure("479", 59_040)
    revised = figure("461", 186_933, "FOLK1A, revideret")
    change = compare(
        {assens.key: assens, odense.key: odense}, reading(figure("420", 42_054, "fil"), revised, svendborg)
    )
    assert change.added == (svendborg,)
    assert change.changed == ((odense, revised),)
    assert change.unchanged == (figure("420", 42_054, "fil"),)
    assert change.left_out == (LeftOut("Hele landet", "er ikke en kommune", 1),)


def test_the_same_load_again_changes_nothing() -> None:
    odense = figure("461", 186_932)
    change = compare({odense.key: odense}, reading(odense))
    assert (change.added, change.changed, change.unchanged) == ((), (), (odense,))


def test_another_date_is_another_figure() -> None:
    odense = figure("461", 186_932)
    later = PopulationFigure("461", date(2009, 1, 1), 186_745, "FOLK1A", date(2026, 9, 30))
    assert compare({odense.key: odense}, reading(later)).added == (later,)


def test_a_missing_figure_is_named_with_what_to_do() -> None:
    error = PopulationMissing(municipality="461", name="Odense", on=NEW_YEAR_2008)
    assert str(error) == (
        "Folketallet for Odense (461) pr. 01.01.2008 mangler. "
        "Hent det fra Statistikbanken, eller indlæs en fil med det (mellemregning population load FIL), og prøv igen."
    )


@pytest.mark.parametrize(
    "error",
    [
        PopulationFileNotUnderstood(file="a.csv", found="en PDF"),
        PopulationConflict(file="a.csv", municipality="Odense (461)", on=NEW_YEAR_2008, first=1, second=2),
    ],
)
def test_an_error_says_that_nothing_is_changed_and_survives_a_process_border(error: Exception) -> None:
    assert "intet er ændret" in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own error
