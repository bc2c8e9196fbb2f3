"""Open a case, approve, admit, discharge, correct; plan its bills, approve and issue them; never commits."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from agreements import run as agreements
from agreements import store as agreement_store
from agreements.agreement import Agreement, MunicipalityCode
from agreements.case_terms import CasePrice, CasePricing, CaseService
from agreements.cost_lines import FIRST_AGREED_YEAR, LAST_AGREED_YEAR
from agreements.municipality import municipality
from agreements.trading import Finding
from billing.invoice import run as invoices
from billing.invoice.facts import DocumentDraft, IssuedDocument
from billing.invoice.missing import missing_by_payer
from billing.monthly_aconto.run import party_snapshots
from billing.monthly_run.facts import CLOCK, PlanEvent, PlanState
from billing.monthly_run.rules import STATE_WORDS, bears_name_of, changed_inputs, digest, require_a_person
from billing.monthly_run.run import get_issuer
from billing.single_case import store
from billing.single_case.facts import (
    BilledLine,
    Case,
    CaseAccount,
    CaseDue,
    CaseEvent,
    CaseIssue,
    CaseLine,
    CasePlan,
    CaseRefusal,
    CaseStatement,
    CaseStep,
    CorrectionReason,
    LeftOut,
    LineKey,
    Outlay,
    PlannedCaseDocument,
    PlannedLine,
    RefusalReason,
    StatementRow,
)
from billing.single_case.payers_days import PayersDays
from billing.single_case.rules import (
    CASE_LETTERS,
    CASE_LETTERS_COUNT,
    CasePriceMissing,
    ClaimTooOld,
    arranged,
    changes,
    counted_days,
    days_in,
    draft_of,
    last_claim_day,
    left_out_of,
    line_text,
    months_of,
    number_from,
    require_correction,
    require_nobody,
    require_number,
    require_refusal,
    require_step,
    require_supplier,
    wanted_lines,
)
from foundation import audit
from foundation.audit import Occasion
from foundation.database import hold
from foundation.errors import BadInput, N_, NotFound, RuleBroken
from foundation.period import Month, Period


class CaseUnknown(NotFound):
    """No case has the number."""

    danish = N_("Der er ingen sag {number}. Se dem med «mellemregning case list».")


class CaseServiceUnknown(NotFound):
    """The agreement bills no such service by the case."""

    danish = N_(
        "Aftalen «{agreement}» har ingen sagsydelse «{service}»; den har {services}. Sagsydelser står i aftalefilens "
        "[[cases.services]].",
    )


class PayerNotInAgreement(RuleBroken):
    """A case is paid by a municipality that takes part."""

    danish = N_(
        "{municipality} deltager ikke i aftalen «{agreement}» i {year} og kan ikke være betalingskommune. Salg til "
        "andre kommuner registreres med «mellemregning surplus sell».",
    )


class NotPricedByDay(RuleBroken):
    """What is passed on at the actual price has no unit price, and the other way round."""

    danish = N_("Ydelsen «{service}» afregnes {how}; {instead}")


class PriceNotPositive(BadInput):
    """A unit price is above zero."""

    danish = N_("En takst skal være over 0,00 kr.")


class PriceFromNoAgreedYear(BadInput):
    """A unit price is from a day of a year that agreements may have."""

    danish = N_("En takst kan ikke gælde fra {day}: vælg en dag i årene {first}-{last}.")


class OutlayOutsideStay(RuleBroken):
    """A supplier's invoice is for days of the stay, within one month."""

    danish = N_(
        "Leverandørens faktura skal være for dage i opholdet og inden for én måned; {first_day}-{last_day} er det ikke "
        "for sag {number}. Del fakturaen, eller ret sagens datoer.",
    )


class OutlayKnown(RuleBroken):
    """A supplier's invoice is passed on once."""

    danish = N_(
        "Faktura {reference} fra CVR {supplier} er allerede registreret på sag {number} for de døgn eller nogle af dem."
    )


class OutlayOfNothing(BadInput):
    """A supplier's invoice is above zero and its credit note below."""

    danish = N_("En leverandørs faktura er over 0,00 kr., og dens kreditnota er under; 0,00 kr. er ingen af delene.")


class NothingToCorrect(BadInput):
    """A correction names a date."""

    danish = N_("Angiv, hvad der skal rettes: --admitted, --discharged, --still-here eller --withdraw.")


class CasePlanUnknown(NotFound):
    """No plan has the number."""

    danish = N_("Der er ingen sagsplan {number}. Se dem med «mellemregning case plans».")


class NoCasesToBill(RuleBroken):
    """Nothing is due."""

    danish = N_("Der er ingen enkeltsager at fakturere i aftalen «{agreement}» pr. {as_of}.{left_out}")


class CasePlanNotApproved(RuleBroken):
    """Only an approved plan is issued."""

    danish = N_("Sagsplan {number} er ikke godkendt. Godkend den med «mellemregning case plan-approve {number}».")


