"""How days of a stay are counted and priced, what of it is new since it was billed, and what a bill says; pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta

from agreements.agreement import Agreement, MunicipalityCode, ProviderOwnShare
from agreements.case_terms import CasePrice, CasePricing, CaseTerms
from billing.accounts.facts import Account, Posting
from billing.invoice.facts import ClaimKind, DocumentDraft, InvoiceLine, LineKind, PartySnapshot
from billing.single_case.facts import (
    BilledLine,
    Case,
    CaseLine,
    CaseStep,
    LeftOut,
    Outlay,
    PlannedCaseDocument,
    PlannedLine,
)
from foundation.errors import BadInput, MellemregningError, N_, RuleBroken
from foundation.money import kroner
from foundation.period import Month, Period, months_between
from foundation.person_number import holds_one

A_DAY = timedelta(days=1)
# Letters that make no words and are not mistaken for each other or for digits.
CASE_LETTERS = "BCDFGHJKMNPQRSTVWXZ"
CASE_LETTERS_COUNT = 8
_NUMBER = re.compile(rf"S-[{CASE_LETTERS}]{{4}}-[{CASE_LETTERS}]{{4}}", re.ASCII)
_REFERENCE = re.compile(r"[0-9A-Za-z][0-9A-Za-z./_-]{0,34}", re.ASCII)
_CVR = re.compile(r"[0-9]{8}", re.ASCII)
_HAS_DIGIT = re.compile(r"[0-9]", re.ASCII)


class NotACaseNumber(BadInput):
    """A text that is no number of ours; it is not repeated, for it may be a person's."""

    danish = N_(
        "Det er ikke et sagsnummer. Sagsnumre gives af programmet og ser ud som S-BCDF-GHJK; se dem med "
        "«mellemregning case list». Skriv aldrig navn eller CPR-nummer.",
    )


class PersonInText(BadInput):
    """A text that looks like a CPR number; it is not repeated."""

    danish = N_(
        "{field} indeholder noget, der ligner et CPR-nummer. Intet er gemt. En sag må ikke sige noget om personen.",
    )


class NotASupplierReference(BadInput):
    """A supplier's invoice number is one word with a digit; it is not repeated, for it may be a name."""

    danish = N_(
        "Fakturareferencen kan ikke bruges: skriv leverandørens fakturanummer i ét ord på højst 35 tegn med mindst ét "
        "ciffer (bogstaver, cifre, punktum, skråstreg, bindestreg). Der må ikke stå et navn.",
    )


class NotACvr(BadInput):
    """A company's number has eight digits."""

    danish = N_("Leverandøren angives med sit CVR-nummer på otte cifre.")


class CaseNotApproved(RuleBroken):
    """The service begins when the paying municipality has approved it."""

    danish = N_(
        "Sag {number} er ikke bevilget af {payer}, så {day} kan ikke registreres som indskrivning. Registrér først "
        "bevillingen med «mellemregning case approve {number} --on DATO».",
    )


class ApprovedAfterAdmission(RuleBroken):
    """Nobody is admitted before the approval."""

    danish = N_(
        "Sag {number} er bevilget den {approved_on}, så indskrivningen kan ikke være {day}: ydelsen iværksættes først, "
        "når bevillingen er modtaget.",
    )


class PayerHasLeft(RuleBroken):
    """A day after the payer's last day in the agreement; nothing of it is billed by the agreement."""

    danish = N_(
        "{municipality} deltager i aftalen «{agreement}» til og med {last_day}, så {what} betales ikke efter aftalen. "
        "Registrér udskrivningen, eller aftal betalingen for sig.",
    )


class StepOutOfPlace(RuleBroken):
    """A step that does not follow the case's state."""

    danish = N_(
        "Sag {number} er {state}, så den kan ikke {what}. Ret datoer med «mellemregning case correct {number}»."
    )


class LeavesBeforeArrival(RuleBroken):
    """Nobody leaves before the day of arrival."""

    danish = N_("Sag {number}: udskrivningen {discharged_on} er før indskrivningen {admitted_on}.")


