"""Deploys, this project's own: asked for, looked at, canceled, pushed again.

A deploy belongs to its repository: who may READ that sees it, who may EXECUTE that asks for it and stops it. What is permitted
on `/v2/edge/` is permitted on all deploys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, get_args

from entrepot.access import Operation
from entrepot.errors import JSON, InvalidValue, MissingResource
from entrepot.propagation import DeployState, Environment, PushState
from entrepot.rest.edges import EDGE, ROW_ID, row_id
from entrepot.rest.endpoint import PREFIX, Answer, Asked, Body, Endpoint, Parameter, Schema
from entrepot.rest.reading import find_number, find_text, flag, refuse_unknown, required, whole_number
from entrepot.rest.repository_shapes import repository_href
from entrepot.rest.schemas import (
    INTEGER,
    MICROSECONDS,
    MOMENT,
    MOMENT_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    body,
    closed,
    many,
    record,
)
from entrepot.rest.shapes import href, microseconds, moment

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.propagation import DeployReport, ServerPush

_STATES, _ENVIRONMENTS, _PUSH_STATES = get_args(DeployState), get_args(Environment), get_args(PushState)
_STATE: Schema = {"enum": list[JSON](_STATES)}
_ENVIRONMENT: Schema = {"enum": list[JSON](_ENVIRONMENTS)}
_INTEGER_OR_NULL: Schema = {"type": ["integer", "null"]}
_PROGRESS: Schema = record("PopProgress", pop_id=INTEGER, name=TEXT, servers=INTEGER, done=INTEGER, failed=INTEGER)
DEPLOY: Schema = record(
    "Deploy",
    _href=TEXT,
    deploy_id=INTEGER,
    repository_id=TEXT,
    distributor_id=TEXT,
    revision=_INTEGER_OR_NULL,
    environment=_ENVIRONMENT,
    network=TEXT,
    state=_STATE,
    message=TEXT_OR_NULL,
    reason=TEXT_OR_NULL,
    requested_by=TEXT_OR_NULL,
    task_id=TEXT_OR_NULL,
    servers=INTEGER,
    done=INTEGER,
    failed=INTEGER,
    created=MOMENT,
    created_us=MICROSECONDS,
    started=MOMENT_OR_NULL,
    started_us=MICROSECONDS,
    finished=MOMENT_OR_NULL,
    finished_us=MICROSECONDS,
    pops=many(_PROGRESS),
)
PUSH: Schema = record(
    "ServerPush",
    server_id=INTEGER,
    pop_id=INTEGER,
    pop=TEXT,
    url=TEXT,
    state={"enum": list[JSON](_PUSH_STATES)},
    attempts=INTEGER,
    files=INTEGER,
    bytes=INTEGER,
    error=TEXT_OR_NULL,
    next_attempt=MOMENT_OR_NULL,
    started=MOMENT_OR_NULL,
    acked=MOMENT_OR_NULL,
    task_id=TEXT_OR_NULL,
    deploy_id=INTEGER,
)
_ROW_ID_OR_NULL: Schema = {"type": ["integer", "null"], "minimum": 1}
_NEW = Body(
    closed(
        body(
            "NewDeploy",
            ("repository_id", "distributor_id"),
            repository_id=TEXT,
            distributor_id={**TEXT, "description": "A distributor that deploys, such as one of type edge_distributor."},
            revision={**_ROW_ID_OR_NULL, "description": "An earlier publication; without it what the source serves now."},
            message={**TEXT_OR_NULL, "description": "What is said of it."},
        )
    )
)
_AGAIN = Body(
    closed(
        body(
            "PushAgain",
            pop_id={**_ROW_ID_OR_NULL, "description": "Only servers of this POP."},
            server_id={**_ROW_ID_OR_NULL, "description": "Only this server."},
        )
    ),
    is_optional=True,
)
#: Deploys that are shown unless a request says how many.
_SHOWN = "50"


def list_deploys(asked: Asked) -> Answer:
    """Return deploys, the newest first: those of the repositories that who asks may READ."""
    states, environment = asked.query.get("state"), asked.query.get("environment", [None])[-1]
    if states is not None and not set(states) <= set(_STATES):
        raise InvalidValue("state", why=f"the states are {', '.join(_STATES)}")
    if environment is not None and environment not in _ENVIRONMENTS:
        raise InvalidValue("environment", why=f"the environments are {', '.join(_ENVIRONMENTS)}")
    reports = asked.engine.edges.list_deploys(
        repository_ids=_readable(asked, asked.query.get("repository_id")),
        distributor_id=asked.query.get("distributor_id", [None])[-1],
        environment=environment,
        states=states,
        before=_number(asked, "before"),
        limit=_number(asked, "limit", _SHOWN) or 0,
        latest=flag(asked, "latest"),
    )
    return Answer([_shape(report) for report in reports])


def request_deploy(asked: Asked) -> Answer:
    """Ask for a deploy, by a publish or of an earlier publication, which takes EXECUTE on its repository."""
    document = asked.document
    refuse_unknown(document, "repository_id", "distributor_id", "revision", "message")
    required(asked, "repository_id")
    required(asked, "distributor_id")
    repository_id, distributor_id = find_text(document, "repository_id") or "", find_text(document, "distributor_id") or ""
    if not _may(asked, Operation.EXECUTE, EDGE):
        assert asked.principal is not None  # noqa: S101 - the endpoint needs one
        asked.engine.access.require(asked.principal, Operation.EXECUTE, _resource(repository_id))
    report = asked.engine.edges.request_deploy(
        repository_id,
        distributor_id,
        revision=find_number(document, "revision"),
        message=find_text(document, "message"),
        requested_by=asked.login,
    )
    return Answer(_shape(report), 201, location=_href(report))


def get_deploy(asked: Asked) -> Answer:
    """Return one deploy, and how far it has got in each POP."""
    return Answer(_shape(asked.engine.edges.get_deploy(_id(asked))))


def list_pushes(asked: Asked) -> Answer:
    """Return the pushes of a deploy to its servers, by POP name and server."""
    states = asked.query.get("state")
    if states is not None and not set(states) <= set(_PUSH_STATES):
        raise InvalidValue("state", why=f"the states are {', '.join(_PUSH_STATES)}")
    found = asked.engine.edges.list_pushes(
        _id(asked),
        pop_id=_number(asked, "pop_id"),
        states=states,
        skip=_number(asked, "skip", "0") or 0,
        limit=_number(asked, "limit"),
    )
    return Answer(map(_push, found))


def list_last_pushes(asked: Asked) -> Answer:
    """Return the newest push to each server of a POP, of whatever deploy, by server."""
    return Answer(map(_push, asked.engine.edges.last_pushes(row_id(asked, "pop_id", "pop"))))


def cancel_deploy(asked: Asked) -> Answer:
    """Cancel a deploy that is under way; servers that have it keep it."""
    return Answer(_shape(asked.engine.edges.cancel(_id(asked))))


def push_again(asked: Asked) -> Answer:
    """Push again to the servers where a deploy failed or was canceled: all, those of a POP, or one."""
    refuse_unknown(asked.document, "pop_id", "server_id")
    pop_id, server_id = find_number(asked.document, "pop_id"), find_number(asked.document, "server_id")
    return Answer(_shape(asked.engine.edges.push_again(_id(asked), pop_id=pop_id, server_id=server_id)))


def _readable(asked: Asked, named: list[str] | None) -> list[str] | None:
    """Return which of the repositories named, or of all, who asks may READ; None if these are all there are."""
    if _may(asked, Operation.READ, EDGE) or (named is None and _may(asked, Operation.READ, "/v2/repositories/")):
        return named
    among: Iterable[str] = (one.repository_id for one in asked.engine.repositories.reports()) if named is None else named
    return [one for one in among if _may(asked, Operation.READ, _resource(one))]


def _may(asked: Asked, operation: Operation, resource: str) -> bool:
    return asked.principal is not None and asked.engine.access.allows(asked.principal, operation, resource)


def _resource(repository_id: str) -> str:
    """Return what permissions for a repository are granted on."""
    return repository_href(repository_id).removeprefix(PREFIX)


def _repository_of(engine: Engine, names: Mapping[str, str]) -> str | None:
    """Return the path of the repository that a deploy belongs to, or None if there is no such deploy."""
    deploy_id = whole_number(names["deploy_id"])
    try:
        return None if deploy_id is None else _resource(engine.edges.get_deploy(deploy_id).repository_id)
    except MissingResource:
        return None


def _id(asked: Asked) -> int:
    return row_id(asked, "deploy_id", "deploy")


def _number(asked: Asked, name: str, default: str | None = None) -> int | None:
    """Return a whole number of the query; raises `InvalidValue` if it is none."""
    text = asked.query.get(name, [default])[-1]
    found = None if text is None else whole_number(text)
    if text is not None and found is None:
        raise InvalidValue(name, why=f"{text!r} is no whole number")
    return found


def _href(report: DeployReport) -> str:
    return href("edge", "deploys", str(report.deploy_id))


def _shape(report: DeployReport) -> dict[str, JSON]:
    pops: list[JSON] = [
        {"pop_id": pop.pop_id, "name": pop.name, "servers": pop.servers, "done": pop.done, "failed": pop.failed}
        for pop in report.pops
    ]
    return {
        "_href": _href(report),
        "deploy_id": report.deploy_id,
        "repository_id": report.repository_id,
        "distributor_id": report.distributor_id,
        "revision": report.revision,
        "environment": report.environment,
        "network": report.network,
        "state": report.state,
        "message": report.message,
        "reason": report.reason,
        "requested_by": report.requested_by,
        "task_id": report.task_id,
        "servers": report.servers,
        "done": report.done,
        "failed": report.failed,
        "created": moment(report.created),
        "created_us": microseconds(report.created),
        "started": moment(report.started),
        "started_us": microseconds(report.started),
        "finished": moment(report.finished),
        "finished_us": microseconds(report.finished),
        "pops": pops,
    }


def _push(push: ServerPush) -> dict[str, JSON]:
    return {
        "server_id": push.server_id,
        "pop_id": push.pop_id,
        "pop": push.pop,
        "url": push.url,
        "state": push.state,
        "attempts": push.attempts,
        "files": push.files,
        "bytes": push.bytes,
        "error": push.error,
        "next_attempt": moment(push.next_attempt),
        "started": moment(push.started),
        "acked": moment(push.acked),
        "task_id": push.task_id,
        "deploy_id": push.deploy_id,
    }


_ALL, _ONE = "/v2/edge/deploys/", "/v2/edge/deploys/{deploy_id}/"
#: Whoever may log in asks, and the view looks at the repositories: everybody may read and change himself.
_HIMSELF = "/v2/users/{login}/"
_NUMBER: Schema = {"type": "integer", "minimum": 1}
_LISTED = (
    Parameter("repository_id", "Only deploys of one of these repositories.", is_repeated=True),
    Parameter("distributor_id", "Only deploys of distributors of this id."),
    Parameter("environment", "`production` or `staging`.", _ENVIRONMENT),
    Parameter("state", "Only deploys in one of these states.", _STATE, is_repeated=True),
    Parameter("before", "Only deploys older than the one of this number: the next page.", _NUMBER),
    Parameter("limit", "How many are shown at most; 50 if it is left out.", _NUMBER),
    Parameter("latest", "`true`: only those that are under way, and the newest of each distributor."),
)
_PUSHES_LISTED = (
    Parameter("pop_id", "Only servers of this POP.", ROW_ID),
    Parameter("state", "Only pushes in one of these states.", {"enum": list[JSON](_PUSH_STATES)}, is_repeated=True),
    Parameter("skip", "So many are left out at the beginning.", {"type": "integer", "minimum": 0}),
    Parameter("limit", "How many are shown at most; all if it is left out.", _NUMBER),
)
_one = partial(Endpoint, resource=EDGE, other_resource=_repository_of)

ENDPOINTS = (
    Endpoint("GET", _ALL, Operation.READ, list_deploys, {200: many(DEPLOY)}, query=_LISTED, resource=_HIMSELF),
    Endpoint("POST", _ALL, Operation.UPDATE, request_deploy, {201: DEPLOY}, problems=(404, 409), body=_NEW, resource=_HIMSELF),
    _one("GET", _ONE, Operation.READ, get_deploy, {200: DEPLOY}, problems=(404,)),
    _one("GET", f"{_ONE}pushes/", Operation.READ, list_pushes, {200: many(PUSH)}, problems=(404,), query=_PUSHES_LISTED),
    Endpoint(
        "GET",
        "/v2/edge/pops/{pop_id}/pushes/",
        Operation.READ,
        list_last_pushes,
        {200: many(PUSH)},
        problems=(404,),
        resource=EDGE,
    ),
    _one("POST", f"{_ONE}actions/cancel/", Operation.EXECUTE, cancel_deploy, {200: DEPLOY}, problems=(404, 409)),
    _one("POST", f"{_ONE}actions/push_again/", Operation.EXECUTE, push_again, {200: DEPLOY}, problems=(404, 409), body=_AGAIN),
)