class CasePlanHasEnded(RuleBroken):
    """A plan is approved once, and issued or stopped once."""

    danish = N_("Sagsplan {number} er {state}. Lav en ny med «mellemregning case plan».")


class CasePlanOutOfDate(RuleBroken):
    """What the plan rests on is not what it was."""

    danish = N_(
        "Sagsplan {number} gælder ikke længere; siden den blev lavet, er dette ændret: {changes}. Intet er udstedt. "
        "Lav en ny plan.",
    )


class CasePlannerMayNotApprove(RuleBroken):
    """Whoever planned may not approve, where two must see it."""

    danish = N_(
        "{issuer} kræver to personer til hver kørsel: {actor} har lavet planen og kan derfor ikke godkende den. Lad en "
        "anden godkende.",
    )


class CasePersonMustApprove(RuleBroken):
    """The clock sees nothing; where two must see a plan it is no one of them, and its name is nobody's."""

    danish = N_(
        "Sagsplan {number} skal godkendes af en person med sit eget navn; «{actor}» er urets. Kør «mellemregning case "
        "plan-approve {number} --by NAVN» med navnet på den, der har set planen.",
    )


class CasesBilledMeanwhile(RuleBroken):
    """A month's case bill went out meanwhile, or could not be written."""

    danish = N_("{municipality} kunne ikke faktureres for enkeltsager: {reason} Intet er udstedt; lav en ny plan.")


# Opening and steps.


def new_number() -> str:
    """A number drawn by lot: it tells neither who it is nor how many there are."""
    return number_from([secrets.choice(CASE_LETTERS) for _ in range(CASE_LETTERS_COUNT)])


def _service(agreement: Agreement, code: str) -> CaseService:
    service = agreement.cases.service(code)
    if service is None:
        known = [each.code for each in agreement.cases.services]
        raise CaseServiceUnknown(agreement=agreement.code, service=code, services=known or "ingen")
    return service


def _days_of_payers(connection: Connection, agreement: Agreement) -> PayersDays:
    return PayersDays.of(agreement, agreement_store.members(connection, agreement.code))


def open_case(connection: Connection, code: str, service: str, payer: MunicipalityCode, occasion: Occasion) -> Case:
    """Open a case for a service and the municipality that is to pay; its number is made here.

    Raises:
        AgreementUnknown, CaseServiceUnknown, UnknownMunicipality, PayerNotInAgreement, PayerHasLeft,
        PersonInText.

    Source: the Horsens-Odder agreement 4.0 (sagsaftalemodel).
    """
    require_nobody("Navnet på den, der registrerer,", occasion.actor)
    agreement = agreements.get(connection, code, lock=True)
    found = _service(agreement, service)
    name = municipality(payer).official_name
    days = _days_of_payers(connection, agreement)
    year = occasion.as_of.year
    if days.in_year(payer, year) is None:
        raise PayerNotInAgreement(municipality=name, agreement=code, year=year)
    days.require(payer, occasion.as_of, "en sag fra den dag")
    hold(connection, "single_case.number")
    given = store.numbers(connection)
    number = new_number()
    while number in given:
        number = new_number()
    case = Case(0, number, code, service, found.provider, payer, occasion.as_of)
    case = replace(case, id=store.write_case(connection, case))
    _record(connection, case, occasion, "opened", {})
    return case


def _record(
    connection: Connection, case: Case, occasion: Occasion, participle: str, details: Mapping[str, object]
) -> None:
    audit.record(
        connection,
        occasion,
        action=f"single_case.{participle}",
        subject=f"{case.agreement} {case.number}",
        details={"service": case.service, "payer": case.payer, **details},
    )


def get_case(connection: Connection, number: str, *, lock: bool = False) -> Case:
    """A case by its number.

    Raises:
        NotACaseNumber, CaseUnknown.
    """
    number = require_number(number)
    found = store.find_case(connection, number)
    if found is not None and lock:
        agreements.get(connection, found.agreement, lock=True)
        found = store.find_case(connection, number)  # again, for it may have changed while this one waited
    if found is None:
        raise CaseUnknown(number=number)
    return found


def _happened(connection: Connection, case: Case, event: CaseEvent, occasion: Occasion, participle: str) -> Case:
    store.write_event(connection, case, event)
    before = case.day_of(event.step)
    details: dict[str, object] = {"step": event.step.value, "day": event.day.isoformat()}
    if event.reason is not None:
        details |= {"before": before and before.isoformat(), "reason": event.reason.value}
    _record(connection, case, occasion, participle, details)
    return replace(case, events=(*case.events, event))


def _step(connection: Connection, number: str, step: CaseStep, day: date, occasion: Occasion) -> Case:
    require_nobody("Navnet på den, der registrerer,", occasion.actor)
    case = get_case(connection, number, lock=True)
    require_step(case, step, day, occasion.as_of, municipality(case.payer).official_name)
    if step is CaseStep.ADMITTED:
        _require_agreed(connection, case, day)
    return _happened(connection, case, CaseEvent(step, day, occasion.as_of), occasion, step.value)


