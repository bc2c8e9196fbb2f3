"""Write the statements of a released period: a workbook and a PDF to each municipality, a workbook to the providers."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from agreements.agreement import MunicipalityCode
from agreements.municipality import municipality
from billing.usage_statement import run as usage
from billing.usage_statement.facts import UsagePeriod
from exports.excel.layout_usage import municipality_workbook, providers_workbook
from exports.excel.run import NAMES, written
from exports.usage_words import file_stem
from foundation.errors import N_, NotFound


class NoStatementForMunicipality(NotFound):
    """Statements go to those who take part in the year."""

    danish = N_("{municipality} deltager ikke i aftalen «{agreement}» i {year} og får ingen forbrugsopgørelse.")


def write_usage_workbooks(  # noqa: PLR0913, PLR0917 - what to write, and where
    connection: Connection,
    code: str,
    period: UsagePeriod,
    folder: Path,
    edition: int | None = None,
    only: MunicipalityCode | None = None,
) -> list[Path]:
    """Write *Forbrugsopgørelse*: ``2009-H1 Forbrugsopgørelse fyn-alkohol Ærø.xlsx``.

    Args:
        connection: Where to read.
        code: The agreement.
        period: A released one.
        folder: Where to.
        edition: An earlier one than the newest.
        only: One municipality's, and not the providers'.

    Raises:
        AgreementUnknown, UsageNotReleased, NoStatementForMunicipality, FolderNotWritable.
    """
    statement = usage.statement(connection, code, period, edition)
    if only is not None and only not in statement.members:
        raise NoStatementForMunicipality(
            agreement=code, municipality=municipality(only).official_name, year=period.year
        )
    files = []
    number = statement.release.edition
    for who in [only] if only is not None else statement.members:
        workbook = municipality_workbook(statement, who, NAMES, municipality(who).official_name)
        files.append(written(workbook, folder, file_stem(period, code, number, municipality(who).name)))
    if only is None:
        workbook = providers_workbook(statement, NAMES)
        files.append(written(workbook, folder, file_stem(period, code, number, "leverandører")))
    return files
