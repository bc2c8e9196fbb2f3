"""The OpenAPI 3.1 document: made of the operations, so that it says what is there, with an example of each answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version

from flask import Response, request

from foundation.hooks import EVENTS
from portal.access.keys import SCOPES
from portal.api import pages
from portal.api.described import EXAMPLES, INSTANT, MUNICIPALITY, SCHEMAS, TEXT, Schema, named, whole
from portal.api.doors import (
    AGREEMENT,
    DIGITS,
    IDEMPOTENCY_KEY,
    NUMBER,
    OPERATIONS,
    PLACE,
    Operation,
)
from portal.api.problems import PREFIX, PROBLEM
from portal.pages import anybody

PATH: Mapping[str, tuple[str, Schema, str]] = {
    "code": (
        "The agreement's code.",
        {"type": "string", "pattern": f"^{AGREEMENT.pattern}$"},
        "fyn-alkohol",
    ),
    "year": ("The year.", {"type": "string", "pattern": "^[0-9]{4}$"}, "2009"),
    "issuer": ("The issuer's code.", {"type": "string", "pattern": f"^{PLACE.pattern}$"}, "461"),
    "number": ("The number.", {"type": "string", "pattern": f"^{DIGITS.pattern}$"}, "1"),
    "municipality": ("The municipality's code.", {"type": "string", "pattern": f"^{PLACE.pattern}$"}, "420"),
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
    415: "The body is of another kind than is read here.",
    429: "Too many calls within a minute, or too many with keys that open nothing; wait as long as `Retry-After` says.",
    503: "The database does not answer; try again.",
}


def _problem(status: int) -> Schema:
    answer: Schema = {
        "description": WHY[status],
        "content": {PROBLEM: {"schema": named("Problem"), "example": {**EXAMPLES["Problem"], "status": status}}},
    }
    if status == 401:  # noqa: PLR2004 - HTTP's own number
        answer["headers"] = {"WWW-Authenticate": {"schema": TEXT, "required": True}}
    if status == 429:  # noqa: PLR2004 - HTTP's own number
        answer["headers"] = {
            "Retry-After": {"schema": {"type": "integer"}, "required": True, "description": "Seconds to wait."}
        }
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
    failing = [400, 401, 403, 404, 429, 503]
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
    if one.files:
        found["requestBody"] = {
            "required": True,
            "description": "The file as it is.",
            "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in one.files},
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
            "takes an `Idempotency-Key`. A file is the body as it is, and its `Content-Type` says what it is; with "
            "`preview` it is only said what would be done. Errors are `application/problem+json`. Too many calls in a "
            "minute are answered 429 with `Retry-After`.",
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


@lru_cache(maxsize=1)
def written() -> bytes:
    """All of it as it is sent."""
    return json.dumps(document(), ensure_ascii=False).encode()


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
    answer = Response(written(), mimetype="application/json")
    answer.add_etag()
    answer.make_conditional(request)
    return answer
