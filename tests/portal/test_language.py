"""Danish first, English by the catalogue: nothing is left out, nothing is out of date, and the command speaks both."""

from __future__ import annotations

import ast
import functools
import importlib
import json
import os
import pkgutil
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click
import pytest
from babel.messages.pofile import PoFileError
from click.testing import CliRunner

from foundation.errors import MellemregningError
from portal import catalogues, language

# Danish and English side by side; a text that has no English yet is another test's matter.
ENGLISH = [
    (danish, english)
    for message in catalogues.translations(catalogues.ENGLISH)
    if message.id and message.string
    for danish, english in zip(
        *((text,) if isinstance(text, str) else text for text in (message.id, message.string)), strict=True
    )
]
# What a person types or sets; it is the same in every language.
TYPED = re.compile(r"--[a-z-]+|MELLEMREGNING_[A-Z_]+|mellemregning [a-z]+ [a-z]+|§ \d+ stk\. \d+")


# The catalogues.


def test_every_text_has_an_english_translation() -> None:
    assert catalogues.untranslated() == []


def test_the_files_are_what_the_code_and_the_translations_make_of_them() -> None:
    assert sorted(path.name for path in catalogues.stale()) == [], "run: python -m portal.catalogues"


def places(text: str) -> set[tuple[str, str | None, str | None]]:
    return {(name, spec, how) for _, name, spec, how in string.Formatter().parse(text) if name is not None}


def test_every_translation_has_the_places_of_its_danish() -> None:
    assert [pair for pair in ENGLISH if places(pair[0]) != places(pair[1])] == []


def test_every_place_has_a_name() -> None:
    assert [danish for danish, _ in ENGLISH if any(not name for name, _, _ in places(danish))] == []


def test_a_column_of_money_is_one_in_both_languages() -> None:
    """The tables know it by its heading."""
    assert [pair for pair in ENGLISH if pair[0].endswith("kr.") != pair[1].endswith("kr.")] == []


def typed(text: str) -> list[str]:
    return sorted(TYPED.findall(text))


def test_commands_options_and_clauses_are_the_same_in_both_languages() -> None:
    assert [pair for pair in ENGLISH if typed(pair[0]) != typed(pair[1])] == []


def around(text: str) -> tuple[str, str]:
    return text[: -len(text.lstrip())], text[len(text.rstrip()) :]


def test_the_english_has_no_danish_quotes_and_the_spaces_of_its_danish() -> None:
    quotes = set("«»")
    assert [pair for pair in ENGLISH if quotes & set(pair[1]) or around(pair[0]) != around(pair[1])] == []


def test_no_amount_stands_before_a_full_stop() -> None:
    """It ends with kr. already."""
    before = re.compile(r"(_oere|\{obligation|\{share|\{cost)\}\.")
    assert [text for both in ENGLISH for text in both if before.search(text)] == []


def test_clicks_words_in_danish_are_words_that_click_says() -> None:
    """A new click that words them otherwise would speak English."""
    folder = Path(click.__file__).parent
    said = {
        text if isinstance(text, str) else text[0]
        for path in folder.rglob("*.py")
        for text in catalogues.texts_of(path.read_text(encoding="utf-8"))
    }
    said.add("required")  # click marks it nowhere, but translates it
    ours = [message for message in catalogues.clicks_words() if message.id]
    ids = [message.id if isinstance(message.id, str) else message.id[0] for message in ours]
    assert [text for text in ids if text not in said] == []
    assert [message.id for message in ours if not message.string or not all(message.string)] == []


# What is gathered from the code.


def test_what_is_gathered() -> None:
    source = '''
_("en" " to")
N_("Fejl {n}")
f"{_('i en f-streng')}"
ngettext("{n} linje", "{n} linjer", n)
_(text)
_("")

@command(group, "navn")
def navn(door):
    """Hjælp."""

@click.group(help=_("Gruppe."))
def gruppe():
    """Not help."""
'''
    assert set(catalogues.texts_of(source)) == {
        "en to",
        "Fejl {n}",
        "i en f-streng",
        ("{n} linje", "{n} linjer"),
        "Hjælp.",
        "Gruppe.",
    }


