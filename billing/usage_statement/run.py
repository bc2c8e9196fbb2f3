"""Map columns, preview, load, audit and release usage; never commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, MunicipalityCode
from agreements.membership import members_in
from agreements.municipality import municipality
from billing.usage_statement import store
from billing.usage_statement.facts import (
    Counts,
    Figure,
    FigureKey,
    FigurePlace,
    Load,
    Release,
    Residence,
    Statement,
    UsagePeriod,
)
from billing.usage_statement.guard import AdmittedFile
from billing.usage_statement.mapping import (
    ColumnMapping,
    MappingInvalid,
    MappingMissing,
    Shape,
    suggested,
)
from billing.usage_statement.protection_facts import LEAST_HIDDEN, AuditReport, CellKey, ProtectionImpossible
from billing.usage_statement.rules import (
    ENDINGS,
    PeriodOverlaps,
    PlaceChange,
    Published,
    all_figures,
    by_place,
    days_to_hide,
    foreseen,
    hidden_with_others,
    is_days,
    merged,
    naive,
    parts_of,
    published,
    require_period,
    residences_shown,
    summed,
    unlike_before,
    with_hidden,
)
from foundation import audit, hooks
from foundation.audit import Occasion
from foundation.errors import N_, NotFound, Problems, RuleBroken
from foundation.person_number import holds_one

if TYPE_CHECKING:
    from billing.usage_statement.intake import Reading

DRAFT = 0
MOST_PERIODS_SHOWN = 8
MOST_PROBLEMS_TOLD = 100
MOST_NAMED = 10
# When to take a protection that holds but may hide a figure too many, while somebody waits.
SEARCH_SECONDS = 60.0
# The days take so much of it: they are in few sums, the counts in many.
DAYS_SHARE = 0.25


class NotAProvider(RuleBroken):
    """Only those who provide the services count what was used."""

    danish = N_("{municipality} er ikke ydelsesleverandør i aftalen «{agreement}»; det er {providers}.")


class UsageMissing(NotFound):
    """A provider has not delivered its counts of a period."""

    danish = N_(
        "Der mangler tal for {period} i aftalen «{agreement}» fra {missing}. Indlæs dem med "
        "«mellemregning usage load FIL --agreement {agreement} --period {period}», også hvis de er nul.",
    )


class PartsNotReleased(RuleBroken):
    """A longer period sums the released statements of the periods within it."""

    danish = N_(
        "Opgørelsen for {period} lægger perioderne i den sammen, og de skal frigives først: {missing}. "
        "Brug «mellemregning usage release {agreement} PERIODE».",
    )


class UsageNotReleased(NotFound):
    """There is no statement before it is released."""

    danish = N_(
        "Forbrugsopgørelsen for {period} i aftalen «{agreement}» er ikke frigivet. "
        "Brug «mellemregning usage release {agreement} {period}».",
    )


class NotProtected(RuleBroken):
    """The auditor can work out what should be hidden, so nothing is released.

    Facts:
        cells: Which figures, by place; never their counts.
    """

    danish = N_(
        "Forbrugsopgørelsen for {period} kan ikke frigives: kontrollen kan regne sig frem til {count} skjulte tal "
        "({cells}). Intet er ændret.",
    )


@dataclass(frozen=True, slots=True)
class Target:
    """What a file is about."""

    agreement: str
    provider: MunicipalityCode
    period: UsagePeriod


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file says, before anything is kept.

    Attributes:
        changes: By service and municipality, with the figures of the period before.
        before: That period, where the provider's counts of it are there.
        replaces: The load that this one would correct.
        unlike_before: (service, residence) that begins with others than the period right before ended with.
    """

    target: Target
    mapping: ColumnMapping
    reading: Reading
    changes: tuple[PlaceChange, ...]
    before: UsagePeriod | None
    replaces: Load | None
    unlike_before: tuple[tuple[str, Residence], ...]


@dataclass(frozen=True, slots=True)
class LoadAnswer:
    """What loading did.

    Attributes:
        is_new: False where the newest load says the same already, so that nothing was kept.
        released: Editions that were made from the load that this one corrects; they stand until a new release.
    """

    preview: Preview
    load: Load
    is_new: bool
    released: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class UsageAudit:
    """What an attacker with all statements can work out, of a period as released or as it would be released now.

    Attributes:
        release: With its figures as they are or would be hidden.
        is_released: Whether it was published.
        secondary: Whether the second step was on.
        places: Cell -> where it stands.
    """

    release: Release
    is_released: bool
    secondary: bool
    report: AuditReport
    places: Mapping[CellKey, FigurePlace]