def _require_agreed(connection: Connection, case: Case, admitted_on: date) -> None:
    days = _days_of_payers(connection, agreements.get(connection, case.agreement))
    days.require(case.payer, admitted_on, f"en indskrivning {admitted_on:%d.%m.%Y}")


def approve_case(connection: Connection, number: str, day: date, occasion: Occasion) -> Case:
    """Keep that the paying municipality approved (visitation), in the name of its officer.

    Raises:
        NotACaseNumber, CaseUnknown, DayNotCome, StepOutOfPlace, PersonInText.

    Source: the Horsens-Odder agreement 4.0 (iværksættes først efter modtaget visitation).
    """
    return _step(connection, number, CaseStep.APPROVED, day, occasion)


def refuse_case(connection: Connection, number: str, day: date, reason: RefusalReason, occasion: Occasion) -> Case:
    """Keep that the paying municipality will not pay; nothing comes of the case, and nobody can be admitted.

    Raises:
        NotACaseNumber, CaseUnknown, DayNotCome, StepOutOfPlace, PersonInText.

    Source: the Horsens-Odder agreement 4.0; docs/decisions/0035-cases-on-the-pages.md.
    """
    require_nobody("Navnet på den, der registrerer,", occasion.actor)
    case = get_case(connection, number, lock=True)
    require_refusal(case, day, occasion.as_of)
    refusal = CaseRefusal(day, reason, occasion.as_of)
    store.write_refusal(connection, case.id, refusal)
    _record(connection, case, occasion, "refused", {"day": day.isoformat(), "reason": reason.value})
    return replace(case, refusal=refusal)


def admit(connection: Connection, number: str, day: date, occasion: Occasion) -> Case:
    """Keep the day of arrival.

    Raises:
        CaseNotApproved, ApprovedAfterAdmission, PayerHasLeft, and as ``approve_case``.
    """
    return _step(connection, number, CaseStep.ADMITTED, day, occasion)


def discharge(connection: Connection, number: str, day: date, occasion: Occasion) -> Case:
    """Keep the day of leaving.

    Raises:
        LeavesBeforeArrival, and as ``approve_case``.
    """
    return _step(connection, number, CaseStep.DISCHARGED, day, occasion)


@dataclass(frozen=True, slots=True)
class CaseCorrection:
    """What is to be corrected of a case; at least one of it.

    Attributes:
        withdraw: Nothing came of it.
        stays: It was discharged by mistake: the stay goes on.
    """

    admitted_on: date | None = None
    discharged_on: date | None = None
    withdraw: bool = False
    stays: bool = False


def correct_case(
    connection: Connection,
    number: str,
    correction: CaseCorrection,
    occasion: Occasion,
    reason: CorrectionReason = CorrectionReason.REPORTED_LATE,
) -> Case:
    """Replace a date that was reported late or wrong, or withdraw a case; the next plan bills the difference.

    A discharge that nobody had reported is a correction, too: it stands here or in ``discharge``.

    Raises:
        NothingToCorrect, NotACaseNumber, CaseUnknown, DayNotCome, StepOutOfPlace, ApprovedAfterAdmission,
        LeavesBeforeArrival, PayerHasLeft, PersonInText.

    Source: issue 7; docs/decisions/0042-case-corrections.md.
    """
    require_nobody("Navnet på den, der registrerer,", occasion.actor)
    if correction == CaseCorrection():
        raise NothingToCorrect
    case = get_case(connection, number, lock=True)
    days = [(CaseStep.ADMITTED, correction.admitted_on), (CaseStep.DISCHARGED, correction.discharged_on)]
    admitted_before = case.admitted_on
    if correction.admitted_on and correction.discharged_on and admitted_before:
        # Both at once may pass each other: the one that widens the stay goes first.
        moves_later = correction.admitted_on > admitted_before
        days.sort(key=lambda entry: (entry[0] is CaseStep.ADMITTED) == moves_later)
    for step, day in days:
        if day is not None:
            if step is CaseStep.ADMITTED:
                _require_agreed(connection, case, day)
            if step is CaseStep.DISCHARGED and case.discharged_on is None:
                require_step(case, step, day, occasion.as_of, municipality(case.payer).official_name)
            else:
                require_correction(case, step, day, occasion.as_of)
            case = _happened(connection, case, CaseEvent(step, day, occasion.as_of, reason), occasion, "corrected")
    if correction.stays:
        require_step(case, CaseStep.STAYED, occasion.as_of, occasion.as_of, "")
        event = CaseEvent(CaseStep.STAYED, occasion.as_of, occasion.as_of, reason)
        case = _happened(connection, case, event, occasion, "corrected")
    if correction.withdraw:
        require_step(case, CaseStep.WITHDRAWN, occasion.as_of, occasion.as_of, "")
        event = CaseEvent(CaseStep.WITHDRAWN, occasion.as_of, occasion.as_of, reason)
        case = _happened(connection, case, event, occasion, "withdrawn")
    return case


