"""What a running task can do: report progress, pause at a checkpoint, write under its fence, spawn tasks.

A task's function reaches it through `current_task()`; step 5 of the walk of a task.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from entrepot import clock
from entrepot.errors import JSON, Canceled, Interrupted, LeaseLost, ResultTooLarge, TaskError
from entrepot.tasking.call import Call
from entrepot.tasking.lease import OWNED, Claim

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.groups import TaskGroup
    from entrepot.tasking.handle import TaskHandle
    from entrepot.tasking.task_type import Priority
    from entrepot.tasking.tasks import Tasks

#: Least time between two progress writes of one task.
PROGRESS_INTERVAL = timedelta(milliseconds=500)

_current: ContextVar[TaskContext | None] = ContextVar("entrepot_current_task", default=None)


class TaskContext:
    """The task that this thread runs now."""

    def __init__(self, claim: Claim, tasks: Tasks, *, lease: timedelta, max_bytes: int) -> None:
        """Describe the claimed task; `tasks` is the engine's task service."""
        self.claim = claim
        self.tasks = tasks
        self._database: Database = tasks.database
        self._lease = lease
        self._max_bytes = max_bytes
        self._interruption: type[Interrupted] | None = None
        self._progress: Mapping[str, JSON] | Callable[[], Mapping[str, JSON]] | None = None
        self._next_write = 0.0

    @property
    def task_id(self) -> str:
        """The task's public id."""
        return self.claim.task_id

    def unwritten_progress(self) -> str | None:
        """Return the last progress report, as JSON text, if the row does not have it yet."""
        report = self._progress
        return None if report is None else self._encode(report() if callable(report) else report, "progress report")

    def interrupt(self, reason: type[Interrupted]) -> None:
        """Ask the task to stop at its next checkpoint; called from another thread."""
        self._interruption = reason

    def checkpoint(self) -> None:
        """Raise `Canceled`, `TimeLimitReached` or `LeaseLost`, which are `Interrupted`, if the task is to stop."""
        if self._interruption is not None:
            raise self._interruption

    def progress(self, report: Mapping[str, JSON] | Callable[[], Mapping[str, JSON]]) -> None:
        """Show `report`, a JSON object, as the task's progress; a function is called only when it is time to write.

        Written at most twice a second; the last report is kept in any case. A checkpoint as well. Raises `ResultTooLarge`.
        """
        self.checkpoint()
        now = clock.monotonic()
        if now < self._next_write:
            self._progress = report
            return
        self._next_write = now + PROGRESS_INTERVAL.total_seconds()
        text = self._encode(report() if callable(report) else report, "progress report")
        with self._database.transaction(durable=False, is_single=True):
            changed = self._database.execute(
                f"UPDATE task SET progress = ?, lease_until = {self._database.lease_clock_sql} + ? "
                f"WHERE {OWNED} AND state = 'running'",
                (text, clock.us(self._lease), *self.claim.fence),
            ).rowcount
        self._progress = None
        if changed == 0:
            self._stop()
        self._database.announce()

    def finish_progress(self, report: Mapping[str, JSON]) -> None:
        """Keep `report` as the last one; it is written together with the task's outcome."""
        self._progress = report

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """Run the block in a durable transaction that exists only while this worker owns the task and it is not canceled.

        Raises `Canceled` or `LeaseLost` before anything is written if not.
        """
        self.checkpoint()
        with self._database.transaction():
            held = self._database.execute(
                f"UPDATE task SET lease_until = {self._database.lease_clock_sql} + ? WHERE {OWNED} AND state = 'running'",
                (clock.us(self._lease), *self.claim.fence),
            ).rowcount
            if held == 0:
                self._stop()
            yield self._database

    def require_own(self) -> None:
        """Raise `LeaseLost` if the claim is older than a lease, and the task is another's by now, or has ended.

        A process that was frozen between claim and start learns it here, before the function runs.
        """
        if clock.now_us() - self.claim.started_us > clock.us(self._lease) and not self.is_owned():
            raise LeaseLost

    def is_owned(self) -> bool:
        """Return True while no other worker has the task, canceled or not; within a transaction that stays so."""
        query = f"SELECT 1 FROM task WHERE {OWNED}{self._database.for_update}"
        return self._database.row(query, self.claim.fence) is not None

    def spawn(
        self,
        function: Callable[..., Any] | str,
        *args: JSON,
        idempotency_key: str | None = None,
        group: TaskGroup | None = None,
        not_before: datetime | timedelta | None = None,
        priority: Priority | None = None,
        **kwargs: JSON,
    ) -> TaskHandle:
        """Enqueue a task that is listed in this one's report. See `Engine.enqueue`."""
        return self.tasks.enqueue(Call(function, args, kwargs, idempotency_key, not_before, priority), group=group)

    def encode_result(self, result: object) -> str | None:
        """Return the function's result as JSON text, None for None; raises `ResultTooLarge`."""
        return None if result is None else self._encode(result, "result")

    def _encode(self, value: object, what: str) -> str:
        try:
            text = json.dumps(value, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError) as error:
            msg = f"The {what} of task type {self.claim.task_type} is not JSON: {error}"
            raise ResultTooLarge(msg) from error
        if len(text) > self._max_bytes:
            msg = (
                f"The {what} of task type {self.claim.task_type} has {len(text):,} bytes; the limit is {self._max_bytes:,} "
                "(setting max_result_bytes). Keep large data elsewhere and return where it is."
            )
            raise ResultTooLarge(msg, size=len(text), limit=self._max_bytes)
        return text

    def _stop(self) -> None:
        state = self._database.row("SELECT state FROM task WHERE id = ? AND attempt = ?", self.claim.fence[:2])
        self._interruption = Canceled if state == ("canceled",) else LeaseLost
        raise self._interruption


def current_task() -> TaskContext:
    """Return the task that this thread runs; raises `TaskError` outside of one."""
    context = _current.get()
    if context is None:
        msg = "No task runs in this thread. Call this from a function that a worker runs as a task."
        raise TaskError(msg)
    return context


def find_current_task() -> TaskContext | None:
    """Return the task that this thread runs, or None."""
    return _current.get()


def checkpoint() -> None:
    """Stop here if the task that runs in this thread was canceled; nothing happens outside of a task."""
    context = _current.get()
    if context is not None:
        context.checkpoint()


@contextmanager
def running(context: TaskContext) -> Iterator[None]:
    """Make `context` the current task of this thread for the block."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)
