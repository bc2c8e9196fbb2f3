"""How often a key may call, by minutes, over several workers and at once; and who comes with keys that open nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from foundation import call_counts, clock
from foundation.database import Database
from foundation.settings import Settings
from portal.access import keys
from portal.access import run as access
from portal.api.meter import PARTS, Meter, TooManyCalls
from portal.app import create_app
from portal.pages import EXTENSION
from portal.web_settings import CallsNotANumber, WebSettings
from tests.portal import demo_site
from tests.portal.api.conftest import Program

AT = datetime(2026, 1, 2, 8, 0, 10, tzinfo=UTC)


def let_in(meter: Meter, database: Database, calls: int, key: str = "1", at: datetime = AT) -> int:
    """How many of some calls are let in, one after the other."""
    count = 0
    for _ in range(calls):
        try:
            if not meter.has_call(key, at):
                meter.take_calls(database, key, at)
        except TooManyCalls:
            continue
        count += 1
    return count


@pytest.mark.parametrize("limit", [1, 7, 20, 45])
def test_one_worker_lets_in_the_limit_exactly(database: Database, limit: int) -> None:
    meter = Meter(limit, 0)
    assert let_in(meter, database, limit + 25) == limit
    assert let_in(meter, database, 3, key="2") == min(3, limit)  # another key has its own
    assert let_in(meter, database, limit + 5, at=AT + timedelta(minutes=1)) == limit


def test_several_workers_let_in_no_more_than_the_limit(database: Database) -> None:
    limit, workers = 60, [Meter(60, 0) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda each: let_in(workers[each % 4], database, 40), range(8)))
    part = limit // PARTS
    assert limit - (len(workers) - 1) * (part - 1) <= sum(counts) <= limit


def test_a_call_costs_no_write_but_every_so_often(database: Database) -> None:
    meter = Meter(600, 0)
    assert let_in(meter, database, 31) == 31
    with database.reading() as connection:
        (row,) = connection.execute(text("SELECT calls FROM api_call_count")).all()
    assert row.calls == 60  # two takings of a twentieth


def test_no_limit_is_counted_nowhere(database: Database) -> None:
    assert let_in(Meter(0, 0), database, 500) == 500
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM api_call_count")).scalar_one() == 0


def test_a_clock_that_is_behind_lets_in_less_not_more(database: Database) -> None:
    ahead, behind = Meter(40, 0), Meter(40, 0)
    assert let_in(ahead, database, 40, at=AT + timedelta(minutes=1)) == 40
    assert let_in(behind, database, 40) == 0


def test_what_was_counted_is_forgotten_after_a_day(database: Database) -> None:
    let_in(Meter(40, 0), database, 1, key="old")
    let_in(Meter(40, 0), database, 1, key="new", at=AT + timedelta(days=2))
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM api_call_count")).scalar_one() == 1


def test_counting_adds(database: Database) -> None:
    with database.transaction() as connection:
        sums = [call_counts.add_calls(connection, "x", minute, 3) for minute in (10, 10, 11, 10)]
    assert sums == [3, 6, 3, 6]


def test_whoever_cannot_count_refuses_nobody() -> None:
    broken = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    try:
        Meter(5, 0).take_calls(broken, "1", AT)
    finally:
        broken.dispose()


@dataclass
class Served:
    """An application with narrow limits, whose clock a test moves."""

    app: Flask
    program: Program
    other: Program
    number: int
    at: list[datetime]


@pytest.fixture
def served(database: Database) -> Iterator[Served]:
    url = database.url.render_as_string(hide_password=False)
    at: list[datetime] = [clock.now().replace(second=15, microsecond=0)]
    app = create_app(
        Settings(database_url=url, actor="test"),
        WebSettings(plain_http=True, api_calls=5, api_refusals=3),
        now=lambda: at[0],
        day=lambda: demo_site.TODAY,
    )
    made = []
    with database.transaction() as connection:
        access.add_user(connection, "anna", demo_site.occasion(), demo_site.PASSWORD)
        access.set_roles(connection, "anna", "461", ["officer"], demo_site.occasion())
        for name in ("en", "to"):
            number, token = keys.make_key(
                connection, "anna", "461", name, ["plans:read", "plans:prepare"], demo_site.occasion()
            )
            made.append((number, Program(app, token)))
    yield Served(app, made[0][1], made[1][1], made[0][0], at)
    app.extensions[EXTENSION].close()


def test_a_key_that_calls_too_often_is_told_to_wait(served: Served) -> None:
    assert [served.program.call("GET", "/plans").status_code for _ in range(7)] == [200] * 5 + [429] * 2
    refused = served.program.call("GET", "/plans")
    told = json.loads(refused.text)
    assert (refused.status_code, refused.mimetype, told["status"]) == (429, "application/problem+json", 429)
    assert (told["type"], refused.headers["Retry-After"]) == ("urn:mellemregning:TooManyCalls", "45")
    assert served.other.call("GET", "/plans").status_code == 200  # another key of the same person
    served.at[0] += timedelta(seconds=45)
    assert served.program.call("GET", "/plans").status_code == 200


def test_a_write_that_is_refused_does_nothing(served: Served, database: Database) -> None:
    for _ in range(5):
        served.program.call("GET", "/plans")
    assert served.program.call("POST", "/plans", {}, Idempotency_Key="en").status_code == 429
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM api_answer")).scalar_one() == 0
        actions = connection.execute(text("SELECT action FROM audit_event")).scalars().all()
    assert "api.called" not in actions
    served.at[0] += timedelta(minutes=1)
    # The same key of its own is still free, and the write is one call.
    assert served.program.call("POST", "/plans", {}, Idempotency_Key="en").status_code in {201, 409}


def test_another_worker_counts_with_us(served: Served, database: Database) -> None:
    other = Meter(5, 0)
    assert let_in(other, database, 3, key=str(served.number), at=served.at[0]) == 3
    assert [served.program.call("GET", "/plans").status_code for _ in range(4)] == [200, 200, 429, 429]


def test_keys_that_open_nothing_are_counted_by_address(served: Served) -> None:
    nobody = Program(served.app, "mr_opener-ingenting")
    assert [nobody.call("GET", "/plans").status_code for _ in range(5)] == [401] * 3 + [429] * 2
    assert served.program.call("GET", "/plans").status_code == 200  # a good key from the same address
    elsewhere = served.app.test_client().get(
        "/api/v1/plans",
        headers={"Authorization": "Bearer mr_opener-ingenting"},
        environ_base={"REMOTE_ADDR": "192.0.2.7"},
    )
    assert elsewhere.status_code == 401
    assert Program(served.app, None).call("GET", "/plans").status_code == 401  # no key at all


@pytest.mark.parametrize("said", ["-1", "1.5", "mange", "10000000", "²"])
def test_what_is_no_number_of_calls(said: str) -> None:
    with pytest.raises(CallsNotANumber):
        WebSettings.from_environment({"MELLEMREGNING_API_CALLS": said})


def test_limits_from_the_environment() -> None:
    said = WebSettings.from_environment({"MELLEMREGNING_API_CALLS": "0", "MELLEMREGNING_API_REFUSALS": "7"})
    assert (said.api_calls, said.api_refusals) == (0, 7)
    assert WebSettings.from_environment({}).api_calls == 600
