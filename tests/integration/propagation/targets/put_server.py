"""A web server that takes files by PUT and DELETE and knows no WebDAV, like an nginx that may write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from tests.integration.propagation.targets.loopback import Environ, read_body


class PutSite:
    """A WSGI application; `files` has the bytes by decoded path. Folders come and go with their files."""

    def __init__(self, *, authorization: str | None = None) -> None:
        """Answer only who sends that header, or everybody."""
        self.files: dict[str, bytes] = {}
        self._authorization = authorization

    def __call__(self, environ: Environ, start: Any) -> Iterable[bytes]:
        body = read_body(environ)
        status, answer = self._answer(environ["REQUEST_METHOD"], unquote(environ["REQUEST_URI"]), environ, body)
        start(status, [("Content-Length", str(len(answer)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer]

    def _answer(self, method: str, path: str, environ: Environ, body: bytes) -> tuple[str, bytes]:
        if self._authorization not in (None, environ.get("HTTP_AUTHORIZATION")):
            return "401 Unauthorized", b""
        if method == "PUT":
            is_new = path not in self.files
            self.files[path] = body
            return ("201 Created" if is_new else "204 No Content"), b""
        if method not in ("GET", "HEAD", "DELETE"):
            return "405 Method Not Allowed", b""
        if path not in self.files:
            return "404 Not Found", b""
        return (
            ("204 No Content", b"") if method == "DELETE" and self.files.pop(path) is not None else ("200 OK", self.files[path])
        )
