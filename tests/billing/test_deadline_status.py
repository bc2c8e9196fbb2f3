"""What of the year's wheel is done: the Funen agreement lived on both databases, statuses worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from importlib import resources

import pytest
from sqlalchemy import Connection

from agreements import run as agreements
from agreements.membership import YearNotAgreed
from billing.annual_subscription import run as subscriptions
from billing.deadline_status import DeadlineStatus, Status, deadline_statuses
from billing.invoice.facts import DocumentDraft, IssueOutcome
from billing.monthly_aconto import run as months
from billing.monthly_run import run as runs
from billing.year_end_settlement import run as year_ends
from billing.year_end_settlement.facts import NOTHING_CARRIED
from foundation.audit import Occasion
from foundation.database import Database
from foundation.period import BillingYear, Month

POSTGRESQL_IN_SOAK = True

FUNEN = "fyn-alkohol"
FILE = resources.files("agreements").joinpath("examples/fyn_2009.toml").read_bytes()
ODENSE, SVENDBORG, LANGELAND, AEROE = "461", "479", "482", "492"
Verb = Callable[[Connection, Occasion], object]


class Office:
    """People who do things on days, and the wheel as they see it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def on(self, day: str, who: str, verb: Verb) -> None:
        at = datetime.fromisoformat(f"{day}T09:30:00.123456").replace(tzinfo=UTC)
        with self.database.transaction() as connection:
            verb(connection, Occasion(date.fromisoformat(day), who, at))

    def wheel(self, day: str, code: str | None = FUNEN, year: int | None = None) -> list[DeadlineStatus]:
        with self.database.reading() as connection:
            return list(deadline_statuses(connection, date.fromisoformat(day), code, year))

    def one(self, day: str, kind: str, year: int, month: int | None = None) -> DeadlineStatus:
        (found,) = [
            status
            for status in self.wheel(day, year=year)
            if status.deadline.kind.value == kind
            and (status.deadline.for_month and status.deadline.for_month.number) == month
        ]
        return found


def priced(year: int) -> Verb:
    return lambda connection, occasion: subscriptions.calculate_year(connection, FUNEN, year, occasion)


def told(year: int) -> Verb:
    return lambda connection, occasion: subscriptions.give_price_notice(connection, FUNEN, year, occasion)


def issued(year: int, number: int) -> Verb:
    return lambda connection, occasion: months.issue_month(connection, FUNEN, Month(year, number), occasion)


def loaded(table: str, year: int, *providers: str, amount: str = "10000000.00") -> Verb:
    lines = "".join(
        f'[[{table}]]\nyear = {year}\nprovider = "{provider}"\nservice = "ambulant"\namount = "{amount}"\n'
        for provider in providers
    )
    content = f'[agreement]\ncode = "{FUNEN}"\n{lines}'.encode()
    load = agreements.load_budget if table == "budgets" else year_ends.load_accounts
    return lambda connection, occasion: load(connection, f"{table}.toml", content, occasion)


def left(who: str) -> Verb:
    return lambda connection, occasion: agreements.leave(connection, FUNEN, who, 2009, occasion)


def closed(year: int) -> Verb:
    return lambda connection, occasion: year_ends.close(
        connection, FUNEN, year, occasion, carry=NOTHING_CARRIED, author="A", approver="B"
    )


@pytest.fixture
def office(database: Database) -> Office:
    office = Office(database)

    def register(connection: Connection, occasion: Occasion) -> None:
        agreements.ship_population(connection, occasion)
        agreements.load_agreement(connection, "fyn.toml", FILE, occasion)

    office.on("2008-05-20", "Anna", register)
    return office


def test_nothing_is_done_on_the_day_that_an_agreement_is_registered(office: Office) -> None:
    found = [
        (status.deadline.due_on.isoformat(), status.deadline.kind.value, status.status.value)
        for status in office.wheel("2008-05-20", year=2009)
    ]
    sent = (
        *("2008-12-15", "2009-01-15", "2009-02-13", "2009-03-13", "2009-04-15", "2009-05-15"),
        *("2009-06-15", "2009-07-15", "2009-08-14", "2009-09-15", "2009-10-15", "2009-11-13"),
    )
    assert found == sorted(
        [
            ("2008-05-01", "demand", "passed"),
            ("2008-06-01", "price_notice", "due_soon"),
            *((day, "advance_invoice", "waiting") for day in sent),
            ("2009-07-01", "usage_statement", "waiting"),
            ("2010-01-01", "usage_statement", "waiting"),
            ("2010-04-01", "final_accounts", "waiting"),
        ]
    )


