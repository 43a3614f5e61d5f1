"""What becomes of tasks that are due when one of them cannot be, or when somebody else holds a resource."""

from __future__ import annotations

import secrets
import threading

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.errors import DatabaseError, DatabaseUnavailable
from entrepot.models import Database
from entrepot.tasking import TaskHandle, due, readiness
from entrepot.tasking.delivery import Bell
from entrepot.tasking.resources import Resource
from entrepot.tasking.submission import NewTask, submit

from .conftest import HOUR, come_due, echo, hold, let_time_pass, ready_ids


def delay(engine: Engine, *resources: Resource) -> TaskHandle:
    """Enqueue a delayed task as versions before the check of names did."""
    moment = clock.now_us() + clock.us(HOUR)
    new = NewTask("any", resources=resources, not_before=moment, tags=("odd",))
    return engine.tasks.handle(submit(engine.database, new, lambda _: None))


@pytest.mark.parametrize(
    "resources",
    [
        [Resource("lone \udcff", exclusive=True)],
        [Resource("limit:a", exclusive=True), Resource("limit:a", exclusive=False, capacity=2)],
    ],
)
def test_a_delayed_task_that_can_stand_in_no_line_ends_in_an_error_and_the_others_come_due(
    engine: Engine, resources: list[Resource], caplog: pytest.LogCaptureFixture
) -> None:
    before = engine.enqueue(hold, "a", not_before=HOUR)
    odd = delay(engine, Resource("free", exclusive=True), *resources)
    after = engine.enqueue(hold, "b", not_before=HOUR)

    bells: list[Bell] = []
    assert come_due(engine, bells) == 2

    assert sorted(bell.task_id for bell in bells) == sorted([before.task_id, after.task_id])
    report = odd.report()
    assert (report.state, report.is_final, report.not_before) == ("error", True, None)
    assert report.error is not None
    assert report.error["code"] == "PLP2044"
    assert "ends in an error" in caplog.text
    assert engine.enqueue(hold, "free").task_id in ready_ids(engine)
    assert come_due(engine) == 0


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("name", ["NUL \x00", secrets.token_hex(6000)])
def test_what_only_postgresql_does_not_take_ends_that_task_alone(engine: Engine, name: str) -> None:
    odd = delay(engine, Resource(name, exclusive=True))
    other = engine.enqueue(hold, "a", not_before=HOUR)

    assert come_due(engine) == 1

    assert odd.state == "error"
    assert ready_ids(engine) == [other.task_id]


def refuse(monkeypatch: pytest.MonkeyPatch, error: Exception, task: int | None = None) -> None:
    """Let the database refuse to make tasks ready, or only the one with row id `task`."""
    make_ready = readiness.make_first_ready

    def make_others_ready(database: Database, tasks: list[int]) -> list[tuple[int, Bell]]:
        if task is None or task in tasks:
            raise error
        return make_ready(database, tasks)

    monkeypatch.setattr(readiness, "make_first_ready", make_others_ready)


def put_back(engine: Engine, handle: TaskHandle) -> int:
    """Let the task wait for its next try, as `completion` does; return its row id."""
    engine.database.execute(
        "UPDATE task SET attempt = 1, ready_at = NULL, not_before = ? WHERE task_id = ?",
        (clock.now_us() + clock.us(HOUR), handle.task_id),
    )
    row = engine.database.row("SELECT id FROM task WHERE task_id = ?", (handle.task_id,))
    assert row is not None
    return int(row[0])


def test_a_retried_task_that_the_database_refuses_ends_in_an_error_and_frees_what_it_held(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, next_in_line, other = engine.enqueue(hold, "a"), engine.enqueue(hold, "a"), engine.enqueue(hold, "b")
    odd_id = put_back(engine, odd)
    put_back(engine, other)
    try:
        engine.database.execute("SELECT ?", ("\udcff",))
    except DatabaseError as error:
        refuse(monkeypatch, error, odd_id)

    assert come_due(engine) == 1

    assert odd.state == "error"
    assert ready_ids(engine) == [next_in_line.task_id, other.task_id]


def test_a_failure_that_is_not_the_tasks_own_leaves_it_to_the_next_round(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    handles = [engine.enqueue(hold, name, not_before=HOUR) for name in ("a", "b")]

    with monkeypatch.context() as patch:
        refuse(patch, DatabaseError("had another transaction in the way"))
        assert come_due(engine) == 0

    assert [handle.state for handle in handles] == ["waiting", "waiting"]
    assert "cannot become due now: had another transaction in the way" in caplog.text
    assert come_due(engine) == 2


def test_a_database_that_is_away_ends_no_task(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = engine.enqueue(hold, "a", not_before=HOUR)

    with monkeypatch.context() as patch, pytest.raises(DatabaseUnavailable):
        refuse(patch, DatabaseUnavailable("does not answer"))
        come_due(engine)

    assert handle.state == "waiting"


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_task_whose_resource_an_open_transaction_has_locked_is_left_to_the_next_round_and_the_others_come(
    engine: Engine,
) -> None:
    blocked = [engine.enqueue(hold, "busy", f"line {number}", not_before=HOUR) for number in range(due._BATCH)]
    free = engine.enqueue(echo, 1, not_before=2 * HOUR)
    let_time_pass(engine)
    has_locked, may_end = threading.Event(), threading.Event()

    def take_time() -> None:
        with engine.visit(), engine.transaction():
            engine.enqueue(hold, "busy")
            has_locked.set()
            may_end.wait(20)

    thread = threading.Thread(target=take_time)
    thread.start()
    assert has_locked.wait(10)

    came = come_due(engine)
    still_open = thread.is_alive()
    may_end.set()
    thread.join()

    assert (came, still_open) == (1, True)
    assert free.task_id in ready_ids(engine)
    assert come_due(engine) == len(blocked)


def test_locks_that_are_tried_for_are_those_that_nobody_has(engine: Engine) -> None:
    locked: list[set[str]] = []

    def try_lock() -> None:
        with engine.visit():
            locked.append(engine.database.try_lock_resources({"a", "b"}))

    thread = threading.Thread(target=try_lock)
    with engine.transaction():
        engine.database.lock_resources(["a"])
        thread.start()
        thread.join()

    assert locked == [{"a", "b"} if engine.database.serialises_writers else {"b"}]
    assert engine.database.try_lock_resources([]) == set()
