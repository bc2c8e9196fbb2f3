"""Web-hooks: told of what is one's own, signed, in the transaction that it tells of, again until it is there."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from exports.delivery.channels import Carrier
from exports.delivery.facts import Channel, ChannelKind, DeliveryTopic, PackedFile, Parcel
from exports.delivery.rules import ChannelNotUsable
from foundation import clock
from foundation.hooks import HOOK_KEY, hooks, signature
from foundation.period import Month
from portal.access import hooks as verbs
from tests.exports.delivery.conftest import DAY, AccessPoint, Post

ENVIRONMENT = {HOOK_KEY: "prøvens egen nøgle", "MELLEMREGNING_HOOK_LOCAL": "1"}
ASSENS, ODENSE, NYBORG = "420", "461", "450"
JANUARY = Month(2009, 1)


def hook(post: Post, place: str, url: str, *events: str) -> tuple[int, str]:
    with post.database.transaction() as connection:
        wanted = events or ("document.issued", "document.delivered", "statement.released")
        made, secret = verbs.make_hook(connection, place, url, wanted, post.occasion(), environment=ENVIRONMENT)
    return made.id, secret


def told(point: AccessPoint) -> list[dict[str, Any]]:
    return [json.loads(body) for _, headers, body in point.got if "Mellemregning-Event" in headers]


def test_a_payer_is_told_of_its_own_invoice_and_of_no_other(post: Post, access_point: AccessPoint) -> None:
    number, secret = hook(post, ASSENS, access_point.url, "document.issued")
    post.life.issue(JANUARY, DAY)
    assert access_point.got == []  # nothing leaves before the commit
    assert post.delivers(environment=ENVIRONMENT) == {"handed_over": 1}
    ((_path, headers, body),) = access_point.got
    event = json.loads(body)
    issued = event["data"]["number"]
    assert event["id"] == f"hook/{number}/document.issued/document/461/{issued}" == headers["Idempotency-Key"]
    assert (event["event"], event["municipality"]) == ("document.issued", ASSENS)
    assert event["data"]["subscriber"] == ASSENS
    assert "oere" not in body.decode()
    # By hand: HMAC-SHA256 with the secret over the seconds, a point and the body.
    stamp, mark = headers["Mellemregning-Signature"].split(",")
    assert 0 <= clock.now().timestamp() - int(stamp.removeprefix("t=")) < 60
    by_hand = hmac.new(secret.encode(), stamp.removeprefix("t=").encode() + b"." + body, hashlib.sha256).hexdigest()
    assert mark == f"v1={by_hand}"
    assert post.delivers(environment=ENVIRONMENT) == {}  # once


def test_an_issuer_is_told_of_all_and_of_what_was_handed_over(post: Post, access_point: AccessPoint) -> None:
    post.channel(ChannelKind.HTTP, {"url": access_point.url})
    hook(post, ODENSE, access_point.url)
    hook(post, NYBORG, access_point.url, "document.delivered")
    issue = post.life.issue(JANUARY, DAY)
    sent = [document.number for document in issue.issued if not document.internal]
    post.delivers(environment=ENVIRONMENT)
    post.delivers(environment=ENVIRONMENT)
    events = told(access_point)
    of_odense = [each for each in events if each["municipality"] == ODENSE]
    assert sorted(each["data"]["number"] for each in of_odense if each["event"] == "document.issued") == sent
    assert sorted(each["data"]["number"] for each in of_odense if each["event"] == "document.delivered") == sent
    of_nyborg = [each for each in events if each["municipality"] == NYBORG]
    (own,) = [document.number for document in issue.issued if document.subscriber.municipality == NYBORG]
    assert [each["data"]["number"] for each in of_nyborg] == [own]


def test_a_call_that_fails_is_made_again_with_the_same_id(post: Post, access_point: AccessPoint) -> None:
    hook(post, ASSENS, access_point.url, "document.issued")
    access_point.answers = [503, "drop", 200]
    post.life.issue(JANUARY, DAY)
    for _ in range(3):
        post.delivers(timedelta(hours=1), environment=ENVIRONMENT)
    assert list(access_point.keys().values()) == [3]
    bodies = {body for _, _, body in access_point.got}
    assert len(bodies) == 1
    (delivery,) = post.list()
    assert [each.state.value for each in delivery.history] == ["failed", "failed", "handed_over"]
    assert "svaret" not in str(delivery)  # what the other side says is not shown to whoever named the address


def test_a_redirect_is_not_followed(post: Post, access_point: AccessPoint) -> None:
    hook(post, ASSENS, access_point.url, "document.issued")
    access_point.answers = [302]
    post.life.issue(JANUARY, DAY)
    assert post.delivers(environment=ENVIRONMENT) == {"dead": 1}
    assert len(access_point.got) == 1


def test_a_closed_hook_is_told_nothing_more(post: Post, access_point: AccessPoint) -> None:
    number, _secret = hook(post, ASSENS, access_point.url, "document.issued")
    other, _secret = hook(post, ASSENS, access_point.url, "document.delivered")
    post.life.issue(JANUARY, DAY)
    with post.database.transaction() as connection:
        verbs.close_hook(connection, ASSENS, number, post.occasion())
    assert post.delivers(environment=ENVIRONMENT) == {"dead": 1}
    assert access_point.got == []
    with post.database.reading() as connection:
        assert [each.id for each in hooks(connection)] == [other]
    with pytest.raises(verbs.HookUnknown), post.database.transaction() as connection:
        verbs.close_hook(connection, NYBORG, other, post.occasion())


def test_without_the_key_nothing_is_signed_or_sent(post: Post, access_point: AccessPoint) -> None:
    hook(post, ASSENS, access_point.url, "document.issued")
    post.life.issue(JANUARY, DAY)
    assert post.delivers(environment={"MELLEMREGNING_HOOK_LOCAL": "1"}) == {"failed": 1}
    assert access_point.got == []
    with pytest.raises(verbs.HooksNotSetUp), post.database.transaction() as connection:
        verbs.make_hook(connection, ASSENS, access_point.url, ["document.issued"], post.occasion(), environment={})


def test_our_own_network_is_not_called(post: Post, access_point: AccessPoint) -> None:
    hook(post, ASSENS, access_point.url, "document.issued")
    post.life.issue(JANUARY, DAY)
    assert post.delivers(environment={HOOK_KEY: ENVIRONMENT[HOOK_KEY]}) == {"failed": 1}
    assert access_point.got == []
    (delivery,) = post.list()
    assert delivery.history[0].detail == "AddressInside"


@pytest.mark.parametrize("inside", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "::1", "fd00::1"])
def test_a_name_that_leads_inside_is_not_called(monkeypatch: pytest.MonkeyPatch, inside: str) -> None:
    asked: list[str] = []

    def lookup(host: str, port: int, **_options: object) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (inside, port))]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    settings = {"url": "https://udenfor.eksempel.dk/", "salt": "s"}
    channel = Channel(ASSENS, DeliveryTopic.EVENTS, ChannelKind.WEBHOOK, settings)
    file = PackedFile("event.json", "application/json", b"{}")
    parcel = Parcel("k", DeliveryTopic.EVENTS, ASSENS, "", "document.issued", "", (file,))
    with Carrier({HOOK_KEY: "x"}) as carrier:
        tried = carrier.hand_over(channel, parcel)
    assert (tried.handed_over, tried.detail, asked) == (False, "AddressInside", ["udenfor.eksempel.dk"])


@pytest.mark.parametrize(
    "url",
    ["http://udenfor.eksempel.dk/", "https://navn:kode@eksempel.dk/", "ftp://eksempel.dk/", "https://", "javascript:1"],
)
def test_an_address_that_cannot_be(post: Post, url: str) -> None:
    with pytest.raises(ChannelNotUsable):
        hook(post, ASSENS, url)


@pytest.mark.parametrize("url", ["https://eksempel.dk/\r\nX: y", "https://æ.dk/", "https://e.dk/" + "x" * 500])
def test_an_address_that_is_none(post: Post, url: str) -> None:
    with pytest.raises(verbs.HookUrlWrong):
        hook(post, ASSENS, url)


def test_a_secret_is_in_no_row(post: Post, access_point: AccessPoint) -> None:
    _number, secret = hook(post, ASSENS, access_point.url)
    with post.database.reading() as connection:
        rows = [str(row) for row in connection.execute(text("SELECT * FROM web_hook"))]
        rows += [str(row) for row in connection.execute(text("SELECT details FROM audit_event"))]
    assert rows
    assert all(secret not in row for row in rows)
    assert signature(secret, 1, b"{}") != signature("another", 1, b"{}")


def test_what_is_rolled_back_tells_nobody(post: Post, access_point: AccessPoint) -> None:
    hook(post, ASSENS, access_point.url)

    def fails() -> None:
        with post.database.transaction() as connection:
            from billing.monthly_aconto import run as months

            months.issue_month(connection, post.life.code, JANUARY, post.occasion())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert post.delivers(environment=ENVIRONMENT) == {}
