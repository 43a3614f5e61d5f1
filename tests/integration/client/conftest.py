"""A client of a server that runs in a thread of this process, and the engine behind it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import argon2
import pytest
import uvicorn

from entrepot import Client
from entrepot.engine import Engine
from entrepot.testing import drain
from entrepot.web.app import web_app
from entrepot.web.server import bound_socket, server_config
from tests.integration.rest.conftest import PASSWORD
from tests.integration.rest.repositories.conftest import engine as _engine

engine = _engine


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", partial(argon2.PasswordHasher, time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def url(engine: Engine) -> Iterator[str]:
    """Where the engine is served."""
    with bound_socket("127.0.0.1", 0) as listener:
        app = web_app(engine)
        server = uvicorn.Server(server_config(engine.settings, app))
        listener.listen()  # the first request waits in the queue until the server takes it
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        app.let_go()
        server.should_exit = True
        thread.join()


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url, auth=("admin", PASSWORD)) as client:
        yield client


@pytest.fixture
def run_tasks(engine: Engine) -> Any:
    """Run what is ready, in this thread."""
    return lambda: drain(engine)


@pytest.fixture
def worker(engine: Engine) -> Iterator[Any]:
    """Run what is ready, once `set()` is called, in a thread of its own."""
    begin, is_over = threading.Event(), threading.Event()

    def work() -> None:
        begin.wait(60)
        with engine.visit():
            if not is_over.is_set():
                drain(engine)

    thread = threading.Thread(target=work)
    thread.start()
    yield begin
    is_over.set()
    begin.set()
    thread.join()
