"""Send an open file, whole or in parts: by the kernel where the connection can (`entrepot.web.protocol`), else in pieces."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

from entrepot.serving.answer import encoded

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

#: Bytes that are read and sent at once where each must pass through this process.
_PIECE_BYTES = 256 * 1024
_PARTIAL_CONTENT = 206


class FileAnswer:
    """A file of `size` bytes, which is closed afterwards; `parts` are those asked for, or None for all of it."""

    def __init__(self, file: BinaryIO, size: int, headers: Mapping[str, str], parts: Sequence[range] | None = None) -> None:
        """Take over the file."""
        self._file = file
        self._size = size
        self._headers = dict(headers)
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; a client that leaves ends it early."""
        with self._file:
            if self._parts is None:
                await self._start(send, 200, self._size)
                await self._send(scope, receive, send, [(b"", range(self._size))])
            elif len(self._parts) == 1:
                self._headers["content-range"] = self._content_range(self._parts[0])
                await self._start(send, _PARTIAL_CONTENT, len(self._parts[0]))
                await self._send(scope, receive, send, [(b"", self._parts[0])])
            else:
                await self._send_several(scope, receive, send, self._parts)

    async def _send_several(self, scope: Scope, receive: Receive, send: Send, parts: Sequence[range]) -> None:
        """Send several parts. Source: RFC 9110, section 14.6."""
        boundary = secrets.token_hex(13)
        content_type = self._headers["content-type"]
        pieces: list[tuple[bytes, range]] = []
        for part in parts:
            head = f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {self._content_range(part)}\r\n\r\n"
            pieces.append((("\r\n" if pieces else "").encode() + head.encode("latin-1"), part))
        pieces.append((f"\r\n--{boundary}--".encode(), range(0)))
        self._headers["content-type"] = f"multipart/byteranges; boundary={boundary}"
        await self._start(send, _PARTIAL_CONTENT, sum(len(head) + len(part) for head, part in pieces))
        await self._send(scope, receive, send, pieces)

    async def _start(self, send: Send, status: int, length: int) -> None:
        self._headers["content-length"] = str(length)
        await send({"type": "http.response.start", "status": status, "headers": encoded(self._headers)})

    async def _send(self, scope: Scope, receive: Receive, send: Send, pieces: Sequence[tuple[bytes, range]]) -> None:
        """Send what is before each part, and the part."""
        send_file = None if isinstance(self._file, BytesIO) else scope.get("extensions", {}).get("entrepot.send_file")
        gone = asyncio.ensure_future(until_gone(receive)) if send_file is None else None
        try:
            for before, part in pieces:
                if before:
                    await send({"type": "http.response.body", "body": before, "more_body": True})
                if send_file is not None and part:
                    await send_file(self._file, part.start, len(part))
                    continue
                for offset in range(part.start, part.stop, _PIECE_BYTES):
                    if gone is not None and gone.done():
                        return
                    data = await self._read(offset, min(_PIECE_BYTES, part.stop - offset))
                    await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            if gone is not None:
                gone.cancel()

    async def _read(self, offset: int, count: int) -> bytes:
        if isinstance(self._file, BytesIO):
            return self._file.getvalue()[offset : offset + count]
        return await asyncio.to_thread(os.pread, self._file.fileno(), count, offset)

    def _content_range(self, part: range) -> str:
        return f"bytes {part.start}-{part.stop - 1}/{self._size}"


async def until_gone(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
