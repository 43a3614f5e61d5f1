"""The beat of a worker process: the thread that keeps its leases alive and keeps order among what it runs.

A few times a second it glances at what runs: what was canceled, is out of time or has outgrown its memory is told to stop;
if that does not stop, the process is given up (its supervisor starts another; the innocent tasks are rescued without
counting). Once a second it looks whether the worker is drained. At each beat it renews leases and writes the worker's row.
A process that has done its share, or holds too much memory, retires: it claims nothing more, and ends with what it runs.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import Canceled, Interrupted, LeaseLost, MemoryLimitReached, TimeLimitReached
from entrepot.tasking import lease, workers
from entrepot.tasking.limits import MEGABYTE, Limits
from entrepot.tasking.memory import MemoryWatch, rss_bytes
from entrepot.version import __version__

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.settings import Settings
    from entrepot.tasking.execution import Execution
    from entrepot.tasking.ledger import Ledger

log = logging.getLogger(__name__)

#: Seconds between two glances at what runs.
_GLANCE_SECONDS = 0.2
#: Seconds between two looks whether the worker is drained.
_DRAIN_LOOK_SECONDS = 1.0
_REGISTER = """
INSERT INTO worker (name, host, pid, threads, version, started_at, beat_at, queues, state, tasks_ended, rss_bytes)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at, state = excluded.state, tasks_ended = excluded.tasks_ended,
    rss_bytes = excluded.rss_bytes
