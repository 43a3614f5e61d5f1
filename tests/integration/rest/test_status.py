"""The state of the server, for anybody. Source: the Pulp 2 REST contract, 5.6 and appendix B."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.errors import DatabaseUnavailable
from entrepot.version import __version__


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


def beat(engine: Engine, name: str, ago: timedelta = timedelta(0)) -> None:
    now = clock.now_us() - clock.us(ago)
    engine.database.execute(
        "INSERT INTO worker (name, host, pid, threads, version, started_at, beat_at, queues, state, tasks_ended) "
        "VALUES (?, ?, 1, 4, '1.0', ?, ?, '[]', 'active', 0)",
        (name, name.partition("@")[2], now, now),
    )


def test_anybody_sees_what_is_up_and_no_more(api: Any) -> None:
    response = api.as_(None).get("status/")

    assert response.status_code == 200
    assert response.json() == {
        "api_version": "2",
        "versions": {"platform_version": "2.8.7", "entrepot_version": __version__},
        "database_connection": {"connected": True},
        "messaging_connection": {"connected": True},
        "known_workers": [],
    }


def test_the_names_of_known_workers_begin_as_clients_count_them(engine: Engine, api: Any) -> None:
    beat(engine, "reserved_resource_worker-0@alpha")
    beat(engine, "reserved_resource_worker-1@alpha")
    beat(engine, "reserved_resource_worker-0@beta")
    beat(engine, "reserved_resource_worker-2@gone", ago=timedelta(minutes=5))

    known = api.get("status/").json()["known_workers"]

    assert [worker["_id"] for worker in known] == [
        "scheduler@alpha",
        "scheduler@beta",
        "resource_manager@alpha",
        "resource_manager@beta",
        "reserved_resource_worker-0@alpha",
        "reserved_resource_worker-0@beta",
        "reserved_resource_worker-1@alpha",
    ]
    for worker in known:
        assert set(worker) == {"_id", "_ns", "last_heartbeat"}
        assert worker["_ns"] == "workers"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", worker["last_heartbeat"])


def test_the_answer_is_200_while_the_database_is_away(engine: Engine, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise DatabaseUnavailable("The database does not answer.")

    monkeypatch.setattr(engine.database, "execute", fail)

    response = api.as_(None).get("status/")

    assert response.status_code == 200
    assert response.json()["database_connection"] == {"connected": False}
    assert response.json()["messaging_connection"] == {"connected": False}
    assert response.json()["known_workers"] == []
    assert api.get("tasks/").status_code == 503


def test_messaging_is_down_when_redis_does_not_answer(engine: Engine, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.doorbell, "is_connected", lambda: False)

    document = api.get("status/").json()

    assert (document["database_connection"], document["messaging_connection"]) == ({"connected": True}, {"connected": False})
