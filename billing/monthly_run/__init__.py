"""The run: every month that is due, of every agreement, as one plan that is made, approved and issued once."""