def list_cases(connection: Connection, code: str | None = None, payer: MunicipalityCode | None = None) -> list[Case]:
    """Cases in the order in which they were opened.

    Raises:
        AgreementUnknown, UnknownMunicipality.
    """
    if code is not None:
        agreements.get(connection, code)
    if payer is not None:
        municipality(payer)
    return store.cases(connection, code, payer)


# Prices and outlays.


def set_price(connection: Connection, code: str, price: CasePrice, occasion: Occasion) -> tuple[CasePrice, ...]:
    """Enter a unit price from a day on; what is billed already is corrected by the next plan.

    Returns:
        The service's prices as they are now.

    Raises:
        AgreementUnknown, CaseServiceUnknown, NotPricedByDay, PriceNotPositive, PriceFromNoAgreedYear.

    Source: the Horsens-Odder agreement 6.2.
    """
    agreement = agreements.get(connection, code, lock=True)
    if _service(agreement, price.service).pricing is not CasePricing.DAY:
        raise NotPricedByDay(
            service=price.service,
            how="efter faktisk pris",
            instead="registrér leverandørens faktura med «mellemregning case outlay».",
        )
    if price.amount_oere <= 0:
        raise PriceNotPositive
    if not FIRST_AGREED_YEAR <= price.from_day.year <= LAST_AGREED_YEAR:
        raise PriceFromNoAgreedYear(day=price.from_day, first=FIRST_AGREED_YEAR, last=LAST_AGREED_YEAR)
    known = prices_of(connection, agreement)
    before = next(
        (each for each in known if (each.service, each.from_day) == (price.service, price.from_day)),
        None,
    )
    if before != price:
        store.write_price(connection, code, price, occasion.as_of)
        audit.record(
            connection,
            occasion,
            action="single_case.price_set",
            subject=f"{code} {price.service}",
            details={
                "from": price.from_day.isoformat(),
                "before_oere": before and before.amount_oere,
                "after_oere": price.amount_oere,
            },
        )
    return tuple(each for each in prices_of(connection, agreement) if each.service == price.service)


def prices_of(connection: Connection, agreement: Agreement) -> list[CasePrice]:
    """The agreement file's unit prices with those entered by command, which stand over the file's of the same day."""
    found = {(price.service, price.from_day): price for price in agreement.cases.prices}
    return sorted((found | store.entered_prices(connection, agreement.code)).values())


def add_outlay(  # noqa: PLR0913 - what a supplier's invoice says
    connection: Connection,
    number: str,
    *,
    period: Period,
    amount_oere: int,
    supplier: str,
    reference: str,
    occasion: Occasion,
) -> Outlay:
    """Keep a supplier's invoice for a case, to be passed on at the actual price.

    Raises:
        NotACvr, NotASupplierReference, PersonInText, NotACaseNumber, CaseUnknown, NotPricedByDay, OutlayOutsideStay,
        PayerHasLeft, ClaimTooOld, OutlayKnown, OutlayOfNothing.

    Source: the Horsens-Odder agreement 6.2 (afregnes efter faktisk pris).
    """
    supplier, reference = require_supplier(supplier, reference)
    case = get_case(connection, number, lock=True)
    agreement = agreements.get(connection, case.agreement)
    if _service(agreement, case.service).pricing is not CasePricing.ACTUAL:
        raise NotPricedByDay(service=case.service, how="med takst pr. døgn", instead="der er intet at videresende.")
    if amount_oere == 0:
        raise OutlayOfNothing
    month = Month.of(period.from_day)
    _require_within_stay(case, period, month)
    supplied = f"leverandørens faktura for {period.from_day:%d.%m.%Y}-{period.last_day:%d.%m.%Y}"
    _days_of_payers(connection, agreement).require(case.payer, period.last_day, supplied)
    last_day = last_claim_day(month, agreement.cases)
    if amount_oere > 0 and occasion.as_of > last_day:
        raise ClaimTooOld(
            what=f"Sag {case.number}",
            month=month.danish,
            months=agreement.cases.claim_within_months,
            last_day=last_day,
        )
    outlay = Outlay(0, case.id, period, amount_oere, supplier, reference, occasion.as_of)
    if any(each.is_for_the_same(outlay) for each in store.outlays(connection, case.agreement, case.id)):
        raise OutlayKnown(number=case.number, supplier=supplier, reference=reference)
    try:
        with connection.begin_nested():
            outlay = replace(outlay, id=store.write_outlay(connection, outlay))
    except IntegrityError as error:
        raise OutlayKnown(number=case.number, supplier=supplier, reference=reference) from error
    _record(
        connection,
        case,
        occasion,
        "outlay_added",
        {
            "from": period.from_day.isoformat(),
            "to": period.last_day.isoformat(),
            "amount_oere": amount_oere,
            "supplier": supplier,
            "reference": reference,
        },
    )
    return outlay


def _require_within_stay(case: Case, period: Period, month: Month) -> None:
    admitted, discharged = case.admitted_on, case.discharged_on
    within = (
        admitted is not None
        and not case.is_withdrawn
        and admitted <= period.from_day
        and (discharged is None or period.last_day <= discharged)
        and Month.of(period.last_day) == month
    )
    if not within:
        raise OutlayOutsideStay(number=case.number, first_day=period.from_day, last_day=period.last_day)


