"""What an e-invoice needs beside the agreement: how an issuer is paid, what a buyer wants named, how VAT stands.

Frozen values and the rules on them, each with the official rule's id; pure. What was entered is kept by day, so that a
document that was issued says the same whenever it is written (``in_force``).

Source: Peppol BIS Billing 3.0 with its Danish rules; EN 16931; docs/decisions/0025-e-invoice.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple, TypeVar

from stdnum import ean
from stdnum.dk import cvr as cvr_numbers

from agreements.agreement import MunicipalityCode
from foundation.errors import N_
from foundation.values import made_often

GLN_DIGITS = 13
CVR_DIGITS = 8
CREDITOR_DIGITS = 8
GLN_SCHEME = "0088"
CVR_SCHEME = "0184"


class PaymentMeans(StrEnum):
    """How an issuer is paid, by the codes of UNCL4461 that Danish suppliers use."""

    ACCOUNT = "42"  # registration and account number
    IBAN = "58"
    FIK = "93"  # a joint collection card (fælles indbetalingskort)
    NEMKONTO = "97"


class EndpointKind(StrEnum):
    """By which number a party is addressed."""

    GLN = "gln"
    CVR = "cvr"


class VatCategory(StrEnum):
    """How a service stands to VAT; one of them, never both, in a document."""

    EXEMPT = "E"
    OUTSIDE = "O"


class UnfitDocuments(StrEnum):
    """What becomes of a bill that cannot become a valid e-invoice."""

    REFUSED = "refused"  # it is not issued; the next run bills it
    WARNED = "warned"  # it is issued all the same; the plan says what it lacks


OUTSIDE_CODE = "VATEX-EU-O"
# Article 132(1) of the VAT directive: hospital and medical care, medical professions; social care, care of the young.
EXEMPT_CODES = ("VATEX-EU-132-1B", "VATEX-EU-132-1C", "VATEX-EU-132-1G", "VATEX-EU-132-1H")
# Where one document rests on several of them, the article alone is what they share.
WHOLE_ARTICLE = "VATEX-EU-132"
VAT_CODES = (*EXEMPT_CODES, OUTSIDE_CODE)


@dataclass(frozen=True, slots=True)
class VatTreatment:
    """How a service is taxed.

    Attributes:
        code: Of the VATEX list.
        reason: In words: the clause; empty where the document's line says it.
    """

    category: VatCategory
    code: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PaymentDetails:
    """Where an issuer is paid.

    Attributes:
        means: A ``PaymentMeans``; a plain text, so that another code can be refused by its rule.
        registration_number: Four digits, for an account.
        account_number: Up to ten digits.
        fik_card: ``71``, ``73`` or ``75``.
        creditor_number: Eight digits.
    """

    means: str
    registration_number: str = ""
    account_number: str = ""
    iban: str = ""
    bic: str = ""
    fik_card: str = ""
    creditor_number: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ask: a department, never necessarily a person."""

    name: str
    phone: str = ""
    mail: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a party is."""

    street: str = ""
    postal_code: str = ""
    city: str = ""


@dataclass(frozen=True, slots=True)
class IssuerDetails:
    """What an issuer's invoices say of it beside its name and CVR number.

    Attributes:
        vat_number: ``DK`` and eight digits; needed where something is exempt, never said where all is outside scope.
        endpoint: None takes the GLN where there is one, else the CVR number.
        unfit: What becomes of bills that cannot become e-invoices; None refuses them, as ``REFUSED`` does.
    """

    vat_number: str = ""
    endpoint: EndpointKind | None = None
    payment: PaymentDetails | None = None
    contact: Contact | None = None
    address: Address | None = None
    unfit: UnfitDocuments | None = None


@dataclass(frozen=True, slots=True)
class BuyerDetails:
    """What a subscriber wants its invoices of one agreement to name.

    Attributes:
        endpoint: None takes the GLN; ``CVR`` is chosen by an officer, since a municipality has many receivers.
        accounting_cost: Its kontostreng.
    """

    endpoint: EndpointKind | None = None
    buyer_reference: str = ""
    order_reference: str = ""
    accounting_cost: str = ""
    address: Address | None = None


_NO_BUYER = BuyerDetails()


@dataclass(frozen=True, slots=True)
class ServiceDetails:
    """How a service of an agreement is taxed and where the issuer books it.

    Attributes:
        vat: None takes what the agreement's clause says (``treatment_of``).
        own_account: The issuer's kontostreng that is debited.
        counter_account: The one that is credited.
    """

    vat: VatTreatment | None = None
    own_account: str = ""
    counter_account: str = ""


Details = TypeVar("Details")
Revisions = Sequence[tuple[date, Details]]


def in_force(revisions: Sequence[tuple[date, Details]], day: date) -> Details | None:
    """What a document of a day says, field by field.

    What stood on the day stands; what was empty then is what was entered first afterwards. So a document that lacked
    something can be completed, and one that said something says it for ever.

    Args:
        revisions: (day of entry, details), oldest first; each is whole.
        day: The date on the document.

    Returns:
        None where nothing was ever entered.
    """
    if not revisions:
        return None
    if len(revisions) == 1 and revisions[0][0] <= day:
        return revisions[0][1]
    before = [details for entered_on, details in revisions if entered_on <= day]
    later = [details for entered_on, details in revisions if entered_on > day]
    if before and not later:
        return before[-1]
    kind: Any = type(revisions[0][1])
    chosen: dict[str, Any] = {}
    for each in fields(kind):
        stood = getattr(before[-1], each.name) if before else None
        entered = [value for details in later if (value := getattr(details, each.name))]
        chosen[each.name] = stood or (entered[0] if entered else each.default)
    made: Details = kind(**chosen)
    return made


_CLAUSE = re.compile(r"§\s*13\b.*?\bnr\.?\s*(\d+)", re.IGNORECASE)
_BY_NUMBER = {"1": "VATEX-EU-132-1B", "2": "VATEX-EU-132-1G"}


@cache
def treatment_of(vat_exemption: str) -> VatTreatment | None:
    """How a service is taxed by the clause that the agreement names, or None where it says nothing that we know.

    Momsloven § 13, stk. 1, nr. 1 (health care) is the directive's article 132(1)(b), since a municipality is a body
    governed by public law; nr. 2 (social care) is (g). An officer chooses (c), (h) or outside scope.
    """
    found = _CLAUSE.search(vat_exemption)
    code = _BY_NUMBER.get(found[1]) if found else None
    return VatTreatment(VatCategory.EXEMPT, code, vat_exemption) if code else None


def treatment_by_code(code: str, reason: str = "") -> VatTreatment:
    """The treatment that a VATEX code stands for."""
    category = VatCategory.OUTSIDE if code == OUTSIDE_CODE else VatCategory.EXEMPT
    return VatTreatment(category, code, reason)


# Late interest is no price of a service: it is outside the scope of VAT, whatever the service is.
INTEREST_TREATMENT = VatTreatment(VatCategory.OUTSIDE, OUTSIDE_CODE, "Morarente er ikke vederlag for en ydelse")


@dataclass(frozen=True, slots=True)
class TradingBook:
    """All that was entered for some agreements and issuers, with the days of entry.

    Attributes:
        glns: (agreement, municipality) -> the GLN that the agreement has now.
        clauses: Agreement -> service -> the VAT clause that the agreement has now.
    """

    issuers: Mapping[MunicipalityCode, Revisions[IssuerDetails]] = field(default_factory=dict)
    buyers: Mapping[tuple[str, MunicipalityCode], Revisions[BuyerDetails]] = field(default_factory=dict)
    services: Mapping[tuple[str, str], Revisions[ServiceDetails]] = field(default_factory=dict)
    glns: Mapping[tuple[str, MunicipalityCode], str] = field(default_factory=dict)
    clauses: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def issuer(self, code: MunicipalityCode, day: date) -> IssuerDetails | None:
        """An issuer's details for a document of a day; None where it was never set up."""
        return in_force(self.issuers.get(code, ()), day)

    def refuses_unfit(self, code: MunicipalityCode, day: date) -> bool:
        """Whether an issuer issues only what can become an e-invoice: it has details, and has not chosen otherwise."""
        details = self.issuer(code, day)
        return details is not None and details.unfit is not UnfitDocuments.WARNED

    def buyer(self, agreement: str, code: MunicipalityCode, day: date) -> BuyerDetails:
        """What a subscriber wants named; empty where nobody entered it."""
        return in_force(self.buyers.get((agreement, code), ()), day) or _NO_BUYER

    def service(self, agreement: str, service: str, day: date) -> ServiceDetails:
        """How a service is booked and taxed, as entered."""
        return in_force(self.services.get((agreement, service), ()), day) or ServiceDetails()

    def treatment(self, agreement: str, service: str, day: date, clause: str = "") -> VatTreatment | None:
        """How a line is taxed.

        A line without a service, such as an earlier year's result, follows what is entered for the agreement's empty
        service, else its services where they are all alike.

        Args:
            agreement: The line's.
            service: Its service, or empty.
            day: The document's date.
            clause: The clause that the line itself says.
        """
        entered = self.service(agreement, service, day).vat
        if entered is not None:
            return entered
        if service:
            return treatment_of(clause or self.clauses.get(agreement, {}).get(service, ""))
        of_services = self.clauses.get(agreement, {})
        alike = {self.treatment(agreement, other, day, said) for other, said in of_services.items() if other}
        return alike.pop() if len(alike) == 1 else None

    def accounts(self, agreement: str, service: str, day: date) -> tuple[str, str] | None:
        """(own account, counter account) that a line is posted on, or None where one of them is missing.

        A line without a service follows what is entered for the empty service, else the services where all that have
        accounts have the same.
        """
        details = self.service(agreement, service, day)
        if details.own_account and details.counter_account:
            return details.own_account, details.counter_account
        if service:
            return None
        alike = {
            accounts
            for other in self.clauses.get(agreement, ())
            if other and (accounts := self.accounts(agreement, other, day))
        }
        return alike.pop() if len(alike) == 1 else None


