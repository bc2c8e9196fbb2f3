"""Who visits the portal in its benchmark: gunicorn before them, and people who walk through pages and read."""

from __future__ import annotations

import hashlib
import http.client
import os
import random
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).parents[1]
PASSWORD = "en lang kode til målingen"  # noqa: S105 - opens nothing but the benchmark's own database
GOOD = {200, 303}
LETTERS = str.maketrans("0123456789", "ghijklmnop")


@contextmanager
def served(address: str, folder: Path) -> Iterator[tuple[int, Path]]:
    """Gunicorn before a database, as it is run in earnest; its port and the file of its lines."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "MELLEMREGNING_DATABASE_URL": address,
        "MELLEMREGNING_BIND": f"127.0.0.1:{port}",
        "MELLEMREGNING_SECRET_KEY": secrets.token_hex(),
        "MELLEMREGNING_PLAIN_HTTP": "1",
    }
    log = folder / "log"
    command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "benchmarks.portal_site:app"]
    with log.open("a", encoding="utf-8") as errors:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=errors)  # noqa: S603 - ourselves
        try:
            for _ in range(150):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.2)
            yield port, log
        finally:
            server.terminate()
            server.wait(60)


class Visitor:
    """A person with a browser that keeps its connection and its cookie."""

    def __init__(self, port: int, login: str) -> None:
        """Log in by the form."""
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookie = ""
        _status, page = self.ask("GET", "/login")
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page) or re.search(
            r'value="([^"]+)"[^>]*name="csrf_token"', page
        )
        form = {"login": login, "password": PASSWORD, "csrf_token": token[1] if token else ""}
        status, _page = self.ask("POST", "/login", urlencode(form))
        if status != 303:
            sys.exit(f"{login} was not let in: {status}")

    def ask(self, method: str, address: str, body: str | None = None, called: str = "") -> tuple[int, str]:
        """Ask once; answers status and text."""
        headers = {"Cookie": self.cookie, "X-Request-ID": called or "bench-000"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self.connection.request(method, address, body, headers)
            answer = self.connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self.connection.close()  # it was idle for too long; a browser, too, begins another
            self.connection.request(method, address, body, headers)
            answer = self.connection.getresponse()
        said = answer.read().decode()
        if given := answer.headers.get("Set-Cookie"):
            self.cookie = given.partition(";")[0]
        return answer.status, said

    def close(self) -> None:
        """Go home."""
        self.connection.close()


@dataclass
class Answers:
    """What came of the visits to one page."""

    seconds: list[float] = field(default_factory=list)
    wrong: set[int] = field(default_factory=set)
    size: int = 0


@dataclass(frozen=True, slots=True)
class Walk:
    """How people go through pages.

    Attributes:
        pages: Address -> whether an administrator asks for it; each person has a login of both kinds.
        rounds: How often each person sees every page.
        shortest, longest: Seconds that a page is read.
    """

    pages: dict[str, bool]
    rounds: int
    shortest: float
    longest: float


def walk(people: Sequence[tuple[Visitor, Visitor]], way: Walk) -> dict[str, Answers]:
    """Let all of them walk at once, each through all pages in an order of its own; answers what came of each page."""
    found: dict[str, Answers] = defaultdict(Answers)
    lock = threading.Lock()

    def go(number: int) -> None:
        chance = random.Random(number)
        officer, administrator = people[number]
        order = [page for _round in range(way.rounds) for page in chance.sample(list(way.pages), len(way.pages))]
        time.sleep(chance.uniform(0, way.longest))
        for page in order:
            visitor = administrator if way.pages[page] else officer
            started = time.perf_counter()
            status, said = visitor.ask("GET", page, called=called_of(page))
            seconds = time.perf_counter() - started
            with lock:
                answers = found[page]
                answers.seconds.append(seconds)
                answers.size = len(said)
                if status not in GOOD:
                    answers.wrong.add(status)
            time.sleep(chance.uniform(way.shortest, way.longest))

    threads = [threading.Thread(target=go, args=(number,)) for number in range(len(people))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def called_of(page: str) -> str:
    """What the requests for a page are called in the portal's lines; without digits, which are masked there."""
    return "bench-" + hashlib.sha256(page.encode()).hexdigest()[:24].translate(LETTERS)
