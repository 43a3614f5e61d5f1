"""Search for tasks by the fields that clients are shown. Source: the Pulp 2 REST contract, 3.1 and 4.3.

A search that names tags begins with one of them: the index of tags gives its tasks in their order, so that a page of them costs
what a page costs, however many tasks there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from entrepot.criteria import And, Condition, Criteria, Document, Equal, Field, Filter, On, Value, every, formed, select
from entrepot.tasking.reports import STATES, TaskReport, in_states, reports_of
from entrepot.tasking.task_type import PRIORITIES

if TYPE_CHECKING:
    from datetime import timedelta

    from entrepot.models import Database

#: Tags that very many tasks have: a search begins with another one if it can.
_COMMON_TAGS = "pulp:action:"
_HAS_TAG = "EXISTS (SELECT 1 FROM task_tag AS other WHERE other.tag = ? AND other.task = task.id)"
_PRIORITY_NAMES = " ".join(f"WHEN {number} THEN '{name}'" for name, number in PRIORITIES.items())


def search_tasks(database: Database, criteria: Criteria, *, lease: timedelta) -> list[TaskReport]:
    """Return the tasks that `criteria` select, in their order, else the oldest first. Raises as `select`."""
    tags, rest = _without_tags(criteria.filters)
    if not tags:
        rows = select(database, "SELECT task.id FROM task", _TASKS, criteria, tie="task.id")
    else:
        first, *others = sorted(tags, key=lambda tag: tag.startswith(_COMMON_TAGS))
        among = every(formed("task_tag.tag = ?", first), *(formed(_HAS_TAG, tag) for tag in others))
        head = "SELECT task.id FROM task_tag JOIN task ON task.id = task_tag.task"
        rows = select(database, head, _TASKS, replace(criteria, filters=rest), tie="task_tag.task", among=among)
    return reports_of(database, [row[0] for row in rows], lease=lease)


def _without_tags(filters: Filter) -> tuple[list[str], Filter]:
    """Return the tags that every task found must have, and what is asked besides."""
    if isinstance(filters, On) and filters.path == ("tags",) and isinstance(filters.test, Equal):
        tag = filters.test.value
        return ([tag], And()) if isinstance(tag, str) else ([], filters)
    if not isinstance(filters, And):
        return [], filters
    parts = [_without_tags(part) for part in filters.parts]
    return [tag for tags, _ in parts for tag in tags], And(tuple(rest for _, rest in parts if rest != And()))


def _by_state(inside: tuple[str, ...], values: Sequence[Value]) -> Condition | None:
    states = [value for value in values if isinstance(value, str) and value in STATES]
    if inside or len(states) != len(values) or not states:
        return None
    condition, given = in_states(states)
    return formed(condition, *given)


def _by_tag(inside: tuple[str, ...], values: Sequence[Value]) -> Condition | None:
    if inside or not values or not all(isinstance(value, str) for value in values):
        return None
    marks = ", ".join("?" * len(values))
    return formed(f"task.id IN (SELECT tagged.task FROM task_tag AS tagged WHERE tagged.tag IN ({marks}))", *values)


def _by_group(inside: tuple[str, ...], values: Sequence[Value]) -> Condition | None:
    if inside or len(values) != 1:
        return None
    if values[0] is None:
        return Condition("task.task_group IS NULL")
    return formed("task.task_group IN (SELECT task_group.id FROM task_group WHERE task_group.group_id = ?)", str(values[0]))


def _by_parent(inside: tuple[str, ...], values: Sequence[Value]) -> Condition | None:
    if inside or len(values) != 1:
        return None
    if values[0] is None:
        return Condition("task.parent IS NULL")
    return formed("task.parent IN (SELECT above.id FROM task AS above WHERE above.task_id = ?)", str(values[0]))


_NOT_KEPT = Field("json", "NULL")
_TASKS = Document(
    "task_status",
    {
        "_id": Field("oid", "task.id"),
        "id": Field("oid", "task.id"),
        "_ns": Field("text", "'task_status'"),
        "_href": Field("text", "('/pulp/api/v2/tasks/' || task.task_id || '/')"),
        "task_id": Field("text", "task.task_id"),
        "task_type": Field("text", "task.task_type"),
        "state": Field("text", "task.state", _by_state),
        "tags": Field("json", "task.tags", _by_tag),
        "worker_name": Field("text", "task.owner"),
        "start_time": Field("moment", "task.started_at"),
        "finish_time": Field("moment", "task.finished_at"),
        "progress_report": Field("json", "COALESCE(task.progress, '{}')"),
        "result": Field("json", "task.result"),
        "error": Field("json", "task.error"),
        "exception": _NOT_KEPT,
        "traceback": Field("text", "task.traceback"),
        "spawned_tasks": _NOT_KEPT,
        "group_id": Field(
            "text", "(SELECT task_group.group_id FROM task_group WHERE task_group.id = task.task_group)", _by_group
        ),
        "parent_task_id": Field("text", "(SELECT above.task_id FROM task AS above WHERE above.id = task.parent)", _by_parent),
        "create_time": Field("moment", "task.created_at"),
        "not_before": Field("moment", "task.not_before"),
        "queue": Field("text", "task.queue"),
        "task_queue": Field("text", "task.queue"),
        "priority": Field("text", f"(CASE task.priority {_PRIORITY_NAMES} END)"),
        "attempt": Field("number", "task.attempt"),
        "attempts": _NOT_KEPT,
        "rescues": Field("number", "task.rescues"),
        "retries": Field("number", "task.retries"),
        "waiting": _NOT_KEPT,
    },
)
