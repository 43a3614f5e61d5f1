"""Tasks that are run again after an error or with another worker, and what is kept of the runs before."""

from __future__ import annotations

from datetime import timedelta

import pytest

import entrepot
from entrepot import clock
from entrepot.engine import Engine
from entrepot.errors import Canceled, Interrupted, MemoryLimitReached, TaskOutOfMemory, TimeLimitReached
from entrepot.tasking import TaskHandle, TaskRegistry, due, lease, readiness, rescue, retention
from entrepot.tasking.attempts import Attempt
from entrepot.tasking.completion import Outcome, settle
from entrepot.tasking.context import TaskContext
from entrepot.tasking.delivery import Bell
from entrepot.tasking.execution import Execution
from entrepot.tasking.lease import Claim
from entrepot.tasking.retry import Retry
from entrepot.tasking.worker import Worker
from entrepot.testing import drain

from .conftest import HOUR, LEASE, come_due, eventually, hold, let_time_pass, ready_ids, repeatable, take


@entrepot.task(retry=Retry(max=2, first=HOUR, longest=HOUR, jitter=0, on=(OSError,)), resources=["a"], idempotent=True)
def stumble(text: str, healed_from: int = 99) -> str:
    """Raise, until the run with number `healed_from`."""
    if entrepot.current_task().claim.attempt < healed_from:
        raise OSError(text)
    return "done"


@entrepot.task(retry=Retry(on=(OSError,)))
def mistake() -> None:
    """Raise an error that is not named."""
    raise ValueError


@entrepot.task(retry=Retry())
def leave_early() -> None:
    """Raise what is no error."""
    raise SystemExit(3)


@entrepot.task(retry=Retry(max=1), timeout=5)
def look_around() -> None:
    """Stop at a checkpoint if asked to."""
    entrepot.checkpoint()


def run(engine: Engine, claim: Claim, registry: TaskRegistry | None = None) -> Outcome:
    context = TaskContext(claim, engine.tasks, lease=LEASE, max_bytes=1000)
    outcome = Execution(context).run(registry or engine.registry)
    assert outcome is not None
    return outcome


# -- tried again -----------------------------------------------------------------------------------------------------


def test_a_failing_task_is_tried_again_as_often_as_its_type_says_and_then_ends_in_its_error(engine: Engine) -> None:
    handle = engine.enqueue(stumble, "no luck")
    before = clock.now()

    ran = [drain(engine), come_due(engine), drain(engine), come_due(engine), drain(engine), come_due(engine), drain(engine)]

    report = handle.report()
    assert ran == [1, 1, 1, 1, 1, 0, 0]
    assert (report.state, report.attempt, report.retries, report.is_final) == ("error", 3, 2, True)
    assert report.error is not None
    assert report.error["description"] == "no luck"
    assert [attempt.number for attempt in report.attempts] == [1, 2]
    for attempt in report.attempts:
        assert attempt.error is not None
        assert attempt.error["description"] == "no luck"
        assert attempt.worker_name == "drain@test"
        assert attempt.started is not None
        assert before <= attempt.started <= attempt.ended <= clock.now()


def test_a_task_that_is_done_at_last_is_finished_without_an_error_and_keeps_its_attempts(engine: Engine) -> None:
    handle = engine.enqueue(stumble, "not yet", healed_from=2)

    drain(engine)
    come_due(engine)
    drain(engine)

    report = handle.report()
    assert (report.state, report.result, report.error, report.traceback) == ("finished", "done", None, None)
    assert [attempt.number for attempt in report.attempts] == [1]


def test_a_worker_tries_again_what_has_become_due(engine: Engine, worker: Worker) -> None:
    handle = engine.enqueue(stumble, "not yet", healed_from=3)

    for retries in (1, 2):
        eventually(lambda expected=retries: handle.report().retries == expected)
        let_time_pass(engine)
        assert due.make_due(engine.database, engine.doorbell.ring) == 1

    assert handle.wait(20).result == "done"
    assert [attempt.worker_name for attempt in handle.report().attempts] == [worker.name, worker.name]


