"""Enqueue a task of any type by its name; an extension. What the engine itself offers has endpoints of its own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from entrepot.errors import JSON, InvalidValue, MissingValue, UnsupportedValue
from entrepot.named_tasks import require_callable
from entrepot.rest.endpoint import Answer, Asked, Body
from entrepot.rest.reading import find_object, find_text, moment
from entrepot.rest.schemas import OBJECT_OR_NULL, TEXT, TEXT_OR_NULL, body
from entrepot.rest.shapes import accepted
from entrepot.tasking import Call
from entrepot.tasking.task_type import PRIORITIES

if TYPE_CHECKING:
    from entrepot.tasking.task_type import Priority

NEW_TASK = Body(
    body(
        "NewTask",
        ("task_type",),
        task_type={**TEXT, "description": "The name of a task type that this server's task modules define."},
        args={"type": ["array", "null"], "description": "The function's arguments by position."},
        kwargs={**OBJECT_OR_NULL, "description": "The function's arguments by name."},
        idempotency_key={**TEXT_OR_NULL, "description": "The same key stands for the same task."},
        not_before={"type": ["string", "number", "null"], "description": "A date and time, or seconds from now."},
        priority={"enum": [*PRIORITIES, None]},
        group_id={**TEXT_OR_NULL, "description": "The group that the task is to be in."},
    )
)


def enqueue_task(asked: Asked) -> Answer:
    """Enqueue a task of any type that this server knows by its task modules; the same idempotency key stands for the same."""
    document, tasks = asked.document, asked.engine.tasks
    unknown = sorted(set(document) - _PROPERTIES)
    if unknown:
        raise UnsupportedValue(*unknown)
    name, args, kwargs = read_call(asked, "task_type")
    key, priority = find_text(document, "idempotency_key"), find_text(document, "priority")
    call = Call(name, args, kwargs, key, _not_before(document), cast("Priority | None", priority))
    group_id = find_text(document, "group_id")
    return accepted(tasks.enqueue(call, group=None if group_id is None else tasks.get_group(group_id)))


_PROPERTIES = frozenset({"task_type", "args", "kwargs", "idempotency_key", "not_before", "priority", "group_id"})


def read_call(asked: Asked, name_of_type: str) -> tuple[str, tuple[JSON, ...], dict[str, JSON]]:
    """Return the task type and the arguments that a body names, after a look whether who asks may call it, and how.

    Types of the engine's own are for super users. Raises `MissingValue`, `InvalidValue`, `OperationRefused`.
    """
    document = asked.document
    name = find_text(document, name_of_type)
    if name is None:
        raise MissingValue(name_of_type)
    args, kwargs = _args(document), find_object(document, "kwargs") or {}
    is_superuser = bool(asked.principal and asked.principal.is_superuser)
    require_callable(asked.engine, name, args, kwargs, is_superuser=is_superuser, property_name=name_of_type)
    return name, args, kwargs


def _args(document: dict[str, JSON]) -> tuple[JSON, ...]:
    args = document.get("args")
    if args is not None and not isinstance(args, list):
        raise InvalidValue("args", why="it must be a list")
    return tuple(args or ())


def _not_before(document: dict[str, JSON]) -> datetime | timedelta | None:
    value = document.get("not_before")
    if value is None:
        return None
    if isinstance(value, str):
        found: datetime | timedelta | None = moment(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        found = _span(value)
    else:
        found = None
    if found is None:
        raise InvalidValue("not_before", why="it is neither a full ISO 8601 date and time nor a number of seconds")
    return found


def _span(seconds: float) -> timedelta | None:
    try:
        return timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return None
