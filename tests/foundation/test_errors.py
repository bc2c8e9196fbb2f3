"""What an error says, and what it keeps."""

from __future__ import annotations

import copy
import pickle
from datetime import date

import pytest

from foundation.errors import BadInput, MellemregningError, NotFound, Problems, RuleBroken, shown


class AccountsLate(RuleBroken):
    """A made-up rule."""

    danish = "Fristen var {deadline}; {providers} mangler {amount_oere} for {year}."


LATE = AccountsLate(deadline=date(2009, 1, 15), providers=["Odense", "Svendborg"], amount_oere=19_420_282, year=2009)
LATE_TEXT = "Fristen var 15.01.2009; Odense, Svendborg mangler 194.202,82 kr. for 2009."


def test_dates_amounts_and_lists_are_shown_as_people_read_them() -> None:
    assert str(LATE) == LATE_TEXT


def test_facts_stay_what_they_were() -> None:
    assert LATE.facts == {
        "deadline": date(2009, 1, 15),
        "providers": ["Odense", "Svendborg"],
        "amount_oere": 19_420_282,
        "year": 2009,
    }
    assert LATE.name == "AccountsLate"


def test_a_negative_amount_and_a_number_that_is_no_amount() -> None:
    assert shown("result_oere", -1) == "-0,01 kr."
    assert shown("population", 1_234_567) == 1_234_567
    assert shown("asked", "50%") == "50%"


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("days", [date(2009, 1, 15), date(2009, 2, 13)], "15.01.2009, 13.02.2009"),
        ("parts_oere", (100, 19_420_282), "1,00 kr., 194.202,82 kr."),
    ],
)
def test_dates_and_amounts_in_a_list_are_shown_as_people_read_them(name: str, values: object, expected: str) -> None:
    assert shown(name, values) == expected


def test_the_sentence_is_translated_before_its_facts_are_filled_in() -> None:
    english = {AccountsLate.danish: "{providers}: {amount_oere} missing for {year}, due {deadline}."}
    assert LATE.text(english.__getitem__) == "Odense, Svendborg: 194.202,82 kr. missing for 2009, due 15.01.2009."


def test_braces_in_a_fact_are_no_places() -> None:
    error = Problems(source="{aftale}.toml", problems=["{year} og {0}"])
    assert str(error) == "{aftale}.toml kan ikke bruges, og intet er ændret:\n  - {year} og {0}"


def test_several_problems_are_told_at_once() -> None:
    error = Problems(source="aftale.toml", problems=["linje 3: kode", "linje 7: beløb"])
    assert error.problems == ("linje 3: kode", "linje 7: beløb")
    assert str(error) == "aftale.toml kan ikke bruges, og intet er ændret:\n  - linje 3: kode\n  - linje 7: beløb"


@pytest.mark.parametrize("error", [LATE, Problems(source="aftale.toml", problems=["linje 3: kode"])])
def test_an_error_survives_the_way_between_processes(error: MellemregningError) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 - our own
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert again.facts == error.facts


@pytest.mark.parametrize("kind", [RuleBroken, BadInput, NotFound, Problems])
def test_one_family(kind: type[MellemregningError]) -> None:
    assert issubclass(kind, MellemregningError)
