"""Answer requests: read, find the endpoint, let a reader's thread do the work, send.

One hop to a thread does all that may wait: who asks, may they, what the engine says, and the answer's JSON.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import quote

from entrepot.access import Operation
from entrepot.errors import JSON, BodyTooLarge, EntrepotError, MissingResource
from entrepot.logs import find_id
from entrepot.rest import problems
from entrepot.rest.authentication import takes_a_hash, who
from entrepot.rest.endpoint import PREFIX, Answer, Asked, Body, Endpoint, Events, Intake, Wait
from entrepot.rest.intake import take_in
from entrepot.rest.reading import read_document, read_list, read_query
from entrepot.rest.recording import recorded
from entrepot.rest.routes import ENDPOINTS
from entrepot.rest.routing import Routing, segments_of
from entrepot.rest.sending import Sealed, allowed, seal, send_sealed
from entrepot.streaming import EVENTS_HEADERS, Changes, Event, Stream, client_gone, send_events

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from entrepot.access import Principal
    from entrepot.engine import Engine
    from entrepot.readers import Readers

_LOG = logging.getLogger("entrepot.rest")
_BEGINNING = PREFIX.encode() + b"/"
_PREFIX = tuple(PREFIX.strip("/").split("/"))
_SERVER_ERROR = 500
#: A body of more bytes is read only after it is known who sends it, and that he may.
_SMALL_BODY_BYTES = 64 * 1024
#: Characters of a message that are logged; the rest is what the client has sent.
_LONGEST_LOGGED = 1000

_Result = TypeVar("_Result")


class Heard(NamedTuple):
    """A request as it arrived: the resource it names (the path below the prefix), and what error documents repeat."""

    method: str
    resource: str
    href: str
    scope: Scope
    request_id: str


class RestApp:
    """The REST API as an ASGI app for everything below `/pulp/api/`."""

    def __init__(
        self,
        engine: Engine,
        readers: Readers,
        *,
        changes: Changes | None = None,
        endpoints: tuple[Endpoint, ...] = ENDPOINTS,
        everybody: Principal | None = None,
    ) -> None:
        """Serve `engine` with the threads of `readers`; `changes` are those that other doors of the process hear of too.

        With `everybody` no request is asked who sends it: it is that one. For who uses the machine itself, never for a server.
        """
        self._engine = engine
        self._readers = readers
        self._everybody = everybody
        self._routing = Routing(endpoints)
        self._changes = changes or Changes(engine)

    def let_go(self) -> None:
        """Answer at once whoever waits, and end streams: the server is about to stop."""
        self._changes.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong becomes an error document."""
        request_id = find_id("request_id") or f"{random.getrandbits(64):016x}"
        raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
        segments = segments_of(raw_path)
        below = (segments or [])[len(_PREFIX) :]
        heard = Heard(scope["method"], _resource(below), _href(scope, raw_path), scope, request_id)
        try:
            found = None if segments is None else self._routing.find(below)
            if found is None:
                raise MissingResource(resource=quote(raw_path, safe="/%"))
            answer = await self._answer(heard, receive, *found)
        except EntrepotError as error:
            answer = seal(self._refusal(heard, error), scope)
        except Exception:  # noqa: BLE001 - a border: it is logged, and a client gets no traceback
            _LOG.exception("request %s failed: %s %s", request_id, heard.method, heard.href)
            answer = seal(problems.failed(request_id, href=heard.href, method=heard.method), scope)
        if isinstance(answer, Stream):
            await send_events(receive, send, answer, changes=self._changes, request_id=request_id)
        elif answer is not None:
            await send_sealed(scope, send, answer, request_id)

    async def _answer(
        self, heard: Heard, receive: Receive, endpoints: Mapping[str, Endpoint], values: Sequence[str]
    ) -> Sealed | Stream | None:
        """Return what is to be sent; nothing if the client has gone."""
        endpoint = endpoints.get("GET" if heard.method == "HEAD" else heard.method)
        if endpoint is None:
            return allowed(heard.method, endpoints)
        heard.scope.setdefault("state", {})["route"] = endpoint.path  # for its trace
        names = dict(zip(endpoint.names, values, strict=True))
        is_read = endpoint.body is not None and endpoint.body.kind != "bytes"
        if is_read and not _is_small(heard.scope):
            await self._run(heard, endpoint, partial(self._permitted, heard, endpoint, names))
        body = await _body(heard.scope, receive, self._engine.settings.max_body_bytes) if is_read else b""
        if body is None:
            return None
        outcome = await self._run(heard, endpoint, partial(self._work, heard, endpoint, names, body))
        if isinstance(outcome, Intake):
            end = await take_in(outcome, receive, self._write)
            return None if end is None else await self._readers.run(lambda: seal(end(), heard.scope))
        if isinstance(outcome, Wait):
            return await self._wait(outcome, heard.scope, receive)
        return await self._begin(heard, outcome) if isinstance(outcome, Events) else outcome

    async def _run(self, heard: Heard, endpoint: Endpoint, work: Callable[[], _Result]) -> _Result:
        """Let a reader's thread do the work; never do all of them wait for hashes of passwords, or to write."""
        takes_a_turn = endpoint.permission is not None and takes_a_hash(self._engine, heard.scope)
        writes = endpoint.permission not in (None, Operation.READ)
        async with self._readers.hashing if takes_a_turn else nullcontext(), self._readers.writing if writes else nullcontext():
            return await self._readers.run(work)

    async def _write(self, work: Callable[[], object]) -> object:
        async with self._readers.writing:
            return await self._readers.run(work)

    async def _look(self, look: Callable[[], _Result]) -> _Result:
        async with self._readers.looking:
            return await self._readers.run(look)

    def _permitted(self, heard: Heard, endpoint: Endpoint, names: Mapping[str, str]) -> Principal | None:
        """Return who asks, None where anybody may; raises what they are refused with."""
        if endpoint.permission is None:
            return None
        principal = self._everybody or who(self._engine, heard.scope)
        heard.scope.setdefault("state", {})["user"] = principal.login  # for the log of requests
        resource = endpoint.resource.format(login=principal.login) if endpoint.resource else heard.resource
        access = self._engine.access
        other = None
        if endpoint.other_resource is not None and not access.allows(principal, endpoint.permission, resource):
            other = endpoint.other_resource(self._engine, names)
        if other is None or not access.allows(principal, endpoint.permission, other):
            with self._recorded(heard, endpoint, principal):
                access.require(principal, endpoint.permission, resource)
        return principal

    def _work(self, heard: Heard, endpoint: Endpoint, names: Mapping[str, str], body: bytes) -> Sealed | Wait | Events | Intake:
        """Answer in a reader's thread: authentication and permission, then the body, then the view, as Pulp does."""
        principal = self._permitted(heard, endpoint, names)
        document, items = _parsed(body, endpoint.body)
        query, path = read_query(heard.scope["query_string"]), PREFIX + heard.resource
        asked = Asked(self._engine, principal, names, query, document, path, heard.scope, items)
        with self._recorded(heard, endpoint, principal, document):
            outcome = endpoint.view(asked)
        return seal(outcome, heard.scope) if isinstance(outcome, Answer) else outcome

    def _recorded(
        self, heard: Heard, endpoint: Endpoint, principal: Principal | None, document: Mapping[str, JSON] | None = None
    ) -> AbstractContextManager[None]:
        where = {"resource": heard.resource, "request_id": heard.request_id}
        return recorded(self._engine.access, endpoint, principal, scope=heard.scope, document=document or {}, **where)

    async def _wait(self, wait: Wait, scope: Scope, receive: Receive) -> Sealed | None:
        """Look after each change until the answer is ready, the time is over, or the client has gone."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait.seconds
        with self._changes.listening() as changed, client_gone(receive) as gone:
            while not gone.done():
                answer = await self._look(wait.look)
                left = deadline - loop.time()
                if wait.is_ready(answer) or left <= 0 or self._changes.is_over:
                    return await self._readers.run(partial(seal, answer, scope))
                await changed.after_change(left, gone)
        return None

    async def _begin(self, heard: Heard, events: Events) -> Sealed | Stream:
        """Look for the first time before the first byte is sent: what is refused is refused as any request is."""

        async def look(after: str | None) -> tuple[list[Event], bool]:
            try:
                return await self._look(partial(events.look, after))
            except EntrepotError as error:
                return [Event("error", self._refusal(heard, error).document, after or "")], True

        found, is_last = await self._look(partial(events.look, events.after))
        if heard.method == "HEAD":
            return Sealed(200, EVENTS_HEADERS, b"")
        until = None if events.seconds is None else asyncio.get_running_loop().time() + events.seconds
        return Stream(look, found, is_last, events.after, until)

    def _refusal(self, heard: Heard, error: EntrepotError) -> Answer:
        level = logging.WARNING if error.status >= _SERVER_ERROR else logging.INFO
        # What is refused may say what the client has sent: a line stays one, and short.
        text = repr(error.message[:_LONGEST_LOGGED])[1:-1]
        _LOG.log(level, "%s %s: %s: %s", heard.method, heard.href[:_LONGEST_LOGGED], type(error).__name__, text)
        return problems.refused(error, href=heard.href, method=heard.method, settings=self._engine.settings)


def is_below_prefix(scope: Scope) -> bool:
    """Return True if a request is for this door, however many slashes its client has put between."""
    raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
    if raw_path.startswith(_BEGINNING):
        return True
    segments = segments_of(raw_path) or []
    return tuple(segments[: len(_PREFIX)]) == _PREFIX


def _resource(segments: list[str]) -> str:
    """Return the path that permissions are granted on. Source: the Pulp 2 REST contract, 1.6."""
    return "/" + "".join(quote(segment, safe="@:+") + "/" for segment in segments)


def _href(scope: Scope, raw_path: bytes) -> str:
    query = scope["query_string"].decode("ascii", "backslashreplace")
    return raw_path.decode("ascii", "backslashreplace") + (f"?{query}" if query else "")


def _announced(scope: Scope) -> int | None:
    """Return the length that a request says its body has; None if it does not say."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return None
    length = headers.get(b"content-length", b"0")
    return int(length) if length.isdigit() else None


def _parsed(body: bytes, wanted: Body | None) -> tuple[dict[str, JSON], list[JSON]]:
    """Return the object that a body is, and the list; what it is not is empty."""
    if wanted is None or wanted.kind == "bytes":
        return {}, []
    if wanted.kind == "list":
        return {}, read_list(body)
    return read_document(body, is_optional=wanted.is_optional), []


def _is_small(scope: Scope) -> bool:
    length = _announced(scope)
    return length is not None and length <= _SMALL_BODY_BYTES


async def _body(scope: Scope, receive: Receive, limit: int) -> bytes | None:
    """Return the body of a request, None if the client goes before its end; raises `BodyTooLarge`, as soon as that is known."""
    parts: list[bytes] = []
    size = _announced(scope) or 0
    read, is_more = 0, True
    while is_more and max(size, read) <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None  # half of a body may look like a whole one, and none like one that was left out
        parts.append(message.get("body", b""))
        read += len(parts[-1])
        is_more = message.get("more_body", False)
    if max(size, read) > limit:
        raise BodyTooLarge(f"The body of the request is larger than {limit} bytes, the limit of this server.", limit=limit)
    return b"".join(parts)