"""

Fence = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Process:
    """What the beat asks of the process: `give_up` ends it at once, `retiring` learns that it claims nothing any more."""

    give_up: Callable[[], None]
    retiring: Callable[[], None]


class Beat:
    """Looks after what one worker process runs."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        ledger: Ledger,
        running: Mapping[Fence, Execution],
        *,
        name: str,
        threads: int,
        process: Process,
    ) -> None:
        """Prepare the beat of worker `name`, which claims by `ledger` and runs what is in `running`."""
        self._database = database
        self._settings = settings
        self._ledger = ledger
        self._running = running
        self._name = name
        self._host = socket.gethostname()
        self._threads = threads
        self._process = process
        self._limits = Limits(settings)
        self._memory = MemoryWatch(self._limits, rss_bytes() or 0)
        self._tasks_ended = 0
        self._lost: set[Execution] = set()
        self._unknown: set[Fence] = set()
        self._is_drained = False
        self._is_ending = False
        self.is_retiring = False
        self._next_look = 0.0
        self._next_beat = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, name="beat", daemon=True)

    def start(self) -> None:
        """Sign on, in the calling thread: a worker that is drained is so before it claims; then go on in another."""
        self._look_whether_drained()
        self._register()
        self._next_beat = clock.monotonic() + self._settings.beat_seconds
        self._thread.start()

    def announce_end(self) -> None:
        """Show soon that this worker claims nothing any more; for the thread that drains it."""
        self._is_ending = True
        self._next_beat = 0.0

    def stop(self) -> None:
        """Finish the present glance and end; the worker's row stays."""
        self._stopping.set()
        self._thread.join()

    def count(self, execution: Execution) -> None:
        """Take note that a run has ended; for the threads that run tasks."""
        self._lost.discard(execution)
        self._tasks_ended += 1  # without a lock: nothing depends on one more or less

    def _keep_alive(self) -> None:
        while not self._stopping.wait(_GLANCE_SECONDS):
            try:
                self._glance()
            except Exception as error:  # noqa: BLE001 - without a beat every lease of this process would run out
                log.warning("The beat goes on after: %s", error)
                self._database.close()
        self._database.close()

    def _glance(self) -> None:
        executions = list(self._running.values())
        if self._limits.has_memory_limits:
            self._find_outgrown(executions)
        if executions:
            self._stop_unwanted(executions)
        now = clock.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + self._settings.beat_seconds
            self._renew(executions)
            self._register()
            self._retire_if_fat()
        if now >= self._next_look:
            self._next_look = now + _DRAIN_LOOK_SECONDS
            self._look_whether_drained()
        limit = self._settings.recycle_after_tasks
        if limit and self._tasks_ended >= limit:
            self._retire(f"{self._tasks_ended} tasks have ended here (recycle_after_tasks {limit})")

    def _find_outgrown(self, executions: Sequence[Execution]) -> None:
        """Find a task that has outgrown its memory; what it held may not come back, so the process retires as well."""
        held_bytes = rss_bytes()
        if held_bytes is None:
            return
        outgrown = self._memory.find_outgrown(executions, held_bytes, clock.monotonic())
        if outgrown is not None:
            log.warning("Task %s is stopped: %s", outgrown.context.task_id, outgrown.outgrown)
            self._retire("a task has outgrown its memory here")

    def _stop_unwanted(self, executions: Sequence[Execution]) -> None:
        """Interrupt what was canceled or reached a limit; give up the process if a task does not stop."""
        canceled = lease.canceled_ids(self._database, self._name)
        now = clock.monotonic()
        for execution in executions:
            reason = self._reason_to_stop(execution, canceled, now)
            if reason is None:
                continue
            waited = 0.0 if execution.interrupted_at is None else now - execution.interrupted_at
            execution.interrupt(reason, by_force=waited > self._settings.cancel_patience_seconds)
            if waited > self._settings.cancel_grace_seconds:
                log.error("Task %s does not stop; this worker process is replaced.", execution.context.task_id)
                self._process.give_up()

    def _reason_to_stop(self, execution: Execution, canceled: set[int], now: float) -> type[Interrupted] | None:
        claim = execution.context.claim
        if execution in self._lost:
            return LeaseLost
        if claim.id in canceled:
            return Canceled
        if claim.timeout is not None and now - execution.started > claim.timeout.total_seconds():
            return TimeLimitReached
        return MemoryLimitReached if execution.outgrown is not None else None

    def _renew(self, executions: Sequence[Execution]) -> None:
        """Extend the leases of what runs here, and of what was claimed and is about to."""
        claims = [*(execution.context.claim for execution in executions), *self._ledger.held()]
        lost = lease.renew(self._database, claims, lease=self._settings.lease)
        self._ledger.drop(lost)
        for execution in executions:
            claim = execution.context.claim
            if claim in lost and self._running.get(claim.fence) is execution:
                log.warning("Task %s has another owner now; it is stopped here.", claim.task_id)
                self._lost.add(execution)
        self._hand_back_unknown()

    def _hand_back_unknown(self) -> None:
        """Hand back what is this worker's by its row, and of which nobody here knows, at two beats in turn.

        A claim whose commit was not acknowledged because the connection broke leaves such a row.
        """
        # In the order in which claims move on, and before the rows: what moves or is claimed meanwhile is seen once at least.
        known = {claim.fence for claim in self._ledger.held()} | set(self._running)
        known |= {claim.fence for claim in self._ledger.unwritten()}
        unknown = lease.running_fences(self._database, self._name) - known
        again = unknown & self._unknown
        if again:
            log.warning("Handing back %s tasks that were claimed for this worker and never reached it.", len(again))
            lease.hand_back(self._database, again)
        self._unknown = unknown - again

    def _look_whether_drained(self) -> None:
        is_drained = workers.is_drained(self._database, self._name, self._host)
        if is_drained is self._is_drained:
            return
        log.info("Worker %s is %s.", self._name, "drained" if is_drained else "resumed")
        self._ledger.pause(is_drained)
        self._is_drained = is_drained
        self._register()

    def _retire_if_fat(self) -> None:
        """Retire if the process holds too much memory; not before it has run anything, for another would hold as much."""
        limit = self._settings.recycle_rss_mb * MEGABYTE
        held_bytes = rss_bytes() if limit and self._tasks_ended else None
        if held_bytes is not None and held_bytes > limit:
            self._retire(f"it holds {held_bytes // MEGABYTE} MB (recycle_rss_mb {self._settings.recycle_rss_mb})")

    def _retire(self, why: str) -> None:
        if self.is_retiring:
            return
        log.info("Worker %s claims nothing any more and ends with what it runs: %s.", self._name, why)
        self._ledger.drain()
        self.is_retiring = self._is_ending = True
        self._process.retiring()
        self._register()

    def _register(self) -> None:
        """Write this worker's row: a sign of life, and what others see of it."""
        now = clock.now_us()
        state = "retiring" if self._is_ending else "drained" if self._is_drained else "active"
        queues = json.dumps(self._settings.worker_queues)
        described = (self._name, self._host, os.getpid(), self._threads, __version__, now, now, queues)
        with self._database.transaction(durable=False):
            self._database.execute(_REGISTER, (*described, state, self._tasks_ended, rss_bytes()))
