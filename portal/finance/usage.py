"""Usage: a provider's file looked at and loaded through the guard, statements released and fetched."""

from __future__ import annotations

import io
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response as WebResponse

from agreements.agreement import Agreement
from billing.usage_statement import run as usage_verbs
from billing.usage_statement.facts import UsagePeriod
from billing.usage_statement.guard import FileContent, admit, require_clean_name, require_size
from billing.usage_statement.run import Preview, Target
from foundation.audit import Occasion
from foundation.database import Database
from foundation.errors import Problems
from portal.access.scope import Deed, issuers_agreement, issuers_agreements
from portal.background import Outcome, Told
from portal.finance import pages, work
from portal.finance.asked import FieldNotUnderstood, municipality_of, text_of, tried
from portal.language import _
from portal.pages import UploadNotUsable, connection, occasion, person, today, who_may
from portal.parts import choices, name_of
from portal.usage_words import PREVIEWED, measure_words, residence_name

if TYPE_CHECKING:
    from billing.usage_statement.guard import AdmittedFile
    from billing.usage_statement.mapping import ColumnMapping

PERIOD = "/forbrug/<code>/<period>"


@pages.get("/forbrug", endpoint="usage")
@who_may(Deed.READ)
def list_usage(place: str) -> str:
    """What is loaded and released of one agreement."""
    return _page(place)


def _page(  # noqa: PLR0913 - what a file came to
    place: str,
    *,
    code: str = "",
    problems: Problems | None = None,
    preview: Preview | None = None,
    kept: str = "",
    mapping: ColumnMapping | None = None,
) -> str:
    codes = tuple(issuers_agreements(connection(), place))
    wanted = code or text_of("aftale") or next(iter(codes), "")
    agreement = issuers_agreement(connection(), place, wanted) if wanted else None
    found = usage_verbs.list_usage(connection(), agreement.code) if agreement else None
    return render_template(
        "finance/usage.html",
        agreement=agreement,
        codes=choices([(each, each) for each in codes], wanted),
        several=len(codes) > 1,
        loads=found.loads[::-1] if found else (),
        releases=found.releases[::-1] if found else (),
        outdated=found.outdated if found else (),
        ready=sorted({each.period for each in found.loads}, key=str, reverse=True) if found else [],
        providers=choices([(one, name_of(one)) for one in agreement.providers], text_of("provider"))
        if agreement
        else [],
        problems=problems,
        preview=preview,
        remarks=usage_verbs.told_problems(preview.reading) if preview else [],
        previewed=PREVIEWED,
        words=measure_words(),
        residence=residence_name,
        kept=kept,
        mapping=mapping,
        may_load=person().may(Deed.PREPARE, place),
        may_release=person().may(Deed.APPROVE, place),
    )


def _admitted() -> AdmittedFile:
    """The file through the guard: its name before any message can hold it, its size before it is read.

    Raises:
        UploadNotUsable, PersonNumberFound, FileRefused.
    """
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise UploadNotUsable(reason="der er ikke valgt en fil")
    require_clean_name(sent.filename)
    content = sent.read()
    require_size(len(content))
    return admit(FileContent(Path(sent.filename.replace("\\", "/")).name[-100:], content))


def _period(given: str) -> UsagePeriod:
    try:
        return UsagePeriod.parse(given.replace("_", "/"))
    except ValueError as error:
        raise FieldNotUnderstood(field=_("Periode"), expected="en periode som 2009-H1", given=given[:20]) from error


@pages.post("/forbrug/<code>")
@who_may(Deed.PREPARE)
def usage_load(place: str, code: str) -> Any:  # noqa: ANN401 - a page, with its status where it is refused
    """Look at a file, choose how its columns are read, or load it. Rows are counted and forgotten."""
    agreement = issuers_agreement(connection(), place, code)
    provider = municipality_of("provider", _("Leverandør"))
    admitted = _admitted()
    what = text_of("what", 20)
    if what == "mapping":
        mapping, _headings = usage_verbs.suggest_mapping(connection(), code, provider, admitted)
        usage_verbs.keep_mapping(connection(), code, provider, mapping, occasion())
        return _page(place, code=code, mapping=mapping)
    target = Target(agreement.code, provider, _period(text_of("period", 20)))
    if what != "keep":
        return _page(place, code=code, preview=usage_verbs.preview_usage(connection(), target, admitted))
    try:
        with tried() as opened:
            answer = usage_verbs.load_usage(opened, target, admitted, occasion())
    except Problems as problems:
        return _page(place, code=code, problems=problems), 400
    said = _("Gemt som version {version}.") if answer.is_new else _("Det samme som version {version}; intet er ændret.")
    return _page(place, code=code, preview=answer.preview, kept=said.format(version=answer.load.version))


