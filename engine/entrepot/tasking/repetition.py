"""What a task that has ended was called with, to enqueue the same once more: a new task, which says whose repetition it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from entrepot.errors import MissingResource, OperationConflict
from entrepot.tasking.call import Call
from entrepot.tasking.task_type import PRIORITIES

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.task_type import Priority

_NAMES = {number: name for name, number in PRIORITIES.items()}
_SELECT = "SELECT task_type, state, arguments, priority, finished_at FROM task WHERE task_id = ?"


def retry_tag(task_id: str) -> str:
    """Return the tag of the tasks that repeat the task with this id."""
    return f"entrepot:retry-of:{task_id}"


def call_of(database: Database, task_id: str) -> Call:
    """Return what a task that has ended was to run: its type, arguments and priority.

    Neither the key nor the delay that it may have had. Raises `MissingResource`, `OperationConflict` if it has not ended.
    """
    row = database.row(_SELECT, (task_id,))
    if row is None:
        raise MissingResource(resource_id=task_id)
    task_type, state, arguments, priority, finished = row
    if finished is None:
        how = "canceled, and has not stopped yet" if state == "canceled" else state
        text = f"Task {task_id} is {how}; only one that has ended can be tried again. Wait for its end, or cancel it first."
        raise OperationConflict(text, task_id=task_id, state=state)
    args, kwargs = json.loads(arguments)
    return Call(task_type, tuple(args), kwargs, priority=cast("Priority", _NAMES[priority]))
