"""Workbooks of a year, one to each who takes part, made beside the pages and fetched as one file."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flask import render_template, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response as WebResponse

from agreements import store as agreement_store
from agreements.membership import members_in
from billing.annual_subscription import store as price_store
from billing.year_end_settlement import store as settlement_store
from foundation.database import Database
from portal.access.scope import Deed, issuers_agreement, issuers_agreements
from portal.background import Outcome, Told
from portal.finance import pages, work
from portal.finance.asked import text_of, year_of
from portal.language import _
from portal.pages import connection, today, who_may
from portal.parts import choices

Write = Callable[[Path], Path]


@pages.get("/regneark")
@who_may(Deed.READ)
def workbooks(place: str) -> str:
    """Which agreement's, of which year."""
    codes = tuple(issuers_agreements(connection(), place))
    return render_template(
        "finance/workbooks.html",
        codes=choices([(code, code) for code in codes], next(iter(codes), "")),
        year=today().year,
    )


@pages.post("/regneark")
@who_may(Deed.READ)
def workbooks_make(place: str) -> WebResponse:
    """Begin to write them."""
    code, year = text_of("agreement"), year_of("year", _("År"))
    issuers_agreement(connection(), place, code)
    return work.begin(
        place,
        _("Skriver regneark for {agreement} {year}").format(agreement=code, year=year),
        url_for("finance.workbooks", place=place),
        Writing(code, year),
    )


@dataclass(frozen=True, slots=True)
class Writing:
    """The writing of an agreement's workbooks of a year."""

    code: str
    year: int

    def __call__(self, database: Database, told: Told) -> Outcome:
        """The calculation, the annual statement where the year is closed, and a specification to each member."""
        packed = io.BytesIO()
        with database.reading() as own, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            wanted = self._wanted(own)
            with tempfile.TemporaryDirectory() as folder:
                for number, write in enumerate(wanted):
                    told(
                        number,
                        len(wanted),
                        _("regneark {number} af {count}").format(number=number + 1, count=len(wanted)),
                    )
                    path = write(Path(folder))
                    archive.write(path, path.name)
                    path.unlink()
        return Outcome(
            _("{count} regneark er skrevet.").format(count=len(wanted)),
            f"{self.year} regneark {self.code}.zip",
            packed.getvalue(),
        )

    def _wanted(self, own: Connection) -> list[Write]:
        from exports.excel import run as files  # noqa: PLC0415 - slow to import, and only here

        code, year = self.code, self.year
        found: list[Write] = []
        if price_store.latest_version(own, code, year):
            found.append(lambda folder: files.write_calculation(own, code, year, folder))
        if settlement_store.read_settlement(own, code, year):
            found.append(lambda folder: files.write_annual_statement(own, code, year, folder))

        def specification(who: str) -> Write:
            first, last = date(year, 1, 1), date(year, 12, 31)
            return lambda folder: files.write_specification(own, code, who, first, last, folder)

        return found + [specification(who) for who in members_in(agreement_store.members(own, code), year)]
