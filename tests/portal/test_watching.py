"""What the web process tells of its work: lines of JSON without secrets or persons; figures that are not for all."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from foundation.settings import Settings
from portal import logs
from portal.app import create_app
from portal.pages import EXTENSION, anybody
from portal.web_settings import ProxiesNotANumber, WebSettings
from tests.databases import SqliteDatabases
from tests.portal import demo_site

ROOT = Path(__file__).parents[2]
TOKEN = "abcdefghijklmnop-of-the-test"  # noqa: S105 - opens nothing but a test's own figures
CPR = "000000-0000"  # nobody has it


@pytest.fixture(scope="module")
def url(sqlite_databases: SqliteDatabases) -> Iterator[str]:
    with sqlite_databases.upgraded() as made, demo_site.lived(made):
        yield made


def app_of(url: str, **more: Any) -> Flask:  # noqa: ANN401 - the settings' own
    web = WebSettings(plain_http=True, **more)
    made = create_app(Settings(database_url=url, actor="test"), web, day=lambda: demo_site.TODAY)
    made.config["WTF_CSRF_ENABLED"] = False
    return made


@pytest.fixture
def app(url: str) -> Iterator[Flask]:
    made = app_of(url)
    yield made
    made.extensions[EXTENSION].close()


@pytest.fixture
def told() -> Iterator[io.StringIO]:
    """What the process says while a test runs."""
    names = (logs.ROOM, "gunicorn.error", "py.warnings", "alembic", "sqlalchemy", "urllib3", "authlib")
    before = {name: (logging.getLogger(name).handlers, logging.getLogger(name).propagate) for name in names}
    stream = io.StringIO()
    logs.to_stderr(stream=stream)
    yield stream
    for name, (handlers, propagate) in before.items():
        logging.getLogger(name).handlers, logging.getLogger(name).propagate = handlers, propagate
    logging.captureWarnings(capture=False)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def logged_in(app: Flask, login: str) -> FlaskClient:
    client = app.test_client()
    assert client.post("/login", data={"login": login, "password": demo_site.PASSWORD}).status_code == 303
    return client


def test_a_request_is_a_line_with_its_route_and_not_what_was_typed(app: Flask, told: io.StringIO) -> None:
    client = logged_in(app, "officer")
    told.truncate(0)
    told.seek(0)
    answer = client.get("/oekonomi/461/bilag?q=hemmelig+Hansen", headers={"X-Request-ID": "abc-12345678"})
    (line,) = lines(told)
    assert answer.headers["X-Request-ID"] == line["request_id"] == "abc-12345678"
    assert line["event"] == "web.request"
    assert (line["method"], line["route"], line["status"]) == ("GET", "/oekonomi/<place:place>/bilag", 200)
    assert (line["place"], line["level"]) == ("461", "info")
    assert line["queries"] > 0 <= line["ms"]
    assert isinstance(line["user"], int)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", line["at"])
    assert "Hansen" not in told.getvalue()


def test_nothing_of_a_login_is_told(app: Flask, told: io.StringIO) -> None:
    client = app.test_client()
    client.post("/login", data={"login": "officer", "password": "en forkert kode"})
    client.post("/login", data={"login": "officer", "password": demo_site.PASSWORD})
    said = told.getvalue()
    assert [line["status"] for line in lines(told)] == [401, 303]
    cookie = client.get_cookie("mellemregning")
    assert cookie is not None
    for secret in ("forkert", demo_site.PASSWORD, "officer", cookie.value):
        assert secret not in said


def test_a_fault_is_told_by_its_kind_and_place_and_not_by_its_words(app: Flask, told: io.StringIO) -> None:
    def fail() -> str:
        message = f"{CPR} could not be read"
        raise ValueError(message)

    app.add_url_rule("/fails/<what>", view_func=anybody(lambda what: fail()), endpoint="fails")  # noqa: ARG005 - the address's
    answer = app.test_client().get("/fails/hansen")
    fault, request = lines(told)
    assert (fault["event"], fault["error"], fault["route"]) == ("web.error", "ValueError", "/fails/<what>")
    assert any("test_watching.py" in step for step in fault["way"])
    assert (request["status"], request["level"]) == (500, "warning")
    assert fault["request_id"] == request["request_id"] == answer.headers["X-Request-ID"]
    assert CPR not in told.getvalue()
    assert "hansen" not in told.getvalue()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("postgresql://user:hunter22@host/name", "postgresql://user:***@host/name"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        (f"cell holds {CPR}!", "cell holds ***!"),
        ("to nobody@example.invalid now", "to *** now"),
        ("token=abc123 kept=1", "token=*** kept=1"),
        ("F2009-0001 paid 194.202,82 kr.", "F2009-0001 paid 194.202,82 kr."),
    ],
)
def test_what_looks_like_a_secret_or_a_person_is_masked(said: str, kept: str) -> None:
    assert logs.masked(said) == kept
    assert logs.masked([{"a": (said,)}]) == [{"a": [kept]}]


@pytest.mark.parametrize("name", ["password", "X-Api-Key", "csrf_token", "Cookie", "login", "email", "adgangskode"])
def test_what_is_called_a_secret_is_masked(name: str) -> None:
    assert logs.masked({name: "abc", "amount_oere": 5}) == {name: "***", "amount_oere": 5}


def test_what_the_rest_of_the_house_says_is_a_line_too(told: io.StringIO) -> None:
    facts = {"event": "delivery.round", "facts": {"failed": 2, "mail": "nobody@example.invalid"}}
    logging.getLogger("mellemregning.delivery").warning("Forsendelse: %s", "to mislykket", extra=facts)
    try:
        os.environ[CPR]
    except KeyError:
        logging.getLogger("mellemregning.delivery").exception("Gik i stå")
    first, second = lines(told)
    assert (first["event"], first["level"], first["message"]) == (
        "delivery.round",
        "warning",
        "Forsendelse: to mislykket",
    )
    assert (first["failed"], first["mail"]) == (2, "***")
    assert (second["error"], second["level"]) == ("KeyError", "error")
    assert CPR not in told.getvalue()


def samples(text: str, name: str) -> dict[str, float]:
    found = re.findall(rf"^{name}(\{{.*\}})? (\S+)$", text, re.MULTILINE)
    return {labels: float(value) for labels, value in found}


def test_the_figures_count_routes(app: Flask) -> None:
    client = app.test_client()
    for path in ("/", "/login", "/login", "/findes-ikke/hansen", "/findes-ikke/jensen", "/kommune/420/"):
        client.get(path)
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    counted = samples(answer.text, "mellemregning_requests_total")
    assert counted['{method="GET",route="/login",status="200"}'] == 2
    assert counted['{method="OTHER",route="none",status="404"}'] == 2
    assert counted['{method="GET",route="/kommune/<place:place>/",status="303"}'] == 1
    assert samples(answer.text, "mellemregning_request_seconds_count")['{method="GET",route="/login"}'] == 2
    assert "hansen" not in answer.text
    assert "420" not in answer.text


@pytest.mark.parametrize(
    ("token", "address", "headers", "status"),
    [
        ("", "127.0.0.1", {}, 200),
        ("", "::1", {}, 200),
        ("", "192.0.2.7", {}, 404),
        ("", "", {}, 404),  # through a socket's file: that is nginx
        ("", "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("", "127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 404),
        (TOKEN, "192.0.2.7", {"Authorization": f"Bearer {TOKEN}"}, 200),
        (TOKEN, "192.0.2.7", {"Authorization": f"Bearer {TOKEN}x"}, 404),
        (TOKEN, "127.0.0.1", {}, 404),
        (TOKEN, "127.0.0.1", {"Authorization": "Bearer ærø"}, 404),
        ("", "192.0.2.7", {"Authorization": "Bearer "}, 404),
    ],
)
@pytest.mark.parametrize("proxies", [0, 1])
def test_the_figures_are_not_for_all(
    url: str, *, token: str, address: str, headers: dict[str, str], status: int, proxies: int
) -> None:
    client = app_of(url, metrics_token=token, proxies=proxies).test_client()
    answer = client.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status
    assert ("mellemregning_requests" in answer.text) == (status == 200)


def test_behind_nginx_the_visitor_is_who_nginx_says_it_is(url: str) -> None:
    seen: list[tuple[str | None, bool]] = []

    def look() -> str:
        from flask import request

        seen.append((request.remote_addr, request.is_secure))
        return ""

    for proxies in (0, 1):
        app = app_of(url, proxies=proxies)
        app.add_url_rule("/look", view_func=anybody(look))
        # The first is what a visitor wrote, the last what nginx saw.
        headers = {"X-Forwarded-For": "127.0.0.1, 192.0.2.7", "X-Forwarded-Proto": "https"}
        app.test_client().get("/look", headers=headers)
    assert seen == [("127.0.0.1", False), ("192.0.2.7", True)]


@pytest.mark.parametrize("said", ["-1", "4", "ja", "1.0"])
def test_the_number_of_proxies_is_one(said: str) -> None:
    with pytest.raises(ProxiesNotANumber, match=re.escape(said)):
        WebSettings.from_environment({"MELLEMREGNING_PROXIES": said})


@pytest.mark.soak
def test_several_workers_answer_with_the_figures_of_all(url: str, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("COV")},
        "MELLEMREGNING_DATABASE_URL": url,
        "MELLEMREGNING_BIND": f"127.0.0.1:{port}",
        "MELLEMREGNING_SECRET_KEY": secrets.token_hex(),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "figures"),
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "wsgi:app"]
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as errors:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=errors)
        try:
            fetched = [asked(port, "/login", patience=20) for _ in range(12)]
            assert [status for status, _text in fetched] == [200] * 12
            counts = {
                samples(asked(port, "/metrics")[1], "mellemregning_requests_total")[
                    '{method="GET",route="/login",status="200"}'
                ]
                for _ in range(6)
            }
            assert counts == {12.0}
            assert asked(port, "/readyz")[0] == 200
            assert asked(port, "/metrics", {"X-Forwarded-For": "192.0.2.1"})[0] == 404
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0
    said = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    assert sum(line["event"] == "web.request" and line["route"] == "/login" for line in said) == 12
    assert not (tmp_path / "figures").exists()


def asked(port: int, path: str, headers: dict[str, str] | None = None, patience: float = 0) -> tuple[int, str]:
    until = time.monotonic() + patience
    while True:
        try:
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers or {})
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - ours
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def test_several_workers_without_a_common_key_do_not_start() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MELLEMREGNING_SECRET_KEY"}
    command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "wsgi:app"]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=environment | {"MELLEMREGNING_BIND": "127.0.0.1:0"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "MELLEMREGNING_SECRET_KEY" in ended.stderr.decode()
