"""Task groups: tasks that are counted, awaited and canceled together."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import MissingResource, OperationConflict, WaitTimeout
from entrepot.tasking import cancellation
from entrepot.tasking.handle import TaskHandle
from entrepot.tasking.reports import STATES

if TYPE_CHECKING:
    from entrepot.models import Database, Row
    from entrepot.tasking.tasks import Tasks

#: Groups in one statement.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class GroupReport:
    """A group as it is at one moment; `summary` counts its tasks by state, and in `total`."""

    group_id: str
    created: datetime
    summary: dict[str, int]


class TaskGroup:
    """A group of tasks; give it to `enqueue(…, group=…)`."""

    def __init__(self, tasks: Tasks, row_id: int, group_id: str) -> None:
        """Refer to an existing group; made by `create_group` and `get_group`."""
        self._tasks = tasks
        self._database = tasks.database
        self.row_id = row_id
        self.group_id = group_id

    def __repr__(self) -> str:
        """Show the group's id."""
        return f"TaskGroup({self.group_id!r})"

    def add(self, handle: TaskHandle) -> None:
        """Add a task that is in no group yet, in whatever state it is.

        Raises `MissingResource` if there is no such task, `OperationConflict` if it is in a group already.
        """
        with self._database.transaction():
            query = f"SELECT id, task_group FROM task WHERE task_id = ?{self._database.for_update}"
            row = self._database.row(query, (handle.task_id,))
            if row is None:
                raise MissingResource(resource_id=handle.task_id)
            if row[1] is not None:
                raise self._in_a_group_already(handle.task_id, row[1])
            self._database.execute("UPDATE task SET task_group = ? WHERE id = ?", (self.row_id, row[0]))

    def report(self) -> GroupReport:
        """Return what is known of the group; raises `MissingResource` if retention has removed it."""
        query = "SELECT id, group_id, created_at FROM task_group WHERE id = ?"
        found = _reports(self._database, self._database.rows(query, (self.row_id,)))
        if not found:
            raise MissingResource(task_group=self.group_id)
        return found[0]

    def summary(self) -> dict[str, int]:
        """Return how many of its tasks are in each state, and `total`. Source: the Pulp 2 REST contract, 3.3."""
        return _summaries(self._database, [self.row_id])[self.row_id]

    def handles(self) -> list[TaskHandle]:
        """Return its tasks, in the order they were enqueued."""
        rows = self._database.rows("SELECT task_id FROM task WHERE task_group = ? ORDER BY id", (self.row_id,))
        return [TaskHandle(self._tasks, task_id) for (task_id,) in rows]

    def cancel(self) -> int:
        """Cancel all of its tasks that are not complete, and return how many those were.

        Those that are added meanwhile are canceled as well: it ends at a moment when none was left.
        """
        return cancellation.cancel_group(self._database, self.row_id, self._tasks.doorbell.ring)

    def wait(self, timeout: float | timedelta | None = None) -> dict[str, int]:
        """Return the summary once all of its tasks have ended, however they ended; raises `WaitTimeout`."""
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        deadline = None if seconds is None else clock.monotonic() + seconds
        last = self.find_unfinished()
        if last is None:
            return self.summary()
        with self._database.watch() as watch:
            for _ in watch.looks(deadline):
                last = self.find_unfinished(last)
                if last is None:
                    return self.summary()
        raise timed_out(self.group_id, self.summary(), seconds)

    def find_unfinished(self, last: int | None = None) -> int | None:
        """Return a task (its row id) that has not ended, or None: `last`, which was one, if it still is.

        Else it is the newest, as a rule the one to wait for longest.
        """
        if last is not None and self._is_unfinished(last):
            return last
        # PostgreSQL would look for the maximum alone in all tasks from the newest on, however few of them are the group's.
        query = "SELECT MAX(id), COUNT(*) FROM task WHERE task_group = ? AND finished_at IS NULL"
        row = self._database.look(query, (self.row_id,))
        return row[0] if row else None

    def _is_unfinished(self, task: int) -> bool:
        query = "SELECT 1 FROM task WHERE id = ? AND task_group = ? AND finished_at IS NULL"
        return self._database.look(query, (task, self.row_id)) is not None

    def _in_a_group_already(self, task_id: str, row_id: int) -> OperationConflict:
        row = self._database.row("SELECT group_id FROM task_group WHERE id = ?", (row_id,))
        group_id = str(row[0]) if row else ""
        which = "this group" if row_id == self.row_id else f"group {group_id}"
        return OperationConflict(
            f"Task {task_id} is in {which} already; a task is in one group at most.", task_id=task_id, task_group=group_id
        )


def timed_out(group_id: str, summary: Mapping[str, int], seconds: float | None) -> WaitTimeout:
    """Return what to say when the tasks of a group have not ended after `seconds`."""
    text = f"Tasks of group {group_id} have not ended after {seconds or 0:g} s; they go on. Wait again, or cancel them."
    return WaitTimeout(text, task_group=group_id, **summary)


def create_group(tasks: Tasks) -> TaskGroup:
    """Make an empty group."""
    group_id = str(uuid.uuid4())
    with tasks.database.transaction():
        row = tasks.database.row(
            "INSERT INTO task_group (group_id, created_at) VALUES (?, ?) RETURNING id", (group_id, clock.now_us())
        )
    assert row is not None  # noqa: S101 - RETURNING of an insert without a conflict clause
    return TaskGroup(tasks, row[0], group_id)


def get_group(tasks: Tasks, group_id: str) -> TaskGroup:
    """Return the group with this id; raises `MissingResource`."""
    row = tasks.database.row("SELECT id FROM task_group WHERE group_id = ?", (group_id,))
    if row is None:
        raise MissingResource(task_group=group_id)
    return TaskGroup(tasks, row[0], group_id)


def list_groups(database: Database, *, limit: int = 50) -> list[GroupReport]:
    """Return the newest groups first."""
    query = "SELECT id, group_id, created_at FROM task_group ORDER BY id DESC LIMIT ?"
    return _reports(database, database.rows(query, (limit,)))


def _reports(database: Database, rows: list[Row]) -> list[GroupReport]:
    summaries = _summaries(database, [row[0] for row in rows])
    return [GroupReport(group_id, clock.from_us(created), summaries[id_]) for id_, group_id, created in rows]


def _summaries(database: Database, groups: list[int]) -> dict[int, dict[str, int]]:
    """Return the counters of each of `groups` (row ids)."""
    counts = {group: dict.fromkeys(STATES, 0) for group in groups}
    for start in range(0, len(groups), _CHUNK):
        chunk = groups[start : start + _CHUNK]
        marks = ", ".join("?" * len(chunk))
        query = f"SELECT task_group, state, COUNT(*) FROM task WHERE task_group IN ({marks}) GROUP BY task_group, state"
        for group, state, count in database.rows(query, chunk):
            counts[group][state] = count
    return {group: states | {"total": sum(states.values())} for group, states in counts.items()}
