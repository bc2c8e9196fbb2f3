"""Surplus capacity (§ 9): sold to municipalities outside the agreement, never on better terms than the subscribers'."""
