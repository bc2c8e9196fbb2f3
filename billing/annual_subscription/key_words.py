"""What keys and their figures are called, on screens, in workbooks and on documents."""

from __future__ import annotations

from agreements.agreement import AllocationKey, KeyTerms
from billing.annual_subscription.division_rules import percent_words
from foundation.errors import N_

KEY_WORDS = {
    AllocationKey.POPULATION: N_("indbyggertal"),
    AllocationKey.AGE_BAND_POPULATION: N_("indbyggertal i aldersgruppe"),
    AllocationKey.FIXED_PERCENTAGES: N_("faste procenter"),
    AllocationKey.AGREED_CAPACITY: N_("aftalt kapacitet"),
    AllocationKey.ONE_PARTY: N_("én part betaler det hele"),
}


def figure_words(terms: KeyTerms, units: int) -> str:
    """A figure of a key as people read it: ``40 %``, ``24 klienter``, ``58.313 indbyggere 0-17 år``."""
    if terms.key is AllocationKey.FIXED_PERCENTAGES:
        return f"{percent_words(units)} %"
    if terms.key is AllocationKey.AGREED_CAPACITY:
        return f"{_count(units)} {terms.counts}".strip()
    if terms.key is AllocationKey.ONE_PARTY:
        return "det hele"
    if terms.key is AllocationKey.AGE_BAND_POPULATION:
        return f"{_count(units)} indbyggere {terms.age_from}-{terms.age_to} år"
    return f"{_count(units)} indbyggere"


def _count(number: int) -> str:
    return f"{number:,}".replace(",", ".")
