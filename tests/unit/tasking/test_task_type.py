"""Functions that are marked as tasks, and how workers find them."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker

import entrepot
from entrepot.errors import InvalidSettings, InvalidValue, UnknownTaskType
from entrepot.tasking import TaskRegistry, TaskType
from entrepot.tasking.task_type import require_queue_name


@entrepot.task(resources=lambda order: [f"order:{order}"], tags=["shop"], idempotent=True, timeout=90)
def ship(order: str) -> str:
    """Ship."""
    return f"shipped {order}"


@entrepot.task
def plain() -> None:
    """Do nothing."""


def test_a_marked_function_can_still_be_called_directly() -> None:
    assert ship("4711") == "shipped 4711"


def test_the_marks_are_kept() -> None:
    task_type = TaskRegistry().type_of(ship)

    assert task_type.name == f"{__name__}.ship"
    assert task_type.resources_for(("4711",), {}) == ("order:4711",)
    assert task_type.tags_for(("4711",), {}) == ("shop",)
    assert task_type.idempotent
    assert task_type.timeout == timedelta(seconds=90)


def test_without_options_a_task_reserves_nothing_and_runs_at_most_once() -> None:
    task_type = TaskRegistry().type_of(plain)

    assert (task_type.resources_for((), {}), task_type.idempotent, task_type.timeout) == ((), False, None)


@pytest.mark.parametrize("queue", ["mail", "_night", "Mail-2_b", "a" * 64])
def test_a_queue_may_be_called_as_dramatiq_allows(queue: str) -> None:
    actor = dramatiq.actor(plain, queue_name=queue, broker=StubBroker())

    assert require_queue_name(queue) == actor.queue_name


@pytest.mark.parametrize("queue", ["2nd", "-x", "", "a b", "a" * 65, "mail\n", "pöst"])
def test_a_queue_that_cannot_be_is_refused(queue: str) -> None:
    with pytest.raises(InvalidValue, match="is no queue name: a letter or '_', then letters, digits"):
        entrepot.task(queue=queue)(plain)


@pytest.mark.parametrize("capacity", [0, 101, True, "4", None])
def test_a_limit_of_a_type_that_nothing_can_count_is_refused(capacity: object) -> None:
    push = TaskType("push", plain, (), (), limits=lambda most: {"edge:pop:1": most})

    with pytest.raises(InvalidValue, match="'edge:pop:1' at least 1 and at most 100"):
        push.limits_for((capacity,), {})
    assert push.limits_for((100,), {}) == {"edge:pop:1": 100}


def test_a_module_that_is_named_brings_its_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop_tasks.py").write_text("import entrepot\n@entrepot.task\ndef pack(): ...\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    registry = TaskRegistry()

    registry.load_modules(["shop_tasks"])

    assert registry.get("shop_tasks.pack").function is sys.modules["shop_tasks"].pack


def test_a_module_that_cannot_be_imported_is_named() -> None:
    with pytest.raises(InvalidSettings, match="no_such_module"):
        TaskRegistry().load_modules(["no_such_module"])


def test_an_unknown_type_says_how_to_make_it_known() -> None:
    with pytest.raises(UnknownTaskType, match="ENTREPOT_TASK_MODULES"):
        TaskRegistry().get("shop.ship")
