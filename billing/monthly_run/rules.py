"""What a plan is hashed over, what it warns of and says of the month before; pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from agreements.agreement import MunicipalityCode
from billing.invoice.facts import BilledMonth, DocumentDraft
from billing.monthly_aconto.facts import MonthPlan
from billing.monthly_run.facts import (
    CLOCK,
    IssuerSettings,
    PlannedDocument,
    PlanState,
    PlanWarning,
    RunPlan,
)
from foundation.canonical import canonical
from foundation.errors import BadInput, N_, RuleBroken
from foundation.money import kroner

HUNDRED = 100
MOST_DAYS_BEFORE = 27  # so that a deadline comes into sight after the one a month before it
LONGEST_ADDRESS = 320
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+")


class FourEyesRequired(RuleBroken):
    """Whoever planned may not approve."""

    danish = N_(
        "{issuer} kræver to personer til hver kørsel: {actor} har lavet planen og kan derfor ikke godkende den. "
        "Lad en anden godkende.",
    )


class PersonMustApprove(RuleBroken):
    """The clock sees nothing; where two must see a plan it is no one of them, and its name is nobody's."""

    danish = N_(
        "Plan {number} skal godkendes af en person med sit eget navn; «{actor}» er urets. Kør «mellemregning run "
        "approve {number} --by NAVN» med navnet på den, der har set planen.",
    )


class ClocksName(BadInput):
    """A person who acts in the clock's name."""

    danish = N_("«{actor}» er urets navn og kan ikke bruges af en person. Angiv dit eget navn.")


class OneStepRefused(RuleBroken):
    """Plan, approve and issue in one step is one person's work."""

    danish = N_(
        "{issuer} kræver to personer til hver kørsel, så måneden kan ikke udstedes i ét trin. "
        "Brug «mellemregning run plan», lad en anden køre «run approve», og udsted med «run issue».",
    )


class PlanNotApproved(RuleBroken):
    """Only an approved plan is issued."""

    danish = N_("Plan {number} er ikke godkendt. Lad den godkende med «mellemregning run approve {number}».")


class PlanHasEnded(RuleBroken):
    """A plan is approved once, and issued or stopped once."""

    danish = N_("Plan {number} er {state}. Lav en ny med «mellemregning run plan».")


class PlanOutOfDate(RuleBroken):
    """What the plan rests on is not what it was."""

    danish = N_(
        "Plan {number} gælder ikke længere; siden den blev lavet, er dette ændret: {changes}. "
        "Intet er udstedt. Lav en ny plan.",
    )


class ClockDaysWrong(BadInput):
    """The clock plans before it raises an alarm, and both in the month of the deadline."""

    danish = N_(
        "Uret kan planlægge fra 0 til {most} dage før fristen og slå alarm tidligst, når planen er lavet; her er "
        "planen sat til {plan_days} dage før og alarmen til {alarm_days}. Vælg andre tal.",
    )


class NoMailAddress(BadInput):
    """Something that no mail can be sent to."""

    danish = N_("«{mail}» er ikke en mailadresse. Skriv én som navn@kommune.dk, eller ingenting for ingen.")


def require_clock_settings(settings: IssuerSettings) -> None:
    """Refuse days and addresses that the clock cannot work by.

    Raises:
        ClockDaysWrong: not from 0 to 27 days, or an alarm before the plan.
        NoMailAddress: not one address.
    """
    plan_days, alarm_days = settings.plan_days_before, settings.alarm_days_before
    if not 0 <= alarm_days <= plan_days <= MOST_DAYS_BEFORE:
        raise ClockDaysWrong(most=MOST_DAYS_BEFORE, plan_days=plan_days, alarm_days=alarm_days)
    mail = settings.mail
    if mail and (len(mail) > LONGEST_ADDRESS or _ADDRESS.fullmatch(mail) is None):
        raise NoMailAddress(mail=mail)


def digest(value: object) -> str:
    """SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


def plan_hash(inputs: Mapping[str, str], plans: Iterable[MonthPlan]) -> str:
    """What is approved: all that the plan rests on and all that it will bill."""
    found = hashlib.sha256(digest(sorted(inputs.items())).encode())
    for plan in plans:
        month = str(plan.month)
        bills = [
            [
                plan.agreement,
                month,
                draft.subscriber.municipality,
                [(line.text, line.amount_oere) for line in draft.lines],
            ]
            for draft in plan.drafts
        ]
        found.update(digest(bills).encode())
    return found.hexdigest()


def changed_inputs(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The names of what is new, gone or different, in order."""
    return sorted(name for name in set(before) | set(after) if before.get(name) != after.get(name))


