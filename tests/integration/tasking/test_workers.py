"""What is known of workers, and which of them claim nothing: drained, retiring, lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

import entrepot
from entrepot import clock
from entrepot.engine import Engine
from entrepot.errors import InvalidValue, MissingResource, OperationConflict, TaskFailed, WaitTimeout
from entrepot.tasking import WorkerReport, retention
from entrepot.tasking.worker import Worker

from .conftest import Gate, echo, eventually, repeatable, take, wait_cooperatively

MB = 1_000_000


@contextmanager
def working(engine: Engine, name: str = "worker@test", *, threads: int = 2, **settings: object) -> Iterator[Worker]:
    """Run a worker in threads of this process during the block."""
    chosen = engine.settings.model_copy(update={"cancel_patience_seconds": 0.1, "beat_seconds": 0.2, **settings})
    given_up, retiring = threading.Event(), threading.Event()
    worker = Worker(engine.tasks, chosen, name=name, threads=threads, give_up=given_up.set, retiring=retiring.set)
    worker.start()
    try:
        yield worker
    finally:
        assert worker.drain(timedelta(seconds=20))
    assert not given_up.is_set()
    assert retiring.is_set() is worker.is_retiring


def sign_on(engine: Engine, name: str, *, host: str = "web-1", silent_for: timedelta = timedelta(0)) -> None:
    """Write the row of a worker that showed its last sign of life so long ago."""
    beat = clock.now_us() - clock.us(silent_for)
    engine.database.execute(
        "INSERT INTO worker (name, host, pid, threads, version, started_at, beat_at) VALUES (?, ?, 1, 4, '1', ?, ?)",
        (name, host, beat, beat),
    )


def names(reports: list[WorkerReport]) -> list[str]:
    return [report.name for report in reports]


def state_of(engine: Engine, name: str = "worker@test") -> str:
    return next(report.state for report in engine.workers() if report.name == name)


def test_a_worker_shows_what_it_serves_runs_and_holds(engine: Engine, gate: Gate) -> None:
    with working(engine, worker_queues=["default", "mail"]):
        handle = engine.enqueue(wait_cooperatively, "gate")
        assert gate.begun.wait(20)

        [report] = engine.workers()

        assert (report.name, report.state, report.alive) == ("worker@test", "active", True)
        assert (report.queues, report.tasks, report.tasks_ended) == (("default", "mail"), (handle.task_id,), 0)
        assert report.rss_bytes is not None
        assert 10 * MB < report.rss_bytes < 10_000 * MB

        gate.open.set()
        eventually(lambda: engine.workers()[0].tasks_ended == 1)
        assert engine.workers()[0].tasks == ()


def test_a_worker_without_a_sign_of_life_for_a_lease_is_lost(engine: Engine) -> None:
    sign_on(engine, "silent", silent_for=engine.settings.lease + timedelta(seconds=1))
    sign_on(engine, "well", silent_for=engine.settings.lease - timedelta(seconds=10))

    assert [(report.name, report.state, report.alive) for report in engine.workers()] == [
        ("silent", "lost", False),
        ("well", "active", True),
    ]


def test_a_drained_worker_finishes_what_runs_claims_nothing_and_goes_on_when_it_is_resumed(engine: Engine, gate: Gate) -> None:
    with working(engine):
        running = engine.enqueue(wait_cooperatively, "gate")
        assert gate.begun.wait(20)

        engine.drain_workers("worker@test")
        eventually(lambda: state_of(engine) == "drained")
        waiting = engine.enqueue(echo, 1)
        gate.open.set()

        assert running.wait(20).state == "finished"
        with pytest.raises(WaitTimeout):
            waiting.wait(1.5)
        engine.resume_workers("worker@test")
        assert waiting.wait(20).result == 1
        assert state_of(engine) == "active"


@pytest.mark.parametrize("drain", [lambda engine: engine.drain_workers(), lambda engine: engine.drain_workers(host="web-1")])
def test_a_worker_that_starts_where_all_are_drained_claims_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, drain: Callable[[Engine], object]
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "web-1")
    sign_on(engine, "another")
    drain(engine)
    handle = engine.enqueue(echo, 1)

    with working(engine):
        assert state_of(engine) == "drained"  # at once, not at its first look
        with pytest.raises(WaitTimeout):
            handle.wait(0.5)


def test_waiting_for_a_drain_ends_when_nothing_runs_there_any_more(engine: Engine, gate: Gate) -> None:
    with working(engine):
        handle = engine.enqueue(wait_cooperatively, "gate")
        assert gate.begun.wait(20)

        with pytest.raises(WaitTimeout, match=r"go on there: 1\.") as caught:
            engine.drain_workers(wait=timedelta(seconds=0.1))
        assert caught.value.data == {"tasks": [handle.task_id], "workers": ["worker@test"]}

        gate.open.set()
        engine.drain_workers(wait=timedelta(seconds=20))
        assert handle.report().is_final


def test_waiting_for_a_drain_waits_until_the_worker_has_seen_it(engine: Engine) -> None:
    sign_on(engine, "far")

    with pytest.raises(WaitTimeout, match=r"not quiet after 0 s"):
        engine.drain_workers("far", wait=timedelta(0))

    engine.database.execute("UPDATE worker SET state = 'drained'")
    assert names(engine.drain_workers("far", wait=timedelta(0))) == ["far"]


def test_a_worker_is_found_by_what_no_other_name_begins_with(engine: Engine) -> None:
    for name in ("12.0.ab", "12.1.cd", "13.0.ef", "13"):
        sign_on(engine, f"reserved_resource_worker-{name}@web-1")

    assert names(engine.drain_workers("12.1")) == ["reserved_resource_worker-12.1.cd@web-1"]
    assert names(engine.drain_workers("reserved_resource_worker-12.0")) == ["reserved_resource_worker-12.0.ab@web-1"]
    assert names(engine.drain_workers("13")) == ["reserved_resource_worker-13@web-1"]
    with pytest.raises(InvalidValue, match=r"12\.0\.ab, 12\.1\.cd"):
        engine.drain_workers("12")


def test_workers_and_hosts_that_do_not_exist_are_refused(engine: Engine) -> None:
    sign_on(engine, "well")

    with pytest.raises(MissingResource, match="worker=ill"):
        engine.drain_workers("ill")
    with pytest.raises(MissingResource, match="host=web-2"):
        engine.resume_workers(host="web-2")
    with pytest.raises(InvalidValue, match="not both"):
        engine.drain_workers("well", host="web-1")


def test_one_of_many_that_were_drained_together_is_not_resumed_alone(engine: Engine) -> None:
    sign_on(engine, "well")

    engine.drain_workers(host="web-1")
    with pytest.raises(OperationConflict, match="whole host web-1"):
        engine.resume_workers("well")
    engine.drain_workers()
    with pytest.raises(OperationConflict, match="All workers"):
        engine.resume_workers(host="web-1")

    assert drains(engine) == ["all", "host:web-1"]
    engine.resume_workers()
    assert drains(engine) == []


def test_resuming_a_host_resumes_its_workers_that_were_drained_alone(engine: Engine) -> None:
    sign_on(engine, "here")
    sign_on(engine, "there", host="web-2")
    engine.drain_workers("here")
    engine.drain_workers("there")

    engine.resume_workers(host="web-1")

    assert drains(engine) == ["worker:there"]


def test_the_drain_of_a_worker_is_forgotten_with_it_and_that_of_its_host_is_not(engine: Engine) -> None:
    sign_on(engine, "gone", silent_for=timedelta(hours=2))
    sign_on(engine, "dead")
    for drained in ("gone", "dead"):
        engine.drain_workers(drained)
    engine.drain_workers(host="web-1")

    retention.remove_old_tasks(engine.database, older_than=timedelta(days=1))
    engine.worker_lost("dead")

    assert engine.workers() == []
    assert drains(engine) == ["host:web-1"]


def test_a_worker_that_has_done_its_share_of_tasks_retires_with_what_it_runs(engine: Engine, gate: Gate) -> None:
    with working(engine, recycle_after_tasks=3) as worker:
        running = engine.enqueue(wait_cooperatively, "gate")
        assert gate.begun.wait(20)
        for number in range(3):
            engine.enqueue(echo, number).wait(20)
        eventually(lambda: state_of(engine) == "retiring")
        left = engine.enqueue(repeatable)

        assert not worker.has_retired()
        gate.open.set()
        assert running.wait(20).state == "finished"
        eventually(worker.has_retired)
        assert left.state == "waiting"

    with working(engine, "next@test"):
        assert left.wait(20).worker_name == "next@test"


def test_a_worker_that_holds_too_much_memory_retires_but_not_before_it_has_run_anything(engine: Engine) -> None:
    with working(engine, recycle_rss_mb=1) as worker:
        beat = engine.workers()[0].beat
        eventually(lambda: engine.workers()[0].beat > beat)
        assert not worker.is_retiring

        engine.enqueue(echo, 1).wait(20)

        eventually(worker.has_retired)


def test_a_task_that_outgrows_its_memory_is_stopped_with_an_error_of_its_own_and_the_worker_retires(
    engine: Engine, gate: Gate
) -> None:
    assert gate is not None
    limits = {"*.grow": 1}
    with working(engine, memory_limits_mb=limits) as worker:
        grower = engine.enqueue(grow)
        innocent = engine.enqueue(wait_cooperatively, "gate")
        assert gate.begun.wait(20)

        with pytest.raises(TaskFailed, match="the limit while a") as caught:
            grower.wait(20)

        assert caught.value.data["error"]["code"] == "PLP2017"  # type: ignore[index,call-overload]
        assert worker.is_retiring
        gate.open.set()
        assert innocent.wait(20).state == "finished"


def test_a_lost_workers_tasks_are_shown_until_they_are_handed_on(engine: Engine) -> None:
    sign_on(engine, "victim")
    handle = engine.enqueue(repeatable)
    take(engine.database, "victim")
    assert engine.workers()[0].tasks == (handle.task_id,)

    engine.worker_lost("victim")

    assert handle.state == "waiting"
    assert engine.workers() == []


def drains(engine: Engine) -> list[str]:
    return [row[0] for row in engine.database.rows("SELECT target FROM worker_drain ORDER BY target")]


@entrepot.task
def grow() -> None:
    """Hold ever more memory until it is stopped."""
    held = bytearray()
    while True:
        held += b"x" * 100_000
        entrepot.checkpoint()
        threading.Event().wait(0.001)
