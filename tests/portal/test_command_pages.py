"""Every command has its row in the list of pages, the list for people says the same, and pages name no commands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from billing.invoice.rules import LineUnknown
from billing.monthly_run.rules import PlanNotApproved
from foundation.settings import Settings
from portal import command_pages, language
from portal.app import create_app, our_error
from portal.command_pages import COMMANDS, on_pages, told_on_page, way_of
from portal.commands.root import root
from portal.pages import EXTENSION
from portal.web_settings import WebSettings

HOME = Path(__file__).resolve().parents[2]
ROOMS = ("agreements", "billing", "exports", "foundation", "portal")
# Said on the command line alone: of files, the database and the demo.
OF_THE_COMMAND_LINE = {
    "foundation/backup.py",
    "foundation/database.py",
    "portal/demo.py",
    "portal/command_pages.py",
}
WITHOUT_A_PAGE = (
    "Vælg med --issuer.",  # a page knows whose it is
    "et andet ord kan vælges med --word",
)


def commands(group: click.Command, name: str = "") -> Iterator[str]:
    if isinstance(group, click.Group):
        for word, each in group.commands.items():
            yield from commands(each, f"{name} {word}".strip())
    else:
        yield name


def test_every_command_has_a_row() -> None:
    assert set(commands(root)) == set(COMMANDS)


def test_the_pages_are_there() -> None:
    app = create_app(Settings("sqlite:///findes-ikke", "prøven"), WebSettings(plain_http=True))
    there = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert {way.endpoint for way in COMMANDS.values() if way.endpoint} <= there
    app.extensions[EXTENSION].close()


def test_the_list_for_people_says_the_same() -> None:
    rows = {}
    for line in (HOME / "docs/portal_and_commands.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            name, what, page, remark = (cell.strip() for cell in line.strip("|").split("|"))
            assert what
            rows[name.strip("`")] = (page, remark)
    assert list(rows) == sorted(COMMANDS)
    for name, way in COMMANDS.items():
        page, remark = rows[name]
        assert page == (way.said if way.endpoint else "–"), name
        assert way.endpoint or remark == way.said, name


def texts() -> Iterator[tuple[str, str]]:
    """(file, text) of what the rooms may say to people: what is marked for translation, and what names a command."""
    for room in ROOMS:
        for file in (HOME / room).rglob("*.py"):
            path = file.relative_to(HOME).as_posix()
            if path.startswith("portal/commands/") or path in OF_THE_COMMAND_LINE:
                continue
            tree = ast.parse(file.read_text(encoding="utf-8"))
            parts = {each for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for each in node.values}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and node not in parts and "«mellemregning " in str(node.value):
                    yield path, str(node.value)
                if isinstance(node, ast.JoinedStr):
                    said = "".join(str(each.value) if isinstance(each, ast.Constant) else "{x}" for each in node.values)
                    if "«mellemregning " in said:
                        yield path, said
                elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"N_", "_"} and node.args:
                    (first, *_) = node.args
                    if isinstance(first, ast.Constant):
                        yield path, str(first.value)


def has_page(found: re.Match[str]) -> bool:
    way = way_of(found[1])
    return way is not None and bool(way.endpoint)


def test_no_page_names_a_command_that_a_page_does() -> None:
    looked_at, left = 0, []
    for path, text in texts():
        looked_at += 1
        said = on_pages(command_pages._WORDED_FOR_A_PAGE.get(text, text))
        flags = re.findall(r"(?<![\w-])--[a-z][a-z-]+", said)
        named = [found[0] for found in re.finditer(r"«(?:mellemregning )?([a-z][^«»]*)»", said) if has_page(found)]
        plain = [found[0] for found in re.finditer(r"(?<!«)\bmellemregning ([a-z][^)»]*)\)", said) if has_page(found)]
        # A command without a page stays as it is, with its choices.
        is_left = [way for found in re.finditer(r"«mellemregning ([a-z][^«»]*)»", said) if (way := way_of(found[1]))]
        allowed = is_left or any(each in said for each in WITHOUT_A_PAGE) or without_a_page(path)
        if named or plain or (flags and not allowed):
            left.append((path, said))
    assert looked_at > 600
    assert left == []


def test_no_template_names_a_command() -> None:
    for file in (HOME / "portal/templates").rglob("*.html"):
        assert not re.search(r"mellemregning [a-z-]+ ", file.read_text(encoding="utf-8")), file


def without_a_page(path: str) -> bool:
    """Whether the stage's commands have no page, so that nothing of it reaches one."""
    of_stage = {"billing/single_case/": "case", "billing/surplus_capacity/": "surplus"}
    words = [word for start, word in of_stage.items() if path.startswith(start)]
    return bool(words) and not any(way.endpoint for name, way in COMMANDS.items() if name.split()[0] == words[0])


def test_what_is_worded_for_a_page_is_still_said() -> None:
    assert set(command_pages._WORDED_FOR_A_PAGE) <= {text for _, text in texts()}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Kør «mellemregning subscription calculate fyn 2012».", "Gør det på siden «Priser»."),
        ("Se dem med «mellemregning run list».", "Se dem på siden «Planer»."),
        ("Se «mellemregning payment open».", "Se siden «Åbne poster»."),
        ("lad en anden køre «run approve»", "lad en anden gøre det på siden «Planer»"),
        ("indlæs en fil (mellemregning population load FIL), og", "indlæs en fil (siden «Folketal»), og"),
        ("Afslut året: «mellemregning settlement close a 2009».", "Afslut året på siden «Årsafslutning»."),
        ("Brug «mellemregning subscription calculate» og «mellemregning subscription notice».", "Brug siden «Priser»."),
        (
            (
                "Meddel den med «mellemregning budget load», «mellemregning subscription calculate» og «mellemregning "
                "subscription notice»."
            ),
            "Meddel den på siden «Aftaler» og siden «Priser».",
        ),
        ("Kør «mellemregning db upgrade» og prøv igen.", "Kør «mellemregning db upgrade» og prøv igen."),
        ("Aftalen «fyn-alkohol» og «mellemregning» alene", "Aftalen «fyn-alkohol» og «mellemregning» alene"),
        ("aftalen «run» har ingen ydelse «deliver x»", "aftalen «run» har ingen ydelse «deliver x»"),
    ],
)
def test_a_command_becomes_a_page(said: str, expected: str) -> None:
    assert on_pages(said) == expected


def test_an_error_says_a_page_on_a_page_and_a_command_to_the_command() -> None:
    error = PlanNotApproved(number=7)
    assert error.text() == "Plan 7 er ikke godkendt. Lad den godkende med «mellemregning run approve 7»."
    assert told_on_page(error) == "Plan 7 er ikke godkendt. Lad den godkende på siden «Planer»."
    app = create_app(Settings("sqlite:///findes-ikke", "prøven"), WebSettings(plain_http=True))
    with app.test_request_context("/oekonomi/461/planer"):
        page, status = told(our_error(error))
    assert status == 409
    assert "Lad den godkende på siden «Planer»." in page
    app.extensions[EXTENSION].close()


def told(answer: object) -> tuple[str, int]:
    assert isinstance(answer, tuple)
    return answer


def test_the_english_sentence_says_a_page_too() -> None:
    language.speak("en")
    try:
        said = told_on_page(LineUnknown(number="F2009-0001", line=9, lines=2))
    finally:
        language.speak(None)
    assert "mellemregning" not in said
    assert "F2009-0001" in said
