"""The status facades and their tenants, this project's own: who manages them needs the permission on `/v2/facades/`.

That is whoever may do everything, unless it is granted to others; it is never granted on a single tenant.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON, InvalidValue, MissingValue
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint, Schema
from entrepot.rest.reading import find_object, find_text, refuse_unknown, required
from entrepot.rest.reading import moment as read_moment
from entrepot.rest.schemas import (
    BOOLEAN,
    INTEGER,
    MOMENT,
    MOMENT_OR_NULL,
    NULL,
    OBJECT,
    OBJECT_OR_NULL,
    OID,
    TEXT,
    TEXT_OR_NULL,
    body,
    closed,
    many,
    record,
)
from entrepot.rest.shapes import hex_id, href, moment, oid
from entrepot.tenants import FACADES, rules_of

if TYPE_CHECKING:
    from entrepot.tenants import ChannelReport, TenantReport, TokenReport

_SOURCE: Schema = record("TenantSource", repository_id=TEXT, distributor_id=TEXT)
_TEXTS_OR_NULL: Schema = {"type": ["array", "null"], "items": TEXT}
CHANNEL: Schema = record(
    "TenantChannel", channel_id=INTEGER, handle=TEXT, is_default=BOOLEAN, settings=OBJECT, sources=many(_SOURCE)
)
TOKEN: Schema = record(
    "TenantToken",
    ("token",),
    _href=TEXT,
    token_id=INTEGER,
    name=TEXT,
    handle=TEXT_OR_NULL,
    scopes=many(TEXT),
    created=MOMENT,
    expires=MOMENT_OR_NULL,
    last_used=MOMENT_OR_NULL,
    token=TEXT,
)
TENANT: Schema = record(
    "Tenant",
    _href=TEXT,
    _id=OID,
    _ns={"const": "tenants"},
    id=TEXT,
    facade=TEXT,
    name=TEXT,
    settings=OBJECT,
    created=MOMENT,
    channels=many(CHANNEL),
    tokens=many(TOKEN),
)
FACADE: Schema = record("Facade", _href=TEXT, facade=TEXT, is_served=BOOLEAN, hosts=many(TEXT), scopes=many(TEXT))
_NEW = Body(closed(body("NewTenant", ("name",), name=TEXT, settings=OBJECT_OR_NULL)))
_CHANGE = Body(closed(body("ChangedTenant", ("settings",), settings=OBJECT)))
_GIVEN_SOURCE: Schema = closed(body("GivenSource", ("repository_id",), repository_id=TEXT, distributor_id=TEXT_OR_NULL))
_SET_CHANNEL = Body(
    closed(
        body(
            "SetChannel",
            ("handle",),
            handle=TEXT,
            is_default={"type": ["boolean", "null"]},
            settings=OBJECT_OR_NULL,
            sources={"type": ["array", "null"], "items": _GIVEN_SOURCE},
        )
    )
)
_NAMED_SOURCE = Body(
    closed(
        body("NamedSource", ("repository_id",), repository_id=TEXT, distributor_id=TEXT_OR_NULL, handle=TEXT_OR_NULL),
    )
)
_NEW_TOKEN = Body(
    closed(
        body("NewTenantToken", ("name",), name=TEXT, handle=TEXT_OR_NULL, scopes=_TEXTS_OR_NULL, expires=TEXT_OR_NULL),
    )
)


def list_facades(asked: Asked) -> Answer:
    """Return the status facades: whether they are served, on which hosts, and what a token may."""
    settings = asked.engine.settings
    return Answer(
        [
            {
                "_href": href("facades", facade, "tenants"),
                "facade": facade,
                "is_served": facade in settings.facades,
                "hosts": list(getattr(settings, f"{facade}_hosts")),
                "scopes": list(rules_of(facade).scopes),
            }
            for facade in FACADES
        ]
    )


def list_tenants(asked: Asked) -> Answer:
    """Return the accounts or projects of a facade, by name; never the secrets."""
    return Answer([shape(report) for report in asked.engine.tenants.list(asked.names["facade"])])


def add_tenant(asked: Asked) -> Answer:
    """Make an account or a project."""
    refuse_unknown(asked.document, "name", "settings")
    report = asked.engine.tenants.add(asked.names["facade"], _text(asked, "name"), find_object(asked.document, "settings"))
    return Answer(shape(report), 201, location=_href(report))


def get_tenant(asked: Asked) -> Answer:
    """Return one account or project with its channels and tokens."""
    return Answer(shape(asked.engine.tenants.get(*_which(asked))))


def update_tenant(asked: Asked) -> Answer:
    """Change settings: those that are named, null removes one."""
    refuse_unknown(asked.document, "settings")
    required(asked, "settings")
    return Answer(shape(asked.engine.tenants.update(*_which(asked), find_object(asked.document, "settings") or {})))


def remove_tenant(asked: Asked) -> Answer:
    """Remove an account or a project with its channels and tokens."""
    asked.engine.tenants.remove(*_which(asked))
    return Answer(None)


def set_channel(asked: Asked) -> Answer:
    """Make a channel or a publication, or change what is given of one; an account of Edgecast has one, with an empty handle."""
    document = asked.document
    refuse_unknown(document, "handle", "is_default", "settings", "sources")
    is_default, sources = document.get("is_default"), document.get("sources")
    if is_default is not None and not isinstance(is_default, bool):
        raise InvalidValue("is_default", why="it must be true or false")
    if sources is not None and not isinstance(sources, list):
        raise InvalidValue("sources", why="it must be a list")
    report = asked.engine.tenants.set_channel(
        *_which(asked),
        _handle(asked),
        is_default=is_default,
        settings=find_object(document, "settings"),
        sources=None if sources is None else list(map(_source, sources)),
    )
    return Answer(shape(report))


def remove_channel(asked: Asked) -> Answer:
    """Remove a channel or a publication, with the tokens that are good for it only."""
    return Answer(shape(asked.engine.tenants.remove_channel(*_which(asked), asked.names["handle"])))


def add_source(asked: Asked) -> Answer:
    """Let a channel show a repository's distributor, or any of its."""
    source, handle = _named_source(asked)
    return Answer(shape(asked.engine.tenants.add_source(*_which(asked), *source, handle=handle)))


