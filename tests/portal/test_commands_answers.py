"""Every command's answers: JSON for programs, tables for people, help in both languages; and the demo."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import click
import openpyxl
import pytest

from tests.scenarios.conftest import FILES, FUNEN, LANGELAND, NINE, ODENSE, Desk

CONSOLE_SCRIPT = Path(sys.executable).with_name("mellemregning")
# The groups of issue 2; later ones have tests of their own.
GROUPS = {
    *("agreement", "membership", "budget", "population", "subscription", "month", "invoice", "accounts"),
    *("settlement", "db"),
}
READING = (
    ("agreement", "list"),
    ("agreement", "show", FUNEN),
    ("agreement", "export", FUNEN),
    ("agreement", "deadlines", FUNEN, "2009"),
    ("membership", "list", FUNEN),
    ("budget", "show", FUNEN),
    ("budget", "show", FUNEN, "2009"),
    ("population", "show", "2008-01-01"),
    ("population", "show", "2008-01-01", "--municipality", ODENSE),
    ("subscription", "show", FUNEN, "2009"),
    ("subscription", "show", FUNEN, "2009", "--version", "1"),
    ("subscription", "versions", FUNEN),
    ("subscription", "calculate", FUNEN, "2009", "--preview"),
    ("month", "plan", FUNEN, "2010-01"),
    ("month", "plan", FUNEN, "2009-01"),
    ("invoice", "list"),
    ("invoice", "list", "--agreement", FUNEN, "--municipality", ODENSE, "--month", "2009-02"),
    ("invoice", "list", "--year", "2010"),
    ("invoice", "show", "F2008-0001"),
    ("invoice", "show", "F2008-0005"),
    ("accounts", "show", FUNEN, "2009"),
    ("settlement", "show", FUNEN, "2009"),
    ("settlement", "providers", FUNEN, "2009"),
    ("db", "status"),
    ("verify",),
)


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command of the tree with the words that lead to it."""
    yield path, group
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def every_path() -> list[tuple[str, ...]]:
    from portal.commands.root import root

    return [path for path, _ in commands(root)]


