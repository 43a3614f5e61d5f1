"""The memory of this process, and which task is stopped when it grows beyond what one of them allows.

Threads share their process's memory, so nobody can say which task holds it: a limit is one for the process while such a
task runs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot.errors import TaskOutOfMemory

if TYPE_CHECKING:
    from entrepot.tasking.execution import Execution
    from entrepot.tasking.limits import Limits

#: Seconds that the process gets to give memory back after a task was stopped, before the next one is.
_RELIEF_SECONDS = 1.0
#: Share of its limit by which the process must have grown since a task began for that task to be stopped.
_LEAST_GROWTH = 0.1
_MEGABYTE = 1_000_000


def rss_bytes() -> int | None:
    """Return how much memory this process holds (resident set), or None where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class MemoryWatch:
    """Finds the task that is to be stopped: one at a time, of those beyond their limit the youngest.

    What the process held before a task began is not held against it: none is stopped unless the process has grown since.
    """

    def __init__(self, limits: Limits, held_bytes: int) -> None:
        """Watch the tasks whose types have a memory limit, in a process that holds `held_bytes` and runs none yet."""
        self._limits = limits
        self._held_before = held_bytes
        self._held_at_start: dict[Execution, int] = {}
        self._stopped: Execution | None = None
        self._relief_until = 0.0

    def find_outgrown(self, executions: Sequence[Execution], held_bytes: int, now: float) -> Execution | None:
        """Return the one of `executions` that is to be stopped because the process holds `held_bytes`, or None.

        It is to be asked again and again, also while nothing runs, with all that run; `now` is a monotonic clock's. Whom it
        returns has `outgrown`.
        """
        known, before = self._held_at_start, self._held_before
        self._held_at_start = {execution: known.get(execution, before) for execution in executions}
        self._held_before = held_bytes
        if self._stopped is not None:
            if self._stopped in self._held_at_start:
                return None
            self._stopped, self._relief_until = None, now + _RELIEF_SECONDS
        if now < self._relief_until:
            return None
        beyond = [execution for execution in executions if self._is_beyond(execution, held_bytes)]
        if not beyond:
            return None
        self._stopped = max(beyond, key=lambda execution: execution.started)
        self._stopped.outgrown = self._error(self._stopped, held_bytes)
        return self._stopped

    def _is_beyond(self, execution: Execution, held_bytes: int) -> bool:
        limit = self._limits.memory_for(execution.context.claim.task_type)
        return limit is not None and held_bytes > max(limit, self._held_at_start[execution] + _LEAST_GROWTH * limit)

    def _error(self, execution: Execution, held_bytes: int) -> TaskOutOfMemory:
        task_type = execution.context.claim.task_type
        limit = self._limits.memory_for(task_type) or 0
        text = (
            f"The worker process held {held_bytes / _MEGABYTE:,.0f} MB; the limit while a {task_type} runs is "
            f"{limit / _MEGABYTE:,.0f} MB (setting memory_limits_mb), so the task was stopped."
        )
        return TaskOutOfMemory(text, held_bytes=held_bytes, limit_bytes=limit)
