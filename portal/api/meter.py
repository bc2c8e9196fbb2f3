"""How often a key may call, and how often an address may come with keys that open nothing.

Counted by clock minutes in one row of the database, so that all workers count together. A worker takes some calls at a
time from there and lets them in without asking again: a call costs no write, and never more than the limit are let in.
What another worker took and did not use is lost until the minute is over, so a key may be refused a little early.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from foundation import call_counts
from foundation.database import Database, DatabaseUnavailable
from foundation.errors import MellemregningError, N_
from portal.access.run import fingerprint

SECONDS = 60
PARTS = 20  # of the limit, taken at a time


class TooManyCalls(MellemregningError):
    """More calls within a minute than are let in."""

    danish = N_("Der er kaldt for mange gange; højst {calls} gange i minuttet. Vent {seconds} sekunder, og prøv igen.")


@dataclass(slots=True)
class _Taken:
    minute: int
    left: int = 0
    is_over: bool = False


@dataclass
class Meter:
    """One worker's part of the counting.

    Attributes:
        calls: How many calls a key has in a minute; 0 for no limit.
        refusals: How many refused calls an address has; 0 for no limit.
    """

    calls: int
    refusals: int
    _taken: dict[str, _Taken] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def has_call(self, token: str, at: datetime) -> bool:
        """Use one of the calls that were taken for a key; False where some must be taken first.

        Raises:
            TooManyCalls: there are no more in this minute.
        """
        return self._use(fingerprint(f"calls {token}"), at, self.calls)

    def take_calls(self, database: Database, token: str, at: datetime) -> None:
        """Take some calls for a key, and use one; in a transaction of its own, while no other is open.

        Raises:
            TooManyCalls.
        """
        self._take(database, fingerprint(f"calls {token}"), at, self.calls, max(1, self.calls // PARTS))

    def count_refusal(self, database: Database, address: str, at: datetime) -> None:
        """Note that an address came with a key that opens nothing; each is counted.

        Raises:
            TooManyCalls: it has come too often; it is told to wait instead.
        """
        who = fingerprint(f"refusals {address}")
        if not self._use(who, at, self.refusals):
            self._take(database, who, at, self.refusals, 1)

    def _use(self, who: str, at: datetime, limit: int) -> bool:
        minute = _minute(at)
        with self._lock:
            if not limit:
                return True
            known = self._taken.get(who)
            if known is None or known.minute != minute:
                return False
            if known.left:
                known.left -= 1
                return True
            if known.is_over:
                raise TooManyCalls(calls=limit, seconds=_seconds_left(at))
            return False

    def _take(self, database: Database, who: str, at: datetime, limit: int, part: int) -> None:
        minute = _minute(at)
        try:
            with database.transaction() as connection:
                counted = call_counts.add_calls(connection, who, minute, part)
                if counted == part:  # the first of the minute
                    call_counts.forget_calls(connection, minute)
        except DatabaseUnavailable:
            return  # whoever cannot count refuses nobody: what is called for says itself that the database is gone
        granted = min(part, max(0, limit - (counted - part)))
        with self._lock:
            if any(each.minute != minute for each in self._taken.values()):
                self._taken = {key: each for key, each in self._taken.items() if each.minute == minute}
            known = self._taken.setdefault(who, _Taken(minute))
            known.left += granted
            known.is_over = granted < part
            if not known.left:
                raise TooManyCalls(calls=limit, seconds=_seconds_left(at))
            known.left -= 1


def _minute(at: datetime) -> int:
    return math.floor(at.timestamp()) // SECONDS


def _seconds_left(at: datetime) -> int:
    return SECONDS - math.floor(at.timestamp()) % SECONDS
