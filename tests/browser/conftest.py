"""What tests in a browser share: an engine that is served as its users do, the system's Chromium, and eyes on what goes wrong.

Whatever a test does: nothing may be written to the console as an error, no script may fail, the policy of the pages may
not be broken, and no other host may be asked. `Watched` looks at the end of each test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from entrepot import Engine
from entrepot.access import Operation
from entrepot.settings import read_settings
from tests.acceptance.conftest import Feed, Served, serving

PASSWORD = "correct horse battery staple"
#: Milliseconds that a page gets to become what a test expects.
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)


@dataclass
class Watched:
    """A window of a browser and what went wrong in it.

    `expected` are beginnings of errors that the test brings about,
    `also` other addresses by which it reaches the server."""

    page: Page
    wrong: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(message.text)

    def request(self, request: Request) -> None:
        self.requested.append(request.url)

    def unexpected(self, url: str) -> list[str]:
        """Return what went wrong, and the requests to any host but that of `url`."""
        errors = [text for text in self.wrong if not text.startswith(self.expected or ("\0",))]
        hosts = {urlsplit(address).netloc for address in (url, *self.also)}
        return errors + [asked for asked in self.requested if urlsplit(asked).netloc not in hosts]


@pytest.fixture(scope="session")
def served_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One `entrepot serve` for the whole run; a test makes repositories of its own in it."""
    folder = tmp_path_factory.mktemp("site") / "data"
    settings = {
        "ENTREPOT_ADMIN_PASSWORD": PASSWORD,
        "ENTREPOT_TASK_MODULES": '["tests.browser.slow_tasks"]',
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    with serving(folder, **settings) as site:
        yield site


@pytest.fixture
def site(served_site: Served) -> Served:
    return served_site


@pytest.fixture(scope="session")
def engine(served_site: Served) -> Iterator[Engine]:
    """The served engine, for what tests prepare; one for all, which remembers passwords that were right."""
    with Engine(settings=read_settings(data_dir=served_site.data_dir)) as engine:
        engine.load_tasks()
        yield engine


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    """An HTTP feed that offers nothing yet; names that begin with `held` are given after `release()`."""
    folder = tmp_path / "feed"
    folder.mkdir()
    feed = Feed(folder)
    yield feed
    feed.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's browser; for a module, since nothing else may run an event loop in this thread meanwhile."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        assert not os.environ.get("CI"), "there is no chromium, which the gate installs"
        pytest.skip("there is no chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def windows(chromium: Browser, site: Served) -> Iterator[Callable[..., Watched]]:
    """Opens windows, each with cookies of its own; options are those of Playwright's `new_context`."""
    opened: list[tuple[BrowserContext, Watched]] = []

    def window(**options: Any) -> Watched:
        context = chromium.new_context(**{"base_url": site.url, **options})
        context.set_default_timeout(PATIENCE)
        watched = Watched(context.new_page())
        opened.append((context, watched))
        watched.page.on("console", watched.console)
        watched.page.on("pageerror", lambda error: watched.wrong.append(f"a script failed: {error}"))
        watched.page.on("request", watched.request)
        watched.page.on("dialog", lambda dialog: watched.wrong.append(f"a dialog was shown: {dialog.message}"))
        return watched

    yield window
    for context, _ in opened:
        context.close()
    assert [wrong for _, watched in opened for wrong in watched.unexpected(site.url)] == []


@pytest.fixture
def window(windows: Callable[..., Watched], engine: Engine) -> Callable[..., Watched]:
    """Opens windows in which somebody (`login`, the administrator by default) is logged in."""

    def logged_in(login: str = "admin", **options: Any) -> Watched:
        watched = windows(**options)
        secret, _ = engine.access.begin_session(login, PASSWORD, address=None, agent="a test")
        cookie = {"name": "entrepot_session", "value": secret, "domain": "127.0.0.1", "path": "/", "httpOnly": True}
        watched.page.context.add_cookies([cookie])  # type: ignore[list-item]  # the library's own TypedDict
        return watched

    return logged_in


@pytest.fixture
def page(window: Callable[..., Watched]) -> Page:
    """A window of the administrator's."""
    return window().page


@pytest.fixture
def reader(engine: Engine) -> str:
    """The login of somebody who may read everything and change nothing."""
    if "rita" not in {user.login for user in engine.access.list_users()}:
        engine.access.create_user("rita", password=PASSWORD)
        engine.access.grant_to_user("rita", "/", [Operation.READ])
    return "rita"
