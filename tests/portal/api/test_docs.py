"""Every example of docs/api.md, run as it stands there against the demo's data."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

from foundation.database import Database
from foundation.hooks import signature
from portal.access.keys import SCOPES
from portal.api.doors import OPERATIONS
from tests.billing.payment.made import Entry, camt
from tests.portal.api.conftest import key_of

DOCUMENT = Path(__file__).parents[3] / "docs" / "api.md"
HOST = "mellemregning.eksempel.dk"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
TIMES = 300


@dataclass
class Call:
    """What a line of curl asks for."""

    method: str = "GET"
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def calls_of(block: str) -> list[tuple[str, int]]:
    """Each command of a block with the status that stands below it."""
    joined = block.replace("\\\n", " ")
    return [(command, int(status)) for command, status in re.findall(r"^(curl .*)\n# (\d{3})$", joined, re.MULTILINE)]


def read(command: str, known: dict[str, str], files: dict[str, bytes]) -> Call:
    """A line of curl, with the variables that a shell would know."""
    filled = re.sub(r"\$(\w+)", lambda found: known[found[1]], command)
    words, call, method = shlex.split(filled)[1:], Call(), ""
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _colon, value = words.pop(0).partition(": ")
            call.headers[name] = value
        elif word in {"-d", "--data-binary"}:
            said = words.pop(0)
            call.body = files[said[1:]] if said.startswith("@") else said.encode()
            call.method = "POST"
        elif word == "-X":
            method = words.pop(0)
        elif word == "-OJ":
            continue
        else:
            address = urlsplit(word)
            assert (address.scheme, address.netloc) == ("https", HOST)
            call.path = f"{address.path}?{address.query}"
    call.method = method or call.method
    return call


def holds(said: Any, answer: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether an answer has what the page shows of it; of a list its beginning."""
    if isinstance(said, dict):
        return isinstance(answer, dict) and all(
            name in answer and holds(each, answer[name]) for name, each in said.items()
        )
    if isinstance(said, list):
        return len(said) <= len(answer) and all(holds(each, answer[place]) for place, each in enumerate(said))
    return bool(said == answer)


def test_every_example_is_answered_as_the_page_says(app: Flask, lived: Database) -> None:
    known = {
        "KEY": key_of(lived, "officer"),
        "APPROVERS_KEY": key_of(lived, "approver"),
        "PAYERS_KEY": key_of(lived, "payer"),
    }
    budget = (Path(__file__).parents[3] / "portal/demo_files/budget_2012.toml").read_bytes().replace(b"2012", b"2013")
    files = {"budget.toml": budget, "kontoudtog.xml": camt([Entry("100.00", bank_reference="docs")])}
    client = app.test_client(use_cookies=False)
    answer: Any = None
    ran = 0
    for kind, block in BLOCKS:
        if kind == "json":
            assert holds(json.loads(block), answer), (block, answer)
        if kind != "sh":
            continue
        asked = calls_of(block)
        assert len(asked) == block.count("curl ")
        for command, status in asked:
            call = read(command, known, files)
            done = client.open(call.path, method=call.method, headers=call.headers, data=call.body)
            assert done.status_code == status, (command, done.text)
            ran += 1
            if done.is_json or done.mimetype == "application/problem+json":
                answer = json.loads(done.text)
                taken = {"NEXT": "next", "NUMBER": "number", "HASH": "hash"}
                known |= {name: str(answer[key]) for name, key in taken.items() if answer.get(key)}
                if answer.get("issued"):
                    known["INVOICE"] = answer["issued"][0]["number"]
            known["ETAG"] = done.headers.get("ETag", known.get("ETAG", ""))
    assert ran >= 14


def test_the_signature_is_checked_as_the_page_says() -> None:
    (code,) = [block for kind, block in BLOCKS if kind == "python"]
    found: dict[str, Any] = {}
    exec(compile(code, str(DOCUMENT), "exec"), found)  # noqa: S102 - the page's own example
    is_ours, body = found["is_ours"], b'{"id": "hook/1/document/461/F2008-0001"}'
    header = signature("hemmelig", 1_700_000_000, body)
    assert is_ours("hemmelig", header, body, 1_700_000_000 + TIMES)
    assert not is_ours("hemmelig", header, body, 1_700_000_001 + TIMES)
    assert not is_ours("hemmelig", header, body + b" ", 1_700_000_000)
    assert not is_ours("en anden", header, body, 1_700_000_000)


def test_what_the_page_names_is_there() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    addresses = {(one.method, re.sub(r"<(\w+)>", r"{\1}", one.rule)) for one in OPERATIONS}
    named = re.findall(r"`(GET|POST) (…)?(/[^`?]*)(?:\?[^`]*)?`", text)
    assert len(named) > 25
    for method, rest, path in named:
        if rest:
            assert any(known == method and rule.endswith(path) for known, rule in addresses), (method, path)
        else:
            assert (method, path) in addresses, (method, path)
    assert set(re.findall(r"`([a-z]+:[a-z]+)`", text)) <= set(SCOPES)
