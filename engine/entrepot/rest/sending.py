"""Send what a view answered: JSON, a page, a stream of events, or nothing but a status."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

from entrepot.rest.endpoint import NOTHING, Answer, Endpoint, Event

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from entrepot.rest.live import Changes, Listener

#: Seconds after which a stream says that it is alive, so that nothing between cuts it off.
_KEEP_ALIVE_SECONDS = 15.0
EVENTS_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8")]
_COMMON = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
_SAFE_HOST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_")


class Sealed(NamedTuple):
    """An answer that is ready to be sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Stream(NamedTuple):
    """Events that are about to be sent: those found so far after the event `after`, and who looks for more."""

    look: Callable[[str | None], Awaitable[tuple[list[Event], bool]]]
    found: list[Event]
    is_last: bool
    after: str | None
    #: When it ends at the latest, by the clock of the event loop.
    until: float | None = None


def seal(answer: Answer, scope: Scope) -> Sealed:
    """Return the bytes of an answer; for threads, since large documents take their time."""
    headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
    if answer.location is not None:
        headers.append((b"location", (_origin(scope) + answer.location).encode()))
    if answer.document is NOTHING:
        return Sealed(answer.status, headers, b"")
    headers.append((b"content-type", answer.media_type.encode()))
    if isinstance(answer.document, Iterator):
        return Sealed(answer.status, headers, _json_list(answer.document))
    text = answer.document if isinstance(answer.document, str) and "json" not in answer.media_type else _json(answer.document)
    return Sealed(answer.status, headers, text.encode())


async def send_sealed(scope: Scope, send: Send, sealed: Sealed, request_id: str) -> None:
    """Send an answer; a HEAD gets its headers only."""
    length = [] if sealed.status == 204 else [(b"content-length", str(len(sealed.body)).encode())]  # noqa: PLR2004 - HTTP
    headers = [*sealed.headers, *length, *_COMMON, (b"x-request-id", request_id.encode())]
    await send({"type": "http.response.start", "status": sealed.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else sealed.body})


def allowed(method: str, endpoints: Mapping[str, Endpoint]) -> Sealed:
    """Say which methods there are: 200 to OPTIONS, 405 without a body to any other. Source: the contract, 1.1."""
    methods = {*endpoints, "OPTIONS", *(["HEAD"] if "GET" in endpoints else [])}
    headers = [(b"allow", ", ".join(sorted(methods)).encode()), (b"content-type", b"text/html; charset=utf-8")]
    return Sealed(200 if method == "OPTIONS" else 405, headers, b"")


async def send_events(receive: Receive, send: Send, stream: Stream, *, changes: Changes, request_id: str) -> None:
    """Send events as they come, until the last one, until the client has gone, or until the server stops.

    Source: the HTML standard, 9.2 (server-sent events).
    """
    headers = [*EVENTS_HEADERS, *_COMMON, (b"x-request-id", request_id.encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    with changes.listening() as changed, client_gone(receive) as gone:
        while not gone.done():
            is_last = stream.is_last or changes.is_over or _is_late(stream)
            body = "".join(map(event_text, stream.found)) or ": still here\n\n"
            await send({"type": "http.response.body", "body": body.encode(), "more_body": not is_last})
            if is_last:
                return
            stream = await _next(stream, changes, changed, gone)


@contextmanager
def client_gone(receive: Receive) -> Iterator[asyncio.Future[None]]:
    """Give a future that is done when the client has gone; the request has been read."""
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        yield gone
    finally:
        gone.cancel()


async def _next(stream: Stream, changes: Changes, changed: Listener, gone: asyncio.Future[None]) -> Stream:
    """Return the stream as it goes on: as soon as there is something, or without anything when it is time to say so."""
    loop = asyncio.get_running_loop()
    until = min(loop.time() + _KEEP_ALIVE_SECONDS, stream.until or math.inf)
    after = stream.found[-1].id if stream.found else stream.after
    while not gone.done() and not changes.is_over and (left := until - loop.time()) > 0:
        await changed.after_change(left, gone)
        found, is_last = await stream.look(after)
        if found or is_last:
            return Stream(stream.look, found, is_last, after, stream.until)
    return Stream(stream.look, [], is_last=False, after=after, until=stream.until)


def _is_late(stream: Stream) -> bool:
    return stream.until is not None and asyncio.get_running_loop().time() >= stream.until


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def event_text(event: Event) -> str:
    """Return an event as it is sent."""
    event_id = "".join(event.id.splitlines())  # it may be what the client has sent
    return f"id: {event_id}\nevent: {event.name}\ndata: {_json(event.data)}\n\n"


_json = json.JSONEncoder(separators=(",", ":")).encode


def _json_list(items: Iterator[object]) -> bytes:
    """Return a list as JSON; of a long one only the text is in memory, once."""
    text, separator = BytesIO(), b"["
    for item in items:
        text.write(separator + _json(item).encode())
        separator = b","
    text.write(b"]" if separator == b"," else b"[]")
    return text.getvalue()


def _origin(scope: Scope) -> str:
    """Return scheme and host as the client wrote them, or nothing: then the address is relative to them."""
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    return f"{scope['scheme']}://{host}" if host and _SAFE_HOST.issuperset(host) else ""
