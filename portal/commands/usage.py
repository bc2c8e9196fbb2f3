"""The commands on usage: usage (mapping, preview, load, audit, release, statement, list)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from agreements import run as agreements
from agreements import store as agreement_store
from billing.usage_statement.facts import ALL, Measure, Release, UsagePeriod
from foundation.errors import BadInput, N_
from foundation.period import NotAPeriod
from portal.commands.door import (
    EDITION,
    FILE,
    MUNICIPALITY,
    REFUSED,
    Door,
    command,
    name_of,
    new_group,
    read_file,
    table,
)
from portal.language import _
from portal.usage_words import PREVIEWED, measure_words, residence_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from billing.usage_statement.guard import AdmittedFile
    from billing.usage_statement.intake import Reading
    from billing.usage_statement.mapping import ColumnMapping
    from billing.usage_statement.run import Preview, Target, UsageAudit

usage_group = new_group("usage", _("Forbrug: indlæs optællinger, kontrollér, frigiv og skriv forbrugsopgørelser."))

GROUPS = (usage_group,)


class UsageFileUnclear(BadInput):
    """Neither the options nor the file's name say what the file is about."""

    danish = N_("Det fremgår ikke, {what} filen handler om. Angiv det med {option}.")


class PeriodType(click.ParamType[UsagePeriod]):
    """A period: 2009, 2009-H1, 2009-Q3 or 2009-01."""

    name = "periode"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UsagePeriod:  # noqa: ANN401
        """Read the period."""
        try:
            return value if isinstance(value, UsagePeriod) else UsagePeriod.parse(str(value))
        except NotAPeriod:
            shown = value if re.fullmatch(r"[\w/-]{1,9}", str(value)) else _("Det")
            text = _("«{text}» er ikke en periode. Skriv den som 2009-H1, 2009-Q1, 2009-01 eller 2009.")
            self.fail(text.format(text=shown), param, ctx)


PERIOD = PeriodType()
_NAMED_PERIOD = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2}(?:-(?:[HhQqKk][1-4]|[01][0-9](?:_[01][0-9])?))?)(?![0-9-])")


def _about(function: Callable[..., None]) -> Callable[..., None]:
    """The options that say what a file is about, where it cannot be told otherwise."""
    for option in (
        click.option("--period", type=PERIOD, metavar=_("PERIODE"), help=_("Ellers filens navn, fx 2009-H1.")),
        click.option(
            "--provider", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Ydelsesleverandøren; ellers den eneste.")
        ),
        click.option("--agreement", "code", metavar=_("KODE"), help=_("Aftalen; ellers den eneste.")),
    ):
        function = option(function)
    return function


def _admitted(path: Path) -> AdmittedFile:
    """The file through the guard; its name is looked at before any message can hold it.

    Raises:
        PersonNumberFound, FileRefused, FileNotReadable.
    """
    from billing.usage_statement.guard import FileContent, admit, require_clean_name, require_size

    require_clean_name(str(path))
    if path.is_file():
        require_size(path.stat().st_size)
    return admit(FileContent(path.name, read_file(path)))


def _agreement_of(connection: Connection, code: str | None) -> str:
    codes = agreement_store.agreement_codes(connection)
    if code is None and len(codes) == 1:
        return codes[0]
    if code is None:
        raise UsageFileUnclear(what=_("hvilken aftale"), option="--agreement")
    return code


def _provider_of(connection: Connection, code: str, provider: str | None) -> str:
    found = agreements.get(connection, code).providers
    if provider is None and len(found) == 1:
        return found[0]
    if provider is None:
        raise UsageFileUnclear(what=_("hvilken leverandør"), option="--provider")
    return provider


def _target(
    connection: Connection, file: AdmittedFile, code: str | None, provider: str | None, period: UsagePeriod | None
) -> Target:
    from billing.usage_statement.run import Target

    agreement = _agreement_of(connection, code)
    if period is None:
        named = {match[1].replace("_", "/") for match in _NAMED_PERIOD.finditer(Path(file.name).stem)}
        try:
            (period,) = {UsagePeriod.parse(text) for text in named}
        except ValueError:  # none, several, or none that is a period
            period = None
    if period is None:
        raise UsageFileUnclear(what=_("hvilken periode"), option="--period")
    return Target(agreement, _provider_of(connection, agreement, provider), period)


# --- Words


