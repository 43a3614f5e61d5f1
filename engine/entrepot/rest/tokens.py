"""API tokens, this project's own: each user sees, makes and revokes his.

A token stands for its user, so what needs READ or UPDATE on him (`/v2/users/<login>/`, which everybody has on himself) is
all it takes here: READ to see tokens, UPDATE to make and revoke them. Who has that on another names him as `login`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON, InvalidValue, MissingResource, OperationRefused
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint, Parameter, Schema
from entrepot.rest.reading import find_text, refuse_unknown, required
from entrepot.rest.reading import moment as read_moment
from entrepot.rest.schemas import MOMENT, MOMENT_OR_NULL, NULL, OID, TEXT, TEXT_OR_NULL, body, closed, many, record
from entrepot.rest.shapes import hex_id, href, moment, oid

if TYPE_CHECKING:
    from entrepot.access import TokenReport

TOKEN: Schema = record(
    "Token",
    ("token",),
    _href=TEXT,
    _id=OID,
    _ns={"const": "tokens"},
    id=TEXT,
    login=TEXT,
    name=TEXT,
    created=MOMENT,
    expires=MOMENT_OR_NULL,
    last_used=MOMENT_OR_NULL,
    token=TEXT,
)
_NEW: Schema = closed(body("NewToken", ("name",), name=TEXT, expires=TEXT_OR_NULL, login=TEXT_OR_NULL))
_OWN = "/v2/users/{login}/"


def list_tokens(asked: Asked) -> Answer:
    """Return the tokens of who asks, or those of the user `login`, by name; never the secrets."""
    login = _allowed(asked, asked.query.get("login", [None])[-1], Operation.READ)
    return Answer([shape(report) for report in asked.engine.access.list_tokens(login)])


def create_token(asked: Asked) -> Answer:
    """Make a token; its secret, `token`, is in this answer and never again."""
    refuse_unknown(asked.document, "name", "expires", "login")
    name, text = required(asked, "name"), find_text(asked.document, "expires")
    if not isinstance(name, str):
        raise InvalidValue("name", why="it must be text")
    expires = None if text is None else read_moment(text)
    if text is not None and expires is None:
        raise InvalidValue("expires", why="it must be an ISO 8601 date and time, such as 2027-01-31T12:00:00Z")
    login = _allowed(asked, find_text(asked.document, "login"), Operation.UPDATE)
    if asked.principal is not None and asked.principal.via == "token":
        raise OperationRefused("A token makes no tokens, which could outlive it: log in with a password or a certificate.")
    report, secret = asked.engine.access.create_token(login, name, expires=expires, by=asked.principal)
    return Answer(shape(report) | {"token": secret}, 201, location=href("tokens", hex_id(report.token_id)))


def get_token(asked: Asked) -> Answer:
    """Return one token, without its secret."""
    return Answer(shape(_found(asked, Operation.READ)))


def revoke_token(asked: Asked) -> Answer:
    """Revoke a token, at once."""
    report = _found(asked, Operation.UPDATE)
    asked.engine.access.revoke_token(report.login, report.name)
    return Answer(None)


def shape(report: TokenReport) -> dict[str, JSON]:
    """Return a token as clients see it."""
    return {
        "_href": href("tokens", hex_id(report.token_id)),
        "_id": oid(report.token_id),
        "_ns": "tokens",
        "id": hex_id(report.token_id),
        "login": report.login,
        "name": report.name,
        "created": moment(report.created),
        "expires": moment(report.expires),
        "last_used": moment(report.last_used),
    }


def _allowed(asked: Asked, login: str | None, operation: Operation) -> str:
    """Return the login of the user whose tokens are meant; raises `PermissionDenied`, `MissingResource`."""
    if login is None or login == asked.login:
        return asked.login
    assert asked.principal is not None  # noqa: S101 - the endpoints need a permission
    asked.engine.access.require(asked.principal, operation, f"/v2/users/{login}/")
    return login


def _found(asked: Asked, operation: Operation) -> TokenReport:
    """Return the token that the path names; one of somebody else is not there for who may not see it."""
    token_id = asked.names["token_id"]
    found = next((each for each in asked.engine.access.list_tokens() if hex_id(each.token_id) == token_id), None)
    if found is not None and found.login != asked.login:
        assert asked.principal is not None  # noqa: S101 - the endpoints need a permission
        resource = f"/v2/users/{found.login}/"
        found = found if asked.engine.access.allows(asked.principal, operation, resource) else None
    if found is None:
        raise MissingResource(token_id=token_id)
    return found


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v2/tokens/",
        Operation.READ,
        list_tokens,
        {200: many(TOKEN)},
        problems=(404,),
        query=(Parameter("login", "The user whose tokens are meant; not given: who asks."),),
        resource=_OWN,
    ),
    Endpoint(
        "POST",
        "/v2/tokens/",
        Operation.UPDATE,
        create_token,
        {201: TOKEN},
        problems=(404, 409),
        body=Body(_NEW),
        resource=_OWN,
    ),
    Endpoint("GET", "/v2/tokens/{token_id}/", Operation.READ, get_token, {200: TOKEN}, problems=(404,), resource=_OWN),
    Endpoint("DELETE", "/v2/tokens/{token_id}/", Operation.UPDATE, revoke_token, {200: NULL}, problems=(404,), resource=_OWN),
)
