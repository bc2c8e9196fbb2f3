"""What the clock decides of a month and a plan, and the Danish that it says of them; pure.

Texts are Danish whatever the language of the command: they go to the officer's mail box, as documents do.

Source: agreement § 7 stk. 1; domain rules 5, 7 and 8; docs/decisions/0021-the-clock.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from agreements.agreement import Agreement, IssuedBy, MunicipalityCode
from agreements.deadlines import send_deadline
from agreements.membership import NOBODY, MembershipPeriod, Memberships
from agreements.schedule import instalment_of, months_of_agreement
from billing.monthly_run.facts import CLOCK, IssuerSettings, NotPlanned, PlanState, PlanWarning, RunPlan
from foundation.money import kroner
from foundation.period import Month

# What a person must have seen; the others are told and hold nothing up.
BLOCKING = frozenset({PlanWarning.PROVISIONAL, PlanWarning.AMOUNT_OFF, PlanWarning.PAID_OUT})

LONGEST_LIST = 20
LONGEST_SUBJECT = 300
LONGEST_KEY = 120

Named = Callable[[MunicipalityCode], str]
# (agreement, first month of an instalment) -> as people say it: «2. kvartal 2009» where a quarter is billed at once.
Worded = Callable[[str, Month], str]


def month_alone(_agreement: str, month: Month) -> str:
    """An instalment of one month."""
    return month.danish


class Topic(StrEnum):
    """What the clock tells of."""

    WAITING = "run.waiting"
    STOPPED = "run.stopped"
    ISSUED = "run.issued"
    CAUGHT_UP = "run.caught_up"
    FAILED = "run.failed"
    ALARM = "run.alarm"
    CASES_WAITING = "case.waiting"
    CASES_STOPPED = "case.stopped"
    CASES_ISSUED = "case.issued"
    CASES_ALARM = "case.alarm"


class Urgency(StrEnum):
    """How loudly."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class AlarmStage(StrEnum):
    """How near a deadline is to what is not issued."""

    NEAR = "near"
    DAY = "day"
    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class ComingMonth:
    """A month of one agreement that somebody was not billed for and whose deadline has come or is coming.

    Attributes:
        send_by: The last bank day to send it.
        payers: How many lack it.
        by_clock: The agreement lets the clock issue.
        words: The instalment as people say it; empty for a month.
    """

    issuer: MunicipalityCode
    agreement: str
    month: Month
    send_by: date
    payers: int
    by_clock: bool
    words: str = ""

    @property
    def danish(self) -> str:
        """What is billed: ``april 2009``, ``2. kvartal 2009``."""
        return self.words or self.month.danish

    @property
    def key(self) -> tuple[str, Month]:
        """What a plan names it by."""
        return self.agreement, self.month


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that the clock did or saw, told once.

    Attributes:
        key: Stable; the outbox takes it once.
        plan: Its number, 0 where there is none.
        reference: What it is about, plain values.
    """

    topic: Topic
    urgency: Urgency
    key: str
    issuer: MunicipalityCode
    plan: int
    subject: str
    body: str
    reference: Mapping[str, object] = field(default_factory=dict)


def lacking_months(
    agreement: Agreement,
    periods: Sequence[MembershipPeriod],
    billed: Mapping[tuple[str, date], int],
    until: date,
    without: Mapping[tuple[str, int], Collection[MunicipalityCode]] = NOBODY,
) -> list[ComingMonth]:
    """Every month of an agreement whose deadline is on a day or before it and that a member was not billed for.

    Args:
        agreement: For its terms and days.
        periods: Its members.
        billed: (agreement, first day of the month) -> how many of the members are billed.
        until: The day.
        without: (agreement, year) -> who has nothing to pay; none of them is billed.

    Source: domain rule 5; the same months as ``monthly_aconto.run.due_months``, from counts.
    """
    advance = agreement.terms.advance
    # One more: a deadline on the 1st or 2nd may have moved to a bank day of the month before.
    last = Month.of(until).plus(advance.months_ahead + 1)
    found = []
    members = Memberships({agreement.code: periods}, without)
    for month in months_of_agreement(agreement, last):
        payers_then = members.payers(agreement, instalment_of(advance, month).period)
        payers = len(payers_then) - billed.get((agreement.code, month.first_day), 0)
        if payers <= 0:
            continue
        send_by = send_deadline(advance, month)
        if send_by <= until:
            by_clock = advance.issued_by is IssuedBy.CLOCK
            words = instalment_of(advance, month).danish
            found.append(ComingMonth(agreement.issuer, agreement.code, month, send_by, payers, by_clock, words))
    return found


def horizon(settings: IssuerSettings, today: date) -> date:
    """Deadlines up to this day are coming."""
    return today + timedelta(days=settings.plan_days_before)


def gives_way(
    months: frozenset[tuple[str, Month]],
    as_of: date,
    coming: Sequence[ComingMonth],
    today: date,
    *,
    approved: bool,
) -> bool:
    """Whether a plan that still holds is to be replaced by one that bills more.

    A plan that waits for a person gives way as soon as more is coming, but not on its own last day; one that is
    approved stands until that day is over.
    """
    if all(month.key in months for month in coming):
        return False
    return today > as_of or (not approved and today < as_of)


def reasons_to_wait(plan: RunPlan, by_officer: Sequence[str], credited: int, stopped_by: str) -> list[str]:
    """Why the clock may not approve and issue a plan by itself; nothing where it may.

    Args:
        plan: With its documents.
        by_officer: The agreements of the plan that an officer issues.
        credited: How many of its bills were issued before and credited.
        stopped_by: Who stopped a plan that was the same, if anybody did.
    """
    warned = {warning for document in plan.documents for warning in document.warnings} & BLOCKING
    found = (
        (by_officer, f"en medarbejder udsteder {_some(by_officer)}"),
        (plan.four_eyes, "udstederen kræver to personer"),
        (plan.failed, "noget i den kan ikke faktureres"),
        (warned, f"en person skal se efter: {_some(sorted(WARNING_WORDS[warning] for warning in warned))}"),
        (credited, f"{_count(credited, 'regning er', 'regninger er')} udstedt før og krediteret"),
        (stopped_by, f"{stopped_by} har stoppet en plan, der var den samme"),
    )
    return [reason for applies, reason in found if applies]


def alarm_stage(send_by: date, today: date, days_before: int) -> AlarmStage | None:
    """How near a deadline is; None while it is far enough."""
    if today > send_by:
        return AlarmStage.PASSED
    if today == send_by:
        return AlarmStage.DAY
    return AlarmStage.NEAR if today + timedelta(days=days_before) >= send_by else None


WARNING_WORDS = {
    PlanWarning.PROVISIONAL: "foreløbig, prisen mangler",
    PlanWarning.FIRST_MONTH: "ikke faktureret raten før",
    PlanWarning.LAST_MONTH: "sidste måned",
    PlanWarning.AMOUNT_OFF: "beløbet afviger meget fra raten før",
    PlanWarning.LATE: "fristen er overskredet",
    PlanWarning.PAID_OUT: "beløbet udbetales",
}


def waiting(  # noqa: PLR0913 - an officer reads all of this
    plan: RunPlan,
    issuer: MunicipalityCode,
    *,
    due_on: date,
    late: Sequence[ComingMonth],
    reasons: Sequence[str],
    today: date,
    named: Named,
    worded: Worded = month_alone,
) -> Happening:
    """Tell the officer of a plan: what, by when, how much, what to look at, and who does what.

    Args:
        plan: As stored.
        issuer: Whose.
        due_on: The first deadline of what it bills.
        late: Of its months those whose deadline has passed.
        reasons: Why it waits for a person; none where the clock issues it.
        today: The business date.
        named: Code -> name.
        worded: What an instalment is called.
    """
    by_itself = not reasons
    total = kroner(plan.total_oere)
    verb = "udstedes af uret" if by_itself else "venter på godkendelse"
    lines = [
        f"Plan {plan.number} for {named(issuer)} {verb}.",
        f"Sidste frist: {_day(due_on)} ({_away(due_on, today)}).",
        f"{_count(_bills(plan), 'regning', 'regninger')}, i alt {total}",
        *_months_of(plan, worded),
        *_late_lines(late, today),
        *_warning_lines(plan, named),
        *(f"Kan ikke faktureres: {_failure(entry, named, worded)}" for entry in plan.failed[:LONGEST_LIST]),
        "",
    ]
    if by_itself:
        lines += [
            f"Uret godkender og udsteder den selv {_day(due_on)}, hvis intet ændres inden da.",
            f"Stop den med «mellemregning run stop {plan.number}».",
        ]
    else:
        lines += [
            f"Uret udsteder den ikke selv: {'; '.join(reasons)}.",
            (
                f"Se den med «mellemregning run show {plan.number}», godkend den med «mellemregning run approve "
                f"{plan.number}», og udsted den med «mellemregning run issue {plan.number}»."
            ),
        ]
    return Happening(
        Topic.WAITING,
        Urgency.INFO if by_itself else Urgency.WARNING,
        f"{Topic.WAITING}/{plan.number}",
        issuer,
        plan.number,
        f"Plan {plan.number} {verb}: {total} senest {_day(due_on)}"[:LONGEST_SUBJECT],
        "\n".join(lines),
        {
            "due_on": due_on.isoformat(),
            "total_oere": plan.total_oere,
            "documents": _bills(plan),
            "by_clock": by_itself,
            "reasons": list(reasons),
        },
    )


def stopped(number: int, issuer: MunicipalityCode, why: str, *, approved: bool, coming: bool) -> Happening:
    """Tell that the clock gave a plan up."""
    what = "den godkendte plan" if approved else "plan"
    then = "Uret laver en ny." if coming else "Intet af det forfalder længere."
    return Happening(
        Topic.STOPPED,
        Urgency.WARNING if approved else Urgency.INFO,
        f"{Topic.STOPPED}/{number}",
        issuer,
        number,
        f"Uret har stoppet {what} {number}"[:LONGEST_SUBJECT],
        f"Uret har stoppet {what} {number}: {why}. {then}",
        {"why": why, "approved": approved},
    )


def issued(number: int, issuer: MunicipalityCode, documents: int, total_oere: int, approved_by: str) -> Happening:
    """Tell that the clock issued a plan."""
    what = f"{_count(documents, 'regning', 'regninger')}, i alt {kroner(total_oere)}"
    who = "uret selv" if approved_by == CLOCK else approved_by
    return Happening(
        Topic.ISSUED,
        Urgency.INFO,
        f"{Topic.ISSUED}/{number}",
        issuer,
        number,
        f"Plan {number} er udstedt af uret: {kroner(total_oere)}",
        f"Plan {number} er udstedt af uret: {what} Den blev godkendt af {who}.",
        {"documents": documents, "total_oere": total_oere, "approved_by": approved_by},
    )


def caught_up(number: int, issuer: MunicipalityCode, late: Sequence[ComingMonth], today: date) -> Happening:
    """Tell that what was issued was late, and by how many days."""
    return Happening(
        Topic.CAUGHT_UP,
        Urgency.WARNING,
        f"{Topic.CAUGHT_UP}/{number}",
        issuer,
        number,
        f"Uret har indhentet, hvad der var for sent: plan {number}",
        "\n".join([f"Plan {number} indhentede, hvad der var for sent:", *_late_lines(late, today)]),
        {
            "months": [
                {"agreement": month.agreement, "month": str(month.month), "days_late": (today - month.send_by).days}
                for month in late
            ],
        },
    )


def failed(
    entry: NotPlanned, issuer: MunicipalityCode, number: int, named: Named, worded: Worded = month_alone
) -> Happening:
    """Tell of a payer or an agreement that cannot be billed, once for each reason."""
    who = entry.subscriber or "alle"
    return Happening(
        Topic.FAILED,
        Urgency.ERROR,
        f"{Topic.FAILED}/{entry.agreement}/{entry.month}/{who}/{entry.error}"[:LONGEST_KEY],
        issuer,
        number,
        f"Kan ikke faktureres: {entry.agreement}, {worded(entry.agreement, entry.month)}"[:LONGEST_SUBJECT],
        f"Kan ikke faktureres: {_failure(entry, named, worded)}\nDe andre er ikke holdt tilbage af det.",
        {
            "agreement": entry.agreement,
            "month": str(entry.month),
            "municipality": entry.subscriber,
            "error": entry.error,
        },
    )


def gave_up(issuer: MunicipalityCode, step: str, error: str, message: str, today: date) -> Happening:
    """Tell that a step for one issuer could not be done this morning; once a day for each reason."""
    return Happening(
        Topic.FAILED,
        Urgency.ERROR,
        f"{Topic.FAILED}/{issuer}/{today.isoformat()}/{step}/{error}"[:LONGEST_KEY],
        issuer,
        0,
        f"Uret kunne ikke gøre sit arbejde for {issuer} den {_day(today)}",
        f"Uret kunne ikke gøre sit arbejde ({step}): {message}\nDet prøver igen næste morgen.",
        {"step": step, "error": error},
    )


def alarm(  # noqa: PLR0913 - what is late, and who has to do what
    issuer: MunicipalityCode,
    send_by: date,
    *,
    stage: AlarmStage,
    months: Sequence[ComingMonth],
    plan: RunPlan | None,
    today: date,
    named: Named,
) -> Happening:
    """Warn of a deadline that has come near, or passed, with something not issued.

    Args:
        issuer: Whose.
        send_by: The deadline.
        stage: How near it is.
        months: What is not issued.
        plan: The plan that has it, if there is one.
        today: The business date.
        named: Code -> name.
    """
    payers = sum(month.payers for month in months)
    what = f"{_count(payers, 'regning', 'regninger')} for {_some(sorted({month.danish for month in months}))}"
    when = {
        AlarmStage.NEAR: f"skal sendes senest {_day(send_by)} ({_away(send_by, today)})",
        AlarmStage.DAY: "skal sendes i dag",
        AlarmStage.PASSED: f"skulle være sendt {_day(send_by)} ({_away(send_by, today)})",
    }[stage]
    if plan is None:
        then = (
            "Der er ingen plan, der kan udstedes; se, hvad der ikke kan faktureres, med «mellemregning run plan --all»."
        )
    elif plan.state is PlanState.PLANNED:
        then = (
            f"Plan {plan.number} ({kroner(plan.total_oere)}) venter på godkendelse: «mellemregning run approve "
            f"{plan.number}» og «mellemregning run issue {plan.number}»."
        )
    else:
        then = f"Plan {plan.number} er godkendt og venter på «mellemregning run issue {plan.number}»."
    number = plan.number if plan is not None else 0
    return Happening(
        Topic.ALARM,
        Urgency.ERROR,
        f"{Topic.ALARM}/{number or issuer}/{send_by.isoformat()}/{stage}",
        issuer,
        number,
        f"ALARM: {what} {when}"[:LONGEST_SUBJECT],
        f"{named(issuer)}: {what} {when}.\nAftaler: {_some(sorted({month.agreement for month in months}))}.\n{then}",
        {"send_by": send_by.isoformat(), "stage": stage.value, "days_late": max(0, (today - send_by).days)},
    )


def _day(day: date) -> str:
    return f"{day:%d.%m.%Y}"


def _away(day: date, today: date) -> str:
    days = (day - today).days
    if days == 0:
        return "i dag"
    return f"om {_count(days, 'dag', 'dage')}" if days > 0 else f"{_count(-days, 'dag', 'dage')} siden"


def _count(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _some(names: Sequence[str]) -> str:
    """A list that a person can read: the first of many, and how many more."""
    more = len(names) - LONGEST_LIST
    return ", ".join(names[:LONGEST_LIST]) + (f" og {more} til" if more > 0 else "")


def _bills(plan: RunPlan) -> int:
    """How many documents will be sent; agreements may share one."""
    return len({entry.document or (entry.agreement, entry.month, entry.subscriber) for entry in plan.documents})


def _months_of(plan: RunPlan, worded: Worded) -> list[str]:
    totals: dict[tuple[Month, str], int] = {}
    codes: dict[tuple[Month, str], set[str]] = {}
    for document in plan.documents:
        key = (document.month, worded(document.agreement, document.month))
        totals[key] = totals.get(key, 0) + document.amount_oere
        codes.setdefault(key, set()).add(document.agreement)
    return [f"- {key[1]}: {kroner(totals[key])} ({_some(sorted(codes[key]))})" for key in sorted(totals)]


def _late_lines(late: Sequence[ComingMonth], today: date) -> list[str]:
    lines = [
        f"- {month.danish}, {month.agreement}: {_count((today - month.send_by).days, 'dag', 'dage')} for sent"
        for month in late[:LONGEST_LIST]
    ]
    more = len(late) - LONGEST_LIST
    return [*lines, f"- og {more} til"] if more > 0 else lines


def _warning_lines(plan: RunPlan, named: Named) -> list[str]:
    lines = []
    for warning, words in WARNING_WORDS.items():
        payers = sorted({named(document.subscriber) for document in plan.documents if warning in document.warnings})
        if payers:
            lines.append(f"Se efter, {words}: {_some(payers)}")
    return lines


def _failure(entry: NotPlanned, named: Named, worded: Worded) -> str:
    who = named(entry.subscriber) if entry.subscriber else "alle"
    return f"{entry.agreement}, {worded(entry.agreement, entry.month)}, {who}: {entry.message}"
