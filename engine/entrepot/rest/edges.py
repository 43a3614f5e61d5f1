"""POPs and their servers, this project's own: who manages them needs the permission on `/v2/edge/`; see `deploys` for the rest.

That is granted on all of the edge, and never on a single POP or server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON, InvalidValue, MissingResource, MissingValue, OperationRefused
from entrepot.propagation.targets.address import Address
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint, Parameter, Schema
from entrepot.rest.reading import find_number, find_object, find_text, refuse_unknown, required, whole_number
from entrepot.rest.schemas import INTEGER, MOMENT, NULL, OBJECT, OBJECT_OR_NULL, TEXT, TEXT_OR_NULL, body, closed, many, record
from entrepot.rest.shapes import href, moment

if TYPE_CHECKING:
    from entrepot.propagation import PopReport, ServerReport

#: What must be permitted for the edge as a whole.
EDGE = "/v2/edge/"
#: A row id in a body.
ROW_ID: Schema = {"type": "integer", "minimum": 1}
POP: Schema = record(
    "Pop",
    _href=TEXT,
    pop_id=INTEGER,
    network=TEXT,
    name=TEXT,
    region=TEXT,
    location=TEXT,
    code=TEXT_OR_NULL,
    max_pushes=INTEGER,
    servers=INTEGER,
)
SERVER: Schema = record(
    "EdgeServer",
    _href=TEXT,
    server_id=INTEGER,
    pop_id=INTEGER,
    pop=TEXT,
    network=TEXT,
    url=TEXT,
    options=OBJECT,
    created=MOMENT,
)
_NEW_POP = Body(
    closed(
        body(
            "NewPop",
            ("name",),
            name={**TEXT, "description": "`Region : Location`, or `Region : Location (ABC)`."},
            network={**TEXT_OR_NULL, "description": "`default` if it is left out."},
            max_pushes={"type": ["integer", "null"], "minimum": 1, "description": "At once, to all its servers; else 4."},
        )
    )
)
_NEW_SERVER = Body(
    closed(
        body(
            "NewEdgeServer",
            ("pop_id",),
            pop_id=ROW_ID,
            url={**TEXT_OR_NULL, "description": "Where is pushed to."},
            options={**OBJECT_OR_NULL, "description": "What it takes to push there: `password`, `token` and the like."},
            urls={"type": ["array", "null"], "items": TEXT, "description": "In place of `url`: several, all or none."},
        )
    )
)


def list_pops(asked: Asked) -> Answer:
    """Return the POPs of one network, or of all, by network and name."""
    network = asked.query.get("network", [None])[-1]
    return Answer([_pop(report) for report in asked.engine.edges.list_pops(network)])


def add_pop(asked: Asked) -> Answer:
    """Add a POP; it has no servers yet."""
    refuse_unknown(asked.document, "name", "network", "max_pushes")
    required(asked, "name")
    name, network = find_text(asked.document, "name") or "", find_text(asked.document, "network")
    most = find_number(asked.document, "max_pushes")
    add = asked.engine.edges.add_pop
    add = add if network is None else partial(add, network=network)
    report = add(name) if most is None else add(name, max_pushes=most)
    return Answer(_pop(report), 201, location=href("edge", "pops", str(report.pop_id)))


def get_pop(asked: Asked) -> Answer:
    """Return one POP."""
    pop_id = row_id(asked, "pop_id", "pop")
    return Answer(next((_pop(one) for one in asked.engine.edges.list_pops() if one.pop_id == pop_id), None) or _missing(asked))


def remove_pop(asked: Asked) -> Answer:
    """Remove a POP with its servers; nothing is removed from these themselves."""
    asked.engine.edges.remove_pop(row_id(asked, "pop_id", "pop"))
    return Answer(None)


def list_servers(asked: Asked) -> Answer:
    """Return the servers of one POP, or of all, in the order they were added; secrets among their options are masked."""
    text = asked.query.get("pop_id", [None])[-1]
    pop_id = None if text is None else whole_number(text)
    if text is not None and pop_id is None:
        raise InvalidValue("pop_id", why=f"{text!r} is no whole number")
    return Answer([_server(report) for report in asked.engine.edges.list_servers(pop_id)])


def add_servers(asked: Asked) -> Answer:
    """Add a server to a POP, or with `urls` several, which are then answered as a list; nothing is connected to."""
    document = asked.document
    refuse_unknown(document, "pop_id", "url", "options", "urls")
    pop_id, url, options = find_number(document, "pop_id"), find_text(document, "url"), find_object(document, "options")
    urls = document.get("urls")
    if pop_id is None:
        raise MissingValue("pop_id")
    if urls is None:
        if url is None:
            raise MissingValue("url")
        _require_harmless(asked, [url], options)
        report = asked.engine.edges.add_server(pop_id, url, options=options)
        return Answer(_server(report), 201, location=_server_href(report))
    if not isinstance(urls, list) or not urls or not all(isinstance(one, str) for one in urls):
        raise InvalidValue("urls", why="it must be a list of texts, of one at least")
    if url is not None or options:
        raise InvalidValue("urls", why="neither `url` nor `options` may stand beside it")
    _require_harmless(asked, map(str, urls))
    reports = asked.engine.edges.add_servers(pop_id, map(str, urls))
    return Answer([_server(report) for report in reports], 201, location=f"{href('edge', 'servers')}?pop_id={pop_id}")


def _require_harmless(asked: Asked, urls: Iterable[str], options: Mapping[str, JSON] | None = None) -> None:
    """Refuse to all but super users what lets the workers run a command or write to a folder of their own machine."""
    if asked.principal is not None and asked.principal.is_superuser:
        return
    if options and "rsh" in options:
        raise OperationRefused("`rsh` is a command that the workers' machine runs: only super users may give it.")
    if any(Address.read(url).scheme == "file" for url in urls):
        raise OperationRefused("A folder is written by the workers, wherever they may write: only super users may add one.")


def get_server(asked: Asked) -> Answer:
    """Return one server; secrets among its options are masked."""
    server_id = row_id(asked, "server_id", "server")
    found = (_server(one) for one in asked.engine.edges.list_servers() if one.server_id == server_id)
    return Answer(next(found, None) or _missing(asked))


def remove_server(asked: Asked) -> Answer:
    """Remove a server; deploys that have not reached it count it no more, and nothing is removed from it."""
    asked.engine.edges.remove_server(row_id(asked, "server_id", "server"))
    return Answer(None)


def row_id(asked: Asked, name: str, kind: str) -> int:
    """Return a number in the path; raises `MissingResource` if it is none."""
    found = whole_number(asked.names[name])
    if found is None:
        raise MissingResource(**{kind: asked.names[name]})
    return found


def _missing(asked: Asked) -> JSON:
    ((name, value),) = asked.names.items()
    raise MissingResource(**{name.removesuffix("_id"): value})


def _pop(report: PopReport) -> dict[str, JSON]:
    return {
        "_href": href("edge", "pops", str(report.pop_id)),
        "pop_id": report.pop_id,
        "network": report.network,
        "name": report.name,
        "region": report.region,
        "location": report.location,
        "code": report.code,
        "max_pushes": report.max_pushes,
        "servers": report.servers,
    }


def _server(report: ServerReport) -> dict[str, JSON]:
    return {
        "_href": _server_href(report),
        "server_id": report.server_id,
        "pop_id": report.pop_id,
        "pop": report.pop,
        "network": report.network,
        "url": report.url,
        "options": dict(report.options),
        "created": moment(report.created),
    }


def _server_href(report: ServerReport) -> str:
    return href("edge", "servers", str(report.server_id))


_POPS, _SERVERS = "/v2/edge/pops/", "/v2/edge/servers/"
_POP, _SERVER = f"{_POPS}{{pop_id}}/", f"{_SERVERS}{{server_id}}/"
_NETWORK = Parameter("network", "Only POPs of this network.")
_OF_POP = Parameter("pop_id", "Only servers of this POP.", ROW_ID)
_ADDED: Schema = {"anyOf": [SERVER, many(SERVER)]}
_endpoint = partial(Endpoint, resource=EDGE, problems=(404,))

ENDPOINTS = (
    _endpoint("GET", _POPS, Operation.READ, list_pops, {200: many(POP)}, query=(_NETWORK,)),
    _endpoint("POST", _POPS, Operation.CREATE, add_pop, {201: POP}, problems=(409,), body=_NEW_POP),
    _endpoint("GET", _POP, Operation.READ, get_pop, {200: POP}),
    _endpoint("DELETE", _POP, Operation.DELETE, remove_pop, {200: NULL}),
    _endpoint("GET", _SERVERS, Operation.READ, list_servers, {200: many(SERVER)}, query=(_OF_POP,)),
    _endpoint("POST", _SERVERS, Operation.CREATE, add_servers, {201: _ADDED}, problems=(404, 409), body=_NEW_SERVER),
    _endpoint("GET", _SERVER, Operation.READ, get_server, {200: SERVER}),
    _endpoint("DELETE", _SERVER, Operation.DELETE, remove_server, {200: NULL}),
)
