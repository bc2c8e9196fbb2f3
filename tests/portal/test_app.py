"""The web application: its page, its two addresses for whoever watches over it, its errors and headers."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from foundation.errors import BadInput, MellemregningError, NotFound, RuleBroken
from foundation.settings import Settings
from portal.app import HEADERS, create_app
from portal.pages import anybody
from portal.web_settings import WebSettings


def client_of(database_url: str) -> FlaskClient:
    return create_app(Settings(database_url=database_url, actor="test"), WebSettings(plain_http=True)).test_client()


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'none.sqlite'}", actor="test")
    return create_app(settings, WebSettings(plain_http=True))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_the_front_page_says_in_danish_what_this_is(client: FlaskClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert page.text.startswith('<!doctype html>\n<html lang="da">')
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page.text
    assert "årets abonnement fordelt efter indbyggertal" in page.text
    assert "Mellemregning 0.1.0" in page.text


def test_a_view_that_does_not_say_who_may_is_not_served(app: Flask) -> None:
    app.add_url_rule("/unmarked", view_func=lambda: "a secret")
    answer = app.test_client().get("/unmarked")
    assert answer.status_code == 500
    assert "a secret" not in answer.text


def test_the_page_has_a_style_of_its_own(client: FlaskClient) -> None:
    with client.get("/static/style.css") as style:
        assert style.status_code == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/nowhere"])
def test_every_answer_carries_the_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_health_needs_no_database(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok")


def test_it_is_ready_with_the_newest_tables(upgraded_url: str) -> None:
    answer = client_of(upgraded_url).get("/readyz")
    assert (answer.status_code, answer.text) == (200, "ok")


def test_it_is_not_ready_with_an_empty_database(database_url: str) -> None:
    answer = client_of(database_url).get("/readyz")
    assert answer.status_code == 503
    assert "mellemregning db upgrade" in answer.text


def test_looking_for_a_file_does_not_make_it(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "books.sqlite"
    assert client_of(f"sqlite:///{file}").get("/readyz").status_code == 503
    assert not file.parent.exists()


def test_it_is_not_ready_without_a_server() -> None:
    answer = client_of("postgresql+psycopg://nobody@/none?host=/nowhere").get("/readyz")
    assert answer.status_code == 503
    assert "MELLEMREGNING_DATABASE_URL" in answer.text


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFound(), 404), (BadInput(), 400), (RuleBroken(), 409), (MellemregningError(), 500)],
)
def test_an_error_of_ours_has_the_status_of_its_kind(app: Flask, error: MellemregningError, status: int) -> None:
    def fail() -> str:
        raise error

    app.add_url_rule("/fails", view_func=anybody(fail))
    answer = app.test_client().get("/fails")
    assert answer.status_code == status
    assert error.text() in answer.text


def test_a_fault_of_ours_shows_nothing_of_its_inside(app: Flask) -> None:
    def fail() -> str:
        message = "the inside"
        raise ValueError(message)

    app.add_url_rule("/fails", view_func=anybody(fail))
    answer = app.test_client().get("/fails")
    assert answer.status_code == 500
    assert "Intet er ændret" in answer.text
    assert "inside" not in answer.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("POST", "/", 405)])
def test_the_webs_errors_are_told_in_danish(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == status
    assert '<html lang="da">' in answer.text
    assert ("Allow" in answer.headers) == (status == 405)
