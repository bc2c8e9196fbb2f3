"""What is issued reaches the other side at least once, under one id, whatever fails on the way; on both databases."""

from __future__ import annotations

import os
import signal
import subprocess
import sysconfig
from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from lxml import etree

from billing.monthly_aconto import run as months
from exports.delivery import run as deliveries
from exports.delivery.facts import ChannelKind, DeliveryState, DeliveryTopic, Receipt
from exports.delivery.rules import MOST_ATTEMPTS
from foundation import clock, outbox
from foundation.database import Database
from foundation.outbox import OutboxEntry
from tests.billing.runs.conftest import FUNEN, NINE, ODENSE
from tests.exports.delivery.conftest import BEARER, DAY, JANUARY, AccessPoint, MailServer, Post

ON_SQLITE = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
COMMAND = Path(sysconfig.get_path("scripts")) / "mellemregning"
# January of the nine; Odense's own share, F2008-0005, is internal and never sent.
SENT = [f"document/461/F2008-{number:04d}" for number in (1, 2, 3, 4, 6, 7, 8, 9)]


@ON_SQLITE
def test_nothing_changes_for_an_issuer_without_channel(post: Post) -> None:
    post.life.issue(JANUARY, DAY)
    assert post.life.says("SELECT COUNT(*) FROM outbox_entry") == [(0,)]
    assert post.delivers() == {}


def test_a_folder_gets_each_document_once_under_its_id(post: Post, tmp_path: Path) -> None:
    post.channel(ChannelKind.FOLDER, {"path": str(tmp_path)})
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


@ON_SQLITE
def test_what_was_rolled_back_is_never_sent(post: Post, tmp_path: Path) -> None:
    post.channel(ChannelKind.FOLDER, {"path": str(tmp_path)})

    def fails() -> None:
        with post.database.transaction() as connection:
            assert months.issue_month(connection, FUNEN, JANUARY, post.occasion()).issued
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert post.delivers() == {}
    assert list(tmp_path.iterdir()) == []


@ON_SQLITE
def test_an_access_point_gets_token_and_id(post: Post, access_point: AccessPoint) -> None:
    post.channel(ChannelKind.HTTP, {"url": access_point.url, "token_env": "PROEVE_TOKEN"})
    post.life.issue(JANUARY, DAY)
    assert post.delivers() == {"handed_over": 8}
    assert access_point.keys() == dict.fromkeys(SENT, 1)
    _, headers, body = access_point.got[0]
    assert headers["Authorization"] == f"Bearer {BEARER}"
    assert headers["Content-Type"] == "application/xml"
    assert etree.fromstring(body).findtext("{*}ID") == "F2008-0001"
    # The token is nowhere in the database.
    assert BEARER not in str(post.life.everything())


@ON_SQLITE
def test_what_passes_is_tried_again_and_what_lasts_is_given_up(post: Post, access_point: AccessPoint) -> None:
    post.channel(ChannelKind.HTTP, {"url": access_point.url, "token_env": "PROEVE_TOKEN"})
    post.life.issue(JANUARY, DAY)
    assert post.delivers(environment={}) == {"failed": 8}
    assert access_point.got == []
    assert "PROEVE_TOKEN er ikke sat" in post.list()[0].history[-1].detail
    access_point.answers = [500, 503, 429, 401, "drop", "slow", 400, 302]
    assert post.delivers(timedelta(seconds=59)) == {}  # not before a minute
    assert post.delivers(timedelta(seconds=17)) == {"failed": 6, "dead": 2}  # and a quarter at most
    dead = post.list(DeliveryState.DEAD)
    assert sorted(each.history[-1].detail for each in dead) == ["HTTP 302 svaret", "HTTP 400 svaret"]
    assert post.delivers(timedelta(minutes=3)) == {"handed_over": 6}
    assert access_point.keys() == dict.fromkeys(SENT, 2) | dict.fromkeys([each.key for each in dead], 1)
    assert post.delivers(timedelta(days=30)) == {}
    post.does(deliveries.retry, [])
    assert post.delivers() == {"handed_over": 2}
    assert len(access_point.counted()) == 8
    # Nobody answers at all any more.
    access_point.server.server_close()
    credit = post.life.credit("F2008-0001", date(2008, 12, 16))
    for _ in range(MOST_ATTEMPTS - 1):
        assert post.delivers(timedelta(hours=8)) == {"failed": 1}
    assert post.delivers(timedelta(hours=8)) == {"dead": 1}
    assert post.list(DeliveryState.DEAD)[0].key == f"document/461/{credit.number}"


