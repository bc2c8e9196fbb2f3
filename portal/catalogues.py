"""The catalogues: what the code says to people is gathered, its translations are kept, and both files are written.

After a change of texts run ``python -m portal.catalogues``, write the English that it asks for into the ``.po`` file,
and run it again. With ``--check`` nothing is written, and the exit status is 1 if there is anything to do. What the
code no longer says is dropped. The files hold no dates and no line numbers, so that they change only where a text does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

from portal.language import CATALOGUES, CLICKS_DOMAIN, DOMAIN

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("agreements", "billing", "exports", "foundation", "portal")
ENGLISH = CATALOGUES / "en" / "LC_MESSAGES" / f"{DOMAIN}.po"
CLICK_IN_DANISH = CATALOGUES / "da" / "LC_MESSAGES" / f"{CLICKS_DOMAIN}.po"
# What a catalogue's head says of itself; the rest that Babel has to say changes with the day and with Babel.
HEAD = ("Language", "Plural-Forms", "MIME-Version", "Content-Type", "Content-Transfer-Encoding")
WIDTH = 120
TEMPLATES = Environment(autoescape=True)

# A sentence; or two, for one thing and for several.
Text: TypeAlias = str | tuple[str, ...]


class QuietCatalogue(Catalog):
    """A catalogue that is written in the same way whenever, and by whichever Babel."""

    def __iter__(self) -> Iterator[Message]:
        """The head without what changes by itself, then the messages."""
        head, *messages = super().__iter__()
        lines = [line for line in str(head.string).splitlines() if line.partition(":")[0] in HEAD]
        yield Message("", "".join(f"{line}\n" for line in lines))
        yield from messages


def texts_of(source: str) -> Iterator[Text]:
    """What one file says to people: ``_``, ``N_``, ``ngettext`` and the docstrings of commands, which are their help.

    By the syntax tree rather than Babel's own extractor, which sees what stands in an f-string from Python 3.12 only.
    """
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="_" | "N_"), args=[ast.Constant(value=str(text))]) if text:
                yield text
            case ast.Call(
                func=ast.Name(id="ngettext"),
                args=[ast.Constant(value=str(one)), ast.Constant(value=str(several)), _],
            ):
                yield one, several
            case ast.FunctionDef() if any(map(_makes_a_command, node.decorator_list)):
                if help_text := ast.get_docstring(node):
                    yield help_text
            case _:
                pass


def texts_of_template(source: str) -> Iterator[Text]:
    """What a page's template says to people: ``_`` with a text."""
    for call in TEMPLATES.parse(source).find_all(nodes.Call):
        match call:
            case nodes.Call(node=nodes.Name(name="_"), args=[nodes.Const(value=str(text))]) if text:
                yield text
            case _:
                pass


def _makes_a_command(decorator: ast.expr) -> bool:
    match decorator:
        case ast.Call(func=ast.Name(id="command")):
            return True
        case _:
            return False


def texts() -> dict[Text, list[str]]:
    """Everything that the code says to people, and in which files."""
    found: dict[Text, list[str]] = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for text in set(texts_of(path.read_text(encoding="utf-8"))):
                found.setdefault(text, []).append(path.relative_to(ROOT).as_posix())
        for path in sorted((ROOT / room).rglob("*.html")):
            for text in set(texts_of_template(path.read_text(encoding="utf-8"))):
                found.setdefault(text, []).append(path.relative_to(ROOT).as_posix())
    return found


def translations(path: Path) -> Catalog:
    """What a ``.po`` file says; one that cannot be read, as after a merge, is an error."""
    with path.open("rb") as file:
        return read_po(file, abort_invalid=True, ignore_obsolete=True)


def gathered() -> Catalog:
    """The English catalogue of the texts that the code has now, in the order of files and texts."""
    before = translations(ENGLISH) if ENGLISH.exists() else Catalog()
    catalogue = QuietCatalogue("en", header_comment="# English for Mellemregning.", fuzzy=False)
    found = texts()
    for text in sorted(found, key=lambda text: (found[text][0], _first(text))):
        _add(catalogue, text, before.get(text), [(file, 0) for file in found[text]])
    return catalogue


def clicks_words() -> Catalog:
    """Click's own few words in Danish; written by hand, so only their order and their head are made here."""
    before = translations(CLICK_IN_DANISH)
    catalogue = QuietCatalogue("da", header_comment="# Danish for click's own words.", fuzzy=False)
    for text in sorted((_key(message) for message in before if message.id), key=_first):
        _add(catalogue, text, before.get(text), [])
    return catalogue


def _add(catalogue: Catalog, text: Text, known: Message | None, locations: list[tuple[str, int]]) -> None:
    # Babel finds a plural by its singular, whose translation would be none of the plural's.
    string = known.string if known and _key(known) == text else None
    comments = known.user_comments if known else ()
    added = catalogue.add(text, string, locations=locations, user_comments=comments)
    added.flags.discard("python-format")  # Babel takes "50% af" for one; no text of ours is formatted with %


def _first(text: Text) -> str:
    return text if isinstance(text, str) else text[0]


def _key(message: Message) -> Text:
    return message.id if isinstance(message.id, str) else tuple(message.id)


def files() -> dict[Path, bytes]:
    """What should stand in the catalogues' files."""
    made: dict[Path, bytes] = {}
    for path, catalogue in ((ENGLISH, gathered()), (CLICK_IN_DANISH, clicks_words())):
        readable, compiled = BytesIO(), BytesIO()
        write_po(readable, catalogue, width=WIDTH, include_lineno=False)
        write_mo(compiled, catalogue)
        made[path] = readable.getvalue()
        made[path.with_suffix(".mo")] = compiled.getvalue()
    return made


def stale() -> dict[Path, bytes]:
    """The files that do not hold what they should, and what they should."""
    return {path: made for path, made in files().items() if not path.exists() or path.read_bytes() != made}


def untranslated() -> list[Text]:
    """The texts that have no English yet."""
    return [_key(message) for message in gathered() if not message.string or not all(message.string)]


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if there is anything to do.")
def main(*, check: bool) -> None:
    """Gather the texts of the code, keep their translations, and compile both catalogues."""
    missing = untranslated()
    outdated = stale()
    for path, made in outdated.items():
        click.echo(f"{path.name}: {'stale' if check else 'written'}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(made)
    for text in missing:
        click.echo(f"no English: {text!r}")
    if check and (outdated or missing):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
