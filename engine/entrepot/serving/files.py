"""Answer with a published file: its bytes from the blob store, by ranges and conditions if asked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, Response

from entrepot.errors import StorageError
from entrepot.serving.conditions import http_date, refusal
from entrepot.serving.media_types import media_type
from entrepot.serving.ranges import honoured_range

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import Receive, Scope, Send

    from entrepot.repositories.reports import PublishedFile

#: Smaller files are read in the thread that looked them up: cheaper than three more hops between threads, bytes.
SMALL_FILE_BYTES = 64 * 1024
#: The client asks each time, and is told 304 if nothing changed: a path may have other content after the next publish.
REVALIDATE = "no-cache"
#: The name holds the content's digest, so other content has another name; one year, seconds.
IMMUTABLE = "max-age=31536000, immutable"
#: Types that a browser would run scripts of; a mirrored page gets no rights of the host that serves it.
_ACTIVE = frozenset({"text/html", "image/svg+xml", "application/xhtml+xml", "application/xml", "text/xml"})


def file_response(found: PublishedFile, request_headers: Headers, *, is_head: bool) -> Response:
    """Return the answer for a published file; called in a thread, because it looks at the disk.

    Raises `StorageError` if the bytes are not in the store as they were published.
    """
    headers = file_headers(found)
    status = refusal(request_headers, headers["etag"], headers["last-modified"])
    if status is not None:
        validators = ("etag", "last-modified", "cache-control")
        return Response(status_code=status, headers={name: headers[name] for name in validators})
    try:
        stat_result = os.stat(found.file)  # noqa: PTH116 - FileResponse takes this result
        if stat_result.st_size != found.size:
            raise StorageError(_damaged(found, f"its size is {stat_result.st_size}, not {found.size}"))
        if found.size <= SMALL_FILE_BYTES and not is_head and "range" not in request_headers:
            return Response(found.file.read_bytes(), headers=headers)
    except OSError as error:
        raise StorageError(_damaged(found, error.strerror or str(error))) from error
    return BlobResponse(found.file, headers=headers, stat_result=stat_result)


def file_headers(found: PublishedFile) -> dict[str, str]:
    """Return the headers of a published file, all but its length."""
    name = found.path.rpartition("/")[2]
    content_type = media_type(name)
    headers = {
        "content-type": content_type,
        "etag": f'"{found.sha256}"',
        "last-modified": http_date(found.modified),
        "accept-ranges": "bytes",
        "cache-control": IMMUTABLE if found.is_live and found.sha256 in name else REVALIDATE,
        "x-content-type-options": "nosniff",
    }
    if content_type in _ACTIVE:
        headers["content-security-policy"] = "sandbox"
    return headers


class BlobResponse(FileResponse):
    """A file response that reads the Range header by the standard; see `ranges`."""

    chunk_size = 256 * 1024

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, or the ranges of it that the request asks for."""
        assert self.stat_result is not None  # noqa: S101 - file_response gives it
        headers = []
        for name, value in scope["headers"]:
            if name != b"range":
                headers.append((name, value))
            elif scope["method"] == "GET":
                served = honoured_range(value.decode("latin-1"), self.stat_result.st_size)
                if served is not None:
                    headers.append((name, served.encode("ascii")))
        await super().__call__({**scope, "headers": headers}, receive, send)


def _damaged(found: PublishedFile, why: str) -> str:
    return f"The bytes of {found.path} (sha256 {found.sha256}) are not in the store as they were published: {why}."
