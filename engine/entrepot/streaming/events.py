"""A stream of server-sent events. Source: the HTML standard, 9.2.

A door says what is new after the event that a client has heard last; whatever was missed while the client was away is thus
what it gets first.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from starlette.types import Receive, Send

    from entrepot.streaming.changes import Changes, Listener

#: Seconds after which a stream says that it is alive, so that nothing between cuts it off.
_KEEP_ALIVE_SECONDS = 15.0
#: Where a client begins a new line.
_NEW_LINE = re.compile("\r\n|\r|\n")
EVENTS_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event; `id` is what a client sends back as `Last-Event-ID` to go on after it.

    `data` that is a text is sent as it is, line by line; anything else as JSON.
    """

    name: str
    data: object
    id: str


class Stream(NamedTuple):
    """Events that are about to be sent: those found so far after the event `after`, and who looks for more."""

    look: Callable[[str | None], Awaitable[tuple[list[Event], bool]]]
    found: list[Event]
    is_last: bool
    after: str | None
    #: When it ends at the latest, by the clock of the event loop.
    until: float | None = None


async def send_events(receive: Receive, send: Send, stream: Stream, *, changes: Changes, request_id: str) -> None:
    """Send events as they come, until the last one, until the client has gone, or until the server stops.

    Source: the HTML standard, 9.2 (server-sent events).
    """
    headers = [*EVENTS_HEADERS, (b"x-request-id", request_id.encode())]
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
    return f"id: {event_id}\nevent: {event.name}\n{_data(event.data)}\n"


def _data(data: object) -> str:
    text = data if isinstance(data, str) else _json(data)
    return "".join(f"data: {line}\n" for line in _NEW_LINE.split(text))


_json = json.JSONEncoder(separators=(",", ":")).encode
