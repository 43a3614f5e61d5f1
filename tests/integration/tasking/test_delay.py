"""Delayed tasks: where they stand in line, and the moment they become due."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.models import Database
from entrepot.tasking import due, readiness
from entrepot.tasking.completion import Outcome, settle
from entrepot.tasking.delivery import Bell
from entrepot.tasking.lease import Claim
from entrepot.tasking.resources import Resource
from entrepot.tasking.submission import NewTask, submit

from .conftest import HOUR, come_due, echo, eventually, hold, is_waited_for, let_time_pass, ready_ids, take


def finish(engine: Engine, claim: Claim) -> None:
    settle(engine.database, Outcome(claim, "finished"), ring=lambda _: None)


def test_a_delayed_task_holds_up_nobody_before_it_is_due_and_then_stands_last_in_line(engine: Engine) -> None:
    delayed = engine.enqueue(hold, "a", "b", not_before=HOUR)
    first, second = engine.enqueue(hold, "a"), engine.enqueue(hold, "a", "b")
    assert ready_ids(engine) == [first.task_id]

    assert come_due(engine) == 1
    last = engine.enqueue(hold, "b")

    order = []
    for _ in range(4):
        [claim] = take(engine.database)
        order.append(claim.task_id)
        finish(engine, claim)
    assert order == [handle.task_id for handle in (first, second, delayed, last)]


def test_a_delayed_task_that_finds_its_resources_free_is_ready_when_it_is_due_and_its_bell_rings(engine: Engine) -> None:
    free = engine.enqueue(hold, "a", not_before=clock.now() + HOUR)
    engine.enqueue(hold, "b")
    engine.enqueue(hold, "b", not_before=HOUR)
    take(engine.database)

    bells: list[Bell] = []
    assert come_due(engine, bells) == 2

    assert bells == [Bell(free.task_id, "default")]
    assert [claim.task_id for claim in take(engine.database)] == [free.task_id]


def test_delayed_tasks_enter_their_line_in_the_order_of_their_moments(engine: Engine) -> None:
    minutes = [50, 10, 40, 20, 30]
    handles = {minute: engine.enqueue(hold, "a", not_before=timedelta(minutes=minute)) for minute in minutes}

    come_due(engine)

    rows = engine.database.rows("SELECT task_id FROM task ORDER BY id")
    assert [task_id for (task_id,) in rows] == [handles[minute].task_id for minute in sorted(minutes)]


def test_more_tasks_than_one_query_takes_become_due_in_one_round(engine: Engine) -> None:
    with engine.transaction():
        handles = [engine.enqueue(echo, number, not_before=HOUR) for number in range(due._BATCH * 2 + 1)]

    bells: list[Bell] = []
    assert come_due(engine, bells) == len(handles)

    assert sorted(bell.task_id for bell in bells) == sorted(handle.task_id for handle in handles)


def test_a_task_that_becomes_due_takes_all_that_it_is_to_its_new_row(engine: Engine) -> None:
    group = engine.group()
    query = "SELECT * FROM task ORDER BY id"
    handle = engine.enqueue(hold, "a", not_before=HOUR, group=group, idempotency_key="once")
    engine.enqueue(echo, 1)
    [before] = [row for row in engine.database.rows(query) if handle.task_id in row]

    come_due(engine)

    [after] = [row for row in engine.database.rows(query) if handle.task_id in row]
    columns = [column[0] for column in engine.database.execute(query).description]
    changed = {column for column, old, new in zip(columns, before, after, strict=True) if old != new}
    assert changed == {"id", "not_before", "reserves", "ready_at"}
    assert engine.database.rows("SELECT resource, task FROM reservation") == [("a", after[0])]
    assert [report.task_id for report in engine.tasks.list(tags=["on:a"])] == [handle.task_id]
    assert engine.database.row("SELECT count(*) FROM task_tag") == (1,)
    assert group.summary()["waiting"] == 1
    assert engine.enqueue(hold, "a", idempotency_key="once").task_id == handle.task_id


def test_a_delayed_task_that_is_shared_or_limited_enters_its_lines_as_such(engine: Engine) -> None:
    moment = clock.now_us() + clock.us(HOUR)
    reserves = (Resource("a", exclusive=False), Resource("limit:b", exclusive=False, capacity=2))
    submitted = [
        submit(engine.database, NewTask("any", resources=reserves, not_before=moment + number), lambda _: None)
        for number in range(3)
    ]

    bells: list[Bell] = []
    come_due(engine, bells)

    assert sorted(bell.task_id for bell in bells) == sorted(submitted[:2])
    rows = engine.database.rows("SELECT DISTINCT resource, exclusive, capacity FROM reservation ORDER BY resource")
    assert rows == [("a", False, None), ("limit:b", False, 2)]


def test_a_delayed_task_is_canceled_at_once(engine: Engine) -> None:
    handle = engine.enqueue(hold, "a", not_before=HOUR)

    assert handle.cancel()

    assert handle.report().is_final
    assert come_due(engine) == 0
    assert handle.state == "canceled"


def test_two_rounds_at_the_same_moment_make_each_task_due_once(engine: Engine) -> None:
    names = [f"line {number}" for number in range(40)]
    with engine.transaction():
        for name in names:
            engine.enqueue(hold, name, not_before=HOUR)
    let_time_pass(engine)
    barrier, counts = threading.Barrier(2), list[int]()

    def make_round() -> None:
        with engine.visit():
            barrier.wait()
            counts.append(due.make_due(engine.database, lambda _: None))

    threads = [threading.Thread(target=make_round) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    remaining = due.make_due(engine.database, lambda _: None)  # a round passes over what its rival has hold of

    assert sum(counts) + remaining == len(names)
    assert engine.database.rows("SELECT resource FROM reservation ORDER BY resource") == [(name,) for name in sorted(names)]
    assert len(ready_ids(engine)) == len(names)


def test_a_cancel_that_waits_for_a_task_becoming_due_cancels_it(engine: Engine) -> None:
    handle = engine.enqueue(hold, "a", not_before=HOUR)
    let_time_pass(engine)
    answers: list[bool] = []

    def cancel() -> None:
        with engine.visit():
            answers.append(handle.cancel())

    thread = threading.Thread(target=cancel)
    with engine.database.transaction():
        assert due.make_due(engine.database, lambda _: None) == 1
        thread.start()
        eventually(lambda: not thread.is_alive() or is_waited_for(engine))
    thread.join()

    assert answers == [True]
    assert handle.report().is_final
    assert engine.database.row("SELECT count(*) FROM reservation") == (0,)


def test_a_task_that_is_being_canceled_does_not_become_due(engine: Engine) -> None:
    handle = engine.enqueue(hold, "a", not_before=HOUR)
    let_time_pass(engine)
    counts: list[int] = []

    def make_round() -> None:
        with engine.visit():
            counts.append(due.make_due(engine.database, lambda _: None))

    thread = threading.Thread(target=make_round)
    with engine.database.transaction():
        handle.cancel()
        thread.start()
        eventually(lambda: not thread.is_alive() or is_waited_for(engine))
    thread.join()

    assert counts == [0]
    assert handle.state == "canceled"
    assert engine.database.row("SELECT count(*) FROM reservation") == (0,)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_task_that_comes_due_while_its_predecessor_finishes_unseen_is_ready_all_the_same(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.enqueue(hold, "a")
    handle = engine.enqueue(hold, "a", not_before=HOUR)
    let_time_pass(engine)
    [claim] = take(engine.database)

    def finish_predecessor() -> None:
        with engine.visit():
            finish(engine, claim)

    thread = threading.Thread(target=finish_predecessor)

    def let_it_finish() -> None:
        thread.start()
        thread.join()

    after_the_first_look(monkeypatch, let_it_finish)
    bells: list[Bell] = []
    due.make_due(engine.database, bells.extend)

    assert ready_ids(engine) == [handle.task_id]
    assert bells == [Bell(handle.task_id, "default")]


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_task_that_comes_due_while_another_is_enqueued_is_not_ready_beside_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    delayed = engine.enqueue(hold, "a", not_before=HOUR)
    let_time_pass(engine)

    def enqueue() -> None:
        with engine.visit():
            engine.enqueue(hold, "a")

    thread = threading.Thread(target=enqueue)

    def let_it_come() -> None:
        thread.start()
        eventually(lambda: not thread.is_alive() or is_waited_for(engine))

    after_the_first_look(monkeypatch, let_it_come)
    due.make_due(engine.database, lambda _: None)
    thread.join()

    assert ready_ids(engine) == [delayed.task_id]


def after_the_first_look(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Call `act` in the transaction that has just found out, for the first time, who is first in line."""
    look, acts = readiness.make_first_ready, [act]

    def look_and_act(database: Database, tasks: Sequence[int]) -> list[tuple[int, Bell]]:
        found = look(database, tasks)
        if acts:
            acts.pop()()
        return found

    monkeypatch.setattr(readiness, "make_first_ready", look_and_act)