def test_until_its_moment_it_waits_and_nothing_runs_it(engine: Engine) -> None:
    handle = engine.enqueue(stumble, "no luck")
    before = clock.now()
    drain(engine)

    assert due.make_due(engine.database, lambda _: pytest.fail("nothing is due")) == 0
    assert readiness.sweep(engine.database, lambda _: pytest.fail("nothing is ready")) == 0
    assert take(engine.database) == []

    report = handle.report()
    assert (report.state, report.started, report.worker_name) == ("waiting", None, None)
    assert report.not_before is not None
    assert before + HOUR <= report.not_before <= clock.now() + HOUR


def test_an_error_that_is_not_named_ends_the_task_at_once(engine: Engine) -> None:
    handles = [engine.enqueue(mistake), engine.enqueue(leave_early)]

    drain(engine)

    for handle in handles:
        report = handle.report()
        assert (report.state, report.attempt, report.retries, report.attempts) == ("error", 1, 0, ())


def test_a_task_of_a_type_that_the_worker_does_not_know_is_not_tried_again(engine: Engine) -> None:
    engine.enqueue(stumble, "never called")
    [claim] = take(engine.database)

    outcome = run(engine, claim, TaskRegistry())

    assert outcome.retry_at is None
    assert "PLP2015" in (outcome.error or "")


def test_a_task_that_reached_a_limit_is_tried_again_as_after_any_error(engine: Engine) -> None:
    for reason, code in ((TimeLimitReached, "PLP2014"), (MemoryLimitReached, "PLP2017")):
        engine.enqueue(look_around)
        [claim] = take(engine.database)
        execution = Execution(TaskContext(claim, engine.tasks, lease=LEASE, max_bytes=1000))
        execution.outgrown = TaskOutOfMemory("too much")
        execution.interrupt(reason, by_force=False)

        outcome = execution.run(engine.registry)

        assert outcome is not None
        assert outcome.retry_at is not None
        assert code in (outcome.error or "")


def test_a_task_that_reached_a_limit_and_never_stops_leaves_word_when_it_is_tried_again(engine: Engine) -> None:
    handle = engine.enqueue(look_around)
    [claim] = take(engine.database, "stuck")
    execution = Execution(TaskContext(claim, engine.tasks, lease=LEASE, max_bytes=1000))
    assert execution.last_word is None
    execution.interrupt(TimeLimitReached, by_force=False)

    assert execution.last_word is not None
    lease.leave_word(engine.database, claim, *execution.last_word)
    assert rescue.rescue_from(engine.database, "stuck", lambda _: pytest.fail("it waits"), limit=3, retry=True) == 1

    report = handle.report()
    assert (report.state, report.error, report.retries, report.rescues) == ("waiting", None, 1, 0)
    assert [codes(attempt) for attempt in report.attempts] == ["PLP2014"]
    assert take(engine.database) == []
    assert come_due(engine) == 1
    assert [claim.task_id for claim in take(engine.database)] == [handle.task_id]


@pytest.mark.parametrize("reason", [Canceled, Interrupted])
def test_a_task_that_was_stopped_is_not_tried_again(engine: Engine, reason: type[Interrupted]) -> None:
    engine.enqueue(look_around)
    [claim] = take(engine.database)
    execution = Execution(TaskContext(claim, engine.tasks, lease=LEASE, max_bytes=1000))
    execution.interrupt(reason, by_force=False)

    outcome = execution.run(engine.registry)

    assert outcome is not None
    assert (outcome.state, outcome.retry_at) == ("canceled", None)


def test_the_line_behind_a_task_that_is_tried_again_waits(engine: Engine) -> None:
    first = engine.enqueue(stumble, "not yet", healed_from=2)
    second = engine.enqueue(hold, "a")
    drain(engine)
    assert ready_ids(engine) == []
    assert second.state == "waiting"

    bells: list[Bell] = []
    assert come_due(engine, bells) == 1
    assert ready_ids(engine) == [first.task_id]
    assert bells == [Bell(first.task_id, "default")]

    assert drain(engine) == 2
    assert (first.state, second.state) == ("finished", "finished")