@pytest.mark.parametrize(
    ("day", "status", "days_late"),
    [
        ("2008-11-30", Status.WAITING, 0),
        ("2008-12-01", Status.DUE_SOON, 0),
        ("2008-12-15", Status.DUE_SOON, 0),
        ("2008-12-16", Status.LATE, 1),
        ("2009-01-15", Status.LATE, 31),
    ],
)
def test_a_month_waits_comes_near_and_is_late(office: Office, day: str, status: Status, days_late: int) -> None:
    office.on("2008-05-30", "Anna", priced(2009))
    found = office.one(day, "advance_invoice", 2009, 1)
    assert (found.status, found.days_late, found.done_on, found.done_by) == (status, days_late, None, ())
    assert "«mellemregning month issue fyn-alkohol 2009-01»" in found.next_step
    assert "januar 2009" in found.next_step


def test_what_is_issued_is_done_by_whom_it_was_issued_with_its_numbers(office: Office) -> None:
    office.on("2008-05-30", "Anna", priced(2009))
    office.on("2008-12-12", "Bo", issued(2009, 1))
    office.on("2009-01-20", "Carl", issued(2009, 2))
    office.on("2009-02-10", "Bo", issued(2009, 3))
    first, second, third = (office.one("2009-02-10", "advance_invoice", 2009, number) for number in (1, 2, 3))
    assert (first.status, first.done_on, first.done_by, first.days_late) == (
        Status.DONE,
        date(2008, 12, 12),
        ("Bo",),
        0,
    )
    assert first.evidence == "F2008-0001–F2008-0009 (12.12.2008)"
    assert first.next_step == ""
    assert first.changed_at == datetime(2008, 12, 12, 9, 30, 0, 123456, tzinfo=UTC)
    assert (second.status, second.days_late, second.done_by) == (Status.DONE, 5, ("Carl",))
    assert second.evidence == "F2009-0001–F2009-0009 (20.01.2009)"
    assert third.evidence == "F2009-0010–F2009-0018 (10.02.2009)"


def test_what_happened_after_the_day_does_not_count_on_it(office: Office) -> None:
    office.on("2008-05-30", "Anna", priced(2009))
    office.on("2008-05-30", "Anna", told(2009))
    office.on("2008-12-12", "Bo", issued(2009, 1))
    assert office.one("2008-12-11", "advance_invoice", 2009, 1).status is Status.DUE_SOON
    assert office.one("2008-12-12", "advance_invoice", 2009, 1).status is Status.DONE
    assert office.one("2008-05-29", "price_notice", 2009).status is Status.DUE_SOON
    assert "budget load" in office.one("2008-05-29", "price_notice", 2009).next_step


