"""Send what a view answered: JSON, a page, or nothing but a status."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

from entrepot.rest.endpoint import NOTHING, Answer, Endpoint

if TYPE_CHECKING:
    from starlette.types import Scope, Send

_COMMON = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
_SAFE_HOST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_")


class Sealed(NamedTuple):
    """An answer that is ready to be sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


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
