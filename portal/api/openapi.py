"""The OpenAPI 3.1 document: made of the operations, so that it says what is there, with an example of each answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from flask import Response, request

from billing.deadline_status import Status
from billing.invoice.facts import ClaimKind, DocumentType, LineKind
from billing.monthly_run.facts import PlanState, PlanWarning
from billing.usage_statement.facts import Measure
from exports.delivery.facts import ChannelKind, DeliveryState
from foundation.hooks import EVENTS
from portal.access.keys import SCOPES
from portal.api import pages
from portal.api.doors import (
    AGREEMENT,
    DIGITS,
    IDEMPOTENCY_KEY,
    LONGEST_TEXT,
    NUMBER,
    OPERATIONS,
    PLACE,
    Operation,
)
from portal.api.problems import PREFIX, PROBLEM
from portal.pages import anybody

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
OERE: Schema = {"type": "integer", "description": "Øre, a hundredth of a krone."}
FLAG: Schema = {"type": "boolean"}
DAY: Schema = {"type": "string", "format": "date"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
MUNICIPALITY: Schema = {"type": "string", "pattern": f"^{PLACE.pattern}$", "description": "The municipality's code."}
MONTH: Schema = {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}
PLAIN: Schema = {"type": "string", "maxLength": LONGEST_TEXT}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    return {"oneOf": [schema, {"type": "null"}]}


def several(schema: Schema) -> Schema:
    """A list of it."""
    return {"type": "array", "items": schema}


def whole(**properties: Schema) -> Schema:
    """An object with exactly these."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def some(**properties: Schema) -> Schema:
    """What is sent: an object with at most these."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def words(kind: type) -> Schema:
    """One of an enumeration's."""
    return {"type": "string", "enum": [str(each.value) for each in kind]}  # type: ignore[attr-defined]


