"""Long work beside the pages: told as it goes, seen by whoever began it alone, and ended in one way or another."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation import clock
from foundation.database import Database
from foundation.errors import RuleBroken
from portal import background
from portal.background import Background, Outcome, Told, Work, WorkState, WorkUnknown
from portal.pages import Site
from portal.web_settings import WebSettings


@pytest.fixture
def works(upgraded_url: str, tmp_path: Path) -> Iterator[Background]:
    site = Site(upgraded_url, WebSettings())
    made = Background(site, tmp_path / "arbejde")
    yield made
    made.close()
    site.close()


def ended(works: Background, work: Work) -> Work:
    for _ in range(600):
        found = works.find(work.place, work.login, work.id)
        if found.state in {WorkState.DONE, WorkState.FAILED}:
            return found
        threading.Event().wait(0.02)
    raise AssertionError(found)


def test_it_is_told_as_it_goes_and_its_file_is_kept(works: Background) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def does(_database: Database, told: Told) -> Outcome:
        told(1, 4, "en af fire")
        reached.set()
        assert go_on.wait(10)
        return Outcome("færdig", "fil.zip", b"indhold")

    work = works.begin("461", "officer", "Prøve", "/tilbage", does)
    assert reached.wait(10)
    during = works.find("461", "officer", work.id)
    assert (during.state, during.percent, during.words) == (WorkState.RUNNING, 25, "en af fire")
    go_on.set()
    done = ended(works, work)
    assert (done.state, done.percent, done.words, done.file) == (WorkState.DONE, 100, "færdig", "fil.zip")
    assert works.content(done) == b"indhold"


@pytest.mark.parametrize(("place", "login"), [("450", "officer"), ("461", "approver")])
def test_nobody_else_finds_it(works: Background, place: str, login: str) -> None:
    work = works.begin("461", "officer", "Prøve", "/", lambda _database, _told: Outcome("færdig"))
    ended(works, work)
    with pytest.raises(WorkUnknown):
        works.find(place, login, work.id)
    with pytest.raises(WorkUnknown):
        works.content(work)


@pytest.mark.parametrize("work_id", ["", "x", "../../etc/passwd", "a" * 41, "æ" * 24, "a" * 24])
def test_an_id_that_is_none(works: Background, work_id: str) -> None:
    with pytest.raises(WorkUnknown):
        works.find("461", "officer", work_id)


def test_an_error_of_ours_is_told_and_another_is_not(works: Background, caplog: pytest.LogCaptureFixture) -> None:
    def refuses(_database: Database, _told: Told) -> Outcome:
        raise RuleBroken

    def breaks(_database: Database, _told: Told) -> Outcome:
        message = "hemmeligt"
        raise ValueError(message)

    refused = ended(works, works.begin("461", "officer", "Prøve", "/", refuses))
    broken = ended(works, works.begin("461", "officer", "Prøve", "/", breaks))
    assert refused.state is broken.state is WorkState.FAILED
    assert refused.words == RuleBroken().text()
    assert "hemmeligt" not in broken.words
    assert "work in the background failed" in caplog.text


def test_work_whose_process_is_gone_is_lost(works: Background, tmp_path: Path) -> None:
    go_on = threading.Event()

    def waits(_database: Database, _told: Told) -> Outcome:
        go_on.wait(10)
        return Outcome("færdig")

    work = works.begin("461", "officer", "Prøve", "/", waits)
    file = tmp_path / "arbejde" / f"{work.id}.json"
    while works.find("461", "officer", work.id).state is not WorkState.RUNNING:
        threading.Event().wait(0.01)
    long_ago = clock.now().timestamp() - 2 * background.LOST_AFTER_SECONDS
    os.utime(file, (long_ago, long_ago))
    assert works.find("461", "officer", work.id).state is WorkState.LOST
    go_on.set()
    assert ended(works, work).state is WorkState.DONE


def test_what_nobody_fetched_is_swept(works: Background, tmp_path: Path) -> None:
    old = works.begin("461", "officer", "Prøve", "/", lambda _database, _told: Outcome("færdig", "a.zip", b"a"))
    ended(works, old)
    long_ago = clock.now().timestamp() - 2 * background.KEPT_SECONDS
    for path in (tmp_path / "arbejde").iterdir():
        os.utime(path, (long_ago, long_ago))
    ended(works, works.begin("461", "officer", "Prøve", "/", lambda _database, _told: Outcome("færdig")))
    with pytest.raises(WorkUnknown):
        works.find("461", "officer", old.id)


def test_the_folder_is_nobody_elses(works: Background, tmp_path: Path) -> None:
    ended(works, works.begin("461", "officer", "Prøve", "/", lambda _database, _told: Outcome("færdig")))
    assert (tmp_path / "arbejde").stat().st_mode & 0o777 == 0o700
