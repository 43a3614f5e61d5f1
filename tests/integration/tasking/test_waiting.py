"""Why a task waits, on both databases: each reason, from the rows alone."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

import entrepot
from entrepot import clock
from entrepot.engine import Engine
from entrepot.tasking import TaskHandle, Waiting, waiting

from .conftest import echo, hold, read, take

MINUTE = timedelta(minutes=1)


@entrepot.task(queue="mail")
def send() -> None:
    """Belong to a queue of its own."""


@entrepot.task(resources=["zoo"], tags=["pulp:repository:zoo", "pulp:action:sync"])
def sync_zoo() -> None:
    """Look like the sync of a repository."""


def register(
    engine: Engine, name: str = "worker", *, threads: int = 4, queues: tuple[str, ...] = (), state: str = "active"
) -> None:
    """Let a worker show a sign of life."""
    now = clock.now_us()
    engine.database.execute(
        "INSERT INTO worker (name, host, pid, threads, version, started_at, beat_at, queues, state) "
        "VALUES (?, 'host', 1, ?, '1', ?, ?, ?, ?)",
        (name, threads, now, now, json.dumps(queues), state),
    )


def drain_target(engine: Engine, target: str) -> None:
    """Let workers claim nothing."""
    engine.database.execute("INSERT INTO worker_drain (target, created_at) VALUES (?, 1)", (target,))


def set_columns(engine: Engine, handle: TaskHandle, **values: object) -> None:
    """Change the row of a task."""
    columns = ", ".join(f"{name} = ?" for name in values)
    engine.database.execute(f"UPDATE task SET {columns} WHERE task_id = ?", (*values.values(), handle.task_id))


def limit(engine: Engine, key: str, capacity: int, handles: list[TaskHandle]) -> None:
    """Let tasks stand in the line of a limit, and make those ready that may run."""
    for position, handle in enumerate(handles):
        engine.database.execute(
            "INSERT INTO reservation (resource, task, exclusive, capacity) SELECT ?, id, FALSE, ? FROM task WHERE task_id = ?",
            (f"limit:{key}", capacity, handle.task_id),
        )
        set_columns(engine, handle, ready_at=clock.now_us() if position < capacity else None)


def why(handle: TaskHandle) -> Waiting:
    explained = handle.report().waiting
    assert explained is not None
    return explained


def test_a_delayed_task_tells_when_it_starts(engine: Engine) -> None:
    delayed = engine.enqueue(echo, 1, not_before=12 * MINUTE)

    explained = why(delayed)

    moment = delayed.report().not_before
    assert moment is not None
    assert explained.reason == "scheduled"
    assert explained.text == f"starts at {moment:%Y-%m-%d %H:%M:%S} UTC (in 12 min)"
    assert explained.data == {"not_before": clock.iso(moment)}


def test_a_delayed_task_that_nobody_has_let_enter_its_lines_says_since_when_it_is_due(engine: Engine) -> None:
    delayed = engine.enqueue(echo, 1, not_before=MINUTE)
    set_columns(engine, delayed, not_before=clock.to_us(clock.now() - 5 * MINUTE))

    explained = why(delayed)

    assert explained.reason == "scheduled"
    assert explained.text.startswith("was to start at ")
    assert explained.text.endswith(" UTC (5 min ago)")


def test_a_task_to_be_tried_again_tells_how_often_it_was_tried_when_it_is_again_and_what_went_wrong(engine: Engine) -> None:
    failed = engine.enqueue(hold, "zoo")
    behind = engine.enqueue(hold, "zoo")
    moment = clock.now() + 8 * MINUTE
    set_columns(engine, failed, attempt=2, retries=2, ready_at=None, not_before=clock.to_us(moment))
    for number, error in ((1, "no route"), (2, "connection refused")):
        engine.database.execute(
            "INSERT INTO task_attempt (task, attempt, worker, started_at, ended_at, error) "
            "SELECT id, ?, 'w', 1000000, 3000000, ? FROM task WHERE task_id = ?",
            (number, json.dumps({"code": "PLP0000", "description": error}), failed.task_id),
        )

    report, explained = failed.report(), why(failed)

    assert explained.reason == "retry"
    assert explained.text == (f"tried 2 times; tried again at {moment:%Y-%m-%d %H:%M:%S} UTC (in 8 min): connection refused")
    assert explained.data == {"not_before": clock.iso(moment), "tries": 2, "error": "connection refused"}
    assert why(behind).data["task_id"] == failed.task_id  # it keeps its place in line
    assert report.retries == 2
    assert [run.number for run in report.attempts] == [1, 2]
    assert report.attempts[1].ended - clock.EPOCH == timedelta(seconds=3)


def test_a_task_behind_a_running_one_names_the_resource_the_task_that_holds_it_and_its_place_in_line(engine: Engine) -> None:
    running = engine.enqueue(sync_zoo)
    take(engine.database)
    set_columns(engine, running, started_at=clock.to_us(clock.now() - 3 * MINUTE))
    waits = [engine.enqueue(hold, "zoo") for _ in range(4)]

    explained = why(waits[2])

    assert explained.reason == "resource"
    assert explained.text == f"zoo is held by task {running.task_id} (sync zoo, running for 3 min); position 4 of 5"
    assert (explained.data["resource"], explained.data["position"], explained.data["of"]) == ("zoo", 4, 5)
    assert (explained.data["task_id"], explained.data["title"]) == (running.task_id, "sync zoo")


def test_a_task_behind_one_that_waits_itself_says_so(engine: Engine) -> None:
    first = engine.enqueue(sync_zoo)
    second = engine.enqueue(hold, "zoo")

    explained = why(second)

    assert explained.text == f"zoo is reserved by the earlier task {first.task_id} (sync zoo, waiting); position 2 of 2"


def test_a_task_behind_one_that_was_canceled_and_still_stops_says_so(engine: Engine) -> None:
    first = engine.enqueue(sync_zoo)
    second = engine.enqueue(hold, "zoo")
    take(engine.database)
    first.cancel()

    assert f"{first.task_id} (sync zoo, canceled, still stopping)" in why(second).text


def test_a_reader_waits_for_the_first_writer_before_it_and_not_for_readers(engine: Engine) -> None:
    engine.enqueue(read, "zoo")
    writer = engine.enqueue(hold, "zoo")
    engine.enqueue(hold, "zoo")
    reader = engine.enqueue(read, "zoo")

    assert why(reader).data["task_id"] == writer.task_id


def test_of_several_resources_the_one_is_named_whose_holder_runs_and_all_are_in_the_data(engine: Engine) -> None:
    first = engine.enqueue(hold, "ark", "cave")
    engine.enqueue(hold, "ark")
    running = engine.enqueue(hold, "zoo")
    set_columns(engine, running, state="running", started_at=clock.now_us())
    last = engine.enqueue(hold, "ark", "zoo")

    explained = why(last)

    assert (explained.data["resource"], explained.data["task_id"]) == ("zoo", running.task_id)
    everything = explained.data["all"]
    assert isinstance(everything, list)
    assert [(item["resource"], item["task_id"], item["position"]) for item in everything if isinstance(item, dict)] == [
        ("ark", first.task_id, 3),
        ("zoo", running.task_id, 2),
    ]


def test_a_task_over_a_limit_names_the_limit_and_its_place(engine: Engine) -> None:
    handles = [engine.enqueue(echo, number) for number in range(7)]
    limit(engine, "sync-origin:mirror.example.org", 2, handles)

    explained = why(handles[2])

    assert explained.reason == "limit"
    assert explained.text == "at most 2 at once for sync-origin:mirror.example.org; position 3 of 7"
    assert (explained.data["limit"], explained.data["capacity"]) == ("sync-origin:mirror.example.org", 2)
    assert why(handles[1]).reason == "no worker"


def test_a_resource_is_named_before_a_limit_and_both_are_in_the_data(engine: Engine) -> None:
    handles = [engine.enqueue(hold, "zoo") for _ in range(2)]
    limit(engine, "k", 1, handles)

    explained = why(handles[1])

    assert explained.reason == "resource"
    everything = explained.data["all"]
    assert isinstance(everything, list)
    assert [item.get("limit") for item in everything if isinstance(item, dict)] == [None, "k"]


def test_without_any_worker_a_ready_task_says_how_to_start_one(engine: Engine) -> None:
    handle = engine.enqueue(echo, 1)

    assert why(handle) == Waiting(
        "no worker",
        "no worker is running; start one: entrepot worker",
        {"queue": "default", "served_queues": []},
    )


def test_a_worker_without_a_sign_of_life_for_a_lease_is_none(engine: Engine) -> None:
    handle = engine.enqueue(echo, 1)
    register(engine)
    oldest = clock.now() - engine.settings.lease

    before = why(handle).reason
    engine.database.execute("UPDATE worker SET beat_at = ?", (clock.to_us(oldest) - 1,))

    assert (before, why(handle).reason) == ("ready", "no worker")


def test_a_worker_that_is_about_to_be_replaced_is_none(engine: Engine) -> None:
    handle = engine.enqueue(echo, 1)
    register(engine, state="retiring")

    assert why(handle).reason == "no worker"


def test_a_queue_that_no_worker_serves_is_named_with_those_that_are_served(engine: Engine) -> None:
    mail = engine.enqueue(send)
    register(engine, "a", queues=("reports", "default"))
    register(engine, "b", queues=("default",))

    explained = why(mail)

    assert explained.reason == "no worker"
    assert explained.text.startswith("no worker serves queue mail, only default, reports; start one: ")
    assert explained.data == {"queue": "mail", "served_queues": ["default", "reports"]}


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("worker:w1", "entrepot worker resume w1"),
        ("host:host", "entrepot worker resume --host host"),
        ("all", "entrepot worker resume --all"),
    ],
)
def test_a_ready_task_whose_workers_are_drained_says_how_to_resume_them(engine: Engine, target: str, command: str) -> None:
    handle = engine.enqueue(echo, 1)
    register(engine, "w1")
    register(engine, "w2", queues=("mail",))  # of no use to it, and not drained alone
    drain_target(engine, target)

    explained = why(handle)

    assert explained.reason == "paused"
    assert explained.text == f"worker w1 is drained; resume: {command}"
    assert explained.data == {"queue": "default", "workers": ["w1"]}


def test_several_drained_workers_are_counted_and_one_to_resume_is_called_by_its_short_name(engine: Engine) -> None:
    handle = engine.enqueue(echo, 1)
    for number in range(2):
        register(engine, f"reserved_resource_worker-{number}@host")
        drain_target(engine, f"worker:reserved_resource_worker-{number}@host")

    assert why(handle).text == "all 2 workers of queue default are drained; resume: entrepot worker resume 0"


def test_one_worker_that_is_not_drained_is_enough(engine: Engine) -> None:
    handle = engine.enqueue(echo, 1)
    register(engine, "w1")
    register(engine, "w2")
    drain_target(engine, "worker:w1")

    assert why(handle).reason == "ready"


def test_a_ready_task_whose_workers_are_busy_tells_how_many_tasks_are_before_it(engine: Engine) -> None:
    register(engine, "owner", threads=2)
    for number in range(2):
        engine.enqueue(echo, number)
    take(engine.database, "owner")
    handles = [engine.enqueue(echo, number) for number in range(3)]
    urgent = engine.enqueue(echo, 1, priority="high")

    explained = why(handles[2])

    assert explained.reason == "busy"
    assert explained.text == "2 of 2 threads of 1 worker are busy; 3 ready tasks are before it"
    assert explained.data == {"queue": "default", "workers": 1, "threads": 2, "running": 2, "ready_before": 3}
    assert why(urgent).data["ready_before"] == 0


def test_tasks_of_queues_that_its_workers_do_not_serve_are_not_before_it(engine: Engine) -> None:
    register(engine, queues=("default",), threads=1)
    engine.enqueue(send)
    engine.enqueue(echo, 1)
    handle = engine.enqueue(echo, 2)

    assert why(handle).data["ready_before"] == 1
    register(engine, "for all queues", threads=1)
    assert why(handle).data["ready_before"] == 2


def test_tasks_before_a_ready_one_are_counted_up_to_a_limit(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    register(engine, threads=1)
    engine.enqueue_many([entrepot.Call(echo, (number,)) for number in range(waiting.MOST_COUNTED + 5)])
    handle = engine.enqueue(echo, 1)

    explained = why(handle)

    assert explained.data["ready_before"] == 1_000
    assert explained.text.endswith("; 1,000 or more ready tasks are before it")


def test_a_task_that_is_ready_for_an_idle_thread_is_about_to_be_taken(engine: Engine) -> None:
    register(engine, threads=2)
    engine.enqueue(echo, 1)
    handle = engine.enqueue(echo, 2)

    explained = why(handle)

    assert explained.reason == "ready"
    assert explained.text == "a worker is about to take it; 1 ready task is before it"


def test_a_task_whose_resource_was_just_released_is_as_good_as_ready(engine: Engine) -> None:
    register(engine)
    handle = engine.enqueue(hold, "zoo")
    set_columns(engine, handle, ready_at=None)

    assert why(handle).reason == "ready"


def test_only_a_task_that_waits_is_explained(engine: Engine) -> None:
    running, canceled = engine.enqueue(echo, 1), engine.enqueue(echo, 2)
    canceled.cancel()
    take(engine.database)

    assert running.report().waiting is None
    assert canceled.report().waiting is None


def test_a_list_explains_only_when_asked_and_then_as_a_report_does(engine: Engine) -> None:
    register(engine, threads=1)
    engine.enqueue(echo, 1)
    take(engine.database, "worker")
    handles = [
        engine.enqueue(hold, "zoo"),
        engine.enqueue(hold, "zoo"),
        engine.enqueue(echo, 2, not_before=12 * MINUTE),
        engine.enqueue(send),
    ]

    plain = engine.tasks.list(states=["waiting"])
    explained = engine.tasks.list(states=["waiting"], explain=True)

    assert [report.waiting for report in plain] == [None] * 4
    assert {report.task_id: report.waiting for report in explained} == {handle.task_id: why(handle) for handle in handles}


def test_a_list_takes_as_many_statements_for_many_tasks_as_for_few(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def statements(limit: int) -> int:
        asked = []
        execute = engine.database.execute
        with monkeypatch.context() as patch:
            patch.setattr(engine.database, "execute", lambda *given: asked.append(given) or execute(*given))
            assert len(engine.tasks.list(limit=limit, explain=True)) == limit
        return len(asked)

    for _ in range(20):
        engine.enqueue(hold, "zoo")

    assert statements(19) == statements(2)
