"""Where a document's amounts come from, its workbook, and the taking back of it, whole or by line."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from flask import Response, request

from billing.invoice import run as invoices
from portal import document_files
from portal.access.keys import Caller
from portal.access.scope import issued_document
from portal.api.agreed import one_agreement
from portal.api.bodies import XLSX, Each, needed, sent
from portal.api.described import MUNICIPALITY, OERE, PLAIN, TEXT, WHOLE, describe, maybe, several, some, whole
from portal.api.documents import one_document, said_document
from portal.api.doors import (
    NUMBER,
    Json,
    Made,
    Parameter,
    file_response,
    occasion,
    operation,
    path_place,
    path_text,
    year_of,
)
from portal.api.problems import PREFIX, BodyWrong, NotHere, ParameterWrong
from portal.pages import connection

WHO = Parameter(
    "municipality",
    "Whose; the issuer asks for anybody's, a payer for its own.",
    MUNICIPALITY,
    "420",
)
LARGEST_LINE = 10_000

describe(
    "InvoiceDerivation",
    whole(
        issuer=MUNICIPALITY,
        number=TEXT,
        credits=maybe(TEXT),
        credited_by=maybe(TEXT),
        lines=several(
            whole(line=WHOLE, agreement=TEXT, text=TEXT, amount_oere=OERE, version=maybe(WHOLE), left_oere=OERE)
        ),
        shares=several(
            whole(
                agreement=TEXT,
                year=WHOLE,
                version=WHOLE,
                cost_oere=OERE,
                weight=WHOLE,
                weights=WHOLE,
                share_oere=OERE,
                instalments=WHOLE,
            )
        ),
    ),
    {
        "issuer": "461",
        "number": "F2008-0001",
        "credits": None,
        "credited_by": None,
        "lines": [
            {
                "line": 1,
                "agreement": "fyn-alkohol",
                "text": "Andel, januar 2009",
                "amount_oere": 19420282,
                "version": 1,
                "left_oere": 19420282,
            }
        ],
        "shares": [
            {
                "agreement": "fyn-alkohol",
                "year": 2009,
                "version": 1,
                "cost_oere": 2466733333,
                "weight": 42054,
                "weights": 445136,
                "share_oere": 233043392,
                "instalments": 12,
            }
        ],
    },
)
describe(
    "CreditWish",
    {
        **some(
            reason=PLAIN,
            lines=maybe(several({**some(line=WHOLE, amount_oere=maybe(OERE)), "required": ["line"]})),
        ),
        "required": ["reason"],
    },
    {"reason": "Fejl i perioden", "lines": [{"line": 1, "amount_oere": 100000}]},
)


@operation(
    "GET",
    "/invoices/<issuer>/<number>/derivation",
    scope="invoices:read",
    tag="Invoices",
    answer="InvoiceDerivation",
)
def get_invoice_derivation(caller: Caller, issuer: str, number: str) -> Json:
    """Read where a document's amounts come from.

    Each share by the price's version that its lines name: weight of all weights of what the year costs, cut into
    instalments. `left_oere` is what of a line is not credited yet.
    """
    document = one_document(caller, issuer, number)
    left = invoices.left_of(connection(), document.number, issuer)
    return {
        "issuer": issuer,
        "number": document.number,
        "credits": document.credits,
        "credited_by": document.credited_by,
        "lines": [
            {
                "line": position,
                "agreement": line.agreement,
                "text": line.text,
                "amount_oere": line.amount_oere,
                "version": line.version,
                "left_oere": left.get(position, 0),
            }
            for position, line in enumerate(document.lines, start=1)
        ],
        "shares": [
            {
                "agreement": each.agreement,
                "year": each.year,
                "version": each.version,
                "cost_oere": each.cost_oere,
                "weight": each.weight,
                "weights": each.weights,
                "share_oere": each.share_oere,
                "instalments": each.months,
            }
            for each in document_files.explained(connection(), document)
        ],
    }


@operation(
    "GET",
    "/invoices/<issuer>/<number>/xlsx",
    scope="invoices:read",
    tag="Invoices",
    media=XLSX,
    conflicts=True,
)
def get_invoice_workbook(caller: Caller, issuer: str, number: str) -> Response:
    """Fetch what a document bills as a workbook.

    One that joins several agreements has none (409).
    """
    document = one_document(caller, issuer, number)
    content = document_files.workbook_of(connection(), document)
    return file_response(content, f"{document_files.stem(document)}.xlsx", XLSX)


@operation(
    "GET",
    "/agreements/<code>/specifications/<year>",
    scope="invoices:read",
    tag="Invoices",
    media=XLSX,
    query=(WHO,),
)
def get_specification(caller: Caller, code: str, year: str) -> Response:
    """Fetch what a municipality was billed for a year in an agreement, as a workbook."""
    from exports.excel import run as workbooks  # noqa: PLC0415 - slow to import, and only here

    agreed, wanted = one_agreement(caller.place, code), year_of(year)
    who = request.args.get("municipality", caller.place)
    try:
        path_place(who)
    except NotHere as error:
        raise ParameterWrong(name="municipality", expected="En kommunes kode") from error
    if caller.place not in {who, agreed.issuer}:
        raise NotHere
    first, last = date(wanted, 1, 1), date(wanted, 12, 31)
    with tempfile.TemporaryDirectory() as folder:
        path = workbooks.write_specification(connection(), code, who, first, last, Path(folder))
        return file_response(path.read_bytes(), path.name, XLSX)


@operation(
    "POST",
    "/invoices/<issuer>/<number>/credit",
    scope="invoices:credit",
    tag="Invoices",
    answer="Invoice",
    body="CreditWish",
    status=201,
    conflicts=True,
)
def credit_invoice(caller: Caller, issuer: str, number: str) -> Made:
    """Credit a document that the municipality issued; answers the credit note.

    All that is left of it, or of some of its lines, each whole where no amount is named. The reason stands on the
    credit note.
    """
    path_text(number, NUMBER)
    if path_place(issuer) != caller.place:
        raise NotHere
    document = issued_document(connection(), issuer, number)
    wish = sent(reason=str, lines=Each({"line": int, "amount_oere": int}))
    (reason,) = needed(wish, "reason")
    lines: dict[int, int | None] | None = None
    if "lines" in wish:
        lines = {}
        for each in wish["lines"]:
            (line,) = needed(each, "line")
            if line in lines or not 1 <= line <= LARGEST_LINE:
                raise BodyWrong(problem=f"linje {line} er nævnt to gange eller findes ikke")
            lines[line] = each.get("amount_oere")
        if not lines:
            raise BodyWrong(problem="lines er tom; udelad den for at kreditere det hele")
    made = invoices.credit_document(
        connection(), document.number, reason=reason, occasion=occasion(), issuer=issuer, lines=lines
    )
    return Made(said_document(made), f"{PREFIX}/invoices/{issuer}/{made.number}")