@pages.post(f"{PERIOD}/frigiv")
@who_may(Deed.APPROVE)
def usage_release(place: str, code: str, period: str) -> WebResponse:
    """Publish a period's statements, if nothing hidden can be worked out; beside the pages, for it searches long."""
    issuers_agreement(connection(), place, code)
    wanted = _period(period)
    return work.begin(
        place,
        _("Frigiver {period}").format(period=wanted.danish),
        url_for("finance.usage", place=place, aftale=code),
        Releasing(code, wanted, occasion()),
    )


@dataclass(frozen=True, slots=True)
class Releasing:
    """The release of a period."""

    code: str
    period: UsagePeriod
    occasion: Occasion

    def __call__(self, database: Database, told: Told) -> Outcome:
        """Hide, audit, publish: all or nothing."""
        told(0, 2, _("skjuler små tal, og prøver at regne dem ud"))
        with database.transaction() as own:
            found, is_new = usage_verbs.release_usage(own, self.code, self.period, self.occasion)
        figures = found.release.figures.values()
        said = _("Udgave {edition} er frigivet: {hidden} af {count} tal er skjult.")
        if not is_new:
            said = _("Udgave {edition} siger det samme; intet er ændret. {hidden} af {count} tal er skjult.")
        hidden = sum(figure.hidden for figure in figures)
        return Outcome(said.format(edition=found.release.edition, hidden=hidden, count=len(figures)))


@pages.post(f"{PERIOD}/kontrol")
@who_may(Deed.PREPARE)
def usage_audit(place: str, code: str, period: str) -> WebResponse:
    """Look for what somebody with all statements could work out, beside the pages, for it searches long."""
    issuers_agreement(connection(), place, code)
    wanted = _period(period)
    return work.begin(
        place,
        _("Kontrollerer {period}").format(period=wanted.danish),
        url_for("finance.usage", place=place, aftale=code),
        Auditing(code, wanted, today()),
    )


@dataclass(frozen=True, slots=True)
class Auditing:
    """The check of a period's statements."""

    code: str
    period: UsagePeriod
    day: date

    def __call__(self, database: Database, told: Told) -> Outcome:
        """Say that nothing can be found, or where something can; never what it is."""
        told(0, 1, _("prøver at regne de skjulte tal ud"))
        with database.reading() as own:
            found = usage_verbs.audit_usage(own, self.code, self.period, self.day)
        report = found.report
        if report.is_sound:
            return Outcome(
                _("Ingen af de {count} skjulte tal i alle opgørelser kan regnes ud.").format(
                    count=len(report.intervals)
                )
            )
        where = [str(found.places[cell]) for cell in (*report.narrow, *report.small)]
        return Outcome(
            _("{count} skjulte tal kan regnes ud: {where}").format(count=len(where), where="; ".join(where[:20]))
        )


@pages.post(f"{PERIOD}/hent")
@who_may(Deed.READ)
def usage_files(place: str, code: str, period: str) -> WebResponse:
    """Make the statements of a released period, to fetch as one file."""
    agreement = issuers_agreement(connection(), place, code)
    wanted = _period(period)
    return work.begin(
        place,
        _("Skriver forbrugsopgørelser for {period}").format(period=wanted.danish),
        url_for("finance.usage", place=place, aftale=code),
        Stating(agreement, wanted),
    )


@dataclass(frozen=True, slots=True)
class Stating:
    """The writing of a period's statements."""

    agreement: Agreement
    period: UsagePeriod

    def __call__(self, database: Database, told: Told) -> Outcome:
        """A workbook and a PDF to each municipality, and a workbook to the providers."""
        from exports.excel.usage import write_usage_workbooks  # noqa: PLC0415 - slow to import, and only here
        from exports.pdf.usage import write_usage_pages  # noqa: PLC0415 - as above

        packed = io.BytesIO()
        code = self.agreement.code
        with database.reading() as own, tempfile.TemporaryDirectory() as folder:
            told(0, 2, _("skriver regneark"))
            files = write_usage_workbooks(own, code, self.period, Path(folder))
            told(1, 2, _("skriver PDF"))
            files += write_usage_pages(own, code, self.period, Path(folder))
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in files:
                    archive.write(path, path.name)
        name = f"{str(self.period).replace('/', '-')} forbrugsopgørelser {code}.zip"
        return Outcome(_("{count} filer er skrevet.").format(count=len(files)), name, packed.getvalue())
