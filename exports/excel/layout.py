"""The three workbooks, from facts alone: what each cell says, by which formula, and how it looks.

``write.py`` makes files of them.
"""

from exports.excel.layout_calculation import calculation_workbook
from exports.excel.layout_specification import invoice_specification_workbook
from exports.excel.layout_statement import annual_statement_workbook

__all__ = ["annual_statement_workbook", "calculation_workbook", "invoice_specification_workbook"]
