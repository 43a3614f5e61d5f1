"""A worker in threads of this process: the whole walk of a task."""

from __future__ import annotations

from datetime import timedelta

import pytest

import entrepot
from entrepot.engine import Engine
from entrepot.errors import MissingResource, TaskCanceled, TaskFailed, WaitTimeout
from entrepot.tasking import TaskType, retention
from entrepot.tasking.worker import Worker

from .conftest import (
    Gate,
    echo,
    fail,
    fail_unprintably,
    hold,
    leave,
    overrun,
    spawn_two,
    wait_cooperatively,
    wait_stubbornly,
)

pytestmark = pytest.mark.usefixtures("worker")


def test_a_result_comes_back(engine: Engine) -> None:
    report = engine.enqueue(echo, {"a": [1, None]}).wait(20)

    assert report.result == {"a": [1, None]}
    assert (report.state, report.worker_name, report.attempt) == ("finished", "worker@test", 1)
    assert report.started is not None
    assert report.finished is not None
    assert report.created <= report.started <= report.finished


def test_an_exception_becomes_the_tasks_error_with_its_traceback(engine: Engine) -> None:
    handle = engine.enqueue(fail, "disk gone")

    with pytest.raises(TaskFailed, match="disk gone"):
        handle.wait(20)

    report = handle.report()
    assert report.error == {"code": "PLP0000", "description": "disk gone", "data": {}, "sub_errors": []}
    assert report.traceback is not None
    assert report.traceback.rstrip().endswith("ValueError: disk gone")


def test_a_task_of_an_unknown_type_ends_in_an_error_that_says_what_to_do(engine: Engine) -> None:
    with Engine(settings=engine.settings) as other:
        other.registry.add(TaskType("shop.ship", print))

        with pytest.raises(TaskFailed, match="ENTREPOT_TASK_MODULES") as caught:
            other.enqueue("shop.ship").wait(20)

    assert caught.value.data["error"]["code"] == "PLP2015"  # type: ignore[index,call-overload]


def test_an_error_that_no_database_can_keep_does_not_stop_the_worker(engine: Engine) -> None:
    handle = engine.enqueue(fail_unprintably)

    with pytest.raises(TaskFailed):
        handle.wait(20)

    assert "\\x00" in str(handle.report().traceback)
    assert engine.enqueue(echo, 1).wait(20).result == 1


def test_a_task_that_calls_sys_exit_ends_in_an_error_that_says_so(engine: Engine) -> None:
    with pytest.raises(TaskFailed, match=r"called sys\.exit\(3\)"):
        engine.enqueue(leave).wait(20)


def test_waiting_gives_up_after_its_timeout_and_the_task_goes_on(engine: Engine, gate: Gate) -> None:
    handle = engine.enqueue(wait_cooperatively, "gate")

    with pytest.raises(WaitTimeout, match="it goes on"):
        handle.wait(0.05)

    gate.open.set()
    assert handle.wait(20).state == "finished"


def test_a_running_task_stops_at_its_next_checkpoint_when_canceled(engine: Engine, gate: Gate) -> None:
    handle = engine.enqueue(wait_cooperatively, "gate")
    assert gate.begun.wait(20)

    handle.cancel()

    with pytest.raises(TaskCanceled):
        handle.wait(20)
    assert not gate.open.is_set()


def test_a_task_without_checkpoints_is_stopped_by_an_exception_in_its_thread(engine: Engine, gate: Gate) -> None:
    handle = engine.enqueue(wait_stubbornly, "gate")
    successor = engine.enqueue(hold, "gate")
    assert gate.begun.wait(20)

    handle.cancel()

    with pytest.raises(TaskCanceled):
        handle.wait(20)
    assert successor.wait(20).state == "finished"


@pytest.mark.usefixtures("gate")
def test_a_task_that_overruns_its_time_limit_ends_in_error(engine: Engine) -> None:
    with pytest.raises(TaskFailed, match=r"longer than its limit of 0\.1 s"):
        engine.enqueue(overrun, "gate").wait(20)


def test_spawned_tasks_are_listed_in_their_parents_report(engine: Engine) -> None:
    parent = engine.enqueue(spawn_two)
    report = parent.wait(20)

    children = [engine.tasks.handle(task_id).wait(20) for task_id in report.spawned]

    assert [child.result for child in children] == [1, 2]
    assert {child.parent for child in children} == {parent.task_id}


def test_a_group_counts_and_waits_for_its_tasks(engine: Engine) -> None:
    group = engine.group()
    for number in range(3):
        engine.enqueue(echo, number, group=group)
    engine.enqueue(fail, "one of four", group=group)

    summary = group.wait(20)

    assert (summary["finished"], summary["error"], summary["waiting"], summary["total"]) == (3, 1, 0, 4)


def test_canceling_a_group_ends_all_of_its_tasks(engine: Engine, gate: Gate) -> None:
    group = engine.group()
    engine.enqueue(wait_cooperatively, "gate", group=group)
    engine.enqueue(hold, "gate", group=group)
    assert gate.begun.wait(20)

    assert group.cancel() == 2

    assert group.wait(20)["canceled"] == 2


def test_watching_yields_each_change_and_ends_with_the_final_report(engine: Engine, gate: Gate) -> None:
    handle = engine.enqueue(wait_cooperatively, "gate")
    states = []
    for report in handle.watch(20):
        states.append(report.state)
        if report.state == "running":
            gate.open.set()

    assert states[-1] == "finished"
    assert "running" in states


def test_progress_is_shown_and_the_last_report_is_kept(engine: Engine) -> None:
    report = engine.enqueue(count_to_three).wait(20)

    assert report.progress == {"counter": 3}


def test_a_result_that_is_too_large_is_a_clear_error(engine: Engine) -> None:
    with pytest.raises(TaskFailed, match="the limit is 1,000,000"):
        engine.enqueue(return_much).wait(20)


def test_old_finished_tasks_are_removed_and_waiting_ones_never(engine: Engine, gate: Gate) -> None:
    done = engine.enqueue(hold, "x")
    done.wait(20)
    engine.enqueue(wait_cooperatively, "gate")
    waiting = engine.enqueue(hold, "gate")
    engine.database.execute("UPDATE task SET created_at = 0")
    engine.database.execute("UPDATE task SET finished_at = 1 WHERE finished_at IS NOT NULL")

    assert retention.remove_old_tasks(engine.database, older_than=timedelta(days=1)) == 1

    with pytest.raises(MissingResource):
        done.report()
    assert waiting.state == "waiting"
    assert engine.tasks.list(tags=["on:x"]) == []
    gate.open.set()
    assert waiting.wait(20).state == "finished"


def test_the_worker_is_listed_as_alive(engine: Engine, worker: Worker) -> None:
    [report] = engine.workers()

    assert (report.name, report.threads, report.alive) == (worker.name, 4, True)


@entrepot.task
def count_to_three() -> None:
    """Report progress three times, faster than it is written."""
    for number in (1, 2, 3):
        entrepot.current_task().progress({"counter": number})


@entrepot.task
def return_much() -> str:
    """Return more than the limit."""
    return "x" * 1_000_001


def test_progress_given_as_a_function_is_kept_too(engine: Engine) -> None:
    report = engine.enqueue(count_lazily).wait(20)

    assert report.progress == {"counter": 3}


@entrepot.task
def count_lazily() -> None:
    """Report progress by functions, faster than it is written."""
    for number in (1, 2, 3):
        entrepot.current_task().progress(lambda number=number: {"counter": number})  # type: ignore[misc]
