"""Permissions: who may do what, granted and revoked. Source: the Pulp 2 REST contract, 1.6 and 5.7."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

from entrepot.access import Operation, operations_named
from entrepot.errors import JSON, InvalidValue, MissingValue
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint, Parameter, Schema
from entrepot.rest.schemas import NULL, OID, TEXT, body, many, record
from entrepot.rest.shapes import hex_id, oid

if TYPE_CHECKING:
    from entrepot.access import PermissionReport

_Change: TypeAlias = "Callable[[str, str, Iterable[Operation]], None]"

_NAMES: Schema = many({"enum": [operation.name for operation in Operation]})
PERMISSION: Schema = record(
    "Permission",
    _id=OID,
    _ns={"const": "permissions"},
    id=TEXT,
    resource=TEXT,
    users={"type": "object", "additionalProperties": _NAMES},
)
_OF_USER: Schema = body("UserGrant", ("login", "resource", "operations"), login=TEXT, resource=TEXT, operations=_NAMES)
_OF_ROLE: Schema = body("RoleGrant", ("role_id", "resource", "operations"), role_id=TEXT, resource=TEXT, operations=_NAMES)
#: What clients know a field by when it is missing, where that is not its name.
_CALLED = {"operations": "operation_names"}


def list_permissions(asked: Asked) -> Answer:
    """Return who may do what, by resource: on `resource`, or everywhere."""
    resource = asked.query.get("resource", [None])[-1]
    return Answer([shape(report) for report in asked.engine.access.permissions(resource)])


def grant_to_user(asked: Asked) -> Answer:
    """Let a user do something to a resource and all below it."""
    return _change(asked, "login", asked.engine.access.grant_to_user)


def revoke_from_user(asked: Asked) -> Answer:
    """Take from a user what was granted to himself."""
    return _change(asked, "login", asked.engine.access.revoke_from_user)


def grant_to_role(asked: Asked) -> Answer:
    """Let all who have a role do something to a resource and all below it."""
    return _change(asked, "role_id", asked.engine.access.grant_to_role)


def revoke_from_role(asked: Asked) -> Answer:
    """Take from a role what was granted to it."""
    return _change(asked, "role_id", asked.engine.access.revoke_from_role)


def shape(report: PermissionReport) -> dict[str, JSON]:
    """Return the grants on one resource as clients see them."""
    return {
        "_id": oid(report.permission_id),
        "_ns": "permissions",
        "id": hex_id(report.permission_id),
        "resource": report.resource,
        "users": {login: list(operations) for login, operations in report.users.items()},
    }


def _change(asked: Asked, who: str, change: _Change) -> Answer:
    names = (who, "resource", "operations")
    missing = [_CALLED.get(name, name) for name in names if asked.document.get(name) is None]
    if missing:
        raise MissingValue(*missing)
    grantee, resource, operations = (asked.document[name] for name in names)
    if not isinstance(grantee, str):
        raise InvalidValue(who, why="it must be text")
    if not isinstance(resource, str):
        raise InvalidValue("resource", why="it must be a path")
    change(grantee, resource, operations_named(operations))
    return Answer(None)


def _action(name: str, view: Callable[[Asked], Answer], schema: Schema) -> Endpoint:
    return Endpoint("POST", f"/v2/permissions/actions/{name}/", Operation.EXECUTE, view, {200: NULL}, body=Body(schema))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v2/permissions/",
        Operation.READ,
        list_permissions,
        {200: many(PERMISSION)},
        query=(Parameter("resource", "Only what is granted on this path itself."),),
    ),
    _action("grant_to_user", grant_to_user, _OF_USER),
    _action("revoke_from_user", revoke_from_user, _OF_USER),
    _action("grant_to_role", grant_to_role, _OF_ROLE),
    _action("revoke_from_role", revoke_from_role, _OF_ROLE),
)
