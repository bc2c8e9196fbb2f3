"""What the rest of the house sees of a release: the year's wheel, and verification that finds planted faults."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest

from billing.deadline_status import Status, deadline_statuses
from billing.verify import verify
from foundation.database import Database
from tests.billing.runs.test_verify import Books
from tests.billing.usage.conftest import Desk
from tests.billing.usage.made import FUNEN, PLANTED_H1, PLANTED_H1_CORRECTED, PLANTED_H2

POSTGRESQL_IN_SOAK = True


def wheel(desk: Desk, day: date) -> list[tuple[Status, str]]:
    """The usage statements of 2009 as they stand on a day."""
    with desk.database.reading() as connection:
        found = deadline_statuses(connection, day, FUNEN, 2009)
    return [(one.status, one.evidence) for one in found if one.deadline.kind.value == "usage_statement"]


def test_the_wheel_knows_what_is_released(desk: Desk) -> None:
    assert wheel(desk, date(2009, 9, 1)) == [(Status.DUE_SOON, ""), (Status.WAITING, "")]
    desk.both("2009-H1", PLANTED_H1)
    desk.release("2009-H1")
    assert wheel(desk, date(2010, 3, 1)) == [(Status.DONE, "Frigivet 01.02.2010"), (Status.DUE_SOON, "")]
    assert wheel(desk, date(2010, 1, 31))[0] == (Status.DUE_SOON, "")
    desk.load("2009-H1", PLANTED_H1_CORRECTED)
    desk.release("2009-H1")
    assert wheel(desk, date(2010, 3, 1))[0] == (Status.DONE, "Frigivet 01.02.2010, rettet til udgave 2")


@pytest.fixture
def books(database: Database) -> Books:
    """Two half-years, their year and a correction."""
    desk = Desk(database)
    desk.both("2009-H1", PLANTED_H1)
    desk.release("2009-H1")
    desk.both("2009-H2", PLANTED_H2)
    desk.release("2009-H2")
    desk.release("2009")
    desk.load("2009-H1", PLANTED_H1_CORRECTED)
    desk.release("2009-H1")
    return Books(cast("Any", SimpleNamespace(database=database)))


OF_AEROE = "release_id = 1 AND residence = '492' AND measure = "


def test_verification_finds_what_is_planted(books: Books) -> None:
    with books.life.database.reading() as connection:
        assert [check.name for check in verify(connection, date(2010, 6, 1)) if not check.ok] == []
    changed = books.broken_by(f"UPDATE usage_figure SET counted = counted + 7 WHERE {OF_AEROE} 'sessions'")
    assert set(changed) == {"statements_follow_counts", "nothing_given_away"}
    assert "fyn-alkohol 2009-H1 udgave 1" in changed["statements_follow_counts"]
    counted = books.broken_by("UPDATE usage_count SET counted = counted + 7 WHERE residence = '420'")
    assert set(counted) == {"statements_follow_counts"}
    shown = books.broken_by(f"UPDATE usage_figure SET hidden = false, small = false WHERE {OF_AEROE} 'completed'")
    assert set(shown) == {"nothing_given_away"}
    assert "vist i en anden" in shown["nothing_given_away"]
    every = "UPDATE usage_figure SET hidden = false, small = false WHERE residence = '492'"
    assert "regnes ud" in books.broken_by(every)["nothing_given_away"]
