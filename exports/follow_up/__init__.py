"""Kvartalsopfølgning: budget, billed, used and waiting time of a quarter, for one payer."""
