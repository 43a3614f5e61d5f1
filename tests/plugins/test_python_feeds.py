"""The Python plugin within the engine, against a feed that lies, stops or leads astray: nothing of that comes in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.builders.wheel import build_wheel, simple_index

from entrepot.engine import Engine
from entrepot.repositories import Repository
from entrepot.settings import Settings
from entrepot.tasking import TaskReport
from entrepot.testing import drain

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"])  # the engine's own tests run on both

SIX = build_wheel("six", "1.0", hashes=())
NEW = build_wheel("six", "2.0")
PAGE, WHEEL = "simple/six/", f"packages/{NEW.filename}"

Answer = tuple[int, dict[str, str], bytes]


class Feed:
    """Answers by path; one that is callable is asked each time."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Callable[[], Answer]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *arguments: _Handler(self, *arguments))
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def offer(self, files: dict[str, bytes]) -> None:
        self.answers = {path: (200, {}, data) for path, data in files.items()}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, feed: Feed, *arguments: Any) -> None:
        self._feed = feed
        super().__init__(*arguments)

    def do_GET(self) -> None:
        answer = self._feed.answers.get(self.path.lstrip("/"), (404, {}, b""))
        status, headers, body = answer() if callable(answer) else answer
        self.send_response(status)
        for name, value in ({"content-length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def feed() -> Iterator[Feed]:
    made = Feed()
    yield made
    made.close()


@pytest.fixture
def library(settings: Settings, feed: Feed) -> Iterator[Callable[[], tuple[TaskReport, Repository]]]:
    """Return what syncs a repository that holds `SIX` already, and returns the task's report and the repository."""
    with Engine(settings=settings.model_copy(update={"fetch_retries": 1})) as engine:
        engine.initialise()
        made = engine.repositories.create(
            "library",
            importer_type_id="python_importer",
            importer_config={"feed": feed.url, "package_names": "six", "remove_missing": True, "max_downloads": 1},
        )
        feed.offer(simple_index([SIX]))

        def sync() -> tuple[TaskReport, Repository]:
            handle = made.sync()
            drain(engine)
            return handle.report(), made

        assert sync()[0].state == "finished"
        yield sync


def files_of(repository: Repository) -> int:
    return repository.report().content_unit_counts.get("python_package", 0)


def test_a_file_without_checksums_and_another_with_them_come_in(library, feed: Feed) -> None:
    feed.offer(simple_index([SIX, NEW]))

    report, repository = library()

    assert (report.state, files_of(repository)) == ("finished", 2)


def test_a_server_that_fails_once_is_asked_again(library, feed: Feed) -> None:
    feed.offer(simple_index([SIX, NEW]))
    whole = feed.answers[PAGE]
    answers = iter([(503, {}, b""), whole])
    feed.answers[PAGE] = lambda: next(answers)  # type: ignore[assignment,return-value]

    report, repository = library()

    assert (report.state, files_of(repository)) == ("finished", 2)


@pytest.mark.parametrize(
    ("path", "answer", "why"),
    [
        (WHEEL, (200, {}, b"x" * len(NEW.data)), "checksum"),
        (WHEEL, (200, {}, NEW.data[:-1]), "bytes"),
        (WHEEL, (200, {}, NEW.data + b"x"), "bytes"),
        (WHEEL, (404, {}, b""), "404"),
        (f"{WHEEL}.metadata", (200, {}, b"Name: other\n"), "another sha256 than the index page says"),
        (f"{WHEEL}.metadata", (500, {}, b""), "500"),
        (PAGE, (302, {"location": "/simple/six/"}, b""), "redirect"),
        (PAGE, (302, {"location": "file:///etc/passwd"}, b""), "refused"),
        (PAGE, (302, {"location": "http://169.254.169.254/latest/"}, b""), "169.254"),
        (PAGE, (200, {"content-length": "100000"}, b"<html>"), ""),
        (PAGE, (200, {"content-type": "text/html"}, b"<html><body>Sign in first</body></html>"), "web page"),
        (PAGE, (200, {"content-type": "application/pdf"}, b"%PDF"), "application/pdf"),
        (PAGE, (404, {}, b""), "none of the projects"),
    ],
)
def test_a_feed_that_lies_changes_nothing(library, feed: Feed, path: str, answer: Answer, why: str) -> None:
    feed.offer(simple_index([NEW]))
    feed.answers[path] = answer

    report, repository = library()

    assert report.state == "error"
    assert why in str(report.error).lower() + str(report.progress).lower()
    assert report.traceback is None
    assert files_of(repository) == 1
