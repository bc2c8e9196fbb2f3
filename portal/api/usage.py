"""Usage statements, as a program reads them: the municipality's own figures and the sums that all are shown."""

from __future__ import annotations

import re

from flask import Response

from billing.usage_statement import run as usage
from billing.usage_statement.facts import ALL, UsagePeriod
from billing.usage_statement.run import UsageNotReleased
from billing.usage_statement.store import ReleaseHead
from foundation.period import NotAPeriod
from portal import document_files
from portal.access.keys import Caller
from portal.api.doors import AGREEMENT, Json, file_response, operation, path_text
from portal.own_figures import address_of, own_statements, statement_file
from portal.pages import connection

PERIOD = re.compile(r"[0-9]{4}(-(H[12]|Q[1-4]|[0-9]{2}(_[0-9]{2})?))?", re.ASCII)


def said_release(head: ReleaseHead) -> Json:
    """A statement without its figures."""
    return {
        "agreement": head.agreement,
        "period": address_of(head.period),
        "edition": head.edition,
        "released_on": head.released_on.isoformat(),
    }


@operation("GET", "/statements", scope="statements:read", tag="Statements", answer="StatementPage")
def list_statements(caller: Caller) -> Json:
    """List the usage statements that the municipality gets.

    The newest edition of each period, the latest period first.
    """
    return {"items": [said_release(head) for head in own_statements(connection(), caller.place)], "next": None}


def one_statement(caller: Caller, code: str, period: str) -> tuple[ReleaseHead, UsagePeriod]:
    """One of them.

    Raises:
        NotHere, UsageNotReleased.
    """
    path_text(code, AGREEMENT)
    path_text(period, PERIOD)
    try:
        wanted = UsagePeriod.parse(period.replace("_", "/"))
    except (NotAPeriod, ValueError) as error:
        raise UsageNotReleased(agreement=code, period=period) from error
    for head in own_statements(connection(), caller.place):
        if (head.agreement, head.period) == (code, wanted):
            return head, wanted
    raise UsageNotReleased(agreement=code, period=period)


@operation("GET", "/statements/<code>/<period>", scope="statements:read", tag="Statements", answer="Statement")
def get_statement(caller: Caller, code: str, period: str) -> Json:
    """Read one statement's figures.

    The municipality's own, and `*` for all municipalities together. A hidden figure is null; which of them are small
    is not told.
    """
    head, wanted = one_statement(caller, code, period)
    found = usage.statement(connection(), code, wanted, head.edition)
    return {
        **said_release(head),
        "figures": [
            {
                "measure": key.measure.value,
                "service": key.service,
                "residence": key.residence,
                "count": figure.shown,
            }
            for key, figure in sorted(found.release.figures.items())
            if key.residence in {caller.place, ALL}
        ],
    }


@operation(
    "GET",
    "/statements/<code>/<period>/pdf",
    scope="statements:read",
    tag="Statements",
    media="application/pdf",
)
def get_statement_pdf(caller: Caller, code: str, period: str) -> Response:
    """Fetch one statement as PDF."""
    return _file(caller, code, period, "pdf")


@operation(
    "GET",
    "/statements/<code>/<period>/xlsx",
    scope="statements:read",
    tag="Statements",
    media=document_files.TYPES["xlsx"],
)
def get_statement_xlsx(caller: Caller, code: str, period: str) -> Response:
    """Fetch one statement as workbook."""
    return _file(caller, code, period, "xlsx")


def _file(caller: Caller, code: str, period: str, kind: str) -> Response:
    _head, wanted = one_statement(caller, code, period)
    name, content = statement_file(connection(), code, wanted, caller.place, kind)
    return file_response(content, name, document_files.TYPES[kind])
