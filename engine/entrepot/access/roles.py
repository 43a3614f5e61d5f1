"""Make, find, change and delete roles, and say who has them. Source: the Pulp 2 REST contract, 5.7 with its fixes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from entrepot.access import permissions, users
from entrepot.access.accounts import LONGEST_TEXT, SUPER_USERS, change, find_role_id, find_user_id, is_text
from entrepot.access.operations import names_of
from entrepot.access.reports import RoleReport
from entrepot.errors import DuplicateResource, InvalidValue, MissingResource, OperationRefused

if TYPE_CHECKING:
    from entrepot.models import Database

_ROLE_ID = re.compile(r"[.\-_A-Za-z0-9]{1,200}")


def role_resource(role_id: str) -> str:
    """Return the path that permissions on a role are granted on."""
    return f"/v2/roles/{role_id}/"


def create(database: Database, role_id: str, *, display_name: str | None, description: str | None) -> RoleReport:
    """Make a role that grants nothing yet.

    Raises `InvalidValue` (`role_id`, `display_name`, `description`), `DuplicateResource`.
    """
    if not is_text(role_id) or not _ROLE_ID.fullmatch(role_id):
        raise InvalidValue("role_id", why=f"{role_id!r} must be 1 to 200 letters, digits, '.', '-' and '_'")
    _check_texts(display_name, description)
    with change(database):
        if find_role_id(database, role_id) is not None:
            raise DuplicateResource(role_id)
        database.execute(
            "INSERT INTO role (role_id, display_name, description) VALUES (?, ?, ?)",
            (role_id, role_id if display_name is None else display_name, description),
        )
        return get(database, role_id)


def get(database: Database, role_id: str) -> RoleReport:
    """Return the role with this id; raises `MissingResource`."""
    found = _reports(database, "WHERE r.role_id = ?", (role_id,)) if is_text(role_id) else []
    if not found:
        raise MissingResource(resource_id=str(role_id))
    return found[0]


def list_roles(database: Database) -> list[RoleReport]:
    """Return all roles, by id."""
    return _reports(database, "", ())


def update(database: Database, role_id: str, *, display_name: str | None, description: str | None) -> RoleReport:
    """Change what is given.

    Raises `MissingResource`, `InvalidValue` (`display_name`, `description`), `OperationRefused` for the super users.
    """
    _check_texts(display_name, description)
    with change(database):
        row_id = _changeable(database, role_id)
        if display_name is not None:
            database.execute("UPDATE role SET display_name = ? WHERE id = ?", (display_name, row_id))
        if description is not None:
            database.execute("UPDATE role SET description = ? WHERE id = ?", (description, row_id))
        return get(database, role_id)


def delete(database: Database, role_id: str) -> None:
    """Delete a role, and so what it grants; raises `MissingResource`, `OperationRefused` for the super users."""
    with change(database):
        row_id = _changeable(database, role_id)
        permissions.forget_resource(database, role_resource(role_id))
        database.execute("DELETE FROM role WHERE id = ?", (row_id,))
        permissions.remove_empty(database)


def add_user(database: Database, role_id: str, login: str) -> None:
    """Give a user a role, which he may have already; raises `MissingResource`, `InvalidValue` (`login`)."""
    with change(database):
        role, user = _role_and_user(database, role_id, login)
        database.execute("INSERT INTO role_member (role, user_account) VALUES (?, ?) ON CONFLICT DO NOTHING", (role, user))


def remove_user(database: Database, role_id: str, login: str) -> None:
    """Take a role from a user, who need not have it.

    Raises `MissingResource`, `InvalidValue` (`login`), `OperationRefused` (the last super user stays one).
    """
    with change(database):
        role, user = _role_and_user(database, role_id, login)
        if role_id == SUPER_USERS:
            users.require_another_super_user(database, user, login)
        database.execute("DELETE FROM role_member WHERE role = ? AND user_account = ?", (role, user))


def _role_and_user(database: Database, role_id: str, login: str) -> tuple[int, int]:
    role, user = find_role_id(database, role_id), find_user_id(database, login)
    if role is None:
        raise MissingResource(resource_id=str(role_id))
    if user is None:
        raise InvalidValue("login", why=f"there is no user {login!r}")
    return role, user


def _changeable(database: Database, role_id: str) -> int:
    row_id = find_role_id(database, role_id)
    if row_id is None:
        raise MissingResource(resource_id=str(role_id))
    if role_id == SUPER_USERS:
        raise OperationRefused(f"The role {SUPER_USERS} cannot be changed or deleted.")
    return row_id


def _check_texts(display_name: str | None, description: str | None) -> None:
    given = {"display_name": display_name, "description": description or None}
    refused = [name for name, text in given.items() if text is not None and not is_text(text)]
    if refused:
        raise InvalidValue(*refused, why=f"must be a text of 1 to {LONGEST_TEXT} characters")


def _reports(database: Database, where: str, parameters: Sequence[object]) -> list[RoleReport]:
    """Return roles with what they grant and who has them, by three statements."""
    roles = database.rows(
        f"SELECT r.id, r.role_id, r.display_name, r.description FROM role r {where} ORDER BY r.role_id", parameters
    )
    operations: dict[int, dict[str, list[int]]] = {row[0]: {} for row in roles}
    for role, resource, operation in database.rows(
        "SELECT g.role, p.resource, g.operation FROM role_grant g JOIN permission p ON p.id = g.permission "
        f"JOIN role r ON r.id = g.role {where} ORDER BY p.resource",
        parameters,
    ):
        operations.setdefault(role, {}).setdefault(resource, []).append(operation)
    logins: dict[int, list[str]] = {row[0]: [] for row in roles}
    for role, login in database.rows(
        "SELECT m.role, u.login FROM role_member m JOIN user_account u ON u.id = m.user_account "
        f"JOIN role r ON r.id = m.role {where} ORDER BY u.login",
        parameters,
    ):
        logins.setdefault(role, []).append(login)
    return [
        RoleReport(
            id=row_id,
            role_id=role_id,
            display_name=display_name,
            description=description,
            permissions={resource: names_of(numbers) for resource, numbers in operations[row_id].items()},
            users=tuple(logins[row_id]),
        )
        for row_id, role_id, display_name, description in roles
    ]