def amounts(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON value
    """Every value whose name ends with _oere, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from amounts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from amounts(inner, key)
    elif key.endswith("_oere"):
        yield key, value


def dates(value: Any, key: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Every value whose name says that it is a day."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from dates(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from dates(inner, key)
    elif value is not None and (key.endswith(("_date", "_on")) or key in {"on", "period", "notice_by"}):
        yield value


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """2009 billed and closed, 2010 priced; nothing here changes it."""
    folder = tmp_path_factory.mktemp("answers")
    desk = Desk(f"sqlite:///{folder / 'books.sqlite'}", folder)
    desk.does("db", "upgrade")
    desk.does("agreement", "load", FILES / "fyn.toml")
    desk.does("subscription", "calculate", FUNEN, 2009)
    desk.year(2009)
    desk.does("budget", "load", desk.costs("budgets", 2010, {ODENSE: 2_500_000_000}))
    desk.does("subscription", "calculate", FUNEN, 2010)
    desk.as_of = "2010-01-02"
    desk.does("accounts", "load", desk.costs("accounts", 2009, {ODENSE: 1_800_000_000, "479": 600_000_000}))
    desk.does("settlement", "close", FUNEN, 2009)
    yield desk
    desk.leaves()


def test_every_reading_command_is_tried() -> None:
    reading = {"list", "show", "plan", "versions", "status", "deadlines", "providers"}
    there = {path for path in every_path() if path[:1] and path[0] in GROUPS and path[-1] in reading}
    assert there <= {path[:2] for path in READING}


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_an_answer_for_programs(lived: Desk, command: tuple[str, ...]) -> None:
    """It parses, the same with ``--json`` before and after; amounts are whole øre, days ISO; nothing moves."""
    before = lived.everything()
    after = lived.says(*command, "--json")
    assert after.status == 0, after
    assert lived.says("--json", *command).out == after.out
    for name, amount in amounts(after.json):
        assert amount is None or type(amount) is int, (name, amount)
    for day in dates(after.json):
        assert date.fromisoformat(day).isoformat() == day
    assert lived.everything() == before


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_an_answer_for_people(lived: Desk, command: tuple[str, ...]) -> None:
    said = lived.says(*command)
    assert said.status == 0, said
    assert said.out.strip()
    assert "_oere" not in said.out
    if command[:2] not in {("agreement", "show"), ("agreement", "export")}:
        assert not re.search(r"\b\d{4}-\d{2}-\d{2}\b", said.out), said.out


def test_the_business_date_stands_before_or_after(lived: Desk) -> None:
    plan = ("month", "plan", FUNEN, "2010-02")
    lived.as_of = "2010-01-02"
    assert lived.does(*plan)["issued"][0]["issue_date"] == "2010-01-02"
    for day in ("2010-01-14", "14.01.2010", "20100114"):
        said = lived.says(*plan, "--as-of", day, "--json")
        assert (said.status, said.json["issued"][0]["issue_date"]) == (0, "2010-01-14")
    assert lived.says("--as-of", "2010-01-13", *plan, "--json").json["issued"][0]["issue_date"] == "2010-01-13"


def test_the_business_date_stands_anywhere(lived: Desk) -> None:
    """``--as-of DATE`` sets the business date anywhere, so also between a group and its command."""
    said = lived.says("month", "--as-of", "2010-01-14", "--json", "plan", FUNEN, "2010-02")
    assert (said.status, said.json["issued"][0]["issue_date"]) == (0, "2010-01-14")


@pytest.mark.parametrize("name", ["420", "Assens", "assens kommune"])
def test_a_municipality_by_its_code_or_its_name(lived: Desk, name: str) -> None:
    told = lived.says("settlement", "exit", FUNEN, name, "--preview", "--json")
    assert told.status == 1
    assert "Assens" in told.json["message"]  # it leaves not; what counts is who was understood
    answer = lived.does("population", "show", "2008-01-01", "--municipality", name)
    assert "42054" in str(answer)
    unknown = lived.says("population", "show", "2008-01-01", "--municipality", "Assen", "--json")
    assert unknown.json["error"] == "UnknownMunicipality"


def test_money_and_days_as_danes_write_them(lived: Desk) -> None:
    said = lived.says("invoice", "list", "--municipality", "420", "--month", "2009-02").out
    assert "194.202,82" in said
    assert "10.01.2009" in said
    shown = lived.says("invoice", "show", "F2009-0001").out
    for text in ("194.202,82", "10.01.2009", "09.02.2009", "01.02.2009 - 28.02.2009", "Assens Kommune", "CVR"):
        assert text in shown, shown
    assert "42.054" in lived.says("subscription", "show", FUNEN, 2009).out
    assert "Regninger" not in said


def test_the_shapes_that_other_programs_read(lived: Desk) -> None:
    price = lived.does("subscription", "calculate", FUNEN, 2009, "--preview")
    assert set(price["parts"][0]) == {
        *("municipality", "population", "share_oere", "passed_on_oere", "obligation_oere", "instalments_oere")
    }
    month = lived.does("month", "issue", FUNEN, "2009-01")
    assert set(month) == {"agreement", "month", "issued", "already_issued", "failed"}
    assert [row["municipality"] for row in month["already_issued"]] == list(NINE)
    assert [row.get("internal") for row in month["already_issued"]] == [
        True if code == ODENSE else None for code in NINE
    ]
    settled = lived.does("settlement", "show", FUNEN, 2009)
    assert set(settled["parts"][0]) == {"municipality", "result_oere", "passed_on_oere", "carried_oere"}
    assert set(settled["providers"][0]) == {"municipality", "received_oere", "cost_oere", "result_oere"}
    checked = lived.does("verify")
    assert set(checked) == {"ok", "checks"}
    assert all(set(check) == {"name", "ok", "detail"} for check in checked["checks"])


def test_what_is_late_is_said_beside_the_answer(lived: Desk) -> None:
    said = lived.says("month", "plan", FUNEN, "2010-01", "--json")
    assert "15.12.2009" in said.err
    assert "18 dage for sent" in said.err
    assert set(said.json) == {"agreement", "month", "issued", "already_issued", "failed"}


@pytest.mark.parametrize("path", every_path(), ids=" ".join)
def test_help_of_every_command(lived: Desk, path: tuple[str, ...]) -> None:
    said = lived.says(*path, "--help")
    assert said.status == 0
    assert said.out.startswith("Brug: mellemregning")
    assert said.err == ""
    for english in ("Usage:", "Options:", "Commands:", "Show this", "[required]", "[default"):
        assert english not in said.out, said.out


def script(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The console script as a process of its own, from another folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MELLEMREGNING_")}
    return subprocess.run(
        [CONSOLE_SCRIPT, *arguments],
        cwd=folder,
        env={**clean, "HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


ENGLISH_HELP = """
import contextlib, io, sys
from portal import language
language.use("en")
from portal.commands import main
from portal.commands.root import root
import click
def walk(group, path=()):
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from walk(command, (*path, name))
        else:
            yield (*path, name)
for path in walk(root):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            main(["--lang", "en", *path, "--help"])
        except SystemExit as ended:
            assert not ended.code, path
    assert "mellemregning" in out.getvalue(), path
print("ok")
"""


@pytest.mark.soak
def test_help_of_every_command_in_english(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENGLISH_HELP], capture_output=True, text=True, encoding="utf-8", check=False, timeout=120
    )
    assert (done.returncode, done.stdout.strip()) == (0, "ok"), done.stderr
    for arguments in (("--lang", "en", "--help"), ("--lang=en", "month", "issue", "--help")):
        said = script(tmp_path, *arguments)
        assert said.returncode == 0, said.stderr


def test_what_only_some_commands_need_is_not_loaded_at_the_start() -> None:
    """A command that answers in a moment does not wait a second for libraries of others."""
    asked = "import sys; from portal.commands.root import root; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout.split()
    )
    assert loaded & {"pandas", "numpy", "openpyxl", "xlsxwriter", "highspy", "typst", "flask", "alembic"} == set()


@pytest.mark.soak
def test_the_console_script_from_an_empty_machine(tmp_path: Path) -> None:
    """The default database is a file in the user's data folder; each step a process of its own."""
    agreement = str(FILES / "fyn.toml")
    said = script(tmp_path, "agreement", "list")
    assert said.returncode == 1
    assert "mellemregning db upgrade" in said.stderr
    assert script(tmp_path, "db", "upgrade").returncode == 0
    assert list((tmp_path / "data").rglob("*.sqlite"))
    assert script(tmp_path, "agreement", "load", agreement, "--as-of", "2008-05-20").returncode == 0
    assert script(tmp_path, "subscription", "calculate", FUNEN, "2009", "--as-of", "2008-05-30").returncode == 0
    said = script(tmp_path, "month", "issue", FUNEN, "2009-01", "--as-of", "2008-12-15", "--json")
    assert said.returncode == 0, said.stderr
    assert [row["amount_oere"] for row in json.loads(said.stdout)["issued"]] == [
        *(19_420_282, 23_990_195, 10_912_191, 14_595_921, 86_324_066, 27_264_314, 13_609_067, 6_345_510, 3_099_561)
    ]
    said = script(tmp_path, "membership", "leave", FUNEN, LANGELAND, "--year", "2008", "--as-of", "2008-12-15")
    assert (said.returncode, said.stdout) == (1, "")
    assert "2008" in said.stderr
    said = script(tmp_path, "month", "issue", FUNEN)
    assert (said.returncode, said.stdout) == (2, "")
    assert "mangler" in said.stderr


@pytest.mark.soak
def test_the_console_script_in_a_plain_locale(tmp_path: Path) -> None:
    """A server's cron has no Danish locale; æøå must not break it."""
    for environment in ({"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}):
        said = script(tmp_path, "--help", **environment)
        assert said.returncode == 0, said.stderr
        said = script(tmp_path, "month", "issue", "--help", **environment)
        assert said.returncode == 0, said.stderr


# The demo


def test_the_demo(tmp_path: Path) -> None:
    """The books hold, workbooks open, amounts are said to be made up; and again in the same folder."""
    desk = Desk(f"sqlite:///{tmp_path / 'unused.sqlite'}", tmp_path)
    folder = tmp_path / "prøve"
    answer = desk.does("demo", "--out", folder)
    assert answer["ok"] is True
    assert all(check["ok"] for check in answer["checks"])
    assert {entry["municipality"] for entry in answer["invoiced"]} == set(NINE)
    assert not (tmp_path / "unused.sqlite").exists()
    first = {}
    for name in answer["files"]:
        file = Path(name)
        assert file.parent == folder
        workbook = openpyxl.load_workbook(file, read_only=True)
        words = " ".join(
            str(value) for sheet in workbook.worksheets for row in sheet.iter_rows(values_only=True) for value in row
        )
        workbook.close()
        # Made-up amounts are marked as such everywhere.
        assert re.search("eksempelbeløb|opdigtet|opdigtede", words, re.IGNORECASE), file.name
        first[name] = file.read_bytes()
    assert {Path(name).suffix for name in first} == {".xlsx"}
    own = Desk(answer["database"], tmp_path)
    own.as_of = "2012-04-02"
    assert own.holds()["months_due"].startswith("Intet forfaldent")
    assert own.does("invoice", "show", "F2009-0001", "--issuer", "461")["amount_oere"] == 19_420_282
    # The first quarter of Horsens for Odder: 2,650,000.01 / 4, rounded down.
    assert own.does("invoice", "show", "F2009-0001", "--issuer", "615")["amount_oere"] == 66_250_000
    for document in own.does("invoice", "list"):
        assert document["amount_oere"] != 0
    own.leaves()
    said = desk.says("demo", "--out", folder)
    assert said.status == 0
    assert re.search("opdigtede", said.out, re.IGNORECASE)
    assert str(folder) in said.out.replace("\n", "")
    assert "Alt stemmer." in said.out
    # Reproducible bytes for the same input.
    assert {name: Path(name).read_bytes() for name in first} == first