def _mapping_answer(mapping: ColumnMapping) -> dict[str, Any]:
    return mapping.as_json()


def _show_mapping(out: Console, mapping: ColumnMapping) -> None:
    from billing.usage_statement.mapping import FIELDS, Shape

    rows = [
        (name, known.danish, mapping.columns.get(name, ""), known.required)
        for name, known in FIELDS[mapping.shape].items()
    ]
    title = _("En række pr. forløb") if mapping.shape is Shape.COURSES else _("Færdige optællinger")
    out.print(table(title, [_("Felt"), _("Betydning"), _("Kolonne i filen"), _("Skal være der")], rows))
    if mapping.words:
        rows_of_words = [(name, word, meaning) for (name, word), meaning in sorted(mapping.words.items())]
        out.print(table("", [_("Felt"), _("Ord"), _("Betyder")], rows_of_words))


# --- Commands


@command(usage_group, "mapping")
@click.argument("file", type=FILE, required=False, metavar=_("[FIL]"))
@click.option("--agreement", "code", metavar=_("KODE"), help=_("Aftalen; ellers den eneste."))
@click.option("--provider", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Ydelsesleverandøren; ellers den eneste."))
@click.option("--shape", type=click.Choice(["counts", "courses"]), help=_("Hvad en række er; ellers det, der passer."))
@click.option("--set", "chosen", multiple=True, metavar=_("FELT=KOLONNE"), help=_("Vælg en kolonne."))
@click.option("--word", "words", multiple=True, metavar=_("FELT:ORD=BETYDNING"), help=_("Forklar et ord."))
@click.option("--keep", is_flag=True, help=_("Gem valget for leverandøren."))
def mapping(
    door: Door,
    file: Path | None,
    code: str | None,
    provider: str | None,
    shape: str | None,
    chosen: tuple[str, ...],
    words: tuple[str, ...],
    keep: bool,
) -> None:
    """Vis eller vælg, hvordan en leverandørs kolonner læses; med FIL foreslås det ud fra overskrifterne."""
    from billing.usage_statement import run as usage
    from billing.usage_statement.mapping import ColumnMapping, Shape, folded

    admitted = _admitted(file) if file is not None else None
    transaction = door.database.transaction() if keep else door.database.reading()
    headings: list[str] = []
    with transaction as connection:
        agreement = _agreement_of(connection, code)
        who = _provider_of(connection, agreement, provider)
        kept = usage.get_mapping(connection, agreement, who)
        if admitted is not None:
            wanted = Shape(shape) if shape else None
            value, headings = usage.suggest_mapping(connection, agreement, who, admitted, shape=wanted)
            if kept is not None:
                value = ColumnMapping(value.shape, value.columns, kept.words)
        else:
            value = kept or ColumnMapping(Shape(shape or "courses"), {})
        columns = dict(value.columns)
        for text in chosen:
            name, _equals, heading = text.partition("=")
            columns.pop(name, None)
            if heading:
                columns[name] = heading
        meanings = dict(value.words)
        for text in words:
            place, _equals, meaning = text.partition("=")
            name, _colon, word = place.partition(":")
            meanings[name, folded(word)] = meaning
        value = ColumnMapping(value.shape, columns, meanings)
        version = usage.keep_mapping(connection, agreement, who, value, door.occasion) if keep else None
    used = {folded(heading) for heading in value.columns.values()}
    from billing.usage_statement.mapping import is_like_heading

    unused = [heading for heading in headings if folded(heading) not in used and is_like_heading(heading)]
    answer = {
        "agreement": agreement,
        "provider": who,
        "kept": version is not None or (kept is not None and kept == value),
        "version": version,
        "mapping": _mapping_answer(value),
        "unused": unused,
    }

    def people(out: Console) -> None:
        _show_mapping(out, value)
        if unused:
            out.print(_("Kolonner, der ikke læses: {names}.").format(names=", ".join(unused)))
        if version is not None:
            out.print(_("Valget er gemt for {name} (version {version}).").format(name=name_of(who), version=version))
        elif admitted is not None:
            out.print(_("Intet er gemt. Gem valget med --keep."))

    door.tell(answer, people)


def _reading_answer(reading: Reading) -> dict[str, Any]:
    return {
        "shape": reading.shape.value,
        "rows": reading.rows,
        "problems": [
            {"row": one.row, "column": one.column, "field": one.field, "expected": one.expected}
            for one in reading.problems
        ],
        "dropped_columns": list(reading.dropped),
        "unnamed_columns": reading.unnamed,
        "rows_outside_period": reading.outside,
        "rows_of_totals": reading.totals,
    }


def _preview_answer(preview: Preview) -> dict[str, Any]:
    target = preview.target
    return {
        "agreement": target.agreement,
        "provider": target.provider,
        "period": str(target.period),
        "replaces_version": preview.replaces.version if preview.replaces else None,
        "period_before": str(preview.before) if preview.before else None,
        "unlike_before": [{"service": service, "residence": where} for service, where in preview.unlike_before],
        **_reading_answer(preview.reading),
        "totals": [
            {
                "service": change.service,
                "residence": change.residence,
                "figures": {measure.value: count for measure, count in sorted(change.figures.items())},
                "before": None
                if change.before is None
                else {measure.value: count for measure, count in sorted(change.before.items())},
            }
            for change in preview.changes
        ],
    }


def _show_preview(out: Console, preview: Preview) -> None:
    reading = preview.reading
    words = measure_words()
    out.print(
        _("{provider}, {period}: {rows} rækker talt.").format(
            provider=name_of(preview.target.provider), period=preview.target.period.danish, rows=reading.rows
        ),
    )
    rows = []
    for change in preview.changes:
        started = change.figures.get(Measure.STARTED, 0)
        difference = None if change.before is None else started - change.before.get(Measure.STARTED, 0)
        figures = [change.figures.get(measure, 0) for measure in PREVIEWED]
        rows.append((change.service, residence_name(change.residence), *figures, difference))
    heading = [_("Ydelse"), _("Bopælskommune"), *(words[measure] for measure in PREVIEWED), _("Ændring i påbegyndt")]
    sums: list[object] = [sum(change.figures.get(measure, 0) for change in preview.changes) for measure in PREVIEWED]
    differences = [row[-1] for row in rows]
    whole = sum(int(each) for each in differences if isinstance(each, int)) if preview.before else None
    out.print(table("", heading, rows, total=("", _("I alt"), *sums, whole)))
    if preview.before:
        out.print(_("Ændringen er i forhold til {period}.").format(period=preview.before.danish))
    if preview.unlike_before:
        names = ", ".join(dict.fromkeys(residence_name(where) for _service, where in preview.unlike_before))
        out.print(
            _(
                "Bemærk: der er andre i behandling ved start, end der var ved slutningen af perioden før: {names}."
            ).format(names=names),
        )
    if preview.replaces:
        out.print(_("Tallene retter version {version}.").format(version=preview.replaces.version))
    _show_remarks(out, reading)


def _show_remarks(out: Console, reading: Reading) -> None:
    from billing.usage_statement.run import told_problems

    if reading.dropped or reading.unnamed:
        names = ", ".join(reading.dropped) or "-"
        out.print(
            _("Kolonner, der ikke er læst: {names} (og {more} uden en overskrift, der kan vises).").format(
                names=names, more=reading.unnamed
            )
            if reading.unnamed
            else _("Kolonner, der ikke er læst: {names}.").format(names=names),
        )
    if reading.outside:
        out.print(_("{count} forløb var ikke i gang i perioden og er ikke talt.").format(count=reading.outside))
    if reading.totals:
        out.print(_("{count} rækker med summer er sprunget over.").format(count=reading.totals))
    if reading.problems:
        out.print(
            _("Ikke forstået ({count}); filen kan ikke indlæses, før det er rettet:").format(
                count=len(reading.problems)
            )
        )
        for text in told_problems(reading):
            out.print(f"  - {text}")


@command(usage_group, "preview")
@click.argument("file", type=FILE, metavar=_("FIL"))
@_about
def preview(door: Door, file: Path, code: str | None, provider: str | None, period: UsagePeriod | None) -> None:
    """Vis, hvad en fil ville blive talt til, hvad der ikke blev forstået, og ændringen siden sidst; intet gemmes."""
    from billing.usage_statement import run as usage

    admitted = _admitted(file)
    with door.database.reading() as connection:
        found = usage.preview_usage(connection, _target(connection, admitted, code, provider, period), admitted)
    door.tell(_preview_answer(found), lambda out: _show_preview(out, found))


@command(usage_group, "load")
@click.argument("file", type=FILE, metavar=_("FIL"))
@_about
def load(door: Door, file: Path, code: str | None, provider: str | None, period: UsagePeriod | None) -> None:
    """Indlæs en fil: rækkerne tælles og glemmes, kun antal gemmes. En ny fil for samme periode retter den forrige."""
    from billing.usage_statement import run as usage

    admitted = _admitted(file)
    with door.database.transaction() as connection:
        target = _target(connection, admitted, code, provider, period)
        found = usage.load_usage(connection, target, admitted, door.occasion)
    answer = {
        **_preview_answer(found.preview),
        "version": found.load.version,
        "is_new": found.is_new,
        "released_before": [{"period": str(one.period), "edition": one.edition} for one in found.released],
    }

    def people(out: Console) -> None:
        _show_preview(out, found.preview)
        if not found.is_new:
            out.print(
                _("Tallene er de samme som i version {version}; intet er ændret.").format(version=found.load.version)
            )
            return
        out.print(_("Gemt som version {version}.").format(version=found.load.version))
        if found.released:
            out.print(
                _(
                    "Perioden er allerede frigivet. Frigiv en rettet udgave med «mellemregning usage release {code} "
                    "{period}»."
                ).format(code=target.agreement, period=target.period),
            )

    door.tell(answer, people)


def _audit_answer(found: UsageAudit) -> dict[str, Any]:
    release, report = found.release, found.report
    figures = release.figures.values()
    return {
        "agreement": release.agreement,
        "period": str(release.period),
        "edition": release.edition,
        "released": found.is_released,
        "threshold": report.threshold,
        "secondary_step": found.secondary,
        "figures": len(release.figures),
        "primary": sum(figure.small for figure in figures),
        "secondary": sum(figure.hidden and not figure.small for figure in figures),
        "optimal": release.optimal,
        "hidden_in_all_statements": len(report.intervals),
        "ok": report.is_sound,
        "exact": [str(found.places[cell]) for cell in report.exact],
        "narrow": [str(found.places[cell]) for cell in report.narrow],
        "small_shown": [str(found.places[cell]) for cell in report.small],
        "intervals": [
            {"figure": str(found.places[cell]), "low": interval.low, "high": interval.high}
            for cell, interval in sorted(report.intervals.items())
        ],
    }


def _show_audit(out: Console, found: UsageAudit) -> None:
    answer = _audit_answer(found)
    out.print(
        _(
            "{agreement} {period}, udgave {edition}: {figures} tal, {primary} skjult, fordi de er små, og {secondary} "
            "for at dække over dem."
        ).format(**answer),
    )
    if found.report.is_sound:
        out.print(
            _(
                "Kontrollen kan ikke regne noget skjult tal ud: for hvert af de {count} skjulte tal i alle opgørelser "
                "er der mindst {width} fra den laveste til den højeste mulige værdi."
            ).format(count=answer["hidden_in_all_statements"], width=found.report.threshold),
        )
        return
    rows = []
    for cell in (*found.report.narrow, *found.report.small):
        interval = found.report.intervals.get(cell)
        high = _("uden grænse") if interval is None or interval.high is None else interval.high
        place = found.places[cell]
        rows.append(
            (
                str(place.period),
                str(place.edition),
                _("alle ydelser") if place.key.service == ALL else place.key.service,
                measure_words()[place.key.measure],
                residence_name(place.key.residence),
                _("vist") if interval is None else f"{interval.low}-{high}",
            )
        )
    heading = [_("Periode"), _("Udgave"), _("Ydelse"), _("Tal"), _("Bopælskommune"), _("Ligger inden for")]
    out.print(table(_("Kan regnes ud"), heading, rows))


@command(usage_group, "audit")
@click.argument("code", metavar=_("KODE"))
@click.argument("period", type=PERIOD, metavar=_("PERIODE"))
@click.option("--naive", is_flag=True, help=_("Skjul kun de små tal selv, for at se hvad der så kan regnes ud."))
def audit(door: Door, code: str, period: UsagePeriod, naive: bool) -> None:
    """Regn efter, hvad en, der har alle opgørelser, kan regne ud. Status 1, hvis et skjult tal kan findes."""
    from billing.usage_statement import run as usage

    with door.database.reading() as connection:
        found = usage.audit_usage(connection, code, period, door.business_date, secondary=not naive)
    door.tell(_audit_answer(found), lambda out: _show_audit(out, found))
    if not found.report.is_sound:
        raise SystemExit(REFUSED)


@command(usage_group, "release")
@click.argument("code", metavar=_("KODE"))
@click.argument("period", type=PERIOD, metavar=_("PERIODE"))
def release(door: Door, code: str, period: UsagePeriod) -> None:
    """Frigiv en periodes forbrugsopgørelse, hvis kontrollen ikke kan regne noget skjult tal ud."""
    from billing.usage_statement import run as usage

    with door.database.transaction() as connection:
        found, is_new = usage.release_usage(connection, code, period, door.occasion)
    answer = {**_audit_answer(found), "is_new": is_new}
    del answer["intervals"]

    def people(out: Console) -> None:
        _show_audit(out, found)
        if not found.release.optimal:
            out.print(_("Søgningen nåede ikke til ende; måske er et tal for meget skjult, men ingen for få."))
        out.print(
            _("Frigivet som udgave {edition}.").format(edition=found.release.edition)
            if is_new
            else _("Udgave {edition} siger det samme; intet er ændret.").format(edition=found.release.edition),
        )

    door.tell(answer, people)


@command(usage_group, "statement")
@click.argument("code", metavar=_("KODE"))
@click.argument("period", type=PERIOD, metavar=_("PERIODE"))
@click.option("--edition", type=EDITION, help=_("En tidligere udgave."))
@click.option("--municipality", type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Kun én kommunes."))
@click.option("--out", type=FILE, default=Path(), metavar=_("MAPPE"), help=_("Mappen, der skrives i."))
def statement(
    door: Door, code: str, period: UsagePeriod, edition: int | None, municipality: str | None, out: Path
) -> None:
    """Skriv de frigivne forbrugsopgørelser: regneark og PDF til hver kommune og et regneark til leverandørerne."""
    from exports.excel.usage import write_usage_workbooks
    from exports.pdf.usage import write_usage_pages

    with door.database.reading() as connection:
        files = write_usage_workbooks(connection, code, period, out, edition, municipality)
        files += write_usage_pages(connection, code, period, out, edition, municipality)
    door.tell({"files": [str(file) for file in files]}, lambda shown: shown.print("\n".join(map(str, files))))


def _release_row(one: Release, outdated: frozenset[int]) -> tuple[object, ...]:
    hidden = sum(figure.hidden for figure in one.figures.values())
    state = _("rettet siden") if one.number in outdated else _("gælder")
    return str(one.period), one.edition, one.released_on, one.released_by, len(one.figures), hidden, state


@command(usage_group, "list")
@click.argument("code", required=False, metavar=_("[KODE]"))
def list_loads(door: Door, code: str | None) -> None:
    """Vis, hvad der er indlæst og frigivet."""
    from billing.usage_statement import run as usage

    with door.database.reading() as connection:
        agreement = _agreement_of(connection, code)
        found = usage.list_usage(connection, agreement)
    answer = {
        "agreement": agreement,
        "loads": [
            {
                "period": str(one.period),
                "provider": one.provider,
                "version": one.version,
                "shape": one.shape,
                "rows": one.lines,
                "loaded_on": one.loaded_on.isoformat(),
                "loaded_by": one.loaded_by,
            }
            for one in found.loads
        ],
        "releases": [
            {
                "period": str(one.period),
                "edition": one.edition,
                "released_on": one.released_on.isoformat(),
                "released_by": one.released_by,
                "figures": len(one.figures),
                "hidden": sum(figure.hidden for figure in one.figures.values()),
                "outdated": one.number in found.outdated,
            }
            for one in found.releases
        ],
    }

    def people(out: Console) -> None:
        loads = [
            (str(one.period), name_of(one.provider), one.version, one.lines, one.loaded_on, one.loaded_by)
            for one in found.loads
        ]
        heading = [_("Periode"), _("Leverandør"), _("Version"), _("Rækker"), _("Indlæst"), _("Af")]
        out.print(table(_("Indlæst"), heading, loads))
        heading = [_("Periode"), _("Udgave"), _("Frigivet"), _("Af"), _("Tal"), _("Skjulte"), _("Status")]
        out.print(table(_("Frigivet"), heading, [_release_row(one, found.outdated) for one in found.releases]))

    door.tell(answer, people)
