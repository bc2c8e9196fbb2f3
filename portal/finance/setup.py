"""Opsætning: what is set up for an issuer, who sees its plans, and when the clock speaks.

Who sees a plan is a matter of who may do what, so that an administrator changes it, and nobody who bills: whoever holds
the roles of officer and approver could else undo what keeps two people apart.
"""

from __future__ import annotations

from flask import g, render_template
from werkzeug.wrappers import Response as WebResponse

from agreements import trading_run
from agreements.municipality import municipality
from billing.monthly_run import run as runs
from billing.payment.run import NotAnIssuer
from portal.access.scope import Deed, issuers_agreements
from portal.finance import pages
from portal.finance.asked import count_of, one_of, text_of
from portal.language import _
from portal.pages import connection, occasion, person, seen, who_may

MOST_AGREEMENTS = 50
HIGHEST_WARNING = 1000
MOST_DAYS = 27


def require_issuer(place: str) -> None:
    """Pass where the municipality bills for an agreement: what is set up before that would decide things by accident.

    Raises:
        NotAnIssuer.
    """
    if not g.issues:
        raise NotAnIssuer(municipality=municipality(place).official_name)


@pages.get("/opsaetning", endpoint="setup")
@who_may(Deed.READ)
def setup_page(place: str) -> str:
    """What can be set up, and how the most important of it stands."""
    codes = tuple(issuers_agreements(connection(), place)) if g.issues else ()
    return render_template(
        "finance/setup/index.html",
        issues=g.issues,
        settings=runs.get_issuer(connection(), place),
        is_paid_to=bool(trading_run.entered(connection(), "issuer").get((place,), {}).get("means")),
        codes=codes[:MOST_AGREEMENTS],
        more=max(0, len(codes) - MOST_AGREEMENTS),
        may_set=person().may(Deed.PREPARE, place) and g.issues,
    )


@pages.get("/opsaetning/uret")
@who_may(Deed.READ)
def setup_clock(place: str) -> str:
    """When a plan warns and when the clock speaks, and to whom."""
    return render_template(
        "finance/setup/clock.html",
        settings=runs.get_issuer(connection(), place),
        issues=g.issues,
        most_days=MOST_DAYS,
        highest=HIGHEST_WARNING,
        may_set=person().may(Deed.PREPARE, place) and g.issues,
    )


@pages.post("/opsaetning/uret")
@who_may(Deed.PREPARE)
def setup_clock_keep(place: str) -> WebResponse:
    """Change them, all or none."""
    require_issuer(place)
    runs.set_issuer(
        connection(),
        place,
        occasion(),
        warn_percent=count_of("warn_percent", _("Advarsel i procent"), 0, HIGHEST_WARNING),
        plan_days_before=count_of("plan_days", _("Dage før fristen, planen laves"), 0, MOST_DAYS),
        alarm_days_before=count_of("alarm_days", _("Dage før fristen, der slås alarm"), 0, MOST_DAYS),
        mail=text_of("mail"),
    )
    return seen("finance.setup_clock", place=place)


@pages.get("/opsaetning/to-personer")
@who_may(Deed.USERS)
def setup_eyes(place: str) -> str:
    """Whether two people have to see each plan."""
    return render_template("finance/setup/eyes.html", settings=runs.get_issuer(connection(), place), issues=g.issues)


@pages.post("/opsaetning/to-personer")
@who_may(Deed.USERS)
def setup_eyes_keep(place: str) -> WebResponse:
    """Say so, or that one is enough."""
    require_issuer(place)
    wanted = one_of("eyes", _("Hvor mange"), {"two": _("to personer"), "one": _("én person")})
    runs.set_issuer(connection(), place, occasion(), four_eyes=wanted == "two")
    return seen("finance.setup_eyes", place=place)
