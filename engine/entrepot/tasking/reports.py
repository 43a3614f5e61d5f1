"""Task reports: what doors and programs see of a task; frozen, and read without locks."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import JSON, MissingResource
from entrepot.tasking import attempts, waiting
from entrepot.tasking.attempts import Attempt
from entrepot.tasking.task_type import PRIORITIES
from entrepot.tasking.waiting import Waiting, WaitingTask

if TYPE_CHECKING:
    from entrepot.models import Database, Row

#: States in which a task is complete. Source: the Pulp 2 REST contract, 3.2.
FINAL_STATES = frozenset({"finished", "error", "canceled", "skipped"})
STATES = ("waiting", "accepted", "running", "suspended", "finished", "error", "canceled", "skipped")

_SELECT = """
SELECT task.id, task.task_id, task.task_type, task.state, task.tags, task.created_at, task.started_at, task.finished_at,
       task.owner, task.progress, task.result, task.error, task.traceback, task.attempt, task.rescues,
       parent.task_id, task_group.group_id, task.queue, task.priority, task.not_before, task.retries, task.ready_at,
       EXISTS (SELECT 1 FROM task AS child WHERE child.parent = task.id)
FROM task LEFT JOIN task AS parent ON parent.id = task.parent LEFT JOIN task_group ON task_group.id = task.task_group
"""


#: Tasks in one statement.
_CHUNK = 500
_PRIORITY_NAMES = {number: name for name, number in PRIORITIES.items()}


@dataclass(frozen=True, slots=True)
class TaskReport:
    """A task as it is at one moment.

    `row_id` grows with every task. `finished` is None until its function has really stopped, also for a task that is canceled
    already. `worker_name` is None until a worker has claimed it. `not_before` is when it may begin, None if that is at any
    time. `ready` is when it was first in line for all that it reserves. `attempt` counts its runs, `rescues` those that were
    lost with their worker, `retries` those that failed and were followed by another; `attempts` tells of those. `spawned` holds
    the ids of the tasks that it enqueued. `waiting` says why it waits; None in any other state, and where nobody asked.
    """

    row_id: int
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
    queue: str
    priority: str
    not_before: datetime | None
    attempt: int
    rescues: int
    retries: int
    attempts: tuple[Attempt, ...]
    waiting: Waiting | None
    ready: datetime | None = None

    @property
    def is_final(self) -> bool:
        """True when the task has ended and nothing of it runs any more."""
        return self.finished is not None

    @property
    def title(self) -> str:
        """What the task is called to people: `sync zoo`, or its type."""
        return waiting.title(self.task_type, self.tags)


def get_report(database: Database, task_id: str, *, lease: timedelta, explain: bool = True) -> TaskReport:
    """Return the report of one task; raises `MissingResource`.

    `explain` says why it waits, if it does; a worker without a sign of life for a `lease` counts as none.
    """
    row = database.row(f"{_SELECT} WHERE task.task_id = ?", (task_id,))
    if row is None:
        raise MissingResource(resource_id=task_id)
    return _reports(database, [row], lease=lease, explain=explain)[0]


def iterate_reports(
    database: Database,
    *,
    lease: timedelta,
    states: Collection[str] = (),
    tags: Collection[str] = (),
    group: int | None = None,
    is_alone: bool = False,
    explain: bool = False,
) -> Iterator[TaskReport]:
    """Yield all tasks in one of `states` (any if empty), with all of `tags`, of `group` (its row id), the oldest first.

    `is_alone` leaves out those that are in a group. Few are in memory at a time. One that is removed meanwhile is left out.
    `explain` says why those wait that do, which costs a few statements more, and one for each that is ready.
    """
    condition, values = _condition(states, tags, group)
    alone = " AND task.task_group IS NULL" if is_alone else ""
    ids = [row[0] for row in database.rows(f"SELECT task.id FROM task WHERE {condition}{alone} ORDER BY task.id", values)]
    for start in range(0, len(ids), _CHUNK):
        yield from reports_of(database, ids[start : start + _CHUNK], lease=lease, explain=explain)


def reports_of(database: Database, ids: Sequence[int], *, lease: timedelta, explain: bool = False) -> list[TaskReport]:
    """Return the reports of the tasks with these row ids, in their order; one that is gone is left out."""
    found: dict[int, TaskReport] = {}
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        query = f"{_SELECT} WHERE task.id IN ({', '.join('?' * len(chunk))})"
        rows = database.rows(query, chunk)
        found.update((report.row_id, report) for report in _reports(database, rows, lease=lease, explain=explain))
    return [found[id_] for id_ in ids if id_ in found]


def in_states(states: Collection[str]) -> tuple[str, list[object]]:
    """Return the condition that a task is in one of `states`, with its values; an index serves it but for `finished`.

    The index leaves out finished tasks, and is used where the condition says so in the words of its definition.
    """
    if "finished" in states or not set(states) <= set(STATES):
        return f"task.state IN ({', '.join('?' * len(states))})", list(states)
    names = ", ".join(f"'{state}'" for state in sorted(set(states)))
    return f"(task.state IN ({names}) AND task.state <> 'finished')", []


def _condition(states: Collection[str], tags: Collection[str], group: int | None) -> tuple[str, list[object]]:
    conditions, values = ["1 = 1"], list[object]()
    if states:
        condition, named = in_states(states)
        conditions.append(condition)
        values += named
    for tag in tags:
        conditions.append("task.id IN (SELECT task FROM task_tag WHERE tag = ?)")
        values.append(tag)
    if group is not None:
        conditions.append("task.task_group = ?")
        values.append(group)
    return " AND ".join(conditions), values


def _reports(database: Database, rows: list[Row], *, lease: timedelta, explain: bool) -> list[TaskReport]:
    ids = [row[0] for row in rows]
    spawned: dict[int, list[str]] = {id_: [] for id_ in ids}
    parents = [row[0] for row in rows if row[-1]]
    for start in range(0, len(parents), _CHUNK):
        chunk = parents[start : start + _CHUNK]
        query = f"SELECT parent, task_id FROM task WHERE parent IN ({', '.join('?' * len(chunk))}) ORDER BY id"
        for parent, task_id in database.rows(query, chunk):
            spawned[parent].append(task_id)
    tried = dict.fromkeys(ids, ()) | attempts.of(database, [row[0] for row in rows if _may_have_failed(row)])
    tasks = [_waiting_task(row, tried[row[0]]) for row in rows if row[3] == "waiting"] if explain else []
    waits = waiting.explain(database, tasks, lease=lease) if tasks else {}
    return [_report(row, tuple(spawned[row[0]]), tried[row[0]], waits) for row in rows]


def _may_have_failed(row: Row) -> bool:
    """Return False of a task that has certainly had no run before its present or last one: nobody need look for any."""
    state, attempt = row[3], row[13]
    return attempt > 1 or (attempt == 1 and state not in ("running", "finished"))


def _waiting_task(row: Row, tried: tuple[Attempt, ...]) -> WaitingTask:
    id_, attempt, (queue, priority, not_before, retries, ready_at) = row[0], row[13], row[17:22]
    errors = [run.error["description"] for run in tried if run.error]
    last_error = str(errors[-1]) if errors else None
    return WaitingTask(id_, queue, priority, not_before, ready_at is not None, attempt, retries, last_error)


def _report(row: Row, spawned: tuple[str, ...], tried: tuple[Attempt, ...], waits: Mapping[int, Waiting]) -> TaskReport:
    (
        id_,
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
        queue,
        priority,
        not_before,
        retries,
        ready,
        *_,
    ) = row
    return TaskReport(
        row_id=id_,
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
        queue=queue,
        priority=_PRIORITY_NAMES[priority],
        not_before=_moment(not_before),
        attempt=attempt,
        rescues=rescues,
        retries=retries,
        attempts=tried,
        waiting=waits.get(id_),
        ready=_moment(ready),
    )


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else clock.from_us(microseconds)
