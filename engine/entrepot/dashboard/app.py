"""The walk of a request to the dashboard.

1. which route                       `routes`
2. the body, if it is a form         `forms`; and did one of our own pages send it: `browser`
3. one hop to a reader's thread:     who is it, may they; then the view, which asks the engine; then HTML: `rendering`
4. send                              here; what went wrong is a page, too
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.routing import compile_path

from entrepot.access import Actor, csrf_token, is_csrf_token
from entrepot.dashboard import browser, login
from entrepot.dashboard.forms import read_body, read_form, read_query
from entrepot.dashboard.live import LivePage
from entrepot.dashboard.page import Asked, Page, Redirect, Route, rest_path
from entrepot.dashboard.rendering import Rendered, Visit, render
from entrepot.dashboard.routes import ROUTES
from entrepot.dashboard.static_files import static_file
from entrepot.errors import EntrepotError, ForeignForm, MissingResource, PermissionDenied, SessionEnded
from entrepot.logs import find_id
from entrepot.streaming import EVENTS_HEADERS, Stream, send_events

if TYPE_CHECKING:
    import re

    from starlette.types import Receive, Scope, Send

    from entrepot.engine import Engine
    from entrepot.readers import Readers
    from entrepot.streaming import Changes

_LOG = logging.getLogger("entrepot.dashboard")
_FORBIDDEN = 403
#: Windows of one browser that this process keeps live; a further one asks for its page every few seconds.
_MOST_STREAMS = 50
_TOO_MANY = b"Too many pages of this session are live. Close some."
_SERVER_ERROR = 500
#: Nothing from elsewhere, no script or style within a page, in no frame. Source: Content Security Policy Level 3.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_SECURITY = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_NO_STORE = (b"cache-control", b"no-store")
#: What has a version in its address never changes.
_FOR_GOOD = (b"cache-control", b"public, max-age=31536000, immutable")


@dataclass(frozen=True, slots=True)
class _Sent:
    """What is sent back."""

    status: int
    body: bytes
    headers: Sequence[tuple[bytes, bytes]] = ()
    content_type: str = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Heard:
    """A request as it arrived: `path` is decoded, below what a proxy puts before it, and without a slash at its end."""

    scope: Scope
    method: str
    path: str
    query: Mapping[str, list[str]]
    request_id: str

    @property
    def root(self) -> str:
        """What a proxy puts before every path."""
        return str(self.scope.get("root_path", ""))

    @property
    def from_where(self) -> str | None:
        """The address that the request comes from, if it is known."""
        client = self.scope.get("client")
        return client[0] if client else None


class Dashboard:
    """The pages as an ASGI app."""

    def __init__(self, engine: Engine, readers: Readers, changes: Changes) -> None:
        """Show `engine` with the threads of `readers`; `changes` tell when a page may have changed."""
        self._engine = engine
        self._readers = readers
        self._changes = changes
        #: Streams that go on, by the secrets of their sessions; of this process, and of the event loop only.
        self._streams = Counter[str]()

    @staticmethod
    def knows(scope: Scope) -> bool:
        """Say whether a request is for the dashboard: for one of its pages, or below one; `/` is for browsers only."""
        first = _path(scope).split("/", 2)[1]
        return first in _beginnings() and (first != "" or "text/html" in browser.header(scope, "accept"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong becomes a page."""
        request_id = find_id("request_id") or f"{random.getrandbits(64):016x}"
        heard = _Heard(scope, "GET" if scope["method"] == "HEAD" else scope["method"], _path(scope), {}, request_id)
        try:
            heard = replace(heard, query=read_query(scope["query_string"]))
            if heard.path == "/live":
                await self._stream(heard, receive, send)
                return
            answer = await self._answer(heard, receive)
        except EntrepotError as error:
            answer = await self._readers.run(partial(self._refused, heard, error))
        except Exception:  # noqa: BLE001 - a border: it is logged, and nobody gets a traceback
            _LOG.exception("request %s failed: %s %s", request_id, heard.method, repr(heard.path)[1:-1])
            answer = await self._readers.run(partial(self._failed, heard))
        if answer is not None:
            await _send(scope, send, answer, request_id)

    async def _answer(self, heard: _Heard, receive: Receive) -> _Sent | None:
        if heard.path.startswith("/static/"):
            return _static(heard)
        body = b""
        if heard.method == "POST":
            browser.require_own_form(heard.scope)
            read = await read_body(heard.scope, receive)
            if read is None:
                return None
            body = read
        elif heard.method != "GET":
            return _Sent(405, b"", [(b"allow", b"GET, HEAD, POST")])
        is_login = heard.path == login.PATH
        hashing = self._readers.hashing if is_login and heard.method == "POST" else nullcontext()
        writing = self._readers.writing if heard.method == "POST" else nullcontext()
        async with hashing, writing:
            return await self._readers.run(partial(self._work, heard, body))

    def _work(self, heard: _Heard, body: bytes) -> _Sent:
        """Answer in a reader's thread."""
        form = read_form(heard.scope, body)
        if heard.path == login.PATH:
            return self._login(heard, form)
        route, names = _found(heard.method, heard.path)
        secret = browser.session_secret(heard.scope)
        asked = self._asked(heard, secret, names, form)
        heard.scope.setdefault("state", {})["user"] = asked.principal.login  # for the log of requests
        if heard.method == "POST" and not is_csrf_token(secret, asked.given("csrf")):
            raise ForeignForm
        outcome = self._viewed(route, asked)
        if isinstance(outcome, Redirect):
            is_over = outcome.location == login.PATH
            return _led(heard, outcome, *([browser.session_cookie(heard.scope, "", seconds=0)] if is_over else []))
        return self._page(heard, outcome, asked)

    def _viewed(self, route: Route, asked: Asked) -> Page | Redirect:
        """Return what the view says; what it changes, or was refused to change, is kept in the audit log."""
        resource = None if route.resource is None else rest_path(route.resource, asked.names)
        if route.method == "GET":
            self._require(asked, route, resource)
            return route.view(asked)
        actor = Actor.of(asked.principal, "dashboard", address=asked.address, request_id=asked.request_id)
        fields = sorted(asked.form.keys() - {"csrf"})
        place = resource or (route.place(asked) if route.place else asked.path)
        with self._engine.access.acting(actor, route.action(asked), place, fields):
            self._require(asked, route, resource)
            return route.view(asked)

    def _require(self, asked: Asked, route: Route, resource: str | None) -> None:
        if resource is not None:
            self._engine.access.require(asked.principal, route.operation, resource)

    def _asked(
        self,
        heard: _Heard,
        secret: str,
        names: Mapping[str, str],
        form: Mapping[str, list[str]],
        *,
        is_use: bool = True,
    ) -> Asked:
        """Return the request as views see it; raises `SessionEnded`."""
        if not secret:
            raise SessionEnded
        principal = self._engine.access.authenticate_session(secret, is_use=is_use)
        return Asked(
            self._engine,
            principal,
            names,
            heard.query,
            form,
            heard.path,
            heard.from_where,
            secret,
            heard.request_id,
            heard.root,
        )

    def _page(self, heard: _Heard, page: Page, asked: Asked) -> _Sent:
        notice, is_trouble = browser.notice(heard.scope)
        visit = _visit(self._engine, heard, asked)
        rendered = render(page, replace(visit, notice=notice, is_trouble=is_trouble))
        headers = [(b"set-cookie", browser.notice_cookie(heard.scope, "").encode())] if notice else []
        return _Sent(page.status, rendered.html.encode(), headers)

    def _login(self, heard: _Heard, form: Mapping[str, list[str]]) -> _Sent:
        """Show the form, or begin a session."""
        attempt = login.Attempt(
            form, heard.query, heard.from_where, browser.header(heard.scope, "user-agent"), heard.request_id
        )
        visit = Visit(self._engine, None, heard.path, heard.query, heard.root, notice=browser.notice(heard.scope)[0])
        if heard.method == "GET":
            return _Sent(200, render(login.page(attempt), visit).html.encode())
        outcome = login.log_in(self._engine, attempt)
        if isinstance(outcome, Page):
            return _Sent(outcome.status, render(outcome, visit).html.encode())
        seconds = round(self._engine.settings.session_days * 24 * 3600)
        return _led(heard, Redirect(outcome.location), browser.session_cookie(heard.scope, outcome.secret, seconds=seconds))

    def _refused(self, heard: _Heard, error: EntrepotError) -> _Sent:
        """Say what is wrong and what to do; who is not logged in is led to the login."""
        if isinstance(error, SessionEnded):
            return _led(heard, Redirect(login.address(heard.path if heard.method == "GET" else "/", heard.query)))
        _LOG.log(
            logging.WARNING if error.status >= _SERVER_ERROR else logging.INFO,
            "%s %s: %s: %s",
            heard.method, repr(heard.path[:1000])[1:-1], type(error).__name__, repr(error.message[:1000])[1:-1],
        )  # fmt: skip
        # Pulp's clients may need 401 of the REST API; a browser would be none the wiser.
        status = _FORBIDDEN if isinstance(error, PermissionDenied) else error.status
        return self._trouble(heard, status, error.message, error.code)

    def _failed(self, heard: _Heard) -> _Sent:
        text = f"Something went wrong here. The server's log says what, under the request {heard.request_id}."
        return self._trouble(heard, _SERVER_ERROR, text, EntrepotError.code)

    def _trouble(self, heard: _Heard, status: int, message: str, code: str) -> _Sent:
        page = Page("trouble.html", "That did not work", {"status": status, "message": message, "code": code})
        try:
            asked = self._asked(heard, browser.session_secret(heard.scope), {}, {})
            visit = _visit(self._engine, heard, asked)
        except EntrepotError:  # not logged in, or no database: then without a menu
            visit = Visit(self._engine, None, heard.path, heard.query, heard.root)
        return _Sent(status, render(page, visit).html.encode())

    async def _stream(self, heard: _Heard, receive: Receive, send: Send) -> None:
        """Send the live parts of a page as they change."""
        after = browser.header(heard.scope, "last-event-id") or heard.query.get("after", [""])[-1]
        path, _, query = heard.query.get("page", ["/"])[-1].partition("?")
        page = replace(heard, path=_normal(unquote(path)), query=read_query(query.encode("ascii", "replace")))
        live = LivePage(partial(self._rendered, page), self._readers, self._readers.looking)
        try:
            found, is_last = await live.look(after)
        except EntrepotError as error:
            await _send(
                heard.scope, send, _Sent(error.status, error.message.encode(), content_type="text/plain"), heard.request_id
            )
            return
        if heard.scope["method"] == "HEAD":
            await _send(heard.scope, send, _Sent(200, b"", EVENTS_HEADERS[:1]), heard.request_id)
            return
        secret = browser.session_secret(heard.scope)
        if self._streams[secret] >= _MOST_STREAMS:
            await _send(heard.scope, send, _Sent(429, _TOO_MANY, content_type="text/plain"), heard.request_id)
            return
        self._streams[secret] += 1
        stream = Stream(live.look_again, found, is_last, after)
        try:
            await send_events(receive, send, stream, changes=self._changes, request_id=heard.request_id)
        finally:
            self._streams[secret] -= 1
            self._streams += Counter()  # which leaves out those that are down to nothing

    def _rendered(self, heard: _Heard) -> Rendered:
        """Make a page anew for its stream; raises as the page does."""
        route, names = _found("GET", heard.path)
        asked = self._asked(heard, browser.session_secret(heard.scope), names, {}, is_use=False)
        page = self._viewed(route, asked)
        if isinstance(page, Redirect):
            raise MissingResource(page=heard.path)
        return render(page, _visit(self._engine, heard, asked))


