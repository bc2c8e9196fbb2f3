"""When something is tried again, which settings a channel may have, and receipts as files."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.delivery.facts import ChannelKind, DeliveryState, DeliveryTopic, Receipt, Tried
from exports.delivery.receipt_file import ReceiptsUnreadable, read_receipts
from exports.delivery.rules import (
    LONGEST_DETAIL,
    LONGEST_WAIT,
    MOST_ATTEMPTS,
    ChannelNotUsable,
    bounded,
    require_usable,
    state_after,
    wait_after,
)
from foundation.errors import Problems

MAIL = {"host": "mail.test", "sender": "a@b.test", "recipient": "c@d.test"}


@given(st.integers(1, 10**6), st.text())
def test_the_wait_is_doubled_and_at_most_a_quarter_longer(attempts: int, key: str) -> None:
    plain = timedelta(minutes=1) * 2 ** min(attempts - 1, 12)
    low = min(plain, LONGEST_WAIT)
    assert low <= wait_after(attempts, key) <= low * 5 / 4
    assert wait_after(attempts, key) == wait_after(attempts, key)


def test_what_failed_together_is_not_tried_together() -> None:
    assert len({wait_after(3, f"document/461/F2009-{number:04d}") for number in range(200)}) > 50


def test_the_last_try_is_the_twelfth() -> None:
    failed = Tried(handed_over=False, reached="")
    assert state_after(failed, MOST_ATTEMPTS - 1) is DeliveryState.FAILED
    assert state_after(failed, MOST_ATTEMPTS) is DeliveryState.DEAD
    assert state_after(Tried(handed_over=False, reached="", lasting=True), 1) is DeliveryState.DEAD
    assert state_after(Tried(handed_over=True, reached=""), MOST_ATTEMPTS) is DeliveryState.HANDED_OVER


@given(st.text())
def test_a_detail_is_kept_on_one_bounded_line(text: str) -> None:
    kept = bounded(text * 50)
    assert len(kept) <= LONGEST_DETAIL
    assert not set("\n\r\0") & set(kept)


@pytest.mark.parametrize(
    ("kind", "settings", "word"),
    [
        (ChannelKind.FOLDER, {}, "path mangler"),
        (ChannelKind.FOLDER, {"path": "a", "url": "b"}, "url hører ikke"),
        (ChannelKind.FOLDER, {"path": "a", "files": "docx"}, "files"),
        (ChannelKind.FOLDER, {"path": "a\nb"}, "én linje"),
        (ChannelKind.HTTP, {"url": "http://punkt.test/"}, "https"),
        (ChannelKind.HTTP, {"url": "https://a:b@punkt.test/"}, "token_env"),
        (ChannelKind.HTTP, {"url": "https:///x"}, "vært"),
        (ChannelKind.HTTP, {"url": "https://[::/"}, "læses"),
        (ChannelKind.HTTP, {"url": "http://127.0.0.1.punkt.test/"}, "https"),
        (ChannelKind.SMTP, MAIL | {"port": "0"}, "port"),
        (ChannelKind.SMTP, MAIL | {"port": "٣"}, "port"),
        (ChannelKind.SMTP, MAIL | {"starttls": "måske"}, "starttls"),
        (ChannelKind.SMTP, MAIL | {"recipient": ""}, "recipient"),
        (ChannelKind.SMTP, MAIL | {"sender": "ingen"}, "sender"),
        (ChannelKind.SMTP, MAIL | {"user": "m"}, "følges ad"),
        (ChannelKind.SMTP, MAIL | {"user": "m", "password_env": "K", "starttls": "off"}, "krypteret"),
    ],
)
def test_channels_that_cannot_be_used(kind: ChannelKind, settings: dict[str, str], word: str) -> None:
    with pytest.raises(ChannelNotUsable, match=word):
        require_usable(kind, DeliveryTopic.DOCUMENTS, settings)


def test_channels_that_can() -> None:
    require_usable(ChannelKind.HTTP, DeliveryTopic.DOCUMENTS, {"url": "http://[::1]:8080/x"})
    require_usable(ChannelKind.SMTP, DeliveryTopic.DOCUMENTS, MAIL)
    require_usable(ChannelKind.SMTP, DeliveryTopic.MAIL, {"host": "h", "sender": "a@b"})


def test_receipts_as_files() -> None:
    wanted = [
        Receipt("document/461/F1", accepted=True),
        Receipt("x", accepted=False, reason="Ukendt; ordre", kind=ChannelKind.HTTP),
    ]
    text = 'id;tilstand;årsag;kanal\ndocument/461/F1;modtaget;;\nx;afvist;"Ukendt; ordre";http\n'
    assert read_receipts("k.csv", text.encode("utf-8-sig")) == wanted
    json = '[{"id": "document/461/F1", "state": "accepted"},'
    json += ' {"id": "x", "state": "rejected", "reason": "Ukendt; ordre", "channel": "http"}]'
    assert read_receipts("k.json", json.encode()) == wanted


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[1]", b"[", b"navn;by\n1;2\n", b'id;state\n"a', b"[" * 100_000]
)
def test_rubbish_is_no_receipt(content: bytes) -> None:
    with pytest.raises(ReceiptsUnreadable):
        read_receipts("k", content)


def test_every_receipt_that_says_nothing_is_told() -> None:
    with pytest.raises(Problems) as caught:
        read_receipts("k.csv", b"id,state,reason,channel\n,accepted,,\na,maybe,,\nb,rejected,,\nc,accepted,,due\nd\n")
    assert len(caught.value.problems) == 5