# --- Mapping and loading


def _agreement(
    connection: Connection, target_code: str, provider: MunicipalityCode, *, lock: bool = False
) -> Agreement:
    agreement = agreements.get(connection, target_code, lock=lock)
    municipality(provider)
    if provider not in agreement.providers:
        names = [municipality(code).official_name for code in agreement.providers]
        raise NotAProvider(agreement=agreement.code, municipality=municipality(provider).official_name, providers=names)
    return agreement


def get_mapping(connection: Connection, code: str, provider: MunicipalityCode) -> ColumnMapping | None:
    """The mapping that applies, or None where none was kept."""
    found = store.read_mapping(connection, code, provider)
    return None if found is None else ColumnMapping.from_json(found[1])


def suggest_mapping(
    connection: Connection,
    code: str,
    provider: MunicipalityCode,
    file: AdmittedFile,
    *,
    shape: Shape | None = None,
) -> tuple[ColumnMapping, list[str]]:
    """What the file's headings speak for, and its headings.

    Raises:
        AgreementUnknown, NotAProvider, FileNotUnderstood.
    """
    _agreement(connection, code, provider)
    from billing.usage_statement import intake  # noqa: PLC0415 - pandas takes half a second to load, and only here

    headings = intake.headings_of(file, shape)
    return suggested(headings, shape), [heading for heading in headings if heading]


def keep_mapping(
    connection: Connection, code: str, provider: MunicipalityCode, mapping: ColumnMapping, occasion: Occasion
) -> int:
    """Keep how a provider's columns are read; answers the version. The same mapping is kept once.

    Raises:
        AgreementUnknown, NotAProvider, MappingInvalid.
    """
    agreement = _agreement(connection, code, provider, lock=True)
    problems = mapping.problems(service_required=len(agreement.services) > 1)
    texts = [*mapping.columns.values(), *(word for _, word in mapping.words)]
    if any(holds_one(text) for text in texts):
        problems = ["en overskrift eller et ord ligner et CPR-nummer"]
    if problems:
        raise MappingInvalid(problems=problems)
    before = store.read_mapping(connection, code, provider)
    if before is not None and ColumnMapping.from_json(before[1]) == mapping:
        return before[0]
    version = before[0] + 1 if before else 1
    store.write_mapping(connection, code, provider, version, mapping.as_json(), occasion)
    audit.record(
        connection,
        occasion,
        action="usage_statement.mapping_kept",
        subject=f"{code} {provider}",
        details={"version": version, "shape": mapping.shape.value, "columns": dict(mapping.columns)},
    )
    return version


def preview_usage(connection: Connection, target: Target, file: AdmittedFile) -> Preview:
    """What a file would be counted as; changes nothing.

    Raises:
        AgreementUnknown, NotAProvider, NotAPeriodOfTheAgreement, PeriodOverlaps, MappingMissing, FileNotUnderstood.
    """
    return _previewed(connection, _agreement(connection, target.agreement, target.provider), target, file)


def _previewed(connection: Connection, agreement: Agreement, target: Target, file: AdmittedFile) -> Preview:
    period = target.period
    require_period(agreement.code, agreement.terms.usage, period)
    loads = store.newest_loads(store.loads(connection, agreement.code))
    other = next((there for there, _ in loads if there != period and there.overlaps(period)), None)
    if other is not None:
        raise PeriodOverlaps(agreement=agreement.code, period=str(period), other=str(other))
    mapping = get_mapping(connection, agreement.code, target.provider)
    if mapping is None:
        mapping = _own_headings(agreement, file)
    if mapping is None:
        raise MappingMissing(agreement=agreement.code, provider=target.provider)
    from billing.usage_statement import intake  # noqa: PLC0415 - as above

    expected = intake.Expected(
        services={service.code: service.title for service in agreement.services},
        members=members_in(agreement_store.members(connection, agreement.code), period.year),
        period=period,
    )
    reading = intake.read_usage(file, mapping, expected)
    before = max(
        (there for there, provider in loads if provider == target.provider and there.last < period.first),
        default=None,
    )
    earlier = loads[before, target.provider].counts if before else None
    changes = by_place(reading.counts, earlier)
    follows = before is not None and before.last.plus(1) == period.first
    return Preview(
        target=target,
        mapping=mapping,
        reading=reading,
        changes=changes,
        before=before,
        replaces=loads.get((period, target.provider)),
        unlike_before=unlike_before(changes) if follows else (),
    )


