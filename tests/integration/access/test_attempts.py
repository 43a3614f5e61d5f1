"""Failed logins are counted in the database, by user and address and by address, and borne up to a limit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.access import Access, UserReport
from entrepot.access.attempts import origin_of
from entrepot.errors import EntrepotError, InvalidCredentials, TooManyAttempts
from entrepot.models import Database
from entrepot.settings import Settings
from tests.integration.access.conftest import cheap_access

HOME, AWAY = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"login_failures": 3, "login_failures_of_address": 5, "login_failure_seconds": 300})


def outcome(access: Access, login: str = "ann", password: str | None = None, address: str | None = HOME) -> str:
    try:
        access.authenticate_password(login, password or "wrong", address=address)
    except EntrepotError as error:
        return type(error).__name__
    return "in"


def fail(access: Access, times: int, login: str = "ann", address: str | None = HOME) -> None:
    assert [outcome(access, login, address=address) for _ in range(times)] == ["InvalidCredentials"] * times


def test_after_three_failures_not_even_the_right_password_is_looked_at(
    access: Access, ann: UserReport, checks: list[str]
) -> None:
    fail(access, 3)
    checks.clear()

    assert outcome(access, password="ann's") == outcome(access) == "TooManyAttempts"
    assert checks == []


def test_nobody_goes_on_guessing_while_the_user_is_logged_in_elsewhere(
    access: Access, ann: UserReport, checks: list[str], pass_time
) -> None:
    assert outcome(access, password="ann's", address=AWAY) == "in"
    fail(access, 3)

    assert [outcome(access), outcome(access, password="ann's")] == ["TooManyAttempts"] * 2
    checks.clear()
    assert outcome(access, password="ann's", address=AWAY) == "in"
    assert checks == []

    pass_time(timedelta(seconds=301))
    assert outcome(access, password="ann's") == "in"


def test_it_says_how_long_to_wait_and_waiting_helps(access: Access, ann: UserReport, pass_time) -> None:
    fail(access, 1)
    pass_time(timedelta(seconds=100))
    fail(access, 2)

    with pytest.raises(TooManyAttempts) as refused:
        access.authenticate_password("ann", "ann's", address=HOME)
    assert 195 <= refused.value.data["retry_after"] <= 200

    pass_time(timedelta(seconds=refused.value.data["retry_after"]))
    assert outcome(access) == "InvalidCredentials"
    assert outcome(access) == "TooManyAttempts"


def test_attempts_that_are_refused_do_not_prolong_the_wait(access: Access, ann: UserReport, pass_time) -> None:
    fail(access, 3)
    pass_time(timedelta(seconds=299))
    assert outcome(access) == "TooManyAttempts"

    pass_time(timedelta(seconds=2))
    assert outcome(access, password="ann's") == "in"


def test_processes_count_together(access: Access, ann: UserReport, database: Database, settings: Settings) -> None:
    fail(access, 2)
    fail(cheap_access(database, settings), 1)

    assert outcome(access) == "TooManyAttempts"


def test_other_users_and_other_addresses_are_not_hindered(access: Access, ann: UserReport, admin: UserReport) -> None:
    fail(access, 3)

    assert outcome(access, password="ann's", address=AWAY) == "in"
    assert outcome(access, "admin", "admin's") == "in"


def test_whoever_is_logged_in_is_not_locked_out_by_others_behind_the_same_address(access: Access, ann: UserReport) -> None:
    assert outcome(access, password="ann's") == "in"
    fail(access, 3)

    assert outcome(access, password="ann's") == "in"


def test_a_success_clears_the_failures_of_that_user_from_that_address(access: Access, ann: UserReport) -> None:
    fail(access, 2)
    fail(access, 2, address=AWAY)
    assert outcome(access, password="ann's") == "in"

    fail(access, 3)
    fail(access, 1, address=AWAY)
    assert outcome(access) == outcome(access, address=AWAY) == "TooManyAttempts"


def test_an_address_that_tries_many_users_is_refused_for_all(access: Access, ann: UserReport) -> None:
    for number in range(4):
        fail(access, 1, f"guess{number}")
    fail(access, 1, "no login")

    assert outcome(access, password="ann's") == "TooManyAttempts"
    assert outcome(access, password="ann's", address=AWAY) == "in"


def test_without_an_address_each_user_counts_alone(access: Access, ann: UserReport, admin: UserReport) -> None:
    for login in ("one", "two", "three"):
        fail(access, 2, login, None)
    fail(access, 3, address=None)

    assert outcome(access, address=None) == "TooManyAttempts"
    assert outcome(access, "admin", "admin's", None) == "in"


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("nul\0", "nul\\x00"),
        ("x" * 300, "x" * 100),
        (None, ""),
    ],
)
def test_failures_are_counted_by_whoever_has_the_address(address: str | None, origin: str) -> None:
    assert origin_of(address) == origin


def test_old_failures_are_removed(access: Access, ann: UserReport, database: Database, pass_time) -> None:
    fail(access, 2)
    pass_time(timedelta(seconds=200))
    fail(access, 1)
    pass_time(timedelta(seconds=150))

    assert access.forget_failed_logins() == 2
    assert access.forget_failed_logins() == 0
    assert database.row("SELECT count(*) FROM failed_login") == (1,)


def test_a_failure_in_the_future_of_a_clock_that_was_set_back_delays_for_one_window_at_most(
    access: Access, ann: UserReport, pass_time
) -> None:
    fail(access, 3)
    pass_time(timedelta(hours=-5))

    with pytest.raises(TooManyAttempts) as refused:
        access.authenticate_password("ann", "ann's", address=HOME)
    assert refused.value.data["retry_after"] <= 300


def test_limits_count_for_the_wrong_password_of_nobody_too(access: Access) -> None:
    fail(access, 3, "nobody")

    with pytest.raises(TooManyAttempts):
        access.authenticate_password("nobody", "x", address=HOME)
    with pytest.raises(InvalidCredentials):
        access.authenticate_password("nobody", "x", address=AWAY)
