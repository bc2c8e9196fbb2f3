"""Write a released period's statements as PDF; the workbooks hold the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from importlib import resources
from pathlib import Path
from typing import Literal

import typst
from sqlalchemy import Connection

from agreements.agreement import MunicipalityCode
from agreements.municipality import municipality
from billing.usage_statement import run as usage
from billing.usage_statement.facts import UsagePeriod
from exports.excel.run import NAMES, FolderNotWritable
from exports.pdf.glyphs import as_data
from exports.pdf.layout_usage import Page, municipality_page
from exports.usage_words import file_stem
from foundation.errors import reason_of

TEMPLATE = "usage.typ"
STANDARD: Literal["ua-1"] = "ua-1"  # readable by those who cannot see it


def write_usage_pages(  # noqa: PLR0913, PLR0917 - what to write, and where
    connection: Connection,
    code: str,
    period: UsagePeriod,
    folder: Path,
    edition: int | None = None,
    only: MunicipalityCode | None = None,
) -> list[Path]:
    """Write *Forbrugsopgørelse* of each municipality: ``2009-H1 Forbrugsopgørelse fyn-alkohol Ærø.pdf``.

    Raises:
        AgreementUnknown, UsageNotReleased, FolderNotWritable.
    """
    statement = usage.statement(connection, code, period, edition)
    files = []
    for who in [only] if only is not None else statement.members:
        page = municipality_page(statement, who, NAMES, municipality(who).official_name)
        stem = file_stem(period, code, statement.release.edition, municipality(who).name)
        path = folder / f"{stem.replace('/', '-')}.pdf"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(page_bytes(page, statement.release.released_on))
        except OSError as error:
            raise FolderNotWritable(file=str(path), reason=reason_of(error)) from error
        files.append(path)
    return files


def page_bytes(page: Page, day: date, template: str = TEMPLATE) -> bytes:
    """The page as PDF; the same page gives the same bytes.

    Args:
        page: Its values reach the template as data, never as markup.
        day: The document's date.
        template: The page's own, of those that are shipped.
    """
    files = resources.files("exports.pdf")
    with resources.as_file(files.joinpath("fonts")) as fonts:
        compiler = typst.Compiler(font_paths=[str(fonts)], ignore_system_fonts=True)
    made = compiler.compile(
        input=files.joinpath(template).read_bytes(),
        format="pdf",
        sys_inputs={"page": as_data(page.values), "day": day.isoformat()},
        pdf_standards=[STANDARD],
        timestamp=datetime.combine(day, time(), UTC),
    )
    if not isinstance(made, bytes):
        raise TypeError  # one PDF is one file, whatever the stubs allow
    return made
