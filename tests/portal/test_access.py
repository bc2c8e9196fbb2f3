"""Users, roles, passwords, sessions and tries, on both databases."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from foundation import users
from foundation.audit import Occasion, audit_event
from foundation.database import Database
from foundation.errors import MellemregningError
from portal.access import passwords
from portal.access import run as access
from portal.access.scope import DEEDS, Deed, NotAllowed, Person, PlaceUnknown, Role

AT = datetime(2026, 1, 2, 8, 0, tzinfo=UTC)
GOOD = "fire ord uden mening"


def occasion(at: datetime = AT, actor: str = "drift") -> Occasion:
    return Occasion(date(2026, 1, 2), actor, at)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher

    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    passwords._nobodys_hash.cache_clear()


def token_of(database: Database, login: str, at: datetime = AT) -> str:
    with database.transaction() as connection:
        return access.begin(connection, access.find(connection, login), occasion(at))


def is_in(database: Database, token: str, at: datetime) -> bool:
    with database.reading() as connection:
        return access.visit_of(connection, token, at) is not None


@pytest.fixture
def site(database: Database) -> Database:
    with database.transaction() as connection:
        access.add_user(connection, "Anna@Eksempel.dk ", occasion(), GOOD)
        access.set_roles(connection, "anna@eksempel.dk", "461", ["officer", "approver"], occasion())
        access.add_user(connection, "bo", occasion())
        access.set_roles(connection, "bo", "461", ["administrator"], occasion())
    return database


def test_a_password_is_kept_as_argon2id_and_fits_one_person(site: Database) -> None:
    with site.reading() as connection:
        anna, bo = access.find(connection, "anna@eksempel.dk"), access.find(connection, "bo")
    assert anna.password_hash.startswith("$argon2id$")
    assert passwords.is_right(GOOD, anna.password_hash)
    assert not passwords.is_right(GOOD, bo.password_hash)
    assert not passwords.is_right("", "")
    assert not passwords.is_right(GOOD, "rubbish")


@pytest.mark.parametrize(
    "bad",
    [
        "for kort",
        "password1234",
        "Adgangskode2024!",
        "adgangskodeadgangskode",
        "aaaaaaaaaaaaaaa",
        "abcdefghijklm",
        "9876543210987",
        "121212121212",
        "anna-anna123!",
        "x" * 201,
    ],
)
def test_a_password_that_is_tried_first_is_refused(bad: str) -> None:
    with pytest.raises(MellemregningError):
        passwords.require_good(bad, "annaanna@eksempel.dk")


@pytest.mark.parametrize("good", [GOOD, "hest kaktus trompet syv", "8f!kLm2-Qx9zR"])
def test_a_password_that_is_not_guessed_is_taken(good: str) -> None:
    passwords.require_good(good, "anna@eksempel.dk")


def test_what_is_made_up_is_good() -> None:
    made = {passwords.made_up() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        passwords.require_good(password, "bo")


def test_a_session_ends_by_idle_and_by_absolute_time_and_by_hand(site: Database) -> None:
    token = token_of(site, "bo")
    assert is_in(site, token, AT + access.IDLE)
    assert not is_in(site, token, AT + access.IDLE + timedelta(seconds=1))
    at = AT
    while at < AT + access.ABSOLUTE - timedelta(minutes=20):
        at += timedelta(minutes=20)
        with site.transaction() as connection:
            visit = access.visit_of(connection, token, at)
            assert visit is not None
            access.touch(connection, visit, at)
    assert not is_in(site, token, AT + access.ABSOLUTE + timedelta(seconds=1))
    other = token_of(site, "bo")
    with site.transaction() as connection:
        access.end(connection, other, AT)
    assert not is_in(site, other, AT)
    assert not is_in(site, "another", AT)


def test_a_closed_user_is_out_at_once(site: Database) -> None:
    token = token_of(site, "anna@eksempel.dk")
    with site.transaction() as connection:
        access.set_active(connection, "anna@eksempel.dk", occasion(), active=False)
    assert not is_in(site, token, AT)
    with site.transaction() as connection:
        access.set_active(connection, "anna@eksempel.dk", occasion(), active=True)
    assert not is_in(site, token, AT)  # what was ended stays so


def test_a_new_password_ends_the_other_sessions(site: Database) -> None:
    here, there = token_of(site, "anna@eksempel.dk"), token_of(site, "anna@eksempel.dk")
    words = {"old": GOOD, "new": "helt andre fire ord"}
    with site.transaction() as connection:
        access.change_password(connection, "anna@eksempel.dk", words, here, occasion())
    assert is_in(site, here, AT)
    assert not is_in(site, there, AT)
    with pytest.raises(access.OldPasswordWrong), site.transaction() as connection:
        access.change_password(connection, "anna@eksempel.dk", words, here, occasion())


def test_tries_are_counted_in_the_database(site: Database) -> None:
    for number in range(access.TRIES_BY_LOGIN):
        with site.transaction() as connection:
            access.count_try(connection, "bo", f"address {number}", AT)
    with pytest.raises(access.TooManyTries), site.transaction() as connection:
        access.count_try(connection, "bo", "elsewhere", AT)
    with site.transaction() as connection:
        access.count_try(connection, "anna@eksempel.dk", "address 0", AT)
        access.count_try(connection, "bo", "elsewhere", AT + access.WINDOW + timedelta(seconds=1))


def test_tries_at_once_do_not_slip_through(site: Database) -> None:
    def attempt(_number: int) -> bool:
        try:
            with site.transaction() as connection:
                access.count_try(connection, "bo", "one", AT)
        except access.TooManyTries:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        let_in = list(pool.map(attempt, range(12)))
    assert sum(let_in) == access.TRIES_BY_LOGIN


def test_who_shows_who_they_are_begins_again(site: Database) -> None:
    for _ in range(3):
        for _ in range(access.TRIES_BY_LOGIN):
            with site.transaction() as connection:
                access.count_try(connection, "bo", "one", AT)
        token_of(site, "bo")


def test_roles_are_replaced_and_the_trail_tells(site: Database) -> None:
    with site.transaction() as connection:
        user = access.set_roles(connection, "anna@eksempel.dk", "461", ["reader"], occasion())
    assert user.roles == (("461", "reader"),)
    with site.reading() as connection:
        query = select(audit_event.c.details).where(audit_event.c.action == "access.roles_set")
        told = list(connection.execute(query.order_by(audit_event.c.id)).scalars())
    assert json.loads(told[-1]) == {"municipality": "461", "before": ["approver", "officer"], "after": ["reader"]}


@pytest.mark.parametrize(
    ("error", "login", "roles"),
    [
        (access.NoMoneyForAdministrators, "bo", ["administrator", "officer"]),
        (access.RoleUnknown, "bo", ["chef"]),
        (access.UserUnknown, "ingen", ["reader"]),
        (access.NotYourself, "drift", ["reader"]),
    ],
)
def test_a_role_that_is_refused_changes_nothing(
    site: Database, error: type[Exception], login: str, roles: list[str]
) -> None:
    with site.transaction() as connection:
        access.add_user(connection, "drift", occasion())
    with site.reading() as connection:
        before = users.users_with_roles_at(connection, None)
    with pytest.raises(error), site.transaction() as connection:
        access.set_roles(connection, login, "461", roles, occasion())
    with site.reading() as connection:
        assert users.users_with_roles_at(connection, None) == before


@pytest.mark.parametrize("login", ["", " ", "a b", "<script>", "x" * 201, "=cmd()", "a@b@c"])
def test_a_login_name_is_plain(site: Database, login: str) -> None:
    with pytest.raises(access.LoginNotAName), site.transaction() as connection:
        access.add_user(connection, login, occasion())


def test_a_login_name_is_taken_once(site: Database) -> None:
    with pytest.raises(access.UserExists), site.transaction() as connection:
        access.add_user(connection, "ANNA@eksempel.DK", occasion())


def test_an_identity_is_linked_once_by_a_verified_address(site: Database) -> None:
    provider = "https://idp.example"
    with pytest.raises(access.LoginRefused), site.transaction() as connection:
        access.user_of_identity(connection, provider, "s1", "anna@eksempel.dk", verified=False)
    with site.transaction() as connection:
        first = access.user_of_identity(connection, provider, "s1", "anna@eksempel.dk", verified=True)
    with site.transaction() as connection:
        again = access.user_of_identity(connection, provider, "s1", "", verified=False)
    assert first.login == again.login == "anna@eksempel.dk"
    with pytest.raises(access.LoginRefused), site.transaction() as connection:
        access.user_of_identity(connection, provider, "s2", "anna@eksempel.dk", verified=True)
    with pytest.raises(access.LoginRefused), site.transaction() as connection:
        access.user_of_identity(connection, provider, "s3", "ukendt@eksempel.dk", verified=True)


def test_what_roles_allow() -> None:
    allowed = {role.value: {deed.value for deed in deeds} for role, deeds in DEEDS.items()}
    assert allowed == {
        "officer": {"read", "prepare", "grant"},
        "approver": {"read", "approve", "grant"},
        "reader": {"read"},
        "auditor": {"read", "audit"},
        "administrator": {"users"},
    }
    anna = Person(1, "anna", {"461": frozenset({Role.READER})})
    anna.require(Deed.READ, "461")
    with pytest.raises(NotAllowed):
        anna.require(Deed.PREPARE, "461")
    with pytest.raises(PlaceUnknown):
        anna.require(Deed.READ, "420")
