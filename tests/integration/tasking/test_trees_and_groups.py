"""Tasks that are canceled together: a task with all that it spawned, and the tasks of a group; also under races."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

import entrepot
from entrepot.engine import Engine
from entrepot.errors import Canceled, MissingResource, OperationConflict
from entrepot.tasking import STATES, TaskContext, TaskHandle
from entrepot.tasking.completion import Outcome, settle
from entrepot.tasking.context import running
from entrepot.tasking.worker import Worker
from entrepot.testing import drain

from .conftest import (
    LEASE,
    Gate,
    echo,
    eventually,
    hold,
    is_waited_for,
    take,
    wait_cooperatively,
)


@entrepot.task
def spawn_tree(depth: int) -> None:
    """Enqueue two tasks like this one, down to those that wait for the zoo."""
    for _ in range(2):
        if depth:
            entrepot.current_task().spawn(spawn_tree, depth - 1)
        else:
            entrepot.current_task().spawn(hold, "zoo")


@entrepot.task
def spawn_for_ever(depth: int) -> None:
    """Enqueue tasks that wait for the gate, and one like this one, until it is canceled."""
    context = entrepot.current_task()
    if depth:
        context.spawn(spawn_for_ever, depth - 1)
    while True:
        context.spawn(hold, "gate")


@contextmanager
def run_by_hand(engine: Engine, handle: TaskHandle) -> Iterator[TaskContext]:
    """Be the worker that runs the task, which must be ready."""
    (claim,) = (claim for claim in take(engine.database) if claim.task_id == handle.task_id)
    context = TaskContext(claim, engine.tasks, lease=LEASE, max_bytes=1_000)
    with running(context):
        yield context


def in_thread(engine: Engine, function: Callable[[], object]) -> threading.Thread:
    """Start `function` in a thread that closes its connection."""

    def run() -> None:
        with engine.visit():
            function()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def states(engine: Engine) -> dict[str, int]:
    """Count all tasks by state."""
    return dict(engine.database.rows("SELECT state, COUNT(*) FROM task GROUP BY state"))


def held_tree(engine: Engine) -> TaskHandle:
    """Run a tree of one root, two branches and four leaves, whose leaves wait behind a task that runs."""
    engine.enqueue(hold, "zoo")
    take(engine.database)
    root = engine.enqueue(spawn_tree, 1)
    assert drain(engine) == 3
    return root


def test_what_a_task_spawned_and_what_those_spawned_is_canceled_with_it(engine: Engine) -> None:
    root = held_tree(engine)
    stranger = engine.enqueue(hold, "zoo")

    assert root.cancel(with_spawned=True)

    assert states(engine) == {"running": 1, "finished": 3, "canceled": 4, "waiting": 1}
    assert stranger.state == "waiting"
    assert engine.database.row("SELECT COUNT(*) FROM reservation") == (2,)


def test_without_being_asked_only_the_task_itself_is_canceled(engine: Engine) -> None:
    root = held_tree(engine)

    assert not root.cancel()

    assert states(engine) == {"running": 1, "finished": 3, "waiting": 4}


def test_canceling_a_tree_twice_cancels_nothing_more(engine: Engine) -> None:
    root = held_tree(engine)
    root.cancel(with_spawned=True)

    assert not root.cancel(with_spawned=True)


def test_the_service_cancels_a_tree_and_returns_the_report_of_its_root(engine: Engine) -> None:
    root = engine.enqueue(echo, 1)
    with run_by_hand(engine, root) as context:
        child = context.spawn(echo, 2)

    report = engine.tasks.cancel(root.task_id, with_spawned=True)

    assert (report.task_id, report.state, report.finished) == (root.task_id, "canceled", None)
    assert child.report().is_final


def test_the_next_in_line_is_ready_once_a_tree_is_canceled(engine: Engine) -> None:
    root = engine.enqueue(echo, 1)
    with run_by_hand(engine, root) as context:
        for _ in range(3):
            context.spawn(hold, "zoo")
    stranger = engine.enqueue(hold, "zoo")

    root.cancel(with_spawned=True)

    assert [claim.task_id for claim in take(engine.database)] == [stranger.task_id]


def test_more_descendants_than_fit_in_one_transaction_are_canceled(engine: Engine) -> None:
    root = engine.enqueue(echo, 1)
    with run_by_hand(engine, root):
        engine.enqueue_many([entrepot.Call(hold, ("zoo",)) for _ in range(1_200)])

    root.cancel(with_spawned=True)

    assert states(engine) == {"canceled": 1_201}


def test_the_tree_of_an_unknown_task_is_missing(engine: Engine) -> None:
    with pytest.raises(MissingResource):
        engine.tasks.cancel("nothing", with_spawned=True)


def test_a_canceled_task_spawns_no_more(engine: Engine) -> None:
    root = engine.enqueue(echo, 1)
    with run_by_hand(engine, root) as context:
        root.cancel(with_spawned=True)

        with pytest.raises(Canceled):
            context.spawn(hold, "zoo")

    assert states(engine) == {"canceled": 1}


def test_a_child_that_is_being_spawned_while_the_tree_is_canceled_is_canceled_too(engine: Engine) -> None:
    root = engine.enqueue(echo, 1)
    with run_by_hand(engine, root) as context:
        with engine.database.transaction():
            child = context.spawn(hold, "zoo")
            thread = in_thread(engine, lambda: root.cancel(with_spawned=True))
            eventually(lambda: not thread.is_alive() or is_waited_for(engine))
        thread.join()

    assert child.state == "canceled"
    assert states(engine) == {"canceled": 2}


def test_a_grandchild_that_is_being_spawned_while_the_tree_is_canceled_is_canceled_too(engine: Engine) -> None:
    root = engine.enqueue(echo, 1)
    with run_by_hand(engine, root) as context:
        child = context.spawn(echo, 2)
    with run_by_hand(engine, child) as context:
        with engine.database.transaction():
            grandchild = context.spawn(hold, "zoo")
            thread = in_thread(engine, lambda: root.cancel(with_spawned=True))
            eventually(lambda: not thread.is_alive() or is_waited_for(engine))
        thread.join()

    assert (child.state, grandchild.state) == ("canceled", "canceled")


def test_no_child_survives_although_tasks_spawn_all_the_time_while_their_tree_is_canceled(
    engine: Engine, worker: Worker, gate: Gate
) -> None:
    engine.enqueue(wait_cooperatively, "gate")
    for _ in range(3):
        root = engine.enqueue(spawn_for_ever, 2)
        eventually(lambda: len(engine.tasks.list(states=["waiting"], limit=40)) == 40)

        root.cancel(with_spawned=True)

        assert states(engine).get("waiting", 0) == 0
        assert states(engine)["running"] == 1  # who holds the gate
        eventually(lambda: engine.database.row("SELECT COUNT(*) FROM task WHERE finished_at IS NULL") == (1,))
        assert states(engine).keys() == {"running", "canceled"}


def cancel_alone(engine: Engine, handle: TaskHandle) -> bool:
    return handle.cancel()


def cancel_as_tree(engine: Engine, handle: TaskHandle) -> bool:
    return handle.cancel(with_spawned=True)


def cancel_as_group(engine: Engine, handle: TaskHandle) -> bool:
    group_id = handle.report().group_id
    assert group_id is not None
    return engine.tasks.get_group(group_id).cancel() > 0


CANCELS = pytest.mark.parametrize("cancel", [cancel_alone, cancel_as_tree, cancel_as_group])


@CANCELS
def test_a_cancel_that_meets_a_claim_cancels_the_task_as_a_running_one(
    engine: Engine, cancel: Callable[[Engine, TaskHandle], bool]
) -> None:
    handle = engine.enqueue(hold, "zoo", group=engine.group())
    answers: list[bool] = []

    with engine.database.transaction():
        assert len(take(engine.database)) == 1
        thread = in_thread(engine, lambda: answers.append(cancel(engine, handle)))
        eventually(lambda: not thread.is_alive() or is_waited_for(engine))
    thread.join()

    assert answers == [True]
    assert (handle.state, handle.report().finished) == ("canceled", None)
    assert engine.database.row("SELECT COUNT(*) FROM reservation") == (1,)


@CANCELS
def test_a_cancel_that_meets_the_end_of_a_task_changes_nothing(
    engine: Engine, cancel: Callable[[Engine, TaskHandle], bool]
) -> None:
    handle = engine.enqueue(hold, "zoo", group=engine.group())
    (claim,) = take(engine.database)
    answers: list[bool] = []

    with engine.database.transaction():
        settle(engine.database, Outcome(claim, "finished", result="1"), ring=lambda _: None)
        thread = in_thread(engine, lambda: answers.append(cancel(engine, handle)))
        eventually(lambda: not thread.is_alive() or is_waited_for(engine))
    thread.join()

    assert answers == [False]
    assert (handle.state, handle.report().result) == ("finished", 1)


def test_a_group_counts_its_tasks_as_pulp_does(engine: Engine) -> None:
    group = engine.group()
    for _ in range(3):
        engine.enqueue(hold, "zoo", group=group)
    take(engine.database)
    group.handles()[2].cancel()

    summary = group.summary()

    assert summary == dict.fromkeys(STATES, 0) | {"running": 1, "waiting": 1, "canceled": 1, "total": 3}


def test_a_task_in_no_group_is_added_to_one(engine: Engine) -> None:
    group = engine.group()
    handle = engine.enqueue(echo, 1)

    group.add(handle)

    assert handle.report().group_id == group.group_id
    assert [member.task_id for member in group.handles()] == [handle.task_id]


def test_a_task_is_in_one_group_at_most(engine: Engine) -> None:
    first, second = engine.group(), engine.group()
    handle = engine.enqueue(echo, 1, group=first)

    with pytest.raises(OperationConflict, match=f"is in group {first.group_id} already"):
        second.add(handle)
    with pytest.raises(OperationConflict, match="is in this group already"):
        first.add(handle)

    assert (first.summary()["total"], second.summary()["total"]) == (1, 0)


def test_an_unknown_task_is_added_to_no_group(engine: Engine) -> None:
    with pytest.raises(MissingResource):
        engine.group().add(engine.tasks.handle("nothing"))


def test_canceling_a_group_ends_what_waits_and_tells_what_runs(engine: Engine) -> None:
    group, other = engine.group(), engine.group()
    handles = [engine.enqueue(hold, "zoo", group=group) for _ in range(3)]
    stranger = engine.enqueue(hold, "zoo", group=other)
    take(engine.database)

    assert group.cancel() == 3

    assert [handle.report().is_final for handle in handles] == [False, True, True]
    assert group.summary()["canceled"] == 3
    assert stranger.state == "waiting"
    assert group.cancel() == 0


def test_a_group_of_many_tasks_on_one_resource_is_canceled_and_none_becomes_ready_meanwhile(engine: Engine) -> None:
    group = engine.group()
    engine.enqueue(hold, "zoo")
    take(engine.database)
    engine.enqueue_many([entrepot.Call(hold, ("zoo",)) for _ in range(1_200)], group=group)

    assert group.cancel() == 1_200

    assert group.summary()["canceled"] == 1_200
    assert engine.database.row("SELECT COUNT(*) FROM task WHERE ready_at IS NOT NULL") == (1,)
    assert engine.database.row("SELECT COUNT(*) FROM reservation") == (1,)


def test_tasks_that_are_added_while_their_group_is_canceled_are_canceled_as_well(engine: Engine) -> None:
    group = engine.group()
    engine.enqueue(hold, "zoo", group=group)
    (claim,) = take(engine.database)
    with engine.database.transaction():  # keeps the row that the cancel is to wait for
        engine.database.execute("UPDATE task SET progress = '{}' WHERE id = ?", (claim.id,))
        counts: list[int] = []
        thread = in_thread(engine, lambda: counts.append(group.cancel()))
        eventually(lambda: is_waited_for(engine))
        late = engine.enqueue(hold, "zoo", group=group)
    thread.join()

    assert counts == [2]
    assert late.state == "canceled"


def test_groups_are_listed_the_newest_first_with_their_counters(engine: Engine) -> None:
    groups = [engine.group() for _ in range(3)]
    engine.enqueue(echo, 1, group=groups[1])

    listed = engine.tasks.list_groups(limit=2)

    assert [report.group_id for report in listed] == [groups[2].group_id, groups[1].group_id]
    assert [report.summary["total"] for report in listed] == [0, 1]
    assert listed[1] == groups[1].report()


def test_the_tasks_of_a_group_are_listed(engine: Engine) -> None:
    group = engine.group()
    engine.enqueue(echo, 1)
    member = engine.enqueue(echo, 2, group=group)

    assert [report.task_id for report in engine.tasks.list(group=group.group_id)] == [member.task_id]
    with pytest.raises(MissingResource):
        engine.tasks.list(group="nothing")


def test_a_delayed_task_stays_in_its_group_and_its_tree_and_is_canceled_with_them(engine: Engine) -> None:
    group = engine.group()
    delayed = engine.enqueue(echo, 1, not_before=timedelta(hours=1), group=group)

    assert group.cancel() == 1

    assert delayed.report().is_final
