"""Long work beside the pages: it is begun by a form, told by a bar, and ends with a page to go on to or a file.

What a piece of work has come to lies in a small file, not in the database: while a month is issued SQLite lets nobody
else write, and a bar that moves only when all is done is none. The files lie in one folder that all workers of a
machine share; nothing in them is needed once the work has been looked at.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import secrets
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from flask import Flask

from agreements.agreement import MunicipalityCode
from foundation import clock
from foundation.database import Database
from foundation.errors import MellemregningError, N_, NotFound
from portal import language
from portal.command_pages import told_on_page
from portal.language import _
from portal.pages import Site

LOG = logging.getLogger("mellemregning.portal")
EXTENSION = "mellemregning-background"
FOLDER = "MELLEMREGNING_WORK_FOLDER"
AT_ONCE = 2
BEAT_SECONDS = 5.0
LOST_AFTER_SECONDS = 60
KEPT_SECONDS = 24 * 3600


class WorkUnknown(NotFound):
    """No such work, or another's."""

    danish = N_("Arbejdet findes ikke mere. Begynd forfra; det, der nåede at blive gemt, er der stadig.")


class FolderOfAnother(MellemregningError):
    """The folder for long work belongs to somebody else on this machine."""

    danish = N_("Mappen til langt arbejde tilhører en anden. Den, der driver tjenesten, kan sætte {variable}.")


class WorkState(StrEnum):
    """Where a piece of work is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work as it is told.

    Attributes:
        place: Whose it is.
        login: Who began it; nobody else sees it.
        back: Where to go on when it has ended.
        done: Of ``of``, so much.
        words: What it does now, or what it came to.
        file: What the finished file is called; empty where there is none.
    """

    id: str
    place: MunicipalityCode
    login: str
    title: str
    back: str
    state: WorkState = WorkState.WAITING
    done: int = 0
    of: int = 1
    words: str = ""
    file: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in {WorkState.DONE, WorkState.FAILED, WorkState.LOST}

    @property
    def percent(self) -> int:
        """For the bar."""
        return 100 if self.state is WorkState.DONE else min(99, self.done * 100 // max(1, self.of))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What work came to.

    Attributes:
        words: One sentence.
        name: What the file is called for people; empty where there is none.
        content: The file.
    """

    words: str
    name: str = ""
    content: bytes = b""


Told = Callable[[int, int, str], None]
Does = Callable[[Database, Told], Outcome]


class Background:
    """The works of one process, and the folder that it shares with the machine's others."""

    def __init__(self, site: Site, folder: Path | None = None) -> None:
        self._site = site
        self._folder = folder or folder_of(site.database_url)
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="arbejde")

    def begin(self, place: MunicipalityCode, login: str, title: str, back: str, does: Does) -> Work:
        """Put work in line and answer at once.

        Args:
            place: Whose it is.
            login: Who begins it.
            title: What it is, for the page that tells of it.
            back: Where to go on afterwards.
            does: The work; it opens its own transactions.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._folder.stat().st_uid != os.getuid():
            raise FolderOfAnother(variable=FOLDER)
        self._sweep()
        work = Work(secrets.token_urlsafe(18), place, login, title, back, words=_("står i kø"))
        self._write(work)
        ended = threading.Event()
        threading.Thread(target=self._beat, args=(work, ended), daemon=True).start()
        self._pool.submit(self._run, work, does, language.current(), ended)
        return work

    def find(self, place: MunicipalityCode, login: str, work_id: str) -> Work:
        """How far it is.

        Raises:
            WorkUnknown.
        """
        if not re.fullmatch(r"[\w-]{20,40}", work_id, re.ASCII):
            raise WorkUnknown
        path = self._folder / f"{work_id}.json"
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            beat = path.stat().st_mtime
        except (OSError, ValueError) as error:
            raise WorkUnknown from error
        work = Work(**{**said, "state": WorkState(said["state"])})
        if (work.place, work.login) != (place, login):
            raise WorkUnknown
        if not work.has_ended and clock.now().timestamp() - beat > LOST_AFTER_SECONDS:
            return replace(
                work,
                state=WorkState.LOST,
                words=_("Arbejdet blev afbrudt. Se, hvad der er gemt, og begynd igen; intet gøres to gange."),
            )
        return work

    def content(self, work: Work) -> bytes:
        """The finished file.

        Raises:
            WorkUnknown: there is none.
        """
        try:
            return (self._folder / f"{work.id}.bin").read_bytes()
        except OSError as error:
            raise WorkUnknown from error

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown(wait=True)

    def _run(self, work: Work, does: Does, speaks: str, ended: threading.Event) -> None:
        language.speak(speaks)
        latest = replace(work, state=WorkState.RUNNING, words=_("er begyndt"))
        self._write(latest)

        def told(done: int, of: int, words: str) -> None:
            nonlocal latest
            latest = replace(latest, done=done, of=of, words=words)
            self._write(latest)

        try:
            outcome = does(self._site.database, told)
            if outcome.name:
                self._put(f"{work.id}.bin", outcome.content)
            latest = replace(latest, state=WorkState.DONE, words=outcome.words, file=outcome.name)
        except MellemregningError as error:
            latest = replace(latest, state=WorkState.FAILED, words=told_on_page(error))
        except Exception:  # the one place that is told of it; a thread has nobody else
            LOG.exception("work in the background failed")
            latest = replace(
                latest, state=WorkState.FAILED, words=_("Der er sket en fejl. Intet er ændret; prøv igen.")
            )
        finally:
            ended.set()
            self._write(latest)

    def _beat(self, work: Work, ended: threading.Event) -> None:
        """Show that somebody is still at it."""
        while not ended.wait(BEAT_SECONDS):
            with suppress(FileNotFoundError):
                os.utime(self._folder / f"{work.id}.json")

    def _write(self, work: Work) -> None:
        self._put(f"{work.id}.json", json.dumps(asdict(work)).encode())

    def _put(self, name: str, content: bytes) -> None:
        """Write whole or not at all: a page reads it at any moment."""
        beside = self._folder / f"{name}.new"
        beside.write_bytes(content)
        beside.replace(self._folder / name)

    def _sweep(self) -> None:
        """Take away what nobody fetched within a day."""
        oldest = clock.now().timestamp() - KEPT_SECONDS
        for path in self._folder.iterdir():
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
            except OSError:
                continue  # another worker took it


def folder_of(database_url: str) -> Path:
    """Where the works of a database lie: the environment says, or a folder of our own among the temporary files."""
    said = os.environ.get(FOLDER)
    name = f"mellemregning-{hashlib.sha256(database_url.encode()).hexdigest()[:16]}"
    return Path(said) if said else Path(tempfile.gettempdir()) / name


def prepare(app: Flask, site: Site) -> None:
    """Give the application its place for long work."""
    app.extensions[EXTENSION] = Background(site)