def remove_source(asked: Asked) -> Answer:
    """Let a channel no longer show what it was told to show."""
    source, handle = _named_source(asked)
    return Answer(shape(asked.engine.tenants.remove_source(*_which(asked), *source, handle=handle)))


def issue_token(asked: Asked) -> Answer:
    """Make a token; its secret, `token`, is in this answer and never again."""
    refuse_unknown(asked.document, "name", "handle", "scopes", "expires")
    scopes, text = asked.document.get("scopes"), find_text(asked.document, "expires")
    if scopes is not None and not (isinstance(scopes, list) and all(isinstance(scope, str) for scope in scopes)):
        raise InvalidValue("scopes", why="it must be a list of texts")
    expires = None if text is None else read_moment(text)
    if text is not None and expires is None:
        raise InvalidValue("expires", why="it must be an ISO 8601 date and time, such as 2027-01-31T12:00:00Z")
    facade, name = _which(asked)
    report, secret = asked.engine.tenants.issue_token(
        facade,
        name,
        _text(asked, "name"),
        handle=find_text(asked.document, "handle"),
        scopes=None if scopes is None else [str(scope) for scope in scopes],
        expires=expires,
    )
    document = _token(report, facade, name)
    return Answer(document | {"token": secret}, 201, location=str(document["_href"]))


def revoke_token(asked: Asked) -> Answer:
    """Revoke a token, at once."""
    asked.engine.tenants.revoke_token(*_which(asked), asked.names["token"])
    return Answer(None)


def shape(report: TenantReport) -> dict[str, JSON]:
    """Return a tenant as clients see it."""
    return {
        "_href": _href(report),
        "_id": oid(report.tenant_id),
        "_ns": "tenants",
        "id": hex_id(report.tenant_id),
        "facade": report.facade,
        "name": report.name,
        "settings": dict(report.settings),
        "created": moment(report.created),
        "channels": [_channel(channel) for channel in report.channels],
        "tokens": [_token(token, report.facade, report.name) for token in report.tokens],
    }


