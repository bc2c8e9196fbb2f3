"""Write a payer's statement of cases as PDF."""

from __future__ import annotations

from agreements.municipality import municipality
from billing.single_case.facts import CaseStatement
from exports.pdf.layout_cases import case_statement_page
from exports.pdf.usage import page_bytes

TEMPLATE = "cases.typ"


def case_statement_pdf(statement: CaseStatement) -> bytes:
    """The statement as PDF; the same statement gives the same bytes."""
    page = case_statement_page(statement, municipality(statement.payer).name)
    return page_bytes(page, statement.period.last_day, TEMPLATE)
