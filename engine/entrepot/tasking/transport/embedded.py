"""The embedded transport: a dramatiq broker without a server.

Nothing is sent: the database tells its watchers that something was committed, and the consumer, one thread in each worker
process, looks whether there is a task to claim. Several worker processes on one database share the work: each takes as
much as it can run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dramatiq

from entrepot.tasking.transport.consumer import LedgerConsumer, ThreadConnections

if TYPE_CHECKING:
    from dramatiq.broker import Consumer

    from entrepot.models import ChangeWatch, Database
    from entrepot.tasking.ledger import Ledger

QUEUE = "tasks"


class EmbeddedBroker(dramatiq.Broker):
    """A broker whose queue is the task table."""

    def __init__(self, ledger: Ledger, database: Database) -> None:
        """Serve the tasks that `ledger` claims; each thread's connection to `database` is closed when the thread ends."""
        super().__init__(middleware=[ThreadConnections(database)])
        self._ledger = ledger
        self._database = database

    def declare_actor(self, actor: dramatiq.Actor[Any, Any]) -> None:
        """Make `actor` known before its queue is consumed: tasks may be waiting, and a message without actor is dropped."""
        self.actors[actor.actor_name] = actor
        super().declare_actor(actor)

    def declare_queue(self, queue_name: str) -> None:
        """Start consuming: dramatiq's worker listens for this."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues[queue_name] = None
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:  # noqa: ARG002 - the library's signature
        """Send nothing: the task's row is all that a worker needs."""
        return message

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1000) -> Consumer:  # noqa: ARG002 - prefetch is the ledger's
        """Return the consumer of this process."""
        return EmbeddedConsumer(self._ledger, self._database, queue_name, timeout_seconds=timeout / 1000)


class EmbeddedConsumer(LedgerConsumer):
    """Waits for news of the database."""

    def __init__(self, ledger: Ledger, database: Database, queue_name: str, *, timeout_seconds: float) -> None:
        """Consume from `ledger`, and watch `database`."""
        super().__init__(ledger, queue_name, timeout_seconds=timeout_seconds)
        self._database = database
        self._watch: ChangeWatch | None = None

    def wait_for_bell(self, timeout_seconds: float) -> bool:
        """Return True when something was committed, False if nothing was in time."""
        if self._watch is None:
            self._watch = self._database.watch()
        return self._watch.wait(timeout_seconds)

    def close(self) -> None:
        """Let go of the watch."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
