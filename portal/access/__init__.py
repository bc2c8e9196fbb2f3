"""Who may log in, and what a person may see and do for which municipality; decided here and nowhere else."""
