"""An engine that mirrors without downloading, served in this process, and an upstream that can be slow, wrong or away."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from entrepot.engine import Engine
from entrepot.repositories.reports import PublishedFile
from entrepot.settings import Settings
from entrepot.testing import drain
from entrepot.web.app import web_app
from entrepot.web.server import bound_socket, server_config
from tests.upstreams import PATIENCE, Upstream, Upstreams


class Mirror:
    """The engine, and the address where it is served."""

    def __init__(self, engine: Engine, client: httpx.Client) -> None:
        self.engine = engine
        self.client = client
        self.store = engine.settings.store_dir

    def follow(self, repository_id: str, upstream: Upstream, **config: object) -> None:
        """Mirror the upstream in a repository, without its files, and publish that."""
        repository = self.engine.repositories.create(
            repository_id,
            importer_type_id="iso_importer",
            importer_config={"feed": upstream.url, "download_policy": "on_demand", **config},  # type: ignore[dict-item]
            distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}],
        )
        handle = repository.sync()
        drain(self.engine)
        assert handle.report().state == "finished", handle.report().error

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(f"/content/{path}", headers={name.replace("_", "-"): text for name, text in headers.items()})

    def is_here(self, path: str) -> bool:
        """Say whether the bytes of a published file are known to be in the store."""
        found = self.engine.repositories.published(path)
        assert isinstance(found, PublishedFile)
        return found.sha256 is not None

    def blob(self, data: bytes) -> Path:
        return self.engine.store.path(hashlib.sha256(data).hexdigest())

    def temporary(self) -> list[str]:
        return [file.name for file in (self.store / "tmp").iterdir()]


@pytest.fixture
def database_kind() -> str:
    """One is enough, but where a test says otherwise: bytes and connections are what is tested."""
    return "sqlite"


@pytest.fixture
def upstreams() -> Iterator[Upstreams]:
    made = Upstreams()
    yield made
    made.close_all()


@pytest.fixture
def upstream(upstreams: Upstreams) -> Upstream:
    return upstreams.open()


@pytest.fixture
def mirror(settings: Settings) -> Iterator[Mirror]:
    with Engine(settings=settings.model_copy(update={"fetch_retries": 0})) as engine, bound_socket("127.0.0.1", 0) as listener:
        engine.initialise()
        listener.listen()
        server = uvicorn.Server(server_config(engine.settings, web_app(engine)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=PATIENCE, limits=httpx.Limits(max_connections=None)) as client:
            yield Mirror(engine, client)
        server.should_exit = True
        thread.join()
