"""The command line: ``mellemregning``. Exit status 0 done, 1 refused by a rule, 2 wrong usage, 3 partly done."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from foundation.errors import MellemregningError
from foundation.settings import LANGUAGE, Settings
from portal import language

REFUSED, WRONG_USAGE = 1, 2


def _not_text(arguments: list[str]) -> list[int]:
    """Which arguments, from 1, are bytes that are no UTF-8: nothing that can be kept or written to a file."""
    return [
        place for place, text in enumerate(arguments, start=1) if any("\ud800" <= sign <= "\udfff" for sign in text)
    ]


def _language_asked_for(arguments: list[str]) -> str | None:
    """Take ``--lang en`` or ``--lang=en`` out, wherever it stands: it must be known before the help texts are made."""
    for index, argument in enumerate(arguments):
        if argument == "--lang" and index + 1 < len(arguments):
            del arguments[index]
            return arguments.pop(index)
        if argument.startswith("--lang="):
            return arguments.pop(index).removeprefix("--lang=")
    return None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; the console script's entry."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    asked = _language_asked_for(given)
    environment = {**os.environ, LANGUAGE: asked} if asked else dict(os.environ)
    try:
        settings = Settings.from_environment(environment)
    except MellemregningError as error:
        sys.stderr.write(f"{error.text()}\n")
        raise SystemExit(WRONG_USAGE if asked else REFUSED) from error
    language.use(settings.language)
    if broken := _not_text(given):
        said = language._("Ord nr. {place} på kommandolinjen er ikke UTF-8. Skriv det om, eller omdøb filen.")
        sys.stderr.write(f"{said.format(place=broken[0])}\n")
        raise SystemExit(WRONG_USAGE)
    # Imported here, since the help texts are made in the language in use.
    from portal.commands.door import Door
    from portal.commands.root import root

    root.main(args=given, prog_name="mellemregning", obj=Door(settings))
