"""What several resources show alike: object ids, moments, links to tasks, call reports.

Source: the Pulp 2 REST contract, 1.3 and 1.7.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from entrepot import clock
from entrepot.errors import JSON
from entrepot.rest.endpoint import PREFIX, Answer

if TYPE_CHECKING:
    from entrepot.tasking import TaskHandle


def href(*segments: str) -> str:
    """Return the path of a resource: `href("repositories", "zoo")`."""
    return f"{PREFIX}/v2/" + "".join(quote(segment, safe="") + "/" for segment in segments)


def hex_id(row_id: int) -> str:
    """Return the id that clients know a row by."""
    return f"{row_id:024x}"


def oid(row_id: int) -> dict[str, JSON]:
    """Return the id of a row as Pulp's database shows it."""
    return {"$oid": hex_id(row_id)}


def moment(value: datetime | None) -> str | None:
    """Return a moment as all answers show it, whole seconds in UTC."""
    return None if value is None else clock.iso(value)


def microseconds(value: datetime | None) -> int | None:
    """Return a moment to the microsecond, since 1970: what spans are computed from."""
    return None if value is None else clock.to_us(value)


def task_href(task_id: str) -> str:
    """Return the path of a task; its id is a UUID, so there is nothing to quote."""
    return f"{PREFIX}/v2/tasks/{task_id}/"


def task_link(task_id: str) -> dict[str, JSON]:
    """Return a reference to a task."""
    return {"_href": task_href(task_id), "task_id": task_id}


def call_report(handles: Iterable[TaskHandle], result: JSON = None) -> dict[str, JSON]:
    """Return what tells a client of the tasks that do what it asked for."""
    return {"result": result, "error": None, "spawned_tasks": [task_link(handle.task_id) for handle in handles]}


def accepted(*handles: TaskHandle, result: JSON = None) -> Answer:
    """Return the answer 202 with the call report of these tasks."""
    return Answer(call_report(handles, result), 202)
