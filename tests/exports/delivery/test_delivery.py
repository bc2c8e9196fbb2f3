"""What is issued reaches the other side at least once, under one id, whatever fails on the way; on both databases."""

from __future__ import annotations

import os
import signal
import subprocess
import sysconfig
from datetime import date, timedelta
from pathlib import Path

import pytest
from lxml import etree

from exports.delivery import run as deliveries
from exports.delivery.facts import ChannelKind, DeliveryState, Receipt
from exports.delivery.rules import MOST_ATTEMPTS
from foundation.database import Database
from tests.billing.runs.conftest import FUNEN, NINE, ODENSE
from tests.exports.delivery.conftest import DAY, JANUARY, TOKEN, AccessPoint, Post

COMMAND = Path(sysconfig.get_path("scripts")) / "mellemregning"
# January of the nine; Odense's own share, F2008-0005, is internal and never sent.
SENT = [f"document/461/F2008-{number:04d}" for number in (1, 2, 3, 4, 6, 7, 8, 9)]


def test_nothing_changes_for_an_issuer_without_channel(post: Post) -> None:
    post.life.issue(JANUARY, DAY)
    assert post.life.says("SELECT COUNT(*) FROM outbox_entry") == [(0,)]
    assert post.delivers() == {}


def test_a_folder_gets_each_document_once_under_its_id(post: Post, tmp_path: Path) -> None:
    post.channel(ChannelKind.FOLDER, path=str(tmp_path))
    assert post.delivers() == {}
    post.life.issue(JANUARY, DAY)
    assert list(tmp_path.iterdir()) == []  # nothing is sent by issuing
    assert post.delivers() == {"handed_over": 8}
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [key.replace("/", "-") + ".xml" for key in SENT]
    assert etree.parse(str(tmp_path / names[0])).getroot().findtext("{*}ID") == "F2008-0001"
    assert post.delivers(timedelta(days=9)) == {}
    first = post.list()[0]
    assert (first.key, first.state, first.attempts) == (SENT[0], DeliveryState.HANDED_OVER, 1)
    (attempt,) = first.history
    assert (attempt.at, attempt.reached) == (post.instant - timedelta(days=9), str(tmp_path / names[0]))
    credit = post.life.credit("F2008-0001", date(2008, 12, 16))
    assert post.delivers() == {"handed_over": 1}
    assert (tmp_path / f"document-461-{credit.number}.xml").exists()
    post.life.holds()


def test_what_was_rolled_back_is_never_sent(post: Post, tmp_path: Path) -> None:
    post.channel(ChannelKind.FOLDER, path=str(tmp_path))
    from billing.monthly_aconto import run as months

    with pytest.raises(KeyError), post.database.transaction() as connection:
        months.issue_month(connection, FUNEN, JANUARY, post.occasion())
        raise KeyError
    assert post.delivers() == {}
    assert list(tmp_path.iterdir()) == []


def test_an_access_point_gets_token_and_id(post: Post, access_point: AccessPoint) -> None:
    post.channel(ChannelKind.HTTP, url=access_point.url, token_env="PROEVE_TOKEN")
    post.life.issue(JANUARY, DAY)
    assert post.delivers() == {"handed_over": 8}
    assert access_point.keys() == dict.fromkeys(SENT, 1)
    _, headers, body = access_point.got[0]
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Content-Type"] == "application/xml"
    assert etree.fromstring(body).findtext("{*}ID") == "F2008-0001"
    # The token is nowhere in the database.
    assert TOKEN not in str(post.life.everything())


@pytest.mark.parametrize("answer", [500, 503, 429, 401, "drop", "slow"])
def test_what_passes_is_tried_again(post: Post, access_point: AccessPoint, answer: int | str) -> None:
    post.channel(ChannelKind.HTTP, url=access_point.url)
    post.life.issue(JANUARY, DAY)
    access_point.answers = [answer]
    assert post.delivers() == {"handed_over": 7, "failed": 1}
    assert post.delivers(timedelta(seconds=59)) == {}  # not before a minute
    assert post.delivers(timedelta(seconds=17)) == {"handed_over": 1}  # and a quarter at most
    assert access_point.keys() == dict.fromkeys(SENT, 1) | {SENT[0]: 2}
    assert len(access_point.counted()) == 8
    history = post.list()[0].history
    assert [each.state.value for each in history] == ["failed", "handed_over"]


@pytest.mark.parametrize("answer", [400, 404, 302])
def test_what_lasts_is_given_up_at_once(post: Post, access_point: AccessPoint, answer: int) -> None:
    post.channel(ChannelKind.HTTP, url=access_point.url)
    post.life.issue(JANUARY, DAY)
    access_point.answers = [answer]
    assert post.delivers() == {"handed_over": 7, "dead": 1}
    (dead,) = post.list(DeliveryState.DEAD)
    assert dead.history[-1].detail == f"HTTP {answer} svaret"
    assert post.delivers(timedelta(days=30)) == {}
    assert [each.key for each in post.does(deliveries.retry, [])] == [SENT[0]]
    assert post.delivers() == {"handed_over": 1}


