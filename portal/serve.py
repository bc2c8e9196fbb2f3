"""The demo's data served to this machine alone, with log-ins that are made for this start: ``python3 dev.py serve``.

The business date stands still on the demo's last day, for the pages and for the clock that works beside them, so that
deadlines and amounts are what the guide shows. The clock plans, tells, and issues what somebody approved, as always.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from datetime import timedelta
from pathlib import Path
from typing import TextIO

import click
from werkzeug.serving import make_server

import migrations
from foundation import clock, users
from foundation.audit import Occasion
from foundation.database import Database
from foundation.settings import Settings
from portal import demo
from portal.access import run as access
from portal.access.scope import Role
from portal.app import create_app
from portal.commands.door import Door
from portal.language import _
from portal.scheduled_runs import Clock
from portal.web_settings import WebSettings

FOLDER = Path("demo")
ISSUER, PAYER = "461", "420"  # Odense, which bills in the demo, and Assens
CASES_ISSUER, CASES_PAYER = "615", demo.OTHER_PAYER  # Horsens, which bills by the day, and Odder
PEOPLE: tuple[tuple[str, str, Role], ...] = (
    ("odense-medarbejder", ISSUER, Role.OFFICER),
    ("odense-godkender", ISSUER, Role.APPROVER),
    ("odense-revisor", ISSUER, Role.AUDITOR),
    ("odense-administrator", ISSUER, Role.ADMINISTRATOR),
    ("assens-laeser", PAYER, Role.READER),
    ("horsens-medarbejder", CASES_ISSUER, Role.OFFICER),
    ("horsens-godkender", CASES_ISSUER, Role.APPROVER),
    ("odder-medarbejder", CASES_PAYER, Role.OFFICER),
)


class DemoClock(Clock):
    """The clock on the demo's day."""

    def work(self, as_of: object = None) -> object:  # type: ignore[override]
        """The morning's work, on the day on which the demo stands still."""
        return super().work(demo.LAST_DAY if as_of is None else as_of)  # type: ignore[arg-type]


def log_ins(database: Database) -> list[tuple[str, str, str, str]]:
    """Make the demo's people, or give those that are there new passwords: (login, password, municipality, role)."""
    made = []
    occasion = Occasion(demo.LAST_DAY, demo.ACTOR, clock.now())
    with database.transaction() as connection:
        for login, place, role in PEOPLE:
            if users.find_user(connection, login) is None:
                password = access.add_user(connection, login, occasion)
            else:
                password = access.reset_password(connection, login, occasion)
            access.set_active(connection, login, occasion, active=True)
            access.set_roles(connection, login, place, [role], occasion)
            made.append((login, password, place, role.value))
    return made


def announce(out: TextIO, address: str, people: list[tuple[str, str, str, str]]) -> None:
    """Say where it is and who may go in."""
    out.write(_("Mellemregning på demoens data: {address}").format(address=address) + "\n")
    out.write(_("Brugere til denne start; adgangskoderne gælder, til der startes igen:") + "\n")
    out.writelines(f"  {login:<22} {password}   {place} {role}\n" for login, password, place, role in people)
    out.write(_("Stop med Ctrl-C.") + "\n")
    out.flush()


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), default=FOLDER, show_default=True)
def main(port: int, folder: Path) -> None:
    """Serve the demo's data, made first where it is not there; portal and clock until Ctrl-C."""
    file = folder / demo.DATABASE_FILE
    if not file.exists():
        sys.stderr.write(_("Demoens data laves først; det tager et halvt minut.") + "\n")
        with contextlib.redirect_stdout(io.StringIO()):  # what the demo tells is not what this start is about
            demo.live(Door(Settings.from_environment(), as_json=True), folder)
    url = f"sqlite:///{file}"
    migrations.upgrade(url)
    database = Database(url)
    people = log_ins(database)
    app = create_app(
        Settings(database_url=url, actor=demo.ACTOR), WebSettings(plain_http=True), day=lambda: demo.LAST_DAY
    )
    server = make_server("127.0.0.1", port, app, threaded=True)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    beside = DemoClock(database, first_wait=timedelta(seconds=5))
    beside.scheduler.start()
    announce(sys.stdout, f"http://127.0.0.1:{server.server_port}/", people)
    try:
        server.serve_forever()
    finally:
        server.server_close()
        beside.scheduler.shutdown(wait=True)
        database.dispose()


if __name__ == "__main__":
    main()
