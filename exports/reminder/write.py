"""Letters -> PDF files, each whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from importlib import resources
from pathlib import Path

import typst

from billing.payment.reminder_rules import ReminderLetter
from exports.pdf.glyphs import as_data
from exports.reminder.layout import TEMPLATE, file_name, letter_data
from foundation.errors import BadInput, N_, reason_of


class LetterNotWritten(BadInput):
    """A letter that cannot be written where it was asked for."""

    danish = N_("Brevet {file} kan ikke skrives: {reason}. Intet er sendt.")


def pdfs_of(letters: Sequence[ReminderLetter]) -> Iterator[bytes]:
    """Each letter as PDF/A in the fonts that are shipped; the same bytes each time."""
    with resources.as_file(resources.files("exports.pdf").joinpath("fonts")) as fonts:
        compiler = typst.Compiler(font_paths=[str(fonts)], ignore_system_fonts=True)
    for letter in letters:
        made = compiler.compile(
            input=TEMPLATE.encode(),
            sys_inputs={"letter": as_data(letter_data(letter))},
            format="pdf",
            pdf_standards=["a-3b", "ua-1"],
            timestamp=datetime.combine(letter.reminded_on, time(), UTC),
        )
        if not isinstance(made, bytes):
            raise TypeError  # one PDF is one file, whatever the stubs allow
        yield made


def write_letters(letters: Sequence[ReminderLetter], folder: Path) -> list[Path]:
    """Write letters into a folder, which is made if it is not there.

    Raises:
        LetterNotWritten: the folder cannot be written in.
    """
    files = []
    for letter, made in zip(letters, pdfs_of(letters), strict=True):
        file = folder / file_name(letter)
        unfinished = file.with_suffix(".tmp")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(made)
            unfinished.replace(file)
        except OSError as error:
            raise LetterNotWritten(file=str(file), reason=reason_of(error)) from error
        files.append(file)
    return files
