"""Browsers stay logged in until they log out, are idle or old, or the password is another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot import clock
from entrepot.access import Access, Principal, UserReport
from entrepot.errors import InvalidCredentials, MissingResource, SessionEnded, StorageFull, TooManyAttempts
from entrepot.models import Database
from entrepot.settings import Settings
from tests.integration.access.conftest import cheap_access

IDLE, AGE = timedelta(hours=12), timedelta(days=14)


def begun(access: Access) -> str:
    secret, _ = access.begin_session("ann", "ann's", address="192.0.2.7", agent="Browser/1")
    return secret


def is_over(access: Access, secret: str) -> bool:
    try:
        access.authenticate_session(secret)
    except SessionEnded:
        return True
    return False


def test_a_session_stands_for_its_user_until_it_is_ended(access: Access, ann: UserReport) -> None:
    secret, principal = access.begin_session("ann", "ann's", address="192.0.2.7", agent="Browser/1")
    other = begun(access)

    assert len(secret) > 40
    assert access.authenticate_session(secret) == principal == Principal(ann.user_id, "ann", (), False, "session")
    access.end_session(secret)
    access.end_session(secret)
    assert is_over(access, secret)
    assert not is_over(access, other)


def test_roles_count_as_they_are_now(access: Access, admin: UserReport, ann: UserReport) -> None:
    secret = begun(access)

    access.add_user_to_role("super-users", "ann")

    assert access.authenticate_session(secret).is_superuser


@pytest.mark.parametrize("secret", ["", "x" * 43, "lone \ud800", "nul\0", "x" * 100_000])
def test_anything_else_is_no_session(access: Access, ann: UserReport, secret: str) -> None:
    begun(access)

    with pytest.raises(SessionEnded):
        access.authenticate_session(secret)


def test_the_secret_is_kept_nowhere_and_its_digest_is_none(access: Access, ann: UserReport, database: Database) -> None:
    secret = begun(access)
    ((digest, *rest),) = database.rows("SELECT * FROM login_session")

    assert secret not in (digest, *rest)
    assert is_over(access, digest)
    assert secret not in repr(access.list_sessions("ann"))


def test_logins_that_fail_are_counted(access: Access, ann: UserReport, database: Database, settings: Settings) -> None:
    access = cheap_access(database, settings.model_copy(update={"login_failures": 1}))

    with pytest.raises(InvalidCredentials):
        access.begin_session("ann", "wrong", address="192.0.2.7", agent=None)
    with pytest.raises(TooManyAttempts):
        access.begin_session("ann", "ann's", address="192.0.2.7", agent=None)

    assert access.list_sessions("ann") == []


def test_a_session_ends_when_nothing_comes_for_too_long(access: Access, ann: UserReport, pass_time) -> None:
    idle, used = begun(access), begun(access)
    pass_time(IDLE - timedelta(seconds=30))
    assert not is_over(access, used)

    pass_time(timedelta(seconds=30))

    assert is_over(access, idle)
    assert not is_over(access, used)
    assert len(access.list_sessions("ann")) == access.forget_ended_sessions() == 1
    assert not is_over(access, used)


def test_what_an_open_page_is_sent_does_not_keep_a_session_alive(access: Access, ann: UserReport, pass_time) -> None:
    secret = begun(access)

    for _ in range(3):
        pass_time(IDLE / 4)
        access.authenticate_session(secret, is_use=False)
    pass_time(IDLE / 4)

    assert is_over(access, secret)


def test_a_session_ends_by_age_however_much_it_is_used(access: Access, ann: UserReport, pass_time) -> None:
    secret = begun(access)
    for _ in range(30):
        pass_time(timedelta(hours=11))
        assert not is_over(access, secret)
    (report,) = access.list_sessions("ann")
    assert report.expires == report.created + AGE

    pass_time(timedelta(hours=6) - timedelta(seconds=30))
    assert not is_over(access, secret)
    pass_time(timedelta(seconds=30))
    assert is_over(access, secret)


def test_a_use_is_written_once_a_minute(access: Access, ann: UserReport, pass_time) -> None:
    secret = begun(access)
    (before,) = access.list_sessions("ann")
    seen = []
    for _ in range(3):
        pass_time(timedelta(seconds=31))
        access.authenticate_session(secret)
        (report,) = access.list_sessions("ann")
        seen.append(report.last_seen > before.last_seen)
        before = report

    assert seen == [False, True, False]
    assert report.expires == report.last_seen + IDLE


def test_a_use_that_cannot_be_written_refuses_nobody(
    access: Access, ann: UserReport, pass_time, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = begun(access)
    pass_time(timedelta(minutes=2))

    def full(*_: object, **__: object) -> None:
        msg = "The disk is full."
        raise StorageFull(msg)

    monkeypatch.setattr(Database, "transaction", full)

    assert access.authenticate_session(secret).login == "ann"


@pytest.mark.parametrize("change", ["password", "all", "user"])
def test_a_new_password_ends_all_sessions_of_the_user(access: Access, ann: UserReport, change: str) -> None:
    access.create_user("bob", password="bob's")
    others, _ = access.begin_session("bob", "bob's", address=None, agent=None)
    secrets = [begun(access), begun(access)]
    access.update_user("ann", name="Ann")
    assert not any(is_over(access, secret) for secret in secrets)

    if change == "password":
        access.update_user("ann", password="new")
    elif change == "all":
        assert access.end_sessions("ann") == 2
    else:
        access.add_user_to_role("super-users", "bob")
        access.delete_user("ann")

    assert all(is_over(access, secret) for secret in secrets)
    assert not is_over(access, others)


def test_a_password_that_is_changed_while_it_is_checked_begins_no_session(
    access: Access, ann: UserReport, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = cheap_access(database, settings)
    login = access._password_login.authenticate

    def meanwhile(*given: object) -> object:
        account = login(*given)
        elsewhere.update_user("ann", password="new")
        return account

    monkeypatch.setattr(access._password_login, "authenticate", meanwhile)

    with pytest.raises(InvalidCredentials):
        begun(access)
    assert access.list_sessions("ann") == []


def test_a_session_says_where_it_is_and_when_it_ends(access: Access, ann: UserReport) -> None:
    before = clock.now()
    begun(access)
    access.begin_session("ann", "ann's", address=None, agent="nul\0 and \ud800 and " + "x" * 1000)

    latest, first = access.list_sessions("ann")

    assert (first.login, first.address, first.agent) == ("ann", "192.0.2.7", "Browser/1")
    assert before <= first.created == first.last_seen == first.expires - IDLE
    assert latest.address is None
    assert latest.agent is not None
    assert latest.agent.startswith("nul\\x00 and \\ud800")
    assert len(latest.agent) == 200
    with pytest.raises(MissingResource):
        access.list_sessions("nobody")
    with pytest.raises(MissingResource):
        access.end_sessions("nobody")
