"""A handle on one task: ask, wait, watch, cancel."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import MissingResource, TaskCanceled, TaskFailed, WaitTimeout
from entrepot.tasking import cancellation

if TYPE_CHECKING:
    from entrepot.models import Row
    from entrepot.tasking.reports import TaskReport
    from entrepot.tasking.tasks import Tasks

#: Seconds between two looks at why the task waits: that changes with others, and not with the task's own row.
_EXPLAIN_SECONDS = 5.0
#: What a watcher asks after each change of the database: all that can change of a task, by one statement.
_LOOK = """
SELECT state, finished_at, attempt, rescues, retries, task_group, not_before, ready_at, started_at, owner, progress, error,
       (SELECT COUNT(*) FROM task AS child WHERE child.parent = task.id)
FROM task WHERE task_id = ?
"""


class TaskHandle:
    """A task that was enqueued; cheap to make, and of use in any process that reaches the database."""

    def __init__(self, tasks: Tasks, task_id: str) -> None:
        """Refer to the task with this id; it is looked up when asked."""
        self._tasks = tasks
        self._database = tasks.database
        self.task_id = task_id

    def __repr__(self) -> str:
        """Show the task's id."""
        return f"TaskHandle({self.task_id!r})"

    @property
    def state(self) -> str:
        """The task's state now; raises `MissingResource` if retention has removed it."""
        return self.report().state

    def report(self) -> TaskReport:
        """Return the task's report; raises `MissingResource`."""
        return self._tasks.get(self.task_id)

    def glance(self) -> Row:
        """Return what is equal as long as nothing of the task changes, by one statement; raises `MissingResource`."""
        row = self._database.look(_LOOK, (self.task_id,))
        if row is None:
            raise MissingResource(resource_id=self.task_id)
        return row

    def wait(self, timeout: float | timedelta | None = None) -> TaskReport:
        """Return the report of the task once it has finished.

        Raises `TaskFailed` (its data hold the task's error), `TaskCanceled`, or `WaitTimeout` after `timeout` (seconds or a
        span; None waits for ever). The task goes on after a time-out.
        """
        for _ in self._looks(timeout):
            pass
        return concluded(self.report())

    def watch(self, timeout: float | timedelta | None = None) -> Iterator[TaskReport]:
        """Yield the task's report now and after each change; the last one is final.

        Raises `WaitTimeout` if the task has not ended within `timeout`.
        """
        seen: Row | None = None
        report: TaskReport | None = None
        explain_at = 0.0
        for row in self._looks(timeout):
            now = clock.monotonic()
            if row == seen and not (row[0] == "waiting" and now >= explain_at):
                continue
            found = self.report()
            seen, explain_at = row, now + _EXPLAIN_SECONDS
            if found != report:
                report = found
                yield report
            if found.is_final:
                return

    def cancel(self, *, with_spawned: bool = False) -> bool:
        """Cancel the task and return True, or False if it was complete already; raises `MissingResource`.

        `with_spawned` cancels all that it spawned as well, and what those spawned.
        """
        if with_spawned:
            return cancellation.cancel_tree(self._database, self.task_id, self._tasks.doorbell.ring) > 0
        return cancellation.cancel(self._database, self.task_id, self._tasks.doorbell.ring)

    def _looks(self, timeout: float | timedelta | None) -> Iterator[Row]:
        """Yield the task's row now and whenever something may have changed, until it has ended; raises `WaitTimeout`."""
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        deadline = None if seconds is None else clock.monotonic() + seconds
        row = self.glance()
        yield row
        if row[1] is not None:
            return
        with self._database.watch() as watch:
            for _ in watch.looks(deadline):
                row = self.glance()
                yield row
                if row[1] is not None:
                    return
        raise timed_out(self.task_id, row[0], seconds)


def concluded(report: TaskReport) -> TaskReport:
    """Return the report of a task that has ended well; raises `TaskFailed`, `TaskCanceled`."""
    if report.state == "error":
        error = report.error or {}
        msg = f"Task {report.task_id} failed: {error.get('description')}"
        raise TaskFailed(msg, task_id=report.task_id, error=error)
    if report.state == "canceled":
        msg = f"Task {report.task_id} was canceled."
        raise TaskCanceled(msg, task_id=report.task_id)
    return report


def timed_out(task_id: str, state: str, seconds: float | None) -> WaitTimeout:
    """Return what to say when a task has not ended after `seconds`."""
    text = f"Task {task_id} is {state} after {seconds or 0:g} s; it goes on. Wait again, or cancel it."
    return WaitTimeout(text, task_id=task_id, state=state)