# What is due.


def cases_due(connection: Connection, agreement: Agreement, as_of: date) -> CaseDue:
    """What is new of the agreement's cases, up to the last whole month before a day, and what it rests on.

    A case that a rule keeps off the bill is told; the others are billed.

    Source: the Horsens-Odder agreement 6.2; domain rule 15; docs/decisions/0041-cases.md.
    """
    last = Month.of(as_of).plus(-1)
    prices = prices_of(connection, agreement)
    cases = store.cases(connection, agreement.code)
    billed = store.billed_lines(connection, agreement.code)
    outlays: dict[int, list[Outlay]] = defaultdict(list)
    for outlay in store.outlays(connection, agreement.code):
        outlays[outlay.case_id].append(outlay)
    new: dict[MunicipalityCode, dict[Month, list[PlannedLine]]] = defaultdict(lambda: defaultdict(list))
    left_out: list[LeftOut] = []
    days = _days_of_payers(connection, agreement)
    for case in cases:
        known = _Known(agreement, days, prices, outlays[case.id], billed.get(case.id, []))
        for month in months_of(case, known.outlays, known.billed, last):
            lines, reason = _new_lines(case, month, known, as_of)
            if reason is not None:
                left_out.append(reason)
            if lines:
                new[case.payer][month] += lines
    held = store.held_months(connection, agreement.code)
    documents: list[PlannedCaseDocument] = []
    for payer, months in sorted(new.items()):
        some, waiting = arranged(agreement.code, payer, months, held.get(payer, set()), last)
        documents += some
        left_out += [
            LeftOut(
                entry.case.number,
                payer,
                month,
                "waits",
                f"Rettelsen for {month.danish} kommer på regningen for {last.plus(1).danish}, da regningen for "
                f"{last.danish} er udstedt.",
            )
            for month in waiting
            for entry in {entry.case.number: entry for entry in months[month]}.values()
        ]
    inputs = {f"sag {case.number}": digest([case.state, *_dates(case)]) for case in cases}
    inputs |= {
        f"taksterne for {service.code}": digest(
            [(each.from_day.isoformat(), each.amount_oere) for each in prices if each.service == service.code],
        )
        for service in agreement.cases.services
    }
    inputs["leverandørernes fakturaer"] = digest([[each.id for each in some] for some in outlays.values()])
    inputs["hvad der er faktureret af enkeltsager"] = digest(
        [[each.key.invoice_id, each.key.position, each.is_live] for some in billed.values() for each in some],
    )
    return CaseDue(tuple(documents), tuple(left_out), inputs)


def months_to_bill(
    connection: Connection, agreement: Agreement, as_of: date
) -> dict[Month, frozenset[MunicipalityCode]]:
    """Who has something to be billed for each whole month before a day, by what was told until then.

    Also corrections that wait for a bill of their own stand here, on the month whose bill they will be on; but not
    where anything was told after the day, since it cannot be said any more what they were.

    Source: docs/decisions/0049-cases-and-the-clock.md.
    """
    last = Month.of(as_of).plus(-1)
    found: dict[Month, set[MunicipalityCode]] = defaultdict(set)
    is_today = True
    payers_days = _days_of_payers(connection, agreement)
    outlays: dict[int, list[Outlay]] = defaultdict(list)
    for outlay in store.outlays(connection, agreement.code):
        if outlay.recorded_on <= as_of:
            outlays[outlay.case_id].append(outlay)
        else:
            is_today = False
    for case in store.cases(connection, agreement.code):
        told = replace(case, events=tuple(event for event in case.events if event.recorded_on <= as_of))
        is_today = is_today and told == case
        if told.is_withdrawn:
            continue
        by_day = _service(agreement, case.service).pricing is CasePricing.DAY
        for month in months_of(told, outlays[case.id], (), last):
            agreed = payers_days.in_month(case.payer, month)
            days = (
                told.admitted_on
                and agreed
                and counted_days(told.admitted_on, told.discharged_on, agreed, agreement.cases)
            )
            passed_on = any(Month.of(each.period.from_day) == month for each in outlays[case.id])
            if passed_on or (by_day and days):
                found[month].add(case.payer)
    if is_today:
        for document in cases_due(connection, agreement, as_of).documents:
            found[document.month].add(document.payer)
    return {month: frozenset(payers) for month, payers in found.items()}


def _dates(case: Case) -> list[str]:
    return [f"{event.step.value} {event.day.isoformat()}" for event in case.events]


@dataclass(frozen=True, slots=True)
class _Known:
    agreement: Agreement
    days: PayersDays
    prices: Sequence[CasePrice]
    outlays: Sequence[Outlay]
    billed: Sequence[BilledLine]