class DayNotCome(RuleBroken):
    """What has not happened yet is not recorded."""

    danish = N_("{day} er efter forretningsdatoen {as_of}; det, der ikke er sket endnu, kan ikke registreres.")


class CasePriceMissing(RuleBroken):
    """A day has no unit price."""

    danish = N_(
        "Ydelsen «{service}» i aftalen «{agreement}» har ingen takst den {day}. Sæt den med «mellemregning case price "
        "{agreement} {service} {day} BELØB» eller i aftalefilen.",
    )


class ClaimTooOld(RuleBroken):
    """A claim is raised in time or not at all."""

    danish = N_(
        "{what} for {month} er ældre end {months} måneder: kravet skulle rejses senest {last_day} og kan ikke "
        "faktureres.",
    )


STATES = {
    "opened": "oprettet",
    "approved": "bevilget",
    "admitted": "indskrevet",
    "discharged": "udskrevet",
    "withdrawn": "trukket tilbage",
    "refused": "afslået",
}


def require_number(text: str) -> str:
    """A case number as we make them, in capitals.

    Raises:
        NotACaseNumber: anything else; the text is not repeated.
    """
    number = text.strip().upper()
    if _NUMBER.fullmatch(number) is None:
        raise NotACaseNumber
    return number


def number_from(letters: Sequence[str]) -> str:
    """The number of eight drawn letters."""
    return f"S-{''.join(letters[:4])}-{''.join(letters[4:])}"


def require_nobody(field: str, text: str) -> str:
    """A text without anything like a CPR number.

    Raises:
        PersonInText: it has; the text is not repeated.

    Source: domain rule 18.
    """
    if holds_one(text):
        raise PersonInText(field=field)
    return text.strip()


def require_supplier(supplier: str, reference: str) -> tuple[str, str]:
    """The supplier's number and its invoice's.

    Raises:
        NotACvr, NotASupplierReference, PersonInText.
    """
    require_nobody("Leverandørens nummer", supplier)
    if _CVR.fullmatch(supplier.strip()) is None:
        raise NotACvr
    found = require_nobody("Fakturareferencen", reference)
    if _REFERENCE.fullmatch(found) is None or _HAS_DIGIT.search(found) is None:
        raise NotASupplierReference
    return supplier.strip(), found


# Steps.


def require_step(case: Case, step: CaseStep, day: date, as_of: date, payer: str) -> None:
    """Refuse a step that does not follow from what is known of the case.

    Raises:
        DayNotCome, StepOutOfPlace, CaseNotApproved, ApprovedAfterAdmission, LeavesBeforeArrival.

    Source: the Horsens-Odder agreement 4.0.
    """
    if day > as_of:
        raise DayNotCome(day=day, as_of=as_of)
    if step is CaseStep.ADMITTED and case.state == "opened":
        raise CaseNotApproved(number=case.number, payer=payer, day=day)
    allowed = {
        CaseStep.APPROVED: ({"opened"}, "bevilges"),
        CaseStep.ADMITTED: ({"approved"}, "indskrives"),
        CaseStep.DISCHARGED: ({"admitted"}, "udskrives"),
        CaseStep.STAYED: ({"discharged"}, "fortsætte opholdet"),
        CaseStep.WITHDRAWN: ({"opened", "approved", "admitted", "discharged"}, "trækkes tilbage"),
    }
    states, what = allowed[step]
    if case.state not in states:
        raise StepOutOfPlace(number=case.number, state=STATES[case.state], what=what)
    _in_order(case, step, day)


def require_refusal(case: Case, day: date, as_of: date) -> None:
    """Refuse a no that comes after something began, or that was not said yet.

    Raises:
        DayNotCome, StepOutOfPlace.

    Source: the Horsens-Odder agreement 4.0.
    """
    if day > as_of:
        raise DayNotCome(day=day, as_of=as_of)
    if case.state != "opened":
        raise StepOutOfPlace(number=case.number, state=STATES[case.state], what="afslås")


