"""Which instants schedules were fired for, and what broke a promise about them, whatever was killed or frozen meanwhile.

A run's idempotency key says which one of its schedule it is, and the instant that was due. The schedules here are `PT1S`, so
that the instants are the whole seconds. The rules:

* a schedule's runs are numbered from 1 without a gap, as many as it has counted, and no instant comes twice;
* the first run is for the first instant, and an instant between two runs is left out only if it had passed before the earlier
  run was fired, which made up for it (or, where runs coalesce, before that run had ended); the same holds for the instants
  between the last run and the next one planned;
* a run is not for an instant that the one before it has made up for: missed runs become one;
* after a last round nothing is due, if no run has ended meanwhile: the round after that one counts the end, which may disable
  the schedule, before it fires it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from entrepot import clock

from .stage import Stage

SECOND = 1_000_000
#: Microseconds from the moment at which a round looks at the clock to that at which it has enqueued a batch, on a busy machine.
_ROUND = 2 * SECOND
_RUNS = """
SELECT idempotency_key, created_at, finished_at, state FROM task WHERE task_type = 'effects.scheduled' ORDER BY id
"""
_SCHEDULES = """
SELECT schedule_id, first_run, next_run, enabled, total_run_count, remaining_runs, consecutive_failures, overlap
FROM schedule ORDER BY id
"""


@dataclass(frozen=True)
class Fired:
    """One run of a schedule: its number, and moments as microseconds since 1970. `finished_at` is None until it has ended."""

    number: int
    instant: int
    fired_at: int
    finished_at: int | None = None
    state: str = "waiting"


@dataclass(frozen=True)
class Fires:
    """A schedule of `PT1S` and its runs, in the order of their numbers. `next_run` is None when none is left."""

    schedule_id: str
    first_run: int
    next_run: int | None
    runs: tuple[Fired, ...]
    is_enabled: bool = True
    total_run_count: int = 0
    remaining_runs: int | None = None
    consecutive_failures: int = 0
    may_overlap: bool = True


def read_fires(stage: Stage) -> list[Fires]:
    """Return all schedules with their runs."""
    runs: dict[str, list[Fired]] = {}
    for key, created_at, finished_at, state in stage.rows(_RUNS):
        _, schedule_id, number, instant = key.split(":", 3)
        fired = Fired(int(number), clock.to_us(datetime.fromisoformat(instant)), created_at, finished_at, state)
        runs.setdefault(schedule_id, []).append(fired)
    return [
        Fires(
            schedule_id,
            first_run,
            next_run,
            tuple(sorted(runs.get(schedule_id, []), key=lambda run: run.number)),
            is_enabled=bool(enabled),
            total_run_count=count,
            remaining_runs=remaining,
            consecutive_failures=failures,
            may_overlap=overlap == "queue",
        )
        for schedule_id, first_run, next_run, enabled, count, remaining, failures, overlap in stage.rows(_SCHEDULES)
    ]


def badly_numbered(schedules: Sequence[Fires]) -> list[str]:
    """Find schedules that have counted other runs than they have, and instants that were fired twice."""
    found = []
    for schedule in schedules:
        numbers, instants = [run.number for run in schedule.runs], [run.instant for run in schedule.runs]
        if numbers != list(range(1, schedule.total_run_count + 1)):
            found.append(f"{schedule.schedule_id} has counted {schedule.total_run_count} runs, and has {numbers}")
        twice = {instant for instant in instants if instants.count(instant) > 1}
        found += [f"{schedule.schedule_id} was fired more than once for {_shown(instant)}" for instant in sorted(twice)]
    return found


def missed(schedules: Sequence[Fires]) -> list[str]:
    """Find instants that no run was fired for, though none of another instant made up for it."""
    found = []
    for schedule in schedules:
        planned = [*schedule.runs]
        before = schedule.first_run - SECOND
        made_up_for: float = before
        for instant in [*(run.instant for run in planned), schedule.next_run]:
            if instant is not None and instant - SECOND > max(before, made_up_for):
                found.append(f"{schedule.schedule_id} was not fired for {_shown(instant - SECOND)}, the one before is {before}")
            if planned:
                run = planned.pop(0)
                before, made_up_for = run.instant, _made_up_for(schedule, run)
    return found


def fired_for_the_past(schedules: Sequence[Fires], freezes: Sequence[tuple[int, int]] = ()) -> list[str]:
    """Find runs for an instant that the run before has made up for; a process that was frozen just then is excused.

    `freezes` are the moments at which a process was frozen and went on.
    """
    found = []
    for schedule in schedules:
        for run, following in zip(schedule.runs, schedule.runs[1:], strict=False):
            frozen = any(since <= run.fired_at and until >= following.instant for since, until in freezes)
            if following.instant <= run.fired_at - _ROUND and not frozen:
                late = f"{_shown(following.instant)}, after a run at {_shown(run.fired_at)}"
                found.append(f"{schedule.schedule_id} was fired for {late}")
    return found


def left_due(schedules: Sequence[Fires], moment: int) -> list[str]:
    """Find schedules that are due at `moment` and were not fired."""
    return [
        f"{schedule.schedule_id} was due at {_shown(schedule.next_run)}"
        for schedule in schedules
        if schedule.is_enabled and schedule.next_run is not None and schedule.next_run <= moment
    ]


def badly_counted(schedules: Sequence[Fires]) -> list[str]:
    """Find schedules that have counted other failures than their runs were; all runs of one end alike, and are counted."""
    found = []
    for schedule in schedules:
        failures = sum(run.state == "error" for run in schedule.runs)
        if schedule.consecutive_failures != failures:
            found.append(f"{schedule.schedule_id} has counted {schedule.consecutive_failures} failures of {failures}")
    return found


def _made_up_for(schedule: Fires, run: Fired) -> float:
    """Return up to when instants may be left out behind `run`; on a busy machine a round sees its end a little later."""
    if schedule.may_overlap:
        return run.fired_at
    return float("inf") if run.finished_at is None else run.finished_at + _ROUND


def _shown(moment: int) -> str:
    return clock.from_us(moment).isoformat(timespec="milliseconds")
