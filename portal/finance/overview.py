"""Overblik: what is due, late or waits for the one who looks; what was billed, is open, overdue; billed beside cost."""

from __future__ import annotations

from datetime import date

from flask import render_template
from sqlalchemy import Connection

from billing.annual_subscription import store as prices
from billing.deadline_status import Status, deadline_statuses
from billing.invoice import store as invoice_store
from billing.monthly_run.store import OpenPlan, open_plans
from billing.payment import store as payment_store
from billing.year_end_settlement import store as settlement_store
from portal.access.scope import Deed, issuers_agreements
from portal.finance import pages
from portal.language import _
from portal.pages import connection, person, today, who_may
from portal.parts import Chart

YEARS_SHOWN = 5
PLANS_SHOWN = 20
SHOWN = 12
NOW = {Status.LATE, Status.DUE_SOON}
SHOWN_IN_WHEEL = {*NOW, Status.WAITING}


@pages.get("/")
@who_may(Deed.READ)
def overview(place: str) -> str:
    """The page one begins the day with."""
    as_of = today()
    agreements = issuers_agreements(connection(), place)
    wheel = (
        deadline_statuses(connection(), as_of, issuer=place, who=False, only=SHOWN_IN_WHEEL, coming=SHOWN)
        if agreements
        else ()
    )
    pressing = [each for each in wheel if each.status in NOW]
    coming = [each for each in wheel if each.status is Status.WAITING and each.deadline.due_on >= as_of]
    asked, overdue = invoice_store.asked_and_overdue(connection(), place, as_of, as_of)
    settled, settled_late = payment_store.settled_and_overdue(connection(), place, as_of, as_of)
    costs = costs_by_year(connection(), tuple(agreements), as_of)
    # A closed year says itself what was billed; only the others are summed from the documents.
    since = min([as_of.year, *(year for year, (_cost, closed_oere) in costs.items() if closed_oere is None)])
    billed = invoice_store.billed_by_year(connection(), place, since)
    return render_template(
        "finance/overview.html",
        agreements=agreements,
        as_of=as_of,
        pressing=pressing,
        more_pressing=max(0, len(pressing) - SHOWN),
        coming=coming[:SHOWN],
        shown=SHOWN,
        status_words=status_words(),
        late=sum(each.status is Status.LATE for each in pressing),
        waiting=_waiting_for(connection(), place),
        billed_oere=billed.get(as_of.year, 0),
        open_oere=asked - settled,
        overdue_oere=overdue - settled_late,
        chart=billed_beside_cost(costs, billed, as_of),
    )


def status_words() -> dict[Status, tuple[str, str]]:
    """Where a deadline stands, and the kind of its tag."""
    return {
        Status.LATE: (_("for sent"), "error"),
        Status.DUE_SOON: (_("snart"), "warning"),
        Status.WAITING: (_("venter"), "info"),
        Status.DONE: (_("gjort"), "success"),
        Status.PASSED: (_("dagen er gået"), "info"),
        Status.NOT_SUPPORTED: (_("føres ikke her"), "info"),
    }


def _waiting_for(opened: Connection, place: str) -> list[tuple[OpenPlan, str]]:
    """The issuer's plans that somebody has to go on with, and whether that is the one who looks."""
    who = person()
    found = []
    for plan in open_plans(opened, place, PLANS_SHOWN):
        if plan.for_others:
            found.append((plan, _("fakturerer også for andre; den, der driver tjenesten, går videre med den")))
            continue
        mine = who.may(Deed.APPROVE, place) and not (plan.four_eyes and plan.planned_by == who.login)
        if plan.is_approved:
            words = _("godkendt, ikke udstedt")
        else:
            words = _("venter på din godkendelse") if mine else _("venter på godkendelse")
        found.append((plan, words))
    return found


def costs_by_year(opened: Connection, codes: tuple[str, ...], as_of: date) -> dict[int, tuple[int, int | None]]:
    """Each of the last years: what it cost, by the price where it is open, and what was billed if all is closed."""
    closed = settlement_store.costs_of_closed_years(opened, codes) if codes else {}
    expected = prices.latest_costs(opened, codes) if codes else {}
    found: dict[int, tuple[int, int | None]] = {}
    for code, year in set(closed) | set(expected):
        if as_of.year - YEARS_SHOWN < year <= as_of.year + 1:
            cost, billed = found.get(year, (0, 0))
            if (code, year) in closed:
                received, spent = closed[code, year]
                found[year] = (cost + spent, None if billed is None else billed + received)
            else:
                found[year] = (cost + expected[code, year], None)
    return found


def billed_beside_cost(costs: dict[int, tuple[int, int | None]], billed: dict[int, int], as_of: date) -> Chart:
    """Each of the last years: what was billed, and what it cost; of a year that is not closed, what it is priced at."""
    rows = []
    for year in range(as_of.year - YEARS_SHOWN + 1, as_of.year + 2):
        cost, closed_oere = costs.get(year, (None, None))
        if cost is None and not billed.get(year):
            continue
        label = _("{year} (pris)").format(year=year) if closed_oere is None else str(year)
        rows.append((label, (billed.get(year, 0) if closed_oere is None else closed_oere, cost)))
    return Chart(
        title=_("Faktureret og udgift, år for år"),
        heading=_("År"),
        series=(_("Faktureret"), _("Udgift")),
        rows=tuple(rows),
    )
