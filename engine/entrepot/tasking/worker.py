"""A worker process: a dramatiq worker on the engine's transport, and the beat that keeps its leases alive.

`Worker.start` declares the one queue; from then on the consumer claims (`ledger`), the threads run (`execution`), and the
beat renews leases, tells running tasks that they were canceled or are out of time, and gives up a process in which one
does not stop (its supervisor starts another; the innocent tasks are rescued without counting).
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import dramatiq
from dramatiq.worker import Worker as DramatiqWorker

from entrepot import clock
from entrepot.errors import Canceled, Interrupted, LeaseLost, TimeLimitReached
from entrepot.tasking import lease
from entrepot.tasking.context import TaskContext
from entrepot.tasking.execution import Execution
from entrepot.tasking.ledger import Ledger
from entrepot.tasking.transport.embedded import ACTOR, QUEUE, EmbeddedBroker
from entrepot.version import __version__

if TYPE_CHECKING:
    from entrepot.settings import Settings
    from entrepot.tasking.lease import Claim
    from entrepot.tasking.tasks import Tasks

log = logging.getLogger(__name__)

#: Seconds between two looks at what was canceled or is out of time.
_GLANCE_SECONDS = 0.2
#: Milliseconds that dramatiq's threads wait for work before they look whether they are to stop.
_IDLE_MILLISECONDS = 250


class Worker:
    """Runs tasks in threads of this process until it is drained."""

    def __init__(self, tasks: Tasks, settings: Settings, *, name: str, threads: int, give_up: Callable[[], None]) -> None:
        """Prepare worker `name`; `give_up` must end the process at once, and is called when a task does not stop."""
        self.name = name
        self._tasks = tasks
        self._database = tasks.database
        self._settings = settings
        self._threads = threads
        self._give_up = give_up
        self._executions: dict[tuple[int, int, str], Execution] = {}
        self._lost: set[tuple[int, int, str]] = set()
        self._stopping = threading.Event()
        self._ledger = Ledger(self._database, name, slots=threads, lease_span=settings.lease)
        self._broker = EmbeddedBroker(self._ledger, self._database)
        self._dramatiq = DramatiqWorker(self._broker, worker_threads=threads, worker_timeout=_IDLE_MILLISECONDS)
        self._beat = threading.Thread(target=self._keep_alive, name="beat", daemon=True)

    def start(self) -> None:
        """Begin to claim and run tasks."""
        self._register()
        self._database.close()
        self._beat.start()
        self._dramatiq.start()
        dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=self._broker)(self._run)

    def drain(self, timeout: timedelta) -> bool:
        """Claim nothing new, let running tasks end, and return True if all did within `timeout`.

        What was claimed but had not begun goes back to its place in line.
        """
        self._ledger.drain()
        self._dramatiq.stop(timeout=int(timeout.total_seconds() * 1000))
        ended = not self._executions
        deadline = clock.monotonic() + timeout.total_seconds()
        self._ledger.turn()
        while self._ledger.has_unwritten and clock.monotonic() < deadline:
            self._ledger.turn()
        self._ledger.hand_back()
        self._stopping.set()
        self._beat.join()
        if ended:
            with self._database.transaction(durable=False):
                self._database.execute("DELETE FROM worker WHERE name = ?", (self.name,))
        self._database.close()
        return ended

    def abandon(self) -> None:
        """Leave word how tasks end that never stopped; the caller ends the process right after.

        Nothing is released here: their functions still run. Whoever sees the process dead hands on what it held.
        """
        for execution in list(self._executions.values()):
            error = execution.last_word
            if error is not None:
                lease.leave_word(self._database, execution.context.claim, error)

    def _run(self, claim: Claim) -> None:
        """Run one task: the actor of every message."""
        settings = self._settings
        context = TaskContext(claim, self._tasks, lease=settings.lease, max_bytes=settings.max_result_bytes)
        execution = self._executions[claim.fence] = Execution(context)
        try:
            outcome = execution.run(self._tasks.registry)
        finally:
            del self._executions[claim.fence]
            self._lost.discard(claim.fence)
        if execution.interrupted_at is not None:
            self._database.close()  # an interrupted function may have left a transaction open
        if outcome is not None:
            self._ledger.finish(outcome)

    def _keep_alive(self) -> None:
        next_beat = clock.monotonic() + self._settings.beat_seconds
        while not self._stopping.wait(_GLANCE_SECONDS):
            try:
                self._stop_unwanted()
                if clock.monotonic() >= next_beat:
                    next_beat = clock.monotonic() + self._settings.beat_seconds
                    self._renew()
            except Exception as error:  # noqa: BLE001 - without a beat every lease of this process would run out
                log.warning("The beat goes on after: %s", error)
                self._database.close()
        self._database.close()

    def _stop_unwanted(self) -> None:
        """Interrupt what was canceled or is out of time; give up the process if a task does not stop."""
        executions = list(self._executions.values())
        if not executions:
            return
        canceled = lease.canceled_ids(self._database, self.name)
        now = clock.monotonic()
        for execution in executions:
            claim = execution.context.claim
            reason: type[Interrupted]
            if claim.fence in self._lost:
                reason = LeaseLost
            elif claim.id in canceled:
                reason = Canceled
            elif claim.timeout is not None and now - execution.started > claim.timeout.total_seconds():
                reason = TimeLimitReached
            else:
                continue
            waited = 0.0 if execution.interrupted_at is None else now - execution.interrupted_at
            execution.interrupt(reason, by_force=waited > self._settings.cancel_patience_seconds)
            if waited > self._settings.cancel_grace_seconds:
                log.error("Task %s does not stop; this worker process is replaced.", claim.task_id)
                self._give_up()

    def _renew(self) -> None:
        claims = [execution.context.claim for execution in list(self._executions.values())]
        for claim in lease.renew(self._database, claims, lease=self._settings.lease):
            if claim.fence in self._executions:
                log.warning("Task %s has another owner now; it is stopped here.", claim.task_id)
                self._lost.add(claim.fence)
        self._register()

    def _register(self) -> None:
        now = clock.now_us()
        with self._database.transaction(durable=False):
            self._database.execute(
                "INSERT INTO worker (name, host, pid, threads, version, started_at, beat_at) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at",
                (self.name, socket.gethostname(), os.getpid(), self._threads, __version__, now, now),
            )
