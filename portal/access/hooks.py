"""A municipality's web-hooks: made, listed, closed; within the caller's transaction, none commits."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import replace

from sqlalchemy import Connection

from agreements.agreement import MunicipalityCode
from exports.delivery.facts import ChannelKind, DeliveryTopic
from exports.delivery.rules import require_usable
from foundation import audit
from foundation import hooks as rows
from foundation.audit import Occasion
from foundation.errors import BadInput, N_, NotFound, RuleBroken
from foundation.hooks import EVENTS, HOOK_KEY, LONGEST_URL, Hook, secret_of

MOST_HOOKS = 10


class HooksNotSetUp(RuleBroken):
    """The key that secrets are derived by is not set, so that no call could be signed."""

    danish = N_("Web-hooks er ikke sat op her: den, der driver tjenesten, skal sætte {variable}. Intet er ændret.")


class HookUrlWrong(BadInput):
    """An address that nothing can be sent to."""

    danish = N_("Adressen kan ikke bruges. Skriv en adresse med https:// på højst {longest} tegn.")


class EventsWrong(BadInput):
    """No event, or one that there is not."""

    danish = N_("Vælg, hvad der skal fortælles: {events}.")


class TooManyHooks(RuleBroken):
    """More than anybody has systems."""

    danish = N_("Kommunen har allerede {most} web-hooks. Luk en, før der laves en ny.")


class HookUnknown(NotFound):
    """There is none with the number here."""

    danish = N_("Der er ingen web-hook {number} her.")


def hooks_at(connection: Connection, place: MunicipalityCode) -> list[Hook]:
    """The hooks of a municipality, also those that are closed."""
    return rows.hooks(connection, place, only_active=False)


def make_hook(  # noqa: PLR0913 - whose, where to, of what
    connection: Connection,
    place: MunicipalityCode,
    url: str,
    events: Collection[str],
    occasion: Occasion,
    *,
    environment: Mapping[str, str] | None = None,
) -> tuple[Hook, str]:
    """Have an address told of what happens to a municipality; answers the hook and its secret, which is kept nowhere.

    Args:
        connection: The transaction.
        place: Whose.
        url: https; of this machine also http.
        events: Some of ``EVENTS``.
        occasion: Who wants it.
        environment: Instead of the process's own.

    Raises:
        HooksNotSetUp, HookUrlWrong, ChannelNotUsable, EventsWrong, TooManyHooks.
    """
    hook_key = (os.environ if environment is None else environment).get(HOOK_KEY, "")
    if not hook_key:
        raise HooksNotSetUp(variable=HOOK_KEY)
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise HookUrlWrong(longest=LONGEST_URL)
    wanted = tuple(event for event in EVENTS if event in events)
    if not wanted or set(events) - set(EVENTS):
        raise EventsWrong(events=list(EVENTS))
    salt = secrets.token_hex(32)
    require_usable(ChannelKind.WEBHOOK, DeliveryTopic.EVENTS, {"url": url, "salt": salt})
    if len(rows.hooks(connection, place)) >= MOST_HOOKS:
        raise TooManyHooks(most=MOST_HOOKS)
    made = Hook(0, place, url, wanted, salt, True, occasion.actor, occasion.at.isoformat(timespec="seconds"))  # noqa: FBT003 - a row
    made = replace(made, id=rows.add_hook(connection, made))
    audit.record(
        connection,
        occasion,
        action="access.hook_made",
        subject=f"hook {made.id}",
        details={"municipality": place, "url": url, "events": list(wanted)},
    )
    return made, secret_of(hook_key, salt)


def close_hook(connection: Connection, place: MunicipalityCode, number: int, occasion: Occasion) -> Hook:
    """Tell it nothing any more.

    Raises:
        HookUnknown.
    """
    found = next((each for each in hooks_at(connection, place) if each.id == number), None)
    if found is None:
        raise HookUnknown(number=number)
    if found.active:
        rows.close_hook(connection, number)
        audit.record(
            connection,
            occasion,
            action="access.hook_closed",
            subject=f"hook {number}",
            details={"municipality": place},
        )
    return replace(found, active=False)
