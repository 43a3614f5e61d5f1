"""What goes wrong with tasks, and what stops one that runs."""

from __future__ import annotations

from entrepot.errors.error import EntrepotError


class TaskError(EntrepotError):
    """Something about a task."""

    code = "PLP2010"


class TaskFailed(TaskError):
    """The task that was waited for ended in error."""

    code = "PLP2011"


class TaskCanceled(TaskError):
    """The task that was waited for was canceled."""

    code, status = "PLP2012", 409


class WaitTimeout(TaskError):
    """The task did not end within the time given; it goes on."""

    code, status = "PLP2013", 504


class WorkerLost(TaskError):
    """The worker died while it ran the task, and the task may not be run again."""

    code = "PLP0049"


class TaskTimedOut(TaskError):
    """The task ran longer than its time limit."""

    code = "PLP2014"


class UnknownTaskType(TaskError):
    """The worker knows no function of this task type."""

    code = "PLP2015"


class ResultTooLarge(TaskError):
    """The task's result or progress report is no JSON, or larger than the limit."""

    code = "PLP2016"


class TaskOutOfMemory(TaskError):
    """The worker process held more memory than the task's type allows."""

    code = "PLP2017"


class Interrupted(BaseException):
    """A running task is to stop now; no error, so no `except Exception` catches it."""


class Canceled(Interrupted):
    """Somebody canceled the task."""


class LeaseLost(Interrupted):
    """The task has another owner now: whatever this one still writes is refused."""


class TimeLimitReached(Interrupted):
    """The task has run longer than its time limit."""


class MemoryLimitReached(Interrupted):
    """The worker process holds more memory than the task's type allows."""
