"""A login by password: who it is, what it costs, and what counts at once."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from entrepot.access import SUPER_USERS, Access, Principal, UserReport
from entrepot.errors import InvalidCredentials
from entrepot.models import Database
from entrepot.settings import Settings
from tests.integration.access.conftest import CHEAP, cheap_access


def log_in(access: Access, login: str = "ann", password: str | None = None) -> Principal:
    return access.authenticate_password(login, "ann's" if password is None else password, address="192.0.2.1")


def test_the_right_password_says_who_it_is(access: Access, ann: UserReport, admin: UserReport) -> None:
    access.create_role("readers")
    access.add_user_to_role("readers", "ann")

    assert log_in(access) == Principal(ann.user_id, "ann", ("readers",), False, "password")
    assert log_in(access, "admin", "admin's") == Principal(admin.user_id, "admin", (SUPER_USERS,), True, "password")


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("ann", "Ann's"),
        ("ann", ""),
        ("ann", "ann's "),
        ("ann", "x" * 10_000),
        ("ann", "lone \ud800"),
        ("Ann", "ann's"),
        ("ann ", "ann's"),
        ("nobody", "ann's"),
        ("", ""),
        ("nul\0", "x"),
        ("keyless", ""),
        ("x" * 10_000, "x"),
    ],
)
def test_anything_else_is_refused_in_the_same_words(access: Access, ann: UserReport, login: str, password: str) -> None:
    access.create_user("keyless")

    with pytest.raises(InvalidCredentials) as refused:
        log_in(access, login, password)

    assert refused.value.data == {"auth_error_code": "invalid_username_or_password", "user": login}
    assert refused.value.message == InvalidCredentials(login).message


@pytest.mark.parametrize("login", ["ann", "nobody", "keyless", "no login"])
def test_a_refusal_costs_one_check_whoever_is_claimed(access: Access, ann: UserReport, login: str, checks: list[str]) -> None:
    access.create_user("keyless")

    with pytest.raises(InvalidCredentials):
        log_in(access, login, "wrong")

    assert checks == ["wrong"]


def test_a_password_is_checked_once_and_then_known(access: Access, ann: UserReport, checks: list[str]) -> None:
    for _ in range(5):
        log_in(access)

    assert checks == ["ann's"]


def test_a_known_password_costs_one_statement(access: Access, ann: UserReport, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(access)
    statements = []
    execute = Database.execute
    monkeypatch.setattr(Database, "execute", lambda self, *given: statements.append(given[0]) or execute(self, *given))

    log_in(access)

    assert len(statements) == 1


def test_a_wrong_password_is_never_known(access: Access, ann: UserReport, checks: list[str]) -> None:
    for _ in range(2):
        with pytest.raises(InvalidCredentials):
            log_in(access, "ann", "wrong")

    assert checks == ["wrong", "wrong"]


def test_a_known_password_is_checked_again_in_time(access: Access, ann: UserReport, checks: list[str], pass_time) -> None:
    log_in(access)
    pass_time(timedelta(seconds=61))
    log_in(access)

    assert checks == ["ann's", "ann's"]


def test_a_password_changed_in_another_process_counts_at_once(
    access: Access, ann: UserReport, database: Database, settings: Settings
) -> None:
    log_in(access)
    cheap_access(database, settings).update_user("ann", password="new")

    with pytest.raises(InvalidCredentials):
        log_in(access)
    assert log_in(access, "ann", "new").login == "ann"


def test_roles_given_in_another_process_count_at_once(
    access: Access, ann: UserReport, database: Database, settings: Settings
) -> None:
    assert not log_in(access).is_superuser
    cheap_access(database, settings).add_user_to_role(SUPER_USERS, "ann")

    assert log_in(access).is_superuser


def test_a_deleted_user_is_refused_at_once_also_if_there_is_another_of_that_name(
    access: Access, ann: UserReport, database: Database, settings: Settings
) -> None:
    other = cheap_access(database, settings)
    log_in(access)
    other.delete_user("ann")
    with pytest.raises(InvalidCredentials):
        log_in(access)

    other.create_user("ann", password="another's")
    with pytest.raises(InvalidCredentials):
        log_in(access)


def test_many_first_requests_at_once_cost_one_or_two_checks(
    access: Access, ann: UserReport, database: Database, checks: list[str]
) -> None:
    start, found = threading.Barrier(8), []

    def request() -> None:
        try:
            start.wait()
            found.append(log_in(access).login)
        finally:
            database.close()

    threads = [threading.Thread(target=request) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == ["ann"] * 8
    assert 1 <= len(checks) <= 2


def test_no_more_than_two_checks_are_made_at_once(
    access: Access, ann: UserReport, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, both, now, most = threading.Lock(), threading.Barrier(2), 0, 0

    def slow_hash(_hasher: PasswordHasher, _password: bytes) -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        both.wait(30)  # a third one would be counted before these two go on
        with lock:
            now -= 1
        return "hash"

    monkeypatch.setattr(PasswordHasher, "hash", slow_hash)

    def request(number: int) -> None:
        try:
            with pytest.raises(InvalidCredentials):
                access.authenticate_password(f"nobody{number}", "x", address=f"192.0.2.{number}")
        finally:
            database.close()

    threads = [threading.Thread(target=request, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 2


def test_a_hash_of_older_parameters_is_renewed_at_a_login(
    access: Access, ann: UserReport, database: Database, checks: list[str]
) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=128, parallelism=1).hash(b"ann's")
    database.execute("UPDATE user_account SET password_hash = ? WHERE login = 'ann'", (old,))
    checks.clear()

    for _ in range(3):
        log_in(access)

    (stored,) = database.row("SELECT password_hash FROM user_account WHERE login = 'ann'")
    assert stored != old
    assert not CHEAP.check_needs_rehash(stored)
    assert checks == ["ann's", "ann's"]  # one to check the old, one to make the new


def test_no_secret_is_logged_shown_or_kept(
    access: Access, ann: UserReport, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    principal = log_in(access)
    with pytest.raises(InvalidCredentials) as refused:
        log_in(access, "ann", "mistyped")
    with pytest.raises(InvalidCredentials):
        log_in(access, "forged\nline", "mistyped")
    report, secret = access.create_token("ann", "ci")
    access.authenticate_token(secret)
    certificate = access.issue_certificate(principal)

    tables = ("user_account", "api_token", "failed_login")
    kept = str([database.rows(f"SELECT * FROM {table}") for table in tables])
    account = access._password_login.authenticate("ann", "ann's", None)
    seen = (
        caplog.text + kept + str(refused.value) + repr((principal, report, certificate, access.list_users(), access, account))
    )
    assert "failed: user ann, from 192.0.2.1" in caplog.text
    assert [word for word in ("ann's", "mistyped", "forged", secret, "PRIVATE KEY") if word in seen] == []
    assert "$argon2" not in repr(account) + caplog.text
