"""The commands on users, and the demo served with log-ins of its own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
import requests

from foundation.database import Database
from portal.access import passwords
from portal.access import run as access
from portal.commands import main

Run: TypeAlias = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(upgraded_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("MELLEMREGNING_DATABASE_URL", upgraded_url)
    monkeypatch.setenv("MELLEMREGNING_ACTOR", "drift")

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["user", *arguments])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


def test_a_users_life(run: Run, database: Database) -> None:
    status, out, _ = run("add", "Anna@Eksempel.dk", "--json")
    made = json.loads(out)
    assert (status, made["login"], made["roles"]) == (0, "anna@eksempel.dk", [])
    assert run("role", "anna@eksempel.dk", "461", "officer", "approver")[0] == 0
    assert "anna@eksempel.dk er lukket ude" in run("disable", "anna@eksempel.dk")[1]
    (listed,) = json.loads(run("list", "--json")[1])
    assert listed["active"] is False
    assert [each["role"] for each in listed["roles"]] == ["approver", "officer"]
    run("enable", "anna@eksempel.dk")
    given = json.loads(run("password", "anna@eksempel.dk", "--json")[1])["password"]
    assert given != made["password"]
    with database.reading() as connection:
        kept = access.find(connection, "anna@eksempel.dk").password_hash
    assert passwords.is_right(given, kept)
    assert not passwords.is_right(made["password"], kept)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "<script>"), "kan ikke være et brugernavn"),
        (("role", "ingen", "461", "officer"), "Der er ingen bruger"),
        (("role", "ingen", "999", "officer"), "999"),
        (("disable", "ingen"), "Der er ingen bruger"),
    ],
)
def test_refused_with_a_sentence(run: Run, arguments: tuple[str, ...], said: str) -> None:
    status, _, err = run(*arguments)
    assert status == 1
    assert said in err


@pytest.mark.soak
def test_the_demo_is_served_with_log_ins_of_this_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "portal.serve", "--port", "0", "--folder", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as served:
        try:
            assert served.stdout is not None
            said = []
            for line in served.stdout:
                said.append(line)
                if "Ctrl-C" in line:
                    break
            address = re.search(r"http://127\.0\.0\.1:\d+/", "".join(said))
            assert address, said
            assert len(said) < 15  # an address and log-ins, not what the demo tells of itself
            assert sum(bool(re.search(r" [a-z2-9]{5}(-[a-z2-9]{5}){3} ", line)) for line in said) == 8
            with requests.get(f"{address[0]}readyz", timeout=10) as answer:
                assert answer.text == "ok"
        finally:
            served.send_signal(signal.SIGINT)
            served.wait(timeout=60)
