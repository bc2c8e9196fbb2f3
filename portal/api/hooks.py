"""Web-hooks, as a program sets them up for its municipality."""

from __future__ import annotations

from foundation.hooks import EVENTS, Hook
from portal.access import hooks
from portal.access.keys import Caller
from portal.api.bodies import sent
from portal.api.doors import Json, Made, occasion, operation, path_number
from portal.api.problems import PREFIX
from portal.pages import connection


def said_hook(value: Hook) -> Json:
    """A hook without its secret."""
    return {
        "number": value.id,
        "url": value.url,
        "events": list(value.events),
        "active": value.active,
        "made_by": value.made_by,
        "made_at": value.made_at,
    }


@operation("GET", "/hooks", scope="hooks:manage", tag="Web-hooks", answer="HookPage")
def list_hooks(caller: Caller) -> Json:
    """List the municipality's web-hooks."""
    return {"items": [said_hook(each) for each in hooks.hooks_at(connection(), caller.place)], "next": None}


@operation(
    "POST",
    "/hooks",
    scope="hooks:manage",
    tag="Web-hooks",
    answer="Hook",
    body="HookWish",
    status=201,
    conflicts=True,
)
def make_hook(caller: Caller) -> Made:
    """Have an address told of what happens.

    Each call is signed: `Mellemregning-Signature: t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>">` with the
    `secret`, which is shown this once. Refuse calls whose `t` is more than five minutes old. A call that is not
    answered with 2xx is tried again for about a day and a half, with the same `Idempotency-Key`.
    """
    wish = sent(url=str, events=list)
    made, secret = hooks.make_hook(
        connection(), caller.place, wish.get("url", ""), wish.get("events", list(EVENTS)), occasion()
    )
    return Made(said_hook(made), f"{PREFIX}/hooks/{made.id}", {"secret": secret})


@operation("DELETE", "/hooks/<number>", scope="hooks:manage", tag="Web-hooks", status=204)
def close_hook(caller: Caller, number: str) -> Made:
    """Tell an address nothing any more."""
    hooks.close_hook(connection(), caller.place, path_number(number), occasion())
    return Made(None)
