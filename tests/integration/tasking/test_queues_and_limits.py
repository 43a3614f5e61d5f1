"""Queues, priorities and limits decide who may be claimed, and when."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import entrepot
from entrepot.engine import Engine
from entrepot.errors import InvalidValue
from entrepot.settings import Settings
from entrepot.tasking.completion import Outcome, settle
from entrepot.tasking.lease import Claim, claim, has_ready

from .conftest import LEASE, echo, hold, on_its_own_queue, ready_ids, take


@entrepot.task(priority="high", resources=lambda *names: names)
def urgent(*names: str) -> None:
    """Be claimed before others."""


@entrepot.task(priority="low")
def unhurried() -> None:
    """Be claimed after others."""


@entrepot.task(name="mirror.fetch", resources=lambda repository, _: [repository], limit_keys=lambda _, host: [f"origin:{host}"])
def fetch(repository: str, host: str) -> None:
    """Be limited by host."""


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """An engine with limits."""
    limits = {"origin:*": 2, "*.conftest.echo": 3}
    with Engine(settings=settings.model_copy(update={"concurrency_limits": limits})) as made:
        made.initialise()
        yield made


def end(engine: Engine, *claims: Claim) -> None:
    """End what was claimed."""
    for each in claims:
        settle(engine.database, Outcome(each, "finished"), lambda _: None)


def claim_from(engine: Engine, *queues: str) -> list[str]:
    """Claim what is ready in some queues, and return the task ids."""
    with engine.database.transaction():
        return [each.task_id for each in claim(engine.database, "owner", limit=10, lease=LEASE, queues=queues)]


def test_the_ready_are_claimed_by_priority_and_then_by_age(engine: Engine) -> None:
    low, first, second, high = (engine.enqueue(function) for function in (unhurried, hold, hold, urgent))

    assert [each.task_id for each in take(engine.database)] == [
        high.task_id,
        first.task_id,
        second.task_id,
        low.task_id,
    ]


def test_a_priority_may_be_asked_for_by_the_task(engine: Engine) -> None:
    first = engine.enqueue(hold)
    second = engine.enqueue(hold, priority="high")

    assert [each.task_id for each in take(engine.database)] == [second.task_id, first.task_id]


def test_an_urgent_task_does_not_overtake_on_a_resource(engine: Engine) -> None:
    first = engine.enqueue(hold, "a")
    engine.enqueue(urgent, "a")

    assert ready_ids(engine) == [first.task_id]


def test_an_unknown_priority_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidValue, match="'hurry' is none of high, default, low"):
        engine.enqueue(hold, priority="hurry")  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match="is none of high, default, low"):
        entrepot.task(priority="hurry")(lambda: None)  # type: ignore[call-overload]


def test_an_impossible_queue_name_is_refused() -> None:
    with pytest.raises(InvalidValue, match="is no queue name"):
        entrepot.task(queue="a queue")(lambda: None)


def test_a_worker_claims_from_the_queues_that_it_serves_and_no_others(engine: Engine) -> None:
    default, apart = engine.enqueue(hold), engine.enqueue(on_its_own_queue, 1)

    assert has_ready(engine.database, ["apart"])
    assert not has_ready(engine.database, ["elsewhere"])
    assert claim_from(engine, "elsewhere") == []
    assert claim_from(engine, "apart", "elsewhere") == [apart.task_id]
    assert claim_from(engine) == [default.task_id]


def test_no_more_tasks_of_a_key_are_ready_than_its_limit_and_each_that_ends_lets_one_in(engine: Engine) -> None:
    handles = [engine.enqueue(fetch, f"repository {number}", "mirror") for number in range(4)]
    other = engine.enqueue(fetch, "another", "elsewhere")
    assert ready_ids(engine) == [handles[0].task_id, handles[1].task_id, other.task_id]

    first, second, third = take(engine.database)
    end(engine, second)

    assert ready_ids(engine) == [handles[2].task_id]
    end(engine, first, third)
    assert ready_ids(engine) == [handles[2].task_id, handles[3].task_id]


def test_a_canceled_task_gives_up_its_place_under_the_limit(engine: Engine) -> None:
    handles = [engine.enqueue(fetch, f"repository {number}", "mirror") for number in range(3)]

    handles[0].cancel()

    assert ready_ids(engine) == [handles[1].task_id, handles[2].task_id]


def test_a_task_type_may_be_limited_by_its_name(engine: Engine) -> None:
    handles = [engine.enqueue(echo, number) for number in range(5)]

    assert ready_ids(engine) == [handle.task_id for handle in handles[:3]]


def test_a_limited_task_also_waits_for_its_resource(engine: Engine) -> None:
    first, behind, free = (engine.enqueue(fetch, name, host) for name, host in [("a", "x"), ("a", "y"), ("b", "x")])

    assert ready_ids(engine) == [first.task_id, free.task_id]
    end(engine, *take(engine.database))
    assert ready_ids(engine) == [behind.task_id]
