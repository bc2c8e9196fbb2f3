"""Register, change, give notice, end: an officer's verbs on what was agreed; never commits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection, Table

from agreements import store
from agreements.agreement import Agreement, CostLine, MunicipalityCode
from agreements.agreement_file import read_agreement, write_agreement
from agreements.cost_lines import check_against
from agreements.membership import MembershipPeriod, first_periods, join, notice_to_leave
from agreements.municipality import municipality
from agreements.population import PopulationChange, PopulationReading, compare
from agreements.tables import budget_line
from foundation import audit
from foundation.audit import Occasion
from foundation.database import hold
from foundation.errors import N_, NotFound, RuleBroken


class AgreementUnknown(NotFound):
    """No agreement has the code."""

    danish = N_("Der er ingen aftale med koden «{agreement}». Se dem med «mellemregning agreement list».")


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
    lost = sorted({each.code for each in known.cases.services} - {each.code for each in loaded.cases.services})
    if lost:
        raise AgreementCannotChange(
            source=name,
            key="cases.services",
            agreement=known.code,
            before=sorted(each.code for each in known.cases.services),
            after=sorted(each.code for each in loaded.cases.services),
            instead="En sagsydelse, der har været i aftalen, bliver stående; nye kan komme til.",
        )
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


def take_in(
    connection: Connection,
    code: str,
    who: MunicipalityCode,
    year: int,
    occasion: Occasion,
) -> MembershipPeriod:
    """Let a municipality take part from 1 January of ``year``.

    Raises:
        AgreementUnknown, UnknownMunicipality, YearNotAgreed, AlreadyMember, JoinTooLate.
    """
    agreement = get(connection, code, lock=True)
    municipality(who)
    before = store.members(connection, code)
    after = join(before, who, year, occasion.as_of, agreement)
    store.write_members(connection, code, after)
    (joined,) = set(after) - set(before)
    audit.record(
        connection,
        occasion,
        action="agreements.joined",
        subject=f"{code} {who}",
        details={"first_year": year},
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
