"""A worker is stopped for twice its lease and goes on: another has its task by then, and it can change nothing more."""

from __future__ import annotations

import os
import signal
import time

from .effects import TRACE, greedy, repeatable
from .plan import Fault
from .process import Process, wait_for
from .stage import Stage
from .trace import read_trace

#: The lease of the workers here.
LEASE_SECONDS = 1.0


def test_a_worker_that_was_frozen_past_its_lease_changes_nothing_when_it_thaws(stage: Stage) -> None:
    handle = stage.engine.enqueue(greedy, 1, ["line:1"], 800)
    frozen = start_worker(stage)
    wait_for(lambda: begun(stage, handle.task_id) == [1], "the task has begun", frozen.said)
    os.kill(frozen.pid, signal.SIGSTOP)
    since = time.monotonic()
    wait_for(stage.engine.rescue, "the lease has run out")
    other = start_worker(stage)
    wait_for(lambda: begun(stage, handle.task_id) == [1, 2], "the other worker has begun", other.said)
    wait_for(lambda: time.monotonic() > since + 2 * LEASE_SECONDS, "twice the lease is over")

    os.kill(frozen.pid, signal.SIGCONT)

    stage.note(Fault("tasks", deed="frozen").label)
    wait_for(lambda: {attempt for _, attempt, _ in refusals(stage)} == {1}, "its first run is refused", frozen.said)
    wait_for(lambda: handle.report().is_final, "the task has ended", other.said)
    report = handle.report()
    other.stop()
    following = stage.engine.enqueue(repeatable, 2, ["line:1"], 0)
    wait_for(lambda: following.report().is_final, "the thawed worker goes on", frozen.said)
    frozen.stop()
    assert [what for _, _, what in refusals(stage)] == ["progress", "spawn", "write"]
    assert (report.state, report.worker_name, report.attempt, report.result) == ("finished", other.name, 2, 2)
    assert report.progress == {"attempt": 2}
    assert len(report.spawned) == 1
    assert stage.rows("SELECT attempt FROM written") == [(2,)]
    assert following.report().worker_name == frozen.name
    assert handle.report() == report
    assert stage.standing() == []


def start_worker(stage: Stage) -> Process:
    """Start a worker whose lease is short."""
    return stage.start_worker(lease_seconds=str(LEASE_SECONDS), beat_seconds="0.1")


def begun(stage: Stage, task_id: str) -> list[int]:
    """Return the attempts of a task that have begun."""
    return [run.attempt for run in read_trace(stage.folder / TRACE).of(task_id)]


def refusals(stage: Stage) -> list[tuple[str, int, str]]:
    """Return what was refused: the task, the attempt, and what it tried."""
    return read_trace(stage.folder / TRACE).refused
