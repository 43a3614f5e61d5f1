"""The first page: what fails, what runs, what comes next; and to whom it tells what."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from entrepot import clock
from entrepot.access import Operation
from entrepot.dashboard import overview
from entrepot.diagnosis import Finding
from entrepot.engine import Engine
from entrepot.models import Database
from entrepot.tasking import TaskHour
from entrepot.testing import drain

from . import sample_tasks
from .conftest import HOSTILE, LARGEST_PAGE_BYTES, PASSWORD, Browser


def part(html: str, name: str) -> str:
    """Return one live part of a page."""
    return html.partition(f'id="live-{name}"')[2].partition('id="live-')[0]


def fail_a_sync(engine: Engine, repository_id: str, folder: Path, *, times: int = 1) -> None:
    repository = engine.repositories.create(
        repository_id, importer_type_id="iso_importer", importer_config={"feed": (folder / repository_id).as_uri()}
    )
    for _ in range(times):
        repository.sync()
    drain(engine)


def start(engine: Engine, progress: str = "{}") -> str:
    """Enqueue a task and let a worker that never ends have it; return its id."""
    task_id = engine.enqueue(sample_tasks.hold, "zoo").task_id
    now = clock.now_us()
    engine.database.execute(
        "UPDATE task SET state = 'running', owner = 'reserved_resource_worker-7@web-1', lease_until = ?, started_at = ?, "
        "progress = ? WHERE task_id = ?",
        (engine.database.lease_now_us() + 10**9, now, progress, task_id),
    )
    return task_id


def test_an_empty_installation_says_what_to_do_first(engine: Engine, dashboard: Browser) -> None:
    html = dashboard.page("/")

    assert "There is no repository yet" in html
    assert 'href="/repositories/+new"' in html
    assert "entrepot repo create zoo" in html
    assert "no worker takes tasks" in html
    engine.repositories.create("zoo")
    assert "There is no repository yet" not in dashboard.page("/")


def test_a_failing_repository_is_named_with_since_when_and_why(engine: Engine, dashboard: Browser, tmp_path: Path) -> None:
    engine.repositories.create("well")
    fail_a_sync(engine, "ill", tmp_path, times=3)
    failures = engine.repositories.failures()
    first, *_, last = sorted(engine.repositories.get("ill").history(), key=lambda entry: entry.started)

    told = part(dashboard.page("/"), "failing")

    (failure,) = failures.failures
    assert failures.total == 1
    assert (failure.kind, failure.repository_id, failure.plugin_id) == ("sync", "ill", "iso_importer")
    assert (failure.since, failure.failed) == (first.completed, last.completed)
    assert (failure.task_id, failure.error) == (last.task_id, last.error_message)
    assert 'href="/repositories/ill"' in told
    assert f'href="/tasks/{last.task_id}"' in told
    assert "well" not in told.replace("ended well", "")


def test_a_success_ends_a_failure_and_a_distributor_fails_by_itself(engine: Engine, tmp_path: Path) -> None:
    fail_a_sync(engine, "zoo", tmp_path, times=2)
    repository = engine.repositories.get("zoo")
    repository.add_distributor("iso_distributor", distributor_id="files")
    repository.publish("files")
    drain(engine)
    engine.database.execute("UPDATE sync_result SET result = 'success' WHERE id = (SELECT MAX(id) FROM sync_result)")
    assert engine.repositories.failures().total == 0

    engine.database.execute("UPDATE publish_result SET result = 'error', error_message = 'disk full'")

    (failure,) = engine.repositories.failures().failures
    assert (failure.kind, failure.plugin_id, failure.error) == ("publish", "files", "disk full")
    assert engine.repositories.failures(limit=0) == type(engine.repositories.failures())(1, ())


def test_what_runs_shows_its_step_and_how_far_it_is(engine: Engine, dashboard: Browser) -> None:
    steps = '[{"state": "FINISHED", "description": "List"}, {"state": "IN_PROGRESS", "description": "Download", '
    task_id = start(engine, '{"iso": ' + steps + '"num_processed": 30, "items_total": 120}]}')

    told = part(dashboard.page("/"), "running")

    assert '<progress value="30" max="120"' in told
    assert "Download, 30 of 120" in told
    assert f'href="/tasks/{task_id}"' in told
    assert "7@web-1" in told


@pytest.mark.parametrize("progress", ["{}", '{"a": []}', '{"a": [{"state": "NOT_STARTED"}]}', '{"a": [7], "b": "c"}'])
def test_a_progress_report_that_tells_nothing_makes_a_bar_without_an_end(
    engine: Engine, dashboard: Browser, progress: str
) -> None:
    start(engine, progress)

    assert re.search(r"<progress aria-label=", part(dashboard.page("/"), "running"))


def test_hours_of_all_types_make_one_line_of_72(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    zero, hour = timedelta(0), timedelta(hours=1)
    present = datetime(2026, 3, 4, 12, tzinfo=UTC)
    hours = [
        TaskHour(present - 71 * hour, "a", "finished", 5, zero, zero),
        TaskHour(present, "a", "finished", 2, zero, zero),
        TaskHour(present, "b", "finished", 3, zero, zero),
        TaskHour(present, "b", "error", 9, zero, zero),
        TaskHour(present - 72 * hour, "a", "finished", 100, zero, zero),
    ]

    assert overview.hourly(hours, "finished") == [5, *[0] * 70, 5]


def test_counters_tell_of_what_ended_waits_and_is_stored(engine: Engine, dashboard: Browser) -> None:
    hour = clock.now_us() // 3_600_000_000
    execute = engine.database.execute
    execute("INSERT INTO hourly_tasks VALUES (?, 'bake', 'finished', 12345, 0, 0)", (hour,))
    for name, value in (("blobs", 3), ("blob_bytes", 5_000_000), ("units", 7)):
        execute("INSERT INTO hourly_measure VALUES (?, ?, ?, ?)", (name, hour, value, clock.now_us()))
    engine.enqueue(sample_tasks.echo)

    told = part(dashboard.page("/"), "counters")

    figures = re.findall(r'<li class="card">([\w ]+).*?class="figure">(?:<a [^>]*>)?([^<]*)', told, re.DOTALL)
    assert dict(figures) == {
        "Running": "0",
        "Waiting": "1",
        "Finished": "12,345",
        "Failed": "0",
        "Repositories": "0",
        "Content units": "7",
        "Stored": "5.0 MB",
    }
    assert 'aria-label="Finished by hour, last 72 hours"' in told


def test_the_schedules_that_run_next_come_in_their_order_with_their_words(engine: Engine, dashboard: Browser) -> None:
    for days in (3, 1, 2, 5, 4, 6):
        engine.schedule(f"P{days}D", sample_tasks.echo)
    engine.database.execute("UPDATE schedule SET next_run = first_run + 86400000000 * (id % 6)")
    engine.schedules.update(engine.schedules.upcoming(limit=1)[0].schedule_id, {"enabled": False})
    reports = engine.schedules.upcoming()

    told = part(dashboard.page("/"), "schedules")

    assert len(reports) == 5
    assert [report.next_run for report in reports] == sorted(report.next_run for report in reports if report.next_run)
    assert re.findall(r'href="/schedules/(\w+)"', told) == [report.schedule_id for report in reports]
    assert reports[0].sentence in told


def test_a_check_that_is_not_well_says_what_to_do(dashboard: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = [Finding("disk", "failed", "It is full.", "Free some.", 0), Finding("broker", "ok", "Fine.", "", 0)]
    monkeypatch.setattr("entrepot.diagnosis.Readiness.findings", lambda _self: bad)

    told = part(dashboard.page("/"), "health")

    assert "It is full." in told
    assert "Free some." in told
    assert "Fine." not in told


@pytest.mark.parametrize(
    ("resource", "heading"),
    [
        ("/v2/repositories/", "Failing repositories"),
        ("/v2/tasks/", "Running now"),
        ("/v2/schedules/", "Next schedules"),
        ("/v2/statistics/", "Storage"),
        ("/v2/workers/", ">Workers</h2>"),
    ],
)
def test_each_section_needs_what_the_rest_api_asks_for(
    engine: Engine, browser_of: Callable[[str], Browser], resource: str, heading: str
) -> None:
    engine.repositories.create("zoo")
    engine.access.create_user("rita", password=PASSWORD)
    headings = ("Failing repositories", "Running now", "Next schedules", "Storage", ">Workers</h2>")
    browser = browser_of("rita")
    assert "nothing here may be read by you" in browser.page("/")

    engine.access.grant_to_user("rita", resource, [Operation.READ])

    html = browser.page("/")
    assert [one for one in headings if one in html] == [heading]
    assert "/repositories/+new" not in html


def test_hostile_words_and_many_failures_stay_harmless_and_small(engine: Engine, dashboard: Browser) -> None:
    long, words = HOSTILE * 300, "<script>alert(1)</script>" + "x" * 3000
    with engine.database.transaction(durable=False) as database:
        for number in range(60):
            repository = engine.repositories.create(f"zoo-{number}", importer_type_id="iso_importer")
            database.execute(
                "INSERT INTO sync_result (repository, importer_type_id, started_at, completed_at, result, error_message) "
                "VALUES (?, 'iso_importer', 1, 2, 'error', ?)",
                (repository.report().row_id, long),
            )
            start(engine, '{"x": [{"state": "IN_PROGRESS", "description": "' + words + '"}]}')

    html = dashboard.page("/")

    assert "60 syncs or publishes failed" in html
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert len(html.encode()) <= LARGEST_PAGE_BYTES


def test_the_page_asks_as_many_questions_for_many_as_for_one(
    engine: Engine, dashboard: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()
    rows = type(engine.database).rows

    def noted(self: Database, query: str, *given: Any) -> Any:
        asked.append(query)
        return rows(self, query, *given)

    monkeypatch.setattr(type(engine.database), "rows", noted)
    start(engine)
    dashboard.page("/")
    asked.clear()
    dashboard.page("/")
    before = len(asked)
    for _ in range(9):
        start(engine)
    asked.clear()

    dashboard.page("/")

    assert len(asked) == before
