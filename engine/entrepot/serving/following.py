"""Send a file while it comes into the store: what has come is sent, and the end when all of it has been verified.

What was wrong is cut off, so that no client takes it for whole; who had begun to read an attempt that failed goes on with the
next one if that begins with the same bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot.content.incoming import Attempt
from entrepot.errors import BytesUnavailable, UpstreamFailed
from entrepot.serving.answer import encoded
from entrepot.serving.sending import until_gone

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from entrepot.content.incoming import Incoming

#: Bytes that are read and sent at once.
_PIECE_BYTES = 256 * 1024


async def until(incoming: Incoming, holds: Callable[[], bool]) -> None:
    """Return as soon as `holds`, which may change whenever something of `incoming` does."""
    changed, loop = asyncio.Event(), asyncio.get_running_loop()

    def tell() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(changed.set)

    incoming.listen(tell)
    try:
        while not holds():
            await changed.wait()
            changed.clear()
    finally:
        incoming.leave(tell)


class FollowingAnswer:
    """A file of `size` bytes on its way; `path` says where a blob lies when it is here."""

    def __init__(self, incoming: Incoming, path: Callable[[str], Path], size: int, headers: Mapping[str, str]) -> None:
        """Hold on to the present attempt, of which there are bytes: it stays readable even if it fails."""
        self._incoming = incoming
        self._attempt = incoming.attempt
        self._path = path
        self._size = size
        self._headers = {**headers, "content-length": str(size)}
        self._sent = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; the fetch goes on if the client leaves."""
        await send({"type": "http.response.start", "status": 200, "headers": encoded(self._headers)})
        following = asyncio.ensure_future(self._follow(send))
        gone = asyncio.ensure_future(until_gone(receive))
        try:
            await asyncio.wait((following, gone), return_when=asyncio.FIRST_COMPLETED)
            if following.done() and not following.result():
                _cut_off(scope)
        finally:
            following.cancel()
            gone.cancel()

    async def _follow(self, send: Send) -> bool:
        """Send what comes of the attempt, then the end; say whether the client got it whole."""
        incoming = self._incoming
        while self._sent < self._size:
            await until(incoming, self._has_news)
            available = incoming.available  # first: it counts nothing when the attempt is another one
            if incoming.attempt is not self._attempt:
                await until(incoming, lambda: incoming.is_over)
                self._attempt = await asyncio.to_thread(self._same_again)
                available = self._size
            if self._attempt is None or incoming.error is not None:
                return False
            await self._send_up_to(send, available)
        await send({"type": "http.response.body", "body": b""})
        return True

    def _has_news(self) -> bool:
        incoming = self._incoming
        return incoming.is_over or incoming.available > self._sent or incoming.attempt is not self._attempt

    async def _send_up_to(self, send: Send, end: int) -> None:
        assert self._attempt is not None  # noqa: S101 - there is one as long as something is sent
        while self._sent < end:
            data = self._attempt.read(self._sent, min(_PIECE_BYTES, end - self._sent))
            if not data:
                raise BytesUnavailable("The file became shorter while it was sent.")
            await send({"type": "http.response.body", "body": data, "more_body": True})
            self._sent += len(data)

    def _same_again(self) -> Attempt | None:
        """Return the bytes that were kept in the end, if they begin with what was sent of an attempt that failed, else None."""
        here = self._incoming.here
        if here is None or (self._sent and self._attempt is None):
            return None
        kept = Attempt(str(self._path(here.sha256)))
        for offset in range(0, self._sent, _PIECE_BYTES):
            count = min(_PIECE_BYTES, self._sent - offset)
            if self._attempt is None or kept.read(offset, count) != self._attempt.read(offset, count):
                return None
        return kept


def _cut_off(scope: Scope) -> None:
    """Let the client see that its answer is not whole."""
    cut_off = scope.get("extensions", {}).get("entrepot.cut_off")
    if cut_off is None:  # another server: it closes the connection when an answer is not completed
        msg = "The bytes that came were not those that were promised."
        raise UpstreamFailed(msg)
    cut_off()
