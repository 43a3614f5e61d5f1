"""The one shape of every background loop, and the thread that runs them.

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

from entrepot import clock

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
    """Runs loops in one thread, one round at a time."""

    def __init__(self, loops: Sequence[Loop], *, visit: Callable[[], AbstractContextManager[None]]) -> None:
        """Prepare to run `loops`; each round is made inside `visit()`, which opens and closes the database connection."""
        self._loops = loops
        self._visit = visit
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loops", daemon=True)

    def start(self) -> None:
        """Begin; the first round of each loop comes at once."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the present round and end."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        due = {loop.name: clock.monotonic() for loop in self._loops}
        while not self._stopping.is_set():
            for loop in self._loops:
                if clock.monotonic() >= due[loop.name] and not self._stopping.is_set():
                    self._go_round(loop)
                    due[loop.name] = clock.monotonic() + loop.period.total_seconds() * (1 + random.uniform(0, _JITTER))  # noqa: S311 - jitter
            self._stopping.wait(max(0.0, min(due.values()) - clock.monotonic()))

    def _go_round(self, loop: Loop) -> None:
        try:
            with self._visit():
                count = loop.round()
        except Exception:
            log.exception("The loop %s failed; it goes on in %s.", loop.name, loop.period)
        else:
            if count:
                log.info("%s: %s", loop.name, count)