def require_correction(case: Case, step: CaseStep, day: date, as_of: date) -> None:
    """Refuse a corrected day that cannot be.

    Raises:
        DayNotCome: it has not come.
        StepOutOfPlace: there is no such date to correct.
        ApprovedAfterAdmission, LeavesBeforeArrival.
    """
    if day > as_of:
        raise DayNotCome(day=day, as_of=as_of)
    known = case.admitted_on if step is CaseStep.ADMITTED else case.discharged_on
    if case.is_withdrawn or known is None:
        what = "få rettet sin indskrivning" if step is CaseStep.ADMITTED else "få rettet sin udskrivning"
        raise StepOutOfPlace(number=case.number, state=STATES[case.state], what=what)
    _in_order(case, step, day)


def _in_order(case: Case, step: CaseStep, day: date) -> None:
    if step is CaseStep.ADMITTED and case.approved_on is not None and day < case.approved_on:
        raise ApprovedAfterAdmission(number=case.number, approved_on=case.approved_on, day=day)
    admitted = day if step is CaseStep.ADMITTED else case.admitted_on
    discharged = day if step is CaseStep.DISCHARGED else case.discharged_on
    if step in {CaseStep.ADMITTED, CaseStep.DISCHARGED} and admitted and discharged and discharged < admitted:
        raise LeavesBeforeArrival(number=case.number, discharged_on=discharged, admitted_on=admitted)


# Days.


def counted_days(admitted_on: date, discharged_on: date | None, within: Period, terms: CaseTerms) -> Period | None:
    """The days of a stay that are billed within some days.

    The day of arrival counts and the day of leaving does not, unless the agreement says otherwise. So a stay that ends
    on the day it began has no day, and who leaves one place for another is counted once.

    Args:
        admitted_on: The day of arrival.
        discharged_on: The day of leaving, or None while the stay goes on.
        within: Where to look, half-open.
        terms: The agreement's convention.

    Returns:
        The counted days, half-open, or None where there are none. Over adjacent periods they add up.

    Source: the Horsens-Odder agreement 6.2 (pr. døgn); docs/decisions/0041-cases.md.
    """
    first = admitted_on if terms.count_arrival_day else admitted_on + A_DAY
    start, end = max(first, within.from_day), within.to_day
    if discharged_on is not None:
        end = min(end, discharged_on + A_DAY if terms.count_leaving_day else discharged_on)
    return Period(start, end) if start < end else None


def days_in(period: Period | None) -> int:
    """How many days."""
    return 0 if period is None else (period.to_day - period.from_day).days


def priced(period: Period, prices: Sequence[CasePrice]) -> list[tuple[Period, int]]:
    """Cut days where the unit price changes.

    Args:
        period: Counted days.
        prices: One service's, each day once.

    Returns:
        (days, øre per day) in order; the days add up to the period.

    Raises:
        LookupError: the first day has no price; its argument is the day.
    """
    known = sorted(prices, key=lambda price: price.from_day)
    before = [price for price in known if price.from_day <= period.from_day]
    if not before:
        raise LookupError(period.from_day)
    pieces: list[tuple[Period, int]] = []
    start, unit = period.from_day, before[-1].amount_oere
    for price in known:
        if period.from_day < price.from_day < period.to_day and price.amount_oere != unit:
            pieces.append((Period(start, price.from_day), unit))
            start, unit = price.from_day, price.amount_oere
    return [*pieces, (Period(start, period.to_day), unit)]


