"""The one shape of every background loop, and the threads that run them.

A round is tested by calling it. This is one of the four borders where every exception is caught: a round that fails is
logged, and the next one comes.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

log = logging.getLogger(__name__)

#: Share of the period by which each wait varies, so that several processes do not go round in step.
_JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Loop:
    """`round` is called every `period`; its count says how much it found to do."""

    name: str
    period: timedelta
    round: Callable[[], int]


class LoopRunner:
    """Runs each loop in a thread of its own: none waits for another, whatever that one waits for."""

    def __init__(self, loops: Sequence[Loop], *, visit: Callable[[], AbstractContextManager[None]]) -> None:
        """Prepare to run `loops`; each round is made inside `visit()`, which opens and closes the database connection."""
        self._visit = visit
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(loop,), name=f"loop: {loop.name}", daemon=True) for loop in loops
        ]

    def start(self) -> None:
        """Begin; the first round of each loop comes at once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the rounds under way and end."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self, loop: Loop) -> None:
        while not self._stopping.is_set():
            self._go_round(loop)
            self._stopping.wait(loop.period.total_seconds() * (1 + random.uniform(0, _JITTER)))  # noqa: S311 - jitter

    def _go_round(self, loop: Loop) -> None:
        try:
            with self._visit():
                count = loop.round()
        except Exception:
            log.exception("The loop %s failed; it goes on in %s.", loop.name, loop.period)
        else:
            if count:
                log.info("%s: %s", loop.name, count)
