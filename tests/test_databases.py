"""The test databases themselves: every test has its own, and both engines take part."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from tests import postgres


@pytest.mark.parametrize("time", ["first", "second"])
def test_every_test_has_an_empty_database_of_its_own(database_url: str, time: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        assert inspect(connection).get_table_names() == [], time
        connection.execute(text("CREATE TABLE left_behind (id INTEGER)"))
    engine.dispose()


def test_a_server_of_our_own_is_reached_by_its_socket_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(postgres.ADDRESS, raising=False)
    try:
        with postgres.running_postgres() as url:
            engine = create_engine(url)
            with engine.connect() as connection:
                assert connection.execute(text("SHOW listen_addresses")).scalar_one() == ""
            engine.dispose()
            folder = url.partition("host=")[2]
            assert Path(folder).exists()
        assert not Path(folder).exists()
    except postgres.NoPostgres as why:
        pytest.skip(f"no PostgreSQL: {why}")
