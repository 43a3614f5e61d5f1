"""The task queue beside its peers, on this machine, in one go; and beside itself as it grows.

10,000 no-op tasks, two worker processes: entrepot (embedded SQLite, Redis + SQLite, Redis + PostgreSQL), raw dramatiq, Celery,
RQ, huey and procrastinate, each with the settings with which it is quickest, in a virtual environment of its own. Redis and
PostgreSQL are started here. What is measured, and how, say `queues/contest.py` and `queues/scaling.py`; who takes part,
`queues/contestants.py`.

The peers know neither order nor resources, so the rows of entrepot that goals compare run tasks without resources; further rows
reserve one of 100 resources for each task. Every goal is a ratio of figures of one round, or a limit of its own.

Writes `results.md` and `results.json`. Exit 1 if a goal is missed; a goal without its peer is missed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from goals import Goals
from measuring_place import measuring_place
from queues import contest, scaling
from queues.contest import Round, Standing, emptied, enqueued, hold, ratio
from queues.contestants import (
    CELERY,
    CONTESTANTS,
    DRAMATIQ,
    EMBEDDED,
    ENTREPOT,
    HUEY_SQLITE,
    PROCRASTINATE,
    REDIS_POSTGRESQL,
    REDIS_SQLITE,
    RQ,
    Contestant,
)
from queues.results import Results
from queues.scaling import COMPARISONS, Comparison, compare
from queues.servers import servers
from queues.stage import Stages

ROOT = Path(__file__).parents[2]

#: What is compared, whose figure, with whose, and how many times as much it must be.
RATIOS: tuple[tuple[str, Callable[[Round], float], Contestant, Contestant, float], ...] = (
    ("drain", emptied, EMBEDDED, HUEY_SQLITE, 1.0),
    ("drain", emptied, EMBEDDED, PROCRASTINATE, 3.0),
    ("drain", emptied, EMBEDDED, RQ, 3.0),
    ("drain", emptied, EMBEDDED, CELERY, 3.0),
    ("enqueue", enqueued, EMBEDDED, PROCRASTINATE, 3.0),
    ("drain", emptied, REDIS_POSTGRESQL, PROCRASTINATE, 1.5),
    ("enqueue", enqueued, REDIS_POSTGRESQL, PROCRASTINATE, 1.5),
    ("drain", emptied, REDIS_SQLITE, DRAMATIQ, 0.5),
)
#: Milliseconds from enqueue to start on an idle engine: median and 99th percentile.
LATENCIES = ((EMBEDDED, 6, 25), (REDIS_SQLITE, 8, 25), (REDIS_POSTGRESQL, 8, 25))
#: Share of a core that a waiting process of the workers may take.
IDLE = 0.01
#: Comparison, and how many times as much a task may cost; on the embedded engine.
COSTS = (("finished-rows", 1.1), ("one-resource", 1.3))


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, _told_to_stop)
    began = time.monotonic()
    goals = Goals(is_quick=options.quick)
    chosen = [each for each in CONTESTANTS if not options.only or each.key in options.only]
    keys = [key for key in COMPARISONS if not options.only or key in options.only]
    mine = [each for each in ENTREPOT if each in chosen] or ENTREPOT
    needed = {server for each in [*chosen, *(mine if keys else [])] for server in each.servers}
    with measuring_place() as place, servers(needed) as running:
        for name, reason in running.missing.items():
            print(f"{name}: skipped: {reason}", flush=True)
        stages = Stages(place, running)
        standings = hold(stages, chosen, contest.Sizes(1, 60, 60, 10, 0.5) if options.quick else contest.Sizes())
        sizes = scaling.Sizes(1, 1, 100, 100, 1000, 2, 2) if options.quick else scaling.Sizes()
        comparisons = compare(stages, mine, keys, sizes)
    judge_contest(goals, standings)
    judge_scaling(goals, comparisons, [key for key in keys if EMBEDDED in mine])
    results = Results(standings, comparisons, dict(running.versions), options.quick, seconds=time.monotonic() - began)
    print(f"\n{results.markdown()}")
    results.goals = goals
    results.write(options.output)
    print(f"Written to {options.output}: results.md, results.json")
    return goals.finish()


def judge_contest(goals: Goals, standings: Sequence[Standing]) -> None:
    """Add the goals of all whose two sides were asked for."""
    standing = {each.contestant: each for each in standings}
    for what, figure, mine, theirs, target in RATIOS:
        if mine in standing and theirs in standing:
            measured = ratio(standing[mine], standing[theirs], figure)
            why = "no peer" if standing[theirs].skipped else "not measured"
            goals.at_least(f"{what}, {_short(mine)}, times {theirs.name}", measured, target, "x", otherwise=why)
    for mine, p50, p99 in LATENCIES:
        for percent, target in ((50, p50), (99, p99)):
            if mine in standing:
                measured = standing[mine].latency(percent)
                goals.at_most(f"start latency p{percent}, {_short(mine)}", _times(measured, 1000), target, "ms")
    for mine in ENTREPOT:
        if mine in standing:
            measured = standing[mine].idle(max)
            goals.at_most(f"idle CPU of a waiting worker process, {_short(mine)}", measured, IDLE, "%")


def judge_scaling(goals: Goals, comparisons: Sequence[Comparison], keys: Sequence[str]) -> None:
    """Add the goals of the comparisons that were asked for."""
    measured = {each.key: each for each in comparisons if each.contestant == EMBEDDED.name}
    for key, target in COSTS:
        if key in keys:
            found = measured.get(key)
            name = f"cost of a task, {found.case}, times {found.compared_with}" if found else f"cost of a task, {key}"
            goals.at_most(name, found.ratio if found else None, target, "x")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [each.key for each in CONTESTANTS] + list(COMPARISONS)
    parser.add_argument("--quick", action="store_true", help="a smoke run of everything; its figures mean nothing")
    parser.add_argument(
        "--only", type=lambda text: text.split(","), default=[], metavar="NAME,…", help=f"only these: {', '.join(names)}"
    )
    parser.add_argument(
        "--output", type=Path, default=ROOT / "build" / "bench-queue", help="folder of the results [default: build/bench-queue]"
    )
    options = parser.parse_args()
    if unknown := [name for name in options.only if name not in names]:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(names)}")
    return options


def _told_to_stop(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt  # so that everything that was started is ended


def _short(contestant: Contestant) -> str:
    return contestant.name.removeprefix("entrepot, ")


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("Interrupted; what was started has been ended.", file=sys.stderr)
        sys.exit(130)
