"""One round of delivery: take what is due, hand it over, note it, until nothing is due.

Taking and noting are transactions of their own and the handing over lies between them: nothing is sent before the
commit that issued it, and no lock is held while another machine is waited for.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import uuid4

from exports.delivery import run as deliveries
from exports.delivery.channels import Carrier
from exports.delivery.facts import Claimed, DeliveryState, Parcel, Tried
from foundation import clock
from foundation.database import Database, DatabaseUnavailable
from portal.language import _

LOG = logging.getLogger("mellemregning.delivery")


def deliver(
    database: Database,
    *,
    now: Callable[[], datetime] = clock.now,
    carrier: Carrier | None = None,
    environment: Mapping[str, str] | None = None,
) -> Counter[DeliveryState]:
    """Send everything that is due; any number of these may run at once on one database.

    Args:
        database: Whose outbox.
        now: The instant; a test passes a clock of its own.
        carrier: The ways out; else ours, with the secrets of the environment.
        environment: Instead of the process's own.

    Returns:
        How many tries came to what.

    Raises:
        DatabaseUnavailable: what was noted stays; the rest is tried again when its lease has ended.
    """
    who = f"{socket.gethostname()[:15]}-{uuid4().hex[:20]}"
    done: Counter[DeliveryState] = Counter()
    with carrier or Carrier(os.environ if environment is None else environment) as ways:
        first = True
        while True:
            taken_at = now()
            with database.transaction() as connection:
                claimed = deliveries.take(connection, taken_at, who, new=first)
            first = False
            if not claimed:
                return done
            _try_each(database, ways, claimed, now, who, done)


def _try_each(  # noqa: PLR0913, PLR0917 - a round's own things
    database: Database,
    ways: Carrier,
    claimed: list[Claimed],
    now: Callable[[], datetime],
    who: str,
    done: Counter[DeliveryState],
) -> None:
    until = now() + deliveries.LEASE - deliveries.SPARE
    for each in claimed:
        if now() > until:  # too slow to try the rest before another may take them
            with database.transaction() as connection:
                deliveries.release(connection, who)
            return
        tried = _tried(database, ways, each)
        with database.transaction() as connection:
            done[deliveries.note(connection, each, tried, now(), who)] += 1


def _tried(database: Database, ways: Carrier, each: Claimed) -> Tried:
    """One try; a fault of ours with one delivery does not keep the others from leaving."""
    try:
        with database.reading() as connection:
            (parcel,) = deliveries.pack(connection, [each])
        return ways.hand_over(each.channel, parcel) if isinstance(parcel, Parcel) else parcel
    except DatabaseUnavailable:
        raise
    except Exception as error:
        LOG.exception(_("En uventet fejl."), extra={"event": "delivery.error", "facts": {"key": each.key}})
        return Tried(handed_over=False, reached="", detail=f"{type(error).__name__}: {error}")
