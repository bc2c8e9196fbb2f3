"""``mellemregning forecast`` and the explanation in ``subscription notice``, as an officer types them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.conftest import (
    COST_2009,
    FILES,
    FUNEN,
    INHABITANTS,
    LANGELAND,
    NINE,
    OBLIGATIONS_2009,
    ODENSE,
    SVENDBORG,
    Desk,
    by_code,
    rates,
    shared_out,
)

BUDGET_2010 = {ODENSE: 1_871_234_567, SVENDBORG: 648_765_432}
COST_2010 = 2_519_999_999

EXPLAINED = ("cost", "population", "members", "results")
on_one_engine = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


@pytest.fixture
def desk(upgraded_url: str, tmp_path: Path) -> Iterator[Desk]:
    """The Funen agreement with the price of 2009."""
    desk = Desk(upgraded_url, tmp_path)
    desk.does("db", "upgrade")
    desk.does("agreement", "load", FILES / "fyn.toml")
    desk.does("subscription", "calculate", FUNEN, 2009)
    desk.as_of = "2009-05-20"
    yield desk
    desk.leaves()


def forecast(desk: Desk, *arguments: object) -> Any:  # noqa: ANN401 - any JSON value
    """The answer, which has its keys and sums and leaves all tables as they were."""
    before = desk.everything()
    answer = desk.does("forecast", FUNEN, *arguments)
    told = desk.says("forecast", FUNEN, *arguments)
    assert (told.status, told.err) == (0, "")
    assert told.out.endswith("Prognose; intet er gemt.\n")
    assert desk.everything() == before
    assert set(answer) == {"agreement", "years"}
    for year in answer["years"]:
        assert set(year) == {"year", "basis", "cost_oere", "passed_on_oere", "total_oere", "keys", "parts"}
        assert year["keys"] == []  # by inhabitants alone
        assert set(year["basis"]) == {"budget_year", "population_date", "provisional", "cost_lines"}
        assert sum(by_code(year["parts"], "share_oere").values()) == year["cost_oere"]
        assert sum(by_code(year["parts"], "obligation_oere").values()) == year["total_oere"]
        assert year["cost_oere"] - year["passed_on_oere"] == year["total_oere"]
        for part in year["parts"]:
            assert set(part) == {
                *("municipality", "population", "share_oere", "passed_on_oere", "obligation_oere"),
                *("instalment_oere", "previous_obligation_oere", "change_oere", "explained_oere"),
            }
            assert part["instalment_oere"] == rates(part["obligation_oere"])[0]
            if part["explained_oere"] is None:
                assert (part["previous_obligation_oere"], part["change_oere"]) == (None, None)
            else:
                assert tuple(part["explained_oere"]) == EXPLAINED
                assert sum(part["explained_oere"].values()) == part["change_oere"]
                assert part["change_oere"] == part["obligation_oere"] - (part["previous_obligation_oere"] or 0)
    return answer


def test_next_year_before_its_budget(desk: Desk) -> None:
    answer = forecast(desk, 2010)
    (year,) = answer["years"]
    assert (answer["agreement"], year["year"], year["cost_oere"]) == (FUNEN, 2010, COST_2009)
    assert (year["basis"]["budget_year"], year["basis"]["population_date"]) == (2009, "2009-01-01")
    assert year["basis"]["provisional"] == ["Der er intet budget for 2010; der er regnet med budgettet for 2009."]
    assert [line["amount_oere"] for line in year["basis"]["cost_lines"]] == [1_825_000_000, 641_733_333]
    expected = shared_out(COST_2009, INHABITANTS[2009])
    assert by_code(year["parts"], "obligation_oere") == expected
    assert by_code(year["parts"], "previous_obligation_oere") == OBLIGATIONS_2009
    for part in year["parts"]:
        change = expected[part["municipality"]] - OBLIGATIONS_2009[part["municipality"]]
        assert part["explained_oere"] == {"cost": 0, "population": change, "members": 0, "results": 0}


@on_one_engine
def test_with_its_budget_it_is_the_preview(desk: Desk) -> None:
    desk.does("budget", "load", desk.costs("budgets", 2010, BUDGET_2010))
    preview = desk.does("subscription", "calculate", FUNEN, 2010, "--preview")
    (year,) = forecast(desk, 2010)["years"]
    assert year["basis"]["provisional"] == []
    for key in ("cost_oere", "passed_on_oere", "total_oere"):
        assert year[key] == preview[key]
    for part, other in zip(year["parts"], preview["parts"], strict=True):
        for key in ("municipality", "population", "share_oere", "passed_on_oere", "obligation_oere"):
            assert part[key] == other[key]
        assert part["instalment_oere"] == other["instalments_oere"][0]


@on_one_engine
@pytest.mark.parametrize(
    ("arguments", "cost_oere", "note"),
    [
        (("--cost", "+3%"), 2_540_735_333, "Antagelse: udgiften ændres med +3 %"),
        (("--cost", "3 %"), 2_540_735_333, "Antagelse: udgiften ændres med +3 %"),
        (("--cost", "-1.5%"), 2_429_732_333, "Antagelse: udgiften ændres med -1,5 %"),
        (("--cost", "-1,5%"), 2_429_732_333, "Antagelse: udgiften ændres med -1,5 %"),
        (("--cost", "250000.00"), 2_491_733_333, "Antagelse: udgiften ændres"),
        (("--cost", "+250.000,00"), 2_491_733_333, "Antagelse: udgiften ændres"),
        (("--cost=-13400000",), 1_126_733_333, "Antagelse: udgiften ændres"),
        (("--step", "2009=-0.33"), 2_466_733_300, "Antagelse: udgiften ændres fra 2009"),
    ],
    ids=str,
)
def test_another_cost(desk: Desk, arguments: tuple[str, ...], cost_oere: int, note: str) -> None:
    (year,) = forecast(desk, 2010, *arguments)["years"]
    assert year["cost_oere"] == cost_oere
    assert by_code(year["parts"], "share_oere") == shared_out(cost_oere, INHABITANTS[2009])
    lines = year["basis"]["cost_lines"]
    assert sum(line["amount_oere"] for line in lines) == cost_oere
    assert (lines[-1]["note"], lines[-1]["provider"]) == (note, "")
    assert note in desk.says("forecast", FUNEN, 2010, *arguments).out
    # The same shares of the new cost first, then the new figures.
    old_shares = shared_out(cost_oere, INHABITANTS[2008])
    assert {part["municipality"]: part["explained_oere"]["cost"] for part in year["parts"]} == {
        code: old_shares[code] - OBLIGATIONS_2009[code] for code in NINE
    }


@on_one_engine
def test_a_series_of_steps(desk: Desk) -> None:
    steps = ("--step", "2010=-13400000", "--step", "2011=-17500000")
    years = forecast(desk, 2010, *steps, "--until", 2013)["years"]
    assert [year["year"] for year in years] == [2010, 2011, 2012, 2013]
    assert [year["cost_oere"] - COST_2009 for year in years] == [-1_340_000_000, *[-1_750_000_000] * 3]
    for before, after in itertools.pairwise(years):
        obligations = by_code(before["parts"], "obligation_oere")
        assert by_code(after["parts"], "previous_obligation_oere") == obligations
    assert [year["year"] for year in forecast(desk, 2010, *steps)["years"]] == [2010, 2011]


@on_one_engine
def test_who_comes_and_who_leaves(desk: Desk) -> None:
    (year,) = forecast(desk, 2010, "--without", LANGELAND, "--with", "410")["years"]
    parts = {part["municipality"]: part for part in year["parts"]}
    assert list(parts) == sorted({*NINE, "410"} - {LANGELAND})
    joiner = parts["410"]
    assert joiner["previous_obligation_oere"] is None
    assert joiner["explained_oere"] == {"cost": 0, "population": 0, "members": joiner["share_oere"], "results": 0}
    told = desk.says("forecast", FUNEN, 2010, "--without", LANGELAND, "--with", "410").out
    assert "-761.461,28" in told  # what the others take over from Langeland


@on_one_engine
def test_figures_that_are_not_there_yet_are_named(desk: Desk) -> None:
    (year,) = forecast(desk, 2060)["years"]
    newest = year["basis"]["population_date"]
    day = f"{newest[8:]}.{newest[5:7]}.{newest[:4]}"
    assert year["basis"]["provisional"] == [
        "Der er intet budget for 2060; der er regnet med budgettet for 2009.",
        (
            "Folketallet pr. 01.01.2059 mangler for Assens, Faaborg-Midtfyn, Kerteminde, Langeland, Nordfyns, Nyborg, "
            f"Odense, Svendborg, Ærø; der er regnet med folketallet pr. {day} for alle."
        ),
        "Resultatet af 2058 er ikke afsluttet og indgår ikke.",
    ]
    assert {part["explained_oere"] is None for part in year["parts"]} == {True}


@on_one_engine
@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((2010, "--cost", "meget"), 2, ["«meget» er ingen ændring", "+3%", "-250000.00"]),
        ((2010, "--cost", "+-3"), 2, ["«+-3»"]),
        ((2010, "--cost", ""), 2, ["«»"]),
        ((2010, "--cost", "3%%"), 2, ["«3%%»"]),
        ((2010, "--cost", "1e9"), 2, ["«1e9»"]),
        ((2010, "--cost", "99999999999999999999"), 2, ["ingen ændring"]),
        ((2010, "--cost", "-100.5%"), 2, ["højst falde med 100 %"]),
        ((2010, "--step", "2010"), 2, ["«2010» er intet trin", "2026=-13400000"]),
        ((2010, "--step", "i år=5"), 2, ["intet trin"]),
        ((2010, "--step", "10=5"), 2, ["intet trin"]),
        ((2010, "--step", "2010=5%"), 2, ["intet trin"]),
        ((2010, "--step", "2010=5", "--step", "2010=6"), 2, ["kun ét trin"]),
        (("MMX",), 2, ["«MMX» er ikke et år"]),
        ((2010, "--until", 2009), 1, ["fra 2010 til 2009"]),
        ((2010, "--until", 2100), 1, ["til 2039"]),
        ((2010, "--step", "2015=5", "--until", 2012), 1, ["Trinnet fra 2015", "2012"]),
        ((2010, "--without", "999"), 1, ["ingen kommune med koden 999"]),
        ((2010, "--without", "410"), 1, ["410 deltager ikke"]),
        ((2010, "--with", ODENSE), 1, ["461 deltager allerede"]),
        ((2010, "--with", "410", "--without", "410"), 1, ["410", "både"]),
        ((2008,), 1, ["gælder ikke i 2008"]),
    ],
    ids=str,
)
def test_what_cannot_be_understood(desk: Desk, arguments: tuple[object, ...], status: int, words: list[str]) -> None:
    desk.refuses("forecast", FUNEN, *arguments, words=words, status=status)


@on_one_engine
def test_an_unknown_agreement(desk: Desk) -> None:
    desk.refuses("forecast", "nix", 2010, words=["nix"])


def test_the_price_notice_explains_each_change(desk: Desk) -> None:
    told = desk.does("subscription", "notice", FUNEN, 2009)
    assert {(part["explained_oere"], part["explanation"]) for part in told["parts"]} == {(None, None)}
    desk.does("membership", "leave", FUNEN, LANGELAND, "--year", 2009)
    desk.does("budget", "load", desk.costs("budgets", 2010, BUDGET_2010))
    desk.does("subscription", "calculate", FUNEN, 2010)
    told = desk.does("subscription", "notice", FUNEN, 2010)
    of_2008, of_2009 = INHABITANTS[2008], INHABITANTS[2009]
    costs = shared_out(COST_2010, of_2008)
    counted = shared_out(COST_2010, {**of_2009, LANGELAND: of_2008[LANGELAND]})
    shares = shared_out(COST_2010, {code: count for code, count in of_2009.items() if code != LANGELAND})
    for part in told["parts"]:
        code = part["municipality"]
        assert part["explained_oere"] == {
            "cost": costs[code] - OBLIGATIONS_2009[code],
            "population": counted[code] - costs[code],
            "members": shares[code] - counted[code],
            "results": 0,
        }
        change = part["obligation_oere"] - part["previous_obligation_oere"]
        assert sum(part["explained_oere"].values()) == change
    (assens,) = [part for part in told["parts"] if part["municipality"] == "420"]
    assert assens["explanation"] == (
        f"Prisen stiger {danish(assens['obligation_oere'] - OBLIGATIONS_2009['420'])}: "
        f"udgiften {danish(assens['explained_oere']['cost'], sign='+')}, "
        f"indbyggertal {danish(assens['explained_oere']['population'])}, "
        f"deltagere {danish(assens['explained_oere']['members'], sign='+')}, "
        "tidligere års resultat 0,00 kr."
    )
    said = desk.says("subscription", "notice", FUNEN, 2010).out
    assert f"Assens: {assens['explanation']}" in said


def danish(oere: int, sign: str = "") -> str:
    """Kroner by hand, for amounts below a million."""
    whole, rest = divmod(abs(oere), 100)
    assert whole < 1_000_000
    grouped = f"{whole // 1000}.{whole % 1000:03d}" if whole >= 1000 else str(whole)
    return f"{'-' if oere < 0 else sign}{grouped},{rest:02d} kr."


@pytest.mark.parametrize(
    ("figures", "sentence"),
    [
        (
            (100, 5_900_000, 0, 0, 0),
            (
                "Prisen stiger 59.000,00 kr.: udgiften +59.000,00 kr., indbyggertal 0,00 kr., deltagere 0,00 kr., "
                "tidligere års resultat 0,00 kr."
            ),
        ),
        (
            (100, 1, -2, 0, -99),
            (
                "Prisen falder 1,00 kr.: udgiften +0,01 kr., indbyggertal -0,02 kr., deltagere 0,00 kr., "
                "tidligere års resultat -0,99 kr."
            ),
        ),
        (
            (0, 5, -5, 0, 0),
            (
                "Prisen er uændret: udgiften +0,05 kr., indbyggertal -0,05 kr., deltagere 0,00 kr., "
                "tidligere års resultat 0,00 kr."
            ),
        ),
        (
            (None, 0, 0, 7, 0),
            (
                "Kommunen deltog ikke året før: udgiften 0,00 kr., indbyggertal 0,00 kr., deltagere +0,07 kr., "
                "tidligere års resultat 0,00 kr."
            ),
        ),
    ],
    ids=["rises", "falls", "same", "joins"],
)
def test_the_sentence(figures: tuple[int | None, int, int, int, int], sentence: str) -> None:
    from billing.annual_subscription.forecast_rules import ChangeExplained
    from portal.commands.forecasting import explained_sentence

    assert explained_sentence(ChangeExplained(*figures)) == sentence


@on_one_engine
def test_a_price_by_several_keys_says_them_and_no_inhabitants(desk: Desk) -> None:
    example = resources.files("agreements.examples").joinpath("horsens_odder_2009.toml")
    desk.does("agreement", "load", desk.file("horsens.toml", example.read_bytes()))
    desk.does("subscription", "calculate", "horsens-odder", 2009)
    budget = (("stof", "1980000.00"), ("alkohol", "600000.00"), ("raadgivning", "250000.01"))
    lines = "".join(
        f'[[budgets]]\nyear = 2010\nprovider = "615"\nservice = "{service}"\namount = "{amount}"\nnote = "Eksempel"\n'
        for service, amount in budget
    )
    desk.does("budget", "load", desk.file("b.toml", f'[agreement]\ncode = "horsens-odder"\n{lines}'))
    (year,) = desk.does("forecast", "horsens-odder", 2010)["years"]
    assert year["basis"]["population_date"] is None
    assert [(key["name"], key["key"], key["cost_oere"]) for key in year["keys"]] == [
        ("", "one_party", 25_000_001),
        ("stofpladser", "agreed_capacity", 198_000_000),
        ("alkoholpladser", "agreed_capacity", 60_000_000),
    ]
    assert [share["figure"] for key in year["keys"][1:] for share in key["shares"]] == [24, 15]
    (odder,) = year["parts"]
    # 1.980.000 + 600.000 + 250.000,01, against 2.650.000,01 the year before; in quarters, rounded down.
    assert (odder["population"], odder["obligation_oere"], odder["instalment_oere"]) == (None, 283_000_001, 70_750_000)
    assert (odder["previous_obligation_oere"], odder["change_oere"]) == (265_000_001, 18_000_000)
    assert odder["explained_oere"] is None  # several keys are no steps of one split
    assert "Indbyggere" not in desk.says("forecast", "horsens-odder", 2010).out
