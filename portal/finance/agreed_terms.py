"""An agreement's terms as a person reads them: one sentence for each, of what it says and of nothing it does not."""

from __future__ import annotations

from collections.abc import Iterator

from agreements.agreement import (
    Agreement,
    AllocationKey,
    DayOfYear,
    InvoicePer,
    IssuedBy,
    KeyTerms,
    NetAssets,
    PartialYear,
    ProviderOwnShare,
    ReferenceDate,
    RenewalKind,
    ResultKey,
    Timing,
    TrueUp,
)
from billing.annual_subscription.key_words import KEY_WORDS
from portal.case_words import how_days_count
from portal.language import _
from portal.parts import name_of

Term = tuple[str, str]


def _day(day: DayOfYear) -> str:
    return f"{day.day}.{day.month}."


def terms_in_words(found: Agreement) -> list[Term]:
    """What was agreed, one sentence per clause."""
    return [
        (_("Fordeling"), " ".join(_division(found))),
        (_("A conto"), _schedule(found)),
        (_("Bilag"), _papers(found)),
        (_("Pris og regnskab"), _settlement(found)),
        (_("Resultat"), " ".join(_result(found))),
        (_("Opsigelse"), _renewal(found)),
        *_more(found),
        (
            _("Forbrug"),
            _("Der laves {count} forbrugsopgørelser om året; tal under {threshold} skjules.").format(
                count=len(found.terms.usage.periods), threshold=found.terms.usage.small_count_threshold
            ),
        ),
    ]


def _key(terms: KeyTerms) -> str:
    if terms.key is AllocationKey.ONE_PARTY:
        return _("{name} betaler det hele").format(name=name_of(terms.payer))
    if terms.key is AllocationKey.AGE_BAND_POPULATION:
        return _("indbyggertal, {first}-{last} år").format(first=terms.age_from, last=terms.age_to)
    return _(KEY_WORDS[terms.key])


def _division(found: Agreement) -> Iterator[str]:
    allocation = found.terms.allocation
    counted = {
        ReferenceDate.JANUARY_1_OF_PREVIOUS_YEAR: _("den 1. januar året før"),
        ReferenceDate.JANUARY_1_OF_SAME_YEAR: _("den 1. januar i året selv"),
    }[allocation.reference_date]
    unit = allocation.rounding_unit_oere
    if allocation.key is AllocationKey.POPULATION:
        yield _("Udgiften deles efter indbyggertallet {counted}, afrundet til {unit} øre.").format(
            counted=counted, unit=unit
        )
    else:
        yield _("Udgiften deles efter: {key}, afrundet til {unit} øre.").format(key=_key(allocation.basis), unit=unit)
    titles = {service.code: service.title for service in found.services}
    for line in allocation.line_keys:
        what = [*(titles.get(code, code) for code in line.services), *line.lines]
        yield _("Dog {what}: {key}.").format(what=", ".join(what), key=_key(line.terms))
    if allocation.partial_year is PartialYear.MONTHS:
        yield _("Deltager en part i en del af et år, betaler den for hele måneder.")
    elif allocation.partial_year is PartialYear.DAYS:
        yield _("Deltager en part i en del af et år, betaler den for dagene.")


def _schedule(found: Agreement) -> str:
    advance = found.terms.advance
    words = {"count": advance.instalments, "day": advance.send_by_day, "due": advance.due_days}
    if advance.dates:
        days = ", ".join(_day(each) for each in advance.dates)
        return _("Årets beløb betales i {count} rater, der sendes senest {days} og forfalder efter {due} dage.").format(
            days=days, **words
        )
    if advance.timing is Timing.ARREARS:
        return _(
            "Årets beløb betales bagud i {count} rater. Hver sendes senest den {day}. i måneden efter og forfalder "
            "efter {due} dage."
        ).format(**words)
    if advance.months_ahead == 0:
        return _(
            "Årets beløb betales forud i {count} rater. Hver sendes senest den {day}. i sin første måned og forfalder "
            "efter {due} dage."
        ).format(**words)
    return _(
        "Årets beløb betales i {count} rater. Hver sendes senest den {day}. i måneden {ahead} måned før og "
        "forfalder efter {due} dage."
    ).format(ahead=advance.months_ahead, **words)


