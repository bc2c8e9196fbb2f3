"""A document as a person reads it: page one what is owed, page two how every amount came about; pure.

What is answered is texts in their places, so that whatever draws them (``write``) decides nothing. Amounts stand as
Danes write them.

Source: agreement § 6 stk. 1-3 and 6, § 7 stk. 1; domain rules 1-4, 7-9, 14 and 15.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from agreements.agreement import CostKind, MunicipalityCode
from agreements.schedule import Instalment as Months
from agreements.trading import Payment, PaymentMeans
from billing.annual_subscription.facts import AnnualSubscription, Division, Instalment, SubscriptionPart
from billing.annual_subscription.key_words import KEY_WORDS, figure_words
from billing.invoice.facts import ClaimKind, DocumentType, InvoiceLine, IssuedDocument, LineKind
from exports.e_invoice.facts import Invoice, TradeParty
from foundation.money import equal_parts, kroner
from foundation.period import DANISH_MONTHS, MONTHS_PER_YEAR, Month, Period

Pairs = tuple[tuple[str, str], ...]
PriceKey = tuple[str, int, int]  # agreement, year of the price, version

KINDS = {
    CostKind.COST: "udgift",
    CostKind.GRANT: "tilskud",
    CostKind.SURPLUS_CAPACITY_INCOME: "salg af overskudskapacitet",
}
LARGEST_SHOWN_COSTS = 40
EXIT_EXPLAINED = "Den udtrædende kommune afregner sin andel af de resultater, der ikke er indregnet i nogen pris."
IN_ITS_FAVOUR = "Et negativt beløb er i kommunens favør."
OWED_BY_IT = "Bilaget er en udbetaling: et negativt beløb skylder kommunen."


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: texts, and the amount at its end.

    Attributes:
        is_total: It sums what stands above it.
    """

    texts: tuple[str, ...]
    amount: str
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its headings, the last of which is the amounts'."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of page two."""

    heading: str
    paragraphs: tuple[str, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class PrintedDocument:
    """All that the two pages say.

    Attributes:
        title: ``Faktura F2008-0001``; also the file's.
        seller, buyer: Lines of an address.
        facts: Label -> text, such as dates and references.
        payment: Label -> text: how it is paid.
        attachment: The name of the e-invoice within, or empty where it is not fit to be sent.
    """

    title: str
    subject: str
    author: str
    seller: tuple[str, ...]
    buyer: tuple[str, ...]
    facts: Pairs
    lines: Table
    payment: Pairs
    remarks: tuple[str, ...]
    contact: str
    sections: tuple[Section, ...]
    attachment: str = ""


def printed_document(  # noqa: PLR0913 - a document, what it rests on, and the words for it
    document: IssuedDocument,
    invoice: Invoice,
    prices: Mapping[PriceKey, AnnualSubscription],
    names: Mapping[MunicipalityCode, str],
    titles: Mapping[str, str],
    *,
    attached: bool,
) -> PrintedDocument:
    """Lay out a document.

    Args:
        document: As it was issued.
        invoice: Its e-invoice, fit or not: what it says of parties, references and payment.
        prices: The versions of prices that its lines rest on.
        names: Code -> a municipality's name in tables.
        titles: Agreement -> its title.
        attached: Whether the e-invoice is within the file.
    """
    word = "Kreditnota" if document.document_type is DocumentType.CREDIT_NOTE else "Faktura"
    return PrintedDocument(
        title=f"{word} {document.number}",
        subject=f"{document.title}, {document.subscriber.name}",
        author=document.issuer.name,
        seller=_party(invoice.seller, document.issuer.gln),
        buyer=_party(invoice.buyer, document.subscriber.gln),
        facts=_facts(document, invoice),
        lines=_lines(document),
        payment=_payment(document, invoice),
        remarks=_remarks(document, invoice),
        contact=_contact(invoice.seller),
        sections=tuple(_sections(document, prices, names, titles)),
        attachment=f"{document.number}.xml" if attached else "",
    )


def price_keys(document: IssuedDocument) -> list[PriceKey]:
    """The versions of prices that a document's lines rest on, in their order."""
    return list(dict.fromkeys(key for line in document.lines if (key := _price_key(document, line)) is not None))


def _price_key(document: IssuedDocument, line: InvoiceLine) -> PriceKey | None:
    if line.version is None or document.kind is not ClaimKind.ACONTO:
        return None
    # Where the price was missing, last year's was billed (domain rule 8).
    year = line.period.from_day.year - (1 if document.provisional else 0)
    return line.agreement, year, line.version


def _party(party: TradeParty, gln: str) -> tuple[str, ...]:
    address = party.address
    place = f"{address.postal_code} {address.city}".strip() if address else ""
    numbers = [f"CVR {party.legal_entity.value}" if party.legal_entity else ""]
    endpoint = party.endpoint.value if party.endpoint and party.endpoint.scheme == "0088" else gln
    numbers.append(f"EAN/GLN {endpoint}" if endpoint else "")
    numbers.append(f"Momsnr. {party.vat_number}" if party.vat_number else "")
    lines = (party.name, address.street if address else "", place, " · ".join(text for text in numbers if text))
    return tuple(text for text in lines if text)


def _facts(document: IssuedDocument, invoice: Invoice) -> Pairs:
    is_credit = document.document_type is DocumentType.CREDIT_NOTE
    references = ", ".join(
        f"{each.number} af {each.issue_date:%d.%m.%Y}" if each.issue_date else each.number for each in invoice.preceding
    )
    found = (
        ("Dato", f"{document.issue_date:%d.%m.%Y}"),
        ("Udbetales senest" if is_credit else "Forfalder", f"{document.due_date:%d.%m.%Y}"),
        ("Periode", f"{invoice.period.from_day:%d.%m.%Y}–{invoice.period.last_day:%d.%m.%Y}"),
        ("Vedrører", references),
        ("Deres reference", invoice.buyer_reference),
        ("Ordrenummer", invoice.order_reference),
        ("Kontostreng", invoice.accounting_cost),
        ("Aftale", invoice.contract),
    )
    return tuple((label, text) for label, text in found if text)


def _lines(document: IssuedDocument) -> Table:
    sign = _sign(document)
    several = len({line.agreement for line in document.lines}) > 1
    rows = [
        Row((f"{line.agreement}: {line.text}" if several else line.text,), plain(sign * line.amount_oere))
        for line in document.lines
    ]
    word = "Til udbetaling" if sign < 0 else "At betale"
    total = Row((word,), plain(sign * document.amount_oere), is_total=True)
    return Table(("Tekst", "Beløb i kr."), (*rows, total))


def _sign(document: IssuedDocument) -> int:
    return -1 if document.document_type is DocumentType.CREDIT_NOTE else 1


def plain(amount_oere: int) -> str:
    """An amount as a column of kroner has it: ``194.202,82``."""
    return kroner(amount_oere).removesuffix(" kr.")


def _payment(document: IssuedDocument, invoice: Invoice) -> Pairs:
    payment = invoice.payment
    if document.internal:
        return (("Betaling", "Internt bilag: der opkræves intet."),)
    if payment is None:
        return (("Udbetaling", invoice.terms),) if invoice.terms else ()
    return tuple((label, text) for label, text in _paid_by(payment) if text)


def _paid_by(payment: Payment) -> Pairs:
    if payment.means == PaymentMeans.ACCOUNT:
        account = f"reg.nr. {payment.branch}, konto {payment.account}"
        return ("Betales til", account), ("Mærkes", payment.payment_id)
    if payment.means == PaymentMeans.IBAN:
        return ("IBAN", payment.account), ("BIC", payment.branch), ("Mærkes", payment.payment_id)
    if payment.means == PaymentMeans.FIK:
        card, _, digits = payment.payment_id.partition("#")
        return (("Indbetalingskort", f"+{card}<{digits}+{payment.account}<"),)
    return ("Betales til", "udstederens NemKonto"), ("Mærkes", payment.payment_id)


def _remarks(document: IssuedDocument, invoice: Invoice) -> tuple[str, ...]:
    reasons = [f"Momsfritaget: {group.reason}" for group in invoice.vat if group.category == "E" and group.reason]
    reasons += [
        f"Uden for momslovens område: {group.reason or 'ingen moms'}" for group in invoice.vat if group.category == "O"
    ]
    return tuple(text if text.endswith(".") else f"{text}." for text in (document.note, *reasons) if text)


def _contact(party: TradeParty) -> str:
    contact = party.contact
    return " · ".join(text for text in (contact.name, contact.phone, contact.mail) if text) if contact else ""


def _sections(
    document: IssuedDocument,
    prices: Mapping[PriceKey, AnnualSubscription],
    names: Mapping[MunicipalityCode, str],
    titles: Mapping[str, str],
) -> list[Section]:
    sections = []
    for key in price_keys(document):
        price = prices.get(key)
        part = price.part_of(document.subscriber.municipality) if price else None
        if price is not None and part is not None:
            lines = [line for line in document.lines if _price_key(document, line) == key]
            sections.append(_price_section(document, price, part, lines, names, titles.get(key[0], key[0])))
    settled = [line for line in document.lines if line.kind in {LineKind.EXIT, LineKind.NET_ASSETS}]
    if settled:
        sections.append(_exit_section(document, settled))
    return sections


def _price_section(  # noqa: PLR0913, PLR0917 - a price, whose it is, and the words for it
    document: IssuedDocument,
    price: AnnualSubscription,
    part: SubscriptionPart,
    lines: Sequence[InvoiceLine],
    names: Mapping[MunicipalityCode, str],
    title: str,
) -> Section:
    who = document.subscriber.name
    calculated = f" af {price.calculated_on:%d.%m.%Y}" if price.calculated_on else ""
    paragraphs = [f"{title}. Prisberegning nr. {price.version} for {price.year}{calculated}."]
    if document.provisional:
        missing = document.period.from_day.year
        paragraphs.append(
            f"Prisen for {missing} forelå ikke, da bilaget blev udstedt; derfor er prisen for {price.year} brugt. "
            f"Forskellen reguleres, når prisen er beregnet.",
        )
    tables = (
        _cost_table(price, names),
        _share_table(price, part, who, names),
        _instalment_table(document, price, part, lines),
    )
    return Section(f"Sådan er beløbet fremkommet: {price.year}", tuple(paragraphs), tables)


def _cost_table(price: AnnualSubscription, names: Mapping[MunicipalityCode, str]) -> Table:
    """Step 1: the cost that is split (§ 6 stk. 1; domain rule 1)."""
    rows = [
        Row(
            (
                f"{names.get(line.key.provider, line.key.provider)}, {line.key.service}",
                ", ".join(text for text in (KINDS[line.key.kind], line.key.line, line.note) if text),
            ),
            plain(line.net_oere),
        )
        for line in price.cost_lines
    ]
    if len(rows) > LARGEST_SHOWN_COSTS:
        hidden = price.cost_lines[LARGEST_SHOWN_COSTS:]
        rest = sum(line.net_oere for line in hidden)
        rows = [*rows[:LARGEST_SHOWN_COSTS], Row((f"{len(hidden)} linjer mere", ""), plain(rest))]
    total = Row(("Udgift, der fordeles", ""), plain(price.cost_oere), is_total=True)
    return Table(("1. Udgiften", "Art", "Kr."), (*rows, total))


def _share_table(
    price: AnnualSubscription,
    part: SubscriptionPart,
    who: str,
    names: Mapping[MunicipalityCode, str],
) -> Table:
    """Step 2: the share by population, less what earlier years left (§ 6 stk. 2 and 3; domain rules 2, 3 and 9)."""
    rows = _keyed_rows(price.division, part) if price.division else _counted_rows(price, part, who)
    for source, amount in part.passed_on.items():
        what = "overskud" if amount >= 0 else "underskud"
        provider = names.get(source.provider, source.provider)
        rows.append(Row((f"Resultat {source.accounting_year}, {provider}", f"andel af {what}"), plain(-amount)))
    total = Row(("Årets betalingsforpligtelse", ""), plain(part.obligation_oere), is_total=True)
    return Table(("2. Andelen", "Beregning", "Kr."), (*rows, total))


def _keyed_rows(division: Division, part: SubscriptionPart) -> list[Row]:
    """Every portion that the payer has a share of, with its key and the payer's figure."""
    rows = []
    for portion in division.portions:
        share = next((each for each in portion.shares if each.municipality == part.municipality), None)
        if share is None:
            continue
        whole = sum(each.figure.inhabitants for each in portion.shares)
        days = f"{portion.days.from_day:%d.%m.%Y}-{portion.days.last_day:%d.%m.%Y}"
        counted = f"{figure_words(portion.terms, share.figure.inhabitants)} ({share.figure.source})"
        amounts = f"{plain(portion.cost_oere)} × {percent(share.figure.inhabitants, whole)} %"
        name = portion.name or "hovednøgle"
        rows += [
            Row((f"Nøgle {name}, {days}", f"{KEY_WORDS[portion.terms.key]}: {counted}"), ""),
            Row(("Andel i kr.", amounts), plain(share.share_oere)),
        ]
    return rows


def _counted_rows(price: AnnualSubscription, part: SubscriptionPart, who: str) -> list[Row]:
    whole = sum(each.weight for each in price.parts)
    share = f"{plain(price.cost_oere)} × {_count(part.weight)} / {_count(whole)} ({percent(part.weight, whole)} %)"
    counted = f"{_count(part.population.inhabitants)} af {_count(whole)} indbyggere {price.reference_date:%d.%m.%Y}"
    return [
        Row((f"Andel: {who}", f"{counted} ({part.population.source})"), ""),
        Row(("Andel i kr.", share), plain(part.share_oere)),
    ]


def _instalment_table(
    document: IssuedDocument,
    price: AnnualSubscription,
    part: SubscriptionPart,
    lines: Sequence[InvoiceLine],
) -> Table:
    """Step 3: the month's part and how it is cut between the providers (§ 7 stk. 1; domain rules 4, 7 and 12)."""
    month = Month.of(document.period.from_day)
    when = _period_words(document.period)
    sign = _sign(document) if document.credits is None else -1
    rows = []
    if document.provisional:
        rows.append(Row(("Foreløbig rate", f"{plain(part.obligation_oere)} / {len(part.instalments)}, rundet ned"), ""))
    else:
        rows += [
            Row(
                (
                    when if each.month == month else _instalment_words(price, part, each.month),
                    _words_of(price, part, each, is_billed=each.invoiced),
                ),
                plain(each.amount_oere),
            )
            for each in part.instalments
        ]
        rows.append(Row(("Året i alt", ""), plain(part.obligation_oere), is_total=True))
    rows += [Row((f"Heraf i {when}", line.text), plain(sign * line.amount_oere)) for line in lines]
    amount = sum(line.amount_oere for line in lines)
    word = "Krediteret" if document.credits is not None else "Faktureret"
    rows.append(Row((f"{word} for {when}", ""), plain(sign * amount), is_total=True))
    return Table(("3. Raterne", "Beregning", "Kr."), tuple(rows))


def _period_words(period: Period) -> str:
    """A month by its name, a longer period from its first month to its last."""
    first, last = Month.of(period.from_day), Month.of(period.last_day)
    return first.danish if first == last else f"{DANISH_MONTHS[first.number - 1]}-{last.danish}"


def _instalment_words(price: AnnualSubscription, part: SubscriptionPart, month: Month) -> str:
    """Another instalment of the payer's year as people say it: ``april 2009``, ``2. kvartal 2009``.

    Each ends where the next begins. The payer's last one is as long as the one before it, or goes to December where
    the payer stays the year out: instalments cover a year without a gap.
    """
    months = [each.month for each in part.instalments]
    place = months.index(month)
    december = Month(price.year, MONTHS_PER_YEAR)
    own = price.division.days.get(part.municipality) if price.division else None
    if place + 1 < len(months):
        last = months[place + 1].plus(-1)
    elif place > 0 and own is not None and Month.of(own.last_day) < december:
        length = month.number - months[place - 1].number
        last = min(december, month.plus(length - 1))
    else:
        last = december
    return Months(place + 1, month, last).danish


def _words_of(price: AnnualSubscription, part: SubscriptionPart, of: Instalment, *, is_billed: bool) -> str:
    if is_billed:
        return "faktureret før denne beregning"
    open_months = [each for each in part.instalments if not each.invoiced]
    billed = len(part.instalments) - len(open_months)
    if of.month == open_months[-1].month:
        return "tager resten, så året går op"
    rest_oere = sum(each.amount_oere for each in open_months)
    if of.amount_oere != equal_parts(rest_oere, len(open_months), price.unit_oere)[0]:
        return "efter den del af året, som raten dækker, rundet ned"
    if billed:
        return f"resten af året fordelt på {len(open_months)} {_rates_word(part)}, rundet ned"
    unit = "øre" if price.unit_oere == 1 else "kroner"
    return f"{plain(part.obligation_oere)} / {len(part.instalments)}, rundet ned til hele {unit}"


def _rates_word(part: SubscriptionPart) -> str:
    months = [each.month for each in part.instalments]
    return "måneder" if all(one.plus(1) == other for one, other in pairwise(months)) else "rater"


def _exit_section(document: IssuedDocument, lines: Sequence[InvoiceLine]) -> Section:
    sign = _sign(document)
    rows = [Row((str(line.accounting_year), line.text), plain(sign * line.amount_oere)) for line in lines]
    total = Row(("I alt", ""), plain(sign * sum(line.amount_oere for line in lines)), is_total=True)
    return Section(
        "Sådan er beløbet fremkommet: udtræden",
        (f"{EXIT_EXPLAINED} {OWED_BY_IT if sign < 0 else IN_ITS_FAVOUR}",),
        (Table(("Regnskabsår", "Tekst", "Kr."), (*rows, total)),),
    )


def _count(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def percent(weight: int, whole: int) -> str:
    """A share in per cent with four decimals, the last one rounded to the nearest."""
    if whole == 0:
        return "0"
    scaled = (2 * weight * 1_000_000 + whole) // (2 * whole)
    number, decimals = divmod(scaled, 10_000)
    return f"{number},{decimals:04d}"
