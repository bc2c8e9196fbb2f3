"""The tasks of ``dev.py``, as far as they can be tried from within its own environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import dev

ROOT = Path(dev.__file__).parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "dev.py", *arguments], capture_output=True, text=True, check=False, cwd="/"
    )


def test_an_unknown_task_shows_the_tasks() -> None:
    for arguments in ([], ["nonsense"], ["setup", "now"]):
        answer = run(*arguments)
        assert answer.returncode == 2
        assert all(f"\n    {task} " in answer.stderr for task in ("setup", *dev.TASKS))


def test_the_locks_pin_everything_by_hash_and_name_no_address() -> None:
    for name in (dev.LOCK, dev.BOOTSTRAP, dev.POSTGRES_LOCK):
        lock = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in lock
        requirements = re.split(r"\n(?=\S)", re.sub(r"(?m)^#.*\n", "", lock).strip())
        assert requirements
        for requirement in requirements:
            assert re.match(r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==\S+", requirement), requirement
            assert "--hash=sha256:" in requirement


def test_a_benchmark_that_is_not_there_is_told() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", "nonsense"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert answer.returncode == 2
    assert "splitting" in answer.stderr


def test_ci_calls_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert 'python3 dev.py test "$@"' in script.read_text(encoding="utf-8")
