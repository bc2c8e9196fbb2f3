"""Usage statements: counts of what a municipality's citizens used, shown so that nobody can be recognised."""
