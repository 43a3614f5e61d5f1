"""Feeds that can be slow, wrong or away, for tests of what is fetched from them."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: More than is held back until it is verified, and more than one piece of the upstream.
SIZE = 400_000
#: Of which an upstream that is slow sends so much before it waits.
FIRST = 250_000
PATIENCE = 30


@dataclass
class Upstream:
    """A feed of files: what it promises in its manifest, what it sends, and what it holds after the `first` bytes."""

    files: dict[str, bytes] = field(default_factory=dict)
    sent: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    ports: list[int] = field(default_factory=list)
    first: int = FIRST
    asked: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def offer(self, **files: bytes) -> None:
        self.files |= {f"{name}.iso": data for name, data in files.items()}

    def manifest(self) -> bytes:
        lines = [f"{name},{hashlib.sha256(data).hexdigest()},{len(data)}\n" for name, data in self.files.items()]
        return "".join(lines).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        upstream, name = self.server.upstream, self.path.lstrip("/")
        if name == "PULP_MANIFEST":
            body = upstream.manifest()
        else:
            upstream.requests.append(name)
            upstream.ports.append(self.client_address[1])
            body = upstream.sent.get(name, upstream.files[name])
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        begin = 0
        if name in upstream.held:
            self.wfile.write(body[: upstream.first])
            upstream.asked.set()
            upstream.go_on.wait(PATIENCE)
            begin = upstream.first
        self.wfile.write(body[begin:])

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    upstream: Upstream

    def handle_error(self, request: object, client_address: object) -> None:
        """Who is told wrong bytes hangs up: that is what some tests are about."""


class Upstreams:
    """Upstreams, each of which can be closed before the test ends."""

    def __init__(self) -> None:
        self._servers: dict[str, tuple[_Server, threading.Thread]] = {}

    def open(self) -> Upstream:
        server = _Server(("127.0.0.1", 0), _Handler)
        server.upstream = Upstream(url=f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self._servers[server.upstream.url] = server, thread
        return server.upstream

    def close(self, upstream: Upstream) -> None:
        server, thread = self._servers.pop(upstream.url)
        upstream.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()

    def close_all(self) -> None:
        for server, _ in list(self._servers.values()):
            self.close(server.upstream)
