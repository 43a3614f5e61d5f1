"""A worker process: a dramatiq worker on the engine's transport, and the beat that keeps its leases alive.

`Worker.start` declares the queues; from then on the consumer claims (`ledger`), the threads run (`execution`), and the
beat looks after what runs (`beat`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import dramatiq
from dramatiq.worker import Worker as DramatiqWorker

from entrepot import clock
from entrepot.errors import LeaseLost
from entrepot.tasking import lease, workers
from entrepot.tasking.beat import Beat, Process
from entrepot.tasking.context import TaskContext
from entrepot.tasking.execution import Execution
from entrepot.tasking.ledger import Ledger
from entrepot.tasking.transport import ACTOR, open_broker

if TYPE_CHECKING:
    from entrepot.settings import Settings
    from entrepot.tasking.completion import Outcome
    from entrepot.tasking.lease import Claim
    from entrepot.tasking.tasks import Tasks

#: Seconds between two tries to write outcomes that the database refuses while the worker drains.
_REFUSED_SECONDS = 0.2
#: Milliseconds that dramatiq's threads wait for work before they look whether they are to stop.
_IDLE_MILLISECONDS = 250


class Worker:
    """Runs tasks in threads of this process until it is drained."""

    def __init__(
        self,
        tasks: Tasks,
        settings: Settings,
        *,
        name: str,
        threads: int,
        give_up: Callable[[], None],
        retiring: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare worker `name`.

        `give_up` must end the process at once, and is called when a task does not stop; `retiring` is called when the worker
        claims nothing any more because it is to be replaced, and `has_retired` will come true.
        """
        self.name = name
        self._tasks = tasks
        self._database = tasks.database
        self._settings = settings
        self._executions: dict[tuple[int, int, str], Execution] = {}
        self._pause = threading.Event()
        self._ledger = Ledger(
            self._database,
            name,
            slots=threads,
            lease_span=settings.lease,
            doorbell=tasks.doorbell,
            queues=settings.worker_queues,
        )
        served = settings.worker_queues or tasks.registry.queues()
        self._broker, self._broker_queues = open_broker(settings, self._database, self._ledger, served)
        self._dramatiq = DramatiqWorker(self._broker, worker_threads=threads, worker_timeout=_IDLE_MILLISECONDS)
        process = Process(give_up, retiring)
        self._beat = Beat(self._database, settings, self._ledger, self._executions, name=name, threads=threads, process=process)

    @property
    def is_retiring(self) -> bool:
        """True if it claims nothing any more because its process is to be replaced."""
        return self._beat.is_retiring

    def has_retired(self) -> bool:
        """Return True if it retires, nothing runs any more, and the database knows how all of it ended."""
        return self._beat.is_retiring and not self._executions and self._ledger.write()

    def start(self) -> None:
        """Begin to claim and run tasks."""
        self._beat.start()
        self._database.close()
        self._dramatiq.start()
        first, *others = self._broker_queues
        dramatiq.actor(actor_name=ACTOR, queue_name=first, broker=self._broker)(self._run)
        for queue in others:
            self._broker.declare_queue(queue)

    def drain(self, timeout: timedelta) -> bool:
        """Claim nothing new, let running tasks end, and return True if all did within `timeout`.

        What was claimed but had not begun goes back to its place in line.
        """
        deadline = clock.monotonic() + timeout.total_seconds()
        self._ledger.drain()
        self._ledger.hand_back()
        self._beat.announce_end()
        self._dramatiq.stop(timeout=int(timeout.total_seconds() * 1000))
        ended = not self._executions
        while not self._ledger.write() and clock.monotonic() < deadline:
            self._pause.wait(_REFUSED_SECONDS)
        self._ledger.hand_back()
        self._beat.stop()
        if ended:
            workers.forget(self._database, self.name)
        self._broker.close()
        self._database.close()
        return ended

    def abandon(self) -> None:
        """Leave word how tasks end that never stopped; the caller ends the process right after.

        Nothing is released here: their functions still run. Whoever sees the process dead hands on what it held.
        """
        for execution in list(self._executions.values()):
            word = execution.last_word
            if word is not None:
                lease.leave_word(self._database, execution.context.claim, *word)

    def _run(self, task_id: str) -> None:
        """Run one task, and then what the ledger hands over to this thread: the actor of every message."""
        claim = self._ledger.find(task_id)
        while claim is not None:
            began = clock.monotonic()
            outcome = self._execute(claim)
            claim = None if outcome is None else self._ledger.finish(outcome, clock.monotonic() - began)

    def _execute(self, claim: Claim) -> Outcome | None:
        settings = self._settings
        context = TaskContext(claim, self._tasks, lease=settings.lease, max_bytes=settings.max_result_bytes)
        ghost = self._executions.get(claim.fence)
        if ghost is not None:  # PostgreSQL has crashed and forgotten that claim, so that it was made again
            ghost.interrupt(LeaseLost, by_force=False)
        execution = self._executions[claim.fence] = Execution(context)
        self._ledger.begin(claim)  # not before it is known to run: the beat hands back what nobody knows of
        try:
            outcome = execution.run(self._tasks.registry)
            return outcome if self._executions.get(claim.fence) is execution else None
        finally:
            if self._executions.get(claim.fence) is execution:
                del self._executions[claim.fence]
            self._beat.count(execution)
            if execution.interrupted_at is not None:
                self._database.close()  # an interrupted function may have left a transaction open
