"""Workers over REST: an extension."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot import clock
from entrepot.engine import Engine

NAMES = ("reserved_resource_worker-0@alpha", "reserved_resource_worker-1@alpha", "reserved_resource_worker-0@beta")


@pytest.fixture
def workers(engine: Engine) -> None:
    """Three workers on two hosts that have just shown signs of life."""
    now = clock.now_us()
    for number, name in enumerate(NAMES):
        engine.database.execute(
            "INSERT INTO worker (name, host, pid, threads, version, started_at, beat_at, queues, state, tasks_ended) "
            "VALUES (?, ?, ?, 4, '1.0', ?, ?, '[]', 'active', 7)",
            (name, name.partition("@")[2], 100 + number, now, now),
        )


def test_every_worker_is_shown_with_what_it_runs(engine: Engine, api: Any, workers: None) -> None:
    shown = api.get("workers/").json()

    assert [worker["name"] for worker in shown] == sorted(NAMES)
    first = next(worker for worker in shown if worker["name"] == NAMES[0])
    assert first.pop("start_time") == first.pop("last_heartbeat")
    assert first == {
        "name": NAMES[0],
        "short_name": "0",
        "host": "alpha",
        "pid": 100,
        "threads": 4,
        "version": "1.0",
        "state": "active",
        "alive": True,
        "queues": [],
        "tasks": [],
        "tasks_ended": 7,
        "rss_bytes": None,
    }


def test_drains_are_resumed_with_the_same_words(engine: Engine, api: Any, workers: None) -> None:
    drained = api.post("workers/actions/drain/", {"worker": NAMES[0]})
    host = api.post("workers/actions/drain/", {"host": "beta", "worker": None})

    assert drained.status_code == host.status_code == 200
    assert [worker["name"] for worker in drained.json()] == [NAMES[0]]
    assert [worker["name"] for worker in host.json()] == [NAMES[2]]
    targets = {row[0] for row in engine.database.rows("SELECT target FROM worker_drain")}
    assert targets == {f"worker:{NAMES[0]}", "host:beta"}
    assert len(api.post("workers/actions/resume/", {}).json()) == 3
    assert engine.database.rows("SELECT target FROM worker_drain") == []


def test_what_cannot_be_drained_is_refused(api: Any, workers: None) -> None:
    for body, status in [
        ({"worker": "gamma"}, 404),
        ({"host": "gamma"}, 404),
        ({"worker": NAMES[0], "host": "alpha"}, 400),
        ({"worker": 5}, 400),
        ({"worker": "reserved"}, 400),
    ]:
        assert api.post("workers/actions/drain/", body).status_code == status
    assert api.post("workers/actions/drain/").json()["error"]["code"] == "PLP1009"
    api.post("workers/actions/drain/", {"host": "alpha"})

    response = api.post("workers/actions/resume/", {"worker": NAMES[0]})

    assert (response.status_code, response.json()["error"]["code"]) == (409, "PLP0010")


def test_each_call_needs_its_permission(engine: Engine, api: Any) -> None:
    engine.access.create_user("ann", password="a long enough password")
    ann = api.as_("ann", "a long enough password")

    for method, path, operation in [
        ("GET", "", "READ"),
        ("POST", "actions/drain/", "EXECUTE"),
        ("POST", "actions/resume/", "EXECUTE"),
    ]:
        response = ann.ask(method, f"workers/{path}")

        assert (response.status_code, response.json()["error"]["data"]["operation"]) == (401, operation)
