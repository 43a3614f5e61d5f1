"""Step 5 of the walk of a task: run the function, and turn whatever it does into an outcome.

Before: `lease`. Next: `completion`. This is one of the four borders where every exception is caught.
"""

from __future__ import annotations

import contextlib
import json
import random
import threading
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING

from dramatiq.middleware.threading import raise_thread_exception

from entrepot import clock, failpoints, logs, tracing
from entrepot.errors import (
    EntrepotError,
    Interrupted,
    LeaseLost,
    MemoryLimitReached,
    TaskError,
    TaskOutOfMemory,
    TaskTimedOut,
    TimeLimitReached,
    UnknownTaskType,
)
from entrepot.models import storable
from entrepot.tasking import retry
from entrepot.tasking.completion import Outcome
from entrepot.tasking.context import TaskContext, running

if TYPE_CHECKING:
    from entrepot.tasking.lease import Claim
    from entrepot.tasking.task_type import TaskRegistry


#: Least time between two exceptions raised in a task's thread, seconds.
_FORCE_AGAIN_SECONDS = 5.0
#: How the tag begins that says what repository a task is about. Source: the Pulp 2 REST contract, 1.7.
_REPOSITORY_TAG = "pulp:repository:"


class Execution:
    """One run of a claimed task in the thread that made it; other threads may interrupt it."""

    def __init__(self, context: TaskContext) -> None:
        """Prepare to run the task of `context` in the calling thread."""
        self.context = context
        self.started = clock.monotonic()
        self.interrupted_at: float | None = None
        #: How it was found beyond its memory limit, if it was: what it ends in when it is stopped for that.
        self.outgrown: TaskOutOfMemory | None = None
        self._forced_at = 0.0
        self._reason: type[Interrupted] | None = None
        self._thread_id = threading.get_ident()
        self._lock = threading.Lock()
        self._inside = False

    def run(self, registry: TaskRegistry) -> Outcome | None:
        """Run the function and return the outcome, or None if the task has another owner by now.

        The outcome of an error says when the task is to be run again, if its type asks for that.
        """
        claim = self.context.claim
        about = {"task_id": claim.task_id, "attempt": str(claim.attempt), "task_type": claim.task_type, "worker": claim.owner}
        with logs.within(**about), tracing.task_span(claim.task_id, f"run {claim.task_type}", self._traced) as span:
            outcome = self._outcome(registry)
            if span is not None:
                span.set_attribute("entrepot.state", outcome.state if outcome else "lost")
                if outcome is not None and outcome.error is not None:
                    error = json.loads(outcome.error)
                    span.set_attribute("error.type", str(error.get("code", "")))
                    tracing.end_in_error(span, str(error.get("description", "")))
        return outcome

    def _outcome(self, registry: TaskRegistry) -> Outcome | None:
        claim = self.context.claim
        try:
            with running(self.context):
                result = self._call(registry)
            outcome = Outcome(claim, "finished", result=self.context.encode_result(result))
            failpoints.reach("execution.returned")
        except LeaseLost:
            return None
        except (TimeLimitReached, MemoryLimitReached) as reason:
            outcome = _failed(claim, self._limit_reached(type(reason)), registry)
        except Interrupted:
            outcome = Outcome(claim, "canceled")
        except BaseException as error:  # noqa: BLE001 - border: whatever a task raises, sys.exit() included, is its outcome
            outcome = _failed(claim, error, registry)
        try:
            progress = self.context.unwritten_progress()
            return outcome if progress is None else replace(outcome, progress=progress)
        except Exception as error:  # noqa: BLE001 - border: the last report, or the function that makes it, is the task's too
            return _failed(claim, error, registry) if outcome.state == "finished" else outcome

    @property
    def last_word(self) -> tuple[str, int | None] | None:
        """How the run ends if it never stops although it reached a limit, else None.

        The error (JSON text), and when (microseconds since 1970) the task is to be run again, if it is.
        """
        if self._reason not in (TimeLimitReached, MemoryLimitReached):
            return None
        claim, error = self.context.claim, self._limit_reached(self._reason)
        return json.dumps(error.document()), _next_try(claim, error, self.context.tasks.registry)

    def interrupt(self, reason: type[Interrupted], *, by_force: bool) -> None:
        """Ask the function to stop; by force, raise `reason` in its thread at the next bytecode. For other threads.

        Force is used once in a while only, so that the function's own cleaning up is not interrupted again and again.
        """
        now = clock.monotonic()
        self.interrupted_at = self.interrupted_at or now
        self._reason = reason
        self.context.interrupt(reason)
        if by_force and now - self._forced_at > _FORCE_AGAIN_SECONDS:
            self._forced_at = now
            with self._lock:
                if self._inside:
                    raise_thread_exception(self._thread_id, reason)

    def _traced(self) -> dict[str, str | int]:
        """Return what a trace says of the task."""
        claim = self.context.claim
        about: dict[str, str | int] = {"entrepot.task_type": claim.task_type, "entrepot.attempt": claim.attempt}
        row = self.context.tasks.database.row("SELECT queue, tags FROM task WHERE id = ?", (claim.id,))
        if row is not None:
            about["entrepot.queue"] = row[0]
            repository = next((tag for tag in json.loads(row[1]) if tag.startswith(_REPOSITORY_TAG)), None)
            if repository is not None:
                about["entrepot.repository"] = repository.removeprefix(_REPOSITORY_TAG)
        return about

    def _limit_reached(self, reason: type[Interrupted]) -> TaskError:
        """Return the error of a task that is stopped because of a limit."""
        if reason is MemoryLimitReached and self.outgrown is not None:
            return self.outgrown
        return _out_of_time(self.context.claim)

    def _call(self, registry: TaskRegistry) -> object:
        claim = self.context.claim
        function = registry.get(claim.task_type).function
        args, kwargs = json.loads(claim.arguments)
        failpoints.reach("execution.started")
        self.context.require_own()
        try:
            self._inside = True
            return function(*args, **kwargs)
        finally:
            with self._lock:
                self._inside = False
            if self._forced_at:
                self._take_late_interruption()

    def _take_late_interruption(self) -> None:
        """Let an exception that was sent but has not arrived arrive here, not in whatever this thread does next.

        It comes at the interpreter's next look, which a loop makes sure of. Clearing it by the C interface instead would
        leave the interpreter (3.11) looking for it at every step, for ever.
        """
        with contextlib.suppress(Interrupted):
            for _ in range(1000):
                pass


