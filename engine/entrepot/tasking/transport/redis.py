"""Redis carries the bells: dramatiq's RedisBroker, with one queue of Redis for each queue of tasks.

A message is JSON with the id of a task that has become ready. A worker that hears it claims whatever is first in line, in
the database; the message is acknowledged at once, for it has done its work. So Redis may be away, restarted or emptied at
any time: rows are enqueued, handed over from task to task and completed without it, and workers look for themselves.

dramatiq's own consumer asks Redis again and again, at growing intervals. This one blocks on the list until there is
something in it (moving its head to its head changes nothing), which costs nothing while idle and wakes at once.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from redis.backoff import NoBackoff
from redis.retry import Retry

from entrepot import clock, failpoints
from entrepot.tasking.transport.consumer import ACTOR, LedgerConsumer, ThreadConnections

if TYPE_CHECKING:
    from dramatiq.broker import Consumer

    from entrepot.models import ChangeWatch, Database
    from entrepot.tasking.delivery import Bell
    from entrepot.tasking.ledger import Ledger

log = logging.getLogger(__name__)

#: Seconds to connect to Redis, and to wait for an answer; whoever enqueues waits for no longer.
_CONNECT_SECONDS = 1.0
_ANSWER_SECONDS = 1.0
#: Seconds for which a Redis that did not answer is left alone; doubled each time that it still does not.
_LEAVE_ALONE_SECONDS = 1.0
_LEAVE_ALONE_AT_MOST_SECONDS = 8.0
#: Bells rung for one commit at most: enough to wake so many idle threads; who finds more work goes on by itself.
_LOUDEST = 100
#: Bells taken at once at most; and where so many hang in one queue, another would wake nobody.
_HANDFUL = 1000
#: Bells, and seconds, after which the length of a queue is asked for again.
_COUNT_EVERY = 100
_COUNT_SECONDS = 1.0


def connect(url: str) -> redis.Redis:
    """Return a client for `redis://` or `rediss://`; a connection that was lost since its last use is replaced once."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


class _Absence:
    """Whether Redis is away, and until when it is left alone."""

    def __init__(self) -> None:
        self._until = 0.0
        self._seconds = _LEAVE_ALONE_SECONDS
        self.is_away = False

    @property
    def is_to_be_left_alone(self) -> bool:
        return clock.monotonic() < self._until

    def begin(self) -> None:
        self._until = clock.monotonic() + self._seconds
        self._seconds = min(self._seconds * 2, _LEAVE_ALONE_AT_MOST_SECONDS)
        self.is_away = True

    def end(self) -> None:
        self.is_away, self._seconds = False, _LEAVE_ALONE_SECONDS


class RedisDoorbell:
    """Rings by a message for each task; while Redis is away the database tells its watchers instead."""

    def __init__(self, url: str, prefix: str, database: Database) -> None:
        """Ring by the Redis at `url`, whose keys begin with `prefix`; connects when it first rings."""
        self._broker = RedisBroker(client=connect(url), namespace=prefix, middleware=[])
        self._database = database
        self._absence = _Absence()
        self._rung: Counter[str] = Counter()
        self._is_full: dict[str, bool] = {}
        self._count_at: dict[str, float] = {}

    def ring(self, bells: Sequence[Bell]) -> None:
        """Send a message for each bell, at most so many that everyone wakes."""
        if self._absence.is_to_be_left_alone:
            self._database.announce()
            return
        try:
            for bell in bells[:_LOUDEST]:
                if not self._has_enough(bell.queue):
                    self._broker.enqueue(dramatiq.Message(bell.queue, ACTOR, (bell.task_id,), {}, {}))
                    failpoints.reach("delivery.rung")
            self._absence.end()
        except Exception as error:  # noqa: BLE001 - what was rung for is committed: nothing that goes wrong here may look otherwise
            if not self._absence.is_away:
                log.warning("Redis does not take messages: %s. The tasks are kept; workers find them by themselves.", error)
            self._absence.begin()
            self._database.announce()

    def is_connected(self) -> bool:
        """Return whether Redis answers; one that did not a moment ago is not asked again yet."""
        if self._absence.is_to_be_left_alone:
            return False
        try:
            self._broker.client.execute_command("PING")
        except redis.RedisError:
            self._absence.begin()
            return False
        self._absence.end()
        return True

    def close(self) -> None:
        """Close the connections."""
        self._broker.client.close()

    def _has_enough(self, queue: str) -> bool:
        """Return True if so many messages wait in this queue that another would wake nobody; asks Redis now and then."""
        self._rung[queue] += 1
        now = clock.monotonic()
        if self._rung[queue] % _COUNT_EVERY == 0 or (self._is_full.get(queue) and now >= self._count_at[queue]):
            self._count_at[queue] = now + _COUNT_SECONDS
            length = self._broker.client.execute_command("LLEN", f"{self._broker.namespace}:{queue}")
            self._is_full[queue] = int(length) >= _HANDFUL
        return self._is_full.get(queue, False)


