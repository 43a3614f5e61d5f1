"""Each promise at the one moment that decides it, without chance: what `test_mutations` turns red."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from entrepot import Call, failpoints
from entrepot.errors import Canceled, LeaseLost
from entrepot.schedules import due as clockwork
from entrepot.tasking import completion, due, lease
from entrepot.tasking.completion import Outcome
from entrepot.tasking.context import TaskContext, running
from entrepot.tasking.lease import Claim

from .effects import repeatable, scheduled
from .process import PATIENCE, wait_for
from .stage import Stage

LEASE = timedelta(seconds=30)

only_with_redis = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


def enqueue(stage: Stage, number: int, *uses: str) -> str:
    """Enqueue a task, and return its id."""
    return stage.engine.enqueue(repeatable, number, list(uses), 0).task_id


def take(stage: Stage, owner: str = "somebody") -> list[Claim]:
    """Claim all that is ready, as a worker of this name."""
    with stage.engine.database.transaction(durable=False):
        return lease.claim(stage.engine.database, owner, limit=10, lease=LEASE)


def finish(stage: Stage, claim: Claim) -> None:
    """End a run with the result 1."""
    completion.settle(stage.engine.database, Outcome(claim, "finished", result="1"), stage.engine.doorbell.ring)


def context(stage: Stage, claim: Claim) -> TaskContext:
    """What the function of this claim has at hand."""
    return TaskContext(claim, stage.engine.tasks, lease=LEASE, max_bytes=1000)


def taken_over(stage: Stage) -> tuple[Claim, Claim]:
    """Return the claim of a worker that was taken for dead, and that of the worker which has the task now."""
    enqueue(stage, 1, "line:1")
    [lost] = take(stage, "first")
    stage.engine.worker_lost("first")
    [held] = take(stage, "second")
    return lost, held


def test_a_runner_that_lost_its_lease_ends_nothing(stage: Stage) -> None:
    lost, held = taken_over(stage)

    finish(stage, lost)

    report = stage.engine.tasks.get(held.task_id)
    assert (report.state, report.worker_name, report.result) == ("running", "second", None)
    assert stage.rows("SELECT resource FROM reservation") == [("line:1",)]
    finish(stage, held)
    assert stage.engine.tasks.get(held.task_id).state == "finished"


@pytest.mark.parametrize(
    "deed",
    [
        lambda task: task.progress({"percent": 50}),
        lambda task: task.spawn(repeatable, 2, [], 0),
        lambda task: task.transaction().__enter__(),
    ],
    ids=["progress", "spawn", "transaction"],
)
def test_a_runner_that_lost_its_lease_writes_nothing(stage: Stage, deed: Callable[[TaskContext], object]) -> None:
    lost, held = taken_over(stage)

    task = context(stage, lost)
    with running(task), pytest.raises(LeaseLost):
        deed(task)

    report = stage.engine.tasks.get(held.task_id)
    assert (report.state, report.worker_name, report.progress, report.spawned) == ("running", "second", {}, ())


def test_a_runner_that_lost_its_lease_can_neither_renew_it_nor_hand_it_back(stage: Stage) -> None:
    lost, held = taken_over(stage)

    assert lease.renew(stage.engine.database, [lost, held], lease=LEASE) == [lost]
    lease.hand_back(stage.engine.database, [lost.fence])
    assert stage.engine.tasks.get(held.task_id).worker_name == "second"


def enqueue_alone(stage: Stage) -> set[str]:
    return {enqueue(stage, 1)}


def enqueue_many(stage: Stage) -> set[str]:
    return {handle.task_id for handle in stage.engine.enqueue_many([Call(repeatable, (number, [], 0)) for number in (1, 2)])}


@only_with_redis
@pytest.mark.parametrize("how", [enqueue_alone, enqueue_many])
def test_no_bell_rings_before_the_commit(stage: Stage, how: Callable[[Stage], set[str]]) -> None:
    with stage.engine.transaction():
        tasks = how(stage)
        assert stage.bells() == set()

    assert stage.bells() == tasks


@only_with_redis
@pytest.mark.parametrize("how", [enqueue_alone, enqueue_many])
def test_no_bell_rings_for_what_was_rolled_back(stage: Stage, how: Callable[[Stage], set[str]]) -> None:
    with pytest.raises(ZeroDivisionError), stage.engine.transaction():
        how(stage)
        raise ZeroDivisionError

    assert stage.bells() == set()


@only_with_redis
def test_a_bell_rings_for_who_comes_to_the_front_after_the_commit(stage: Stage) -> None:
    first, second = enqueue(stage, 1, "line:1"), enqueue(stage, 2, "line:1")
    stage.engine.tasks.cancel(first)

    assert stage.bells() == {first, second}
    assert stage.standing() == []


@pytest.mark.parametrize("how", ["alone", "together", "many", "due"])
def test_tasks_that_are_enqueued_at_the_same_time_stand_in_one_line(stage: Stage, how: str) -> None:
    engine = stage.engine
    if how == "due":
        engine.enqueue(repeatable, 2, ["line:1"], 0, not_before=timedelta(hours=1))
        engine.database.execute("UPDATE task SET not_before = 1")
    is_in, may_commit = threading.Event(), threading.Event()

    def come_first() -> None:
        with engine.visit(), engine.transaction():
            engine.enqueue(repeatable, 1, ["line:1"], 0)
            is_in.set()
            may_commit.wait(PATIENCE)

    def come_second() -> None:
        with engine.visit():
            if how == "alone":
                engine.enqueue(repeatable, 2, ["line:1"], 0)
            elif how == "together":
                with engine.transaction():
                    engine.enqueue(repeatable, 2, ["line:1"], 0)
            elif how == "many":
                engine.enqueue_many([Call(repeatable, (2, ["line:1"], 0))])
            else:
                due.make_due(engine.database, engine.doorbell.ring)

    first, second = threading.Thread(target=come_first), threading.Thread(target=come_second)
    first.start()
    is_in.wait(PATIENCE)
    second.start()
    wait_for(lambda: is_waiting(stage) or not second.is_alive(), "the second waits for the first, or does not")
    may_commit.set()
    first.join()
    second.join()

    assert [claim.arguments for claim in take(stage)] == ['[[1,["line:1"],0],{}]']
    assert stage.standing() == []


def is_waiting(stage: Stage) -> bool:
    """Whether a connection to this database waits for another; on SQLite nothing tells, and nothing runs side by side."""
    if stage.engine.database.serialises_writers:
        return True
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return stage.rows(query) != [(0,)]


def test_the_ended_hold_nothing_and_the_next_in_line_runs(stage: Stage) -> None:
    enqueue(stage, 1, "line:1")
    second = enqueue(stage, 2, "line:1")
    [claim] = take(stage)

    finish(stage, claim)

    assert stage.standing() == []
    assert [claim.task_id for claim in take(stage)] == [second]


def test_a_task_runs_when_it_is_first_in_every_line(stage: Stage) -> None:
    enqueue(stage, 1, "line:1")
    enqueue(stage, 2, "line:2")
    third = enqueue(stage, 3, "line:1", "line:2")
    one, other = take(stage)

    finish(stage, one)

    assert take(stage) == []
    finish(stage, other)
    assert [claim.task_id for claim in take(stage)] == [third]


def test_a_canceled_task_does_not_end_as_finished(stage: Stage) -> None:
    task_id = enqueue(stage, 1, "line:1")
    [claim] = take(stage)
    stage.engine.tasks.cancel(task_id)

    finish(stage, claim)

    report = stage.engine.tasks.get(task_id)
    assert (report.state, report.is_final) == ("canceled", True)
    assert stage.standing() == []


def test_a_canceled_task_is_not_run_again_by_a_rescue(stage: Stage) -> None:
    task_id = enqueue(stage, 1, "line:1")
    [claim] = take(stage)
    stage.engine.tasks.cancel(task_id)

    stage.engine.worker_lost(claim.owner)

    report = stage.engine.tasks.get(task_id)
    assert (report.state, report.is_final) == ("canceled", True)
    assert take(stage) == []


def test_a_canceled_task_spawns_no_more(stage: Stage) -> None:
    task_id = enqueue(stage, 1)
    [claim] = take(stage)
    stage.engine.tasks.cancel(task_id, with_spawned=True)

    task = context(stage, claim)
    with running(task), pytest.raises(Canceled):
        task.spawn(repeatable, 2, [], 0)

    assert take(stage) == []


def test_an_instant_that_two_rounds_have_found_due_is_fired_once(stage: Stage) -> None:
    schedules = stage.engine.schedules
    schedules.create_task("PT1H", scheduled, [0], overlap="queue")
    found = [id_ for (id_,) in stage.rows("SELECT id FROM schedule")]

    counts = [schedules.go_round(), clockwork._enqueue(schedules._house, found)]

    assert counts == [1, 0]
    assert stage.rows("SELECT count(*) FROM task") == [(1,)]


@pytest.mark.parametrize(
    ("point", "tasks"),
    [("schedules.held", 0), ("schedules.enqueued", 0), ("schedules.written", 0), ("schedules.committed", 1)],
)
def test_a_task_and_the_next_run_of_its_schedule_are_written_together(
    stage: Stage, point: str, tasks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.engine.schedules.create_task("PT1H", scheduled, [0])
    monkeypatch.setattr(failpoints, "_armed", failpoints._read_environment(f"{point}=raise"))

    with pytest.raises(OSError, match=point):
        stage.engine.schedules.go_round()

    assert stage.rows("SELECT count(*) FROM task") == [(tasks,)]
    assert stage.engine.schedules.go_round() == 1 - tasks
    assert stage.rows("SELECT total_run_count FROM schedule") == [(1,)]


def test_the_end_of_a_run_is_counted_once_though_a_round_broke_off(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    schedules = stage.engine.schedules
    made = schedules.create_task("PT1H", scheduled, [0], failure_threshold=2)
    schedules.go_round()
    [claim] = take(stage)
    completion.settle(stage.engine.database, Outcome(claim, "error"), stage.engine.doorbell.ring)
    monkeypatch.setattr(failpoints, "_armed", failpoints._read_environment("schedules.counted=raise"))

    with pytest.raises(OSError, match=r"schedules\.counted"):
        schedules.go_round()

    assert schedules.get(made.schedule_id).consecutive_failures == 0
    schedules.go_round()
    schedules.go_round()
    assert schedules.get(made.schedule_id).consecutive_failures == 1