def _failed(claim: Claim, error: BaseException, registry: TaskRegistry) -> Outcome:
    text = json.dumps(_document(error), default=str)
    return Outcome(claim, "error", error=text, traceback=_traceback(error), retry_at=_next_try(claim, error, registry))


def _next_try(claim: Claim, error: BaseException, registry: TaskRegistry) -> int | None:
    """Return when (microseconds since 1970) the task is to be run again after `error`, or None if it is not."""
    try:
        policy = registry.get(claim.task_type).retry
    except UnknownTaskType:
        return None
    if policy is None:
        return None
    wait = retry.decide(policy, error, retries=claim.retries, chance=random.random())  # noqa: S311 - jitter
    return None if wait is None else clock.now_us() + clock.us(wait)


def _out_of_time(claim: Claim) -> TaskTimedOut:
    limit = claim.timeout.total_seconds() if claim.timeout else 0
    return TaskTimedOut(f"The task ran longer than its limit of {limit:g} s and was stopped.", limit_seconds=limit)


def _document(error: BaseException) -> dict[str, object]:
    if isinstance(error, EntrepotError):
        return dict(error.document())
    try:
        text = str(error) or type(error).__name__
    except Exception as unprintable:  # noqa: BLE001 - border: an error's own text is a task's code as well
        text = f"{type(error).__name__}, whose text cannot be had: {type(unprintable).__name__}"
    if isinstance(error, SystemExit):
        text = f"The function called sys.exit({text}); a task ends by returning or by raising an error."
    # What was not foreseen may say anything, such as the address of a feed with its password.
    return {"code": "PLP0000", "description": logs.masked(text), "data": {}, "sub_errors": []}


def _traceback(error: BaseException) -> str | None:
    """Return the traceback of an unexpected error; a deliberate one says all in its message."""
    if isinstance(error, EntrepotError):
        return None
    return storable(logs.masked("".join(traceback.format_exception(error))))
