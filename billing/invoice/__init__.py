"""Invoices and credit notes: lines, numbers without gaps, issue, credit. What was issued never changes."""
