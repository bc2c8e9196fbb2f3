"""What every page rests on: who may call it, the one transaction around it, and what it may ask about its caller.

A view is marked by ``who_may``, ``anybody_here`` or ``anybody``; one that is not marked is never served. ``who_may``
takes the place from the address (``<place:place>``), lets ``access.scope`` decide, and only then calls the view.
"""

from __future__ import annotations

import functools
import io
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from flask import Response, current_app, g, make_response, redirect, request, send_file, session, url_for
from sqlalchemy import Connection, make_url
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response as WebResponse

import migrations
from agreements import store as agreement_store
from agreements.municipality import MUNICIPALITIES
from foundation import clock
from foundation.audit import Occasion
from foundation.database import Database, DatabaseNotReady
from foundation.errors import BadInput, N_
from portal.access import run as access
from portal.access.scope import Deed, Person, PlaceUnknown
from portal.metrics import count_questions
from portal.web_settings import WebSettings

View = TypeVar("View", bound=Callable[..., Any])
TOKEN = "token"  # noqa: S105 - where the visitor's cookie holds it
READS = {"GET", "HEAD", "OPTIONS"}
SEE_OTHER = 303
EXTENSION = "mellemregning"
LARGEST_UPLOAD = 20 * 1024 * 1024


class NotMarked(RuntimeError):
    """A view that does not say who may call it."""


class UploadNotUsable(BadInput):
    """Nothing was uploaded, or something else than was asked for."""

    danish = N_("Filen kan ikke bruges: {reason}. Vælg en anden, og prøv igen; intet er ændret.")


@dataclass
class Site:
    """What all requests of a process share.

    Attributes:
        now: The instant; a test passes a clock of its own.
        day: The business date; the demo stands still on a day of its own.
    """

    database_url: str
    settings: WebSettings
    now: Callable[[], datetime] = clock.now
    day: Callable[[], date] = clock.today
    _database: Database | None = field(default=None, repr=False)

    @property
    def database(self) -> Database:
        """The database, looked at once.

        Raises:
            DatabaseNotReady, DatabaseTooNew, DatabaseUnavailable.
        """
        if self._database is None:
            url = make_url(self.database_url)
            if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
                raise DatabaseNotReady  # looking would make the file
            database = Database(self.database_url)
            try:
                migrations.require_newest(database)
            except BaseException:
                database.dispose()
                raise
            count_questions(database.engine)
            self._database = database
        return self._database

    def close(self) -> None:
        """Let go of the database's connections."""
        if self._database is not None:
            self._database.dispose()
            self._database = None


def site() -> Site:
    """What this process shares."""
    return cast("Site", current_app.extensions[EXTENSION])


def connection() -> Connection:
    """The transaction around this request."""
    return cast("Connection", g.connection)


def person() -> Person:
    """Who is logged in; only where a view's mark asks for it."""
    return cast("Person", g.person)


def visitor() -> Person | None:
    """Who is logged in, if anybody is."""
    return cast("Person | None", g.get("person"))


def today() -> date:
    """The business date."""
    return site().day()


def occasion() -> Occasion:
    """This request, for the audit trail."""
    return Occasion(today(), person().login, site().now())


class Place(BaseConverter):
    """A municipality's code in an address."""

    regex = "[0-9]{3}"

    def to_python(self, value: str) -> str:
        """The code, also where it is none of the 98: whoever asks has no role there."""
        return value


@dataclass(frozen=True, slots=True)
class Mark:
    """Who may call a view.

    Attributes:
        deed: What a role at the place in the address must allow; None where no place is asked about.
        logged_in: Whether it takes a login.
    """

    deed: Deed | None = None
    logged_in: bool = False


def mark_of(view: Callable[..., Any]) -> Mark | None:
    """Who may call it, if it says."""
    return cast("Mark | None", getattr(view, "mark", None))


def anybody(view: View) -> View:
    """Mark a view that needs no login; it opens its own transactions, if any."""
    view.mark = Mark()  # type: ignore[attr-defined]
    return view