def wanted_lines(  # noqa: PLR0913, PLR0917 - a case, and all that its month rests on
    case: Case,
    month: Month,
    pricing: CasePricing,
    prices: Sequence[CasePrice],
    outlays: Sequence[Outlay],
    terms: CaseTerms,
    agreed: Period | None,
) -> list[CaseLine]:
    """What a month of a case comes to by what is known now.

    Args:
        case: The case.
        month: The service month.
        pricing: What its service is billed by.
        prices: The service's.
        outlays: The case's.
        terms: How days are counted.
        agreed: The days of the month on which the payer takes part in the agreement, or None.

    Raises:
        CasePriceMissing: a day has no unit price.

    Source: the Horsens-Odder agreement 6.2.
    """
    if case.is_withdrawn or case.admitted_on is None:
        return []
    if pricing is CasePricing.ACTUAL:
        return [
            CaseLine(case.id, each.period, 0, 0, each.amount_oere, outlay_id=each.id)
            for each in outlays
            if Month.of(each.period.from_day) == month
        ]
    counted = agreed and counted_days(case.admitted_on, case.discharged_on, agreed, terms)
    if counted is None:
        return []
    try:
        pieces = priced(counted, prices)
    except LookupError as missing:
        raise CasePriceMissing(service=case.service, agreement=case.agreement, day=missing.args[0]) from missing
    return [CaseLine(case.id, piece, days_in(piece), unit, days_in(piece) * unit) for piece, unit in pieces]


# What is new.


def open_lines(billed: Iterable[BilledLine]) -> list[BilledLine]:
    """The lines that stand: neither on a document that was taken back, nor taken back by a line, nor taking back one.

    A line that takes back another stands itself where the other's document was taken back whole: both would count.
    """
    live = {each.key: each for each in billed if each.is_live}
    closed = {each.line.counters for each in live.values() if each.line.counters in live}
    return [each for key, each in live.items() if key not in closed and each.line.counters not in live]


def changes(wanted: Sequence[CaseLine], billed: Iterable[BilledLine]) -> list[CaseLine]:
    """What takes a month of a case from what was billed to what is wanted: counter entries, then new lines.

    Lines that were billed just so stay. Their sum is always what is wanted less what was billed.

    Source: docs/decisions/0042-case-corrections.md.
    """
    left = Counter(wanted)
    taken_back = []
    for entry in open_lines(billed):
        if left[entry.line] > 0:
            left[entry.line] -= 1
        else:
            line = entry.line
            taken_back.append(
                CaseLine(
                    line.case_id,
                    line.period,
                    -line.days,
                    line.unit_oere,
                    -line.amount_oere,
                    line.outlay_id,
                    counters=entry.key,
                ),
            )
    return [*taken_back, *left.elements()]


def last_claim_day(month: Month, terms: CaseTerms) -> date:
    """The last day on which a service month can be claimed: so many months after its own last day.

    Source: serviceloven § 174 stk. 2 as the variants' list has it; docs/decisions/0041-cases.md.
    """
    return month.plus(terms.claim_within_months + 1).first_day - A_DAY


def months_of(case: Case, outlays: Iterable[Outlay], billed: Iterable[BilledLine], last: Month) -> list[Month]:
    """The service months in which a case may have anything to bill or to take back, up to the last whole one."""
    found = {each.line.month for each in billed} | {Month.of(each.period.from_day) for each in outlays}
    if case.admitted_on is not None and not case.is_withdrawn:
        end = min(last, Month.of(case.discharged_on)) if case.discharged_on else last
        found |= set(months_between(Month.of(case.admitted_on), end))
    return sorted(month for month in found if month <= last)


def arranged(
    agreement: str,
    payer: MunicipalityCode,
    lines: Mapping[Month, Sequence[PlannedLine]],
    held: Collection[Month],
    last: Month,
) -> tuple[list[PlannedCaseDocument], list[Month]]:
    """Say on which documents a payer's lines stand.

    A month that was not billed to the payer is billed by itself. What corrects a month that was, stands on the newest
    whole month's document; where that went out already, it waits for the next.

    Args:
        agreement: Whose.
        payer: The paying municipality.
        lines: Service month -> what is new.
        held: Months whose claim a document holds.
        last: The newest whole month.

    Returns:
        The documents by month, and the months whose corrections wait.

    Source: domain rules 14 and 15; docs/decisions/0042-case-corrections.md.
    """
    on: dict[Month, list[PlannedLine]] = defaultdict(list)
    waiting = []
    for month in sorted(lines):
        place = month if month not in held else last
        if not lines[month]:
            continue
        if place in held:
            waiting.append(month)
        else:
            on[place] += lines[month]
    return [PlannedCaseDocument(agreement, payer, month, tuple(on[month])) for month in sorted(on)], waiting