def _new_lines(case: Case, month: Month, known: _Known, as_of: date) -> tuple[list[PlannedLine], LeftOut | None]:
    """What is new of a month of a case, or why it is not billed."""
    service = _service(known.agreement, case.service)
    terms = known.agreement.cases
    own = [price for price in known.prices if price.service == case.service]
    try:
        agreed = known.days.in_month(case.payer, month)
        wanted = wanted_lines(case, month, service.pricing, own, known.outlays, terms, agreed)
    except CasePriceMissing as missing:
        return [], left_out_of(case, month, missing)
    lines = changes(wanted, [entry for entry in known.billed if entry.line.month == month])
    last_day = last_claim_day(month, terms)
    if sum(line.amount_oere for line in lines) > 0 and as_of > last_day:
        too_old = ClaimTooOld(
            what=f"Sag {case.number}",
            month=month.danish,
            months=terms.claim_within_months,
            last_day=last_day,
        )
        return [], left_out_of(case, month, too_old)
    by_id = {outlay.id: outlay for outlay in known.outlays}
    numbers = {entry.key: f"{entry.number}, linje {entry.key.position}" for entry in known.billed}
    planned = [PlannedLine(case, line, _text(case, service, line, by_id, numbers)) for line in lines]
    return planned, _stays_on(case, month, known)


def _stays_on(case: Case, month: Month, known: _Known) -> LeftOut | None:
    """That nobody told of a discharge, and the payer has left: told in the month with the first day that is not billed.

    Source: docs/decisions/0041-cases.md.
    """
    if case.state != "admitted":
        return None
    last_day = known.days.last_day_before(case.payer, month.period.last_day)
    if last_day is None or Month.of(last_day + timedelta(days=1)) != month:
        return None
    what = f"sag {case.number} fra {last_day + timedelta(days=1):%d.%m.%Y}"
    return left_out_of(case, month, known.days.left(case.payer, last_day, what))


def _text(
    case: Case,
    service: CaseService,
    line: CaseLine,
    outlays: Mapping[int, Outlay],
    numbers: Mapping[LineKey, str],
) -> str:
    outlay = outlays[line.outlay_id] if line.outlay_id is not None else None
    countered = numbers[line.counters] if line.counters is not None else ""
    return line_text(case, service.title, line, outlay, countered)


def case_account(connection: Connection, case: Case, as_of: date) -> CaseAccount:
    """One case with all that its bills rest on, and what the next would say; seven queries whatever there is.

    Raises:
        AgreementUnknown.

    Source: issue 7 (days, price and why); docs/decisions/0042-case-corrections.md.
    """
    agreement = agreements.get(connection, case.agreement)
    service = _service(agreement, case.service)
    prices = [price for price in prices_of(connection, agreement) if price.service == case.service]
    outlays = store.outlays(connection, agreement.code, case.id)
    billed = store.billed_lines(connection, agreement.code, case.id).get(case.id, [])
    known = _Known(agreement, _days_of_payers(connection, agreement), prices, outlays, billed)
    waiting: list[PlannedLine] = []
    left_out = []
    for month in months_of(case, outlays, billed, Month.of(as_of).plus(-1)):
        lines, reason = _new_lines(case, month, known, as_of)
        waiting += lines
        if reason is not None:
            left_out.append(reason)
    return CaseAccount(case, service, tuple(prices), tuple(outlays), tuple(billed), tuple(waiting), tuple(left_out))


# Plans.


def plan_cases(connection: Connection, code: str, occasion: Occasion, *, by_clock: bool = False) -> CasePlan:
    """Plan the bills of all whole months that are not billed, and of all corrections, and keep the plan.

    Args:
        connection: The transaction.
        code: The agreement.
        occasion: Who, and the day.
        by_clock: It is the clock that plans.

    Raises:
        AgreementUnknown.
        ClocksName: a person plans in the clock's name.
        NoCasesToBill: nothing is due; nothing is kept.

    Source: the Horsens-Odder agreement 6.2; domain rules 14 and 15.
    """
    require_nobody("Navnet på den, der planlægger,", occasion.actor)
    if not by_clock:
        require_a_person(occasion.actor)
    agreement = agreements.get(connection, code, lock=True)
    plan, due = _plan(connection, agreement, occasion)
    if not due.documents:
        said = "".join(f" {entry.number} {entry.month}: {entry.message}" for entry in due.left_out)
        raise NoCasesToBill(agreement=code, as_of=occasion.as_of, left_out=said)
    plan = replace(plan, number=store.write_plan(connection, plan))
    _record_plan(connection, plan, occasion, "planned")
    return plan


def missing_of(connection: Connection, code: str, occasion: Occasion) -> dict[MunicipalityCode, tuple[Finding, ...]]:
    """What the bills that are due would lack as e-invoices; nothing of those that are complete.

    Returns:
        Payer -> findings, each with the official rule's id.

    Raises:
        AgreementUnknown.
    """
    agreement = agreements.get(connection, code)
    drafts = _drafts(agreement, cases_due(connection, agreement, occasion.as_of))
    return missing_by_payer(connection, drafts, occasion.as_of)


