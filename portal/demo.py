"""The demo: the agreement on Funen lived through 2009-2011, month by month, on real populations and made-up amounts.

Beside it Horsens for Odder through 2009, by quarters, and out of it by nine months' notice; with three cases by the
day, a price that rises inside a stay and a discharge that was reported wrong.

A surplus in 2009 of which a part is carried over, a budget corrected in May 2010, a deficit in 2010, a municipality
that leaves at the end of 2010, and a price for 2011 that comes too late, so that three months are billed provisionally.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from importlib import resources
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy import Connection

import migrations
from agreements import run as agreements
from agreements import trading_run
from agreements.agreement_file import read_agreement, write_agreement
from agreements.case_terms import CasePrice
from agreements.deadlines import send_deadline
from agreements.schedule import months_of_year
from billing.annual_subscription import run as subscriptions
from billing.invoice import run as invoices
from billing.invoice import store as invoice_store
from billing.invoice.facts import ClaimKind
from billing.monthly_aconto import run as months
from billing.single_case import run as cases
from billing.verify import verify
from billing.year_end_settlement import clearing_run as clearing
from billing.year_end_settlement import exit_run as exits
from billing.year_end_settlement import run as settlements
from billing.year_end_settlement.facts import NOTHING_CARRIED, CarryOver
from exports.e_invoice import run as e_invoices
from exports.excel import run as workbooks
from exports.excel.cases import write_case_statement
from exports.pdf import run as pdfs
from foundation import clock
from foundation.audit import Occasion
from foundation.database import Database
from foundation.errors import BadInput, N_, reason_of
from foundation.money import kroner
from foundation.period import Month, Period, months_between
from portal.commands.door import Door, console, name_of, table
from portal.language import _

AGREEMENT_FILE = "fyn_2009.toml"
OTHER_FILE = "horsens_odder_2009.toml"
OTHER_CODE = "horsens-odder"
OTHER_PAYER = "727"  # Odder
DETAILS_FILE = "oplysninger.toml"
OTHER_DETAILS_FILE = "oplysninger_horsens.toml"
DOCUMENTS_FOLDER = "bilag"
CODE = "fyn-alkohol"
LEAVER = "482"  # Langeland
CORRECTED = "492"  # Ærø
CORRECTION = N_("Eksempel: fakturaen manglede en bemærkning.")
FIRST_MONTH = Month(2009, 1)
ACTOR = "demo"
AUTHOR, APPROVER = "Demo: Odense Kommune", "Demo: Svendborg Kommune"
APPROVER_OF_CASES = "Demo: Horsens Kommune"
KEPT_OF_2009 = CarryOver(percent=Decimal(40))
LAST_DAY = date(2012, 4, 2)
DATABASE_FILE = "mellemregning-demo.sqlite"
MARKED = N_("Folketallene er Danmarks Statistiks. Alle beløb er OPDIGTEDE eksempler; aftalen nævner ingen.")


class NotADemo(BadInput):
    """The folder holds something else than an earlier demo."""

    danish = N_("{folder} er ikke en mappe, demoen kan skrive i: {reason}. Vælg en anden med --out.")


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens on a day.

    Attributes:
        does: What it does with a connection and an occasion; answers what is told about it, or nothing.
    """

    day: date
    does: Callable[[Connection, Occasion], str]


def _file(name: str) -> bytes:
    return resources.files("portal").joinpath("demo_files", name).read_bytes()


def _marked_agreement(name: str = AGREEMENT_FILE) -> bytes:
    """The agreement as its file has it, with titles that say that the amounts are made up: so does all that follows."""
    content = resources.files("agreements").joinpath("examples", name).read_bytes()
    value = read_agreement(name, content)
    services = tuple(replace(service, title=f"{service.title} (opdigtet beløb)") for service in value.services)
    by_case = tuple(replace(service, title=f"{service.title} (opdigtet ophold)") for service in value.cases.services)
    return write_agreement(
        replace(
            value,
            title=f"EKSEMPEL med opdigtede beløb: {value.title}",
            services=services,
            cases=replace(value.cases, services=by_case),
        )
    ).encode()


def _agreement(connection: Connection, occasion: Occasion) -> str:
    load = agreements.load_agreement(connection, AGREEMENT_FILE, _marked_agreement(), occasion)
    return _("aftalen «{title}» er registreret").format(title=load.agreement.title)


