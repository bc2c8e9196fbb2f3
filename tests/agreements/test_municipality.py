"""The register against what is known of it from outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.dk import cvr

from agreements.municipality import MUNICIPALITIES, UnknownMunicipality, danish_order, find_by_name, municipality


def test_there_are_98_in_five_regions_ascending() -> None:
    assert len(MUNICIPALITIES) == 98
    assert list(MUNICIPALITIES) == sorted(MUNICIPALITIES)
    assert {one.region for one in MUNICIPALITIES.values()} == {
        "Region Hovedstaden",
        "Region Sjælland",
        "Region Syddanmark",
        "Region Midtjylland",
        "Region Nordjylland",
    }


def test_every_cvr_has_a_right_check_digit_and_is_unique() -> None:
    assert all(cvr.is_valid(one.cvr) for one in MUNICIPALITIES.values())
    assert len({one.cvr for one in MUNICIPALITIES.values()}) == 98


def test_odense() -> None:
    odense = municipality("461")
    assert (odense.name, odense.official_name, odense.region) == ("Odense", "Odense Kommune", "Region Syddanmark")


@pytest.mark.parametrize("code", ["", "411", "0461", "46", "999", "Odense"])
def test_an_unknown_code_is_named(code: str) -> None:
    with pytest.raises(UnknownMunicipality, match=f"koden {code}"):
        municipality(code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Nordfyns", "480"),
        ("nordfyn", "480"),
        ("Nordfyns Kommune", "480"),
        ("Københavns Kommune", "101"),
        ("KØBENHAVN", "101"),
        ("Copenhagen", "101"),
        ("Aarhus", "751"),
        ("Århus", "751"),
        ("A\u030arhus", "751"),  # A and ring as two characters, as macOS writes file names
        ("Ålborg kommune", "851"),
        ("Åbenrå", "580"),
        ("Brønderslev", "810"),
        ("Brønderslev-Dronninglund", "810"),
        ("Vesthimmerland", "820"),
        ("Vesthimmerlands", "820"),
        ("Vesthimmerlands Kommune", "820"),
        ("FaaborgMidtfyn Kommune", "430"),  # as the 2009 agreement's text has it
        ("Fåborg - Midtfyn", "430"),
        ("Lyngby-Tårbæk", "173"),
        ("Bornholm", "400"),
        ("Bornholms Regionskommune", "400"),
        ("Frederiksværk-Hundested", "260"),
        ("  Ærø  ", "492"),
    ],
)
def test_people_find_a_municipality_by_the_names_they_use(text: str, code: str) -> None:
    found = find_by_name(text)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize("text", ["", " ", "Kommune", "Fyn", "Oden", "Hele landet", "Region Syddanmark", "Christiansø"])
def test_nothing_is_guessed(text: str) -> None:
    assert find_by_name(text) is None


def test_every_name_finds_its_own() -> None:
    for one in MUNICIPALITIES.values():
        assert find_by_name(one.name) is one
        assert find_by_name(one.official_name.upper()) is one


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    find_by_name(text)
    danish_order(text)


def test_the_danish_alphabet_ends_in_ae_oe_aa() -> None:
    names = ["Aarhus", "Ærø", "Aabenraa", "Varde", "Albertslund", "Østerby", "Aalborg", "Allerød"]
    assert sorted(names, key=danish_order) == [
        "Albertslund",
        "Allerød",
        "Varde",
        "Ærø",
        "Østerby",
        "Aabenraa",
        "Aalborg",
        "Aarhus",
    ]


def test_the_nine_of_funen_in_danish_order() -> None:
    nine = ["420", "430", "440", "450", "461", "479", "480", "482", "492"]
    names = sorted((municipality(code).name for code in nine), key=danish_order)
    assert names == [
        "Assens",
        "Faaborg-Midtfyn",
        "Kerteminde",
        "Langeland",
        "Nordfyns",
        "Nyborg",
        "Odense",
        "Svendborg",
        "Ærø",
    ]


def test_aa_inside_a_name_is_aa_too() -> None:
    names = ["Faaborg-Midtfyn", "Fanø", "Furesø", "Fredericia"]
    assert sorted(names, key=danish_order) == ["Fanø", "Fredericia", "Furesø", "Faaborg-Midtfyn"]
