"""The demo's data with a person of each role, behind an application of its own; for tests of pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

from sqlalchemy import make_url

from agreements import run as agreements
from foundation import clock
from foundation.audit import Occasion
from foundation.database import Database
from portal import demo
from portal.access import run as access

TODAY = demo.LAST_DAY
ODENSE, ASSENS, NYBORG, COPENHAGEN = "461", "420", "450", "101"
HORSENS, ODDER = "615", "727"
PASSWORD = "prøvens egen lange kode"  # noqa: S105 - opens nothing but a test's own database
PEOPLE = {
    "officer": {ODENSE: ["officer"]},
    "approver": {ODENSE: ["approver"]},
    "reader": {ODENSE: ["reader"]},
    "auditor": {ODENSE: ["auditor"]},
    "administrator": {ODENSE: ["administrator"]},
    "payer": {ASSENS: ["reader"]},
    "neighbour": {NYBORG: ["officer", "approver"]},
    "newcomer": {COPENHAGEN: ["officer"]},
    "horsens": {HORSENS: ["officer"]},
    "odder": {ODDER: ["officer"]},
    "two-places": {ODENSE: ["officer"], ASSENS: ["reader"]},
    "nothing-yet": {},
}


def occasion(day: date = TODAY) -> Occasion:
    return Occasion(day, "prøven", clock.now())


def add_people(database: Database) -> None:
    """Everybody of ``PEOPLE`` with the same password."""
    with database.transaction() as connection:
        for login, roles in PEOPLE.items():
            access.add_user(connection, login, occasion(), PASSWORD)
            for place, held in roles.items():
                access.set_roles(connection, login, place, held, occasion())


def live(database: Database) -> None:
    """The demo's years, without its files."""
    with database.transaction() as connection:
        agreements.ship_population(connection, occasion(date(2008, 5, 20)))
    for step in demo.steps():
        with database.transaction() as connection:
            step.does(connection, Occasion(step.day, demo.ACTOR, clock.now()))


@contextmanager
def lived(url: str) -> Iterator[Database]:
    """A database with the demo's years and everybody in it; lived once by this process, and copied where it is a file.

    ``url`` is of a database with its tables and nothing in them.
    """
    place = make_url(url)
    is_file = place.get_backend_name() == "sqlite"
    if is_file and "demo" in _LIVED:
        Path(str(place.database)).write_bytes(_LIVED["demo"])
    database = Database(url)
    try:
        if not (is_file and "demo" in _LIVED):
            live(database)
            add_people(database)
        if is_file and "demo" not in _LIVED:
            with closing(sqlite3.connect(str(place.database))) as connection:
                _LIVED["demo"] = connection.serialize()
        yield database
    finally:
        database.dispose()


_LIVED: dict[str, bytes] = {}