def anybody_here(view: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a view for everybody who is logged in, whatever their roles."""
    return _marked(view, Mark(logged_in=True))


def who_may(deed: Deed) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a view for those whose role at ``place`` allows the deed."""

    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        return _marked(view, Mark(deed, logged_in=True))

    return mark


def _marked(view: Callable[..., Any], mark: Mark) -> Callable[..., Any]:
    @functools.wraps(view)
    def called(**arguments: Any) -> WebResponse:  # noqa: ANN401 - whatever the address holds
        token = session.get(TOKEN)
        if not isinstance(token, str):
            return to_login()
        with _transaction() as opened:
            visit = access.visit_of(opened, token, site().now())
            if visit is None:
                session.pop(TOKEN, None)
                return to_login()
            g.connection, g.person = opened, visit.person
            if mark.deed is not None:
                place = arguments["place"]
                visit.person.require(mark.deed, place)
                if place not in MUNICIPALITIES:
                    raise PlaceUnknown
                g.place = place
                g.issues = bool(agreement_store.agreement_codes(opened, place))
            if visit.needs_touch and request.method not in READS:
                access.touch(opened, visit, site().now())
            answer = make_response(view(**arguments))
        if visit.needs_touch and request.method in READS:
            with site().database.transaction() as own:
                access.touch(own, visit, site().now())
        return answer

    called.mark = mark  # type: ignore[attr-defined]
    return called


@contextmanager
def _transaction() -> Iterator[Connection]:
    """All or nothing for a request that changes; a steady view for one that looks."""
    database = site().database
    with database.reading() if request.method in READS else database.transaction() as opened:
        try:
            yield opened
        finally:
            g.pop("connection", None)


def to_login() -> WebResponse:
    """Ask who it is, and come back here afterwards."""
    back = request.full_path.rstrip("?") if request.method in READS else None
    return redirect(url_for("login.log_in", next=back), SEE_OTHER)


def seen(endpoint: str, **values: Any) -> WebResponse:  # noqa: ANN401 - whatever the address holds
    """Answer a form that was carried out: look at this page, so that a reload does nothing twice."""
    return redirect(url_for(endpoint, **values), SEE_OTHER)


def safe_next(wanted: str | None) -> str | None:
    """A page of ours to go on to; no other address, however it is written."""
    if not wanted or not re.fullmatch(r"/(?![/\\])[\w/.?=&%+-]*", wanted):
        return None
    return wanted


def download(content: bytes, name: str, mimetype: str) -> Response:
    """A file to keep, named so that a person finds it again.

    Args:
        content: The file.
        name: With its ending; what no file system takes is written with a dash.
        mimetype: What it is.
    """
    safe = re.sub(r"[^0-9A-Za-zÆØÅæøåéü ._,()-]", "-", name).strip(" .")
    return send_file(io.BytesIO(content), mimetype, as_attachment=True, download_name=safe)


# How a file begins, whatever it is called.
BEGINS = {".xlsx": b"PK\x03\x04", ".pdf": b"%PDF-", ".zip": b"PK\x03\x04"}
TEXTS = {".toml", ".csv", ".txt", ".xml", ".json"}


def upload(field_name: str, *endings: str) -> tuple[str, bytes]:
    """The file that a form sent: its name, without folders, and its content, which is what the name says.

    Args:
        field_name: The form's field.
        endings: What is taken: ``.xlsx``, ``.toml``.

    Raises:
        UploadNotUsable.
    """
    sent = request.files.get(field_name)
    if sent is None or not sent.filename:
        raise UploadNotUsable(reason="der er ikke valgt en fil")
    name = re.sub(r"[^\w .,()-]", "-", re.split(r"[/\\]", sent.filename)[-1])[-100:]
    ending = Path(name).suffix.casefold()
    if ending not in endings:
        raise UploadNotUsable(reason=f"{name} skal ende på {' eller '.join(endings)}")
    content = sent.read()
    if not content:
        raise UploadNotUsable(reason=f"{name} er tom")
    if ending in BEGINS and not content.startswith(BEGINS[ending]):
        raise UploadNotUsable(reason=f"indholdet af {name} er ikke det, navnet siger")
    if ending in TEXTS and b"\x00" in content:
        raise UploadNotUsable(reason=f"indholdet af {name} er ikke tekst")
    return name, content


def request_id(given: str | None) -> str:
    """What this request is called in answers and logs: the caller's own name for it, where it is harmless."""
    return given if given and re.fullmatch(r"[A-Za-z0-9-]{8,64}", given) else secrets.token_hex(8)