def _other_agreement(connection: Connection, occasion: Occasion) -> str:
    """Horsens for Odder: by quarters, by agreed capacity, open-ended."""
    load = agreements.load_agreement(connection, OTHER_FILE, _marked_agreement(OTHER_FILE), occasion)
    price = subscriptions.calculate_year(connection, OTHER_CODE, 2009, occasion).subscription
    return _("aftalen «{title}» er registreret; prisen for 2009 er {total}").format(
        title=load.agreement.title, total=kroner(price.total_oere)
    )


def _other_notice(connection: Connection, occasion: Occasion) -> str:
    agreements.end(connection, OTHER_CODE, OTHER_PAYER, date(2010, 1, 1), occasion)
    return _("{name} opsiger partnerskabsaftalen med ni måneders varsel til 01.01.2010").format(
        name=name_of(OTHER_PAYER)
    )


def _other_talks(connection: Connection, occasion: Occasion) -> str:
    text = _("Eksempel: parterne drøfter antallet af pladser; intet ændres i 2009.")
    agreements.renegotiated(connection, OTHER_CODE, occasion.as_of, text, occasion)
    return _("partnerskabsaftalen er genforhandlet")


def _details(name: str) -> Callable[[Connection, Occasion], str]:
    def load(connection: Connection, occasion: Occasion) -> str:
        trading_run.load_details(connection, name, _file(name), occasion)
        return _("oplysninger til e-fakturaer er indtastet")

    return load


def _case(service: str) -> Callable[[Connection, Occasion], str]:
    def opened(connection: Connection, occasion: Occasion) -> str:
        number = cases.open_case(connection, OTHER_CODE, service, OTHER_PAYER, occasion).number
        cases.approve_case(connection, number, occasion.as_of, occasion)
        return ""

    return opened


def _nth(connection: Connection, place: int) -> str:
    """The number of a case by when it was opened; it is drawn by lot, so it is another each time."""
    return cases.list_cases(connection, OTHER_CODE)[place].number


def _arrives(place: int) -> Callable[[Connection, Occasion], str]:
    def admit(connection: Connection, occasion: Occasion) -> str:
        cases.admit(connection, _nth(connection, place), occasion.as_of, occasion)
        return ""

    return admit


def _leaves(place: int) -> Callable[[Connection, Occasion], str]:
    def discharge(connection: Connection, occasion: Occasion) -> str:
        cases.discharge(connection, _nth(connection, place), occasion.as_of, occasion)
        return ""

    return discharge


def _left_earlier(place: int, day: date) -> Callable[[Connection, Occasion], str]:
    def correct(connection: Connection, occasion: Occasion) -> str:
        case = _nth(connection, place)
        cases.correct_case(connection, case, cases.CaseCorrection(discharged_on=day), occasion)
        return _("enkeltsag {case}: udskrivningen var den {day}; det meddeles først nu").format(
            case=case, day=f"{day:%d.%m.%Y}"
        )

    return correct


def _day_price(connection: Connection, occasion: Occasion) -> str:
    price = CasePrice("kraasiglund", occasion.as_of, 135_000)
    cases.set_price(connection, OTHER_CODE, price, occasion)
    return _("taksten for «{service}» er {amount} pr. døgn fra i dag").format(
        service=price.service, amount=kroner(price.amount_oere).rstrip(".")
    )


def _case_bills(connection: Connection, occasion: Occasion) -> str:
    plan = cases.plan_cases(connection, OTHER_CODE, occasion)
    cases.approve_plan(connection, plan.number, replace(occasion, actor=APPROVER_OF_CASES))
    issued = cases.issue_cases(connection, plan.number, occasion).issued
    return _("enkeltsager: {what} til {name}, {amount}").format(
        what=issued[0].number,
        name=name_of(OTHER_PAYER),
        amount=kroner(sum(document.amount_oere for document in issued)),
    )


def _budget(name: str, text: str) -> Callable[[Connection, Occasion], str]:
    def load(connection: Connection, occasion: Occasion) -> str:
        agreements.load_budget(connection, name, _file(name), occasion)
        return text

    return load


