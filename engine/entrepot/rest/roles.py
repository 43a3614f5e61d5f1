"""Roles: list, make, look up, change, delete, and who has them. Source: the Pulp 2 REST contract, 5.7 with its fixes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON, InvalidValue, OperationRefused
from entrepot.rest import users
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint, Schema
from entrepot.rest.ownership import grant_to_creator
from entrepot.rest.reading import delta, find_text, refuse_unknown, required
from entrepot.rest.schemas import NULL, OID, TEXT, TEXT_OR_NULL, body, closed, many, record
from entrepot.rest.shapes import href, oid

if TYPE_CHECKING:
    from entrepot.access import RoleReport

_OPERATIONS: Schema = many({"enum": [operation.name for operation in Operation]})
ROLE: Schema = record(
    "Role",
    ("users",),
    _href=TEXT,
    _id=OID,
    _ns={"const": "roles"},
    id=TEXT,
    display_name=TEXT,
    description=TEXT_OR_NULL,
    permissions={"type": "object", "additionalProperties": _OPERATIONS},
    users=many(TEXT),
)
_NEW: Schema = closed(body("NewRole", ("role_id",), role_id=TEXT, display_name=TEXT_OR_NULL, description=TEXT_OR_NULL))
_CHANGE: Schema = body(
    "RoleChange",
    ("delta",),
    delta={
        "type": "object",
        "properties": {"display_name": TEXT_OR_NULL, "description": TEXT_OR_NULL},
        "additionalProperties": False,
    },
)
_MEMBER: Schema = body("RoleMember", ("login",), login=TEXT)


def list_roles(asked: Asked) -> Answer:
    """Return all roles, by id."""
    return Answer([_with_users(report) for report in asked.engine.access.list_roles()])


def create_role(asked: Asked) -> Answer:
    """Make a role that grants nothing yet; whoever makes it may do everything to it."""
    refuse_unknown(asked.document, "role_id", "display_name", "description")
    role_id = required(asked, "role_id")
    if not isinstance(role_id, str):
        raise InvalidValue("role_id", why="it must be text")
    texts = find_text(asked.document, "display_name"), find_text(asked.document, "description")
    location = href("roles", role_id)
    with asked.engine.transaction():
        report = asked.engine.access.create_role(role_id, *texts)
        grant_to_creator(asked, location)
    return Answer(shape(report), 201, location=location)


def get_role(asked: Asked) -> Answer:
    """Return one role, with those who have it."""
    return Answer(_with_users(asked.engine.access.get_role(asked.names["role_id"])))


def update_role(asked: Asked) -> Answer:
    """Change the words that describe a role."""
    changes = delta(asked)
    unknown = sorted(changes.keys() - {"display_name", "description"})
    if unknown:
        raise OperationRefused(f"Only display_name and description of a role can be changed, not {', '.join(unknown)}.")
    texts = {name: find_text(changes, name) for name in ("display_name", "description")}
    return Answer(shape(asked.engine.access.update_role(asked.names["role_id"], **texts)))


def delete_role(asked: Asked) -> Answer:
    """Delete a role, and with it what it grants."""
    asked.engine.access.delete_role(asked.names["role_id"])
    return Answer(None)


def list_members(asked: Asked) -> Answer:
    """Return the users who have a role, by login."""
    return Answer([users.shape(report) for report in asked.engine.access.users_of_role(asked.names["role_id"])])


def add_member(asked: Asked) -> Answer:
    """Give a user a role, which he may have already."""
    asked.engine.access.get_role(asked.names["role_id"])
    login = asked.document.get("login")
    if not isinstance(login, str):
        raise InvalidValue("login", why="it must be the login of a user")
    asked.engine.access.add_user_to_role(asked.names["role_id"], login)
    return Answer(None)


def remove_member(asked: Asked) -> Answer:
    """Take a role from a user; super users stay as long as there is no other."""
    asked.engine.access.remove_user_from_role(asked.names["role_id"], asked.names["login"])
    return Answer(None)


def shape(report: RoleReport) -> dict[str, JSON]:
    """Return a role as clients see it."""
    return {
        "_href": href("roles", report.role_id),
        "_id": oid(report.id),
        "_ns": "roles",
        "id": report.role_id,
        "display_name": report.display_name,
        "description": report.description,
        "permissions": {resource: list(operations) for resource, operations in report.permissions.items()},
    }


def _with_users(report: RoleReport) -> dict[str, JSON]:
    return shape(report) | {"users": list(report.users)}


ENDPOINTS = (
    Endpoint("GET", "/v2/roles/", Operation.READ, list_roles, {200: many(ROLE)}),
    Endpoint("POST", "/v2/roles/", Operation.CREATE, create_role, {201: ROLE}, problems=(409,), body=Body(_NEW)),
    Endpoint("GET", "/v2/roles/{role_id}/", Operation.READ, get_role, {200: ROLE}, problems=(404,)),
    Endpoint("PUT", "/v2/roles/{role_id}/", Operation.UPDATE, update_role, {200: ROLE}, problems=(404,), body=Body(_CHANGE)),
    Endpoint("DELETE", "/v2/roles/{role_id}/", Operation.DELETE, delete_role, {200: NULL}, problems=(400, 404)),
    Endpoint("GET", "/v2/roles/{role_id}/users/", Operation.READ, list_members, {200: many(users.USER)}, problems=(404,)),
    Endpoint(
        "POST",
        "/v2/roles/{role_id}/users/",
        Operation.UPDATE,
        add_member,
        {200: NULL},
        problems=(404,),
        body=Body(_MEMBER),
    ),
    Endpoint("DELETE", "/v2/roles/{role_id}/users/{login}/", Operation.DELETE, remove_member, {200: NULL}, problems=(400, 404)),
)
