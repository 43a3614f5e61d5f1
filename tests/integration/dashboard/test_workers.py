"""The workers by host: what is shown, and who may drain and resume them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.errors import MissingResource

from . import sample_tasks
from .conftest import HOSTILE, LARGEST_PAGE_BYTES, Browser


def sign_on(engine: Engine, name: str, *, host: str = "web-1", silent_for: timedelta = timedelta(0)) -> None:
    beat = clock.now_us() - clock.us(silent_for)
    engine.database.execute(
        "INSERT INTO worker (name, host, pid, threads, version, started_at, beat_at, queues, tasks_ended, rss_bytes) "
        "VALUES (?, ?, 1, 4, '1', ?, ?, '[\"slow\"]', 1234, 5000000)",
        (f"reserved_resource_worker-{name}@{host}", host, beat, beat),
    )


def hosts(html: str) -> list[str]:
    return re.findall(r'<h2 id="host-\d+">([^< ]+)', html)


def test_workers_are_grouped_by_host_and_lost_ones_come_first(engine: Engine, dashboard: Browser) -> None:
    sign_on(engine, "1", host="a")
    sign_on(engine, "1", host="b")
    sign_on(engine, "2", host="b", silent_for=timedelta(hours=1))

    html = dashboard.page("/workers")

    assert hosts(html) == ["b", "a"]
    assert re.findall(r'<th scope="row">(\d)</th>', html) == ["2", "1", "1"]
    assert html.count("slow") == 3
    assert html.count("1,234") == 3
    assert html.count("5.0 MB") == 3


def test_what_a_worker_runs_is_shown_with_its_progress(engine: Engine, dashboard: Browser) -> None:
    sign_on(engine, "1")
    task_id = engine.enqueue(sample_tasks.hold, "zoo").task_id
    engine.database.execute(
        "UPDATE task SET state = 'running', owner = 'reserved_resource_worker-1@web-1', lease_until = ?, started_at = 1, "
        'progress = \'{"x": [{"state": "IN_PROGRESS", "description": "Bake", "num_processed": 1, "items_total": 4}]}\' '
        "WHERE task_id = ?",
        (engine.database.lease_now_us() + 10**9, task_id),
    )

    html = dashboard.page("/workers")

    assert f'href="/tasks/{task_id}"' in html
    assert "Bake, 1 of 4" in html
    assert "1 of 4 threads busy" in html


def test_a_worker_a_host_and_all_are_drained_and_resumed(engine: Engine, dashboard: Browser) -> None:
    sign_on(engine, "1")
    name = "reserved_resource_worker-1@web-1"
    seen = []
    for fields in ({"worker": name}, {"host": "web-1"}, {}):
        for action in ("drain", "resume"):
            response = dashboard.post(f"/workers/{action}", fields)
            assert (response.status_code, response.headers["location"]) == (303, "/workers")
            seen.append([(drain.worker, drain.host) for drain in engine.drains()])

    assert seen == [[(name, None)], [], [(None, "web-1")], [], [(None, None)], []]


def test_a_drained_host_without_workers_is_shown_and_can_be_resumed(engine: Engine, dashboard: Browser) -> None:
    sign_on(engine, "1", host="gone")
    engine.drain_workers(host="gone")
    engine.database.execute("DELETE FROM worker")

    html = dashboard.page("/workers")
    response = dashboard.post("/workers/resume", {"host": "gone"})

    assert hosts(html) == ["gone"]
    assert "Resume host" in html
    assert response.status_code == 303
    assert engine.drains() == []
    with pytest.raises(MissingResource, match="host=gone"):
        engine.resume_workers(host="gone")


def test_who_may_only_read_sees_no_buttons_and_is_refused(engine: Engine, reader: Browser) -> None:
    sign_on(engine, "1")

    html = reader.page("/workers")
    refused = [reader.post(f"/workers/{action}", {"host": "web-1"}).status_code for action in ("drain", "resume")]

    assert '<form method="post" action="/workers' not in html
    assert refused == [403, 403]
    assert engine.drains() == []


def test_more_hosts_than_a_page_holds_come_on_the_next_ones(engine: Engine, dashboard: Browser) -> None:
    for number in range(60):
        sign_on(engine, "1", host=f"host-{number:02}")
    seen, path = list[str](), "/workers"
    while path:
        html = dashboard.page(path)
        seen += hosts(html)
        path = next(iter(re.findall(r'rel="next" href="([^"]*)"', html)), "")

    assert seen == [f"host-{number:02}" for number in range(60)]


def test_hostile_names_and_many_workers_stay_harmless_and_small(engine: Engine, dashboard: Browser) -> None:
    for number in range(300):
        sign_on(engine, str(number), host=f"{HOSTILE}{number % 50}")

    html = dashboard.page("/workers")

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "300 workers on 50 hosts" in html
    assert len(html.encode()) <= LARGEST_PAGE_BYTES
