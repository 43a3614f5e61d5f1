"""Answer with a published file: whole, in parts or not at all, as the request's headers say; from the store, or as it comes.

What is in the store is sent once it has been read and found whole. Anything else is brought (`Fetching.bring`): a large
file of a known size is sent while it comes (`following`), the rest is sent when it is here.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

from entrepot import clock
from entrepot.content.incoming import HELD_BACK_BYTES
from entrepot.errors import BytesUnavailable
from entrepot.serving.answer import Answer
from entrepot.serving.conditions import http_date, refusal
from entrepot.serving.following import FollowingAnswer, until
from entrepot.serving.media_types import media_type
from entrepot.serving.ranges import asked_parts
from entrepot.serving.sending import FileAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.types import ASGIApp

    from entrepot.content.incoming import Incoming
    from entrepot.content.wholeness import Wholeness
    from entrepot.repositories.fetching import Fetching
    from entrepot.repositories.reports import PublishedFile

#: Smaller files are read and sent in one piece: cheaper than to have the kernel do it, bytes.
SMALL_FILE_BYTES = 64 * 1024
#: The client asks each time, and is told 304 if nothing changed: a path may have other content after the next publish.
REVALIDATE = "no-cache"
#: The name holds the content's digest, so other content has another name; one year, seconds.
IMMUTABLE = "max-age=31536000, immutable"
#: Types that a browser would run scripts of; a mirrored page gets no rights of the host that serves it.
_ACTIVE = frozenset({"text/html", "image/svg+xml", "application/xhtml+xml", "application/xml", "text/xml"})
_VALIDATORS = ("etag", "last-modified", "cache-control")
#: Headers that cannot be answered to before the bytes are here, if their digest is not known.
_NEED_DIGEST = ("if-match", "if-none-match")
_RANGE_NOT_SATISFIABLE = 416
#: How often bytes that were brought are looked for: they may be removed, or damaged, in the same moment.
_MOST_LOOKS = 3


async def file_answer(
    fetching: Fetching, found: PublishedFile, request_headers: Mapping[str, str], *, is_head: bool
) -> ASGIApp:
    """Return the answer for a published file; `request_headers` looks names up in lower case.

    A HEAD request downloads nothing. Raises `UpstreamFailed`, `StorageError`, `DatabaseError`.
    """
    for _ in range(_MOST_LOOKS):
        headers = file_headers(found)
        if found.sha256 is not None or not any(name in request_headers for name in _NEED_DIGEST):
            status = refusal(request_headers, headers.get("etag", ""), _date(found))
            if status is not None:
                return Answer(status, {name: headers[name] for name in _VALIDATORS if name in headers})
        if is_head:
            return Answer(200, headers if found.size is None else {**headers, "content-length": str(found.size)})
        if found.sha256 is not None and found.size is not None:
            file = _open_whole(fetching.wholeness, found.file or fetching.path(found.sha256), found.sha256, found.size)
            if file is not None:
                return _sent(file, found, headers, request_headers)
        incoming = fetching.bring(found)
        if _may_follow(found, request_headers):
            await until(incoming, lambda: incoming.available > 0 or incoming.is_over)  # noqa: B023 - awaited here
            if not incoming.is_over and incoming.attempt is not None and found.size is not None:
                return _followed(fetching, incoming, headers, found.size)
        await until(incoming, lambda: incoming.is_over)  # noqa: B023 - awaited here
        if incoming.here is None:
            assert incoming.error is not None  # noqa: S101 - one of the two is set at the end
            raise incoming.error
        here = incoming.here
        found = replace(found, sha256=here.sha256, size=here.size)
    raise BytesUnavailable(f"The bytes of {found.path} are removed again and again; the server's log has more.")


def file_headers(found: PublishedFile) -> dict[str, str]:
    """Return the headers of a published file, all but its length; without `etag` while its digest is not known."""
    name = found.path.rpartition("/")[2]
    content_type = media_type(name)
    headers = {
        "content-type": content_type,
        "last-modified": _http_date(min(found.modified, clock.now())),
        "accept-ranges": "bytes",
        "cache-control": REVALIDATE,
        "x-content-type-options": "nosniff",
    }
    if found.sha256 is not None:
        headers["etag"] = f'"{found.sha256}"'
        if found.is_live and found.sha256 in name:
            headers["cache-control"] = IMMUTABLE
    if content_type in _ACTIVE:
        headers["content-security-policy"] = "sandbox"
    return headers


_http_date = lru_cache(maxsize=1024)(http_date)


def _date(found: PublishedFile) -> str:
    """Return what tells this content of the file from any other: publications of one second are dated a second apart.

    So the date may lie ahead for a moment. A client is told the present one then (RFC 9110, 8.8.2.1), and asks in vain once.
    """
    return _http_date(found.modified)


def _open_whole(wholeness: Wholeness, path: Path, sha256: str, size: int) -> BinaryIO | bytes | None:
    """Return the blob's file, or its bytes if they are few; None if it has to be looked at, or brought, first."""
    try:
        with ExitStack() as stack:
            file = stack.enter_context(path.open("rb", buffering=0))
            found = os.fstat(file.fileno())
            is_known = wholeness.is_known(sha256, found)
            if found.st_size != size or (size > SMALL_FILE_BYTES and not is_known):
                return None
            if size > SMALL_FILE_BYTES:
                stack.pop_all()
                return file
            data = file.read(size)
            if not is_known and hashlib.sha256(data).hexdigest() == sha256:
                wholeness.note(sha256, found)
                is_known = True
            return data if is_known and len(data) == size else None
    except OSError:
        return None


def _sent(file: BinaryIO | bytes, found: PublishedFile, headers: dict[str, str], request_headers: Mapping[str, str]) -> ASGIApp:
    """Return the answer with the file, or with the parts of it that the request asks for."""
    assert found.size is not None  # noqa: S101 - it has been opened
    size, parts = found.size, None
    if "range" in request_headers and _is_meant(request_headers.get("if-range"), headers["etag"], _date(found)):
        parts = asked_parts(request_headers["range"], size)
    if parts is not None and not parts:
        if not isinstance(file, bytes):
            file.close()
        return Answer(
            _RANGE_NOT_SATISFIABLE, {"content-range": f"bytes */{size}", "content-type": "text/plain; charset=utf-8"}, b""
        )
    if parts is None and isinstance(file, bytes):
        return Answer(200, headers, file)
    return FileAnswer(BytesIO(file) if isinstance(file, bytes) else file, size, headers, parts)


def _is_meant(if_range: str | None, etag: str, date: str) -> bool:
    """Say whether the file is still the one that parts are asked of. Source: RFC 9110, section 13.1.5."""
    return if_range is None or if_range in (etag, date)


def _may_follow(found: PublishedFile, request_headers: Mapping[str, str]) -> bool:
    """Say whether the file can be sent while it comes."""
    if found.size is None or found.size <= HELD_BACK_BYTES or "range" in request_headers:
        return False
    return found.sha256 is not None or not any(name in request_headers for name in _NEED_DIGEST)


def _followed(fetching: Fetching, incoming: Incoming, headers: dict[str, str], size: int) -> ASGIApp:
    if "etag" not in headers and incoming.sha256 is not None:
        headers["etag"] = f'"{incoming.sha256}"'
    return FollowingAnswer(incoming, fetching.path, size, headers)
