"""A handle on one task: ask, wait, watch, cancel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import TaskCanceled, TaskFailed, WaitTimeout
from entrepot.tasking import cancellation, reports

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.reports import TaskReport

#: Seconds between two looks at the database's change counter while waiting.
_LOOK_SECONDS = 0.005


class TaskHandle:
    """A task that was enqueued; cheap to make, and of use in any process that reaches the database."""

    def __init__(self, database: Database, task_id: str) -> None:
        """Refer to the task with this id; it is looked up when asked."""
        self._database = database
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
        return reports.get_report(self._database, self.task_id)

    def wait(self, timeout: float | timedelta | None = None) -> TaskReport:
        """Return the report of the task once it has finished.

        Raises `TaskFailed` (its data hold the task's error), `TaskCanceled`, or `WaitTimeout` after `timeout` (seconds or a
        span; None waits for ever). The task goes on after a time-out.
        """
        report = self.report()
        for changed in self.watch(timeout):
            report = changed
        if report.state == "error":
            error = report.error or {}
            msg = f"Task {self.task_id} failed: {error.get('description')}"
            raise TaskFailed(msg, task_id=self.task_id, error=error)
        if report.state == "canceled":
            msg = f"Task {self.task_id} was canceled."
            raise TaskCanceled(msg, task_id=self.task_id)
        return report

    def watch(self, timeout: float | timedelta | None = None) -> Iterator[TaskReport]:
        """Yield the task's report now and after each change; the last one is final.

        Raises `WaitTimeout` if the task has not ended within `timeout`.
        """
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        deadline = None if seconds is None else clock.monotonic() + seconds
        watch = self._database.watch()
        shown = None
        while True:
            report = self.report()
            if report != shown:
                shown = report
                yield report
                if report.is_final:
                    return
            has_news = False
            while not has_news:
                if deadline is not None and clock.monotonic() >= deadline:
                    msg = f"Task {self.task_id} is {report.state} after {seconds:g} s; it goes on. Wait again, or cancel it."
                    raise WaitTimeout(msg, task_id=self.task_id, state=report.state)
                time.sleep(_LOOK_SECONDS)
                has_news = watch.changed()

    def cancel(self) -> bool:
        """Cancel the task and return True, or False if it was complete already; raises `MissingResource`."""
        return cancellation.cancel(self._database, self.task_id)