def _price(year: int) -> Callable[[Connection, Occasion], str]:
    def calculate(connection: Connection, occasion: Occasion) -> str:
        value = subscriptions.calculate_year(connection, CODE, year, occasion).subscription
        subscriptions.give_price_notice(connection, CODE, year, occasion)
        return _("prisen for {year}, beregning nr. {version}: {cost}, heraf fra tidligere år {passed_on}").format(
            year=year,
            version=value.version,
            cost=kroner(value.total_oere),
            passed_on=kroner(-value.passed_on_oere),
        )

    return calculate


def _notice(connection: Connection, occasion: Occasion) -> str:
    agreements.leave(connection, CODE, LEAVER, 2010, occasion)
    return _("{name} opsiger og udtræder med udgangen af 2010").format(name=name_of(LEAVER))


def _close(year: int, carry: CarryOver) -> Callable[[Connection, Occasion], str]:
    def close(connection: Connection, occasion: Occasion) -> str:
        name = f"regnskab_{year}.toml"
        settlements.load_accounts(connection, name, _file(name), occasion)
        value = settlements.close(
            connection,
            CODE,
            year,
            occasion,
            carry=carry,
            author=AUTHOR,
            approver=APPROVER,
        )
        clearing.clear_providers(connection, CODE, year, occasion)
        return _("regnskabet for {year} er afsluttet: {what} {result}, heraf overføres {carried}").format(
            year=year,
            what=_("overskud") if value.result_oere >= 0 else _("underskud"),
            result=kroner(abs(value.result_oere)),
            carried=kroner(value.carried_oere),
        )

    return close


def _exit(connection: Connection, occasion: Occasion) -> str:
    value = exits.settle_exit(connection, CODE, LEAVER, occasion)
    return _("{name} er opgjort ved {number}: {amount}").format(
        name=name_of(LEAVER),
        number=value.number,
        amount=kroner(value.amount_oere),
    )


def _release(connection: Connection, occasion: Occasion) -> str:
    everything = CarryOver(percent=Decimal(100))
    settlements.release(
        connection,
        CODE,
        2009,
        2013,
        occasion,
        amount=everything,
        author=AUTHOR,
        approver=APPROVER,
    )
    return _("det overførte fra 2009 frigives til prisen for 2013")


def _corrected(connection: Connection, occasion: Occasion) -> str:
    """A credit note, and the month once more: so that the demo has one of each kind of document."""
    last = invoice_store.documents(connection, agreement=CODE, subscriber=CORRECTED, only_claimed=True)[-1]
    credit = invoices.credit_document(connection, last.number, reason=_(CORRECTION), occasion=occasion)
    month = Month.of(last.period.from_day)
    again = months.issue_month(connection, CODE, month, occasion).issued[0]
    return _("{name}: {number} er krediteret ved {credit} og udstedt igen som {again}").format(
        name=name_of(CORRECTED),
        number=last.number,
        credit=credit.number,
        again=again.number,
    )


def _month(month: Month, code: str = CODE) -> Callable[[Connection, Occasion], str]:
    def issue(connection: Connection, occasion: Occasion) -> str:
        outcome = months.issue_month(connection, code, month, occasion)
        if outcome.failed:
            raise outcome.failed[0].error
        provisional = any(document.provisional for document in outcome.issued)
        return _("{month} er faktureret foreløbigt; prisen mangler").format(month=month.danish) if provisional else ""

    return issue