class Finding(NamedTuple):
    """Something that keeps a document from being sent.

    Attributes:
        rule: The official rule's id.
        danish: The sentence, with named places.
        facts: What fills the places.
    """

    rule: str
    danish: str
    facts: tuple[tuple[str, str], ...] = ()

    def text(self, translate: Callable[[str], str] = str) -> str:
        """The rule's id and the sentence, in Danish or as ``translate`` renders the Danish."""
        return f"{self.rule}: {translate(self.danish).format_map(dict(self.facts))}"


NO_BUYER_REFERENCE = N_(
    "{who} har hverken en reference eller et ordrenummer i aftalen «{agreement}»; "
    "indtast det med «mellemregning party set».",
)
NO_BUYER_ENDPOINT = N_(
    "{who} har intet GLN i aftalen «{agreement}»; indtast det med «mellemregning party set --gln», "
    "eller vælg CVR-nummeret med --endpoint cvr.",
)
NO_PRECEDING = N_(
    "det udbetaler til {who} uden at kreditere noget, og {who} har ingen tidligere faktura i aftalen «{agreement}», "
    "som kreditnotaen kan henvise til; udstederen kan vælge --unfit warned med «mellemregning issuer details {code}».",
)
NO_ISSUER_ENDPOINT = N_("udstederen {who} har hverken GLN eller CVR-nummer.")
WRONG_GLN = N_("«{gln}» er ikke et GLN på 13 cifre med rigtigt kontrolciffer ({who}).")
WRONG_CVR = N_("«{cvr}» er ikke et CVR-nummer på 8 cifre ({who}).")
NO_LEGAL_ENTITY = N_("udstederen {who} har intet CVR-nummer.")
NO_PAYMENT = N_(
    "udstederen {who} har ikke oplyst, hvordan den betales; indtast det med «mellemregning issuer details {code}».",
)
WRONG_MEANS = N_(
    "betalingskoden {means} kan ikke bruges i Danmark; brug 42 (konto), 58 (IBAN), 93 (FIK), 97 (NemKonto)."
)
NO_ACCOUNT = N_("betaling til konto ({means}) kræver både registreringsnummer og kontonummer.")
NO_IBAN = N_("betaling ved overførsel (58) kræver et IBAN.")
NO_MANDATE = N_("betaling ved betalingsservice ({means}) kræver en aftale og betalerens konto.")
WRONG_GIRO = N_("girobetaling (50) kræver kortart 01, 04 eller 15 og et gironummer på 7 eller 8 cifre.")
WRONG_GIRO_ID = N_("girokort 04 og 15 kræver et betalings-id på 16 cifre.")
WRONG_FIK = N_("FIK (93) kræver kortart 71, 73 eller 75 og et kreditornummer på 8 tegn.")
WRONG_FIK_ID = N_("FIK-kort 71 og 75 kræver et betalings-id på 15-16 cifre.")
NO_VAT_NUMBER = N_(
    "udstederen {who} skal have et momsnummer (DK og 8 cifre), når ydelser er fritaget for moms; "
    "indtast det med «mellemregning issuer details {code} --vat-number».",
)
NO_VAT_CATEGORY = N_(
    "ydelsen «{service}» i aftalen «{agreement}» har ingen momsbehandling; "
    "indtast den med «mellemregning service set {agreement} {service} --vat».",
)
MIXED_VAT = N_(
    "et bilag kan ikke både have ydelser uden for momsloven og ydelser, der er fritaget ({services}). Er de af hver "
    'sin aftale, så giv aftalerne hver sin faktura: invoice_per = "agreement" under [terms.advance].',
)