def _own_headings(agreement: Agreement, file: AdmittedFile) -> ColumnMapping | None:
    """A file that is headed by our own words needs no mapping."""
    from billing.usage_statement import intake  # noqa: PLC0415 - as above
    from billing.usage_statement.mapping import FIELDS, folded  # noqa: PLC0415 - only here

    headings = intake.headings_of(file)
    for shape, fields in FIELDS.items():
        columns = {
            name: heading
            for name, known in fields.items()
            for heading in headings
            if folded(heading) in {folded(known.danish), folded(name)}
        }
        mapping = ColumnMapping(shape, columns)
        if not mapping.problems(service_required=len(agreement.services) > 1):
            return mapping
    return None


def load_usage(connection: Connection, target: Target, file: AdmittedFile, occasion: Occasion) -> LoadAnswer:
    """Keep a file's counts; a second file of a period corrects the first, which stays visible.

    Raises:
        Problems: rows that were not understood; nothing is kept.
        As ``preview_usage``.

    Source: domain rules 16 and 18.
    """
    agreement = _agreement(connection, target.agreement, target.provider, lock=True)
    preview = _previewed(connection, agreement, target, file)
    if preview.reading.problems:
        raise Problems(source=file.name, problems=told_problems(preview.reading))
    version = preview.replaces.version + 1 if preview.replaces else 1
    load = Load(
        agreement=agreement.code,
        provider=target.provider,
        period=target.period,
        version=version,
        loaded_on=occasion.as_of,
        loaded_by=occasion.actor,
        shape=preview.reading.shape.value,
        lines=preview.reading.rows,
        counts=preview.reading.counts,
    )
    if preview.replaces is not None and dict(preview.replaces.counts) == dict(load.counts):
        return LoadAnswer(preview, preview.replaces, is_new=False, released=())
    load = replace(load, number=store.write_load(connection, load))
    audit.record(
        connection,
        occasion,
        action="usage_statement.corrected" if preview.replaces else "usage_statement.loaded",
        subject=f"{agreement.code} {target.provider} {target.period}",
        details={"version": version, "shape": load.shape, "rows": load.lines},
    )
    rests = tuple(
        release
        for release in store.releases(connection, agreement.code)
        if preview.replaces is not None and preview.replaces.number in release.loads
    )
    return LoadAnswer(preview, load, is_new=True, released=rests)


def told_problems(reading: Reading) -> list[str]:
    """The rows that were not understood, one phrase each; of very many the first, and how many more."""
    told = [problem.text for problem in reading.problems[:MOST_PROBLEMS_TOLD]]
    more = len(reading.problems) - len(told)
    return [*told, f"… og {more} mere"] if more else told


# --- Releasing


@dataclass(frozen=True, slots=True)
class _Draft:
    """What would be published, and all that is already."""

    agreement: Agreement
    release: Release
    earlier: list[Release]


def _draft(connection: Connection, agreement: Agreement, period: UsagePeriod, occasion_day: date, actor: str) -> _Draft:
    loads = store.newest_loads(store.loads(connection, agreement.code))
    releases = store.releases(connection, agreement.code)
    newest = {release.period: release for release in releases}
    known = {there for there, _ in loads}
    counts: Counts
    numbers: tuple[int, ...] = ()
    parts: tuple[Release, ...] = ()
    within = None if period in known else parts_of(period, known)
    if within is None:
        missing = [code for code in agreement.providers if (period, code) not in loads]
        if missing:
            names = [municipality(code).official_name for code in missing]
            raise UsageMissing(agreement=agreement.code, period=str(period), missing=names)
        used = [loads[period, code] for code in agreement.providers]
        counts, numbers = merged(used), tuple(load.number for load in used)
    else:
        unreleased = [str(part) for part in within if part not in newest]
        if unreleased:
            raise PartsNotReleased(agreement=agreement.code, period=str(period), missing=unreleased)
        parts = tuple(newest[part] for part in within)
        counts = summed(parts)
    members = members_in(agreement_store.members(connection, agreement.code), period.year)
    figures = all_figures(counts, [service.code for service in agreement.services], residences_shown(members, counts))
    return _Draft(
        agreement,
        Release(
            agreement=agreement.code,
            period=period,
            edition=newest[period].edition + 1 if period in newest else 1,
            released_on=occasion_day,
            released_by=actor,
            threshold=agreement.terms.usage.small_count_threshold,
            figures={key: Figure(count) for key, count in figures.items()},
            loads=numbers,
            parts=tuple(part.number for part in parts),
            number=DRAFT,
        ),
        releases,
    )


