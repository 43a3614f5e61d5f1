"""Servers on the loopback device: a WSGI application behind a socket, over TLS if wanted, with faults on demand."""

from __future__ import annotations

import io
import ssl
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any, BinaryIO, Self
from urllib.parse import unquote
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]
#: Looks at the method and the decoded path of a request, and says whether it is meant.
Meant = Callable[[str, str], bool]


class _Handler(WSGIRequestHandler):
    disable_nagle_algorithm = True

    def get_environ(self) -> Environ:
        return super().get_environ() | {"REQUEST_URI": self.path}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Keep quiet."""


class _Body(io.RawIOBase):
    """What a request sends, and no byte beyond; one that ends too early is an error."""

    def __init__(self, connection: BinaryIO, size: int) -> None:
        super().__init__()
        self._connection, self._left = connection, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._connection.read(min(len(buffer), self._left))
        if self._left and not data:
            raise ConnectionAbortedError
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet: a client that hangs up is what some tests are about."""


class LoopbackServer:
    """A server with an address, open inside `with`; `asked` has the method and decoded path of every request."""

    def __init__(self, application: Application, *, certificate: Path | None = None) -> None:
        """Answer with `application`; over TLS with the certificate and its key in that file."""
        self.asked: list[tuple[str, str]] = []
        self._application = application
        self._certificate = certificate
        self._faults: list[tuple[Meant, Callable[[Environ, Any], Iterable[bytes]]]] = []
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.set_app(self._answer)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.address}"
        if self._certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
            self.url = f"https://{self.address}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def refuse(self, status: str, meant: Meant, *, body: bytes = b"no") -> None:
        """Answer such requests with a status, such as `507 Insufficient Storage`."""

        def refused(environ: Environ, start: Any) -> Iterable[bytes]:
            read_body(environ)
            start(status, [("Content-Length", str(len(body)))])
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

        self._faults.append((meant, refused))

    def hang(self, meant: Meant) -> None:
        """Leave such requests without an answer until the server is closed."""

        def silent(environ: Environ, start: Any) -> Iterable[bytes]:
            self._closing.wait()
            start("503 Service Unavailable", [])
            return []

        self._faults.append((meant, silent))

    def break_off(self, meant: Meant) -> None:
        """Read the first byte of what such requests send, then cut the connection."""

        def cut(environ: Environ, start: Any) -> Iterable[bytes]:
            environ["wsgi.input"].read(1)
            raise ConnectionAbortedError

        self._faults.append((meant, cut))

    def answer_instead(self, meant: Meant, data: bytes) -> None:
        """Answer such requests with these bytes."""

        def other(environ: Environ, start: Any) -> Iterable[bytes]:
            read_body(environ)
            start("200 OK", [("Content-Length", str(len(data))), ("Last-Modified", "Sun, 01 Nov 2026 00:00:00 GMT")])
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [data]

        self._faults.append((meant, other))

    def alter(self, change: Callable[[bytes], bytes], meant: Meant) -> None:
        """Change what such requests send on its way."""

        def altered(environ: Environ, start: Any) -> Iterable[bytes]:
            data = change(read_body(environ))
            environ |= {"wsgi.input": io.BytesIO(data), "CONTENT_LENGTH": str(len(data))}
            return self._application(environ, start)

        self._faults.append((meant, altered))

    def mend(self) -> None:
        """Take all faults back, and forget what was asked."""
        self._faults.clear()
        self.asked.clear()

    def _answer(self, environ: Environ, start: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], unquote(environ["REQUEST_URI"].partition("?")[0])
        self.asked.append((method, path))
        environ["wsgi.input"] = io.BufferedReader(_Body(environ["wsgi.input"], int(environ.get("CONTENT_LENGTH") or 0)))
        for meant, fault in self._faults:
            if meant(method, path):
                return fault(environ, start)
        return self._application(environ, start)


def asks(*methods: str) -> Meant:
    """Mean every request by one of these methods."""
    return lambda method, _path: method in methods


def read_body(environ: Environ) -> bytes:
    """Read what a request sends."""
    data: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return data
