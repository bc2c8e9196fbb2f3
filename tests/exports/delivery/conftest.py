"""Servers on loopback that fail on purpose, and an issuer whose bills can be sent."""

from __future__ import annotations

import ssl
import threading
import time
from asyncio import Server
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from agreements import trading_run
from exports.delivery import run as deliveries
from exports.delivery.channels import Carrier
from exports.delivery.facts import ChannelKind, Delivery, DeliveryState, DeliveryTopic
from foundation.audit import Occasion
from foundation.database import Database
from foundation.period import Month
from portal.delivery_round import deliver
from tests.billing.runs.conftest import (
    AN_INSTANT,
    FUNEN,
    NINE,
    ODENSE,
    Life,
    LifeOf,
    funen,
    life_of,
    priced,
)

__all__ = ["LifeOf", "funen", "life_of", "priced"]

DAY = date(2008, 12, 15)
BEARER = "kun-til-proeven"
ENVIRONMENT = {"PROEVE_TOKEN": BEARER}


class AccessPoint:
    """A real HTTP server: what it got, in order, and what it answers next; 200 when nothing is said."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int | str] = []
        self.before_answer: Callable[[], None] = lambda: None
        point = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                point.got.append((self.path, dict(self.headers), body))
                answer = point.answers.pop(0) if point.answers else 200
                point.before_answer()
                if answer == "drop":
                    self.close_connection = True
                    return
                if answer == "slow":
                    time.sleep(0.6)
                    answer = 200
                self.send_response(int(answer))
                if answer == 302:
                    self.send_header("Location", "/et-andet-sted")
                said = b"svaret"
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_arguments: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/bilag"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def keys(self) -> Counter[str]:
        """Stable id -> how often it came."""
        return Counter(headers["Idempotency-Key"] for _, headers, _ in self.got)

    def counted(self) -> dict[str, bytes]:
        """What the other side counts: each id once."""
        return {headers["Idempotency-Key"]: body for _, headers, body in self.got}

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def access_point() -> Iterator[AccessPoint]:
    with closing(AccessPoint()) as point:
        yield point


class OnAnyPort(Controller):
    """A mail server on a port that is free."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


class MailServer:
    """A real SMTP server: what it took, and what it answers to the next mails."""

    def __init__(self) -> None:
        self.got: list[tuple[Sequence[str], bytes]] = []
        self.answers: list[str] = []
        self.controller = OnAnyPort(self, hostname="127.0.0.1", port=0)
        self.controller.start()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith(("250", "drop")):
            content = envelope.content
            assert isinstance(content, bytes)
            self.got.append((list(envelope.rcpt_tos), content))
        if answer == "drop":
            assert _server.transport is not None
            _server.transport.close()
        return answer

    @property
    def port(self) -> int:
        return int(self.controller.port)


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.controller.stop()


class Post:
    """An issuer, its channels, and a deliverer with a clock that travels."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.database: Database = life.database
        self.instant: datetime = AN_INSTANT

    def now(self) -> datetime:
        return self.instant

    def occasion(self) -> Occasion:
        return Occasion(DAY, "Anne", self.instant)

    def does(self, verb: Callable[..., Any], *arguments: object, **options: object) -> Any:  # noqa: ANN401 - as verbs
        with self.database.transaction() as connection:
            return verb(connection, *arguments, self.occasion(), **options)

    def channel(
        self,
        kind: ChannelKind,
        settings: Mapping[str, str],
        topic: DeliveryTopic = DeliveryTopic.DOCUMENTS,
    ) -> None:
        self.does(deliveries.set_channel, ODENSE, topic, kind, settings)

    def delivers(
        self,
        after: timedelta = timedelta(0),
        environment: dict[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> dict[str, int]:
        self.instant += after
        carrier = Carrier(
            ENVIRONMENT if environment is None else environment,
            seconds_to_connect=0.3,
            seconds_to_answer=0.3 if tls is None else 5,
            tls=tls,
        )
        return {str(state): count for state, count in deliver(self.database, now=self.now, carrier=carrier).items()}

    def list(self, *states: DeliveryState) -> list[Delivery]:
        with self.database.reading() as connection:
            return deliveries.deliveries(connection, states=states)

    def states(self) -> Counter[str]:
        return Counter(each.state.value for each in self.list())


PAID_BY = {
    "vat_number": "DK35209115",
    "means": "42",
    "registration_number": "0000",
    "account_number": "0000000001",
    "contact": "Regnskab",
}
BUYERS = "aftale;kommune;adressering;reference\n" + "".join(
    f"{FUNEN};{code};cvr;Sundhed\n" for code in NINE if code != ODENSE
)


def enter(post: Post) -> None:
    """What e-invoices of the Funen agreement need."""
    occasion = Occasion(date(2008, 6, 1), "Anne", AN_INSTANT)
    with post.database.transaction() as connection:
        trading_run.set_issuer(connection, ODENSE, PAID_BY, occasion)
        trading_run.load_details(connection, "modtagere.csv", BUYERS.encode(), occasion)


@pytest.fixture
def post(priced: Life) -> Post:
    """Odense with its price of 2009; nothing is issued, nobody is sent anything."""
    post = Post(priced)
    enter(post)
    return post


JANUARY = Month(2009, 1)
