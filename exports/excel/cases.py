"""Write the statement of cases of the municipality that pays for them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from agreements.agreement import MunicipalityCode
from agreements.municipality import municipality
from billing.single_case.run import case_statement
from exports.excel.layout_cases import case_statement_workbook
from exports.excel.run import written
from foundation.period import Period


def write_case_statement(
    connection: Connection, code: str, payer: MunicipalityCode, period: Period, folder: Path
) -> Path:
    """Write *Sagsopgørelse* of one paying municipality: its own cases, nobody else's.

    Args:
        connection: Where to read.
        code: The agreement.
        payer: Who pays, and the only one that the file is for.
        period: Whole months.
        folder: Where to write.

    Raises:
        AgreementUnknown, UnknownMunicipality, FolderNotWritable.
    """
    name = municipality(payer).name
    workbook = case_statement_workbook(case_statement(connection, code, payer, period), name)
    days = f"{period.from_day:%Y-%m} - {period.last_day:%Y-%m}"
    return written(workbook, folder, f"{days} Sagsopgørelse {code} {name}")
