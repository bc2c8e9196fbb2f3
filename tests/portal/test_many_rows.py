"""A page fetches what it shows, however many rows there are; what it says of all of them is what the rules say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.engine.cursor import CursorFetchStrategy

from agreements import notice_store
from billing.annual_subscription import share_store
from billing.annual_subscription import store as prices
from billing.deadline_status import Status, deadline_statuses
from billing.invoice.facts import numbers_beginning
from billing.payment import interest_run, interest_store, listing_run, listing_store
from billing.payment import run as payments
from billing.payment import store as payment_store
from billing.payment.facts import Match, OpenItem, Receipt
from foundation import audit
from foundation.audit import Asked, Whose
from foundation.database import Database
from foundation.settings import Settings
from portal.app import create_app
from portal.document_files import explained_share, share_of
from portal.pages import EXTENSION
from portal.web_settings import WebSettings
from tests.databases import PostgresDatabases, SqliteDatabases
from tests.portal import demo_site, many_rows
from tests.portal.demo_site import ASSENS, ODENSE, TODAY
from tests.portal.finance import rows as finance_rows

MANY = 3_000
MOST_FETCHED = 1_000  # of everything that a page asks for; what does not grow with the rows, such as claims, among it
PAGES = (
    ("officer", "/oekonomi/461/"),
    ("officer", "/oekonomi/461/bilag"),
    ("officer", "/oekonomi/461/bilag?sort=-amount"),
    ("officer", "/oekonomi/461/bilag?q=F2008-1"),
    ("officer", "/oekonomi/461/betalinger"),
    ("officer", "/oekonomi/461/betalinger?after=2012-12-31_999"),
    ("officer", "/oekonomi/461/betalinger/forslag"),
    ("officer", "/oekonomi/461/betalinger/udligninger"),
    ("officer", "/oekonomi/461/aabne-poster"),
    ("officer", "/oekonomi/461/aabne-poster?kommune=420"),
    ("officer", "/oekonomi/461/renter"),
    ("officer", "/oekonomi/461/levering"),
    ("officer", "/oekonomi/461/meddelelser"),
    ("auditor", "/oekonomi/461/revisionsspor"),
    ("auditor", "/oekonomi/461/revisionsspor?q=findes+ikke"),
    ("payer", "/kommune/420/"),
    ("payer", "/kommune/420/regninger"),
    ("payer", "/kommune/420/frister"),
    ("payer", "/kommune/420/meddelelser"),
)


@contextmanager
def _prepared(request: pytest.FixtureRequest, kind: str) -> Iterator[tuple[str, Database]]:
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"{kind}_databases")
    with databases.upgraded() as url, demo_site.lived(url) as database:
        finance_rows.prepare(database)
        yield url, database


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def few(request: pytest.FixtureRequest) -> Iterator[Database]:
    with _prepared(request, "sqlite" if request.param == "sqlite" else "postgres") as (_url, database):
        with database.transaction() as connection:
            payments.match_by_hand(connection, ODENSE, {3: 10_000_000}, {"F2012-0001": None}, demo_site.occasion())
            made = payments.match_by_hand(connection, ODENSE, {2: None}, {"F2008-0002": None}, demo_site.occasion())
            payments.undo_match(connection, made.number, demo_site.occasion(), reason="forkert")
        yield database


@contextmanager
def _site(request: pytest.FixtureRequest, kind: str, count: int) -> Iterator[Flask]:
    with _prepared(request, kind) as (url, database):
        with database.transaction() as connection:
            many_rows.write(connection, count)
            connection.execute(text("ANALYZE"))  # as a server does by itself, a minute after so many rows
        app = create_app(Settings(database_url=url, actor="t"), WebSettings(plain_http=True), day=lambda: TODAY)
        app.config["WTF_CSRF_ENABLED"] = False
        yield app
        app.extensions[EXTENSION].close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def many(request: pytest.FixtureRequest) -> Iterator[Flask]:
    with _site(request, "sqlite" if request.param == "sqlite" else "postgres", MANY) as app:
        yield app


def fetched_by(app: Flask, login: str, address: str) -> int:
    """How many rows a page has fetched, whatever it did with them."""
    client = app.test_client()
    client.post("/login", data={"login": login, "password": demo_site.PASSWORD})
    count = 0

    def one(fetch: Callable[..., object]) -> Callable[..., object]:
        def counted(*given: object, **named: object) -> object:
            nonlocal count
            row = fetch(*given, **named)
            count += row is not None
            return row

        return counted

    def several(fetch: Callable[..., list[object]]) -> Callable[..., list[object]]:
        def counted(*given: object, **named: object) -> list[object]:
            nonlocal count
            rows = fetch(*given, **named)
            count += len(rows)
            return rows

        return counted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CursorFetchStrategy, "fetchone", one(CursorFetchStrategy.fetchone))
        patch.setattr(CursorFetchStrategy, "fetchmany", several(CursorFetchStrategy.fetchmany))
        patch.setattr(CursorFetchStrategy, "fetchall", several(CursorFetchStrategy.fetchall))
        answer = client.get(address)
    assert answer.status_code == 200
    return count


@pytest.mark.parametrize(("login", "address"), PAGES)
def test_a_page_fetches_what_it_shows(many: Flask, login: str, address: str) -> None:
    assert 0 < fetched_by(many, login, address) <= MOST_FETCHED


def test_what_counts_the_rows_sees_a_page_that_fetches_all(many: Flask) -> None:
    """The command's listing reads every receipt, so the bound above is one that can be broken."""

    def read_all() -> None:
        with many.extensions[EXTENSION].database.reading() as connection:
            payment_store.receipts(connection, ODENSE)

    many.before_request_funcs[None].append(read_all)
    try:
        assert fetched_by(many, "officer", "/oekonomi/461/") > MANY
    finally:
        many.before_request_funcs[None].remove(read_all)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_page_fetches_no_more_of_a_hundred_thousand(request: pytest.FixtureRequest, kind: str) -> None:
    with _site(request, kind, 100_000) as app:
        for login, address in PAGES:
            assert 0 < fetched_by(app, login, address) <= MOST_FETCHED, address


