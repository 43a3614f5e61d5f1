"""Grants: who may do what, on which resource and all below it.

A grant to a role is kept once, with the role, and counts for all who have it: taking the role away takes its grants away.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from entrepot.access.accounts import SUPER_USERS, change, find_role_id, find_user_id
from entrepot.access.operations import Operation, names_of
from entrepot.access.reports import PermissionReport, Principal
from entrepot.access.resources import ancestors, normalised
from entrepot.errors import InvalidValue, MissingValue, OperationRefused

if TYPE_CHECKING:
    from entrepot.models import Database


def allows(database: Database, principal: Principal, operation: Operation, resource: str) -> bool:
    """Say whether `principal` may do `operation`: one statement for the resource and all above it, none for super users."""
    if principal.is_superuser:
        return True
    paths = ancestors(resource)
    among = f"p.resource IN ({', '.join('?' * len(paths))})"
    query = (
        "SELECT 1 FROM permission p JOIN user_grant g ON g.permission = p.id "
        f"WHERE g.user_account = ? AND g.operation = ? AND {among} "
        "UNION ALL "
        "SELECT 1 FROM permission p JOIN role_grant g ON g.permission = p.id JOIN role_member m ON m.role = g.role "
        f"WHERE m.user_account = ? AND g.operation = ? AND {among} LIMIT 1"
    )
    who = (principal.user_id, int(operation))
    return database.look(query, (*who, *paths, *who, *paths)) is not None


def permissions(database: Database, resource: str | None) -> list[PermissionReport]:
    """Return what is granted, by resource: on `resource` alone, or everywhere."""
    where, parameters = ("", ()) if resource is None else ("WHERE p.resource = ?", (normalised(resource),))
    query = (
        f"SELECT p.id, p.resource, g.login, g.operation FROM permission p LEFT JOIN ({_GRANTS_BY_LOGIN}) AS g "
        f"ON g.permission = p.id {where} ORDER BY p.resource, g.login, g.operation"
    )
    found: dict[tuple[int, str], dict[str, list[int]]] = {}
    for permission_id, path, login, operation in database.rows(query, parameters):
        users = found.setdefault((permission_id, path), {})
        if login is not None:
            users.setdefault(login, []).append(operation)
    return [
        PermissionReport(permission_id, path, {login: names_of(numbers) for login, numbers in users.items()})
        for (permission_id, path), users in found.items()
    ]


def grant_to_user(database: Database, login: str, resource: str, operations: Iterable[Operation]) -> None:
    """Let a user do `operations` on `resource`; what he may do already stays.

    Raises `InvalidValue` (`login`, `resource`), `MissingValue`.
    """
    with change(database):
        write_user_grants(database, _user(database, login), normalised(resource), operations)


def revoke_from_user(database: Database, login: str, resource: str, operations: Iterable[Operation]) -> None:
    """Take `operations` on `resource` from a user, as far as they were granted to himself; raises as `grant_to_user`."""
    path, numbers = normalised(resource), _required(operations)
    with change(database):
        user = _user(database, login)
        database.executemany(
            "DELETE FROM user_grant WHERE permission = (SELECT id FROM permission WHERE resource = ?) "
            "AND user_account = ? AND operation = ?",
            [(path, user, number) for number in numbers],
        )
        remove_empty(database)


def grant_to_role(database: Database, role_id: str, resource: str, operations: Iterable[Operation]) -> None:
    """Let all who have a role do `operations` on `resource`.

    Raises `InvalidValue` (`role_id`, `resource`), `MissingValue`, `OperationRefused` for the super users.
    """
    path, numbers = normalised(resource), _required(operations)
    with change(database):
        role = _role(database, role_id)
        database.executemany(
            "INSERT INTO role_grant (permission, role, operation) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(_permission(database, path), role, number) for number in numbers],
        )


def revoke_from_role(database: Database, role_id: str, resource: str, operations: Iterable[Operation]) -> None:
    """Take `operations` on `resource` from a role; raises as `grant_to_role`."""
    path, numbers = normalised(resource), _required(operations)
    with change(database):
        role = _role(database, role_id)
        database.executemany(
            "DELETE FROM role_grant WHERE permission = (SELECT id FROM permission WHERE resource = ?) "
            "AND role = ? AND operation = ?",
            [(path, role, number) for number in numbers],
        )
        remove_empty(database)


def forget_resource(database: Database, resource: str) -> None:
    """Remove every grant on `resource` and below it: it is gone, and another of the same name must not inherit them."""
    path = normalised(resource)
    with change(database):
        database.execute("DELETE FROM permission WHERE substr(resource, 1, ?) = ?", (len(path), path))


def write_user_grants(database: Database, user: int, path: str, operations: Iterable[Operation]) -> None:
    """Write the grants of a user's row on a normalised path, in the caller's `change`."""
    numbers = _required(operations)
    permission = _permission(database, path)
    database.executemany(
        "INSERT INTO user_grant (permission, user_account, operation) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(permission, user, number) for number in numbers],
    )


def remove_empty(database: Database) -> None:
    """Remove the resources that nothing is granted on any more, in the caller's `change`."""
    database.execute(
        "DELETE FROM permission WHERE NOT EXISTS (SELECT 1 FROM user_grant g WHERE g.permission = permission.id) "
        "AND NOT EXISTS (SELECT 1 FROM role_grant g WHERE g.permission = permission.id)"
    )


#: Each operation that is granted to each login, by itself or through a role, once.
_GRANTS_BY_LOGIN = (
    "SELECT g.permission, u.login, g.operation FROM user_grant g JOIN user_account u ON u.id = g.user_account "
    "UNION "
    "SELECT g.permission, u.login, g.operation FROM role_grant g JOIN role_member m ON m.role = g.role "
    "JOIN user_account u ON u.id = m.user_account"
)


def _required(operations: Iterable[Operation]) -> list[int]:
    numbers = sorted({int(operation) for operation in operations})
    if not numbers:
        raise MissingValue("operation_names")
    return numbers


def _permission(database: Database, path: str) -> int:
    """Return the row id of the resource, which is made if it is new."""
    database.execute("INSERT INTO permission (resource) VALUES (?) ON CONFLICT DO NOTHING", (path,))
    row = database.row("SELECT id FROM permission WHERE resource = ?", (path,))
    assert row is not None  # noqa: S101 - `change` lets nobody remove it
    return int(row[0])


def _user(database: Database, login: str) -> int:
    user = find_user_id(database, login)
    if user is None:
        raise InvalidValue("login", why=f"there is no user {login!r}")
    return user


def _role(database: Database, role_id: str) -> int:
    if role_id == SUPER_USERS:
        raise OperationRefused(f"The role {SUPER_USERS} may do everything, and cannot be changed.")
    role = find_role_id(database, role_id)
    if role is None:
        raise InvalidValue("role_id", why=f"there is no role {role_id!r}")
    return role
