"""One agreement's year, looked at on a day: what each of its deadlines asks for, and whether that is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from agreements.agreement import Agreement, MunicipalityCode
from agreements.deadlines import Deadline, DeadlineKind
from agreements.municipality import MUNICIPALITIES
from agreements.schedule import instalment_of
from billing.deadline_status.facts import SOON, DeadlineStatus, Status
from billing.deadline_status.reading import Bill, Event, Place, Stored
from billing.usage_statement.facts import UsagePeriod
from billing.usage_statement.rules import PeriodsNotSupported, periods_of_year
from foundation.period import Month, Period

# How each kind of deadline is judged


@dataclass(frozen=True, slots=True)
class _Finding:
    """What is stored about a deadline.

    Attributes:
        done_on: When the last thing that it takes was done; None where something is missing.
        events: What was done for it.
        later: What came after and changed what is said of it.
        after: The status when its day is over and it is not done.
        never_late: The day is the first on which it can be done; the agreement names no last.
    """

    done_on: date | None = None
    evidence: str = ""
    next_step: str = ""
    events: tuple[Event, ...] = ()
    later: tuple[Event, ...] = ()
    after: Status = Status.LATE
    never_late: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """One agreement's year on one day."""

    agreement: Agreement
    year: int
    members: tuple[MunicipalityCode, ...]
    as_of: date
    stored: Stored

    def concerns_anybody(self, deadline: Deadline) -> bool:
        """Whether somebody pays the instalment, or uses in the period; after the last party's notice nobody does."""
        if deadline.kind is DeadlineKind.USAGE_STATEMENT:
            return self._anybody_uses(deadline)
        if deadline.for_month is None:
            return True
        if deadline.kind is DeadlineKind.CASE_INVOICE:
            # Who has left may still be corrected.
            wanted = self.stored.case_months.get(self.agreement.code, {}).get(deadline.for_month)
            return bool(wanted or self._present(deadline.for_month.period))
        return bool(self._payers(deadline.for_month))

    def _anybody_uses(self, deadline: Deadline) -> bool:
        """Whether somebody takes part on a day that the statement is of, or it was released all the same."""
        try:
            period = self._usage_period(deadline)
        except PeriodsNotSupported:
            return True
        released = (self.agreement.code, period.first.first_day, period.last.first_day) in self.stored.released
        return released or bool(self._present(Period(period.first.first_day, period.last.plus(1).first_day)))

    def _usage_period(self, deadline: Deadline) -> UsagePeriod:
        known = periods_of_year(self.agreement.code, self.agreement.terms.usage, self.year)
        return next(one for one in known if one.last == Month.of(deadline.due_on - timedelta(days=1)))

    def _payers(self, month: Month) -> tuple[MunicipalityCode, ...]:
        known, key = self.stored.payers, (self.agreement.code, month)
        if key not in known:
            span = instalment_of(self.agreement.terms.advance, month).period
            known[key] = self.stored.memberships.payers(self.agreement, span)
        return known[key]

    def _present(self, span: Period) -> tuple[MunicipalityCode, ...]:
        return self.stored.memberships.in_span(self.agreement, span)

    def at(self, deadline: Deadline) -> DeadlineStatus:
        """How a deadline stands."""
        finding = {
            DeadlineKind.DEMAND: self._demand,
            DeadlineKind.PRICE_NOTICE: self._price_notice,
            DeadlineKind.NOTICE_TO_LEAVE: self._notice_to_leave,
            DeadlineKind.ADVANCE_INVOICE: self._advance_invoice,
            DeadlineKind.CASE_INVOICE: self._case_invoice,
            DeadlineKind.USAGE_STATEMENT: self._usage_statement,
            DeadlineKind.FINAL_ACCOUNTS: self._final_accounts,
            DeadlineKind.TRUE_UP: self._true_up,
        }[deadline.kind](deadline)
        status, since = self._status(deadline, finding)
        if finding.never_late:
            days_late = 0
        elif status is Status.DONE:
            days_late = max(0, ((finding.done_on or deadline.due_on) - deadline.due_on).days)
        else:
            days_late = (self.as_of - deadline.due_on).days if status is Status.LATE else 0
        events = sorted(finding.events, key=lambda event: event.at)
        begun = datetime.combine(since, time(), UTC)
        return DeadlineStatus(
            agreement=self.agreement.code,
            agreement_title=self.agreement.title,
            year=self.year,
            deadline=deadline,
            status=status,
            days_late=days_late,
            done_on=finding.done_on if status is Status.DONE else None,
            done_by=tuple(dict.fromkeys(event.actor for event in events)) if status is Status.DONE else (),
            evidence=finding.evidence,
            next_step=finding.next_step,
            changed_at=max([begun, *(event.at for event in (*events, *finding.later))]),
        )

    def _status(self, deadline: Deadline, finding: _Finding) -> tuple[Status, date]:
        """The status and the day since which it is so."""
        known = self.stored.loaded_on.get(self.agreement.code, self.agreement.starts_on)
        soon, over = deadline.due_on - SOON, deadline.due_on + timedelta(days=1)
        if finding.after is Status.NOT_SUPPORTED:
            return Status.NOT_SUPPORTED, known
        if finding.done_on is not None:
            return Status.DONE, max(known, finding.done_on)
        if self.as_of >= over:
            return finding.after, max(known, over)
        if self.as_of >= soon:
            return Status.DUE_SOON, max(known, soon)
        return Status.WAITING, known

    def _events(self, *keys: tuple[str, ...]) -> tuple[Event, ...]:
        """The first event about each of these things; a later one about the same only repeats it."""
        return tuple(self.stored.events[key][0] for key in keys if key in self.stored.events)

    def _demand(self, deadline: Deadline) -> _Finding:
        after = "ret budgettet, hvis det forventede forbrug er ændret: «mellemregning budget load FIL»"
        if self.as_of <= deadline.due_on:
            next_step = f"Bed ydelsesbrugerne melde ændringer senest {_day(deadline.due_on)}, og {after}."
        else:
            told = (self.agreement.code, self.year) in self.stored.notices
            next_step = "" if told else f"{after[0].upper()}{after[1:]}."
        return _Finding(
            evidence="Meldinger om forventet forbrug opbevares ikke her, så det kan ikke ses, om de er kommet"
            if self.as_of > deadline.due_on
            else "",
            next_step=next_step,
            after=Status.PASSED,
        )

    def _price_notice(self, deadline: Deadline) -> _Finding:
        code, year = self.agreement.code, self.year
        told = self.stored.notices.get((code, year), [])
        newest = self.stored.priced.get((code, year), 0)
        tell = f"«mellemregning subscription notice {code} {year}»"
        next_step = ""
        if not newest:
            next_step = f"Indlæs budgettet for {year}, beregn prisen, og meddel den: {self._price_commands()}."
        elif not told:
            next_step = f"Meddel prisen for {year} senest {_day(deadline.due_on)}: {tell}."
        elif told[-1].version < newest:
            next_step = f"Prisen er siden beregnet igen (beregning nr. {newest}); meddel den nye: {tell}."
        notices = [f"nr. {notice.version} den {_day(notice.given_on)}" for notice in told]
        return _Finding(
            done_on=told[0].given_on if told else None,
            evidence=f"Pris meddelt: beregning {_and(notices)}" if told else "",
            next_step=next_step,
            events=self._events(*(("told", code, str(year), str(notice.version)) for notice in told[:1])),
            later=self._events(
                *(("told", code, str(year), str(notice.version)) for notice in told[1:]),
                *([("calculated", code, str(year), str(newest))] if told and told[-1].version < newest else []),
            ),
        )

    def _price_commands(self) -> str:
        code, year = self.agreement.code, self.year
        return (
            f"«mellemregning budget load FIL», «mellemregning subscription calculate {code} {year}» og "
            f"«mellemregning subscription notice {code} {year}»"
        )

    def _notice_to_leave(self, deadline: Deadline) -> _Finding:
        code, last_year = self.agreement.code, self.year - 1
        left = [each for each in self.stored.left[code] if each.last_year == last_year]
        over = self.as_of > deadline.due_on
        words = [
            f"{_name(each.municipality)} ({_day(each.given_on)})" if each.given_on else _name(each.municipality)
            for each in left
        ]
        said = f"Opsagt af {_and(words)}" if left else "Ingen har opsagt"
        silent = (
            f"for de øvrige er aftalen forlænget for {self.year}" if left else f"aftalen er forlænget for {self.year}"
        )
        return _Finding(
            evidence=f"{said}; {silent}" if over else said if left else "",
            next_step=""
            if over
            else f"Notér en opsigelse, hvis der kommer en, ellers forlænges aftalen uden videre: "
            f"«mellemregning membership leave {code} KOMMUNE --year {last_year}».",
            events=self._events(*(("left", code, each.municipality, str(last_year)) for each in left)),
            after=Status.PASSED,
        )

    def _advance_invoice(self, deadline: Deadline) -> _Finding:
        code, month = self.agreement.code, deadline.for_month
        if month is None:
            return _Finding()
        payers = self._payers(month)
        billed_to, billed_on = self.stored.billed.get((code, month), (frozenset(), None))
        if payers and billed_on and billed_to.issuperset(payers):
            return _Finding(done_on=billed_on)
        bills = self.stored.bills.get((code, month), {})
        held = {who: bill for who, bill in bills.items() if who in payers}
        missing = [who for who in payers if who not in held]
        days = sorted({bill.issued_on for bill in held.values()})
        provisional = any(bill.provisional for bill in held.values())
        evidence = ""
        if held:
            evidence = f"{_spans(held.values())} ({_and([_day(day) for day in days])})"
            evidence += ", foreløbige, da prisen manglede" if provisional else ""
            evidence += f"; {len(held)} af {len(payers)} kommuner" if missing else ""
        return _Finding(
            done_on=None if missing else days[-1],
            evidence=evidence,
            next_step=self._issue(deadline, month, missing if held else []) if missing else "",
            events=self._events(*(("number", code, bill.number) for bill in held.values())),
        )

    def _case_invoice(self, deadline: Deadline) -> _Finding:
        code, month = self.agreement.code, deadline.for_month
        if month is None:
            return _Finding()
        held = self.stored.case_bills.get((code, month), {})
        wanted = self.stored.case_months.get(code, {}).get(month, frozenset())
        missing = sorted(wanted - held.keys())
        days = sorted({bill.issued_on for bill in held.values()})
        evidence = f"{_spans(held.values())} ({_and([_day(day) for day in days])})" if held else ""
        is_over = month.period.last_day < self.as_of
        if is_over and not missing and not held:
            evidence = "Ingen enkeltsager at fakturere"
        done_on = None
        if is_over and not missing:
            done_on = days[-1] if days else month.plus(1).first_day
        next_step = ""
        if missing:
            by = "nu" if self.as_of > deadline.due_on else f"senest {_day(deadline.due_on)}"
            next_step = (
                f"Send regning på enkeltsager i {month.danish} til {_and([_name(who) for who in missing])} {by}: "
                f"«mellemregning case plan {code}», som godkendes og udstedes med «case plan-approve» og «case issue»."
            )
        return _Finding(
            done_on=done_on,
            evidence=evidence,
            next_step=next_step,
            events=self._events(*(("number", code, bill.number) for bill in held.values())),
        )

    def _issue(self, deadline: Deadline, month: Month, missing: Sequence[MunicipalityCode]) -> str:
        code = self.agreement.code
        for_whom = f" til {_and([_name(who) for who in missing])}" if missing else ""
        by = "nu" if self.as_of > deadline.due_on else f"senest {_day(deadline.due_on)}"
        how = f"«mellemregning month issue {code} {month}»"
        if self.agreement.issuer in self.stored.four_eyes:
            how = f"«mellemregning run plan {code} --month {month}», som en anden skal godkende, før den udstedes"
        what = instalment_of(self.agreement.terms.advance, month).danish
        issue = f"Send a conto regning for {what}{for_whom} {by}: {how}."
        if (code, self.year) in self.stored.priced:
            return issue
        if (code, self.year - 1) in self.stored.priced:
            return (
                f"Prisen for {self.year} mangler; uden den faktureres sidste års rate foreløbigt. "
                f"Indlæs budgettet, og beregn prisen: {self._price_commands()}. {issue}"
            )
        return f"Prisen for {self.year} mangler. Indlæs budgettet, og beregn prisen: {self._price_commands()}. {issue}"

    def _usage_statement(self, deadline: Deadline) -> _Finding:
        code = self.agreement.code
        try:
            period = self._usage_period(deadline)
        except PeriodsNotSupported as error:
            return _Finding(next_step=str(error), after=Status.NOT_SUPPORTED)
        first_day, edition = self.stored.released.get((code, period.first.first_day, period.last.first_day), (None, 0))
        if first_day is None:
            return _Finding(
                next_step=f"Indlæs leverandørernes tal for {period.danish}: «mellemregning usage load FIL --period "
                f"{period}», og frigiv opgørelsen: «mellemregning usage release {code} {period}».",
                after=Status.DUE_SOON,
                never_late=True,
            )
        events = self.stored.events.get(("released", code, str(period)), [])
        return _Finding(
            done_on=first_day,
            evidence=f"Frigivet {_day(first_day)}" + (f", rettet til udgave {edition}" if edition > 1 else ""),
            events=tuple(events[:1]),
            later=tuple(events[1:]),
            never_late=True,
        )

    def _true_up(self, deadline: Deadline) -> _Finding:
        code, year = self.agreement.code, self.year
        held = self.stored.true_ups.get((code, Month(year, 1)), {})
        closed_on = self.stored.closed.get((code, year))
        missing = sorted(self.stored.to_true_up.get((code, year), frozenset()) - held.keys())
        days = sorted({bill.issued_on for bill in held.values()})
        evidence = f"{_spans(held.values())} ({_and([_day(day) for day in days])})" if held else ""
        if closed_on and not missing and not held:
            evidence = "Der var ingen forskel at efterregulere"
        next_step = ""
        if closed_on is None:
            next_step = f"Afslut året: «mellemregning settlement close {code} {year}»."
        elif missing:
            by = "nu" if self.as_of > deadline.due_on else f"senest {_day(deadline.due_on)}"
            next_step = (
                f"Send efterreguleringen af {year} til {_and([_name(who) for who in missing])} {by}: «mellemregning "
                f"settlement true-up {code} {year}», som godkendes og udstedes med «true-up-approve» og "
                "«true-up-issue»."
            )
        return _Finding(
            done_on=(days[-1] if days else closed_on) if closed_on and not missing else None,
            evidence=evidence,
            next_step=next_step,
            events=self._events(*(("number", code, bill.number) for bill in held.values())),
        )

    def _final_accounts(self, _deadline: Deadline) -> _Finding:
        code, year = self.agreement.code, self.year
        loaded = self.stored.accounts.get((code, year), {})
        awaited = self.stored.budgeted.get((code, year)) or {(provider, "") for provider in self.agreement.providers}
        missing = sorted({provider for provider, service in awaited if not _is_loaded(loaded, provider, service)})
        first_days: dict[MunicipalityCode, date] = {}
        for (provider, _), day in sorted(loaded.items()):
            first_days[provider] = max(day, first_days.get(provider, day))
        closed_on = self.stored.closed.get((code, year))
        said = [f"{_name(provider)} {_day(day)}" for provider, day in first_days.items()]
        evidence = [f"regnskab indlæst ({', '.join(said)})"] if said else []
        evidence += [f"året afsluttet {_day(closed_on)}"] if closed_on else []
        done_on = None
        if first_days and not missing:
            done_on = max(first_days.values())
        elif closed_on:
            done_on = closed_on
        next_step = ""
        if done_on is None:
            names = _and([_name(provider) for provider in missing])
            next_step = f"Indlæs det endelige regnskab for {year} fra {names}: «mellemregning accounts load FIL»."
        elif closed_on is None:
            next_step = f"Afslut året: «mellemregning settlement close {code} {year}»."
        return _Finding(
            done_on=done_on,
            evidence=_sentence(evidence),
            next_step=next_step,
            events=self._events(*(("loaded", code, str(year), provider) for provider in first_days)),
            later=self._events(("closed", code, str(year))) if closed_on else (),
        )


