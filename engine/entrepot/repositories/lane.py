"""A few threads that work off what lines up, and end when nothing does."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Lane:
    """Runs jobs in the order they come, a few at once; nobody waits for them at the end of the process."""

    def __init__(self, name: str, *, width: int) -> None:
        """Prepare; `width` jobs are run at once, at most."""
        self._name = name
        self._width = width
        self._waiting: deque[Callable[[], object]] = deque()
        self._running = 0
        self._lock = threading.Lock()

    def run(self, job: Callable[[], object]) -> None:
        """Line up a job, which must not raise."""
        with self._lock:
            self._waiting.append(job)
            if self._running >= self._width:
                return
            self._running += 1
        threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._running -= 1
                    return
                job = self._waiting.popleft()
            job()