def named(name: str) -> Schema:
    """A schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


HEAD = {
    "issuer": MUNICIPALITY,
    "number": {"type": "string", "pattern": f"^{NUMBER.pattern}$"},
    "subscriber": MUNICIPALITY,
    "document_type": words(DocumentType),
    "kind": words(ClaimKind),
    "agreement": maybe(TEXT),
    "title": TEXT,
    "period_from": DAY,
    "issue_date": DAY,
    "due_date": DAY,
    "amount_oere": OERE,
    "internal": FLAG,
    "provisional": FLAG,
    "credited_by": maybe(TEXT),
}
LINE = whole(
    agreement=TEXT,
    provider=MUNICIPALITY,
    service=TEXT,
    kind=words(LineKind),
    text=TEXT,
    accounting_year=WHOLE,
    amount_oere=OERE,
    version=maybe(WHOLE),
)
NOT_BILLED = whole(agreement=TEXT, month=MONTH, subscriber=maybe(MUNICIPALITY), error=TEXT, message=TEXT)
PLAN_HEAD = {
    "number": WHOLE,
    "agreement": maybe(TEXT),
    "month": maybe(MONTH),
    "as_of": DAY,
    "planned_by": TEXT,
    "four_eyes": FLAG,
    "state": words(PlanState),
    "hash": TEXT,
    "events": several(whole(state=words(PlanState), on=DAY, actor=TEXT, note=TEXT)),
    "failed": several(NOT_BILLED),
}
PLANNED = whole(
    agreement=TEXT,
    month=MONTH,
    subscriber=MUNICIPALITY,
    amount_oere=OERE,
    previous_oere=maybe(OERE),
    internal=FLAG,
    change=TEXT,
    warnings=several(words(PlanWarning)),
)
STATEMENT_HEAD = {"agreement": TEXT, "period": TEXT, "edition": WHOLE, "released_on": DAY}
HOOK = {
    "number": WHOLE,
    "url": TEXT,
    "events": several({"type": "string", "enum": list(EVENTS)}),
    "active": FLAG,
    "made_by": TEXT,
    "made_at": INSTANT,
}

SCHEMAS: dict[str, Schema] = {
    "Agreement": whole(
        code={"type": "string", "pattern": f"^{AGREEMENT.pattern}$"},
        title=TEXT,
        legal_basis=TEXT,
        starts_on=DAY,
        ends_on=maybe(DAY),
        issuer=MUNICIPALITY,
        providers=several(MUNICIPALITY),
        services=several(whole(code=TEXT, title=TEXT)),
        members=several(whole(municipality=MUNICIPALITY, from_year=WHOLE, to_year=maybe(WHOLE))),
        roles=several({"type": "string", "enum": ["issuer", "provider", "subscriber"]}),
    ),
    "Price": whole(
        agreement=TEXT,
        year=WHOLE,
        version=WHOLE,
        reference_date=DAY,
        cost_oere=OERE,
        weights=WHOLE,
        told_on=maybe(DAY),
        parts=several(
            whole(
                municipality=MUNICIPALITY,
                population=WHOLE,
                weight=WHOLE,
                share_oere=OERE,
                passed_on_oere=OERE,
                obligation_oere=OERE,
            )
        ),
    ),
    "Deadline": whole(
        agreement=TEXT,
        year=WHOLE,
        kind=TEXT,
        for_month=maybe(MONTH),
        due_on=DAY,
        title=TEXT,
        clause=TEXT,
        status=maybe(words(Status)),
    ),
    "InvoiceHead": whole(**HEAD),
    "Invoice": whole(**HEAD, period_to=DAY, note=TEXT, credits=maybe(TEXT), lines=several(LINE)),
    "OpenItem": whole(
        issuer=MUNICIPALITY,
        number=TEXT,
        subscriber=MUNICIPALITY,
        due_date=DAY,
        amount_oere=OERE,
        settled_oere=OERE,
        open_oere=OERE,
    ),
    "Payment": whole(
        number=WHOLE,
        account=TEXT,
        booked_on=DAY,
        value_date=DAY,
        amount_oere=OERE,
        applied_oere=OERE,
        left_oere=OERE,
        bank_reference=TEXT,
        payer=maybe(MUNICIPALITY),
    ),
    "Delivery": whole(
        id=TEXT,
        recipient=TEXT,
        subject=TEXT,
        channel=words(ChannelKind),
        state=words(DeliveryState),
        attempts=WHOLE,
        due_at=maybe(INSTANT),
        history=several(whole(state=words(DeliveryState), at=INSTANT, reached=TEXT, detail=TEXT)),
    ),
    "PlanHead": whole(**PLAN_HEAD),
    "Plan": whole(
        **PLAN_HEAD,
        total_oere=OERE,
        documents=several(PLANNED),
        missing=several(whole(rule=TEXT, message=TEXT, bills=WHOLE)),
    ),
    "Issue": whole(
        plan=WHOLE,
        issued=several(whole(issuer=MUNICIPALITY, number=TEXT, subscriber=MUNICIPALITY, amount_oere=OERE)),
        failed=several(NOT_BILLED),
    ),
    "StatementHead": whole(**STATEMENT_HEAD),
    "Statement": whole(
        **STATEMENT_HEAD,
        figures=several(whole(measure=words(Measure), service=TEXT, residence=TEXT, count=maybe(WHOLE))),
    ),
    "HookHead": whole(**HOOK),
    "Hook": {**whole(**HOOK, secret=TEXT), "required": list(HOOK)},
    "Problem": {
        "type": "object",
        "properties": {
            "type": {"type": "string", "description": "urn:mellemregning: and the broken rule's name."},
            "title": TEXT,
            "status": WHOLE,
            "detail": {"type": "string", "description": "A sentence, Danish unless the service speaks English."},
            "instance": {"type": "string", "description": "urn:request: and the request's id, as in the log."},
        },
        "required": ["type", "title", "status", "detail", "instance"],
    },
    "PlanWish": some(agreement=maybe({"type": "string", "pattern": f"^{AGREEMENT.pattern}$"}), month=maybe(MONTH)),
    "Approval": some(note=maybe(PLAIN), hash=maybe({"type": "string", "maxLength": 64})),
    "Note": some(note=maybe(PLAIN)),
    "Nothing": some(),
    "HookWish": {
        **some(
            url={"type": "string", "format": "uri", "maxLength": 500},
            events={
                "type": "array",
                "items": {"type": "string", "enum": list(EVENTS)},
                "minItems": 1,
                "default": list(EVENTS),
            },
        ),
        "required": ["url"],
    },
}
PAGES = {
    "AgreementPage": "Agreement",
    "PricePage": "Price",
    "DeadlinePage": "Deadline",
    "InvoicePage": "InvoiceHead",
    "OpenItemPage": "OpenItem",
    "PaymentPage": "Payment",
    "DeliveryPage": "Delivery",
    "PlanPage": "PlanHead",
    "StatementPage": "StatementHead",
    "HookPage": "HookHead",
}
SCHEMAS |= {page: whole(items=several(named(item)), next=maybe(TEXT)) for page, item in PAGES.items()}

_HEAD_EXAMPLE = {
    "issuer": "461",
    "number": "F2008-0001",
    "subscriber": "420",
    "document_type": "invoice",
    "kind": "aconto",
    "agreement": "fyn-alkohol",
    "title": "A conto januar 2009",
    "period_from": "2009-01-01",
    "issue_date": "2008-12-15",
    "due_date": "2009-01-14",
    "amount_oere": 19420282,
    "internal": False,
    "provisional": False,
    "credited_by": None,
}
_PLAN_EXAMPLE: Schema = {
    "number": 12,
    "agreement": None,
    "month": None,
    "as_of": "2008-12-15",
    "planned_by": "anna@eksempel.dk",
    "four_eyes": True,
    "state": "planned",
    "hash": "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c",
    "events": [],
    "failed": [],
}
_STATEMENT_EXAMPLE = {"agreement": "fyn-alkohol", "period": "2009-H1", "edition": 1, "released_on": "2009-08-14"}
_HOOK_EXAMPLE = {
    "number": 1,
    "url": "https://oekonomi.eksempel.dk/mellemregning",
    "events": list(EVENTS),
    "active": True,
    "made_by": "anna@eksempel.dk",
    "made_at": "2008-12-01T08:00:00+00:00",
}
EXAMPLES: dict[str, Any] = {
    "Agreement": {
        "code": "fyn-alkohol",
        "title": "Aftale om drift af tilbud om vederlagsfri behandling for alkoholmisbrug",
        "legal_basis": "Sundhedsloven § 141, stk. 3",
        "starts_on": "2009-01-01",
        "ends_on": None,
        "issuer": "461",
        "providers": ["461", "479"],
        "services": [{"code": "ambulant", "title": "Ambulant alkoholbehandling"}],
        "members": [{"municipality": "420", "from_year": 2009, "to_year": None}],
        "roles": ["subscriber"],
    },
    "Price": {
        "agreement": "fyn-alkohol",
        "year": 2009,
        "version": 1,
        "reference_date": "2008-01-01",
        "cost_oere": 2466733333,
        "weights": 445136,
        "told_on": "2008-05-30",
        "parts": [
            {
                "municipality": "420",
                "population": 42054,
                "weight": 42054,
                "share_oere": 233043392,
                "passed_on_oere": 0,
                "obligation_oere": 233043392,
            }
        ],
    },
    "Deadline": {
        "agreement": "fyn-alkohol",
        "year": 2009,
        "kind": "advance_invoice",
        "for_month": "2009-01",
        "due_on": "2008-12-15",
        "title": "A conto regning for januar 2009 sendes",
        "clause": "§ 7 stk. 1",
        "status": None,
    },
    "InvoiceHead": _HEAD_EXAMPLE,
    "Invoice": {
        **_HEAD_EXAMPLE,
        "period_to": "2009-01-31",
        "note": "",
        "credits": None,
        "lines": [
            {
                "agreement": "fyn-alkohol",
                "provider": "461",
                "service": "ambulant",
                "kind": "share",
                "text": "Andel, januar 2009",
                "accounting_year": 2009,
                "amount_oere": 19420282,
                "version": 1,
            }
        ],
    },
    "OpenItem": {
        "issuer": "461",
        "number": "F2008-0001",
        "subscriber": "420",
        "due_date": "2009-01-14",
        "amount_oere": 19420282,
        "settled_oere": 0,
        "open_oere": 19420282,
    },
    "Payment": {
        "number": 7,
        "account": "00000000000000",
        "booked_on": "2009-01-14",
        "value_date": "2009-01-14",
        "amount_oere": 19420282,
        "applied_oere": 19420282,
        "left_oere": 0,
        "bank_reference": "B-1",
        "payer": "420",
    },
    "Delivery": {
        "id": "document/461/F2008-0001",
        "recipient": "420",
        "subject": "Faktura F2008-0001 til Assens Kommune",
        "channel": "http",
        "state": "accepted",
        "attempts": 1,
        "due_at": None,
        "history": [
            {
                "state": "handed_over",
                "at": "2008-12-15T10:00:00+00:00",
                "reached": "https://adgangspunkt.eksempel.dk/",
                "detail": "HTTP 200",
            }
        ],
    },
    "PlanHead": _PLAN_EXAMPLE,
    "Plan": {
        **_PLAN_EXAMPLE,
        "total_oere": 19420282,
        "documents": [
            {
                "agreement": "fyn-alkohol",
                "month": "2009-01",
                "subscriber": "420",
                "amount_oere": 19420282,
                "previous_oere": None,
                "internal": False,
                "change": "",
                "warnings": ["first_month"],
            }
        ],
        "missing": [],
    },
    "Issue": {
        "plan": 12,
        "issued": [{"issuer": "461", "number": "F2008-0001", "subscriber": "420", "amount_oere": 19420282}],
        "failed": [],
    },
    "StatementHead": _STATEMENT_EXAMPLE,
    "Statement": {
        **_STATEMENT_EXAMPLE,
        "figures": [
            {"measure": "started", "service": "ambulant", "residence": "420", "count": 12},
            {"measure": "completed", "service": "ambulant", "residence": "420", "count": None},
        ],
    },
    "HookHead": _HOOK_EXAMPLE,
    "Hook": {**_HOOK_EXAMPLE, "secret": "64 hexadecimal digits, shown this once"},
    "PlanWish": {"month": "2009-01"},
    "Approval": {"note": "Set efter", "hash": _PLAN_EXAMPLE["hash"]},
    "Note": {"note": "Budgettet rettes først"},
    "Nothing": {},
    "HookWish": {"url": "https://oekonomi.eksempel.dk/mellemregning", "events": ["document.issued"]},
    "Problem": {
        "type": "urn:mellemregning:InvoiceUnknown",
        "title": "Not Found",
        "status": 404,
        "detail": "Der er intet bilag F2008-0001.",
        "instance": "urn:request:0123456789abcdef",
    },
}
EXAMPLES |= {page: {"items": [EXAMPLES[item]], "next": None} for page, item in PAGES.items()}

PATH: Mapping[str, tuple[str, Schema, str]] = {
    "code": (
        "The agreement's code.",
        {"type": "string", "pattern": f"^{AGREEMENT.pattern}$"},
        "fyn-alkohol",
    ),
    "year": ("The year.", {"type": "string", "pattern": "^[0-9]{4}$"}, "2009"),
    "issuer": ("The issuer's code.", {"type": "string", "pattern": f"^{PLACE.pattern}$"}, "461"),
    "number": ("The number.", {"type": "string", "pattern": f"^{DIGITS.pattern}$"}, "1"),
    "period": (
        "A half-year `2009-H1`, a quarter `2009-Q3`, a month `2009-01`, months `2009-01_04` or a year `2009`.",
        {"type": "string", "pattern": "^[0-9]{4}(-(H[12]|Q[1-4]|[0-9]{2}(_[0-9]{2})?))?$"},
        "2009-H1",
    ),
}
INVOICE_NUMBER = ("The document's number.", {"type": "string", "pattern": f"^{NUMBER.pattern}$"}, "F2008-0001")
WHY = {
    400: "Something in the call is not what it should be; nothing is changed.",
    401: "The key is missing, unknown, ended, or its person is closed.",
    403: "The key or its person may not do this.",
    404: "There is none, or it is another municipality's.",
    409: "A rule says no; nothing is changed.",
    413: "The body is too large.",
    415: "The body is no JSON.",
    503: "The database does not answer; try again.",
}


def _problem(status: int) -> Schema:
    answer: Schema = {
        "description": WHY[status],
        "content": {PROBLEM: {"schema": named("Problem"), "example": {**EXAMPLES["Problem"], "status": status}}},
    }
    if status == 401:  # noqa: PLR2004 - HTTP's own number
        answer["headers"] = {"WWW-Authenticate": {"schema": TEXT, "required": True}}
    return answer


def _content(one: Operation) -> Schema:
    if one.answer:
        return {one.media: {"schema": named(one.answer), "example": EXAMPLES[one.answer]}}
    return {one.media: {"schema": {}}}


def _operation(one: Operation) -> Schema:
    parameters: list[Schema] = []
    for name in re.findall(r"<(\w+)>", one.rule):
        of_invoice = name == "number" and "<issuer>" in one.rule
        says, schema, example = INVOICE_NUMBER if of_invoice else PATH[name]
        parameters.append(
            {"name": name, "in": "path", "required": True, "description": says, "schema": schema, "example": example}
        )
    for query in one.query:
        said: Schema = {"name": query.name, "in": "query", "description": query.says, "schema": query.schema}
        parameters.append(said if query.example is None else {**said, "example": query.example})
    good: Schema = {"description": one.summary}
    failing = [400, 401, 403, 404, 503]
    reads = one.method == "GET"
    if one.status != 204:  # noqa: PLR2004 - HTTP's own number
        good["content"] = _content(one)
    answers = {str(one.status): good}
    if reads:
        good["headers"] = {"ETag": {"schema": TEXT, "required": True, "description": "Send it as `If-None-Match`."}}
        parameters.append(
            {
                "name": "If-None-Match",
                "in": "header",
                "description": "An `ETag` of before; 304 is answered where it still holds.",
                "schema": TEXT,
            }
        )
        answers["304"] = {"description": "Unchanged."}
    else:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "A key of your own for this change. Repeated with the same content within seven days, "
                "nothing is done again and the first answer is given again.",
                "schema": {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY.pattern}$"},
                "example": "plan-2009-01",
            }
        )
        headers = {
            "Idempotent-Replay": {"schema": {"type": "string", "enum": ["true"]}, "description": "A repetition."}
        }
        good["headers"] = headers if one.status != 201 else {**headers, "Location": {"schema": TEXT}}  # noqa: PLR2004
        failing += [409, 413, 415]
    if one.conflicts and 409 not in failing:  # noqa: PLR2004
        failing.append(409)
    answers |= {str(status): _problem(status) for status in sorted(failing)}
    found: Schema = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": one.summary,
        "description": f"{one.says}\n\nScope: `{one.scope}`.".strip(),
        "security": [{"key": []}],
        "parameters": parameters,
        "responses": answers,
    }
    if one.body:
        found["requestBody"] = {
            "required": "required" in SCHEMAS[one.body],
            "content": {"application/json": {"schema": named(one.body), "example": EXAMPLES[one.body]}},
        }
    return found


@lru_cache(maxsize=1)
def document() -> Schema:
    """All of it."""
    paths: dict[str, Schema] = {}
    for one in OPERATIONS:
        address = re.sub(r"<(\w+)>", r"{\1}", one.rule)
        paths.setdefault(address, {})[one.method.lower()] = _operation(one)
    scopes = ", ".join(f"`{scope}`" for scope in SCOPES)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mellemregning",
            "version": version("mellemregning"),
            "description": "Bills between Danish municipalities. A key is of one municipality and one person, and "
            f"shows and does what that person may there. Scopes: {scopes}. Amounts are øre as integers, days ISO 8601. "
            "A listing answers `next`, to be sent as `after`, until it is null. Every GET has an `ETag`; every write "
            "takes an `Idempotency-Key`. Errors are `application/problem+json`.",
        },
        "servers": [{"url": PREFIX}],
        "paths": paths,
        "webhooks": {
            event: {
                "post": {
                    "summary": event,
                    "description": "Signed; see `POST /hooks`.",
                    "requestBody": {
                        "content": {"application/json": {"schema": named("Event"), "example": _event(event)}}
                    },
                    "responses": {"2XX": {"description": "Got it."}},
                }
            }
            for event in EVENTS
        },
        "components": {
            "schemas": {**SCHEMAS, "Event": EVENT},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "mr_…"}},
        },
    }


EVENT = whole(
    id=TEXT,
    event={"type": "string", "enum": list(EVENTS)},
    municipality=MUNICIPALITY,
    at=INSTANT,
    data={"type": "object"},
)


def _event(event: str) -> Schema:
    data = {
        "document.issued": {"issuer": "461", "number": "F2008-0001"},
        "document.delivered": {"issuer": "461", "number": "F2008-0001", "state": "handed_over", "channel": "http"},
        "statement.released": {"agreement": "fyn-alkohol", "period": "2009-H1", "edition": 1},
    }[event]
    return {
        "id": f"hook/1/{event}/1",
        "event": event,
        "municipality": "461",
        "at": "2008-12-15T10:00:00+00:00",
        "data": data,
    }


@pages.get("/openapi.json")
@anybody
def openapi() -> Response:
    """What a program may do, for programs; it needs no key."""
    answer = Response(json.dumps(document(), ensure_ascii=False), mimetype="application/json")
    answer.add_etag()
    answer.make_conditional(request)
    return answer