def left_out_of(case: Case, month: Month, error: MellemregningError) -> LeftOut:
    """A month of a case that a rule keeps off the bill."""
    return LeftOut(case.number, case.payer, month, error.name, error.text())


# What it says and books.


def line_text(case: Case, title: str, line: CaseLine, outlay: Outlay | None, countered: str) -> str:
    """A line in words: number, service, days, price; never more of the case."""
    days = f"{line.period.from_day:%d.%m.%Y}-{line.period.last_day:%d.%m.%Y}"
    what = (
        f"{abs(line.days)} døgn à {kroner(line.unit_oere)} ({days})"
        if outlay is None
        else f"faktisk pris efter faktura {outlay.reference} fra CVR {outlay.supplier} ({days})"
    )
    text = f"Sag {case.number}, {title}: {what}"
    return f"Modpostering af {countered}: {text}" if line.counters is not None else text


def draft_of(
    agreement: Agreement,
    document: PlannedCaseDocument,
    parties: Mapping[MunicipalityCode, PartySnapshot],
) -> DocumentDraft:
    """The case bill, complete but for number and dates.

    Each provider is entitled to its own cases; the issuer collects. It is no part of the subscription: neither of its
    price nor of the year's result.

    Source: the Horsens-Odder agreement 4.0 (afregnes udover); domain rules 12, 15 and 19.
    """
    payer = document.payer
    set_off = payer in agreement.providers and agreement.terms.advance.provider_own_share is ProviderOwnShare.NET
    internal = set_off or payer == agreement.issuer
    lines = tuple(_invoice_line(agreement, entry, parties) for entry in document.lines)
    own: dict[tuple[MunicipalityCode, str, int], int] = defaultdict(int)
    for line in lines:
        own[line.provider, line.service, line.accounting_year] += line.amount_oere
    return DocumentDraft(
        agreement=agreement.code,
        issuer=parties[agreement.issuer],
        subscriber=parties[payer],
        kind=ClaimKind.CASE,
        title=f"Enkeltsager {document.month.danish}",
        period=document.month.period,
        lines=lines,
        postings=tuple(
            _postings(document, own, collector=payer if set_off else agreement.issuer, internal=internal),
        ),
        due_days=agreement.cases.due_days,
        internal=internal,
    )


def _invoice_line(
    agreement: Agreement, entry: PlannedLine, parties: Mapping[MunicipalityCode, PartySnapshot]
) -> InvoiceLine:
    service = agreement.cases.service(entry.case.service)
    return InvoiceLine(
        agreement=agreement.code,
        provider=entry.case.provider,
        provider_name=parties[entry.case.provider].name,
        service=entry.case.service,
        service_title=service.title if service else entry.case.service,
        kind=LineKind.CASE,
        text=entry.text,
        period=entry.line.period,
        accounting_year=entry.line.period.from_day.year,
        amount_oere=entry.line.amount_oere,
        vat_exemption=service.vat_exemption if service else "",
    )


def _postings(
    document: PlannedCaseDocument,
    own: Mapping[tuple[MunicipalityCode, str, int], int],
    *,
    collector: MunicipalityCode,
    internal: bool,
) -> list[Posting]:
    payer, month = document.payer, document.month
    account = Account.OWN_SHARE if internal else Account.RECEIVABLE
    postings = [Posting(account, document.amount_oere, month.year, municipality=payer, service_month=month)]
    entitled: dict[tuple[int, MunicipalityCode], int] = defaultdict(int)
    collected: dict[int, int] = defaultdict(int)
    for (provider, service, year), amount in sorted(own.items()):
        entitled[year, provider] += amount
        collected[year] += amount
        postings.append(Posting(Account.CASE, -amount, year, municipality=payer, provider=provider, service=service))
    postings += [
        Posting(Account.CLEARING, -amount, year, provider=provider)
        for (year, provider), amount in sorted(entitled.items())
    ]
    postings += [
        Posting(Account.CLEARING, amount, year, municipality=payer, provider=collector)
        for year, amount in sorted(collected.items())
    ]
    return postings
