"""A store, and a feed on loopback whose answers a test decides path by path."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeAlias

import pytest

from entrepot.content import retries
from entrepot.content.fetch import Fetcher, FetchOptions
from entrepot.content.store import BlobStore


class Handler(BaseHTTPRequestHandler):
    """One connection to the feed."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet
    server: FeedServer

    def do_GET(self) -> None:
        feed = self.server.feed
        with feed.lock:
            feed.requests.append(Seen(self.path, dict(self.headers.items()), self.client_address[1]))
            feed.present += 1
            feed.most_present = max(feed.most_present, feed.present)
        try:
            answer = feed.answers.get(self.path.partition("?")[0])
            if callable(answer):
                answer(self)
            elif answer is None:
                self.answer(404, b"there is no such file")
            else:
                self.answer(200, answer)
        finally:
            with feed.lock:
                feed.present -= 1

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer in one piece."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's signature
        """Say nothing."""


class FeedServer(ThreadingHTTPServer):
    """Serves a `Feed`."""

    daemon_threads = True
    feed: Feed

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is what some tests are about."""


Answer: TypeAlias = "bytes | Callable[[Handler], None]"


@dataclass(frozen=True)
class Seen:
    """A request that reached the feed."""

    path: str
    headers: dict[str, str]
    port: int


@dataclass
class Feed:
    """What the server answers, and what it was asked."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[Seen] = field(default_factory=list)
    present: int = 0
    most_present: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def paths(self) -> list[str]:
        return [seen.path for seen in self.requests]


@pytest.fixture
def start_feed() -> Iterator[Callable[..., Feed]]:
    """Start a feed on a port of its own; all are stopped afterwards."""
    servers: list[tuple[FeedServer, threading.Thread]] = []

    def start(tls: ssl.SSLContext | None = None) -> Feed:
        server = FeedServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.feed = Feed(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return server.feed

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def feed(start_feed: Callable[..., Feed]) -> Feed:
    return start_feed()


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    store = BlobStore(tmp_path / "store")
    store.prepare()
    return store


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repetitions are what is tested; their waits have a test of their own."""
    monkeypatch.setattr(retries, "_FIRST_SECONDS", 0.01)


MakeFetcher: TypeAlias = Callable[..., Fetcher]


@pytest.fixture
def make_fetcher(store: BlobStore, feed: Feed) -> Iterator[MakeFetcher]:
    """Make a fetcher of `feed`, or of another address; all are closed afterwards."""
    made: list[Fetcher] = []

    def make(url: str | None = None, *, checkpoint: Callable[[], None] = lambda: None, **options: object) -> Fetcher:
        fetcher = Fetcher(FetchOptions(url or feed.url, **options), store, checkpoint=checkpoint)  # type: ignore[arg-type]
        made.append(fetcher)
        return fetcher

    yield make
    for fetcher in made:
        fetcher.close()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def temporary_files(store: BlobStore) -> list[str]:
    return [path.name for path in (store.root / "tmp").iterdir()]


def visible_blobs(store: BlobStore) -> list[str]:
    return sorted(path.name for path in (store.root / "blobs").glob("*/*"))
