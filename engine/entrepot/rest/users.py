"""Users: list, make, look up, change, delete, search. Source: the Pulp 2 REST contract, 5.7 with its fixes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.criteria import Criteria
from entrepot.errors import JSON, InvalidValue, OperationRefused
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint, Schema
from entrepot.rest.reading import delta, find_text, refuse_unknown, required
from entrepot.rest.schemas import NULL, OID, TEXT, TEXT_OR_NULL, body, closed, many, record
from entrepot.rest.search import PARAMETERS, criteria_document, cut, part_of, search_body, tree_of
from entrepot.rest.shapes import hex_id, href, oid

if TYPE_CHECKING:
    from entrepot.access import UserReport

USER: Schema = record(
    "User", ("id",), _href=TEXT, _id=OID, _ns={"const": "users"}, login=TEXT, name=TEXT, roles=many(TEXT), id=TEXT
)
_NEW: Schema = closed(body("NewUser", ("login",), login=TEXT, password=TEXT_OR_NULL, name=TEXT_OR_NULL))
_CHANGE: Schema = body(
    "UserChange",
    ("delta",),
    delta={
        "type": "object",
        "properties": {"name": TEXT_OR_NULL, "password": TEXT_OR_NULL, "roles": {"type": ["array", "null"], "items": TEXT}},
        "additionalProperties": False,
    },
)
#: What a search shows whatever its fields are.
_KEPT = ("_href", "_id", "login")


def list_users(asked: Asked) -> Answer:
    """Return all users, by login."""
    return Answer([shape(report) for report in asked.engine.access.list_users()])


def create_user(asked: Asked) -> Answer:
    """Make a user, who may read and change himself; whoever makes him may do everything to him."""
    refuse_unknown(asked.document, "login", "password", "name")
    login, password, name = required(asked, "login"), find_text(asked.document, "password"), find_text(asked.document, "name")
    if not isinstance(login, str):
        raise InvalidValue("login", why="it must be text")
    creator = None if asked.principal is None or asked.principal.is_superuser else asked.login
    report = asked.engine.access.create_user(login, password=password, name=name, creator=creator)
    return Answer(shape(report) | {"id": hex_id(report.user_id)}, 201, location=href("users", report.login))


def search_users(asked: Asked) -> Answer:
    """Return the users that the criteria select."""
    criteria = Criteria.parse(criteria_document(asked))
    shapes = [shape(report) for report in asked.engine.access.search_users(criteria)]
    if criteria.fields is not None:
        tree = tree_of(criteria.fields, {"id": "_id"})
        shapes = [cut(found, tree, _KEPT) for found in shapes]
    return Answer(shapes)


def get_user(asked: Asked) -> Answer:
    """Return one user."""
    return Answer(shape(asked.engine.access.get_user(asked.names["login"])))


def update_user(asked: Asked) -> Answer:
    """Change a user's name, password or roles; to give or take a role needs UPDATE on that role's users as well."""
    changes, login = delta(asked), asked.names["login"]
    refuse_unknown(changes, "name", "password", "roles")
    name, password, roles = find_text(changes, "name"), find_text(changes, "password"), changes.get("roles")
    if roles is not None and not (isinstance(roles, list) and all(isinstance(role, str) for role in roles)):
        raise InvalidValue("roles", why="it must be a list of the ids of roles")
    if password is not None and asked.principal is not None and asked.principal.via == "token" and login == asked.login:
        raise OperationRefused("A token does not suffice to change its own user's password: log in with the password.")
    named = None if roles is None else [str(role) for role in roles]
    report = asked.engine.access.update_user(login, name=name, password=password, roles=named, by=asked.principal)
    return Answer(shape(report))


def delete_user(asked: Asked) -> Answer:
    """Delete a user with his tokens and grants; the last super user stays."""
    asked.engine.access.delete_user(asked.names["login"])
    return Answer(None)


def shape(report: UserReport) -> dict[str, JSON]:
    """Return a user as clients see him; nothing of his password."""
    return {
        "_href": href("users", report.login),
        "_id": oid(report.user_id),
        "_ns": "users",
        "login": report.login,
        "name": report.name,
        "roles": list(report.roles),
    }


_SEARCH = "/v2/users/search/"
_FOUND = {200: many(part_of(USER, "FoundUser", _KEPT))}

ENDPOINTS = (
    Endpoint("GET", "/v2/users/", Operation.READ, list_users, {200: many(USER)}),
    Endpoint("POST", "/v2/users/", Operation.CREATE, create_user, {201: USER}, problems=(409,), body=Body(_NEW)),
    Endpoint("GET", _SEARCH, Operation.READ, search_users, _FOUND, query=PARAMETERS),
    Endpoint("POST", _SEARCH, Operation.READ, search_users, _FOUND, body=search_body("UserSearch")),
    Endpoint("GET", "/v2/users/{login}/", Operation.READ, get_user, {200: USER}, problems=(404,)),
    Endpoint("PUT", "/v2/users/{login}/", Operation.UPDATE, update_user, {200: USER}, problems=(404,), body=Body(_CHANGE)),
    Endpoint("DELETE", "/v2/users/{login}/", Operation.DELETE, delete_user, {200: NULL}, problems=(400, 404)),
)