def _papers(found: Agreement) -> str:
    advance = found.terms.advance
    own = {
        ProviderOwnShare.INVOICE: _("En leverandør, der også betaler, får et bilag på sin egen andel."),
        ProviderOwnShare.NET: _("En leverandørs egen andel modregnes."),
    }[advance.provider_own_share]
    papers = {
        InvoicePer.ISSUER: _("Aftaler med samme udsteder deler faktura."),
        InvoicePer.AGREEMENT: _("Aftalen har sin egen faktura."),
    }[advance.invoice_per]
    by_whom = {
        IssuedBy.OFFICER: _("En medarbejder udsteder."),
        IssuedBy.CLOCK: _("Uret udsteder selv, når fristen er nær."),
    }[advance.issued_by]
    return f"{own} {papers} {by_whom}"


def _settlement(found: Agreement) -> str:
    settlement = found.terms.settlement
    return _(
        "Krav meldes senest {demand}, prisen varsles senest {notice}, og regnskabet ligger senest {accounts}"
    ).format(
        demand=_day(settlement.demand_by),
        notice=_day(settlement.price_notice_by),
        accounts=_day(settlement.accounts_by),
    )


def _result(found: Agreement) -> Iterator[str]:
    settlement = found.terms.settlement
    whose = {
        ResultKey.ACCOUNTING_YEAR: _("regnskabsåret"),
        ResultKey.APPLICATION_YEAR: _("det år, hvis pris det indregnes i"),
    }[settlement.result_key]
    yield _("Et års resultat indregnes i prisen {lag} år senere og deles efter {whose}.").format(
        lag=settlement.lag_years, whose=whose
    )
    if settlement.true_up is TrueUp.FIRST_YEAR:
        yield _(
            "Det første regnskabsårs forskel gøres op med hver kommune på bilag for sig senest {by} året efter og "
            "indgår ikke i nogen pris."
        ).format(by=_day(settlement.true_up_by))
    if settlement.keep_percent is not None:
        yield _("Der kan højst overføres {percent} % af et års udgift.").format(
            percent=f"{settlement.keep_percent:f}".replace(".", ",")
        )
    if settlement.keep_years:
        yield _("Det overførte indregnes senest efter {years} år.").format(years=settlement.keep_years)


def _renewal(found: Agreement) -> str:
    renewal = found.terms.renewal
    if renewal.kind is RenewalKind.OPEN_ENDED:
        return _(
            "Aftalen løber, til den siges op: gensidigt, skriftligt og med {months} måneders varsel til den 1. i en "
            "måned."
        ).format(months=renewal.notice_months)
    if renewal.kind is RenewalKind.FIXED_TERM:
        return _("Aftalen løber til sin sidste dag og kan ikke siges op før.")
    return _("Aftalen fortsætter et kalenderår ad gangen; man siger op senest {day} i det sidste år.").format(
        day=_day(renewal.notice_by)
    )


def _more(found: Agreement) -> Iterator[Term]:
    if found.terms.settlement.net_assets_at_exit is NetAssets.LAST_YEAR:
        yield (
            _("Udtræden"),
            _(
                "Den, der udtræder, får sin andel af nettoformuen, eller betaler sin andel af gælden, efter nøglerne "
                "på sin sidste dag."
            ),
        )
    renegotiation = found.terms.renegotiation
    if renegotiation.duty:
        said = _("Parterne skal genforhandle, når de grundlæggende forudsætninger ændres.")
        if renegotiation.first_on is not None:
            said += " " + _("Første gang {day}.").format(day=f"{renegotiation.first_on:%d.%m.%Y}")
        yield _("Genforhandling"), said
    cases = found.cases
    if cases.services:
        yield (
            _("Enkeltsager"),
            _(
                "{services}. {how} Regningen sendes senest den {day}. i måneden efter, forfalder efter {due} dage og "
                "kan rejses i {months} måneder."
            ).format(
                services="; ".join(service.title for service in cases.services),
                how=how_days_count(cases),
                day=cases.send_by_day,
                due=cases.due_days,
                months=cases.claim_within_months,
            ),
        )
