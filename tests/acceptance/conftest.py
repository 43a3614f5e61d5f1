"""What acceptance tests share: the command line, feeds on loopback, and one engine that is served as its users do."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from entrepot.cli import main


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        return json.loads(self.err)["error"]


Run = Callable[..., Ran]


class Feed:
    """A folder with a PULP_MANIFEST, served on loopback; a path that begins with `held` is answered after `release()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requested: list[str] = []
        self.was_asked_for_held = threading.Event()
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_FeedHandler, self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def offer(self, files: Mapping[str, bytes]) -> None:
        """Offer exactly these files."""
        for old in self.folder.iterdir():
            old.unlink()
        lines = []
        for name, data in files.items():
            (self.folder / name).write_bytes(data)
            lines.append(f"{name},{hashlib.sha256(data).hexdigest()},{len(data)}\n")
        (self.folder / "PULP_MANIFEST").write_text("".join(lines))

    def hold(self) -> None:
        """Wait in a request of the server's."""
        self.was_asked_for_held.set()
        self._released.wait(60)

    def release(self) -> None:
        """Answer what is held."""
        self._released.set()

    def close(self) -> None:
        self.release()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _FeedHandler(SimpleHTTPRequestHandler):
    def __init__(self, feed: Feed, *arguments: Any) -> None:
        self._feed = feed
        super().__init__(*arguments, directory=str(feed.folder))

    def do_GET(self) -> None:
        self._feed.requested.append(self.path.lstrip("/"))
        if self.path.startswith("/held"):
            self._feed.hold()
        super().do_GET()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Served:
    """An engine that `entrepot serve` runs."""

    url: str
    data_dir: Path
    pid: int


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process, on the data folder that the environment names."""

    def run(*arguments: object) -> Ran:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        return Ran(code, printed.out, printed.err)

    return run


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    """An HTTP feed that offers nothing yet."""
    folder = tmp_path / "feed"
    folder.mkdir()
    feed = Feed(folder)
    yield feed
    feed.close()


@contextmanager
def serving(data_dir: Path, **settings: str) -> Iterator[Served]:
    """Run `entrepot serve` with one worker process until the block ends."""
    command = [sys.executable, "-m", "entrepot", "--data-dir", str(data_dir), "serve", "--port", "0", "--processes", "1"]
    with subprocess.Popen(command, env=clean_environment(**settings), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if " ready on " in line:
                break
        else:
            pytest.fail("entrepot serve did not start:\n" + "".join(said))
        rest = threading.Thread(target=process.stderr.read)  # a full pipe would stop it
        rest.start()
        yield Served(said[-1].split()[-1], data_dir, process.pid)
        process.send_signal(signal.SIGTERM)
        rest.join()


@pytest.fixture(scope="session")
def served_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One `entrepot serve` for the whole run; a test makes a repository of its own in it."""
    with serving(tmp_path_factory.mktemp("served") / "data") as served:
        yield served


@pytest.fixture
def served(served_engine: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """The served engine, which commands of this test use too."""
    monkeypatch.setenv("ENTREPOT_DATA_DIR", str(served_engine.data_dir))
    return served_engine


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment of a user who has set nothing of entrepot's but `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    return kept | {"COLUMNS": "80"} | more