def _channel(report: ChannelReport) -> dict[str, JSON]:
    return {
        "channel_id": report.channel_id,
        "handle": report.handle,
        "is_default": report.is_default,
        "settings": dict(report.settings),
        "sources": [{"repository_id": one, "distributor_id": other} for one, other in report.sources],
    }


def _token(report: TokenReport, facade: str, name: str) -> dict[str, JSON]:
    return {
        "_href": href("facades", facade, "tenants", name, "tokens", report.name),
        "token_id": report.token_id,
        "name": report.name,
        "handle": report.handle,
        "scopes": list(report.scopes),
        "created": moment(report.created),
        "expires": moment(report.expires),
        "last_used": moment(report.last_used),
    }


def _href(report: TenantReport) -> str:
    return href("facades", report.facade, "tenants", report.name)


def _which(asked: Asked) -> tuple[str, str]:
    return asked.names["facade"], asked.names["name"]


def _text(asked: Asked, name: str) -> str:
    value = required(asked, name)
    if not isinstance(value, str):
        raise InvalidValue(name, why="it must be text")
    return value


def _handle(asked: Asked) -> str:
    handle = find_text(asked.document, "handle")
    if handle is None:
        raise MissingValue("handle")
    return handle


def _source(value: JSON) -> tuple[str, str]:
    if not isinstance(value, dict) or not isinstance(value.get("repository_id"), str):
        raise InvalidValue(
            "sources", why="each must be an object with `repository_id`, and `distributor_id` if not all are meant"
        )
    refuse_unknown(value, "repository_id", "distributor_id")
    distributor_id = find_text(value, "distributor_id")
    return str(value["repository_id"]), "*" if distributor_id is None else distributor_id


def _named_source(asked: Asked) -> tuple[tuple[str, str], str]:
    """Return the source and the channel that a body names."""
    refuse_unknown(asked.document, "repository_id", "distributor_id", "handle")
    repository_id, distributor_id = _text(asked, "repository_id"), find_text(asked.document, "distributor_id")
    source = repository_id, "*" if distributor_id is None else distributor_id
    return source, find_text(asked.document, "handle") or ""


_ALL = "/v2/facades/{facade}/tenants/"
_ONE = _ALL + "{name}/"
_endpoint = partial(Endpoint, resource="/v2/facades/", problems=(404,))

ENDPOINTS = (
    Endpoint("GET", "/v2/facades/", Operation.READ, list_facades, {200: many(FACADE)}),
    _endpoint("GET", _ALL, Operation.READ, list_tenants, {200: many(TENANT)}),
    _endpoint("POST", _ALL, Operation.CREATE, add_tenant, {201: TENANT}, problems=(404, 409), body=_NEW),
    _endpoint("GET", _ONE, Operation.READ, get_tenant, {200: TENANT}),
    _endpoint("PUT", _ONE, Operation.UPDATE, update_tenant, {200: TENANT}, body=_CHANGE),
    _endpoint("DELETE", _ONE, Operation.DELETE, remove_tenant, {200: NULL}),
    _endpoint("POST", f"{_ONE}tokens/", Operation.UPDATE, issue_token, {201: TOKEN}, problems=(404, 409), body=_NEW_TOKEN),
    _endpoint("DELETE", f"{_ONE}tokens/{{token}}/", Operation.UPDATE, revoke_token, {200: NULL}),
    _endpoint("POST", f"{_ONE}channels/", Operation.UPDATE, set_channel, {200: TENANT}, body=_SET_CHANNEL),
    _endpoint("DELETE", f"{_ONE}channels/{{handle}}/", Operation.UPDATE, remove_channel, {200: TENANT}, problems=(400, 404)),
    _endpoint("POST", f"{_ONE}actions/add_source/", Operation.UPDATE, add_source, {200: TENANT}, body=_NAMED_SOURCE),
    _endpoint("POST", f"{_ONE}actions/remove_source/", Operation.UPDATE, remove_source, {200: TENANT}, body=_NAMED_SOURCE),
)