def _drafts(agreement: Agreement, due: CaseDue) -> list[DocumentDraft]:
    payers = [document.payer for document in due.documents]
    parties = party_snapshots(agreement, {agreement.issuer, *agreement.providers, *payers})
    return [draft_of(agreement, document, parties) for document in due.documents]


def _plan(connection: Connection, agreement: Agreement, occasion: Occasion) -> tuple[CasePlan, CaseDue]:
    due = cases_due(connection, agreement, occasion.as_of)
    settings = get_issuer(connection, agreement.issuer)
    inputs = dict(due.inputs)
    inputs[f"vilkårene i {agreement.code}"] = digest(
        [agreement.terms.advance.provider_own_share.value, repr(agreement.cases)],
    )
    inputs[f"indstillingerne for {municipality(agreement.issuer).official_name}"] = digest(settings.four_eyes)
    documents = tuple(_shown(document) for document in due.documents)
    plan = CasePlan(
        number=0,
        agreement=agreement.code,
        as_of=occasion.as_of,
        planned_by=occasion.actor,
        four_eyes=settings.four_eyes,
        hash=digest([sorted(inputs.items()), documents]),
        inputs=inputs,
        documents=documents,
        left_out=tuple(
            {
                "case": entry.number,
                "municipality": entry.payer,
                "month": str(entry.month),
                "error": entry.error,
                "message": entry.message,
            }
            for entry in due.left_out
        ),
    )
    return plan, due


def _shown(document: PlannedCaseDocument) -> dict[str, object]:
    return {
        "municipality": document.payer,
        "month": str(document.month),
        "amount_oere": document.amount_oere,
        "lines": [
            {
                "case": entry.case.number,
                "service": entry.case.service,
                "from": entry.line.period.from_day.isoformat(),
                "to": entry.line.period.last_day.isoformat(),
                "days": entry.line.days,
                "unit_oere": entry.line.unit_oere,
                "amount_oere": entry.line.amount_oere,
                "text": entry.text,
            }
            for entry in document.lines
        ],
    }


def get_plan(connection: Connection, number: int) -> CasePlan:
    """A stored plan.

    Raises:
        CasePlanUnknown.
    """
    found = store.read_plan(connection, number)
    if found is None:
        raise CasePlanUnknown(number=number)
    return found


def list_plans(connection: Connection, code: str | None = None) -> list[CasePlan]:
    """All plans, oldest first."""
    return [get_plan(connection, number) for number in store.plan_numbers(connection, code)]


def _locked(connection: Connection, number: int) -> tuple[CasePlan, Agreement]:
    agreement = agreements.get(connection, get_plan(connection, number).agreement, lock=True)
    return get_plan(connection, number), agreement


def _require_state(plan: CasePlan, *states: PlanState) -> None:
    if plan.state in states:
        return
    if plan.state is PlanState.PLANNED:
        raise CasePlanNotApproved(number=plan.number)
    raise CasePlanHasEnded(number=plan.number, state=STATE_WORDS[plan.state])


def approve_plan(connection: Connection, number: int, occasion: Occasion, *, by_clock: bool = False) -> CasePlan:
    """Approve a plan by name; where the issuer wants two to see it, not by the one who planned it, nor by the clock.

    Raises:
        CasePlanUnknown, CasePlanHasEnded, CasePlannerMayNotApprove, CasePersonMustApprove, PersonInText.

    Source: docs/decisions/0029-the-clock-is-no-person.md.
    """
    require_nobody("Navnet på den, der godkender,", occasion.actor)
    plan, agreement = _locked(connection, number)
    _require_state(plan, PlanState.PLANNED)
    if bears_name_of(occasion.actor, CLOCK) and (plan.four_eyes or not by_clock):
        raise CasePersonMustApprove(number=number, actor=occasion.actor)
    if plan.four_eyes and bears_name_of(occasion.actor, plan.planned_by):
        issuer = municipality(agreement.issuer).official_name
        raise CasePlannerMayNotApprove(issuer=issuer, actor=occasion.actor)
    return _ended(connection, plan, PlanState.APPROVED, occasion)


def stop_plan(connection: Connection, number: int, occasion: Occasion) -> CasePlan:
    """Give a plan up; what it covered is as due as before.

    Raises:
        CasePlanUnknown, CasePlanHasEnded.
    """
    plan, _ = _locked(connection, number)
    _require_state(plan, PlanState.PLANNED, PlanState.APPROVED)
    return _ended(connection, plan, PlanState.STOPPED, occasion)