# What a part says is what the whole says.


@pytest.mark.parametrize("as_of", [date(2009, 6, 1), date(2010, 12, 31), TODAY])
def test_what_is_open_by_payer_is_what_the_documents_sum_to(few: Database, as_of: date) -> None:
    with few.reading() as connection:
        whole = payments.open_report(connection, ODENSE, as_of)
        occasion = replace(demo_site.occasion(), as_of=as_of)
        assert listing_run.open_standings(connection, ODENSE, occasion) == replace(
            whole, standings=tuple(replace(each, items=()) for each in whole.standings)
        )
        for standing in whole.standings:
            listed: list[OpenItem] = []
            after = None
            while True:
                part = listing_store.open_part(connection, ODENSE, standing.municipality, as_of, size=7, after=after)
                listed += part.items
                after = part.next_after
                if after is None:
                    break
            assert listed == list(standing.items)
    assert whole.standings


def test_receipts_part_by_part_are_all_receipts(few: Database) -> None:
    with few.reading() as connection:
        whole = payment_store.receipts(connection, ODENSE)
        for left in (None, True, False):
            expected = [each for each in whole if left is None or bool(each.left_oere) is left]
            for oldest_first in (True, False):
                listed: list[Receipt] = []
                after = None
                while True:
                    part = listing_store.receipts_part(
                        connection, ODENSE, size=1, left=left, after=after, oldest_first=oldest_first
                    )
                    listed += part.receipts
                    after = part.next_after
                    if after is None:
                        break
                assert listed == (expected if oldest_first else expected[::-1])
        amounts = [each.left_oere for each in whole if each.left_oere]
        assert listing_store.receipts_left(connection, ODENSE) == (len(amounts), sum(amounts))
        assert listing_store.receipts_left(connection, ASSENS) == (0, 0)
    assert len(whole) == len(finance_rows.BANK.splitlines()) - 1
    assert 0 < len(amounts) < len(whole)


def test_matches_part_by_part_are_all_matches(few: Database) -> None:
    with few.reading() as connection:
        whole = payment_store.matches(connection, ODENSE)
        listed: list[Match] = []
        before = None
        while True:
            part = listing_store.matches_part(connection, ODENSE, size=1, before=before)
            listed += part.matches
            before = part.next_before
            if before is None:
                break
        assert listed == whole[::-1]
        assert any(each.undoes for each in whole)
        assert listing_store.matches_part(connection, ASSENS, size=5).matches == ()


def test_suggestions_of_some_receipts_are_those_of_all(few: Database) -> None:
    with few.transaction() as connection:
        whole = payments.match_receipts(connection, ODENSE, demo_site.occasion(), preview=True)
        part = listing_run.suggest(connection, ODENSE, demo_site.occasion())
        assert part.next_after is None
        assert part.matching.suggested == whole.suggested
        assert part.matching.left == whole.left
        used = [each for each in whole.made if each.receipts]
        assert [each for each in part.matching.made if each.receipts] == used
    assert whole.suggested or used


def test_interest_plans_in_the_listing_say_what_the_plans_say(few: Database) -> None:
    with few.reading() as connection:
        whole = interest_run.list_plans(connection, ODENSE)
        heads, following = interest_store.plans_part(connection, ODENSE, size=5)
    assert following is None
    assert [(head.number, head.documents, head.total_oere, head.state) for head in heads] == [
        (plan.number, len(plan.documents), plan.total_oere, plan.state) for plan in whole[::-1]
    ]
    assert [head.total_oere for head in heads if head.total_oere > 0]


@pytest.mark.parametrize("as_of", [TODAY, date(2008, 11, 20), date(2009, 6, 1), date(2012, 12, 1)])
def test_the_wheel_that_is_shown_is_part_of_the_whole(few: Database, as_of: date) -> None:
    only = {Status.LATE, Status.DUE_SOON, Status.WAITING}
    with few.reading() as connection:
        whole = deadline_statuses(connection, as_of, issuer=ODENSE, who=False)
        shown = deadline_statuses(connection, as_of, issuer=ODENSE, who=False, only=only, coming=5)
    expected = [each for each in whole if each.status in only]
    near = [each for each in expected if each.deadline.due_on - timedelta(days=14) <= as_of]
    ahead = [each for each in expected if each not in near]
    assert list(shown) == near + ahead[:5]
    assert ahead


