"""What tests of access share: users of a fresh database, cheap hashes, and a clock that can be moved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from entrepot import clock
from entrepot.access import SUPER_USERS, Access, Principal, UserReport
from entrepot.models import Database
from entrepot.settings import Settings

#: Hashes that cost next to nothing; tests/unit/access/test_passwords.py uses the real ones.
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def cheap_access(database: Database, settings: Settings) -> Access:
    """Return another Access to the same users, as another process has it."""
    access = Access(database, settings)
    access._passwords._hasher = CHEAP
    return access


def principal(user: UserReport) -> Principal:
    """Return the user as one whose password was right."""
    return Principal(user.user_id, user.login, user.roles, SUPER_USERS in user.roles, "password")


@pytest.fixture
def access(database: Database, settings: Settings) -> Access:
    return cheap_access(database, settings)


@pytest.fixture
def admin(access: Access) -> UserReport:
    return access.create_user("admin", password="admin's", roles=[SUPER_USERS])


@pytest.fixture
def ann(access: Access) -> UserReport:
    return access.create_user("ann", password="ann's")


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Let every clock go forward."""
    now, now_us, monotonic = clock.now, clock.now_us, clock.monotonic
    passed = timedelta()

    def pass_time(span: timedelta) -> None:
        nonlocal passed
        passed += span
        monkeypatch.setattr(clock, "now", lambda: now() + passed)
        monkeypatch.setattr(clock, "now_us", lambda: now_us() + clock.us(passed))
        monkeypatch.setattr(clock, "monotonic", lambda: monotonic() + passed.total_seconds())

    return pass_time


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The password of each argon2 check, as it is made."""
    made: list[str] = []
    verify, hash_ = PasswordHasher.verify, PasswordHasher.hash

    def counting_verify(self: PasswordHasher, stored: str, password: bytes) -> bool:
        made.append(password.decode())
        return verify(self, stored, password)

    def counting_hash(self: PasswordHasher, password: bytes) -> str:
        made.append(password.decode())
        return hash_(self, password)

    monkeypatch.setattr(PasswordHasher, "verify", counting_verify)
    monkeypatch.setattr(PasswordHasher, "hash", counting_hash)
    return made
