"""How long a task waits for its second start when its worker is killed.

100 tasks run, each until it is told to end, with the default lease (30 s) and beat (6 s), on SQLite without a server and on
PostgreSQL with Redis side by side. Measured for each task: from the kill to its start elsewhere.

* whole trees: SIGKILL to supervisors and worker processes at the same moment, so that only the end of the lease can tell; one
  other `entrepot worker` lives on. The trees were started one after the other over one beat, so that their leases end at
  different moments after the kill.
* one process: SIGKILL to one worker process below a living supervisor, which sees it die.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NoReturn

from goals import Goals, table
from measuring_place import measuring_place
from queues.contestants import EMBEDDED, REDIS_POSTGRESQL, Contestant
from queues.environments import Unavailable
from queues.processes import Program
from queues.servers import servers
from queues.stage import Stage, Stages

from entrepot import Engine
from entrepot.settings import read_settings

ROOT = Path(__file__).parents[2]

_GOAL_SECONDS = 40
#: Worker trees that are killed together.
_TREES = 5
_PATIENCE_SECONDS = 60
_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Rescue:
    """Seconds from the kill to the new start of each task that was running."""

    contestant: str
    case: str
    seconds: list[float]

    def percentile(self, percent: int) -> float:
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[percent - 1]


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, _told_to_stop)
    goals = Goals(is_quick=options.quick)
    settings = (("ENTREPOT_LEASE_SECONDS", "3"), ("ENTREPOT_BEAT_SECONDS", "1")) if options.quick else ()
    tasks, beat = (20, 1) if options.quick else (100, 6)
    with measuring_place() as place, servers(set(REDIS_POSTGRESQL.servers)) as running, ExitStack() as stack:
        stages = Stages(place, running)
        trees, process = [], []
        for contestant in (EMBEDDED, REDIS_POSTGRESQL):
            try:
                for found in (trees, process):
                    stage = stack.enter_context(stages.set_up(_holding(contestant, settings, place, len(trees + process))))
                    stage.prepare()
                    found.append(stage)
            except Unavailable as reason:
                print(f"{contestant.name}: skipped: {reason}", flush=True)
        rescues = []
        try:
            rescues += kill_trees(trees, tasks, beat)
            for stage in trees:
                stage.kill_workers()
            rescues += kill_one_process(process, tasks)
        except Unavailable as reason:
            print(f"given up: {reason}", flush=True)
    rows = [
        [f"{each.contestant}, {each.case}", len(each.seconds), each.percentile(50), each.percentile(99), max(each.seconds)]
        for each in rescues
    ]
    table("From SIGKILL to the new start, seconds", ["", "tasks", "p50", "p99", "max"], rows)
    measured = {each.contestant: each.percentile(99) for each in rescues if each.case == "whole trees"}
    for contestant in (EMBEDDED, REDIS_POSTGRESQL):
        name = contestant.name.removeprefix("entrepot, ")
        goals.at_most(f"rescue after SIGKILL p99, {name}", measured.get(contestant.name), _GOAL_SECONDS, "s")
    options.output.mkdir(parents=True, exist_ok=True)
    data = {"quick": options.quick, "rescues": [asdict(each) for each in rescues], "goals": [asdict(g) for g in goals.goals]}
    (options.output / "rescue.json").write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return goals.finish()


def kill_trees(stages: Sequence[Stage], tasks: int, beat: float) -> list[Rescue]:
    """Kill every process of all workers but one, on all stages at the same moment."""
    doomed: dict[Stage, list[Program]] = {stage: [] for stage in stages}
    for _ in range(_TREES):
        for stage in stages:
            doomed[stage].append(_worker(stage, processes=1, threads=tasks // _TREES))
        time.sleep(beat / _TREES)
    _run_all(stages, tasks)
    for stage in stages:
        _worker(stage, processes=2, threads=tasks // 2)
        _wait_until(lambda stage=stage: _alive(stage) == _TREES + 2, "the surviving worker did not start")

    killed_at = time.monotonic_ns()
    for programs in doomed.values():
        for program in programs:
            program.strike()
    return [_second_starts(stage, "whole trees", killed_at, first=tasks, second=tasks) for stage in stages]


def kill_one_process(stages: Sequence[Stage], tasks: int) -> list[Rescue]:
    """Kill the worker process that runs most tasks, on each stage; its supervisor lives on."""
    rescues = []
    for stage in stages:
        _worker(stage, processes=2, threads=tasks)
    _run_all(stages, tasks)
    for stage in stages:
        with _engine(stage) as engine:
            row = engine.database.row(
                "SELECT pid, count(*) FROM task JOIN worker ON name = owner WHERE task.state = 'running' "
                "GROUP BY pid ORDER BY 2 DESC LIMIT 1"
            )
        assert row is not None
        pid, running = row
        killed_at = time.monotonic_ns()
        os.kill(pid, signal.SIGKILL)
        rescues.append(_second_starts(stage, "one process under its supervisor", killed_at, first=tasks, second=running))
    return rescues


def _run_all(stages: Sequence[Stage], tasks: int) -> None:
    """Enqueue, and wait until all run."""
    for stage in stages:
        stage.enqueue_many(tasks)
    for stage in stages:
        stage.wait_for(tasks)


def _second_starts(stage: Stage, case: str, killed_at: int, *, first: int, second: int) -> Rescue:
    """Let the tasks end, and return when those started that were started anew."""
    Path(stage.environment["QUEUE_HOLD"]).unlink()
    stage.wait_for(first + second)
    begun = [stamp.moment for stamp in stage.stamps() if stamp.moment > killed_at]
    assert len(begun) == second, "a task was started more than twice"
    return Rescue(stage.contestant.name, case, [(moment - killed_at) / 1e9 for moment in begun])


def _worker(stage: Stage, *, processes: int, threads: int) -> Program:
    return stage.run("python", "-m", "entrepot", "worker", "--processes", str(processes), "--threads", str(threads))


def _alive(stage: Stage) -> int:
    with _engine(stage) as engine:
        return sum(worker.alive for worker in engine.workers())


def _engine(stage: Stage) -> Engine:
    names = [name for name in stage.environment if name in ("ENTREPOT_DATA_DIR", "ENTREPOT_DATABASE_URL")]
    return Engine(settings=read_settings(**{name[9:].lower(): stage.environment[name] for name in names}))


def _wait_until(is_so: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise Unavailable(otherwise)
        time.sleep(_LOOK_SECONDS)


def _holding(contestant: Contestant, settings: tuple[tuple[str, str], ...], place: Path, number: int) -> Contestant:
    """Return the contestant with tasks that run until a file of their own is gone; the file is made here."""
    hold = place / f"hold-{number}"
    hold.touch()
    own = tuple(pair for pair in contestant.environment if pair[0] != "ENTREPOT_TASK_MODULES")
    modules = ("ENTREPOT_TASK_MODULES", '["queues.held_task"]')
    return replace(contestant, module="held_task", environment=(*own, modules, *settings, ("QUEUE_HOLD", str(hold))))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke run with a lease of 3 s; its figures mean nothing")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "build" / "bench-queue", help="folder of rescue.json [default: build/bench-queue]"
    )
    return parser.parse_args()


def _told_to_stop(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt  # so that everything that was started is ended


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("Interrupted; what was started has been ended.", file=sys.stderr)
        sys.exit(130)
