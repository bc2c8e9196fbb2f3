"""The year's end: final accounts, result, carry-over, exit, what the providers clear between them."""