def finding(rule: str, danish: str, **facts: str) -> Finding:
    """A finding with what fills its places."""
    return Finding(rule, danish, tuple(facts.items()))


def is_gln(text: str) -> bool:
    """Whether a text is a GLN: 13 digits with a right check digit."""
    return len(text) == GLN_DIGITS and text.isascii() and bool(ean.is_valid(text))


def is_cvr(text: str) -> bool:
    """Whether a text is written as a CVR number: 8 digits. Whether it is anybody's is the register's matter."""
    return len(text) == CVR_DIGITS and text.isascii() and text.isdigit()


def is_vat_number(text: str) -> bool:
    """Whether a text is a Danish VAT number: ``DK`` and a CVR or SE number with a right check digit."""
    return text.startswith("DK") and is_cvr(text[2:]) and bool(cvr_numbers.is_valid(text[2:]))


_LETTERS_OF_IBAN = {chr(ord("A") + place): str(10 + place) for place in range(26)}
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)


def is_iban(text: str) -> bool:
    """Whether a text is an IBAN without spaces, by its check digits."""
    if _IBAN.fullmatch(text) is None:
        return False
    digits = "".join(_LETTERS_OF_IBAN.get(character, character) for character in text[4:] + text[:4])
    return int(digits) % 97 == 1


