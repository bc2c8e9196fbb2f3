"""The commands on what was agreed: agreement, membership, budget, population."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import AgreementEvent, CostKind, CostLine, EventKind
from agreements.deadlines import deadlines_of_year
from agreements.membership import agreed_year, members_in, renewed_until
from agreements.municipality import MUNICIPALITIES
from agreements.municipality import municipality as known_municipality
from agreements.population import PopulationChange
from billing.annual_subscription import run as subscriptions
from foundation import clock
from portal.commands import answers
from portal.commands.door import (
    DATE,
    FILE,
    MUNICIPALITY,
    YEAR,
    Door,
    command,
    name_of,
    new_group,
    read_file,
    table,
    write_file,
)
from portal.commands.effects import show_effects, taken_back
from portal.language import _

agreement_group = new_group("agreement", _("Aftaler: indlæs, vis, skriv ud igen."))
membership_group = new_group("membership", _("Deltagere: opsigelse, indtræden, hvem der er med hvornår."))
budget_group = new_group("budget", _("Ydelsesleverandørernes budgetter."))
population_group = new_group("population", _("Indbyggertal fra Danmarks Statistik."))


GROUPS = (agreement_group, membership_group, budget_group, population_group)


@command(agreement_group, "load")
@click.argument("file", type=FILE, metavar=_("FIL"))
def load_agreement(door: Door, file: Path) -> None:
    """Registrér en aftale fra dens TOML-fil, eller gem en ny udgave af den."""
    content = read_file(file)
    with door.database.transaction() as connection:
        load = agreements.load_agreement(connection, file.name, content, door.occasion)
        subscriptions.refuse_closed_years(connection, load.agreement.code, _years_touched(load.budgets))
    answer = {
        **answers.cost_change(load.agreement.code, load.budgets),
        "title": load.agreement.title,
        "version": load.version,
        "is_new": load.is_new,
        "terms_changed": load.terms_changed,
    }

    def people(out: Console) -> None:
        what = _("registreret") if load.is_new else _("ny udgave") if load.terms_changed else _("uændret")
        out.print(f"{load.agreement.code}: {load.agreement.title} - {what} ({_('udgave')} {load.version})")
        _show_change(out, load.budgets)

    door.tell(answer, people)


def _years_touched(change: agreements.CostChange) -> set[int]:
    return {line.key.year for line in (*change.added, *(new for _old, new in change.changed))}


def _show_change(out: Console, change: agreements.CostChange) -> None:
    rows: list[tuple[str, CostLine, int | None]] = [(_("ny"), line, None) for line in change.added]
    rows += [(_("ændret"), new, old.amount_oere) for old, new in change.changed]
    rows += [(_("uændret"), line, None) for line in change.unchanged]
    if rows:
        out.print(
            table(
                "",
                ["", _("År"), _("Leverandør"), _("Ydelse"), _("Art"), _("Beløb kr."), _("Før kr."), _("Bemærkning")],
                [(what, *_line_cells(line), before, line.note) for what, line, before in rows],
            ),
        )


def _line_cells(line: CostLine) -> tuple[object, ...]:
    key = line.key
    kinds = {
        CostKind.COST: _("udgift"),
        CostKind.GRANT: _("tilskud"),
        CostKind.SURPLUS_CAPACITY_INCOME: _("salg af overskudskapacitet"),
    }
    what = f"{kinds[key.kind]}: {key.line}" if key.line else kinds[key.kind]
    return str(key.year), name_of(key.provider), key.service, what, line.amount_oere


@command(agreement_group, "list")
def list_agreements(door: Door) -> None:
    """Vis alle aftaler."""
    with door.database.reading() as connection:
        found: list[dict[str, object]] = []
        rows: list[tuple[object, ...]] = []
        for code in agreement_store.agreement_codes(connection):
            agreement = agreements.get(connection, code)
            members = agreement_store.members(connection, code)
            now = members_in(members, door.business_date.year)
            found.append(
                {
                    "agreement": code,
                    "title": agreement.title,
                    "issuer": agreement.issuer,
                    "starts_on": agreement.starts_on.isoformat(),
                    "agreed_until": renewed_until(agreement, members, door.business_date),
                    "members": list(now),
                },
            )
            rows.append((code, agreement.title, name_of(agreement.issuer), agreement.starts_on, len(now)))

    def people(out: Console) -> None:
        if not found:
            out.print(_("Der er ingen aftaler endnu. Indlæs en med «mellemregning agreement load FIL»."))
            return
        out.print(table("", [_("Kode"), _("Titel"), _("Udsteder"), _("Fra"), _("Deltagere")], rows))

    door.tell(found, people)


@command(agreement_group, "show")
@click.argument("code", metavar=_("KODE"))
def show_agreement(door: Door, code: str) -> None:
    """Vis aftalens vilkår, parter og deltagere."""
    with door.database.reading() as connection:
        agreement = agreements.get(connection, code)
        text = agreements.export_agreement(connection, code)
        members = agreements.members_of(connection, code)
        versions = agreement_store.agreement_versions(connection, code)
    answer = {
        "agreement": code,
        "title": agreement.title,
        "legal_basis": agreement.legal_basis,
        "issuer": agreement.issuer,
        "providers": list(agreement.providers),
        "starts_on": agreement.starts_on.isoformat(),
        "ends_on": agreement.ends_on and agreement.ends_on.isoformat(),
        "versions": [{"version": version, "loaded_on": loaded_on.isoformat()} for version, loaded_on in versions],
        "members": [answers.membership(period) for period in members],
        "document": text,
    }
    door.tell(answer, lambda out: out.print(text))


@command(agreement_group, "export")
@click.argument("code", metavar=_("KODE"))
@click.option("--out", type=FILE, metavar=_("FIL"), help=_("Skriv til en fil i stedet for til skærmen."))
def export_agreement(door: Door, code: str, out: Path | None) -> None:
    """Skriv aftalen med gældende budgetter som en TOML-fil, der kan indlæses igen."""
    with door.database.reading() as connection:
        text = agreements.export_agreement(connection, code)
    if out is None:
        door.tell({"agreement": code, "document": text}, lambda _console: click.echo(text, nl=False))
        return
    write_file(out, text)
    door.tell({"agreement": code, "file": str(out)}, lambda console: console.print(f"{out}"))


@command(agreement_group, "deadlines")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, metavar=_("ÅR"))
def show_deadlines(door: Door, code: str, year: int) -> None:
    """Vis et års frister; en afsendelsesfrist, der ikke er en bankdag, er rykket til bankdagen før."""
    with door.database.reading() as connection:
        agreement = agreements.get(connection, code)
    agreed_year(agreement, year)
    found = deadlines_of_year(agreement, year)
    answer = {
        "agreement": code,
        "year": year,
        "deadlines": [
            {
                "kind": deadline.kind.value,
                "due_on": deadline.due_on.isoformat(),
                "title": deadline.title_da,
                "clause": deadline.clause,
                "for_month": str(deadline.for_month) if deadline.for_month else None,
            }
            for deadline in found
        ],
    }
    rows = [(deadline.due_on, deadline.title_da, deadline.clause) for deadline in found]
    door.tell(answer, lambda out: out.print(table("", [_("Senest"), _("Hvad"), _("Bestemmelse")], rows)))


@command(membership_group, "leave")
@click.argument("code", metavar=_("KODE"))
@click.argument("municipality", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.option("--year", type=YEAR, metavar=_("ÅR"), help=_("Det sidste år, kommunen deltager i."))
@click.option(
    "--to", "ends_before", type=DATE, metavar=_("DATO"), help=_("Den 1. i en måned, i en aftale uden slutdato.")
)
def leave(door: Door, code: str, municipality: str, year: int | None, ends_before: date | None) -> None:
    """Notér en skriftlig opsigelse: med udgangen af --year (senest aftalens dag i det år), eller til en måneds 1."""
    if (year is None) == (ends_before is None):
        raise click.UsageError(_("Angiv enten --year eller --to."))
    with door.database.transaction() as connection:
        if ends_before is not None:
            closed = agreements.leave_on(connection, code, municipality, ends_before, door.occasion)
            subscriptions.refuse_if_billed_from(connection, code, municipality, ends_before)
        else:
            subscriptions.refuse_if_billed_after(connection, code, municipality, year or 0)
            closed = agreements.leave(connection, code, municipality, year or 0, door.occasion)
        provider = municipality in agreements.get(connection, code).providers
    answer = {
        "agreement": code,
        "municipality": municipality,
        "from_year": closed.from_year,
        "to_year": closed.to_year,
        "leaves_on": str(closed.last_day),
    }

    def people(out: Console) -> None:
        out.print(_("{name} deltager til og med {day}.").format(name=name_of(municipality), day=_day(closed.last_day)))

    door.tell(answer, people)
    if ends_before is not None:
        _say_what_now(door, code, closed.last_day)
    if provider:
        door.note(_("Bemærk: kommunen er fortsat ydelsesleverandør; kun dens deltagelse som ydelsesbruger ophører."))


@command(membership_group, "join")
@click.argument("code", metavar=_("KODE"))
@click.argument("municipality", type=MUNICIPALITY, metavar=_("KOMMUNE"))
@click.option("--year", type=YEAR, metavar=_("ÅR"), help=_("Det første år, kommunen deltager i."))
@click.option("--from", "begins_on", type=DATE, metavar=_("DATO"), help=_("Den første dag, midt i et år."))
def join(door: Door, code: str, municipality: str, year: int | None, begins_on: date | None) -> None:
    """Lad en kommune deltage fra 1. januar i --year, eller fra en dag midt i et år, hvis aftalen tillader det."""
    if (year is None) == (begins_on is None):
        raise click.UsageError(_("Angiv enten --year eller --from."))
    with door.database.transaction() as connection:
        first_year = begins_on.year if begins_on else year or 0
        joined = agreements.take_in(connection, code, municipality, first_year, door.occasion, begins_on=begins_on)
    answer = {
        "agreement": code,
        "municipality": municipality,
        "from_year": joined.from_year,
        "to_year": joined.to_year,
    }
    door.tell(
        answer,
        lambda out: out.print(
            _("{name} deltager fra {day}.").format(name=name_of(municipality), day=_day(joined.first_day))
        ),
    )
    if begins_on is not None:
        _say_what_now(door, code, begins_on)


def _day(day: date | None) -> str:
    return f"{day:%d.%m.%Y}" if day else ""


def _say_what_now(door: Door, code: str, day: date | None) -> None:
    """The price of the year in which somebody joins or leaves is another."""
    with door.database.reading() as connection:
        priced = bool(day and subscriptions.versions_of(connection, code, day.year))
    if day and priced:
        door.note(
            _("Prisen for {year} skal beregnes igen: «mellemregning subscription calculate {code} {year}».").format(
                year=day.year, code=code
            )
        )


@command(agreement_group, "terminate")
@click.argument("code", metavar=_("KODE"))
@click.option(
    "--by", "by", required=True, type=MUNICIPALITY, metavar=_("KOMMUNE"), help=_("Den part, der opsiger aftalen.")
)
@click.option("--to", "ends_before", type=DATE, required=True, metavar=_("DATO"), help=_("Den 1. i en måned."))
def terminate(door: Door, code: str, by: str, ends_before: date) -> None:
    """Notér, at en part har opsagt hele aftalen skriftligt, med aftalens varsel til den 1. i en måned."""
    with door.database.transaction() as connection:
        closed = agreements.end(connection, code, by, ends_before, door.occasion)
        for period in closed:
            subscriptions.refuse_if_billed_from(connection, code, period.municipality, ends_before)
    answer = {
        "agreement": code,
        "terminated_by": by,
        "given_on": door.business_date.isoformat(),
        "leaves": [{"municipality": period.municipality, "last_day": str(period.last_day)} for period in closed],
    }

    def people(out: Console) -> None:
        out.print(_("{name} har opsagt aftalen {code}.").format(name=name_of(by), code=code))
        for period in closed:
            out.print(
                _("{name} deltager til og med {day}.").format(
                    name=name_of(period.municipality), day=_day(period.last_day)
                )
            )

    door.tell(answer, people)
    _say_what_now(door, code, ends_before - timedelta(days=1))


@command(agreement_group, "renegotiate")
@click.argument("code", metavar=_("KODE"))
@click.option("--on", "on", type=DATE, required=True, metavar=_("DATO"), help=_("Dagen, det skete."))
@click.option("--text", required=True, metavar=_("TEKST"), help=_("Hvad det ændrede; ingen personoplysninger."))
def renegotiate(door: Door, code: str, on: date, text: str) -> None:
    """Registrér en genforhandling og hvad den ændrede; ændrede vilkår indlæses derefter med «agreement load»."""
    with door.database.transaction() as connection:
        event = agreements.renegotiated(connection, code, on, text, door.occasion)
    door.tell(
        _event_answer(event),
        lambda out: out.print(_("Genforhandlet {day}: {text}").format(day=_day(on), text=event.text)),
    )


@command(agreement_group, "events")
@click.argument("code", metavar=_("KODE"))
def show_events(door: Door, code: str) -> None:
    """Vis genforhandlinger og opsigelser, efter dato."""
    with door.database.reading() as connection:
        found = agreements.events_of(connection, code)
    answer = {"agreement": code, "events": [_event_answer(event) for event in found]}
    words = {EventKind.RENEGOTIATED: _("genforhandlet"), EventKind.TERMINATED: _("opsagt")}
    rows = [(event.happened_on, words[event.kind], str(event.version), event.text) for event in found]
    door.tell(answer, lambda out: out.print(table("", [_("Dato"), _("Hvad"), _("Udgave"), _("Tekst")], rows)))


def _event_answer(event: AgreementEvent) -> dict[str, Any]:
    return {
        "agreement": event.agreement,
        "kind": event.kind.value,
        "happened_on": event.happened_on.isoformat(),
        "text": event.text,
        "version": event.version,
        "entered_on": event.entered_on.isoformat(),
    }


@command(membership_group, "list")
@click.argument("code", metavar=_("KODE"))
def list_members(door: Door, code: str) -> None:
    """Vis, hvem der deltager hvornår."""
    with door.database.reading() as connection:
        periods = agreements.members_of(connection, code)
    answer = {
        "agreement": code,
        "members": [answers.membership(period) for period in periods],
    }
    rows = [
        (
            period.municipality,
            name_of(period.municipality),
            _day(period.begins_on) or str(period.from_year),
            _day(period.ends_on) or str(period.to_year or ""),
        )
        for period in periods
    ]
    door.tell(answer, lambda out: out.print(table("", [_("Kode"), _("Kommune"), _("Fra"), _("Til og med")], rows)))


@command(budget_group, "load")
@click.argument("file", type=FILE, metavar=_("FIL"))
@click.option("--preview", is_flag=True, help=_("Vis, hvad hver kommune ville betale; gem intet."))
def load_budget(door: Door, file: Path, preview: bool) -> None:
    """Indlæs budgetlinjer fra TOML eller xlsx; et rettet beløb gemmes ved siden af det gamle."""
    content = read_file(file)
    if preview:
        with taken_back(door) as connection:
            code, change = agreements.load_budget(connection, file.name, content, door.occasion)
            subscriptions.refuse_closed_years(connection, code, _years_touched(change))
            effects = subscriptions.effects_of_newest_figures(connection, door.occasion, code=code)
        show_effects(door, effects, answers.cost_change(code, change))
        return
    with door.database.transaction() as connection:
        code, change = agreements.load_budget(connection, file.name, content, door.occasion)
        subscriptions.refuse_closed_years(connection, code, _years_touched(change))
        stale = sorted(
            _years_touched(change) & {year for year, _version, _day in subscriptions.versions_of(connection, code)},
        )
    door.tell(answers.cost_change(code, change), lambda out: _show_change(out, change))
    for year in stale:
        door.note(
            _(
                "Prisen for {year} er beregnet før denne ændring. "
                "Kør «mellemregning subscription calculate {code} {year}»."
            ).format(
                year=year,
                code=code,
            ),
        )


@command(budget_group, "show")
@click.argument("code", metavar=_("KODE"))
@click.argument("year", type=YEAR, required=False, metavar=_("[ÅR]"))
def show_budget(door: Door, code: str, year: int | None) -> None:
    """Vis de budgetlinjer, der gælder."""
    with door.database.reading() as connection:
        agreements.get(connection, code)
        lines = agreement_store.budget(connection, code, year)
    answer = {"agreement": code, "budgets": [answers.cost_line(line) for line in lines]}
    show_lines(door, answer, lines)


def show_lines(door: Door, answer: object, lines: Sequence[CostLine]) -> None:
    """Budget or accounts lines as a table with their net sum."""

    def people(out: Console) -> None:
        if not lines:
            out.print(_("Der er ingen linjer."))
            return
        net = sum(line.net_oere for line in lines)
        out.print(
            table(
                "",
                [_("År"), _("Leverandør"), _("Ydelse"), _("Art"), _("Beløb kr."), _("Bemærkning")],
                [(*_line_cells(line), line.note) for line in lines],
                total=(_("Netto"), "", "", "", net, ""),
            ),
        )

    door.tell(answer, people)


@command(population_group, "load")
@click.argument("file", type=FILE, metavar=_("FIL"))
@click.option("--source", metavar=_("TEKST"), help=_("Kilden, som den skal stå i beregningen."))
@click.option("--date", "on", type=DATE, metavar=_("DATO"), help=_("Opgørelsesdato, når filen ikke selv har en."))
@click.option("--preview", is_flag=True, help=_("Vis, hvad hver kommune ville betale; gem intet."))
@click.option("--ages", metavar=_("FRA-TIL"), help=_("Kun indbyggere i disse aldre, fx 0-17; filen har hver alder."))
def load_population(
    door: Door, file: Path, source: str | None, on: date | None, preview: bool, ages: str | None
) -> None:
    """Indlæs indbyggertal fra en fil fra Statistikbanken; et revideret tal gemmes ved siden af det gamle."""
    content = read_file(file)

    def load(connection: Connection) -> PopulationChange:
        if ages is not None:
            return agreements.load_age_band(
                connection,
                file.name,
                content,
                ages,
                door.occasion,
                source=source,
                on=on,
                not_after=clock.today(),
            )
        return agreements.load_population(
            connection,
            file.name,
            content,
            door.occasion,
            source=source,
            on=on,
            not_after=clock.today(),
        )

    if preview:
        with taken_back(door) as connection:
            change = load(connection)
            days = {figure.on for figure in (*change.added, *(new for _old, new in change.changed))}
            effects = subscriptions.effects_of_newest_figures(
                connection, door.occasion, reference_dates=None if ages else days
            )
        show_effects(door, effects, _population_answer(change))
        return
    with door.database.transaction() as connection:
        change = load(connection)
    _show_population_change(door, change)


@command(population_group, "fetch")
@click.option("--date", "on", type=DATE, required=True, multiple=True, metavar=_("DATO"), help=_("1. i et kvartal."))
@click.option(
    "--municipality",
    "codes",
    multiple=True,
    type=MUNICIPALITY,
    metavar=_("KOMMUNE"),
    help=_("Kun disse; ellers alle 98."),
)
@click.option("--base-url", default=None, metavar="URL", help=_("En anden adresse end Statistikbankens."))
@click.option("--ages", metavar=_("FRA-TIL"), help=_("Kun indbyggere i disse aldre, fx 0-17."))
def fetch_population(
    door: Door, on: tuple[date, ...], codes: tuple[str, ...], base_url: str | None, ages: str | None
) -> None:
    """Hent indbyggertal fra Statistikbanken (tabel FOLK1A)."""
    from agreements.age_band import AgeBand
    from agreements.statbank import StatBankClient

    for code in codes:
        known_municipality(code)
    client = StatBankClient(base_url) if base_url else StatBankClient()
    band = AgeBand.parse(ages) if ages else None
    reading = client.population(list(on), list(codes) or None, fetched_on=door.business_date, ages=band)
    with door.database.transaction() as connection:
        digest = hashlib.sha256(json.dumps([str(figure) for figure in reading.figures]).encode()).hexdigest()
        name = "Statistikbanken FOLK1A"
        if band is None:
            change = agreements.keep_population(connection, name, digest, reading, door.occasion)
        else:
            both = (band.youngest, band.oldest)
            change = agreements.keep_age_band(connection, name, digest, both, reading, door.occasion)
    _show_population_change(door, change)


def _population_answer(change: PopulationChange) -> dict[str, Any]:
    return {
        "added": [
            {"municipality": figure.municipality, "on": figure.on.isoformat(), "inhabitants": figure.inhabitants}
            for figure in change.added
        ],
        "changed": [
            {
                "municipality": new.municipality,
                "on": new.on.isoformat(),
                "inhabitants": new.inhabitants,
                "before": old.inhabitants,
            }
            for old, new in change.changed
        ],
        "unchanged": len(change.unchanged),
        "left_out": [{"what": left.what, "why": left.why, "rows": left.rows} for left in change.left_out],
    }


def _show_population_change(door: Door, change: PopulationChange) -> None:
    def people(out: Console) -> None:
        out.print(
            _("{added} nye tal, {changed} reviderede, {unchanged} uændrede.").format(
                added=len(change.added),
                changed=len(change.changed),
                unchanged=len(change.unchanged),
            ),
        )
        if change.changed:
            rows = [
                (name_of(new.municipality), new.on, old.inhabitants, new.inhabitants) for old, new in change.changed
            ]
            out.print(table(_("Revideret"), [_("Kommune"), _("Dato"), _("Før"), _("Nu")], rows))
        if change.left_out:
            rows_left = [(left.what, left.why, left.rows) for left in change.left_out]
            out.print(table(_("Udeladt"), [_("Hvad"), _("Hvorfor"), _("Rækker")], rows_left))

    door.tell(_population_answer(change), people)


@command(population_group, "show")
@click.argument("on", type=DATE, metavar=_("DATO"))
@click.option(
    "--municipality",
    "code",
    type=MUNICIPALITY,
    metavar=_("KOMMUNE"),
    help=_("Kun denne; med tidligere udgaver af tallet."),
)
def show_population(door: Door, on: date, code: str | None) -> None:
    """Vis indbyggertal på en dag, med kilde."""
    with door.database.reading() as connection:
        if code is None:
            found = list(agreement_store.population(connection, on).values())
        else:
            known_municipality(code)
            found = [entry for entry in agreement_store.population_history(connection, code) if entry[1].on == on]
    missing = sorted(set(MUNICIPALITIES) - {figure.municipality for _revision, figure in found}) if not code else []
    answer = {
        "on": on.isoformat(),
        "figures": [
            {
                "municipality": figure.municipality,
                "inhabitants": figure.inhabitants,
                "revision": revision,
                "source": figure.source,
                "fetched_on": figure.fetched_on.isoformat(),
            }
            for revision, figure in found
        ],
        "missing": missing,
    }

    def people(out: Console) -> None:
        rows = [
            (figure.municipality, name_of(figure.municipality), figure.inhabitants, str(revision), figure.source)
            for revision, figure in found
        ]
        if rows:
            out.print(table("", [_("Kode"), _("Kommune"), _("Indbyggere"), _("Udgave"), _("Kilde")], rows))
        if missing:
            out.print(_("Der mangler tal for {count} kommuner.").format(count=len(missing)))

    door.tell(answer, people)
