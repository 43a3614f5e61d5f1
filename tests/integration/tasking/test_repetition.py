"""A task that has ended is tried again: a new task with the same call."""

from __future__ import annotations

import pytest

from entrepot.engine import Engine
from entrepot.errors import InvalidValue, MissingResource, OperationConflict, UnknownTaskType
from entrepot.tasking import TaskRegistry, TaskType, retry_tag
from entrepot.testing import drain

from .conftest import HOUR, fail, hold, take


def test_a_retry_is_a_new_task_with_the_same_call_and_names_the_first(engine: Engine) -> None:
    group = engine.group()
    first = engine.enqueue(hold, "a", "b", priority="high", group=group, idempotency_key="once")
    drain(engine)

    again = engine.tasks.retry(first.task_id)

    waiting = again.report()
    assert (waiting.state, waiting.priority, waiting.group_id, waiting.parent) == ("waiting", "high", None, None)
    assert waiting.tags == ("on:a", "on:b", retry_tag(first.task_id))
    assert engine.tasks.list(tags=[retry_tag(first.task_id)])[0].task_id == again.task_id != first.task_id
    blocked = engine.enqueue(hold, "a")
    assert blocked.report().waiting is not None
    assert blocked.report().waiting.reason == "resource"
    drain(engine)
    assert (again.state, first.state) == ("finished", "finished")


def test_a_retry_of_a_retry_names_the_one_before_alone(engine: Engine) -> None:
    first = engine.enqueue(fail, "no")
    drain(engine)
    second = engine.tasks.retry(first.task_id)
    drain(engine)

    third = engine.tasks.retry(second.task_id)

    assert third.report().tags == (retry_tag(second.task_id),)
    assert second.report().error["description"] == first.report().error["description"]


def test_a_task_that_has_not_ended_is_not_tried_again(engine: Engine) -> None:
    waiting, delayed, stopping = engine.enqueue(hold), engine.enqueue(hold, not_before=HOUR), engine.enqueue(hold, "c")
    take(engine.database)
    stopping.cancel()

    for handle, word in ((waiting, "is running"), (delayed, "is waiting"), (stopping, "has not stopped yet")):
        with pytest.raises(OperationConflict, match=word):
            engine.tasks.retry(handle.task_id)
    with pytest.raises(MissingResource):
        engine.tasks.retry("nobody")

    assert len(engine.tasks.list()) == 3


def test_a_type_that_is_gone_or_takes_other_arguments_by_now_is_refused(engine: Engine) -> None:
    handle = engine.enqueue(hold, "a", "b")
    drain(engine)
    name = handle.report().task_type

    engine.registry.add(TaskType(name, lambda one: one, resources=lambda one: [one]))
    with pytest.raises(InvalidValue, match="does not take them any more"):
        engine.tasks.retry(handle.task_id)
    engine.tasks.registry = TaskRegistry()
    with pytest.raises(UnknownTaskType):
        engine.tasks.retry(handle.task_id)

    assert len(engine.tasks.list()) == 1


def test_task_modules_are_loaded_for_a_type_that_is_not_known_yet(engine: Engine) -> None:
    handle = engine.enqueue(hold)
    drain(engine)
    later = Engine(settings=engine.settings.model_copy(update={"task_modules": [hold.__module__]}))

    with later.visit():
        assert later.tasks.retry(handle.task_id).state == "waiting"
    later.close()