def test_one_payer_left_out_keeps_the_month_open(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.on("2008-05-30", "Anna", priced(2009))
    from billing.invoice import run as invoices

    whole = invoices.issue_documents

    def all_but_two(
        connection: Connection, drafts: tuple[DocumentDraft, ...], issue_date: date, at: datetime
    ) -> IssueOutcome:
        kept = [draft for draft in drafts if draft.subscriber.municipality not in {ODENSE, AEROE}]
        return whole(connection, kept, issue_date, at)

    with monkeypatch.context() as patch:
        patch.setattr(invoices, "issue_documents", all_but_two)
        office.on("2008-12-12", "Bo", issued(2009, 1))
    found = office.one("2008-12-16", "advance_invoice", 2009, 1)
    assert (found.status, found.days_late, found.done_on) == (Status.LATE, 1, None)
    assert found.evidence == "F2008-0001–F2008-0007 (12.12.2008); 7 af 9 kommuner"
    assert "til Odense og Ærø nu" in found.next_step
    office.on("2008-12-17", "Carl", issued(2009, 1))
    found = office.one("2008-12-17", "advance_invoice", 2009, 1)
    assert (found.status, found.done_on, found.days_late) == (Status.DONE, date(2008, 12, 17), 2)
    assert found.done_by == ("Bo", "Carl")
    assert found.evidence == "F2008-0001–F2008-0009 (12.12.2008 og 17.12.2008)"


def test_a_price_is_told_once_and_told_again_when_it_is_calculated_again(office: Office) -> None:
    office.on("2008-05-30", "Anna", priced(2009))
    calculated = office.one("2008-05-31", "price_notice", 2009)
    assert calculated.status is Status.DUE_SOON
    assert calculated.next_step == (
        "Meddel prisen for 2009 senest 01.06.2008: «mellemregning subscription notice fyn-alkohol 2009»."
    )
    office.on("2008-06-03", "Bo", told(2009))
    found = office.one("2008-06-03", "price_notice", 2009)
    assert (found.status, found.done_on, found.done_by, found.days_late) == (
        Status.DONE,
        date(2008, 6, 3),
        ("Bo",),
        2,
    )
    assert (found.evidence, found.next_step) == ("Pris meddelt: beregning nr. 1 den 03.06.2008", "")
    office.on("2008-09-01", "Anna", loaded("budgets", 2009, ODENSE))
    office.on("2008-09-01", "Anna", priced(2009))
    found = office.one("2008-09-02", "price_notice", 2009)
    assert found.status is Status.DONE
    assert "beregning nr. 2" in found.next_step
    assert found.changed_at == datetime(2008, 9, 1, 9, 30, 0, 123456, tzinfo=UTC)
    office.on("2008-09-03", "Carl", told(2009))
    found = office.one("2008-09-03", "price_notice", 2009)
    assert (found.done_on, found.done_by, found.next_step) == (date(2008, 6, 3), ("Bo",), "")
    assert found.evidence == "Pris meddelt: beregning nr. 1 den 03.06.2008 og nr. 2 den 03.09.2008"


def test_notice_to_leave_passes_by_silence_or_names_who_leaves(office: Office) -> None:
    before = office.one("2009-06-20", "notice_to_leave", 2010)
    assert before.status is Status.DUE_SOON
    assert "«mellemregning membership leave fyn-alkohol KOMMUNE --year 2009»" in before.next_step
    office.on("2009-06-21", "Anna", left(LANGELAND))
    assert office.one("2009-06-21", "notice_to_leave", 2010).evidence == "Opsagt af Langeland (21.06.2009)"
    after = office.one("2009-07-02", "notice_to_leave", 2010)
    assert (after.status, after.next_step, after.days_late) == (Status.PASSED, "", 0)
    assert after.evidence == "Opsagt af Langeland (21.06.2009); for de øvrige er aftalen forlænget for 2010"
    silent = office.one("2010-07-02", "notice_to_leave", 2011)
    assert (silent.status, silent.evidence) == (Status.PASSED, "Ingen har opsagt; aftalen er forlænget for 2011")


def test_a_leaver_is_no_longer_waited_for(office: Office) -> None:
    office.on("2009-06-21", "Anna", left(LANGELAND))
    office.on("2009-06-22", "Anna", loaded("budgets", 2010, ODENSE, SVENDBORG))
    office.on("2009-06-22", "Anna", priced(2010))
    office.on("2009-12-15", "Bo", issued(2010, 1))
    found = office.one("2009-12-15", "advance_invoice", 2010, 1)
    assert (found.status, found.evidence) == (Status.DONE, "F2009-0001–F2009-0008 (15.12.2009)")


def test_a_year_lived(office: Office) -> None:
    office.on("2008-05-30", "Anna", priced(2009))
    office.on("2008-05-30", "Anna", told(2009))
    send = [Month(2009, number).plus(-1).first_day.replace(day=10).isoformat() for number in range(1, 13)]
    for number, day in enumerate(send, start=1):
        office.on(day, "Bo", issued(2009, number))
        done = [status for status in office.wheel(day, year=2009) if status.status is Status.DONE]
        assert len(done) == 1 + number  # and the price
        assert [status for status in office.wheel(day, year=2009) if status.status is Status.LATE] == []
    open_ = office.one("2010-03-20", "final_accounts", 2009)
    assert (open_.status, open_.evidence) == (Status.DUE_SOON, "")
    assert "fra Odense og Svendborg: «mellemregning accounts load FIL»" in open_.next_step
    office.on("2010-03-22", "Carl", loaded("accounts", 2009, SVENDBORG))
    half = office.one("2010-04-03", "final_accounts", 2009)
    assert (half.status, half.days_late, half.evidence) == (Status.LATE, 2, "Regnskab indlæst (Svendborg 22.03.2010)")
    assert "fra Odense:" in half.next_step
    office.on("2010-04-03", "Dorte", loaded("accounts", 2009, ODENSE))
    there = office.one("2010-04-03", "final_accounts", 2009)
    assert (there.status, there.done_on, there.days_late) == (Status.DONE, date(2010, 4, 3), 2)
    assert there.done_by == ("Carl", "Dorte")
    assert there.next_step == "Afslut året: «mellemregning settlement close fyn-alkohol 2009»."
    office.on("2010-04-09", "Eva", closed(2009))
    over = office.one("2010-04-09", "final_accounts", 2009)
    assert (over.done_on, over.done_by, over.next_step) == (date(2010, 4, 3), ("Carl", "Dorte"), "")
    assert over.evidence == ("Regnskab indlæst (Odense 03.04.2010, Svendborg 22.03.2010); året afsluttet 09.04.2010")
    assert over.changed_at == datetime(2010, 4, 9, 9, 30, 0, 123456, tzinfo=UTC)


def test_a_provisional_month_is_done_and_says_so(office: Office) -> None:
    office.on("2008-05-30", "Anna", priced(2009))
    for number in range(1, 13):
        office.on(Month(2009, number).plus(-1).first_day.replace(day=10).isoformat(), "Bo", issued(2009, number))
    waiting = office.one("2009-12-15", "advance_invoice", 2010, 1)
    assert "sidste års rate foreløbigt" in waiting.next_step
    office.on("2009-12-15", "Bo", issued(2010, 1))
    assert office.one("2009-12-15", "advance_invoice", 2010, 1).evidence == (
        "F2009-0100–F2009-0108 (15.12.2009), foreløbige, da prisen manglede"
    )


def test_where_two_people_are_required_the_next_step_is_a_plan(office: Office) -> None:
    office.on("2008-05-30", "Anna", priced(2009))
    office.on("2008-05-30", "Anna", lambda connection, it: runs.set_issuer(connection, ODENSE, it, four_eyes=True))
    found = office.one("2008-12-15", "advance_invoice", 2009, 1)
    assert "«mellemregning run plan fyn-alkohol --month 2009-01», som en anden skal godkende" in found.next_step


def test_the_years_around_a_day(office: Office) -> None:
    assert {status.year for status in office.wheel("2008-05-20")} == {2009, 2010}
    assert {status.year for status in office.wheel("2009-06-01")} == {2009, 2010, 2011}
    # The last of 2009 is 1 April 2010; it is shown until a year after.
    assert 2009 in {status.year for status in office.wheel("2011-04-01")}
    assert 2009 not in {status.year for status in office.wheel("2011-04-02")}
    assert {status.year for status in office.wheel("2012-02-29")} == {2010, 2011, 2012, 2013}
    # No deadline is further off than the agreement is old.
    assert office.wheel("2006-01-01") == []


def test_all_agreements_are_told_as_each_is(office: Office) -> None:
    other = FILE.replace(b'"fyn-alkohol"', b'"fyn-2"').replace(b"2009-01-01", b"2010-01-01")
    other = other.replace(b"year = 2009", b"year = 2010")
    office.on("2008-06-01", "Anna", lambda connection, it: agreements.load_agreement(connection, "2.toml", other, it))
    office.on("2008-06-01", "Anna", priced(2009))
    office.on("2008-12-12", "Bo", issued(2009, 1))
    both = office.wheel("2009-01-10", None)
    for code in (FUNEN, "fyn-2"):
        assert [status for status in both if status.agreement == code] == office.wheel("2009-01-10", code)
    assert {status.agreement for status in office.wheel("2009-01-10", None, 2009)} == {FUNEN}
    assert [status.deadline.due_on for status in both] == sorted(status.deadline.due_on for status in both)


def test_what_is_not_there_is_refused(office: Office) -> None:
    with pytest.raises(agreements.AgreementUnknown):
        office.wheel("2009-01-01", "ingen")
    with pytest.raises(YearNotAgreed):
        office.wheel("2009-01-01", year=2008)


def test_a_year_in_which_nobody_takes_part_has_no_deadlines(office: Office) -> None:
    with office.database.reading() as connection:
        members = [period.municipality for period in agreements.members_of(connection, FUNEN)]
    for who in members:
        office.on("2009-06-01", "Anna", left(who))
    assert {status.year for status in office.wheel("2009-08-01")} == {2009}
    assert len(office.wheel("2009-08-01", year=2009)) == len(BillingYear(2009).months) + 5
