"""Numbers that no database counts to, days that no agreement reaches, and names that nobody can read."""

from __future__ import annotations

import pytest

from tests.scenarios.conftest import FUNEN, ODENSE, Desk

FAR = 10**25
USAGE = 2


@pytest.mark.parametrize(
    "command",
    [
        ("run", "show", FAR),
        ("interest", "approve", FAR),
        ("payment", "undo", FAR),
        ("settlement", "true-up-show", FAR),
        ("case", "plan-show", FAR),
        ("outbox", "list", "--after", FAR),
        ("subscription", "show", FUNEN, 2009, "--version", FAR),
        ("export", "calculation", FUNEN, 2009, "--version", FAR),
    ],
)
def test_a_number_that_is_too_long(agreed: Desk, command: tuple[str, ...]) -> None:
    agreed.refuses(*command, status=USAGE, words=[f"«{FAR}» er ikke et nummer"])


@pytest.mark.parametrize("day", ["1979-12-31", "2099-01-01", "9999-12-31", "0001-01-01"])
def test_a_business_date_out_of_this_world(agreed: Desk, day: str) -> None:
    agreed.refuses("run", "plan", "--all", "--as-of", day, status=USAGE, words=["1980-2098"])


@pytest.mark.parametrize("day", ["1980-01-01", "2098-12-31"])
def test_the_first_and_the_last_business_date(agreed: Desk, day: str) -> None:
    for command in (("run", "plan", "--all"), ("deadlines",), ("scheduler", "--once")):
        assert agreed.says(*command, "--as-of", day).status == 0
    assert agreed.says("verify", "--as-of", day).status == 0


@pytest.mark.parametrize("name", ["   ", "x" * 201, "prøven\u200b", "a\nb", "pr\u00adøven"])
def test_nobody_approves_under_a_name_that_cannot_be_read(priced: Desk, name: str) -> None:
    priced.as_of = "2008-12-15"
    priced.does("issuer", "set", ODENSE, "--four-eyes", "on")
    plan = priced.does("run", "plan", "--all")["plan"]
    priced.refuses("run", "approve", plan, "--by", name, words=["kunne læses"])
    priced.refuses("settlement", "close", FUNEN, 2009, "--author", name, words=["kunne læses"])