@ON_SQLITE
def test_mail_servers_get_both_files_under_one_message_id(post: Post, mail_server: MailServer) -> None:
    settings = {"host": "127.0.0.1", "port": str(mail_server.port), "starttls": "off", "sender": "a@odense.test"}
    post.channel(ChannelKind.SMTP, settings | {"recipient": "ind@adgangspunkt.test"})
    post.channel(ChannelKind.SMTP, settings, DeliveryTopic.MAIL)
    told = OutboxEntry("run.alarm/1", "run.alarm", ODENSE, "anne@odense.test", "Frist æøå", "Se plan 1.", {}, DAY)
    nobody = replace(told, key="run.alarm/2", recipient="")
    with post.database.transaction() as connection:
        outbox.put(connection, post.occasion(), told)
        outbox.put(connection, post.occasion(), nobody)
    documents = post.life.issue(JANUARY, DAY).issued
    mail_server.answers = ["250 OK", "451 senere", "drop", "554 aldrig"]
    assert post.delivers() == {"handed_over": 6, "failed": 2, "dead": 1}
    assert post.delivers(timedelta(minutes=2)) == {"handed_over": 2}
    mails = [message_from_bytes(content, policy=policy.default) for _, content in mail_server.got]
    assert (mails[0]["To"], mails[0]["Subject"]) == ("anne@odense.test", "Frist æøå")
    assert mails[0].get_content().split() == ["Se", "plan", "1."]
    of_second = [mail for mail in mails if mail["X-Mellemregning-Id"] == SENT[1]]
    assert [mail["Message-ID"] for mail in of_second] == ["<document.461.F2008-0002@odense.test>"] * 2
    files = {each.get_filename(): each.get_content() for each in of_second[0].iter_attachments()}
    assert [Path(str(name)).suffix for name in files] == [".pdf", ".xml"]
    assert next(iter(files.values())).startswith(b"%PDF-")
    # The same by a link.
    post.channel(ChannelKind.SMTP, {"link": "https://odense.test/{issuer}/{number}"})
    post.does(deliveries.put_again, documents[:1])
    assert post.delivers() == {"handed_over": 1}
    last = message_from_bytes(mail_server.got[-1][1], policy=policy.default)
    assert "https://odense.test/461/F2008-0001" in last.get_content()


@pytest.mark.soak
def test_killed_after_handing_over_and_before_noting(
    post: Post, access_point: AccessPoint, upgraded_url: str, tmp_path: Path
) -> None:
    """The deliverer is a process; it dies at the very moment at which the other side has taken the third document."""
    post.channel(ChannelKind.HTTP, {"url": access_point.url})
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
    post.channel(ChannelKind.FOLDER, {"path": "ingen"})
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
    post.channel(ChannelKind.FOLDER, {"path": str(tmp_path)})
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
    post.channel(ChannelKind.FOLDER, {"path": str(tmp_path)})
    assert post.delivers() == {}
    assert post.does(deliveries.put_again, documents[:2]) == SENT[:2]
    assert post.delivers() == {"handed_over": 2}
    assert post.delivers() == {}
    post.does(deliveries.put_again, documents[:1])
    assert post.delivers() == {"handed_over": 1}
    assert len(list(tmp_path.iterdir())) == 2
    assert {code for code in NINE if code != ODENSE} >= {each.recipient for each in post.list()}
