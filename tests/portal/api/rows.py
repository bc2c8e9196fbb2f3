"""Who is answered what: a row for each operation of the API."""

from __future__ import annotations

CALLERS = ("nobody", "officer", "approver", "reader", "auditor", "payer", "neighbour")
READS = (401, 200, 200, 200, 200, 200, 200)
OF_ODENSE_AND_ASSENS = (401, 200, 200, 200, 200, 200, 404)
OF_ODENSE = (401, 200, 200, 200, 200, 404, 404)  # what the issuer alone is shown
NOT_THERE = (401, 404, 404, 404, 404, 404, 404)


def prepares(officer: int, neighbour: int) -> tuple[int, ...]:
    """Those who prepare are answered so; the neighbour, who may everything at home, otherwise."""
    return (401, officer, 403, 403, 403, 403, neighbour)


def approves(approver: int, neighbour: int) -> tuple[int, ...]:
    """The same for those who approve."""
    return (401, 403, approver, 403, 403, 403, neighbour)


# (method, rule) -> (an address, what each of CALLERS is answered without a body)
TABLE: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {
    ("GET", "/agreements"): ("/agreements", READS),
    ("POST", "/agreements"): ("/agreements", prepares(415, 415)),
    ("GET", "/agreements/<code>"): ("/agreements/fyn-alkohol", READS),
    ("GET", "/agreements/<code>/toml"): ("/agreements/fyn-alkohol/toml", OF_ODENSE),
    ("POST", "/agreements/<code>/members"): ("/agreements/fyn-alkohol/members", prepares(400, 404)),
    ("POST", "/agreements/<code>/leavers"): ("/agreements/fyn-alkohol/leavers", prepares(400, 404)),
    ("GET", "/agreements/<code>/budgets"): ("/agreements/fyn-alkohol/budgets", OF_ODENSE),
    ("POST", "/agreements/<code>/budgets"): ("/agreements/fyn-alkohol/budgets", prepares(415, 404)),
    ("GET", "/agreements/<code>/accounts"): ("/agreements/fyn-alkohol/accounts", OF_ODENSE),
    ("POST", "/agreements/<code>/accounts"): ("/agreements/fyn-alkohol/accounts", prepares(415, 404)),
    ("GET", "/population"): ("/population", READS),
    ("POST", "/population"): ("/population", prepares(415, 415)),
    ("GET", "/population/<municipality>"): ("/population/420", READS),
    ("GET", "/agreements/<code>/prices"): ("/agreements/fyn-alkohol/prices", READS),
    ("GET", "/agreements/<code>/prices/<year>"): ("/agreements/fyn-alkohol/prices/2009", READS),
    ("POST", "/agreements/<code>/prices/<year>"): ("/agreements/fyn-alkohol/prices/2012", prepares(200, 404)),
    ("POST", "/agreements/<code>/prices/<year>/notice"): (
        "/agreements/fyn-alkohol/prices/2012/notice",
        prepares(200, 404),
    ),
    ("GET", "/agreements/<code>/prices/<year>/derivation"): ("/agreements/fyn-alkohol/prices/2009/derivation", READS),
    ("GET", "/agreements/<code>/prices/<year>/xlsx"): ("/agreements/fyn-alkohol/prices/2009/xlsx", OF_ODENSE),
    ("GET", "/agreements/<code>/forecasts/<year>"): ("/agreements/fyn-alkohol/forecasts/2013", READS),
    ("GET", "/agreements/<code>/specifications/<year>"): ("/agreements/fyn-alkohol/specifications/2009", READS),
    ("GET", "/agreements/<code>/results"): ("/agreements/fyn-alkohol/results", READS),
    ("GET", "/agreements/<code>/results/<year>"): ("/agreements/fyn-alkohol/results/2009", READS),
    ("POST", "/agreements/<code>/results/<year>"): ("/agreements/fyn-alkohol/results/2009", approves(409, 404)),
    ("POST", "/agreements/<code>/results/<year>/release"): (
        "/agreements/fyn-alkohol/results/2009/release",
        approves(400, 404),
    ),
    ("GET", "/agreements/<code>/results/<year>/xlsx"): ("/agreements/fyn-alkohol/results/2009/xlsx", OF_ODENSE),
    ("GET", "/agreements/<code>/decisions"): ("/agreements/fyn-alkohol/decisions", OF_ODENSE),
    ("GET", "/agreements/<code>/exits"): ("/agreements/fyn-alkohol/exits", READS),
    ("POST", "/agreements/<code>/exits"): ("/agreements/fyn-alkohol/exits", approves(400, 404)),
    ("GET", "/agreements/<code>/clearing/<year>"): ("/agreements/fyn-alkohol/clearing/2009", OF_ODENSE),
    ("POST", "/agreements/<code>/clearing/<year>"): ("/agreements/fyn-alkohol/clearing/2009", prepares(200, 404)),
    ("GET", "/agreements/<code>/usage"): ("/agreements/fyn-alkohol/usage", OF_ODENSE),
    ("POST", "/agreements/<code>/usage/<period>"): ("/agreements/fyn-alkohol/usage/2009-H1", prepares(400, 404)),
    ("POST", "/agreements/<code>/usage-columns"): ("/agreements/fyn-alkohol/usage-columns", prepares(400, 404)),
    ("POST", "/agreements/<code>/notices/demand"): (
        "/agreements/fyn-alkohol/notices/demand",
        prepares(400, 400),
    ),
    ("POST", "/agreements/<code>/notices/leave"): ("/agreements/fyn-alkohol/notices/leave", approves(400, 400)),
    ("GET", "/deadlines"): ("/deadlines", READS),
    ("GET", "/deadlines.ics"): ("/deadlines.ics", READS),
    ("GET", "/invoices"): ("/invoices", READS),
    ("GET", "/invoices/<issuer>/<number>"): ("/invoices/461/F2008-0001", OF_ODENSE_AND_ASSENS),
    ("GET", "/invoices/<issuer>/<number>/pdf"): ("/invoices/461/F2008-0001/pdf", OF_ODENSE_AND_ASSENS),
    ("GET", "/invoices/<issuer>/<number>/xml"): ("/invoices/461/F2008-0001/xml", OF_ODENSE_AND_ASSENS),
    ("GET", "/invoices/<issuer>/<number>/xlsx"): ("/invoices/461/F2008-0001/xlsx", OF_ODENSE_AND_ASSENS),
    ("GET", "/invoices/<issuer>/<number>/derivation"): (
        "/invoices/461/F2008-0001/derivation",
        OF_ODENSE_AND_ASSENS,
    ),
    ("POST", "/invoices/<issuer>/<number>/credit"): ("/invoices/461/F2008-0001/credit", approves(400, 404)),
    ("GET", "/open-items"): ("/open-items", READS),
    ("GET", "/payments"): ("/payments", READS),
    ("POST", "/payments"): ("/payments", prepares(415, 415)),
    ("GET", "/payments/suggestions"): ("/payments/suggestions", READS),
    ("POST", "/payments/match"): ("/payments/match", prepares(200, 409)),
    ("GET", "/matches"): ("/matches", READS),
    ("POST", "/matches"): ("/matches", prepares(409, 409)),
    ("GET", "/matches/<number>"): ("/matches/999", NOT_THERE),
    ("POST", "/matches/<number>/undo"): ("/matches/999/undo", prepares(404, 404)),
    ("GET", "/interest-rates"): ("/interest-rates", READS),
    ("POST", "/interest-rates"): ("/interest-rates", prepares(400, 409)),
    ("GET", "/interest-plans"): ("/interest-plans", READS),
    ("POST", "/interest-plans"): ("/interest-plans", prepares(400, 400)),
    ("GET", "/interest-plans/<number>"): ("/interest-plans/999", NOT_THERE),
    ("POST", "/interest-plans/<number>/approve"): ("/interest-plans/999/approve", approves(404, 404)),
    ("POST", "/interest-plans/<number>/issue"): ("/interest-plans/999/issue", approves(404, 404)),
    ("POST", "/interest-plans/<number>/stop"): ("/interest-plans/999/stop", approves(404, 404)),
    ("GET", "/deliveries"): ("/deliveries", READS),
    ("POST", "/deliveries"): ("/deliveries", prepares(400, 400)),
    ("POST", "/deliveries/retry"): ("/deliveries/retry", prepares(400, 400)),
    ("POST", "/deliveries/receipts"): ("/deliveries/receipts", prepares(415, 415)),
    ("GET", "/notices"): ("/notices", READS),
    ("POST", "/notices/<number>/answer"): ("/notices/999/answer", prepares(400, 400)),
    ("GET", "/plans"): ("/plans", READS),
    ("GET", "/plans/<number>"): ("/plans/1", NOT_THERE),  # the demo makes none
    ("POST", "/plans"): ("/plans", prepares(201, 201)),
    ("POST", "/plans/<number>/approve"): ("/plans/999/approve", approves(404, 404)),
    ("POST", "/plans/<number>/issue"): ("/plans/999/issue", approves(404, 404)),
    ("POST", "/plans/<number>/stop"): ("/plans/999/stop", prepares(404, 404)),
    ("GET", "/statements"): ("/statements", READS),
    ("GET", "/statements/<code>/<period>"): ("/statements/fyn-alkohol/2009-H1", NOT_THERE),  # none is released
    ("GET", "/statements/<code>/<period>/pdf"): ("/statements/fyn-alkohol/2009-H1/pdf", NOT_THERE),
    ("GET", "/statements/<code>/<period>/xlsx"): ("/statements/fyn-alkohol/2009-H1/xlsx", NOT_THERE),
    ("POST", "/statements/<code>/<period>/release"): ("/statements/fyn-alkohol/2009-H1/release", approves(404, 404)),
    ("GET", "/hooks"): ("/hooks", prepares(200, 200)),
    ("POST", "/hooks"): ("/hooks", prepares(400, 400)),
    ("DELETE", "/hooks/<number>"): ("/hooks/999", prepares(404, 404)),
    ("GET", "/audit"): ("/audit", (401, 403, 403, 403, 200, 403, 403)),
}
