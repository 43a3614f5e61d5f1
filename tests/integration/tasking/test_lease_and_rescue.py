"""Steps 4 and 6 of the walk of a task, and what becomes of tasks whose worker was lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.errors import Canceled, LeaseLost
from entrepot.tasking import TaskType, lease, rescue
from entrepot.tasking.completion import Completed, Outcome, complete
from entrepot.tasking.context import TaskContext
from entrepot.tasking.execution import Execution
from entrepot.tasking.lease import Claim

from .conftest import LEASE, hold, repeatable, take


def run_out(engine: Engine) -> None:
    """Let every lease lie in the past."""
    now = engine.database.lease_now_us()
    engine.database.execute("UPDATE task SET lease_until = ? WHERE lease_until IS NOT NULL", (now - 1,))


def take_over(engine: Engine, *, limit: int = 3, retry: bool = True) -> int:
    return rescue.rescue(engine.database, lambda _: None, limit=limit, retry=retry)


def context_of(engine: Engine, claim: Claim) -> TaskContext:
    return TaskContext(claim, engine.tasks, lease=LEASE, max_bytes=1000)


def test_two_claimers_never_get_the_same_task(engine: Engine) -> None:
    engine.enqueue(repeatable)

    assert len(take(engine.database, "one")) == 1
    assert take(engine.database, "two") == []


def test_a_lease_that_holds_is_not_rescued(engine: Engine) -> None:
    engine.enqueue(repeatable)
    take(engine.database)

    assert take_over(engine) == 0


def test_an_idempotent_task_of_a_lost_worker_goes_back_to_its_place_in_line(engine: Engine) -> None:
    first, second = engine.enqueue(repeatable), engine.enqueue(repeatable)
    take(engine.database)
    run_out(engine)

    assert take_over(engine) == 1

    assert [claim.task_id for claim in take(engine.database, "other")] == [first.task_id]
    assert second.state == "waiting"
    assert first.report().rescues == 1
    assert first.report().attempt == 2


def test_a_task_that_may_not_run_twice_ends_in_its_own_error_and_frees_its_resources(engine: Engine) -> None:
    lost, next_in_line = engine.enqueue(hold, "a"), engine.enqueue(hold, "a")
    take(engine.database)
    run_out(engine)

    take_over(engine)

    report = lost.report()
    assert (report.state, report.is_final) == ("error", True)
    assert report.error is not None
    assert report.error["code"] == "PLP0049"
    assert [claim.task_id for claim in take(engine.database)] == [next_in_line.task_id]


def test_after_three_rescues_a_task_ends_in_error(engine: Engine) -> None:
    handle = engine.enqueue(repeatable)
    for _ in range(4):
        assert len(take(engine.database)) == 1
        run_out(engine)
        assert take_over(engine) == 1

    assert handle.state == "error"
    assert handle.report().rescues == 3


def test_with_orphans_set_to_fail_nothing_is_run_again(engine: Engine) -> None:
    handle = engine.enqueue(repeatable)
    take(engine.database)
    run_out(engine)

    take_over(engine, retry=False)

    assert handle.state == "error"


def test_a_lease_from_before_a_restart_of_the_machine_counts_as_run_out(engine: Engine) -> None:
    handle = engine.enqueue(repeatable)
    take(engine.database)
    engine.database.execute("UPDATE task SET lease_until = lease_until + ?", (30 * 24 * 3600 * 10**6,))

    take_over(engine)

    assert handle.state == "waiting"


def test_whoever_lost_the_lease_can_write_nothing_any_more(engine: Engine) -> None:
    handle = engine.enqueue(repeatable)
    [stale] = take(engine.database, "stale")
    run_out(engine)
    take_over(engine)
    [fresh] = take(engine.database, "fresh")

    with engine.database.transaction():
        late = Outcome(stale, "finished", result='"stale"')
        assert complete(engine.database, [late]) == Completed([], [late])
    assert lease.renew(engine.database, [stale, fresh], lease=LEASE) == [stale]
    with pytest.raises(LeaseLost):
        context_of(engine, stale).progress({"step": 1})
    with pytest.raises(LeaseLost), context_of(engine, stale).transaction():
        pytest.fail("the block must not be entered")
    assert handle.report().result is None
    assert handle.report().worker_name == "fresh"


def test_a_canceled_task_keeps_its_reservation_until_its_function_has_stopped(engine: Engine) -> None:
    running, waiting = engine.enqueue(hold, "a"), engine.enqueue(hold, "a")
    [claim] = take(engine.database)

    running.cancel()

    assert (running.state, running.report().is_final) == ("canceled", False)
    assert take(engine.database) == []
    with pytest.raises(Canceled):
        context_of(engine, claim).progress({"step": 1})
    with engine.database.transaction():
        assert complete(engine.database, [Outcome(claim, "finished", result="1")]).refused == []
    assert (running.state, running.report().is_final) == ("canceled", True)
    assert waiting.state == "waiting"


def test_a_canceled_task_whose_worker_died_is_finished_as_canceled(engine: Engine) -> None:
    handle = engine.enqueue(repeatable)
    take(engine.database)
    handle.cancel()
    run_out(engine)

    take_over(engine)

    assert (handle.state, handle.report().is_final) == ("canceled", True)


def test_what_has_not_begun_is_handed_back_without_counting_as_a_rescue(engine: Engine) -> None:
    handle = engine.enqueue(repeatable)
    claims = take(engine.database)

    lease.hand_back(engine.database, [claim.fence for claim in claims])

    assert handle.report().rescues == 0
    assert len(take(engine.database, "other")) == 1


def test_a_complete_task_cannot_be_canceled(engine: Engine) -> None:
    handle = engine.enqueue(repeatable)
    [claim] = take(engine.database)
    with engine.database.transaction():
        complete(engine.database, [Outcome(claim, "finished")])

    assert handle.cancel() is False

    assert handle.state == "finished"


def test_what_was_claimed_before_a_freeze_and_given_up_meanwhile_is_not_begun_after_it(engine: Engine) -> None:
    ran: list[int] = []
    engine.registry.add(TaskType("told", ran.append))
    handle = engine.enqueue("told", 1)
    (claimed,) = take(engine.database)
    old = replace(claimed, started_us=claimed.started_us - clock.us(2 * LEASE))
    assert Execution(context_of(engine, old)).run(engine.registry) is not None  # old, and still its own
    run_out(engine)
    take_over(engine)

    outcome = Execution(context_of(engine, old)).run(engine.registry)

    assert outcome is None
    assert ran == [1]
    assert handle.state == "error"
