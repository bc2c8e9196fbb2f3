"""Register, change, give notice, end: an officer's verbs on what was agreed; never commits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection, Table

from agreements import store
from agreements.agreement import Agreement, AgreementEvent, CostLine, EventKind, MunicipalityCode
from agreements.agreement_file import read_agreement, write_agreement
from agreements.cost_lines import check_against
from agreements.membership import (
    MembershipPeriod,
    first_periods,
    join,
    join_on,
    notice_by_months,
    notice_to_leave,
    terminate,
)
from agreements.municipality import municipality
from agreements.population import PopulationChange, PopulationReading, compare
from agreements.tables import budget_line
from foundation import audit
from foundation.audit import Occasion
from foundation.database import hold
from foundation.errors import BadInput, N_, NotFound, RuleBroken
from foundation.person_number import holds_one


class AgreementUnknown(NotFound):
    """No agreement has the code."""

    danish = N_("Der er ingen aftale med koden «{agreement}». Se dem med «mellemregning agreement list».")


class NoDutyToRenegotiate(RuleBroken):
    """The agreement does not say that the parties renegotiate, or not yet."""

    danish = N_(
        "Aftalen «{agreement}» kan ikke registreres som genforhandlet {on}: {why}. Vilkåret står i "
        "[terms.renegotiation] i aftalens fil."
    )


class EventKnown(RuleBroken):
    """The same was entered for the day before."""

    danish = N_("Der er allerede registreret en genforhandling af aftalen «{agreement}» {on}: «{text}».")


class NoticeKnown(RuleBroken):
    """The agreement was terminated on the same day before."""

    danish = N_("Aftalen «{agreement}» er allerede opsagt {on}: «{text}». En ny opsigelse kan gives en anden dag.")


class EventInTheFuture(RuleBroken):
    """What has not happened yet is not entered as having happened."""

    danish = N_("{on} er ikke kommet endnu (i dag er {as_of}). Registrér genforhandlingen, når den er sket.")


class EventText(RuleBroken):
    """Nothing is said of what changed, or too much."""

    danish = N_("Skriv, hvad genforhandlingen ændrede, på én linje og med højst {longest} tegn.")


class PersonNumberInText(BadInput):
    """A text with something like a CPR number in it; it is not repeated."""

    danish = N_("Teksten indeholder noget, der ligner et CPR-nummer. Intet er gemt. Skriv den uden personoplysninger.")


LONGEST_EVENT = 500


class AgreementCannotChange(RuleBroken):
    """What bills rest on is not changed by loading the file again."""

    danish = N_(
        "{source}: «{key}» i aftalen «{agreement}» kan ikke ændres ved at indlæse filen igen (før: {before}; "
        "nu: {after}). {instead}",
    )


@dataclass(frozen=True, slots=True)
class CostChange:
    """What a load does to budget or accounts lines; (old, new) where a figure was revised."""

    added: tuple[CostLine, ...]
    changed: tuple[tuple[CostLine, CostLine], ...]
    unchanged: tuple[CostLine, ...]


@dataclass(frozen=True, slots=True)
class AgreementLoad:
    """What loading an agreement file did.

    Attributes:
        version: The version that now applies.
        is_new: The agreement was not known before.
        terms_changed: A new version was kept.
    """

    agreement: Agreement
    version: int
    is_new: bool
    terms_changed: bool
    budgets: CostChange


def get(connection: Connection, code: str, *, lock: bool = False) -> Agreement:
    """The agreement by its code.

    Args:
        connection: Where to read.
        code: The agreement's code.
        lock: Hold it until the transaction ends, so that runs of one agreement follow each other.

    Raises:
        AgreementUnknown: there is none.
    """
    found = store.find_agreement(connection, code, lock=lock)
    if found is None:
        raise AgreementUnknown(agreement=code)
    return found


def load_agreement(connection: Connection, name: str, content: bytes, occasion: Occasion) -> AgreementLoad:
    """Register an agreement from its file, or keep a new version of it.

    The first load makes the subscribers members from the first year; later loads change terms, services, parties'
    details and budget lines. Who takes part later is changed by notice and joining, not by the file.

    Raises:
        Problems: the file has mistakes, all told.
        AgreementCannotChange: the file says another beginning, issuer or list of subscribers.
    """
    loaded = read_agreement(name, content)
    head = replace(loaded, budgets=())
    hold(connection, f"agreement {head.code}")
    known = store.find_agreement(connection, loaded.code, lock=True)
    document = write_agreement(head)
    changed = known is None or document != write_agreement(known)
    version = 0
    if known is not None:
        _refuse_changes(name, known, head)
    if changed:
        version = store.write_agreement_version(connection, head, document, occasion.as_of)
    if known is None:
        store.write_members(connection, head.code, first_periods(head))
    budgets = revise(connection, budget_line, head.code, loaded.budgets, occasion.as_of)
    if changed or budgets.added or budgets.changed:
        audit.record(
            connection,
            occasion,
            action="agreements.registered" if known is None else "agreements.changed",
            subject=head.code,
            details={"version": version, "file": name, "budgets": described(budgets)},
        )
    return AgreementLoad(
        agreement=head,
        version=version or len(store.agreement_versions(connection, head.code)),
        is_new=known is None,
        terms_changed=changed,
        budgets=budgets,
    )


def _refuse_changes(name: str, known: Agreement, loaded: Agreement) -> None:
    instead = "Brug «mellemregning membership join» og «membership leave»."
    for key, before, after, advice in (
        ("starts_on", known.starts_on, loaded.starts_on, "Registrér en ny aftale med sin egen kode."),
        ("issuer", known.issuer, loaded.issuer, "Registrér en ny aftale med sin egen kode."),
        ("subscribers", sorted(known.subscribers), sorted(loaded.subscribers), instead),
        (
            "schedule",
            _plan_of(known),
            _plan_of(loaded),
            "Det, der er faktureret, følger den gamle betalingsplan; registrér en ny aftale med sin egen kode.",
        ),
    ):
        if before != after:
            raise AgreementCannotChange(
                source=name,
                key=key,
                agreement=known.code,
                before=before,
                after=after,
                instead=advice,
            )
    lost = sorted({service.code for service in known.services} - {service.code for service in loaded.services})
    if lost:
        raise AgreementCannotChange(
            source=name,
            key="services",
            agreement=known.code,
            before=sorted(service.code for service in known.services),
            after=sorted(service.code for service in loaded.services),
            instead="En ydelse, der har været i aftalen, bliver stående; dens titel kan ændres, og nye kan komme til.",
        )
    _refuse_case_changes(name, known, loaded)
    gone = sorted(set(known.providers) - set(loaded.providers))
    if gone:
        raise AgreementCannotChange(
            source=name,
            key="providers",
            agreement=known.code,
            before=sorted(known.providers),
            after=sorted(loaded.providers),
            instead="En ydelsesleverandør, der har haft budget, bliver stående.",
        )


def _refuse_case_changes(name: str, known: Agreement, loaded: Agreement) -> None:
    """What bills of cases rest on stays: else all that was billed would be taken back and billed anew by it."""
    before = {each.code: each for each in known.cases.services}
    after = {each.code: each for each in loaded.cases.services}
    kept = sorted(set(before) & set(after))
    for key, was, now, instead in (
        (
            "cases.services",
            sorted(before),
            sorted(after) if set(before) - set(after) else sorted(before),
            "En sagsydelse, der har været i aftalen, bliver stående; nye kan komme til.",
        ),
        (
            "cases.services.pricing",
            [f"{code} {before[code].pricing}" for code in kept],
            [f"{code} {after[code].pricing}" for code in kept],
            "En sagsydelse, der afregnes på en anden måde, får sin egen kode.",
        ),
        (
            "cases.count_arrival_day og cases.count_leaving_day",
            _counting_of(known) if before else "",
            _counting_of(loaded) if before else "",
            "Døgn, der er faktureret, ville blive talt om; registrér en ny aftale med sin egen kode.",
        ),
    ):
        if was != now:
            raise AgreementCannotChange(
                source=name, key=key, agreement=known.code, before=was, after=now or "ingen", instead=instead
            )


def _counting_of(agreement: Agreement) -> str:
    return f"{agreement.cases.count_arrival_day} og {agreement.cases.count_leaving_day}".lower()


def _plan_of(agreement: Agreement) -> str:
    advance = agreement.terms.advance
    return " ".join([advance.schedule.value, *(str(day) for day in advance.dates)])


def described(change: CostChange) -> dict[str, list[dict[str, object]]]:
    """A change of lines as the audit trail keeps it."""
    return {
        "added": [_said(line) for line in change.added],
        "changed": [{**_said(new), "before_oere": old.amount_oere} for old, new in change.changed],
    }


def _said(line: CostLine) -> dict[str, object]:
    key = line.key
    return {
        "year": key.year,
        "provider": key.provider,
        "service": key.service,
        "kind": key.kind.value,
        "line": key.line,
        "amount_oere": line.amount_oere,
    }


def revise(
    connection: Connection,
    table: Table,
    code: str,
    lines: Iterable[CostLine],
    loaded_on: date,
) -> CostChange:
    """Keep lines of budgets or final accounts; a revised figure stands beside the old one.

    Args:
        connection: The transaction.
        table: ``budget_line`` or ``accounts_line``.
        code: The agreement.
        lines: Each key once.
        loaded_on: The business date.
    """
    stored = store.cost_lines(connection, table, code)
    added: list[CostLine] = []
    changed: list[tuple[CostLine, CostLine]] = []
    unchanged: list[CostLine] = []
    appended: list[tuple[int, CostLine]] = []
    for line in lines:
        revision, old = stored.get(line.key, (0, None))
        if old is None:
            added.append(line)
        elif old.amount_oere != line.amount_oere or old.note != line.note:
            changed.append((old, line))
        else:
            unchanged.append(line)
            continue
        appended.append((revision + 1, line))
    store.append_cost_lines(connection, table, code, appended, loaded_on)
    return CostChange(tuple(added), tuple(changed), tuple(unchanged))


def load_budget(connection: Connection, name: str, content: bytes, occasion: Occasion) -> tuple[str, CostChange]:
    """Keep the budget lines of a file, TOML or xlsx; lines that the file does not name stay as they are.

    Returns:
        The agreement's code, and what changed.

    Raises:
        Problems: the file has mistakes, all told.
        AgreementUnknown: it names an agreement that is not registered.
    """
    from agreements.cost_file import read_cost_file  # noqa: PLC0415 - openpyxl costs half a second at every start

    read = read_cost_file(name, content, "budgets")
    agreement = get(connection, read.agreement_code, lock=True)
    check_against(read.lines, agreement, name)
    change = revise(connection, budget_line, agreement.code, read.lines, occasion.as_of)
    if change.added or change.changed:
        audit.record(
            connection,
            occasion,
            action="agreements.budget_loaded",
            subject=agreement.code,
            details={"file": name, **described(change)},
        )
    return agreement.code, change


def leave(
    connection: Connection,
    code: str,
    who: MunicipalityCode,
    year: int,
    occasion: Occasion,
) -> MembershipPeriod:
    """Note a written notice: the municipality takes part through ``year`` and leaves at its end.

    Returns:
        The leaver's period, now closed.

    Raises:
        AgreementUnknown, UnknownMunicipality, YearNotAgreed, NotAMember, AlreadyLeaving, NoticeTooLate.

    Source: agreement § 8 stk. 3.
    """
    agreement = get(connection, code, lock=True)
    municipality(who)
    before = store.members(connection, code)
    after = notice_to_leave(before, who, year, occasion.as_of, agreement)
    store.write_members(connection, code, after, occasion.as_of)
    (closed,) = set(after) - set(before)
    audit.record(
        connection,
        occasion,
        action="agreements.notice_given",
        subject=f"{code} {who}",
        details={"last_year": year},
    )
    return closed


def leave_on(
    connection: Connection,
    code: str,
    who: MunicipalityCode,
    ends_before: date,
    occasion: Occasion,
) -> MembershipPeriod:
    """Note a written notice to the first of a month: the day before is the municipality's last.

    Returns:
        The leaver's period, now closed.

    Raises:
        AgreementUnknown, UnknownMunicipality, NoticeByYearsHere, NotTheFirst, NoticeTooShort, NotAMember,
        AlreadyLeaving.

    Source: Horsens and Odder § 12.
    """
    agreement = get(connection, code, lock=True)
    municipality(who)
    before = store.members(connection, code)
    after = notice_by_months(before, who, ends_before, occasion.as_of, agreement)
    store.write_members(connection, code, after, occasion.as_of)
    (closed,) = set(after) - set(before)
    _record_notice(connection, code, closed, occasion)
    return closed


def end(
    connection: Connection,
    code: str,
    by: MunicipalityCode,
    ends_before: date,
    occasion: Occasion,
) -> list[MembershipPeriod]:
    """Note a party's written notice to the whole agreement; a provider may give it as well as a payer.

    Returns:
        The periods that were closed or shortened, by code.

    Raises:
        AgreementUnknown, UnknownMunicipality, NoticeByYearsHere, NotTheFirst, NoticeTooShort, NotAParty, NobodyLeft.
        NoticeKnown: it was terminated on the same day before.

    Source: Horsens and Odder § 12: mutual notice.
    """
    agreement = get(connection, code, lock=True)
    name = municipality(by).name
    before = store.members(connection, code)
    after = terminate(before, by, ends_before, occasion.as_of, agreement)
    for known in store.events(connection, code):
        if known.kind is EventKind.TERMINATED and known.happened_on == occasion.as_of:
            raise NoticeKnown(agreement=code, on=occasion.as_of, text=known.text)
    store.write_members(connection, code, after, occasion.as_of)
    closed = sorted(set(after) - set(before))
    store.write_event(
        connection,
        AgreementEvent(
            agreement=code,
            kind=EventKind.TERMINATED,
            happened_on=occasion.as_of,
            text=f"Opsagt af {name} til den {ends_before:%d.%m.%Y}",
            version=len(store.agreement_versions(connection, code)),
            entered_on=occasion.as_of,
        ),
    )
    for period in closed:
        _record_notice(connection, code, period, occasion, by=by)
    return closed


def _record_notice(
    connection: Connection,
    code: str,
    closed: MembershipPeriod,
    occasion: Occasion,
    by: MunicipalityCode | None = None,
) -> None:
    details: dict[str, object] = {"last_year": closed.to_year, "last_day": str(closed.last_day)}
    if by is not None:
        details["terminated_by"] = by
    audit.record(
        connection,
        occasion,
        action="agreements.notice_given",
        subject=f"{code} {closed.municipality}",
        details=details,
    )


def renegotiated(connection: Connection, code: str, on: date, text: str, occasion: Occasion) -> AgreementEvent:
    """Note that the parties negotiated anew, and what it changed; the changed terms are loaded by the agreement's file.

    Raises:
        AgreementUnknown.
        NoDutyToRenegotiate: the agreement has no such term, or a first day that has not come.
        EventInTheFuture, EventText, EventKnown, PersonNumberInText: the day or the text cannot be entered.

    Source: Horsens and Odder § 11; domain rule 18.
    """
    if holds_one(text):
        raise PersonNumberInText
    agreement = get(connection, code, lock=True)
    terms = agreement.terms.renegotiation
    said = " ".join(text.split())
    if on > occasion.as_of:
        raise EventInTheFuture(on=on, as_of=occasion.as_of)
    if not said or len(said) > LONGEST_EVENT or not said.isprintable():
        raise EventText(longest=LONGEST_EVENT)
    if not terms.duty:
        raise NoDutyToRenegotiate(agreement=code, on=on, why="aftalen har ingen pligt til genforhandling")
    if terms.first_on is not None and on < terms.first_on:
        why = f"første genforhandling kan ske {terms.first_on:%d.%m.%Y}"
        raise NoDutyToRenegotiate(agreement=code, on=on, why=why)
    for known in store.events(connection, code):
        if known.kind is EventKind.RENEGOTIATED and known.happened_on == on:
            raise EventKnown(agreement=code, on=on, text=known.text)
    version = len(store.agreement_versions(connection, code))
    event = AgreementEvent(code, EventKind.RENEGOTIATED, on, said, version, occasion.as_of)
    store.write_event(connection, event)
    audit.record(
        connection,
        occasion,
        action="agreements.renegotiated",
        subject=code,
        details={"on": on.isoformat(), "text": said, "version": version},
    )
    return event


def events_of(connection: Connection, code: str) -> list[AgreementEvent]:
    """What happened to an agreement, by day.

    Raises:
        AgreementUnknown: there is none.
    """
    get(connection, code)
    return store.events(connection, code)


def take_in(  # noqa: PLR0913 - a decision names these
    connection: Connection,
    code: str,
    who: MunicipalityCode,
    year: int,
    occasion: Occasion,
    *,
    begins_on: date | None = None,
) -> MembershipPeriod:
    """Let a municipality take part from 1 January of ``year``, or from a day within it.

    Raises:
        AgreementUnknown, UnknownMunicipality, YearNotAgreed, AlreadyMember, JoinTooLate, OneStretchAYear.
        PiecesOfYearsNotAgreed, NotTheFirst, JoinedBefore: of a day within the year.
    """
    agreement = get(connection, code, lock=True)
    municipality(who)
    before = store.members(connection, code)
    if begins_on is None:
        after = join(before, who, year, occasion.as_of, agreement)
    else:
        after = join_on(before, who, begins_on, occasion.as_of, agreement)
    store.write_members(connection, code, after)
    (joined,) = set(after) - set(before)
    details: dict[str, object] = {"first_year": joined.from_year}
    if joined.begins_on is not None:
        details["first_day"] = joined.begins_on.isoformat()
    audit.record(
        connection,
        occasion,
        action="agreements.joined",
        subject=f"{code} {who}",
        details=details,
    )
    return joined


def load_population(  # noqa: PLR0913 - a load names these
    connection: Connection,
    name: str,
    content: bytes,
    occasion: Occasion,
    *,
    source: str | None = None,
    on: date | None = None,
    not_after: date | None = None,
) -> PopulationChange:
    """Keep the figures of a file from Statistics Denmark; a revised figure stands beside the old one.

    Args:
        connection: The transaction.
        name: The file's name.
        content: The file.
        occasion: Who, and the business date.
        source: The source as calculations will name it, instead of what the file says.
        on: The day counted, for a file that has none.
        not_after: The real today, so that projections are refused; the business date may be a played one.

    Raises:
        PopulationFileNotUnderstood, PopulationConflict: nothing is changed.

    Source: domain rule 2.
    """
    from agreements.population_file import read_population  # noqa: PLC0415 - pandas costs a second at every start

    reading = read_population(name, content, source=source, fetched_on=occasion.as_of, on=on, not_after=not_after)
    return keep_population(connection, name, hashlib.sha256(content).hexdigest(), reading, occasion)


def keep_population(
    connection: Connection,
    name: str,
    digest: str,
    reading: PopulationReading,
    occasion: Occasion,
) -> PopulationChange:
    """Keep what was read from a file or fetched from the StatBank."""
    hold(connection, "population")
    stored = store.population(connection)
    change = compare({key: figure for key, (_, figure) in stored.items()}, reading)
    appended = [*change.added, *(new for _, new in change.changed)]
    if appended:
        store.append_population(
            connection,
            name,
            digest,
            occasion.as_of,
            {
                (figure.municipality, figure.on): (
                    stored[figure.municipality, figure.on][0] + 1 if (figure.municipality, figure.on) in stored else 1,
                    figure,
                )
                for figure in appended
            },
        )
        audit.record(
            connection,
            occasion,
            action="agreements.population_loaded",
            subject=name,
            details={
                "digest": digest,
                "added": len(change.added),
                "changed": [
                    {
                        "municipality": new.municipality,
                        "on": new.on.isoformat(),
                        "before": old.inhabitants,
                        "after": new.inhabitants,
                    }
                    for old, new in change.changed
                ],
            },
        )
    return change


def load_age_band(  # noqa: PLR0913 - a load names these
    connection: Connection,
    name: str,
    content: bytes,
    ages: str,
    occasion: Occasion,
    *,
    source: str | None = None,
    on: date | None = None,
    not_after: date | None = None,
) -> PopulationChange:
    """Keep the inhabitants of an age band from a file with every age; the other arguments as for ``load_population``.

    Raises:
        NotAnAgeBand, AgesMissing, AgeTwice, PopulationFileNotUnderstood: nothing is changed.

    Source: domain rule 2; docs/decisions/0037-allocation-keys.md.
    """
    from agreements.age_band import AgeBand  # noqa: PLC0415 - pandas costs a second at every start
    from agreements.population_file import read_population  # noqa: PLC0415 - as above

    band = AgeBand.parse(ages)
    reading = read_population(
        name, content, source=source, fetched_on=occasion.as_of, on=on, not_after=not_after, ages=band
    )
    digest = hashlib.sha256(content).hexdigest()
    return keep_age_band(connection, name, digest, (band.youngest, band.oldest), reading, occasion)


def keep_age_band(  # noqa: PLR0913, PLR0917 - a load names these
    connection: Connection,
    name: str,
    digest: str,
    band: store.AgeBand,
    reading: PopulationReading,
    occasion: Occasion,
) -> PopulationChange:
    """Keep the figures of an age band; a revised figure stands beside the old one."""
    hold(connection, "population")
    stored = store.age_bands(connection, band)
    change = compare({key: figure for key, (_, figure) in stored.items()}, reading)
    appended = [*change.added, *(new for _, new in change.changed)]
    if appended:
        revisions = [(stored[each.key][0] + 1 if each.key in stored else 1, each) for each in appended]
        store.append_age_bands(connection, name, digest, occasion.as_of, band, revisions)
        audit.record(
            connection,
            occasion,
            action="agreements.age_band_loaded",
            subject=name,
            details={
                "digest": digest,
                "ages": f"{band[0]}-{band[1]}",
                "added": len(change.added),
                "changed": [
                    {
                        "municipality": new.municipality,
                        "on": new.on.isoformat(),
                        "before": old.inhabitants,
                        "after": new.inhabitants,
                    }
                    for old, new in change.changed
                ],
            },
        )
    return change


def ship_population(connection: Connection, occasion: Occasion) -> int:
    """Put the figures that the project ships into a database that lacks them; what an officer loaded is never touched.

    Returns:
        How many were put in.
    """
    from agreements.population_file import shipped_population  # noqa: PLC0415 - pandas costs a second at every start

    hold(connection, "population")
    stored = store.population(connection)
    lacking = {
        (figure.municipality, figure.on): (1, figure)
        for figure in shipped_population()
        if (figure.municipality, figure.on) not in stored
    }
    if lacking:
        store.append_population(connection, "mellemregning: medfølgende folketal", "", occasion.as_of, lacking)
        audit.record(
            connection,
            occasion,
            action="agreements.population_shipped",
            subject="medfølgende folketal",
            details={"added": len(lacking)},
        )
    return len(lacking)


def export_agreement(connection: Connection, code: str) -> str:
    """The agreement with the budgets that apply, as a file that loads again.

    Raises:
        AgreementUnknown: there is none.
    """
    agreement = get(connection, code)
    return write_agreement(replace(agreement, budgets=store.budget(connection, code)))


def members_of(connection: Connection, code: str) -> Sequence[MembershipPeriod]:
    """Who takes part when.

    Raises:
        AgreementUnknown: there is none.
    """
    get(connection, code)
    return store.members(connection, code)
