"""How a fault names what it concerns."""

from __future__ import annotations

from agreements.municipality import MUNICIPALITIES


def name_of(code: str) -> str:
    """A municipality by name and code; the code alone where the register does not know it."""
    found = MUNICIPALITIES.get(code)
    return f"{found.name} ({code})" if found else code
