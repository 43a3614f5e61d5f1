"""Task groups: tasks that are counted, awaited and canceled together."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import MissingResource
from entrepot.tasking import cancellation, reports
from entrepot.tasking.handle import TaskHandle

if TYPE_CHECKING:
    from entrepot.models import Database


class TaskGroup:
    """A group of tasks; give it to `enqueue(…, group=…)`."""

    def __init__(self, database: Database, row_id: int, group_id: str) -> None:
        """Refer to an existing group; made by `create_group` and `get_group`."""
        self._database = database
        self.row_id = row_id
        self.group_id = group_id

    def summary(self) -> dict[str, int]:
        """Return how many of its tasks are in each state, and `total`. Source: the Pulp 2 REST contract, 3.3."""
        counts = dict.fromkeys(reports.STATES, 0)
        query = "SELECT state, count(*) FROM task WHERE task_group = ? GROUP BY state"
        counts.update(self._database.rows(query, (self.row_id,)))
        return counts | {"total": sum(counts.values())}

    def handles(self) -> list[TaskHandle]:
        """Return its tasks, in the order they were enqueued."""
        rows = self._database.rows("SELECT task_id FROM task WHERE task_group = ? ORDER BY id", (self.row_id,))
        return [TaskHandle(self._database, task_id) for (task_id,) in rows]

    def cancel(self) -> int:
        """Cancel all of its tasks that are not complete, and return how many those were."""
        query = "SELECT task_id FROM task WHERE task_group = ? AND finished_at IS NULL ORDER BY id DESC"
        unfinished = self._database.rows(query, (self.row_id,))
        return sum(cancellation.cancel(self._database, task_id) for (task_id,) in unfinished)

    def wait(self, timeout: float | timedelta | None = None) -> dict[str, int]:
        """Return the summary once all of its tasks have ended, however they ended; raises `WaitTimeout`."""
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        deadline = None if seconds is None else clock.monotonic() + seconds
        for handle in self.handles():
            left = None if deadline is None else max(0.0, deadline - clock.monotonic())
            for _ in handle.watch(left):
                pass
        return self.summary()


def create_group(database: Database) -> TaskGroup:
    """Make an empty group."""
    group_id = str(uuid.uuid4())
    with database.transaction():
        row = database.row(
            "INSERT INTO task_group (group_id, created_at) VALUES (?, ?) RETURNING id", (group_id, clock.now_us())
        )
    assert row is not None  # noqa: S101 - RETURNING of an insert without a conflict clause
    return TaskGroup(database, row[0], group_id)


def get_group(database: Database, group_id: str) -> TaskGroup:
    """Return the group with this id; raises `MissingResource`."""
    row = database.row("SELECT id FROM task_group WHERE group_id = ?", (group_id,))
    if row is None:
        raise MissingResource(task_group=group_id)
    return TaskGroup(database, row[0], group_id)
