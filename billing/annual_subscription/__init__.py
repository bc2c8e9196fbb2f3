"""The year's amount: the cost to be split, each one's share, obligation and twelve instalments; the price notice."""
