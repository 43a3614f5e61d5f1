"""The routes of the content door, and what it says when something is not there or does not work."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from entrepot.errors import (
    BytesUnavailable,
    DatabaseError,
    EntrepotError,
    MissingResource,
    ServerUnavailable,
    StorageError,
    UpstreamFailed,
)
from entrepot.repositories.reports import PublishedDirectory, PublishedFile
from entrepot.serving.files import file_answer
from entrepot.serving.indexes import IndexAnswer, find_index
from entrepot.serving.listing import listing_response
from entrepot.serving.lookups import Lookups
from entrepot.serving.paths import RequestedPath, requested_path
from entrepot.serving.preferences import weights
from entrepot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from entrepot.engine import Engine
    from entrepot.readers import Readers

_LOG = logging.getLogger("entrepot.serving")
#: What a client is asked to wait before it tries again, seconds.
_RETRY_AFTER_SECONDS = "5"
_UNAVAILABLE = 503
_CONTENT = "/content/"
_NOT_FOUND = 404
_SERVER_ERROR = 500


def content_app(engine: Engine, readers: Readers) -> ASGIApp:
    """Return the ASGI app that serves what `engine` has published below `/content/`, and `/`."""
    return ServerErrorMiddleware(ContentDoor(engine, readers), handler=_unknown_error)


class ContentDoor:
    """The endpoints; what may wait for the disk or the database is left to `Readers` and to `Fetching`."""

    def __init__(self, engine: Engine, readers: Readers) -> None:
        """Serve what `engine` has published, with the threads of `readers`."""
        self._engine = engine
        self._readers = readers
        self._lookups = Lookups(engine, readers)
        self._others = Starlette(
            routes=[
                Route("/", self.front_page, methods=["GET"]),
                Route("/content", self.to_content, methods=["GET"]),
                Route("/content/{path:path}", self.front_page, methods=["GET"]),  # for what is not allowed: `__call__` has GET
            ],
            exception_handlers={HTTPException: _http_error, EntrepotError: _engine_error},
        )
        self._others.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; most are for content, and are found without a table of routes."""
        path: str = scope["path"].removeprefix(scope.get("root_path", "")) if scope["type"] == "http" else ""
        if path.startswith(_CONTENT) and scope["method"] in ("GET", "HEAD"):
            answer = await self._content(scope, path[len(_CONTENT) :])
            await answer(scope, receive, send)
        else:
            await self._others(scope, receive, send)

    async def front_page(self, request: Request) -> Response:
        """Say what this is and where everything is."""
        root = request.scope.get("root_path", "")
        places = (
            f"content    {root}/content/\nREST API   {root}/pulp/api/v2/docs/\n"
            f"alive      {root}/healthz\nready      {root}/readyz\nmetrics    {root}/metrics\n"
        )
        return _text(f"entrepot {__version__}\n\n{places}")

    async def to_content(self, request: Request) -> Response:  # noqa: ARG002 - an endpoint
        """Lead to the list of what is published."""
        return _redirect("content/")

    async def _content(self, scope: Scope, path: str) -> ASGIApp:
        """Return the answer with the file or folder that is published at `path`, or with what is wrong."""
        try:
            asked = requested_path(path, scope.get("raw_path") or b"")
            if asked is None:
                raise HTTPException(_NOT_FOUND)
            return await self._published(scope, asked)
        except HTTPException as error:
            return _http_error(Request(scope), error)
        except EntrepotError as error:
            return _engine_error(Request(scope), error)

    async def _published(self, scope: Scope, asked: RequestedPath) -> ASGIApp:
        repositories, scheme, kind = self._engine.repositories, scope["scheme"], None
        # Of several headers of a name the first counts, as in `Request`, which costs more than the rest of this.
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        is_head = scope["method"] == "HEAD"
        found: PublishedFile | Response | None = None
        if not asked.is_folder:
            found = await self._lookups.find(asked.path, scheme)
        elif not wants_json(headers):
            index = partial(find_index, repositories, asked.path, headers, scheme=scheme)
            found, kind = await self._readers.run_brief(index) or (None, None)
        if found is None:
            found = await self._readers.run(partial(self._folder, asked, headers, scheme=scheme, is_head=is_head))
        if not isinstance(found, PublishedFile):
            return found
        answer = await file_answer(repositories.fetching, found, headers, is_head=is_head)
        return answer if kind is None else IndexAnswer(answer, kind)

    def _folder(
        self, asked: RequestedPath, headers: Mapping[str, str], *, scheme: str, is_head: bool
    ) -> PublishedFile | Response:
        """Return the answer with a folder, or a file that left its publication a moment ago."""
        found = self._engine.repositories.published(asked.path, scheme=scheme)
        if isinstance(found, PublishedDirectory):
            if not asked.is_folder:
                return _redirect(quote(asked.path.rpartition("/")[2], safe="") + "/")
            spool = self._engine.settings.data_dir
            return listing_response(found, headers, as_json=wants_json(headers), is_head=is_head, spool=spool)
        if found is None or asked.is_folder:
            raise HTTPException(_NOT_FOUND)
        return found


def wants_json(headers: Mapping[str, str]) -> bool:
    """Say whether the Accept header prefers JSON to a page.

    Source: RFC 9110, section 12.5.1, of which only the media types named here matter.
    """
    wanted = weights(headers.get("accept", ""))
    return wanted.get("application/json", 0.0) > wanted.get("text/html", 0.0)


_NO_STORE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def _text(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(text, status, {**_NO_STORE, **(headers or {})})


def _redirect(relative: str) -> Response:
    """Lead to an address relative to the one asked for: right behind any proxy, and never to another host."""
    return _text(f"Moved to {relative}\n", 301, {"location": relative, "cache-control": "no-cache"})


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    path = quote(request.scope["path"][:200])
    if error.status_code == _NOT_FOUND:
        return _problem(request, _NOT_FOUND, MissingResource.code, f"Nothing is published at {path}.")
    return _problem(request, error.status_code, EntrepotError.code, f"{error.detail}: {request.method} {path}.", error.headers)


def _engine_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, EntrepotError)  # noqa: S101 - registered for this class only
    _LOG.warning("%s %s: %s: %s", request.method, request.scope["path"], type(error).__name__, error.message)
    if isinstance(error, DatabaseError):
        return _problem(request, _UNAVAILABLE, error.code, _sentence(error), {"retry-after": _RETRY_AFTER_SECONDS})
    headers = {"retry-after": _RETRY_AFTER_SECONDS} if isinstance(error, UpstreamFailed | ServerUnavailable) else None
    return _problem(request, error.status, error.code, _sentence(error), headers)


def _unknown_error(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the server logs it
    return _problem(request, _SERVER_ERROR, EntrepotError.code, "Something went wrong here; the server's log has more.")


def _sentence(error: EntrepotError) -> str:
    """Say what is wrong without the addresses and paths that the error itself names: anyone may read it."""
    if isinstance(error, DatabaseError):
        return "The database of this server does not answer or is not up to date. Try again in a moment."
    if isinstance(error, StorageError) and not isinstance(error, BytesUnavailable):
        return "The store of this server cannot give these bytes now; the server's log has more."
    return error.message


def _problem(request: Request, status: int, code: str, text: str, headers: Mapping[str, str] | None = None) -> Response:
    if wants_json(request.headers):
        return JSONResponse({"error": {"code": code, "description": text}}, status, {**_NO_STORE, **(headers or {})})
    return _text(text + "\n", status, headers)
