"""What pages call a case's states, reasons and how its days are counted."""

from __future__ import annotations

from agreements.case_terms import CaseTerms
from billing.single_case.facts import CorrectionReason, RefusalReason
from portal.language import _


def state_words() -> dict[str, tuple[str, str]]:
    """Where a case stands, and the kind of its tag."""
    return {
        "opened": (_("venter på bevilling"), "warning"),
        "approved": (_("bevilget"), "info"),
        "admitted": (_("indskrevet"), "success"),
        "discharged": (_("udskrevet"), "info"),
        "withdrawn": (_("trukket tilbage"), "info"),
        "refused": (_("afslået"), "error"),
    }


def refusal_words() -> dict[RefusalReason, str]:
    """Why the paying municipality said no."""
    return {
        RefusalReason.NOT_GRANTED: _("ikke bevilget"),
        RefusalReason.NOT_OURS: _("en anden kommune betaler"),
        RefusalReason.OTHER_OFFER: _("et andet tilbud er valgt"),
    }


def correction_words() -> dict[CorrectionReason, str]:
    """Why a date is another than was said."""
    return {
        CorrectionReason.REPORTED_LATE: _("meddelt for sent"),
        CorrectionReason.WRONG_DATE: _("meddelt forkert"),
    }


def how_days_count(terms: CaseTerms) -> str:
    """Which days of a stay are billed."""
    arrival = _("Ankomstdagen tæller med") if terms.count_arrival_day else _("Ankomstdagen tæller ikke med")
    leaving = _("afrejsedagen tæller med") if terms.count_leaving_day else _("afrejsedagen tæller ikke med")
    return f"{arrival}, {leaving}."