@dataclass(frozen=True, slots=True)
class Payment:
    """How one document is paid.

    Attributes:
        means: UNCL4461.
        payment_id: What the payer repeats: the number, or the FIK card with its digits, ``71#000000020090001``.
        account: The account, the IBAN or the creditor number.
        branch: The registration number, or the BIC.
    """

    means: str
    payment_id: str
    account: str = ""
    branch: str = ""


def fik_digits(number: str, length: int) -> str:
    """A document's number as the digits of a FIK card, the last one a check digit by modulus 10.

    The digits of ``F2009-0001`` with zeros in front; year and place in the series, so no two documents of an issuer
    share them.
    """
    digits = "".join(character for character in number if character.isdigit()).rjust(length - 1, "0")
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the sum of two digits
    return digits + str(-total % 10)


_FIK_LENGTHS = {"71": 15, "75": 16}


def payment_of(details: PaymentDetails, number: str) -> Payment:
    """How the document with a number is paid."""
    match details.means:
        case PaymentMeans.ACCOUNT:
            return Payment(details.means, number, details.account_number, details.registration_number)
        case PaymentMeans.IBAN:
            return Payment(details.means, number, details.iban, details.bic)
        case PaymentMeans.FIK:
            length = _FIK_LENGTHS.get(details.fik_card)
            digits = fik_digits(number, length) if length else ""
            return Payment(details.means, f"{details.fik_card}#{digits}", details.creditor_number)
        case _:
            return Payment(details.means, number)


DANISH_MEANS = frozenset({"1", "10", "31", "42", "48", "49", "50", "58", "59", "93", "97"})
_GIRO_ACCOUNT = re.compile(r"\d{7,8}", re.ASCII)
_GIRO_ID_LENGTH = 19
_FIK_ID_LENGTHS = (18, 19)