def test_a_dead_line_is_given_up_after_so_many_tries(post: Post, access_point: AccessPoint) -> None:
    access_point.close()
    post.channel(ChannelKind.HTTP, url=access_point.url)
    post.life.issue(JANUARY, DAY)
    for _ in range(MOST_ATTEMPTS - 1):
        assert post.delivers(timedelta(hours=8)) == {"failed": 8}
    assert post.delivers(timedelta(hours=8)) == {"dead": 8}
    assert post.delivers(timedelta(days=30)) == {}


def test_a_missing_token_is_told(post: Post, access_point: AccessPoint) -> None:
    post.channel(ChannelKind.HTTP, url=access_point.url, token_env="PROEVE_TOKEN")
    post.life.issue(JANUARY, DAY)
    assert post.delivers(environment={}) == {"failed": 8}
    assert access_point.got == []
    assert "PROEVE_TOKEN er ikke sat" in post.list()[0].history[-1].detail


def test_killed_after_handing_over_and_before_noting(
    post: Post, access_point: AccessPoint, upgraded_url: str, tmp_path: Path
) -> None:
    """The deliverer is a process; it dies at the very moment at which the other side has taken the third document."""
    post.channel(ChannelKind.HTTP, url=access_point.url)
    post.life.issue(JANUARY, DAY)
    environment = {**os.environ, "MELLEMREGNING_DATABASE_URL": upgraded_url, "NO_PROXY": "*"}
    process = subprocess.Popen([COMMAND, "deliver"], env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL)

    def kill() -> None:
        if len(access_point.got) == 3:
            process.send_signal(signal.SIGKILL)
            process.wait()

    access_point.before_answer = kill
    assert process.wait(timeout=60) == -signal.SIGKILL
    access_point.before_answer = lambda: None
    assert list(access_point.keys()) == SENT[:3]
    assert post.states() == {"handed_over": 2, "waiting": 6}
    from foundation import clock

    post.instant = clock.now()
    assert post.delivers() == {}  # the one that is gone still holds them
    assert post.delivers(deliveries.LEASE) == {"handed_over": 6}
    # The same id came twice, with the same content; the other side counts eight.
    assert access_point.keys() == dict.fromkeys(SENT, 1) | {SENT[2]: 2}
    assert len(access_point.counted()) == 8
    bodies = {body for _, headers, body in access_point.got if headers["Idempotency-Key"] == SENT[2]}
    assert len(bodies) == 1
    assert post.states() == {"handed_over": 8}


def test_two_deliverers_do_not_send_the_same(post: Post, upgraded_url: str) -> None:
    post.channel(ChannelKind.FOLDER, path="/nowhere")
    post.life.issue(JANUARY, DAY)
    other = Database(upgraded_url)
    with post.database.transaction() as connection:
        first = deliveries.take(connection, post.instant, "en", count=5)
        if not post.database.is_sqlite:  # at the same time; the other neither waits nor takes the same
            with other.transaction() as beside:
                assert {each.key for each in deliveries.take(beside, post.instant, "to", new=False)} == set()
    with other.transaction() as beside:
        second = deliveries.take(beside, post.instant, "to")
    other.dispose()
    assert [each.key for each in first + second] == SENT


def test_receipts(post: Post, tmp_path: Path) -> None:
    post.channel(ChannelKind.FOLDER, path=str(tmp_path))
    post.life.issue(JANUARY, DAY)
    post.delivers()
    assert post.does(deliveries.record_receipt, Receipt(SENT[0], accepted=True)) is True
    before = post.life.everything()
    assert post.does(deliveries.record_receipt, Receipt(SENT[0], accepted=True)) is False
    assert post.life.everything() == before
    post.does(deliveries.record_receipt, Receipt(SENT[1], accepted=False, reason="Ukendt ordrenummer"))
    (rejected,) = post.list(DeliveryState.REJECTED)
    assert (rejected.key, rejected.history[-1].detail) == (SENT[1], "Ukendt ordrenummer")
    with pytest.raises(deliveries.DeliveryUnknown):
        post.does(deliveries.record_receipt, Receipt("document/461/F1999-0001", accepted=True))
    with pytest.raises(deliveries.NothingToRetry):
        post.does(deliveries.retry, [SENT[0]])
    post.does(deliveries.retry, [SENT[1]])
    assert post.delivers() == {"handed_over": 1}


def test_documents_before_the_channel_are_sent_when_asked_for(post: Post, tmp_path: Path) -> None:
    documents = post.life.issue(JANUARY, DAY).issued
    with pytest.raises(deliveries.NoChannel):
        post.does(deliveries.put_again, documents[:1])
    post.channel(ChannelKind.FOLDER, path=str(tmp_path))
    assert post.delivers() == {}
    assert post.does(deliveries.put_again, documents[:2]) == SENT[:2]
    assert post.delivers() == {"handed_over": 2}
    assert post.delivers() == {}
    post.does(deliveries.put_again, documents[:1])
    assert post.delivers() == {"handed_over": 1}
    assert len(list(tmp_path.iterdir())) == 2
    assert {code for code in NINE if code != ODENSE} >= {each.recipient for each in post.list()}