def planned_document(  # noqa: PLR0913, PLR0917 - a bill, and all that it is shown beside
    draft: DocumentDraft,
    plan: MonthPlan,
    previous: BilledMonth | None,
    settings: IssuerSettings,
    staying: Collection[MunicipalityCode],
    document: int = 0,
) -> PlannedDocument:
    """A draft as the plan keeps and shows it.

    Args:
        draft: From the same function that the issue uses.
        plan: The month's plan.
        previous: What the payer was billed for the month before.
        settings: The issuer's.
        staying: Who takes part in the month after.
        document: Which of the plan's documents it will stand on.
    """
    amount = draft.amount_oere
    # By place, in the order of the fields: a national month keeps fifty thousand.
    return PlannedDocument(
        draft.agreement,
        plan.month,
        draft.issuer.municipality,
        draft.subscriber.municipality,
        amount,
        previous.amount_oere if previous else None,
        draft.internal,
        tuple([(line.text, line.amount_oere) for line in draft.lines]),
        draft.note,
        _in_words(draft, amount, plan, previous),
        tuple(_warnings(draft, amount, plan, previous, settings, staying)),
        document,
    )


def version_of(draft: DocumentDraft) -> int | None:
    """The version of the price that the draft's lines name."""
    return max((line.version for line in draft.lines if line.version is not None), default=None)


def _in_words(draft: DocumentDraft, amount_oere: int, plan: MonthPlan, previous: BilledMonth | None) -> str:
    if previous is None:
        return "Ikke faktureret raten før."
    difference = amount_oere - previous.amount_oere
    if difference == 0:
        return "Som raten før."
    direction = "mere" if difference > 0 else "mindre"
    return f"{kroner(abs(difference))} {direction} end raten før: {_reason(draft, plan, previous)}."


def _reason(draft: DocumentDraft, plan: MonthPlan, previous: BilledMonth) -> str:
    if draft.provisional:
        return "sidste års rate, da prisen mangler"
    if plan.month.number == 1:
        return "nyt års pris"
    if previous.provisional or version_of(draft) != previous.version:
        return "ny prisberegning"
    if plan.is_last_of_year:
        return "sidste rate tager resten af årets beløb"
    return "resten af årets beløb er fordelt på ny"


def _warnings(  # noqa: PLR0913, PLR0917 - as planned_document
    draft: DocumentDraft,
    amount_oere: int,
    plan: MonthPlan,
    previous: BilledMonth | None,
    settings: IssuerSettings,
    staying: Collection[MunicipalityCode],
) -> list[PlanWarning]:
    off = previous is not None and abs(amount_oere - previous.amount_oere) * HUNDRED > settings.warn_percent * abs(
        previous.amount_oere
    )
    found = (
        (draft.provisional, PlanWarning.PROVISIONAL),
        (previous is None, PlanWarning.FIRST_MONTH),
        (draft.subscriber.municipality not in staying, PlanWarning.LAST_MONTH),
        (off, PlanWarning.AMOUNT_OFF),
        (plan.days_late > 0, PlanWarning.LATE),
        (amount_oere < 0, PlanWarning.PAID_OUT),
    )
    return [warning for applies, warning in found if applies]


STATE_WORDS = {
    PlanState.PLANNED: "ikke godkendt",
    PlanState.APPROVED: "allerede godkendt",
    PlanState.ISSUED: "allerede udstedt",
    PlanState.STOPPED: "stoppet",
}


def require_state(plan: RunPlan, state: PlanState) -> None:
    """Refuse what does not fit the plan's state.

    Raises:
        PlanNotApproved: it waits for approval.
        PlanHasEnded: it is further than that.
    """
    if plan.state is state:
        return
    if plan.state is PlanState.PLANNED:
        raise PlanNotApproved(number=plan.number)
    raise PlanHasEnded(number=plan.number, state=STATE_WORDS[plan.state])


def bears_name_of(actor: str, other: str) -> bool:
    """Whether two names are the same to a reader, however they are typed."""
    return _as_read(actor) == _as_read(other)


def _as_read(name: str) -> str:
    seen = (sign for sign in unicodedata.normalize("NFKC", name) if unicodedata.category(sign) != "Cf")
    return " ".join("".join(seen).split()).casefold()


def require_a_person(actor: str) -> None:
    """Refuse the clock's name where a person acts.

    Raises:
        ClocksName: it is the clock's.
    """
    if bears_name_of(actor, CLOCK):
        raise ClocksName(actor=actor)


def require_another_person(plan: RunPlan, actor: str, issuer_name: str, *, by_clock: bool = False) -> None:
    """Refuse an approval by whoever planned, where two must see it, and one in the clock's name that is not its own.

    A plan that the clock made needs one person beside it also where two must see it; see
    docs/decisions/0029-the-clock-is-no-person.md.

    Args:
        plan: What is to be approved.
        actor: Who approves.
        issuer_name: For the message.
        by_clock: It is the clock that approves, where the agreements let it.

    Raises:
        PersonMustApprove: the clock where two must see it, or somebody in its name.
        FourEyesRequired: they are the same.
    """
    if bears_name_of(actor, CLOCK) and (plan.four_eyes or not by_clock):
        raise PersonMustApprove(number=plan.number, actor=actor)
    if plan.four_eyes and bears_name_of(actor, plan.planned_by):
        raise FourEyesRequired(issuer=issuer_name, actor=actor)
