"""What is noted of each request: its figures, its trace, and, if it is asked for, one line in the log.

The line says method, path, status, time, who, from where, request id; and no secret. The query is left out, and what a client
puts into headers: both may hold what is nobody's business.
"""

from __future__ import annotations

import logging
import random
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from entrepot import clock, logs, tracing

if TYPE_CHECKING:
    from opentelemetry.trace import Span
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from entrepot.monitoring import RequestFigures

_LOG = logging.getLogger("entrepot.requests")
#: Doors that send streams of events, and how those are told from other answers.
_STREAMING = frozenset({"dashboard", "rest"})
_EVENTS = b"text/event-stream"
_LONGEST_PATH = 1000
_SERVER_ERROR = 500
_NOTHING: AbstractContextManager[None] = nullcontext()


def logged(app: ASGIApp) -> ASGIApp:
    """Return `app` with a line for each of its requests."""

    async def with_log(scope: Scope, receive: Receive, send: Send) -> None:
        answered: list[Message] = []

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered.append(message)
            await send(message)

        began = clock.monotonic()
        try:
            await app(scope, receive, noted)
        finally:
            if scope["type"] == "http":
                _LOG.info("%s", line(scope, answered[0] if answered else None, clock.monotonic() - began))

    return with_log


def observed(name: str, app: ASGIApp, figures: RequestFigures) -> ASGIApp:
    """Return `app`, the door `name`, counted, traced, and with an id that all lines of the log about a request carry."""

    async def with_figures(scope: Scope, receive: Receive, send: Send) -> None:
        status, is_stream = 0, False

        async def noted(message: Message) -> None:
            nonlocal status, is_stream
            if message["type"] == "http.response.start":
                status = message["status"]
                if name in _STREAMING and any(value.startswith(_EVENTS) for _, value in message["headers"]):
                    is_stream = True
                    figures.streams += 1
            await send(message)

        began = clock.monotonic()
        with logs.within(request_id=f"{random.getrandbits(64):016x}"), _traced(name, scope) as span:
            try:
                await app(scope, receive, noted)
            finally:
                figures.count(name, scope["method"], status, None if is_stream else clock.monotonic() - began)
                if is_stream:
                    figures.streams -= 1
                if span is not None:
                    _end(span, scope, status)

    return with_figures


def _end(span: Span, scope: Scope, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    route = scope.get("state", {}).get("route")
    if route:
        span.set_attribute("http.route", route)
    if not status or status >= _SERVER_ERROR:
        tracing.end_in_error(span, f"status {status or '-'}")


def _traced(name: str, scope: Scope) -> AbstractContextManager[Span | None]:
    """Give the span of a request; the path is that of content or of the API, and no query."""
    if not tracing.is_on() or name == "monitoring":  # whoever asks every few seconds is no news
        return _NOTHING
    about = {
        "entrepot.door": name,
        "entrepot.request_id": logs.find_id("request_id") or "",
        "http.request.method": scope["method"],
        "url.path": scope["path"][:_LONGEST_PATH],
    }
    return tracing.span(f"{scope['method']} {name}", about, kind="server")


def line(scope: Scope, start: Message | None, seconds: float) -> str:
    """Return what is written of a request; `start` is the head of its answer, None if it got none."""
    path = (scope.get("raw_path") or b"").decode("ascii", "backslashreplace")
    status = start["status"] if start else "-"
    names = dict(start["headers"]) if start else {}
    request_id = names.get(b"x-request-id", b"-").decode("ascii")
    user = scope.get("state", {}).get("user") or "-"
    client = scope.get("client")
    address = client[0] if client else "-"
    return f"{scope['method']} {path} {status} {seconds * 1000:.1f} ms user={user} from={address} request={request_id}"
