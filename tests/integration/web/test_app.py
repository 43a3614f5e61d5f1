"""One app of all doors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from entrepot.engine import Engine
from entrepot.web import web_app

Get = Callable[..., httpx.Response]


@pytest.fixture
def get(settings) -> Get:
    """Sends a GET to the app, in an event loop of its own."""
    with Engine(settings=settings) as engine:
        engine.initialise()
    transport = httpx.ASGITransport(web_app(Engine(settings=settings)))

    async def ask(path: str, auth: tuple[str, str] | None) -> httpx.Response:
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.get(f"http://server.test{path}", auth=auth)

    return lambda path, auth=None: asyncio.run(ask(path, auth))


@pytest.mark.parametrize(
    "path", ["/pulp/api/v2/tasks/", "/pulp/api/v2/tasks", "//pulp///api//v2/tasks/", "/pulp/%61pi/v2/tasks/"]
)
def test_the_rest_door_answers_below_its_prefix_however_that_is_written(get: Get, path: str) -> None:
    answer = get(path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "PLP0025")


@pytest.mark.parametrize(
    ("path", "status"), [("/content/", 200), ("/healthz", 200), ("/readyz", 200), ("/pulp/", 404), ("/x", 404)]
)
def test_the_content_door_answers_the_rest(get: Get, path: str, status: int) -> None:
    answer = get(path)

    assert answer.status_code == status
    assert "x-request-id" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status", "key"),
    [
        ("/v2/mcc/customers/0001/rulesv4/1/status", 403, "Message"),
        ("/v2/mcc/nonsense", 404, "Message"),
        ("/rules-engine/v1.1/nonsense", 404, "Message"),
        ("/api/v1/publicationEvents", 401, "error"),
        ("/api/nonsense", 404, "error"),
        ("/pugpig/acme/publication/weekly/addon/main.weekly.acme/progress.json", 401, "error"),
        ("/publication/nonsense", 404, "error"),
    ],
)
def test_a_facade_answers_below_its_path_in_its_own_shape(get: Get, path: str, status: int, key: str) -> None:
    answer = get(path)

    assert (answer.status_code, key in answer.json()) == (status, True)
    assert "x-request-id" in answer.headers


def test_the_front_page_names_the_description_of_the_api(get: Get) -> None:
    page = get("/").text
    address = next(line.split()[-1] for line in page.splitlines() if line.startswith("REST API"))

    assert get(address, auth=("admin", "wrong")).status_code == 200
