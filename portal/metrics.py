"""What is counted of every request, and where a Prometheus fetches it: ``/metrics``, which is not open to the world.

Labels are routes, methods and statuses, of which there are few; never an address, a person or a municipality. With
several workers the figures lie in the files of ``PROMETHEUS_MULTIPROC_DIR`` and any worker answers for all.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, got_request_exception, has_request_context, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import Engine, event

from portal import logs
from portal.access.scope import PlaceUnknown

LOG = logs.logger("web")
EXTENSION = "mellemregning.metrics"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
QUIET = {"static", "health", "readiness", "figures"}  # asked for every few seconds by machines
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 1.0, 2.5, 10.0)
QUESTIONS = (1, 3, 5, 10, 15, 20, 30, 50, 100)
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")


@dataclass
class Figures:
    """What one process counts."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        """Make the counters."""
        by = ("route", "method")
        self.requests = Counter(
            "mellemregning_requests", "Answers by route and status.", (*by, "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "mellemregning_request_seconds", "Time to an answer.", by, buckets=BUCKETS, registry=self.registry
        )
        self.queries = Histogram(
            "mellemregning_request_queries",
            "Questions to the database for an answer.",
            by,
            buckets=QUESTIONS,
            registry=self.registry,
        )
        self.errors = Counter(
            "mellemregning_unexpected_errors", "Faults of ours, by route.", ("route",), registry=self.registry
        )

    def text(self) -> bytes:
        """All figures as Prometheus reads them: of all workers, where there are several."""
        if not os.environ.get(FOLDER):
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


class Application(Flask):
    """Flask, whose faults are told by ``observe`` in a line of JSON, not by its own logger with what people typed."""

    def log_exception(self, exc_info: object) -> None:
        """Say nothing: it is said once already."""


def count_questions(engine: Engine) -> None:
    """Count what each request asks of this database."""
    event.listen(engine, "before_cursor_execute", _asked)


def _asked(*_what: object) -> None:
    if has_request_context():
        g.questions = g.get("questions", 0) + 1


def observe(app: Flask) -> None:
    """Count and tell every request; what gives it its id is registered before, all else that may refuse it after."""
    figures = app.extensions[EXTENSION] = Figures()

    @app.before_request
    def begin() -> None:
        g.begun, g.cpu = time.perf_counter(), time.thread_time()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.get("request_id", ""))

    @app.after_request
    def tell(response: Response) -> Response:
        route, method = route_of(), request.method if request.url_rule else "OTHER"
        seconds = time.perf_counter() - g.get("begun", time.perf_counter())
        questions = g.get("questions", 0)
        figures.requests.labels(route, method, str(response.status_code)).inc()
        if request.endpoint not in QUIET:
            figures.seconds.labels(route, method).observe(seconds)
            figures.queries.labels(route, method).observe(questions)
            _told(response, route, method, seconds, questions)
        return response

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        structlog.contextvars.clear_contextvars()

    def broke(_sender: object, exception: BaseException, **_more: Any) -> None:  # noqa: ANN401 - the signal's
        figures.errors.labels(route_of()).inc()
        LOG.error("web.error", route=route_of(), method=request.method, **logs.where_it_broke(exception))

    got_request_exception.connect(broke, app, weak=False)


def route_of() -> str:
    """Which route was asked for, as it is written in the code; nothing of what was typed."""
    return request.url_rule.rule if request.url_rule else "none"


def _told(response: Response, route: str, method: str, seconds: float, questions: int) -> None:
    who = g.get("person")
    say = LOG.warning if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR else LOG.info
    say(
        "web.request",
        method=method,
        route=route,
        status=response.status_code,
        ms=round(seconds * 1000),
        cpu_ms=round((time.thread_time() - g.get("cpu", time.thread_time())) * 1000, 1),
        queries=questions,
        bytes=response.content_length,
        user=who.id if who else None,
        place=g.get("place"),
    )


def require_scraper(token: str) -> None:
    """Pass if the figures may be told to whoever asks: with the token, or from this machine and through no proxy.

    Args:
        token: What the environment says; empty where no token opens it.

    Raises:
        PlaceUnknown: to all others there is nothing here.
    """
    said = request.headers.get("Authorization", "")
    if token and hmac.compare_digest(said.encode(), f"Bearer {token}".encode()):
        return
    through_proxy = any(name in request.headers for name in FORWARDED)
    if token or through_proxy or not _is_loopback(request.remote_addr or ""):
        raise PlaceUnknown


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # a socket's file has no address
        return False


def answer(app: Flask) -> Response:
    """The figures."""
    figures: Figures = app.extensions[EXTENSION]
    return Response(figures.text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)
