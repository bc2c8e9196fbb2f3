"""What an issuer's files and forms do, with what must be looked at first; for its pages and for its programs.

Each takes the transaction, calls the verbs in their order and never commits. Whose something is, is looked at here or
by the caller in ``portal/access``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal

from sqlalchemy import Connection

from agreements import notice_run, notice_store
from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement_file import read_agreement
from agreements.cost_file import read_cost_file
from agreements.membership import MembershipPeriod
from agreements.notices import NoticeKind, PartyNotice
from agreements.population import PopulationChange
from agreements.run import AgreementLoad, AgreementUnknown, CostChange
from billing.annual_subscription import run as subscriptions
from billing.annual_subscription.facts import PriceEffect
from billing.monthly_run import run as runs
from billing.monthly_run import store as run_store
from billing.year_end_settlement import run as settlements
from foundation import audit
from foundation.audit import KeptEvent, Occasion
from foundation.errors import BadInput, N_, RuleBroken
from portal.access.issuer_scope import OwnEvents
from portal.access.scope import issuers_agreements, members_agreement
from portal.parts import name_of

EVENTS_AT_A_TIME = 1000
MOST_TIMES = 5


class OnlyIssuersLoad(RuleBroken):
    """Inhabitants are everybody's, so those who bill by them keep them."""

    danish = N_("Kun en kommune, der udsteder for en aftale, indlæser folketal.")


class AgreementOfAnother(BadInput):
    """A file of an agreement that another municipality bills for."""

    danish = N_("Filen er en aftale, som en anden kommune udsteder for. Her indlæses kun aftaler, {name} udsteder for.")


def require_issuer(opened: Connection, place: str) -> None:
    """Pass if the municipality bills for an agreement.

    Raises:
        OnlyIssuersLoad.
    """
    if not issuers_agreements(opened, place):
        raise OnlyIssuersLoad


def load_own_population(  # noqa: PLR0913 - whose file, what it is, and whether it is kept
    opened: Connection, place: str, name: str, content: bytes, occasion: Occasion, *, preview: bool, ages: str = ""
) -> tuple[PopulationChange, list[PriceEffect] | None]:
    """Keep a file of inhabitants; what they would change in the issuer's prices where it is only looked at.

    With a band of ages, ``0-17``, what is kept is the sum of those, from a file that has every age.

    Raises:
        OnlyIssuersLoad, PopulationFileNotUnderstood, PopulationConflict, NotAnAgeBand.
    """
    require_issuer(opened, place)
    if ages:
        change = agreements.load_age_band(opened, name, content, ages, occasion, not_after=occasion.as_of)
    else:
        change = agreements.load_population(opened, name, content, occasion, not_after=occasion.as_of)
    if not preview:
        return change, None
    own = set(issuers_agreements(opened, place))
    days = {figure.on for figure in (*change.added, *(new for _old, new in change.changed))}
    found = subscriptions.effects_of_newest_figures(opened, occasion, reference_dates=None if ages else days)
    return change, [each for each in found if each.agreement in own]


def load_own_agreement(opened: Connection, place: str, name: str, content: bytes, occasion: Occasion) -> AgreementLoad:
    """Register an agreement of the municipality's own, or keep a new version of it.

    Raises:
        Problems: the file has mistakes.
        AgreementOfAnother, AgreementCannotChange, YearIsSettled.
    """
    said = read_agreement(name, content)
    known = agreement_store.find_agreement(opened, said.code)
    if {said.issuer, known.issuer if known else place} != {place}:
        raise AgreementOfAnother(name=name_of(place))
    is_first = not agreement_store.agreement_codes(opened, place)
    load = agreements.load_agreement(opened, name, content, occasion)
    if is_first:
        runs.require_two_from_the_start(opened, place, occasion)
    subscriptions.refuse_closed_years(opened, load.agreement.code, years_of(load.budgets))
    return load


def years_of(change: CostChange) -> set[int]:
    """The years of which lines were added or revised."""
    return {line.key.year for line in (*change.added, *(new for _old, new in change.changed))}


