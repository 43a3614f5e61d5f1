"""Many tasks enqueued at once stand in line as if each had been enqueued by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import entrepot
from entrepot import Call
from entrepot.engine import Engine
from entrepot.errors import InvalidValue
from entrepot.settings import Settings
from entrepot.tasking import bulk_submission
from entrepot.tasking.delivery import Bell

from .conftest import echo, hold, on_its_own_queue, ready_ids, take


@entrepot.task(
    resources=lambda names, _: [entrepot.Shared(name[1:]) if name.startswith("~") else name for name in names],
    limit_keys=lambda _, key: [key] if key else [],
    tags=lambda names, _: [f"on:{name}" for name in names],
)
def use(names: list[str], key: str | None) -> None:
    """Reserve `names`, those with a tilde shared, and be limited by `key`."""


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """An engine that limits the key `few`."""
    with Engine(settings=settings.model_copy(update={"concurrency_limits": {"few": 2}})) as made:
        made.initialise()
        yield made


CALLS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["a", "b", "~a", "~b"]), max_size=2).map(lambda names: sorted(set(names))),
        st.sampled_from([None, None, "few"]),
    ),
    max_size=8,
)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@given(before=CALLS, batch=CALLS)
@hypothesis_settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_tasks_are_ready_as_if_they_had_been_enqueued_one_by_one(engine: Engine, before: list, batch: list) -> None:
    readiness = []
    for together in (False, True):
        for table in ("task", "reservation", "task_tag"):
            engine.database.execute(f"DELETE FROM {table}")
        handles = [engine.enqueue(use, names, key) for names, key in before]
        if together:
            handles += engine.enqueue_many([Call(use, (names, key)) for names, key in batch])
        else:
            handles += [engine.enqueue(use, names, key) for names, key in batch]
        ready = set(ready_ids(engine))
        readiness.append([handle.task_id in ready for handle in handles])

    assert readiness[0] == readiness[1]


def test_a_large_batch_is_kept_in_order_and_can_be_claimed(engine: Engine) -> None:
    handles = engine.enqueue_many([Call(use, ([f"resource {number % 700}"], None)) for number in range(1500)])

    rows = engine.database.rows("SELECT task_id FROM task ORDER BY id")
    assert [task_id for (task_id,) in rows] == [handle.task_id for handle in handles]
    assert ready_ids(engine) == [handle.task_id for handle in handles[:700]]
    assert [claim.task_id for claim in take(engine.database, limit=2)] == [handle.task_id for handle in handles[:2]]
    assert len(engine.tasks.list(tags=["on:resource 3"])) == 3


def test_all_or_none_are_kept(engine: Engine) -> None:
    with pytest.raises(InvalidValue, match="must be JSON"):
        engine.enqueue_many([Call(echo, (1,)), Call(echo, (object(),))])  # type: ignore[arg-type]

    assert engine.tasks.list() == []


def test_keys_groups_delays_and_priorities_hold_in_a_batch_too(engine: Engine) -> None:
    group = engine.group()

    first, again, later, urgent = engine.enqueue_many(
        [
            Call(echo, (1,), idempotency_key="invoice"),
            Call(echo, (2,), idempotency_key="invoice"),
            Call(echo, (3,), not_before=timedelta(hours=1)),
            Call(echo, (4,), priority="high"),
        ],
        group=group,
    )

    assert first.task_id == again.task_id
    assert later.report().not_before is not None
    assert group.summary()["total"] == 3
    assert [claim.task_id for claim in take(engine.database)] == [urgent.task_id, first.task_id]


def test_known_keys_stand_for_their_tasks_and_the_others_of_a_batch_are_new(engine: Engine) -> None:
    known = engine.enqueue(echo, 0, idempotency_key="key 3")

    handles = engine.enqueue_many([Call(echo, (number,), idempotency_key=f"key {number}") for number in range(1200)])

    assert handles[3].task_id == known.task_id
    assert len({handle.task_id for handle in handles}) == 1200
    rows = engine.database.rows("SELECT task_id FROM task ORDER BY id")
    new = [one.task_id for number, one in enumerate(handles) if number != 3]
    assert [task_id for (task_id,) in rows] == [known.task_id, *new]


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_rival_that_commits_one_of_the_keys_at_that_moment_has_the_task(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = bulk_submission._known_keys
    rivals = list[str]()

    def look_and_be_overtaken(*arguments: Any) -> set[str]:
        known = look(*arguments)
        with Engine(settings=settings) as rival:
            rivals.append(rival.enqueue(echo, 2, idempotency_key="key 2").task_id)
        return known

    monkeypatch.setattr(bulk_submission, "_known_keys", look_and_be_overtaken)

    handles = engine.enqueue_many([Call(echo, (number,), idempotency_key=f"key {number}") for number in range(4)])

    assert handles[2].task_id == rivals[0]
    assert engine.database.row("SELECT COUNT(*), COUNT(DISTINCT idempotency_key) FROM task") == (4, 4)


def test_the_bells_of_a_batch_name_the_ready_and_their_queues_after_the_commit(engine: Engine) -> None:
    bells: list[Bell] = []
    engine.doorbell.ring = bells.extend  # type: ignore[method-assign]

    with engine.transaction():
        first, _, apart = engine.enqueue_many([Call(hold, ("a",)), Call(hold, ("a",)), Call(on_its_own_queue, (1,))])
        assert bells == []

    assert bells == [Bell(first.task_id, "default"), Bell(apart.task_id, "apart")]


def test_an_empty_batch_is_no_task(engine: Engine) -> None:
    assert engine.enqueue_many([]) == []
