"""E-invoices: a neutral model of an invoice, the checks before it leaves, and its writing as Peppol BIS Billing 3.0."""
