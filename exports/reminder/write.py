"""Letters -> PDF files, each whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import typst

from billing.payment.reminder_rules import ReminderLetter
from exports.reminder.layout import TEMPLATE, file_name, letter_data
from foundation.errors import BadInput, N_, reason_of


class LetterNotWritten(BadInput):
    """A letter that cannot be written where it was asked for."""

    danish = N_("Brevet {file} kan ikke skrives: {reason}. Intet er sendt.")


def pdf_of(letter: ReminderLetter) -> bytes:
    """One letter as PDF."""
    return typst.compile(
        TEMPLATE.encode(),
        ignore_system_fonts=True,
        sys_inputs={"letter": json.dumps(letter_data(letter), ensure_ascii=False)},
    )


def write_letters(letters: Sequence[ReminderLetter], folder: Path) -> list[Path]:
    """Write letters into a folder, which is made if it is not there.

    Raises:
        LetterNotWritten: the folder cannot be written in.
    """
    files = []
    for letter in letters:
        file = folder / file_name(letter)
        unfinished = file.with_suffix(".tmp")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(pdf_of(letter))
            unfinished.replace(file)
        except OSError as error:
            raise LetterNotWritten(file=str(file), reason=reason_of(error)) from error
        files.append(file)
    return files
