"""Make, find, change and delete users. Source: the Pulp 2 REST contract, 5.7 with its fixes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.access import permissions, sessions
from entrepot.access.accounts import (
    LOGIN_RULE,
    LONGEST_TEXT,
    SUPER_USERS,
    change,
    find_role_id,
    find_user_id,
    is_login,
    is_text,
)
from entrepot.access.operations import Operation
from entrepot.access.reports import UserReport
from entrepot.access.resources import is_search
from entrepot.errors import DuplicateResource, InvalidValue, MissingResource, OperationRefused

if TYPE_CHECKING:
    from entrepot.models import Database, Row

#: What every user may do from the beginning, beside the same on himself. Source: the Pulp 2 REST contract, 1.6.
_OPEN_RESOURCES = ("/v2/actions/login/", "/v2/actions/logout/")
_OPEN_OPERATIONS = (Operation.READ, Operation.UPDATE)
#: Bits of a user's id: so many that none is drawn twice, so few that every JSON reader keeps it exactly.
_ID_BITS = 52
#: Values of one statement.
_MOST_MARKS = 1000


def user_resource(login: str) -> str:
    """Return the path that permissions on a user are granted on."""
    return f"/v2/users/{login}/"


def create(
    database: Database,
    login: str,
    *,
    password_hash: str | None,
    name: str | None,
    roles: Iterable[str],
    creator: str | None,
) -> UserReport:
    """Make a user with the grants that everybody has; `creator`, a login, may do everything to him.

    Raises `InvalidValue` (`login`, `name`, `roles`), `DuplicateResource`.
    """
    if not is_login(login):
        raise InvalidValue("login", why=f"{login!r} must be {LOGIN_RULE}")
    _check_name(name)
    with change(database):
        if find_user_id(database, login) is not None:
            raise DuplicateResource(login)
        user_id = secrets.randbits(_ID_BITS)
        database.execute(
            "INSERT INTO user_account (id, login, name, password_hash, created_at) VALUES (?, ?, ?, ?, ?)",
            (user_id, login, login if name is None else name, password_hash, clock.now_us()),
        )
        _write_roles(database, user_id, _role_ids(database, roles))
        own = () if is_search(user_resource(login)) else (user_resource(login),)
        for resource in (*own, *_OPEN_RESOURCES):
            permissions.write_user_grants(database, user_id, resource, _OPEN_OPERATIONS)
        creator_id = None if creator is None else find_user_id(database, creator)
        if creator_id is not None:
            for resource in own:
                permissions.write_user_grants(database, creator_id, resource, Operation)
        return get(database, login)


def get(database: Database, login: str) -> UserReport:
    """Return the user with this login; raises `MissingResource`."""
    found = _reports(database, "WHERE u.login = ?", (login,)) if is_login(login) else []
    if not found:
        raise MissingResource(login=str(login))
    return found[0]


def list_users(database: Database) -> list[UserReport]:
    """Return all users, by login."""
    return _reports(database, "", ())


def with_ids(database: Database, user_ids: Sequence[int]) -> list[UserReport]:
    """Return the users with these row ids, in this order, without those who are gone."""
    found: dict[int, UserReport] = {}
    for start in range(0, len(user_ids), _MOST_MARKS):
        some = user_ids[start : start + _MOST_MARKS]
        reports = _reports(database, f"WHERE u.id IN ({', '.join('?' * len(some))})", some)
        found |= {report.user_id: report for report in reports}
    return [found[user_id] for user_id in user_ids if user_id in found]


def users_of_role(database: Database, role_id: str) -> list[UserReport]:
    """Return the users who have a role, by login; raises `MissingResource`."""
    role = find_role_id(database, role_id)
    if role is None:
        raise MissingResource(resource_id=str(role_id))
    return _reports(database, "WHERE u.id IN (SELECT user_account FROM role_member WHERE role = ?)", (role,))


def update(
    database: Database,
    login: str,
    *,
    name: str | None,
    password_hash: str | None,
    roles: Iterable[str] | None,
    permit: Callable[[str], None],
) -> UserReport:
    """Change what is given, all or nothing; `roles` takes the place of those he has. A new password ends his sessions.

    `permit` is asked about each role that is given or taken, and raises if it must not be. Raises `MissingResource`,
    `InvalidValue` (`name`, `roles`), `OperationRefused` (the last super user stays one).
    """
    _check_name(name)
    with change(database):
        before = get(database, login)
        user_id = before.user_id
        if name is not None:
            database.execute("UPDATE user_account SET name = ? WHERE id = ?", (name, user_id))
        if password_hash is not None:
            database.execute("UPDATE user_account SET password_hash = ? WHERE id = ?", (password_hash, user_id))
            sessions.end_of_user(database, user_id)
        if roles is not None:
            wanted = _role_ids(database, roles)
            for role_id in sorted(wanted.keys() ^ set(before.roles)):
                permit(role_id)
            if SUPER_USERS not in wanted:
                require_another_super_user(database, user_id, login)
            database.execute("DELETE FROM role_member WHERE user_account = ?", (user_id,))
            _write_roles(database, user_id, wanted)
        return get(database, login)


def delete(database: Database, login: str) -> None:
    """Delete a user with his tokens and grants, and what others were granted on him.

    Raises `MissingResource`, `OperationRefused` (the last super user).
    """
    with change(database):
        user_id = get(database, login).user_id
        require_another_super_user(database, user_id, login)
        permissions.forget_resource(database, user_resource(login))
        database.execute("DELETE FROM user_account WHERE id = ?", (user_id,))
        permissions.remove_empty(database)


def require_another_super_user(database: Database, user_id: int, login: str) -> None:
    """Raise `OperationRefused` if this user is the only super user; in the caller's `change`."""
    rows = database.rows(
        "SELECT m.user_account FROM role_member m JOIN role r ON r.id = m.role WHERE r.role_id = ? LIMIT 2", (SUPER_USERS,)
    )
    if [row[0] for row in rows] == [user_id]:
        raise OperationRefused(
            f"{login} is the last super user, and must stay one. Give another user the role {SUPER_USERS} first."
        )


