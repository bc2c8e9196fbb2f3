"""What the API answers where it says no: ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus

from flask import Response, g

from foundation.errors import BadInput, MellemregningError, N_, NotFound, Problems, RuleBroken
from portal.api.meter import TooManyCalls
from portal.language import _

PREFIX = "/api/v1"
PROBLEM = "application/problem+json"


class NotHere(NotFound):
    """Nothing has this address."""

    danish = N_("Der er ikke noget på denne adresse. Se adresserne i /api/v1/openapi.json.")


class ParameterWrong(BadInput):
    """Something in the address that is not what it should be."""

    danish = N_("«{name}» kan ikke være det, der står. {expected}.")


class BodyWrong(BadInput):
    """A body that is no JSON of the shape that is asked for."""

    danish = N_("Indholdet kan ikke bruges: {problem}. Intet er ændret.")


class BodyKindWrong(MellemregningError):
    """A body that does not say that it is JSON."""

    danish = N_("Send indholdet som JSON med «Content-Type: application/json». Intet er ændret.")


class IdempotencyKeyReused(RuleBroken):
    """The same key for something else."""

    danish = N_("Idempotency-Key «{key}» er brugt til noget andet. Brug en ny nøgle til hver ændring; intet er ændret.")


def problem(status: int, name: str, detail: str, facts: dict[str, object] | None = None) -> Response:
    """An answer that says what went wrong, for a program and for whoever reads its log.

    Args:
        status: The HTTP status.
        name: The broken rule's name.
        detail: A sentence.
        facts: What else a program may want.
    """
    content = {
        "type": f"urn:mellemregning:{name}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": f"urn:request:{g.get('request_id', '')}",
        **(facts or {}),
    }
    answer = Response(json.dumps(content, ensure_ascii=False), status, mimetype=PROBLEM)
    if status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def problem_of(error: MellemregningError, status: int) -> Response:
    """An error of ours; of a file with several mistakes each by itself, too."""
    facts: dict[str, object] = {"problems": list(error.problems)} if isinstance(error, Problems) else {}
    answer = problem(status, error.name, error.text(_), facts)
    if isinstance(error, TooManyCalls):
        answer.headers["Retry-After"] = str(error.facts["seconds"])
    return answer