class WorkerRedisBroker(RedisBroker):
    """The broker of a worker process: hears bells by Redis, and claims by the ledger."""

    def __init__(self, url: str, prefix: str, ledger: Ledger, database: Database) -> None:
        """Listen to the Redis at `url`, whose keys begin with `prefix`."""
        super().__init__(  # type: ignore[no-untyped-call]  # the library has no types here
            client=connect(url), namespace=prefix, middleware=[ThreadConnections(database)]
        )
        self._ledger = ledger
        self._database = database

    def declare_actor(self, actor: dramatiq.Actor[Any, Any]) -> None:
        """Make `actor` known before its queue is consumed: tasks may be waiting, and a message without actor is dropped."""
        self.actors[actor.actor_name] = actor
        super().declare_actor(actor)

    def declare_queue(self, queue_name: str) -> None:
        """Start consuming; there is no queue for delayed messages, for tasks that are delayed wait in the database."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1000) -> Consumer:  # noqa: ARG002 - prefetch is the ledger's
        """Return a consumer that listens to one queue."""
        return RedisConsumer(self, self._ledger, self._database, queue_name, timeout_seconds=timeout / 1000)

    def acknowledge(self, queue_name: str, message_ids: Sequence[str]) -> None:
        """Acknowledge many messages in one round trip; the library does it one by one.

        Source of the keys: dramatiq 2, brokers/redis/dispatch.lua, commands `fetch` and `ack`.
        """
        if not message_ids:
            return
        with self.client.pipeline(transaction=False) as pipeline:
            pipeline.srem(f"{self.namespace}:__acks__.{self.broker_id}.{queue_name}", *message_ids)
            pipeline.hdel(f"{self.namespace}:{queue_name}.msgs", *message_ids)
            pipeline.execute()

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


class RedisConsumer(LedgerConsumer):
    """Waits for a message in one queue; while Redis is away, for news of the database."""

    def __init__(
        self, broker: WorkerRedisBroker, ledger: Ledger, database: Database, queue_name: str, *, timeout_seconds: float
    ) -> None:
        """Consume from `ledger`, and listen to `queue_name`."""
        super().__init__(ledger, queue_name, timeout_seconds=timeout_seconds)
        self._broker = broker
        self._database = database
        self._list = f"{broker.namespace}:{queue_name}"
        self._watch: ChangeWatch | None = None
        self._absence = _Absence()
        self._claims_with_a_bell = 0

    def wait_for_bell(self, timeout_seconds: float) -> bool:
        """Return True when a message has come; it is acknowledged."""
        if self._absence.is_to_be_left_alone:
            return self._wait_for_news(timeout_seconds)
        began = clock.monotonic()
        try:
            has_message = self._has_message(timeout_seconds)
            if has_message:
                self._take_bells()
        except redis.RedisError as error:
            self._note_absence(error)
            return True
        if self._absence.is_away:
            log.warning("Redis is back.")
            self._absence.end()
            return True
        if not has_message:
            self._pause.wait(max(0.0, began + timeout_seconds - clock.monotonic()))  # a server that does not block
        return has_message

    def while_busy(self) -> None:
        """Take the messages of tasks that were claimed without them: handed over in this process, or found by a look."""
        if self._absence.is_to_be_left_alone or self._ledger.claimed_count == self._claims_with_a_bell:
            return
        try:
            self._take_bells()
        except redis.RedisError as error:
            self._note_absence(error)

    def close(self) -> None:
        """Let go of the watch."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def _has_message(self, timeout_seconds: float) -> bool:
        """Return True as soon as there is a message; False if there is none in time."""
        head = self._broker.client.execute_command("BLMOVE", self._list, self._list, "LEFT", "LEFT", timeout_seconds)
        return head is not None

    def _take_bells(self) -> None:
        """Take as many messages as tasks were claimed here, at least one, so that no more pile up than tasks wait."""
        claimed = self._ledger.claimed_count
        wanted = min(_HANDFUL, max(1, claimed - self._claims_with_a_bell))
        messages = [dramatiq.Message.decode(data) for data in self._broker.do_fetch(self._queue_name, wanted) if data]
        self._broker.acknowledge(self._queue_name, [message.options["redis_message_id"] for message in messages])
        if len(messages) < wanted:
            self._claims_with_a_bell = claimed  # there are no others
        else:
            self._claims_with_a_bell += len(messages)

    def _note_absence(self, error: redis.RedisError) -> None:
        if not self._absence.is_away:
            log.warning("Redis does not answer: %s. Watching the database until it does.", error)
        self._absence.begin()

    def _wait_for_news(self, timeout_seconds: float) -> bool:
        if self._watch is None:
            self._watch = self._database.watch()
        return self._watch.wait(timeout_seconds)
