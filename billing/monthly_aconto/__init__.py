"""One month on account: plan, issue."""
