"""Worker processes: fair, replaced when they die, drained when told to."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest

from entrepot.engine import Engine
from entrepot.errors import TaskCanceled, TaskFailed

from .conftest import eventually, supervisor


def test_two_processes_on_one_database_share_the_work_fairly(engine: Engine) -> None:
    with supervisor(engine, "--processes", "2", "--threads", "2"):
        eventually(lambda: sum(worker.alive for worker in engine.workers()) == 2)
        handles = [engine.enqueue("process_tasks.nap", 0.01) for _ in range(200)]

        shares = Counter(handle.wait(60).result for handle in handles)

    assert len(shares) == 2
    assert min(shares.values()) >= 60


def test_a_killed_worker_is_replaced_and_its_task_runs_elsewhere(engine: Engine) -> None:
    with supervisor(engine, "--processes", "1", "--threads", "1"):
        handle = engine.enqueue("process_tasks.nap", 1.0)
        eventually(lambda: handle.state == "running")
        [worker] = engine.workers()

        os.kill(worker.pid, signal.SIGKILL)

        report = handle.wait(60)
    assert report.result != worker.pid
    assert (report.attempt, report.rescues) == (2, 1)


def test_a_drained_worker_finishes_what_runs_and_takes_nothing_new(engine: Engine) -> None:
    with supervisor(engine, "--processes", "1", "--threads", "1") as process:
        running = engine.enqueue("process_tasks.nap", 0.5)
        waiting = engine.enqueue("process_tasks.nap", 0.0)
        eventually(lambda: running.state == "running")

        process.send_signal(signal.SIGTERM)

        assert process.wait(60) == 0
    assert running.state == "finished"
    assert waiting.state == "waiting"
    assert engine.workers() == []


def test_workers_end_when_their_supervisor_is_killed(engine: Engine) -> None:
    with supervisor(engine, "--processes", "2", "--threads", "1") as process:
        eventually(lambda: len(engine.workers()) == 2)
        pids = [worker.pid for worker in engine.workers()]

        process.kill()
        process.wait(60)

        eventually(lambda: not any(_runs(pid) for pid in pids))
    assert engine.workers() == []


def test_a_process_in_which_a_task_does_not_stop_is_replaced_and_the_innocent_ones_are_not_counted(engine: Engine) -> None:
    with supervisor(
        engine,
        "--processes",
        "1",
        "--threads",
        "2",
        ENTREPOT_CANCEL_PATIENCE_SECONDS="0.1",
        ENTREPOT_CANCEL_GRACE_SECONDS="0.5",
    ):
        stubborn, innocent = engine.enqueue("process_tasks.never"), engine.enqueue("process_tasks.nap", 4.0)
        eventually(lambda: stubborn.state == innocent.state == "running")
        [worker] = engine.workers()

        stubborn.cancel()

        with pytest.raises(TaskCanceled):
            stubborn.wait(60)
        report = innocent.wait(60)
    assert report.result != worker.pid
    assert (report.attempt, report.rescues) == (2, 0)


def test_a_task_over_its_time_limit_that_never_stops_ends_in_that_error_and_is_not_run_again(engine: Engine) -> None:
    with supervisor(engine, "--processes", "1", ENTREPOT_CANCEL_PATIENCE_SECONDS="0.1", ENTREPOT_CANCEL_GRACE_SECONDS="0.5"):
        handle = engine.enqueue("process_tasks.overrun_and_never_stop")

        with pytest.raises(TaskFailed, match="longer than its limit"):
            handle.wait(60)

    assert handle.report().attempt == 1


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
