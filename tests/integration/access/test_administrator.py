"""The first administrator is made once, with a password that nobody else knows."""

from __future__ import annotations

import threading

import pytest
from pydantic import SecretStr

from entrepot import Engine
from entrepot.access import SUPER_USERS, Access, UserReport
from entrepot.errors import InvalidCredentials
from entrepot.models import Database
from entrepot.settings import Settings
from tests.integration.access.conftest import cheap_access


def test_the_first_administrator_gets_a_generated_password(access: Access) -> None:
    password = access.ensure_administrator()

    assert password is not None
    assert len(password.replace("-", "")) == 25
    assert access.authenticate_password("admin", password, address=None).is_superuser
    with pytest.raises(InvalidCredentials):
        access.authenticate_password("admin", "admin", address=None)


def test_it_is_made_once(access: Access) -> None:
    access.ensure_administrator()

    assert access.ensure_administrator() is None
    assert [user.login for user in access.list_users()] == ["admin"]


def test_no_two_passwords_are_the_same(access: Access, database: Database) -> None:
    first = access.ensure_administrator()
    database.execute("DELETE FROM user_account")

    assert access.ensure_administrator() not in (None, first)


def test_the_settings_may_give_the_password(database: Database, settings: Settings) -> None:
    access = cheap_access(database, settings.model_copy(update={"admin_password": SecretStr("mine")}))

    assert access.ensure_administrator() is None
    assert access.authenticate_password("admin", "mine", address=None).is_superuser


def test_an_empty_password_in_the_settings_is_none(database: Database, settings: Settings) -> None:
    access = cheap_access(database, settings.model_copy(update={"admin_password": SecretStr("")}))

    assert access.ensure_administrator() is not None


def test_the_password_in_the_settings_counts_for_the_first_start_only(
    access: Access, database: Database, settings: Settings
) -> None:
    password = access.ensure_administrator()
    later = cheap_access(database, settings.model_copy(update={"admin_password": SecretStr("mine")}))

    assert later.ensure_administrator() is None
    assert later.authenticate_password("admin", password or "", address=None).login == "admin"


def test_where_there_is_a_super_user_there_is_no_need(access: Access) -> None:
    access.create_user("root", roles=[SUPER_USERS])

    assert access.ensure_administrator() is None
    assert [user.login for user in access.list_users()] == ["root"]


def test_users_without_power_are_no_reason_to_have_no_administrator(access: Access, ann: UserReport) -> None:
    assert access.ensure_administrator() is not None
    assert [user.login for user in access.users_of_role(SUPER_USERS)] == ["admin"]


def test_processes_that_start_at_once_make_one_and_one_of_them_says_the_password(
    access: Access, database: Database, settings: Settings
) -> None:
    start, said = threading.Barrier(4), []

    def begin() -> None:
        try:
            start.wait()
            said.append(cheap_access(database, settings).ensure_administrator())
        finally:
            database.close()

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (password,) = [one for one in said if one is not None]
    assert len(said) == 4
    assert access.authenticate_password("admin", password, address=None).login == "admin"


def test_an_engine_has_access_makes_nobody_by_itself_and_forgets_old_failures_in_a_loop(settings: Settings) -> None:
    with Engine(settings=settings) as engine:
        engine.initialise()

        assert engine.access.list_users() == []
        assert next(loop for loop in engine.loops() if loop.name == "failed logins").round() == 0