def test_a_task_that_waits_for_its_next_try_is_canceled_at_once_and_frees_its_resource(engine: Engine) -> None:
    first, second = engine.enqueue(stumble, "no luck"), engine.enqueue(hold, "a")
    drain(engine)

    assert first.cancel()

    report = first.report()
    assert (report.state, report.is_final, len(report.attempts)) == ("canceled", True, 1)
    assert ready_ids(engine) == [second.task_id]
    assert come_due(engine) == 0
    assert first.state == "canceled"


def test_a_task_that_was_canceled_while_it_ran_is_not_tried_again(engine: Engine) -> None:
    handle = engine.enqueue(stumble, "no luck")
    [claim] = take(engine.database)
    outcome = run(engine, claim)
    handle.cancel()

    settle(engine.database, outcome, lambda _: None)

    report = handle.report()
    assert (report.state, report.is_final, report.not_before, report.attempts) == ("canceled", True, None, ())
    assert come_due(engine) == 0


# -- lost workers, retention -----------------------------------------------------------------------------------------


def test_a_lost_run_is_kept_as_an_attempt_and_the_task_rings_again(engine: Engine) -> None:
    handle = engine.enqueue(repeatable)
    take(engine.database, "gone")
    bells: list[Bell] = []

    assert rescue.rescue_from(engine.database, "gone", bells.extend, limit=3, retry=True) == 1

    [attempt] = handle.report().attempts
    assert (attempt.number, attempt.worker_name) == (1, "gone")
    assert attempt.started is not None
    assert attempt.started <= attempt.ended
    assert attempt.error is not None
    assert attempt.error["code"] == "PLP0049"
    assert attempt.error["description"] == "The worker gone was lost; the task is run again."
    assert bells == [Bell(handle.task_id, "default")]


def test_a_lost_run_that_ends_its_task_is_no_attempt_for_its_error_is_the_tasks(engine: Engine) -> None:
    lost, next_in_line = engine.enqueue(hold, "a"), engine.enqueue(hold, "a")
    take(engine.database, "gone")
    bells: list[Bell] = []

    rescue.rescue_from(engine.database, "gone", bells.extend, limit=3, retry=True)

    assert (lost.state, lost.report().attempts) == ("error", ())
    assert bells == [Bell(next_in_line.task_id, "default")]


def test_rescues_and_retries_are_counted_apart(engine: Engine) -> None:
    handle = engine.enqueue(stumble, "no luck")
    take(engine.database, "gone")
    rescue.rescue_from(engine.database, "gone", lambda _: None, limit=3, retry=True)

    drain(engine)
    come_due(engine)
    drain(engine)
    come_due(engine)
    drain(engine)

    report = handle.report()
    assert (report.state, report.attempt, report.rescues, report.retries) == ("error", 4, 1, 2)
    assert [codes(attempt) for attempt in report.attempts] == ["PLP0049", "PLP0000", "PLP0000"]


def codes(attempt: Attempt) -> object:
    return attempt.error and attempt.error["code"]


def test_rescue_leaves_a_task_alone_that_waits_for_its_next_try(engine: Engine) -> None:
    handle = engine.enqueue(stumble, "no luck")
    drain(engine, worker_name="gone")
    before = state_of(handle)

    assert rescue.rescue(engine.database, lambda _: None, limit=3, retry=True) == 0
    assert rescue.rescue_from(engine.database, "gone", lambda _: None, limit=3, retry=True) == 0

    assert state_of(handle) == before


def state_of(handle: TaskHandle) -> tuple[object, ...]:
    report = handle.report()
    return report.state, report.attempt, report.rescues, report.not_before, report.attempts


def test_attempts_go_with_their_task(engine: Engine) -> None:
    old, young = engine.enqueue(stumble, "old"), engine.enqueue(stumble, "young")
    drain(engine)
    old.cancel()
    drain(engine)
    assert engine.database.row("SELECT count(*) FROM task_attempt") == (2,)

    retention.remove_old_tasks(engine.database, older_than=timedelta(seconds=-1))

    [attempt] = young.report().attempts
    assert attempt.number == 1
    assert engine.database.row("SELECT count(*) FROM task_attempt") == (1,)