def put_together() -> Iterator[str]:
    for room in catalogues.ROOMS:
        for path in sorted((catalogues.ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(func=ast.Name(id="_" | "N_"), args=[ast.Constant()]):
                        pass
                    case ast.Call(func=ast.Name(id="_" | "N_"), args=[argument]) if any(
                        isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value
                        for part in ast.walk(argument)
                    ):
                        yield f"{path.relative_to(catalogues.ROOT).as_posix()}: {ast.unparse(node)}"
                    case _:
                        pass


def test_no_text_is_put_together_before_it_is_translated() -> None:
    """It could not be gathered: an f-string, a sum, a choice within the call."""
    assert list(put_together()) == []


# The tool.


ENGLISH_PO = """\
# English for Mellemregning.
msgid ""
msgstr ""
"Language: en\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

#: agreements/one.py portal/two.py
msgid "ja"
msgstr "yes"

#: agreements/one.py
#, python-brace-format
msgid "{n} linje"
msgid_plural "{n} linjer"
msgstr[0] "{n} line"
msgstr[1] "{n} lines"

# A remark of the translator.
#: portal/two.py
msgid "50% af alt"
msgstr "50% of all"

"""


@pytest.fixture
def english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project and its catalogues, as the tool leaves them; answers the English one."""
    for name, source in {
        "agreements/one.py": '_("ja")\nngettext("{n} linje", "{n} linjer", n)\n',
        "portal/two.py": '\n_("50% af alt")\n_("ja")\n',
    }.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(source, encoding="utf-8")
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    for name, texts in {"ENGLISH": ENGLISH_PO, "CLICK_IN_DANISH": 'msgid "Usage:"\nmsgstr "Brug:"\n'}.items():
        path = tmp_path / name / "words.po"
        path.parent.mkdir()
        path.write_text(texts, encoding="utf-8", newline="\n")
        monkeypatch.setattr(catalogues, name, path)
    CliRunner().invoke(catalogues.main, (), catch_exceptions=False)
    return catalogues.ENGLISH


def said_by(*arguments: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(catalogues.main, arguments, catch_exceptions=False)
    return result.exit_code, result.output.splitlines()


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8", newline="\n")


def test_the_file_is_in_the_order_of_files_and_texts_and_holds_no_day(english: Path) -> None:
    assert english.read_text(encoding="utf-8") == ENGLISH_PO
    assert said_by("--check") == (0, [])


def test_code_that_moves_changes_nothing(english: Path) -> None:
    replace(catalogues.ROOT / "portal" / "two.py", "\n_", "\n\n\n_")
    assert said_by("--check") == (0, [])
    assert english.read_text(encoding="utf-8") == ENGLISH_PO


def test_a_changed_translation_is_compiled(english: Path) -> None:
    replace(english, '"yes"', '"aye"')
    assert said_by("--check") == (1, ["words.mo: stale"])
    assert said_by() == (0, ["words.mo: written"])
    assert b"aye" in english.with_suffix(".mo").read_bytes()
    assert said_by("--check") == (0, [])


def test_what_was_compiled_by_hand_or_is_not_there_is_stale(english: Path) -> None:
    english.with_suffix(".mo").write_bytes(b"")
    catalogues.CLICK_IN_DANISH.with_suffix(".mo").unlink()
    assert said_by("--check") == (1, ["words.mo: stale", "words.mo: stale"])
    assert not catalogues.CLICK_IN_DANISH.with_suffix(".mo").exists()


def test_a_new_text_is_asked_for_until_it_has_its_english(english: Path) -> None:
    replace(catalogues.ROOT / "portal" / "two.py", "ja", "nej")
    assert said_by("--check") == (1, ["words.po: stale", "no English: 'nej'"])
    assert said_by() == (0, ["words.po: written", "no English: 'nej'"])
    assert said_by("--check") == (1, ["no English: 'nej'"])
    replace(english, 'msgid "nej"\nmsgstr ""', 'msgid "nej"\nmsgstr "no"')
    assert said_by() == (0, ["words.mo: written"])
    assert said_by("--check") == (0, [])


def test_a_plural_needs_both_its_forms(english: Path) -> None:
    replace(english, "{n} lines", "")
    assert said_by()[1][-1] == "no English: ('{n} linje', '{n} linjer')"


def test_a_text_that_becomes_a_plural_is_asked_for_again(english: Path) -> None:
    replace(catalogues.ROOT / "portal" / "two.py", '_("50% af alt")', 'ngettext("50% af alt", "50% af alle", n)')
    assert said_by()[1][-1] == "no English: ('50% af alt', '50% af alle')"
    assert 'msgstr[0] ""\nmsgstr[1] ""' in english.read_text(encoding="utf-8")


def test_what_the_code_no_longer_says_is_dropped_and_nothing_is_fuzzy(english: Path) -> None:
    replace(english, '\nmsgid "ja"\n', '\n#, fuzzy\nmsgid "ja"\n')
    replace(english, "# A remark", 'msgid "sagt engang"\nmsgstr "said once"\n\n# A remark')
    assert said_by() == (0, ["words.po: written"])
    assert english.read_text(encoding="utf-8") == ENGLISH_PO


def test_a_file_that_a_merge_left_open_is_refused(english: Path) -> None:
    replace(english, 'msgid "ja"\n', '<<<<<<< HEAD\nmsgid "ja"\n')
    with pytest.raises(PoFileError):
        catalogues.files()


# Errors.


def our_errors() -> list[type[MellemregningError]]:
    for room in catalogues.ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            importlib.import_module(module.name)
    found: list[type[MellemregningError]] = []
    waiting: list[type[MellemregningError]] = [MellemregningError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.partition(".")[0] in catalogues.ROOMS:
            found.append(kind)
    return sorted(found, key=lambda kind: (kind.__module__, kind.__name__))


def of_kind(kind: type[MellemregningError]) -> MellemregningError:
    """One with some fact in every place, whatever its own way of being made."""
    some: dict[str, object] = {name: f"<{name}>" for name, _, _ in places(kind.danish)}
    some |= {name: 19_420_282 for name in some if name.endswith("_oere")}
    error = kind.__new__(kind)
    MellemregningError.__init__(error, **some)
    return error


def test_every_error_speaks_both_languages() -> None:
    kinds = our_errors()
    assert len(kinds) > 40
    english = language._catalogue("en").gettext
    said = catalogues.texts()
    assert [kind for kind in kinds if kind.danish not in said] == [], "a sentence without N_"
    for kind in kinds:
        error = of_kind(kind)
        for text in (error.text(), error.text(english)):
            assert "{" not in text
            for name, _, _ in places(kind.danish):
                assert ("194.202,82 kr." if name.endswith("_oere") else f"<{name}>") in text


def test_dates_and_amounts_in_both_languages() -> None:
    from billing.year_end_settlement.run import YearAlreadyClosed

    error = YearAlreadyClosed(year=2009, agreement="fyn", closed_on=date(2010, 3, 15), result_oere=-19_420_282)
    for text, closed in (
        (error.text(), "blev afsluttet den 15.03.2010 med resultatet -194.202,82 kr."),
        (error.text(language._catalogue("en").gettext), "was closed on 15.03.2010 with the result -194.202,82 kr."),
    ):
        assert closed in text


# The language in use.


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test choose the language, and choose back afterwards."""
    monkeypatch.setattr(language, "_language", language._language)
    monkeypatch.setenv("LANGUAGE", os.environ.get("LANGUAGE", ""))


@pytest.mark.usefixtures("free")
def test_the_language_in_use_can_change() -> None:
    assert language._("I alt") == "I alt"
    language.use("en")
    assert language._("I alt") == "Total"
    language.use("da")
    assert language._("I alt") == "I alt"


@pytest.mark.usefixtures("free")
def test_a_text_that_nobody_translated_stays_danish() -> None:
    language.use("en")
    assert language._("Det står ingen steder.") == "Det står ingen steder."


# The command, in a process for each language, since the help texts are made when it starts.


def command(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit status, answer, and what was said beside it; with lines joined, as they break where the window ends."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "LC_", "MELLEM"))}
    done = subprocess.run(
        [sys.executable, "-c", "from portal.commands import main; main()", *arguments],
        env={**inherited, "PYTHONUTF8": "1", **environment},
        cwd=catalogues.ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, " ".join(done.stdout.split()), done.stderr


TRIED = (
    ("--help",),
    ("settlement", "release", "--help"),
    ("month", "plan", "fyn", "2009-13"),
    ("agreement", "show"),
)
ONE_AFTER_ANOTHER = """
import contextlib, io, json, sys
from portal.commands import main
answers = []
for arguments in json.loads(sys.stdin.read()):
    out, beside, status = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(beside):
        try:
            main(arguments)
        except SystemExit as ended:
            status = ended.code or 0
    answers.append((status, " ".join(out.getvalue().split()), beside.getvalue()))
print(json.dumps(answers))
"""


@functools.cache
def tried(*language_asked: str) -> dict[tuple[str, ...], tuple[int, str, str]]:
    """What the command says to each of ``TRIED`` in one language, in one process for all of them."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "LC_", "MELLEM"))}
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_ANOTHER],
        env={**inherited, "PYTHONUTF8": "1"},
        cwd=catalogues.ROOT,
        input=json.dumps([[*language_asked, *arguments] for arguments in TRIED]),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    answers = [tuple(answer) for answer in json.loads(done.stdout)]
    return dict(zip(TRIED, answers, strict=True))


def test_help_is_danish_unless_asked_otherwise() -> None:
    status, answer, beside = command("--help", LANG="en_GB.UTF-8", LC_ALL="C.UTF-8", LANGUAGE="en")
    assert (status, beside) == (0, "")
    for text in ("Brug: mellemregning", "regninger mellem kommuner", "Valg:", "Vis denne hjælp.", "Kommandoer:"):
        assert text in answer
    for text in ("Usage", "Options:", "Show this message", "Commands:"):
        assert text not in answer


@pytest.mark.parametrize("asked", [("--lang", "en"), ("--lang=en",), ()], ids=["apart", "together", "environment"])
def test_help_in_english(asked: tuple[str, ...]) -> None:
    if asked == ("--lang", "en"):
        status, answer, beside = tried(*asked)["--help",]
    else:
        status, answer, beside = command(*asked, "--help", **{} if asked else {"MELLEMREGNING_LANG": "en"})
    assert (status, beside) == (0, "")
    for text in ("Usage: mellemregning", "bills between municipalities", "Show this message and exit.", "Commands:"):
        assert text in answer
    assert "Final accounts." in answer
    for text in ("Brug", "kommuner", "Vis ", "Valg:", "regnskab"):
        assert text not in answer


def test_a_commands_help_is_its_docstring_in_either_language() -> None:
    status, answer, _beside = tried()["settlement", "release", "--help"]
    assert status == 0
    for text in ("Brug:", "KODE ÅR", "Frigiv et overført resultat fra ÅR", "[kræves]"):
        assert text in answer
    status, answer, _beside = tried("--lang", "en")["settlement", "release", "--help"]
    assert status == 0
    for text in ("Usage:", "CODE YEAR", "Release a carry-over from YEAR", "[required]"):
        assert text in answer


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (
            (),
            [
                "Brug: mellemregning month plan",
                "Prøv 'mellemregning month plan --help' for hjælp.",
                "Fejl: Forkert værdi for 'ÅÅÅÅ-MM': «2009-13» er ikke en måned. Skriv den som 2009-01.",
            ],
        ),
        (
            ("--lang", "en"),
            [
                "Usage: mellemregning month plan",
                "Try 'mellemregning month plan --help' for help.",
                "Error: Invalid value for 'YYYY-MM': '2009-13' is not a month. Write it as 2009-01.",
            ],
        ),
    ],
    ids=["da", "en"],
)
def test_wrong_usage_in_either_language(asked: tuple[str, ...], expected: list[str]) -> None:
    status, answer, beside = tried(*asked)["month", "plan", "fyn", "2009-13"]
    assert (status, answer) == (2, "")
    for text in expected:
        assert text in beside


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((), "Der mangler et argument 'KODE'."),
        (("--lang", "en"), "Missing argument 'CODE'."),
    ],
    ids=["da", "en"],
)
def test_clicks_own_words_in_either_language(asked: tuple[str, ...], expected: str) -> None:
    status, answer, beside = tried(*asked)["agreement", "show"]
    assert (status, answer) == (2, "")
    assert expected in beside


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((), "Der er ingen aftale med koden «fyn». Se dem med «mellemregning agreement list».\n"),
        (
            ("--lang", "en"),
            "There is no agreement with the code 'fyn'. List them with 'mellemregning agreement list'.\n",
        ),
    ],
    ids=["da", "en"],
)
def test_a_broken_rule_in_either_language(upgraded_url: str, asked: tuple[str, ...], expected: str) -> None:
    told = command(*asked, "agreement", "show", "fyn", MELLEMREGNING_DATABASE_URL=upgraded_url)
    assert told == (1, "", expected)


@pytest.mark.parametrize("asked", [("--lang", "fr"), ("--lang=fr",)])
def test_an_unknown_language_on_the_line_is_refused_in_one_message(asked: tuple[str, ...]) -> None:
    status, answer, beside = command(*asked, "--help")
    assert (status, answer) == (2, "")
    assert beside == "MELLEMREGNING_LANG er «fr», men skal være et af: da, en.\n"


def test_an_unknown_language_of_the_environment_is_refused_in_one_message() -> None:
    status, answer, beside = command("--help", MELLEMREGNING_LANG="fr")
    assert (status, answer) == (1, "")
    assert beside == "MELLEMREGNING_LANG er «fr», men skal være et af: da, en.\n"


def test_a_templates_texts_are_gathered() -> None:
    template = '{{ _("Én") }}{% if _("To {x}").format(x=y) %}{% endif %}{{ other("Tre") }}{{ _(name) }}'
    assert set(catalogues.texts_of_template(template)) == {"Én", "To {x}"}
    assert "Sådan er beløbet fremkommet" in catalogues.texts()
