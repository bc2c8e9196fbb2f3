"""The sub-ledger: receivables, provider clearing and results; every voucher sums to zero."""
