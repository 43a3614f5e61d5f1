"""Find users, and change the tables of this package one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from entrepot.models import storable

if TYPE_CHECKING:
    from entrepot.models import Database

#: The role whose members may do everything; the first migration of access makes it.
SUPER_USERS = "super-users"
#: The words of messages.
LOGIN_RULE = "1 to 200 letters, digits, '.', '-', '_' and '@'"
#: Longest name, description and password, characters.
LONGEST_TEXT = 1000
_LOGIN = re.compile(r"[.\-_@A-Za-z0-9]{1,200}")


@dataclass(frozen=True, slots=True)
class Account:
    """What a request needs to know of a user."""

    user_id: int
    login: str
    password_hash: str | None = field(repr=False)
    roles: tuple[str, ...]

    @property
    def is_superuser(self) -> bool:
        """True if he may do everything."""
        return SUPER_USERS in self.roles


@contextmanager
def change(database: Database) -> Iterator[None]:
    """Run the block in one transaction, with no other change of users, roles or permissions beside it.

    Such changes are rare, and what they must look at first (is there another super user?) is many rows.
    """
    with database.transaction():
        database.lock_resources(["access"])
        yield


def find_account(database: Database, login: object) -> Account | None:
    """Return the user with this login, with his roles, by one statement; None if there is none."""
    if not is_login(login):
        return None
    rows = database.rows(
        "SELECT u.id, u.login, u.password_hash, r.role_id FROM user_account u "
        "LEFT JOIN role_member m ON m.user_account = u.id LEFT JOIN role r ON r.id = m.role "
        "WHERE u.login = ? ORDER BY r.role_id",
        (login,),
    )
    if not rows:
        return None
    user_id, found, password_hash, _ = rows[0]
    return Account(user_id, found, password_hash, tuple(row[3] for row in rows if row[3] is not None))


def find_user_id(database: Database, login: object) -> int | None:
    """Return the row id of the user with this login, or None."""
    row = database.row("SELECT id FROM user_account WHERE login = ?", (login,)) if is_login(login) else None
    return None if row is None else row[0]


def find_role_id(database: Database, role_id: object) -> int | None:
    """Return the row id of the role with this id, or None."""
    row = database.row("SELECT id FROM role WHERE role_id = ?", (role_id,)) if is_text(role_id) else None
    return None if row is None else row[0]


def is_login(value: object) -> bool:
    """Say whether a user may be called so. Source: the Pulp 2 REST contract, 5.7."""
    return isinstance(value, str) and _LOGIN.fullmatch(value) is not None


def is_text(value: object) -> bool:
    """Say whether `value` is a text that both databases can keep, neither empty nor too long."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and storable(value) == value
