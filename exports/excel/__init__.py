"""Workbooks whose figures are live formulas: the year's calculation, what was invoiced, the annual statement."""