def steps() -> list[Step]:
    """All that happens, by day; a month goes out on its last bank day."""
    told = [
        Step(date(2008, 5, 20), _agreement),
        Step(date(2008, 5, 21), _details(DETAILS_FILE)),
        Step(date(2008, 5, 30), _price(2009)),
        Step(date(2008, 12, 18), _other_agreement),
        Step(date(2008, 12, 19), _details(OTHER_DETAILS_FILE)),
        *_cases(),
        Step(date(2009, 3, 20), _other_notice),
        Step(date(2009, 9, 9), _other_talks),
        Step(date(2009, 5, 25), _budget("budget_2010.toml", _("budgettet for 2010 er indlæst"))),
        Step(date(2009, 5, 29), _price(2010)),
        Step(date(2010, 3, 26), _close(2009, KEPT_OF_2009)),
        Step(date(2010, 5, 12), _budget("budget_2010_rettet.toml", _("budgettet for 2010 er rettet"))),
        Step(date(2010, 5, 12), _price(2010)),
        Step(date(2010, 6, 21), _notice),
        Step(date(2011, 2, 21), _budget("budget_2011.toml", _("budgettet for 2011 er indlæst - for sent"))),
        Step(date(2011, 2, 21), _price(2011)),
        Step(date(2011, 3, 28), _close(2010, NOTHING_CARRIED)),
        Step(date(2011, 4, 4), _exit),
        Step(date(2011, 5, 24), _budget("budget_2012.toml", _("budgettet for 2012 er indlæst"))),
        Step(date(2011, 5, 31), _price(2012)),
        Step(date(2012, 3, 27), _close(2011, NOTHING_CARRIED)),
        Step(LAST_DAY, _release),
        Step(LAST_DAY, _corrected),
    ]
    advance = read_agreement(AGREEMENT_FILE, _marked_agreement()).terms.advance
    billed = [
        Step(send_deadline(advance, month), _month(month))
        for month in months_between(Month(2009, 1), Month(2012, 4))
        if send_deadline(advance, month) <= LAST_DAY
    ]
    quarters = read_agreement(OTHER_FILE, _marked_agreement(OTHER_FILE)).terms.advance
    billed += [
        Step(send_deadline(quarters, month), _month(month, OTHER_CODE)) for month in months_of_year(quarters, 2009)
    ]
    return sorted([*told, *billed], key=lambda step: step.day)


def _cases() -> list[Step]:
    """Three cases over a month's end; a price that rises inside two stays, and a discharge that is reported late."""
    return [
        Step(date(2009, 1, 12), _case("kraasiglund")),
        Step(date(2009, 1, 15), _arrives(0)),
        Step(date(2009, 1, 19), _case("halfway-huset")),
        Step(date(2009, 1, 20), _arrives(1)),
        Step(date(2009, 1, 28), _case("kraasiglund")),
        Step(date(2009, 1, 30), _arrives(2)),
        Step(date(2009, 2, 3), _leaves(1)),
        Step(date(2009, 2, 10), _case_bills),
        Step(date(2009, 2, 16), _day_price),
        Step(date(2009, 2, 20), _leaves(2)),
        Step(date(2009, 3, 10), _case_bills),
        Step(date(2009, 3, 31), _leaves(0)),
        Step(date(2009, 4, 2), _left_earlier(2, date(2009, 2, 17))),
        Step(date(2009, 4, 8), _case_bills),
    ]


def live(door: Door, folder: Path) -> None:
    """Live the years, write the workbooks, verify, and say what was billed to whom."""
    out = console()
    database = _fresh_database(folder)
    with database.transaction() as connection:
        agreements.ship_population(connection, Occasion(date(2008, 5, 20), ACTOR, clock.now()))
    if not door.as_json:
        out.print(_("Mellemregning: aftalen på Fyn gennem 2009-2011"), style="bold")
        out.print(_(MARKED))
    for line in _lived(door, database):
        if not door.as_json:
            out.print(line)
    files = _workbooks(door, database, folder)
    sent = _documents(database, folder)
    with database.reading() as connection:
        checks = verify(connection, LAST_DAY)
        documents = invoice_store.documents(connection, agreement=CODE)
    ok = all(check.ok for check in checks)
    billed: dict[str, dict[int, int]] = {}
    for document in documents:
        years = billed.setdefault(document.subscriber.municipality, {})
        years[document.period.from_day.year] = years.get(document.period.from_day.year, 0) + document.amount_oere
    answer = {
        "ok": ok,
        "database": database.engine.url.render_as_string(),
        "invoiced": [
            {"municipality": code, "years": {str(year): amount for year, amount in sorted(years.items())}}
            for code, years in sorted(billed.items())
        ],
        "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks],
        "files": [str(file) for file in files],
        "documents": [str(file) for file in sent],
    }
    database.dispose()

    def people(_console: object) -> None:
        covered = sorted({year for years in billed.values() for year in years})
        rows = [
            (code, name_of(code), *(years.get(year, 0) for year in covered), sum(years.values()))
            for code, years in sorted(billed.items())
        ]
        heading = [_("Kode"), _("Kommune"), *(f"{year} kr." for year in covered), _("I alt kr.")]
        sums = [sum(years.get(year, 0) for years in billed.values()) for year in covered]
        out.print(
            table(_("Faktureret (opdigtede beløb)"), heading, rows, total=("", _("I alt"), *sums, sum(sums))),
        )
        for check in checks:
            out.print(f"  {'ok  ' if check.ok else 'FEJL'}  {check.name}: {check.detail}")
        out.print(_("Alt stemmer.") if ok else _("Der er fejl i bøgerne."), style="bold")
        out.print(_("{count} regneark ligger i {folder}").format(count=len(files), folder=folder))
        out.print(
            _("{count} e-fakturaer og PDF-filer ligger i {folder}").format(
                count=len(sent),
                folder=folder / DOCUMENTS_FOLDER,
            ),
        )
        out.print(
            _("Prøv selv: MELLEMREGNING_DATABASE_URL={url} {command} invoice show F2009-0001 --issuer 461").format(
                url=answer["database"],
                command=os.path.relpath(sys.argv[0]) if os.sep in sys.argv[0] else "mellemregning",
            ),
        )

    door.tell(answer, people)
    if not ok:
        raise SystemExit(1)


