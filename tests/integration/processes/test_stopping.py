"""SIGTERM lets what runs end and claims nothing new; a second one hands the tasks back at once, in their place in line."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from entrepot.engine import Engine
from entrepot.tasking import TaskHandle

from .conftest import eventually, program, said, supervisor

ONE = ("--processes", "1", "--threads", "1")
BARE = ("worker-process", "--name", "bare", "--threads", "1")


def test_a_second_sigterm_hands_the_tasks_back_at_once_and_to_their_place_in_line(engine: Engine, gate: Path) -> None:
    with supervisor(engine, *ONE) as process:
        first, second = held_and_waiting(engine, gate)
        process.send_signal(signal.SIGTERM)
        eventually(lambda: engine.workers()[0].state == "retiring")

        process.send_signal(signal.SIGTERM)

        assert process.wait(20) == 1  # tasks had to be given up
    assert_handed_back(first)
    assert engine.workers() == []

    gate.touch()
    with supervisor(engine, *ONE):
        assert began(first) < began(second)


def test_a_worker_process_without_supervisor_hands_its_tasks_back_at_its_second_sigterm(engine: Engine, gate: Path) -> None:
    with program(engine, *BARE) as process:
        first, second = held_and_waiting(engine, gate)
        process.send_signal(signal.SIGTERM)
        eventually(lambda: engine.workers()[0].state == "retiring")

        process.send_signal(signal.SIGTERM)

        assert process.wait(20) == 75
        eventually(lambda: first.state == "waiting", seconds=20)  # its lease would hold for longer
    assert_handed_back(first)
    assert second.state == "waiting"
    assert engine.workers() == []


def test_a_worker_process_without_supervisor_ends_what_runs_at_its_first_sigterm(engine: Engine, gate: Path) -> None:
    with program(engine, *BARE) as process:
        first, second = held_and_waiting(engine, gate)
        process.send_signal(signal.SIGTERM)
        eventually(lambda: engine.workers()[0].state == "retiring")

        gate.touch()

        assert process.wait(20) == 0
    assert (first.state, second.state) == ("finished", "waiting")


def test_several_sigterms_to_a_supervised_process_are_one(engine: Engine, gate: Path) -> None:
    with supervisor(engine, *ONE):
        first, second = held_and_waiting(engine, gate)
        [worker] = engine.workers()
        os.kill(worker.pid, signal.SIGTERM)
        eventually(lambda: engine.workers()[0].state == "retiring")
        os.kill(worker.pid, signal.SIGTERM)

        gate.touch()

        report = first.wait(30)
        assert (report.result, report.attempt) == (worker.pid, 1)
        assert second.wait(30).result != worker.pid  # another has taken its place


def test_the_tasks_of_a_process_whose_supervisor_is_gone_do_not_wait_for_their_leases(engine: Engine, gate: Path) -> None:
    with supervisor(engine, *ONE, ENTREPOT_DRAIN_SECONDS="0.5") as process:
        first, _ = held_and_waiting(engine, gate)

        process.kill()

        eventually(lambda: first.state == "waiting", seconds=20)
    assert_handed_back(first)


def test_the_scheduler_hands_on_what_a_lost_worker_ran_and_stops_when_it_is_told_to(engine: Engine, gate: Path) -> None:
    with program(engine, *BARE, ENTREPOT_LEASE_SECONDS="2", ENTREPOT_BEAT_SECONDS="0.5") as worker:
        first, _ = held_and_waiting(engine, gate)
        worker.kill()

    with program(engine, "scheduler") as process:
        eventually(lambda: first.state == "waiting")
        process.send_signal(signal.SIGTERM)

        assert process.wait(20) == 0
    assert first.report().rescues == 1
    assert "background loops" in said(engine)


def held_and_waiting(engine: Engine, gate: Path) -> tuple[TaskHandle, TaskHandle]:
    """Enqueue two tasks, of which the only thread runs the first one until the gate is there."""
    first, second = (engine.enqueue("process_tasks.hold", str(gate)) for _ in range(2))
    eventually(lambda: first.state == "running")
    return first, second


def assert_handed_back(handle: TaskHandle) -> None:
    report = handle.report()
    assert (report.state, report.rescues, report.worker_name, report.started) == ("waiting", 0, None, None)


def began(handle: TaskHandle) -> object:
    """Return when a task began, after its end."""
    return handle.wait(30).started