def _check_name(name: str | None) -> None:
    if name is not None and not is_text(name):
        raise InvalidValue("name", why=f"{name!r} is no text of 1 to {LONGEST_TEXT} characters")


def _role_ids(database: Database, roles: object) -> dict[str, int]:
    """Return the row ids of roles by their ids; raises `InvalidValue` for what is no role."""
    if not isinstance(roles, Iterable) or isinstance(roles, str):
        raise InvalidValue("roles", why="it is no list of roles")
    found: dict[str, int] = {}
    for role_id in roles:
        row_id = found[role_id] if isinstance(role_id, str) and role_id in found else find_role_id(database, role_id)
        if row_id is None:
            raise InvalidValue("roles", why=f"there is no role {role_id!r}")
        found[role_id] = row_id
    return found


def _write_roles(database: Database, user_id: int, roles: dict[str, int]) -> None:
    database.executemany(
        "INSERT INTO role_member (role, user_account) VALUES (?, ?)", [(role, user_id) for role in roles.values()]
    )


def _reports(database: Database, where: str, parameters: Sequence[object]) -> list[UserReport]:
    query = (
        "SELECT u.id, u.login, u.name, u.password_hash IS NOT NULL, u.created_at, r.role_id FROM user_account u "
        "LEFT JOIN role_member m ON m.user_account = u.id LEFT JOIN role r ON r.id = m.role "
        f"{where} ORDER BY u.login, r.role_id"
    )
    by_login: dict[str, list[Row]] = {}
    for row in database.rows(query, parameters):
        by_login.setdefault(row[1], []).append(row)
    return [
        UserReport(
            user_id=rows[0][0],
            login=login,
            name=rows[0][2],
            roles=tuple(row[5] for row in rows if row[5] is not None),
            has_password=bool(rows[0][3]),
            created=clock.from_us(rows[0][4]),
        )
        for login, rows in by_login.items()
    ]
