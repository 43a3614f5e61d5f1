"""A task that notes each of its starts, and runs until the file that `QUEUE_HOLD` names is gone; for `bench_rescue`."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from pathlib import Path

import entrepot
from entrepot import Call, Engine
from queues import stamps

_LOOK_SECONDS = 0.1


@entrepot.task(name="bench.held", idempotent=True)
def held(number: int) -> None:
    stamps.leave(number)
    hold = Path(os.environ["QUEUE_HOLD"])
    while hold.exists():
        time.sleep(_LOOK_SECONDS)


@lru_cache(maxsize=1)
def _engine() -> Engine:
    return Engine.from_settings()


def prepare() -> None:
    _engine().initialise()


def enqueue_many(numbers: range) -> None:
    _engine().enqueue_many(Call(held, (number,)) for number in numbers)
