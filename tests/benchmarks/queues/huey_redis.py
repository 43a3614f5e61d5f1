"""huey on Redis: workers block until there is a task, results not kept."""

from __future__ import annotations

import os

from huey import RedisHuey

from queues import stamps

huey = RedisHuey("bench", url=os.environ["QUEUE_REDIS_URL"], blocking=True, results=False)


@huey.task()
def nothing(number: int) -> None:
    stamps.leave(number)


def prepare() -> None:
    huey.flush()


def enqueue(number: int) -> None:
    nothing(number)
