"""What a task costs: enqueue, drain, start latency; with a million finished ones, and with ten thousand waiting in one line.

Tasks that do nothing, each a durable row with two tags and one exclusive reservation, of 100 resources in turn; embedded
transport, SQLite, two worker processes of four threads, everything else by default. The floor is `task_floor`: bare statements,
one process, on the same tables. Floor and engine take turns; ratios are medians of the rounds' ratios.

* enqueue: `engine.enqueue`, one by one, each commit with `synchronous=FULL`, no worker runs; rounds of 1,000.
* drain: 10,000 tasks are there before the workers start; from the first start to the last end, by the rows' own times.
* start latency: created to started, 200 tasks with pauses, the engine idle otherwise.
* full table: seconds of enqueue and of drain for each task, with 10^6 finished ones and with none; medians of
  slices in turn.
* one line: time for each completion of the first 1,000 of 10,000 tasks that wait for one resource, against lines of 100.
"""

from __future__ import annotations

import json
import random
import sqlite3
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from engine_under_test import new_engine, starting_workers, workers
from goals import Goals, arguments, median, table
from measuring_place import measuring_place, settle
from noop_tasks import RESOURCES, nothing
from task_floor import TaskFloor

from entrepot import Engine, TaskHandle

_LOOK_SECONDS = 0.02
#: Tasks that are enqueued in one table before it is the other one's turn.
SLICE = 50


def main() -> int:
    quick = arguments(__doc__).quick
    goals = Goals(is_quick=quick)
    with measuring_place() as place:
        enqueue(goals, place, rounds=1 if quick else 5, count=100 if quick else 1000)
        drain(goals, place, rounds=1 if quick else 3, count=300 if quick else 10_000)
        latency(goals, place, samples=10 if quick else 200)
        full_table(goals, place, rounds=1 if quick else 5, count=200 if quick else 2000, finished=1000 if quick else 1_000_000)
        one_line(goals, place, rounds=1 if quick else 3, waiting=300 if quick else 10_000)
    return goals.finish()


def enqueue(goals: Goals, place: Path, *, rounds: int, count: int) -> None:
    floor = TaskFloor(place / "enqueue.sqlite3")
    with new_engine(place) as engine:
        floor.enqueue(100)
        enqueue_one_by_one(engine, 100)
        pairs = [(count / floor.enqueue(count), count / enqueue_one_by_one(engine, count)) for _ in range(rounds)]
    floor.close()
    show("Enqueued one by one, tasks/s", pairs)
    goals.at_least("enqueue, of the floor", median([mine / bare for bare, mine in pairs]), 0.4, "x")


def drain(goals: Goals, place: Path, *, rounds: int, count: int) -> None:
    pairs = []
    for number in range(rounds):
        floor = TaskFloor(place / f"drain-{number}.sqlite3")
        floor.enqueue(count)
        drained, seconds = floor.drain()
        assert drained == count
        floor.close()
        with new_engine(place) as engine:
            enqueue_together(engine, count)
            pairs.append((count / seconds, count / drained_in(engine, count)))
    show(f"Finished end to end, {count:,} enqueued before, tasks/s", pairs)
    goals.at_least("finished end to end, of the floor", median([mine / bare for bare, mine in pairs]), 0.25, "x")


def latency(goals: Goals, place: Path, *, samples: int) -> None:
    milliseconds = []
    with new_engine(place) as engine, workers(engine):
        for number in range(samples):
            time.sleep(random.uniform(0.02, 0.05))  # idle again, and in step with nothing
            report = engine.enqueue(nothing, number).wait()
            assert report.started is not None
            milliseconds.append((report.started - report.created).total_seconds() * 1000)
    cuts = statistics.quantiles(milliseconds, n=100)
    table(f"Start latency on an idle engine, {samples} tasks, ms", ["p50", "p90", "p99"], [[cuts[49], cuts[89], cuts[98]]])
    goals.at_most("start latency p50", cuts[49], 10, "ms")


