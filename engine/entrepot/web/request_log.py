"""One line in the log for each request: method, path, status, time, who, from where, request id; and no secret.

The query is left out, and what a client puts into headers: both may hold what is nobody's business.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from entrepot import clock

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOG = logging.getLogger("entrepot.requests")


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
