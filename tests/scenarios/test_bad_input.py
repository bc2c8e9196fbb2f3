"""What is refused: by status and in Danish, saying what, where and what to do; and no row of any table moves."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.scenarios.conftest import (
    FILES,
    FUNEN,
    LANGELAND,
    NINE,
    ODENSE,
    ODENSE_2009,
    SVENDBORG,
    SVENDBORG_2009,
    Desk,
    cost,
)

ACCOUNTS = {ODENSE: ODENSE_2009 - 100_000, SVENDBORG: SVENDBORG_2009}  # a surplus of 1.000,00 kr.


def lines(desk: Desk, *costs: str, name: str = "linjer.toml", code: str = FUNEN) -> Path:
    return desk.file(name, f'[agreement]\ncode = "{code}"\n' + "".join(costs))


@pytest.fixture
def closed(billed: Desk) -> Desk:
    """2009 is closed with a surplus of 1.000,00 kr., of which nothing is carried."""
    billed.does("accounts", "load", billed.costs("accounts", 2009, ACCOUNTS))
    assert billed.does("settlement", "close", FUNEN, 2009)["result_oere"] == 100_000
    return billed


# Municipalities and years


@pytest.mark.parametrize(
    "command",
    [
        ("membership", "leave", FUNEN, "999", "--year", "2009"),
        ("membership", "join", FUNEN, "999", "--year", "2010"),
        ("settlement", "exit", FUNEN, "999"),
        ("export", "specification", FUNEN, "999", "--year", "2009"),
        ("population", "show", "2008-01-01", "--municipality", "999"),
    ],
)
def test_an_unknown_municipality(agreed: Desk, command: tuple[str, ...]) -> None:
    agreed.refuses(*command, words=["ingen kommune", "999"])


def test_an_unknown_municipality_in_files(agreed: Desk) -> None:
    text = (FILES / "fyn.toml").read_text(encoding="utf-8")
    path = agreed.file("ukendt.toml", text.replace('"420", ', '"421", ').replace(FUNEN, "ny"))
    agreed.refuses("agreement", "load", path, words=["ukendt.toml", "linje", "421", "agreement.subscribers"])
    agreed.refuses(
        "budget", "load", lines(agreed, cost("budgets", 2010, "999", 100)), words=["linjer.toml", "999", "budgets[1]"]
    )


def test_who_is_no_member_does_not_leave(agreed: Desk) -> None:
    agreed.refuses("membership", "leave", FUNEN, "101", "--year", 2009, words=["deltager ikke", "2009"])


def test_leaving_after_the_first_of_july(agreed: Desk) -> None:
    agreed.as_of = "2009-07-02"
    agreed.refuses(
        *("membership", "leave", FUNEN, LANGELAND, "--year", 2009),
        words=["for sen", "01.07.2009", "02.07.2009", "31.12.2010", "2010"],
    )
    agreed.as_of = "2009-07-01"
    assert agreed.does("membership", "leave", FUNEN, LANGELAND, "--year", 2009)["to_year"] == 2009


def test_a_missing_population(agreed: Desk) -> None:
    """Statistics Denmark has not counted 1 January 2059 yet; nothing is guessed."""
    agreed.does("budget", "load", lines(agreed, cost("budgets", 2060, ODENSE, 100)))
    agreed.refuses("subscription", "calculate", FUNEN, 2060, words=["Ærø", "01.01.2059", "population load"])


def test_a_year_without_budget(agreed: Desk) -> None:
    agreed.refuses("subscription", "calculate", FUNEN, 2010, words=["budget", "2010", "budget load"])


@pytest.mark.parametrize(
    "command",
    [
        ("subscription", "calculate", FUNEN, "2008"),
        ("month", "issue", FUNEN, "2008-12"),
        ("month", "plan", FUNEN, "2008-12"),
        ("settlement", "close", FUNEN, "2008"),
        ("agreement", "deadlines", FUNEN, "2008"),
        ("membership", "join", FUNEN, "101", "--year", "2008"),
    ],
)
def test_a_year_that_is_not_agreed(priced: Desk, command: tuple[str, ...]) -> None:
    priced.refuses(*command, words=["2008", "01.01.2009"])


def test_a_year_after_the_agreement_has_ended(quick: Desk) -> None:
    text = (FILES / "fyn.toml").read_text(encoding="utf-8")
    path = quick.file(
        "slut.toml", text.replace("starts_on = 2009-01-01", "starts_on = 2009-01-01\nends_on = 2009-12-31")
    )
    quick.does("agreement", "load", path)
    quick.refuses("subscription", "calculate", FUNEN, 2010, words=["2010", "31.12.2009"])
    quick.refuses("month", "issue", FUNEN, "2010-01", words=["2010", "31.12.2009"])


@pytest.mark.parametrize(
    "command",
    [
        ("subscription", "calculate", "nej", "2009"),
        ("subscription", "show", "nej", "2009"),
        ("month", "plan", "nej", "2009-01"),
        ("month", "issue", "nej", "2009-01"),
        ("invoice", "list", "--agreement", "nej"),
        ("accounts", "show", "nej", "2009"),
        ("settlement", "close", "nej", "2009"),
        ("settlement", "exit", "nej", LANGELAND),
        ("settlement", "release", "nej", "2009", "--into", "2011"),
        ("settlement", "providers", "nej", "2009"),
        ("settlement", "clear", "nej", "2009"),
        ("membership", "leave", "nej", LANGELAND, "--year", "2009"),
        ("membership", "list", "nej"),
        ("agreement", "show", "nej"),
        ("agreement", "export", "nej"),
        ("budget", "show", "nej"),
        ("export", "calculation", "nej", "2009"),
        ("export", "annual", "nej", "2009"),
    ],
)
def test_an_unknown_agreement(agreed: Desk, command: tuple[str, ...]) -> None:
    agreed.refuses(*command, words=["ingen aftale", "nej", "agreement list"])


# Files


def test_two_budgets_for_the_same_line(agreed: Desk) -> None:
    path = lines(agreed, cost("budgets", 2010, ODENSE, 100), cost("budgets", 2010, ODENSE, 200))
    agreed.refuses("budget", "load", path, words=["linjer.toml", "linje 9", "budgets[2]", "budgets[1]", "line"])


def test_five_mistakes_are_all_told_at_once(agreed: Desk) -> None:
    text = (FILES / "fyn.toml").read_text(encoding="utf-8").replace(FUNEN, "fem-fejl")
    for right, wrong in {
        "due_days = 30": "due_days = -3",
        'issuer = "461"': 'issuer = "999"',
        "lag_years = 2": "lag_yeers = 2",
        'amount = "18250000.00"': 'amount = "1.234,5x"',
        "starts_on = 2009-01-01": 'starts_on = "i dag"',
    }.items():
        assert right in text
        text = text.replace(right, wrong)
    said = agreed.refuses("agreement", "load", agreed.file("fem.toml", text), words=["fem.toml", "intet er ændret"])
    told = [line for line in said.err.splitlines() if line.startswith("  - linje ")]
    assert len(told) == 5, said.err
    for line, key in zip(told, ("starts_on", "issuer", "due_days", "lag_yeers", "budgets[1].amount"), strict=True):
        assert key in line


@pytest.mark.parametrize("amount", ["1.234,5x", "1.234,50", "12.345", "1e3", "", "NaN", "-", "٣"])
def test_an_amount_that_is_none(agreed: Desk, amount: str) -> None:
    text = cost("budgets", 2010, ODENSE, 100).replace('"1.00"', f'"{amount}"')
    agreed.refuses("budget", "load", lines(agreed, text), words=["linje 6", "budgets[1].amount", "beløb"])
    path = lines(agreed, text.replace("[[budgets]]", "[[accounts]]"))
    agreed.refuses("accounts", "load", path, words=["linje 6", "accounts[1].amount", "beløb"])


@pytest.mark.parametrize(
    ("command", "content", "words"),
    [
        (("population", "load"), b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", ["PDF", "intet er ændret"]),
        (("population", "load"), b"", ["tom", "intet er ændret"]),
        (("population", "load"), b"PK\x03\x04nothing", ["xlsx", "intet er ændret"]),
        (("population", "load"), b"\x89PNG\r\n\x1a\n", ["intet er ændret"]),
        (("budget", "load"), b"%PDF-1.7", ["PDF"]),
        (("accounts", "load"), b"PK\x03\x04nothing", ["Excel"]),
        (("agreement", "load"), b"%PDF-1.7", ["PDF"]),
        (("agreement", "load"), b"", ["agreement"]),
        (("agreement", "load"), b"[agreement\ncode = 1", ["linje 1"]),
    ],
)
def test_a_file_of_another_kind(agreed: Desk, command: tuple[str, ...], content: bytes, words: list[str]) -> None:
    agreed.refuses(*command, agreed.file("fil.dat", content), words=["fil.dat", *words])


@pytest.mark.parametrize("group", ["agreement", "budget", "population", "accounts"])
def test_a_file_that_is_not_there(agreed: Desk, group: str) -> None:
    agreed.refuses(group, "load", agreed.folder / "væk.toml", words=["væk.toml", "kan ikke læses"])
    agreed.refuses(group, "load", agreed.folder, words=[str(agreed.folder), "kan ikke læses"])


@pytest.mark.parametrize("group", ["budget", "accounts"])
def test_lines_that_do_not_fit_the_agreement(agreed: Desk, group: str) -> None:
    table = "budgets" if group == "budget" else "accounts"
    for line, words in (
        (cost(table, 2008, ODENSE, 100), ["2008"]),
        (cost(table, 2010, "420", 100), ["420", "461"]),
        (cost(table, 2010, ODENSE, 100, service="døgn"), ["døgn", "ambulant"]),
        (cost(table, 2010, ODENSE, 100, kind="gift"), ["gift"]),
    ):
        agreed.refuses(group, "load", lines(agreed, line), words=["linjer.toml", *words])
    path = lines(agreed, cost(table, 2010, ODENSE, 100), code="nej")
    agreed.refuses(group, "load", path, words=["ingen aftale", "nej"])


# Bills


def test_a_month_without_a_price(agreed: Desk) -> None:
    agreed.refuses("month", "issue", FUNEN, "2009-01", words=["2009", "subscription calculate"])


def test_last_years_rate_is_not_billed_before_the_fifteenth_of_december(billed: Desk) -> None:
    billed.as_of = "2009-12-14"
    billed.refuses("month", "issue", FUNEN, "2010-01", words=["2010", "15.12.2009", "subscription calculate"])


def test_numbers_are_in_date_order(priced: Desk) -> None:
    priced.as_of = "2008-12-15"
    priced.does("month", "issue", FUNEN, "2009-01")
    priced.as_of = "2008-12-14"
    priced.refuses("month", "issue", FUNEN, "2009-02", words=["F2008-0009", "15.12.2008", "14.12.2008"])
    priced.refuses("invoice", "credit", "F2008-0001", "--reason", "fejl", words=["15.12.2008", "14.12.2008"])


def test_an_unknown_number(priced: Desk) -> None:
    for command in (("show", "F2009-0001"), ("credit", "F2009-0001", "--reason", "fejl")):
        priced.refuses("invoice", *command, words=["F2009-0001", "invoice list"])


def test_crediting_twice(priced: Desk) -> None:
    priced.as_of = "2008-12-15"
    priced.does("month", "issue", FUNEN, "2009-01")
    note = priced.does("invoice", "credit", "F2008-0001", "--reason", "fejl")
    assert (note["number"], note["credits"], note["amount_oere"]) == ("F2008-0010", "F2008-0001", -19_420_282)
    priced.refuses(
        "invoice", "credit", "F2008-0001", "--reason", "fejl", words=["F2008-0001", "allerede", "F2008-0010"]
    )
    priced.refuses("invoice", "credit", "F2008-0010", "--reason", "fejl", words=["F2008-0010", "F2008-0001"])
    again = priced.does("month", "issue", FUNEN, "2009-01")
    assert [(row["number"], row["municipality"]) for row in again["issued"]] == [("F2008-0011", NINE[0])]
    priced.holds()


def test_a_credit_note_says_why(priced: Desk) -> None:
    priced.as_of = "2008-12-15"
    priced.does("month", "issue", FUNEN, "2009-01")
    before = priced.everything()
    assert priced.says("invoice", "credit", "F2008-0001", "--reason", "  ").status in {1, 2}
    assert priced.everything() == before


# The year's end


def test_a_year_that_is_not_over(billed: Desk) -> None:
    billed.does("accounts", "load", billed.costs("accounts", 2009, ACCOUNTS))
    billed.as_of = "2009-12-31"
    billed.refuses("settlement", "close", FUNEN, 2009, words=["2009", "31.12.2009"])
    billed.as_of = "2010-01-01"
    billed.does("settlement", "close", FUNEN, 2009)


def test_a_year_with_months_missing(priced: Desk) -> None:
    priced.as_of = "2010-01-01"
    priced.does("accounts", "load", priced.costs("accounts", 2009, ACCOUNTS))
    for number in (1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12):
        priced.does("month", "issue", FUNEN, f"2009-{number:02d}")
    priced.refuses("settlement", "close", FUNEN, 2009, words=["Ærø: 2009-03", "month issue"])


def test_a_year_without_accounts(billed: Desk) -> None:
    billed.does("accounts", "load", billed.costs("accounts", 2009, {ODENSE: 100}))
    billed.refuses("settlement", "close", FUNEN, 2009, words=["Svendborg", "2009", "accounts load"])


def test_closing_twice(closed: Desk) -> None:
    closed.refuses("settlement", "close", FUNEN, 2009, words=["2009", "01.02.2010", "1.000,00", "igen"])
    closed.refuses("settlement", "close", FUNEN, 2009, "--preview", words=["2009", "igen"])


@pytest.mark.parametrize("carry", ["1000.01", "100.01%", "1.000,01", "-0.01"])
def test_carrying_more_than_there_is(billed: Desk, carry: str) -> None:
    billed.does("accounts", "load", billed.costs("accounts", 2009, ACCOUNTS))
    billed.refuses("settlement", "close", FUNEN, 2009, f"--carry={carry}", words=["overføres", "1.000,00"])


def test_a_sentence_ends_with_one_point(billed: Desk) -> None:
    billed.does("accounts", "load", billed.costs("accounts", 2009, ACCOUNTS))
    assert ".." not in billed.refuses("settlement", "close", FUNEN, 2009, "--carry", "200%").err


def test_releasing_what_is_not_there(closed: Desk) -> None:
    closed.refuses("settlement", "release", FUNEN, 2009, "--into", 2012, words=["2009", "frigive"])
    closed.refuses("settlement", "release", FUNEN, 2010, "--into", 2012, words=["2010", "afsluttet"])


def test_releasing_too_late(billed: Desk) -> None:
    billed.does("accounts", "load", billed.costs("accounts", 2009, ACCOUNTS))
    billed.does("settlement", "close", FUNEN, 2009, "--carry", "100%")
    billed.refuses("settlement", "release", FUNEN, 2009, "--into", 2009, words=["2009"])
    billed.refuses("settlement", "release", FUNEN, 2009, "--into", 2012, "--amount", "1000.01", words=["1.000,00"])


def test_a_closed_year_stays(closed: Desk) -> None:
    for path, command in (
        (closed.costs("accounts", 2009, {ODENSE: 1}, name="a.toml"), ("accounts", "load")),
        (None, ("invoice", "credit", "F2009-0001", "--reason", "fejl")),
    ):
        closed.refuses(*command, *([path] if path else []), words=["2009", "afsluttet"])


def test_a_budget_of_a_closed_year_does_not_send_the_officer_round_in_circles(closed: Desk) -> None:
    """Either it is refused, or the officer is not told to calculate a price that cannot be calculated any more."""
    said = closed.says("budget", "load", closed.costs("budgets", 2009, {ODENSE: 1}, name="b.toml"))
    if said.status == 0 and "subscription calculate" in said.err:
        closed.does("subscription", "calculate", FUNEN, 2009)


def test_exits_that_are_too_early(billed: Desk) -> None:
    billed.refuses("settlement", "exit", FUNEN, LANGELAND, words=["Langeland", "ikke udtrådt"])
    billed.does("membership", "leave", FUNEN, LANGELAND, "--year", 2010)
    billed.refuses("settlement", "exit", FUNEN, LANGELAND, words=["Langeland", "31.12.2010"])
    billed.as_of = "2011-01-01"
    billed.refuses("settlement", "exit", FUNEN, LANGELAND, words=["Langeland", "2009", "2010", "settlement close"])


def test_a_price_for_other_members_is_not_billed(billed: Desk) -> None:
    billed.as_of = "2009-06-30"
    billed.does("budget", "load", lines(billed, cost("budgets", 2010, ODENSE, 100)))
    billed.does("subscription", "calculate", FUNEN, 2010)
    billed.does("membership", "leave", FUNEN, LANGELAND, "--year", 2009)
    billed.as_of = "2009-12-15"
    billed.refuses("month", "issue", FUNEN, "2010-01", words=["Langeland", "2010", "subscription calculate"])


def test_who_is_billed_for_next_year_does_not_leave_before_it(billed: Desk) -> None:
    billed.does("budget", "load", lines(billed, cost("budgets", 2010, ODENSE, 100)))
    billed.does("subscription", "calculate", FUNEN, 2010)
    billed.does("month", "issue", FUNEN, "2010-01")
    billed.as_of = "2009-06-30"
    billed.refuses("membership", "leave", FUNEN, LANGELAND, "--year", 2009, words=["Langeland", "januar 2010"])


# The database


def test_no_database_answers(quick: Desk) -> None:
    for command in (("verify",), ("db", "status"), ("db", "upgrade"), ("agreement", "load", FILES / "fyn.toml")):
        said = quick.says(*command, "--json", url="postgresql://nobody@127.0.0.1:1/none")
        assert said.status == 1
        assert "MELLEMREGNING_DATABASE_URL" in said.err
        assert said.json["error"] == "DatabaseUnavailable"


def test_a_database_without_tables(database_url: str, tmp_path: Path) -> None:
    desk = Desk(database_url, tmp_path)
    for command in (("verify",), ("agreement", "list"), ("agreement", "load", FILES / "fyn.toml"), ("invoice", "list")):
        said = desk.says(*command, "--json")
        assert (said.status, said.json["error"]) == (1, "DatabaseNotReady"), said
        assert "mellemregning db upgrade" in said.err
    assert desk.does("db", "status")["ready"] is False
    assert desk.everything() == {}
    desk.leaves()


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://somebody:hemmelig@somewhere/db", "sqlite:////proc/none/x.sqlite", "postgresql://["]
)
def test_an_address_that_is_none(quick: Desk, url: str) -> None:
    """Refused in Danish with the variable's name, never with the password in it."""
    for command in (("agreement", "list"), ("db", "status"), ("db", "upgrade")):
        said = quick.says(*command, url=url)
        assert said.status == 1
        assert "MELLEMREGNING_DATABASE_URL" in said.err
        assert "hemmelig" not in said.err