@dataclass(frozen=True, slots=True)
class _Protected:
    """A draft with what is hidden, and what all releases with it look like to an attacker."""

    release: Release
    world: Published
    hidden: frozenset[CellKey]
    shown_before: frozenset[CellKey]


def _protected(draft: _Draft) -> _Protected:
    """Hide what is small, and as little more as keeps it hidden from one who reads every statement.

    Raises:
        ProtectionImpossible: too much was published before.

    Source: agreement § 3 stk. 4; domain rule 17.
    """
    release = draft.release
    world = published([*draft.earlier, release])
    try:
        return _hide(draft, world)
    except ProtectionImpossible as error:
        places = _places(draft, world)
        names = tuple(place.danish for key, place in sorted(places.items()) if key in error.cells)
        raise ProtectionImpossible(error.cells, names=names[:MOST_NAMED], threshold=release.threshold) from error


def _hide(draft: _Draft, world: Published) -> _Protected:
    """Hide so that the next period can be hidden, too; where too much is shown for that, so that this one is."""
    coming = {world.keys[place] for place in foreseen([*draft.earlier, draft.release])}
    try:
        return _hide_what_must_be(draft, world, coming)
    except ProtectionImpossible:
        return _hide_what_must_be(draft, world, set())


def _hide_what_must_be(draft: _Draft, world: Published, coming: Collection[CellKey]) -> _Protected:
    from billing.usage_statement import protection as protecting  # noqa: PLC0415 - the solver takes its time to load

    release = draft.release
    shown, hidden_before = _before(draft.earlier, world)
    figures = {key: figure.count for key, figure in release.figures.items()}
    cell = {key: world.keys[release.number, key] for key in figures}
    cells = [
        replace(one, least=max(LEAST_HIDDEN, min(one.count, ENDINGS))) if one.key in coming else one
        for one in world.cells
    ]
    forced = {cell[key] for key in hidden_with_others(figures, release.threshold)}
    forced |= {one.key for one in cells if one.key in coming and 0 < one.count < release.threshold + ENDINGS}
    forced -= shown
    # No sum has days and counts in it, so the counts come first, and then it is known which days must be hidden.
    days = {world.keys[one.number, key] for one in [*draft.earlier, release] for key in one.figures if is_days(key)}
    hidden: frozenset[CellKey] = frozenset()
    optimal = True
    for is_of_days in (False, True):
        if is_of_days:
            forced |= {cell[key] for key in days_to_hide(figures, {key for key in cell if cell[key] in hidden})} - shown
        protection = protecting.protect(
            [one for one in cells if (one.key in days) == is_of_days],
            [one for one in world.relations if (one.total in days) == is_of_days],
            threshold=release.threshold,
            already_published=frozenset(one for one in shown if (one in days) == is_of_days),
            already_suppressed=frozenset(one for one in hidden_before | forced if (one in days) == is_of_days),
            seconds=SEARCH_SECONDS * (DAYS_SHARE if is_of_days else 1 - DAYS_SHARE),
        )
        hidden |= protection.suppressed
        optimal = optimal and protection.optimal
    done = with_hidden(release, world.keys, hidden, release.threshold)
    return _Protected(replace(done, optimal=optimal), world, hidden, shown)


def _before(earlier: Sequence[Release], world: Published) -> tuple[frozenset[CellKey], frozenset[CellKey]]:
    """The cells that were published and those that were hidden."""
    found: dict[bool, set[CellKey]] = {True: set(), False: set()}
    for release in earlier:
        for key, figure in release.figures.items():
            found[figure.hidden].add(world.keys[release.number, key])
    # What one statement showed cannot be hidden by another.
    return frozenset(found[False]), frozenset(found[True] - found[False])


