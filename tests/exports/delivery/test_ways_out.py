"""One parcel over real sockets to servers that misbehave where a library would not let them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from exports.delivery.channels import MOST_OF_AN_ANSWER, Carrier
from exports.delivery.facts import Channel, ChannelKind, DeliveryTopic, PackedFile, Parcel, Tried
from exports.delivery.rules import ChannelNotUsable, require_usable

Behaviour = Callable[[socket.socket], None]
PARCEL = Parcel(
    key="461/F2009-0001",
    topic=DeliveryTopic.DOCUMENTS,
    issuer="461",
    recipient="420",
    subject="Faktura F2009-0001",
    body="",
    files=(PackedFile("F2009-0001.xml", "application/xml", b"<a/>"),),
    reference={"number": "F2009-0001"},
)


class Server:
    """A socket on loopback that behaves as a test says."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.behaves: Behaviour = lambda _caller: None
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.listening.getsockname()[1])

    def serve(self) -> None:
        with suppress(OSError):
            caller, _ = self.listening.accept()
            caller.settimeout(5)
            with caller, suppress(OSError):
                self.behaves(caller)

    def close(self) -> None:
        with suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def handed(kind: ChannelKind, settings: dict[str, str]) -> Tried:
    with Carrier({}, seconds_to_connect=1, seconds_to_answer=1) as ways:
        return ways.hand_over(Channel("461", DeliveryTopic.DOCUMENTS, kind, settings), PARCEL)


def by_http(server: Server) -> Tried:
    return handed(ChannelKind.HTTP, {"url": f"http://127.0.0.1:{server.port}/bilag"})


def answering(head: bytes, body: bytes) -> Behaviour:
    def behave(caller: socket.socket) -> None:
        asked = b""
        while not asked.endswith(b"<a/>"):
            asked += caller.recv(65536)
        caller.sendall(b"HTTP/1.1 " + head + b"\r\n\r\n" + body)

    return behave


def test_an_answer_without_end_is_not_read_to_it(server: Server) -> None:
    """An access point that never stops talking neither fills the memory nor holds the round up."""
    sent = [0]

    def behave(caller: socket.socket) -> None:
        answering(b"200 OK\r\nContent-Length: 500000000", b"")(caller)
        for _ in range(500):
            caller.sendall(b"x" * 1_000_000)
            sent[0] += 1

    server.behaves = behave
    tried = by_http(server)
    server.close()
    assert (tried.handed_over, tried.detail) == (True, "HTTP 200 " + "x" * MOST_OF_AN_ANSWER)
    assert sent[0] < 100


def test_half_an_answer_is_none(server: Server) -> None:
    server.behaves = answering(b"200 OK\r\nContent-Length: 400", b"modt")
    tried = by_http(server)
    assert (tried.handed_over, tried.lasting) == (False, False)


@pytest.mark.parametrize("goodbye", ["221 farvel", "500 hvad", "421 optaget", ""])
def test_a_mail_that_was_taken_is_taken_whatever_the_goodbye(server: Server, goodbye: str) -> None:
    """What a server says to QUIT is of no mail: a 5xx there once gave up what had arrived."""

    def behave(caller: socket.socket) -> None:
        file = caller.makefile("rwb")

        def say(text: str) -> None:
            file.write(f"{text}\r\n".encode())
            file.flush()

        say("220 her")
        for line in file:
            verb = line.split()[0].upper()
            if verb == b"QUIT":
                if goodbye:
                    say(goodbye)
                return
            if verb == b"DATA":
                say("354 kom")
                while file.readline() != b".\r\n":
                    pass
            say("250 ok")

    server.behaves = behave
    settings = {"host": "127.0.0.1", "port": str(server.port), "starttls": "off"}
    tried = handed(ChannelKind.SMTP, settings | {"sender": "a@eksempel.invalid", "recipient": "b@eksempel.invalid"})
    assert (tried.handed_over, tried.lasting) == (True, False)


def test_one_address_is_one() -> None:
    """Of two addresses one may be refused, and the mail would count as handed over."""
    settings = {"host": "h", "sender": "a@eksempel.invalid", "recipient": "b@eksempel.invalid, c@eksempel.invalid"}
    with pytest.raises(ChannelNotUsable, match="recipient er ikke én mailadresse"):
        require_usable(ChannelKind.SMTP, DeliveryTopic.DOCUMENTS, settings)
    require_usable(
        ChannelKind.SMTP, DeliveryTopic.DOCUMENTS, settings | {"recipient": '"Kreditor, Assens" <b@eksempel.invalid>'}
    )
