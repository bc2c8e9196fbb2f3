"""Write the statement of cases of the municipality that pays for them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from agreements.agreement import MunicipalityCode
from agreements.municipality import municipality
from billing.single_case.facts import CaseStatement
from billing.single_case.run import case_statement
from exports.excel.layout_cases import case_statement_workbook
from exports.excel.run import written
from exports.excel.workbook import Workbook
from exports.excel.write import workbook_bytes
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
    statement = case_statement(connection, code, payer, period)
    return written(_workbook(statement), folder, case_statement_stem(statement))


def _workbook(statement: CaseStatement) -> Workbook:
    return case_statement_workbook(statement, municipality(statement.payer).name)


def case_statement_xlsx(statement: CaseStatement) -> bytes:
    """The statement as a workbook's bytes; the same statement gives the same bytes."""
    return workbook_bytes(_workbook(statement))


def case_statement_stem(statement: CaseStatement) -> str:
    """What its files are called, without ending: ``2009-01 - 2009-03 Sagsopgørelse horsens-odder Odder``."""
    period = statement.period
    days = f"{period.from_day:%Y-%m} - {period.last_day:%Y-%m}"
    return f"{days} Sagsopgørelse {statement.agreement.code} {municipality(statement.payer).name}"
