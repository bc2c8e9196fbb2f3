"""The finance officer's pages at a municipality that bills: everything under ``/oekonomi/<place>``.

A page is a module here that marks its views on ``pages`` and is named below.
"""

from __future__ import annotations

from flask import Blueprint

pages = Blueprint("finance", __name__, url_prefix="/oekonomi/<place:place>")

from portal.finance import (  # noqa: E402, F401 - they add their views to the blueprint above
    agreed,
    agreed_notices,
    case_bills,
    cases,
    credits_,
    deliveries,
    follow_up,
    interest,
    invoices,
    notices,
    overview,
    payments,
    plans,
    population,
    prices,
    reinvoicing,
    reminders,
    setup,
    setup_channels,
    setup_details,
    setup_files,
    surplus,
    trail,
    usage,
    work,
    workbooks,
    year_end,
)
