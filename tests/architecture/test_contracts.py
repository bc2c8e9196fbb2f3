"""The import contracts of pyproject.toml hold for files that are not written yet: faults are planted in a copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, pure_files

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
LINT_IMPORTS = Path(sysconfig.get_path("scripts")) / "lint-imports"

# Contract -> file -> what it must not import.
PLANTED = {
    "Rooms know only the rooms before them": ("agreements/planted.py", "import portal"),
    "A billing stage looks at earlier stages, never ahead": ("billing/accounts/planted.py", "import billing.payment"),
    "In a stage, run uses store and rules, and these use tables and facts": (
        "billing/payment/store.py",
        "import billing.payment.run",
    ),
    "What writes a file knows its layout, never the other way round": (
        "exports/planted/layout.py",
        "import exports.planted.write",
    ),
    "Rules, facts, layouts, terms and money touch nothing outside, not even indirectly": (
        "billing/payment/rules.py",
        "import billing.payment.words",
    ),
    "The portal and the exports reach rows only through run and store": (
        "portal/planted.py",
        "import billing.payment.tables",
    ),
    "Doors do not know each other": ("portal/finance/__init__.py", "import portal.municipality"),
}
AROUND = {
    "billing/payment/interest_facts.py": "",
    "billing/payment/interest_rules.py": "",
    "billing/payment/matching_rules.py": "",
    "billing/payment/reminder_rules.py": "",
    "billing/payment/run.py": "",
    "billing/payment/tables.py": "",
    "billing/payment/words.py": "import logging",
    "exports/planted/__init__.py": "",
    "exports/planted/write.py": "",
    "portal/municipality/__init__.py": "",
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for room in SETTINGS["root_packages"]:
        for source in (ROOT / room).rglob("*.py"):
            path = tmp_path / source.relative_to(ROOT)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, path)
    shutil.rmtree(tmp_path / "billing" / "payment", ignore_errors=True)
    plant(tmp_path, "billing/payment/__init__.py", "")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def plant(folder: Path, name: str, source: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'"""Planted."""\n\n{source}\n', encoding="utf-8")


def broken_contracts(folder: Path) -> set[str]:
    answer = subprocess.run(
        [LINT_IMPORTS, "--no-cache"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "COLUMNS": "300"},  # or it breaks a long name
    )
    assert re.search(r"Contracts: \d+ kept, \d+ broken", answer.stdout), answer.stdout + answer.stderr
    return set(re.findall(r"(?m)^(.+?) BROKEN", answer.stdout))


def test_every_contract_has_a_planted_fault() -> None:
    assert {contract["name"] for contract in SETTINGS["contracts"]} == set(PLANTED)


def test_every_pure_file_is_in_the_contract_of_pure_files() -> None:
    contract = next(contract for contract in SETTINGS["contracts"] if contract["name"].startswith("Rules, facts,"))
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in pure_files()}
    patterns = [name.replace("**", "*") for name in contract["source_modules"]]
    assert {module for module in modules if not any(fnmatchcase(module, pattern) for pattern in patterns)} == set()


def test_every_contract_finds_its_planted_fault(copy: Path) -> None:
    for name, source in (*AROUND.items(), *PLANTED.values()):
        plant(copy, name, source)
    assert broken_contracts(copy) == set(PLANTED)
