"""What pages and commands call the figures of usage, and whose they are."""

from __future__ import annotations

from agreements.municipality import MUNICIPALITIES
from billing.usage_statement.facts import ALL, ELSEWHERE, UNSTATED, Measure
from portal.language import _

PREVIEWED = (
    Measure.AT_START,
    Measure.STARTED,
    Measure.COMPLETED,
    Measure.BROKEN_OFF,
    Measure.AT_END,
    Measure.SESSIONS,
    Measure.WITHIN_14_DAYS,
    Measure.LATER,
    Measure.WAITING_DAYS,
)


def measure_words() -> dict[Measure, str]:
    """The figures as tables head them."""
    return {
        Measure.AT_START: _("I behandling ved start"),
        Measure.STARTED: _("Påbegyndt"),
        Measure.IN_PERIOD: _("Forløb i alt"),
        Measure.COMPLETED: _("Gennemført"),
        Measure.BROKEN_OFF: _("Afbrudt"),
        Measure.AT_END: _("I behandling ved slut"),
        Measure.SESSIONS: _("Samtaler"),
        Measure.WITHIN_14_DAYS: _("Inden for 14 dage"),
        Measure.LATER: _("Senere end 14 dage"),
        Measure.WAIT_KNOWN: _("Ventetid kendt"),
        Measure.WAIT_UNKNOWN: _("Ventetid ukendt"),
        Measure.WAITING_DAYS: _("Ventedage"),
    }


def residence_name(code: str) -> str:
    """A municipality of residence as people know it."""
    known = {UNSTATED: _("Uoplyst"), ELSEWHERE: _("Andre kommuner"), ALL: _("Alle")}
    return known.get(code) or (MUNICIPALITIES[code].name if code in MUNICIPALITIES else code)
