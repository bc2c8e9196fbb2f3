"""2. What is owed. The stages stand in the order of their names, which is the order of the work."""
