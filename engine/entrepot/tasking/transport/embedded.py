"""The embedded transport: a dramatiq broker without a server.

Nothing is sent. The consumer, one thread in each worker process, turns the pages of the process's `Ledger` and yields
one message for each task that it claimed; it never claims more than there are idle threads. Several worker processes
on one database share the work: each takes as much as it can run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import dramatiq
from dramatiq.broker import Consumer, MessageProxy

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.ledger import Ledger

QUEUE = "tasks"
ACTOR = "run"


class EmbeddedBroker(dramatiq.Broker):
    """A broker whose queue is the task table."""

    def __init__(self, ledger: Ledger, database: Database) -> None:
        """Serve the tasks that `ledger` claims; each thread's connection to `database` is closed when the thread ends."""
        super().__init__(middleware=[_ThreadConnections(database)])
        self._ledger = ledger

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
        return EmbeddedConsumer(self._ledger, timeout_seconds=timeout / 1000)


class EmbeddedConsumer(Consumer):
    """Yields a message for each task that the ledger claims, or None when there was none in time."""

    def __init__(self, ledger: Ledger, *, timeout_seconds: float) -> None:
        """Consume from `ledger`."""
        self._ledger = ledger
        self._timeout_seconds = timeout_seconds

    def __next__(self) -> MessageProxy | None:
        """Return the next message: its only argument is the claim."""
        claim = self._ledger.take(self._timeout_seconds)
        if claim is None:
            return None
        return MessageProxy(dramatiq.Message(QUEUE, ACTOR, (claim,), {}, {}, message_id=claim.task_id, message_timestamp=0))

    def ack(self, message: MessageProxy) -> None:  # noqa: ARG002 - the library's signature
        """Take note that the thread which ran the task is idle again."""
        self._ledger.free_slot()

    def nack(self, message: MessageProxy) -> None:  # noqa: ARG002 - the library's signature
        """As `ack`: the outcome has been handed in."""
        self._ledger.free_slot()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Return claims that no thread has begun to the ledger, which hands them back."""
        self._ledger.put_back(message.args[0] for message in messages)


class _ThreadConnections(dramatiq.Middleware):
    """Closes a thread's database connection when the thread ends."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def before_worker_thread_shutdown(self, broker: dramatiq.Broker, thread: Any) -> None:  # noqa: ARG002, ANN401
        self._database.close()

    def before_consumer_thread_shutdown(self, broker: dramatiq.Broker, thread: Any) -> None:  # noqa: ARG002, ANN401
        self._database.close()
