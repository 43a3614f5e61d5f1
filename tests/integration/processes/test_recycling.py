"""A process that has done its share, or holds too much memory, is replaced at once, and ends with what it runs."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from entrepot.engine import Engine
from entrepot.errors import TaskFailed

from .conftest import eventually, said, supervisor

ONE = ("--processes", "1", "--threads", "2")


def test_a_process_that_has_done_its_share_is_replaced_at_once_and_finishes_what_it_runs(engine: Engine, gate: Path) -> None:
    with supervisor(engine, *ONE, ENTREPOT_RECYCLE_AFTER_TASKS="3"):
        long = engine.enqueue("process_tasks.hold", str(gate))
        eventually(lambda: long.state == "running")
        [old] = engine.workers()
        for _ in range(3):
            engine.enqueue("process_tasks.pid").wait(30)
        eventually(lambda: engine.workers()[0].state == "retiring")

        assert engine.enqueue("process_tasks.pid").wait(30).result != old.pid

        assert {worker.name: (worker.state, worker.tasks) for worker in engine.workers()}[old.name] == (
            "retiring",
            (long.task_id,),
        )
        gate.touch()
        report = long.wait(30)
        assert (report.result, report.attempt) == (old.pid, 1)
        eventually(lambda: old.name not in [worker.name for worker in engine.workers()])
    assert "started again" not in said(engine)


def test_processes_are_recycled_time_and_again_without_a_pause(engine: Engine) -> None:
    pids = set()
    with supervisor(engine, *ONE, ENTREPOT_RECYCLE_AFTER_TASKS="1"):
        while len(pids) < 7:
            pid = engine.enqueue("process_tasks.pid").wait(20).result
            pids.add(pid)
            eventually(lambda pid=pid: pid not in [worker.pid for worker in engine.workers()])  # type: ignore[misc]
    assert "started again" not in said(engine)


def test_a_process_that_holds_too_much_memory_is_replaced(engine: Engine) -> None:
    with supervisor(engine, *ONE, ENTREPOT_RECYCLE_RSS_MB="300", ENTREPOT_BEAT_SECONDS="0.2"):
        small = engine.enqueue("process_tasks.keep", 1).wait(30).result
        assert engine.enqueue("process_tasks.keep", 300).wait(30).result == small

        eventually(lambda: small not in [worker.pid for worker in engine.workers()])

        assert engine.enqueue("process_tasks.pid").wait(30).result != small


def test_a_task_beyond_its_memory_that_never_stops_ends_in_that_error_and_is_not_run_again(engine: Engine) -> None:
    with supervisor(
        engine,
        *ONE,
        ENTREPOT_MEMORY_LIMITS_MB='{"*.swell_*": 300}',
        ENTREPOT_CANCEL_PATIENCE_SECONDS="0.1",
        ENTREPOT_CANCEL_GRACE_SECONDS="0.5",
    ):
        handle = engine.enqueue("process_tasks.swell_and_never_stop")

        with pytest.raises(TaskFailed, match=r"the limit while a process_tasks\.swell_and_never_stop runs is 300 MB"):
            handle.wait(60)

    assert handle.report().attempt == 1


def test_sigterm_reaches_a_retiring_process_too(engine: Engine, gate: Path) -> None:
    with supervisor(engine, *ONE, ENTREPOT_RECYCLE_AFTER_TASKS="1", ENTREPOT_DRAIN_SECONDS="0.3") as process:
        long = engine.enqueue("process_tasks.hold", str(gate))
        eventually(lambda: long.state == "running")
        engine.enqueue("process_tasks.pid").wait(30)
        eventually(lambda: {worker.state for worker in engine.workers()} == {"retiring", "active"})

        process.send_signal(signal.SIGTERM)

        assert process.wait(30) == 1  # the long task had to be given up
    assert (long.state, long.report().rescues) == ("waiting", 0)
    assert engine.workers() == []


def test_a_process_on_a_drained_host_is_replaced_by_a_drained_one(engine: Engine) -> None:
    with supervisor(engine, *ONE):
        eventually(engine.workers)
        [old] = engine.workers()
        engine.drain_workers(host=old.host)
        eventually(lambda: engine.workers()[0].state == "drained")

        os.kill(old.pid, signal.SIGKILL)

        eventually(lambda: [worker.state for worker in engine.workers() if worker.pid != old.pid] == ["drained"])
        handle = engine.enqueue("process_tasks.pid")
        engine.resume_workers(host=old.host)
        assert handle.wait(30).result != old.pid


def test_a_drained_process_leaves_the_work_to_the_others(engine: Engine) -> None:
    with supervisor(engine, "--processes", "2", "--threads", "1"):
        eventually(lambda: len(engine.workers()) == 2)
        idle, busy = engine.workers()
        engine.drain_workers(idle.short_name)
        eventually(lambda: engine.workers()[0].state == "drained")

        handles = [engine.enqueue("process_tasks.nap", 0.01) for _ in range(20)]

        assert {handle.wait(30).result for handle in handles} == {busy.pid}


def test_workers_serve_only_the_queues_that_are_named(engine: Engine) -> None:
    with supervisor(engine, *ONE, "--queue", "mail", "--queue", "night"):
        eventually(engine.workers)

        assert engine.workers()[0].queues == ("mail", "night")
