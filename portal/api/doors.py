"""How a program's call comes in: by its key, within one transaction, once for each idempotency key.

A view is marked by ``operation``, which puts it into the application and into the OpenAPI document alike, so that
nothing is answered that is not written down.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any, TypeAlias

from flask import Response, current_app, g, request

from agreements.municipality import MUNICIPALITIES
from foundation import audit, tokens
from foundation.audit import Occasion
from foundation.database import hold
from foundation.period import FIRST_YEAR, LAST_YEAR
from foundation.tokens import AnswerRow
from portal.access import keys
from portal.access.keys import Caller
from portal.access.run import text_of
from portal.api import pages
from portal.api.meter import Meter
from portal.api.problems import IdempotencyKeyReused, NotHere, ParameterWrong
from portal.pages import Mark, connection, site, today

Json: TypeAlias = dict[str, Any]
KEPT_ANSWERS = timedelta(days=7)
DEFAULT_LIMIT, LARGEST_LIMIT = 50, 200
LONGEST_CURSOR = 80
LONGEST_TEXT = 1000
IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,100}", re.ASCII)
AGREEMENT = re.compile(r"[a-z0-9][a-z0-9-]{0,59}", re.ASCII)
NUMBER = re.compile(r"F[0-9]{4}-[0-9]{4,9}", re.ASCII)
PLACE = re.compile(r"[0-9]{3}", re.ASCII)
DIGITS = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something in the query of an address."""

    name: str
    says: str
    schema: Mapping[str, Any]
    example: Any = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that a program may do.

    Attributes:
        rule: The address below ``/api/v1``, as Flask writes it.
        answer: The schema's name of what is answered; empty for a file or for nothing.
        media: What a file is; ``application/json`` otherwise.
        body: The schema's name of what is sent.
        status: What is answered where it goes well.
        conflicts: A rule may say no (409).
        files: What a file that is sent may be; empty where none is.
    """

    name: str
    method: str
    rule: str
    scope: str
    tag: str
    summary: str
    says: str
    answer: str
    media: str
    body: str
    status: int
    query: tuple[Parameter, ...]
    conflicts: bool
    files: tuple[str, ...]


OPERATIONS: list[Operation] = []
METER = "api_meter"  # where the application has this worker's part of the counting of calls

LIMIT = Parameter(
    "limit",
    "How many at most.",
    {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT},
    DEFAULT_LIMIT,
)
AFTER = Parameter(
    "after",
    "Where the part before ended: its `next`.",
    {"type": "string", "maxLength": LONGEST_CURSOR},
)


@dataclass(frozen=True, slots=True)
class Made:
    """What a write answers.

    Attributes:
        secret: Shown this once and not kept for a repetition.
    """

    content: Json | None
    location: str = ""
    secret: Json = field(default_factory=dict)


def operation(  # noqa: PLR0913 - an operation has these parts
    method: str,
    rule: str,
    *,
    scope: str,
    tag: str,
    answer: str = "",
    media: str = "application/json",
    body: str = "",
    status: int = 200,
    query: Sequence[Parameter] = (),
    conflicts: bool = False,
    files: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Put a view into the application and into the document; its docstring is what the document says.

    Args:
        method: ``GET``, ``POST`` or ``DELETE``.
        rule: The address below ``/api/v1``.
        scope: What the key must be for.
        tag: Under which heading it stands.
        answer: The name of the schema that is answered.
        media: What a file is.
        body: The name of the schema that is sent.
        status: Where it goes well.
        query: What the address may say.
        conflicts: A rule may say no.
        files: The media types of a file that is sent.
    """

    def put(view: Callable[..., Any]) -> Callable[..., Response]:
        first, _line, rest = (view.__doc__ or "").strip().partition("\n")
        says = " ".join(rest.split())
        OPERATIONS.append(
            Operation(
                view.__name__,
                method,
                rule,
                scope,
                tag,
                first.rstrip("."),
                says,
                answer,
                media,
                body,
                status,
                tuple(query),
                conflicts,
                tuple(files),
            )
        )

        @functools.wraps(view)
        def called(**arguments: Any) -> Response:  # noqa: ANN401 - whatever the address holds
            header, at = request.headers.get("Authorization"), site().now()
            meter: Meter = current_app.extensions[METER]
            try:
                try:
                    return _called(view, method, scope, status, arguments, meter)
                except _CallsNeeded as needed:  # counted while no other transaction is open, and only then let in
                    meter.take_calls(site().database, needed.token, at)
                    return _called(view, method, scope, status, arguments, None)
            except keys.KeyRefused:
                if header:
                    meter.count_refusal(site().database, request.remote_addr or "", at)
                raise

        called.mark = Mark()  # type: ignore[attr-defined] # the key is asked for within
        pages.add_url_rule(rule, view.__name__, called, methods=[method])
        return called

    return put