def _audited(protected: _Protected) -> AuditReport:
    """What the independent auditor, with code of its own, finds."""
    world = protected.world
    shown = {cell.key: cell.count for cell in world.cells if cell.key not in protected.hidden}
    from billing.usage_statement import protection_audit  # noqa: PLC0415 - the solver takes its time to load

    return protection_audit.audit(shown, protected.hidden, world.relations, threshold=protected.release.threshold)


def release_usage(
    connection: Connection, code: str, period: UsagePeriod, occasion: Occasion
) -> tuple[UsageAudit, bool]:
    """Publish a period's statement, if the auditor cannot work out what it hides.

    Args:
        connection: The transaction.
        code: The agreement.
        period: One of the agreement's, or a longer one whose parts are released.
        occasion: Who, and on which date.

    Returns:
        What was audited and published; False beside it where the newest edition says the same already.

    Raises:
        AgreementUnknown, UsageMissing, PartsNotReleased, ProtectionImpossible.
        NotProtected: with the places; nothing is released.

    Source: agreement § 3 stk. 4, § 6 stk. 7; domain rules 16 and 17.
    """
    agreement = agreements.get(connection, code, lock=True)
    draft = _draft(connection, agreement, period, occasion.as_of, occasion.actor)
    same = next((release for release in reversed(draft.earlier) if release.period == period), None)
    if same is not None and _counts(same) == _counts(draft.release) and same.parts == draft.release.parts:
        return _audit_of(draft.earlier, same), False
    protected = _protected(draft)
    found = UsageAudit(
        protected.release,
        is_released=False,
        secondary=True,
        report=_audited(protected),
        places=_places(draft, protected.world),
    )
    faults = _faults(found, protected.shown_before)
    if faults:
        cells = [found.places[cell].danish for cell in faults[:MOST_NAMED]]
        raise NotProtected(period=str(period), count=len(faults), cells=cells)
    number = store.write_release(connection, protected.release)
    done = replace(protected.release, number=number)
    audit.record(
        connection,
        occasion,
        action="usage_statement.released",
        subject=f"{code} {period}",
        details={
            "edition": done.edition,
            "figures": len(done.figures),
            "hidden": sum(figure.hidden for figure in done.figures.values()),
            "threshold": done.threshold,
            "loads": list(done.loads),
            "parts": list(done.parts),
        },
    )
    members = members_in(agreement_store.members(connection, code), period.year)
    told = hooks.Happened(
        key=f"statement/{code}/{period}/{done.edition}",
        event=hooks.STATEMENT_RELEASED,
        places={*members, *agreement.providers, agreement.issuer},
        data={"agreement": code, "period": str(period).replace("/", "_"), "edition": done.edition},
        on=occasion.as_of,
    )
    hooks.tell(connection, [told], occasion.at)
    return replace(found, release=done, is_released=True), True


def _counts(release: Release) -> dict[FigureKey, int]:
    return {key: figure.count for key, figure in release.figures.items()}


def _faults(found: UsageAudit, shown_before: Collection[CellKey]) -> list[CellKey]:
    """Hidden cells that can be worked out, and small ones that would be shown now."""
    return [*found.report.narrow, *(cell for cell in found.report.small if cell not in shown_before)]


def _audit_of(earlier: Sequence[Release], release: Release) -> UsageAudit:
    """The audit of what is published, as it stands today with all later statements."""
    world = published(earlier)
    _, hidden = _before(earlier, world)
    protected = _Protected(release, world, hidden, frozenset())
    return UsageAudit(
        release, is_released=True, secondary=True, report=_audited(protected), places=_places_of(earlier, world)
    )


def audit_usage(
    connection: Connection, code: str, period: UsagePeriod, day: date, *, secondary: bool = True
) -> UsageAudit:
    """What an attacker with all statements can work out, without trusting what hid them.

    Args:
        connection: Where to read.
        code: The agreement.
        period: As released; where it is not released, or its counts changed since, as it would be released.
        day: The business date.
        secondary: False hides only the small counts themselves, to show what the second step is for.

    Raises:
        AgreementUnknown, UsageMissing, PartsNotReleased, ProtectionImpossible.
    """
    agreement = agreements.get(connection, code)
    draft = _draft(connection, agreement, period, day, "")
    same = next((release for release in reversed(draft.earlier) if release.period == period), None)
    if same is not None and _counts(same) == _counts(draft.release):
        if secondary:
            return _audit_of(draft.earlier, same)
        draft = replace(draft, release=same, earlier=[one for one in draft.earlier if one is not same])
    if not secondary:
        return _audit_without_secondary(draft)
    protected = _protected(draft)
    return UsageAudit(
        protected.release,
        is_released=False,
        secondary=True,
        report=_audited(protected),
        places=_places(draft, protected.world),
    )