def test_a_place_where_nothing_can_be_written(priced: Desk) -> None:
    priced.refuses("export", "calculation", FUNEN, 2009, "--out", "/proc/none", words=["/proc/none", "skrives"])
    priced.refuses("demo", "--out", "/proc/none", words=["/proc/none", "--out"])


@pytest.mark.parametrize("place", ["/proc/none/x.toml", "."])
def test_a_place_where_an_agreement_cannot_be_written(priced: Desk, place: str) -> None:
    priced.refuses("agreement", "export", FUNEN, "--out", priced.folder / place, words=["skrives"])


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("verify", "--as-of", "i går"), ["--as-of", "i går", "2009-01-15"]),
        (("verify", "--as-of", "2009-02-30"), ["--as-of", "2009-02-30"]),
        (("verify", "--as-of", "30.02.2009"), ["--as-of"]),
        (("month", "issue", FUNEN), ["mangler", "ÅÅÅÅ-MM"]),
        (("month", "issue"), ["mangler", "KODE"]),
        (("month", "issue", FUNEN, "2009-13"), ["2009-13", "måned"]),
        (("month", "issue", FUNEN, "2009-1"), ["2009-1", "måned"]),
        (("month", "issue", FUNEN, "januar"), ["januar", "2009-01"]),
        (("month", "plan", FUNEN, "2009-01", "2009-02"), ["2009-02"]),
        (("subscription", "calculate", FUNEN, "i år"), ["i år", "2009"]),
        (("subscription", "calculate", FUNEN, "0"), ["år"]),
        (("subscription", "calculate", FUNEN, "2009", "--correction", "maybe"), ["spread", "reinvoice"]),
        (("subscription", "show", FUNEN, "2009", "--version", "0"), ["--version"]),
        (("membership", "leave", FUNEN, LANGELAND), ["--year", "--to"]),
        (("invoice", "credit", "F2009-0001"), ["mangler", "--reason"]),
        (("settlement", "close", FUNEN, "2009", "--carry", "meget"), ["meget", "50%"]),
        (("settlement", "close", FUNEN, "2009", "--carry", "1,234.56"), ["1,234.56"]),
        (("settlement", "release", FUNEN, "2009"), ["mangler", "--into"]),
        (("export", "specification", FUNEN, ODENSE), ["--year", "--from", "--to"]),
        (("agreement", "load"), ["mangler", "FIL"]),
        (("nonsense",), ["kommando", "nonsense"]),
        (("month", "nonsense"), ["kommando", "nonsense"]),
        (("verify", "--nonsense"), ["--nonsense"]),
        (("verify", "--as-of"), ["--as-of"]),
        (("--lang", "xx", "verify"), ["xx", "da", "en"]),
    ],
)
def test_wrong_usage(quick: Desk, arguments: tuple[str, ...], words: list[str]) -> None:
    quick.refuses(*arguments, words=words, status=2)
    assert date.fromisoformat(quick.as_of) == date(2008, 5, 20)


def test_wrong_usage_is_told_in_danish_alone(quick: Desk) -> None:
    for arguments in (("month", "issue", FUNEN), ("nonsense",), ("verify", "--as-of", "x")):
        said = quick.refuses(*arguments, status=2)
        for english in ("Usage", "Error", "Try", "Missing", "Invalid", "OPTIONS", "COMMAND", "ARGS"):
            assert english not in said.err, said.err