def _is_loaded(loaded: Mapping[Place, date], provider: MunicipalityCode, service: str) -> bool:
    """Whether a provider's accounts for a service are there; for any service where it had no budget to tell which."""
    return (provider, service) in loaded if service else any(there == provider for there, _ in loaded)


def _sentence(parts: Sequence[str]) -> str:
    joined = "; ".join(parts)
    return joined[:1].upper() + joined[1:]


def _day(day: date) -> str:
    return f"{day:%d.%m.%Y}"


def _name(code: MunicipalityCode) -> str:
    found = MUNICIPALITIES.get(code)
    return found.name if found else code


def _and(words: Sequence[str]) -> str:
    """As people list: a, b og c."""
    *but_last, last = words or ("",)
    return f"{', '.join(but_last)} og {last}" if but_last else last


def _spans(bills: Iterable[Bill]) -> str:
    """The documents' numbers, adjacent ones as from-to: ``F2009-0001–F2009-0009``."""
    spans: list[list[Bill]] = []
    for bill in sorted(set(bills), key=lambda bill: (bill.series, bill.sequence)):
        last = spans[-1][-1] if spans else None
        if last is not None and last.series == bill.series and last.sequence + 1 == bill.sequence:
            spans[-1].append(bill)
        else:
            spans.append([bill])
    return _and([span[0].number if len(span) == 1 else f"{span[0].number}–{span[-1].number}" for span in spans])
