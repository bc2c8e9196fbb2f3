"""The demo's budgets and accounts. The amounts are made up, and every line says so."""
