"""What makes pages quick changes nothing of what they say; and a page asks as much of many documents as of few."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks.portal import NOT_IN_THE_DATA, NOT_PAGES, Measured, addresses
from billing.deadline_status import deadline_statuses
from billing.monthly_run.store import open_plans
from billing.payment import store as payment_store
from foundation.database import Database
from tests.databases import PostgresDatabases, SqliteDatabases
from tests.portal import demo_site
from tests.portal.test_routes import TABLE


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lived(request: pytest.FixtureRequest) -> Iterator[Database]:
    kind = "sqlite" if request.param == "sqlite" else "postgres"
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"{kind}_databases")
    with databases.upgraded() as url, demo_site.lived(url) as database:
        yield database


def test_a_document_is_as_open_by_itself_as_among_all(lived: Database) -> None:
    with lived.reading() as connection:
        among_all = payment_store.open_items(connection, demo_site.ODENSE)
        assert len(among_all) > 250
        credited = [item for item in among_all if item.credits]
        assert credited
        for item in [*credited, *among_all[::40]]:
            assert payment_store.open_items(connection, demo_site.ODENSE, numbers=[item.number]) == [item]
        assert payment_store.open_items(connection, "420", numbers=["F2008-0001"]) == []
        assert payment_store.open_items(connection, demo_site.ODENSE, numbers=[]) == []


@pytest.mark.parametrize("year", [None, 2009, 2011])
def test_the_wheel_stands_the_same_without_who_did_it(lived: Database, year: int | None) -> None:
    with lived.reading() as connection:
        told = deadline_statuses(connection, demo_site.TODAY, "fyn-alkohol", year)
        quick = deadline_statuses(connection, demo_site.TODAY, "fyn-alkohol", year, who=False)
    assert any(each.done_by for each in told)
    assert not any(each.done_by for each in quick)
    assert [replace(each, done_by=(), changed_at=told[0].changed_at) for each in told] == [
        replace(each, changed_at=told[0].changed_at) for each in quick
    ]


def test_no_plan_is_open_where_all_are_issued(lived: Database) -> None:
    with lived.reading() as connection:
        assert open_plans(connection, demo_site.ODENSE, 20) == []


LOGIN = 303


def test_every_page_that_somebody_reads_is_measured() -> None:
    """A new page needs a line in the benchmark, or a word there that it is no page."""
    what = Measured(issuer="461", payer="420", number="F2009-0001", code="fyn-alkohol", plan=1, interest_plan=1)
    readable = {
        route for (method, route), (_address, answered) in TABLE.items() if method == "GET" and answered[0] == LOGIN
    }
    assert {route for route, _ in addresses(what)} == readable - NOT_PAGES - NOT_IN_THE_DATA
    assert readable >= NOT_PAGES | NOT_IN_THE_DATA
    assert not any("<" in address for address in addresses(what).values())
