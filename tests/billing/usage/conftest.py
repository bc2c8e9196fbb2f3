"""The Funen agreement and the verbs of usage, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from agreements import run as agreements
from billing.usage_statement import run as usage
from billing.usage_statement.facts import FigureKey, Measure, Release, Residence, UsagePeriod
from billing.usage_statement.guard import FileContent, admit
from billing.usage_statement.run import LoadAnswer, Target, UsageAudit
from foundation.audit import Occasion
from foundation.database import Database
from tests.billing.runs.conftest import FUNEN_TEXT
from tests.billing.usage.made import FUNEN, NOTHING, ODENSE, SVENDBORG, Numbers, counts_csv

Answer = TypeVar("Answer")
OCCASION = Occasion(date(2010, 2, 1), "prøven", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


class Desk:
    """One database with the agreement."""

    def __init__(self, database: Database, text: str = FUNEN_TEXT) -> None:
        self.database = database
        self.do(lambda connection: agreements.load_agreement(connection, "a.toml", text.encode(), OCCASION))

    def do(self, verb: Callable[[Connection], Answer]) -> Answer:
        with self.database.transaction() as connection:
            return verb(connection)

    def load(self, period: str, numbers: Mapping[str, Numbers], provider: str = ODENSE) -> LoadAnswer:
        return self.load_text(period, counts_csv(numbers).decode("utf-8-sig"), provider)

    def load_text(self, period: str, text: str, provider: str = ODENSE) -> LoadAnswer:
        """A file as it is written."""
        file = admit(FileContent("f.csv", text.encode()))
        target = Target(FUNEN, provider, UsagePeriod.parse(period))
        return self.do(lambda connection: usage.load_usage(connection, target, file, OCCASION))

    def both(self, period: str, odense: Mapping[str, Numbers], svendborg: Mapping[str, Numbers] = NOTHING) -> None:
        """Both providers' counts."""
        self.load(period, odense, ODENSE)
        self.load(period, svendborg, SVENDBORG)

    def release(self, period: str) -> UsageAudit:
        found, is_new = self.do(
            lambda connection: usage.release_usage(connection, FUNEN, UsagePeriod.parse(period), OCCASION)
        )
        assert is_new
        return found

    def audit(self, period: str, *, secondary: bool = True) -> UsageAudit:
        with self.database.reading() as connection:
            return usage.audit_usage(connection, FUNEN, UsagePeriod.parse(period), OCCASION.as_of, secondary=secondary)

    def released(self) -> list[Release]:
        with self.database.reading() as connection:
            return list(usage.list_usage(connection, FUNEN).releases)


def places(found: UsageAudit, cells: tuple[tuple[str, ...], ...]) -> set[str]:
    """Where cells stand, in words."""
    return {str(found.places[cell]) for cell in cells}


def figure(release: Release, measure: Measure, residence: Residence, service: str = "ambulant") -> int | None:
    """A figure as it was published."""
    assert FigureKey(measure, service, residence) in release.figures
    return release.shown(measure, service, residence)


@pytest.fixture(autouse=True)
def _no_long_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shown here is that a protection holds, not that it is the smallest; protection has its own tests."""
    monkeypatch.setattr(usage, "SEARCH_SECONDS", 1.0)


@pytest.fixture
def desk(database: Database) -> Desk:
    """The Funen agreement with half-years."""
    return Desk(database)