def load_own_budget(opened: Connection, code: str, name: str, content: bytes, occasion: Occasion) -> CostChange:
    """Keep a file of one agreement's budget lines.

    Raises:
        Problems: the file has mistakes.
        AgreementUnknown: it names another agreement.
        YearIsSettled.
    """
    _require_own_file(code, name, content, "budgets")
    _code, change = agreements.load_budget(opened, name, content, occasion)
    subscriptions.refuse_closed_years(opened, code, years_of(change))
    return change


def load_own_accounts(opened: Connection, code: str, name: str, content: bytes, occasion: Occasion) -> CostChange:
    """Keep a file of one agreement's final accounts.

    Raises:
        Problems, AgreementUnknown, YearIsSettled: as ``load_own_budget``.
    """
    _require_own_file(code, name, content, "accounts")
    _code, change = settlements.load_accounts(opened, name, content, occasion)
    return change


def _require_own_file(code: str, name: str, content: bytes, section: Literal["budgets", "accounts"]) -> None:
    about = read_cost_file(name, content, section).agreement_code
    if about != code:
        raise AgreementUnknown(agreement=about)


def note_leaving(opened: Connection, code: str, who: str, year: int, occasion: Occasion) -> MembershipPeriod:
    """Note a written notice that came to the issuer.

    Raises:
        BilledAfterLeaving, YearNotAgreed, NotAMember, AlreadyLeaving, NoticeTooLate.
    """
    subscriptions.refuse_if_billed_after(opened, code, who, year)
    return agreements.leave(opened, code, who, year, occasion)


def answer_own_notice(  # noqa: PLR0913 - which one, how, why
    opened: Connection, place: str, number: int, occasion: Occasion, *, accepted: bool, words: str
) -> PartyNotice:
    """Accept a notice, which carries a leaver's out, or turn it down and say why.

    Raises:
        NoticeUnknown, NoticeAnswered, AnswerSaysNothing, BilledAfterLeaving.
    """
    waiting = next((each for each in notice_store.notices_to(opened, place) if each.number == number), None)
    if waiting is None:
        raise notice_run.NoticeUnknown(number=number)
    if accepted and waiting.kind is NoticeKind.LEAVE:
        subscriptions.refuse_if_billed_after(opened, waiting.agreement, waiting.municipality, waiting.year)
    return notice_run.answer_notice(opened, place, number, occasion, accepted=accepted, words=words)


def give_own_notice(  # noqa: PLR0913, PLR0917 - whose, in what, about what
    opened: Connection, place: str, code: str, kind: NoticeKind, year: int, words: str, occasion: Occasion
) -> PartyNotice:
    """Keep what a municipality tells in one of its agreements, and tell the issuer's officer.

    Raises:
        AgreementUnknown, and what ``notice_run.give_notice`` raises.
    """
    agreed = members_agreement(opened, place, code)
    mail = run_store.issuer_settings(opened, agreed.issuer).mail
    return notice_run.give_notice(opened, agreed.code, place, kind, year, words, occasion, mail=mail)


def search_trail(  # noqa: PLR0913 - each narrows
    opened: Connection,
    place: str,
    size: int,
    *,
    before: int | None = None,
    words: str = "",
    actor: str = "",
    action: str = "",
    since: date | None = None,
    until: date | None = None,
) -> tuple[list[KeptEvent], int | None]:
    """A part of what the trail tells of an issuer, newest first, and where to go on.

    So many are looked through at most, so that an answer stays quick; the part may then be short, or empty, and there
    still is more.
    """
    own = OwnEvents(opened, place, issuers_agreements(opened, place))
    small = words.casefold()
    found: list[KeptEvent] = []
    for _time in range(MOST_TIMES):
        batch = audit.newest_events(
            opened, EVENTS_AT_A_TIME, before=before, actor=actor, action=action, since=since, until=until
        )
        for event in batch:
            before = event.number
            if own.has(event) and (not small or small in f"{event.subject} {event.details}".casefold()):
                found.append(event)
                if len(found) == size:
                    return found, before
        if len(batch) < EVENTS_AT_A_TIME:
            return found, None
    return found, before


def priced_years(opened: Connection, code: str, years: Iterable[int]) -> list[int]:
    """Those of some years that have a price, which is worked out again before it says the newest."""
    priced = {year for year, _version, _day in subscriptions.versions_of(opened, code)}
    return sorted(set(years) & priced)
