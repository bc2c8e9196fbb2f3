"""A quarter's follow-up to fetch: budget, billed, used and waiting time, a workbook and a PDF to each payer."""

from __future__ import annotations

import io
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from flask import url_for
from werkzeug.wrappers import Response as WebResponse

from billing.usage_statement.facts import UsagePeriod
from foundation.database import Database
from portal.access.scope import Deed, issuers_agreement
from portal.background import Outcome, Told
from portal.finance import pages, work
from portal.finance.asked import FieldNotUnderstood, text_of, year_of
from portal.language import _
from portal.pages import connection, who_may

QUARTERS = ("1", "2", "3", "4")


def _quarter() -> UsagePeriod:
    """The form's year and quarter.

    Raises:
        FieldNotUnderstood.
    """
    year, number = year_of("year", _("År")), text_of("quarter", 2)
    if number not in QUARTERS:
        raise FieldNotUnderstood(field=_("Kvartal"), expected=_("1, 2, 3 eller 4"), given=number)
    return UsagePeriod.parse(f"{year}-Q{number}")


@pages.post("/aftaler/<code>/opfoelgning")
@who_may(Deed.READ)
def follow_up(place: str, code: str) -> WebResponse:
    """Begin to write a quarter's pack."""
    issuers_agreement(connection(), place, code)
    quarter = _quarter()
    return work.begin(
        place,
        _("Skriver opfølgning for {period}").format(period=quarter.danish),
        url_for("finance.agreement", place=place, code=code),
        FollowingUp(code, quarter),
    )


@dataclass(frozen=True, slots=True)
class FollowingUp:
    """The writing of a quarter's pack."""

    code: str
    quarter: UsagePeriod

    def __call__(self, database: Database, told: Told) -> Outcome:
        """Each payer's own two files, all in one."""
        from exports.follow_up.run import write_follow_up  # noqa: PLC0415 - slow to import, and only here

        told(0, 1, _("skriver regneark og PDF"))
        packed = io.BytesIO()
        with database.reading() as own, tempfile.TemporaryDirectory() as folder:
            files = write_follow_up(own, self.code, self.quarter, Path(folder))
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in files:
                    archive.write(path, path.name)
        name = f"{self.quarter} kvartalsopfølgning {self.code}.zip"
        return Outcome(_("{count} filer er skrevet.").format(count=len(files)), name, packed.getvalue())
