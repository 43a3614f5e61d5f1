"""Steps 1 and 2 of the walk of a task."""

from __future__ import annotations

import pytest

from entrepot.engine import Engine
from entrepot.errors import InvalidValue, UnknownTaskType
from entrepot.tasking import readiness
from entrepot.tasking.completion import Outcome, complete

from .conftest import echo, hold, read, repeatable, take


def finish(engine: Engine, claim: object) -> None:
    with engine.database.transaction():
        completed = complete(engine.database, [Outcome(claim, "finished")])  # type: ignore[arg-type]
        readiness.make_successors_ready(engine.database, completed.released)


def ready_ids(engine: Engine) -> list[str]:
    rows = engine.database.rows("SELECT task_id FROM task WHERE state = 'waiting' AND ready_at IS NOT NULL ORDER BY id")
    return [row[0] for row in rows]


def test_a_task_exists_only_if_the_callers_transaction_commits(engine: Engine) -> None:
    with pytest.raises(RuntimeError, match="changed my mind"), engine.transaction():
        engine.enqueue(echo, 1)
        raise RuntimeError("changed my mind")

    assert engine.tasks.list() == []


def test_the_callers_own_rows_and_the_task_commit_together(engine: Engine) -> None:
    engine.database.execute("CREATE TABLE orders (name TEXT)")

    with engine.transaction() as database:
        database.execute("INSERT INTO orders (name) VALUES (?)", ("a",))
        handle = engine.enqueue(echo, "a")

    assert engine.database.rows("SELECT name FROM orders") == [("a",)]
    assert handle.state == "waiting"


def test_a_second_exclusive_task_waits_and_is_released_by_the_first(engine: Engine) -> None:
    first, second = engine.enqueue(hold, "a"), engine.enqueue(hold, "a")
    assert ready_ids(engine) == [first.task_id]

    [claim] = take(engine.database)
    finish(engine, claim)

    assert ready_ids(engine) == [second.task_id]


def test_readers_share_and_a_writer_waits_for_all_of_them(engine: Engine) -> None:
    readers = [engine.enqueue(read, "a"), engine.enqueue(read, "a")]
    writer = engine.enqueue(hold, "a")
    late_reader = engine.enqueue(read, "a")
    assert ready_ids(engine) == [reader.task_id for reader in readers]

    first, second = take(engine.database)
    finish(engine, first)
    assert ready_ids(engine) == []
    finish(engine, second)
    assert ready_ids(engine) == [writer.task_id]
    finish(engine, take(engine.database)[0])
    assert ready_ids(engine) == [late_reader.task_id]


def test_a_task_on_several_resources_waits_for_each_of_them(engine: Engine) -> None:
    engine.enqueue(hold, "a")
    engine.enqueue(hold, "b")
    both = engine.enqueue(hold, "a", "b")
    behind = engine.enqueue(hold, "b")

    on_a, on_b = take(engine.database)
    finish(engine, on_b)
    assert ready_ids(engine) == []
    finish(engine, on_a)
    assert ready_ids(engine) == [both.task_id]
    finish(engine, take(engine.database)[0])
    assert ready_ids(engine) == [behind.task_id]


def test_canceling_a_waiting_writer_lets_the_readers_behind_it_pass(engine: Engine) -> None:
    engine.enqueue(read, "a")
    writer = engine.enqueue(hold, "a")
    behind = [engine.enqueue(read, "a"), engine.enqueue(read, "a")]
    take(engine.database)

    assert writer.cancel()

    assert ready_ids(engine) == [handle.task_id for handle in behind]
    assert writer.report().is_final


def test_the_sweep_finds_a_task_whose_wake_up_was_lost(engine: Engine) -> None:
    handle = engine.enqueue(hold, "a")
    blocked = engine.enqueue(hold, "a")
    engine.database.execute("UPDATE task SET ready_at = NULL")

    assert readiness.sweep(engine.database, lambda _: None) == 1

    assert ready_ids(engine) == [handle.task_id]
    assert blocked.state == "waiting"


def test_the_same_idempotency_key_returns_the_same_task(engine: Engine) -> None:
    first = engine.enqueue(repeatable, idempotency_key="once")
    second = engine.enqueue(repeatable, idempotency_key="once")

    assert first.task_id == second.task_id
    assert len(engine.tasks.list()) == 1
    assert engine.database.row("SELECT count(*) FROM reservation") == (1,)


def test_arguments_that_are_no_json_are_refused_and_nothing_is_kept(engine: Engine) -> None:
    with pytest.raises(InvalidValue, match="must be JSON"):
        engine.enqueue(echo, {1, 2})

    assert engine.tasks.list() == []


def test_a_function_that_is_no_task_is_refused_with_advice(engine: Engine) -> None:
    with pytest.raises(UnknownTaskType, match=r"put @entrepot\.task above it"):
        engine.enqueue(ready_ids)


def test_tasks_are_found_by_state_and_by_all_of_their_tags(engine: Engine) -> None:
    both = engine.enqueue(hold, "a", "b")
    engine.enqueue(hold, "a")

    assert [report.task_id for report in engine.tasks.list(tags=["on:a", "on:b"])] == [both.task_id]
    assert len(engine.tasks.list(tags=["on:a"], states=["waiting"])) == 2
    assert engine.tasks.list(states=["running"]) == []


def test_task_ids_sort_in_the_order_of_time(engine: Engine) -> None:
    handles = [engine.enqueue(echo, number) for number in range(5)]

    listed = [report.task_id for report in engine.tasks.list()]

    assert listed == [handle.task_id for handle in reversed(handles)]
    assert handles[0].task_id[:13] <= handles[-1].task_id[:13]