def test_a_month_that_some_were_not_billed_for_is_late_as_before(few: Database) -> None:
    """One of nine has lost its bill, so the month that was done is not any more."""
    with few.engine.connect() as connection:
        transaction = connection.begin()
        connection.execute(
            text("DELETE FROM claim WHERE agreement = 'fyn-alkohol' AND municipality = '420' AND period_from = :first"),
            {"first": date(2012, 4, 1)},
        )
        whole = deadline_statuses(connection, TODAY, issuer=ODENSE, who=False)
        shown = deadline_statuses(connection, TODAY, issuer=ODENSE, who=False, only={Status.LATE})
        transaction.rollback()
    late = [each for each in whole if each.status is Status.LATE]
    assert list(shown) == late
    assert any("Assens" in each.next_step and each.evidence for each in late)


def test_a_share_by_itself_is_the_price_s(few: Database) -> None:
    years = range(2008, 2014)
    with few.reading() as connection:
        found = prices.read_subscriptions(connection, {("fyn-alkohol", year) for year in years}, [])
        for who in (ASSENS, ODENSE, "101"):
            whole = [said for _key, price in sorted(found.items()) if (said := share_of(price, who)) is not None]
            own = share_store.shares_of(connection, who, {"fyn-alkohol"}, years)
            assert [explained_share(each) for each in own] == whole
    assert len(found) > 3


@given(st.integers(1900, 2190), st.integers(1, 200_000), st.data())
def test_a_number_is_found_by_how_it_begins(year: int, sequence: int, data: st.DataObject) -> None:
    number = f"F{year:04d}-{sequence:04d}"
    other = f"F{data.draw(st.integers(1900, 2190)):04d}-{data.draw(st.integers(1, 200_000)):04d}"
    beginning = number[: data.draw(st.integers(0, len(number)))]
    for each in (number, other):
        of_year, of_place = int(each[1:5]), int(each[6:])
        found = any(
            span.first_year <= of_year <= span.last_year and span.first <= of_place <= span.last
            for span in numbers_beginning(beginning)
        )
        assert found == each.startswith(beginning)


@pytest.mark.parametrize("text_", ["2009", "F2009--1", "F20090", "Fx", "F2009-1234567890", "f2009", "F2009-1 "])
def test_what_is_no_number_s_beginning_is_found_nowhere(text_: str) -> None:
    assert numbers_beginning(text_) == ()


@pytest.mark.parametrize(
    "asked",
    [
        Asked(),
        Asked(actor="prøven"),
        Asked(action="payment."),
        Asked(words="F2008-0001"),
        Asked(words="FORKERT"),
        Asked(words="PRØVEN ER ØL"),
        Asked(since=date(2012, 1, 1), until=TODAY, words="fyn"),
    ],
)
@pytest.mark.parametrize("look_through", [7, 10_000])
def test_events_part_by_part_are_all_that_fit(few: Database, asked: Asked, look_through: int) -> None:
    whose = Whose({"fyn-alkohol", ODENSE}, {"plan 1"}, f'"issuer":"{ODENSE}"', "access.")
    with few.reading() as connection:
        rows = connection.execute(text("SELECT * FROM audit_event ORDER BY id DESC")).all()
        expected = [
            row.id
            for row in rows
            if not row.action.startswith("access.")
            and (
                row.subject.split(" ")[0] in whose.first_words
                or row.subject in whose.subjects
                or whose.named in row.details
            )
            and (not asked.actor or row.actor == asked.actor)
            and row.action.startswith(asked.action)
            and (asked.since is None or str(row.business_date) >= asked.since.isoformat())
            and (asked.until is None or str(row.business_date) <= asked.until.isoformat())
            and asked.words.casefold() in f"{row.subject} {row.details}".casefold()
        ]
        listed: list[int] = []
        before = None
        while True:
            part, before = audit.newest_events(
                connection, whose, asked, size=5, look_through=look_through, before=before
            )
            listed += [event.number for event in part]
            if before is None:
                break
    assert listed == expected
    assert expected or "ØL" in asked.words


def test_notices_part_by_part_wait_first(many: Flask) -> None:
    with many.extensions[EXTENSION].database.reading() as connection:
        listed, after = [], None
        while True:
            part = notice_store.notices_to(connection, ODENSE, size=700, after=after)
            listed += [(each.answer is not None, each.number) for each in part.notices]
            after = part.next_after
            if after is None:
                break
        assert len(listed) >= MANY
        assert listed == sorted(listed, key=lambda each: (each[0], -each[1]))
        assert len(notice_store.notices_of(connection, ASSENS, size=10).notices) == 10
        assert notice_store.find_notice(connection, ASSENS, listed[0][1]) is None
