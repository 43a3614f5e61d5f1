"""Addresses are shown without passwords, however they are misspelt, and those that cannot be used are refused beforehand."""

from __future__ import annotations

import pytest

from entrepot.server_address import masked, postgresql_faults, redis_faults, without_passwords


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://u:s3cret@h:5432/db", "postgresql://u:*****@h:5432/db"),
        ("mysql://u:s3cret@h/db", "mysql://u:*****@h/db"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("postgresql:///db?host=/run", "postgresql:///db?host=/run"),
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("redis://s3cret@h", "redis://*****@h"),
        ("redis://:s3cret@h", "redis://:*****@h"),
        ("postgresql://u:s3c#ret@h/db", "postgresql://*****@h/db"),
        ("postgresql://u:s3c/ret@h/db", "postgresql://*****@h/db"),
        ("postgresql://u:s3c?ret@h/db", "postgresql://*****@h/db"),
        ("postgresql://u:s3c[ret@h/db", "postgresql://*****@h/db"),
        ("postgresql://u:s3c@ret/x@h/db", "postgresql://*****@h/db"),
        ("postgresql://u:s3c//ret@h/db", "postgresql://*****@h/db"),
        ("s3cret@host:6379", "*****@host:6379"),
        ("s3c//ret@host", "*****@host"),
        ("redis:s3c//ret@host", "*****@host"),
        ("postgresql://h/db?password=s3cret&sslpassword=two&sslmode=require", None),
        ("rediss://h?ssl_password=s3cret", "rediss://h?ssl_password=*****"),
        ("host=h dbname=db password='s3cret two'", "host=h dbname=db password=*****"),
        ("sqlite:////srv/me@home/x.sqlite3", "sqlite:////srv/me@home/x.sqlite3"),
    ],
)
def test_no_password_is_shown(address: str, shown: str | None) -> None:
    expected = shown or "postgresql://h/db?password=*****&sslpassword=*****&sslmode=require"

    assert masked(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:s3c%2Fret@h/db",
        "postgresql://u:s3c/ret@h/db",
        "postgresql://h/db?password=s3c%2Fret",
        "redis://s3c%2Fret@h",
    ],
)
def test_what_a_driver_says_loses_the_password_as_written_and_as_meant(address: str) -> None:
    said = without_passwords("wrong password s3c/ret (s3c%2Fret)", address)

    assert "s3c/ret" not in said
    assert said.startswith("wrong password *****")


def test_a_user_called_as_the_password_is_stays_readable() -> None:
    assert without_passwords('no such user "zoo"', "postgresql://zoo:zoo@h/db") == 'no such user "zoo"'


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:p@h/db",
        "postgres://u:p@h:5432,i:5433/db",
        "postgresql://postgres:@/db?host=/run/sockets",
        "postgresql://u:s3c%2Fret@h/db?application_name=me@here",
        "postgresql://u:p@[::1]:5432/db",
    ],
)
def test_an_address_that_libpq_reads_as_it_was_meant_is_used(address: str) -> None:
    assert postgresql_faults(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "postgresql:/u:s3cret@h/db",
        "POSTGRESQL://u:s3cret@h/db",
        "postgresql://u:s3c/ret@h/db",
        "postgresql://u:s3c@ret@h/db",
        "postgresql://u:s3cret@[::1/db",
        "postgresql://u:s3c%zzret@h/db",
        "postgresql://u:s3cret@h/db?bogus=1",
        "postgresql://u:s3cret@h:many/db",
        "postgresql://u:s3cret@h:65536/db",
        "postgresql://u:s3c",
    ],
)
def test_an_address_that_libpq_refuses_or_misreads_is_answered_with_what_to_write(address: str) -> None:
    fault = postgresql_faults(address)

    assert fault is not None
    assert "write postgresql://" in fault
    assert "ret" not in fault
    assert "zz" not in fault


@pytest.mark.parametrize(
    "address",
    ["redis://h", "redis://:p@h:6379/0", "rediss://u:p%2Fq@h/1?socket_timeout=2", "redis://[::1]:6379", "redis://"],
)
def test_an_address_that_the_client_of_redis_can_use_is_used(address: str) -> None:
    assert redis_faults(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "redis://h/5?timeout=3",
        "redis://a..b",
        "redis://h:99999",
        "redis://h:many",
        "redis://h/abc",
        "redis://h?socket_timeout=abc",
        "redis://h?protocol=9",
        "rediss://h?ssl_cert_reqs=bogus",
        "redis://[::1",
        "redis://:s3c/ret@h",
        "redis://s3c#ret@h",
        "redis://s3c?ret@h",
        "redis://s3c[ret@h",
    ],
)
def test_an_address_that_the_client_of_redis_cannot_use_is_answered_with_what_to_write(address: str) -> None:
    fault = redis_faults(address)

    assert fault is not None
    assert "write redis://" in fault
    assert "ret@" not in fault
    assert "s3c" not in fault
