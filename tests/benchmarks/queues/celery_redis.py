"""Celery on Redis: no results, acknowledged before the run (its default, and its fastest), pre-forked processes."""

from __future__ import annotations

import os

from celery import Celery
from redis import Redis

from queues import stamps

_URL = os.environ["QUEUE_REDIS_URL"]

app = Celery("bench", broker=_URL, backend=None)
app.conf.update(
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)


@app.task(name="nothing")
def nothing(number: int) -> None:
    stamps.leave(number)


def prepare() -> None:
    Redis.from_url(_URL).flushdb()


def enqueue(number: int) -> None:
    nothing.delay(number)
