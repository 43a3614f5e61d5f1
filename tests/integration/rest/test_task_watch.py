"""To wait for a task by one request, and to follow it by a stream of events."""

from __future__ import annotations

import asyncio
import json
import threading
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from entrepot.engine import Engine
from entrepot.readers import Readers
from entrepot.rest import RestApp
from entrepot.rest.task_watch import WatchedTask
from entrepot.testing import drain

from .conftest import PASSWORD
from .sample_tasks import echo, spawn


def events_of(text: str) -> list[dict[str, str]]:
    """Return the events of a stream by their fields; comments are left out."""
    blocks = (block for block in text.split("\n\n") if block and not block.startswith(":"))
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


def test_a_wait_for_a_task_that_has_ended_answers_at_once(engine: Engine, api: Any) -> None:
    task_id = engine.enqueue(echo, 1).task_id
    drain(engine)

    task = api.get(f"tasks/{task_id}/?wait=60").json()

    assert (task["state"], task["queue"]) == ("finished", "drain@test.dq")


def test_a_wait_whose_time_is_over_answers_with_the_task_as_it_is(engine: Engine, api: Any) -> None:
    task_id = engine.enqueue(echo, 1).task_id

    for seconds in ("0", "0.05"):
        response = api.get(f"tasks/{task_id}/?wait={seconds}")

        assert (response.status_code, response.json()["state"]) == (200, "waiting")


def test_a_wait_answers_when_the_task_has_ended(engine: Engine, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = engine.enqueue(echo, 1).task_id
    looked, look = threading.Event(), WatchedTask.look

    def look_and_tell(watched: WatchedTask) -> Any:
        document = look(watched)
        looked.set()
        return document

    monkeypatch.setattr(WatchedTask, "look", look_and_tell)
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(api.get(f"tasks/{task_id}/?wait=60")))
    asking.start()
    assert looked.wait(60)
    drain(engine)
    asking.join(60)

    assert [answer.json()["state"] for answer in answers] == ["finished"]


@pytest.mark.parametrize("seconds", ["", "soon", "-1", "nan", "inf", "61", "1e9"])
def test_a_wait_that_cannot_be_is_refused_by_name(api: Any, seconds: str) -> None:
    response = api.get(f"tasks/x/?wait={seconds}")

    assert (response.status_code, response.json()["property_names"]) == (400, ["wait"])


def test_a_task_that_nobody_touches_is_not_looked_up_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = WatchedTask(engine, engine.enqueue(echo, 1).task_id)
    drain(engine)
    first = watched.look()

    monkeypatch.setattr(engine.tasks, "get", None)

    assert watched.look() is first


def test_the_events_of_a_task_that_has_ended_are_its_final_report(engine: Engine, api: Any) -> None:
    task_id = engine.enqueue(echo, 1).task_id
    drain(engine)

    response = api.get(f"tasks/{task_id}/events/")

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    (event,) = events_of(response.text)
    assert event["event"] == "task"
    assert json.loads(event["data"]) == api.get(f"tasks/{task_id}/").json()
    for again in (
        api.get(f"tasks/{task_id}/events/", headers={"last-event-id": event["id"]}),
        api.get(f"tasks/{task_id}/events/?after={event['id']}"),
    ):
        assert events_of(again.text) == []
    assert len(events_of(api.get(f"tasks/{task_id}/events/?after=older").text)) == 1


def test_the_head_of_a_stream_has_no_body(engine: Engine, api: Any) -> None:
    response = api.ask("HEAD", f"tasks/{engine.enqueue(echo, 1).task_id}/events/")

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"


def follow(engine: Engine, task_id: str, *, query: str = "", then: Callable[[RestApp], None]) -> list[dict[str, str]]:
    """Follow a task's events until they end; `then` is called, in a thread, as soon as something was heard."""
    heard: list[str] = []

    async def ask() -> None:
        first = asyncio.Event()

        async def receive() -> dict[str, Any]:
            return await asyncio.get_running_loop().create_future()  # the client stays

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.body":
                heard.append(message["body"].decode())
                first.set()

        door = RestApp(engine, Readers(engine))
        asking = asyncio.create_task(door(_scope(f"tasks/{task_id}/events/", query), receive, send))
        await first.wait()
        await asyncio.to_thread(_visiting, engine, partial(then, door))
        await asyncio.wait_for(asking, 60)

    asyncio.run(ask())
    return events_of("".join(heard))


def test_a_stream_tells_of_each_change_and_ends_with_the_task(engine: Engine) -> None:
    task_id = engine.enqueue(spawn).task_id

    events = follow(engine, task_id, then=lambda _: drain(engine))

    documents = [json.loads(event["data"]) for event in events]
    assert (documents[0]["state"], documents[-1]["state"]) == ("waiting", "finished")
    assert len(documents[-1]["spawned_tasks"]) == 1
    resumed = follow(engine, engine.enqueue(echo, 1).task_id, query=f"after={events[0]['id']}", then=lambda _: drain(engine))
    assert [event["event"] for event in resumed][-1] == "task"


def test_a_stream_of_a_task_that_is_removed_meanwhile_ends_with_an_error(engine: Engine) -> None:
    task_id = engine.enqueue(echo, 1).task_id

    events = follow(engine, task_id, then=lambda _: engine.database.execute("DELETE FROM task"))

    assert [event["event"] for event in events] == ["task", "error"]
    error = json.loads(events[-1]["data"])
    assert (error["http_status"], error["resources"]) == (404, {"resource_id": task_id})


def test_a_stream_ends_when_the_server_is_about_to_stop(engine: Engine) -> None:
    events = follow(engine, engine.enqueue(echo, 1).task_id, then=lambda door: door.let_go())

    assert [event["event"] for event in events] == ["task"]


def test_nobody_is_kept_waiting_by_a_server_that_is_about_to_stop(engine: Engine) -> None:
    task_id = engine.enqueue(echo, 1).task_id
    sent: list[dict[str, Any]] = []

    async def ask() -> None:
        async def receive() -> dict[str, Any]:
            return await asyncio.get_running_loop().create_future()  # the client stays

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        door = RestApp(engine, Readers(engine))
        asking = asyncio.create_task(door(_scope(f"tasks/{task_id}/", "wait=60"), receive, send))
        door.let_go()
        await asyncio.wait_for(asking, 30)

    asyncio.run(ask())

    assert sent[0]["status"] == 200
    assert json.loads(sent[1]["body"])["state"] == "waiting"


def _visiting(engine: Engine, then: Callable[[], None]) -> None:
    with engine.visit():
        then()


def _scope(path: str, query: str = "") -> dict[str, Any]:
    credentials = b64encode(f"admin:{PASSWORD}".encode())
    return {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": f"/pulp/api/v2/{path}",
        "raw_path": f"/pulp/api/v2/{path}".encode(),
        "query_string": query.encode(),
        "headers": [(b"authorization", b"Basic " + credentials)],
        "client": ("127.0.0.1", 1),
    }


def test_a_stream_ends_when_the_time_that_was_asked_for_is_over(engine: Engine, api: Any) -> None:
    task_id = engine.enqueue(echo, 1).task_id

    response = api.get(f"tasks/{task_id}/events/?wait=0.1")

    assert [json.loads(event["data"])["state"] for event in events_of(response.text)] == ["waiting"]
    assert api.get(f"tasks/{task_id}/events/?wait=soon").status_code == 400