def _fresh_database(folder: Path) -> Database:
    file = folder / DATABASE_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{DATABASE_FILE}*"):
            old.unlink()
    except OSError as error:
        raise NotADemo(folder=str(folder), reason=reason_of(error)) from error
    url = f"sqlite:///{file}"
    migrations.upgrade(url)
    return Database(url)


def _lived(door: Door, database: Database) -> Iterator[str]:
    """Do the steps one after the other; tell what is worth telling."""
    plan = steps()
    with _progress(door) as progress:
        task = progress.add_task(_("gennemspiller årene"), total=len(plan))
        for step in plan:
            with database.transaction() as connection:
                text = step.does(connection, Occasion(step.day, ACTOR, clock.now()))
            progress.update(task, advance=1, description=f"{step.day:%d.%m.%Y}")
            if text:
                yield f"{step.day:%d.%m.%Y}  {text}"


def _workbooks(door: Door, database: Database, folder: Path) -> list[Path]:
    """What a municipality would receive: calculations, specifications, annual statements."""
    files = []
    with database.reading() as connection, _progress(door) as progress:
        members = agreements.members_of(connection, CODE)
        priced = subscriptions.versions_of(connection, CODE)
        wanted: list[Callable[[], Path]] = []
        for year, version, _day in priced:
            wanted.append(_later(workbooks.write_calculation, connection, CODE, year, folder, version))
        wanted.append(_later(workbooks.write_calculation, connection, OTHER_CODE, 2009, folder))
        for year in (2009, 2010, 2011):
            wanted.append(_later(workbooks.write_annual_statement, connection, CODE, year, folder))
            first, last = date(year, 1, 1), date(year, 12, 31)
            wanted += [
                _later(workbooks.write_specification, connection, CODE, period.municipality, first, last, folder)
                for period in members
                if period.from_year <= year and (period.to_year is None or year <= period.to_year)
            ]
        task = progress.add_task(_("skriver regneark"), total=len(wanted))
        for write in wanted:
            files.append(write())
            progress.update(task, advance=1)
    return files


def _documents(database: Database, folder: Path) -> list[Path]:
    """Every e-invoice; of the first month, of the correction and of cases also the PDF; and the statement of cases.

    What names a case is here and not among the workbooks: its number is another each time.
    """
    with database.reading() as connection:
        documents = [
            each
            for code in (CODE, OTHER_CODE)
            for each in invoice_store.documents(connection, agreement=code)
            if not each.internal
        ]
        written = e_invoices.write_e_invoices(connection, documents, folder / DOCUMENTS_FOLDER)
        shown = [
            each
            for each in documents
            if each.period == FIRST_MONTH.period or each.credits or each.credited_by or each.kind is ClaimKind.CASE
        ]
        printed = pdfs.write_pdfs(connection, shown, folder / DOCUMENTS_FOLDER)
        stays = Period(date(2009, 1, 1), date(2009, 4, 1))
        statement = write_case_statement(connection, OTHER_CODE, OTHER_PAYER, stays, folder / DOCUMENTS_FOLDER)
    if written.refused:
        raise written.refused[0]
    return [*(each.path for each in (*written.files, *printed.files)), statement]


def _later(write: Callable[..., Path], *arguments: object) -> Callable[[], Path]:
    return lambda: write(*arguments)


def _progress(door: Door) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console(stderr=True),
        transient=True,
        disable=door.as_json,
    )
