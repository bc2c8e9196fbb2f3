"""The audit trail: each event holds the hash of the one before, and a broken link is found at its place."""

from __future__ import annotations

import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from foundation.audit import Occasion, broken_link, record
from foundation.database import Database

POSTGRESQL_IN_SOAK = True

AT = datetime(2009, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
OCCASION = Occasion(date(2009, 1, 1), "Åse", AT)


def record_one(database: Database, subject: str) -> None:
    with database.transaction() as connection:
        record(connection, OCCASION, action="prøve.gjort", subject=subject, details={"beløb_oere": -5, "å": [1, None]})


@pytest.fixture
def five(database: Database) -> Database:
    """Five events."""
    for number in range(1, 6):
        record_one(database, f"nr. {number}")
    return database


def broken(database: Database) -> int | None:
    with database.reading() as connection:
        return broken_link(connection)


def plant(database: Database, statement: str, **values: object) -> None:
    """Change the trail as nobody may."""
    with database.transaction() as connection:
        if database.is_sqlite:
            connection.execute(text("DROP TRIGGER append_only_audit_event_update"))
            connection.execute(text("DROP TRIGGER append_only_audit_event_delete"))
        else:
            connection.execute(text("DROP TRIGGER append_only_audit_event ON audit_event"))
        connection.execute(text(statement), values)


def test_an_empty_trail_is_whole(database: Database) -> None:
    assert broken(database) is None


def test_the_chain_by_hand(five: Database) -> None:
    assert broken(five) is None
    with five.reading() as connection:
        rows = connection.execute(text("SELECT previous_hash, hash, subject FROM audit_event ORDER BY id")).all()
    previous = "0" * 64
    for number, row in enumerate(rows, start=1):
        fields = [
            previous,
            "2009-01-02T03:04:05.000678+00:00",
            "2009-01-01",
            "Åse",
            "prøve.gjort",
            f"nr. {number}",
            '{"beløb_oere":-5,"å":[1,null]}',
        ]
        expected = hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode()).hexdigest()
        assert (row.previous_hash, row.hash, row.subject) == (previous, expected, f"nr. {number}")
        previous = expected
    assert len(rows) == 5


@pytest.mark.parametrize(
    "change",
    [
        "happened_at = '2009-01-02T03:04:05.000679+00:00'",
        "business_date = '2009-01-03'",
        "actor = 'Bo'",
        "action = 'prøve.ikke'",
        "subject = 'nr. 4'",
        "details = '{}'",
        "previous_hash = 'x'",
        "hash = 'x'",
    ],
)
def test_a_changed_event(five: Database, change: str) -> None:
    plant(five, f"UPDATE audit_event SET {change} WHERE id = 3")
    assert broken(five) == 3


def test_a_removed_event(five: Database) -> None:
    plant(five, "DELETE FROM audit_event WHERE id = 3")
    assert broken(five) == 4


def test_the_first_event_removed(five: Database) -> None:
    plant(five, "DELETE FROM audit_event WHERE id = 1")
    assert broken(five) == 2


def test_an_event_rewritten_with_its_own_hash(five: Database) -> None:
    """Whoever changes an event and hashes it anew breaks the link of the next."""
    with five.reading() as connection:
        previous = connection.execute(text("SELECT hash FROM audit_event WHERE id = 2")).scalar_one()
    fields = (previous, AT.isoformat(timespec="microseconds"), "2009-01-01", "Bo", "a", "s", "{}")
    rehashed = hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode()).hexdigest()
    plant(
        five,
        "UPDATE audit_event SET actor = 'Bo', action = 'a', subject = 's', details = '{}', hash = :hash WHERE id = 3",
        hash=rehashed,
    )
    assert broken(five) == 4


def test_fields_do_not_run_into_each_other(database: Database) -> None:
    with database.transaction() as connection:
        record(connection, OCCASION, action="ab", subject="c", details={})
    plant(database, "UPDATE audit_event SET action = 'a', subject = 'bc'")
    assert broken(database) == 1


def test_an_event_that_is_taken_back_leaves_no_trace(five: Database) -> None:
    with pytest.raises(ValueError, match=r"^$"), five.transaction() as connection:  # noqa: PT012 - the transaction is what ends
        record(connection, OCCASION, action="a", subject="s", details={})
        raise ValueError
    record_one(five, "nr. 6")
    assert broken(five) is None


def test_a_long_file_name_is_told_alike_on_both(database: Database) -> None:
    """A file's name may have 255 letters; PostgreSQL must not fail where SQLite keeps it."""
    record_one(database, "å" * 255)
    assert broken(database) is None


def test_the_chain_has_no_forks(database: Database) -> None:
    start = threading.Barrier(4)
    url = database.url.render_as_string(hide_password=False)

    def write(worker: int) -> None:
        own = Database(url)
        start.wait(60)
        for number in range(5):
            record_one(own, f"{worker}-{number}")
        own.dispose()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with database.reading() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM audit_event")).scalar_one() == 20
    assert broken(database) is None
