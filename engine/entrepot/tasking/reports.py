"""Task reports: what doors and programs see of a task; frozen, and read without locks."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import JSON, MissingResource

if TYPE_CHECKING:
    from entrepot.models import Database, Row

#: States in which a task is complete. Source: the Pulp 2 REST contract, 3.2.
FINAL_STATES = frozenset({"finished", "error", "canceled", "skipped"})
STATES = ("waiting", "accepted", "running", "suspended", "finished", "error", "canceled", "skipped")

_SELECT = """
SELECT task.id, task.task_id, task.task_type, task.state, task.tags, task.created_at, task.started_at, task.finished_at,
       task.owner, task.progress, task.result, task.error, task.traceback, task.attempt, task.rescues,
       parent.task_id, task_group.group_id
FROM task LEFT JOIN task AS parent ON parent.id = task.parent LEFT JOIN task_group ON task_group.id = task.task_group
"""


@dataclass(frozen=True, slots=True)
class TaskReport:
    """A task as it is at one moment.

    `finished` is None until its function has really stopped, also for a task that is canceled already. `worker_name` is
    None until a worker has claimed it. `spawned` holds the ids of the tasks that it enqueued.
    """

    task_id: str
    task_type: str
    state: str
    tags: tuple[str, ...]
    created: datetime
    started: datetime | None
    finished: datetime | None
    worker_name: str | None
    progress: dict[str, JSON]
    result: JSON
    error: dict[str, JSON] | None
    traceback: str | None
    spawned: tuple[str, ...]
    parent: str | None
    group_id: str | None
    attempt: int
    rescues: int

    @property
    def is_final(self) -> bool:
        """True when the task has ended and nothing of it runs any more."""
        return self.finished is not None


def get_report(database: Database, task_id: str) -> TaskReport:
    """Return the report of one task; raises `MissingResource`."""
    row = database.row(f"{_SELECT} WHERE task.task_id = ?", (task_id,))
    if row is None:
        raise MissingResource(resource_id=task_id)
    return _reports(database, [row])[0]


def list_reports(
    database: Database, *, states: Collection[str] = (), tags: Collection[str] = (), limit: int = 50
) -> list[TaskReport]:
    """Return the newest tasks first: those in one of `states` (any if empty) that carry all of `tags`."""
    conditions, values = ["1 = 1"], list[object]()
    if states:
        conditions.append(f"task.state IN ({', '.join('?' * len(states))})")
        values += states
    for tag in tags:
        conditions.append("task.id IN (SELECT task FROM task_tag WHERE tag = ?)")
        values.append(tag)
    query = f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY task.id DESC LIMIT ?"
    return _reports(database, database.rows(query, (*values, limit)))


def _reports(database: Database, rows: list[Row]) -> list[TaskReport]:
    spawned: dict[int, list[str]] = {row[0]: [] for row in rows}
    if spawned:
        marks = ", ".join("?" * len(spawned))
        for parent, task_id in database.rows(
            f"SELECT parent, task_id FROM task WHERE parent IN ({marks}) ORDER BY id", tuple(spawned)
        ):
            spawned[parent].append(task_id)
    return [_report(row, tuple(spawned[row[0]])) for row in rows]


def _report(row: Row, spawned: tuple[str, ...]) -> TaskReport:
    (
        _,
        task_id,
        task_type,
        state,
        tags,
        created,
        started,
        finished,
        owner,
        progress,
        result,
        error,
        traceback,
        attempt,
        rescues,
        parent,
        group_id,
    ) = row
    return TaskReport(
        task_id=task_id,
        task_type=task_type,
        state=state,
        tags=tuple(json.loads(tags)),
        created=clock.from_us(created),
        started=_moment(started),
        finished=_moment(finished),
        worker_name=owner,
        progress=json.loads(progress) if progress else {},
        result=json.loads(result) if result else None,
        error=json.loads(error) if error else None,
        traceback=traceback,
        spawned=spawned,
        parent=parent,
        group_id=group_id,
        attempt=attempt,
        rescues=rescues,
    )


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else clock.from_us(microseconds)
