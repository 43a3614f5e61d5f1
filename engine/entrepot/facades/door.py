"""What the facades have in common: a request is heard, answered in a reader's thread, and sent; nothing else is shared.

Each facade has its own authentication, its own shape of errors and its own headers: a `Door` of its own.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qsl, quote, quote_plus, unquote_to_bytes

from entrepot.access import Actor
from entrepot.errors import EntrepotError
from entrepot.logs import find_id

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from entrepot.engine import Engine
    from entrepot.errors import JSON
    from entrepot.readers import Readers
    from entrepot.tenants import TenantPrincipal

_LOG = logging.getLogger("entrepot.facades")
#: A body of more bytes is refused: what a facade is sent is a small document.
LARGEST_BODY_BYTES = 64 * 1024
#: A query of more parameters is refused: reading tens of thousands would keep the event loop from everybody else.
MOST_PARAMETERS = 500
#: Parameters whose values no log may show, in lower case.
_SECRET_PARAMETERS = frozenset({"access_token", "api_key", "apikey", "key", "token"})
#: Characters of an address that are logged; the rest is what a client has sent.
_LONGEST_LOGGED = 1000
_WITHOUT_BODY = (204, 304)


@dataclass(frozen=True, slots=True)
class Heard:
    """A request as it arrived.

    `path` is decoded, `raw_path` as it was sent, both without the query; bytes that are no UTF-8 became U+FFFD. `query` keeps
    the order and the repetitions; a `+` in it is a blank, and a name without `=` has an empty value; one of more than
    `MOST_PARAMETERS` is not read. Names of `headers` are in lower case, and values of repeated ones are joined by `, `.
    `host` is the name that the client asked for, in lower case and without its port; empty if it said none. A HEAD is heard as
    a GET, and `is_head`.
    """

    method: str
    path: str
    raw_path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str] = field(repr=False)
    host: str
    scheme: str
    address: str
    body: bytes = field(default=b"", repr=False)
    is_head: bool = False

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of the path between its slashes, decoded one by one: `/a/b%2Fc/` is `a`, `b/c` and an empty one."""
        return tuple(_decoded(part) for part in self.raw_path.split("/")[1:])

    @property
    def shown(self) -> str:
        """Path and query as a log may show them: on one line, and without the values that let somebody in."""
        pairs = (f"{quote_plus(name)}={'*****' if _is_secret(name) else quote_plus(value)}" for name, value in self.query)
        query = "&".join(pairs)
        return (self.raw_path + (f"?{query}" if query else ""))[:_LONGEST_LOGGED]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back: `headers` beside those of the type and the length; without `cache-control` nothing may be kept."""

    status: int
    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()


class Door(ABC):
    """The ASGI app of one facade."""

    #: What it calls itself in `X-Facade`, with the version of its shapes: `edgecast/1`.
    banner: ClassVar[str]

    def __init__(self, engine: Engine, readers: Readers) -> None:
        """Speak for `engine` with the threads of `readers`."""
        self.engine = engine
        self._readers = readers
        #: One request at a time that may write: it may wait for others, which is no reason to let those wait who read.
        self._writing = asyncio.Semaphore(1)

    @abstractmethod
    def answer(self, heard: Heard) -> Answer:
        """Answer a request, in a reader's thread and inside `Engine.visit()`; what it raises is answered by `broken`."""

    @abstractmethod
    def broken(self, heard: Heard) -> Answer:
        """Say in the facade's own shape that something went wrong here, with a status of 500 or more; on the event loop."""

    @abstractmethod
    def too_large(self, heard: Heard) -> Answer:
        """Refuse a body of more than `LARGEST_BODY_BYTES`, or a query of more than `MOST_PARAMETERS`; on the event loop.

        `heard` has not got it.
        """

    def acting(self, who: TenantPrincipal, heard: Heard, action: str) -> AbstractContextManager[None]:
        """Keep in the audit log what is changed within the block for whose token `who` is."""
        login = f"{who.facade}:{who.tenant}"
        actor = Actor(login, "token", who.token_name, heard.address or None, who.facade, find_id("request_id"))
        return self.engine.access.acting(actor, action, heard.path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a client that leaves before the end of its body gets nothing."""
        request_id = find_id("request_id") or f"{random.getrandbits(64):016x}"
        heard = heard_in(scope)
        body = await _body(scope, receive)
        if body is None:
            return
        if len(body) > LARGEST_BODY_BYTES or _has_too_many(scope):
            answer = self.too_large(heard)
        else:
            answer = await self._answered(replace(heard, body=body), request_id)
        await self._send(send, answer, request_id, is_head=scope["method"] == "HEAD")

    async def _answered(self, heard: Heard, request_id: str) -> Answer:
        try:
            async with nullcontext() if heard.method == "GET" else self._writing:
                return await self._readers.run(partial(self.answer, heard))
        except EntrepotError as error:
            text = repr(error.message[:_LONGEST_LOGGED])[1:-1]
            _LOG.warning("request %s failed: %s %s: %s: %s", request_id, heard.method, heard.shown, type(error).__name__, text)
        except Exception:  # noqa: BLE001 - a border: it is logged, and a client gets no traceback
            _LOG.exception("request %s failed: %s %s", request_id, heard.method, heard.shown)
        return self.broken(heard)

    async def _send(self, send: Send, answer: Answer, request_id: str, *, is_head: bool) -> None:
        headers = list(answer.headers)
        names = {name.lower() for name, _ in headers}
        has_body = answer.status not in _WITHOUT_BODY
        if has_body:
            headers += [("content-type", answer.content_type), ("content-length", str(len(answer.body)))]
        if "cache-control" not in names:
            headers.append(("cache-control", "no-store"))
        if self.engine.settings.facade_version_header:
            headers.append(("x-facade", self.banner))
        headers += [("x-content-type-options", "nosniff"), ("x-request-id", request_id)]
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": answer.body if has_body and not is_head else b""})


def json_bytes(value: JSON) -> bytes:
    """Return `value` as compact JSON in UTF-8: keys in their order, floats in their shortest form, `/` and `é` as they are."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")  # half of a surrogate pair, which UTF-8 has no bytes for, is `\udXXX`