class _CallsNeeded(Exception):
    """A key has no more of the calls that this worker took for it."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token


def _called(  # noqa: PLR0913, PLR0917 - an operation's own things
    view: Callable[..., Any],
    method: str,
    scope: str,
    status: int,
    arguments: Mapping[str, Any],
    meter: Meter | None,
) -> Response:
    """One call within one transaction.

    Raises:
        _CallsNeeded: some calls must be taken for the key first.
        TooManyCalls: there are no more.
    """
    database, at = site().database, site().now()
    with database.reading() if method == "GET" else database.transaction() as opened:
        caller = keys.caller_of(opened, request.headers.get("Authorization"), at)
        if meter is not None and not meter.has_call(str(caller.token.id), at):
            raise _CallsNeeded(str(caller.token.id))
        caller.require(scope)
        g.connection, g.person = opened, caller.person
        try:
            if method == "GET":
                return _read(view(caller, **arguments))
            return _written(caller, lambda: view(caller, **arguments), status)
        finally:
            g.pop("connection", None)


def _read(found: Json | Response) -> Response:
    """What was found, with a mark that changes when it does; nothing but the mark where the caller has it already."""
    answer = found if isinstance(found, Response) else json_response(found)
    answer.set_etag(hashlib.sha256(answer.get_data()).hexdigest()[:32])
    answer.make_conditional(request)
    return answer


def json_response(content: Json | None, status: int = 200) -> Response:
    """Content as JSON; nothing at all where there is none."""
    if content is None:
        return Response(status=status)
    return Response(json.dumps(content, ensure_ascii=False), status, mimetype="application/json")


def _written(caller: Caller, does: Callable[[], Made], status: int) -> Response:
    """Do it once for each key; the second time the first answer is given again, and nothing is done."""
    opened, at = connection(), site().now()
    key = request.headers.get("Idempotency-Key")
    address = request.full_path.rstrip("?")
    asked = hashlib.sha256(f"{request.method} {address}\n".encode() + request.get_data()).hexdigest()
    if key is not None:
        if not IDEMPOTENCY_KEY.fullmatch(key):
            raise ParameterWrong(name="Idempotency-Key", expected="1 til 100 synlige tegn uden mellemrum")
        hold(opened, f"api_answer {caller.token.id} {key}")
        before = tokens.find_answer(opened, caller.token.id, key)
        if before is not None:
            if before.request_hash != asked:
                raise IdempotencyKeyReused(key=key)
            again = _answer(AnswerRow(asked, before.status, before.location, before.body))
            again.headers["Idempotent-Replay"] = "true"
            return again
    made = does()
    kept = AnswerRow(
        asked, status, made.location, json.dumps(made.content, ensure_ascii=False) if made.content is not None else ""
    )
    audit.record(
        opened,
        occasion(),
        action="api.called",
        subject=f"key {caller.token.id}",
        details={"method": request.method, "path": request.path, "municipality": caller.place},
    )
    if key is not None:
        tokens.forget_answers(opened, text_of(at - KEPT_ANSWERS))
        tokens.keep_answer(opened, caller.token.id, key, kept, text_of(at))
    if made.secret:
        shown = json.dumps({**(made.content or {}), **made.secret}, ensure_ascii=False)
        return _answer(AnswerRow(asked, status, made.location, shown))
    return _answer(kept)


def _answer(row: AnswerRow) -> Response:
    answer = Response(row.body or None, row.status, mimetype="application/json" if row.body else None)
    if not row.body:
        answer.headers.pop("Content-Type", None)
    if row.location:
        answer.headers["Location"] = row.location
    return answer


def occasion() -> Occasion:
    """This call, for the audit trail: in the name of the key's person."""
    return Occasion(today(), g.person.login, site().now())


# What a call says, taken only where it is what it should be.


def limit() -> int:
    """How many are asked for.

    Raises:
        ParameterWrong.
    """
    text = request.args.get("limit")
    if text is None:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) or not 1 <= int(text) <= LARGEST_LIMIT:
        raise ParameterWrong(name="limit", expected=f"Et helt tal fra 1 til {LARGEST_LIMIT}")
    return int(text)


def cursor(pattern: str) -> str | None:
    """Where the part before ended.

    Raises:
        ParameterWrong.
    """
    text = request.args.get("after")
    if text is None:
        return None
    if not re.fullmatch(pattern, text, re.ASCII):
        raise ParameterWrong(name="after", expected="Brug «next» fra svaret før")
    return text


def dated_cursor() -> tuple[str, int] | None:
    """A day and a row where the part before ended.

    Raises:
        ParameterWrong.
    """
    text = cursor(r"[0-9]{4}-[0-9]{2}-[0-9]{2}_[1-9][0-9]{0,14}")
    if text is None:
        return None
    day, _sign, row = text.partition("_")
    try:
        date.fromisoformat(day)
    except ValueError as error:
        raise ParameterWrong(name="after", expected="Brug «next» fra svaret før") from error
    return day, int(row)


def one_of(name: str, *values: str) -> str | None:
    """A word of the query.

    Raises:
        ParameterWrong.
    """
    text = request.args.get(name)
    if text is not None and text not in values:
        raise ParameterWrong(name=name, expected=f"Et af: {', '.join(values)}")
    return text


def year_asked() -> int | None:
    """A year of the query.

    Raises:
        ParameterWrong.
    """
    text = request.args.get("year")
    if text is None:
        return None
    return year_of(text)


def year_of(text: str) -> int:
    """A year that we know.

    Raises:
        ParameterWrong.
    """
    if not re.fullmatch(r"[0-9]{4}", text, re.ASCII) or not FIRST_YEAR <= int(text) <= LAST_YEAR:
        raise ParameterWrong(name="year", expected=f"Et år fra {FIRST_YEAR} til {LAST_YEAR}")
    return int(text)


def path_text(text: str, pattern: re.Pattern[str]) -> str:
    """A part of the address.

    Raises:
        NotHere: nothing can have such an address.
    """
    if not pattern.fullmatch(text):
        raise NotHere
    return text


def path_place(text: str) -> str:
    """A municipality's code in an address.

    Raises:
        NotHere.
    """
    if path_text(text, PLACE) not in MUNICIPALITIES:
        raise NotHere
    return text


def path_number(text: str) -> int:
    """A number in an address.

    Raises:
        NotHere.
    """
    return int(path_text(text, DIGITS))


def file_response(content: bytes, name: str, mimetype: str) -> Response:
    """A file with its name."""
    answer = Response(content, HTTPStatus.OK, mimetype=mimetype)
    answer.headers.set("Content-Disposition", "attachment", filename=re.sub(r"[^0-9A-Za-z ._-]", "-", name))
    return answer