def issue_cases(connection: Connection, number: int, occasion: Occasion) -> CaseIssue:
    """Issue an approved plan's bills, if all that it rests on is still the same.

    Raises:
        CasePlanUnknown, CasePlanNotApproved, CasePlanHasEnded.
        CasePlanOutOfDate: names what changed; nothing is issued.
        CasesBilledMeanwhile, IssueDateBeforeLast: nothing is issued.

    Source: domain rules 14 and 15.
    """
    plan, agreement = _locked(connection, number)
    _require_state(plan, PlanState.APPROVED)
    again, due = _plan(connection, agreement, replace(occasion, as_of=plan.as_of))
    if again.hash != plan.hash:
        raise CasePlanOutOfDate(number=number, changes=changed_inputs(plan.inputs, again.inputs) or ["beløbene"])
    drafts = _drafts(agreement, due)
    outcome = invoices.issue_documents(connection, drafts, occasion.as_of, occasion.at)
    if len(outcome.issued) != len(drafts):
        failed = outcome.failed[0] if outcome.failed else None
        who = failed.municipality if failed else outcome.held[0].municipality
        reason = failed.error.text() if failed else "måneden er faktureret imens."
        raise CasesBilledMeanwhile(municipality=municipality(who).official_name, reason=reason)
    store.write_lines(
        connection,
        [
            (LineKey(_id_of(connection, document), position), entry.line)
            for document, planned in zip(outcome.issued, due.documents, strict=True)
            for position, entry in enumerate(planned.lines, start=1)
        ],
    )
    audit.record(
        connection,
        occasion,
        action="single_case.issued",
        subject=f"{agreement.code} sagsplan {number}",
        details={
            "issued": [
                {
                    "number": document.number,
                    "municipality": document.subscriber.municipality,
                    "amount_oere": document.amount_oere,
                }
                for document in outcome.issued
            ],
            "sha256": invoices.fingerprints(connection, outcome.issued),
        },
    )
    return CaseIssue(_ended(connection, plan, PlanState.ISSUED, occasion), outcome.issued)


def _id_of(connection: Connection, document: IssuedDocument) -> int:
    invoice_id, _ = invoices.find_document(connection, document.number, document.issuer.municipality)
    return invoice_id


def changes_since(connection: Connection, plan: CasePlan, occasion: Occasion) -> list[str]:
    """What a plan rests on and is not what it was, in words; nothing where it can be issued."""
    agreement = agreements.get(connection, plan.agreement)
    again, _ = _plan(connection, agreement, replace(occasion, as_of=plan.as_of))
    return (changed_inputs(plan.inputs, again.inputs) or ["beløbene"]) if again.hash != plan.hash else []


def open_plans(connection: Connection, code: str) -> list[CasePlan]:
    """The agreement's plans that somebody has still to approve, issue or stop, oldest first."""
    return [get_plan(connection, number) for number in store.open_plan_numbers(connection, code)]


def _ended(connection: Connection, plan: CasePlan, state: PlanState, occasion: Occasion) -> CasePlan:
    event = PlanEvent(state, occasion.as_of, occasion.actor, "")
    store.write_plan_event(connection, plan.number, event)
    done = replace(plan, events=(*plan.events, event))
    _record_plan(connection, done, occasion, state.value)
    return done


def _record_plan(connection: Connection, plan: CasePlan, occasion: Occasion, participle: str) -> None:
    audit.record(
        connection,
        occasion,
        action=f"single_case.plan_{participle}",
        subject=f"{plan.agreement} sagsplan {plan.number}",
        details={
            "hash": plan.hash,
            "as_of": plan.as_of.isoformat(),
            "documents": len(plan.documents),
            "total_oere": plan.total_oere,
            "left_out": len(plan.left_out),
            "four_eyes": plan.four_eyes,
        },
    )


# Statements.


def case_statement(connection: Connection, code: str, payer: MunicipalityCode, period: Period) -> CaseStatement:
    """What the paying municipality is told of its cases within some days; of nobody else's.

    Raises:
        AgreementUnknown, UnknownMunicipality.

    Source: issue 7; the Horsens-Odder agreement 10.0.
    """
    agreement = agreements.get(connection, code)
    municipality(payer)
    billed = store.billed_lines(connection, code)
    days = _days_of_payers(connection, agreement)
    rows = []
    for case in store.cases(connection, code, payer):
        lines = [
            entry.line.amount_oere
            for entry in billed.get(case.id, [])
            if entry.is_live and entry.line.period.from_day in period
        ]
        counted = 0
        if case.admitted_on is not None and not case.is_withdrawn:
            counted = sum(
                days_in(counted_days(case.admitted_on, case.discharged_on, agreed, agreement.cases))
                for agreed in days.within(payer, period)
            )
        if not counted and not lines and case.opened_on not in period:
            continue
        rows.append(
            StatementRow(
                case.number,
                _service(agreement, case.service).title,
                case.approved_on,
                case.admitted_on,
                case.discharged_on,
                counted,
                sum(lines),
            ),
        )
    return CaseStatement(agreement, payer, period, tuple(rows))


def billed_by_month(connection: Connection, code: str, payer: MunicipalityCode) -> dict[Month, int]:
    """What stands billed for a payer's cases, by service month; øre."""
    billed = store.billed_lines(connection, code)
    found: dict[Month, int] = defaultdict(int)
    for case in store.cases(connection, code, payer):
        for entry in billed.get(case.id, []):
            if entry.is_live:
                found[entry.line.month] += entry.line.amount_oere
    return dict(found)
