"""What the consumers of all transports share: they claim by the ledger, and wait for a bell when there is nothing to claim.

A consumer is one thread of dramatiq in a worker process. A message's only argument is the task's id, whether a broker has
carried it or not; the claim that goes with it is the ledger's.
"""

from __future__ import annotations

import logging
import threading
from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import dramatiq
from dramatiq.broker import Consumer, MessageProxy

from entrepot.errors import EntrepotError

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.ledger import Ledger

log = logging.getLogger(__name__)

#: The one actor that runs all tasks.
ACTOR = "run"
#: Seconds between two looks while bells ring and others are always faster; doubled each time.
_SHORTEST_PAUSE_SECONDS = 0.001
_LONGEST_PAUSE_SECONDS = 0.008
#: Seconds until the next look after the wait for a bell has failed.
_PAUSE_SECONDS = 0.25


class LedgerConsumer(Consumer):
    """Yields a message for each task that the ledger claims for an idle thread, or None when there was none in time."""

    def __init__(self, ledger: Ledger, queue_name: str, *, timeout_seconds: float) -> None:
        """Consume from `ledger`; its messages are of the broker's queue `queue_name`."""
        self._ledger = ledger
        self._queue_name = queue_name
        self._timeout_seconds = timeout_seconds
        self._pause = threading.Event()
        self._vain_seconds = 0.0

    @abstractmethod
    def wait_for_bell(self, timeout_seconds: float) -> bool:
        """Return True when a bell has rung, or False if none has in time."""

    def while_busy(self) -> None:
        """Do now and then what is to be done while no thread is idle: nothing."""

    def __next__(self) -> MessageProxy | None:
        """Return the next message, or None after a while without one."""
        message = self._take()
        if message is not None:
            return message
        if not self._ledger.wait_until_idle(self._timeout_seconds):
            self._ledger.tidy()
            self.while_busy()
            return None
        if self._vain_seconds:
            self._pause.wait(self._vain_seconds)
        try:
            has_rung = self.wait_for_bell(self._timeout_seconds)
        except EntrepotError as error:
            log.warning("%s Looking again in %s s.", error, _PAUSE_SECONDS)
            self.close()
            has_rung = self._pause.wait(_PAUSE_SECONDS)
        if not has_rung:
            self._vain_seconds = 0.0
            return self._take()
        self._ledger.look()
        message = self._take()
        if message is None:
            self._vain_seconds = min(max(_SHORTEST_PAUSE_SECONDS, 2 * self._vain_seconds), _LONGEST_PAUSE_SECONDS)
        else:
            self._vain_seconds = 0.0
        return message

    def ack(self, message: MessageProxy) -> None:  # noqa: ARG002 - the library's signature
        """Take note that the thread which ran the task is idle again."""
        self._ledger.free_slot()

    def nack(self, message: MessageProxy) -> None:  # noqa: ARG002 - the library's signature
        """As `ack`: the outcome has been handed in."""
        self._ledger.free_slot()

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Return claims that no thread has begun to the ledger, which hands them back."""
        self._ledger.put_back([message.args[0] for message in messages])

    def _take(self) -> MessageProxy | None:
        claim = self._ledger.take()
        if claim is None:
            return None
        return MessageProxy(
            dramatiq.Message(self._queue_name, ACTOR, (claim.task_id,), {}, {}, message_id=claim.task_id, message_timestamp=0)
        )


class ThreadConnections(dramatiq.Middleware):
    """Closes a thread's database connection when the thread ends."""

    def __init__(self, database: Database) -> None:
        """Look after the connections to `database`."""
        self._database = database

    def before_worker_thread_shutdown(self, broker: dramatiq.Broker, thread: Any) -> None:  # noqa: ARG002, ANN401
        """Close the connection of a thread that ran tasks."""
        self._database.close()

    def before_consumer_thread_shutdown(self, broker: dramatiq.Broker, thread: Any) -> None:  # noqa: ARG002, ANN401
        """Close the connection of a consumer."""
        self._database.close()
