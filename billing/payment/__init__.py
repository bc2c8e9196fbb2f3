"""Receipts from the bank, what they settle, what is open, and late interest on what was paid too late."""
