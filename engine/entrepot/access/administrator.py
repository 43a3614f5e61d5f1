"""The first administrator: nobody could make users without one."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from entrepot.access import users
from entrepot.access.accounts import SUPER_USERS, change, find_user_id

if TYPE_CHECKING:
    from entrepot.access.passwords import Passwords
    from entrepot.models import Database
    from entrepot.settings import Settings

#: The first administrator's login. Source: the Pulp 2 REST contract, 1.5.
LOGIN = "admin"
#: Letters and digits that nobody mistakes for one another; 25 of them are more than 120 bits.
_CHARACTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP_LENGTH = 5, 5


def ensure(database: Database, settings: Settings, passwords: Passwords) -> str | None:
    """Make the user `admin`, a super user, unless there is a super user, or one of that login, already.

    Returns the password if one was generated, None if there was nothing to do or the settings give one. Safe to call from
    several processes at once. Raises `InvalidValue` if the given password is refused.
    """
    if _is_done(database):
        return None
    given = settings.admin_password.get_secret_value() if settings.admin_password is not None else ""
    password = given or _generated()
    password_hash = passwords.hash(password)
    with change(database):
        if _is_done(database):
            return None
        users.create(database, LOGIN, password_hash=password_hash, name=None, roles=(SUPER_USERS,), creator=None)
    return None if given else password


def _is_done(database: Database) -> bool:
    query = "SELECT 1 FROM role_member m JOIN role r ON r.id = m.role WHERE r.role_id = ? LIMIT 1"
    return database.row(query, (SUPER_USERS,)) is not None or find_user_id(database, LOGIN) is not None


def _generated() -> str:
    groups = ("".join(secrets.choice(_CHARACTERS) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)
