"""Passwords are kept as argon2id hashes, and what was right a moment ago is known without the password."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from entrepot import clock
from entrepot.access.accounts import Account
from entrepot.access.password_login import VerifiedCredentials
from entrepot.access.passwords import Passwords
from entrepot.errors import InvalidValue

ANN = Account(1, "ann", "hash 1", ())


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords()


@pytest.mark.parametrize("password", ["correct horse", "ö", "\udcff", "a\0b", " "])
def test_a_hash_fits_its_password_and_no_other(passwords: Passwords, password: str) -> None:
    stored = passwords.hash(password)

    assert stored.startswith("$argon2id$")
    assert password == " " or password not in stored
    assert passwords.matches(stored, password)
    assert not passwords.matches(stored, password + "x")


@pytest.mark.parametrize("password", ["", None, 4711, ["x"], "x" * 1001])
def test_what_is_no_password_is_refused_and_not_shown(passwords: Passwords, password: object) -> None:
    with pytest.raises(InvalidValue) as refused:
        passwords.hash(password)

    assert refused.value.data == {"property_names": ["password"]}
    assert "4711" not in refused.value.message


def test_nothing_fits_where_there_is_no_hash_or_a_damaged_one(passwords: Passwords) -> None:
    assert not passwords.matches(None, "x")
    assert not passwords.matches("damaged", "x")
    assert not passwords.matches(passwords.hash("x" * 1000), "x" * 1001)


def test_a_hash_of_older_parameters_is_renewed(passwords: Passwords) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=64).hash("x")

    new = passwords.renewed(old, "x")

    assert new is not None
    assert passwords.matches(new, "x")
    assert passwords.renewed(new, "x") is None


def test_a_credential_is_remembered_for_its_user_and_his_present_hash() -> None:
    verified = VerifiedCredentials(60)
    verified.add(ANN, "right")

    assert verified.has(ANN, "right")
    assert not verified.has(ANN, "wrong")
    assert not verified.has(Account(1, "ann", "hash 2", ()), "right")
    assert not verified.has(Account(2, "bob", "hash 1", ()), "right")


def test_a_credential_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    verified, began = VerifiedCredentials(60), clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: began)
    verified.add(ANN, "right")

    monkeypatch.setattr(clock, "monotonic", lambda: began + 59)
    assert verified.has(ANN, "right")
    monkeypatch.setattr(clock, "monotonic", lambda: began + 60)
    assert not verified.has(ANN, "right")

    verified.add(Account(2, "bob", "hash", ()), "right")
    assert len(verified._entries) == 1


def test_nothing_is_remembered_if_so_set_or_without_a_hash() -> None:
    never, some = VerifiedCredentials(0), VerifiedCredentials(60)
    never.add(ANN, "right")
    some.add(Account(1, "ann", None, ()), "right")

    assert not never.has(ANN, "right")
    assert not some.has(Account(1, "ann", None, ()), "right")


def test_what_is_remembered_holds_no_password_and_no_plain_digest_of_one() -> None:
    one, other = VerifiedCredentials(60), VerifiedCredentials(60)
    for verified in (one, other):
        verified.add(ANN, "right horse")

    assert b"horse" not in b"".join(one._entries)
    assert "hash 1" not in repr(one._entries)
    assert list(one._entries) != list(other._entries)