def _audit_without_secondary(draft: _Draft) -> UsageAudit:
    """What could be worked out if statements hid only the small counts themselves, and always had."""
    draft_last = draft.release.number == DRAFT
    releases = sorted(
        [*draft.earlier, draft.release], key=lambda one: (draft_last and one is draft.release, one.number)
    )
    world = published(releases)
    threshold = draft.release.threshold
    hidden = set(naive(world.cells, threshold))
    for release in releases:
        cells = (world.keys[release.number, key] for key in hidden_with_others(_counts(release), threshold))
        hidden.update(cells)
    release = with_hidden(draft.release, world.keys, hidden, threshold)
    protected = _Protected(release, world, frozenset(hidden), frozenset())
    return UsageAudit(
        release,
        is_released=False,
        secondary=False,
        report=_audited(protected),
        places=_places_of(releases, world),
    )


def _places(draft: _Draft, world: Published) -> dict[CellKey, FigurePlace]:
    return _places_of([*draft.earlier, draft.release], world)


def _places_of(releases: Sequence[Release], world: Published) -> dict[CellKey, FigurePlace]:
    found: dict[CellKey, FigurePlace] = {}
    for release in releases:
        for key in release.figures:
            found.setdefault(world.keys[release.number, key], FigurePlace(release.period, release.edition, key))
    return found


# --- What is written out


def statement(connection: Connection, code: str, period: UsagePeriod, edition: int | None = None) -> Statement:
    """What the workbooks of a released period are made of.

    Args:
        connection: Where to read.
        code: The agreement.
        period: A released one.
        edition: An earlier one than the newest.

    Raises:
        AgreementUnknown, UsageNotReleased.
    """
    agreement = agreements.get(connection, code)
    releases = store.releases(connection, code)
    editions = [release for release in releases if release.period == period]
    chosen = next((one for one in reversed(editions) if edition in {None, one.edition}), None)
    if chosen is None:
        raise UsageNotReleased(agreement=code, period=str(period))
    newest = {
        release.period: release
        for release in releases
        if release.period.months == period.months and release.period < period and release.number < chosen.number
    }
    by_number = {release.number: release for release in releases}
    return Statement(
        agreement=agreement,
        release=chosen,
        members=members_in(agreement_store.members(connection, code), period.year),
        history=(*[newest[one] for one in sorted(newest)][-(MOST_PERIODS_SHOWN - 1) :], chosen),
        earlier=tuple(release for release in editions if release.edition < chosen.edition),
        parts=tuple(by_number[part] for part in chosen.parts),
    )


@dataclass(frozen=True, slots=True)
class Listing:
    """What is loaded and released of an agreement.

    Attributes:
        outdated: Releases whose counts were corrected since, by number.
    """

    loads: tuple[Load, ...]
    releases: tuple[Release, ...]
    outdated: frozenset[int]


def list_usage(connection: Connection, code: str) -> Listing:
    """All loads and releases of an agreement, oldest first.

    Raises:
        AgreementUnknown.
    """
    agreements.get(connection, code)
    loads = store.loads(connection, code)
    releases = store.releases(connection, code)
    current = {load.number for load in store.newest_loads(loads).values()}
    newest = {release.period: release for release in releases}
    outdated: set[int] = set()
    for release in releases:
        behind = any(load not in current for load in release.loads)
        summed_behind = any(part in outdated or _is_replaced(part, releases, newest) for part in release.parts)
        if newest[release.period] is not release or behind or summed_behind:
            outdated.add(release.number)
    return Listing(tuple(loads), tuple(releases), frozenset(outdated))


def _is_replaced(number: int, releases: Sequence[Release], newest: Mapping[UsagePeriod, Release]) -> bool:
    return any(release.number == number and newest[release.period] is not release for release in releases)
