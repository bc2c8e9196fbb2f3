"""``invoice credit --line`` as it is typed."""

from __future__ import annotations

import pytest

from tests.scenarios.conftest import FUNEN, MONTHS_1_TO_11, Desk

# F2008-0001 is Assens's January, cut by the providers' budgets (domain rule 12).
NUMBER, LINE_1, LINE_2 = "F2008-0001", 14_367_996, 5_052_286


@pytest.fixture
def january(priced: Desk) -> Desk:
    """January is billed."""
    assert MONTHS_1_TO_11["420"] == LINE_1 + LINE_2
    priced.as_of = "2008-12-15"
    priced.does("month", "issue", FUNEN, "2009-01")
    return priced


def credit(desk: Desk, *lines: str) -> dict[str, object]:
    arguments = [word for line in lines for word in ("--line", line)]
    answer: dict[str, object] = desk.does("invoice", "credit", NUMBER, *arguments, "--reason", "Forkert takst")
    desk.holds()
    return answer


def test_a_part_then_the_rest_of_a_line_then_the_rest(january: Desk) -> None:
    first = credit(january, "2=1.234,50")
    assert (first["number"], first["credits"], first["amount_oere"]) == ("F2008-0010", NUMBER, -123_450)
    assert first["note"] == "Forkert takst"
    assert credit(january, "2=1234,5", "1=0,01")["amount_oere"] == -123_451
    assert credit(january, "2")["amount_oere"] == 2 * 123_450 - LINE_2
    assert january.does("month", "issue", FUNEN, "2009-01")["issued"] == []
    assert credit(january)["amount_oere"] == 1 - LINE_1
    answer = january.does("month", "issue", FUNEN, "2009-01")
    assert [(entry["municipality"], entry["amount_oere"]) for entry in answer["issued"]] == [("420", LINE_1 + LINE_2)]
    january.refuses("invoice", "credit", NUMBER, "--line", "1", "--reason", "x", words=["allerede krediteret"])


def test_an_amount_in_either_notation_means_one_thing(january: Desk) -> None:
    """A point before three digits parts thousands, before one or two it parts kroner and øre; no text is both."""
    assert credit(january, "2=1.23")["amount_oere"] == -1_23
    assert credit(january, "2=1,23")["amount_oere"] == -1_23
    assert credit(january, "2=1.234")["amount_oere"] == -1_234_00
    assert credit(january, "2=1234.5")["amount_oere"] == -1_234_50


def test_people_read_which_line_and_how_much(january: Desk) -> None:
    said = january.says("invoice", "credit", NUMBER, "--line", "2=1.234,50 kr.", "--reason", "Forkert takst")
    assert said.status == 0
    for word in ("Delvis kreditering af F2008-0001", "linje 2:", "-1.234,50", "Forkert takst", "Krediterer F2008-0001"):
        assert word in said.out


RUBBISH = (
    *("", "=", "=5", "2=", "x", "x=5", "2=x", "1.5", "²", "1 2", "2_0", "+1", "to", "2;3", "2=1,234.50", "2=1.2.3"),
    *("2=1,234", "2=1e9", "2==5", "2=0x10", "2=5,00,00", "2=nan", "2=99999999999999999999", "2=5 øre", "\u0661"),
)
UNFIT = {
    ("2=50.522,87",): "Der kan højst krediteres 50.522,86 kr.",
    ("1=1,00", "2=50.522,87"): "Linje 2 på F2008-0001",
    ("2=0,00",): "over 0,00 kr. på linje 2",
    ("2=-5,00",): "over 0,00 kr. på linje 2",
    ("3",): "ingen linje 3; den har linje 1-2",
    ("0",): "ingen linje 0",
    ("-1",): "ingen linje -1",
    ("1" + "0" * 30,): "har linje 1-2",
}


def test_what_cannot_be_credited_changes_nothing(january: Desk) -> None:
    for line in RUBBISH:
        january.refuses(
            *("invoice", "credit", NUMBER, "--line", line, "--reason", "x"), words=["er ikke en linje"], status=2
        )
    for lines, words in UNFIT.items():
        arguments = [word for line in lines for word in ("--line", line)]
        january.refuses("invoice", "credit", NUMBER, *arguments, "--reason", "x", words=[words])
    for twice in (("2=5", "2=6"), ("2", "2=6")):
        arguments = [word for line in twice for word in ("--line", line)]
        january.refuses(
            "invoice", "credit", NUMBER, *arguments, "--reason", "x", words=["kun nævnes én gang"], status=2
        )


def test_a_reason_and_a_number_are_asked_for(january: Desk) -> None:
    january.refuses("invoice", "credit", NUMBER, "--line", "1", words=["--reason"], status=2)
    january.refuses("invoice", "credit", NUMBER, "--line", "1", "--reason", "  ", words=["hvorfor"])
    january.refuses("invoice", "credit", "F2008-9999", "--line", "1", "--reason", "x", words=["F2008-9999"])
    january.refuses("invoice", "credit", NUMBER, "--line", "--reason", "x", words=["reason"], status=2)
