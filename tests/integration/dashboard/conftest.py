"""The dashboard on an engine of the test's own: asked through its ASGI app, as a browser would, by whom a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import argon2
import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from entrepot.access import Operation, csrf_token
from entrepot.dashboard import Dashboard
from entrepot.engine import Engine
from entrepot.readers import Readers
from entrepot.settings import Settings
from entrepot.streaming import Changes

PASSWORD = "correct horse battery staple"
#: What no page may show as it is, in a text that names can hold.
HOSTILE = "<script>alert(1)</script>\"'& \N{RIGHT-TO-LEFT OVERRIDE}"
LARGEST_PAGE_BYTES = 60_000


@pytest.fixture
def database_kind() -> str:
    """One is enough: pages hold no SQL."""
    return "sqlite"


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a password's hash cost next to nothing: what it has to cost is a matter of the tests of access."""
    monkeypatch.setattr(argon2, "PasswordHasher", partial(argon2.PasswordHasher, time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def engine(settings: Settings, database_url: str) -> Iterator[Engine]:
    with Engine(database_url, settings=settings) as engine:
        engine.initialise()
        engine.access.ensure_administrator()
        engine.access.update_user("admin", password=PASSWORD)
        yield engine


class Browser:
    """A browser in which somebody has logged in; it follows no redirect."""

    def __init__(self, portal: BlockingPortal, app: Dashboard, engine: Engine, login: str) -> None:
        secret, _ = engine.access.begin_session(login, PASSWORD, address=None, agent=None)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.1", 5))
        cookies = {"entrepot_session": secret}
        self._client = httpx.AsyncClient(transport=transport, base_url="http://server.test", cookies=cookies)
        self._portal = portal
        self.csrf = csrf_token(secret)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Ask for a page and return the response."""
        headers = {"accept": "text/html", **options.pop("headers", {})}
        return self._portal.call(partial(self._client.get, path, headers=headers, **options))

    def page(self, path: str) -> str:
        """Return the HTML of a page that must be there."""
        response = self.get(path)
        assert response.status_code == 200, (response.status_code, response.headers.get("location"), response.text)
        return response.text

    def post(
        self, path: str, fields: Mapping[str, str | list[str]] | None = None, *, csrf: str | None = None
    ) -> httpx.Response:
        """Send a form with the token of the session (or `csrf`) and return the response."""
        data = {**(fields or {}), "csrf": self.csrf if csrf is None else csrf}
        return self._portal.call(partial(self._client.post, path, data=data))


@pytest.fixture
def browser_of(engine: Engine) -> Iterator[Callable[[str], Browser]]:
    """Gives the browser of a user, whose password is `PASSWORD`."""
    app = Dashboard(engine, Readers(engine), Changes(engine))
    with start_blocking_portal() as portal:
        yield partial(Browser, portal, app, engine)


@pytest.fixture
def dashboard(browser_of: Callable[[str], Browser]) -> Browser:
    """The browser of the administrator."""
    return browser_of("admin")


@pytest.fixture
def reader(engine: Engine, browser_of: Callable[[str], Browser]) -> Browser:
    """The browser of `rita`, who may read everything and change nothing."""
    engine.access.create_user("rita", password=PASSWORD)
    engine.access.grant_to_user("rita", "/", [Operation.READ])
    return browser_of("rita")