def payment_findings(payment: Payment) -> Iterator[Finding]:
    """What is wrong with how a document is paid, by the Danish rules of Peppol BIS Billing."""
    means = payment.means
    if means not in DANISH_MEANS:
        yield finding("DK-R-005", WRONG_MEANS, means=means)
    elif means in {"31", "42"} and not (payment.account and payment.branch):
        yield finding("DK-R-006", NO_ACCOUNT, means=means)
    elif means == PaymentMeans.IBAN and not payment.account:
        yield finding("BR-61", NO_IBAN)
    elif means in {"49", "59"}:
        # We know no mandates, so what collects by one always lacks it.
        yield finding("PEPPOL-EN16931-R061", NO_MANDATE, means=means)
    elif means == "50":
        yield from _giro_findings(payment)
    elif means == PaymentMeans.FIK:
        yield from _fik_findings(payment)


def _giro_findings(payment: Payment) -> Iterator[Finding]:
    card = payment.payment_id[:3]
    if card not in {"01#", "04#", "15#"} or _GIRO_ACCOUNT.fullmatch(payment.account) is None:
        yield finding("DK-R-008", WRONG_GIRO)
    if card in {"04#", "15#"} and len(payment.payment_id) != _GIRO_ID_LENGTH:
        yield finding("DK-R-009", WRONG_GIRO_ID)


def _fik_findings(payment: Payment) -> Iterator[Finding]:
    card = payment.payment_id[:3]
    if card not in {"71#", "73#", "75#"} or len(payment.account) != CREDITOR_DIGITS:
        yield finding("DK-R-010", WRONG_FIK)
    if card in {"71#", "75#"} and len(payment.payment_id) not in _FIK_ID_LENGTHS:
        yield finding("DK-R-011", WRONG_FIK_ID)


@made_often
@dataclass(frozen=True, slots=True)
class Addressed:
    """What a document to be issued says of its parties and services, as far as e-invoices ask.

    Attributes:
        lines: (agreement, service, VAT clause) of its lines.
        is_interest: Whether it asks for late interest, which is outside the scope of VAT.
        follows_invoice: Whether the payer had an invoice of these agreements before, which a credit note can refer to.
    """

    issuer: MunicipalityCode
    issuer_name: str
    issuer_cvr: str
    issuer_gln: str
    subscriber: MunicipalityCode
    subscriber_name: str
    subscriber_cvr: str
    subscriber_gln: str
    lines: tuple[tuple[str, str, str], ...]
    is_credit: bool = False
    is_interest: bool = False
    follows_invoice: bool = True


def missing_in(documents: Sequence[Addressed], book: TradingBook, day: date) -> list[tuple[Finding, ...]]:
    """What each of some documents would lack as an e-invoice, before it has a number.

    What is the issuer's, the payer's and the services' own is judged once, however many documents say it.

    Args:
        documents: Their parties and services, in number order.
        book: What was entered.
        day: The date that they will bear.
    """
    shared: dict[tuple[object, ...], _Shared] = {}
    buyers: dict[tuple[object, ...], tuple[Finding, ...]] = {}
    found = []
    for each in documents:
        alike = (each.issuer, each.issuer_gln, each.lines, each.is_credit, each.is_interest)
        known = shared.get(alike)
        if known is None:
            known = shared[alike] = _shared_findings(each, book, day)
        agreements, of_issuer, of_services, rules = known
        buyer = (each.subscriber, each.subscriber_gln, agreements)
        of_buyer = buyers.get(buyer)
        if of_buyer is None:
            of_buyer = buyers[buyer] = tuple(_buyer_findings(each, agreements, book, day))
        whole = (*of_issuer, *of_buyer, *of_services)
        if each.is_credit and not each.follows_invoice:
            told = ", ".join(agreements)
            whole += (finding("BR-55", NO_PRECEDING, who=each.subscriber_name, agreement=told, code=each.issuer),)
        elif rules.isdisjoint([rule for rule, _, _ in of_buyer]):
            found.append(whole)  # nothing can stand there twice
            continue
        found.append(tuple(dict.fromkeys(whole)))
    return found


class _Shared(NamedTuple):
    """What all documents of one issuer have in common that are of the same agreements and services."""

    agreements: tuple[str, ...]
    of_issuer: tuple[Finding, ...]
    of_services: tuple[Finding, ...]
    rules: frozenset[str]


def _shared_findings(document: Addressed, book: TradingBook, day: date) -> _Shared:
    of_issuer = tuple(dict.fromkeys(_issuer_findings(document, book, day)))
    of_services = () if document.is_interest else tuple(dict.fromkeys(_vat_findings(document, book, day)))
    agreements = tuple(dict.fromkeys([agreement for agreement, _, _ in document.lines]))
    rules = frozenset([each.rule for each in (*of_issuer, *of_services)])
    return _Shared(agreements, of_issuer, of_services, rules)


