"""The audit trail of an issuer, with a search; for auditors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import render_template, url_for

from foundation.audit import KeptEvent
from portal.access.scope import Deed
from portal.finance import pages
from portal.finance.asked import day_of, small_number, text_of
from portal.issuer_work import search_trail
from portal.language import _
from portal.pages import connection, who_may

SHOWN = 50


@pages.get("/revisionsspor")
@who_may(Deed.AUDIT)
def trail(place: str) -> str:
    """Who did what to what, newest first."""
    asked = {name: text_of(name, 100) for name in ("q", "actor", "action", "since", "until")}
    found, last = _search(place, asked)
    kept: dict[str, Any] = {name: value for name, value in asked.items() if value}
    before = small_number(text_of("before", 12))
    return render_template(
        "finance/trail.html",
        events=[(event, list(_told(event.details))) for event in found],
        asked=asked,
        is_filtered=bool(kept),
        first=url_for("finance.trail", place=place, **kept) if before else None,
        following=url_for("finance.trail", place=place, **kept, before=last) if last else None,
    )


def _search(place: str, asked: dict[str, str]) -> tuple[list[KeptEvent], int | None]:
    """A page of what fits, and where to go on."""
    return search_trail(
        connection(),
        place,
        SHOWN,
        before=small_number(text_of("before", 12)),
        words=asked["q"],
        actor=asked["actor"],
        action=asked["action"],
        since=day_of("since", _("Fra")) if asked["since"] else None,
        until=day_of("until", _("Til")) if asked["until"] else None,
    )


def _told(details: str) -> Iterator[tuple[str, str]]:
    """What an event says, by name, each shortened to what a person reads."""
    said = json.loads(details)
    for name, value in said.items() if isinstance(said, dict) else ():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield str(name), text if len(text) <= SHOWN * 6 else text[: SHOWN * 6] + " …"
