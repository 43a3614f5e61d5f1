"""Raw dramatiq on Redis: its own middleware and polling, no results; the transport that entrepot itself uses with Redis."""

from __future__ import annotations

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from queues import stamps

broker = RedisBroker(url=os.environ["QUEUE_REDIS_URL"])
dramatiq.set_broker(broker)


@dramatiq.actor(max_retries=0)
def nothing(number: int) -> None:
    stamps.leave(number)


def prepare() -> None:
    broker.client.flushdb()


def enqueue(number: int) -> None:
    nothing.send(number)
