"""Enter what e-invoices need, one by one or by file, and say what is missing; never commits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import Connection

from agreements import run as agreements
from agreements import store, trading_store
from agreements.agreement import Agreement, MunicipalityCode, PartyDetails
from agreements.agreement_file import write_agreement
from agreements.membership import members_in
from agreements.municipality import municipality
from agreements.posting_template import DEFAULT_COLUMNS, PostingColumn, read_columns
from agreements.trading import Addressed, Finding, TradingBook, missing_in
from agreements.trading_file import TradingFile, read_trading_file
from agreements.trading_values import (
    BUYER_FIELDS,
    ISSUER_FIELDS,
    SERVICE_FIELDS,
    payment_problem,
    problem_with,
    tidied,
)
from foundation import audit
from foundation.audit import Occasion
from foundation.database import hold
from foundation.errors import Problems


@dataclass(frozen=True, slots=True)
class DetailChange:
    """What was entered.

    Attributes:
        changed: Kind and key -> the fields that changed, with before and after.
        unchanged: How many said what was there already.
    """

    changed: Mapping[tuple[str, ...], Mapping[str, tuple[str, str]]]
    unchanged: int


def set_issuer(connection: Connection, who: str, values: Mapping[str, str], occasion: Occasion) -> DetailChange:
    """Enter an issuer's details; what is not named stays.

    Raises:
        UnknownMunicipality: the code is none of the 98.
        Problems: a text cannot be used.
    """
    return _enter(connection, TradingFile(issuers={(who,): dict(values)}), occasion, source=who)


def set_buyer(
    connection: Connection,
    agreement: str,
    who: MunicipalityCode,
    values: Mapping[str, str],
    occasion: Occasion,
) -> DetailChange:
    """Enter what a payer wants named on its invoices of one agreement; ``gln`` goes into the agreement itself.

    It may be anybody: surplus capacity is sold to municipalities outside the agreement (§ 9).

    Raises:
        AgreementUnknown, UnknownMunicipality.
        Problems: a text cannot be used.
    """
    municipality(who)
    read = TradingFile(buyers={(agreement, who): dict(values)})
    return _enter(connection, read, occasion, source=agreement, anybody=True)


def set_service(
    connection: Connection,
    agreement: str,
    service: str,
    values: Mapping[str, str],
    occasion: Occasion,
) -> DetailChange:
    """Enter how a service is taxed and booked; an empty service is the lines that are of none.

    Raises:
        AgreementUnknown.
        Problems: a text cannot be used, or the agreement has no such service.
    """
    return _enter(connection, TradingFile(services={(agreement, service): dict(values)}), occasion, source=agreement)


def load_details(connection: Connection, name: str, content: bytes, occasion: Occasion) -> DetailChange:
    """Enter all that a file says, or nothing.

    Raises:
        AgreementUnknown, Problems.
    """
    return _enter(connection, read_trading_file(name, content), occasion, source=name)


def _enter(
    connection: Connection, read: TradingFile, occasion: Occasion, *, source: str, anybody: bool = False
) -> DetailChange:
    hold(connection, "trading_details")
    for (who,) in read.issuers:
        municipality(who)
    codes = dict.fromkeys(key[0] for key in (*read.buyers, *read.services))
    known = {code: agreements.get(connection, code, lock=True) for code in codes}
    problems = _problems(connection, read, known, anybody=anybody)
    changed: dict[tuple[str, ...], dict[str, tuple[str, str]]] = {}
    unchanged = 0
    for kind, fields, changes in (
        ("issuer", ISSUER_FIELDS, read.issuers),
        ("buyer", BUYER_FIELDS, read.buyers),
        ("service", SERVICE_FIELDS, read.services),
    ):
        rows = {}
        stored = trading_store.newest_values(connection, kind) if changes else {}
        for key, values in changes.items():
            revision, before = stored.get(key, (0, dict.fromkeys(fields, "")))
            after = before | {name: text for name, text in values.items() if name in fields}
            # A payment is looked at as a whole once each value of it is one that can be.
            if kind == "issuer" and not problems and (problem := payment_problem(after)):
                problems.append(f"{key[0]}: {problem}")
            told = {name: (before[name], after[name]) for name in fields if before[name] != after[name]}
            if told:
                rows[key] = (revision + 1, after)
                changed[kind, *key] = told
            else:
                unchanged += 1
        if not problems:
            trading_store.append_values(connection, kind, rows, occasion.as_of)
    if problems:
        raise Problems(source=source, problems=problems)
    for key, glns in _new_glns(connection, read, known, occasion).items():
        changed["gln", *key] = {"gln": glns}
    if changed:
        audit.record(
            connection,
            occasion,
            action="agreements.trading_details_entered",
            subject=source,
            details={" ".join(key): told for key, told in changed.items()},
        )
    return DetailChange(changed, unchanged)


def _problems(connection: Connection, read: TradingFile, known: Mapping[str, Agreement], *, anybody: bool) -> list[str]:
    problems = [
        f"{' '.join(key)}, {name}: {problem}"
        for changes in (read.issuers, read.buyers, read.services)
        for key, values in changes.items()
        for name, text in values.items()
        if (problem := problem_with(name, text))
    ]
    parties = {
        code: {
            *agreement.subscribers,
            *(period.municipality for period in store.members(connection, code)),
            *(party.municipality for party in agreement.parties),
        }
        for code, agreement in known.items()
    }
    for code, who in ((key[0], key[1]) for key in read.buyers):
        if not anybody and who not in parties[code]:
            problems.append(f"{municipality(who).name} ({who}) deltager ikke i aftalen «{code}»")
    for code, service in ((key[0], key[1]) for key in read.services):
        services = [each.code for each in known[code].billed_services]
        if service and service not in services:
            problems.append(f"aftalen «{code}» har ingen ydelse «{service}»; den har {', '.join(services)}")
    return problems


def _new_glns(
    connection: Connection,
    read: TradingFile,
    known: Mapping[str, Agreement],
    occasion: Occasion,
) -> dict[tuple[str, str], tuple[str, str]]:
    """Write the GLNs where they belong: in the agreement, as a new version of it."""
    changed: dict[tuple[str, str], tuple[str, str]] = {}
    for code, agreement in known.items():
        glns = {party.municipality: party.gln for party in agreement.parties}
        wanted = {key[1]: values["gln"] for key, values in read.buyers.items() if key[0] == code and "gln" in values}
        different = {who: gln for who, gln in wanted.items() if glns.get(who, "") != gln}
        if not different:
            continue
        changed |= {(code, who): (glns.get(who, ""), gln) for who, gln in different.items()}
        glns |= different
        _refuse_shared(code, glns)
        parties = tuple(PartyDetails(who, gln) for who, gln in glns.items())
        value = replace(agreement, parties=parties, budgets=())
        store.write_agreement_version(connection, value, write_agreement(value), occasion.as_of)
    return changed


def _refuse_shared(code: str, glns: Mapping[str, str]) -> None:
    by_gln: dict[str, list[str]] = {}
    for who, gln in glns.items():
        if gln:
            by_gln.setdefault(gln, []).append(municipality(who).name)
    shared = [f"GLN {gln} er både {' og '.join(names)}" for gln, names in by_gln.items() if len(names) > 1]
    if shared:
        raise Problems(source=code, problems=shared)


def tidy(values: Mapping[str, str]) -> dict[str, str]:
    """What a person typed, as it is kept."""
    return {name: tidied(name, text) for name, text in values.items()}


def trading_book(connection: Connection, codes: Iterable[str]) -> TradingBook:
    """All that was entered for some agreements.

    Raises:
        AgreementUnknown: one of them is not there.
    """
    wanted = set(codes)
    found = store.find_agreements(connection, wanted)
    unknown = sorted(wanted - set(found))
    if unknown:
        raise agreements.AgreementUnknown(agreement=unknown[0])
    return trading_store.trading_book(connection, [agreement for _, agreement in found.values()])


def entered(connection: Connection, kind: str) -> dict[tuple[str, ...], dict[str, str]]:
    """Key -> texts as they are now, of every ``issuer``, ``buyer`` or ``service``."""
    return {key: values for key, (_, values) in sorted(trading_store.newest_values(connection, kind).items())}


def missing_details(
    connection: Connection,
    documents: Sequence[Addressed],
    day: date,
    agreed: Iterable[Agreement] | None = None,
) -> list[tuple[Finding, ...]]:
    """What each of some documents would lack as an e-invoice; a few queries, however many they are.

    Args:
        connection: Where to read.
        documents: Not issued yet.
        day: The date that they will bear.
        agreed: Their agreements, where the caller has them already.

    Returns:
        For each document, in order, what it lacks, with the official rule's id; nothing where it is complete.
    """
    if not documents:
        return []
    if agreed is not None:
        book = trading_store.trading_book(connection, agreed)
    else:
        book = trading_book(connection, {agreement for document in documents for agreement, _, _ in document.lines})
    return missing_in(documents, book, day)


def refusing_issuers(connection: Connection, day: date) -> frozenset[MunicipalityCode]:
    """The issuers that issue only what can become an e-invoice: who has details and has not chosen otherwise.

    One small query, so that issuing costs no more where nobody has.
    """
    book = trading_store.trading_book(connection, ())
    return frozenset(issuer for issuer in book.issuers if book.refuses_unfit(issuer, day))


def missing_of_members(connection: Connection, code: str, day: date) -> dict[MunicipalityCode, tuple[Finding, ...]]:
    """What the invoices of an agreement would lack, for everybody who takes part in the year of a day, or first.

    Returns:
        Member -> what is missing, ascending; the issuer itself is left out, since it sends itself nothing.

    Raises:
        AgreementUnknown: there is none.
    """
    agreement = agreements.get(connection, code)
    glns = {party.municipality: party.gln for party in agreement.parties}
    issuer = municipality(agreement.issuer)
    lines = tuple((code, service.code, service.vat_exemption) for service in agreement.billed_services)
    members = [
        municipality(who)
        for who in members_in(store.members(connection, code), max(day.year, agreement.starts_on.year))
        if who != agreement.issuer
    ]
    wanted = [
        Addressed(
            issuer=issuer.code,
            issuer_name=issuer.official_name,
            issuer_cvr=issuer.cvr,
            issuer_gln=glns.get(issuer.code, ""),
            subscriber=member.code,
            subscriber_name=member.official_name,
            subscriber_cvr=member.cvr,
            subscriber_gln=glns.get(member.code, ""),
            lines=lines,
        )
        for member in members
    ]
    found = missing_details(connection, wanted, day)
    return {member.code: findings for member, findings in zip(members, found, strict=True)}


def set_posting_columns(
    connection: Connection,
    issuer: MunicipalityCode,
    texts: Sequence[str],
    occasion: Occasion,
) -> tuple[PostingColumn, ...]:
    """Choose which columns an issuer's posting file has.

    Args:
        connection: The transaction.
        issuer: Whose.
        texts: ``Overskrift=felt`` each, in their order.
        occasion: Who chooses.

    Raises:
        UnknownMunicipality, Problems.
    """
    columns = read_columns(municipality(issuer).name, texts)
    hold(connection, "trading_details")
    revision, before = trading_store.posting_columns(connection, issuer)
    if columns != before:
        trading_store.append_posting_columns(connection, issuer, revision + 1, columns, occasion.as_of)
        audit.record(
            connection,
            occasion,
            action="agreements.posting_columns_chosen",
            subject=issuer,
            details={"before": [str(each) for each in before], "after": [str(each) for each in columns]},
        )
    return columns


def posting_columns(connection: Connection, issuer: MunicipalityCode) -> tuple[PostingColumn, ...]:
    """The columns of an issuer's posting file: what was chosen, else ours.

    Raises:
        UnknownMunicipality: the code is none of the 98.
    """
    municipality(issuer)
    return trading_store.posting_columns(connection, issuer)[1] or DEFAULT_COLUMNS