def full_table(goals: Goals, place: Path, *, rounds: int, count: int, finished: int) -> None:
    with new_engine(place) as empty, new_engine(place) as full:
        fill(full, finished)
        settle()
        enqueues: dict[Engine, list[float]] = {empty: [], full: []}
        drains: dict[Engine, list[float]] = {empty: [], full: []}
        for number in range(rounds):
            order = (empty, full) if number % 2 == 0 else (full, empty)
            for _ in range(count // SLICE):  # in turn by small slices: a slow disk hits both
                for engine in order:
                    enqueues[engine].append(enqueue_one_by_one(engine, SLICE) / SLICE * 1e6)
            for engine in order:
                drains[engine].append(drained_in(engine, count) / count * 1e6)
    cost = {engine: (median(enqueues[engine]), median(drains[engine])) for engine in (empty, full)}
    rows = [["enqueue", cost[empty][0], cost[full][0]], ["drain", cost[empty][1], cost[full][1]]]
    table("A task's cost, microseconds (medians)", ["", "empty table", f"{finished:,} finished"], rows)
    ratio = sum(cost[full]) / sum(cost[empty])
    goals.at_most(f"cost of a task with {finished:,} finished ones, of an empty table", ratio, 1.1, "x")


def one_line(goals: Goals, place: Path, *, rounds: int, waiting: int) -> None:
    pairs = []
    few, measured = 100, min(1000, waiting // 2)
    for _ in range(rounds):
        with new_engine(place) as engine, workers(engine):
            short = [per_completion(engine, few, few) for _ in range(measured // few)]
            pairs.append((median(short), per_completion(engine, waiting, measured)))
    rows = [[f"round {number + 1}", *pair, pair[1] / pair[0]] for number, pair in enumerate(pairs)]
    table(
        "Time for each completion on one resource, microseconds", ["", f"{few} waiting", f"{waiting:,} waiting", "ratio"], rows
    )
    ratio = median([long / short for short, long in pairs])
    goals.at_most(f"completion with {waiting:,} waiting on one resource, of {few} waiting", ratio, 1.5, "x")


def enqueue_one_by_one(engine: Engine, count: int) -> float:
    """Enqueue; return the seconds that took."""
    began = time.perf_counter()
    for number in range(count):
        engine.enqueue(nothing, number)
    return time.perf_counter() - began


def enqueue_together(engine: Engine, count: int, *, step: int = 1) -> list[TaskHandle]:
    """Enqueue in one transaction; return the last task of each line. `step=RESOURCES`: all in one line."""
    with engine.transaction():
        handles = [engine.enqueue(nothing, number * step) for number in range(count)]
    return handles[-1:] if step == RESOURCES else handles[-RESOURCES:]


def drained_in(engine: Engine, count: int) -> float:
    """Start the workers; return the seconds from the first start to the last end of the newest `count` tasks."""
    with starting_workers(engine):
        last = engine.tasks.list(limit=RESOURCES)
        wait_until_ended(engine, [report.task_id for report in last])
        # A claim that is lost waits for its lease to end: that would be measured, and a ratio would hide it.
        assert max(values(engine, count, "attempt")) == 1, "a task was run more than once"
        return (max(values(engine, count, "finished_at")) - min(values(engine, count, "started_at"))) / 1e6


def per_completion(engine: Engine, waiting: int, measured: int) -> float:
    """Put `waiting` tasks into one line; return the microseconds from one completion to the next of the first `measured`."""
    first = newest(engine) + 1
    enqueue_together(engine, waiting, step=RESOURCES)
    deadline = time.monotonic() + 60
    while (engine.database.row("SELECT finished_at FROM task WHERE id = ?", (first + measured - 1,)) or (None,))[0] is None:
        assert time.monotonic() < deadline, "the line does not move"
        time.sleep(_LOOK_SECONDS)
    query = "SELECT finished_at FROM task WHERE id IN (?, ?) ORDER BY id"
    (begin,), (end,) = engine.database.rows(query, (first, first + measured - 1))
    return float(end - begin) / (measured - 1)


def wait_until_ended(engine: Engine, task_ids: Sequence[str]) -> None:
    """Wait for the last task of each line: by then all have ended."""
    deadline = time.monotonic() + 120
    for task_id in task_ids:
        while not (report := engine.tasks.get(task_id)).is_final:
            assert time.monotonic() < deadline, f"a task is still {report.state}"
            time.sleep(_LOOK_SECONDS)
        assert report.state == "finished", report


def values(engine: Engine, count: int, column: str) -> list[int]:
    """Return one column of the newest `count` tasks; moments are in microseconds."""
    return [row[0] for row in engine.database.rows(f"SELECT {column} FROM task WHERE id > ?", (newest(engine) - count,))]


def newest(engine: Engine) -> int:
    """Return the row id of the newest task, 0 if there is none."""
    row = engine.database.row("SELECT COALESCE(MAX(id), 0) FROM task")
    assert row is not None
    return int(row[0])


def fill(engine: Engine, count: int) -> None:
    """Write `count` finished tasks with their tags, as they would be had they been run."""
    connection = sqlite3.connect(engine.settings.effective_database_url.removeprefix("sqlite:///"))
    connection.execute("PRAGMA synchronous=OFF")
    labels = json.dumps(["bench:resource:#", "bench:action:nothing"])
    numbers = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?) "
    before = time.time_ns() // 1000 - 86_400_000_000
    connection.execute(
        "INSERT INTO task (task_id, task_type, state, arguments, tags, idempotent, created_at, ready_at, started_at, "
        f"finished_at, attempt, owner) {numbers} SELECT printf('00000000-0000-7000-8000-%012x', n), 'bench.nothing', "
        "'finished', printf('[[%d],{}]', n), replace(?, '#', n % ?), 0, ? + n, ? + n, ? + n, ? + n, 1, 'somebody' FROM number",
        (count, labels, RESOURCES, before, before, before, before),
    )
    connection.execute(f"INSERT INTO task_tag (tag, task) {numbers} SELECT 'bench:action:nothing', n FROM number", (count,))
    connection.execute(
        "INSERT INTO task_tag (tag, task) SELECT 'bench:resource:' || (id % ?), id FROM task ORDER BY 1, 2", (RESOURCES,)
    )
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def show(title: str, pairs: Sequence[tuple[float, float]]) -> None:
    """Print what floor and engine reached in each round."""
    rows = [[f"round {number + 1}", bare, mine, mine / bare] for number, (bare, mine) in enumerate(pairs)]
    table(title, ["", "floor", "engine", "ratio"], rows)


if __name__ == "__main__":
    sys.exit(main())
