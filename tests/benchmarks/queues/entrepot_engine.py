"""entrepot, on whatever the settings in the environment say: every durability and every limit by default.

`QUEUE_RESOURCES` says of how many resources each task reserves one, in turn: none by default, as the peers know no resources.
"""

from __future__ import annotations

import os
from functools import lru_cache

import entrepot
from entrepot import Call, Engine
from queues import stamps

_RESOURCES = int(os.environ.get("QUEUE_RESOURCES", "0"))


@entrepot.task(name="bench.plain")
def plain(number: int) -> None:
    stamps.leave(number)


@entrepot.task(name="bench.exclusive", resources=lambda number: [f"bench:{number % _RESOURCES}"])
def exclusive(number: int) -> None:
    stamps.leave(number)


_task = exclusive if _RESOURCES else plain


@lru_cache(maxsize=1)
def _engine() -> Engine:
    return Engine.from_settings()


def prepare() -> None:
    _engine().initialise()


def enqueue(number: int) -> None:
    _engine().enqueue(_task, number)


def enqueue_many(numbers: range) -> None:
    _engine().enqueue_many(Call(_task, (number,)) for number in numbers)
