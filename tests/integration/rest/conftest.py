"""A REST door on an engine in memory of the test: asked through its ASGI app, by an administrator unless said otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import argon2
import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from entrepot.engine import Engine
from entrepot.readers import Readers
from entrepot.rest import RestApp

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a password's hash cost next to nothing: what it has to cost is a matter of the tests of access."""
    monkeypatch.setattr(argon2, "PasswordHasher", partial(argon2.PasswordHasher, time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def engine(settings, database_url: str) -> Iterator[Engine]:
    with Engine(database_url, settings=settings) as engine:
        engine.initialise()
        engine.access.ensure_administrator()
        engine.access.update_user("admin", password=PASSWORD)
        yield engine


class Client:
    """Sends requests to an ASGI app that runs in a thread of its own."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self._portal = portal
        self._client = client

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send a request and return the response."""
        return self._portal.call(partial(self._client.request, method, url, **options))


class Api:
    """Sends requests to paths below `/pulp/api/v2/`, with JSON."""

    def __init__(self, client: Client, login: str | None = "admin", password: str = PASSWORD) -> None:
        self._client = client
        self._auth = None if login is None else (login, password)

    def as_(self, login: str | None, password: str = PASSWORD) -> Api:
        """Return the same door, asked by another user, or by nobody (None)."""
        return Api(self._client, login, password)

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Send a request and return the response of httpx; `body` is JSON, if it is given."""
        if body is not None:
            options["json"] = body
        return self._client.request(method, f"/pulp/api/v2/{path}", auth=self._auth, **options)

    def get(self, path: str, **options: Any) -> Any:
        return self.ask("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.ask("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.ask("PUT", path, body, **options)

    def delete(self, path: str, **options: Any) -> Any:
        return self.ask("DELETE", path, **options)


@pytest.fixture
def api(engine: Engine) -> Iterator[Api]:
    transport = httpx.ASGITransport(RestApp(engine, Readers(engine)), raise_app_exceptions=False, client=("192.0.2.1", 5))
    with start_blocking_portal() as portal:
        client = Client(portal, httpx.AsyncClient(transport=transport, base_url="http://server.test"))
        yield Api(client)
