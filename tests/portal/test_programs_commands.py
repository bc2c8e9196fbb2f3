"""The commands on keys and web-hooks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

import pytest

from foundation.audit import Occasion
from foundation.database import Database
from foundation.hooks import HOOK_KEY
from portal.access import keys
from portal.access import run as access
from portal.commands import main
from tests.portal import demo_site

Run: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(upgraded_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("MELLEMREGNING_DATABASE_URL", upgraded_url)
    monkeypatch.setenv("MELLEMREGNING_ACTOR", "drift")
    monkeypatch.setenv(HOOK_KEY, "prøvens")

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([*arguments])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


@pytest.fixture
def anna(database: Database) -> Occasion:
    occasion = demo_site.occasion()
    with database.transaction() as connection:
        access.add_user(connection, "anna", occasion, demo_site.PASSWORD)
        access.set_roles(connection, "anna", "461", ["officer"], occasion)
    return occasion


def test_a_keys_life(run: Run, database: Database, anna: Occasion) -> None:
    status, out, _ = run(
        "token", "add", "anna", "461", "--name", "ERP", "--scope", "invoices:read", "--days", "7", "--json"
    )
    made = json.loads(out)
    assert status == 0
    with database.reading() as connection:
        caller = keys.caller_of(connection, f"Bearer {made['token']}", anna.at)
    assert (caller.person.login, caller.place, caller.token.scopes) == ("anna", "461", ("invoices:read",))
    (listed,) = json.loads(run("token", "list", "--json")[1])
    assert (listed["name"], listed["is_on"]) == ("ERP", True)
    assert made["token"] not in json.dumps(listed)
    assert "ERP" in run("token", "list")[1]
    assert run("token", "end", str(made["number"]))[0] == 0
    with pytest.raises(keys.KeyRefused), database.reading() as connection:
        keys.caller_of(connection, f"Bearer {made['token']}", anna.at)


@pytest.mark.usefixtures("anna")
def test_a_hooks_life(run: Run) -> None:
    made = json.loads(run("hook", "add", "461", "https://eksempel.dk/x", "--event", "document.issued", "--json")[1])
    assert len(made["secret"]) == 64
    assert made["secret"] not in run("hook", "list", "--json")[1]
    assert "eksempel.dk" in run("hook", "list")[1]
    assert run("hook", "close", "420", str(made["number"]))[0] == 1  # another municipality's
    assert run("hook", "close", "461", str(made["number"]))[0] == 0


@pytest.mark.usefixtures("anna")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("token", "add", "ingen", "461", "--name", "x", "--scope", "invoices:read"), "Der er ingen bruger"),
        (("token", "add", "anna", "461", "--name", " ", "--scope", "invoices:read"), "Giv nøglen et navn"),
        (("token", "add", "anna", "461", "--name", "x", "--scope", "plans:approve"), "rolle"),
        (("token", "add", "anna", "420", "--name", "x", "--scope", "invoices:read"), "findes ikke"),
        (("token", "end", "99"), "Der er ingen nøgle 99"),
        (("hook", "add", "461", "http://eksempel.dk/"), "https"),
        (("hook", "add", "999", "https://eksempel.dk/"), "999"),
    ],
)
def test_refused_with_a_sentence(run: Run, arguments: tuple[str, ...], said: str) -> None:
    status, _, err = run(*arguments)
    assert status == 1
    assert said in err
