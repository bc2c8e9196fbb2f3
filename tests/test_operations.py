"""The environment's variables: those that the code reads and those that docs/operations.md describes are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
NAME = re.compile(r"\b(?:MELLEMREGNING_[A-Z][A-Z_]*[A-Z]|PROMETHEUS_MULTIPROC_DIR)\b")
ROOMS = ("agreements", "billing", "exports", "foundation", "portal", "migrations", "benchmarks", "deploy", "tests")


def read() -> Iterator[Path]:
    for room in ROOMS:
        yield from (HOME / room).rglob("*.py")
    yield HOME / "wsgi.py"
    yield HOME / "dev.py"


def names(text: str) -> set[str]:
    return set(NAME.findall(text))


def test_every_variable_is_described_and_every_described_one_is_read() -> None:
    in_code = {name for file in read() if file != Path(__file__) for name in names(file.read_text(encoding="utf-8"))}
    described = names((HOME / "docs/operations.md").read_text(encoding="utf-8"))
    assert len(in_code) > 15
    assert described == in_code


def test_the_example_sets_only_what_is_read() -> None:
    in_code = {name for file in read() for name in names(file.read_text(encoding="utf-8"))}
    for file in (HOME / "deploy").iterdir():
        assert names(file.read_text(encoding="utf-8")) <= in_code, file
