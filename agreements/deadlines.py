"""The deadlines of an agreement's year, and the bank days that some of them move to. Pure.

Source: domain.md, "The life of a bill" and rule 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

import holidays

from agreements.agreement import AdvanceTerms, Agreement, Clause, RenewalKind, Timing
from agreements.case_terms import CaseTerms
from agreements.membership import agreed_year
from agreements.schedule import instalment_of, instalments_of_year, months_of_year
from foundation.errors import N_, RuleBroken
from foundation.period import MONTHS_PER_YEAR, Month

SATURDAY = 5
_ASCENSION_DAY = "Kristi himmelfartsdag"


class BankDaysUnknown(RuleBroken):
    """A year for which the holidays are not known."""

    danish = N_("Helligdagene i {year} kendes ikke, så bankdagene kan ikke findes. Vælg en dag før år 2100.")


class DeadlineKind(StrEnum):
    """What has to be done."""

    DEMAND = "demand"
    PRICE_NOTICE = "price_notice"
    NOTICE_TO_LEAVE = "notice_to_leave"
    ADVANCE_INVOICE = "advance_invoice"
    CASE_INVOICE = "case_invoice"
    USAGE_STATEMENT = "usage_statement"
    FINAL_ACCOUNTS = "final_accounts"
    TRUE_UP = "true_up"


@dataclass(frozen=True, slots=True)
class Deadline:
    """One thing that has to be done for a billing year.

    Attributes:
        kind: What it is.
        due_on: The last day for it; for a usage statement, for which the agreement names no last day, the first.
        title_da: What a finance officer reads.
        clause: Where the agreement says it; empty where its file does not tell.
        for_month: The month that an a conto invoice or a bill of cases is for; otherwise None.
    """

    kind: DeadlineKind
    due_on: date
    title_da: str
    clause: str
    for_month: Month | None = None


@lru_cache(maxsize=256)
def _days_without_banks(year: int) -> frozenset[date]:
    """The days of a year, beside Saturdays and Sundays, on which Danish banks are closed.

    Public holidays (Store bededag until 2023), and by the banks' own calendar also the Friday after Ascension Day,
    Constitution Day, Christmas Eve and New Year's Eve.

    Raises:
        BankDaysUnknown: a year that the calendar does not reach, beyond 2100.
    """
    public = holidays.country_holidays("DK", years=year, language="da")
    ascension_days = public.get_named(_ASCENSION_DAY, lookup="exact")
    if len(ascension_days) != 1:
        raise BankDaysUnknown(year=year)
    (ascension_day,) = ascension_days
    banks_own = {ascension_day + timedelta(days=1), date(year, 6, 5), date(year, 12, 24), date(year, 12, 31)}
    return frozenset(public) | banks_own


def is_bank_day(day: date) -> bool:
    """Whether Danish banks are open on a day.

    Source: domain rule 5.
    """
    return day.weekday() < SATURDAY and day not in _days_without_banks(day.year)


def bank_day_on_or_before(day: date) -> date:
    """The day itself, or the last bank day before it."""
    while not is_bank_day(day):
        day -= timedelta(days=1)
    return day


def send_deadline(advance: AdvanceTerms, month: Month) -> date:
    """The last day on which a month's a conto invoice may be sent.

    ``send_by_day`` of the month that lies ``months_ahead`` before; the bank day before when that is none. January 2009
    goes out by Monday 15 December 2008. In arrears, ``send_by_day`` of the month after the instalment's last; with own
    dates, the date itself.

    Args:
        advance: The schedule.
        month: The first month that the instalment is for.

    Source: § 7 stk. 1; domain rule 5; docs/decisions/0038-schedules.md.
    """
    if advance.is_monthly_in_advance:
        first_day = month.plus(-advance.months_ahead).first_day
        return bank_day_on_or_before(first_day.replace(day=advance.send_by_day))
    instalment = instalment_of(advance, month)
    if instalment.send_date is not None:
        return bank_day_on_or_before(instalment.send_date)
    if advance.timing is Timing.ARREARS:
        first_day = instalment.last.plus(1).first_day
    else:
        first_day = month.plus(-advance.months_ahead).first_day
    return bank_day_on_or_before(first_day.replace(day=advance.send_by_day))


def case_send_deadline(cases: CaseTerms, month: Month) -> date:
    """The last day on which the bill of a month's cases may be sent, in the month after; the bank day before when none.

    Source: issue 7; the Horsens-Odder agreement 6.2; docs/decisions/0049-cases-and-the-clock.md.
    """
    return bank_day_on_or_before(month.plus(1).first_day.replace(day=cases.send_by_day))


def price_missing_from(advance: AdvanceTerms, year: int) -> date:
    """The day from which a year without a price is billed by last year's instalment.

    15 December of the year before, or the bank day before it, whichever month goes out then; with another schedule than
    twelfths in advance, the day on which the year's first instalment is sent.

    Source: § 7 stk. 1; domain rule 8.
    """
    if not advance.is_monthly_in_advance:
        return send_deadline(advance, months_of_year(advance, year)[0])
    return bank_day_on_or_before(date(year - 1, 12, advance.send_by_day))


def last_due(advance: AdvanceTerms, as_of: date) -> Month:
    """The first month of the newest instalment whose deadline has come; deadlines follow each other as months do."""
    # One more: a deadline on the 1st or 2nd may have moved to a bank day of the month before.
    month = instalment_of(advance, Month.of(as_of).plus(advance.months_ahead + 1)).first
    while send_deadline(advance, month) > as_of:
        month = instalment_of(advance, month.plus(-1)).first
    return month


def months_of_case_bills(agreement: Agreement, year: int) -> tuple[Month, ...]:
    """The months of a year that the agreement covers; cases are billed month by month whatever the schedule."""
    months = [Month(year, number) for number in range(1, MONTHS_PER_YEAR + 1)]
    last = Month.of(agreement.ends_on) if agreement.ends_on else months[-1]
    return tuple(month for month in months if Month.of(agreement.starts_on) <= month <= last)


@lru_cache(maxsize=8192)
def deadlines_of_year(agreement: Agreement, year: int) -> tuple[Deadline, ...]:
    """Everything with a day of its own that has to be done for one billing year, by day; worked out once.

    Only the sending of invoices moves to a bank day; what is told or presented keeps its calendar day. Notice not to
    renew for the year is given in the year before; so the agreement's first year has none. Settlements, on leaving and
    between providers, have no day in the agreement.

    Args:
        agreement: For its terms and years.
        year: The billing year.

    Raises:
        YearNotAgreed: the agreement does not cover the year.

    Source: domain.md, "The life of a bill".
    """
    agreed_year(agreement, year)
    terms = agreement.terms
    found = [
        Deadline(
            DeadlineKind.DEMAND,
            terms.settlement.demand_by.in_year(year - 1),
            f"Ydelsesbrugerne melder ændringer i det forventede forbrug i {year}",
            agreement.clause(Clause.DEMAND),
        ),
        Deadline(
            DeadlineKind.PRICE_NOTICE,
            terms.settlement.price_notice_by.in_year(year - 1),
            f"Ydelsesbrugerne får deres samlede pris for {year}",
            agreement.clause(Clause.PRICE_NOTICE),
        ),
        Deadline(
            DeadlineKind.FINAL_ACCOUNTS,
            terms.settlement.accounts_by.in_year(year + 1),
            f"Ydelsesleverandørerne fremlægger endeligt regnskab for {year}",
            agreement.clause(Clause.ACCOUNTS),
        ),
    ]
    if agreement.is_trued_up(year):
        found.append(
            Deadline(
                DeadlineKind.TRUE_UP,
                bank_day_on_or_before(terms.settlement.true_up_by.in_year(year + 1)),
                f"Forskellen mellem det opkrævede og regnskabet for {year} efterreguleres med parterne",
                agreement.clause(Clause.TRUE_UP),
            )
        )
    if year > agreement.starts_on.year and terms.renewal.kind is RenewalKind.CALENDAR_YEAR:
        found.append(
            Deadline(
                DeadlineKind.NOTICE_TO_LEAVE,
                terms.renewal.notice_by.in_year(year - 1),
                f"Den, der ikke vil forlænge aftalen for {year}, meddeler det skriftligt",
                agreement.clause(Clause.LEAVING),
            )
        )
    found += [
        Deadline(
            DeadlineKind.ADVANCE_INVOICE,
            send_deadline(terms.advance, instalment.first),
            f"A conto regning for {instalment.danish} sendes",
            agreement.clause(Clause.INVOICING),
            instalment.first,
        )
        for instalment in instalments_of_year(terms.advance, year)
        if Month.of(agreement.starts_on) <= instalment.last
        and (agreement.ends_on is None or instalment.first <= Month.of(agreement.ends_on))
    ]
    found += [
        Deadline(
            DeadlineKind.CASE_INVOICE,
            case_send_deadline(agreement.cases, month),
            f"Regning på enkeltsager i {month.danish} sendes",
            agreement.clause(Clause.CASES),
            month,
        )
        for month in (months_of_case_bills(agreement, year) if agreement.cases.services else ())
    ]
    for number, (first, last) in enumerate(terms.usage.periods, start=1):
        days = f"{first.in_year(year):%d.%m.}-{last.in_year(year):%d.%m.%Y}"
        found.append(
            Deadline(
                DeadlineKind.USAGE_STATEMENT,
                last.in_year(year) + timedelta(days=1),
                f"Forbrugsopgørelse {number} for {year} ({days}) udarbejdes",
                agreement.clause(Clause.USAGE),
            )
        )
    return tuple(sorted(found, key=lambda deadline: deadline.due_on))
