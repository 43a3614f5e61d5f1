"""A feed over loopback HTTP, made of files by path, that can be told to fail as real servers do."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import quote, unquote, urlsplit

#: The folder of the server that the feed lies in; what is asked outside of it is not there.
_ROOT = "/feed/"
#: A redirect that never ends leads to ever other addresses of this form.
_LOOP = "?round="
#: The longest time that a slow answer takes, seconds; `close` ends it before.
_LONGEST_SECONDS = 60.0


class _Fault(NamedTuple):
    kind: str  # status, cut, corrupt, slow, loop
    value: int = 0  # the status; bytes that are sent before the connection is cut, or before it is slow
    times: int | None = None  # how often it happens; None: until it is mended


class Feed:
    """Files by path, served below `url`; a context manager. `requests` are the paths that were asked for, in their order."""

    def __init__(self) -> None:
        """Serve an empty feed, on a port of its own."""
        self.files: dict[str, bytes] = {}
        self.media_types: dict[str, str] = {}
        self.requests: list[str] = []
        self._faults: dict[str, _Fault] = {}
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.feed = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}{_ROOT}"

    def __enter__(self) -> Self:
        """Return the feed."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop serving."""
        self.close()

    def close(self) -> None:
        """Stop serving, and wait until no answer is under way."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # -- what it offers --------------------------------------------------------------------------------------------

    def put(self, path: str, data: bytes, *, media_type: str | None = None) -> None:
        """Offer a file at `path`, relative to the feed, not percent-encoded; one that ends in `/` is the page of a folder."""
        self.files[path] = data
        self.media_types.pop(path, None)
        if media_type is not None:
            self.media_types[path] = media_type

    def remove(self, path: str) -> None:
        """Offer the file no longer; raises `KeyError` if there is none."""
        del self.files[path]

    def clear(self) -> None:
        """Offer nothing, fail nowhere, and forget what was asked for."""
        self.files.clear()
        self.media_types.clear()
        self.requests.clear()
        self._faults.clear()

    # -- how it fails ----------------------------------------------------------------------------------------------

    def answer(self, path: str, status: int, *, times: int | None = None) -> None:
        """Answer with an HTTP status in place of the file, `times` times, or until it is mended."""
        self._faults[path] = _Fault("status", status, times)

    def cut(self, path: str, *, after: int | None = None, times: int | None = None) -> None:
        """Close the connection after so many bytes, by default after half of them; the promised length stays."""
        self._faults[path] = _Fault("cut", len(self.files[path]) // 2 if after is None else after, times)

    def corrupt(self, path: str, *, times: int | None = None) -> None:
        """Send other bytes, as many as the file has."""
        self._faults[path] = _Fault("corrupt", 0, times)

    def slow(self, path: str, *, after: int = 0) -> None:
        """Send so many bytes, and nothing more until the feed is mended or closed."""
        self._faults[path] = _Fault("slow", after)

    def redirect_for_ever(self, path: str) -> None:
        """Redirect to another address that does the same."""
        self._faults[path] = _Fault("loop")

    def mend(self, path: str | None = None) -> None:
        """End what was to fail at `path`, or everywhere."""
        if path is None:
            self._faults.clear()
        else:
            self._faults.pop(path, None)

    # -- for the server --------------------------------------------------------------------------------------------

    def take_fault(self, path: str) -> _Fault | None:
        """Return how the next answer for `path` fails, and count it."""
        with self._lock:
            fault = self._faults.get(path)
            if fault is None or fault.times is None:
                return fault
            if fault.times <= 1:
                del self._faults[path]
            else:
                self._faults[path] = fault._replace(times=fault.times - 1)
            return fault

    def wait_until_mended(self, path: str) -> None:
        """Wait while `path` is slow."""
        waited = 0.0
        while path in self._faults and waited < _LONGEST_SECONDS and not self._closing.wait(0.02):
            waited += 0.02


class _Server(ThreadingHTTPServer):
    feed: Feed
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up, as those do who are sent wrong bytes."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _LONGEST_SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Answer one request."""
        feed, address = self.server.feed, urlsplit(self.path)
        inside = address.path.startswith(_ROOT)
        path = unquote(address.path.removeprefix(_ROOT))
        feed.requests.append(path)
        fault = feed.take_fault(path)
        if fault is not None and fault.kind == "status":
            self._send(fault.value, b"This is a fault that the test asked for.\n", "text/plain")
        elif fault is not None and fault.kind == "loop":
            self._redirect(f"{_ROOT}{quote(path)}{_LOOP}{len(feed.requests)}")
        elif not inside or path not in feed.files:
            self._send(404, b"There is no such file.\n", "text/plain")
        else:
            self._send_file(feed, path, fault)

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def _send_file(self, feed: Feed, path: str, fault: _Fault | None) -> None:
        body, media_type = feed.files[path], feed.media_types.get(path, "application/octet-stream")
        if fault is None:
            self._send(200, body, media_type)
        elif fault.kind == "corrupt":
            self._send(200, bytes(byte ^ 0x55 for byte in body), media_type)
        else:
            self._send(200, body[: fault.value], media_type, length=len(body))
            if fault.kind == "cut":
                self.close_connection = True
            else:
                feed.wait_until_mended(path)
                self.wfile.write(body[fault.value :])

    def _redirect(self, location: str) -> None:
        self.send_response(302)
        self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, status: int, body: bytes, media_type: str, *, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.wfile.flush()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""
