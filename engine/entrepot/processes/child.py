"""One child process: started, watched, started again with a growing pause, told to stop."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from entrepot import clock

log = logging.getLogger(__name__)

#: Seconds before the first new start of a child that died; doubled with each quick death.
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 30.0
#: Seconds a child must live for its next death to count as the first.
_STABLE_AFTER = 10.0


class Child:
    """A program that is to run; `command` is told its arguments anew at each start."""

    def __init__(self, label: str, arguments: Callable[[], Sequence[str]], environment: Mapping[str, str]) -> None:
        """Describe the child; its standard input is a pipe that ends when this process does, whatever ends it."""
        self.label = label
        self.arguments: Sequence[str] = ()
        self._make_arguments = arguments
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = _FIRST_PAUSE
        self._started = 0.0
        self._start_again_at = 0.0

    @property
    def pid(self) -> int | None:
        """The process id, or None while it does not run."""
        return self._process.pid if self._process else None

    @property
    def is_worker(self) -> bool:
        """True if it is a worker process."""
        return self.arguments[:1] == ["worker-process"]

    def start_if_due(self) -> None:
        """Start it if it does not run and its pause is over."""
        if self._process is None and clock.monotonic() >= self._start_again_at:
            self.arguments = self._make_arguments()
            command = [sys.executable, "-m", "entrepot", *self.arguments]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, env=self._environment)
            self._started = clock.monotonic()

    def died(self) -> int | None:
        """Return its exit code if it has ended since the last call, else None."""
        if self._process is None:
            return None
        code = self._process.poll()
        if code is None:
            return None
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None
        lived = clock.monotonic() - self._started
        self._pause = _FIRST_PAUSE if lived > _STABLE_AFTER else min(self._pause * 2, _LONGEST_PAUSE)
        self._start_again_at = clock.monotonic() + (self._pause if lived <= _STABLE_AFTER else 0.0)
        return code

    def tell(self, signal_number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None:
            try:
                os.kill(self._process.pid, signal_number)
            except ProcessLookupError:
                log.debug("%s had ended already", self.label)
