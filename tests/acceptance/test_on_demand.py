"""Deferred files as their users have them: several API processes, and one that is killed in the middle of a fetch."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.upstreams import PATIENCE, SIZE, Upstream, Upstreams

from entrepot.engine import Engine
from entrepot.repositories.reports import PublishedFile
from entrepot.testing import drain

from .conftest import clean_environment

BEAR = random.Random(2).randbytes(SIZE)


@dataclass(frozen=True)
class Api:
    """An `entrepot api` process, and a client of it."""

    process: subprocess.Popen[str]
    client: httpx.Client


@contextmanager
def api(data_dir: Path) -> Iterator[Api]:
    """Run `entrepot api` until the block ends."""
    command = [sys.executable, "-m", "entrepot", "--data-dir", str(data_dir), "api", "--port", "0"]
    with subprocess.Popen(command, env=clean_environment(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        ready = next((line for line in process.stderr if " ready on " in line), None)
        assert ready is not None
        rest = threading.Thread(target=process.stderr.read)  # a full pipe would stop it
        rest.start()
        limits = httpx.Limits(max_connections=None)
        with httpx.Client(base_url=ready.split()[-1], timeout=PATIENCE, limits=limits) as client:
            yield Api(process, client)
        process.send_signal(signal.SIGTERM)
        rest.join()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    upstreams = Upstreams()
    yield upstreams.open()
    upstreams.close_all()


@pytest.fixture
def engine(tmp_path: Path, upstream: Upstream) -> Iterator[Engine]:
    """An engine that mirrors the upstream's one file without downloading it."""
    upstream.offer(bear=BEAR)
    with Engine.from_settings(data_dir=tmp_path / "data") as engine:
        engine.initialise()
        repository = engine.repositories.create(
            "zoo",
            importer_type_id="iso_importer",
            importer_config={"feed": upstream.url, "download_policy": "on_demand"},
            distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}],
        )
        repository.sync()
        drain(engine)
        yield engine


def _is_deferred(engine: Engine) -> bool:
    found = engine.repositories.published("zoo/bear.iso")
    assert isinstance(found, PublishedFile)
    return found.sha256 is None


def test_two_processes_fetch_a_file_once(engine: Engine, upstream: Upstream) -> None:
    upstream.held.add("bear.iso")
    with ExitStack() as stack:
        apis = [stack.enter_context(api(engine.settings.data_dir)) for _ in range(2)]
        threads = stack.enter_context(ThreadPoolExecutor(8))
        with apis[0].client.stream("GET", "/content/zoo/bear.iso") as first:
            pieces = first.iter_raw()
            begin = next(pieces)  # while the upstream waits
            others = [threads.submit(apis[number % 2].client.get, "/content/zoo/bear.iso") for number in range(8)]
            upstream.go_on.set()
            answers = [begin + b"".join(pieces), *(other.result().content for other in others)]

    assert answers == [BEAR] * 9
    assert upstream.requests == ["bear.iso"]


def test_sigkill_in_the_middle_of_a_fetch_leaves_nothing_wrong(engine: Engine, upstream: Upstream) -> None:
    upstream.held.add("bear.iso")
    with api(engine.settings.data_dir) as killed, killed.client.stream("GET", "/content/zoo/bear.iso") as answer:
        pieces = answer.iter_raw()
        next(pieces)
        killed.process.kill()
        with pytest.raises(httpx.HTTPError):
            b"".join(pieces)
    assert _is_deferred(engine)
    assert engine.store.sweep() == 1
    assert list((engine.settings.store_dir / "tmp").iterdir()) == []

    upstream.held.clear()
    with api(engine.settings.data_dir) as another:
        assert another.client.get("/content/zoo/bear.iso").content == BEAR

    assert not _is_deferred(engine)
