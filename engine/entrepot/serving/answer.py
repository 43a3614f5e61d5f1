"""The plainest answer there is, as an ASGI app: headers, and a body that is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send


class Answer:
    """Status, headers (names in lower case) and body, whose length is added."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes | None = None) -> None:
        """Prepare; `body` is None for an answer that has none: 304, or one to a HEAD request."""
        self._status = status
        self._headers = encoded(headers)
        self._body = body or b""
        if body is not None:
            self._headers.append((b"content-length", str(len(body)).encode("ascii")))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - an ASGI app
        """Send it."""
        await send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body})


def encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI has them."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
