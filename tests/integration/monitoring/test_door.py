"""Those who watch ask three addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import argon2
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from entrepot import clock
from entrepot.access import Operation
from entrepot.engine import Engine
from entrepot.settings import Settings
from entrepot.web import web_app

PASSWORD = "correct horse"
STRANGER = ("192.0.2.7", 4711)
HOME = ("127.0.0.1", 4711)

Get = Callable[..., httpx.Response]


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", partial(argon2.PasswordHasher, time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    with Engine(settings=settings.model_copy(update={"admin_password": None})) as engine:
        engine.initialise()
        engine.access.create_user("watcher", password=PASSWORD)
        engine.access.create_user("nobody", password=PASSWORD)
        engine.access.grant_to_user("watcher", "/v2/status/", [Operation.READ])
        yield engine


@pytest.fixture
def get(engine: Engine) -> Get:
    app = web_app(engine)

    async def ask(method: str, path: str, client: tuple[str, int], options: dict[str, object]) -> httpx.Response:
        transport = httpx.ASGITransport(app, client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://server.test") as asking:
            return await asking.request(method, path, **options)  # type: ignore[arg-type]

    return lambda path, client=HOME, method="GET", **options: asyncio.run(ask(method, path, client, options))


def metrics(answer: httpx.Response) -> dict[tuple[str, ...], float]:
    """Return the samples by name and values of labels, these in the order of their names."""
    assert answer.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_process_is_alive_and_ready_unless_the_database_is_gone(
    get: Get, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (get("/readyz").status_code, get("/readyz").json()["status"]) == (200, "ready")
    monkeypatch.setattr("entrepot.diagnosis.readiness._FRESH_SECONDS", 0)
    engine.close()
    Path(engine.database.peewee.database).unlink()

    ready = get("/readyz")

    assert (get("/healthz").status_code, get("/healthz").text) == (200, "ok\n")
    assert (ready.status_code, ready.json()["status"], ready.json()["checks"]["schema"]) == (503, "unavailable", "failed")
    assert "database" in ready.json()["reasons"][0]
    assert "sqlite" not in ready.text  # anybody may read it
    assert ready.headers["content-type"] == "application/json"


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_health_is_no_matter_of_the_database(get: Get, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise AssertionError

    monkeypatch.setattr(engine, "visit", refuse)

    assert get("/healthz", method="HEAD").status_code == 200
    assert get("/healthz", method="POST").status_code == 405


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_metrics_are_for_known_networks_and_for_who_may_read_the_status(get: Get, engine: Engine) -> None:
    _, token = engine.access.create_token("watcher", "prometheus")
    bearer = {"authorization": f"Bearer {token}"}

    assert get("/metrics").status_code == 200
    assert get("/metrics", STRANGER).status_code == 401
    assert get("/metrics", headers={"x-real-ip": "192.0.2.7"}).status_code == 401  # a proxy on this machine
    assert get("/metrics", STRANGER, auth=("watcher", PASSWORD)).status_code == 200
    assert get("/metrics", STRANGER, headers=bearer).status_code == 200
    assert get("/metrics", STRANGER, auth=("watcher", "wrong")).status_code == 401
    assert get("/metrics", STRANGER, auth=("nobody", PASSWORD)).status_code in (401, 403)


def test_metrics_tell_of_tasks_workers_schedules_and_repositories(get: Get, engine: Engine) -> None:
    database, now = engine.database, clock.now_us()
    insert = (
        "INSERT INTO task (task_id, task_type, state, arguments, tags, idempotent, created_at, ready_at, started_at, "
        "finished_at, queue) VALUES (?, 'bake', ?, '[]', '[]', FALSE, ?, ?, ?, ?, 'ovens')"
    )
    database.execute(insert, ("a", "finished", now - 9_000_000, None, now - 8_000_000, now - 3_000_000))
    database.execute(insert, ("b", "waiting", now, now - 60_000_000, None, None))
    database.execute(insert, ("c", "waiting", now, None, None, None))
    database.execute(
        "INSERT INTO worker (name, host, pid, threads, version, started_at, beat_at) VALUES ('w', 'h', 1, 4, '1', 0, ?)", (now,)
    )
    database.execute(
        "INSERT INTO schedule (schedule_id, kind, override_config, schedule, enabled, first_run, next_run, created_at, "
        "last_updated) VALUES ('s', 'task', '{}', 'P1D', TRUE, 0, ?, 0, 0)",
        (now - 600_000_000,),
    )
    engine.repositories.create("zoo", importer_type_id="iso_importer", importer_config={"feed": "http://feed.test/"})
    for started, result in ((1, "success"), (2, "failed")):
        database.execute(
            "INSERT INTO sync_result (repository, importer_type_id, started_at, completed_at, result) "
            "SELECT id, 'iso_importer', ?, ?, ? FROM repository",
            (started, started * 1_000_000, result),
        )
    for loop in engine.loops():
        if loop.name in ("hourly tasks", "content measures"):
            loop.round()

    found = metrics(get("/metrics"))

    assert found["entrepot_tasks", "ovens", "waiting"] == 2
    assert 60 <= found["entrepot_task_oldest_waiting_seconds", "ovens"] < 600
    assert found["entrepot_tasks_finished_total", "finished", "bake"] == 1
    assert found["entrepot_task_run_seconds_sum", "bake"] == 5
    assert found["entrepot_task_wait_seconds_sum", "bake"] == found["entrepot_task_wait_seconds_count", "bake"] == 1
    assert found["entrepot_workers", "active"] == 1
    assert (found["entrepot_worker_threads",], found["entrepot_worker_busy",]) == (4, 0)
    assert (found["entrepot_schedules", "true"], found["entrepot_schedules_overdue",]) == (1, 1)
    assert found["entrepot_repositories",] == 1
    assert found["entrepot_repository_last_sync_success_timestamp_seconds", "zoo"] == 1
    assert found["entrepot_repository_failing", "zoo"] == 1
    assert (found["entrepot_store_blobs",], found["entrepot_database_up",]) == (0, 1)
    assert found["entrepot_disk_free_bytes",] > 0


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_requests_are_counted_by_door_and_what_clients_make_up_is_one_label(get: Get) -> None:
    get("/content/nothing")
    get("/pulp/api/v2/status/")
    get("/pulp/api/v2/tasks/")
    for number in range(3):
        get("/healthz", method=f"MADEUP{number}")

    found = metrics(get("/metrics"))

    assert found["entrepot_http_requests_total", "content", "GET", "4xx"] == 1
    assert found["entrepot_http_requests_total", "rest", "GET", "2xx"] == 1
    assert found["entrepot_http_requests_total", "rest", "GET", "4xx"] == 1
    assert found["entrepot_http_requests_total", "monitoring", "other", "4xx"] == 3
    assert found["entrepot_http_request_seconds_count", "rest"] == 2
    assert found["entrepot_live_streams",] == 0


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_scraper_in_a_hurry_gets_the_figures_of_a_moment_ago(get: Get, engine: Engine) -> None:
    assert metrics(get("/metrics"))["entrepot_repositories",] == 0
    engine.repositories.create("zoo")

    assert metrics(get("/metrics"))["entrepot_repositories",] == 0


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_without_a_database_the_metrics_of_the_process_are_told(
    get: Get, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.close()
    Path(engine.database.peewee.database).unlink()

    found = metrics(get("/metrics"))

    assert found["entrepot_database_up",] == 0
    assert ("entrepot_repositories",) not in found
    assert found["process_open_fds",] > 0
