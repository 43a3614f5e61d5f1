"""Any number of processes may turn the clockwork: each due instant has exactly one task, whoever dies meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from entrepot.engine import Engine
from entrepot.errors import MissingResource
from entrepot.settings import Settings
from entrepot.tasking import Tasks
from tests.integration.schedules.conftest import create_repository, schedule_sync

SCHEDULES = 150
ROUNDS = 5
THREADS = 4

_STILL_DUE = "SELECT 1 FROM schedule WHERE next_run = first_run LIMIT 1"
#: A process that goes round until nothing is due, and says how many tasks it has enqueued.
SCHEDULER = """
import sys
from entrepot.engine import Engine

engine, count = Engine.from_settings(), 0
print("ready", flush=True)
sys.stdin.readline()
while engine.database.row("SELECT COUNT(*) FROM schedule WHERE total_run_count = 0") != (0,):
    count += engine.schedules.go_round()
engine.close()
print(count)
"""


@pytest.fixture
def schedules(engine: Engine, feed: Path) -> list[str]:
    """Schedules of three repositories, all of which are due."""
    for number in range(3):
        create_repository(engine, f"zoo{number}", feed)
    with engine.transaction():
        made = [schedule_sync(engine, "PT1H", f"zoo{number % 3}", overlap="queue") for number in range(SCHEDULES)]
    return [schedule.schedule_id for schedule in made]


def test_engines_in_threads_enqueue_one_task_for_each_due_instant(
    engine: Engine, schedules: list[str], settings: Settings
) -> None:
    counts, barrier = list[int](), threading.Barrier(THREADS)

    def turn() -> None:
        with Engine(settings=settings) as other:
            for _ in range(ROUNDS):
                if barrier.wait(60) == 0:  # all are due again
                    engine.database.execute("UPDATE schedule SET next_run = first_run")
                    engine.close()
                barrier.wait(60)
                counts.append(other.schedules.go_round())
                while other.database.row(_STILL_DUE) is not None:  # those that another held at that moment
                    counts.append(other.schedules.go_round())
                barrier.wait(60)

    threads = [threading.Thread(target=turn) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(counts) == SCHEDULES * ROUNDS
    assert engine.database.row("SELECT COUNT(*) FROM task") == (SCHEDULES * ROUNDS,)
    assert engine.database.row("SELECT MIN(total_run_count), MAX(total_run_count) FROM schedule") == (ROUNDS, ROUNDS)
    assert engine.database.row("SELECT COUNT(*) FROM scheduled_run") == (SCHEDULES * ROUNDS,)


def test_processes_enqueue_one_task_for_each_due_instant(engine: Engine, schedules: list[str], database_url: str) -> None:
    engine.close()
    processes = [scheduler(database_url) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"

    counts = [int(process.communicate("go\n", timeout=60)[0]) for process in start_together(processes)]

    assert sum(counts) == SCHEDULES
    assert engine.database.row("SELECT COUNT(*), COUNT(DISTINCT idempotency_key) FROM task") == (SCHEDULES, SCHEDULES)
    assert engine.database.row("SELECT MIN(total_run_count), MAX(total_run_count) FROM schedule") == (1, 1)


@pytest.mark.parametrize(
    ("point", "fired"),
    [
        ("submission.inserted@1", 0),
        ("submission.committed@2", 100),
        ("schedules.written@2", 100),
        ("schedules.committed@1", 100),
    ],
)
def test_a_scheduler_that_is_killed_leaves_every_schedule_due_or_fired(
    point: str, fired: int, engine: Engine, schedules: list[str], database_url: str
) -> None:
    name, _, passes = point.partition("@")
    engine.close()
    process = scheduler(database_url, ENTREPOT_FAILPOINTS=f"{name}=kill@{passes}")

    process.communicate("go\n", timeout=60)
    after_the_kill = engine.database.row("SELECT COUNT(*) FROM task")
    rest = engine.schedules.go_round()

    assert process.returncode == -signal.SIGKILL
    assert after_the_kill == (fired,)  # nothing of the batch that it was at
    assert rest == SCHEDULES - fired
    assert engine.database.row("SELECT COUNT(*) FROM task") == (SCHEDULES,)
    assert engine.database.row("SELECT MIN(total_run_count), MAX(total_run_count) FROM schedule") == (1, 1)


def test_ends_are_counted_once_by_several_engines(engine: Engine, schedules: list[str], settings: Settings) -> None:
    engine.schedules.go_round()
    engine.database.execute("UPDATE task SET state = 'error', finished_at = 1")
    engine.close()
    barrier = threading.Barrier(THREADS)

    def turn() -> None:
        with Engine(settings=settings) as other:
            barrier.wait(60)
            other.schedules.go_round()
            barrier.wait(60)
            other.schedules.go_round()  # those that another held at that moment

    threads = [threading.Thread(target=turn) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert engine.database.row("SELECT MIN(consecutive_failures), MAX(consecutive_failures) FROM schedule") == (1, 1)
    assert engine.database.row("SELECT COUNT(*) FROM scheduled_run") == (0,)


def scheduler(database_url: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCHEDULER],
        env={**os.environ, "ENTREPOT_DATABASE_URL": database_url, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def start_together(processes: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    return processes


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_schedule_that_is_deleted_while_it_is_run_is_missing(
    engine: Engine, feed: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_repository(engine, "zoo", feed)
    made = schedule_sync(engine, "PT1H")
    enqueue = Tasks.enqueue

    def delete() -> None:
        with Engine(settings=settings) as other:
            other.schedules.delete(made.schedule_id)

    def late(tasks: Tasks, *args: object, **options: object) -> object:
        with ThreadPoolExecutor(1) as others:
            others.submit(delete).result()
        return enqueue(tasks, *args, **options)

    monkeypatch.setattr(Tasks, "enqueue", late)
    with pytest.raises(MissingResource):
        engine.schedules.run_now(made.schedule_id)

    assert engine.tasks.list() == []