def host_of(scope: Scope) -> str:
    """Return the name of the host that a client asked for, in lower case, without its port and the dot at its end."""
    named = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "").strip().lower()
    if named.startswith("["):
        return named.partition("]")[0] + "]"
    return named.partition(":")[0].rstrip(".")


def raw_path_of(scope: Scope) -> str:
    """Return the path as it was sent, without the query."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.partition(b"?")[0].decode("ascii", "backslashreplace")


def heard_in(scope: Scope) -> Heard:
    """Return what the head of a request says."""
    headers: dict[str, list[str]] = {}
    for raw_name, raw_value in scope["headers"]:
        headers.setdefault(raw_name.decode("latin-1").lower(), []).append(raw_value.decode("latin-1"))
    raw_path = raw_path_of(scope)
    sent = "" if _has_too_many(scope) else scope["query_string"].decode("latin-1")
    query = parse_qsl(sent, keep_blank_values=True, errors="replace")
    client = scope.get("client")
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    return Heard(
        method,
        _decoded(raw_path),
        raw_path,
        tuple(query),
        {name: ", ".join(values) for name, values in headers.items()},
        host_of(scope),
        scope.get("scheme", "http"),
        client[0] if client else "",
        is_head=scope["method"] == "HEAD",
    )


def _has_too_many(scope: Scope) -> bool:
    query: bytes = scope["query_string"]
    return query.count(b"&") >= MOST_PARAMETERS


def _is_secret(name: str) -> bool:
    return name.lower() in _SECRET_PARAMETERS


def _decoded(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "replace")


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """Return the body, of one that is too large some bytes too many; None if the client goes before its end."""
    headers = dict(scope["headers"])
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced[:20]) > LARGEST_BODY_BYTES:
        return bytes(LARGEST_BODY_BYTES + 1)
    body, is_more = b"", True
    while is_more and len(body) <= LARGEST_BODY_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        is_more = message.get("more_body", False)
    return body