def endpoint_of(
    kind: EndpointKind | None, gln: str, cvr: str, otherwise: EndpointKind | None
) -> tuple[str, str] | None:
    """(scheme, number) that a party is addressed by, or None where it is missing.

    Args:
        kind: What was chosen; None takes the GLN.
        gln: Its GLN, or empty.
        cvr: Its CVR number, or empty.
        otherwise: What is taken where nothing was chosen and there is no GLN.
    """
    chosen = kind or (EndpointKind.GLN if gln else otherwise)
    if chosen is EndpointKind.GLN and gln:
        return GLN_SCHEME, gln
    if chosen is EndpointKind.CVR and cvr:
        return CVR_SCHEME, cvr
    return None


def address_findings(who: str, endpoint: tuple[str, str]) -> Iterator[Finding]:
    """What is wrong with a number that a party is addressed by."""
    scheme, number = endpoint
    if scheme == GLN_SCHEME and not is_gln(number):
        yield finding("PEPPOL-COMMON-R040", WRONG_GLN, gln=number, who=who)
    if scheme == CVR_SCHEME and not is_cvr(number):
        yield finding("PEPPOL-COMMON-R042", WRONG_CVR, cvr=number, who=who)


_STAND_IN = "F2000-0001"


def _issuer_findings(document: Addressed, book: TradingBook, day: date) -> Iterator[Finding]:
    details = book.issuer(document.issuer, day) or IssuerDetails()
    who = document.issuer_name
    agreement = document.lines[0][0] if document.lines else ""
    gln = document.issuer_gln or book.glns.get((agreement, document.issuer), "")
    endpoint = endpoint_of(details.endpoint, gln, document.issuer_cvr, EndpointKind.CVR)
    if endpoint is None:
        yield finding("PEPPOL-EN16931-R020", NO_ISSUER_ENDPOINT, who=who)
    else:
        yield from address_findings(who, endpoint)
    if not document.issuer_cvr:
        yield finding("DK-R-002", NO_LEGAL_ENTITY, who=who)
    if document.is_credit:
        return
    if details.payment is None:
        yield finding("DK-R-005", NO_PAYMENT, who=who, code=document.issuer)
    else:
        yield from payment_findings(payment_of(details.payment, _STAND_IN))


def _buyer_findings(document: Addressed, agreements: Sequence[str], book: TradingBook, day: date) -> Iterator[Finding]:
    who = document.subscriber_name
    buyers = [book.buyer(agreement, document.subscriber, day) for agreement in agreements]
    glns = [book.glns.get((agreement, document.subscriber), "") for agreement in agreements]
    kind = next(iter([buyer.endpoint for buyer in buyers if buyer.endpoint]), None)
    gln = document.subscriber_gln or next(filter(None, glns), "")
    endpoint = endpoint_of(kind, gln, document.subscriber_cvr, None)
    told = ", ".join(agreements)
    if endpoint is None:
        yield finding("PEPPOL-EN16931-R010", NO_BUYER_ENDPOINT, who=who, agreement=told)
    else:
        yield from address_findings(who, endpoint)
    if not any(buyer.buyer_reference or buyer.order_reference for buyer in buyers):
        yield finding("PEPPOL-EN16931-R003", NO_BUYER_REFERENCE, who=who, agreement=told)


def _vat_findings(document: Addressed, book: TradingBook, day: date) -> Iterator[Finding]:
    treatments = {
        (agreement, service): book.treatment(agreement, service, day, clause)
        for agreement, service, clause in document.lines
    }
    for (agreement, service), treatment in treatments.items():
        if treatment is None:
            yield finding("BR-CO-04", NO_VAT_CATEGORY, agreement=agreement, service=service)
    categories = {treatment.category for treatment in treatments.values() if treatment}
    if len(categories) > 1:
        services = ", ".join(sorted({service for _, service in treatments if service}))
        yield finding("BR-O-11", MIXED_VAT, services=services)
    if VatCategory.EXEMPT in categories:
        details = book.issuer(document.issuer, day) or IssuerDetails()
        if not details.vat_number:
            yield finding("BR-E-02", NO_VAT_NUMBER, who=document.issuer_name, code=document.issuer)