def _visit(engine: Engine, heard: _Heard, asked: Asked) -> Visit:
    return Visit(engine, asked.principal, heard.path, heard.query, heard.root, csrf_token(asked.secret))


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return _normal(path.removeprefix(scope.get("root_path", "")))


def _normal(path: str) -> str:
    """Return a path without a slash at its end."""
    return "/" + path.strip("/")


def _found(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """Return the route of a path and the names that it holds; raises `MissingResource`."""
    for pattern, route in _patterns():
        if route.method == method and (match := pattern.match(path)):
            return route, match.groupdict()
    raise MissingResource(page=path)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Route], ...]:
    return tuple((compile_path(route.path)[0], route) for route in ROUTES)


@cache
def _beginnings() -> frozenset[str]:
    return frozenset({route.path.split("/", 2)[1] for route in ROUTES} | {"live", "login", "logout", "static"})


def _static(heard: _Heard) -> _Sent:
    found = static_file(heard.path.removeprefix("/static/"))
    if found is None:
        raise MissingResource(file=heard.path)
    return _Sent(200, found.body, [_FOR_GOOD], found.content_type)


def _led(heard: _Heard, redirect: Redirect, *cookies: str) -> _Sent:
    """Lead to another page of the dashboard, which says the notice."""
    said = [browser.notice_cookie(heard.scope, redirect.notice, is_trouble=redirect.is_trouble)] if redirect.notice else []
    headers = [(b"set-cookie", cookie.encode()) for cookie in (*cookies, *said)]
    return _Sent(303, b"", [(b"location", (heard.root + redirect.location).encode()), *headers])


async def _send(scope: Scope, send: Send, sent: _Sent, request_id: str) -> None:
    is_kept = any(name == b"cache-control" for name, _ in sent.headers)
    headers = [
        (b"content-type", sent.content_type.encode()),
        (b"content-length", str(len(sent.body)).encode()),
        *([] if is_kept else [_NO_STORE]),
        *_SECURITY,
        *sent.headers,
        (b"x-request-id", request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": sent.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else sent.body})
