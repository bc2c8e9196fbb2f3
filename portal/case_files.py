"""A payer's statement of cases as a file, and its months as an address says them; for the issuer and for the payer."""

from __future__ import annotations

import re

from sqlalchemy import Connection

from billing.single_case.run import case_statement
from foundation.errors import BadInput, N_
from foundation.period import Month, Period

MOST_MONTHS = 60
TYPES = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class MonthsNotUsable(BadInput):
    """The months of a statement, the wrong way round or too many."""

    danish = N_("Perioden kan ikke bruges: den skal gå fra en måned til en senere og er på højst {most} måneder.")


def period_of(first: Month, last: Month) -> Period:
    """The days of some months.

    Raises:
        MonthsNotUsable.
    """
    if not first <= last <= first.plus(MOST_MONTHS - 1):
        raise MonthsNotUsable(most=MOST_MONTHS)
    return Period(first.first_day, last.plus(1).first_day)


def months_from(first: str, last: str) -> tuple[Month, Month]:
    """The months of an address, 2009-01 and 2009-03.

    Raises:
        MonthsNotUsable.
    """
    if not all(re.fullmatch(r"\d{4}-\d{2}", each, re.ASCII) for each in (first, last)):
        raise MonthsNotUsable(most=MOST_MONTHS)
    return Month.parse(first), Month.parse(last)


def statement_file(opened: Connection, code: str, payer: str, period: Period, kind: str) -> tuple[str, bytes]:
    """(name, content) of a payer's statement of cases, as PDF or workbook.

    Raises:
        AgreementUnknown, UnknownMunicipality.
    """
    from exports.excel.cases import case_statement_stem, case_statement_xlsx  # noqa: PLC0415 - slow to import
    from exports.pdf.cases import case_statement_pdf  # noqa: PLC0415 - as above

    statement = case_statement(opened, code, payer, period)
    content = case_statement_pdf(statement) if kind == "pdf" else case_statement_xlsx(statement)
    return f"{case_statement_stem(statement)}.{kind}", content
