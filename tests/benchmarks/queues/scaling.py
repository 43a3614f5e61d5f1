"""entrepot against itself: how a task's cost grows with what lies in the tables, and with more worker processes.

* finished rows: seconds of enqueue (one by one) and of drain for each task, beside 10^6 finished ones and beside none; both
  tables take turns by small slices.
* one resource: seconds for each of 10,000 tasks while they drain that all wait in one line, and of as many that each
  reserve a resource of their own. One line is run by one thread at a time, the others by all.
* many resources: the same for 10,000 lines of 10.
* four processes: drained with four worker processes, and with two. Tasks without resources.

All that drain here were enqueued by one call.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import bench_tasks
import psycopg
from measuring_place import settle

from entrepot import Engine
from entrepot.settings import read_settings
from queues.contest import drained
from queues.contestants import EMBEDDED, ENTREPOT, REDIS_POSTGRESQL, Contestant
from queues.environments import Unavailable
from queues.stage import Stage, Stages

#: Tasks that are enqueued in one table before it is the other one's turn.
_SLICE = 50


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    rounds: int = 3
    rounds_beside_finished: int = 5
    tasks: int = 10_000
    tasks_beside_finished: int = 2_000
    finished: int = 1_000_000
    line: int = 10  # tasks of each of `tasks` resources
    contestants: int = 3  # of those for whom a comparison is meant


@dataclass(frozen=True)
class Comparison:
    """Microseconds a task takes in one case, and in the case that it is compared with; the ratio is a median of its own."""

    key: str
    contestant: str
    case: str
    microseconds: float
    compared_with: str
    compared_microseconds: float
    ratio: float


def compare(stages: Stages, contestants: Sequence[Contestant], keys: Sequence[str], sizes: Sizes) -> list[Comparison]:
    """Make the comparisons that `keys` name for those of `contestants` for whom they are meant."""
    found = []
    for key in keys:
        make, meant_for = COMPARISONS[key]
        for contestant in contestants:
            if contestant in meant_for[: sizes.contestants]:
                began = time.monotonic()
                try:
                    found.append(make(stages, contestant, sizes))
                except Unavailable as reason:
                    print(f"{key}, {contestant.name}: skipped: {reason}", flush=True)
                else:
                    print(
                        f"{key}, {contestant.name}: {found[-1].ratio:.2f}x of {found[-1].compared_with} "
                        f"({time.monotonic() - began:.0f} s)",
                        flush=True,
                    )
    return found


def finished_rows(stages: Stages, contestant: Contestant, sizes: Sizes) -> Comparison:
    count = sizes.tasks_beside_finished
    with ExitStack() as stack:
        empty, full = both = [stack.enter_context(stages.set_up(contestant)) for _ in range(2)]
        for stage in both:
            stage.prepare()
        _fill(full, sizes.finished)
        settle()
        enqueues: dict[Stage, list[float]] = {empty: [], full: []}
        drains: dict[Stage, list[float]] = {empty: [], full: []}
        for number in range(sizes.rounds_beside_finished if contestant == EMBEDDED else 1):
            order = both if number % 2 == 0 else both[::-1]
            for _ in range(count // _SLICE):
                for stage in order:
                    enqueues[stage].append(stage.enqueue(_SLICE) / _SLICE)
            for stage in order:
                drains[stage].append(1 / drained(stage, count).whole)
                stage.stop_workers()  # not killed: the last outcomes are still to be written
    cost = {stage: statistics.median(enqueues[stage]) + statistics.median(drains[stage]) for stage in both}
    return _comparison(
        "finished-rows",
        contestant,
        f"enqueue and drain beside {sizes.finished:,} finished tasks",
        "an empty table",
        [(cost[full], cost[empty])],
    )


def one_resource(stages: Stages, contestant: Contestant, sizes: Sizes) -> Comparison:
    count, rounds = sizes.tasks, sizes.rounds if contestant == EMBEDDED else 1
    cases = contestant.reserving(1), contestant.reserving(count)
    return _comparison(
        "one-resource",
        contestant,
        f"drain, {count:,} waiting on one resource",
        f"{count:,} independent tasks",
        _in_turn(rounds, *(lambda case=case: _drain(stages, case, count) for case in cases)),
    )


def many_resources(stages: Stages, contestant: Contestant, sizes: Sizes) -> Comparison:
    lines = sizes.tasks
    case = contestant.reserving(lines)
    return _comparison(
        "many-resources",
        contestant,
        f"drain, {lines:,} resources × {sizes.line} tasks",
        f"{lines:,} independent tasks",
        _in_turn(1, lambda: _drain(stages, case, lines * sizes.line), lambda: _drain(stages, case, lines)),
    )


def four_processes(stages: Stages, contestant: Contestant, sizes: Sizes) -> Comparison:
    cases = contestant.with_processes(4), contestant
    return _comparison(
        "four-processes",
        contestant,
        f"drain, {sizes.tasks:,} tasks, 4 worker processes",
        f"{contestant.processes} worker processes",
        _in_turn(1, *(lambda case=case: _drain(stages, case, sizes.tasks) for case in cases)),
    )


#: Each comparison by the name it has on the command line, and those for whom it is meant.
COMPARISONS: dict[str, tuple[Callable[[Stages, Contestant, Sizes], Comparison], tuple[Contestant, ...]]] = {
    "finished-rows": (finished_rows, (EMBEDDED, REDIS_POSTGRESQL)),
    "one-resource": (one_resource, ENTREPOT),
    "many-resources": (many_resources, (EMBEDDED,)),
    "four-processes": (four_processes, ENTREPOT),
}


def _drain(stages: Stages, contestant: Contestant, count: int) -> float:
    """Return the seconds that each of `count` tasks takes while they drain."""
    settle()
    with stages.set_up(contestant) as stage:
        stage.prepare()
        stage.enqueue_many(count)
        return 1 / drained(stage, count).whole


def _in_turn(rounds: int, one: Callable[[], float], other: Callable[[], float]) -> list[tuple[float, float]]:
    """Measure both, in each round; whoever was first is second in the next."""
    pairs = []
    for number in range(rounds):
        if number % 2 == 0:
            first = one()
            pairs.append((first, other()))
        else:
            second = other()
            pairs.append((one(), second))
    return pairs


def _comparison(
    key: str, contestant: Contestant, case: str, compared_with: str, pairs: Sequence[tuple[float, float]]
) -> Comparison:
    return Comparison(
        key,
        contestant.name,
        case,
        statistics.median(mine for mine, _ in pairs) * 1e6,
        compared_with,
        statistics.median(theirs for _, theirs in pairs) * 1e6,
        statistics.median(mine / theirs for mine, theirs in pairs),
    )


def _fill(stage: Stage, count: int) -> None:
    """Write `count` finished tasks with two tags each, as they would be had they been run."""
    url = stage.environment.get("ENTREPOT_DATABASE_URL")
    if url is None:
        with Engine(settings=read_settings(data_dir=Path(stage.environment["ENTREPOT_DATA_DIR"]))) as engine:
            bench_tasks.fill(engine, count)
        return
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_FILL_TASKS, {"count": count, "before": time.time_ns() // 1000 - 86_400_000_000})
        connection.execute("INSERT INTO task_tag (tag, task) SELECT 'bench:action:nothing', id FROM task")
        connection.execute("INSERT INTO task_tag (tag, task) SELECT 'bench:resource:' || id % 100, id FROM task")
        connection.execute("VACUUM ANALYZE task, task_tag")  # as autovacuum does while they come in one by one


_FILL_TASKS = """
INSERT INTO task (task_id, task_type, state, arguments, tags, idempotent, created_at, ready_at, started_at, finished_at,
                  attempt, owner)
SELECT '00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'), 'bench.nothing', 'finished', '[[' || n || '],{}]',
       '["bench:resource:' || n %% 100 || '", "bench:action:nothing"]', FALSE, %(before)s + n, %(before)s + n, %(before)s + n,
       %(before)s + n, 1, 'somebody'
FROM generate_series(1, %(count)s) AS n
"""
