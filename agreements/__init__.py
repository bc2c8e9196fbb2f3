"""1. What was agreed: parties, terms, services, budgets, members over time, inhabitants, deadlines."""
