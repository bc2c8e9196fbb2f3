"""How far long work is: a page with a bar, which a script asks for anew each second and anybody can by reloading."""

from __future__ import annotations

from pathlib import Path

from flask import current_app, render_template
from werkzeug.wrappers import Response as WebResponse

from portal import background
from portal.access.scope import Deed
from portal.background import Background, Does, WorkUnknown
from portal.finance import pages
from portal.pages import download, person, seen, who_may

KINDS = {".zip": "application/zip", ".csv": "text/csv"}


def works() -> Background:
    """The long works of this process."""
    found: Background = current_app.extensions[background.EXTENSION]
    return found


def begin(place: str, title: str, back: str, does: Does) -> WebResponse:
    """Begin long work, and look at how far it is."""
    work = works().begin(place, person().login, title, back, does)
    return seen("finance.work", place=place, work_id=work.id)


@pages.get("/arbejde/<work_id>")
@who_may(Deed.READ)
def work(place: str, work_id: str) -> str:
    """The bar on a page."""
    return render_template("finance/work.html", work=works().find(place, person().login, work_id))


@pages.get("/arbejde/<work_id>/stand")
@who_may(Deed.READ)
def work_standing(place: str, work_id: str) -> str:
    """The bar alone, for the script."""
    return render_template("finance/work_bar.html", work=works().find(place, person().login, work_id))


@pages.get("/arbejde/<work_id>/fil")
@who_may(Deed.READ)
def work_file(place: str, work_id: str) -> WebResponse:
    """What it made.

    Raises:
        WorkUnknown: it made no file, or not yet.
    """
    found = works().find(place, person().login, work_id)
    if not found.file:
        raise WorkUnknown
    return download(works().content(found), found.file, KINDS[Path(found.file).suffix])
