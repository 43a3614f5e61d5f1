"""A task is followed over streams that break off, and the events that make up a stream are read."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from entrepot import clock
from entrepot.client import events
from entrepot.client.connection import Connection
from entrepot.errors import MissingResource


def event(number: int, *, is_last: bool = False, name: str = "task", **document: Any) -> str:
    data = json.dumps({"number": number, "finish_time": "2026-01-01T00:00:00Z" if is_last else None, **document})
    return f"id: {number}\nevent: {name}\ndata: {data}\n\n"


def follow(*streams: str, deadline: float | None = None) -> tuple[list[int], list[httpx.Request]]:
    """Return the numbers of the documents that came, and the requests that were sent for them."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, text=streams[len(requests) - 1])

    connection = Connection("http://server.test", transport=httpx.MockTransport(answer))
    numbers = [document["number"] for document in events.task_documents(connection, "task-1", deadline)]
    return numbers, requests


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_PAUSE_SECONDS", 0.0)


def test_a_stream_ends_with_the_final_event() -> None:
    numbers, requests = follow(event(1) + ": still here\n\n" + event(2) + event(3, is_last=True))

    assert numbers == [1, 2, 3]
    assert [request.url.path for request in requests] == ["/pulp/api/v2/tasks/task-1/events/"]


def test_a_stream_that_breaks_off_is_taken_up_after_its_last_whole_event() -> None:
    numbers, requests = follow(event(1) + event(2)[:-1], event(2), event(3, is_last=True))

    assert numbers == [1, 2, 3]
    assert [request.url.params.get("after") for request in requests] == [None, "1", "2"]


def test_a_stream_is_asked_for_until_the_deadline_and_no_longer() -> None:
    numbers, requests = follow(event(1), deadline=clock.monotonic())

    assert numbers == [1]
    assert requests[0].url.params["wait"] == "0.000"


def test_an_error_in_a_stream_is_raised() -> None:
    document = {"error": MissingResource(resource_id="task-1").document()}

    with pytest.raises(MissingResource):
        follow(event(1) + event(2, name="error", **document))
