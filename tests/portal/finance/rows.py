"""The officer's pages: who may call each route, how many questions each asks, and which a browser looks at.

``tests/portal/test_routes.py``, ``test_finance_pages.py`` and ``tests/browser/test_pages.py`` go through these tables.
"""

from __future__ import annotations

from billing.monthly_run import run as runs
from billing.monthly_run.facts import RunScope
from foundation.database import Database
from foundation.period import Month
from tests.portal import demo_site

LOGIN = 303
CODE = "fyn-alkohol"
# nobody, officer, approver, reader, auditor, administrator, payer, neighbour
READS = (LOGIN, 200, 200, 200, 200, 403, 404, 404)
READS_NOTHING = (LOGIN, 404, 404, 404, 404, 403, 404, 404)
AUDITS = (LOGIN, 403, 403, 403, 200, 403, 404, 404)


def prepares(status: int) -> tuple[int, ...]:
    """What only an officer is answered."""
    return (LOGIN, status, 403, 403, 403, 403, 404, 404)


def approves(status: int) -> tuple[int, ...]:
    """What only an approver is answered."""
    return (LOGIN, 403, status, 403, 403, 403, 404, 404)


BASE = "/oekonomi/<place:place>"
HERE = "/oekonomi/461"
PLAN = "<int(max=999999999):number>"
YEAR = "<int(min=1900, max=9999):year>"
PRICE = f"{HERE}/priser/{CODE}/2012"
END = f"{HERE}/aarsafslutning/{CODE}/2012"

TABLE: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {
    ("GET", f"{BASE}/planer"): (f"{HERE}/planer", READS),
    ("POST", f"{BASE}/planer"): (f"{HERE}/planer", prepares(303)),
    ("GET", f"{BASE}/planer/{PLAN}"): (f"{HERE}/planer/1", READS),
    ("POST", f"{BASE}/planer/{PLAN}/godkend"): (f"{HERE}/planer/999/godkend", approves(404)),
    ("POST", f"{BASE}/planer/{PLAN}/udsted"): (f"{HERE}/planer/1/udsted", approves(303)),
    ("POST", f"{BASE}/planer/{PLAN}/stop"): (f"{HERE}/planer/999/stop", prepares(404)),
    ("POST", f"{BASE}/planer/{PLAN}/afvis"): (f"{HERE}/planer/999/afvis", approves(404)),
    ("GET", f"{BASE}/arbejde/<work_id>"): (f"{HERE}/arbejde/findes-ikke", READS_NOTHING),
    ("GET", f"{BASE}/arbejde/<work_id>/stand"): (f"{HERE}/arbejde/findes-ikke/stand", READS_NOTHING),
    ("GET", f"{BASE}/arbejde/<work_id>/fil"): (f"{HERE}/arbejde/findes-ikke/fil", READS_NOTHING),
    ("GET", f"{BASE}/priser"): (f"{HERE}/priser", READS),
    ("POST", f"{BASE}/priser"): (f"{HERE}/priser", prepares(400)),
    ("GET", f"{BASE}/priser/<code>/{YEAR}"): (PRICE, READS),
    ("POST", f"{BASE}/priser/<code>/{YEAR}/varsel"): (f"{PRICE}/varsel", prepares(303)),
    ("GET", f"{BASE}/priser/<code>/{YEAR}/fil.xlsx"): (f"{PRICE}/fil.xlsx", READS),
    ("GET", f"{BASE}/priser/<code>/{YEAR}/hvad-nu-hvis"): (f"{PRICE}/hvad-nu-hvis?cost=5", READS),
    ("GET", f"{BASE}/aarsafslutning"): (f"{HERE}/aarsafslutning", READS),
    ("GET", f"{BASE}/aarsafslutning/<code>/{YEAR}"): (END, READS),
    ("GET", f"{BASE}/aarsafslutning/<code>/{YEAR}/fil.xlsx"): (END.replace("2012", "2011") + "/fil.xlsx", READS),
    ("POST", f"{BASE}/aarsafslutning/<code>/{YEAR}/regnskab"): (f"{END}/regnskab", prepares(400)),
    ("POST", f"{BASE}/aarsafslutning/<code>/{YEAR}/luk"): (f"{END}/luk", approves(409)),
    ("POST", f"{BASE}/aarsafslutning/<code>/{YEAR}/frigiv"): (f"{END}/frigiv", approves(400)),
    ("POST", f"{BASE}/aarsafslutning/<code>/{YEAR}/udtraedelse"): (f"{END}/udtraedelse", approves(400)),
    ("POST", f"{BASE}/aarsafslutning/<code>/{YEAR}/udlign"): (f"{END}/udlign", prepares(303)),
}

QUESTIONS: dict[str, int] = {
    f"{HERE}/planer": 9,
    f"{HERE}/planer/1": 10,
    f"{HERE}/priser": 7,
    PRICE: 26,
    f"{PRICE}/hvad-nu-hvis?cost=5": 70,
    f"{HERE}/aarsafslutning": 8,
    END.replace("2012", "2010"): 26,
}

PICTURES: list[tuple[str, str, str]] = [
    ("officer", f"{HERE}/planer", "planer"),
    ("newcomer", "/oekonomi/101/planer", "planer-tomt"),
    ("officer", f"{HERE}/planer/1", "plan"),
    ("approver", f"{HERE}/planer/1", "plan-godkend"),
    ("officer", f"{HERE}/priser", "priser"),
    ("newcomer", "/oekonomi/101/priser", "priser-tomt"),
    ("officer", PRICE, "pris"),
    ("officer", f"{PRICE}/hvad-nu-hvis?cost=5&without=492", "hvad-nu-hvis"),
    ("officer", f"{HERE}/aarsafslutning", "aarsafslutning"),
    ("newcomer", "/oekonomi/101/aarsafslutning", "aarsafslutning-tomt"),
    ("officer", END, "aarsafslutning-aabent"),
    ("approver", END.replace("2012", "2010"), "aarsafslutning-lukket"),
]


def prepare(database: Database) -> None:
    """What the pages show beside the demo's years."""
    with database.transaction() as connection:
        runs.plan_run(connection, RunScope(None, Month(2012, 6), demo_site.ODENSE), demo_site.occasion())
