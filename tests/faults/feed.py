"""A feed that changes: versions of a set of small files with a PULP_MANIFEST, served on loopback from memory."""

from __future__ import annotations

import hashlib
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from urllib.parse import unquote

#: Files of a feed, and how many a new version adds, changes and takes away.
FILES = 60
CHANGES = 4

Digests = dict[str, str]  # name -> sha256


class Feed:
    """One feed; `versions` are the digests of everything it ever offered, the last one is what it offers now."""

    def __init__(self, name: str, chance: Random) -> None:
        self.name = name
        self.versions: list[Digests] = []
        self._chance = chance
        self._made = 0
        self._next = {f"{name}-{number}.bin": self._bytes() for number in range(FILES)}
        self._next["large/one.iso"] = chance.randbytes(400_000)
        self._next["shared/by all.txt"] = b"the same in every feed"
        self._served: dict[str, bytes] = {}
        self._server = _Server(("127.0.0.1", 0), partial(_Handler, self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def change(self) -> None:
        """Offer another version from now on, whoever is reading."""
        if self.versions:
            names = self._chance.sample(sorted(name for name in self._next if name.endswith(".bin")), 2 * CHANGES)
            for name in names[:CHANGES]:
                self._next[name] = self._bytes()
            for name in names[CHANGES:]:
                del self._next[name]
            for _ in range(CHANGES):
                self._made += 1
                self._next[f"new/{self.name}-{self._made}.bin"] = self._bytes()
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in self._next.items()}
        manifest = "".join(f"{name},{digests[name]},{len(data)}\n" for name, data in sorted(self._next.items()))
        self.versions.append(digests)
        self._served = {**self._next, "PULP_MANIFEST": manifest.encode()}

    def read(self, name: str) -> bytes | None:
        """Return what is offered under `name` now."""
        return self._served.get(name)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _bytes(self) -> bytes:
        return self._chance.randbytes(self._chance.randint(0, 2000))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that is killed resets its connections."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5  # seconds without a request, then the connection ends

    def __init__(self, feed: Feed, *arguments: object) -> None:
        self._feed = feed
        super().__init__(*arguments)  # type: ignore[arg-type]  # the library's own arguments

    def do_GET(self) -> None:
        data = self._feed.read(unquote(self.path.lstrip("/")))
        self.send_response(200 if data is not None else 404)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""
