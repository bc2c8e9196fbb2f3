"""``budget load --preview`` and ``population load --preview``: what it would change, by hand, and nothing kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.conftest import (
    COST_2009,
    FILES,
    FUNEN,
    INHABITANTS,
    LANGELAND,
    NINE,
    OBLIGATIONS_2009,
    Desk,
    by_code,
    rates,
    shared_out,
)

DEARER = """[agreement]
code = "fyn-alkohol"

[[budgets]]
year = 2009
provider = "461"
service = "ambulant"
amount = "19250000.00"
"""
A_MILLION = 100_000_000


@pytest.fixture
def desk(upgraded_url: str, tmp_path: Path) -> Iterator[Desk]:
    """The Funen agreement with the price of 2009."""
    desk = Desk(upgraded_url, tmp_path)
    desk.does("db", "upgrade")
    desk.does("agreement", "load", FILES / "fyn.toml")
    desk.does("subscription", "calculate", FUNEN, 2009)
    desk.as_of = "2008-12-10"
    yield desk
    desk.leaves()


def test_a_dearer_budget_is_shown_for_each_and_not_kept(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "dyrere.toml"
    file.write_text(DEARER, encoding="utf-8")
    before = desk.everything()
    answer = desk.does("budget", "load", file, "--preview")
    assert desk.everything() == before
    assert answer["kept"] is False
    (effect,) = answer["effects"]
    assert (effect["agreement"], effect["year"], effect["version"]) == (FUNEN, 2009, 1)
    assert effect["total_after_oere"] - effect["total_before_oere"] == A_MILLION
    dearer = shared_out(COST_2009 + A_MILLION, INHABITANTS[2008])
    assert by_code(effect["municipalities"], "obligation_before_oere") == OBLIGATIONS_2009
    assert by_code(effect["municipalities"], "obligation_after_oere") == dearer
    assert by_code(effect["municipalities"], "next_instalment_after_oere") == {
        who: rates(dearer[who])[0] for who in NINE
    }
    told = desk.says("budget", "load", file, "--preview")
    assert told.status == 0
    assert "Intet er gemt" in told.out
    # Kept for real, the price is what was shown.
    desk.does("budget", "load", file)
    assert by_code(desk.does("subscription", "calculate", FUNEN, 2009)["parts"], "obligation_oere") == dearer


def test_after_an_invoiced_month_the_rest_of_the_year_takes_it(desk: Desk, tmp_path: Path) -> None:
    desk.does("month", "issue", FUNEN, "2009-01")
    file = tmp_path / "dyrere.toml"
    file.write_text(DEARER, encoding="utf-8")
    (effect,) = desk.does("budget", "load", file, "--preview")["effects"]
    dearer = shared_out(COST_2009 + A_MILLION, INHABITANTS[2008])
    for line in effect["municipalities"]:
        who = line["municipality"]
        left = dearer[who] - rates(OBLIGATIONS_2009[who])[0]
        assert line["next_instalment_before_oere"] == rates(OBLIGATIONS_2009[who])[1]
        assert line["next_instalment_after_oere"] == left // 11


def test_a_revised_population_is_shown_for_each_and_not_kept(desk: Desk, tmp_path: Path) -> None:
    revised = {**INHABITANTS[2008], LANGELAND: INHABITANTS[2008][LANGELAND] + 1000}
    file = tmp_path / "rettet.csv"
    file.write_text(
        f"municipality_code;reference_date;population\n{LANGELAND};2008-01-01;{revised[LANGELAND]}\n", encoding="utf-8"
    )
    before = desk.everything()
    answer = desk.does("population", "load", file, "--source", "rettet", "--preview")
    assert desk.everything() == before
    assert [entry["inhabitants"] for entry in answer["changed"]] == [revised[LANGELAND]]
    (effect,) = answer["effects"]
    assert by_code(effect["municipalities"], "obligation_after_oere") == shared_out(COST_2009, revised)
    assert effect["total_after_oere"] == effect["total_before_oere"] == COST_2009


def test_a_load_that_changes_nothing_says_so(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "samme.toml"
    file.write_text(DEARER.replace("19250000", "18250000"), encoding="utf-8")
    assert desk.does("budget", "load", file, "--preview")["effects"] == []
    assert "Ingen beregnet pris ville ændre sig." in desk.says("budget", "load", file, "--preview").out
