"""A handle on one task of a server's: ask, wait, watch, cancel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

from entrepot import clock
from entrepot.client.connection import Connection
from entrepot.client.documents import task_report
from entrepot.client.events import task_documents
from entrepot.tasking import TaskReport
from entrepot.tasking.handle import concluded, timed_out

#: Seconds that the server is asked to wait at once; proxies cut off what is silent for longer.
WAIT_SECONDS = 30.0
#: Seconds before a server that did not wait that long is asked again: it is about to stop.
PAUSE_SECONDS = 0.5


class TaskHandle:
    """A task that was enqueued; it is looked up when asked."""

    def __init__(self, connection: Connection, task_id: str) -> None:
        """Refer to the task with this id."""
        self._connection = connection
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
        return task_report(self._connection.get("tasks", self.task_id))

    def wait(self, timeout: float | timedelta | None = None) -> TaskReport:
        """Return the report of the task once it has finished, by a request that the server answers then.

        Raises `TaskFailed` (its data hold the task's error), `TaskCanceled`, or `WaitTimeout` after `timeout` (seconds or a
        span; None waits for ever). The task goes on after a time-out.
        """
        seconds = in_seconds(timeout)
        for asked in spans(seconds):
            document = self._connection.get("tasks", self.task_id, query=[("wait", f"{asked:.3f}")], patience=asked)
            report = task_report(document)
            if report.is_final:
                return concluded(report)
        raise timed_out(self.task_id, report.state, seconds)

    def watch(self, timeout: float | timedelta | None = None) -> Iterator[TaskReport]:
        """Yield the task's report now and after each change, as the server tells it; the last one is final.

        Raises `WaitTimeout` if the task has not ended within `timeout`.
        """
        seconds = in_seconds(timeout)
        deadline = None if seconds is None else clock.monotonic() + seconds
        report: TaskReport | None = None
        for document in task_documents(self._connection, self.task_id, deadline):
            found = task_report(document)
            if found != report:
                report = found
                yield report
            if found.is_final:
                return
        raise timed_out(self.task_id, report.state if report else self.state, seconds)

    def cancel(self, *, with_spawned: bool = False) -> bool:
        """Cancel the task and return True, or False if it was complete already; raises `MissingResource`.

        `with_spawned` cancels all that it spawned as well, and what those spawned.
        """
        query = [("spawned", "true")] if with_spawned else []
        return self._connection.delete("tasks", self.task_id, query=query).count > 0


def in_seconds(timeout: float | timedelta | None) -> float | None:
    """Return a time limit, which is seconds or a span, in seconds."""
    return timeout.total_seconds() if isinstance(timeout, timedelta) else timeout


def spans(seconds: float | None) -> Iterator[float]:
    """Yield how long the server is to be asked to wait, again and again, until `seconds` are over (None: for ever)."""
    deadline = None if seconds is None else clock.monotonic() + seconds
    while True:
        began = clock.monotonic()
        left = WAIT_SECONDS if deadline is None else max(deadline - began, 0.0)
        asked = min(left, WAIT_SECONDS)
        yield asked
        now = clock.monotonic()
        if deadline is not None and now >= deadline:
            return
        if now - began < asked:
            time.sleep(min(PAUSE_SECONDS, asked - (now - began)))
