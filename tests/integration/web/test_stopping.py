"""A server that is told to stop lets go of those who wait for something to change."""

from __future__ import annotations

import threading

import httpx
import pytest
from pydantic import SecretStr

import entrepot
from entrepot.engine import Engine
from entrepot.web import web_app
from entrepot.web.server import AnnouncingServer, bound_socket, server_config

PASSWORD = "correct horse battery staple"


@entrepot.task
def nothing() -> None:
    """Do nothing; no worker is there to run it."""


@pytest.fixture
def database_kind() -> str:
    """One is enough: connections are what is tested."""
    return "sqlite"


def test_a_stream_ends_as_it_should_when_the_server_is_told_to_stop(settings) -> None:
    chosen = settings.model_copy(update={"admin_password": SecretStr(PASSWORD)})
    with Engine(settings=chosen) as engine, bound_socket("127.0.0.1", 0) as listener:
        engine.initialise()
        engine.access.ensure_administrator()
        task_id = engine.enqueue(nothing).task_id
        app = web_app(engine)
        server = AnnouncingServer(server_config(chosen, app), "127.0.0.1", before_stop=app.let_go)
        listener.listen()  # the first request waits in the queue until the server takes it
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        serving.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/pulp/api/v2/tasks/{task_id}/events/"

        with httpx.stream("GET", url, auth=("admin", PASSWORD), timeout=60) as response:
            lines = response.iter_lines()
            first = next(lines)
            server.should_exit = True
            rest = list(lines)  # raises if the connection is cut

        serving.join(60)

    assert first.startswith("id: ")
    assert rest[0] == "event: task"
    assert not serving.is_alive()
