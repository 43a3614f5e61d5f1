"""A feed that can misbehave, an engine on each database, and a worker in this thread."""

from __future__ import annotations

import csv
import hashlib
import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from entrepot.engine import Engine
from entrepot.repositories import Repository
from entrepot.settings import Settings
from entrepot.tasking import TaskHandle, TaskReport
from entrepot.testing import drain


class Feed:
    """Files by name, their manifest, and what goes wrong with which of them; `requests` counts what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.manifest: bytes | None = None
        self.statuses: dict[str, int] = {}
        self.bodies: dict[str, bytes] = {}
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *arguments: _Handler(self, *arguments))
        self.url = f"http://127.0.0.1:{self._server.server_port}/feed/"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def put(self, **files: str) -> None:
        """Offer text files; a double underscore in a name stands for a dot."""
        self.files |= {name.replace("__", "."): text.encode() for name, text in files.items()}

    def answer(self, path: str) -> tuple[int, bytes]:
        self.requests.append(path)
        if path in self.statuses:
            return self.statuses[path], b"no"
        if path == "PULP_MANIFEST":
            return 200, self.manifest if self.manifest is not None else manifest(self.files)
        if path in self.bodies:
            return 200, self.bodies[path]
        return (200, self.files[path]) if path in self.files else (404, b"not here")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, feed: Feed, *arguments: object) -> None:
        self._feed = feed
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        status, body = self._feed.answer(unquote(self.path).removeprefix("/feed/"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""


def manifest(files: dict[str, bytes]) -> bytes:
    text = io.StringIO()
    rows = [[name, hashlib.sha256(data).hexdigest(), len(data)] for name, data in sorted(files.items())]
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@pytest.fixture
def feed() -> Iterator[Feed]:
    made = Feed()
    made.put(a__txt="a", b__txt="bb", c__txt="ccc")
    yield made
    made.close()


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    quick = settings.model_copy(update={"fetch_retries": 0})
    with Engine(settings=quick) as made:
        made.initialise()
        yield made


@pytest.fixture
def zoo(engine: Engine, feed: Feed) -> Repository:
    """A repository that mirrors the feed and publishes by hand."""
    return engine.repositories.create(
        "zoo",
        importer_type_id="iso_importer",
        importer_config={"feed": feed.url, "remove_missing": True},
        distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web"}],
    )


def run(engine: Engine, handle: TaskHandle) -> TaskReport:
    """Run everything that waits, and return the report of `handle`."""
    drain(engine)
    return handle.report()


def published(engine: Engine, base_path: str = "zoo") -> dict[str, bytes]:
    """Return every file that the publication lists in its manifest, as it is served."""
    found = engine.repositories.published(f"{base_path}/PULP_MANIFEST")
    if found is None:
        return {}
    names = [row[0] for row in csv.reader(io.StringIO(found.file.read_text(encoding="utf-8")))]  # type: ignore[union-attr]
    files = {}
    for name in names:
        file = engine.repositories.published(f"{base_path}/{name}")
        assert file is not None, name
        files[name] = file.file.read_bytes()  # type: ignore[union-attr]
    return files


def held(engine: Engine, repository_id: str = "zoo") -> int:
    return engine.repositories.get(repository_id).report().content_unit_counts.get("iso", 0)


def temporary_files(engine: Engine) -> list[str]:
    return [path.name for path in (engine.settings.store_dir / "tmp").iterdir()]
