"""RQ on Redis: `SimpleWorker` (no fork for each job), results not kept."""

from __future__ import annotations

import os

from redis import Redis
from rq import Queue

from queues import stamps

_connection = Redis.from_url(os.environ["QUEUE_REDIS_URL"])
_queue = Queue("bench", connection=_connection)


def nothing(number: int) -> None:
    stamps.leave(number)


def prepare() -> None:
    _connection.flushdb()


def enqueue(number: int) -> None:
    _queue.enqueue(nothing, number, result_ttl=0)


def enqueue_many(numbers: range) -> None:
    _queue.enqueue_many([Queue.prepare_data(nothing, (number,), result_ttl=0) for number in numbers])
